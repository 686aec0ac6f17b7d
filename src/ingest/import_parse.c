/* The reading thread: records to batches. */
#include <xxhash.h>

#include "base/mem.h"
#include "ingest/import_int.h"

#include "base/check.h"

uint64_t import_hash(struct str s)
{
    return XXH3_64bits(s.p, s.n);
}

/* --- batches --------------------------------------------------------------------------------- */

struct str batch_keep(struct import *im, struct str s)
{
    return s.n ? arena_str(&im->batch->arena, s) : (struct str){NULL, 0};
}

struct place batch_place(struct import *im, const struct row *row, bool charge)
{
    struct str raw = row_raw(row, im->reader);
    if (raw.n > QUARANTINE_RAW_MAX + 1)
        raw.n = QUARANTINE_RAW_MAX + 1; /* one more, so that the store sees that it was cut */
    return (struct place){row->rec->line, batch_keep(im, raw), charge, row->filled};
}

void *batch_item(struct import *im, void **array, size_t size, const struct row *row)
{
    struct batch *b = im->batch;
    if (b->items_len == b->items_cap) {
        b->items_cap = b->items_cap ? b->items_cap * 2 : BATCH_ROWS_MIN;
        *array = mem_resize(*array, b->items_cap, size);
        b->places = mem_resize(b->places, b->items_cap, sizeof *b->places);
    }
    if (row)
        b->places[b->items_len] = batch_place(im, row, false);
    return (char *)*array + size * b->items_len++;
}

/* What a row that can be read says of its shopper. */
static struct str shopper_of(struct import *im, struct row *row, enum target t)
{
    struct str id = {NULL, 0};
    if (row->rec->fault == REASON_NONE && target_belongs(t, im->o->kind))
        id = row_value(row, t, NULL);
    return id.n <= STORE_ID_MAX ? batch_keep(im, id) : (struct str){NULL, 0};
}

void batch_refuse(struct import *im, struct row *row, struct str order_id, uint32_t ordinal)
{
    struct batch *b = im->batch;
    struct str record = row_record(row, im->reader, im->header);
    if (b->refusals_len == b->refusals_cap) {
        b->refusals_cap = b->refusals_cap ? b->refusals_cap * 2 : 64;
        b->refusals = mem_resize(b->refusals, b->refusals_cap, sizeof *b->refusals);
    }
    b->refusals[b->refusals_len++] = (struct refusal){
        .place = batch_place(im, row, false),
        .reason = row->fault.reason,
        .column = row->fault.column,
        .message = batch_keep(im, str_of(row->fault.message)),
        .record = record.n <= QUARANTINE_RECORD_MAX ? batch_keep(im, record) : record,
        .order_id = order_id,
        .ordinal = ordinal,
        .user_id = shopper_of(im, row, im->o->kind == IMPORT_USERS ? TO_ID : TO_USER_ID),
        .anonymous_id = shopper_of(im, row, TO_ANONYMOUS_ID),
    };
}

static void empty_batch(struct batch *b)
{
    arena_reset(&b->arena);
    b->rows = b->items_len = b->refusals_len = 0;
    b->skipped = 0;
}

/* False: the other thread has given up. */
static bool take_batch(struct import *im)
{
    void *b;
    if (queue_pop(&im->empty, QUEUE_FOREVER, &b) != ERR_OK)
        return false;
    im->batch = b;
    empty_batch(im->batch);
    return true;
}

static void send_batch(struct import *im, uint64_t records)
{
    struct batch *b = im->batch;
    import_order_flush(im);
    import_family_flush(im);
    b->records = records;
    b->offset = reader_offset(im->reader);
    b->orders_seen = im->ordinals.len;
    b->customers_seen = im->customers.len;
    b->products_seen = im->catalogue.products_len;
    progress_add(&im->progress, im->raw_bytes - im->raw_shown);
    im->raw_shown = im->raw_bytes;
    im->batch = NULL;
    /* As many places as batches: there is always room. A closed queue is noticed by take_batch. */
    (void)!queue_push(&im->full, b);
}

