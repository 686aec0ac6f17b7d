/* eval_sessions.c - know the sessions of one file, foretell what comes next in those of another. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/eval.h"
#include "eval/sessions.h"
#include "num/topk.h"
#include "recommend/sessions.h"

/* Of one question; hostile options ask for more. */
#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct evaluation {
    struct map_str item_of;
    struct session_log train, test;
    struct session_measure_options options;
    struct session_options fit;
    struct session_index index;
    struct session_result result, popularity;
    struct arena *lanes;
    _Atomic bool failed; /* a question did not fit */
    uint32_t *popular;   /* [popular_len] items, best first */
    size_t popular_len;
    bool *wanted;
    double fit_s, measure_s; /* wall time */
};

static size_t list_near(void *arg, unsigned lane, const uint32_t *items, size_t n, int64_t now_us,
                        uint32_t *out, size_t k)
{
    struct evaluation *e = arg;
    const struct session_question q = {.items = items, .n = n, .now_us = now_us, .k = k};
    struct session_list found;
    arena_reset(&e->lanes[lane]);
    if (session_foretell(&e->index, &e->fit, &q, &e->lanes[lane], &found, NULL) != ERR_OK) {
        atomic_store(&e->failed, true);
        return 0;
    }
    memcpy(out, found.item, found.len * sizeof *out);
    return found.len;
}

static size_t list_popular(void *arg, unsigned lane, const uint32_t *items, size_t n,
                           int64_t now_us, uint32_t *out, size_t k)
{
    const struct evaluation *e = arg;
    (void)lane, (void)items, (void)n, (void)now_us;
    size_t len = k < e->popular_len ? k : e->popular_len;
    memcpy(out, e->popular, len * sizeof *out);
    return len;
}

static enum err_code count_popular(struct evaluation *e, struct err *err)
{
    uint32_t items = (uint32_t)e->item_of.len;
    struct topk_item best[SESSIONS_K_MAX];
    struct topk top;
    float *counts = mem_try_new(items, sizeof *counts);
    e->popular = mem_new(e->options.k, sizeof *e->popular);
    if (!counts)
        return err_set(err, ERR_MEMORY, "no memory to count %u items", items);
    for (uint64_t i = 0; i < e->train.offsets[e->train.len]; i++)
        counts[e->train.item[i]]++;
    topk_init(&top, best, e->options.k);
    for (uint32_t i = 0; i < items; i++)
        if (counts[i] > 0)
            topk_push(&top, counts[i], i);
    e->popular_len = topk_finish(&top);
    for (size_t i = 0; i < e->popular_len; i++)
        e->popular[i] = best[i].id;
    mem_free(counts);
    return ERR_OK;
}

static enum err_code fit(struct evaluation *e, struct err *err)
{
    const struct session_log *t = &e->train;
    const struct session_input in = {.sessions = t->len,
                                     .items = (uint32_t)e->item_of.len,
                                     .offsets = t->offsets,
                                     .item = t->item,
                                     .end_us = t->end_us};
    e->lanes = mem_new(pool_lanes(e->options.pool), sizeof *e->lanes);
    for (unsigned i = 0; i < pool_lanes(e->options.pool); i++)
        arena_init(&e->lanes[i], 1 << 20, ARENA_BYTES_MAX);
    return session_index_build(&in, &e->index, err);
}

static enum err_code fit_and_measure(struct evaluation *e, struct err *err)
{
    int64_t begin = clock_mono_ns();
    enum err_code code = fit(e, err);
    int64_t fitted = clock_mono_ns();
    if (code == ERR_OK)
        code = session_log_measure(&e->test, &e->options, list_near, e, &e->result, err);
    if (code == ERR_OK && atomic_load(&e->failed))
        code = err_set(err, ERR_LIMIT, "a question takes more than %zu bytes", ARENA_BYTES_MAX);
    e->fit_s = (double)(fitted - begin) / 1e9;
    e->measure_s = (double)(clock_mono_ns() - fitted) / 1e9;
    if (code == ERR_OK)
        code = count_popular(e, err);
    if (code == ERR_OK)
        code = session_log_measure(&e->test, &e->options, list_popular, e, &e->popularity, err);
    return code;
}

