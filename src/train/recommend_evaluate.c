#include "train/recommend_evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "num/topk.h"
#include "recommend/factors.h"
#include "recommend/profile.h"

enum { K_MAX = 100, ARENA_MAX = 64 << 20, BOOTSTRAP_ROUNDS = 1000 };

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

enum err_code recommend_split(const struct interactions *it, double share, int64_t *split,
                              struct err *err)
{
    int64_t *times = mem_try_new(it->len, sizeof *times);
    if (!times)
        return err_set(err, ERR_MEMORY, "no memory to split %zu acts", it->len);
    if (it->len) {
        memcpy(times, it->time, it->len * sizeof *times);
        qsort(times, it->len, sizeof *times, by_time);
    }
    size_t at = (size_t)(share * (double)it->len);
    *split = it->len == 0 ? 0 : times[at < it->len ? at : it->len - 1];
    mem_free(times);
    return ERR_OK;
}

/* --- one shopper ----------------------------------------------------------------------------- */

struct measuring {
    const struct interactions *it;
    int64_t split;
    const struct recommend_model *m;
    size_t k;
    struct arena arena;
    uint8_t *known;     /* [rows] 1: touched before the split by this shopper */
    uint8_t *wanted;    /* [rows] 1: in the truth already */
    uint32_t *past;     /* [rows] */
    float *past_weight; /* [rows] by row */
    uint32_t *truth;    /* [rows] */
    size_t past_len, truth_len;
    uint32_t *popular; /* [rows] rows, most popular first */
    struct ranking_totals factors, popularity;
    double *ndcg_factors, *ndcg_popularity; /* [users] */
    size_t users;
    double index_hits, index_wanted;
};

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The shopper's past and truth from their slice of acts. */
static void read_shopper(struct measuring *g, size_t begin, size_t end)
{
    for (size_t i = 0; i < g->past_len; i++) {
        g->known[g->past[i]] = 0;
        g->past_weight[g->past[i]] = 0;
    }
    for (size_t i = 0; i < g->truth_len; i++)
        g->wanted[g->truth[i]] = 0;
    g->past_len = g->truth_len = 0;
    for (size_t i = begin; i < end; i++) {
        uint32_t row = recommend_model_row(g->m, g->it->product_no[i]);
        if (row == UINT32_MAX)
            continue;
        if (g->it->time[i] < g->split) {
            if (!g->known[row])
                g->past[g->past_len++] = row;
            g->known[row] = 1;
            g->past_weight[row] += g->it->weight[i];
        } else if (!g->known[row] && !g->wanted[row]) {
            g->wanted[row] = 1;
            g->truth[g->truth_len++] = row;
        }
    }
    if (g->truth_len)
        qsort(g->truth, g->truth_len, sizeof *g->truth, ascending);
}

static size_t unknown_first(const struct measuring *g, const struct topk_item *best, size_t n,
                            uint32_t *list)
{
    size_t len = 0;
    for (size_t i = 0; i < n && len < g->k; i++)
        if (!g->known[best[i].id])
            list[len++] = best[i].id;
    return len;
}

/* Rank for a shopper: as the server does, or (exact) by scoring every row. */
static enum err_code rank_factors(struct measuring *g, const float *x, bool exact, uint32_t *list,
                                  size_t *len, struct err *err)
{
    size_t want = g->k + g->past_len, n;
    struct topk_item *best = arena_try_alloc(&g->arena, want * sizeof *best);
    enum err_code code = ERR_OK;
    if (!best)
        return err_set(err, ERR_LIMIT, "a list of %zu does not fit", want);
    if (exact)
        n = vectors_search_exact(&g->m->vectors, x, want, best);
    else
        code = vectors_search(&g->m->vectors, x, 0, want, &g->arena, best, &n, err);
    *len = code == ERR_OK ? unknown_first(g, best, n, list) : 0;
    return code;
}

/* How much of the exact list the index gives. */
static enum err_code compare_exact(struct measuring *g, const float *x, const uint32_t *list,
                                   size_t len, struct err *err)
{
    uint32_t exact[K_MAX];
    size_t n;
    enum err_code code = rank_factors(g, x, true, exact, &n, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < len; k++)
            g->index_hits += list[k] == exact[i];
    g->index_wanted += (double)n;
    return ERR_OK;
}

