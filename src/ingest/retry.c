#include "ingest/retry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/signal.h"
#include "ingest/mapping.h"
#include "ingest/rows.h"
#include "store/events.h"
#include "store/quarantine.h"
#include "store/products.h"
#include "store/users.h"

enum { PAGE = 200 };

struct retry {
    struct store *store;
    const struct retry_options *o;
    struct mapping *mapping;
    struct retry_report *report;
    struct arena page;      /* of the rows being tried */
    struct arena header;    /* of header_text */
    struct str source;      /* whose header header_text is */
    struct str header_text; /* a CSV header line, p NULL: the file is gone or has none */
    char delimiter;
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
    };
};

/* --- reading a row again --------------------------------------------------------------------- */

static void put_quoted(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, s.p[i]);
    }
    buf_putc(out, '"');
}

/* The header of the file that a row came from, kept while rows of the same file follow. */
static void know_header(struct retry *t, struct str source)
{
    struct source *src;
    struct reader *r;
    struct err err;
    size_t n;
    struct buf text;
    if (str_eq(t->source, source))
        return;
    arena_reset(&t->header);
    t->source = arena_str(&t->header, source);
    t->header_text = (struct str){NULL, 0};
    struct reader_options ro = {.format = mapping_format(t->mapping),
                                .delimiter = mapping_delimiter(t->mapping),
                                .name = t->source.p};
    if (source_open(&src, t->source.p, mapping_charset(t->mapping), NULL, NULL, &err) != ERR_OK ||
        reader_open(&r, src, &ro, &err) != ERR_OK)
        return;
    const struct str *names = reader_header(r, &n);
    t->delimiter = reader_delimiter(r);
    buf_init(&text, READER_ROW_MAX);
    for (size_t i = 0; names && i < n; i++) {
        if (i)
            buf_putc(&text, t->delimiter);
        put_quoted(&text, names[i]);
    }
    if (names && !text.full)
        t->header_text = arena_str(&t->header, buf_str(&text));
    buf_release(&text);
    reader_close(r);
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
    case IMPORT_KINDS:
        break;
    }
    return false;
}

/* The texts of a record lie in its reader; the page's arena takes them over. */
static void keep(struct retry *t, struct attempt *a)
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
    struct str *const *texts = t->o->kind == IMPORT_PRODUCTS ? product
                               : t->o->kind == IMPORT_USERS  ? user
                                                             : event;
    size_t n = t->o->kind == IMPORT_PRODUCTS ? sizeof product / sizeof product[0]
               : t->o->kind == IMPORT_USERS  ? 2
                                             : sizeof event / sizeof event[0];
    for (size_t i = 0; i < n; i++)
        if (texts[i]->n)
            *texts[i] = arena_str(&t->page, *texts[i]);
}

static enum err_code read_again(struct retry *t, struct str text, enum reader_format format,
                                struct attempt *a, struct err *err)
{
    struct reader *r;
    const struct record *rec;
    struct row row;
    struct reader_options ro = {.format = format, .delimiter = t->delimiter};
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
            keep(t, a);
        a->fault = row.fault;
    }
    reader_close(r);
    return rc;
}

static enum err_code attempt(struct retry *t, struct attempt *a, struct err *err)
{
    struct str raw = a->q.raw;
    if (a->q.raw_cut || raw.n == 0)
        return ERR_OK;
    if (raw.p[0] == '{')
        return read_again(t, raw, FORMAT_JSONL, a, err);
    know_header(t, a->q.source);
    if (!t->header_text.p)
        return ERR_OK;
    struct str text = arena_printf(&t->page, "%.*s\n%.*s\n", STR_ARG(t->header_text), STR_ARG(raw));
    return read_again(t, text, FORMAT_CSV, a, err);
}

/* --- writing --------------------------------------------------------------------------------- */

struct job {
    struct retry *t;
    struct attempt *attempts; /* [len] */
    size_t len;
};

