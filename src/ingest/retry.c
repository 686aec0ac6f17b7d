#include "ingest/retry.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/signal.h"
#include "ingest/import_int.h"
#include "ingest/line_products.h"
#include "ingest/mapping.h"
#include "ingest/returns.h"
#include "ingest/rows.h"
#include "store/events.h"
#include "store/imports.h"
#include "store/orders.h"
#include "store/quarantine.h"
#include "store/products.h"
#include "store/users.h"

#include "base/check.h"

enum {
    PAGE = 2000,           /* rows of a transaction at most */
    PAGE_BYTES = 16 << 20, /* of what the quarantine kept of them */
};

struct retry {
    struct store *store;
    const struct retry_options *o;
    struct mapping *mapping;
    struct retry_report *report;
    struct arena page; /* of the rows being tried */
    struct skus skus;  /* what lines that were taken tell about their products */
};

/* A row with what became of it. */
struct attempt {
    struct quarantine q;
    struct row_fault fault;
    bool readable; /* the row could be tried at all */
    union {
        struct product product;
        struct user user;
        struct event event;
        struct order order;
    };
    struct order_line *line; /* the order's [lines_len] */
    uint32_t user_no;        /* whose lines came in; 0 nobody's */
    struct row_line read;    /* a single line */
};

/* --- reading a row again --------------------------------------------------------------------- */

/* The line keeps the place that it had in its order, if it is still of that order. */
static bool to_line(struct retry *t, struct row *row, struct attempt *a)
{
    struct str was = a->q.order_id;
    if (!row_order_line(row, &a->order, &a->read))
        return false;
    if (was.n == 0)
        return row_fail(row, TO_ID, REASON_REFUSED,
                        "the line's place in its order is not known: import the file again");
    if (!str_eq(was, a->order.id))
        return row_fail(row, TO_ID, REASON_REFUSED,
                        "the line's place was counted in order '%.*s': import the file again",
                        STR_ARG(was));
    a->line = ARENA_NEW(&t->page, struct order_line, 1);
    *a->line = a->read.line;
    a->line->ordinal = a->q.ordinal;
    a->order.lines = a->line;
    a->order.lines_len = 1;
    if (a->line->kind == LINE_RETURN)
        a->order.status = ORDER_RETURNED;
    return true;
}

static bool to_order(struct retry *t, struct row *row, struct attempt *a)
{
    struct row_line *lines = NULL;
    size_t len = 0;
    bool status_given;
    if (!row_order(row, &a->order, &status_given))
        return false;
    if (!row_is_order(row))
        return to_line(t, row, a);
    if (!row_order_lines(row, &a->order, &lines, &len))
        return false;
    a->line = ARENA_NEW(&t->page, struct order_line, len + 1);
    for (size_t i = 0; i < len; i++)
        a->line[i] = lines[i].line;
    a->order.lines = a->line;
    a->order.lines_len = (uint32_t)len;
    return true;
}

static bool to_record(struct retry *t, struct row *row, struct attempt *a)
{
    switch (t->o->kind) {
    case IMPORT_PRODUCTS:
        return row_product(row, &a->product);
    case IMPORT_USERS:
        return row_user(row, &a->user);
    case IMPORT_EVENTS:
        return row_event(row, &a->event);
    case IMPORT_INTERACTIONS:
        return row_interaction(row, &a->event);
    case IMPORT_ORDERS:
        return to_order(t, row, a);
    case IMPORT_KINDS:
        break;
    }
    UNREACHABLE();
}

/* The texts of a record lie in its reader; the page's arena takes them over. */
static void keep(struct retry *t, struct str *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (texts[i]->n)
            *texts[i] = arena_str(&t->page, *texts[i]);
}

static void keep_order(struct retry *t, struct attempt *a)
{
    struct order *o = &a->order;
    struct str *const texts[] = {&o->id,      &o->user_id, &o->anonymous_id, &o->address,
                                 &o->payment, &o->coupons, &a->read.title};
    keep(t, texts, sizeof texts / sizeof texts[0]);
    for (uint32_t i = 0; i < o->lines_len; i++)
        keep(t, (struct str *const[]){&a->line[i].product_id}, 1);
    if (a->read.line.product_id.n)
        a->read.line.product_id = a->line[0].product_id;
}

static void keep_record(struct retry *t, struct attempt *a)
{
    struct product *p = &a->product;
    struct event *e = &a->event;
    struct str *const product[] = {&p->id,         &p->group_id, &p->title,        &p->description,
                                   &p->brand,      &p->category, &p->images,       &p->attributes,
                                   &p->tags,       &p->url,      &p->translations, &p->language,
                                   &p->supplier_id};
    struct str *const user[] = {&a->user.id, &a->user.attributes};
    struct str *const event[] = {&e->id,         &e->user_id, &e->anonymous_id, &e->session_id,
                                 &e->product_id, &e->query,   &e->request_id,   &e->context};
    if (t->o->kind == IMPORT_PRODUCTS)
        keep(t, product, sizeof product / sizeof product[0]);
    else if (t->o->kind == IMPORT_USERS)
        keep(t, user, sizeof user / sizeof user[0]);
    else if (t->o->kind == IMPORT_ORDERS)
        keep_order(t, a);
    else
        keep(t, event, sizeof event / sizeof event[0]);
}

