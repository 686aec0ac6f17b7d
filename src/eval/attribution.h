/* attribution.h - what the lists that were served led to.
 *
 * Model:   events say by `request_id` which list led to them, and the id says what made the list (list_id.h). From the
 *          events and orders of a time [from, until):
 *            requests     lists of which a product was seen, opened, liked or put into a cart
 *            impressions  products seen, each once a list
 *            clicks       products opened (click or view), each once a list
 *            carts        products put into a cart, each once a list
 *            purchases    pieces of orders (lines) and purchase events whose last touch was a list: the newest click, view,
 *                         favourite, cart or purchase event of that shopper and product that carries an id of this shop,
 *                         at most `window_us` before; without one, the first within five minutes after, since
 *                         shoppers' clocks are not ours. Seeing alone is no touch
 *            revenue      what those lines came to, by currency, in minor units
 *          A purchase counts once: where a shopper has orders, purchase events from the day before the first of them on tell
 *          the same again, and cancelled orders count for nothing (record_walk.h). What comes back later is
 *          not taken off.
 * Same:    everything is by (time, id) of events, nothing by when they came; a duplicate event is none (store/events.h); what
 *          a guest did is the known shopper's as soon as they are joined; erased shoppers are in nothing. Nothing
 *          is kept beside the record, so nothing can disagree with it.
 * Cost:    two walks in short transactions, of the events from window_us before the time on: docs/experiments.md.
 * Memory:  about 60 bytes a purchase and 40 a product of a list; past `acts_max` of those the walk is repeated for one part of
 *          the lists after the other.
 * Threads: any; one at a time for each result. */
#ifndef EVAL_ATTRIBUTION_H
#define EVAL_ATTRIBUTION_H

#include "base/json_writer.h"
#include "eval/list_id.h"
#include "store/records.h"

enum {
    ATTRIBUTION_KINDS_MAX = 1 << 16, /* of lists: placement, model, variants */
    ATTRIBUTION_CURRENCIES_MAX = 16,
};

/** The longest time of one report, and the usual window. */
#define ATTRIBUTION_SPAN_MAX_US (400 * 86400 * 1000000LL)
#define ATTRIBUTION_WINDOW_US   (7 * 86400 * 1000000LL)

struct attribution_money {
    currency_code currency;
    int64_t minor;
};

struct attribution_row {
    struct str placement, model;                     /* empty: all; model of none: also empty */
    struct list_variant variants[LIST_VARIANTS_MAX]; /* grouped: at most one */
    size_t variants_len;
    uint64_t requests, impressions, clicks, carts, purchases;
    struct attribution_money revenue[ATTRIBUTION_CURRENCIES_MAX]; /* [revenue_len] by currency */
    size_t revenue_len;
};

struct attribution {
    struct attribution_row *rows; /* [len] by placement, model, experiment, variant; owned */
    size_t len, cap;
    struct attribution_row others; /* purchases that no list led to */
    struct arena texts;
};

/** All-zero is a valid empty one. */
void attribution_release(struct attribution *a);

struct attribution_options {
    int64_t from, until;         /* UTC us */
    int64_t window_us;           /* 0: ATTRIBUTION_WINDOW_US */
    const struct list_key *key;  /* borrowed */
    size_t acts_max;             /* 0: 4,000,000 */
    bool (*stopping)(void *arg); /* asked between transactions; NULL: no */
    void *arg;
};

/** ERR_INVALID  from is not before until, or too long before; a window out of range */
ERR_MUST_USE enum err_code attribution_check(const struct attribution_options *o, struct err *err);

/** Into an empty out, a row for each kind of list.
 *  ERR_INVALID    as attribution_check
 *  ERR_LIMIT      more kinds, purchases or currencies than the caps
 *  ERR_CANCELLED  stopping said so; ERR_MEMORY; what the store reports */
ERR_MUST_USE enum err_code attribution_read(struct store *store,
                                            const struct attribution_options *o,
                                            struct attribution *out, struct err *err);

enum attribution_by { BY_PLACEMENT = 1 << 0, BY_MODEL = 1 << 1, BY_VARIANT = 1 << 2 };

/** Sum rows that are alike in what `by` names, into an empty out. A list that was in several experiments counts for a
 *  variant of each; one that was in none has a row without a variant.
 *  ERR_LIMIT as attribution_read */
ERR_MUST_USE enum err_code attribution_group(const struct attribution *a, unsigned by,
                                             struct attribution *out, struct err *err);

/** Read, group and write as /v1/reports/attribution answers (docs/http-api.md). Errors as both. */
ERR_MUST_USE enum err_code attribution_report(struct store *store,
                                              const struct attribution_options *o, unsigned by,
                                              struct json_writer *w, struct err *err);

/** "placement,model,variant" in any order, none of them twice. ERR_INVALID  names what is wrong. */
ERR_MUST_USE enum err_code attribution_by_of(struct str names, unsigned *by, struct err *err);

#endif