static enum err_code write_one(struct retry *t, struct store_tx *tx, struct attempt *a,
                               struct err *err)
{
    enum event_outcome outcome = EVENT_ADDED;
    unsigned flags = mapping_creates_products(t->mapping) ? EVENTS_CREATE_PRODUCTS : 0;
    if (t->o->kind == IMPORT_PRODUCTS)
        return product_put(tx, &a->product, NULL, NULL, err);
    if (t->o->kind == IMPORT_USERS)
        return user_put(tx, &a->user, NULL, NULL, err);
    enum err_code rc = events_add(tx, &a->event, 1, flags, &outcome, NULL, err);
    if (rc == ERR_OK && outcome == EVENT_UNKNOWN_PRODUCT)
        a->fault.reason = REASON_UNKNOWN_PRODUCT;
    return rc;
}

static enum err_code write_page(struct store_tx *tx, void *arg, struct err *err)
{
    struct job *j = arg;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < j->len; i++) {
        struct attempt *a = &j->attempts[i];
        if (!a->readable || a->fault.reason != REASON_NONE)
            continue;
        rc = write_one(j->t, tx, a, err);
        if (rc == ERR_INVALID || rc == ERR_CONFLICT || rc == ERR_LIMIT) {
            a->fault.reason = REASON_REFUSED;
            rc = ERR_OK;
        }
        if (rc == ERR_OK && a->fault.reason == REASON_NONE)
            rc = quarantine_set_state(tx, a->q.no, QUARANTINE_RETRIED, err);
    }
    return rc;
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
    while (rc == ERR_OK && more) {
        struct attempt *a = &out[*n];
        *a = (struct attempt){0};
        rc = quarantine_next(&rows, &a->q, &more, err);
        if (rc != ERR_OK || !more)
            break;
        a->q.raw = arena_str(&t->page, a->q.raw);
        a->q.source = arena_str(&t->page, a->q.source);
        ++*n;
    }
    db_rows_close(&rows);
    store_read_end(t->store, db);
    return rc;
}

static enum err_code retry_all(struct retry *t, struct attempt *attempts, struct err *err)
{
    int64_t after = 0;
    enum err_code rc = ERR_OK;
    for (size_t n = PAGE; rc == ERR_OK && n == PAGE;) {
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
        if (rc == ERR_OK)
            count(t, attempts, n);
    }
    return rc;
}

enum err_code import_retry(struct store *s, const struct retry_options *o,
                           struct retry_report *report, struct err *err)
{
    struct retry t = {.store = s, .o = o, .report = report};
    currency_code currency = 0;
    *report = (struct retry_report){0};
    if (o->kind == IMPORT_ORDERS)
        return err_set(
            err, ERR_UNSUPPORTED,
            "lines of orders are known by their place in the file: mend it and import it "
            "again, what is stored already is recognised");
    if (o->currency && !currency_of(str_of(o->currency), &currency))
        return err_set(err, ERR_INVALID, "'%s' is no currency", o->currency);
    enum err_code rc = mapping_load(&t.mapping, o->kind, o->mapping, err);
    if (rc != ERR_OK)
        return rc;
    if (currency)
        mapping_set_currency(t.mapping, currency);
    arena_init(&t.page, 256 << 10, 64 << 20);
    arena_init(&t.header, 0, 4 * READER_ROW_MAX);
    struct attempt *attempts = mem_new(PAGE, sizeof *attempts);
    rc = retry_all(&t, attempts, err);
    mem_free(attempts);
    arena_release(&t.page);
    arena_release(&t.header);
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
    JW_OBJ(w, "reasons");
    for (unsigned i = 0; i < IMPORT_REASONS; i++)
        if (r->by_reason[i]) {
            jw_key(w, str_of(import_reason_name((enum import_reason)i)));
            jw_u64(w, r->by_reason[i]);
        }
    jw_obj_end(w);
    jw_obj_end(w);
}
