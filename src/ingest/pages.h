/* pages.h - walk a table of the store in short transactions, so that nobody waits for a long one. */
#ifndef INGEST_PAGES_H
#define INGEST_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "store/orders.h"

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

/** Take a line of an order, borrowed until return. *enough: this one and what follows is not wanted. */
typedef enum err_code pages_line_fn(void *arg, const struct order_line_row *line, bool *enough,
                                    struct err *err);

/** What a pages_fn does that reads the lines of orders: up to limit of them behind *after. */
ERR_MUST_USE enum err_code pages_lines(struct db *db, int64_t limit, int64_t *after, bool *more,
                                       pages_line_fn *take, void *arg, struct err *err);

#endif
