/* engine_apply.c - one entry of the change log, applied to what is live. */
#include <stdatomic.h>

#include "base/clock.h"
#include "engine/engine_int.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/users.h"

enum {
    HEAT_EVENTS = 200000, /* newest events and orders whose heat a start counts */
    HEAT_ORDERS = 50000,
    REPLAY_EVENTS = 5000000, /* without a model that knows them, older ones are not replayed */
    READ_NUMBERS = 50000,    /* of events or orders in one reading transaction */
    CHANGES_LOOK = 1024,     /* entries of the log in one */
};

/* Feedback that is further ahead is meant for later: it counts when a start or a training reads it
 * then. Clocks differ by less; other events of tomorrow are those of a wrong clock, and count now. */
#define FEEDBACK_AHEAD_US (10 * CLOCK_US_PER_S)

/* What an act says about a product's present demand. The trainers' weights are ingest's. */
static const float heat_weight[EVENT_TYPES] = {
    [EVENT_VIEW] = 1,        [EVENT_CLICK] = 1,    [EVENT_FAVOURITE] = 3,
    [EVENT_ADD_TO_CART] = 4, [EVENT_PURCHASE] = 8,
};

float act_heat(enum event_type type)
{
    return heat_weight[type];
}

/* --- products -------------------------------------------------------------------------------- */

/* A shop that names no currency has that of the first product that has one. */
static void settle_currency(struct engine *e, currency_code currency)
{
    if (currency == 0 || atomic_load(&e->profile)->currency != 0)
        return;
    e->settled = e->shop;
    e->settled.currency = currency;
    atomic_store(&e->profile, &e->settled);
}

static enum err_code load_live(struct engine *e, struct db *db, uint32_t first, uint32_t last,
                               enum change_op op, struct err *err)
{
    struct db_rows rows = {0};
    struct product p;
    bool more;
    enum err_code code = products_live_range(db, first, last, &rows, err);
    while (code == ERR_OK && (code = products_live_next(&rows, &p, &more, err)) == ERR_OK && more) {
        struct live_row row = {.price_minor = p.price_minor,
                               .list_price_minor = p.list_price_minor,
                               .cost_minor = p.cost_minor,
                               .stock = p.stock,
                               .currency = p.currency,
                               .status = p.status};
        code = stage_live(e, p.no, &row, op, err);
        settle_currency(e, p.currency);
    }
    db_rows_close(&rows);
    return code;
}

enum err_code load_live_columns(struct engine *e, struct db *db, uint32_t first, uint32_t last,
                                struct err *err)
{
    return load_live(e, db, first, last, CHANGE_PUT, err);
}

static void mark(struct map_u64 *in, struct map_u64 *not_in, int64_t first, int64_t last)
{
    for (int64_t no = first; no <= last; no++) {
        map_u64_remove(not_in, (uint64_t)no);
        *map_u64_at(in, (uint64_t)no, NULL) = 1;
    }
}

static enum err_code apply_product(struct engine *e, struct db *db, const struct change *c,
                                   struct err *err)
{
    enum err_code code = ERR_OK;
    if (c->position <= e->catalogue_position && c->op != CHANGE_LIVE)
        return ERR_OK; /* live columns were read whole at the start */
    if (c->op == CHANGE_SHOW)
        return stage_show(e, db, err);
    if (c->op == CHANGE_PUT)
        mark(&e->changed, &e->removed, c->no, c->last_no);
    else if (c->op == CHANGE_DELETE)
        mark(&e->removed, &e->changed, c->no, c->last_no);
    else if (c->op == CHANGE_STAGE)
        code = stage_numbers(e, c->no, c->last_no, err);
    if (c->op == CHANGE_PUT || c->op == CHANGE_DELETE)
        stage_touched(e, c->no, c->last_no, c->op == CHANGE_DELETE);
    e->shelves_stale = true;
    return code == ERR_OK ? load_live(e, db, (uint32_t)c->no, (uint32_t)c->last_no, c->op, err)
                          : code;
}

/* --- acts ------------------------------------------------------------------------------------ */

bool is_ahead(const struct engine *e, bool feedback, int64_t seq, int64_t time_us)
{
    return feedback && seq > e->heat_seq && time_us > clock_now_us() + FEEDBACK_AHEAD_US;
}

