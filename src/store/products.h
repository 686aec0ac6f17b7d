/* products.h - the catalogue's records.
 *
 * A product's number is never used again: deleting keeps it, with the content cleared, for the
 * history of orders and events, and putting the same id again revives it. The live fields (price,
 * list price, currency, stock, status) lie apart from the texts, so changing them rewrites a few
 * bytes. Putting a record that is equal to the stored one changes nothing and appends no change. */
#ifndef STORE_PRODUCTS_H
#define STORE_PRODUCTS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

/** Caps, required fields, ranges, UTF-8. ERR_INVALID names the field. */
ERR_MUST_USE enum err_code product_check(const struct product *p, struct err *err);

enum product_put_result {
    PRODUCT_UNCHANGED = 0,
    PRODUCT_CREATED,      /* new, or revived */
    PRODUCT_CHANGED,      /* texts, and perhaps live fields */
    PRODUCT_CHANGED_LIVE, /* live fields only */
};

/** Insert or replace by p->id. p->no and p->updated_at are ignored; created_at 0 keeps the stored
 *  one, cost_minor 0 too while the currency stays the same. Checks p. no and result may be NULL. */
ERR_MUST_USE enum err_code product_put(struct store_tx *tx, const struct product *p, uint32_t *no,
                                       enum product_put_result *result, struct err *err);

/** Which live fields a patch sets; the others are left alone. */
enum { PRODUCT_PRICE = 1, PRODUCT_LIST_PRICE = 2, PRODUCT_STOCK = 4, PRODUCT_STATUS = 8 };

struct product_patch {
    unsigned fields;          /* of the enum above */
    int64_t price_minor;      /* >= 0 or STORE_NO_AMOUNT */
    int64_t list_price_minor; /* >= 0 or STORE_NO_AMOUNT */
    currency_code
        currency;  /* with a price; 0 keeps the stored one; another one needs both prices */
    int64_t stock; /* >= 0 or STORE_STOCK_UNTRACKED */
    enum product_status status; /* active or inactive */
};

/** A cost in another currency than the new one is forgotten. *changed (may be NULL) is false if all was so already. ERR_NOT_FOUND for unknown and deleted. */
ERR_MUST_USE enum err_code product_patch(struct store_tx *tx, struct str id,
                                         const struct product_patch *patch, bool *changed,
                                         struct err *err);

/** Add to the stock of a tracked product (delta may be negative); untracked ones are left alone.
 *  ERR_CONFLICT  the stock would fall below 0. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code product_stock_add(struct store_tx *tx, uint32_t no, int64_t delta,
                                             struct err *err);

/** ERR_NOT_FOUND for unknown and deleted. no may be NULL. */
ERR_MUST_USE enum err_code product_delete(struct store_tx *tx, struct str id, uint32_t *no,
                                          struct err *err);

/** What this job changes of products from here on is for readers to see at the next products_show and
 *  not before: a feed of many transactions that is to be seen as one. The record has it at once. */
void products_stage(struct store_tx *tx);

/** Readers are to see all that was staged, by whichever job. */
ERR_MUST_USE enum err_code products_show(struct store_tx *tx, struct err *err);

/** Every text of out is copied into the arena. Deleted products are found (status says so).
 *  ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code product_get(struct db *db, struct str id, struct arena *arena,
                                       struct product *out, struct err *err);
ERR_MUST_USE enum err_code product_get_no(struct db *db, uint32_t no, struct arena *arena,
                                          struct product *out, struct err *err);

/** Numbers and ids. *no is 0 for an unknown id; id.p is NULL for an unknown number. */
ERR_MUST_USE enum err_code product_no_of(struct db *db, struct str id, uint32_t *no,
                                         struct err *err);
ERR_MUST_USE enum err_code product_id_of(struct db *db, uint32_t no, struct arena *arena,
                                         struct str *id, struct err *err);

/** All products with numbers above after_no, by number, deleted ones included, at most limit. Texts
 *  of *p are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code products_after(struct db *db, uint32_t after_no, int64_t limit,
                                          struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code products_next(struct db_rows *rows, struct product *p, bool *more,
                                         struct err *err);

/** The live fields alone of numbers first..last: no, prices, cost, currency, stock and status are set. */
ERR_MUST_USE enum err_code products_live_range(struct db *db, uint32_t first, uint32_t last,
                                               struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code products_live_next(struct db_rows *rows, struct product *p, bool *more,
                                              struct err *err);

struct product_counts {
    int64_t active, inactive, deleted;
    uint32_t max_no; /* highest number ever given */
};

ERR_MUST_USE enum err_code products_count(struct db *db, struct product_counts *out,
                                          struct err *err);

#endif
