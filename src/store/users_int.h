/* users_int.h - what other repositories of this domain need to know about shoppers. */
#ifndef STORE_USERS_INT_H
#define STORE_USERS_INT_H

#include "store/users.h"

/** Numbers of the shoppers whose rows are to be removed. */
#define ERASED_USERS "(SELECT user_no FROM erased_users WHERE state < 2)"

/** The number of a known shopper, else of the anonymous one, given where it has none; 0 without any
 *  id. With both, and the anonymous one joined to nobody yet, the two are joined. */
ERR_MUST_USE enum err_code user_number_of_ids(struct store_tx *tx, struct str user_id,
                                              struct str anonymous_id, uint32_t *no,
                                              struct err *err);

/** What each aggregate does at once when a shopper is erased: carts, quarantined rows and kept replies go,
 *  orders stay without shopper, address and payment. Events wait for compaction. */
ERR_MUST_USE enum err_code cart_erase(struct store_tx *tx, uint32_t user_no, struct err *err);
ERR_MUST_USE enum err_code orders_erase_user(struct store_tx *tx, uint32_t user_no,
                                             struct err *err);

/** Move the lines of a guest's cart into a shopper's, and remember which; move back what is still
 *  there of them. */
ERR_MUST_USE enum err_code cart_join(struct store_tx *tx, uint32_t anonymous_no, uint32_t user_no,
                                     struct err *err);
ERR_MUST_USE enum err_code cart_part(struct store_tx *tx, uint32_t anonymous_no, struct err *err);

/** Rows known to be the shopper's, and rows of nobody that mention the id. */
ERR_MUST_USE enum err_code quarantine_erase_user(struct store_tx *tx, enum user_kind kind,
                                                 struct str id, struct err *err);
ERR_MUST_USE enum err_code idempotency_erase_user(struct store_tx *tx, enum user_kind kind,
                                                  struct str id, struct err *err);

#endif
