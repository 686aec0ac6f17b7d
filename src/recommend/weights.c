#include "recommend/weights.h"

#include "base/check.h"
#include "base/tuning.h"

const struct recommend_weights recommend_weights_default = {
    {[PLACEMENT_HOME] = {.factors = 1,
                         .profile_near = 0.3f,
                         .profile_with = 0.2f,
                         .profile_next = 0.1f,
                         .trending = 0.4f,
                         .arrivals = 0.3f},
     [PLACEMENT_SIMILAR] = {.near = 1, .with = 0.2f, .next = 0.5f, .alike = 0.4f},
     [PLACEMENT_BOUGHT_TOGETHER] = {.with = 1, .near = 0.3f, .next = 0.3f},
     [PLACEMENT_CART] = {.with = 1, .near = 0.6f, .next = 0.3f, .trending = 0.02f},
     [PLACEMENT_TRENDING] = {.trending = 1},
     [PLACEMENT_NEW] = {.arrivals = 1}}};

static const struct tuning tunings[] = {
#define AT(field)                                                                                  \
    {                                                                                              \
#field, offsetof(struct source_weights, field), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX      \
    }
    AT(factors), AT(profile_near), AT(profile_with), AT(profile_next), AT(near),
    AT(with),    AT(next),         AT(alike),        AT(trending),     AT(arrivals),
#undef AT
};

enum { TUNINGS = sizeof tunings / sizeof *tunings };
_Static_assert((int)TUNINGS == (int)SOURCE_WEIGHTS &&
                   sizeof(struct source_weights) == TUNINGS * sizeof(float),
               "each weight has a name");

enum err_code recommend_weight_set(struct recommend_weights *w, struct str text, struct err *err)
{
    enum placement placement;
    struct str rest = text, name = str_split(&rest, '.');
    if (!placement_of(name, &placement))
        return err_set(err, ERR_INVALID, "'%.*s': there is no such placement", STR_ARG(name));
    return tuning_set(tunings, TUNINGS, &w->of[placement], rest, err);
}

bool recommend_weights_equal(const struct recommend_weights *a, const struct recommend_weights *b)
{
    for (size_t p = 0; p < PLACEMENTS; p++)
        if (!tuning_equal(tunings, TUNINGS, &a->of[p], &b->of[p]))
            return false;
    return true;
}

static size_t offset_of(size_t i)
{
    CHECK(i < TUNINGS);
    return tunings[i].offset;
}

float source_weight(const struct source_weights *s, size_t i)
{
    return *(const float *)(const void *)((const char *)s + offset_of(i));
}

void source_weight_put(struct source_weights *s, size_t i, float value)
{
    *(float *)(void *)((char *)s + offset_of(i)) = value;
}

void source_weights_json(const struct source_weights *s, struct json_writer *w)
{
    for (size_t i = 0; i < TUNINGS; i++) {
        jw_key(w, str_of(tunings[i].name));
        jw_decimal(w, (double)source_weight(s, i), 6);
    }
}
