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

size_t recommend_shoppers_across(const struct interactions *it, int64_t split)
{
    size_t n = 0;
    /* A shopper's acts stand in the order of time. */
    for (size_t i = 1; i < it->len; i++)
        n += it->user_no[i] != 0 && it->user_no[i] == it->user_no[i - 1] &&
             it->time[i - 1] < split && it->time[i] >= split;
    return n;
}

/* --- one shopper ----------------------------------------------------------------------------- */

/* What ranks, and how well it did so far. */
struct scorer {
    const struct recommend_model *m;
    uint32_t *popular; /* [m->rows] rows, most popular first, owned; NULL: not needed */
    struct ranking_totals totals;
    double *ndcg; /* [users_max] owned */
};

struct measuring {
    const struct interactions *it;
    const struct evaluate_options *o;
    size_t k;
    struct arena arena;
    uint8_t *sold;      /* [products] 1: somebody touched it at some time */
    float *past_weight; /* [products] > 0: touched before the split by this shopper */
    uint8_t *wanted;    /* [products] 1: in the truth already */
    uint32_t *past;     /* [products] */
    uint32_t *truth;    /* [products] ascending */
    size_t past_len, truth_len;
    struct scorer factors, popularity, rival;
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

static bool measurable(const struct measuring *g, uint32_t product_no)
{
    return recommend_model_row(g->factors.m, product_no) != UINT32_MAX ||
           (g->rival.m && recommend_model_row(g->rival.m, product_no) != UINT32_MAX);
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
        if (g->it->time[i] < g->o->split) {
            if (g->past_weight[no] == 0)
                g->past[g->past_len++] = no;
            g->past_weight[no] += g->it->weight[i];
        } else if (g->past_weight[no] == 0 && !g->wanted[no] && measurable(g, no)) {
            g->wanted[no] = 1;
            g->truth[g->truth_len++] = no;
        }
    }
    if (g->truth_len)
        qsort(g->truth, g->truth_len, sizeof *g->truth, ascending);
}

/* Add a row to the list unless the shopper knows the product or nobody can buy it any more. */
static void list_add(const struct measuring *g, const struct recommend_model *m, uint32_t row,
                     struct ranked *list)
{
    uint32_t no = m->items[row];
    if (no >= g->it->products_end || !g->sold[no] || g->past_weight[no] > 0)
        return;
    list->row[list->len] = row;
    list->product_no[list->len++] = no;
}

/* Rank for a shopper: as the server does, or (exact) by scoring every row. */
static enum err_code rank_factors(struct measuring *g, const struct recommend_model *m,
                                  const float *x, bool exact, struct ranked *list, struct err *err)
{
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
            list_add(g, m, best[i].id, list);
        if (list->len == g->k || n < want)
            break;
    }
    return code;
}

static void rank_popular(const struct measuring *g, const struct scorer *s, struct ranked *list)
{
    list->len = 0;
    for (uint32_t i = 0; i < s->m->rows && list->len < g->k; i++)
        list_add(g, s->m, s->popular[i], list);
}

/* How much of the exact list the index gives. */
static enum err_code compare_exact(struct measuring *g, const float *x, const struct ranked *list,
                                   struct err *err)
{
    struct ranked exact;
    enum err_code code = rank_factors(g, g->factors.m, x, true, &exact, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < exact.len; i++)
        for (size_t k = 0; k < list->len; k++)
            g->index_hits += list->row[k] == exact.row[i];
    g->index_wanted += (double)exact.len;
    return ERR_OK;
}

static void count(struct measuring *g, struct scorer *s, const struct ranked *list)
{
    struct user_metrics m =
        ranking_measure(list->product_no, list->len, g->truth, g->truth_len, g->k);
    ranking_add(&s->totals, list->row, list->len, &m, g->k);
    s->ndcg[g->users] = m.ndcg;
}

/* Fold the shopper in with what the model knows of the past: rows and weights [*n]. */
static enum err_code fold_in(struct measuring *g, const struct recommend_model *m, float *x,
                             size_t *n, struct err *err)
{
    uint32_t *rows = arena_try_alloc(&g->arena, g->past_len * sizeof *rows);
    float *weights = arena_try_alloc(&g->arena, g->past_len * sizeof *weights);
    *n = 0;
    if (!rows || !weights)
        return err_set(err, ERR_LIMIT, "a history of %zu does not fit", g->past_len);
    for (size_t i = 0; i < g->past_len; i++) {
        uint32_t row = recommend_model_row(m, g->past[i]);
        if (row == UINT32_MAX)
            continue;
        rows[*n] = row;
        weights[(*n)++] = profile_confidence(g->past_weight[g->past[i]]);
    }
    return *n ? factors_fold_in(m, rows, weights, *n, &g->arena, x, err) : ERR_OK;
}

static enum err_code measure_factors(struct measuring *g, struct scorer *s, struct err *err)
{
    struct ranked list = {.len = 0};
    size_t known;
    float *x = arena_try_alloc(&g->arena, (s->m->dim + 1) * sizeof *x);
    if (!x)
        return err_set(err, ERR_LIMIT, "%u factors do not fit", s->m->dim);
    if (s->m->dim == 0) {
        count(g, s, &list);
        return ERR_OK;
    }
    enum err_code code = fold_in(g, s->m, x, &known, err);
    if (code == ERR_OK && known)
        code = rank_factors(g, s->m, x, false, &list, err);
    else if (code == ERR_OK)
        rank_popular(g, s, &list);
    if (code == ERR_OK && s == &g->factors)
        code = compare_exact(g, x, &list, err);
    if (code == ERR_OK)
        count(g, s, &list);
    return code;
}

