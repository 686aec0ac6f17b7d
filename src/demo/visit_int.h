/* visit_int.h - one visit to the shop: why the shopper came, what he saw, what he chose.
 *
 * Model:   docs/demo-shop.md. A visit is drawn from the stream (seed, its number) and depends on
 *          earlier ones through the shopper's memory alone.
 * Threads: one at a time. */
#ifndef DEMO_VISIT_INT_H
#define DEMO_VISIT_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "demo/demo.h"
#include "demo/shoppers_int.h"

#define NO_ITEM UINT32_MAX

enum {
    LIST_MAX = 16, /* products in one list */
    CART_MAX = 8,
};

enum reason {
    REASON_INTEREST,   /* a department and type of his own */
    REASON_GIFT,       /* for somebody else */
    REASON_COMPLEMENT, /* goes with something bought */
    REASON_AGAIN,      /* used up, bought again */
};

/** What all visits share. */
struct world {
    struct catalogue catalogue;
    struct shoppers shoppers;
    const struct demo_sink *sink;
    struct demo_totals *totals;
    struct buf ids;  /* texts of the event that is being written */
    struct buf text; /* texts of the order that is being written */
};

/** A line of the cart. */
struct choice {
    uint32_t item;
    uint32_t quantity;
};

struct visit {
    struct world *world;
    struct rng rng;
    uint32_t number;
    uint32_t who;
    struct shopper *shopper;
    int64_t clock_us; /* now within the visit */
    int32_t start_s;  /* seconds since the history began */
    int month;        /* 0..11 */
    uint32_t events;  /* written so far */
    uint32_t lists;   /* shown so far, for request ids */
    struct choice cart[CART_MAX];
    int cart_len;
};

/** Why, and for which type: fills *type and, where something is the reason, *anchor (else NO_ITEM). */
enum reason visit_reason(struct visit *v, int *type, uint32_t *anchor);

/** Another type of the same department, by the shopper's liking. */
int visit_neighbour_type(struct visit *v, int type);

/** What item is worth to the shopper now: the systematic part of the logit. anchor (or NO_ITEM) is
 *  what it should go with. */
double visit_utility(const struct visit *v, uint32_t item, uint32_t anchor);

/** Fill list with up to want different products of the type (and, unless narrow, of its neighbours) in
 *  the order in which the shop shows them. Returns how many. */
int visit_consider(struct visit *v, int type, uint32_t anchor, bool narrow, int want,
                   uint32_t list[LIST_MAX]);

/** Append what the shopper types when he looks for item. */
void visit_put_query(struct visit *v, uint32_t item, struct buf *out);

/** Run visit number `number` of shopper `who`, starting start_s seconds into the history.
 *  Returns what the sink returned. */
ERR_MUST_USE enum err_code visit_run(struct world *w, uint32_t number, uint32_t who,
                                     int32_t start_s, struct err *err);

/** What an event says. */
struct event_details {
    uint32_t item;       /* or NO_ITEM */
    struct str query;    /* EVENT_SEARCH */
    int list, position;  /* of the list that led here, and the place in it; -1: none */
    uint32_t quantity;   /* 0: 1 */
    int64_t value_minor; /* 0: none */
    double rating;
    uint32_t pause_s; /* seconds until the next event, on average */
};

/** Write an event of this visit and let some seconds pass. */
ERR_MUST_USE enum err_code visit_emit(struct visit *v, enum event_type type,
                                      const struct event_details *d, struct err *err);

/** Buy what lies in the cart: purchase events, the order, the shopper's memory. */
ERR_MUST_USE enum err_code visit_buy(struct visit *v, struct err *err);

#endif