/* live_heat_add or live_heat_take, of the columns that serve and of those that are being made. */
static void
change_heat(struct engine *e, uint32_t product_no, enum event_type type, int64_t time_us,
            void (*change)(struct live *l, uint32_t product_no, float weight, int64_t time_us))
{
    if (heat_weight[type] == 0)
        return;
    change(e->live, product_no, heat_weight[type], time_us);
    if (e->stage.open)
        change(e->stage.live, product_no, heat_weight[type], time_us);
    e->shelves_stale = true;
}

void warm(struct engine *e, uint32_t product_no, enum event_type type, int64_t time_us)
{
    change_heat(e, product_no, type, time_us, live_heat_add);
}

void cool(struct engine *e, uint32_t product_no, enum event_type type, int64_t time_us)
{
    change_heat(e, product_no, type, time_us, live_heat_take);
}

static void act(struct engine *e, uint32_t user_no, uint32_t product_no, enum event_type type,
                int64_t time_us, bool heats)
{
    int64_t time_s = time_us / CLOCK_US_PER_S;
    if (product_no == 0)
        return;
    if (user_no && time_s >= 0 && time_s <= UINT32_MAX)
        users_add(e->users, user_no, &(struct user_action){product_no, (uint32_t)time_s, type});
    if (heats)
        warm(e, product_no, type, time_us);
}

static enum err_code walk_events(struct engine *e, struct db *db, int64_t first, int64_t last,
                                 bool heats, struct err *err)
{
    struct db_rows rows = {0};
    struct event event;
    uint32_t came_as;
    bool more;
    int64_t latest = clock_now_us() + FEEDBACK_AHEAD_US;
    enum err_code code = events_after(db, first - 1, last, INT64_MAX, &rows, err);
    while (code == ERR_OK && (code = events_next(&rows, &event, &came_as, &more, err)) == ERR_OK &&
           more)
        if (!event.feedback || event.time <= latest)
            act(e, came_as, event.product_no, event.type, event.time,
                heats && event.seq > e->heat_seq);
    db_rows_close(&rows);
    return code;
}

static enum err_code apply_events(struct engine *e, struct db *db, int64_t first, int64_t last,
                                  struct err *err)
{
    return walk_events(e, db, first, last, true, err);
}

