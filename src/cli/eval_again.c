/* eval_again.c - how good "buy again" is: a shop's own past, the next order of whoever came back. */
#include "base/clock.h"
#include "cli/eval.h"
#include "cli/shop.h"
#include "engine/past.h"
#include "eval/repurchase.h"
#include "train/recommend_evaluate.h"

struct evaluation {
    struct shop shop;
    struct interactions it;
    struct recommend_model model;
    struct past past;
    int64_t until, split;
    double share;
};

/* No factors: nothing here asks for them. */
static enum err_code go_back(struct evaluation *e, struct err *err)
{
    struct derive_options derive = derive_defaults();
    struct recommend_params params = recommend_defaults();
    params.dim = 0;
    derive.until = e->until;
    enum err_code code = derive_interactions(e->shop.store, &derive, &e->it, NULL, err);
    if (code == ERR_OK && e->it.len == 0)
        code = err_set(err, ERR_INVALID, "there are no events or orders to measure with");
    if (code == ERR_OK)
        code = recommend_split(&e->it, 1 - e->share, &e->split, err);
    if (code == ERR_OK)
        code = recommend_fit(&e->it, &params, &(struct fit_options){.until = e->split}, &e->model,
                             err);
    return code == ERR_OK ? past_open(e->shop.view, &e->model, e->split, &e->past, err) : code;
}

static void write_shares(const char *name, const double *shares, struct json_writer *w)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    for (size_t i = 0; i < REPURCHASE_K; i++) {
        eval_key_at(w, "recall", repurchase_k[i]);
        jw_decimal(w, shares[i], 4);
    }
    jw_obj_end(w);
}

static enum err_code evaluate(const struct args *args, struct evaluation *e, struct json_writer *w,
                              struct err *err)
{
    struct repurchase_result r;
    enum err_code code = shop_open(args, &e->shop, err);
    if (code != ERR_OK)
        return code;
    code = go_back(e, err);
    if (code == ERR_OK)
        code = repurchase_measure(&e->it, &e->past.view, e->split, &r, err);
    if (code == ERR_OK) {
        jw_obj(w);
        JW_TIME(w, "split", e->split);
        JW_U64(w, "shoppers", r.shoppers);
        JW_U64(w, "bought_again", r.asked);
        write_shares("again", r.rate, w);
        write_shares("most_recently_bought", r.recent, w);
        write_shares("most_often_bought", r.often, w);
        jw_obj_end(w);
    }
    past_close(&e->past);
    recommend_fit_release(&e->model);
    interactions_release(&e->it);
    shop_close(&e->shop);
    return code;
}

enum cli_exit eval_again(const struct args *args)
{
    struct evaluation e = {.share = 0.2};
    const char *until = args_flag(args, "--until"), *share = args_flag(args, "--test-share");
    struct result result;
    struct err err;
    enum err_code code = ERR_OK;
    if (until)
        code = clock_parse_iso(str_of(until), &e.until, &err);
    if (code == ERR_OK && share)
        code = str_parse_double(str_of(share), &e.share, &err);
    if (code == ERR_OK && !(e.share > 0 && e.share < 1))
        code = err_set(&err, ERR_INVALID, "--test-share: expected a number between 0 and 1");
    if (code != ERR_OK)
        return fail_usage(args, "%s", err.msg);
    result_begin(&result);
    code = evaluate(args, &e, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
