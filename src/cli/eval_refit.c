/* eval_refit.c - what a chain of refits is worth beside full trainings and beside no training: a shop's own past. */
#include "base/clock.h"
#include "cli/eval.h"
#include "cli/shop.h"
#include "train/content.h"
#include "train/recommend_evaluate.h"
#include "train/refit.h"

enum { K_DEFAULT = 20, ROUNDS_MAX = 1000, HOURS_MAX = 24 * 366, SHOPPERS_MAX = 20000 };

static const int64_t us_per_hour = CLOCK_US_PER_DAY / 24;

/* What a model came to in all rounds. */
struct sums {
    double ndcg, recall; /* by shoppers */
    double seconds;
};

struct evaluation {
    struct shop shop;
    struct interactions it;
    struct content_catalogue catalogue;
    struct recommend_params params;
    struct pool *pool;
    int64_t until, every_us, asked_us;
    uint32_t rounds, warm;
    size_t k, shoppers;
    struct recommend_model stale,
        refit; /* owned; the second is the first's until it was refitted */
    bool refitted;
    struct sums of[3]; /* in the order of names */
};

enum { STALE, REFIT, FULL };

static const char *const names[] = {[STALE] = "stale", [REFIT] = "refit", [FULL] = "full"};

static enum err_code read_past(struct evaluation *e, struct err *err)
{
    struct derive_options derive = derive_defaults();
    derive.guests = true;
    derive.until = e->until;
    enum err_code code = derive_interactions(e->shop.store, &derive, &e->it, NULL, err);
    if (code == ERR_OK && e->it.len == 0)
        code = err_set(err, ERR_INVALID, "there are no events or orders to measure with");
    if (code == ERR_OK && e->until == 0)
        e->until = e->it.last_time + 1;
    return code == ERR_OK ? content_catalogue_read(e->shop.store, &e->catalogue, err) : code;
}

/* From nothing, or from another. Adds what it took. */
static enum err_code fit(struct evaluation *e, int64_t until, const struct recommend_model *start,
                         double *seconds, struct recommend_model *out, struct err *err)
{
    struct fit_options o = {.catalogue = &e->catalogue,
                            .start = start,
                            .warm = e->warm,
                            .until = until,
                            .pool = e->pool};
    int64_t begin = clock_mono_ns();
    enum err_code code = recommend_fit(&e->it, &e->params, &o, out, err);
    *seconds += (double)(clock_mono_ns() - begin) / 1e9;
    return code;
}

static void add(struct sums *s, const struct scorer_metrics *m, size_t shoppers)
{
    s->ndcg += m->ndcg * (double)shoppers;
    s->recall += m->recall * (double)shoppers;
}

/* What all three would have shown from `at` on, by what was done in the time that is asked for. */
static enum err_code measure(struct evaluation *e, int64_t at, int64_t stale_until,
                             const struct recommend_model *full, struct json_writer *w,
                             struct err *err)
{
    struct evaluate_options o = {.split = at,
                                 .until = at + e->asked_us,
                                 .k = e->k,
                                 .users_max = SHOPPERS_MAX,
                                 .seed = e->params.seed,
                                 .pool = e->pool,
                                 .weights = &e->shop.weights,
                                 .rival = &e->stale,
                                 .rival_until = stale_until};
    struct recommend_evaluation stale, fresh;
    enum err_code code = recommend_evaluate(&e->it, e->shop.view, &e->refit, &o, &stale, err);
    o.rival = full;
    o.rival_until = 0;
    if (code == ERR_OK)
        code = recommend_evaluate(&e->it, e->shop.view, &e->refit, &o, &fresh, err);
    if (code != ERR_OK)
        return code;
    e->shoppers += fresh.users;
    add(&e->of[STALE], &stale.rival, stale.users);
    add(&e->of[REFIT], &fresh.lists, fresh.users);
    add(&e->of[FULL], &fresh.rival, fresh.users);
    jw_obj(w);
    JW_TIME(w, "at", at);
    JW_U64(w, "shoppers", fresh.users);
    JW_DECIMAL(w, "stale", stale.rival.ndcg, 5);
    JW_DECIMAL(w, "refit", fresh.lists.ndcg, 5);
    JW_DECIMAL(w, "full", fresh.rival.ndcg, 5);
    JW_OBJ(w, "refit_minus_full");
    JW_DECIMAL(w, "mean", fresh.over_rival.mean, 5);
    JW_DECIMAL(w, "low", fresh.over_rival.low, 5);
    JW_DECIMAL(w, "high", fresh.over_rival.high, 5);
    jw_obj_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

static enum err_code advance(struct evaluation *e, int64_t at, int64_t first, struct json_writer *w,
                             struct err *err)
{
    struct recommend_model next = {0}, full = {0};
    enum err_code code =
        fit(e, at, e->refitted ? &e->refit : &e->stale, &e->of[REFIT].seconds, &next, err);
    if (code != ERR_OK)
        return code;
    if (e->refitted)
        recommend_fit_release(&e->refit);
    e->refit = next;
    e->refitted = true;
    code = fit(e, at, NULL, &e->of[FULL].seconds, &full, err);
    if (code != ERR_OK)
        return code;
    code = measure(e, at, first, &full, w, err);
    recommend_fit_release(&full);
    return code;
}

static void write_sums(const struct evaluation *e, struct json_writer *w)
{
    double n = e->shoppers ? (double)e->shoppers : 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        jw_key(w, str_of(names[i]));
        jw_obj(w);
        eval_key_at(w, "ndcg", e->k), jw_decimal(w, e->of[i].ndcg / n, 5);
        eval_key_at(w, "recall", e->k), jw_decimal(w, e->of[i].recall / n, 5);
        JW_DECIMAL(w, "fit_s", e->of[i].seconds / (i == STALE ? 1 : e->rounds), 3);
        jw_obj_end(w);
    }
}

