#include "recommend/factors.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"
#include "num/vec.h"

enum {
    SCAN_BLOCK = 256,
    SCAN_CHUNK = 16384,
    RESCORE = 2 /* times what is wanted is scored again exactly */
};

enum err_code factors_fold_in(const struct recommend_model *m, const uint32_t *rows,
                              const float *weights, size_t n, struct arena *arena, float *x,
                              struct err *err)
{
    size_t d = m->dim;
    float *a = arena_try_alloc(arena, d * d * sizeof *a);
    float *scaled = arena_try_alloc(arena, n * d * sizeof *scaled);
    if (!a || !scaled)
        return err_set(err, ERR_LIMIT, "a shopper's history of %zu does not fit", n);
    memcpy(a, m->gram, d * d * sizeof *a);
    memset(x, 0, d * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const float *y = m->factors + rows[i] * d;
        float confidence = m->alpha * weights[i], root = sqrtf(confidence);
        for (size_t k = 0; k < d; k++)
            scaled[i * d + k] = root * y[k];
        vec->axpy(1 + confidence, y, x, d);
    }
    dense_gram(1, scaled, n, d, 1, a);
    for (size_t k = 0; k < d; k++)
        a[k * d + k] += m->regularisation;
    return dense_solve_spd(a, d, x, 1, err);
}

/* x as int8 with one scale. */
static float quantise(const float *x, size_t d, int8_t *out)
{
    float top = 0;
    for (size_t k = 0; k < d; k++)
        top = fmaxf(top, fabsf(x[k]));
    float scale = top > 0 ? top / 127 : 1;
    for (size_t k = 0; k < d; k++)
        out[k] = (int8_t)lrintf(x[k] / scale);
    return scale;
}

/* Rough scores of a cell's rows, appended to out. Returns how many. */
static size_t scan_cell(const struct recommend_model *m, uint32_t cell, const int8_t *q,
                        float scale, struct topk_item *out)
{
    int32_t dots[SCAN_BLOCK];
    uint32_t begin = m->cell_offsets[cell], end = m->cell_offsets[cell + 1];
    for (uint32_t at = begin; at < end; at += SCAN_BLOCK) {
        size_t n = end - at < SCAN_BLOCK ? end - at : SCAN_BLOCK;
        vec->dot_rows_i8(q, m->cell_codes + (size_t)at * m->dim, m->dim, m->dim, NULL, n, dots);
        for (size_t i = 0; i < n; i++)
            out[at - begin + i] = (struct topk_item){
                (float)dots[i] * scale * m->cell_scales[at + i], m->cell_rows[at + i]};
    }
    return end - begin;
}

/* Rough scores of all rows in the `probes` cells nearest to x: [*len] in the arena. */
static enum err_code scan_cells(const struct recommend_model *m, const float *x, uint32_t probes,
                                struct arena *arena, struct topk_item **rough, size_t *len,
                                struct err *err)
{
    float *near = arena_try_alloc(arena, m->cells * sizeof *near);
    struct topk_item *cells = arena_try_alloc(arena, m->cells * sizeof *cells);
    int8_t *q = arena_try_alloc(arena, m->dim);
    if (!near || !cells || !q)
        return err_set(err, ERR_LIMIT, "%u cells do not fit", m->cells);
    vec->dot_rows(x, m->centroids, m->dim, m->dim, NULL, m->cells, near);
    for (uint32_t i = 0; i < m->cells; i++)
        cells[i] = (struct topk_item){near[i], i};
    topk_select(cells, m->cells, probes);
    size_t rows = 0;
    for (uint32_t i = 0; i < probes; i++)
        rows += m->cell_offsets[cells[i].id + 1] - m->cell_offsets[cells[i].id];
    *rough = arena_try_alloc(arena, rows * sizeof **rough);
    if (!*rough)
        return err_set(err, ERR_LIMIT, "%zu rows do not fit", rows);
    float scale = quantise(x, m->dim, q);
    *len = 0;
    for (uint32_t i = 0; i < probes; i++)
        *len += scan_cell(m, cells[i].id, q, scale, *rough + *len);
    return ERR_OK;
}

