#include "recommend/again.h"

#include <stdlib.h>

#include "recommend/profile.h"

enum { HISTORY_MAX = 256, SECONDS_PER_DAY = 86400 };

struct purchase {
    uint32_t product_no, day;
};

float again_rate(float share, float interval_days, uint32_t bought, float since_first_days)
{
    return share * ((float)bought - 1 + 2 * share) / (since_first_days + 2 * interval_days);
}

static int by_product_and_day(const void *a, const void *b)
{
    const struct purchase *x = a, *y = b;
    if (x->product_no != y->product_no)
        return x->product_no < y->product_no ? -1 : 1;
    return (x->day > y->day) - (x->day < y->day);
}

static int by_rate(const void *a, const void *b)
{
    const struct again_item *x = a, *y = b;
    if (x->rate != y->rate)
        return x->rate > y->rate ? -1 : 1;
    return (x->product_no > y->product_no) - (x->product_no < y->product_no);
}

/* Fresh ones and those of the model's history: what both know falls on the same days. Returns how many. */
static size_t read_purchases(const struct view *view, const struct recommend_model *m,
                             uint32_t user_no, struct purchase *out)
{
    struct user_action fresh[USERS_ACTIONS_MAX];
    const uint32_t *acts;
    const uint16_t *days;
    size_t n = 0, fresh_len = users_recent(view->users, user_no, fresh, USERS_ACTIONS_MAX);
    for (size_t i = 0; i < fresh_len; i++)
        if (fresh[i].type == EVENT_PURCHASE)
            out[n++] = (struct purchase){fresh[i].product_no, fresh[i].time_s / SECONDS_PER_DAY};
    size_t history_len = recommend_model_history(m, user_no, &acts, &days);
    for (size_t i = 0; i < history_len && i < HISTORY_MAX; i++)
        if (HISTORY_TYPE(acts[i]) == EVENT_PURCHASE)
            out[n++] = (struct purchase){m->items[HISTORY_ROW(acts[i])], days[i]};
    return n;
}

/* purchases [n] of one product, by day. */
static bool item_of(const struct recommend_model *m, const struct purchase *purchases, size_t n,
                    uint32_t today, struct again_item *out)
{
    uint32_t row = recommend_model_row(m, purchases[0].product_no);
    uint32_t first = purchases[0].day, last = purchases[n - 1].day, bought = 1;
    if (row == UINT32_MAX || m->again_share[row] < AGAIN_SHARE_MIN)
        return false;
    for (size_t i = 1; i < n; i++)
        bought += purchases[i].day != purchases[i - 1].day;
    float interval = m->again_days[row];
    float since_first = today > first ? (float)(today - first) : 0;
    float since_last = today > last ? (float)(today - last) : 0;
    *out = (struct again_item){
        .product_no = purchases[0].product_no,
        .bought = bought,
        .first_s = first * SECONDS_PER_DAY,
        .last_s = last * SECONDS_PER_DAY,
        .rate = again_rate(m->again_share[row], interval, bought, since_first),
        .interval_days = interval,
        .due = since_last >= AGAIN_DUE * interval && m->again_share[row] >= AGAIN_DUE_SHARE};
    return since_last >= AGAIN_REST * interval && out->rate > 0;
}

enum err_code again_load(const struct view *view, uint32_t user_no, int64_t now_us,
                         struct arena *arena, struct again *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    int64_t day = now_us / 1000000 / SECONDS_PER_DAY;
    uint32_t today = day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (uint32_t)day;
    *out = (struct again){0};
    if (user_no == 0 || !m)
        return ERR_OK;
    struct purchase *purchases =
        arena_try_alloc(arena, (USERS_ACTIONS_MAX + HISTORY_MAX) * sizeof *purchases);
    if (!purchases)
        return err_set(err, ERR_LIMIT, "the shopper's purchases do not fit");
    size_t n = read_purchases(view, m, users_resolve(view->users, user_no), purchases);
    out->items = arena_try_alloc(arena, (n + 1) * sizeof *out->items);
    if (!out->items)
        return err_set(err, ERR_LIMIT, "the shopper's purchases do not fit");
    qsort(purchases, n, sizeof *purchases, by_product_and_day);
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && purchases[end].product_no == purchases[begin].product_no;)
            end++;
        out->len += item_of(m, purchases + begin, end - begin, today, &out->items[out->len]);
    }
    qsort(out->items, out->len, sizeof *out->items, by_rate);
    return ERR_OK;
}
