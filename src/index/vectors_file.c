#include <math.h>

#include "base/mem.h"
#include "index/vectors.h"

void vectors_write(const struct vectors *v, struct container_writer *w)
{
    size_t places = (size_t)v->blocks * VEC_BLOCK_ROWS;
    if (v->dim == 0)
        return;
    container_writer_add(w, "vectors.exact", sizeof *v->exact, v->exact, (size_t)v->rows * v->dim);
    container_writer_add(w, "vectors.centroids", sizeof *v->centroids, v->centroids,
                         (size_t)v->cells * v->dim);
    container_writer_add(w, "vectors.cells", sizeof *v->cell_blocks, v->cell_blocks,
                         (size_t)v->cells + 1);
    container_writer_add(w, "vectors.rows", sizeof *v->block_rows, v->block_rows, places);
    container_writer_add(w, "vectors.scales", sizeof *v->block_scales, v->block_scales, places);
    container_writer_add(w, "vectors.codes", 1, v->codes, v->blocks * vec_block_bytes(v->dim));
}

/* --- checking -------------------------------------------------------------------------------- */

static enum err_code check_finite(const float *x, size_t n, const char *what, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return err_set(err, ERR_CORRUPT, "%s is not finite at %zu", what, i);
    return ERR_OK;
}

static enum err_code check_cells(const struct vectors *v, struct err *err)
{
    if (v->cell_blocks[0] != 0 || v->cell_blocks[v->cells] != v->blocks)
        return err_set(err, ERR_CORRUPT, "vectors.cells does not span its %u blocks", v->blocks);
    for (uint32_t i = 0; i < v->cells; i++)
        if (v->cell_blocks[i] > v->cell_blocks[i + 1])
            return err_set(err, ERR_CORRUPT, "vectors.cells descends at %u", i);
    return ERR_OK;
}

/* Every row once: as many as there are, none twice, none beyond. */
static enum err_code check_rows(const struct vectors *v, struct err *err)
{
    bool *seen = mem_try_new(v->rows, sizeof *seen);
    enum err_code code = ERR_OK;
    size_t places = (size_t)v->blocks * VEC_BLOCK_ROWS, found = 0;
    if (!seen && v->rows)
        return err_set(err, ERR_MEMORY, "no memory to check %u vectors", v->rows);
    for (size_t i = 0; i < places && code == ERR_OK; i++) {
        uint32_t row = v->block_rows[i];
        if (row == VECTORS_NO_ROW)
            continue;
        if (row >= v->rows || seen[row])
            code = err_set(err, ERR_CORRUPT, "vectors.rows has row %u of %u %s at %zu", row,
                           v->rows, row >= v->rows ? "" : "twice", i);
        else
            seen[row] = ++found;
    }
    mem_free(seen);
    if (code == ERR_OK && found != v->rows)
        code = err_set(err, ERR_CORRUPT, "vectors.rows has %zu of %u rows", found, v->rows);
    return code;
}

static enum err_code check_scales(const struct vectors *v, struct err *err)
{
    size_t places = (size_t)v->blocks * VEC_BLOCK_ROWS;
    for (size_t i = 0; i < places; i++)
        if (!(v->block_scales[i] >= 0) || !isfinite(v->block_scales[i]))
            return err_set(err, ERR_CORRUPT, "vectors.scales is negative or not finite at %zu", i);
    return ERR_OK;
}

enum err_code vectors_read(const struct container *c, uint32_t rows, uint32_t dim,
                           struct vectors *out, struct err *err)
{
    struct vectors v = {.rows = rows, .dim = dim};
    size_t cells, places;
    if (dim == 0) {
        *out = (struct vectors){0};
        return ERR_OK;
    }
    if (dim > VECTORS_DIM_MAX)
        return err_set(err, ERR_CORRUPT, "vectors of %u dimensions", dim);
    TRY_SECTION(c, "vectors.exact", &v.exact, (size_t)rows * dim, err);
    TRY(container_section(c, "vectors.cells", sizeof *v.cell_blocks, (const void **)&v.cell_blocks,
                          &cells, err));
    if (cells < 1 || cells - 1 > rows || (rows && cells < 2))
        return err_set(err, ERR_CORRUPT, "vectors.cells has %zu bounds for %u rows", cells, rows);
    v.cells = (uint32_t)cells - 1;
    TRY(container_section(c, "vectors.rows", sizeof *v.block_rows, (const void **)&v.block_rows,
                          &places, err));
    if (places % VEC_BLOCK_ROWS != 0 || places / VEC_BLOCK_ROWS > UINT32_MAX)
        return err_set(err, ERR_CORRUPT, "vectors.rows has %zu places", places);
    v.blocks = (uint32_t)(places / VEC_BLOCK_ROWS);
    TRY_SECTION(c, "vectors.centroids", &v.centroids, (size_t)v.cells * dim, err);
    TRY_SECTION(c, "vectors.scales", &v.block_scales, places, err);
    TRY_SECTION(c, "vectors.codes", &v.codes, v.blocks * vec_block_bytes(dim), err);
    TRY(check_finite(v.exact, (size_t)rows * dim, "vectors.exact", err));
    TRY(check_finite(v.centroids, (size_t)v.cells * dim, "vectors.centroids", err));
    TRY(check_cells(&v, err));
    TRY(check_rows(&v, err));
    TRY(check_scales(&v, err));
    *out = v;
    return ERR_OK;
}
