/* params.c - what stands in the query, or under the same names in a body. */
#include "api/params.h"

#include "api/api_int.h"
#include "base/check.h"
#include "base/clock.h"

static enum err_code fail_language(const struct call *call, struct str name, struct err *err)
{
    const struct shop_profile *shop = call->view->shop;
    char quoted[32];
    struct str known = shop->languages[0];
    for (size_t i = 1; i < shop->languages_len; i++)
        known =
            arena_printf(call->arena, "%.*s, %.*s", STR_ARG(known), STR_ARG(shop->languages[i]));
    return err_set(err, ERR_INVALID, "lang: '%s' is no language of this shop; it has %.*s",
                   err_quote(quoted, sizeof quoted, name.p, name.n), STR_ARG(known));
}

static enum err_code take_language(struct call *call, struct str name, struct err *err)
{
    if (name.n == 0)
        return ERR_OK;
    call->language = view_language(call->view, name);
    return str_eq(call->language, name) ? ERR_OK : fail_language(call, name, err);
}

/* The values of a call, all of them fallbacks. */
static struct param_value *begin(struct call *call, const struct param *params, size_t n)
{
    struct param_value *values = ARENA_NEW(call->arena, struct param_value, n + 1);
    for (size_t i = 0; i < n; i++)
        values[i].number = params[i].fallback;
    call->values = values;
    return values;
}

static const char *const *names_of(const struct param *params, size_t n,
                                   const char *names[PARAMS_MAX])
{
    CHECK(n <= PARAMS_MAX);
    for (size_t i = 0; i < n; i++)
        names[i] = params[i].name.p;
    return names;
}

/* --- the query ------------------------------------------------------------------------------- */

static enum err_code fail_unknown(const struct param *params, size_t n, struct str name,
                                  struct err *err)
{
    const char *names[PARAMS_MAX];
    char quoted[48], meant[STR_MEANT_SIZE];
    return err_set(err, ERR_INVALID, "unknown parameter '%s'%s",
                   err_quote(quoted, sizeof quoted, name.p, name.n),
                   str_meant(name, names_of(params, n, names), n, meant));
}

static enum err_code take_text(struct call *call, const struct param *p, struct str text,
                               struct param_value *v, struct err *err)
{
    enum err_code code = ERR_OK;
    v->text = text;
    if (text.n == 0)
        return ERR_OK;
    switch (p->kind) {
    case PARAM_TEXT:
    case PARAM_LIST:
        return ERR_OK;
    case PARAM_NUMBER:
        code = str_parse_i64(text, p->lo, p->hi, &v->number, err);
        return code == ERR_OK ? code : err_prefix(err, code, "%s", p->name.p);
    case PARAM_BOOL:
        v->number = str_is(text, "true");
        return v->number || str_is(text, "false")
                   ? ERR_OK
                   : err_set(err, ERR_INVALID, "%s: expected true or false", p->name.p);
    case PARAM_LANGUAGE:
        return take_language(call, text, err);
    }
    UNREACHABLE();
}

/* Who asks, in any query; it is read where it is needed. */
static const struct str common[] = {STR_LIT("key"), STR_LIT("token")};

/* Of a name in the query: its place in the table, behind which the common ones stand; -1: unknown. */
static int place_of(const struct param *params, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(params[i].name, name))
            return (int)i;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (str_eq(common[i], name))
            return (int)(n + i);
    return -1;
}

enum err_code params_from_query(struct call *call, const struct param *params, size_t n,
                                struct err *err)
{
    const struct http_target *t = call->req->target;
    struct param_value *values = begin(call, params, n);
    uint64_t seen = 0;
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < t->n_params && code == ERR_OK; k++) {
        struct str name = t->params[k].name;
        int place = place_of(params, n, name);
        if (place < 0)
            return fail_unknown(params, n, name, err);
        if (seen >> place & 1)
            return err_set(err, ERR_INVALID, "the parameter '%.*s' comes twice", STR_ARG(name));
        seen |= (uint64_t)1 << place;
        if ((size_t)place < n)
            code = take_text(call, &params[place], t->params[k].value, &values[place], err);
    }
    return code;
}

