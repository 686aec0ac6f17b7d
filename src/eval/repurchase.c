#include "eval/repurchase.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "recommend/again.h"

enum { ARENA_MAX = 4 << 20 };

const size_t repurchase_k[REPURCHASE_K] = {5, 10, 20};

struct owned {
    uint32_t product_no;
    uint32_t days; /* on which it was bought */
    int64_t last;  /* the newest of them */
    bool right;
};

struct measuring {
    const struct interactions *it;
    const struct view *view;
    int64_t split;
    struct owned *owned; /* [owned_len] of one shopper, by product */
    size_t owned_len;
    struct arena arena;
    size_t hits[3][REPURCHASE_K];
    struct repurchase_result *out;
};

static int by_product_and_day(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    if (x->product_no != y->product_no)
        return x->product_no < y->product_no ? -1 : 1;
    return (x->last > y->last) - (x->last < y->last);
}

static int by_product(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    return (x->product_no > y->product_no) - (x->product_no < y->product_no);
}

static int by_recency(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    return x->last != y->last ? (x->last > y->last ? -1 : 1) : by_product(a, b);
}

static int by_frequency(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    return x->days != y->days ? (x->days > y->days ? -1 : 1) : by_recency(a, b);
}

/* Purchases of [begin, end) before the moment, one entry a product. */
static void read_owned(struct measuring *m, size_t begin, size_t end)
{
    const struct interactions *it = m->it;
    size_t n = 0, kept = 0;
    for (size_t i = begin; i < end; i++)
        if (it->type[i] == EVENT_PURCHASE && it->time[i] < m->split)
            m->owned[n++] =
                (struct owned){it->product_no[i], 1, it->time[i] / CLOCK_US_PER_DAY, false};
    qsort(m->owned, n, sizeof *m->owned, by_product_and_day);
    for (size_t i = 0; i < n; i++) {
        struct owned *last = kept ? &m->owned[kept - 1] : NULL;
        if (!last || last->product_no != m->owned[i].product_no) {
            m->owned[kept++] = m->owned[i];
        } else if (last->last != m->owned[i].last) {
            last->last = m->owned[i].last;
            last->days++;
        }
    }
    m->owned_len = kept;
}

/* Mark what the first order after the moment holds. Returns how many; *at is its time. */
static size_t mark_right(struct measuring *m, size_t begin, size_t end, int64_t *at)
{
    const struct interactions *it = m->it;
    size_t first = end, right = 0;
    for (size_t i = begin; i < end && first == end; i++)
        if (it->type[i] == EVENT_PURCHASE && it->time[i] >= m->split)
            first = i;
    for (size_t i = first; i < end && it->session[i] == it->session[first]; i++) {
        struct owned key = {.product_no = it->product_no[i]};
        struct owned *found = it->type[i] == EVENT_PURCHASE
                                  ? bsearch(&key, m->owned, m->owned_len, sizeof key, by_product)
                                  : NULL;
        if (found && !found->right) {
            found->right = true;
            right++;
        }
    }
    *at = first < end ? it->time[first] : 0;
    return right;
}

static void count(size_t hits[REPURCHASE_K], size_t place)
{
    for (size_t i = 0; i < REPURCHASE_K; i++)
        hits[i] += place < repurchase_k[i];
}

static void count_owned(struct measuring *m, int (*order)(const void *, const void *),
                        size_t hits[REPURCHASE_K])
{
    qsort(m->owned, m->owned_len, sizeof *m->owned, order);
    for (size_t i = 0; i < m->owned_len; i++)
        if (m->owned[i].right)
            count(hits, i);
}

static enum err_code measure_shopper(struct measuring *m, size_t begin, size_t end, struct err *err)
{
    struct again again;
    int64_t at;
    read_owned(m, begin, end);
    size_t right = mark_right(m, begin, end, &at);
    if (right == 0)
        return ERR_OK;
    m->out->shoppers++;
    m->out->asked += right;
    arena_reset(&m->arena);
    enum err_code code = again_load(m->view, m->it->user_no[begin], at, &m->arena, &again, err);
    for (size_t i = 0; i < again.len && code == ERR_OK; i++) {
        struct owned key = {.product_no = again.items[i].product_no};
        struct owned *found = bsearch(&key, m->owned, m->owned_len, sizeof key, by_product);
        if (found && found->right)
            count(m->hits[0], i);
    }
    count_owned(m, by_recency, m->hits[1]);
    count_owned(m, by_frequency, m->hits[2]);
    return code;
}

enum err_code repurchase_measure(const struct interactions *it, const struct view *view,
                                 int64_t split, struct repurchase_result *out, struct err *err)
{
    struct measuring m = {.it = it, .view = view, .split = split, .out = out};
    enum err_code code = ERR_OK;
    *out = (struct repurchase_result){0};
    arena_init(&m.arena, 0, ARENA_MAX);
    m.owned = mem_try_new(it->len + 1, sizeof *m.owned);
    if (!m.owned)
        code = err_set(err, ERR_MEMORY, "no memory for %zu purchases", it->len);
    for (size_t begin = 0, end; begin < it->len && code == ERR_OK; begin = end) {
        for (end = begin + 1; end < it->len && it->user_no[end] == it->user_no[begin];)
            end++;
        if (it->user_no[begin] != 0)
            code = measure_shopper(&m, begin, end, err);
    }
    for (size_t i = 0; i < REPURCHASE_K && out->asked; i++) {
        out->rate[i] = (double)m.hits[0][i] / (double)out->asked;
        out->recent[i] = (double)m.hits[1][i] / (double)out->asked;
        out->often[i] = (double)m.hits[2][i] / (double)out->asked;
    }
    mem_free(m.owned);
    arena_release(&m.arena);
    return code;
}
