/* visit.c - the course of a visit: search or browse, look, like, carry to the till. */
#include "demo/visit_int.h"

#include <math.h>

#include "base/check.h"
#include "base/clock.h"

static const double p_search = .45;      /* of visits begin in the search field */
static const double p_search_again = .5; /* for another kind of thing */
static const double p_logged = .11;      /* of lists leave impressions */
static const double p_favourite = .05;   /* of views */
static const double p_checkout = .62;    /* of filled carts */
static const double p_remove = .3;       /* of those left behind */
static const double p_rate = .18;        /* of purchases remembered at a visit */
static const double looking = 3.8;       /* utility of putting nothing into the cart */
static const double position_decay = .18;

/* A list on the screen. */
struct list {
    uint32_t items[LIST_MAX];
    double worth[LIST_MAX]; /* utility; -INFINITY once looked at */
    int len;
    int shown; /* number of the list where it left impressions, else -1 */
    uint32_t anchor;
};

static enum err_code show(struct visit *v, struct list *l, struct err *err)
{
    for (int i = 0; i < l->len; i++)
        l->worth[i] = visit_utility(v, l->items[i], l->anchor);
    l->shown = -1;
    if (rng_unit(&v->rng) >= p_logged)
        return ERR_OK;
    l->shown = (int)v->lists++;
    for (int i = 0; i < l->len; i++) {
        struct event_details d = {.item = l->items[i], .list = l->shown, .position = i};
        enum err_code code = visit_emit(v, EVENT_IMPRESSION, &d, err);
        if (code)
            return code;
    }
    return ERR_OK;
}

/* The next one to look at: logit with position bias, without those already seen; -1 at the end. */
static int draw_look(struct visit *v, const struct list *l)
{
    double weights[LIST_MAX], sum = 0;
    for (int i = 0; i < l->len; i++) {
        weights[i] = exp(l->worth[i]) / (1 + position_decay * i);
        sum += weights[i];
    }
    if (!(sum > 0))
        return -1;
    double target = rng_unit(&v->rng) * sum;
    int at = -1;
    for (int i = 0; i < l->len; i++) {
        if (weights[i] > 0)
            at = i;
        if ((target -= weights[i]) < 0)
            break;
    }
    return at;
}

static enum err_code look_at(struct visit *v, struct list *l, int position, struct err *err)
{
    struct event_details d = {
        .item = l->items[position], .list = l->shown, .position = l->shown < 0 ? -1 : position};
    enum err_code code;
    if (l->shown >= 0 && (code = visit_emit(v, EVENT_CLICK, &d, err)))
        return code;
    d.pause_s = 35;
    if ((code = visit_emit(v, EVENT_VIEW, &d, err)))
        return code;
    double eager = 1 / (1 + exp(-l->worth[position]));
    if (rng_unit(&v->rng) >= 2 * p_favourite * eager)
        return ERR_OK;
    d.pause_s = 5;
    return visit_emit(v, EVENT_FAVOURITE, &d, err);
}

static bool in_cart(const struct visit *v, uint32_t item)
{
    for (int i = 0; i < v->cart_len; i++)
        if (v->cart[i].item == item)
            return true;
    return false;
}

static enum err_code put_into_cart(struct visit *v, uint32_t item, struct err *err)
{
    if (v->cart_len == CART_MAX || in_cart(v, item))
        return ERR_OK;
    const struct catalogue *c = &v->world->catalogue;
    bool several = c->types[c->items[item].type].row->flags & TYPE_CONSUMABLE;
    uint32_t quantity = several ? 1 + (uint32_t)rng_below(&v->rng, 3) : 1;
    v->cart[v->cart_len++] = (struct choice){item, quantity};
    struct event_details d = {
        .item = item, .list = -1, .position = -1, .quantity = quantity, .pause_s = 20};
    return visit_emit(v, EVENT_ADD_TO_CART, &d, err);
}

/* Choose one of the seen[n] or nothing: logit with an outside option. What is out of stock is looked
 * at, too, but cannot be taken. Returns its place, or -1. */
static int choose(struct visit *v, const uint32_t *seen, const double *worth, int n, double outside)
{
    double sum = exp(outside);
    for (int i = 0; i < n; i++)
        if (v->world->catalogue.items[seen[i]].stock > 0)
            sum += exp(worth[i]);
    double target = rng_unit(&v->rng) * sum - exp(outside);
    for (int i = 0; i < n && target >= 0; i++) {
        if (v->world->catalogue.items[seen[i]].stock == 0)
            continue;
        if ((target -= exp(worth[i])) < 0)
            return i;
    }
    return -1;
}

/* Look through a list, perhaps take something; *taken receives it, or NO_ITEM. */
static enum err_code go_through(struct visit *v, struct list *l, double outside, uint32_t *taken,
                                struct err *err)
{
    *taken = NO_ITEM;
    enum err_code code = show(v, l, err);
    if (code)
        return code;
    uint32_t seen[LIST_MAX];
    double worth[LIST_MAX];
    int n = 0, looks = 1 + (int)rng_poisson(&v->rng, 1.7);
    while (n < looks && n < LIST_MAX) {
        int at = draw_look(v, l);
        if (at < 0)
            break;
        if ((code = look_at(v, l, at, err)))
            return code;
        seen[n] = l->items[at];
        worth[n++] = l->worth[at];
        l->worth[at] = -INFINITY;
    }
    int chosen = choose(v, seen, worth, n, outside);
    if (chosen < 0)
        return ERR_OK;
    *taken = seen[chosen];
    return put_into_cart(v, *taken, err);
}

