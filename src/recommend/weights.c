#include "recommend/weights.h"

#include "base/check.h"
#include "base/tuning.h"
#include "recommend/candidates.h"
#include "recommend/sources.h"

/* of factors; of each product of a profile that reads alike; near, with and next to each product of a context;
 * of texts; of a shelf */
#define CANDIDATES(factors_, profile_alike_, near_, with_, next_, alike_, shelf)                   \
    {                                                                                              \
        .factors = factors_, .profile_near = 40, .profile_with = 40, .profile_next = 40,           \
        .profile_alike = profile_alike_, .near = near_, .with = with_, .next = next_,              \
        .alike = alike_, .sessions = 60, .trending = shelf, .arrivals = shelf                      \
    }

/* What no measurement has chosen otherwise. */
#define USUAL_CANDIDATES CANDIDATES(80, 40, 40, 40, 40, TEXT_CANDIDATES_MAX, 200)

/* Of one category in a hundred the first few of everything are too few. */
#define DEEP_CANDIDATES CANDIDATES(800, 40, 40, 40, 40, TEXT_CANDIDATES_MAX, SHELF_MAX)

const struct recommend_weights recommend_weights_default = {
    {[PLACEMENT_HOME] = {.factors = 0.85f,
                         .profile_near = 0.15f,
                         .profile_next = 0.02f,
                         .profile_alike = 0.3f,
                         .sessions = 0.3f,
                         .trending = 0.4f,
                         .arrivals = 0.36f,
                         .candidates = CANDIDATES(240, 60, 40, 40, 40, TEXT_CANDIDATES_MAX, 300)},
     [PLACEMENT_SIMILAR] = {.near = 1,
                            .with = 0.3f,
                            .next = 0.5f,
                            .alike = 0.3f,
                            .sessions = 0.5f,
                            .candidates = CANDIDATES(80, 40, 60, 40, 60, 700, 200)},
     [PLACEMENT_BOUGHT_TOGETHER] =
         {.with = 1, .near = 0.6f, .next = 0.35f, .candidates = USUAL_CANDIDATES},
     [PLACEMENT_CART] = {.with = 1.7f,
                         .near = 0.6f,
                         .next = 0.35f,
                         .trending = 0.16f,
                         .candidates = CANDIDATES(80, 40, 40, 5, 40, TEXT_CANDIDATES_MAX, 200)},
     [PLACEMENT_TRENDING] = {.trending = 1, .candidates = USUAL_CANDIDATES},
     [PLACEMENT_NEW] = {.arrivals = 1, .candidates = USUAL_CANDIDATES},
     [PLACEMENT_VIEWED_AFTER] =
         {.next = 1, .near = 0.1f, .sessions = 1, .candidates = USUAL_CANDIDATES},
     [PLACEMENT_CHECKOUT] =
         {.with = 1, .near = 0.6f, .next = 0.3f, .trending = 0.1f, .candidates = USUAL_CANDIDATES},
     [PLACEMENT_ORDER_CONFIRMATION] = {.next = 1,
                                       .near = 0.5f,
                                       .factors = 0.5f,
                                       .trending = 0.05f,
                                       .candidates = USUAL_CANDIDATES},
     [PLACEMENT_CATEGORY] = {.factors = 1,
                             .profile_near = 0.3f,
                             .profile_with = 0.2f,
                             .profile_next = 0.1f,
                             .trending = 0.4f,
                             .candidates = DEEP_CANDIDATES},
     [PLACEMENT_SEARCH] = {.near = 1,
                           .with = 0.3f,
                           .next = 0.3f,
                           .alike = 0.5f,
                           .factors = 0.3f,
                           .trending = 0.05f,
                           .candidates = USUAL_CANDIDATES}}};

