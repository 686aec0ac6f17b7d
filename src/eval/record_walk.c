#include "eval/record_walk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/events.h"
#include "store/orders.h"

enum {
    PAGE = 20000,         /* events in one reading transaction */
    SHOPPERS_PAGE = 2000, /* whose first order is looked up in one */
    FIRST_ROOM = 1024,
};

/* Orders are read an hour at a time. */
#define ORDERS_SPAN_US (3600 * CLOCK_US_PER_S)

/* --- events ---------------------------------------------------------------------------------- */

/* Where a walk by (time, id) stands. No id is empty: a moment with an empty id is before all of its events. */
struct place {
    int64_t time;
    char id[STORE_ID_MAX];
    size_t id_len;
};

static enum err_code begin_page(const struct walk_reading *r, struct db **db, struct err *err)
{
    if (r->stopping && r->stopping(r->arg))
        return err_set(err, ERR_CANCELLED, "the report was stopped");
    return store_read_begin(r->store, db, err);
}

/* The events of one page behind the place, which moves to the last of them; *more may follow. */
static enum err_code read_page(const struct walk_reading *r, struct db *db, struct place *at,
                               walk_event_fn *take, void *arg, bool *more, struct err *err)
{
    struct db_rows rows = {0};
    struct event e;
    bool any = true, enough = false;
    size_t n = 0;
    enum err_code code =
        events_by_time(db, at->time, (struct str){at->id, at->id_len}, r->until, PAGE, &rows, err);
    for (; code == ERR_OK && !enough; n++) {
        code = events_next(&rows, &e, NULL, &any, err);
        if (code != ERR_OK || !any)
            break;
        at->time = e.time;
        at->id_len = e.id.n;
        memcpy(at->id, e.id.p, e.id.n);
        code = take(arg, &e, &enough, err);
    }
    db_rows_close(&rows);
    *more = n == PAGE && !enough;
    return code;
}

enum err_code walk_events(const struct walk_reading *r, walk_event_fn *take, void *arg,
                          struct err *err)
{
    struct place at = {.time = r->from};
    bool more = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && more) {
        struct db *db;
        code = begin_page(r, &db, err);
        if (code != ERR_OK)
            break;
        code = read_page(r, db, &at, take, arg, &more, err);
        store_read_end(r->store, db);
    }
    return code;
}

/* --- purchases ------------------------------------------------------------------------------- */

void walk_purchases_release(struct walk_purchases *p)
{
    mem_free(p->items);
    *p = (struct walk_purchases){0};
}

static enum err_code add_purchase(struct walk_purchases *out, const struct walk_purchase *p,
                                  struct err *err)
{
    if (out->len == WALK_PURCHASES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d purchases: ask for a shorter time",
                       WALK_PURCHASES_MAX);
    if (out->len == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : FIRST_ROOM;
        struct walk_purchase *grown = mem_try_resize(out->items, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu purchases", cap);
        out->items = grown;
        out->cap = cap;
    }
    out->items[out->len++] = *p;
    return ERR_OK;
}

static enum err_code take_purchase_event(void *arg, const struct event *e, bool *enough,
                                         struct err *err)
{
    struct walk_purchases *out = arg;
    *enough = false;
    if (e->type != EVENT_PURCHASE || e->product_no == 0)
        return ERR_OK;
    struct walk_purchase p = {
        .time = e->time, .user_no = e->user_no, .product_no = e->product_no, .told_by_event = true};
    if (e->value_minor != STORE_NO_AMOUNT) {
        p.minor = e->value_minor;
        p.currency = e->currency;
    }
    return add_purchase(out, &p, err);
}

static enum err_code read_lines(struct walk_purchases *out, struct db *db, int64_t from,
                                int64_t until, struct err *err)
{
    struct db_rows rows = {0};
    struct order_line_row r;
    bool more;
    enum err_code code = order_lines_placed(db, from, until, &rows, err);
    while (code == ERR_OK && (code = order_lines_next(&rows, &r, &more, err)) == ERR_OK && more) {
        struct walk_purchase p = {.time = r.placed_at,
                                  .user_no = r.user_no,
                                  .product_no = r.line.product_no,
                                  .minor = r.line.amount_minor,
                                  .currency = r.currency};
        if (r.line.kind == LINE_SALE && r.status != ORDER_CANCELLED)
            code = add_purchase(out, &p, err);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code read_orders(const struct walk_reading *r, struct walk_purchases *out,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    for (int64_t at = r->from; at < r->until && code == ERR_OK; at += ORDERS_SPAN_US) {
        struct db *db;
        int64_t end = r->until - at < ORDERS_SPAN_US ? r->until : at + ORDERS_SPAN_US;
        code = begin_page(r, &db, err);
        if (code != ERR_OK)
            break;
        code = read_lines(out, db, at, end, err);
        store_read_end(r->store, db);
    }
    return code;
}

static int compare_purchases(const void *a, const void *b)
{
    const struct walk_purchase *x = a, *y = b;
    if (x->user_no != y->user_no)
        return x->user_no < y->user_no ? -1 : 1;
    if (x->product_no != y->product_no)
        return x->product_no < y->product_no ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

/* Of some shoppers from *at on: keep what no order tells. */
static enum err_code drop_told_twice(struct walk_purchases *out, struct db *db, size_t *at,
                                     size_t *kept, struct err *err)
{
    enum err_code code = ERR_OK;
    for (int shoppers = 0; shoppers < SHOPPERS_PAGE && *at < out->len; shoppers++) {
        uint32_t user_no = out->items[*at].user_no;
        int64_t first = INT64_MAX;
        bool known = false;
        for (; *at < out->len && out->items[*at].user_no == user_no; (*at)++) {
            struct walk_purchase p = out->items[*at];
            if (p.told_by_event && !known) {
                code = order_first_placed(db, user_no, &first, err);
                known = true;
            }
            if (code != ERR_OK)
                return code;
            if (!p.told_by_event || first == INT64_MAX || p.time < first - CLOCK_US_PER_DAY)
                out->items[(*kept)++] = p;
        }
    }
    return ERR_OK;
}

enum err_code walk_purchases_read(const struct walk_reading *r, struct walk_purchases *out,
                                  struct err *err)
{
    size_t at = 0, kept = 0;
    enum err_code code = walk_events(r, take_purchase_event, out, err);
    if (code == ERR_OK)
        code = read_orders(r, out, err);
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, compare_purchases);
    while (at < out->len && code == ERR_OK) {
        struct db *db;
        code = begin_page(r, &db, err);
        if (code != ERR_OK)
            break;
        code = drop_told_twice(out, db, &at, &kept, err);
        store_read_end(r->store, db);
    }
    out->len = kept;
    return code;
}