static void write_result(const struct evaluation *e, struct json_writer *w)
{
    const struct session_result *r = &e->result;
    double measure_s = e->measure_s > 0 ? e->measure_s : 1;
    jw_obj(w);
    JW_U64(w, "sessions", e->test.len);
    JW_U64(w, "events", r->events);
    JW_U64(w, "items", e->item_of.len);
    JW_U64(w, "known_sessions", e->train.len);
    eval_key_at(w, "hit", e->options.k), jw_decimal(w, r->hit, 5);
    eval_key_at(w, "mrr", e->options.k), jw_decimal(w, r->mrr, 5);
    JW_OBJ(w, "popularity");
    eval_key_at(w, "hit", e->options.k), jw_decimal(w, e->popularity.hit, 5);
    eval_key_at(w, "mrr", e->options.k), jw_decimal(w, e->popularity.mrr, 5);
    jw_obj_end(w);
    JW_DECIMAL(w, "fit_s", e->fit_s, 3);
    JW_DECIMAL(w, "p50_us", r->p50_us, 1);
    JW_DECIMAL(w, "p99_us", r->p99_us, 1);
    JW_DECIMAL(w, "recommend_events_per_s", (double)r->events / measure_s, 0);
    JW_U64(w, "threads", pool_lanes(e->options.pool));
    jw_obj_end(w);
}

static enum err_code read_files(const struct args *args, struct evaluation *e, struct err *err)
{
    enum err_code code = session_log_read(args_flag(args, "--train"), &e->item_of, &e->train, err);
    if (code == ERR_OK)
        code = session_log_read(args_flag(args, "--test"), &e->item_of, &e->test, err);
    if (code != ERR_OK || !args_has(args, "--events"))
        return code;
    e->wanted = mem_try_new(e->test.offsets[e->test.len], sizeof *e->wanted);
    if (!e->wanted)
        return err_set(err, ERR_MEMORY, "no memory to choose events");
    e->options.wanted = e->wanted;
    return session_log_choose(&e->test, args_flag(args, "--events"), e->wanted, err);
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, unsigned threads,
                              struct json_writer *w, struct err *err)
{
    enum err_code code = read_files(args, e, err);
    if (code == ERR_OK)
        code = eval_pool(threads, &e->options.pool, err);
    if (code == ERR_OK)
        code = fit_and_measure(e, err);
    if (code == ERR_OK)
        write_result(e, w);
    for (unsigned i = 0; e->lanes && i < pool_lanes(e->options.pool); i++)
        arena_release(&e->lanes[i]);
    mem_free(e->lanes);
    mem_free(e->popular);
    mem_free(e->wanted);
    pool_free(e->options.pool);
    session_index_release(&e->index);
    session_log_release(&e->train);
    session_log_release(&e->test);
    map_str_release(&e->item_of);
    return code;
}

enum cli_exit eval_sessions(const struct args *args)
{
    struct evaluation e = {.fit = session_defaults()};
    struct str list = str_of(args_flag(args, "--params"));
    struct result result;
    struct err err;
    int64_t k, threads;
    if (!args_has(args, "--train") || !args_has(args, "--test"))
        return fail_usage(args, "sessions needs --train and --test");
    if (!args_i64(args, "--k", 20, 1, SESSIONS_K_MAX, &k) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    while (list.p && list.n)
        if (session_option_set(&e.fit, str_split(&list, ','), &err) != ERR_OK)
            return fail_usage(args, "--params: %s", err.msg);
    e.options.k = (size_t)k;
    result_begin(&result);
    enum err_code code = evaluate(args, &e, (unsigned)threads, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
