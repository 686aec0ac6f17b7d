#include "eval/lists.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/signal.h"
#include "recommend/diversity.h"
#include "recommend/novelty.h"
#include "recommend/trace.h"

enum { GRAIN = 16, ARENA_MAX = 64 << 20 };

/* What there is in a list beside what is right. */
struct mixture {
    double diversity, novelty, margin;
};

/* A thread's own. */
struct lane {
    struct arena arena;
    struct ranking_totals shown; /* its sums are not used: they would depend on the threads */
};

struct measuring {
    const struct list_cases *cases;
    const struct view *view;
    const struct lists_options *o;
    struct user_metrics *metrics; /* [cases] */
    struct mixture *mixture;      /* [cases] */
    struct lane *lanes;           /* [lanes_len] */
    unsigned lanes_len;
    pthread_mutex_t lock;
    enum err_code code; /* the first failure */
    struct err err;
};

static struct mixture mixture_of(const struct view *view, const struct profile *profile,
                                 const uint32_t *list, size_t n)
{
    struct novelty novelty;
    struct mixture m = {.diversity = diversity_of(view_model(view), list, n)};
    novelty_init(&novelty, view, profile);
    for (size_t i = 0; i < n; i++) {
        m.novelty += (double)novelty_of(&novelty, list[i]) / (double)n;
        m.margin += (double)live_margin(view->live, list[i]) / (double)n;
    }
    return m;
}

static enum err_code measure_case(struct measuring *g, struct lane *lane, size_t i, struct err *err)
{
    const struct list_case *c = &g->cases->items[i];
    const uint32_t *products = g->cases->products + c->at;
    struct recommend_request r = {.placement = g->cases->placement,
                                  .user_no = c->user_no,
                                  .context = products,
                                  .context_len = c->context_len,
                                  .limit = (uint32_t)g->o->k,
                                  .hide_seen = c->user_no != 0,
                                  .weights = g->o->weights,
                                  .now_us = g->o->now_us};
    struct recommend_trace found;
    uint32_t list[RECOMMEND_LIMIT_MAX];
    enum err_code code = signal_check(err);
    arena_reset(&lane->arena);
    if (code == ERR_OK)
        code = recommend_trace_run(g->view, &r, &lane->arena, &found, err);
    if (code != ERR_OK)
        return code;
    size_t n = found.choice.len;
    for (size_t k = 0; k < n; k++)
        list[k] = found.choice.items[k].product_no;
    g->metrics[i] = ranking_measure(list, n, products + c->context_len, c->truth_len, g->o->k);
    g->mixture[i] = mixture_of(g->view, &found.profile, list, n);
    ranking_add(&lane->shown, list, n, &g->metrics[i], g->o->k);
    return ERR_OK;
}

static void measure_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct measuring *g = arg;
    struct err err;
    enum err_code code = ERR_OK;
    for (size_t i = begin; i < end && code == ERR_OK; i++)
        code = measure_case(g, &g->lanes[lane], i, &err);
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
    size_t n = g->cases->len;
    enum err_code code = ERR_OK;
    g->lanes_len = pool_lanes(g->o->pool);
    g->lanes = mem_new(g->lanes_len, sizeof *g->lanes);
    g->metrics = mem_try_new(n + 1, sizeof *g->metrics);
    g->mixture = mem_try_new(n + 1, sizeof *g->mixture);
    if (!g->metrics || !g->mixture)
        return err_set(err, ERR_MEMORY, "no memory for %zu lists", n);
    for (unsigned i = 0; i < g->lanes_len && code == ERR_OK; i++) {
        arena_init(&g->lanes[i].arena, 1 << 20, ARENA_MAX);
        code = ranking_init(&g->lanes[i].shown, live_end(g->view->live), err);
    }
    if (code != ERR_OK)
        return code;
    pool_for(g->o->pool, n, GRAIN, measure_range, g);
    for (unsigned i = 1; i < g->lanes_len; i++)
        ranking_merge(&g->lanes[0].shown, &g->lanes[i].shown);
    if (g->code != ERR_OK && err)
        *err = g->err;
    return g->code;
}

static enum err_code summarise(const struct measuring *g, struct lists_result *out, struct err *err)
{
    size_t n = g->cases->len;
    double by = n ? (double)n : 1;
    out->cases = n;
    out->case_ndcg = mem_try_new(n + 1, sizeof *out->case_ndcg);
    if (!out->case_ndcg)
        return err_set(err, ERR_MEMORY, "no memory for %zu lists", n);
    for (size_t i = 0; i < n; i++) {
        const struct user_metrics *m = &g->metrics[i];
        out->recall += m->recall / by;
        out->ndcg += m->ndcg / by;
        out->hit += m->hit / by;
        out->mrr += m->mrr / by;
        out->diversity += g->mixture[i].diversity / by;
        out->novelty += g->mixture[i].novelty / by;
        out->margin += g->mixture[i].margin / by;
        out->case_ndcg[i] = m->ndcg;
    }
    out->coverage = ranking_coverage(&g->lanes[0].shown);
    return ranking_gini(&g->lanes[0].shown, &out->gini, err);
}

enum err_code lists_measure(const struct list_cases *cases, const struct view *view,
                            const struct lists_options *o, struct lists_result *out,
                            struct err *err)
{
    struct measuring g = {.cases = cases, .view = view, .o = o};
    CHECK(o->k >= 1 && o->k <= RECOMMEND_LIMIT_MAX);
    *out = (struct lists_result){0};
    pthread_mutex_init(&g.lock, NULL);
    enum err_code code = measure_all(&g, err);
    if (code == ERR_OK)
        code = summarise(&g, out, err);
    for (unsigned i = 0; i < g.lanes_len; i++) {
        arena_release(&g.lanes[i].arena);
        ranking_release(&g.lanes[i].shown);
    }
    mem_free(g.lanes);
    mem_free(g.metrics);
    mem_free(g.mixture);
    pthread_mutex_destroy(&g.lock);
    return code;
}

void lists_result_release(struct lists_result *r)
{
    mem_free(r->case_ndcg);
    *r = (struct lists_result){0};
}
