#include "train/recommend_content.h"

#include <string.h>

#include "base/mem.h"
#include "num/vec.h"

enum err_code recommend_content_read(const struct content_catalogue *catalogue,
                                     const uint32_t *row_of, uint32_t rows,
                                     struct recommend_content *out, struct err *err)
{
    struct recommend_content c = {.catalogue = catalogue};
    c.row = mem_try_new(catalogue->len, sizeof *c.row);
    if (!c.row)
        return err_set(err, ERR_MEMORY, "no memory for %u products", catalogue->len);
    for (uint32_t i = 0; i < catalogue->len; i++)
        c.row[i] = row_of[catalogue->products[i].product_no] - 1;
    enum err_code code =
        content_vocabulary(catalogue, CONTENT_ALL, RECOMMEND_FEATURES_MAX, &c.tower, err);
    if (code == ERR_OK)
        code = content_matrix(&c.tower, catalogue, CONTENT_ALL, c.row, rows, &c.features, err);
    if (code != ERR_OK) {
        recommend_content_release(&c);
        return code;
    }
    *out = c;
    return ERR_OK;
}

void recommend_content_release(struct recommend_content *c)
{
    mem_free(c->row);
    matrix_release(&c->features);
    content_tower_release(&c->tower);
    *c = (struct recommend_content){0};
}

/* What the tower says counts as much as so many shoppers. */
#define TOWER_SHOPPERS 3.0f

/* --- placing --------------------------------------------------------------------------------- */

/* Acts of a product in a microsecond, on average over those that somebody had. */
static double mean_rate(const struct matrix *by_item, const struct recommend_place *o)
{
    uint32_t had = 0;
    for (uint32_t row = 0; row < by_item->rows; row++)
        had += by_item->offsets[row + 1] > by_item->offsets[row];
    double span = (double)(o->now - o->since);
    return had && span > 0 ? (double)matrix_cells(by_item) / had / span : 0;
}

/* x [dim] = W' f of a row */
static void embed_row(const struct recommend_content *c, uint32_t row, const float *weights,
                      size_t dim, float *x)
{
    const struct matrix *f = &c->features;
    memset(x, 0, dim * sizeof *x);
    for (uint64_t i = f->offsets[row]; i < f->offsets[row + 1]; i++)
        vec->axpy(f->value[i], weights + (size_t)f->column[i] * dim, x, dim);
}

enum err_code recommend_content_place(struct recommend_content *c, const struct matrix *by_item,
                                      const float *users, const struct recommend_place *o,
                                      float *items, struct err *err)
{
    size_t dim = o->fit.dim;
    float by_tower[RECOMMEND_DIM_MAX];
    if (c->tower.features == 0)
        return ERR_OK;
    float *weights =
        mem_try_aligned((size_t)c->tower.features * dim, sizeof *weights, CONTAINER_ALIGN);
    if (!weights)
        return err_set(err, ERR_MEMORY, "no memory for %u features", c->tower.features);
    c->tower.weights = weights;
    c->tower.dim = o->fit.dim;
    enum err_code code = content_fit(&c->features, by_item, users, &o->fit, o->pool, weights, err);
    double rate = mean_rate(by_item, o);
    for (uint32_t i = 0; i < c->catalogue->len && code == ERR_OK; i++) {
        uint32_t row = c->row[i];
        int64_t age = o->now - c->catalogue->products[i].created_at;
        float *x = items + row * dim;
        float known = (float)(by_item->offsets[row + 1] - by_item->offsets[row]);
        float expected = (float)(rate * (double)(age > 0 ? age : 0));
        float share = TOWER_SHOPPERS / (TOWER_SHOPPERS + known);
        embed_row(c, row, weights, dim, by_tower);
        vec->scale(1 - share, x, dim);
        vec->axpy(share * (1 + known) / (1 + expected), by_tower, x, dim);
    }
    return code;
}