/* What was withdrawn no longer speaks for the shopper, and its heat goes. */
static enum err_code forget_events(struct engine *e, struct db *db, const struct change *c,
                                   struct err *err)
{
    struct db_rows rows = {0};
    struct event event;
    bool more;
    int64_t counted = counted_before(e, c->position);
    enum err_code code = events_withdrawn(db, c->no, c->last_no, &rows, err);
    while (code == ERR_OK && (code = events_next(&rows, &event, NULL, &more, err)) == ERR_OK &&
           more) {
        if (event.seq > e->heat_first && event.seq <= counted && event.product_no &&
            !is_ahead(e, true, event.seq, event.time))
            cool(e, event.product_no, event.type, event.time);
        if (event.time >= 0 && event.time / CLOCK_US_PER_S <= UINT32_MAX)
            users_remove(e->users, event.user_no,
                         &(struct user_action){event.product_no,
                                               (uint32_t)(event.time / CLOCK_US_PER_S),
                                               event.type});
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code heat_events(struct engine *e, struct db *db, int64_t after, int64_t last,
                                 struct err *err)
{
    struct db_rows rows = {0};
    struct event_act event;
    bool more;
    enum err_code code = event_acts_after(db, after, last, &rows, err);
    while (code == ERR_OK && (code = event_acts_next(&rows, &event, &more, err)) == ERR_OK && more)
        act(e, 0, event.product_no, event.type, event.time, true);
    db_rows_close(&rows);
    return code;
}

enum order_use { ORDER_NEW, ORDER_HEATS_ONLY, ORDER_HEATED };

static enum err_code walk_orders(struct engine *e, struct db *db, int64_t first, int64_t last,
                                 enum order_use use, struct err *err)
{
    struct db_rows rows = {0};
    struct order_line_row row;
    bool more;
    int64_t heated = e->heat_order; /* an order whose status changes comes again */
    enum err_code code = order_lines_after(db, first - 1, UINT32_MAX, INT64_MAX, &rows, err);
    while (code == ERR_OK && (code = order_lines_next(&rows, &row, &more, err)) == ERR_OK && more &&
           row.order_no <= last) {
        if (use == ORDER_NEW && row.order_no > e->heat_order)
            e->heat_order = row.order_no;
        if (row.line.kind == LINE_SALE)
            act(e, use == ORDER_HEATS_ONLY ? 0 : row.user_no, row.line.product_no, EVENT_PURCHASE,
                row.placed_at,
                use == ORDER_HEATS_ONLY || (use == ORDER_NEW && row.order_no > heated));
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code apply_orders(struct engine *e, struct db *db, int64_t first, int64_t last,
                                  struct err *err)
{
    return walk_orders(e, db, first, last, ORDER_NEW, err);
}

enum err_code load_heat(struct engine *e, struct db *db, struct err *err)
{
    struct event_counts events;
    struct order_counts orders;
    enum err_code code = events_count(db, &events, err);
    if (code == ERR_OK)
        code = heat_events(e, db, events.last_seq - HEAT_EVENTS, events.last_seq, err);
    if (code == ERR_OK)
        code = orders_count(db, &orders, err);
    if (code == ERR_OK)
        code =
            walk_orders(e, db, orders.last_no - HEAT_ORDERS, orders.last_no, ORDER_HEATS_ONLY, err);
    if (code != ERR_OK)
        return code;
    e->heat_first = events.last_seq - HEAT_EVENTS;
    e->heat_seq = e->cooling.events = events.last_seq;
    e->heat_order = orders.last_no;
    e->replay_seq = events.last_seq - REPLAY_EVENTS;
    return ERR_OK;
}

/* --- acts of the past ------------------------------------------------------------------------ */

typedef enum err_code (*read_fn)(struct engine *e, struct db *db, int64_t first, int64_t last,
                                 struct err *err);

static enum err_code read_piece(struct engine *e, int64_t first, int64_t last, read_fn read,
                                struct err *err)
{
    struct db *db;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = read(e, db, first, last, err);
    store_read_end(e->store, db);
    atomic_store(&e->beat_ns, clock_mono_ns());
    return code;
}

static enum err_code read_pieces(struct engine *e, int64_t first, int64_t last, read_fn read,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    for (; first <= last && code == ERR_OK; first += READ_NUMBERS)
        code = read_piece(e, first, last - first < READ_NUMBERS ? last : first + READ_NUMBERS - 1,
                          read, err);
    return code;
}

enum err_code read_acts(struct engine *e, struct err *err)
{
    int64_t first = e->replay_seq > 0 ? e->replay_seq + 1 : 1;
    enum err_code code = read_pieces(e, first, e->heat_seq, apply_events, err);
    return code == ERR_OK ? read_pieces(e, 1, e->heat_order, apply_orders, err) : code;
}

static enum err_code reread_events(struct engine *e, struct db *db, int64_t first, int64_t last,
                                   struct err *err)
{
    return walk_events(e, db, first, last, false, err);
}

static enum err_code reread_orders(struct engine *e, struct db *db, int64_t first, int64_t last,
                                   struct err *err)
{
    return walk_orders(e, db, first, last, ORDER_HEATED, err);
}

/* First and last number; last 0: none. */
struct numbers {
    int64_t first, last;
};

static void widen(struct numbers *n, const struct change *c)
{
    if (n->last == 0 || c->no < n->first)
        n->first = c->no;
    if (c->last_no > n->last)
        n->last = c->last_no;
}

/* Events and orders that entries behind *at up to `last` put, as many entries as one look takes. */
static enum err_code find_acts(struct engine *e, int64_t *at, int64_t last, struct numbers *events,
                               struct numbers *orders, struct err *err)
{
    struct change changes[CHANGES_LOOK];
    struct db *db;
    size_t n = 0;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = changes_after(db, *at, changes, CHANGES_LOOK, &n, err);
    store_read_end(e->store, db);
    for (size_t i = 0; i < n && changes[i].position <= last; i++) {
        if (changes[i].aggregate == CHANGE_EVENT && changes[i].op == CHANGE_PUT)
            widen(events, &changes[i]);
        else if (changes[i].aggregate == CHANGE_ORDER)
            widen(orders, &changes[i]);
    }
    *at = n ? changes[n - 1].position : last;
    return code;
}

enum err_code reread_acts(struct engine *e, int64_t after, int64_t last, struct err *err)
{
    struct numbers events = {0}, orders = {0};
    struct db *db;
    int64_t oldest, newest;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = changes_range(db, &oldest, &newest, err);
    store_read_end(e->store, db);
    if (code == ERR_OK && after + 1 < oldest)
        code = read_acts(e, err); /* what the log no longer has, it had as this engine started */
    for (int64_t at = after; code == ERR_OK && at < last;)
        code = find_acts(e, &at, last, &events, &orders, err);
    if (code == ERR_OK && events.last)
        code = read_pieces(e, events.first > e->replay_seq ? events.first : e->replay_seq + 1,
                           events.last, reread_events, err);
    if (code == ERR_OK && orders.last)
        code = read_pieces(e, orders.first, orders.last, reread_orders, err);
    return code;
}

/* --- shoppers -------------------------------------------------------------------------------- */

enum err_code load_links(struct engine *e, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    struct user_joined joined;
    bool more;
    enum err_code code = user_links_after(db, 0, INT64_MAX, &rows, err);
    while (code == ERR_OK && (code = user_links_next(&rows, &joined, &more, err)) == ERR_OK && more)
        users_link(e->users, joined.anonymous_no, joined.user_no);
    db_rows_close(&rows);
    return code;
}

static enum err_code relink(struct engine *e, struct db *db, uint32_t no, struct err *err)
{
    uint32_t known;
    enum err_code code = user_resolve(db, no, &known, err);
    if (code != ERR_OK)
        return code;
    if (known != no)
        users_link(e->users, no, known);
    else
        users_unlink(e->users, no);
    return ERR_OK;
}

static enum err_code apply_user(struct engine *e, struct db *db, const struct change *c,
                                struct err *err)
{
    enum err_code code = ERR_OK;
    ids_forget(e->ids, c->no, c->last_no);
    for (int64_t no = c->no; code == ERR_OK && no <= c->last_no; no++) {
        if (c->op == CHANGE_DELETE) {
            users_forget(e->users, (uint32_t)no);
            note_erased(e, (uint32_t)no, c->position);
        } else if (c->op == CHANGE_LINK) {
            code = relink(e, db, (uint32_t)no, err);
        }
    }
    return code;
}

static enum err_code apply_new_events(struct engine *e, struct db *db, const struct change *c,
                                      bool known_to_model, struct err *err)
{
    int64_t first = c->no > e->replay_seq ? c->no : e->replay_seq + 1;
    enum err_code code = ERR_OK;
    if (!known_to_model && first <= c->last_no)
        code = apply_events(e, db, first, c->last_no, err);
    else if (known_to_model && c->last_no > e->heat_seq) /* the model knows no heat */
        code = heat_events(e, db, c->no > e->heat_seq ? c->no - 1 : e->heat_seq, c->last_no, err);
    if (c->last_no > e->cooling.events)
        e->cooling.events = c->last_no;
    return code;
}

/* --- dispatch -------------------------------------------------------------------------------- */

enum err_code apply_change(struct engine *e, struct db *db, const struct change *c, struct err *err)
{
    bool known_to_model = c->position <= e->model_position;
    switch (c->aggregate) {
    case CHANGE_PRODUCT:
        return apply_product(e, db, c, err);
    case CHANGE_EVENT:
        return c->op == CHANGE_DELETE ? forget_events(e, db, c, err)
                                      : apply_new_events(e, db, c, known_to_model, err);
    case CHANGE_ORDER:
        return known_to_model ? ERR_OK : apply_orders(e, db, c->no, c->last_no, err);
    case CHANGE_USER:
        return apply_user(e, db, c, err);
    case CHANGE_MODEL:
        e->model_changed = true;
        e->experiments_changed = true; /* which of their versions there are */
        return ERR_OK;
    case CHANGE_RULE:
        e->rules_changed = true;
        return ERR_OK;
    case CHANGE_CART:
    case CHANGE_KEY:
    case CHANGE_SETTING:
        return ERR_OK;
    case CHANGE_EXPERIMENT:
        e->experiments_changed = true;
        return ERR_OK;
    case CHANGE_AGGREGATES:
        return ERR_OK;
    }
    return ERR_OK;
}
