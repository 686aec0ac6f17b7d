/* line_products.h - products that are known from order lines alone.
 *
 * Each SKU gets its best title, last price and first day, and is switched on if it was ever sold for
 * money. A product that the shop has described itself is left as it is. */
#ifndef INGEST_LINE_PRODUCTS_H
#define INGEST_LINE_PRODUCTS_H

#include "ingest/rows.h"
#include "ingest/skus.h"

struct store;
struct store_tx;

/** Learn what a line says about its product. The line's product_id then lives as long as skus. */
void line_products_learn(struct skus *skus, const struct order *o, struct row_line *line);

/** Told in each transaction how many products it makes, to record it there. */
typedef enum err_code line_products_made_fn(struct store_tx *tx, void *arg, uint64_t made,
                                            struct err *err);

/** Make the products, where the mapping says so (products_from_lines).
 *  made     grows by how many are new or better known than before, after each transaction
 *  on_made  may be NULL */
ERR_MUST_USE enum err_code line_products_make(struct store *store, const struct skus *skus,
                                              const struct mapping *mapping, uint64_t *made,
                                              line_products_made_fn *on_made, void *arg,
                                              struct err *err);

#endif
