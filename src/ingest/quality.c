#include "ingest/quality.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "ingest/pages.h"
#include "ingest/statistics.h"
#include "store/events.h"
#include "store/quarantine.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/store.h"

#include "base/check.h"

enum {
    PAGE = 5000,
    SOLD_MIN = 20,  /* pieces, to judge by what came back */
    VIEWS_MIN = 50, /* to judge by what was bought */
};

/* How far is far. Products differ, so chance alone (the z) does not make an outlier. */
static const double returned_from = 1.0 / 3, odd_factor = 3, odd_z = 4;

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
    [QUALITY_OFTEN_RETURNED] = {"often_returned",
                                "active products of which a third of the pieces came back", 0.1,
                                false},
    [QUALITY_ODD_CONVERSION] = {"odd_conversion",
                                "active products bought thrice, or a third, as often a view as the "
                                "shop's",
                                0, true},
};

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
    struct product_stats stats;
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

static void list_add(struct quality_list *l, const struct quality_product *p)
{
    size_t i = l->len < QUALITY_TOP ? l->len++ : QUALITY_TOP;
    for (; i > 0 && l->at[i - 1].rank < p->rank; i--)
        if (i < QUALITY_TOP)
            l->at[i] = l->at[i - 1];
    if (i < QUALITY_TOP)
        l->at[i] = *p;
}

static struct quality_product standing_out(const struct product *p, uint64_t count, uint64_t of,
                                           double share, double rank)
{
    struct quality_product q = {.count = count, .of = of, .share = share, .rank = rank};
    err_quote(q.id, sizeof q.id, p->id.p, p->id.n);
    return q;
}

