#include "demo/create.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/mem.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/users.h"

enum { BATCH_MAX = 2000, BATCH_BYTES_MAX = 64 << 20, SETTING_MAX = 512 };

#define SHOP_NAME "{\"en\":\"Lantern Street\",\"zh\":\"灯笼街\"}"

/* Records that wait for one transaction, with all they point to in the arena. */
struct batch {
    struct store *store;
    struct progress *progress; /* or NULL */
    struct arena arena;
    struct product products[BATCH_MAX];
    struct user users[BATCH_MAX];
    struct event events[BATCH_MAX];
    struct order orders[BATCH_MAX];
    size_t products_len, users_len, events_len, orders_len;
};

static enum err_code write_batch(struct store_tx *tx, void *arg, struct err *err)
{
    struct batch *b = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < b->products_len && !code; i++)
        code = product_put(tx, &b->products[i], NULL, NULL, err);
    for (size_t i = 0; i < b->users_len && !code; i++)
        code = user_put(tx, &b->users[i], NULL, NULL, err);
    if (!code && b->events_len)
        code = events_add(tx, b->events, b->events_len, 0, NULL, NULL, err);
    for (size_t i = 0; i < b->orders_len && !code; i++)
        code = order_put(tx, &b->orders[i], 0, NULL, err);
    return code;
}

static enum err_code flush(struct batch *b, struct err *err)
{
    enum err_code code = store_write(b->store, write_batch, b, err);
    arena_reset(&b->arena);
    b->products_len = b->users_len = b->events_len = b->orders_len = 0;
    return code;
}

/* One more record stands in a list that has now len. */
static enum err_code taken(struct batch *b, size_t len, struct err *err)
{
    if (b->progress)
        progress_add(b->progress, 1);
    return len < BATCH_MAX ? ERR_OK : flush(b, err);
}

static void keep(struct batch *b, struct str *s)
{
    if (s->n)
        *s = arena_str(&b->arena, *s);
}

static enum err_code take_product(void *ctx, const struct product *given, struct err *err)
{
    struct batch *b = ctx;
    struct product *p = &b->products[b->products_len++];
    *p = *given;
    struct str *const texts[] = {&p->id,      &p->group_id, &p->title,       &p->description,
                                 &p->brand,   &p->category, &p->images,      &p->attributes,
                                 &p->tags,    &p->url,      &p->supplier_id, &p->translations,
                                 &p->language};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep(b, texts[i]);
    return taken(b, b->products_len, err);
}

static enum err_code take_user(void *ctx, const struct user *given, struct err *err)
{
    struct batch *b = ctx;
    struct user *u = &b->users[b->users_len++];
    *u = *given;
    keep(b, &u->id);
    keep(b, &u->attributes);
    return taken(b, b->users_len, err);
}

static enum err_code take_event(void *ctx, const struct event *given, struct err *err)
{
    struct batch *b = ctx;
    struct event *e = &b->events[b->events_len++];
    *e = *given;
    struct str *const texts[] = {&e->id,    &e->user_id,    &e->anonymous_id, &e->session_id,
                                 &e->query, &e->product_id, &e->request_id,   &e->context};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep(b, texts[i]);
    return taken(b, b->events_len, err);
}

static enum err_code take_order(void *ctx, const struct order *given, struct err *err)
{
    struct batch *b = ctx;
    struct order *o = &b->orders[b->orders_len++];
    *o = *given;
    struct str *const texts[] = {&o->id,      &o->user_id, &o->anonymous_id,
                                 &o->address, &o->payment, &o->coupons};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep(b, texts[i]);
    struct order_line *lines = ARENA_NEW(&b->arena, struct order_line, given->lines_len);
    memcpy(lines, given->lines, given->lines_len * sizeof *lines);
    for (uint32_t i = 0; i < given->lines_len; i++)
        keep(b, &lines[i].product_id);
    o->lines = lines;
    return b->orders_len < BATCH_MAX ? ERR_OK : flush(b, err);
}

/* --- the setting ------------------------------------------------------------------------------- */

/* What the setting says: which shop is being made, and whether it is done. */
struct state {
    struct demo_options options;
    bool complete;
};

static struct str print_state(const struct state *st, struct arena *arena)
{
    const struct demo_options *o = &st->options;
    return arena_printf(arena,
                        "{\"seed\":%lld,\"products\":%u,\"users\":%u,\"events\":%llu,"
                        "\"now_us\":%lld,\"complete\":%s}",
                        (long long)o->seed, o->products, o->users, (unsigned long long)o->events,
                        (long long)o->now_us, st->complete ? "true" : "false");
}

