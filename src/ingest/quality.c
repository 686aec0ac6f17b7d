#include "ingest/quality.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "ingest/pages.h"
#include "store/events.h"
#include "store/quarantine.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/store.h"

#include "base/check.h"

enum { PAGE = 5000 };

static const int64_t ancient = 631152000LL * CLOCK_US_PER_S; /* 1990-01-01 */

/* A finding is a problem from this share on, a warning below it; a note is never more. */
static const struct {
    const char *name, *says;
    double problem_from;
    bool note;
} codes[QUALITY_CODES] = {
    [QUALITY_MISSING_PRICE] = {"missing_price", "active products without a price", 0.05, false},
    [QUALITY_ZERO_PRICE] = {"zero_price", "active products for nothing", 0.05, false},
    [QUALITY_DUPLICATE_TITLE] = {"duplicate_title", "active products with a title that another has",
                                 0.2, false},
    [QUALITY_EMPTY_CATEGORY] = {"empty_category", "active products without a category", 0.5, false},
    [QUALITY_MISSING_IMAGE] = {"missing_image", "active products without a picture", 0.5, false},
    [QUALITY_MISSING_DESCRIPTION] = {"missing_description", "active products without a description",
                                     0, true},
    [QUALITY_PRICE_ABOVE_LIST] = {"price_above_list",
                                  "active products that cost more than before the reduction", 0.05,
                                  false},
    [QUALITY_MIXED_CURRENCY] = {"mixed_currency", "active products in another currency than most",
                                0, true},
    [QUALITY_OUT_OF_STOCK] = {"out_of_stock", "active products out of stock", 0.5, false},
    [QUALITY_NEVER_SEEN] = {"never_seen", "active products without an event or a sale", 0, true},
    [QUALITY_FUTURE_TIME] = {"future_time", "events more than a day in the future", 0.001, false},
    [QUALITY_ANCIENT_TIME] = {"ancient_time", "events before 1990", 0.001, false},
    [QUALITY_VOLUME_DROP] = {"volume_drop",
                             "days with under a third of what their weekday had before", 0.1,
                             false},
    [QUALITY_UNKNOWN_PRODUCT] = {"unknown_product", "quarantined rows with an unknown product", 0.5,
                                 false},
    [QUALITY_QUARANTINED] = {"quarantined", "rows in quarantine", 0.01, false},
    [QUALITY_UNMATCHED_RETURN] = {"unmatched_return", "returns whose sale is not known", 0.5,
                                  false},
    [QUALITY_GUEST_ORDER] = {"guest_order", "orders without a shopper", 0, true},
};

const char *quality_code_name(enum quality_code c)
{
    CHECK((unsigned)c < QUALITY_CODES);
    return codes[c].name;
}

struct work {
    struct store *store;
    int64_t now;
    int64_t last_seq; /* of the events that there are */
    struct quality_report r;
    struct map_u64 titles;     /* hash of title -> hash of the group it was first seen with */
    struct map_u64 days;       /* day + 1 since 1970 -> events and order lines */
    struct map_u64 currencies; /* code -> active products */
    uint8_t *seen;             /* [seen_len] products with an event or a sale, by number */
    size_t seen_len;
};

static void find(struct work *w, enum quality_code c, struct str example)
{
    struct quality_finding *f = &w->r.finding[c];
    f->count++;
    if (f->examples == QUALITY_EXAMPLES || example.n == 0)
        return;
    char *to = f->example[f->examples];
    err_quote(to, sizeof f->example[0], example.p, example.n);
    if (f->examples == 0 || strcmp(to, f->example[f->examples - 1]) != 0)
        f->examples++;
}

static void find_day(struct work *w, enum quality_code c, int64_t us)
{
    char text[CLOCK_ISO_SIZE];
    clock_format_iso(us, text);
    text[10] = '\0';
    find(w, c, str_of(text));
}

/* --- products -------------------------------------------------------------------------------- */

/* Variants of one thing may share a title. */
static bool duplicate_title(struct work *w, const struct product *p)
{
    struct str group = p->group_id.n ? p->group_id : p->id;
    uint64_t own = XXH3_64bits(group.p, group.n) | 1;
    uint64_t *at = map_u64_at(&w->titles, XXH3_64bits(p->title.p, p->title.n), NULL);
    if (*at == 0)
        *at = own;
    return *at != own;
}

