/* event_json.c - one event as docs/http-api.md has it. */
#include "api/api_int.h"

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

/* Why a field is refused that holds a value of this type; times tell it themselves. */
static enum import_reason reason_of_field(enum field field, enum jr_type type)
{
    switch (field) {
    case F_ID:
    case F_USER:
    case F_ANONYMOUS:
    case F_SESSION:
    case F_PRODUCT:
    case F_QUERY:
    case F_REQUEST:
        return type == JR_STRING ? REASON_BAD_TEXT : REASON_UNKNOWN_VALUE;
    case F_QUANTITY:
    case F_VALUE:
    case F_RATING:
    case F_POSITION:
        return type == JR_NUMBER ? REASON_OUT_OF_RANGE : REASON_BAD_NUMBER;
    case F_TIME:
        return REASON_BAD_TIME;
    case F_TYPE:
        return REASON_UNKNOWN_VALUE;
    case F_CURRENCY:
        return REASON_UNKNOWN_CURRENCY;
    case F_CONTEXT:
        return type == JR_OBJECT ? REASON_TEXT_TOO_LONG : REASON_BAD_JSON;
    case FIELDS:
        break;
    }
    return REASON_REFUSED;
}

static bool read_field(struct json_reader *r, enum field field, struct event *e,
                       enum import_reason *why)
{
    int64_t number;
    if (jr_null(r))
        return true;
    *why = reason_of_field(field, jr_peek(r));
    switch (field) {
    case F_ID:
        return jr_str(r, &e->id);
    case F_TIME:
        return read_past_time(r, "time", &e->time, why);
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

enum err_code event_from_json(struct json_reader *r, struct event *out, enum import_reason *why)
{
    struct jr_fields fields = {.names = names, .n = FIELDS, .strict = true};
    int field;
    *out = (struct event){.quantity = 1, .value_minor = STORE_NO_AMOUNT, .position = -1};
    *why = REASON_BROKEN_ROW;
    if (!jr_obj(r))
        return ERR_INVALID;
    while ((field = jr_field(r, &fields)) >= 0)
        if (!read_field(r, (enum field)field, out, why))
            return ERR_INVALID;
    if (r->failed)
        *why = fields.twice ? REASON_DUPLICATE_KEY : REASON_UNKNOWN_VALUE;
    else if (!(fields.seen >> F_TYPE & 1)) {
        *why = REASON_MISSING;
        jr_fail(r, ERR_INVALID, "type: missing");
    }
    return r->failed ? ERR_INVALID : ERR_OK;
}

enum import_reason event_reason(const struct event *e)
{
    const struct str ids[] = {e->id,         e->user_id,    e->anonymous_id,
                              e->session_id, e->product_id, e->request_id};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i].n && store_id_check("id", ids[i], NULL) != ERR_OK)
            return REASON_BAD_ID;
    bool has_subject = e->type == EVENT_SEARCH ? e->query.n > 0 : e->product_id.n > 0;
    if (e->id.n == 0 || e->time == 0 || !has_subject ||
        (e->user_id.n == 0 && e->anonymous_id.n == 0))
        return REASON_MISSING;
    if (e->query.n > STORE_QUERY_MAX || e->context.n > STORE_JSON_MAX)
        return REASON_TEXT_TOO_LONG;
    if (e->value_minor != STORE_NO_AMOUNT && e->currency == 0)
        return REASON_UNKNOWN_CURRENCY;
    return e->rating >= 0 && e->rating <= 5 ? REASON_REFUSED : REASON_OUT_OF_RANGE;
}

void event_owner(struct str raw, struct arena *arena, struct str *user_id, struct str *anonymous_id)
{
    struct json_reader r;
    struct str key, id;
    jr_init(&r, raw, arena);
    *user_id = *anonymous_id = (struct str){NULL, 0};
    if (jr_peek(&r) != JR_OBJECT || !jr_obj(&r))
        return;
    while (jr_key(&r, &key)) {
        bool known = str_is(key, names[F_USER]);
        if ((!known && !str_is(key, names[F_ANONYMOUS])) || jr_peek(&r) != JR_STRING)
            continue;
        if (jr_str(&r, &id) && id.n <= STORE_ID_MAX)
            *(known ? user_id : anonymous_id) = id;
    }
}
