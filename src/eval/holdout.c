#include "eval/holdout.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/signal.h"
#include "eval/ranking.h"
#include "recommend/factors.h"
#include "recommend/profile.h"

enum { GRAIN = 64, ARENA_MAX = 256 << 20 };

/* A thread's own. */
struct lane {
    struct arena arena;
    struct ranking_totals totals;
    float *weight; /* [rows] of the user's past, all zero between users */
};

struct measuring {
    const struct interactions *past, *truth;
    const struct holdout_model *m;
    const struct holdout_options *o;
    struct lane *lanes; /* [lanes_len] */
    unsigned lanes_len;
    pthread_mutex_t lock;
    enum err_code code; /* the first failure */
    struct err err;
};

/* Items are numbered from 0 in lists: number - 1. */
struct user_lists {
    struct holdout_past past;
    uint32_t *truth; /* [truth_len] items, ascending */
    size_t truth_len;
};

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* As recommend_model_row. */
static uint32_t row_of(const struct holdout_model *m, uint32_t item)
{
    uint32_t lo = 0, hi = m->rows;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (m->items[mid] < item)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->rows && m->items[lo] == item ? lo : UINT32_MAX;
}

static void read_past(const struct measuring *g, struct lane *lane, uint32_t user,
                      struct holdout_past *out)
{
    size_t begin = interactions_user_begin(g->past, user);
    size_t end = interactions_user_end(g->past, user);
    out->rows = ARENA_NEW(&lane->arena, uint32_t, end - begin + 1);
    out->weights = ARENA_NEW(&lane->arena, float, end - begin + 1);
    out->len = 0;
    for (size_t i = begin; i < end; i++) {
        uint32_t row = row_of(g->m, g->past->product_no[i]);
        if (row == UINT32_MAX)
            continue;
        if (lane->weight[row] == 0)
            out->rows[out->len++] = row;
        lane->weight[row] += g->past->weight[i];
    }
    for (size_t i = 0; i < out->len; i++)
        out->weights[i] = profile_confidence(lane->weight[out->rows[i]]);
    out->want = g->o->k + out->len;
}

static void read_truth(const struct measuring *g, struct lane *lane, uint32_t user,
                       struct user_lists *out)
{
    size_t begin = interactions_user_begin(g->truth, user);
    size_t end = interactions_user_end(g->truth, user), n = 0;
    out->truth = ARENA_NEW(&lane->arena, uint32_t, end - begin + 1);
    for (size_t i = begin; i < end; i++) {
        uint32_t row = row_of(g->m, g->truth->product_no[i]);
        if (row == UINT32_MAX || lane->weight[row] == 0)
            out->truth[n++] = g->truth->product_no[i] - 1;
    }
    qsort(out->truth, n, sizeof *out->truth, ascending);
    out->truth_len = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || out->truth[i] != out->truth[i - 1])
            out->truth[out->truth_len++] = out->truth[i];
}

/* Read a user. Returns whether there is anything to measure. */
static bool read_user(const struct measuring *g, struct lane *lane, uint32_t user,
                      struct user_lists *out)
{
    read_past(g, lane, user, &out->past);
    read_truth(g, lane, user, out);
    for (size_t i = 0; i < out->past.len; i++)
        lane->weight[out->past.rows[i]] = 0;
    return out->past.len && out->truth_len;
}

/* Count the best items that the user did not have. */
static void count(const struct measuring *g, struct lane *lane, const struct holdout_past *past,
                  const struct user_lists *u)
{
    uint32_t list[HOLDOUT_K_MAX];
    size_t len = 0;
    for (size_t i = 0; i < past->len; i++)
        lane->weight[past->rows[i]] = 1;
    for (size_t i = 0; i < past->found && len < g->o->k; i++)
        if (lane->weight[past->best[i].id] == 0)
            list[len++] = g->m->items[past->best[i].id] - 1;
    for (size_t i = 0; i < past->len; i++)
        lane->weight[past->rows[i]] = 0;
    struct user_metrics m = ranking_measure(list, len, u->truth, u->truth_len, g->o->k);
    ranking_add(&lane->totals, list, len, &m, g->o->k);
}

/* Users begin..end - 1, at most HOLDOUT_BATCH. */
static enum err_code measure_batch(const struct measuring *g, struct lane *lane, size_t begin,
                                   size_t end, struct err *err)
{
    struct user_lists users[HOLDOUT_BATCH];
    struct holdout_past pasts[HOLDOUT_BATCH];
    size_t n = 0;
    enum err_code code = signal_check(err);
    arena_reset(&lane->arena);
    for (size_t user = begin; user < end; user++)
        n += read_user(g, lane, (uint32_t)user, &users[n]);
    for (size_t i = 0; i < n; i++) {
        pasts[i] = users[i].past;
        pasts[i].best = ARENA_NEW(&lane->arena, struct topk_item, pasts[i].want);
    }
    if (code == ERR_OK && n)
        code = g->m->rank(g->m->model, pasts, n, &lane->arena, err);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        count(g, lane, &pasts[i], &users[i]);
    return code;
}