static void count(struct measuring *g, const uint32_t *list, size_t n,
                  struct ranking_totals *totals, double *ndcg)
{
    struct user_metrics m = ranking_measure(list, n, g->truth, g->truth_len, g->k);
    ranking_add(totals, list, n, &m, g->k);
    *ndcg = m.ndcg;
}

static enum err_code measure_factors(struct measuring *g, struct err *err)
{
    uint32_t list[K_MAX];
    size_t n;
    float *weights = arena_try_alloc(&g->arena, g->past_len * sizeof *weights);
    float *x = arena_try_alloc(&g->arena, g->m->dim * sizeof *x);
    if (!weights || !x)
        return err_set(err, ERR_LIMIT, "a history of %zu does not fit", g->past_len);
    for (size_t i = 0; i < g->past_len; i++)
        weights[i] = profile_confidence(g->past_weight[g->past[i]]);
    enum err_code code = factors_fold_in(g->m, g->past, weights, g->past_len, &g->arena, x, err);
    if (code == ERR_OK)
        code = rank_factors(g, x, false, list, &n, err);
    if (code == ERR_OK)
        code = compare_exact(g, x, list, n, err);
    if (code == ERR_OK)
        count(g, list, n, &g->factors, &g->ndcg_factors[g->users]);
    return code;
}

static void measure_popularity(struct measuring *g)
{
    uint32_t list[K_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < g->m->rows && n < g->k; i++)
        if (!g->known[g->popular[i]])
            list[n++] = g->popular[i];
    count(g, list, n, &g->popularity, &g->ndcg_popularity[g->users]);
}

