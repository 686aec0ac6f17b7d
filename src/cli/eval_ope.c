/* eval_ope.c - what another policy would have brought, from a log of decisions. */
#include "cli/eval.h"
#include "eval/ope.h"

static void write_estimate(struct json_writer *w, const struct ope_estimate *e)
{
    jw_obj(w);
    JW_DECIMAL(w, "value", e->value, 6);
    JW_DECIMAL(w, "low", e->low, 6);
    JW_DECIMAL(w, "high", e->high, 6);
    jw_obj_end(w);
}

static void write_result(const struct ope_log *log, const struct ope_result *r,
                         struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "decisions", log->len);
    JW_U64(w, "contexts", log->contexts);
    JW_U64(w, "matched", r->matched);
    JW_U64(w, "clipped", r->clipped);
    JW_DECIMAL(w, "effective", r->effective, 1);
    JW_DECIMAL(w, "weight_max", r->weight_max, 3);
    JW_KEY(w, "weight"), write_estimate(w, &r->weight);
    JW_BOOL(w, "plausible", r->plausible);
    JW_BOOL(w, "reliable", r->reliable);
    JW_KEY(w, "logged"), write_estimate(w, &r->logged);
    JW_KEY(w, "ips"), write_estimate(w, &r->ips);
    JW_KEY(w, "snips"), write_estimate(w, &r->snips);
    if (log->modelled)
        JW_KEY(w, "dr"), write_estimate(w, &r->dr);
    jw_obj_end(w);
}

/* A number in a flag; untouched where it was not given. */
static bool number_flag(const struct args *args, const char *name, double *out)
{
    struct err err;
    if (!args_has(args, name) ||
        str_parse_double(str_of(args_flag(args, name)), out, &err) == ERR_OK)
        return true;
    fail_usage(args, "%s: %s", name, err.msg);
    return false;
}

enum cli_exit eval_ope(const struct args *args)
{
    struct ope_options o = {.level = 0.95};
    struct ope_log log = {0};
    struct ope_result found;
    struct result result;
    struct err err;
    if (!args_has(args, "--log"))
        return fail_usage(args, "ope needs --log");
    if (!number_flag(args, "--clip", &o.clip) || !number_flag(args, "--level", &o.level))
        return EXIT_USAGE;
    enum err_code code =
        ope_log_read(&log, args_flag(args, "--log"), args_flag(args, "--columns"), &err);
    if (code == ERR_OK)
        code = ope_estimate(&log, &o, &found, &err);
    result_begin(&result);
    if (code == ERR_OK)
        write_result(&log, &found, &result.w);
    ope_log_release(&log);
    return eval_end(args, &result, code, &err);
}
