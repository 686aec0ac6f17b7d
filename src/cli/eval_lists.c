/* eval_lists.c - how good the lists are that shoppers see: a shop's own past, whole lists. */
#include "base/clock.h"
#include "cli/eval.h"
#include "cli/shop.h"
#include "engine/past.h"
#include "eval/lists_tune.h"
#include "train/content.h"
#include "train/ranker_train.h"
#include "train/recommend_evaluate.h"

enum { CASES_DEFAULT = 5000, TUNE_ROUNDS = 6 };

/* What is measured, by the names of placements; and home pages of guests in the middle of a session. */
static const struct question {
    const char *name;
    enum placement placement;
    bool guests;
} questions[] = {{"home", PLACEMENT_HOME, false},
                 {"home_guest", PLACEMENT_HOME, true},
                 {"similar", PLACEMENT_SIMILAR, false},
                 {"viewed_after", PLACEMENT_VIEWED_AFTER, false},
                 {"bought_together", PLACEMENT_BOUGHT_TOGETHER, false},
                 {"cart", PLACEMENT_CART, false}};

enum { QUESTIONS = sizeof questions / sizeof *questions };

struct evaluation {
    struct shop shop;
    struct interactions it;
    struct content_catalogue catalogue;
    struct recommend_params params;
    struct recommend_weights weights;
    struct pool *pool;
    struct recommend_model model;
    struct past past;
    int64_t until, split;
    double share;
    size_t k, cases_max;
    bool tune, ranker;
    struct buf ranker_file; /* as a version has it */
    struct ranker learned;
    struct ranker_report report;
};

/* The view of the moment at which the test part begins, with a model fitted on what came before. */
static enum err_code go_back(struct evaluation *e, struct err *err)
{
    struct derive_options derive = derive_defaults();
    struct fit_options fit = {.catalogue = &e->catalogue, .pool = e->pool};
    derive.guests = true;
    derive.until = e->until;
    enum err_code code = derive_interactions(e->shop.store, &derive, &e->it, NULL, err);
    if (code == ERR_OK && e->it.len == 0)
        code = err_set(err, ERR_INVALID, "there are no events or orders to measure with");
    if (code == ERR_OK)
        code = recommend_split(&e->it, 1 - e->share, &e->split, err);
    fit.until = e->split;
    if (code == ERR_OK)
        code = content_catalogue_read(e->shop.store, &e->catalogue, err);
    if (code == ERR_OK)
        code = recommend_fit(&e->it, &e->params, &fit, &e->model, err);
    if (code == ERR_OK)
        code = past_open(e->shop.view, &e->model, e->split, &e->past, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < e->it.len; i++)
        if (e->it.time[i] < e->split)
            past_act(&e->past, 0, e->it.product_no[i], (enum event_type)e->it.type[i],
                     e->it.time[i]);
    past_shelve(&e->past);
    return ERR_OK;
}

/* A ranker that knows nothing of the test part, as training would have made it at the moment. */
static enum err_code learn_ranker(struct evaluation *e, struct err *err)
{
    struct ranker_options o = ranker_options_of(&e->params);
    struct shown_lists shown = {0};
    struct ranker_data d = {.view = e->shop.view,
                            .catalogue = &e->catalogue,
                            .it = &e->it,
                            .params = &e->params,
                            .weights = &e->weights,
                            .shown = &shown,
                            .until = e->split,
                            .pool = e->pool};
    buf_init(&e->ranker_file, RANKER_BYTES_MAX);
    enum err_code code = ranker_moments(&d, 1 - e->share, e->share, err);
    if (code == ERR_OK)
        code = ranker_shown_read(e->shop.store, &d, &shown, err);
    if (code == ERR_OK)
        code = ranker_train(&d, &o, &e->ranker_file, &e->report, err);
    shown_lists_release(&shown);
    if (code != ERR_OK || e->ranker_file.len == 0)
        return code;
    code = ranker_read(buf_str(&e->ranker_file), &e->learned, err);
    if (code == ERR_OK)
        e->past.model.ranker = &e->learned;
    return code;
}

static void write_lists(const struct evaluation *e, const struct question *q,
                        const struct lists_result *r, double seconds, struct json_writer *w)
{
    double n = r->cases ? (double)r->cases : 1;
    jw_key(w, str_of(q->name));
    jw_obj(w);
    JW_U64(w, "lists", r->cases);
    eval_key_at(w, "recall", e->k), jw_decimal(w, r->recall, 5);
    eval_key_at(w, "ndcg", e->k), jw_decimal(w, r->ndcg, 5);
    eval_key_at(w, "hit", e->k), jw_decimal(w, r->hit, 5);
    eval_key_at(w, "mrr", e->k), jw_decimal(w, r->mrr, 5);
    JW_DECIMAL(w, "coverage", r->coverage, 5);
    JW_DECIMAL(w, "gini", r->gini, 5);
    JW_DECIMAL(w, "diversity", r->diversity, 5);
    JW_DECIMAL(w, "novelty", r->novelty, 5);
    JW_DECIMAL(w, "margin", r->margin, 5);
    JW_DECIMAL(w, "us_per_list", 1e6 * seconds / n, 1);
    JW_OBJ(w, "weights");
    placement_weights_json(&e->weights.of[q->placement], w);
    jw_obj_end(w);
    jw_obj_end(w);
}

