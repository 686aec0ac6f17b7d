#include "recommend/explore.h"

#include "recommend/trace.h"

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

static bool is_pinned(const struct choice *ch, uint32_t product_no)
{
    for (size_t i = 0; i < ch->pins_len; i++)
        if (ch->pins[i].product_no == product_no)
            return true;
    return false;
}

/* Does a rule say what the last of limit places shows? Pins beyond it would come forward in a short list. */
static bool is_ruled(const struct view *view, const struct choice *ch, uint32_t limit)
{
    size_t n;
    const uint16_t *rules = rules_in_force(ch->rules, &n);
    for (size_t i = 0; i < n; i++)
        if (rules_at(view, rules[i])->action == RULE_REQUIRE)
            return true;
    for (size_t i = 0; i < ch->pins_len; i++)
        if (ch->pins[i].position >= limit)
            return true;
    for (size_t i = limit - 1; i < ch->len; i++)
        if (is_pinned(ch, ch->items[i].product_no))
            return true;
    return false;
}

enum err_code explore_run(const struct view *view, const struct recommend_request *request,
                          double rate, struct rng *rng, struct arena *arena,
                          struct recommend_result *out, struct explored *explored, struct err *err)
{
    struct recommend_request longer = *request;
    struct recommend_trace t;
    uint32_t more = request->limit + EXPLORE_MORE;
    *explored = (struct explored){0};
    if (!(rate > 0))
        return recommend_run(view, request, arena, out, err);
    longer.limit = more < RECOMMEND_LIMIT_MAX ? more : RECOMMEND_LIMIT_MAX;
    enum err_code code = recommend_trace_run(view, &longer, arena, &t, err);
    if (code != ERR_OK)
        return code;
    if (is_ruled(view, &t.choice, request->limit))
        return recommend_run(view, request, arena, out, err);
    *out = (struct recommend_result){t.choice.items, t.choice.len, t.profile.len > 0};
    return explore_last(out, request->limit, rate, rng, arena, explored, err);
}
