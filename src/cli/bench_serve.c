/* bench_serve.c - recommendations, searches and training over the shop of the data folder. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/bench.h"
#include "cli/shop.h"
#include "recommend/rows.h"
#include "search/search.h"
#include "store/events.h"
#include "store/users.h"
#include "train/recommend_fit.h"

enum { REQUESTS_MAX = 10000000, QUERIES_MAX = 100000, POOL_QUEUE = 64, ROWS_SHOWN = 8 };

/* Requests one after another, each timed. */
struct load {
    struct shop shop;
    struct rng rng;
    int64_t requests, limit;
    double *took_us; /* [requests] */
    struct arena arena;
};

static bool read_load(const struct args *args, struct load *l)
{
    int64_t seed;
    *l = (struct load){0};
    if (!args_i64(args, "--requests", 20000, 1, REQUESTS_MAX, &l->requests) ||
        !args_i64(args, "--limit", 20, 1, RECOMMEND_LIMIT_MAX, &l->limit) ||
        !args_i64(args, "--seed", 1, 0, INT64_MAX, &seed))
        return false;
    rng_init(&l->rng, (uint64_t)seed);
    arena_init(&l->arena, 1 << 20, 64 << 20);
    return true;
}

typedef enum err_code (*request_fn)(struct load *l, void *arg, struct err *err);

/* A hundredth of the requests goes ahead unmeasured, to warm up. */
static enum err_code run_load(struct load *l, const char *name, request_fn request, void *arg,
                              struct err *err)
{
    double memory;
    int64_t begin = 0;
    enum err_code code = bench_memory_bytes_per_s(&memory, err);
    l->took_us = mem_new((size_t)l->requests, sizeof *l->took_us);
    for (int64_t i = -l->requests / 100; i < l->requests && code == ERR_OK; i++) {
        int64_t start = clock_mono_ns();
        if (i == 0)
            begin = start;
        arena_reset(&l->arena);
        code = request(l, arg, err);
        if (i >= 0)
            l->took_us[i] = (double)(clock_mono_ns() - start) / 1e3;
    }
    if (code == ERR_OK)
        bench_print_latency(name, l->took_us, (size_t)l->requests,
                            (double)(clock_mono_ns() - begin) / 1e9, "memory_bytes_per_s", memory);
    mem_free(l->took_us);
    return code;
}

static enum cli_exit end_load(const struct args *args, struct load *l, enum err_code code,
                              const struct err *err)
{
    shop_close(&l->shop);
    arena_release(&l->arena);
    return code == ERR_OK ? EXIT_FINE : fail(args, err);
}

/* --- recommend ------------------------------------------------------------------------------- */

static enum err_code recommend_one(struct load *l, void *arg, struct err *err)
{
    const struct user_counts *users = arg;
    struct recommend_result found;
    struct recommend_request request = {
        .user_no = users->max_no ? (uint32_t)rng_below(&l->rng, users->max_no) + 1 : 0,
        .limit = (uint32_t)l->limit,
        .now_us = clock_now_us()};
    return recommend_run(l->shop.view, &request, &l->arena, &found, err);
}

static enum err_code rows_one(struct load *l, void *arg, struct err *err)
{
    const struct user_counts *users = arg;
    struct rows_result found;
    struct rows_request request = {
        .user_no = users->max_no ? (uint32_t)rng_below(&l->rng, users->max_no) + 1 : 0,
        .limit = (uint32_t)l->limit < ROWS_LIMIT_MAX ? (uint32_t)l->limit : ROWS_LIMIT_MAX,
        .rows = ROWS_SHOWN,
        .now_us = clock_now_us()};
    return rows_run(l->shop.view, &request, &l->arena, &found, err);
}

