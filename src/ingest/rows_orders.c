/* Orders: a record is a line, and lines of one order follow each other; or a record is an order with
 * its lines in an array.
 *
 * A line's identity is (order, ordinal), its place among the lines of its order in the file, so two
 * equal lines are two lines. Where an order's lines stand in several places, each run of them is put
 * on its own and the ordinals go on. */
#include "base/json_reader.h"
#include "base/mem.h"
#include "ingest/import_int.h"

#include "base/check.h"

enum { LINES_MAX = STORE_ORDER_LINES_MAX };

static bool order_head(struct import *im, struct row *row, struct order *o)
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
    if (status.n && !order_status_of(status, &o->status))
        return row_fail(row, TO_STATUS, REASON_UNKNOWN_VALUE, "no such status of an order");
    if (o->currency == 0)
        o->currency = mapping_currency(im->mapping);
    if (o->currency == 0)
        return row_fail(row, TO_CURRENCY, REASON_UNKNOWN_CURRENCY,
                        "no currency is given for the order");
    return true;
}

/* --- what a line is -------------------------------------------------------------------------- */

struct line_read {
    struct order_line line;
    struct str title;
    bool charge;  /* its product is none: postage, a fee */
    bool charged; /* and the line is one, not a return or an adjustment of it */
};

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

static bool kind_of(struct row *row, struct line_read *l)
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
static bool settle_amounts(struct row *row, struct line_read *l, currency_code currency)
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

