#include "eval/list_cases.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

struct reading {
    const struct interactions *it;
    const struct view *view;
    struct list_cases *out;
    int64_t split, until;
    bool guests;
    uint8_t *mark; /* [products_end] of what is at hand; all 0 between cases */
    struct rng rng;
};

enum { MARK_PAST = 1, MARK_TAKEN = 2 };

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool can_be_shown(const struct view *view, uint32_t product_no)
{
    return live_sellable(view->live, product_no) &&
           location_found(catalogue_locate(view->catalogue, product_no));
}

/* Room for one more of either. */
static enum err_code reserve(struct list_cases *c, struct err *err)
{
    if (c->len == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 1024;
        void *items = mem_try_resize(c->items, cap, sizeof *c->items);
        if (!items)
            return err_set(err, ERR_MEMORY, "no memory for %zu lists", cap);
        c->items = items;
        c->cap = cap;
    }
    if (c->products_len == c->products_cap) {
        size_t cap = c->products_cap ? 2 * c->products_cap : 4096;
        void *products = mem_try_resize(c->products, cap, sizeof *c->products);
        if (!products)
            return err_set(err, ERR_MEMORY, "no memory for %zu products", cap);
        c->products = products;
        c->products_cap = cap;
    }
    return ERR_OK;
}

static enum err_code append(struct list_cases *c, uint32_t product_no, struct err *err)
{
    enum err_code code = reserve(c, err);
    if (code == ERR_OK)
        c->products[c->products_len++] = product_no;
    return code;
}

/* What was appended since `at` is a case, if something is asked for; else it is dropped. */
static enum err_code finish(struct list_cases *c, size_t at, uint32_t user_no, size_t context_len,
                            struct err *err)
{
    size_t truth_len = c->products_len - at - context_len;
    if (truth_len == 0) {
        c->products_len = at;
        return ERR_OK;
    }
    enum err_code code = reserve(c, err);
    if (code != ERR_OK)
        return code;
    qsort(c->products + at + context_len, truth_len, sizeof *c->products, ascending);
    c->items[c->len++] =
        (struct list_case){user_no, (uint32_t)context_len, (uint32_t)truth_len, at};
    return ERR_OK;
}

/* --- a shopper ------------------------------------------------------------------------------- */

static enum err_code read_shopper(struct reading *g, size_t begin, size_t end, struct err *err)
{
    const struct interactions *it = g->it;
    struct list_cases *c = g->out;
    size_t at = c->products_len;
    enum err_code code = ERR_OK;
    if (it->time[begin] >= g->split || it->time[end - 1] < g->split)
        return ERR_OK;
    for (size_t i = begin; i < end && code == ERR_OK; i++) {
        uint8_t *mark = &g->mark[it->product_no[i]];
        if (it->time[i] < g->split) {
            *mark = MARK_PAST;
        } else if (it->time[i] < g->until && !*mark && can_be_shown(g->view, it->product_no[i])) {
            *mark = MARK_TAKEN;
            code = append(c, it->product_no[i], err);
        }
    }
    for (size_t i = begin; i < end; i++)
        g->mark[it->product_no[i]] = 0;
    return code == ERR_OK ? finish(c, at, it->user_no[begin], 0, err) : code;
}

/* --- a session ------------------------------------------------------------------------------- */

static void shuffle(struct reading *g, uint32_t *products, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = rng_below(&g->rng, i);
        uint32_t swap = products[k];
        products[k] = products[i - 1];
        products[i - 1] = swap;
    }
}