static void look_at_product(struct work *w, const struct product *p)
{
    bool priced = p->price_minor != STORE_NO_AMOUNT;
    if (!priced)
        find(w, QUALITY_MISSING_PRICE, p->id);
    if (p->price_minor == 0)
        find(w, QUALITY_ZERO_PRICE, p->id);
    if (priced && p->list_price_minor != STORE_NO_AMOUNT && p->price_minor > p->list_price_minor)
        find(w, QUALITY_PRICE_ABOVE_LIST, p->id);
    if (duplicate_title(w, p))
        find(w, QUALITY_DUPLICATE_TITLE, p->id);
    if (p->category.n == 0)
        find(w, QUALITY_EMPTY_CATEGORY, p->id);
    if (p->images.n <= 2)
        find(w, QUALITY_MISSING_IMAGE, p->id);
    if (p->description.n == 0)
        find(w, QUALITY_MISSING_DESCRIPTION, p->id);
    if (p->stock == 0)
        find(w, QUALITY_OUT_OF_STOCK, p->id);
    if (p->no >= w->seen_len || !w->seen[p->no])
        find(w, QUALITY_NEVER_SEEN, p->id);
    if (p->currency)
        ++*map_u64_at(&w->currencies, p->currency, NULL);
}

static enum err_code products_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                   struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    enum err_code rc = products_after(db, (uint32_t)*after, PAGE, &rows, err);
    bool more = rc == ERR_OK;
    size_t n = 0;
    for (; more; n++) {
        struct product p;
        rc = products_next(&rows, &p, &more, err);
        if (rc != ERR_OK || !more)
            break;
        *after = p.no;
        w->r.products += p.status != PRODUCT_DELETED;
        if (p.status != PRODUCT_ACTIVE)
            continue;
        w->r.active_products++;
        look_at_product(w, &p);
    }
    db_rows_close(&rows);
    *more_pages = n == PAGE;
    return rc;
}

static void count_currencies(struct work *w)
{
    uint64_t most = 0, all = 0, code, count;
    for (size_t pos = 0; map_u64_next(&w->currencies, &pos, &code, &count);) {
        all += count;
        most = count > most ? count : most;
    }
    w->r.finding[QUALITY_MIXED_CURRENCY].count = all - most;
    for (size_t pos = 0; map_u64_next(&w->currencies, &pos, &code, &count);) {
        struct quality_finding *f = &w->r.finding[QUALITY_MIXED_CURRENCY];
        char name[4];
        currency_name((currency_code)code, name);
        if (w->currencies.len > 1 && f->examples < QUALITY_EXAMPLES)
            snprintf(f->example[f->examples++], sizeof f->example[0], "%s %" PRIu64, name, count);
    }
}

/* --- events and orders ----------------------------------------------------------------------- */

static void note_time(struct work *w, int64_t time)
{
    if (time < ancient || time > w->now + CLOCK_US_PER_DAY)
        return;
    if (w->r.first_time == 0 || time < w->r.first_time)
        w->r.first_time = time;
    if (time > w->r.last_time)
        w->r.last_time = time;
    ++*map_u64_at(&w->days, (uint64_t)(time / CLOCK_US_PER_DAY), NULL);
}

static void note_product(struct work *w, uint32_t no)
{
    if (no < w->seen_len)
        w->seen[no] = 1;
}

static enum err_code events_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                 struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    enum err_code rc = events_after(db, *after, *after + PAGE, PAGE, &rows, err);
    bool more = rc == ERR_OK;
    while (more) {
        struct event e;
        rc = events_next(&rows, &e, NULL, &more, err);
        if (rc != ERR_OK || !more)
            break;
        w->r.events++;
        if (e.time > w->now + CLOCK_US_PER_DAY)
            find_day(w, QUALITY_FUTURE_TIME, e.time);
        if (e.time < ancient)
            find_day(w, QUALITY_ANCIENT_TIME, e.time);
        note_time(w, e.time);
        note_product(w, e.product_no);
    }
    db_rows_close(&rows);
    *after += PAGE;
    *more_pages = *after < w->last_seq;
    return rc;
}

