#include "recommend/explore.h"

_Static_assert(EXPLORE_MORE <= UINT8_MAX, "a rank is a byte");

enum err_code explore_last(struct recommend_result *found, uint32_t limit, double rate,
                           struct rng *rng, struct arena *arena, struct explored *out,
                           struct err *err)
{
    *out = (struct explored){0};
    if (found->len <= limit)
        return ERR_OK;
    size_t n = found->len - limit + 1, pick = 0;
    struct recommend_item *items = arena_try_alloc(arena, limit * sizeof *items);
    if (!items)
        return err_set(err, ERR_LIMIT, "the recommendations do not fit");
    if (rng_unit(rng) < rate)
        pick = rng_below(rng, n);
    memcpy(items, found->items, limit * sizeof *items);
    items[limit - 1] = found->items[limit - 1 + pick];
    *out = (struct explored){items[limit - 1].product_no,
                             (float)(rate / (double)n + (pick == 0 ? 1 - rate : 0)), (uint8_t)pick};
    found->items = items;
    found->len = limit;
    return ERR_OK;
}
