#include "jobs/train_args.h"

#include "base/json_reader.h"
#include "train/recommend_fit.h"

static bool is_named(const struct buf *params, struct str name)
{
    struct str rest = buf_str(params);
    while (rest.n) {
        struct str one = str_split(&rest, ',');
        if (str_eq(str_split(&one, '='), name))
            return true;
    }
    return false;
}

/* One member as "name=value", the value as it was written, after a comma where it is not the first. */
static void take_parameter(struct json_reader *r, struct str name, struct recommend_params *checked,
                           struct buf *params)
{
    struct json_reader number;
    struct str text;
    struct err why;
    double value;
    if (jr_peek(r) != JR_NUMBER) {
        jr_fail(r, ERR_INVALID, "%.*s: expected a number", STR_ARG(name));
        return;
    }
    if (!jr_raw(r, &text))
        return;
    jr_init(&number, text, NULL);
    if (!jr_double(&number, &value) || jr_end(&number, NULL) != ERR_OK)
        jr_fail(r, ERR_INVALID, "%.*s: not a number that fits", STR_ARG(name));
    else if (recommend_param_put(checked, name, value, &why) != ERR_OK)
        jr_fail(r, ERR_INVALID, "%s", why.msg);
    else if (is_named(params, name))
        jr_fail(r, ERR_INVALID, "%.*s: comes twice", STR_ARG(name));
    else
        buf_printf(params, "%s%.*s=%.*s", params->len ? "," : "", STR_ARG(name), STR_ARG(text));
}

enum err_code train_args_parse(struct str parameters, struct arena *arena, struct train_args *out,
                               struct err *err)
{
    struct recommend_params checked = recommend_defaults();
    struct json_reader r;
    struct str name;
    struct buf params;
    *out = (struct train_args){0};
    buf_init(&params, TRAIN_ARGS_MAX / 2);
    jr_init(&r, parameters, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &name))
            take_parameter(&r, name, &checked, &params);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK)
        code = buf_ok(&params, "the parameters", err);
    if (code == ERR_OK && params.len)
        out->params = arena_str(arena, buf_str(&params)).p;
    buf_release(&params);
    return code;
}

void train_args_write(const struct train_args *args, struct buf *out)
{
    struct str rest = str_of(args->params);
    const char *before = "{\"parameters\":{";
    while (rest.n) {
        struct str value = str_split(&rest, ','), name = str_split(&value, '=');
        buf_printf(out, "%s\"%.*s\":%.*s", before, STR_ARG(name), STR_ARG(value));
        before = ",";
    }
    if (args->params)
        buf_puts(out, "}}");
    else if (args->refit)
        buf_puts(out, "{\"refit\":true}");
}

enum err_code train_args_read(struct str json, struct arena *arena, struct train_args *out,
                              struct err *err)
{
    static const char *const names[] = {"parameters", "refit"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    struct str parameters = {NULL, 0};
    struct json_reader r;
    bool refit = false;
    int field;
    *out = (struct train_args){0};
    if (!json.n)
        return ERR_OK;
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0)
            field == 0 ? jr_raw(&r, &parameters) : jr_bool(&r, &refit);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && parameters.n)
        code = train_args_parse(parameters, arena, out, err);
    out->refit = refit && !out->params;
    return code;
}
