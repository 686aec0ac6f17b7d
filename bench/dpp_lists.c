/* dpp_lists.c - do lists from a determinantal point process beat those by maximal marginal relevance?
 *
 * An experiment and no part of the program: docs/recommendations.md has what came of it.
 *
 *     dpp_lists DIR PLACEMENT [UNTIL]
 *
 * Method: questions with known answers from a shop's past (eval/list_cases.h). For each the first POOL products of the
 *         list that is served, of which LIST are chosen by
 *           mmr  diversify (recommend/diversity.h), as the program does it
 *           dpp  greedy maximum a posteriori of a determinantal point process (Chen, Zhang, Zhou, "Fast greedy MAP
 *                inference for determinantal point process to improve recommendation diversity", NeurIPS 2018,
 *                algorithm 1): the next is the item with the greatest
 *                theta * relevance + (1 - theta) * ln d^2, d^2 its squared distance to the span of those taken;
 *                S is the cosine of the items' factors, or with `half` (1 + cosine) / 2 as in the paper
 *         Both have the same relevances. Every first list's determinant is computed again from scratch and must
 *         agree.
 * Output: a line for each setting: method, its weight, NDCG@20, recall@20, mean unlikeness of pairs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/shop.h"
#include "engine/past.h"
#include "eval/list_cases.h"
#include "eval/ranking.h"
#include "num/dense.h"
#include "num/small.h"
#include "num/trees.h"
#include "num/vec.h"
#include "recommend/diversity.h"
#include "recommend/trace.h"
#include "train/content.h"
#include "train/recommend_evaluate.h"

enum { LIST = 20, POOL = 60, CASES_MAX = 5000 };

#define FLOOR                                                                                      \
    1e-6 /* of d^2: what lies in the span of those taken adds nothing that can be counted */

const struct config_setting *settings_table(size_t *n);

struct experiment {
    struct shop shop;
    struct interactions it;
    struct content_catalogue catalogue;
    struct recommend_params params;
    struct recommend_model model;
    struct past past;
    struct list_cases cases;
    int64_t until, split;
};

static enum err_code go_back(struct experiment *e, enum placement placement, struct err *err)
{
    struct derive_options derive = derive_defaults();
    struct fit_options fit = {.catalogue = &e->catalogue};
    derive.guests = true;
    derive.until = e->until;
    enum err_code code = derive_interactions(e->shop.store, &derive, &e->it, NULL, err);
    if (code == ERR_OK)
        code = recommend_split(&e->it, 0.8, &e->split, err);
    fit.until = e->split;
    if (code == ERR_OK)
        code = content_catalogue_read(e->shop.store, &e->catalogue, err);
    if (code == ERR_OK)
        code = recommend_fit(&e->it, &e->params, &fit, &e->model, err);
    if (code == ERR_OK)
        code = past_open(e->shop.view, &e->model, e->split, &e->past, err);
    for (size_t i = 0; code == ERR_OK && i < e->it.len; i++)
        if (e->it.time[i] < e->split)
            past_act(&e->past, 0, e->it.product_no[i], (enum event_type)e->it.type[i],
                     e->it.time[i]);
    if (code != ERR_OK)
        return code;
    past_shelve(&e->past);
    return list_cases_read(&e->it, &e->past.view, placement, e->split, INT64_MAX, CASES_MAX,
                           e->params.seed, &e->cases, err);
}

/* --- the process ------------------------------------------------------------------------------- */

static double cosine(const struct recommend_model *m, uint32_t a, uint32_t b)
{
    uint32_t x = recommend_model_row(m, a), y = recommend_model_row(m, b);
    if (a == b)
        return 1;
    if (x == UINT32_MAX || y == UINT32_MAX)
        return 0;
    const float *u = m->vectors.exact + (size_t)x * m->dim;
    const float *v = m->vectors.exact + (size_t)y * m->dim;
    double lengths = sqrt((double)vec->dot(u, u, m->dim) * (double)vec->dot(v, v, m->dim));
    return lengths > 0 ? (double)vec->dot(u, v, m->dim) / lengths : 0;
}

