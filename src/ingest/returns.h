/* returns.h - which sale a return gives back.
 *
 * Model:   sales are remembered by (shopper, product) with how many pieces have not come back. A
 *          return takes the newest sale that is not after it, has enough pieces left, and, where
 *          one has, the same price; else it stays unmatched. Guests cannot be matched.
 * Memory:  32 bytes a remembered sale, RETURNS_SALES_MAX of them at most; sales beyond that are not
 *          remembered.
 * Threads: one at a time.
 * Cost:    at most RETURNS_DEPTH sales are looked at. */
#ifndef INGEST_RETURNS_H
#define INGEST_RETURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

enum { RETURNS_SALES_MAX = 8 << 20, RETURNS_DEPTH = 256 };

struct returns_sale {
    int64_t order_no;
    int64_t time;
    int64_t price_micro;
    int64_t left; /* pieces */
    uint32_t ordinal;
    uint32_t before; /* index + 1 of the older sale of the same shopper and product */
};

/** All-zero is empty. */
struct returns {
    struct map_u64 newest;      /* hash of (shopper, product) -> index + 1 */
    struct returns_sale *sales; /* [len] owned */
    size_t len, cap;
};

void returns_release(struct returns *r);

/** Remember a sale; without a shopper or product it does nothing. */
void returns_sale(struct returns *r, struct str user, struct str product,
                  const struct returns_sale *sale);

/** Find the sale and take the pieces off it. False: none. */
bool returns_match(struct returns *r, struct str user, struct str product, int64_t time,
                   int64_t quantity, int64_t price_micro, int64_t *order_no, uint32_t *ordinal);

#endif
