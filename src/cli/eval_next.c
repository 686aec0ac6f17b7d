/* eval_next.c - fit on what shoppers had in order, foretell what each had last. */
#include "base/clock.h"
#include "cli/eval.h"
#include "eval/sequences.h"
#include "train/transitions.h"

struct evaluation {
    struct sequences sequences;
    struct sequences_options options;
    struct sequences_result result, popularity;
    struct transition_options fit;
    struct neighbour_result lists;
    uint64_t events;         /* fitted on */
    double fit_s, measure_s; /* wall time */
};

static void score_transitions(void *arg, const uint32_t *history, size_t n, float *scores)
{
    const struct evaluation *e = arg;
    transitions_score(&e->lists, &e->fit, history, n, scores);
}

/* Equal scores stand in the order of popularity. */
static void score_nothing(void *arg, const uint32_t *history, size_t n, float *scores)
{
    (void)arg, (void)history, (void)n, (void)scores;
}

static enum err_code fit(struct evaluation *e, struct err *err)
{
    const struct sequences *s = &e->sequences;
    struct sequences_cut cut;
    enum err_code code = sequences_cut(s, e->options.validate ? 2 : 1, &cut, err);
    if (code != ERR_OK)
        return code;
    struct transition_input in = {.sequences = s->len,
                                  .items = sequences_items(s),
                                  .offsets = cut.offsets,
                                  .item = cut.item,
                                  .attribute_offsets = s->attribute_offsets,
                                  .attribute = s->attribute,
                                  .attributes = s->attributes};
    e->events = cut.offsets[s->len];
    code = transitions_fit(&in, &e->fit, e->options.pool, &e->lists, err);
    sequences_cut_release(&cut);
    return code;
}

static enum err_code fit_and_measure(struct evaluation *e, struct err *err)
{
    int64_t begin = clock_mono_ns();
    enum err_code code = fit(e, err);
    int64_t fitted = clock_mono_ns();
    if (code == ERR_OK)
        code = sequences_measure(&e->sequences, &e->options, score_transitions, e, &e->result, err);
    e->fit_s = (double)(fitted - begin) / 1e9;
    e->measure_s = (double)(clock_mono_ns() - fitted) / 1e9;
    if (code == ERR_OK)
        code = sequences_measure(&e->sequences, &e->options, score_nothing, e, &e->popularity, err);
    return code;
}

static void write_quality(const struct sequences_result *r, size_t k, struct json_writer *w)
{
    eval_key_at(w, "hit", k), jw_decimal(w, r->hit, 5);
    eval_key_at(w, "ndcg", k), jw_decimal(w, r->ndcg, 5);
    eval_key_at(w, "mrr", k), jw_decimal(w, r->mrr, 5);
}

static void write_result(const struct evaluation *e, struct json_writer *w)
{
    double measure_s = e->measure_s > 0 ? e->measure_s : 1;
    jw_obj(w);
    JW_U64(w, "users", e->result.users);
    JW_U64(w, "items", sequences_items(&e->sequences));
    JW_U64(w, "events", e->events);
    JW_Z(w, "target", e->options.validate ? "the item before the last" : "the last item");
    write_quality(&e->result, e->options.k, w);
    JW_OBJ(w, "popularity");
    write_quality(&e->popularity, e->options.k, w);
    jw_obj_end(w);
    JW_DECIMAL(w, "fit_s", e->fit_s, 3);
    JW_DECIMAL(w, "recommend_users_per_s", (double)e->result.users / measure_s, 0);
    JW_U64(w, "threads", pool_lanes(e->options.pool));
    jw_obj_end(w);
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, unsigned threads,
                              struct json_writer *w, struct err *err)
{
    enum err_code code = sequences_read(&e->sequences, args_flag(args, "--sequences"), err);
    if (code == ERR_OK && args_has(args, "--attributes"))
        code = sequences_read_attributes(&e->sequences, args_flag(args, "--attributes"), err);
    if (code == ERR_OK)
        code = eval_pool(threads, &e->options.pool, err);
    if (code == ERR_OK)
        code = fit_and_measure(e, err);
    if (code == ERR_OK)
        write_result(e, w);
    pool_free(e->options.pool);
    neighbours_release(&e->lists);
    sequences_release(&e->sequences);
    return code;
}

enum cli_exit eval_next(const struct args *args)
{
    struct evaluation e = {.fit = transition_defaults()};
    struct str list = str_of(args_flag(args, "--params"));
    struct result result;
    struct err err;
    int64_t k, threads;
    if (!args_has(args, "--sequences"))
        return fail_usage(args, "next needs --sequences");
    if (!args_i64(args, "--k", 10, 1, SEQUENCES_K_MAX, &k) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    while (list.p && list.n)
        if (transition_option_set(&e.fit, str_split(&list, ','), &err) != ERR_OK)
            return fail_usage(args, "--params: %s", err.msg);
    e.options = (struct sequences_options){.k = (size_t)k,
                                           .validate = args_has(args, "--validate"),
                                           .keep_seen = args_has(args, "--keep-seen")};
    result_begin(&result);
    enum err_code code = evaluate(args, &e, (unsigned)threads, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
