#include "ingest/derive.h"

#include <math.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "ingest/pages.h"
#include "store/changes.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/store.h"
#include "store/users.h"

#include "base/check.h"

enum {
    PAGE = 20000, /* rows a reading transaction takes: some tens of milliseconds */
};
_Static_assert((int)STORE_ORDER_LINES_MAX < (int)PAGES_ORDINALS,
               "an (order, ordinal) pair must fit into a key");

struct derive_options derive_defaults(void)
{
    static const struct str test_ids[] = {{"test-*", 6}, {"qa-*", 4}};
    return (struct derive_options){
        .type_weight = {[EVENT_VIEW] = 1,
                        [EVENT_CLICK] = 1,
                        [EVENT_FAVOURITE] = 3,
                        [EVENT_ADD_TO_CART] = 4,
                        [EVENT_PURCHASE] = 8,
                        [EVENT_RATING] = 2},
        .session_gap_us = 30 * 60 * CLOCK_US_PER_S,
        .session_max_us = 12 * 3600 * CLOCK_US_PER_S,
        .session_max_acts = 500,
        .filter = {.max_per_minute = 60,
                   .max_per_day = 5000,
                   .views_without_buy = 2000,
                   .test_ids = test_ids,
                   .test_ids_len = 2},
    };
}

/* What is known while reading. */
struct work {
    struct store *store;
    const struct derive_options *o;
    struct interactions it;
    struct derive_report report;
    int64_t last_seq, last_order; /* the end that was fixed at the beginning */
    uint8_t *sold;                /* [products] 1: on sale, by product_no */
    uint32_t products;
    uint8_t *out; /* [users] why a shopper is left out, by user_no */
    uint32_t users;
    size_t orders_from; /* rows from here on are order lines */
    uint32_t *ordinals; /* [ordinals_cap] of row orders_from + i in its order */
    size_t ordinals_cap;
    struct map_u64 returned; /* (order, ordinal) -> pieces that came back */
    struct map_u64 links;    /* anonymous shoppers that were counted as known */
};

enum { KEEP = 0, TEST_USER, BOT };

/* --- the frame ------------------------------------------------------------------------------- */

static enum err_code fix_end(struct work *w, struct err *err)
{
    struct db *db;
    struct event_counts events;
    struct product_counts products;
    struct user_counts users;
    int64_t oldest;
    enum err_code rc = store_read_begin(w->store, &db, err);
    if (rc != ERR_OK)
        return rc;
    rc = changes_range(db, &oldest, &w->it.position, err);
    if (rc == ERR_OK)
        rc = events_count(db, &events, err);
    if (rc == ERR_OK)
        rc = db_query_i64(db, "SELECT COALESCE(MAX(no), 0) FROM orders", DB_NO_ARGS, &w->last_order,
                          NULL, err);
    if (rc == ERR_OK)
        rc = products_count(db, &products, err);
    if (rc == ERR_OK)
        rc = users_count(db, &users, err);
    store_read_end(w->store, db);
    if (rc != ERR_OK)
        return rc;
    w->last_seq = events.last_seq;
    w->products = products.max_no + 1;
    w->users = users.max_no + 1;
    w->sold = mem_try_new(w->products, 1);
    w->out = mem_try_new(w->users, 1);
    return w->sold && w->out ? ERR_OK
                             : err_set(err, ERR_MEMORY, "no memory for %u products and %u shoppers",
                                       w->products, w->users);
}

/* Events and orders are the work; who has none of one is told in the other's steps. */
static void tell(const struct work *w, int64_t seq, int64_t order_no)
{
    double all = (double)w->last_seq + (double)w->last_order;
    if (w->o->progress && all > 0)
        w->o->progress(w->o->progress_arg, ((double)seq + (double)order_no) / all);
}

/* --- products and shoppers ------------------------------------------------------------------- */

