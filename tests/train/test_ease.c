/* test_ease.c - our models beside EASE on people of a few tastes.
 *
 * EASE: B = -P / diag(P) off the diagonal, P = (R'R + lambda I)^-1, scores R B: the closed form of a linear model of
 * every item by all others (Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019). It is of size items
 * by items in double precision here, which is what no shop can afford, and a yardstick that ours must reach. */
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "eval/holdout.h"
#include "num/dense.h"
#include "num/small.h"
#include "num/vec.h"
#include "support/suite.h"
#include "train/recommend_fit.h"
#include "train/rivals.h"

enum { USERS = 240, ITEMS = 80, TASTES = 5, ACTS = 16, HELD = 4, K = 10 };

static const double lambda = 30;

struct sample {
    struct interactions past, truth;
};

/* Each shopper mixes two tastes, each of which prefers some items to others. */
static void sample_init(struct sample *s)
{
    const struct derive_options o = derive_defaults();
    struct rng r;
    struct err err;
    dense_init();
    ck_ok(vec_init(&err));
    small_init();
    rng_init(&r, 3);
    *s = (struct sample){.past = {0}};
    for (uint32_t user = 1; user <= USERS; user++) {
        bool had[ITEMS + 1] = {false};
        uint32_t tastes[] = {(uint32_t)rng_below(&r, TASTES), (uint32_t)rng_below(&r, TASTES)};
        for (int i = 0; i < ACTS; i++) {
            uint32_t place, item;
            do {
                place = (uint32_t)(rng_below(&r, ITEMS / TASTES) * rng_below(&r, ITEMS / TASTES)) /
                        (ITEMS / TASTES);
                item = 1 + (rng_below(&r, 10) ? place * TASTES + tastes[rng_below(&r, 2)]
                                              : (uint32_t)rng_below(&r, ITEMS));
            } while (had[item] && rng_below(&r, 50));
            if (had[item])
                continue;
            had[item] = true;
            ck_ok(interactions_append(i < ACTS - HELD ? &s->past : &s->truth, user, item,
                                      CLOCK_US_PER_DAY * (int64_t)(20000 + i), 1, EVENT_VIEW, 1,
                                      &err));
        }
    }
    ck_ok(interactions_sort(&s->past, &o, &err));
    ck_ok(interactions_sort(&s->truth, &o, &err));
}

static void sample_release(struct sample *s)
{
    interactions_release(&s->past);
    interactions_release(&s->truth);
}

static double measure(const struct sample *s, const struct holdout_model *m)
{
    struct holdout_options o = {.k = K, .users = USERS, .items = ITEMS};
    struct holdout_result r;
    struct err err;
    ck_ok(holdout_measure(m, &s->past, &s->truth, &o, &r, &err));
    ck_assert_uint_gt(r.users, USERS * 9 / 10);
    return r.ndcg;
}

/* --- EASE ------------------------------------------------------------------------------------ */

struct ease {
    uint32_t items[ITEMS];  /* item + 1 */
    double b[ITEMS][ITEMS]; /* [had][shown] */
};

/* a [ITEMS][ITEMS] becomes its inverse, by Gauss and Jordan; it is positive definite. */
static void invert(double a[ITEMS][ITEMS])
{
    for (size_t k = 0; k < ITEMS; k++) {
        double pivot = a[k][k];
        a[k][k] = 1;
        for (size_t j = 0; j < ITEMS; j++)
            a[k][j] /= pivot;
        for (size_t i = 0; i < ITEMS; i++) {
            double factor = a[i][k];
            if (i == k)
                continue;
            a[i][k] = 0;
            for (size_t j = 0; j < ITEMS; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
}

static void ease_fit(const struct interactions *it, struct ease *e)
{
    static double had[USERS][ITEMS];
    memset(had, 0, sizeof had);
    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < it->len; i++)
        had[it->user_no[i] - 1][it->product_no[i] - 1] = 1;
    for (uint32_t i = 0; i < ITEMS; i++) {
        e->items[i] = i + 1;
        for (uint32_t j = 0; j < ITEMS; j++)
            for (size_t u = 0; u < USERS; u++)
                e->b[i][j] += had[u][i] * had[u][j];
        e->b[i][i] += lambda;
    }
    invert(e->b);
    for (uint32_t j = 0; j < ITEMS; j++) {
        double diagonal = e->b[j][j];
        for (uint32_t i = 0; i < ITEMS; i++)
            e->b[i][j] = i == j ? 0 : -e->b[i][j] / diagonal;
    }
}

static enum err_code ease_rank(const void *model, struct holdout_past *pasts, size_t n,
                               struct arena *arena, struct err *err)
{
    const struct ease *e = model;
    (void)arena, (void)err;
    for (struct holdout_past *p = pasts; p < pasts + n; p++) {
        struct topk top;
        topk_init(&top, p->best, p->want);
        for (uint32_t j = 0; j < ITEMS; j++) {
            double score = 0;
            for (size_t i = 0; i < p->len; i++)
                score += e->b[p->rows[i]][j];
            topk_push(&top, (float)score, j);
        }
        p->found = topk_finish(&top);
    }
    return ERR_OK;
}

static double measure_ease(const struct sample *s)
{
    static struct ease e;
    ease_fit(&s->past, &e);
    struct holdout_model m = {.items = e.items, .rows = ITEMS, .rank = ease_rank, .model = &e};
    return measure(s, &m);
}

/* --- ours ------------------------------------------------------------------------------------ */

static double measure_rival(const struct sample *s, enum rival_kind kind)
{
    struct rival_params p = rival_defaults();
    struct rival r;
    struct err err;
    /* the default is for shops of some ten thousand items: here it would be all there is */
    if (kind == RIVAL_PROPAGATION)
        ck_ok(rival_param_set(&p, kind, STR_LIT("dim=10"), &err));
    ck_ok(rival_fit(&s->past, kind, &p, NULL, &r, &err));
    struct holdout_model m = rival_holdout(&r);
    double ndcg = measure(s, &m);
    rival_release(&r);
    return ndcg;
}

static double measure_als(const struct sample *s)
{
    struct recommend_params p = recommend_defaults();
    struct recommend_model model;
    struct holdout_model m;
    struct err err;
    p.dim = 2 * TASTES;
    ck_ok(recommend_fit(&s->past, &p, &(struct fit_options){0}, &model, &err));
    ck_ok(holdout_of_factors(&model, true, &m, &err));
    double ndcg = measure(s, &m);
    recommend_fit_release(&model);
    return ndcg;
}

START_TEST(every_model_ranks_nearly_as_well_as_ease_and_popularity_does_not)
{
    struct sample s;
    sample_init(&s);
    double ease = measure_ease(&s);
    ck_assert_double_lt(measure_rival(&s, RIVAL_POPULARITY), 0.7 * ease);
    ck_assert_double_ge(measure_als(&s), 0.95 * ease);
    ck_assert_double_ge(measure_rival(&s, RIVAL_PROPAGATION), 0.95 * ease);
    ck_assert_double_ge(measure_rival(&s, RIVAL_NEIGHBOURS), 0.95 * ease);
    sample_release(&s);
}
END_TEST

SUITE("ease", every_model_ranks_nearly_as_well_as_ease_and_popularity_does_not)
