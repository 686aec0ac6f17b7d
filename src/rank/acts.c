#include "rank/acts.h"

#include <stdlib.h>

#include "base/clock.h"

enum { DAY_S = 86400 };

static bool known_fresh(const struct user_action *fresh, size_t n, const struct user_action *act)
{
    for (size_t i = 0; i < n; i++)
        if (fresh[i].product_no == act->product_no && fresh[i].type == act->type &&
            fresh[i].time_s / DAY_S == act->time_s / DAY_S)
            return true;
    return false;
}

/* Behind the fresh ones; returns how many there are then. */
static size_t add_history(const struct recommend_model *m, uint32_t user_no,
                          struct user_action *items, size_t fresh)
{
    const uint32_t *acts;
    const uint16_t *days;
    size_t n = recommend_model_history(m, user_no, &acts, &days), len = fresh;
    uint32_t oldest_fresh = fresh ? items[fresh - 1].time_s : UINT32_MAX;
    for (size_t i = 0; i < n && i < ACTS_HISTORY_MAX; i++) {
        struct user_action act = {.product_no = m->items[HISTORY_ROW(acts[i])],
                                  .time_s = (uint32_t)days[i] * DAY_S + (DAY_S - 1),
                                  .type = HISTORY_TYPE(acts[i])};
        if (act.time_s < oldest_fresh || !known_fresh(items, fresh, &act))
            items[len++] = act;
    }
    return len;
}

static int by_product(const void *a, const void *b)
{
    const struct user_action *x = a, *y = b;
    return x->product_no < y->product_no ? -1 : x->product_no > y->product_no;
}

enum err_code acts_load(const struct view *view, uint32_t user_no, struct arena *arena,
                        struct acts *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    *out = (struct acts){0};
    if (user_no == 0)
        return ERR_OK;
    struct user_action *items =
        arena_try_alloc(arena, (USERS_ACTIONS_MAX + ACTS_HISTORY_MAX) * sizeof *items);
    if (!items)
        return err_set(err, ERR_LIMIT, "what the shopper did does not fit");
    uint32_t known = users_resolve(view->users, user_no);
    size_t n = users_recent(view->users, known, items, USERS_ACTIONS_MAX);
    if (m)
        n = add_history(m, known, items, n);
    qsort(items, n, sizeof *items, by_product);
    *out = (struct acts){items, n};
    return ERR_OK;
}

bool acts_any(const struct acts *acts, uint32_t product_no, uint32_t types, int64_t since_us)
{
    size_t low = 0, high = acts ? acts->len : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (acts->items[mid].product_no < product_no)
            low = mid + 1;
        else
            high = mid;
    }
    for (; acts && low < acts->len && acts->items[low].product_no == product_no; low++)
        if (types >> acts->items[low].type & 1 &&
            (int64_t)acts->items[low].time_s * CLOCK_US_PER_S >= since_us)
            return true;
    return false;
}
