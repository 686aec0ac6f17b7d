/* changes.h - the log of what changed, the only feed of overlays, live columns and user state.
 *
 * Model:   every writing transaction appends what it changed, in the same transaction; repositories
 *          do it, callers never. An entry covers the numbers no..last_no of one aggregate, so a
 *          thousand new events are one entry. Entries say that something changed, not what: the
 *          reader loads the record, whose newest state may already include later entries. Within a
 *          transaction entries of different aggregates have no order.
 * Reading: keep the position of the last entry seen, ask for those after it. An artefact records
 *          the position that it was built from. If that is below the oldest one, build anew. */
#ifndef STORE_CHANGES_H
#define STORE_CHANGES_H

#include "store/store.h"

enum change_aggregate {
    CHANGE_PRODUCT = 1, /* numbers are product_no */
    CHANGE_USER,        /* user_no, anonymous ones included */
    CHANGE_EVENT,       /* seq */
    CHANGE_CART,        /* user_no of the owner */
    CHANGE_ORDER,       /* order no */
    CHANGE_MODEL = 7,   /* model version no; 6 is not given again */
    CHANGE_KEY,         /* API key no */
    CHANGE_SETTING,     /* always 0 */
    CHANGE_RULE,        /* business rule no */
    CHANGE_AGGREGATES
};

enum change_op {
    CHANGE_PUT = 1, /* made or replaced */
    CHANGE_LIVE,    /* a product's price, list price, stock or status only */
    CHANGE_DELETE,
    CHANGE_LINK,  /* CHANGE_USER of an anonymous shopper: joined to or parted from a known one */
    CHANGE_STAGE, /* as put or live, of a product; readers are to see it with the next of */
    CHANGE_SHOW,  /* number 0: all that was staged, at once */
};

struct change {
    int64_t position; /* grows, with gaps */
    enum change_aggregate aggregate;
    enum change_op op;
    int64_t no, last_no; /* first and last number, inclusive */
};

/** Copy up to cap entries after a position, in order. *len 0: nothing new. */
ERR_MUST_USE enum err_code changes_after(struct db *db, int64_t position, struct change *out,
                                         size_t cap, size_t *len, struct err *err);

/** Positions of the first and last entry that exist; 0 and 0 in a new shop. */
ERR_MUST_USE enum err_code changes_range(struct db *db, int64_t *oldest, int64_t *newest,
                                         struct err *err);

/** Forget entries up to and including position (never the newest one). *removed (may be NULL) counts
 *  them. */
ERR_MUST_USE enum err_code changes_trim(struct store_tx *tx, int64_t position, int64_t *removed,
                                        struct err *err);

#endif