/* What goes with something that was just taken. */
static enum err_code complete(struct visit *v, uint32_t taken, struct err *err)
{
    const struct catalogue *c = &v->world->catalogue;
    const struct type_info *t = &c->types[c->items[taken].type];
    if (t->with_len == 0 || rng_unit(&v->rng) >= .45)
        return ERR_OK;
    struct list l = {.anchor = taken};
    int type = t->with[rng_below(&v->rng, (uint64_t)t->with_len)];
    l.len = visit_consider(v, type, taken, true, 6, l.items);
    uint32_t also;
    return go_through(v, &l, looking - 1.6, &also, err);
}

static enum err_code search(struct visit *v, const struct list *l, struct err *err)
{
    if (l->len == 0)
        return ERR_OK;
    uint32_t wanted = NO_ITEM; /* he has in mind what comes nearest to what he would like */
    double most = -INFINITY;
    for (int i = 0; i < l->len; i++) {
        double worth = visit_utility(v, l->items[i], l->anchor);
        if (worth > most) {
            most = worth;
            wanted = l->items[i];
        }
    }
    struct buf *text = &v->world->text;
    buf_reset(text);
    visit_put_query(v, wanted, text);
    struct event_details d = {
        .item = NO_ITEM, .query = buf_str(text), .list = -1, .position = -1, .pause_s = 6};
    return visit_emit(v, EVENT_SEARCH, &d, err);
}

static enum err_code hunt(struct visit *v, int type, uint32_t anchor, double p_typed,
                          struct err *err)
{
    bool typed = rng_unit(&v->rng) < p_typed;
    struct list l = {.anchor = anchor};
    int want = typed ? 12 : 10;
    l.len = visit_consider(v, type, anchor, typed, want, l.items);
    enum err_code code;
    if (typed && (code = search(v, &l, err)))
        return code;
    uint32_t taken;
    code = go_through(v, &l, looking - (typed ? .4 : 0), &taken, err);
    return code || taken == NO_ITEM ? code : complete(v, taken, err);
}

/* The same thing again: he knows where it stands. */
static enum err_code buy_again(struct visit *v, uint32_t item, struct err *err)
{
    struct event_details d = {.item = item, .list = -1, .position = -1, .pause_s = 15};
    enum err_code code = visit_emit(v, EVENT_VIEW, &d, err);
    if (code || rng_unit(&v->rng) >= .7 || v->world->catalogue.items[item].stock == 0)
        return code;
    return put_into_cart(v, item, err);
}

static enum err_code rate_purchase(struct visit *v, struct err *err)
{
    struct shopper *s = v->shopper;
    for (int i = 0; i < s->bought_len; i++) {
        struct bought *b = &s->bought[i];
        if (b->rated || v->start_s - b->at_s < 5 * 86400 || rng_unit(&v->rng) >= p_rate)
            continue;
        b->rated = true;
        double stars = round(4.1 + .25 * (visit_utility(v, b->item, NO_ITEM) - 1.5) +
                             .7 * rng_normal(&v->rng));
        struct event_details d = {.item = b->item,
                                  .list = -1,
                                  .position = -1,
                                  .pause_s = 20,
                                  .rating = stars > 5   ? 5
                                            : stars < 1 ? 1
                                                        : stars};
        return visit_emit(v, EVENT_RATING, &d, err);
    }
    return ERR_OK;
}

static enum err_code leave_behind(struct visit *v, struct err *err)
{
    if (rng_unit(&v->rng) >= p_remove)
        return ERR_OK;
    struct choice last = v->cart[v->cart_len - 1];
    struct event_details d = {
        .item = last.item, .list = -1, .position = -1, .quantity = last.quantity, .pause_s = 5};
    return visit_emit(v, EVENT_REMOVE_FROM_CART, &d, err);
}

static enum err_code walk(struct visit *v, struct err *err)
{
    enum err_code code = rate_purchase(v, err);
    if (code)
        return code;
    int type;
    uint32_t anchor;
    enum reason reason = visit_reason(v, &type, &anchor);
    if (reason == REASON_AGAIN && (code = buy_again(v, anchor, err)))
        return code;
    if (reason != REASON_AGAIN && (code = hunt(v, type, anchor, p_search, err)))
        return code;
    while (rng_unit(&v->rng) < .38 && !code) {
        bool wander = rng_unit(&v->rng) < .25 && reason == REASON_INTEREST;
        if (wander)
            visit_reason(v, &type, &anchor);
        else
            type = visit_neighbour_type(v, type);
        code = hunt(v, type, NO_ITEM, wander ? p_search_again : p_search / 2, err);
    }
    if (code || v->cart_len == 0)
        return code;
    return rng_unit(&v->rng) < p_checkout ? visit_buy(v, err) : leave_behind(v, err);
}

enum err_code visit_run(struct world *w, uint32_t number, uint32_t who, int32_t start_s,
                        struct err *err)
{
    struct visit v = {
        .world = w,
        .number = number,
        .who = who,
        .shopper = &w->shoppers.list[who],
        .clock_us = w->catalogue.now_us - (86400LL * HISTORY_DAYS - start_s) * CLOCK_US_PER_S,
        .start_s = start_s,
    };
    v.month = clock_civil_of(v.clock_us).month - 1;
    rng_init_stream(&v.rng, w->catalogue.seed, STREAM_VISIT + number);
    v.clock_us += (int64_t)rng_below(&v.rng, CLOCK_US_PER_S / 1000) * 1000;
    enum err_code code = walk(&v, err);
    w->totals->sessions += v.events > 0; /* a shelf may have been empty still */
    return code;
}
