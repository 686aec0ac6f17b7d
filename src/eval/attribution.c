#include "eval/attribution.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/mem.h"
#include "eval/attribution_int.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/store.h"

enum {
    PAGE = 20000,         /* events in one reading transaction */
    SHOPPERS_PAGE = 2000, /* whose first order is looked up in one */
    USUAL_ACTS = 4000000,
    PARTS_MAX = 1 << 12,
    FIRST_ROOM = 1024,
};

/* How far a shopper's clock may be ahead of ours: a touch may seem to come so long after what it led to. */
#define AHEAD_US (300 * CLOCK_US_PER_S)

/* Orders are read an hour at a time. */
#define ORDERS_SPAN_US (3600 * CLOCK_US_PER_S)

enum { NO_ROW = UINT32_MAX };

struct purchase {
    int64_t time;
    int64_t minor;
    uint32_t user_no, product_no;
    currency_code currency; /* 0: without an amount */
    uint32_t row;           /* of the list that led to it; NO_ROW: none did */
    bool told_by_event;     /* and not by an order */
};

struct walk {
    struct store *store;
    const struct attribution_options *o;
    int64_t window_us;
    struct attribution *out;
    struct map_str index;       /* of out's rows */
    struct purchase *purchases; /* [len] by shopper, product, time; owned */
    size_t len, cap;
    struct map_u64 pairs; /* shopper and product to the first of their purchases */
    struct map_u64 acts;  /* hashes of lists, and of a list with a product and what was done */
    size_t parts, part;   /* lists are counted in so many walks; which one this is */
    bool overflow;        /* more acts than may be held: more parts are needed */
};

/* --- walking --------------------------------------------------------------------------------- */

/* Where a walk by (time, id) stands. No id is empty: a moment with an empty id is before all of its events. */
struct place {
    int64_t time;
    char id[STORE_ID_MAX];
    size_t id_len;
};

typedef enum err_code event_fn(struct walk *w, const struct event *e, struct err *err);

static enum err_code begin_page(const struct walk *w, struct db **db, struct err *err)
{
    if (w->o->stopping && w->o->stopping(w->o->arg))
        return err_set(err, ERR_CANCELLED, "the report was stopped");
    return store_read_begin(w->store, db, err);
}

