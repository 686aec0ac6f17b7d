/* eval_cold.c - how well products are recommended that nobody had yet: a shop's own past. */
#include "base/clock.h"
#include "cli/eval.h"
#include "cli/shop.h"
#include "recommend/weights.h"
#include "train/cold.h"

struct evaluation {
    struct shop shop;
    struct interactions acts;
    struct content_catalogue catalogue;
    struct cold_options o;
    struct cold_result result;
};

static void write_lists(const struct holdout_result *r, size_t k, const char *name,
                        struct json_writer *w)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    eval_key_at(w, "ndcg", k), jw_decimal(w, r->ndcg, 5);
    eval_key_at(w, "recall", k), jw_decimal(w, r->recall, 5);
    eval_key_at(w, "hit", k), jw_decimal(w, r->hit, 5);
    jw_obj_end(w);
}

static void write_result(const struct evaluation *e, struct json_writer *w)
{
    const struct cold_result *r = &e->result;
    jw_obj(w);
    JW_U64(w, "fold", e->o.fold);
    JW_U64(w, "products", r->products);
    JW_U64(w, "cold_products", r->cold);
    JW_U64(w, "acts", r->acts);
    JW_U64(w, "cold_acts", r->cold_acts);
    JW_U64(w, "users", r->together[COLD_TOWER].users);
    for (int m = 0; m < COLD_MODELS; m++) {
        jw_key(w, str_of(cold_model_name((enum cold_model)m)));
        jw_obj(w);
        write_lists(&r->together[m], e->o.k, "together", w);
        write_lists(&r->among[m], e->o.k, "among_cold", w);
        jw_obj_end(w);
    }
    jw_obj_end(w);
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, unsigned threads,
                              struct json_writer *w, struct err *err)
{
    struct derive_options derive = derive_defaults();
    enum err_code code = shop_open(args, &e->shop, err);
    if (code != ERR_OK)
        return code;
    code = eval_pool(threads, &e->o.pool, err);
    if (code == ERR_OK)
        code = derive_interactions(e->shop.store, &derive, &e->acts, NULL, err);
    if (code == ERR_OK)
        code = content_catalogue_read(e->shop.store, &e->catalogue, err);
    if (code == ERR_OK)
        code = cold_measure(&e->acts, &e->catalogue, &e->o, &e->result, err);
    if (code == ERR_OK)
        write_result(e, w);
    interactions_release(&e->acts);
    content_catalogue_release(&e->catalogue);
    pool_free(e->o.pool);
    shop_close(&e->shop);
    return code;
}

enum cli_exit eval_cold(const struct args *args)
{
    struct evaluation e = {.o = {.params = recommend_defaults(), .alike = cold_alike()}};
    struct str params = str_of(args_flag(args, "--params"));
    struct result result;
    struct err err;
    int64_t k, threads, fold;
    double alike = (double)e.o.alike;
    if (!args_i64(args, "--k", 20, 1, HOLDOUT_K_MAX, &k) ||
        !args_i64(args, "--fold", 0, 0, COLD_FOLDS - 1, &fold) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    if (args_has(args, "--alike") &&
        (str_parse_double(str_of(args_flag(args, "--alike")), &alike, &err) != ERR_OK ||
         !(alike >= 0 && alike <= RECOMMEND_WEIGHT_MAX)))
        return fail_usage(args, "--alike: expected a number of 0..%d", RECOMMEND_WEIGHT_MAX);
    while (params.p && params.n)
        if (recommend_param_set(&e.o.params, str_split(&params, ','), &err) != ERR_OK)
            return fail_usage(args, "--params: %s", err.msg);
    e.o.k = (size_t)k;
    e.o.fold = (uint32_t)fold;
    e.o.alike = (float)alike;
    result_begin(&result);
    enum err_code code = evaluate(args, &e, (unsigned)threads, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
