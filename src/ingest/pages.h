/* pages.h - walk a table of the store in short transactions, so that nobody waits for a long one. */
#ifndef INGEST_PAGES_H
#define INGEST_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct store;

/** Read one page: rows behind *after, which moves to the last one read. *more tells whether another
 *  page may follow (false before the call). */
typedef enum err_code pages_fn(void *arg, struct db *db, int64_t *after, bool *more,
                               struct err *err);

/** Call page, each time in a reading transaction of its own, until it has no more.
 *  ERR_CANCELLED  a stop was asked for (base/signal.h); else what the store or page reports */
ERR_MUST_USE enum err_code pages_walk(struct store *s, pages_fn *page, void *arg, struct err *err);

/** A line of an order as one number, for *after: the lines of order_no behind an ordinal. */
enum { PAGES_ORDINALS = 1 << 12 }; /* more than an order has lines */

static inline int64_t pages_line(int64_t order_no, uint32_t ordinal)
{
    return order_no * PAGES_ORDINALS + ordinal;
}

#endif
