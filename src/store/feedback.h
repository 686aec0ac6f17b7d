/* feedback.h - events that are told apart by what they say, not by when: one of each type between a
 * shopper and a product, which can be replaced and withdrawn.
 *
 * Model:   feedback is an event of the log (events.h) with a type of its own, any short text ("read",
 *          "star"), of which the caller says what kind of event it is. (type, shopper, product) is its
 *          identity: a second one is left out, or replaces the first. Replacing and withdrawing leave
 *          the old row in the log, marked, until compaction; every reading but events_withdrawn leaves
 *          it out, and the change log tells it as CHANGE_DELETE of its number.
 * Readers: feedback alone is found by shopper and by product; what else shoppers did is in the log of
 *          events only. Feedback on deleted products and of erased shoppers is not told. */
#ifndef STORE_FEEDBACK_H
#define STORE_FEEDBACK_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

enum { FEEDBACK_TYPES_MAX = 256 };

struct feedback {
    struct str type; /* required, as an id */
    /* As events_add takes them; user_id is a known shopper's. From a reading: seq, time, user_id, user_no,
     * product_id, product_no, feedback and context. */
    struct event event;
};

enum {
    FEEDBACK_REPLACES = 1,        /* else the first one stays */
    FEEDBACK_CREATES_USERS = 2,   /* else that of an unknown shopper is left out */
    FEEDBACK_CREATES_PRODUCTS = 4 /* active, titled by their ids; else as above */
};

/** Add or replace in order. event.id is given here. seq is 0 where nothing was written.
 *  ERR_INVALID  as event_check, naming the place: "feedback 3: ..."
 *  ERR_LIMIT    more than FEEDBACK_TYPES_MAX types
 *  Cost: some 10 us each. */
ERR_MUST_USE enum err_code feedback_put(struct store_tx *tx, struct feedback *items, size_t n,
                                        unsigned flags, struct err *err);

/** Withdraw what a shopper said of a product: of one type, or of any (type empty). *n counts. */
ERR_MUST_USE enum err_code feedback_withdraw(struct store_tx *tx, struct str user_id,
                                             struct str product_id, struct str type, int64_t *n,
                                             struct err *err);

/** A place in the order of (type, shopper, product), by number; all zero: before everything. */
struct feedback_place {
    int64_t type;
    uint32_t user_no, product_no;
};

/** Behind a place, in order, at most limit rows. type empty: all types; an unknown one has none. */
ERR_MUST_USE enum err_code feedback_after(struct db *db, struct feedback_place place,
                                          struct str type, int64_t limit, struct db_rows *rows,
                                          struct err *err);

/** That of a shopper (user_id), on a product (product_id), or both: at least one is given. type as
 *  above. At most limit rows. */
ERR_MUST_USE enum err_code feedback_of(struct db *db, struct str user_id, struct str product_id,
                                       struct str type, int64_t limit, struct db_rows *rows,
                                       struct err *err);

/** Products that a shopper gave feedback on, of times up to until_us, those that came last first.
 *  out  [cap]
 *  Of a shopper with more than FEEDBACK_LOOKED_AT they are of those that are looked at, the first in the
 *  order of feedback_after: enough for a list, and never long. */
enum { FEEDBACK_LOOKED_AT = 5000 };
ERR_MUST_USE enum err_code feedback_products(struct db *db, uint32_t user_no, int64_t until_us,
                                             uint32_t *out, size_t cap, size_t *n, struct err *err);

/** The next row. *told is false for one that only its place is known of: its product was deleted, or
 *  its shopper erased. Texts are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code feedback_next(struct db_rows *rows, struct feedback *out, bool *told,
                                         bool *more, struct err *err);

#endif
