/* params.c - what stands in the query. */
#include "api/api_int.h"

#include "base/check.h"
#include "base/clock.h"

struct str query_str(const struct call *call, const char *name)
{
    struct str value = {NULL, 0};
    http_request_query(call->req, name, &value);
    return value;
}

enum err_code query_i64(const struct call *call, const char *name, int64_t fallback, int64_t lo,
                        int64_t hi, int64_t *out, struct err *err)
{
    struct str text = query_str(call, name);
    *out = fallback;
    if (text.n == 0)
        return ERR_OK;
    enum err_code code = str_parse_i64(text, lo, hi, out, err);
    return code == ERR_OK ? code : err_prefix(err, code, "%s", name);
}

enum err_code query_bool(const struct call *call, const char *name, bool fallback, bool *out,
                         struct err *err)
{
    struct str text = query_str(call, name);
    *out = fallback;
    if (text.n == 0)
        return ERR_OK;
    if (!str_is(text, "true") && !str_is(text, "false"))
        return err_set(err, ERR_INVALID, "%s: expected true or false", name);
    *out = str_is(text, "true");
    return ERR_OK;
}

enum err_code query_cursor(const struct call *call, int64_t start, int64_t *out, struct err *err)
{
    return query_i64(call, "cursor", start, 0, INT64_MAX, out, err);
}

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
    uint32_t *numbers = arena_try_alloc(call->arena, max * sizeof *numbers);
    if (!numbers)
        return err_set(err, ERR_LIMIT, "the list of products does not fit");
    *n = 0;
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