static enum cli_exit run_for_shoppers(const struct args *args, const char *name, request_fn one)
{
    struct load l;
    struct user_counts users = {0};
    struct db *db;
    struct err err;
    if (!read_load(args, &l))
        return EXIT_USAGE;
    enum err_code code = shop_open(args, &l.shop, &err);
    if (code == ERR_OK)
        code = store_read_begin(l.shop.store, &db, &err);
    if (code == ERR_OK) {
        code = users_count(db, &users, &err);
        store_read_end(l.shop.store, db);
    }
    if (code == ERR_OK)
        code = run_load(&l, name, one, &users, &err);
    return end_load(args, &l, code, &err);
}

enum cli_exit bench_recommend(const struct args *args)
{
    return run_for_shoppers(args, "recommend", recommend_one);
}

enum cli_exit bench_rows(const struct args *args)
{
    return run_for_shoppers(args, "rows", rows_one);
}

/* --- ranker ---------------------------------------------------------------------------------- */

/* Values around the trees' own thresholds, so that rows go either way; one in eight is missing. */
static void draw_features(const struct trees *t, size_t n, struct rng *rng, float *x)
{
    for (size_t i = 0; i < n * t->features; i++) {
        bool known = t->nodes && rng_below(rng, 8) > 0;
        float threshold = known ? t->threshold[rng_below(rng, t->nodes)] : NAN;
        x[i] = isfinite(threshold) ? threshold + (float)rng_below(rng, 3) - 1 : NAN;
    }
}

static void time_trees(const struct load *l, const struct trees *t, size_t n, const float *x,
                       float *out)
{
    char name[64];
    const struct trees_ops *ops, *before = NULL;
    for (size_t i = 0; (ops = trees_available(i)); before = ops, i++) {
        if (ops == before)
            continue; /* what the processor can beyond it is of no use to trees */
        int64_t begin = clock_mono_ns();
        for (int64_t k = 0; k < l->requests; k++)
            trees_score_with(ops, t, x, n, n, out);
        snprintf(name, sizeof name, "%u_trees_%zu_rows_%s", t->len, n, ops->name);
        bench_print(&(struct bench_figure){
            "ranker", name, "us", (double)(clock_mono_ns() - begin) / 1e3 / (double)l->requests,
            NULL, 0});
    }
}

enum cli_exit bench_ranker(const struct args *args)
{
    struct load l;
    struct err err;
    if (!read_load(args, &l))
        return EXIT_USAGE;
    enum err_code code = shop_open(args, &l.shop, &err);
    const struct view *v = l.shop.view;
    const struct ranker *r = code == ERR_OK && v->model ? v->model->ranker : NULL;
    if (code == ERR_OK && !r)
        code = err_set(&err, ERR_NOT_FOUND, "the shop has no learned ranker");
    if (r) {
        float *x = mem_new((size_t)r->candidates * r->trees.features, sizeof *x);
        float *out = mem_new(r->candidates, sizeof *out);
        draw_features(&r->trees, r->candidates, &l.rng, x);
        time_trees(&l, &r->trees, r->candidates, x, out);
        mem_free(x);
        mem_free(out);
    }
    return end_load(args, &l, code, &err);
}

/* --- search ---------------------------------------------------------------------------------- */

struct queries {
    struct searcher *searcher;
    struct str texts[QUERIES_MAX]; /* [len] */
    size_t len;
};

static enum err_code read_logged(struct load *l, struct queries *q, struct err *err)
{
    struct db *db;
    struct db_rows rows = {0};
    struct event e;
    bool more = true;
    enum err_code code = store_read_begin(l->shop.store, &db, err);
    if (code != ERR_OK)
        return code;
    code = events_after(db, 0, INT64_MAX, INT64_MAX, &rows, err);
    while (code == ERR_OK && q->len < QUERIES_MAX &&
           (code = events_next(&rows, &e, NULL, &more, err)) == ERR_OK && more)
        if (e.type == EVENT_SEARCH && e.query.n)
            q->texts[q->len++] = arena_str(&l->shop.arena, e.query);
    db_rows_close(&rows);
    store_read_end(l->shop.store, db);
    return code;
}