static enum err_code orders_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                 struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    enum err_code rc = orders_after(db, *after, PAGE, &rows, err);
    bool more = rc == ERR_OK;
    size_t n = 0;
    for (; more; n++) {
        struct order o;
        rc = orders_next(&rows, &o, &more, err);
        if (rc != ERR_OK || !more)
            break;
        *after = o.no;
        w->r.orders++;
        if (o.user_no == 0)
            find(w, QUALITY_GUEST_ORDER, o.id);
    }
    db_rows_close(&rows);
    *more_pages = n == PAGE;
    return rc;
}

static enum err_code lines_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    enum err_code rc = order_lines_after(db, *after / PAGES_ORDINALS,
                                         (uint32_t)(*after % PAGES_ORDINALS), PAGE, &rows, err);
    bool more = rc == ERR_OK;
    size_t n = 0;
    for (; more; n++) {
        struct order_line_row l;
        rc = order_lines_next(&rows, &l, &more, err);
        if (rc != ERR_OK || !more)
            break;
        *after = pages_line(l.order_no, l.line.ordinal);
        w->r.order_lines++;
        note_time(w, l.placed_at);
        note_product(w, l.line.product_no);
        if (l.line.kind != LINE_RETURN)
            continue;
        w->r.finding[QUALITY_UNMATCHED_RETURN].of++;
        if (l.line.sale_order_no == 0)
            find_day(w, QUALITY_UNMATCHED_RETURN, l.placed_at);
    }
    db_rows_close(&rows);
    *more_pages = n == PAGE;
    return rc;
}

/* --- days ------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t on_day(const struct work *w, int64_t day)
{
    const uint64_t *n = map_u64_find(&w->days, (uint64_t)day);
    return n ? *n : 0;
}

/* A day against the same weekday of the weeks before: shops have quiet Sundays. The first weeks have
 * nothing to be compared with, and the last day may not be over. */
