/* event_json.c - one event as docs/http-api.md has it. */
#include "api/api_int.h"
#include "base/clock.h"

enum field {
    F_ID,
    F_TIME,
    F_TYPE,
    F_USER,
    F_ANONYMOUS,
    F_SESSION,
    F_PRODUCT,
    F_QUERY,
    F_QUANTITY,
    F_VALUE,
    F_CURRENCY,
    F_RATING,
    F_REQUEST,
    F_POSITION,
    F_CONTEXT,
    FIELDS
};

static const char *const names[FIELDS] = {
    "id",       "time",  "type",     "user_id", "anonymous_id", "session_id", "product_id", "query",
    "quantity", "value", "currency", "rating",  "request_id",   "position",   "context",
};

/* No shop had events before; a clock that was never set says 1970. */
#define TIME_MIN_US (631152000 * CLOCK_US_PER_S) /* 1990-01-01 */

static bool read_time(struct json_reader *r, int64_t *out)
{
    struct str text;
    struct err why;
    if (!jr_str(r, &text))
        return false;
    enum err_code code = clock_parse_iso(text, out, &why);
    if (code != ERR_OK)
        return jr_fail(r, code, "time: %s", why.msg);
    return *out >= TIME_MIN_US || jr_fail(r, ERR_INVALID, "time: before 1990");
}

static bool read_type(struct json_reader *r, enum event_type *out)
{
    struct str text;
    char quoted[32];
    if (!jr_str(r, &text))
        return false;
    return event_type_of(text, out) || jr_fail(r, ERR_INVALID, "type: '%s' is no event type",
                                               err_quote(quoted, sizeof quoted, text.p, text.n));
}

static bool read_currency(struct json_reader *r, currency_code *out)
{
    struct str text;
    char quoted[32];
    if (!jr_str(r, &text))
        return false;
    return currency_of(text, out) ||
           jr_fail(r, ERR_INVALID, "currency: '%s' is no currency of ISO 4217",
                   err_quote(quoted, sizeof quoted, text.p, text.n));
}

static bool read_context(struct json_reader *r, struct str *out)
{
    if (jr_peek(r) != JR_OBJECT)
        return jr_fail(r, ERR_INVALID, "context: expected an object");
    return jr_raw(r, out) &&
           (out->n <= STORE_JSON_MAX ||
            jr_fail(r, ERR_LIMIT, "context: larger than %d bytes", STORE_JSON_MAX));
}

static bool read_field(struct json_reader *r, enum field field, struct event *e)
{
    int64_t number;
    if (jr_null(r))
        return true;
    switch (field) {
    case F_ID:
        return jr_str(r, &e->id);
    case F_TIME:
        return read_time(r, &e->time);
    case F_TYPE:
        return read_type(r, &e->type);
    case F_USER:
        return jr_str(r, &e->user_id);
    case F_ANONYMOUS:
        return jr_str(r, &e->anonymous_id);
    case F_SESSION:
        return jr_str(r, &e->session_id);
    case F_PRODUCT:
        return jr_str(r, &e->product_id);
    case F_QUERY:
        return jr_str(r, &e->query);
    case F_QUANTITY:
        return jr_i64(r, 1, STORE_AMOUNT_MAX, &e->quantity);
    case F_VALUE:
        return jr_i64(r, 0, STORE_AMOUNT_MAX, &e->value_minor);
    case F_CURRENCY:
        return read_currency(r, &e->currency);
    case F_RATING:
        return jr_double(r, &e->rating);
    case F_REQUEST:
        return jr_str(r, &e->request_id);
    case F_POSITION:
        if (!jr_i64(r, 0, INT32_MAX, &number))
            return false;
        e->position = (int32_t)number;
        return true;
    case F_CONTEXT:
        return read_context(r, &e->context);
    case FIELDS:
        break;
    }
    return false;
}

enum err_code event_from_json(struct json_reader *r, struct event *out)
{
    struct jr_fields fields = {.names = names, .n = FIELDS, .strict = true};
    int field;
    *out = (struct event){.quantity = 1, .value_minor = STORE_NO_AMOUNT, .position = -1};
    if (!jr_obj(r))
        return ERR_INVALID;
    while ((field = jr_field(r, &fields)) >= 0)
        if (!read_field(r, (enum field)field, out))
            return ERR_INVALID;
    if (!r->failed && !(fields.seen >> F_TYPE & 1))
        jr_fail(r, ERR_INVALID, "type: missing");
    return r->failed ? ERR_INVALID : ERR_OK;
}
