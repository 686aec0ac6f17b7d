/* bands.h - shoppers who choose by a rule that no source of candidates knows: mostly products of their kind and
 * in their band of prices. */
#ifndef TESTS_TRAIN_BANDS_H
#define TESTS_TRAIN_BANDS_H

#include "base/rng.h"
#include "store/records.h"

enum { PRODUCTS = 600, KINDS = 5, BANDS = 4, USERS = 400, DAYS = 100 };
#define DAY   ((int64_t)86400 * 1000000)
#define BEGIN ((int64_t)20000 * DAY)
#define END   (BEGIN + DAYS * DAY)

static inline int64_t price_of(uint32_t no)
{
    return 100 + (int64_t)(no * 7919 % 1000);
}

static inline uint32_t band_of(uint32_t no)
{
    return (uint32_t)(price_of(no) - 100) / (1000 / BANDS);
}

static inline uint32_t choose(struct rng *rng, uint32_t user)
{
    uint32_t kind = rng_below(rng, 5) ? user % KINDS : (uint32_t)rng_below(rng, KINDS);
    uint32_t no, tries = 0;
    do
        no = (uint32_t)rng_below(rng, PRODUCTS / KINDS) * KINDS + kind;
    while ((no == 0 || band_of(no) != user / KINDS % BANDS) && tries++ < 12);
    return no ? no : KINDS;
}

typedef void visit_fn(void *arg, uint32_t user, uint32_t product, int64_t time_us,
                      enum event_type type);

/** Every few days each looks at three products; some they buy. */
static inline void visits(uint64_t seed, visit_fn *visit, void *arg)
{
    struct rng rng;
    rng_init(&rng, seed);
    for (uint32_t user = 1; user <= USERS; user++)
        for (int64_t t = BEGIN + (int64_t)rng_below(&rng, 20) * DAY; t < END;
             t += (int64_t)(5 + rng_below(&rng, 20)) * DAY)
            for (int n = 0; n < 3; n++) {
                uint32_t no = choose(&rng, user);
                bool buys = rng_below(&rng, 4) == 0;
                visit(arg, user, no, t + n * 60000000, buys ? EVENT_PURCHASE : EVENT_VIEW);
            }
}

#endif