static void find_drops(struct work *w)
{
    enum { WEEKS = 8, BUSY = 20 };
    struct quality_finding *f = &w->r.finding[QUALITY_VOLUME_DROP];
    int64_t first = w->r.first_time / CLOCK_US_PER_DAY, last = w->r.last_time / CLOCK_US_PER_DAY;
    for (int64_t day = first + 7 * WEEKS; w->r.first_time && day < last; day++) {
        uint64_t before[WEEKS];
        for (int i = 0; i < WEEKS; i++)
            before[i] = on_day(w, day - 7 * (i + 1));
        qsort(before, WEEKS, sizeof *before, by_size);
        uint64_t median = before[WEEKS / 2];
        f->of++;
        if (median >= BUSY && on_day(w, day) * 3 < median)
            find_day(w, QUALITY_VOLUME_DROP, day * CLOCK_US_PER_DAY);
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code count_quarantine(struct work *w, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    enum err_code rc = quarantine_counts(db, &rows, err);
    bool more = rc == ERR_OK;
    while (more) {
        struct quarantine_count c;
        rc = quarantine_counts_next(&rows, &c, &more, err);
        if (rc != ERR_OK || !more)
            break;
        char text[64];
        uint64_t count = w->r.finding[QUALITY_QUARANTINED].count;
        snprintf(text, sizeof text, "%.*s %.*s %" PRId64, STR_ARG(c.kind), STR_ARG(c.reason),
                 c.rows);
        find(w, QUALITY_QUARANTINED, str_of(text));
        w->r.finding[QUALITY_QUARANTINED].count = count + (uint64_t)c.rows;
        if (str_is(c.reason, "unknown_product"))
            w->r.finding[QUALITY_UNKNOWN_PRODUCT].count += (uint64_t)c.rows;
    }
    db_rows_close(&rows);
    return rc;
}

static enum err_code begin(struct work *w, struct err *err)
{
    struct db *db;
    struct product_counts products;
    struct event_counts events;
    enum err_code rc = store_read_begin(w->store, &db, err);
    if (rc != ERR_OK)
        return rc;
    rc = products_count(db, &products, err);
    if (rc == ERR_OK)
        rc = events_count(db, &events, err);
    if (rc == ERR_OK)
        rc = count_quarantine(w, db, err);
    store_read_end(w->store, db);
    if (rc != ERR_OK)
        return rc;
    w->last_seq = events.last_seq;
    w->seen_len = products.max_no + 1;
    w->seen = mem_try_new(w->seen_len, 1);
    return w->seen ? ERR_OK : err_set(err, ERR_MEMORY, "no memory for %zu products", w->seen_len);
}

static void judge(struct quality_report *r)
{
    struct quality_finding *f = r->finding;
    for (unsigned c = QUALITY_MISSING_PRICE; c <= QUALITY_NEVER_SEEN; c++)
        f[c].of = r->active_products;
    f[QUALITY_FUTURE_TIME].of = f[QUALITY_ANCIENT_TIME].of = r->events;
    f[QUALITY_UNKNOWN_PRODUCT].of = f[QUALITY_QUARANTINED].count;
    f[QUALITY_QUARANTINED].of =
        f[QUALITY_QUARANTINED].count + r->products + r->events + r->order_lines;
    f[QUALITY_GUEST_ORDER].of = r->orders;
    for (unsigned c = 0; c < QUALITY_CODES; c++) {
        double share = f[c].of ? (double)f[c].count / (double)f[c].of : 0;
        f[c].severity = f[c].count == 0                 ? QUALITY_FINE
                        : codes[c].note                 ? QUALITY_NOTE
                        : share < codes[c].problem_from ? QUALITY_WARNING
                                                        : QUALITY_PROBLEM;
    }
}

enum err_code quality_check(struct store *s, int64_t now, struct quality_report *out,
                            struct err *err)
{
    struct work w = {.store = s, .now = now ? now : clock_now_us()};
    enum err_code rc = begin(&w, err);
    if (rc == ERR_OK)
        rc = pages_walk(s, events_page, &w, err);
    if (rc == ERR_OK)
        rc = pages_walk(s, orders_page, &w, err);
    if (rc == ERR_OK)
        rc = pages_walk(s, lines_page, &w, err);
    if (rc == ERR_OK)
        rc = pages_walk(s, products_page, &w, err);
    if (rc == ERR_OK) {
        count_currencies(&w);
        find_drops(&w);
        judge(&w.r);
        *out = w.r;
    }
    map_u64_release(&w.titles);
    map_u64_release(&w.days);
    map_u64_release(&w.currencies);
    mem_free(w.seen);
    return rc;
}

/* --- reports --------------------------------------------------------------------------------- */

static const char *const severities[] = {"fine", "note", "warning", "problem"};

void quality_report_json(const struct quality_report *r, struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "products", r->products);
    JW_U64(w, "active_products", r->active_products);
    JW_U64(w, "events", r->events);
    JW_U64(w, "orders", r->orders);
    JW_U64(w, "order_lines", r->order_lines);
    if (r->first_time) {
        JW_TIME(w, "first_time", r->first_time);
        JW_TIME(w, "last_time", r->last_time);
    }
    JW_ARR(w, "findings");
    for (unsigned c = 0; c < QUALITY_CODES; c++) {
        const struct quality_finding *f = &r->finding[c];
        jw_obj(w);
        JW_Z(w, "code", codes[c].name);
        JW_Z(w, "severity", severities[f->severity]);
        JW_U64(w, "count", f->count);
        JW_U64(w, "of", f->of);
        JW_Z(w, "message", codes[c].says);
        JW_ARR(w, "examples");
        for (unsigned i = 0; i < f->examples; i++)
            jw_z(w, f->example[i]);
        jw_arr_end(w);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
}

void quality_report_text(const struct quality_report *r, struct buf *out)
{
    buf_printf(out,
               "%" PRIu64 " products (%" PRIu64 " active), %" PRIu64 " events, %" PRIu64
               " orders with %" PRIu64 " lines\n",
               r->products, r->active_products, r->events, r->orders, r->order_lines);
    for (unsigned c = 0; c < QUALITY_CODES; c++) {
        const struct quality_finding *f = &r->finding[c];
        double share = f->of ? 100.0 * (double)f->count / (double)f->of : 0;
        buf_printf(out, "  %-8s %8" PRIu64 " of %8" PRIu64 " (%5.1f %%)  %s",
                   severities[f->severity], f->count, f->of, share, codes[c].says);
        for (unsigned i = 0; i < f->examples; i++)
            buf_printf(out, "%s%s", i ? ", " : ": ", f->example[i]);
        buf_putc(out, '\n');
    }
}