static bool is_full(const struct import *im)
{
    const struct batch *b = im->batch;
    return b->rows >= atomic_load_explicit(&im->batch_rows, memory_order_relaxed) ||
           b->arena.used_bytes > BATCH_BYTES;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void keep_texts(struct import *im, struct str *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *texts[i] = batch_keep(im, *texts[i]);
}

static bool add_product(struct import *im, struct row *row)
{
    struct product p;
    if (!row_product(row, &p))
        return false;
    struct str *const texts[] = {&p.id,      &p.group_id,    &p.title,  &p.description,
                                 &p.brand,   &p.category,    &p.images, &p.attributes,
                                 &p.tags,    &p.supplier_id, &p.url,    &p.translations,
                                 &p.language};
    keep_texts(im, texts, sizeof texts / sizeof texts[0]);
    struct batch *b = im->batch;
    *(struct product *)batch_item(im, (void **)&b->products, sizeof p, row) = p;
    return true;
}

static bool add_user(struct import *im, struct row *row)
{
    struct user u;
    if (!row_user(row, &u))
        return false;
    struct str *const texts[] = {&u.id, &u.attributes};
    keep_texts(im, texts, 2);
    *(struct user *)batch_item(im, (void **)&im->batch->users, sizeof u, row) = u;
    return true;
}

static bool add_event(struct import *im, struct row *row)
{
    struct event e;
    bool fine = im->o->kind == IMPORT_EVENTS ? row_event(row, &e) : row_interaction(row, &e);
    if (!fine)
        return false;
    struct str *const texts[] = {&e.id,         &e.user_id, &e.anonymous_id, &e.session_id,
                                 &e.product_id, &e.query,   &e.request_id,   &e.context};
    keep_texts(im, texts, sizeof texts / sizeof texts[0]);
    *(struct event *)batch_item(im, (void **)&im->batch->events, sizeof e, row) = e;
    return true;
}

static bool add_row(struct import *im, struct row *row)
{
    switch (im->o->kind) {
    case IMPORT_PRODUCTS:
        return add_product(im, row);
    case IMPORT_USERS:
        return add_user(im, row);
    case IMPORT_EVENTS:
    case IMPORT_INTERACTIONS:
        return add_event(im, row);
    case IMPORT_ORDERS:
        return import_order_row(im, row);
    case IMPORT_KINDS:
        break;
    }
    UNREACHABLE();
}

static bool says_nothing(const struct import *im, const struct row *row)
{
    return row->fault.reason == REASON_NONE && mapping_matches(im->mapping, RULE_SKIP, row->rec);
}

/* One record into the batch. What an import that was killed has stored already goes through as well:
 * ordinals, titles and returns depend on all that came before. */
static void take_record(struct import *im, struct row *row)
{
    struct batch *b = im->batch;
    bool skip = row->rec->number < im->resume_record;
    b->rows++;
    b->skipped += skip;
    if (skip && im->o->kind != IMPORT_ORDERS)
        return;
    if (says_nothing(im, row))
        return;
    bool shares = row->fault.reason == REASON_NONE && mapping_has_pictures(im->mapping);
    if (shares && !import_family_row(im, row) && row->fault.reason == REASON_NONE)
        return;
    bool taken = row->fault.reason == REASON_NONE && add_row(im, row);
    struct str order_id = {NULL, 0};
    uint32_t ordinal = 0;
    if (!taken && im->o->kind == IMPORT_ORDERS)
        import_order_refused(im, row, &order_id, &ordinal);
    if (!taken && !skip)
        batch_refuse(im, row, order_id, ordinal);
}

/* Must the row stand in the same batch as the one before it? */
static bool belongs_to_last(struct import *im, struct row *row)
{
    if (row->fault.reason != REASON_NONE)
        return false;
    return im->o->kind == IMPORT_ORDERS
               ? import_order_continues(im, row)
               : mapping_has_pictures(im->mapping) && import_family_continues(im, row);
}

void import_parse(void *arg)
{
    struct import *im = arg;
    const struct record *rec;
    uint64_t records = 0;
    enum err_code rc;
    struct err err = {0};
    if (!take_batch(im))
        return;
    while ((rc = reader_next(im->reader, &rec, &err)) == ERR_OK && rec) {
        struct row row;
        row_init(&row, im->mapping, rec, &im->batch->arena, im->now);
        if (is_full(im) && !belongs_to_last(im, &row)) {
            send_batch(im, records);
            if (!take_batch(im))
                return;
            row.arena = &im->batch->arena;
        }
        im->batch->line = rec->line;
        take_record(im, &row);
        records = rec->number + 1;
    }
    im->batch->last = true;
    im->batch->rc = rc;
    im->batch->err = err;
    send_batch(im, records);
}