static enum err_code read_cases(struct evaluation *e, const struct question *q,
                                struct list_cases *out, struct err *err)
{
    if (q->guests)
        return list_cases_read_guests(&e->it, &e->past.view, e->split, INT64_MAX, e->cases_max,
                                      e->params.seed, out, err);
    return list_cases_read(&e->it, &e->past.view, q->placement, e->split, INT64_MAX, e->cases_max,
                           e->params.seed, out, err);
}

static enum err_code measure(struct evaluation *e, const struct question *q, struct json_writer *w,
                             struct err *err)
{
    struct list_cases cases;
    struct lists_result r = {0};
    struct lists_options o = {
        .k = e->k, .now_us = e->split, .pool = e->pool, .weights = &e->weights};
    double before, after;
    enum err_code code = read_cases(e, q, &cases, err);
    if (code == ERR_OK && e->tune)
        code =
            lists_tune(&cases, &e->past.view, &o, TUNE_ROUNDS, &e->weights, &before, &after, err);
    int64_t begin = clock_mono_ns();
    if (code == ERR_OK)
        code = lists_measure(&cases, &e->past.view, &o, &r, err);
    if (code == ERR_OK)
        write_lists(e, q, &r, (double)(clock_mono_ns() - begin) / 1e9, w);
    lists_result_release(&r);
    list_cases_release(&cases);
    return code;
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, unsigned threads,
                              struct json_writer *w, struct err *err)
{
    const char *name = args_flag(args, "--placement");
    enum err_code code = shop_open(args, &e->shop, err);
    if (code != ERR_OK)
        return code;
    code = eval_pool(threads, &e->pool, err);
    if (code == ERR_OK)
        code = go_back(e, err);
    if (code == ERR_OK && e->ranker)
        code = learn_ranker(e, err);
    jw_obj(w);
    JW_U64(w, "k", e->k);
    JW_TIME(w, "split", e->split);
    JW_OBJ(w, "placements");
    for (size_t i = 0; i < QUESTIONS && code == ERR_OK; i++)
        if (!name || strcmp(name, questions[i].name) == 0)
            code = measure(e, &questions[i], w, err);
    jw_obj_end(w);
    if (code == ERR_OK && e->ranker) {
        JW_KEY(w, "ranker");
        ranker_report_json(&e->report, w);
    }
    jw_obj_end(w);
    past_close(&e->past);
    ranker_release(&e->learned);
    buf_release(&e->ranker_file);
    recommend_fit_release(&e->model);
    interactions_release(&e->it);
    content_catalogue_release(&e->catalogue);
    pool_free(e->pool);
    shop_close(&e->shop);
    return code;
}

static bool is_measured(const char *name)
{
    for (size_t i = 0; i < QUESTIONS; i++)
        if (strcmp(name, questions[i].name) == 0)
            return true;
    return false;
}

static enum err_code read_options(const struct args *args, struct evaluation *e, struct err *err)
{
    struct str params = str_of(args_flag(args, "--params"));
    struct str weights = str_of(args_flag(args, "--weights"));
    const char *until = args_flag(args, "--until"), *share = args_flag(args, "--test-share");
    enum err_code code = shop_weights_read(args->config, &e->weights, err);
    while (params.p && params.n && code == ERR_OK)
        code = recommend_param_set(&e->params, str_split(&params, ','), err);
    while (weights.p && weights.n && code == ERR_OK)
        code = recommend_weight_set(&e->weights, str_split(&weights, ','), err);
    if (code == ERR_OK && until)
        code = clock_parse_iso(str_of(until), &e->until, err);
    if (code == ERR_OK && share)
        code = str_parse_double(str_of(share), &e->share, err);
    if (code == ERR_OK && !(e->share > 0 && e->share < 1))
        code = err_set(err, ERR_INVALID, "--test-share: expected a number between 0 and 1");
    return code;
}

enum cli_exit eval_lists(const struct args *args)
{
    const char *placement = args_flag(args, "--placement");
    struct evaluation e = {.params = recommend_defaults(),
                           .share = 0.2,
                           .tune = args_has(args, "--tune"),
                           .ranker = args_has(args, "--ranker")};
    struct result result;
    struct err err;
    int64_t k, threads, cases;
    if (placement && !is_measured(placement))
        return fail_usage(args, "--placement: expected home, home_guest, similar, viewed_after, "
                                "bought_together or cart");
    if (!args_i64(args, "--k", 20, 1, RECOMMEND_LIMIT_MAX, &k) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads) ||
        !args_i64(args, "--lists", CASES_DEFAULT, 1, INT32_MAX, &cases))
        return EXIT_USAGE;
    if (read_options(args, &e, &err) != ERR_OK)
        return fail_usage(args, "%s", err.msg);
    e.k = (size_t)k;
    e.cases_max = (size_t)cases;
    result_begin(&result);
    enum err_code code = evaluate(args, &e, (unsigned)threads, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
