/* interactions.h - how much each shopper has to do with each product: derived from events and
 * orders, the matrix that trainers fit. Rebuilt by ingest/, never edited by hand. */
#ifndef STORE_INTERACTIONS_H
#define STORE_INTERACTIONS_H

#include "store/records.h"
#include "store/store.h"

struct interaction {
    uint32_t user_no; /* resolved through links by whoever derives it */
    uint32_t product_no;
    double weight;   /* >= 0 */
    int64_t count;   /* events behind it, >= 1 */
    int64_t last_at; /* time of the newest one */
};

/** Insert or replace by (user_no, product_no). Fast in that order. */
ERR_MUST_USE enum err_code interactions_put(struct store_tx *tx, const struct interaction *items,
                                            size_t n, struct err *err);

/** Remove those of shoppers first..last. */
ERR_MUST_USE enum err_code interactions_clear(struct store_tx *tx, uint32_t first, uint32_t last,
                                              struct err *err);

/** By (user_no, product_no), after that pair. */
ERR_MUST_USE enum err_code interactions_after(struct db *db, uint32_t user_no, uint32_t product_no,
                                              int64_t limit, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code interactions_next(struct db_rows *rows, struct interaction *out,
                                             bool *more, struct err *err);

#endif
