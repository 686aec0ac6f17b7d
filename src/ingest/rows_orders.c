/* Orders: a record is a line of one, or a whole order with its lines in an array. */
#include "base/json_reader.h"
#include "ingest/rows.h"

#include "base/check.h"

enum { LINES_MAX = STORE_ORDER_LINES_MAX };

bool row_is_order(struct row *row)
{
    return mapping_has(row->m, TO_LINES) && row_value(row, TO_LINES, NULL).n > 0;
}

bool row_order(struct row *row, struct order *o, bool *status_given)
{
    struct str status;
    *o = (struct order){.status = ORDER_PAID};
    if (!row_id(row, TO_ID, &o->id) || !row_id(row, TO_USER_ID, &o->user_id) ||
        !row_id(row, TO_ANONYMOUS_ID, &o->anonymous_id) || !row_currency(row, &o->currency) ||
        !row_text(row, TO_STATUS, 32, &status) || !row_object(row, TO_ADDRESS, &o->address) ||
        !row_object(row, TO_PAYMENT, &o->payment) || !row_list(row, TO_COUPONS, &o->coupons) ||
        !row_time(row, TO_PLACED_AT, &o->placed_at) || !row_time(row, TO_PAID_AT, &o->paid_at) ||
        !row_time(row, TO_SHIPPED_AT, &o->shipped_at) ||
        !row_time(row, TO_DELIVERED_AT, &o->delivered_at) ||
        !row_time(row, TO_CLOSED_AT, &o->closed_at))
        return false;
    *status_given = status.n > 0;
    if (status.n && !order_status_of(status, &o->status))
        return row_fail(row, TO_STATUS, REASON_UNKNOWN_VALUE, "no such status of an order");
    if (o->currency == 0)
        o->currency = mapping_currency(row->m);
    if (o->currency == 0)
        return row_fail(row, TO_CURRENCY, REASON_UNKNOWN_CURRENCY,
                        "no currency is given for the order");
    return true;
}

/* --- a line ---------------------------------------------------------------------------------- */

static bool kind_named(struct row *row, struct str name, enum order_line_kind *out)
{
    static const char *const names[] = {"sale", "return", "adjustment"};
    for (unsigned k = 0; k < 3; k++)
        if (str_is(name, names[k])) {
            *out = (enum order_line_kind)k;
            return true;
        }
    return row_fail(row, TO_KIND, REASON_UNKNOWN_VALUE, "neither sale, return nor adjustment");
}

static bool kind_of(struct row *row, struct row_line *l)
{
    struct str name;
    const struct mapping *m = row->m;
    if (!row_text(row, TO_KIND, 16, &name))
        return false;
    if (mapping_matches(m, RULE_RETURN, row->rec))
        l->line.kind = LINE_RETURN;
    else if (mapping_matches(m, RULE_ADJUSTMENT, row->rec))
        l->line.kind = LINE_ADJUSTMENT;
    else if (name.n && !kind_named(row, name, &l->line.kind))
        return false;
    l->charge = mapping_matches(m, RULE_CHARGE, row->rec);
    return true;
}

/* Quantity, price and amount as the kind wants them: a return's are positive. */
static bool settle_amounts(struct row *row, struct row_line *l, currency_code currency)
{
    struct order_line *line = &l->line;
    struct err err;
    if (line->kind == LINE_RETURN && line->quantity < 0)
        line->quantity = -line->quantity;
    l->charged = l->charge && line->kind == LINE_SALE;
    if (l->charged)
        line->kind = LINE_ADJUSTMENT;
    if (line->kind != LINE_ADJUSTMENT && line->quantity < 1)
        return row_fail(row, TO_QUANTITY, REASON_OUT_OF_RANGE,
                        "%lld pieces are neither sold nor returned", (long long)line->quantity);
    if (line->kind != LINE_ADJUSTMENT && line->unit_price_micro < 0)
        return row_fail(row, TO_UNIT_PRICE, REASON_OUT_OF_RANGE, "the price is negative");
    if (line->kind != LINE_ADJUSTMENT && line->product_id.n == 0)
        return row_fail(row, TO_PRODUCT_ID, REASON_MISSING, "missing");
    if (money_line_minor(line->quantity, line->unit_price_micro, currency, &line->amount_minor,
                         &err) != ERR_OK)
        return row_fail(row, TO_UNIT_PRICE, REASON_OUT_OF_RANGE, "the line's amount is too large");
    line->amount_minor -= line->discount_minor;
    if (line->kind != LINE_ADJUSTMENT && line->amount_minor < 0)
        return row_fail(row, TO_DISCOUNT, REASON_OUT_OF_RANGE, "more than the line is worth");
    return true;
}

