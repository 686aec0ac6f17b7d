/* record_walk.h - what happened in a time, told from the record: events in order, and purchases each once.
 *
 * Reading: in transactions of some thousand rows each, so that nobody waits; events that arrive meanwhile may be missed,
 *          none comes twice. Erased shoppers are in nothing; what a guest did is the known shopper's to whom they are
 *          joined.
 * Threads: any; one at a time for each walk. */
#ifndef EVAL_RECORD_WALK_H
#define EVAL_RECORD_WALK_H

#include "store/records.h"
#include "store/store.h"

enum { WALK_PURCHASES_MAX = 1 << 24 };

struct walk_reading {
    struct store *store;         /* borrowed */
    int64_t from, until;         /* UTC us: from <= time < until */
    bool (*stopping)(void *arg); /* asked between transactions; NULL: no */
    void *arg;
};

/** Take an event, borrowed until return, by (time, id). *enough: the walk ends here. */
typedef enum err_code walk_event_fn(void *arg, const struct event *e, bool *enough,
                                    struct err *err);

/** ERR_CANCELLED  stopping said so; else what take or the store reports */
ERR_MUST_USE enum err_code walk_events(const struct walk_reading *r, walk_event_fn *take, void *arg,
                                       struct err *err);

struct walk_purchase {
    int64_t time;
    int64_t minor;                /* what it came to */
    uint32_t user_no, product_no; /* 0: not known */
    currency_code currency;       /* 0: without an amount */
    bool told_by_event;           /* and not by a line of an order */
};

/* All-zero is a valid empty one. */
struct walk_purchases {
    struct walk_purchase *items; /* [len] by shopper, product, time; owned */
    size_t len, cap;
};

/** Lines that orders sold and purchase events, into an empty out. Where a shopper has orders, purchase events from the day
 *  before the first of them on tell the same again and are left out (as in ingest/derive.h); cancelled orders, too.
 *  ERR_LIMIT  more than WALK_PURCHASES_MAX; ERR_MEMORY; as walk_events */
ERR_MUST_USE enum err_code walk_purchases_read(const struct walk_reading *r,
                                               struct walk_purchases *out, struct err *err);
void walk_purchases_release(struct walk_purchases *p);

#endif
