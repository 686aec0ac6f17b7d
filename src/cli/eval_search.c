/* eval_search.c - order judged titles by the search engine's scores and compare with the grades. */
#include <math.h>

#include "cli/eval.h"
#include "eval/judgements.h"

static void write_result(const struct judgements *j, const struct judgements_quality *q,
                         struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "queries", q->queries);
    JW_U64(w, "titles", j->product_of.len);
    JW_U64(w, "judgements", j->len);
    JW_U64(w, "queries_with_different_grades", q->correlated);
    JW_DECIMAL(w, "spearman", q->spearman, 5);
    JW_DECIMAL(w, "spearman_all", q->spearman_all, 5);
    eval_key_at(w, "ndcg", JUDGEMENTS_K), jw_decimal(w, q->ndcg, 5);
    eval_key_at(w, "mrr", JUDGEMENTS_K), jw_decimal(w, q->mrr, 5);
    JW_DOUBLE(w, "relevant_from_grade", q->relevant);
    JW_DECIMAL(w, "latency_p50_us", q->p50_us, 1);
    JW_DECIMAL(w, "latency_p99_us", q->p99_us, 1);
    jw_obj_end(w);
}

static enum err_code evaluate(const struct args *args, double relevant, struct json_writer *w,
                              struct err *err)
{
    struct judgements j;
    struct judgements_quality q;
    enum err_code code = judgements_init(&j, err);
    if (code == ERR_OK)
        code =
            judgements_read(&j, args_flag(args, "--judgements"), args_flag(args, "--columns"), err);
    if (code == ERR_OK)
        code = judgements_score(&j, err);
    if (code == ERR_OK)
        code = judgements_measure(&j, relevant, &q, err);
    if (code == ERR_OK)
        write_result(&j, &q, w);
    judgements_release(&j);
    return code;
}

enum cli_exit eval_search(const struct args *args)
{
    struct result result;
    struct err err;
    double relevant = NAN;
    const char *text = args_flag(args, "--relevant");
    if (!args_has(args, "--judgements"))
        return fail_usage(args, "search needs --judgements");
    if (text && str_parse_double(str_of(text), &relevant, &err) != ERR_OK)
        return fail_usage(args, "--relevant: %s", err.msg);
    result_begin(&result);
    enum err_code code = evaluate(args, relevant, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
