/* orders.h - orders and their lines.
 *
 * An order is identified by its id, a line by (order, ordinal): putting the same again adds
 * nothing, so an import may be repeated, and an order whose lines stand far apart in a file is put
 * in parts. A line once stored is not rewritten; what changes about an order is its status and what
 * it says about payment and address. total_minor is kept as sales - returns + adjustments. */
#ifndef STORE_ORDERS_H
#define STORE_ORDERS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

/** Caps, required fields, ranges, line kinds. ERR_INVALID names the field and the line. */
ERR_MUST_USE enum err_code order_check(const struct order *o, struct err *err);

enum {
    ORDERS_CREATE_PRODUCTS = 1, /* an unknown product becomes an inactive one named by its id */
    ORDERS_KEEP_STATUS = 2,     /* the status given is that of a new order; a stored one stays, but
                                   "returned" gives way where a line comes that is no return */
};

struct order_put_result {
    int64_t no;
    bool created;         /* the order is new */
    bool changed;         /* something about it or its lines is new */
    uint32_t lines_added; /* the others were there already */
};

/** Insert the order, or merge into the stored one: lines not there yet are added; status, address,
 *  payment, coupons and times given (not 0, not empty) replace the stored ones, but a status never
 *  goes back to pending by a merge. Checks o. result may be NULL.
 *  ERR_CONFLICT   the stored order has another currency or another shopper
 *  ERR_NOT_FOUND  a line names an unknown product (without ORDERS_CREATE_PRODUCTS). */
ERR_MUST_USE enum err_code order_put(struct store_tx *tx, const struct order *o, unsigned flags,
                                     struct order_put_result *result, struct err *err);

/** Set status and the time that belongs to it (at; 0: now). ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code order_set_status(struct store_tx *tx, int64_t no,
                                            enum order_status status, int64_t at, struct err *err);

/** *at: the first line from `from` on that names a product the shop does not know, lines_len if none
 *  does. */
ERR_MUST_USE enum err_code order_unknown_product(struct db *db, const struct order *o,
                                                 uint32_t from, uint32_t *at, struct err *err);

/** Say which sale a return gives back (sale_order_no 0: none that is known). Who follows the changes is not told: nothing of theirs
 *  depends on it. */
ERR_MUST_USE enum err_code order_line_set_sale(struct store_tx *tx, int64_t order_no,
                                               uint32_t ordinal, int64_t sale_order_no,
                                               uint32_t sale_ordinal, struct err *err);

/** With lines; everything lies in the arena. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code order_get(struct db *db, struct str id, struct arena *arena,
                                     struct order *out, struct err *err);
ERR_MUST_USE enum err_code order_get_no(struct db *db, int64_t no, struct arena *arena,
                                        struct order *out, struct err *err);

/** *no is 0 for an unknown id. */
ERR_MUST_USE enum err_code order_no_of(struct db *db, struct str id, int64_t *no, struct err *err);

/** The shopper of an order, resolved through links; 0 for none and for an unknown order. */
ERR_MUST_USE enum err_code order_user_no_of(struct db *db, int64_t no, uint32_t *user_no,
                                            struct err *err);

/** Orders above after_no by number, without lines. user_no is resolved through links, and user_id
 *  is set only for one that was not erased. Texts are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code orders_after(struct db *db, int64_t after_no, int64_t limit,
                                        struct db_rows *rows, struct err *err);

/** Orders of one shopper, newest first, with numbers below before_no (INT64_MAX: from the newest).
 *  Those of anonymous shoppers joined to it are included. */
ERR_MUST_USE enum err_code orders_of_user(struct db *db, uint32_t user_no, int64_t before_no,
                                          int64_t limit, struct db_rows *rows, struct err *err);

/** The next order of either. */
ERR_MUST_USE enum err_code orders_next(struct db_rows *rows, struct order *o, bool *more,
                                       struct err *err);

/** Every line of every order, by (order no, ordinal), after that pair ((0, 0) with no line before:
 *  pass after_no 0). order_no, user_no (resolved), placed_at and currency stand beside each line.
 *  product_id is empty. */
struct order_line_row {
    int64_t order_no;
    uint32_t user_no;
    int64_t placed_at;
    currency_code currency;
    enum order_status status;
    struct order_line line;
};

ERR_MUST_USE enum err_code order_lines_after(struct db *db, int64_t after_no,
                                             uint32_t after_ordinal, int64_t limit,
                                             struct db_rows *rows, struct err *err);
/** Those of one shopper, and of the anonymous ones joined to it, in no order. */
ERR_MUST_USE enum err_code order_lines_of_user(struct db *db, uint32_t user_no,
                                               struct db_rows *rows, struct err *err);
/** Those of orders placed from a moment on and before another, by (placed_at, order no, ordinal). */
ERR_MUST_USE enum err_code order_lines_placed(struct db *db, int64_t from, int64_t until,
                                              struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code order_lines_next(struct db_rows *rows, struct order_line_row *out,
                                            bool *more, struct err *err);

/** When a shopper placed their first order that was not cancelled, those of joined anonymous ones included;
 *  INT64_MAX: never. */
ERR_MUST_USE enum err_code order_first_placed(struct db *db, uint32_t user_no, int64_t *placed_at,
                                              struct err *err);

struct order_counts {
    int64_t orders, lines;
    int64_t last_no;                   /* highest number ever given */
    int64_t first_placed, last_placed; /* 0 and 0 with none */
};

ERR_MUST_USE enum err_code orders_count(struct db *db, struct order_counts *out, struct err *err);

/** How many numbers were given: an upper bound of the orders. Without a scan. */
ERR_MUST_USE enum err_code orders_at_most(struct db *db, int64_t *orders, struct err *err);

#endif