static bool line_of_row(struct row *row, currency_code currency, struct line_read *l)
{
    struct order_line *line = &l->line;
    currency_code of_discount = currency;
    *l = (struct line_read){0};
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

/* Learn what the line says; its product's id then outlives the record. */
static void note_line(struct import *im, const struct order *o, struct line_read *l)
{
    struct order_line *line = &l->line;
    if (line->product_id.n)
        line->product_id =
            skus_add(&im->catalogue,
                     &(struct skus_line){.id = line->product_id,
                                         .title = l->title,
                                         .sale = line->kind == LINE_SALE && line->amount_minor > 0,
                                         .charge = l->charge,
                                         .time = o->placed_at,
                                         .price_micro = line->unit_price_micro,
                                         .currency = o->currency});
}

/* --- runs of lines --------------------------------------------------------------------------- */

static void keep_head(struct import *im, struct order *o)
{
    struct str *texts[] = {&o->id,      &o->user_id, &o->anonymous_id,
                           &o->address, &o->payment, &o->coupons};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = batch_keep(im, *texts[i]);
}

static void know_order(struct import *im, const struct order *o, uint64_t **ordinal)
{
    *ordinal = map_u64_at(&im->ordinals, import_hash(o->id), NULL);
    if (o->user_id.n)
        (void)map_u64_at(&im->customers, import_hash(o->user_id), NULL);
}

void import_order_flush(struct import *im)
{
    struct open_run *run = &im->run;
    if (!run->open)
        return;
    struct batch *b = im->batch;
    struct order_run *out = batch_item(im, (void **)&b->orders, sizeof *b->orders, NULL);
    struct order_line *lines = ARENA_NEW(&b->arena, struct order_line, run->len);
    struct place *places = ARENA_NEW(&b->arena, struct place, run->len);
    memcpy(lines, run->lines, run->len * sizeof *lines);
    memcpy(places, run->places, run->len * sizeof *places);
    *out = run->run;
    out->order.lines = out->lines = lines;
    out->order.lines_len = (uint32_t)run->len;
    out->places = places;
    bool returns_only = true;
    for (size_t i = 0; i < run->len; i++)
        returns_only &= lines[i].kind == LINE_RETURN;
    if (returns_only)
        out->order.status = ORDER_RETURNED;
    run->open = false;
    run->len = 0;
}

bool import_order_continues(struct import *im, struct row *row)
{
    struct str id;
    const struct open_run *run = &im->run;
    return run->open && run->len < LINES_MAX && !mapping_has(im->mapping, TO_LINES) &&
           (id = row_value(row, TO_ID, NULL)).n && str_eq(id, run->run.order.id);
}

static void push_line(struct import *im, struct row *row, struct line_read *l)
{
    struct open_run *run = &im->run;
    if (run->len == run->cap) {
        run->cap = run->cap ? run->cap * 2 : 64;
        run->lines = mem_resize(run->lines, run->cap, sizeof *run->lines);
        run->places = mem_resize(run->places, run->cap, sizeof *run->places);
    }
    l->line.ordinal = (uint32_t)(*run->next_ordinal)++;
    run->lines[run->len] = l->line;
    run->places[run->len++] = batch_place(im, row, l->charged);
}

/* A refused line keeps its ordinal, so that the others' do not depend on what is wrong with it. */
static bool refuse_line(struct import *im, struct row *row, bool goes_on)
{
    struct str id = row_value(row, TO_ID, NULL);
    if (!goes_on)
        import_order_flush(im);
    if (id.n)
        ++*map_u64_at(&im->ordinals, import_hash(id), NULL);
    return false;
}

static bool same_order(struct row *row, const struct order *o, const struct order *first)
{
    if (!str_eq(o->user_id, first->user_id))
        return row_fail(row, TO_USER_ID, REASON_CONFLICT,
                        "another shopper than in the order's first line");
    if (o->currency != first->currency)
        return row_fail(row, TO_CURRENCY, REASON_CONFLICT,
                        "another currency than in the order's first line");
    return true;
}

static bool line_row(struct import *im, struct row *row)
{
    struct open_run *run = &im->run;
    struct line_read l;
    struct order o;
    bool goes_on = import_order_continues(im, row);
    if (!order_head(im, row, &o) || !line_of_row(row, o.currency, &l) ||
        (goes_on && !same_order(row, &o, &run->run.order)))
        return refuse_line(im, row, goes_on);
    if (!goes_on) {
        import_order_flush(im);
        keep_head(im, &o);
        run->run = (struct order_run){.order = o, .skip = row->rec->number < im->resume_record};
        run->open = true;
        know_order(im, &o, &run->next_ordinal);
    }
    note_line(im, &run->run.order, &l);
    push_line(im, row, &l);
    return true;
}

/* --- whole orders ---------------------------------------------------------------------------- */

/* An element of "lines". */
static bool line_of_json(struct row *row, struct json_reader *jr, const struct order *o,
                         struct line_read *l)
{
    static const char *const names[] = {"product_id", "quantity", "unit_price",      "discount",
                                        "kind",       "title",    "unit_price_micro"};
    struct jr_fields f = {.names = names, .n = 7};
    struct str kind = {NULL, 0};
    int64_t unit = 1000000, price = 0, micro = 0;
    int at;
    *l = (struct line_read){.line.quantity = 1};
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

static bool lines_of_json(struct import *im, struct row *row, struct order *o,
                          struct line_read **out, size_t *len)
{
    struct json_reader jr;
    struct err err;
    struct str text = row_value(row, TO_LINES, NULL);
    struct line_read *lines = NULL;
    size_t cap = 0;
    *len = 0;
    jr_init(&jr, text, &im->batch->arena);
    (void)jr_arr(&jr);
    while (jr_next(&jr) && row->fault.reason == REASON_NONE) {
        if (*len == LINES_MAX) {
            (void)row_fail(row, TO_LINES, REASON_OUT_OF_RANGE, "more than %d lines", LINES_MAX);
            break;
        }
        if (*len == cap) {
            struct line_read *bigger =
                ARENA_NEW(&im->batch->arena, struct line_read, cap ? cap * 2 : 8);
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

static bool whole_row(struct import *im, struct row *row)
{
    struct order o;
    struct line_read *read = NULL;
    size_t len = 0;
    uint64_t *ordinal;
    if (!order_head(im, row, &o) || !lines_of_json(im, row, &o, &read, &len))
        return false;
    struct batch *b = im->batch;
    keep_head(im, &o);
    know_order(im, &o, &ordinal);
    struct order_line *lines = ARENA_NEW(&b->arena, struct order_line, len + 1);
    struct place *places = ARENA_NEW(&b->arena, struct place, len + 1);
    struct place place = batch_place(im, row, false);
    places[0] = place;
    for (size_t i = 0; i < len; i++) {
        note_line(im, &o, &read[i]);
        lines[i] = read[i].line;
        places[i] = place;
        places[i].charge = read[i].charged;
    }
    o.lines = lines;
    o.lines_len = (uint32_t)len;
    struct order_run *out = batch_item(im, (void **)&b->orders, sizeof *b->orders, NULL);
    *out = (struct order_run){.order = o,
                              .lines = lines,
                              .places = places,
                              .whole = true,
                              .skip = row->rec->number < im->resume_record};
    return true;
}

bool import_order_row(struct import *im, struct row *row)
{
    bool whole = mapping_has(im->mapping, TO_LINES) && row_value(row, TO_LINES, NULL).n > 0;
    if (!whole)
        return line_row(im, row);
    import_order_flush(im);
    return whole_row(im, row);
}