static enum err_code products_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                   struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    uint32_t first = (uint32_t)*after + 1;
    enum err_code rc = products_live_range(db, first, first + PAGE - 1, &rows, err);
    bool more = rc == ERR_OK;
    while (more) {
        struct product p;
        rc = products_live_next(&rows, &p, &more, err);
        if (rc != ERR_OK || !more)
            break;
        if (p.no < w->products)
            w->sold[p.no] = p.status == PRODUCT_ACTIVE;
    }
    db_rows_close(&rows);
    *after += PAGE;
    *more_pages = *after < w->products;
    return rc;
}

static bool is_test_id(const struct derive_filter *f, struct str id)
{
    for (size_t i = 0; i < f->test_ids_len; i++) {
        struct str p = f->test_ids[i];
        bool prefix = p.n && p.p[p.n - 1] == '*';
        if (prefix ? str_starts(id, (struct str){p.p, p.n - 1}) : str_eq(id, p))
            return true;
    }
    return false;
}

static enum err_code users_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    enum err_code rc = users_after(db, (uint32_t)*after, PAGE, &rows, err);
    bool more = rc == ERR_OK;
    size_t n = 0;
    for (; more; n++) {
        struct user u;
        rc = users_next(&rows, &u, &more, err);
        if (rc != ERR_OK || !more)
            break;
        *after = u.no;
        if (u.no < w->users && is_test_id(&w->o->filter, u.id)) {
            w->out[u.no] = TEST_USER;
            w->report.test_users++;
        }
    }
    db_rows_close(&rows);
    *more_pages = n == PAGE;
    return rc;
}

/* --- events ---------------------------------------------------------------------------------- */

static bool in_time(const struct derive_options *o, int64_t time)
{
    return (!o->from || time >= o->from) && (!o->until || time < o->until);
}

/* Is a product worth learning from? */
static bool usable_product(struct work *w, uint32_t no)
{
    bool usable = no > 0 && no < w->products && (w->sold[no] || w->o->inactive_products);
    w->report.unresolved += !usable;
    return usable;
}

static enum err_code take_event(struct work *w, const struct event *e, uint32_t came_as,
                                struct err *err)
{
    float weight = w->o->type_weight[e->type];
    w->report.events++;
    if (weight <= 0 || !in_time(w->o, e->time) || !usable_product(w, e->product_no))
        return ERR_OK;
    if (e->user_no < w->users && w->out[e->user_no] == TEST_USER) {
        w->report.test_acts++;
        return ERR_OK;
    }
    if (e->user_no != came_as)
        (void)map_u64_at(&w->links, came_as, NULL);
    if (e->type == EVENT_RATING)
        weight *= (float)(e->rating / 5);
    if (weight <= 0)
        return ERR_OK;
    uint32_t quantity = e->quantity < UINT32_MAX ? (uint32_t)e->quantity : UINT32_MAX;
    return interactions_append(&w->it, e->user_no, e->product_no, e->time, weight, e->type,
                               quantity, err);
}

static enum err_code events_page(void *arg, struct db *db, int64_t *after, bool *more_pages,
                                 struct err *err)
{
    struct work *w = arg;
    struct db_rows rows = {0};
    int64_t last = *after + PAGE < w->last_seq ? *after + PAGE : w->last_seq;
    enum err_code rc = events_after(db, *after, last, PAGE, &rows, err);
    bool more = rc == ERR_OK;
    while (more) {
        struct event e;
        uint32_t came_as;
        rc = events_next(&rows, &e, &came_as, &more, err);
        if (rc == ERR_OK && more)
            rc = take_event(w, &e, came_as, err);
        more &= rc == ERR_OK;
    }
    db_rows_close(&rows);
    *after = last;
    *more_pages = last < w->last_seq;
    tell(w, last, 0);
    return rc;
}

/* --- order lines ----------------------------------------------------------------------------- */

