/* shown_lists.h - lists that shoppers saw, with what each product's place in it led to: what a ranker learns from.
 *
 * Model:   events bring back the id of the list that led to them (list_id.h) and the product's `position` in it, of which the
 *          first is 1. From the events of a time [from, until) a list has
 *            products  those seen, opened (click, view or favourite), or put into a cart from it, by their place
 *            label     the most that was done: seen, opened, put into a cart, bought. Bought is what a purchase event says with
 *                      the list's id, or a purchase (record_walk.h) by that shopper within SHOWN_WINDOW_US after
 *                      they opened it from the list, before `until`
 *            context   of a placement that is about a product: what the shopper looked at last, at most half an hour before
 *                      the first event of the list, because the id does not tell
 *          Clients that count from 0 are noticed by their first place, and corrected.
 * Left out: pages of rows (/v1/recommendations/rows), whose rows an id does not tell apart: two products at one place;
 *          lists about a product of which nothing says which; products of which no event told the place.
 * Sample:  past SHOWN_PRODUCTS_MAX products a half of the lists is kept, then a quarter, by a hash of their ids: the same
 *          whatever the order of arrival.
 * Memory:  32 bytes a product, and while reading 90 more.
 * Threads: any. */
#ifndef EVAL_SHOWN_LISTS_H
#define EVAL_SHOWN_LISTS_H

#include "eval/list_id.h"
#include "eval/record_walk.h"
#include "recommend/recommend.h"

enum { SHOWN_PRODUCTS_MAX = 2000000, SHOWN_PLACES = 100 /* a later place counts as the last */ };

#define SHOWN_WINDOW_US (7 * 86400 * 1000000LL)

enum shown_label { SHOWN_SEEN, SHOWN_OPENED, SHOWN_CART, SHOWN_BOUGHT };

struct shown_product {
    uint32_t product_no;
    uint16_t place; /* 1..SHOWN_PLACES */
    uint8_t label;  /* enum shown_label */
};

struct shown_list {
    int64_t time; /* UTC us, of its first event */
    size_t at;    /* in products */
    uint32_t len; /* products, by place */
    uint32_t user_no;
    uint32_t context; /* product number; 0: the placement is about none */
    enum placement placement;
};

/* All-zero is valid: none. */
struct shown_lists {
    struct shown_list *items; /* [len] by time, then by first product; owned */
    size_t len;
    struct shown_product *products; /* [products_len], owned */
    size_t products_len;
    size_t pages;           /* left out: of rows */
    size_t without_context; /* left out: about a product, and nothing says which */
    size_t without_place;   /* products left out */
    uint32_t one_in;        /* so many lists was kept; 1: all */
};

struct shown_options {
    struct walk_reading reading;
    const struct list_key *key; /* borrowed */
    unsigned
        placements; /* bit 1 << placement: read those; each is about nothing or about a product */
    size_t products_max; /* 0: SHOWN_PRODUCTS_MAX */
};

/** Into out, released with shown_lists_release, on failure too.
 *  ERR_MEMORY; as walk_events and walk_purchases_read */
ERR_MUST_USE enum err_code shown_lists_read(const struct shown_options *o, struct shown_lists *out,
                                            struct err *err);
void shown_lists_release(struct shown_lists *s);

#endif
