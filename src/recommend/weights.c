#include "recommend/weights.h"

#include "base/check.h"
#include "base/tuning.h"
#include "recommend/candidates.h"

const struct recommend_weights recommend_weights_default = {
    {[PLACEMENT_HOME] = {.factors = 1,
                         .profile_near = 0.3f,
                         .profile_with = 0.2f,
                         .profile_next = 0.1f,
                         .profile_alike = 0.3f,
                         .sessions = 0.3f,
                         .trending = 0.4f,
                         .arrivals = 0.3f},
     [PLACEMENT_SIMILAR] = {.near = 1, .with = 0.2f, .next = 0.5f, .alike = 0.4f, .sessions = 0.5f},
     [PLACEMENT_BOUGHT_TOGETHER] = {.with = 1, .near = 0.3f, .next = 0.3f},
     [PLACEMENT_CART] = {.with = 1, .near = 0.6f, .next = 0.3f, .trending = 0.02f},
     [PLACEMENT_TRENDING] = {.trending = 1},
     [PLACEMENT_NEW] = {.arrivals = 1},
     [PLACEMENT_VIEWED_AFTER] = {.next = 1, .near = 0.1f, .sessions = 1},
     [PLACEMENT_CHECKOUT] = {.with = 1, .near = 0.6f, .next = 0.3f, .trending = 0.1f},
     [PLACEMENT_ORDER_CONFIRMATION] = {.next = 1, .near = 0.5f, .factors = 0.5f, .trending = 0.05f},
     [PLACEMENT_CATEGORY] = {.factors = 1,
                             .profile_near = 0.3f,
                             .profile_with = 0.2f,
                             .profile_next = 0.1f,
                             .trending = 0.4f},
     [PLACEMENT_SEARCH] = {.near = 1,
                           .with = 0.3f,
                           .next = 0.3f,
                           .alike = 0.5f,
                           .factors = 0.3f,
                           .trending = 0.05f}}};

static const struct tuning tunings[] = {
#define AT(field) offsetof(struct source_weights, field)
    {"factors", AT(factors), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"profile_near", AT(profile_near), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"profile_with", AT(profile_with), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"profile_next", AT(profile_next), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"profile_alike", AT(profile_alike), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"near", AT(near), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"with", AT(with), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"next", AT(next), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"alike", AT(alike), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"sessions", AT(sessions), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"trending", AT(trending), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"arrivals", AT(arrivals), TUNING_FLOAT, 0, RECOMMEND_WEIGHT_MAX},
    {"diversity", AT(diversity), TUNING_FLOAT, 0, 1},
#undef AT
};

enum { TUNINGS = sizeof tunings / sizeof *tunings };
_Static_assert((int)TUNINGS == (int)SOURCE_WEIGHTS + 1 &&
                   sizeof(struct source_weights) == TUNINGS * sizeof(float),
               "each weight has a name");
_Static_assert((int)SOURCE_WEIGHTS <= (int)CANDIDATES_SOURCES_MAX, "all may say something");

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

float source_weight(const struct source_weights *s, size_t i)
{
    CHECK(i < SOURCE_WEIGHTS);
    return (float)tuning_get(&tunings[i], s);
}

void source_weight_put(struct source_weights *s, size_t i, float value)
{
    CHECK(i < SOURCE_WEIGHTS);
    *(float *)(void *)((char *)s + tunings[i].offset) = value;
}

const char *source_weight_name(size_t i)
{
    CHECK(i < SOURCE_WEIGHTS);
    return tunings[i].name;
}

void source_weights_json(const struct source_weights *s, struct json_writer *w)
{
    tuning_json(tunings, TUNINGS, s, w);
}