static enum err_code read_session(struct reading *g, size_t begin, size_t end, struct err *err)
{
    const struct interactions *it = g->it;
    struct list_cases *c = g->out;
    size_t at = c->products_len, context_len = 1;
    bool order = c->placement == PLACEMENT_BOUGHT_TOGETHER || c->placement == PLACEMENT_CART;
    enum err_code code = ERR_OK;
    if (it->time[begin] < g->split || it->time[end - 1] >= g->until)
        return ERR_OK;
    for (size_t i = begin; i < end && code == ERR_OK; i++) {
        uint8_t *mark = &g->mark[it->product_no[i]];
        if (*mark || (order && it->type[i] != EVENT_PURCHASE) ||
            !can_be_shown(g->view, it->product_no[i]))
            continue;
        *mark = MARK_TAKEN;
        code = append(c, it->product_no[i], err);
    }
    for (size_t i = begin; i < end; i++)
        g->mark[it->product_no[i]] = 0;
    size_t n = c->products_len - at;
    if (code != ERR_OK || n < 2) {
        c->products_len = at;
        return code;
    }
    if (order)
        shuffle(g, c->products + at, n);
    if (g->guests)
        context_len =
            1 + rng_below(&g->rng, n - 1 < LIST_CASES_CLICKS_MAX ? n - 1 : LIST_CASES_CLICKS_MAX);
    if (c->placement == PLACEMENT_CART)
        context_len = n / 2 < RECOMMEND_CONTEXT_MAX ? n / 2 : RECOMMEND_CONTEXT_MAX;
    return finish(c, at, 0, context_len, err);
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum err_code read_all(struct reading *g, struct err *err)
{
    const struct interactions *it = g->it;
    enum placement p = g->out->placement;
    bool by_session = g->guests || p == PLACEMENT_SIMILAR || p == PLACEMENT_VIEWED_AFTER ||
                      p == PLACEMENT_BOUGHT_TOGETHER || p == PLACEMENT_CART;
    enum err_code code = ERR_OK;
    for (size_t begin = 0, end; begin < it->len && code == ERR_OK; begin = end) {
        end = begin + 1;
        if (by_session) {
            while (end < it->len && it->session[end] == it->session[begin])
                end++;
            code = read_session(g, begin, end, err);
        } else {
            while (end < it->len && it->user_no[end] == it->user_no[begin])
                end++;
            if (it->user_no[begin] != 0)
                code = read_shopper(g, begin, end, err);
        }
    }
    return code;
}

/* Keep each with the same chance, in their order (Knuth, TAOCP 2, 3.4.2, algorithm S). */
static void sample(struct reading *g, size_t cases_max)
{
    struct list_cases *c = g->out;
    size_t kept = 0;
    if (c->len <= cases_max)
        return;
    for (size_t i = 0; i < c->len; i++)
        if (rng_below(&g->rng, c->len - i) < cases_max - kept)
            c->items[kept++] = c->items[i];
    c->len = kept;
}

static enum err_code read_cases(struct reading *g, size_t cases_max, uint64_t seed, struct err *err)
{
    g->mark = mem_try_new((size_t)g->it->products_end + 1, 1);
    if (!g->mark)
        return err_set(err, ERR_MEMORY, "no memory for %u products", g->it->products_end);
    rng_init(&g->rng, seed);
    enum err_code code = read_all(g, err);
    if (code == ERR_OK)
        sample(g, cases_max);
    mem_free(g->mark);
    return code;
}

enum err_code list_cases_read(const struct interactions *it, const struct view *view,
                              enum placement placement, int64_t split, int64_t until,
                              size_t cases_max, uint64_t seed, struct list_cases *out,
                              struct err *err)
{
    struct reading g = {.it = it, .view = view, .out = out, .split = split, .until = until};
    *out = (struct list_cases){.placement = placement};
    return read_cases(&g, cases_max, seed, err);
}

/* A guest of a number of their own looks at the products of the context; what is asked for stays. */
static void click(struct list_case *c, const uint32_t *products, uint32_t user_no, int64_t split,
                  struct users *users)
{
    enum { APART_S = 60 };
    for (uint32_t i = 0; i < c->context_len; i++) {
        int64_t time_s = split / CLOCK_US_PER_S - (int64_t)(c->context_len - 1 - i) * APART_S;
        users_add(users, user_no,
                  &(struct user_action){products[c->at + i], (uint32_t)(time_s > 0 ? time_s : 0),
                                        EVENT_VIEW});
    }
    c->user_no = user_no;
    c->at += c->context_len;
    c->context_len = 0;
}

enum err_code list_cases_read_guests(const struct interactions *it, const struct view *view,
                                     int64_t split, int64_t until, size_t cases_max, uint64_t seed,
                                     struct list_cases *out, struct err *err)
{
    struct reading g = {
        .it = it, .view = view, .out = out, .split = split, .until = until, .guests = true};
    *out = (struct list_cases){.placement = PLACEMENT_HOME};
    enum err_code code = read_cases(&g, cases_max, seed, err);
    for (size_t i = 0; code == ERR_OK && i < out->len; i++)
        click(&out->items[i], out->products, it->users_end + (uint32_t)i, split, view->users);
    return code;
}

void list_cases_release(struct list_cases *c)
{
    mem_free(c->items);
    mem_free(c->products);
    *c = (struct list_cases){0};
}
