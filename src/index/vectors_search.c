#include <math.h>
#include <string.h>

#include "index/vectors.h"
#include "num/vec.h"

enum {
    CHUNK_BLOCKS = 16, /* scored at once: the floor rises in between */
    CHUNK_ROWS = CHUNK_BLOCKS * VEC_BLOCK_ROWS,
    PROBES_MIN = 8,
    PROBES_SHARE = 12,
};

/* Codes are off by up to half a step of 1/127, which matters among close scores alone. */
static size_t rough_wanted(size_t want)
{
    return want + want / 4 + 16;
}

/* --- rough scores ---------------------------------------------------------------------------- */

/* The k best of many, in no order, and some that are not. What reaches the floor is taken in; a full pool
 * is cut to its k best, and the worst of them is the floor from then on. */
struct rough {
    struct topk_item *items; /* [k + 2 * CHUNK_ROWS] */
    size_t len, k;
    float floor;
};

static void cut(struct rough *r)
{
    topk_select(r->items, r->len, r->k);
    r->len = r->k;
    r->floor = INFINITY;
    for (size_t i = 0; i < r->k; i++)
        r->floor = r->items[i].score < r->floor ? r->items[i].score : r->floor;
}

static void scan_cell(const struct vectors *v, uint32_t cell, const int8_t *q, struct rough *r)
{
    float scores[CHUNK_ROWS];
    uint32_t places[CHUNK_ROWS];
    size_t block_bytes = vec_block_bytes(v->dim);
    for (size_t at = v->cell_blocks[cell], end = v->cell_blocks[cell + 1]; at < end;
         at += CHUNK_BLOCKS) {
        size_t n = end - at < CHUNK_BLOCKS ? end - at : CHUNK_BLOCKS;
        const uint32_t *rows = v->block_rows + at * VEC_BLOCK_ROWS;
        size_t found =
            vec->scan_blocks(q, v->codes + at * block_bytes, v->dim, n,
                             v->block_scales + at * VEC_BLOCK_ROWS, r->floor, scores, places);
        for (size_t i = 0; i < found; i++) {
            r->items[r->len] = (struct topk_item){scores[i], rows[places[i]]};
            r->len += rows[places[i]] != VECTORS_NO_ROW;
        }
        if (r->len > r->k + CHUNK_ROWS)
            cut(r);
    }
}

/* q as int8; zeros behind dim. The scale is left out: it changes no order. */
static void quantise(const float *q, size_t dim, int8_t *out)
{
    float top = 0;
    for (size_t k = 0; k < dim; k++)
        top = fmaxf(top, fabsf(q[k]));
    for (size_t k = 0; k < vec_block_dim(dim); k++)
        out[k] = k < dim && top > 0 ? (int8_t)lrintf(q[k] / top * 127) : 0;
}

/* The cells to scan, [*probes] in the arena. */
static enum err_code choose_cells(const struct vectors *v, const float *q, uint32_t *probes,
                                  struct arena *arena, struct topk_item **cells, struct err *err)
{
    float *means = arena_try_alloc(arena, v->cells * sizeof *means);
    *cells = arena_try_alloc(arena, v->cells * sizeof **cells);
    if (!means || !*cells)
        return err_set(err, ERR_LIMIT, "%u cells do not fit", v->cells);
    vec->dot_rows(q, v->centroids, v->dim, v->dim, NULL, v->cells, means);
    for (uint32_t i = 0; i < v->cells; i++)
        (*cells)[i] = (struct topk_item){means[i], i};
    if (*probes == 0)
        *probes = v->cells / PROBES_SHARE > PROBES_MIN ? v->cells / PROBES_SHARE : PROBES_MIN;
    if (*probes > v->cells)
        *probes = v->cells;
    topk_select(*cells, v->cells, *probes);
    return ERR_OK;
}

/* --- search ---------------------------------------------------------------------------------- */

/* Score again, exactly, and order. Returns how many of want there are. */
static size_t refine(const struct vectors *v, const float *q, size_t want, struct rough *r,
                     uint32_t *rows, float *scores, struct topk_item *best)
{
    if (r->len > r->k)
        cut(r);
    for (size_t i = 0; i < r->len; i++)
        rows[i] = r->items[i].id;
    vec->dot_rows(q, v->exact, v->dim, v->dim, rows, r->len, scores);
    for (size_t i = 0; i < r->len; i++)
        r->items[i].score = scores[i];
    size_t n = want < r->len ? want : r->len;
    topk_order(r->items, r->len, n);
    memcpy(best, r->items, n * sizeof *best);
    return n;
}

enum err_code vectors_search(const struct vectors *v, const float *q, uint32_t probes, size_t want,
                             struct arena *arena, struct topk_item *best, size_t *len,
                             struct err *err)
{
    struct topk_item *cells;
    *len = 0;
    if (v->rows == 0 || want == 0)
        return ERR_OK;
    struct rough r = {.k = rough_wanted(want), .floor = -INFINITY};
    int8_t *codes = arena_try_alloc(arena, vec_block_dim(v->dim));
    uint32_t *rows = arena_try_alloc(arena, (r.k + CHUNK_ROWS) * sizeof *rows);
    float *scores = arena_try_alloc(arena, (r.k + CHUNK_ROWS) * sizeof *scores);
    r.items = arena_try_alloc(arena, (r.k + 2 * CHUNK_ROWS) * sizeof *r.items);
    if (!codes || !rows || !scores || !r.items)
        return err_set(err, ERR_LIMIT, "the best %zu vectors do not fit", want);
    enum err_code code = choose_cells(v, q, &probes, arena, &cells, err);
    if (code != ERR_OK)
        return code;
    quantise(q, v->dim, codes);
    for (uint32_t i = 0; i < probes; i++)
        scan_cell(v, cells[i].id, codes, &r);
    *len = refine(v, q, want, &r, rows, scores, best);
    return ERR_OK;
}

size_t vectors_search_exact(const struct vectors *v, const float *q, size_t want,
                            struct topk_item *best)
{
    float scores[CHUNK_ROWS];
    struct topk top;
    topk_init(&top, best, want);
    for (uint32_t at = 0; at < v->rows; at += CHUNK_ROWS) {
        size_t n = v->rows - at < CHUNK_ROWS ? v->rows - at : CHUNK_ROWS;
        vec->dot_rows(q, v->exact + (size_t)at * v->dim, v->dim, v->dim, NULL, n, scores);
        topk_push_block(&top, scores, NULL, at, n);
    }
    return topk_finish(&top);
}