static enum err_code take_sale(struct work *w, const struct order_line_row *r, struct err *err)
{
    const struct order_line *l = &r->line;
    if (l->kind != LINE_SALE || w->o->type_weight[EVENT_PURCHASE] <= 0 ||
        r->status == ORDER_CANCELLED || !in_time(w->o, r->placed_at) ||
        !usable_product(w, l->product_no))
        return ERR_OK;
    w->report.guest_acts += r->user_no == 0;
    if (r->user_no == 0 && !w->o->guests)
        return ERR_OK;
    if (r->user_no < w->users && w->out[r->user_no] == TEST_USER) {
        w->report.test_acts++;
        return ERR_OK;
    }
    size_t at = w->it.len - w->orders_from;
    if (at == w->ordinals_cap) {
        w->ordinals_cap = w->ordinals_cap ? w->ordinals_cap * 2 : 4096;
        w->ordinals = mem_resize(w->ordinals, w->ordinals_cap, sizeof *w->ordinals);
    }
    w->ordinals[at] = l->ordinal;
    enum err_code rc = interactions_append(&w->it, r->user_no, l->product_no, r->placed_at,
                                           w->o->type_weight[EVENT_PURCHASE], EVENT_PURCHASE,
                                           (uint32_t)l->quantity, err);
    if (rc == ERR_OK)
        w->it.session[w->it.len - 1] = (uint32_t)r->order_no;
    return rc;
}

static enum err_code take_line(void *arg, const struct order_line_row *r, bool *enough,
                               struct err *err)
{
    struct work *w = arg;
    *enough = r->order_no > w->last_order;
    if (*enough)
        return ERR_OK;
    w->report.order_lines++;
    if (r->line.kind == LINE_RETURN && r->line.sale_order_no)
        *map_u64_at(&w->returned, (uint64_t)pages_line(r->line.sale_order_no, r->line.sale_ordinal),
                    NULL) += (uint64_t)r->line.quantity;
    return take_sale(w, r, err);
}

static enum err_code lines_page(void *arg, struct db *db, int64_t *after, bool *more,
                                struct err *err)
{
    struct work *w = arg;
    enum err_code rc = pages_lines(db, PAGE, after, more, take_line, w, err);
    tell(w, w->last_seq, *more ? *after / PAGES_ORDINALS : w->last_order);
    return rc;
}

/* --- leaving out ----------------------------------------------------------------------------- */

static void drop_returned(struct work *w, uint8_t *drop)
{
    struct interactions *it = &w->it;
    for (size_t i = w->orders_from; w->returned.len && i < it->len; i++) {
        const uint64_t *back = map_u64_find(
            &w->returned, (uint64_t)pages_line(it->session[i], w->ordinals[i - w->orders_from]));
        if (!back)
            continue;
        if (*back >= it->quantity[i]) {
            drop[i] = 1;
            w->report.returned++;
        } else {
            it->quantity[i] -= (uint32_t)*back;
        }
    }
}

/* Purchase events of shoppers whose orders tell the same. */
static enum err_code drop_told_twice(struct work *w, uint8_t *drop, struct err *err)
{
    struct interactions *it = &w->it;
    int64_t *first_order = mem_try_new(w->users, sizeof *first_order);
    if (!first_order)
        return err_set(err, ERR_MEMORY, "no memory for %u shoppers", w->users);
    for (size_t i = w->orders_from; i < it->len; i++) {
        int64_t *first = it->user_no[i] < w->users ? &first_order[it->user_no[i]] : NULL;
        if (first && (*first == 0 || it->time[i] < *first))
            *first = it->time[i];
    }
    for (size_t i = 0; i < w->orders_from; i++) {
        int64_t first = it->user_no[i] < w->users ? first_order[it->user_no[i]] : 0;
        if (it->type[i] == EVENT_PURCHASE && first && it->time[i] >= first - CLOCK_US_PER_DAY) {
            drop[i] = 1;
            w->report.twice++;
        }
    }
    mem_free(first_order);
    return ERR_OK;
}

/* More than max of the shopper's acts [begin, end) within any span? Orders come in bulk, and do not
 * count. */
static bool faster_than(const struct interactions *it, size_t begin, size_t end, uint32_t max,
                        int64_t span_us)
{
    size_t tail = begin, held = 0;
    for (size_t i = begin; max && i < end; i++) {
        held += it->type[i] != EVENT_PURCHASE;
        for (; it->time[i] - it->time[tail] >= span_us; tail++)
            held -= it->type[tail] != EVENT_PURCHASE;
        if (held > max)
            return true;
    }
    return false;
}

