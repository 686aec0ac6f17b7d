/* The writing side: a batch is one job of the store's writer, with its checkpoint in the same
 * transaction. What is counted is counted on a copy of the report, which becomes the report only when
 * the job is durable. */
#include "base/clock.h"
#include "base/mem.h"
#include "ingest/import_int.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/users.h"

#include "base/check.h"

struct job {
    struct import *im;
    struct batch *b;
    struct store_tx *tx; /* NULL: a dry run */
    struct import_report report;
    int64_t ran_ns; /* the job alone, without waiting for the writer and its sync */
};

bool import_is_refusal(enum err_code rc)
{
    return rc == ERR_INVALID || rc == ERR_CONFLICT || rc == ERR_LIMIT || rc == ERR_NOT_FOUND;
}

static enum import_reason reason_of(enum err_code rc)
{
    return rc == ERR_CONFLICT    ? REASON_CONFLICT
           : rc == ERR_NOT_FOUND ? REASON_UNKNOWN_PRODUCT
                                 : REASON_REFUSED;
}

/* --- quarantine ------------------------------------------------------------------------------ */

/* What the raw row and the header say together, if none of it was cut. */
static struct str record_of(struct job *j, const struct refusal *r)
{
    struct str header = j->im->header, raw = r->place.raw;
    if (r->record.n || header.n == 0 || raw.n > QUARANTINE_RAW_MAX || r->place.filled)
        return r->record;
    return arena_printf(&j->b->arena, "%.*s%.*s", STR_ARG(header), STR_ARG(raw));
}

static enum err_code quarantine(struct job *j, const struct refusal *r, struct err *err)
{
    struct import *im = j->im;
    j->report.quarantined++;
    j->report.by_reason[r->reason]++;
    if (!j->tx)
        return ERR_OK;
    struct quarantine q = {
        .kind = str_of(import_kind_name(im->o->kind)),
        .source = str_of(im->source),
        .file_key = im->known ? str_of(im->file_key) : (struct str){NULL, 0},
        .line = r->place.line,
        .column = r->column,
        .reason = str_of(import_reason_name(r->reason)),
        .message = r->message,
        .raw = r->place.raw,
        .user_id = r->user_id,
        .anonymous_id = r->anonymous_id,
        .at = j->tx->now_us,
        .record = record_of(j, r),
        .order_id = r->order_id,
        .ordinal = r->ordinal,
    };
    return quarantine_add(j->tx, &q, NULL, err);
}

/* The store said no to the row at a place, which speaks of a shopper. */
static enum err_code store_refused(struct job *j, const struct place *place, struct str user_id,
                                   struct str anonymous_id, enum err_code rc, struct err *err)
{
    if (!import_is_refusal(rc))
        return rc;
    struct err why = *err;
    struct refusal r = {.place = *place,
                        .reason = reason_of(rc),
                        .message = str_of(why.msg),
                        .user_id = user_id,
                        .anonymous_id = anonymous_id};
    return quarantine(j, &r, err);
}

static struct refusal unknown_product(struct job *j, const struct place *place, struct str id)
{
    return (struct refusal){
        .place = *place,
        .reason = REASON_UNKNOWN_PRODUCT,
        .column = mapping_column(j->im->mapping, TO_PRODUCT_ID),
        .message = arena_printf(&j->b->arena, "product_id: no product '%.*s'", STR_ARG(id)),
    };
}

/* --- products and users ---------------------------------------------------------------------- */

static void count_put(struct import_report *r, bool created, bool changed)
{
    r->created += created;
    r->changed += changed;
    r->unchanged += !created && !changed;
    if (created || changed)
        r->accepted++;
    else
        r->merged++;
}

static enum err_code write_product(struct job *j, size_t i, struct err *err)
{
    const struct product *p = &j->b->products[i];
    enum product_put_result result = PRODUCT_CREATED;
    enum err_code rc = j->tx ? product_put(j->tx, p, NULL, &result, err) : product_check(p, err);
    if (rc != ERR_OK)
        return store_refused(j, &j->b->places[i], (struct str){NULL, 0}, (struct str){NULL, 0}, rc,
                             err);
    count_put(&j->report, result == PRODUCT_CREATED,
              result == PRODUCT_CHANGED || result == PRODUCT_CHANGED_LIVE);
    return ERR_OK;
}