static enum err_code measure_shopper(struct measuring *g, uint32_t user_no, struct err *err)
{
    struct ranked list;
    enum err_code code = signal_check(err);
    if (code != ERR_OK)
        return code;
    read_shopper(g, interactions_user_begin(g->it, user_no), interactions_user_end(g->it, user_no));
    if (g->past_len == 0 || g->truth_len == 0)
        return ERR_OK;
    arena_reset(&g->arena);
    code = measure_factors(g, &g->factors, err);
    if (code == ERR_OK && g->rival.m)
        code = measure_factors(g, &g->rival, err);
    if (code == ERR_OK) {
        rank_popular(g, &g->popularity, &list);
        count(g, &g->popularity, &list);
        g->users++;
    }
    return code;
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum err_code scorer_init(struct scorer *s, const struct recommend_model *m,
                                 size_t users_max, struct err *err)
{
    struct topk_item *order = mem_try_new(m->rows, sizeof *order);
    struct topk top;
    s->m = m;
    s->popular = mem_try_new(m->rows, sizeof *s->popular);
    s->ndcg = mem_try_new(users_max, sizeof *s->ndcg);
    enum err_code code = ERR_OK;
    if (!order || !s->popular || !s->ndcg)
        code = err_set(err, ERR_MEMORY, "no memory to rank %u products", m->rows);
    if (code == ERR_OK)
        code = ranking_init(&s->totals, m->rows, err);
    if (code == ERR_OK) {
        topk_init(&top, order, m->rows);
        topk_push_block(&top, m->popularity, NULL, 0, m->rows);
        for (size_t i = 0, n = topk_finish(&top); i < n; i++)
            s->popular[i] = order[i].id;
    }
    mem_free(order);
    return code;
}

static void scorer_release(struct scorer *s)
{
    mem_free(s->popular);
    mem_free(s->ndcg);
    ranking_release(&s->totals);
}

static enum err_code prepare(struct measuring *g, const struct recommend_model *m, size_t users_max,
                             struct err *err)
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
    enum err_code code = scorer_init(&g->factors, m, users_max, err);
    if (code == ERR_OK)
        code = scorer_init(&g->popularity, m, users_max, err);
    if (code == ERR_OK && g->o->rival)
        code = scorer_init(&g->rival, g->o->rival, users_max, err);
    return code;
}

static void release(struct measuring *g)
{
    mem_free(g->sold);
    mem_free(g->past_weight);
    mem_free(g->wanted);
    mem_free(g->past);
    mem_free(g->truth);
    scorer_release(&g->factors);
    scorer_release(&g->popularity);
    scorer_release(&g->rival);
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

static enum err_code summarise_all(struct measuring *g, struct recommend_evaluation *out,
                                   struct err *err)
{
    struct rng rng;
    out->users = g->users;
    out->index_recall = g->index_wanted > 0 ? g->index_hits / g->index_wanted : 1;
    enum err_code code = summarise(&g->factors.totals, &out->factors, err);
    if (code == ERR_OK)
        code = summarise(&g->popularity.totals, &out->popularity, err);
    if (code == ERR_OK && g->rival.m)
        code = summarise(&g->rival.totals, &out->rival, err);
    if (code != ERR_OK || g->users == 0)
        return code;
    rng_init(&rng, g->o->seed);
    code = stats_bootstrap(g->factors.ndcg, NULL, g->users, BOOTSTRAP_ROUNDS, 0.95, &rng,
                           &out->ndcg, err);
    if (code == ERR_OK)
        code = stats_bootstrap(g->factors.ndcg, g->popularity.ndcg, g->users, BOOTSTRAP_ROUNDS,
                               0.95, &rng, &out->gain, err);
    if (code == ERR_OK && g->rival.m)
        code = stats_bootstrap(g->factors.ndcg, g->rival.ndcg, g->users, BOOTSTRAP_ROUNDS, 0.95,
                               &rng, &out->over_rival, err);
    return code;
}

enum err_code recommend_evaluate(const struct interactions *it, const struct recommend_model *m,
                                 const struct evaluate_options *o, struct recommend_evaluation *out,
                                 struct err *err)
{
    struct measuring g = {.it = it, .o = o, .k = o->k < K_MAX ? o->k : K_MAX};
    size_t users_max = o->users_max < m->users ? o->users_max : m->users;
    struct rng rng;
    *out = (struct recommend_evaluation){.k = g.k, .split = o->split};
    arena_init(&g.arena, 0, ARENA_MAX);
    enum err_code code = prepare(&g, m, users_max, err);
    /* Walk the shoppers once, taking each with the chance that is left to it. */
    rng_init(&rng, o->seed);
    for (uint32_t u = 0; u < m->users && g.users < users_max && code == ERR_OK; u++)
        if (users_max == m->users || rng_below(&rng, m->users) < users_max)
            code = measure_shopper(&g, m->user_no[u], err);
    if (code == ERR_OK)
        code = summarise_all(&g, out, err);
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
