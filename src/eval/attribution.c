#include "eval/attribution.h"

#include <xxhash.h>

#include "base/clock.h"
#include "base/mem.h"
#include "eval/attribution_int.h"
#include "eval/record_walk.h"

enum { USUAL_ACTS = 4000000, PARTS_MAX = 1 << 12 };

/* How far a shopper's clock may be ahead of ours: a touch may seem to come so long after what it led to. */
#define AHEAD_US (300 * CLOCK_US_PER_S)

enum { NO_ROW = UINT32_MAX };

struct walk {
    const struct attribution_options *o;
    struct attribution *out;
    struct map_str index; /* of out's rows */
    struct walk_purchases purchases;
    uint32_t *led_by;     /* [purchases.len] row of the list that led to it; NO_ROW: none did */
    struct map_u64 pairs; /* shopper and product to the first of their purchases */
    struct map_u64 acts;  /* hashes of lists, and of a list with a product and what was done */
    size_t parts, part;   /* lists are counted in so many walks; which one this is */
    bool overflow;        /* more acts than may be held: more parts are needed */
};

static uint64_t pair_of(uint32_t user_no, uint32_t product_no)
{
    return (uint64_t)user_no << 32 | product_no;
}

static enum err_code index_purchases(struct walk *w, struct err *err)
{
    w->led_by = mem_try_new(w->purchases.len + 1, sizeof *w->led_by);
    if (!w->led_by)
        return err_set(err, ERR_MEMORY, "no memory for %zu purchases", w->purchases.len);
    for (size_t i = 0; i < w->purchases.len; i++) {
        bool added;
        const struct walk_purchase *p = &w->purchases.items[i];
        w->led_by[i] = NO_ROW;
        if (p->user_no == 0 || p->product_no == 0)
            continue;
        uint64_t *first = map_u64_at(&w->pairs, pair_of(p->user_no, p->product_no), &added);
        if (added)
            *first = i;
    }
    return ERR_OK;
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
    for (size_t i = *first; i < w->purchases.len; i++) {
        const struct walk_purchase *p = &w->purchases.items[i];
        if (p->user_no != e->user_no || p->product_no != e->product_no ||
            p->time - e->time > w->o->window_us)
            break;
        bool before = p->time >= e->time;
        if (before || (w->led_by[i] == NO_ROW && e->time - p->time <= AHEAD_US))
            w->led_by[i] = (uint32_t)row;
    }
}

static enum err_code take_list_event(void *arg, const struct event *e, bool *enough,
                                     struct err *err)
{
    struct walk *w = arg;
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
    *enough = w->overflow = w->acts.len > w->o->acts_max && w->parts < PARTS_MAX;
    return ERR_OK;
}

static void forget_counts(struct walk *w)
{
    for (size_t i = 0; i < w->out->len; i++)
        w->out->rows[i].requests = w->out->rows[i].impressions = w->out->rows[i].clicks =
            w->out->rows[i].carts = 0;
    for (size_t i = 0; i < w->purchases.len; i++)
        w->led_by[i] = NO_ROW;
}

static enum err_code walk_lists(struct walk *w, struct walk_reading r, struct err *err)
{
    enum err_code code = ERR_OK;
    w->parts = 1;
    for (w->part = 0; w->part < w->parts && code == ERR_OK; w->part++) {
        bool touches = w->part == 0;
        r.from = touches ? w->o->from - w->o->window_us : w->o->from;
        r.until = touches ? w->o->until + AHEAD_US : w->o->until;
        w->overflow = false;
        code = walk_events(&r, take_list_event, w, err);
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
    for (size_t i = 0; i < w->purchases.len && code == ERR_OK; i++) {
        const struct walk_purchase *p = &w->purchases.items[i];
        struct attribution_row *row =
            w->led_by[i] == NO_ROW ? &w->out->others : &w->out->rows[w->led_by[i]];
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
    struct walk w = {.o = &o, .out = out};
    struct walk_reading r = {
        .store = store, .from = o.from, .until = o.until, .stopping = o.stopping, .arg = o.arg};
    o.acts_max = o.acts_max ? o.acts_max : USUAL_ACTS;
    o.window_us = o.window_us ? o.window_us : ATTRIBUTION_WINDOW_US;
    enum err_code code = attribution_check(&o, err);
    if (code == ERR_OK)
        code = walk_purchases_read(&r, &w.purchases, err);
    if (code == ERR_OK)
        code = index_purchases(&w, err);
    if (code == ERR_OK)
        code = walk_lists(&w, r, err);
    if (code == ERR_OK)
        code = credit_purchases(&w, err);
    drop_empty(out);
    attribution_sort(out);
    mem_free(w.led_by);
    walk_purchases_release(&w.purchases);
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
