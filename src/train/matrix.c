#include "train/matrix.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_place(const void *a, const void *b)
{
    const struct matrix_cell *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static enum err_code allocate(struct matrix *m, uint64_t cells, struct err *err)
{
    m->offsets = mem_try_new((size_t)m->rows + 1, sizeof *m->offsets);
    m->column = mem_try_new(cells, sizeof *m->column);
    m->value = mem_try_new(cells, sizeof *m->value);
    if (m->offsets && m->column && m->value)
        return ERR_OK;
    matrix_release(m);
    return err_set(err, ERR_MEMORY, "no memory for a matrix of %llu cells",
                   (unsigned long long)cells);
}

enum err_code matrix_build(struct matrix_cell *cells, size_t n, uint32_t rows, uint32_t columns,
                           struct matrix *out, struct err *err)
{
    struct matrix m = {.rows = rows, .columns = columns};
    if (n)
        qsort(cells, n, sizeof *cells, by_place);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (distinct && by_place(&cells[distinct - 1], &cells[i]) == 0)
            cells[distinct - 1].value += cells[i].value;
        else
            cells[distinct++] = cells[i];
    }
    enum err_code code = allocate(&m, distinct, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < distinct; i++) {
        m.offsets[cells[i].row + 1]++;
        m.column[i] = cells[i].column;
        m.value[i] = cells[i].value;
    }
    for (uint32_t r = 0; r < rows; r++)
        m.offsets[r + 1] += m.offsets[r];
    *out = m;
    return ERR_OK;
}

enum err_code matrix_transpose(const struct matrix *m, struct matrix *out, struct err *err)
{
    struct matrix t = {.rows = m->columns, .columns = m->rows};
    uint64_t cells = matrix_cells(m);
    enum err_code code = allocate(&t, cells, err);
    if (code != ERR_OK)
        return code;
    for (uint64_t i = 0; i < cells; i++)
        t.offsets[m->column[i] + 1]++;
    for (uint32_t r = 0; r < t.rows; r++)
        t.offsets[r + 1] += t.offsets[r];
    /* Filling moves each row's start to its end: the start of the next. */
    for (uint32_t r = 0; r < m->rows; r++)
        for (uint64_t i = m->offsets[r]; i < m->offsets[r + 1]; i++) {
            uint64_t at = t.offsets[m->column[i]]++;
            t.column[at] = r;
            t.value[at] = m->value[i];
        }
    for (uint32_t r = t.rows; r > 0; r--)
        t.offsets[r] = t.offsets[r - 1];
    if (t.offsets)
        t.offsets[0] = 0;
    *out = t;
    return ERR_OK;
}

void matrix_release(struct matrix *m)
{
    mem_free(m->offsets);
    mem_free(m->column);
    mem_free(m->value);
    *m = (struct matrix){0};
}