static enum err_code parse_state(struct str text, struct state *st, struct err *err)
{
    struct json_reader r;
    struct str key;
    int64_t seed = 0, products = 0, users = 0, events = 0;
    *st = (struct state){0};
    jr_init(&r, text, NULL);
    if (jr_obj(&r)) {
        while (jr_key(&r, &key)) {
            if (str_is(key, "seed"))
                jr_i64(&r, INT64_MIN, INT64_MAX, &seed);
            else if (str_is(key, "products"))
                jr_i64(&r, 1, DEMO_PRODUCTS_MAX, &products);
            else if (str_is(key, "users"))
                jr_i64(&r, 1, DEMO_USERS_MAX, &users);
            else if (str_is(key, "events"))
                jr_i64(&r, 1, DEMO_EVENTS_MAX, &events);
            else if (str_is(key, "now_us"))
                jr_i64(&r, 1, INT64_MAX, &st->options.now_us);
            else if (str_is(key, "complete"))
                jr_bool(&r, &st->complete);
        }
    }
    st->options.seed = (uint64_t)seed;
    st->options.products = (uint32_t)products;
    st->options.users = (uint32_t)users;
    st->options.events = (uint64_t)events;
    enum err_code code = jr_end(&r, err);
    return code ? err_prefix(err, code, "setting %s", DEMO_SETTING) : ERR_OK;
}

/* *found is false where the store has no such setting. */
static enum err_code read_state(struct db *db, struct state *st, bool *found, struct err *err)
{
    struct arena arena;
    arena_init(&arena, SETTING_MAX, SETTING_MAX);
    struct str text = {0};
    enum err_code code = setting_get(db, STR_LIT(DEMO_SETTING), &arena, &text, err);
    *found = !code && text.p;
    if (*found)
        code = parse_state(text, st, err);
    arena_release(&arena);
    return code;
}

static enum err_code write_state(struct store_tx *tx, void *arg, struct err *err)
{
    struct arena arena;
    arena_init(&arena, SETTING_MAX, SETTING_MAX);
    enum err_code code = setting_put(tx, STR_LIT(DEMO_SETTING), print_state(arg, &arena), err);
    if (!code)
        code = setting_put(tx, STR_LIT(DEMO_NAME_SETTING), STR_LIT(SHOP_NAME), err);
    arena_release(&arena);
    return code;
}

static bool same_shop(const struct demo_options *a, const struct demo_options *b)
{
    return a->seed == b->seed && a->products == b->products && a->users == b->users &&
           a->events == b->events && a->now_us == b->now_us;
}

/* May this shop be made here? Takes over now_us of one that was begun. *complete tells that nothing is
 * left to do. */
static enum err_code look_around(struct db *db, struct demo_options *o, bool *complete,
                                 struct err *err)
{
    struct state st;
    bool found;
    *complete = false;
    enum err_code code = read_state(db, &st, &found, err);
    if (code)
        return code;
    if (found) {
        if (!o->now_us)
            o->now_us = st.options.now_us;
        *complete = st.complete;
        if (same_shop(o, &st.options))
            return ERR_OK;
        return err_set(err, ERR_CONFLICT, "this folder holds another demonstration shop");
    }
    if (!o->now_us)
        o->now_us = demo_today_us();
    struct product_counts counts;
    if ((code = products_count(db, &counts, err)))
        return code;
    if (counts.max_no > 0)
        return err_set(err, ERR_CONFLICT, "this folder holds a shop that is no demonstration shop");
    return ERR_OK;
}

static enum err_code fill(struct store *store, const struct demo_options *options,
                          struct progress *progress, struct demo_totals *totals, struct err *err)
{
    struct batch *b = MEM_NEW(struct batch);
    b->store = store;
    b->progress = progress;
    arena_init(&b->arena, 1 << 20, BATCH_BYTES_MAX);
    const struct demo_sink sink = {
        .ctx = b,
        .on_product = take_product,
        .on_user = take_user,
        .on_event = take_event,
        .on_order = take_order,
    };
    enum err_code code = demo_generate(options, &sink, totals, err);
    if (!code)
        code = flush(b, err);
    arena_release(&b->arena);
    mem_free(b);
    return code;
}

enum err_code demo_create(struct store *store, const struct demo_options *options,
                          struct progress *progress, struct demo_totals *totals, struct err *err)
{
    if (totals)
        *totals = (struct demo_totals){0};
    struct state st = {0};
    enum err_code code = demo_options_fill(options, &st.options, err);
    if (code)
        return code;
    struct db *db = NULL;
    bool complete = false;
    if ((code = store_read_begin(store, &db, err)))
        return code;
    code = look_around(db, &st.options, &complete, err);
    store_read_end(store, db);
    if (code || complete)
        return code;
    if ((code = store_write(store, write_state, &st, err)))
        return code;
    if ((code = fill(store, &st.options, progress, totals, err)))
        return code;
    st.complete = true;
    return store_write(store, write_state, &st, err);
}

enum err_code demo_is_here(struct db *db, bool *here, struct err *err)
{
    struct state st;
    bool found;
    enum err_code code = read_state(db, &st, &found, err);
    *here = !code && found && st.complete;
    return code;
}