enum { RANKS = 512 };

/* Which of RANKS equal steps above low a score is on; 0 for what is not finite (a broken model). */
static uint32_t rank_of(float score, float low, float step)
{
    float rank = (score - low) * step;
    return rank >= 0 && rank < RANKS ? (uint32_t)rank : 0;
}

/* Move at least the k best of items[n] to the front, and few more: those from the lowest of RANKS equal
 * steps of score on that holds k. Three straight passes, without a branch that depends on the data
 * but the last. Returns how many. */
static size_t keep_best(struct topk_item *items, size_t n, size_t k)
{
    uint32_t counts[RANKS] = {0};
    float low = INFINITY, high = -INFINITY;
    if (n <= k)
        return n;
    for (size_t i = 0; i < n; i++) {
        low = fminf(low, items[i].score);
        high = fmaxf(high, items[i].score);
    }
    float step = high > low ? (RANKS - 1) / (high - low) : 0;
    for (size_t i = 0; i < n; i++)
        counts[rank_of(items[i].score, low, step)]++;
    size_t rank = RANKS, above = 0, kept = 0;
    while (above < k)
        above += counts[--rank];
    for (size_t i = 0; i < n; i++)
        if (rank_of(items[i].score, low, step) >= rank)
            items[kept++] = items[i];
    return kept;
}

/* Score every row exactly, a chunk at a time; only the best of each chunk meet the heap. */
static enum err_code scan_all(const struct recommend_model *m, const float *x, struct arena *arena,
                              struct topk *best, struct err *err)
{
    float scores[SCAN_BLOCK];
    size_t room = m->rows < SCAN_CHUNK ? m->rows : SCAN_CHUNK, n = 0;
    struct topk_item *chunk = arena_try_alloc(arena, room * sizeof *chunk);
    if (!chunk)
        return err_set(err, ERR_LIMIT, "%zu rows do not fit", room);
    for (uint32_t at = 0; at < m->rows;) {
        size_t block = m->rows - at < SCAN_BLOCK ? m->rows - at : SCAN_BLOCK;
        vec->dot_rows(x, m->factors + (size_t)at * m->dim, m->dim, m->dim, NULL, block, scores);
        for (size_t i = 0; i < block; i++)
            chunk[n++] = (struct topk_item){scores[i], at + (uint32_t)i};
        at += (uint32_t)block;
        if (n + SCAN_BLOCK <= room && at < m->rows)
            continue;
        n = keep_best(chunk, n, best->cap);
        for (size_t i = 0; i < n; i++)
            topk_push(best, chunk[i].score, chunk[i].id);
        n = 0;
    }
    return ERR_OK;
}

enum err_code factors_search(const struct recommend_model *m, const float *x, uint32_t probes,
                             size_t want, struct arena *arena, struct topk_item *best, size_t *len,
                             struct err *err)
{
    struct topk top;
    if (probes == 0)
        probes = m->cells / 24 > 8 ? m->cells / 24 : 8;
    if (m->cells == 0 || probes >= m->cells) {
        topk_init(&top, best, want);
        enum err_code code = scan_all(m, x, arena, &top, err);
        *len = topk_finish(&top);
        return code;
    }
    struct topk_item *rough;
    size_t n = 0;
    enum err_code code = scan_cells(m, x, probes, arena, &rough, &n, err);
    if (code != ERR_OK)
        return code;
    n = keep_best(rough, n, RESCORE * want);
    topk_init(&top, best, want);
    for (size_t i = 0; i < n; i++)
        topk_push(&top, vec->dot(x, m->factors + (size_t)rough[i].id * m->dim, m->dim),
                  rough[i].id);
    *len = topk_finish(&top);
    return ERR_OK;
}