struct kernel {
    double s[POOL][POOL];
    size_t n;
};

static void kernel_init(struct kernel *k, const struct recommend_model *m,
                        const struct listed *pool, size_t n, bool half)
{
    k->n = n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double c = cosine(m, pool[i].item.product_no, pool[j].item.product_no);
            k->s[i][j] = half ? (1 + c) / 2 : c;
        }
}

/* ln det of the kernel of chosen [n], by elimination; each pivot not below FLOOR. */
static double log_det(const struct kernel *k, const size_t *chosen, size_t n)
{
    double a[LIST][LIST], sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            a[i][j] = k->s[chosen[i]][chosen[j]];
    for (size_t p = 0; p < n; p++) {
        double pivot = fmax(a[p][p], FLOOR);
        sum += log(pivot);
        for (size_t i = p + 1; i < n; i++)
            for (size_t j = p + 1; j < n; j++)
                a[i][j] -= a[i][p] * a[p][j] / pivot;
    }
    return sum;
}

/* Which `want` of the pool, in the order of choice. */
static size_t choose_dpp(const struct kernel *k, const double *relevance, double theta, size_t want,
                         size_t *chosen)
{
    double c[POOL][LIST], d2[POOL], sum = 0;
    bool used[POOL] = {false};
    size_t n = 0;
    for (size_t i = 0; i < k->n; i++)
        d2[i] = k->s[i][i];
    for (; n < want && n < k->n; n++) {
        size_t best = k->n;
        double most = -INFINITY;
        for (size_t i = 0; i < k->n; i++) {
            double worth = theta * relevance[i] + (1 - theta) * log(fmax(d2[i], FLOOR));
            if (!used[i] && worth > most) {
                most = worth;
                best = i;
            }
        }
        double d = sqrt(fmax(d2[best], FLOOR));
        sum += 2 * log(d);
        used[best] = true;
        chosen[n] = best;
        for (size_t i = 0; i < k->n; i++) {
            double e = k->s[best][i];
            for (size_t t = 0; t < n; t++)
                e -= c[best][t] * c[i][t];
            c[i][n] = e / d;
            d2[i] -= c[i][n] * c[i][n];
        }
    }
    double plain = log_det(k, chosen, n);
    CHECK(fabs(plain - sum) < 1e-3 * (1 + fabs(plain)));
    return n;
}

/* --- measuring --------------------------------------------------------------------------------- */

struct setting {
    const char *method;
    double weight; /* diversity, or theta */
    double ndcg, recall, diversity;
};

static size_t choose(const struct experiment *e, const struct setting *s, struct listed *pool,
                     size_t n, struct arena *arena, uint32_t *list)
{
    struct placement_weights w = {.diversity = (float)s->weight};
    struct err err;
    size_t len = n < LIST ? n : LIST;
    if (strcmp(s->method, "mmr") == 0) {
        CHECK(diversify(&e->model, &w, pool, n, LIST, arena, &err) == ERR_OK);
        for (size_t i = 0; i < len; i++)
            list[i] = pool[i].item.product_no;
        return len;
    }
    static struct kernel k;
    size_t chosen[LIST];
    double relevance[POOL];
    double lowest = (double)pool[n - 1].item.score, best = (double)pool[0].item.score;
    for (size_t i = 0; i < n; i++)
        relevance[i] = best > lowest ? ((double)pool[i].item.score - lowest) / (best - lowest) : 1;
    kernel_init(&k, &e->model, pool, n, strcmp(s->method, "half") == 0);
    len = choose_dpp(&k, relevance, s->weight, LIST, chosen);
    for (size_t i = 0; i < len; i++)
        list[i] = pool[chosen[i]].item.product_no;
    return len;
}