/* --- the body -------------------------------------------------------------------------------- */

/* An array of ids as one text with commas, so that both forms are read alike. */
static void read_ids(struct json_reader *r, struct call *call, size_t most, struct str *out)
{
    struct buf list;
    struct str id;
    if (jr_peek(r) == JR_STRING) {
        jr_str(r, out);
        return;
    }
    buf_init(&list, (most + 1) * (STORE_ID_MAX + 1));
    if (jr_arr(r))
        while (jr_next(r) && jr_str_max(r, STORE_ID_MAX, &id)) {
            buf_put_str(&list, id);
            buf_putc(&list, ',');
        }
    if (list.full)
        jr_fail(r, ERR_LIMIT, "too many ids");
    *out = arena_str(call->arena, buf_str(&list));
    buf_release(&list);
}

static void read_value(struct json_reader *r, struct call *call, const struct param *p,
                       struct param_value *v)
{
    struct err why;
    bool flag;
    switch (p->kind) {
    case PARAM_TEXT:
        jr_str(r, &v->text);
        break;
    case PARAM_LIST:
        read_ids(r, call, (size_t)p->hi, &v->text);
        break;
    case PARAM_NUMBER:
        jr_i64(r, p->lo, p->hi, &v->number);
        break;
    case PARAM_BOOL:
        if (jr_bool(r, &flag))
            v->number = flag;
        break;
    case PARAM_LANGUAGE:
        if (jr_str(r, &v->text) && take_language(call, v->text, &why) != ERR_OK)
            jr_fail(r, why.code, "%s", why.msg);
        break;
    }
}

enum err_code params_from_body(struct call *call, const struct param *params, size_t n,
                               struct err *err)
{
    const char *names[PARAMS_MAX];
    struct jr_fields fields = {
        .names = names_of(params, n, names), .n = (unsigned)n, .strict = true};
    struct param_value *values = begin(call, params, n);
    struct json_reader r;
    int field;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0)
            read_value(&r, call, &params[field], &values[field]);
    return jr_end(&r, err);
}

/* --- what several endpoints read out of them ------------------------------------------------- */

enum err_code currency_param(const struct call *call, struct str name, currency_code *out,
                             struct err *err)
{
    char quoted[32];
    *out = call->view->shop->currency;
    if (name.n == 0 || currency_of(name, out))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "currency: '%s' is no currency of ISO 4217",
                   err_quote(quoted, sizeof quoted, name.p, name.n));
}

enum err_code product_list(const struct call *call, struct str ids, size_t max, uint32_t **out,
                           size_t *n, struct err *err)
{
    *n = 0;
    *out = NULL;
    if (ids.n == 0)
        return ERR_OK;
    uint32_t *numbers = arena_try_alloc(call->arena, max * sizeof *numbers);
    if (!numbers)
        return err_set(err, ERR_LIMIT, "the list of products does not fit");
    *out = numbers;
    size_t seen = 0;
    while (ids.p && ids.n) {
        struct str id = str_trim(str_split(&ids, ','));
        if (++seen > max)
            return err_set(err, ERR_LIMIT, "more than %zu products", max);
        uint32_t no = id.n ? catalogue_find_id(call->view->catalogue, id) : 0;
        if (no)
            numbers[(*n)++] = no;
    }
    return ERR_OK;
}

bool read_past_time(struct json_reader *r, const char *name, int64_t *out, enum import_reason *why)
{
    struct str text;
    struct err err;
    int64_t now = clock_now_us();
    enum import_reason reason = REASON_BAD_TIME;
    if (why)
        *why = reason;
    if (!jr_str(r, &text))
        return false;
    enum err_code code = clock_parse_iso(text, out, &err);
    if (code != ERR_OK)
        return jr_fail(r, code, "%s: %s", name, err.msg);
    reason = store_time_fault(*out, now) == TIME_FUTURE ? REASON_FUTURE_TIME : REASON_ANCIENT_TIME;
    if (why)
        *why = reason;
    code = store_time_check(name, *out, now, &err);
    return code == ERR_OK || jr_fail(r, code, "%s", err.msg);
}