/* Two neighbouring words of random titles. */
static void invent(struct load *l, struct queries *q)
{
    const struct view *v = l->shop.view;
    uint32_t end = live_end(v->live);
    for (size_t tries = 0; end > 1 && tries < QUERIES_MAX && q->len < 10000; tries++) {
        uint32_t no = (uint32_t)rng_below(&l->rng, end - 1) + 1;
        struct str rest = card_title(v, no, v->shop->languages[0]);
        size_t first = str_find(rest, ' ', 0);
        size_t second = first == SIZE_MAX ? SIZE_MAX : str_find(rest, ' ', first + 1);
        if (second != SIZE_MAX)
            rest.n = second;
        if (rest.n && rest.n <= STORE_QUERY_MAX)
            q->texts[q->len++] = rest;
    }
}

static enum err_code search_one(struct load *l, void *arg, struct err *err)
{
    struct queries *q = arg;
    const struct view *v = l->shop.view;
    struct search_result found;
    struct search_request request = {.query = q->texts[rng_below(&l->rng, q->len)],
                                     .page = 1,
                                     .limit = (uint32_t)l->limit,
                                     .prefix = true,
                                     .language = v->shop->languages[0],
                                     .currency = v->shop->currency,
                                     .now_us = clock_now_us()};
    return search_run(q->searcher, v, &request, &l->arena, &found, err);
}

enum cli_exit bench_search(const struct args *args)
{
    struct load l;
    struct err err;
    if (!read_load(args, &l))
        return EXIT_USAGE;
    struct queries *q = MEM_NEW(struct queries);
    q->searcher = searcher_new();
    enum err_code code = shop_open(args, &l.shop, &err);
    if (code == ERR_OK)
        code = read_logged(&l, q, &err);
    if (code == ERR_OK && q->len == 0)
        invent(&l, q);
    if (code == ERR_OK && q->len == 0)
        code = err_set(&err, ERR_NOT_FOUND, "the shop has neither searches nor products");
    if (code == ERR_OK)
        code = run_load(&l, "search", search_one, q, &err);
    searcher_free(q->searcher);
    mem_free(q);
    return end_load(args, &l, code, &err);
}

/* --- train ----------------------------------------------------------------------------------- */

static void print_train(const char *name, const char *unit, double value)
{
    bench_print(&(struct bench_figure){"train", name, unit, value, NULL, 0});
}

static enum err_code train(struct store *store, struct pool *pool, struct err *err)
{
    struct recommend_params params = recommend_defaults();
    struct derive_options options = derive_defaults();
    struct interactions acts = {0};
    struct recommend_model model = {0};
    int64_t begin = clock_mono_ns();
    enum err_code code = derive_interactions(store, &options, &acts, NULL, err);
    double derive_s = (double)(clock_mono_ns() - begin) / 1e9;
    begin = clock_mono_ns();
    if (code == ERR_OK)
        code = recommend_fit(&acts, &params, &(struct fit_options){.pool = pool}, &model, err);
    double fit_s = (double)(clock_mono_ns() - begin) / 1e9;
    if (code == ERR_OK) {
        print_train("derive_acts_per_s", "1/s", (double)acts.len / derive_s);
        print_train("fit_ms", "ms", fit_s * 1e3);
        print_train("fit_acts_per_s", "1/s", (double)acts.len / fit_s);
        print_train("threads", "", pool_lanes(pool));
    }
    recommend_fit_release(&model);
    interactions_release(&acts);
    return code;
}

enum cli_exit bench_train(const struct args *args)
{
    int64_t threads;
    struct store *store;
    struct pool *pool = NULL;
    struct err err;
    if (args_has(args, "--matrix") || args_has(args, "--users"))
        return bench_als(args);
    if (!args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail(args, &err);
    enum err_code code = ERR_OK;
    if (threads != 1)
        code = pool_new(&pool, "bench", threads ? (unsigned)threads - 1 : 0, POOL_QUEUE, &err);
    if (code == ERR_OK)
        code = train(store, pool, &err);
    pool_free(pool);
    store_close(store);
    return code == ERR_OK ? EXIT_FINE : fail(args, &err);
}