static enum err_code read_again(struct retry *t, struct str text, struct attempt *a,
                                struct err *err)
{
    struct reader *r;
    const struct record *rec;
    struct row row;
    struct reader_options ro = {.format = text.p[0] == '{' ? FORMAT_JSONL : FORMAT_CSV};
    enum err_code rc = reader_open(&r, source_memory(text), &ro, err);
    if (rc != ERR_OK)
        return rc;
    rc = mapping_bind(t->mapping, r, err);
    if (rc == ERR_OK)
        rc = reader_next(r, &rec, err);
    if (rc == ERR_OK && rec) {
        row_init(&row, t->mapping, rec, &t->page, clock_now_us());
        a->readable = true;
        if (row.fault.reason == REASON_NONE && to_record(t, &row, a))
            keep_record(t, a);
        a->fault = row.fault;
    }
    reader_close(r);
    return rc;
}

/* JSON is read from the row itself; CSV needs its header, and that stands in the record. */
static enum err_code attempt(struct retry *t, struct attempt *a, struct err *err)
{
    struct str raw = a->q.raw;
    if (a->q.record.n)
        return read_again(t, a->q.record, a, err);
    if (a->q.raw_cut || raw.n == 0 || raw.p[0] != '{')
        return ERR_OK;
    return read_again(t, raw, a, err);
}

/* --- writing --------------------------------------------------------------------------------- */

struct job {
    struct retry *t;
    struct attempt *attempts; /* [len] */
    size_t len;
};

__attribute__((format(printf, 5, 6))) static void fail(struct retry *t, struct attempt *a,
                                                       enum target field, enum import_reason why,
                                                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(a->fault.message, sizeof a->fault.message, fmt, ap);
    va_end(ap);
    a->fault.reason = why;
    a->fault.column = field < TARGETS ? mapping_column(t->mapping, field) : 0;
}

static enum err_code put_order(struct retry *t, struct store_tx *tx, struct attempt *a,
                               struct err *err)
{
    struct order_put_result result;
    uint32_t unknown = a->order.lines_len;
    unsigned flags = ORDERS_KEEP_STATUS;
    enum err_code rc = ERR_OK;
    if (mapping_creates_products(t->mapping))
        flags |= ORDERS_CREATE_PRODUCTS;
    else
        rc = order_unknown_product(tx->db, &a->order, 0, &unknown, err);
    if (rc == ERR_OK && unknown < a->order.lines_len) {
        fail(t, a, TO_PRODUCT_ID, REASON_UNKNOWN_PRODUCT, "product_id: no product '%.*s'",
             STR_ARG(a->line[unknown].product_id));
        return ERR_OK;
    }
    if (rc == ERR_OK)
        rc = order_put(tx, &a->order, flags, &result, err);
    if (rc == ERR_OK && result.lines_added)
        rc = order_user_no_of(tx->db, result.no, &a->user_no, err);
    return rc;
}

static enum err_code write_one(struct retry *t, struct store_tx *tx, struct attempt *a,
                               struct err *err)
{
    enum event_outcome outcome = EVENT_ADDED;
    unsigned flags = mapping_creates_products(t->mapping) ? EVENTS_CREATE_PRODUCTS : 0;
    if (t->o->kind == IMPORT_PRODUCTS)
        return product_put(tx, &a->product, NULL, NULL, err);
    if (t->o->kind == IMPORT_USERS)
        return user_put(tx, &a->user, NULL, NULL, err);
    if (t->o->kind == IMPORT_ORDERS)
        return put_order(t, tx, a, err);
    enum err_code rc = events_add(tx, &a->event, 1, flags, &outcome, NULL, err);
    if (rc == ERR_OK && outcome == EVENT_UNKNOWN_PRODUCT)
        fail(t, a, TO_PRODUCT_ID, REASON_UNKNOWN_PRODUCT, "product_id: no product '%.*s'",
             STR_ARG(a->event.product_id));
    return rc;
}

static enum err_code settle(struct store_tx *tx, const struct attempt *a, struct err *err)
{
    const struct row_fault *f = &a->fault;
    if (f->reason == REASON_NONE)
        return quarantine_set_state(tx, a->q.no, QUARANTINE_RETRIED, err);
    return quarantine_set_reason(tx, a->q.no, f->column, str_of(import_reason_name(f->reason)),
                                 str_of(f->message), err);
}

/* Returns find their sales, and sales the returns that were there before them. */
static enum err_code match_page(struct store_tx *tx, const struct job *j, struct err *err)
{
    struct map_u64 done = {0};
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < j->len; i++) {
        uint32_t user_no = j->attempts[i].user_no;
        bool first = false;
        if (user_no)
            (void)map_u64_at(&done, user_no, &first);
        if (first)
            rc = returns_match(tx, user_no, err);
    }
    map_u64_release(&done);
    return rc;
}