static void measure_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct measuring *g = arg;
    struct err err;
    enum err_code code = ERR_OK;
    for (size_t user = begin + 1; user <= end && code == ERR_OK; user += HOLDOUT_BATCH) {
        size_t past_last = end + 1 - user < HOLDOUT_BATCH ? end + 1 : user + HOLDOUT_BATCH;
        code = measure_batch(g, &g->lanes[lane], user, past_last, &err);
    }
    if (code == ERR_OK)
        return;
    pthread_mutex_lock(&g->lock);
    if (g->code == ERR_OK) {
        g->code = code;
        g->err = err;
    }
    pthread_mutex_unlock(&g->lock);
}

static enum err_code measure_all(struct measuring *g, struct err *err)
{
    struct pool *pool = g->o->pool;
    enum err_code code = ERR_OK;
    g->lanes_len = pool_lanes(pool);
    g->lanes = mem_new(g->lanes_len, sizeof *g->lanes);
    for (unsigned i = 0; i < g->lanes_len && code == ERR_OK; i++) {
        struct lane *lane = &g->lanes[i];
        arena_init(&lane->arena, 1 << 20, ARENA_MAX);
        lane->weight = mem_try_new(g->m->rows + 1, sizeof *lane->weight);
        code = lane->weight ? ranking_init(&lane->totals, g->o->items, err)
                            : err_set(err, ERR_MEMORY, "no memory for %u items", g->m->rows);
    }
    if (code != ERR_OK)
        return code;
    pool_for(pool, g->o->users, GRAIN, measure_range, g);
    for (unsigned i = 1; i < g->lanes_len; i++)
        ranking_merge(&g->lanes[0].totals, &g->lanes[i].totals);
    if (g->code != ERR_OK && err)
        *err = g->err;
    return g->code;
}

static void release(struct measuring *g)
{
    for (unsigned i = 0; i < g->lanes_len; i++) {
        arena_release(&g->lanes[i].arena);
        ranking_release(&g->lanes[i].totals);
        mem_free(g->lanes[i].weight);
    }
    mem_free(g->lanes);
    pthread_mutex_destroy(&g->lock);
}

static enum err_code summarise(const struct ranking_totals *t, struct holdout_result *out,
                               struct err *err)
{
    double n = t->users ? (double)t->users : 1;
    *out = (struct holdout_result){.users = t->users,
                                   .recall = t->recall / n,
                                   .ndcg = t->ndcg / n,
                                   .hit = t->hit / n,
                                   .mrr = t->mrr / n,
                                   .coverage = ranking_coverage(t)};
    return ranking_gini(t, &out->gini, err);
}

enum err_code holdout_measure(const struct holdout_model *m, const struct interactions *past,
                              const struct interactions *truth, const struct holdout_options *o,
                              struct holdout_result *out, struct err *err)
{
    struct measuring g = {.past = past, .truth = truth, .m = m, .o = o};
    CHECK(o->k >= 1 && o->k <= HOLDOUT_K_MAX);
    pthread_mutex_init(&g.lock, NULL);
    enum err_code code = measure_all(&g, err);
    if (code == ERR_OK)
        code = summarise(&g.lanes[0].totals, out, err);
    release(&g);
    return code;
}

/* --- the factor model ------------------------------------------------------------------------ */

static enum err_code rank(const struct recommend_model *m, bool exactly, struct holdout_past *pasts,
                          size_t n, struct arena *arena, struct err *err)
{
    float *x = ARENA_NEW(arena, float, m->dim);
    enum err_code code = ERR_OK;
    for (struct holdout_past *p = pasts; p < pasts + n && code == ERR_OK; p++) {
        code = factors_fold_in(m, p->rows, p->weights, p->len, arena, x, err);
        if (code == ERR_OK && exactly)
            p->found = vectors_search_exact(&m->vectors, x, p->want, p->best);
        else if (code == ERR_OK)
            code = vectors_search(&m->vectors, x, 0, p->want, arena, p->best, &p->found, err);
    }
    return code;
}

static enum err_code rank_exactly(const void *model, struct holdout_past *pasts, size_t n,
                                  struct arena *arena, struct err *err)
{
    return rank(model, true, pasts, n, arena, err);
}

static enum err_code rank_by_index(const void *model, struct holdout_past *pasts, size_t n,
                                   struct arena *arena, struct err *err)
{
    return rank(model, false, pasts, n, arena, err);
}

enum err_code holdout_of_factors(const struct recommend_model *m, bool exact,
                                 struct holdout_model *out, struct err *err)
{
    if (m->dim == 0)
        return err_set(err, ERR_INVALID, "too little data for a factor model");
    *out = (struct holdout_model){.items = m->items,
                                  .rows = m->rows,
                                  .rank = exact ? rank_exactly : rank_by_index,
                                  .model = m};
    return ERR_OK;
}