static bool looks_only(const struct interactions *it, size_t begin, size_t end, uint32_t max)
{
    for (size_t i = begin; i < end; i++)
        if (it->type[i] != EVENT_VIEW && it->type[i] != EVENT_CLICK &&
            it->type[i] != EVENT_IMPRESSION)
            return false;
    return max && end - begin > max;
}

/* Of sorted rows. */
static void drop_bots(struct work *w, uint8_t *drop)
{
    const struct interactions *it = &w->it;
    const struct derive_filter *f = &w->o->filter;
    for (size_t begin = 0, end; begin < it->len; begin = end) {
        uint32_t user = it->user_no[begin];
        for (end = begin; end < it->len && it->user_no[end] == user; end++)
            ;
        if (user == 0 || !(faster_than(it, begin, end, f->max_per_minute, 60 * CLOCK_US_PER_S) ||
                           faster_than(it, begin, end, f->max_per_day, CLOCK_US_PER_DAY) ||
                           looks_only(it, begin, end, f->views_without_buy)))
            continue;
        memset(drop + begin, 1, end - begin);
        w->report.bots++;
        w->report.bot_acts += end - begin;
    }
}

float interactions_decay(int64_t age_us, double half_life_days)
{
    double age_days = (double)age_us / (double)CLOCK_US_PER_DAY;
    return age_days > 0 ? (float)exp2(-age_days / half_life_days) : 1;
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code read_all(struct work *w, struct err *err)
{
    enum err_code rc = fix_end(w, err);
    if (rc == ERR_OK)
        rc = pages_walk(w->store, products_page, w, err);
    if (rc == ERR_OK && w->o->filter.test_ids_len)
        rc = pages_walk(w->store, users_page, w, err);
    if (rc == ERR_OK && w->last_seq > 0)
        rc = pages_walk(w->store, events_page, w, err);
    w->orders_from = w->it.len;
    if (rc == ERR_OK)
        rc = pages_walk(w->store, lines_page, w, err);
    return rc;
}

static enum err_code refine(struct work *w, struct err *err)
{
    uint8_t *drop = mem_try_new(w->it.len + 1, 1);
    if (!drop)
        return err_set(err, ERR_MEMORY, "no memory for %zu acts", w->it.len);
    drop_returned(w, drop);
    enum err_code rc = drop_told_twice(w, drop, err);
    if (rc == ERR_OK) {
        interactions_drop(&w->it, drop);
        rc = interactions_sort(&w->it, w->o, err);
    }
    if (rc == ERR_OK) {
        memset(drop, 0, w->it.len);
        drop_bots(w, drop);
        interactions_drop(&w->it, drop);
    }
    mem_free(drop);
    return rc;
}

enum err_code derive_interactions(struct store *s, const struct derive_options *o,
                                  struct interactions *out, struct derive_report *report,
                                  struct err *err)
{
    struct work w = {.store = s, .o = o};
    enum err_code rc = read_all(&w, err);
    if (rc == ERR_OK)
        rc = refine(&w, err);
    if (rc == ERR_OK) {
        w.report.kept = w.it.len;
        w.report.joined = w.links.len;
        *out = w.it;
        if (report)
            *report = w.report;
    } else {
        interactions_release(&w.it);
    }
    mem_free(w.sold);
    mem_free(w.out);
    mem_free(w.ordinals);
    map_u64_release(&w.returned);
    map_u64_release(&w.links);
    return rc;
}

void derive_report_json(const struct derive_report *r, struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "events", r->events);
    JW_U64(w, "order_lines", r->order_lines);
    JW_U64(w, "kept", r->kept);
    JW_U64(w, "bots", r->bots);
    JW_U64(w, "bot_acts", r->bot_acts);
    JW_U64(w, "test_users", r->test_users);
    JW_U64(w, "test_acts", r->test_acts);
    JW_U64(w, "guest_acts", r->guest_acts);
    JW_U64(w, "returned", r->returned);
    JW_U64(w, "twice", r->twice);
    JW_U64(w, "unresolved", r->unresolved);
    JW_U64(w, "joined", r->joined);
    jw_obj_end(w);
}