static enum err_code write_page(struct store_tx *tx, void *arg, struct err *err)
{
    struct job *j = arg;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < j->len; i++) {
        struct attempt *a = &j->attempts[i];
        if (!a->readable)
            continue;
        if (a->fault.reason == REASON_NONE)
            rc = write_one(j->t, tx, a, err);
        if (import_is_refusal(rc)) {
            fail(j->t, a, TARGETS, rc == ERR_CONFLICT ? REASON_CONFLICT : REASON_REFUSED, "%s",
                 err->msg);
            rc = ERR_OK;
        }
        if (rc == ERR_OK)
            rc = settle(tx, a, err);
    }
    return rc == ERR_OK ? match_page(tx, j, err) : rc;
}

/* What lines that were taken tell about their products. */
static void learn(struct retry *t, struct attempt *attempts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct attempt *a = &attempts[i];
        if (t->o->kind == IMPORT_ORDERS && a->readable && a->fault.reason == REASON_NONE)
            line_products_learn(&t->skus, &a->order, &a->read);
    }
}

static void count(struct retry *t, const struct attempt *attempts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const struct attempt *a = &attempts[i];
        t->report->tried++;
        if (!a->readable)
            t->report->impossible++;
        else if (a->fault.reason == REASON_NONE)
            t->report->taken++;
        else
            t->report->refused++;
        if (a->readable && a->fault.reason != REASON_NONE)
            t->report->by_reason[a->fault.reason]++;
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code read_page(struct retry *t, int64_t after, struct attempt *out, size_t *n,
                               struct err *err)
{
    struct db *db;
    struct db_rows rows = {0};
    bool more = true;
    *n = 0;
    enum err_code rc = store_read_begin(t->store, &db, err);
    if (rc != ERR_OK)
        return rc;
    rc = quarantine_list(db, str_of(import_kind_name(t->o->kind)), (struct str){NULL, 0}, after,
                         PAGE, &rows, err);
    while (rc == ERR_OK && *n < PAGE && t->page.used_bytes < PAGE_BYTES) {
        struct attempt a = {0};
        rc = quarantine_next(&rows, &a.q, &more, err);
        if (rc != ERR_OK || !more)
            break;
        a.q.raw = arena_str(&t->page, a.q.raw);
        a.q.record = arena_str(&t->page, a.q.record);
        a.q.order_id = arena_str(&t->page, a.q.order_id);
        out[(*n)++] = a;
    }
    db_rows_close(&rows);
    store_read_end(t->store, db);
    return rc;
}

static enum err_code retry_all(struct retry *t, struct attempt *attempts, struct err *err)
{
    int64_t after = 0;
    uint64_t made = 0;
    enum err_code rc = ERR_OK;
    for (size_t n = 1; rc == ERR_OK && n > 0;) {
        arena_reset(&t->page);
        rc = signal_check(err);
        if (rc == ERR_OK)
            rc = read_page(t, after, attempts, &n, err);
        for (size_t i = 0; rc == ERR_OK && i < n; i++) {
            after = attempts[i].q.no;
            rc = attempt(t, &attempts[i], err);
        }
        if (rc == ERR_OK && n > 0)
            rc = store_write(t->store, write_page, &(struct job){t, attempts, n}, err);
        if (rc != ERR_OK)
            break;
        count(t, attempts, n);
        learn(t, attempts, n);
    }
    return rc == ERR_OK ? line_products_make(t->store, &t->skus, t->mapping, &made, NULL, NULL, err)
                        : rc;
}

enum err_code import_retry(struct store *s, const struct retry_options *o,
                           struct retry_report *report, struct err *err)
{
    struct retry t = {.store = s, .o = o, .report = report};
    currency_code currency = 0;
    *report = (struct retry_report){0};
    if (o->currency && !currency_of(str_of(o->currency), &currency))
        return err_set(err, ERR_INVALID, "'%s' is no currency", o->currency);
    enum err_code rc = mapping_load(&t.mapping, o->kind, o->mapping, err);
    if (rc != ERR_OK)
        return rc;
    if (currency)
        mapping_set_currency(t.mapping, currency);
    arena_init(&t.page, 256 << 10, 256 << 20);
    skus_init(&t.skus);
    struct attempt *attempts = mem_new(PAGE, sizeof *attempts);
    rc = retry_all(&t, attempts, err);
    mem_free(attempts);
    arena_release(&t.page);
    skus_release(&t.skus);
    mapping_free(t.mapping);
    return rc;
}

void retry_report_json(const struct retry_report *r, struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "tried", r->tried);
    JW_U64(w, "taken", r->taken);
    JW_U64(w, "refused", r->refused);
    JW_U64(w, "impossible", r->impossible);
    JW_KEY(w, "reasons");
    import_reasons_write(r->by_reason, w);
    jw_obj_end(w);
}
