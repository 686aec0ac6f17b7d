#include "train/factor_evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "base/rng.h"
#include "eval/ranking.h"
#include "num/topk.h"
#include "recommend/factors.h"
#include "recommend/profile.h"

enum { K_MAX = 100, ARENA_MAX = 64 << 20 };

/* --- one shopper ----------------------------------------------------------------------------- */

struct measuring {
    const struct interactions *it;
    const struct recommend_model *m;
    int64_t split;
    size_t k;
    struct ranking_totals totals;
    struct arena arena;
    uint8_t *sold;      /* [products] 1: somebody touched it at some time */
    float *past_weight; /* [products] > 0: touched before the split by this shopper */
    uint8_t *wanted;    /* [products] 1: in the truth already */
    uint32_t *past;     /* [products] */
    uint32_t *truth;    /* [products] ascending */
    size_t past_len, truth_len;
    size_t users;
    double index_hits, index_wanted;
};

/* A ranked list, as rows of the model and as products. */
struct ranked {
    uint32_t row[K_MAX], product_no[K_MAX];
    size_t len;
};

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The shopper's past and truth from their slice of acts. */
static void read_shopper(struct measuring *g, size_t begin, size_t end)
{
    for (size_t i = 0; i < g->past_len; i++)
        g->past_weight[g->past[i]] = 0;
    for (size_t i = 0; i < g->truth_len; i++)
        g->wanted[g->truth[i]] = 0;
    g->past_len = g->truth_len = 0;
    for (size_t i = begin; i < end; i++) {
        uint32_t no = g->it->product_no[i];
        if (g->it->time[i] < g->split) {
            if (g->past_weight[no] == 0)
                g->past[g->past_len++] = no;
            g->past_weight[no] += g->it->weight[i];
        } else if (g->past_weight[no] == 0 && !g->wanted[no] &&
                   recommend_model_row(g->m, no) != UINT32_MAX) {
            g->wanted[no] = 1;
            g->truth[g->truth_len++] = no;
        }
    }
    if (g->truth_len)
        qsort(g->truth, g->truth_len, sizeof *g->truth, ascending);
}

/* Add a row to the list unless the shopper knows the product or nobody can buy it any more. */
static void list_add(const struct measuring *g, uint32_t row, struct ranked *list)
{
    uint32_t no = g->m->items[row];
    if (no >= g->it->products_end || !g->sold[no] || g->past_weight[no] > 0)
        return;
    list->row[list->len] = row;
    list->product_no[list->len++] = no;
}

/* Rank for a shopper: as the server does, or (exact) by scoring every row. */
static enum err_code rank(struct measuring *g, const float *x, bool exact, struct ranked *list,
                          struct err *err)
{
    const struct recommend_model *m = g->m;
    enum err_code code = ERR_OK;
    /* More are asked for where too many of the best are left out. */
    for (size_t want = g->k + g->past_len, n = want; code == ERR_OK; want *= 2) {
        struct topk_item *best = arena_try_alloc(&g->arena, want * sizeof *best);
        if (!best)
            return err_set(err, ERR_LIMIT, "a list of %zu does not fit", want);
        if (exact)
            n = vectors_search_exact(&m->vectors, x, want, best);
        else
            code = vectors_search(&m->vectors, x, 0, want, &g->arena, best, &n, err);
        list->len = 0;
        for (size_t i = 0; i < n && list->len < g->k && code == ERR_OK; i++)
            list_add(g, best[i].id, list);
        if (list->len == g->k || n < want)
            break;
    }
    return code;
}

/* How much of the exact list the index gives. */
static enum err_code compare_exact(struct measuring *g, const float *x, const struct ranked *list,
                                   struct err *err)
{
    struct ranked exact;
    enum err_code code = rank(g, x, true, &exact, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < exact.len; i++)
        for (size_t k = 0; k < list->len; k++)
            g->index_hits += list->row[k] == exact.row[i];
    g->index_wanted += (double)exact.len;
    return ERR_OK;
}

