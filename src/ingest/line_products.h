/* line_products.h - products that are known from order lines alone.
 *
 * Each SKU gets its best title, last price and first day, and is switched on if it was ever sold for
 * money. A product that the shop has described itself is left as it is. */
#ifndef INGEST_LINE_PRODUCTS_H
#define INGEST_LINE_PRODUCTS_H

#include "ingest/rows.h"
#include "ingest/skus.h"

struct store;

/** Learn what a line says about its product. The line's product_id then lives as long as skus. */
void line_products_learn(struct skus *skus, const struct order *o, struct row_line *line);

/** Make the products, where the mapping says so (products_from_lines).
 *  made  grows by how many are new or better known than before */
ERR_MUST_USE enum err_code line_products_make(struct store *store, const struct skus *skus,
                                              const struct mapping *mapping, uint64_t *made,
                                              struct err *err);

#endif
