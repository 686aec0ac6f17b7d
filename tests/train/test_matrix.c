#include "train/matrix.h"

#include "train/random_matrix.h"

enum { ROWS = 23, COLUMNS = 31 };

static void check(const struct matrix *m, const double *dense, bool transposed)
{
    size_t cells = 0, full = 0;
    ck_assert_uint_eq(m->offsets[0], 0);
    for (uint32_t r = 0; r < m->rows; r++) {
        ck_assert_uint_le(m->offsets[r], m->offsets[r + 1]);
        for (uint64_t i = m->offsets[r]; i < m->offsets[r + 1]; i++, cells++) {
            ck_assert(i == m->offsets[r] || m->column[i - 1] < m->column[i]);
            size_t at = transposed ? (size_t)m->column[i] * m->rows + r
                                   : (size_t)r * m->columns + m->column[i];
            ck_assert_double_eq((double)m->value[i], dense[at]);
        }
    }
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        full += dense[i] != 0;
    ck_assert_uint_eq(cells, full);
    ck_assert_uint_eq(matrix_cells(m), full);
}

START_TEST(cells_in_any_order_become_rows_and_their_transpose)
{
    double dense[ROWS * COLUMNS];
    struct matrix m, t;
    struct rng r;
    struct err err;
    rng_init(&r, 1);
    for (size_t n = 0; n < 600; n += 37) {
        random_matrix(&r, ROWS, COLUMNS, n, &m, dense);
        ck_assert_uint_eq(m.rows, ROWS);
        check(&m, dense, false);
        ck_ok(matrix_transpose(&m, &t, &err));
        ck_assert_uint_eq(t.rows, COLUMNS);
        check(&t, dense, true);
        matrix_release(&m);
        matrix_release(&t);
    }
}
END_TEST

START_TEST(a_matrix_without_rows_is_fine)
{
    struct matrix m, t;
    struct err err;
    ck_ok(matrix_build(NULL, 0, 0, 0, &m, &err));
    ck_ok(matrix_transpose(&m, &t, &err));
    ck_assert_uint_eq(matrix_cells(&t), 0);
    matrix_release(&m);
    matrix_release(&t);
    matrix_release(&t);
}
END_TEST

SUITE("matrix", cells_in_any_order_become_rows_and_their_transpose, a_matrix_without_rows_is_fine)