static const struct tuning tunings[] = {
#define AT(field) offsetof(struct placement_weights, field)
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
    {"novelty", AT(novelty), TUNING_FLOAT, 0, 1},
    {"margin", AT(margin), TUNING_FLOAT, 0, 1},
    {"factors.candidates", AT(candidates.factors), TUNING_U32, 1, FACTOR_CANDIDATES_MAX},
    {"profile_near.candidates", AT(candidates.profile_near), TUNING_U32, 1,
     RECOMMEND_NEIGHBOURS_MAX},
    {"profile_with.candidates", AT(candidates.profile_with), TUNING_U32, 1,
     RECOMMEND_NEIGHBOURS_MAX},
    {"profile_next.candidates", AT(candidates.profile_next), TUNING_U32, 1,
     RECOMMEND_NEIGHBOURS_MAX},
    {"profile_alike.candidates", AT(candidates.profile_alike), TUNING_U32, 1,
     RECOMMEND_NEIGHBOURS_MAX},
    {"near.candidates", AT(candidates.near), TUNING_U32, 1, RECOMMEND_NEIGHBOURS_MAX},
    {"with.candidates", AT(candidates.with), TUNING_U32, 1, RECOMMEND_NEIGHBOURS_MAX},
    {"next.candidates", AT(candidates.next), TUNING_U32, 1, RECOMMEND_NEIGHBOURS_MAX},
    {"alike.candidates", AT(candidates.alike), TUNING_U32, 1, TEXT_CANDIDATES_MAX},
    {"sessions.candidates", AT(candidates.sessions), TUNING_U32, 1, SESSION_CANDIDATES_MAX},
    {"trending.candidates", AT(candidates.trending), TUNING_U32, 1, SHELF_MAX},
    {"arrivals.candidates", AT(candidates.arrivals), TUNING_U32, 1, SHELF_MAX},
#undef AT
};

enum { TUNINGS = sizeof tunings / sizeof *tunings };
_Static_assert((int)TUNINGS == (int)PLACEMENT_WEIGHTS &&
                   offsetof(struct placement_weights, candidates) ==
                       FIRST_CANDIDATES * sizeof(float) &&
                   sizeof(struct source_candidates) == SOURCE_WEIGHTS * sizeof(uint32_t),
               "each weight and count has a name");
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

float placement_weight(const struct placement_weights *w, size_t i)
{
    CHECK(i < TUNINGS);
    return (float)tuning_get(&tunings[i], w);
}

static void put(struct placement_weights *w, size_t i, float value)
{
    void *field = (char *)w + tunings[i].offset;
    if (tunings[i].type == TUNING_FLOAT)
        *(float *)field = value;
    else
        *(uint32_t *)field = (uint32_t)value;
}

void placement_weight_put(struct placement_weights *w, size_t i, float value)
{
    CHECK(i < TUNINGS);
    float lo = (float)tunings[i].lo, hi = (float)tunings[i].hi;
    put(w, i, value < lo ? lo : value > hi ? hi : value);
}

const char *placement_weight_name(size_t i)
{
    CHECK(i < TUNINGS);
    return tunings[i].name;
}

void placement_weights_json(const struct placement_weights *w, struct json_writer *out)
{
    tuning_json(tunings, TUNINGS, w, out);
}

struct placement_weights recommend_weights_of(const struct recommend_request *r)
{
    const struct placement_weights *usual = &recommend_weights_default.of[r->placement];
    struct placement_weights w = r->weights ? r->weights->of[r->placement] : *usual;
    for (size_t i = FIRST_CANDIDATES; i < TUNINGS; i++)
        if (!placement_weight_said(&w, i))
            put(&w, i, placement_weight(usual, i));
    return w;
}

/* --- parts of them ----------------------------------------------------------------------------- */

/* Below what any of this name may be. */
static float unsaid(size_t i)
{
    return (float)tunings[i].lo - 1;
}

void placement_weights_unset(struct placement_weights *w)
{
    for (size_t i = 0; i < TUNINGS; i++)
        put(w, i, unsaid(i));
}

bool placement_weight_said(const struct placement_weights *w, size_t i)
{
    return placement_weight(w, i) > unsaid(i);
}

void placement_weights_override(struct placement_weights *w, const struct placement_weights *says)
{
    for (size_t i = 0; i < TUNINGS; i++)
        if (placement_weight_said(says, i))
            put(w, i, placement_weight(says, i));
}