static void measure_case(struct experiment *e, const struct list_case *c, struct setting *settings,
                         size_t n)
{
    const uint32_t *products = e->cases.products + c->at;
    struct recommend_request r = {.placement = e->cases.placement,
                                  .user_no = c->user_no,
                                  .context = products,
                                  .context_len = c->context_len,
                                  .limit = POOL,
                                  .may_be_short = true,
                                  .hide_seen = c->user_no != 0,
                                  .now_us = e->split};
    struct recommend_trace found;
    struct err err;
    arena_reset(&e->shop.arena);
    CHECK(recommend_trace_run(&e->past.view, &r, &e->shop.arena, &found, &err) == ERR_OK);
    for (size_t s = 0; s < n && found.choice.len > 0; s++) {
        struct listed pool[POOL];
        uint32_t list[LIST];
        for (size_t i = 0; i < found.choice.len; i++)
            pool[i] = (struct listed){.item = found.choice.items[i], .factor = 1};
        size_t len = choose(e, &settings[s], pool, found.choice.len, &e->shop.arena, list);
        struct user_metrics m =
            ranking_measure(list, len, products + c->context_len, c->truth_len, LIST);
        double by = (double)e->cases.len;
        settings[s].ndcg += m.ndcg / by;
        settings[s].recall += m.recall / by;
        settings[s].diversity += diversity_of(&e->model, list, len) / by;
    }
}

static void measure(struct experiment *e)
{
    static struct setting settings[] = {
        {.method = "mmr", .weight = 0},     {.method = "mmr", .weight = 0.1},
        {.method = "mmr", .weight = 0.15},  {.method = "mmr", .weight = 0.2},
        {.method = "mmr", .weight = 0.25},  {.method = "mmr", .weight = 0.3},
        {.method = "mmr", .weight = 0.4},   {.method = "mmr", .weight = 0.5},
        {.method = "dpp", .weight = 0.99},  {.method = "dpp", .weight = 0.97},
        {.method = "dpp", .weight = 0.95},  {.method = "dpp", .weight = 0.9},
        {.method = "dpp", .weight = 0.85},  {.method = "dpp", .weight = 0.8},
        {.method = "dpp", .weight = 0.7},   {.method = "half", .weight = 0.97},
        {.method = "half", .weight = 0.95}, {.method = "half", .weight = 0.9},
        {.method = "half", .weight = 0.8},  {.method = "half", .weight = 0.7},
    };
    size_t n = sizeof settings / sizeof *settings;
    for (size_t i = 0; i < e->cases.len; i++)
        measure_case(e, &e->cases.items[i], settings, n);
    for (size_t s = 0; s < n; s++)
        printf("%-4s %.2f  ndcg@20 %.5f  recall@20 %.5f  diversity %.5f\n", settings[s].method,
               settings[s].weight, settings[s].ndcg, settings[s].recall, settings[s].diversity);
}

int main(int argc, char **argv)
{
    static struct experiment e;
    struct err err;
    size_t n;
    enum placement placement;
    const struct config_setting *table = settings_table(&n);
    struct args args = {
        .config = config_new(table, n), .quiet = true, .out = stdout, .err = stderr};
    if (argc < 3 || !placement_of(str_of(argv[2]), &placement)) {
        fprintf(stderr, "usage: dpp_lists DIR PLACEMENT [UNTIL]\n");
        return EXIT_USAGE;
    }
    e.params = recommend_defaults();
    dense_init();
    small_init();
    trees_init();
    enum err_code code = vec_init(&err);
    if (code == ERR_OK && argc > 3)
        code = clock_parse_iso(str_of(argv[3]), &e.until, &err);
    if (code == ERR_OK)
        code = config_set(args.config, "store.dir", argv[1], "DIR", &err);
    if (code == ERR_OK)
        code = shop_open(&args, &e.shop, &err);
    if (code == ERR_OK)
        code = go_back(&e, placement, &err);
    if (code == ERR_OK)
        measure(&e);
    else
        fprintf(stderr, "dpp_lists: %s\n", err.msg);
    list_cases_release(&e.cases);
    past_close(&e.past);
    recommend_fit_release(&e.model);
    interactions_release(&e.it);
    content_catalogue_release(&e.catalogue);
    shop_close(&e.shop);
    config_free(args.config);
    return code == ERR_OK ? EXIT_FINE : EXIT_FAILED;
}
