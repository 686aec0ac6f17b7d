/* carts.h - what a shopper, known or anonymous, has laid aside to buy.
 *
 * A cart is a list of (product, quantity) that is replaced whole; its version grows with each
 * change, so that two tabs cannot overwrite each other unseen. Joining a guest to a shopper (users.h)
 * moves the guest's lines into the shopper's cart, quantities added and capped; parting moves back
 * what is still there of them. */
#ifndef STORE_CARTS_H
#define STORE_CARTS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

enum { CART_LINES_MAX = 500, CART_QUANTITY_MAX = 1000000 };

#define CART_ANY_VERSION (-1)

struct cart_line {
    uint32_t product_no;
    int64_t quantity; /* 1..CART_QUANTITY_MAX */
};

struct cart {
    uint32_t user_no; /* the owner; anonymous shoppers have numbers too */
    int64_t version;  /* 0: never written */
    int64_t updated_at;
    const struct cart_line *lines; /* [lines_len] by position */
    size_t lines_len;
};

/** Lines lie in the arena. A shopper without a cart has an empty one of version 0. */
ERR_MUST_USE enum err_code cart_get(struct db *db, uint32_t user_no, struct arena *arena,
                                    struct cart *out, struct err *err);

/** Replace the lines; none empties the cart. A product stands in one line only.
 *  if_version  the version that the caller saw, or CART_ANY_VERSION
 *  version     the new one; may be NULL
 *  ERR_CONFLICT  the cart has another version by now; ERR_INVALID  a line. */
ERR_MUST_USE enum err_code cart_put(struct store_tx *tx, uint32_t user_no, int64_t if_version,
                                    const struct cart_line *lines, size_t n, int64_t *version,
                                    struct err *err);

#endif