static enum err_code run_rounds(struct evaluation *e, struct json_writer *w, struct err *err)
{
    int64_t first = e->until - e->asked_us - (int64_t)e->rounds * e->every_us;
    enum err_code code = fit(e, first, NULL, &e->of[STALE].seconds, &e->stale, err);
    if (code != ERR_OK)
        return code;
    JW_ARR(w, "rounds");
    for (uint32_t i = 1; i <= e->rounds && code == ERR_OK; i++)
        code = advance(e, first + (int64_t)i * e->every_us, first, w, err);
    jw_arr_end(w);
    if (e->refitted)
        recommend_fit_release(&e->refit);
    recommend_fit_release(&e->stale);
    return code;
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, unsigned threads,
                              struct json_writer *w, struct err *err)
{
    enum err_code code = shop_open(args, &e->shop, err);
    if (code != ERR_OK)
        return code;
    code = eval_pool(threads, &e->pool, err);
    if (code == ERR_OK)
        code = read_past(e, err);
    jw_obj(w);
    JW_U64(w, "k", e->k);
    JW_U64(w, "half_steps", 2 * e->warm);
    if (code == ERR_OK)
        code = run_rounds(e, w, err);
    JW_U64(w, "shoppers", e->shoppers);
    write_sums(e, w);
    jw_obj_end(w);
    interactions_release(&e->it);
    content_catalogue_release(&e->catalogue);
    pool_free(e->pool);
    shop_close(&e->shop);
    return code;
}

enum cli_exit eval_refit(const struct args *args)
{
    struct evaluation e = {.params = recommend_defaults()};
    struct str params = str_of(args_flag(args, "--params"));
    const char *until = args_flag(args, "--until");
    struct result result;
    struct err err;
    int64_t k, threads, hours, rounds, warm;
    enum err_code code = ERR_OK;
    if (!args_i64(args, "--k", K_DEFAULT, 1, RECOMMEND_LIMIT_MAX, &k) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads) ||
        !args_i64(args, "--every", 24, 1, HOURS_MAX, &hours) ||
        !args_i64(args, "--rounds", 7, 1, ROUNDS_MAX, &rounds) ||
        !args_i64(args, "--warm", REFIT_ITERATIONS, 1, 1000, &warm))
        return EXIT_USAGE;
    while (params.p && params.n && code == ERR_OK)
        code = recommend_param_set(&e.params, str_split(&params, ','), &err);
    if (code == ERR_OK && until)
        code = clock_parse_iso(str_of(until), &e.until, &err);
    if (code != ERR_OK)
        return fail_usage(args, "%s", err.msg);
    e.k = (size_t)k;
    e.every_us = hours * us_per_hour;
    e.asked_us = 7 * CLOCK_US_PER_DAY;
    e.rounds = (uint32_t)rounds;
    e.warm = (uint32_t)warm;
    result_begin(&result);
    code = evaluate(args, &e, (unsigned)threads, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