bool row_order_line(struct row *row, const struct order *o, struct row_line *l)
{
    struct order_line *line = &l->line;
    currency_code currency = o->currency, of_discount = currency;
    *l = (struct row_line){0};
    if (!row_id(row, TO_PRODUCT_ID, &line->product_id) || !kind_of(row, l) ||
        !row_i64(row, TO_QUANTITY, -STORE_AMOUNT_MAX, STORE_AMOUNT_MAX, 1, &line->quantity) ||
        !row_micro(row, TO_UNIT_PRICE, currency, &line->unit_price_micro) ||
        !row_money(row, TO_DISCOUNT, &of_discount, &line->discount_minor) ||
        !row_text(row, TO_TITLE, STORE_TITLE_MAX, &l->title))
        return false;
    if (line->discount_minor == STORE_NO_AMOUNT)
        line->discount_minor = 0;
    return settle_amounts(row, l, currency);
}

/* --- lines in an array ----------------------------------------------------------------------- */

/* An element of "lines". */
static bool line_of_json(struct row *row, struct json_reader *jr, const struct order *o,
                         struct row_line *l)
{
    static const char *const names[] = {"product_id", "quantity", "unit_price",      "discount",
                                        "kind",       "title",    "unit_price_micro"};
    struct jr_fields f = {.names = names, .n = 7};
    struct str kind = {NULL, 0};
    int64_t unit = 1000000, price = 0, micro = 0;
    int at;
    *l = (struct row_line){.line.quantity = 1};
    for (int i = 0; i < currency_exponent(o->currency); i++)
        unit /= 10;
    if (!jr_obj(jr))
        return false;
    while ((at = jr_field(jr, &f)) >= 0) {
        if (at == 0)
            jr_str_max(jr, STORE_ID_MAX, &l->line.product_id);
        else if (at == 1)
            jr_i64(jr, -STORE_AMOUNT_MAX, STORE_AMOUNT_MAX, &l->line.quantity);
        else if (at == 2)
            jr_i64(jr, -STORE_AMOUNT_MAX, STORE_AMOUNT_MAX, &price);
        else if (at == 3)
            jr_i64(jr, 0, STORE_AMOUNT_MAX, &l->line.discount_minor);
        else if (at == 4)
            jr_str(jr, &kind);
        else if (at == 5)
            jr_str_max(jr, STORE_TITLE_MAX, &l->title);
        else
            jr_i64(jr, -STORE_MICRO_MAX, STORE_MICRO_MAX, &micro);
    }
    l->line.unit_price_micro = f.seen >> 6 & 1 ? micro : price * unit;
    return !jr->failed && (kind.n == 0 || kind_named(row, kind, &l->line.kind)) &&
           settle_amounts(row, l, o->currency);
}

bool row_order_lines(struct row *row, const struct order *o, struct row_line **out, size_t *len)
{
    struct json_reader jr;
    struct err err;
    struct str text = row_value(row, TO_LINES, NULL);
    struct row_line *lines = NULL;
    size_t cap = 0;
    *len = 0;
    jr_init(&jr, text, row->arena);
    (void)jr_arr(&jr);
    while (jr_next(&jr) && row->fault.reason == REASON_NONE) {
        if (*len == LINES_MAX) {
            (void)row_fail(row, TO_LINES, REASON_OUT_OF_RANGE, "more than %d lines", LINES_MAX);
            break;
        }
        if (*len == cap) {
            struct row_line *bigger = ARENA_NEW(row->arena, struct row_line, cap ? cap * 2 : 8);
            if (cap)
                memcpy(bigger, lines, cap * sizeof *lines);
            lines = bigger;
            cap = cap ? cap * 2 : 8;
        }
        if (line_of_json(row, &jr, o, &lines[*len]))
            lines[*len].line.ordinal = (uint32_t)*len;
        ++*len;
    }
    if (row->fault.reason == REASON_NONE && jr_end(&jr, &err) != ERR_OK)
        return row_fail(row, TO_LINES, REASON_BAD_JSON, "%s", err.msg);
    *out = lines;
    return row->fault.reason == REASON_NONE;
}
