#include "num/best_rows.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "num/vec.h"

enum {
    ALIGN = 64,
    GROUPS = 20, /* of VEC_TILE_QUERIES queries in a block */
    QUERIES = GROUPS * VEC_TILE_QUERIES,
    CACHE_BYTES = 512 << 10, /* of panels in a block: a part of a second-level cache */
    PACK_GRAIN = 64,
};

struct find {
    const struct best_rows *b;
    struct topk_item *out;
    uint32_t *found;
    float *panels; /* [count][dim][VEC_TILE_ROWS], zeros behind the last row */
    size_t count, per_block;
    float *queries; /* [lanes][QUERIES][dim] */
    _Atomic bool cancelled;
};

static void pack_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct find *f = arg;
    size_t dim = f->b->dim;
    (void)lane;
    for (size_t panel = begin; panel < end; panel++)
        for (size_t r = 0; r < VEC_TILE_ROWS; r++) {
            size_t row = panel * VEC_TILE_ROWS + r;
            float *to = f->panels + panel * dim * VEC_TILE_ROWS + r;
            for (size_t k = 0; k < dim; k++)
                to[k * VEC_TILE_ROWS] = row < f->b->m ? f->b->rows[row * dim + k] : 0;
        }
}

/* Is it a row, and one that the query may have? */
static bool may_have(const struct best_rows *b, size_t query, uint32_t row)
{
    if (row >= b->m)
        return false;
    if (!b->without_offsets)
        return true;
    uint64_t low = b->without_offsets[query], end = b->without_offsets[query + 1], high = end;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (b->without[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low == end || b->without[low] != row;
}

/* Offer what reached the floor, and raise it. */
static void offer(const struct best_rows *b, struct topk *kept, size_t query, uint32_t mask,
                  const float *scores, size_t panel, float *floor)
{
    for (; mask; mask &= mask - 1) {
        unsigned r = (unsigned)__builtin_ctz(mask);
        uint32_t row = (uint32_t)(panel * VEC_TILE_ROWS + r);
        if (scores[r] >= *floor && may_have(b, query, row) && topk_push(kept, scores[r], row))
            *floor = topk_threshold(kept);
    }
}

/* A group of queries, of which `n` are there, with the panels [from, to). */
static void meet(const struct find *f, const float *queries, struct topk *kept, size_t first,
                 size_t n, size_t from, size_t to)
{
    float floors[VEC_TILE_QUERIES], scores[VEC_TILE_QUERIES * VEC_TILE_ROWS];
    uint32_t masks[VEC_TILE_QUERIES];
    size_t dim = f->b->dim;
    for (size_t q = 0; q < VEC_TILE_QUERIES; q++)
        floors[q] = q < n ? topk_threshold(&kept[q]) : INFINITY;
    for (size_t panel = from; panel < to; panel++) {
        vec->dot_tile(queries, dim, f->panels + panel * dim * VEC_TILE_ROWS, floors, masks, scores);
        for (size_t q = 0; q < n; q++)
            if (masks[q])
                offer(f->b, &kept[q], first + q, masks[q], scores + q * VEC_TILE_ROWS, panel,
                      &floors[q]);
    }
}

/* One block of queries with all rows. */
static void find_block(const struct find *f, size_t block, float *queries)
{
    const struct best_rows *b = f->b;
    size_t from = block * QUERIES, n = b->n - from < QUERIES ? b->n - from : QUERIES;
    struct topk kept[QUERIES];
    memcpy(queries, b->queries + from * b->dim, n * b->dim * sizeof *queries);
    for (size_t i = 0; i < n; i++)
        topk_init(&kept[i], f->out + (from + i) * b->k, b->k);
    for (size_t at = 0; at < f->count; at += f->per_block) {
        size_t end = f->count - at < f->per_block ? f->count : at + f->per_block;
        for (size_t g = 0; g < n; g += VEC_TILE_QUERIES)
            meet(f, queries + g * b->dim, kept + g, from + g,
                 n - g < VEC_TILE_QUERIES ? n - g : VEC_TILE_QUERIES, at, end);
    }
    for (size_t i = 0; i < n; i++)
        f->found[from + i] = (uint32_t)topk_finish(&kept[i]);
}

static void find_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct find *f = arg;
    struct err err;
    for (size_t block = begin; block < end; block++) {
        if (signal_check(&err) != ERR_OK)
            atomic_store(&f->cancelled, true);
        if (atomic_load(&f->cancelled))
            return;
        find_block(f, block, f->queries + (size_t)lane * QUERIES * f->b->dim);
    }
}

enum err_code best_rows_find(const struct best_rows *b, struct topk_item *out, uint32_t *found,
                             struct err *err)
{
    struct find f = {.b = b, .out = out, .found = found};
    size_t panel = b->dim * VEC_TILE_ROWS, lanes = pool_lanes(b->pool);
    f.count = (b->m + VEC_TILE_ROWS - 1) / VEC_TILE_ROWS;
    f.per_block = CACHE_BYTES / (panel * sizeof(float));
    f.per_block = f.per_block ? f.per_block : 1;
    f.panels = mem_try_aligned(f.count * panel, sizeof *f.panels, ALIGN);
    f.queries = mem_try_aligned(lanes * QUERIES * b->dim, sizeof *f.queries, ALIGN);
    enum err_code code = ERR_OK;
    if (!f.panels || !f.queries) {
        code = err_set(err, ERR_MEMORY, "no memory to order %zu rows", b->m);
    } else {
        pool_for(b->pool, f.count, PACK_GRAIN, pack_range, &f);
        pool_for(b->pool, (b->n + QUERIES - 1) / QUERIES, 1, find_range, &f);
        if (atomic_load(&f.cancelled))
            code = signal_check(err);
    }
    mem_free(f.panels);
    mem_free(f.queries);
    return code;
}
