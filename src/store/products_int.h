/* products_int.h - how other repositories of this domain name products. */
#ifndef STORE_PRODUCTS_INT_H
#define STORE_PRODUCTS_INT_H

#include "store/products.h"

/** The number of an id through the writer's memory; 0 for an unknown one. Deleted products have
 * one. */
ERR_MUST_USE enum err_code product_find(struct store_tx *tx, struct str id, uint32_t *no,
                                        struct err *err);

/** As product_find; an unknown id becomes an inactive product with the id as its title. */
ERR_MUST_USE enum err_code product_find_or_create(struct store_tx *tx, struct str id, uint32_t *no,
                                                  struct err *err);

#endif