/* The events of one page behind the place, which moves to the last of them; *n of them. */
static enum err_code read_page(struct walk *w, struct db *db, struct place *at, int64_t until,
                               event_fn *take, size_t *n, struct err *err)
{
    struct db_rows rows = {0};
    struct event e;
    bool more = true;
    enum err_code code =
        events_by_time(db, at->time, (struct str){at->id, at->id_len}, until, PAGE, &rows, err);
    for (*n = 0; code == ERR_OK; (*n)++) {
        code = events_next(&rows, &e, NULL, &more, err);
        if (code != ERR_OK || !more)
            break;
        at->time = e.time;
        at->id_len = e.id.n;
        memcpy(at->id, e.id.p, e.id.n);
        code = take(w, &e, err);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code walk_events(struct walk *w, int64_t from, int64_t until, event_fn *take,
                                 struct err *err)
{
    struct place at = {.time = from};
    size_t n = PAGE;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && n == PAGE && !w->overflow) {
        struct db *db;
        code = begin_page(w, &db, err);
        if (code != ERR_OK)
            break;
        code = read_page(w, db, &at, until, take, &n, err);
        store_read_end(w->store, db);
    }
    return code;
}

/* --- purchases ------------------------------------------------------------------------------- */

static enum err_code add_purchase(struct walk *w, const struct purchase *p, struct err *err)
{
    if (w->len == ATTRIBUTION_PURCHASES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d purchases: ask for a shorter time",
                       ATTRIBUTION_PURCHASES_MAX);
    if (w->len == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : FIRST_ROOM;
        struct purchase *grown = mem_try_resize(w->purchases, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu purchases", cap);
        w->purchases = grown;
        w->cap = cap;
    }
    w->purchases[w->len++] = *p;
    return ERR_OK;
}

static enum err_code take_purchase_event(struct walk *w, const struct event *e, struct err *err)
{
    if (e->type != EVENT_PURCHASE || e->product_no == 0)
        return ERR_OK;
    struct purchase p = {.time = e->time,
                         .user_no = e->user_no,
                         .product_no = e->product_no,
                         .row = NO_ROW,
                         .told_by_event = true};
    if (e->value_minor != STORE_NO_AMOUNT) {
        p.minor = e->value_minor;
        p.currency = e->currency;
    }
    return add_purchase(w, &p, err);
}

static enum err_code read_lines(struct walk *w, struct db *db, int64_t from, int64_t until,
                                struct err *err)
{
    struct db_rows rows = {0};
    struct order_line_row r;
    bool more;
    enum err_code code = order_lines_placed(db, from, until, &rows, err);
    while (code == ERR_OK && (code = order_lines_next(&rows, &r, &more, err)) == ERR_OK && more) {
        if (r.line.kind != LINE_SALE || r.status == ORDER_CANCELLED)
            continue;
        struct purchase p = {.time = r.placed_at,
                             .user_no = r.user_no,
                             .product_no = r.line.product_no,
                             .minor = r.line.amount_minor,
                             .currency = r.currency,
                             .row = NO_ROW};
        code = add_purchase(w, &p, err);
        if (code != ERR_OK)
            break;
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code walk_orders(struct walk *w, struct err *err)
{
    enum err_code code = ERR_OK;
    for (int64_t at = w->o->from; at < w->o->until && code == ERR_OK; at += ORDERS_SPAN_US) {
        struct db *db;
        int64_t end = w->o->until - at < ORDERS_SPAN_US ? w->o->until : at + ORDERS_SPAN_US;
        code = begin_page(w, &db, err);
        if (code != ERR_OK)
            break;
        code = read_lines(w, db, at, end, err);
        store_read_end(w->store, db);
    }
    return code;
}

static int compare_purchases(const void *a, const void *b)
{
    const struct purchase *x = a, *y = b;
    if (x->user_no != y->user_no)
        return x->user_no < y->user_no ? -1 : 1;
    if (x->product_no != y->product_no)
        return x->product_no < y->product_no ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

/* The first order of each shopper of purchases [*at, len) who has purchase events, for some shoppers; keeps what no
 * order tells. */
static enum err_code drop_told_twice(struct walk *w, struct db *db, size_t *at, size_t *kept,
                                     struct err *err)
{
    enum err_code code = ERR_OK;
    for (int shoppers = 0; shoppers < SHOPPERS_PAGE && *at < w->len; shoppers++) {
        uint32_t user_no = w->purchases[*at].user_no;
        int64_t first = INT64_MAX;
        bool known = false;
        for (; *at < w->len && w->purchases[*at].user_no == user_no; (*at)++) {
            struct purchase p = w->purchases[*at];
            if (p.told_by_event && !known) {
                code = order_first_placed(db, user_no, &first, err);
                known = true;
            }
            if (code != ERR_OK)
                return code;
            if (!p.told_by_event || first == INT64_MAX || p.time < first - CLOCK_US_PER_DAY)
                w->purchases[(*kept)++] = p;
        }
    }
    return ERR_OK;
}

static uint64_t pair_of(uint32_t user_no, uint32_t product_no)
{
    return (uint64_t)user_no << 32 | product_no;
}

static enum err_code settle_purchases(struct walk *w, struct err *err)
{
    size_t at = 0, kept = 0;
    enum err_code code = ERR_OK;
    if (w->len > 1)
        qsort(w->purchases, w->len, sizeof *w->purchases, compare_purchases);
    while (at < w->len && code == ERR_OK) {
        struct db *db;
        code = begin_page(w, &db, err);
        if (code != ERR_OK)
            break;
        code = drop_told_twice(w, db, &at, &kept, err);
        store_read_end(w->store, db);
    }
    w->len = kept;
    for (size_t i = 0; i < w->len; i++) {
        bool added;
        const struct purchase *p = &w->purchases[i];
        if (p->user_no == 0 || p->product_no == 0)
            continue;
        uint64_t *first = map_u64_at(&w->pairs, pair_of(p->user_no, p->product_no), &added);
        if (added)
            *first = i;
    }
    return code;
}

/* --- lists ----------------------------------------------------------------------------------- */

enum act { ACT_SEEN = 1, ACT_OPENED, ACT_LIKED, ACT_CART, ACT_NONE = 0 };

static enum act act_of(enum event_type type)
{
    static const enum act acts[EVENT_TYPES] = {[EVENT_IMPRESSION] = ACT_SEEN,
                                               [EVENT_VIEW] = ACT_OPENED,
                                               [EVENT_CLICK] = ACT_OPENED,
                                               [EVENT_FAVOURITE] = ACT_LIKED,
                                               [EVENT_ADD_TO_CART] = ACT_CART};
    return acts[type];
}

/* Was this not counted yet? */
static bool is_new(struct walk *w, uint64_t hash)
{
    bool added;
    map_u64_at(&w->acts, hash, &added);
    return added;
}

static void count(struct walk *w, const struct event *e, struct attribution_row *row)
{
    struct {
        uint64_t list;
        uint32_t product_no, act;
    } key = {XXH3_64bits(e->request_id.p, e->request_id.n), e->product_no, act_of(e->type)};
    if (key.act == ACT_NONE || e->time < w->o->from || e->time >= w->o->until ||
        key.list % w->parts != w->part)
        return;
    row->requests += is_new(w, key.list);
    if (!is_new(w, XXH3_64bits(&key, sizeof key)))
        return;
    row->impressions += key.act == ACT_SEEN;
    row->clicks += key.act == ACT_OPENED;
    row->carts += key.act == ACT_CART;
}

/* Touches come in the order of time: the newest before a purchase counts, else the first within AHEAD_US after it. */
static void touch(struct walk *w, const struct event *e, size_t row)
{
    const uint64_t *first = map_u64_find(&w->pairs, pair_of(e->user_no, e->product_no));
    if (!first || e->type == EVENT_IMPRESSION)
        return;
    for (size_t i = *first; i < w->len; i++) {
        struct purchase *p = &w->purchases[i];
        if (p->user_no != e->user_no || p->product_no != e->product_no ||
            p->time - e->time > w->window_us)
            break;
        bool before = p->time >= e->time;
        if (before || (p->row == NO_ROW && e->time - p->time <= AHEAD_US))
            p->row = (uint32_t)row;
    }
}

static enum err_code take_list_event(struct walk *w, const struct event *e, struct err *err)
{
    uint8_t bytes[LIST_ID_BYTES];
    struct list_facts facts;
    size_t row;
    bool tells = act_of(e->type) != ACT_NONE || e->type == EVENT_PURCHASE;
    if (!tells || e->product_no == 0 || e->request_id.n == 0 ||
        !list_id_read(w->o->key, e->request_id, bytes, &facts))
        return ERR_OK;
    enum err_code code = attribution_row_at(w->out, &w->index, &facts, &row, err);
    if (code != ERR_OK)
        return code;
    count(w, e, &w->out->rows[row]);
    if (w->part == 0)
        touch(w, e, row);
    w->overflow = w->acts.len > w->o->acts_max && w->parts < PARTS_MAX;
    return ERR_OK;
}

static void forget_counts(struct walk *w)
{
    for (size_t i = 0; i < w->out->len; i++)
        w->out->rows[i].requests = w->out->rows[i].impressions = w->out->rows[i].clicks =
            w->out->rows[i].carts = 0;
    for (size_t i = 0; i < w->len; i++)
        w->purchases[i].row = NO_ROW;
}

static enum err_code walk_lists(struct walk *w, struct err *err)
{
    enum err_code code = ERR_OK;
    w->parts = 1;
    for (w->part = 0; w->part < w->parts && code == ERR_OK; w->part++) {
        bool touches = w->part == 0;
        int64_t from = touches ? w->o->from - w->window_us : w->o->from;
        int64_t until = touches ? w->o->until + AHEAD_US : w->o->until;
        w->overflow = false;
        code = walk_events(w, from, until, take_list_event, err);
        map_u64_release(&w->acts);
        w->acts = (struct map_u64){0};
        if (code == ERR_OK && w->overflow) { /* from the beginning, a smaller part at a time */
            forget_counts(w);
            w->parts *= 4;
            w->part = (size_t)-1;
        }
    }
    return code;
}

static enum err_code credit_purchases(struct walk *w, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < w->len && code == ERR_OK; i++) {
        const struct purchase *p = &w->purchases[i];
        struct attribution_row *row = p->row == NO_ROW ? &w->out->others : &w->out->rows[p->row];
        row->purchases++;
        if (p->currency)
            code = attribution_earn(row, p->currency, p->minor, err);
    }
    return code;
}

/* Kinds of which nothing was counted: touches before the time that led to nothing. */
static void drop_empty(struct attribution *a)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->len; i++)
        if (a->rows[i].requests || a->rows[i].purchases)
            a->rows[kept++] = a->rows[i];
    a->len = kept;
}

/* --- all of it ------------------------------------------------------------------------------- */

enum err_code attribution_check(const struct attribution_options *o, struct err *err)
{
    if (o->from >= o->until)
        return err_set(err, ERR_INVALID, "from: not before until");
    if (o->until - o->from > ATTRIBUTION_SPAN_MAX_US)
        return err_set(err, ERR_INVALID, "from: more than %lld days before until",
                       ATTRIBUTION_SPAN_MAX_US / CLOCK_US_PER_DAY);
    if (o->window_us < 0 || o->window_us > ATTRIBUTION_SPAN_MAX_US)
        return err_set(err, ERR_INVALID, "window: out of range");
    return ERR_OK;
}

enum err_code attribution_read(struct store *store, const struct attribution_options *options,
                               struct attribution *out, struct err *err)
{
    struct attribution_options o = *options;
    struct walk w = {.store = store,
                     .o = &o,
                     .window_us = o.window_us ? o.window_us : ATTRIBUTION_WINDOW_US,
                     .out = out};
    o.acts_max = o.acts_max ? o.acts_max : USUAL_ACTS;
    enum err_code code = attribution_check(&o, err);
    if (code == ERR_OK)
        code = walk_events(&w, o.from, o.until, take_purchase_event, err);
    if (code == ERR_OK)
        code = walk_orders(&w, err);
    if (code == ERR_OK)
        code = settle_purchases(&w, err);
    if (code == ERR_OK)
        code = walk_lists(&w, err);
    if (code == ERR_OK)
        code = credit_purchases(&w, err);
    drop_empty(out);
    attribution_sort(out);
    mem_free(w.purchases);
    map_u64_release(&w.pairs);
    map_u64_release(&w.acts);
    map_str_release(&w.index);
    return code;
}

enum err_code attribution_report(struct store *store, const struct attribution_options *o,
                                 unsigned by, struct json_writer *w, struct err *err)
{
    static const char *const names[] = {"placement", "model", "variant"};
    struct attribution all = {0}, grouped = {0};
    enum err_code code = attribution_read(store, o, &all, err);
    if (code == ERR_OK)
        code = attribution_group(&all, by, &grouped, err);
    if (code == ERR_OK) {
        jw_obj(w);
        JW_TIME(w, "from", o->from);
        JW_TIME(w, "to", o->until);
        JW_I64(w, "window_days",
               (o->window_us ? o->window_us : ATTRIBUTION_WINDOW_US) / CLOCK_US_PER_DAY);
        JW_ARR(w, "by");
        for (unsigned i = 0; i < 3; i++)
            if (by >> i & 1)
                jw_z(w, names[i]);
        jw_arr_end(w);
        attribution_write(&grouped, by, w);
        jw_obj_end(w);
    }
    attribution_release(&all);
    attribution_release(&grouped);
    return code;
}
