/* eval_recommend.c - fit on one file of who had what, foretell another. */
#include <sys/resource.h>

#include "base/clock.h"
#include "cli/eval.h"
#include "eval/feedback.h"
#include "eval/holdout.h"
#include "train/recommend_fit.h"
#include "train/rivals.h"

/* --model: the rivals by their kinds, and the factor model. */
enum { MODEL_ALS = RIVAL_POPULARITY + 1, MODELS };

static const char *const models[MODELS] = {[RIVAL_PROPAGATION] = "propagation",
                                           [RIVAL_NEIGHBOURS] = "neighbours",
                                           [RIVAL_POPULARITY] = "popularity",
                                           [MODEL_ALS] = "als"};

struct evaluation {
    struct feedback feedback;
    struct interactions past, truth;
    struct interactions before; /* als: what a fit knew with whose factors this one begins */
    unsigned model;
    bool exact; /* als: score every item, without the index */
    struct recommend_params params;
    struct rival_params rival_params;
    struct holdout_options options;
    struct holdout_result result;
    uint32_t dim;
    double fit_s, measure_s; /* wall time */
};

/* The most memory that was ever resident. */
static uint64_t peak_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

static void write_result(const struct evaluation *e, struct json_writer *w)
{
    const struct holdout_result *r = &e->result;
    double measure_s = e->measure_s > 0 ? e->measure_s : 1;
    jw_obj(w);
    JW_STR(w, "model", str_of(models[e->model]));
    JW_U64(w, "users", r->users);
    JW_U64(w, "items", e->options.items);
    JW_U64(w, "interactions", e->past.len);
    JW_U64(w, "dim", e->dim);
    eval_key_at(w, "recall", e->options.k), jw_decimal(w, r->recall, 5);
    eval_key_at(w, "ndcg", e->options.k), jw_decimal(w, r->ndcg, 5);
    eval_key_at(w, "hit", e->options.k), jw_decimal(w, r->hit, 5);
    JW_DECIMAL(w, "coverage", r->coverage, 5);
    JW_DECIMAL(w, "gini", r->gini, 5);
    JW_DECIMAL(w, "fit_s", e->fit_s, 3);
    JW_DECIMAL(w, "recommend_users_per_s", (double)r->users / measure_s, 0);
    JW_U64(w, "peak_memory_bytes", peak_bytes());
    JW_U64(w, "threads", pool_lanes(e->options.pool));
    jw_obj_end(w);
}

static enum err_code measure(struct evaluation *e, const struct holdout_model *m, struct err *err)
{
    int64_t begin = clock_mono_ns();
    enum err_code code = holdout_measure(m, &e->past, &e->truth, &e->options, &e->result, err);
    e->measure_s = (double)(clock_mono_ns() - begin) / 1e9;
    return code;
}

static enum err_code try_als(struct evaluation *e, struct err *err)
{
    struct recommend_model model = {0}, start = {0};
    struct holdout_model held;
    struct fit_options fit = {.pool = e->options.pool};
    enum err_code code = ERR_OK;
    if (e->before.len) {
        code = recommend_fit(&e->before, &e->params, &fit, &start, err);
        fit.start = &start;
    }
    int64_t begin = clock_mono_ns();
    if (code == ERR_OK)
        code = recommend_fit(&e->past, &e->params, &fit, &model, err);
    e->fit_s = (double)(clock_mono_ns() - begin) / 1e9;
    e->dim = model.dim;
    if (code == ERR_OK)
        code = holdout_of_factors(&model, e->exact, &held, err);
    if (code == ERR_OK)
        code = measure(e, &held, err);
    recommend_fit_release(&model);
    recommend_fit_release(&start);
    return code;
}

static enum err_code try_rival(struct evaluation *e, enum rival_kind kind, struct err *err)
{
    struct rival rival = {0};
    int64_t begin = clock_mono_ns();
    enum err_code code = rival_fit(&e->past, kind, &e->rival_params, e->options.pool, &rival, err);
    e->fit_s = (double)(clock_mono_ns() - begin) / 1e9;
    e->dim = rival.propagation.dim;
    if (code == ERR_OK) {
        struct holdout_model held = rival_holdout(&rival);
        code = measure(e, &held, err);
    }
    rival_release(&rival);
    return code;
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, unsigned threads,
                              struct json_writer *w, struct err *err)
{
    enum err_code code = feedback_read(&e->feedback, args_flag(args, "--train"), &e->past, err);
    if (code == ERR_OK)
        code = feedback_read(&e->feedback, args_flag(args, "--test"), &e->truth, err);
    if (code == ERR_OK && args_has(args, "--before"))
        code = feedback_read(&e->feedback, args_flag(args, "--before"), &e->before, err);
    e->options.users = (uint32_t)e->feedback.users.len;
    e->options.items = (uint32_t)e->feedback.items.len;
    if (code == ERR_OK)
        code = eval_pool(threads, &e->options.pool, err);
    if (code == ERR_OK)
        code =
            e->model == MODEL_ALS ? try_als(e, err) : try_rival(e, (enum rival_kind)e->model, err);
    if (code == ERR_OK)
        write_result(e, w);
    pool_free(e->options.pool);
    interactions_release(&e->past);
    interactions_release(&e->truth);
    interactions_release(&e->before);
    feedback_release(&e->feedback);
    return code;
}

static enum err_code set_param(struct evaluation *e, struct str text, struct err *err)
{
    return e->model == MODEL_ALS
               ? recommend_param_set(&e->params, text, err)
               : rival_param_set(&e->rival_params, (enum rival_kind)e->model, text, err);
}

/* MODELS: there is none of that name. */
static unsigned model_by_name(const char *name)
{
    unsigned i = 0;
    while (i < MODELS && strcmp(models[i], name) != 0)
        i++;
    return i;
}

enum cli_exit eval_recommend(const struct args *args)
{
    const char *format = args_flag(args, "--format");
    const char *model = args_flag(args, "--model");
    struct evaluation e = {.model = model ? model_by_name(model) : MODEL_ALS,
                           .params = recommend_defaults(),
                           .rival_params = rival_defaults()};
    struct str list = str_of(args_flag(args, "--params"));
    struct result result;
    struct err err;
    int64_t k, threads;
    if (!args_has(args, "--train") || !args_has(args, "--test"))
        return fail_usage(args, "recommend needs --train and --test");
    bool pairs = format && strcmp(format, "pairs") == 0;
    if (format && !pairs && strcmp(format, "adjacency") != 0)
        return fail_usage(args, "--format: expected adjacency or pairs");
    if (e.model == MODELS)
        return fail_usage(
            args, "--model: '%s': expected als, propagation, neighbours or popularity", model);
    if (!args_i64(args, "--k", 20, 1, HOLDOUT_K_MAX, &k) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    while (list.p && list.n)
        if (set_param(&e, str_split(&list, ','), &err) != ERR_OK)
            return fail_usage(args, "--params: %s", err.msg);
    e.feedback.pairs = pairs;
    e.options.k = (size_t)k;
    e.exact = args_has(args, "--exact");
    result_begin(&result);
    enum err_code code = evaluate(args, &e, (unsigned)threads, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