static enum err_code measure_shopper(struct measuring *g, uint32_t user_no, struct err *err)
{
    enum err_code code = signal_check(err);
    if (code != ERR_OK)
        return code;
    read_shopper(g, interactions_user_begin(g->it, user_no), interactions_user_end(g->it, user_no));
    if (g->past_len == 0 || g->truth_len == 0)
        return ERR_OK;
    arena_reset(&g->arena);
    if (g->m->dim)
        code = measure_factors(g, err);
    if (code == ERR_OK) {
        measure_popularity(g);
        g->users++;
    }
    return code;
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum err_code prepare(struct measuring *g, size_t users_max, struct err *err)
{
    size_t rows = g->m->rows;
    struct topk_item *order = mem_try_new(rows, sizeof *order);
    struct topk top;
    g->known = mem_try_new(rows, 1);
    g->wanted = mem_try_new(rows, 1);
    g->past = mem_try_new(rows, sizeof *g->past);
    g->past_weight = mem_try_new(rows, sizeof *g->past_weight);
    g->truth = mem_try_new(rows, sizeof *g->truth);
    g->popular = mem_try_new(rows, sizeof *g->popular);
    g->ndcg_factors = mem_try_new(users_max, sizeof *g->ndcg_factors);
    g->ndcg_popularity = mem_try_new(users_max, sizeof *g->ndcg_popularity);
    enum err_code code = ERR_OK;
    if (!order || !g->known || !g->wanted || !g->past || !g->past_weight || !g->truth ||
        !g->popular || !g->ndcg_factors || !g->ndcg_popularity)
        code = err_set(err, ERR_MEMORY, "no memory to measure %zu products", rows);
    if (code == ERR_OK)
        code = ranking_init(&g->factors, rows, err);
    if (code == ERR_OK)
        code = ranking_init(&g->popularity, rows, err);
    if (code == ERR_OK) {
        topk_init(&top, order, rows);
        topk_push_block(&top, g->m->popularity, NULL, 0, rows);
        for (size_t i = 0, n = topk_finish(&top); i < n; i++)
            g->popular[i] = order[i].id;
    }
    mem_free(order);
    return code;
}

static void release(struct measuring *g)
{
    mem_free(g->known);
    mem_free(g->wanted);
    mem_free(g->past);
    mem_free(g->past_weight);
    mem_free(g->truth);
    mem_free(g->popular);
    mem_free(g->ndcg_factors);
    mem_free(g->ndcg_popularity);
    ranking_release(&g->factors);
    ranking_release(&g->popularity);
    arena_release(&g->arena);
}

static enum err_code summarise(const struct ranking_totals *t, struct scorer_metrics *out,
                               struct err *err)
{
    double n = t->users ? (double)t->users : 1;
    *out = (struct scorer_metrics){.recall = t->recall / n,
                                   .ndcg = t->ndcg / n,
                                   .hit = t->hit / n,
                                   .mrr = t->mrr / n,
                                   .coverage = ranking_coverage(t)};
    return ranking_gini(t, &out->gini, err);
}

static enum err_code summarise_all(struct measuring *g, uint64_t seed,
                                   struct recommend_evaluation *out, struct err *err)
{
    struct rng rng;
    out->users = g->users;
    out->index_recall = g->index_wanted > 0 ? g->index_hits / g->index_wanted : 1;
    enum err_code code = summarise(&g->factors, &out->factors, err);
    if (code == ERR_OK)
        code = summarise(&g->popularity, &out->popularity, err);
    if (code != ERR_OK || g->users == 0)
        return code;
    rng_init(&rng, seed);
    code = stats_bootstrap(g->ndcg_factors, NULL, g->users, BOOTSTRAP_ROUNDS, 0.95, &rng,
                           &out->ndcg, err);
    if (code == ERR_OK)
        code = stats_bootstrap(g->ndcg_factors, g->ndcg_popularity, g->users, BOOTSTRAP_ROUNDS,
                               0.95, &rng, &out->gain, err);
    return code;
}

enum err_code recommend_evaluate(const struct interactions *it, int64_t split,
                                 const struct recommend_model *m, size_t k, size_t users_max,
                                 uint64_t seed, struct recommend_evaluation *out, struct err *err)
{
    struct measuring g = {.it = it, .split = split, .m = m, .k = k < K_MAX ? k : K_MAX};
    struct rng rng;
    *out = (struct recommend_evaluation){.k = g.k, .split = split};
    arena_init(&g.arena, 0, ARENA_MAX);
    if (users_max > m->users)
        users_max = m->users;
    enum err_code code = prepare(&g, users_max, err);
    /* Walk the shoppers once, taking each with the chance that is left to it. */
    rng_init(&rng, seed);
    for (uint32_t u = 0; u < m->users && g.users < users_max && code == ERR_OK; u++)
        if (users_max == m->users || rng_below(&rng, m->users) < users_max)
            code = measure_shopper(&g, m->user_no[u], err);
    if (code == ERR_OK)
        code = summarise_all(&g, seed, out, err);
    release(&g);
    return code;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_scorer(struct json_writer *w, const char *name, const struct scorer_metrics *m)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_DECIMAL(w, "recall", m->recall, 5);
    JW_DECIMAL(w, "ndcg", m->ndcg, 5);
    JW_DECIMAL(w, "hit", m->hit, 5);
    JW_DECIMAL(w, "mrr", m->mrr, 5);
    JW_DECIMAL(w, "coverage", m->coverage, 5);
    JW_DECIMAL(w, "gini", m->gini, 5);
    jw_obj_end(w);
}

static void write_interval(struct json_writer *w, const char *name, const struct stats_interval *i)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_DECIMAL(w, "mean", i->mean, 5);
    JW_DECIMAL(w, "low", i->low, 5);
    JW_DECIMAL(w, "high", i->high, 5);
    jw_obj_end(w);
}

void recommend_evaluation_json(const struct recommend_evaluation *e, struct json_writer *w)
{
    JW_U64(w, "k", e->k);
    JW_U64(w, "users", e->users);
    JW_TIME(w, "split", e->split);
    write_scorer(w, "factors", &e->factors);
    write_scorer(w, "popularity", &e->popularity);
    write_interval(w, "ndcg", &e->ndcg);
    write_interval(w, "gain_over_popularity", &e->gain);
    JW_DECIMAL(w, "index_recall", e->index_recall, 4);
}