static void look_at_figures(struct work *w, const struct product *p)
{
    const struct product_stats *s = &w->stats;
    double mean = product_stats_mean_conversion(s), rate = product_stats_conversion(s, p->no);
    double share = product_stats_returns_share(s, p->no), z = product_stats_conversion_z(s, p->no);
    if (p->no >= s->len)
        return; /* younger than the figures */
    if (s->sold[p->no] >= SOLD_MIN) {
        w->r.finding[QUALITY_OFTEN_RETURNED].of++;
        if (share >= returned_from) {
            struct quality_product q =
                standing_out(p, s->returned[p->no], s->sold[p->no], share, share);
            find(w, QUALITY_OFTEN_RETURNED, p->id);
            list_add(&w->r.most_returned, &q);
        }
    }
    if (s->views[p->no] >= VIEWS_MIN) {
        w->r.finding[QUALITY_ODD_CONVERSION].of++;
        if (fabs(z) >= odd_z && (rate >= mean * odd_factor || rate <= mean / odd_factor)) {
            struct quality_product q =
                standing_out(p, s->purchases[p->no], s->views[p->no], rate, fabs(z));
            find(w, QUALITY_ODD_CONVERSION, p->id);
            list_add(&w->r.odd_conversion, &q);
        }
    }
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
        look_at_figures(w, &p);
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

static enum err_code take_line(void *arg, const struct order_line_row *l, bool *enough,
                               struct err *err)
{
    struct work *w = arg;
    (void)enough, (void)err;
    w->r.order_lines++;
    note_time(w, l->placed_at);
    note_product(w, l->line.product_no);
    if (l->line.kind == LINE_RETURN) {
        w->r.finding[QUALITY_UNMATCHED_RETURN].of++;
        if (l->line.sale_order_no == 0)
            find_day(w, QUALITY_UNMATCHED_RETURN, l->placed_at);
    }
    return ERR_OK;
}

static enum err_code lines_page(void *arg, struct db *db, int64_t *after, bool *more,
                                struct err *err)
{
    return pages_lines(db, PAGE, after, more, take_line, arg, err);
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

/* What training would learn from, and what became of the products. */
static enum err_code count_figures(struct work *w, struct err *err)
{
    struct derive_options o = derive_defaults();
    struct interactions it;
    o.guests = true;
    enum err_code rc = derive_interactions(w->store, &o, &it, &w->r.acts, err);
    if (rc != ERR_OK)
        return rc;
    rc = product_stats_read(w->store, &it, &w->stats, err);
    interactions_release(&it);
    if (rc != ERR_OK)
        return rc;
    const struct product_stats *s = &w->stats;
    w->r.sales = (struct quality_sales){.views = s->all_views,
                                        .carts = s->all_carts,
                                        .purchases = s->all_purchases,
                                        .conversion = product_stats_mean_conversion(s),
                                        .sold = s->all_sold,
                                        .returned = s->all_returned,
                                        .revenue_minor = s->all_revenue_minor,
                                        .foreign_lines = s->foreign_lines};
    if (s->currency)
        currency_name(s->currency, w->r.sales.currency);
    return ERR_OK;
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
        rc = count_figures(&w, err);
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
    product_stats_release(&w.stats);
    return rc;
}

/* --- reports --------------------------------------------------------------------------------- */

static const char *const severities[] = {"fine", "note", "warning", "problem"};

static void write_sales(struct json_writer *w, const struct quality_sales *s)
{
    JW_OBJ(w, "sales");
    JW_U64(w, "views", s->views);
    JW_U64(w, "carts", s->carts);
    JW_U64(w, "purchases", s->purchases);
    JW_DECIMAL(w, "conversion", s->conversion, 5);
    JW_U64(w, "sold", s->sold);
    JW_U64(w, "returned", s->returned);
    JW_I64(w, "revenue_minor", s->revenue_minor);
    JW_Z(w, "currency", s->currency[0] ? s->currency : NULL);
    JW_U64(w, "foreign_lines", s->foreign_lines);
    jw_obj_end(w);
}

static void write_list(struct json_writer *w, const struct quality_list *l, const char *count,
                       const char *of, const char *share)
{
    jw_arr(w);
    for (size_t i = 0; i < l->len; i++) {
        jw_obj(w);
        JW_Z(w, "id", l->at[i].id);
        jw_key(w, str_of(of)), jw_u64(w, l->at[i].of);
        jw_key(w, str_of(count)), jw_u64(w, l->at[i].count);
        jw_key(w, str_of(share)), jw_decimal(w, l->at[i].share, 5);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

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
    JW_KEY(w, "derived");
    derive_report_json(&r->acts, w);
    write_sales(w, &r->sales);
    JW_KEY(w, "most_returned");
    write_list(w, &r->most_returned, "returned", "sold", "share");
    JW_KEY(w, "odd_conversion");
    write_list(w, &r->odd_conversion, "purchases", "views", "conversion");
    jw_obj_end(w);
}

static void list_text(const struct quality_list *l, const char *title, const char *of,
                      struct buf *out)
{
    if (l->len)
        buf_printf(out, "%s\n", title);
    for (size_t i = 0; i < l->len; i++)
        buf_printf(out, "  %-24s %8" PRIu64 " of %8" PRIu64 " %s (%5.1f %%)\n", l->at[i].id,
                   l->at[i].count, l->at[i].of, of, 100 * l->at[i].share);
}

static void sales_text(const struct quality_report *r, struct buf *out)
{
    const struct quality_sales *s = &r->sales;
    buf_printf(out,
               "%" PRIu64 " views, %" PRIu64 " carts, %" PRIu64
               " purchases (%.2f %% of views); %" PRIu64 " pieces sold, %" PRIu64 " returned",
               s->views, s->carts, s->purchases, 100 * s->conversion, s->sold, s->returned);
    if (s->currency[0])
        buf_printf(out, "; revenue %" PRId64 " minor units of %s", s->revenue_minor, s->currency);
    if (s->foreign_lines)
        buf_printf(out, " without %" PRIu64 " lines in other currencies", s->foreign_lines);
    buf_printf(out,
               "\nleft out: %" PRIu64 " acts of %" PRIu64 " bots, %" PRIu64 " of %" PRIu64
               " test users, %" PRIu64 " sales that came back whole\n",
               r->acts.bot_acts, r->acts.bots, r->acts.test_acts, r->acts.test_users,
               r->acts.returned);
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
    sales_text(r, out);
    list_text(&r->most_returned, "most returned:", "pieces", out);
    list_text(&r->odd_conversion, "furthest from the shop's conversion:", "views", out);
}
