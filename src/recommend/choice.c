#include "recommend/choice.h"

#include <string.h>

#include "base/check.h"

static bool group_of(const struct view *view, uint32_t product_no, uint64_t *group)
{
    struct location at = catalogue_locate(view->catalogue, product_no);
    if (!location_found(at))
        return false;
    *group = view->catalogue->segments[at.slot]->group[at.doc];
    return true;
}

struct rules_asker choice_asker(const struct recommend_request *r)
{
    return (struct rules_asker){.place = str_of(placement_name(r->placement)),
                                .user_no = r->user_no,
                                .known = r->known,
                                .attributes = r->attributes,
                                .named = r->named_rules,
                                .named_len = r->named_rules_len,
                                .now_us = r->now_us};
}

/* A small addition at the till costs at most this part of the prices of the context. */
enum { ADDITION_PART = 3 };

static void cap_price(struct choice *ch)
{
    const struct recommend_request *r = ch->request;
    struct live_row row;
    int64_t sum = 0;
    ch->price_most = -1;
    if (r->placement != PLACEMENT_CHECKOUT)
        return;
    for (size_t i = 0; i < r->context_len && i < RECOMMEND_CONTEXT_MAX; i++) {
        live_get(ch->view->live, r->context[i], &row);
        if (row.status == PRODUCT_DELETED || row.price_minor == STORE_NO_AMOUNT ||
            (sum > 0 && row.currency != ch->currency))
            continue;
        ch->currency = row.currency;
        if (__builtin_add_overflow(sum, row.price_minor, &sum))
            sum = INT64_MAX;
    }
    ch->price_most = sum / ADDITION_PART;
}

static bool too_dear(const struct choice *ch, uint32_t product_no)
{
    struct live_row row;
    if (ch->price_most < 0)
        return false;
    live_get(ch->view->live, product_no, &row);
    return row.price_minor == STORE_NO_AMOUNT || row.currency != ch->currency ||
           row.price_minor > ch->price_most;
}

enum err_code choice_init(struct choice *ch, const struct view *view,
                          const struct recommend_request *r, const struct candidates *candidates,
                          float *totals, struct arena *arena, struct err *err)
{
    const struct rules_asker asker = choice_asker(r);
    *ch = (struct choice){.view = view, .request = r, .candidates = candidates, .totals = totals};
    ch->items = arena_try_alloc(arena, r->limit * sizeof *ch->items);
    ch->groups = arena_try_alloc(arena, r->limit * sizeof *ch->groups);
    ch->positions = arena_try_alloc(arena, r->limit * sizeof *ch->positions);
    ch->context_groups = arena_try_alloc(arena, (r->context_len + 1) * sizeof *ch->context_groups);
    ch->pins = arena_try_alloc(arena, r->limit * sizeof *ch->pins);
    if (!ch->items || !ch->groups || !ch->positions || !ch->context_groups || !ch->pins)
        return err_set(err, ERR_LIMIT, "the recommendations do not fit");
    cap_price(ch);
    for (size_t i = 0; i < r->context_len; i++)
        ch->context_len += group_of(view, r->context[i], &ch->context_groups[ch->context_len]);
    return rules_begin(view, &asker, arena, &ch->rules, err);
}

static bool holds(const uint64_t *groups, size_t n, uint64_t group)
{
    for (size_t i = 0; i < n; i++)
        if (groups[i] == group)
            return true;
    return false;
}

enum obstacle choice_obstacle(const struct choice *ch, struct location at, uint32_t product_no)
{
    uint64_t group = ch->view->catalogue->segments[at.slot]->group[at.doc];
    if (!live_sellable(ch->view->live, product_no))
        return OBSTACLE_NOT_FOR_SALE;
    if (candidates_barred(ch->candidates, product_no))
        return OBSTACLE_BARRED;
    /* A variant of what the page is about is no recommendation. */
    if (holds(ch->context_groups, ch->context_len, group))
        return OBSTACLE_OF_CONTEXT;
    if (!filter_match(ch->request->filter, at.slot, at.doc))
        return OBSTACLE_FILTER;
    if (too_dear(ch, product_no))
        return OBSTACLE_TOO_DEAR;
    struct rules_verdict verdict = rules_judge(ch->rules, at);
    if (verdict.hidden)
        return OBSTACLE_HIDDEN;
    if (holds(ch->groups, ch->len, group))
        return OBSTACLE_GROUP;
    return verdict.capped ? OBSTACLE_CAP : OBSTACLE_NONE;
}

enum err_code choice_put(struct choice *ch, struct location at, uint32_t product_no, float score,
                         struct err *err)
{
    DCHECK(ch->len < ch->request->limit);
    ch->groups[ch->len] = ch->view->catalogue->segments[at.slot]->group[at.doc];
    ch->positions[ch->len] = 0;
    ch->items[ch->len++] = (struct recommend_item){product_no, score, REASON_POPULAR, 0};
    return rules_take(ch->rules, at, err);
}

enum err_code choice_add(struct choice *ch, uint32_t product_no, float score, bool *taken,
                         struct err *err)
{
    struct location at = catalogue_locate(ch->view->catalogue, product_no);
    *taken = location_found(at) && choice_obstacle(ch, at, product_no) == OBSTACLE_NONE;
    return *taken ? choice_put(ch, at, product_no, score, err) : ERR_OK;
}

void choice_remove(struct choice *ch, size_t i)
{
    size_t behind = --ch->len - i;
    rules_give_back(ch->rules, catalogue_locate(ch->view->catalogue, ch->items[i].product_no));
    memmove(ch->items + i, ch->items + i + 1, behind * sizeof *ch->items);
    memmove(ch->groups + i, ch->groups + i + 1, behind * sizeof *ch->groups);
    memmove(ch->positions + i, ch->positions + i + 1, behind * sizeof *ch->positions);
}

float choice_total(const struct choice *ch, uint32_t product_no)
{
    return ch->totals[candidates_find(ch->candidates, product_no)];
}
