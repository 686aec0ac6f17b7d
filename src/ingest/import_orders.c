/* Orders in batches: runs of lines, and whole orders.
 *
 * A line's identity is (order, ordinal), its place among the lines of its order in the file, so two
 * equal lines are two lines. Where an order's lines stand in several places, each run of them is put
 * on its own and the ordinals go on. A refused line keeps its place: the others' do not depend on what
 * is wrong with it, and it can take its place once it is right. */
#include "base/mem.h"
#include "ingest/import_int.h"
#include "ingest/line_products.h"

#include "base/check.h"

enum { LINES_MAX = STORE_ORDER_LINES_MAX };

static void keep_head(struct import *im, struct order *o)
{
    struct str *texts[] = {&o->id,      &o->user_id, &o->anonymous_id,
                           &o->address, &o->payment, &o->coupons};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = batch_keep(im, *texts[i]);
}

/* The place of the order's next line. */
static uint32_t take_ordinal(struct import *im, uint64_t key)
{
    return (uint32_t)(*map_u64_at(&im->ordinals, key, NULL))++;
}

static uint64_t know_order(struct import *im, const struct order *o)
{
    uint64_t key = import_hash(o->id);
    (void)map_u64_at(&im->ordinals, key, NULL);
    if (o->user_id.n)
        (void)map_u64_at(&im->customers, import_hash(o->user_id), NULL);
    return key;
}

/* --- runs of lines --------------------------------------------------------------------------- */

void import_order_flush(struct import *im)
{
    struct open_run *run = &im->run;
    if (!run->open)
        return;
    struct batch *b = im->batch;
    struct order_run *out = batch_item(im, (void **)&b->orders, sizeof *b->orders, NULL);
    *out = run->run;
    out->lines = ARENA_NEW(&b->arena, struct order_line, run->len);
    out->places = ARENA_NEW(&b->arena, struct place, run->len);
    memcpy(out->lines, run->lines, run->len * sizeof *out->lines);
    memcpy(out->places, run->places, run->len * sizeof *out->places);
    out->order.lines = out->lines;
    out->order.lines_len = (uint32_t)run->len;
    bool returns_only = true;
    for (size_t i = 0; i < run->len; i++)
        returns_only &= out->lines[i].kind == LINE_RETURN;
    if (returns_only) {
        out->order.status = ORDER_RETURNED;
        out->keep_status = true;
    }
    run->open = false;
    run->len = 0;
}

bool import_order_continues(struct import *im, struct row *row)
{
    struct str id;
    const struct open_run *run = &im->run;
    return run->open && !mapping_has(im->mapping, TO_LINES) &&
           (id = row_value(row, TO_ID, NULL)).n && str_eq(id, run->run.order.id);
}

static void push_line(struct import *im, struct row *row, struct row_line *l)
{
    struct open_run *run = &im->run;
    if (run->len == run->cap) {
        run->cap = run->cap ? run->cap * 2 : 64;
        run->lines = mem_resize(run->lines, run->cap, sizeof *run->lines);
        run->places = mem_resize(run->places, run->cap, sizeof *run->places);
    }
    l->line.ordinal = take_ordinal(im, run->key);
    run->lines[run->len] = l->line;
    run->places[run->len++] = batch_place(im, row, l->charged);
}

void import_order_refused(struct import *im, struct row *row, struct str *order_id,
                          uint32_t *ordinal)
{
    struct err err;
    *order_id = (struct str){NULL, 0};
    if (row->fault.reason == REASON_NONE || row_is_order(row))
        return;
    struct str id = row_value(row, TO_ID, NULL);
    if (!import_order_continues(im, row))
        import_order_flush(im);
    if (id.n == 0 || store_id_check("id", id, &err) != ERR_OK)
        return;
    *ordinal = take_ordinal(im, import_hash(id));
    *order_id = batch_keep(im, id);
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

static bool has_room(const struct import *im, struct row *row, const struct order *o)
{
    const uint64_t *next = map_u64_find(&im->ordinals, import_hash(o->id));
    return !next || *next < LINES_MAX ||
           row_fail(row, TO_ID, REASON_OUT_OF_RANGE, "the order has more than %d lines", LINES_MAX);
}

static bool line_row(struct import *im, struct row *row)
{
    struct open_run *run = &im->run;
    struct row_line l;
    struct order o;
    bool status_given;
    bool goes_on = import_order_continues(im, row);
    if (!row_order(row, &o, &status_given) || !row_order_line(row, &o, &l) ||
        (goes_on && !same_order(row, &o, &run->run.order)) || !has_room(im, row, &o))
        return false;
    if (!goes_on) {
        import_order_flush(im);
        keep_head(im, &o);
        run->run = (struct order_run){
            .order = o, .keep_status = !status_given, .skip = row->rec->number < im->resume_record};
        run->open = true;
        run->key = know_order(im, &o);
    }
    line_products_learn(&im->catalogue, &run->run.order, &l);
    push_line(im, row, &l);
    return true;
}

/* --- whole orders ---------------------------------------------------------------------------- */

static bool whole_row(struct import *im, struct row *row)
{
    struct order o;
    struct row_line *read = NULL;
    size_t len = 0;
    bool status_given;
    if (!row_order(row, &o, &status_given) || !row_order_lines(row, &o, &read, &len))
        return false;
    struct batch *b = im->batch;
    keep_head(im, &o);
    (void)know_order(im, &o);
    struct order_line *lines = ARENA_NEW(&b->arena, struct order_line, len + 1);
    struct place *places = ARENA_NEW(&b->arena, struct place, len + 1);
    struct place place = batch_place(im, row, false);
    places[0] = place;
    for (size_t i = 0; i < len; i++) {
        line_products_learn(&im->catalogue, &o, &read[i]);
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
                              .keep_status = !status_given,
                              .skip = row->rec->number < im->resume_record};
    return true;
}

bool import_order_row(struct import *im, struct row *row)
{
    if (!row_is_order(row))
        return line_row(im, row);
    import_order_flush(im);
    return whole_row(im, row);
}
