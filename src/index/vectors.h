/* vectors.h - an index over vectors: the rows with the highest dot product with a query.
 *
 * Model:   an inverted file (Jegou, Douze, Schmid, "Product quantization for nearest neighbor search", TPAMI
 *          2011, without the product codes). Rows are clustered by direction: spherical k-means (Dhillon,
 *          Modha, "Concept decompositions for large sparse text data", 2001) with sqrt(rows) cells, one
 *          cell where rows are few. A cell's centroid is the mean of its rows as they are, so that its dot
 *          product with a query is the mean score of the cell. Rows are kept twice: exactly, and cell by
 *          cell as int8 with a scale each, in blocks of VEC_BLOCK_ROWS (num/vec.h) that end with their
 *          cell.
 * Search:  the cells whose centroids score highest are scanned with the int8 rows; the best of them, more
 *          than are wanted, are scored again exactly.
 * Trust:   vectors_read checks every count, order and reference once; search checks nothing.
 * Threads: immutable; any number may search, each with its own arena.
 * Result:  building is reproducible for a seed whatever the number of threads. */
#ifndef INDEX_VECTORS_H
#define INDEX_VECTORS_H

#include "base/arena.h"
#include "base/pool.h"
#include "index/container.h"
#include "num/topk.h"
#include "num/vec.h"

enum {
    VECTORS_DIM_MAX = 1024,
    VECTORS_CLUSTERED_MIN = 8192, /* fewer rows are one cell */
};

/** The places behind the last row of a cell, up to the end of its block. */
#define VECTORS_NO_ROW UINT32_MAX

struct vectors {
    uint32_t rows;
    uint32_t dim;   /* 0: there are none, and rows, cells, blocks are 0 */
    uint32_t cells; /* 1.. where there are rows */
    uint32_t blocks;
    bool owned; /* built here, not mapped */

    const float *exact;          /* [rows][dim] */
    const float *centroids;      /* [cells][dim] */
    const uint32_t *cell_blocks; /* [cells + 1] the first block of each cell */
    const uint32_t *block_rows;  /* [blocks][VEC_BLOCK_ROWS] each row once, VECTORS_NO_ROW last */
    const float *block_scales;   /* [blocks][VEC_BLOCK_ROWS] >= 0; number = code * scale */
    const uint8_t *codes;        /* [blocks][vec_block_bytes(dim)] */
};

/** Index exact [rows][dim], rows >= 1, 1 <= dim <= VECTORS_DIM_MAX, all finite. Takes it, on failure
 *  too.
 *  Release with vectors_release. ERR_MEMORY, ERR_CANCELLED (base/signal.h). */
ERR_MUST_USE enum err_code vectors_build(float *exact, uint32_t rows, uint32_t dim, uint64_t seed,
                                         struct pool *pool, struct vectors *out, struct err *err);

/** Free what vectors_build made; what vectors_read gave is left to its container. All-zero is fine. */
void vectors_release(struct vectors *v);

/** Rows with the highest dot product with q [dim], best first, ties by lower row.
 *  probes  cells to scan; 0: the default, a twelfth of them and at least 8
 *  best    [want] out; ids are rows, scores exact
 *  *len    min(want, rows of the cells scanned)
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code vectors_search(const struct vectors *v, const float *q, uint32_t probes,
                                          size_t want, struct arena *arena, struct topk_item *best,
                                          size_t *len, struct err *err);

/** The same by scoring every row exactly: what search is measured against. Returns *len. */
size_t vectors_search_exact(const struct vectors *v, const float *q, size_t want,
                            struct topk_item *best);

/** Add the sections "vectors.exact", "vectors.centroids", ... (none where dim is 0). Everything is
 *  borrowed until the last write. */
void vectors_write(const struct vectors *v, struct container_writer *w);

/** Map the sections that vectors_write added, borrowed from c, and check them. rows and dim are known from
 *  elsewhere in the file; with dim 0 there is nothing to read.
 *  ERR_CORRUPT  the message names the section; ERR_MEMORY */
ERR_MUST_USE enum err_code vectors_read(const struct container *c, uint32_t rows, uint32_t dim,
                                        struct vectors *out, struct err *err);

#endif