/* Is the stored shopper as the row says already? */
static enum err_code same_user(struct job *j, const struct user *u, bool *known, bool *same,
                               struct err *err)
{
    struct user stored;
    struct arena scratch;
    arena_init(&scratch, 0, 1 << 20);
    enum err_code rc = user_get(j->tx->db, u->id, &scratch, &stored, err);
    *known = rc == ERR_OK;
    *same = *known && str_eq(stored.attributes, u->attributes) &&
            stored.personalise == u->personalise &&
            (u->created_at == 0 || u->created_at == stored.created_at);
    arena_release(&scratch);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err_code write_user(struct job *j, size_t i, struct err *err)
{
    const struct user *u = &j->b->users[i];
    bool known = false, same = false;
    enum err_code rc = ERR_OK;
    if (j->tx)
        rc = same_user(j, u, &known, &same, err);
    if (rc == ERR_OK && j->tx && !same)
        rc = user_put(j->tx, u, NULL, NULL, err);
    if (rc != ERR_OK)
        return store_refused(j, &j->b->places[i], u->id, (struct str){NULL, 0}, rc, err);
    count_put(&j->report, !known, known && !same);
    return ERR_OK;
}

/* --- events ---------------------------------------------------------------------------------- */

static enum err_code write_events(struct job *j, struct err *err)
{
    struct batch *b = j->b;
    if (!j->tx) {
        j->report.accepted += b->items_len;
        return ERR_OK;
    }
    enum event_outcome *outcomes = ARENA_NEW(&b->arena, enum event_outcome, b->items_len + 1);
    unsigned flags = mapping_creates_products(j->im->mapping) ? EVENTS_CREATE_PRODUCTS : 0;
    enum err_code rc = events_add(j->tx, b->events, b->items_len, flags, outcomes, NULL, err);
    for (size_t i = 0; rc == ERR_OK && i < b->items_len; i++) {
        j->report.accepted += outcomes[i] == EVENT_ADDED;
        j->report.merged += outcomes[i] == EVENT_DUPLICATE;
        if (outcomes[i] != EVENT_UNKNOWN_PRODUCT)
            continue;
        struct refusal r = unknown_product(j, &b->places[i], b->events[i].product_id);
        r.user_id = b->events[i].user_id;
        r.anonymous_id = b->events[i].anonymous_id;
        rc = quarantine(j, &r, err);
    }
    return rc;
}

/* --- orders ---------------------------------------------------------------------------------- */

static void count_line(struct import_report *r, const struct order *o, const struct order_line *l,
                       bool charge)
{
    uint64_t *counter = charge                   ? &r->charge_lines
                        : l->kind == LINE_SALE   ? &r->sale_lines
                        : l->kind == LINE_RETURN ? &r->return_lines
                                                 : &r->adjustment_lines;
    ++*counter;
    r->guest_lines += o->user_id.n == 0;
    r->net_revenue_minor += l->kind == LINE_RETURN ? -l->amount_minor : l->amount_minor;
}

static void count_run(struct job *j, const struct order_run *run, uint64_t lines_added)
{
    struct import_report *r = &j->report;
    uint64_t rows = run->whole ? 1 : run->order.lines_len;
    uint64_t added = run->whole ? lines_added > 0 || run->order.lines_len == 0 : lines_added;
    char name[4];
    r->accepted += added;
    r->merged += rows - added;
    for (uint32_t i = 0; i < run->order.lines_len; i++)
        count_line(r, &run->order, &run->order.lines[i], run->places[i].charge);
    currency_name(run->order.currency, name);
    if (r->currency[0] == '\0')
        memcpy(r->currency, name, 4);
    else if (memcmp(r->currency, name, 4) != 0)
        memcpy(r->currency, "???", 4);
}

/* All rows of a run are refused together. */
static enum err_code refuse_run(struct job *j, const struct order_run *run, enum err_code rc,
                                struct err *err)
{
    size_t n = run->whole ? 1 : run->order.lines_len;
    struct err why = *err;
    for (size_t i = 0; i < n; i++) {
        struct refusal r = {.place = run->places[i],
                            .reason = reason_of(rc),
                            .message = str_of(why.msg),
                            .user_id = run->order.user_id,
                            .anonymous_id = run->order.anonymous_id,
                            .order_id = run->whole ? (struct str){NULL, 0} : run->order.id,
                            .ordinal = run->lines[i].ordinal};
        enum err_code put = quarantine(j, &r, err);
        if (put != ERR_OK)
            return put;
    }
    return ERR_OK;
}

/* Without leave to make products, lines with an unknown one are taken out and refused. *n: those that
 * are left. A whole order is refused as a whole. */
static enum err_code refuse_unknown(struct job *j, struct order_run *run, struct err *err)
{
    struct order *o = &run->order;
    uint32_t at = 0;
    for (;;) {
        enum err_code rc = order_unknown_product(j->tx->db, o, at, &at, err);
        if (rc != ERR_OK || at == o->lines_len)
            return rc;
        struct order_line *line = &run->lines[at];
        struct refusal r = unknown_product(j, &run->places[at], line->product_id);
        if (!run->whole) {
            r.order_id = o->id;
            r.ordinal = line->ordinal;
        }
        rc = quarantine(j, &r, err);
        if (rc != ERR_OK)
            return rc;
        size_t behind = o->lines_len - at - 1;
        memmove(line, line + 1, behind * sizeof *line);
        memmove(&run->places[at], &run->places[at + 1], behind * sizeof *run->places);
        o->lines_len = run->whole ? 0 : o->lines_len - 1;
        run->refused = true;
    }
}

static bool has_returns(const struct order *o)
{
    for (uint32_t i = 0; i < o->lines_len; i++)
        if (o->lines[i].kind == LINE_RETURN)
            return true;
    return false;
}

static enum err_code put_run(struct job *j, struct order_run *run, struct order_put_result *result,
                             struct err *err)
{
    bool creates = mapping_creates_products(j->im->mapping);
    unsigned flags =
        (creates ? ORDERS_CREATE_PRODUCTS : 0U) | (run->keep_status ? ORDERS_KEEP_STATUS : 0U);
    enum err_code rc = creates ? ERR_OK : refuse_unknown(j, run, err);
    if (rc == ERR_OK && !(run->refused && run->order.lines_len == 0))
        rc = order_put(j->tx, &run->order, flags, result, err);
    return rc;
}

static enum err_code write_run(struct job *j, struct order_run *run, struct err *err)
{
    struct order_put_result result = {.lines_added = run->order.lines_len};
    enum err_code rc = ERR_OK;
    if (!j->tx) {
        rc = order_check(&run->order, err);
    } else if (!run->skip) {
        rc = put_run(j, run, &result, err);
    } else if (has_returns(&run->order)) {
        rc = order_no_of(j->tx->db, run->order.id, &result.no, err);
    }
    if (rc != ERR_OK)
        return import_is_refusal(rc) ? refuse_run(j, run, rc, err) : rc;
    if (result.no && has_returns(&run->order))
        import_note_returns(j->im, result.no);
    if (!run->skip && !(run->refused && run->order.lines_len == 0))
        count_run(j, run, result.lines_added);
    return ERR_OK;
}

/* --- a batch --------------------------------------------------------------------------------- */

static enum err_code write_items(struct job *j, struct err *err)
{
    struct batch *b = j->b;
    enum err_code rc = ERR_OK;
    if (j->im->o->kind == IMPORT_EVENTS || j->im->o->kind == IMPORT_INTERACTIONS)
        return write_events(j, err);
    for (size_t i = 0; rc == ERR_OK && i < b->items_len; i++) {
        if (j->im->o->kind == IMPORT_PRODUCTS)
            rc = write_product(j, i, err);
        else if (j->im->o->kind == IMPORT_USERS)
            rc = write_user(j, i, err);
        else
            rc = write_run(j, &b->orders[i], err);
    }
    return rc;
}

/* Rows that say nothing of their own belong to what stands before them. */
static void count_rows(struct job *j, uint64_t counted_before)
{
    const struct batch *b = j->b;
    struct import_report *r = &j->report;
    uint64_t fresh = b->rows - b->skipped;
    uint64_t counted = r->accepted + r->merged + r->quarantined - counted_before;
    DCHECK(counted <= fresh);
    r->lines += fresh;
    r->merged += fresh - counted;
    r->skipped += b->skipped;
    r->bytes = b->offset;
    r->invoices = b->orders_seen;
    r->customers = b->customers_seen;
    r->skus = b->products_seen;
}

static enum err_code write_batch(struct store_tx *tx, struct job *j, struct err *err)
{
    struct batch *b = j->b;
    const struct import_report *r = &j->report;
    enum err_code rc = ERR_OK;
    j->tx = tx;
    if (tx && j->im->o->full)
        products_stage(tx);
    uint64_t before = r->accepted + r->merged + r->quarantined;
    for (size_t i = 0; rc == ERR_OK && i < b->refusals_len; i++)
        rc = quarantine(j, &b->refusals[i], err);
    if (rc == ERR_OK)
        rc = write_items(j, err);
    if (rc != ERR_OK)
        return rc;
    count_rows(j, before);
    /* On the way to where a killed import had ended its checkpoint stays: it is further on. */
    if (!tx || b->records <= j->im->resume_record)
        return ERR_OK;
    return import_checkpoint(j->im, tx, r, b->records, b->offset, b->line, false, err);
}

static enum err_code run_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct job *j = arg;
    int64_t begin = clock_mono_ns();
    enum err_code rc = write_batch(tx, j, err);
    j->ran_ns = clock_mono_ns() - begin;
    return rc;
}

/* Batches grow while they are quick and shrink while they are slow: long enough that a commit's fsync
 * does not matter, far below the second that a transaction may last. Whoever writes beside the import
 * waits for the batch that is being written. */
static void adapt(struct import *im, int64_t took_ns)
{
    uint32_t rows = im->batch_rows;
    int64_t quick_ns = im->o->shared ? 15000000 : 100000000;
    if (im->o->batch_rows)
        return;
    if (took_ns > 4 * quick_ns && rows > BATCH_ROWS_MIN)
        im->batch_rows = rows / 2;
    else if (took_ns < quick_ns && rows < BATCH_ROWS_MAX)
        im->batch_rows = rows * 2;
}

enum err_code import_write(struct import *im, struct batch *b, struct err *err)
{
    struct job j = {.im = im, .b = b, .report = *im->report};
    int64_t begin = clock_mono_ns();
    enum err_code rc =
        im->o->dry_run ? run_job(NULL, &j, err) : store_write(im->store, run_job, &j, err);
    if (rc != ERR_OK)
        return rc;
    *im->report = j.report;
    adapt(im, im->o->shared ? j.ran_ns : clock_mono_ns() - begin);
    return ERR_OK;
}