/* Fold the shopper in with what the model knows of the past: rows and weights [*n]. */
static enum err_code fold_in(struct measuring *g, float *x, size_t *n, struct err *err)
{
    uint32_t *rows = arena_try_alloc(&g->arena, g->past_len * sizeof *rows);
    float *weights = arena_try_alloc(&g->arena, g->past_len * sizeof *weights);
    *n = 0;
    if (!rows || !weights)
        return err_set(err, ERR_LIMIT, "a history of %zu does not fit", g->past_len);
    for (size_t i = 0; i < g->past_len; i++) {
        uint32_t row = recommend_model_row(g->m, g->past[i]);
        if (row == UINT32_MAX)
            continue;
        rows[*n] = row;
        weights[(*n)++] = profile_confidence(g->past_weight[g->past[i]]);
    }
    return *n ? factors_fold_in(g->m, rows, weights, *n, &g->arena, x, err) : ERR_OK;
}

static enum err_code measure_shopper(struct measuring *g, uint32_t user_no, struct err *err)
{
    struct ranked list = {.len = 0};
    size_t known;
    enum err_code code = signal_check(err);
    if (code != ERR_OK)
        return code;
    read_shopper(g, interactions_user_begin(g->it, user_no), interactions_user_end(g->it, user_no));
    if (g->past_len == 0 || g->truth_len == 0)
        return ERR_OK;
    arena_reset(&g->arena);
    float *x = arena_try_alloc(&g->arena, (g->m->dim + 1) * sizeof *x);
    if (!x)
        return err_set(err, ERR_LIMIT, "%u factors do not fit", g->m->dim);
    code = fold_in(g, x, &known, err);
    if (code == ERR_OK && known)
        code = rank(g, x, false, &list, err);
    if (code == ERR_OK && known)
        code = compare_exact(g, x, &list, err);
    if (code != ERR_OK)
        return code;
    struct user_metrics m =
        ranking_measure(list.product_no, list.len, g->truth, g->truth_len, g->k);
    ranking_add(&g->totals, list.row, list.len, &m, g->k);
    g->users++;
    return ERR_OK;
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum err_code prepare(struct measuring *g, struct err *err)
{
    size_t products = g->it->products_end;
    g->sold = mem_try_new(products, 1);
    g->past_weight = mem_try_new(products, sizeof *g->past_weight);
    g->wanted = mem_try_new(products, 1);
    g->past = mem_try_new(products, sizeof *g->past);
    g->truth = mem_try_new(products, sizeof *g->truth);
    if (!g->sold || !g->past_weight || !g->wanted || !g->past || !g->truth)
        return err_set(err, ERR_MEMORY, "no memory to measure %zu products", products);
    for (size_t i = 0; i < g->it->len; i++)
        g->sold[g->it->product_no[i]] = 1;
    return ranking_init(&g->totals, g->m->rows, err);
}

static void release(struct measuring *g)
{
    mem_free(g->sold);
    mem_free(g->past_weight);
    mem_free(g->wanted);
    mem_free(g->past);
    mem_free(g->truth);
    ranking_release(&g->totals);
    arena_release(&g->arena);
}

static enum err_code summarise(const struct measuring *g, struct factor_evaluation *out,
                               struct err *err)
{
    const struct ranking_totals *t = &g->totals;
    double n = t->users ? (double)t->users : 1;
    *out = (struct factor_evaluation){
        .users = g->users,
        .recall = t->recall / n,
        .ndcg = t->ndcg / n,
        .hit = t->hit / n,
        .mrr = t->mrr / n,
        .coverage = ranking_coverage(t),
        .index_recall = g->index_wanted > 0 ? g->index_hits / g->index_wanted : 1};
    return ranking_gini(t, &out->gini, err);
}

enum err_code factor_evaluate(const struct interactions *it, const struct recommend_model *m,
                              int64_t split, size_t k, size_t users_max, uint64_t seed,
                              struct factor_evaluation *out, struct err *err)
{
    struct measuring g = {.it = it, .m = m, .split = split, .k = k < K_MAX ? k : K_MAX};
    struct rng rng;
    *out = (struct factor_evaluation){.index_recall = 1};
    if (m->dim == 0)
        return ERR_OK;
    users_max = users_max < m->users ? users_max : m->users;
    arena_init(&g.arena, 0, ARENA_MAX);
    enum err_code code = prepare(&g, err);
    /* Walk the shoppers once, taking each with the chance that is left to it. */
    rng_init(&rng, seed);
    for (uint32_t u = 0; u < m->users && g.users < users_max && code == ERR_OK; u++)
        if (users_max == m->users || rng_below(&rng, m->users) < users_max)
            code = measure_shopper(&g, m->user_no[u], err);
    if (code == ERR_OK)
        code = summarise(&g, out, err);
    release(&g);
    return code;
}
