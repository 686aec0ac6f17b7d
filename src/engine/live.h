/* live.h - columns that change without re-indexing: price, stock, status, heat.
 *
 * Model:   one row per product_no, in chunks that never move, so a row's address is for ever. A
 *          change is a few stores; nothing is re-indexed and no view is swapped.
 * Threads: one writer (the reader of the change log), any number of readers. A row is guarded by a
 *          sequence lock (Boehm, "Can seqlocks get along with programming language memory models?",
 *          2012): price and currency are never read from two different changes.
 * Memory:  64 bytes a product; LIVE_MAX_PRODUCTS bounds the numbers. Chunks are allocated as numbers
 *          appear and freed with the table.
 * Heat:    an exponentially decayed count of weighted actions (Cormode et al., "Forward decay",
 *          2009), half-life LIVE_HEAT_HALF_LIFE_S: what is trending. */
#ifndef ENGINE_LIVE_H
#define ENGINE_LIVE_H

#include "store/records.h"

enum { LIVE_CHUNK = 1024 };
#define LIVE_MAX_PRODUCTS     (64u << 20)
#define LIVE_HEAT_HALF_LIFE_S (2 * 86400)

struct live;

/** What a reader gets. */
struct live_row {
    int64_t price_minor;      /* or STORE_NO_AMOUNT */
    int64_t list_price_minor; /* or STORE_NO_AMOUNT */
    int64_t cost_minor;       /* > 0; else none is known */
    int64_t stock;            /* pieces, or STORE_STOCK_UNTRACKED */
    currency_code currency;
    enum product_status status; /* PRODUCT_DELETED where there is no such product */
};

/** returns owned, one reference */
struct live *live_new(void);
struct live *live_ref(struct live *l);
void live_unref(struct live *l); /* NULL is fine */

/** Writer only: a copy of all rows. returns owned, one reference; NULL: no memory. */
struct live *live_clone(const struct live *l);

/** Writer only. ERR_LIMIT  product_no is LIVE_MAX_PRODUCTS or more. */
ERR_MUST_USE enum err_code live_set(struct live *l, uint32_t product_no, const struct live_row *row,
                                    struct err *err);

/** Any thread. A number never set reads as PRODUCT_DELETED. */
void live_get(const struct live *l, uint32_t product_no, struct live_row *row);

/** Is it active and in stock (or untracked)? One cache line. */
bool live_sellable(const struct live *l, uint32_t product_no);

/** What the shop keeps of the price, as a share of it: 0 (sold at cost or below) to 1. Where price or cost is not known
 *  the mean over the products where they are (all that are not deleted count alike); 0 where that is none. */
float live_margin(const struct live *l, uint32_t product_no);

/** Writer only: an action of this weight at this time was taken back. What is left is what it would be without the
 *  action, but for rounding. */
void live_heat_take(struct live *l, uint32_t product_no, float weight, int64_t time_us);

/** Writer only: an action of this weight at this time. Unknown numbers are ignored. */
void live_heat_add(struct live *l, uint32_t product_no, float weight, int64_t time_us);

/** The decayed count as of now_us. */
float live_heat(const struct live *l, uint32_t product_no, int64_t now_us);

/** One more than the largest number ever set. */
uint32_t live_end(const struct live *l);

#endif
