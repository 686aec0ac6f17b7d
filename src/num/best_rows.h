/* best_rows.h - for many queries at once, the rows with the greatest dot products: exact lists for everybody.
 *
 * Model:   rows are put side by side in panels (num/vec.h, dot_tile). A block of panels that fits the second-level cache
 *          meets a block of queries; dot products stay in registers, and only what reaches a query's k-th best so far comes out
 *          of them. The order is total (num/topk.h) and each dot product is summed alike wherever it stands, so neither
 *          the number of threads nor the order of queries changes a list.
 * Memory:  a copy of the rows; nothing is of size queries by rows.
 * Cost:    n m dim multiply-adds, near what the processor can do. */
#ifndef NUM_BEST_ROWS_H
#define NUM_BEST_ROWS_H

#include "base/err.h"
#include "base/pool.h"
#include "num/topk.h"

struct best_rows {
    const float *queries; /* [n][dim] */
    const float *rows;    /* [m][dim], finite */
    size_t n, m, dim;     /* dim >= 1, m <= UINT32_MAX */
    /* Rows that a query is not to have, ascending; NULL: none. */
    const uint64_t *without_offsets; /* [n + 1] */
    const uint32_t *without;         /* [without_offsets[n]] < m */
    size_t k;                        /* >= 1 */
    struct pool *pool;               /* NULL: this thread alone */
};

/** out    [n][k]  best first; a score that is not a number is left out
 *  found  [n]     how many each has: fewer than k where there are no more
 *  ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code best_rows_find(const struct best_rows *b, struct topk_item *out,
                                          uint32_t *found, struct err *err);

#endif
