#include "train/als.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"
#include "num/small.h"
#include "num/vec.h"
#include "train/random_matrix.h"

/* Of FEW cells every row is shorter than its factors are long, of MANY most are not: both forms of a
 * system are solved. */
enum { USERS = 60, ITEMS = 75, FEW = 500, MANY = 4000, DIM = 40 };

struct problem {
    struct matrix by_user, by_item;
    double dense[USERS * ITEMS];
    float users[USERS * DIM], items[ITEMS * DIM];
    struct als_options o;
};

static void problem_init(struct problem *p, uint64_t seed, size_t cells, float exponent)
{
    struct rng r;
    struct err err;
    ck_ok(vec_init(&err));
    dense_init();
    small_init();
    rng_init(&r, seed);
    random_matrix(&r, USERS, ITEMS, cells, &p->by_user, p->dense);
    ck_ok(matrix_transpose(&p->by_user, &p->by_item, &err));
    p->o = (struct als_options){.dim = DIM,
                                .alpha = 2,
                                .regularisation = 0.5f,
                                .exponent = exponent,
                                .iterations = 3,
                                .seed = 9};
}

static void problem_release(struct problem *p)
{
    matrix_release(&p->by_user);
    matrix_release(&p->by_item);
}

static double dot(const double *x, const double *y)
{
    double s = 0;
    for (size_t k = 0; k < DIM; k++)
        s += x[k] * y[k];
    return s;
}

/* Of each row: lambda by how many cells of it are there. */
static void lambdas(const struct als_options *o, const double *dense, size_t rows, size_t columns,
                    bool transposed, double *out)
{
    double mean = 0, unseen = (double)columns / (double)o->alpha;
    for (size_t r = 0; r < rows; r++) {
        out[r] = 0;
        for (size_t c = 0; c < columns; c++)
            out[r] += (transposed ? dense[c * rows + r] : dense[r * columns + c]) > 0;
        mean += out[r] / (double)rows;
    }
    for (size_t r = 0; r < rows; r++)
        out[r] = (double)o->regularisation *
                 pow((out[r] + unseen) / (mean + unseen), (double)o->exponent);
}

/* Rows of out against fixed, over every cell of the dense matrix, by Gauss's elimination. */
static void half_step(const struct als_options *o, const double *dense, size_t rows, size_t columns,
                      bool transposed, const double *fixed, double *out)
{
    double lambda[USERS + ITEMS];
    lambdas(o, dense, rows, columns, transposed, lambda);
    for (size_t r = 0; r < rows; r++) {
        double a[DIM][DIM + 1] = {{0}};
        bool any = false;
        for (size_t c = 0; c < columns; c++) {
            double w = transposed ? dense[c * rows + r] : dense[r * columns + c];
            const double *y = fixed + c * DIM;
            double confidence = 1 + (double)o->alpha * w;
            any |= w > 0;
            for (size_t i = 0; i < DIM; i++) {
                for (size_t k = 0; k < DIM; k++)
                    a[i][k] += confidence * y[i] * y[k];
                a[i][DIM] += w > 0 ? confidence * y[i] : 0;
            }
        }
        for (size_t i = 0; i < DIM; i++)
            a[i][i] += lambda[r];
        for (size_t k = 0; k < DIM; k++) /* positive definite: no pivoting */
            for (size_t i = 0; i < DIM; i++)
                if (i != k) {
                    double f = a[i][k] / a[k][k];
                    for (size_t j = k; j <= DIM; j++)
                        a[i][j] -= f * a[k][j];
                }
        for (size_t k = 0; k < DIM; k++)
            out[r * DIM + k] = any ? a[k][DIM] / a[k][k] : 0;
    }
}

static void widen(const float *x, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (double)x[i];
}

/* Scores do not change when both sides are turned. */
static void compare_scores(const float *users, const float *items, const double *users_wanted,
                           const double *items_wanted)
{
    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++) {
            double got = 0, wanted = dot(users_wanted + u * DIM, items_wanted + i * DIM);
            for (size_t k = 0; k < DIM; k++)
                got += (double)users[u * DIM + k] * (double)items[i * DIM + k];
            ck_assert_double_eq_tol(got, wanted, 1e-3);
        }
}

static void check_half_steps(size_t cells, float exponent)
{
    struct problem p;
    struct err err;
    struct rng r;
    double items[ITEMS * DIM], users[USERS * DIM];
    problem_init(&p, 1, cells, exponent);
    rng_init(&r, 3);
    for (size_t i = 0; i < ITEMS * DIM; i++)
        p.items[i] = (float)rng_normal(&r);
    widen(p.items, ITEMS * DIM, items);
    ck_ok(als_half_step(&p.by_user, p.items, &p.o, NULL, p.users, &err));
    half_step(&p.o, p.dense, USERS, ITEMS, false, items, users);
    compare_scores(p.users, p.items, users, items);
    widen(p.users, USERS * DIM, users);
    ck_ok(als_half_step(&p.by_item, p.users, &p.o, NULL, p.items, &err));
    half_step(&p.o, p.dense, ITEMS, USERS, true, users, items);
    compare_scores(p.users, p.items, users, items);
    problem_release(&p);
}

START_TEST(a_half_step_solves_every_row_over_all_cells)
{
    static const size_t cells[] = {FEW, MANY};
    static const float exponents[] = {0, 0.5f, 1};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++)
            check_half_steps(cells[i], exponents[k]);
}
END_TEST

/* The loss over all cells, one by one. */
static double loss_by_definition(const struct problem *p)
{
    double users[USERS * DIM], items[ITEMS * DIM], loss = 0;
    widen(p->users, USERS * DIM, users);
    widen(p->items, ITEMS * DIM, items);
    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++) {
            double w = p->dense[u * ITEMS + i];
            double miss = (w > 0) - dot(users + u * DIM, items + i * DIM);
            loss += (1 + (double)p->o.alpha * w) * miss * miss;
        }
    double lambda[USERS + ITEMS];
    lambdas(&p->o, p->dense, USERS, ITEMS, false, lambda);
    for (size_t i = 0; i < USERS * DIM; i++)
        loss += lambda[i / DIM] * users[i] * users[i];
    lambdas(&p->o, p->dense, ITEMS, USERS, true, lambda);
    for (size_t i = 0; i < ITEMS * DIM; i++)
        loss += lambda[i / DIM] * items[i] * items[i];
    return loss;
}

START_TEST(the_loss_is_that_of_all_cells_and_falls_with_each_half_step)
{
    struct problem p;
    struct err err;
    problem_init(&p, 2, FEW, 1);
    p.o.iterations = 1;
    ck_ok(als_fit(&p.by_user, &p.by_item, &p.o, NULL, p.users, p.items, &err));
    double last = als_loss(&p.by_user, &p.by_item, &p.o, p.users, p.items), first = last;
    for (int i = 0; i < 8; i++) {
        double want = loss_by_definition(&p);
        ck_assert_double_eq_tol(last, want, 1e-4 * want);
        if (i % 2)
            ck_ok(als_half_step(&p.by_item, p.users, &p.o, NULL, p.items, &err));
        else
            ck_ok(als_half_step(&p.by_user, p.items, &p.o, NULL, p.users, &err));
        double now = als_loss(&p.by_user, &p.by_item, &p.o, p.users, p.items);
        ck_assert_double_le(now, last * (1 + 1e-6));
        last = now;
    }
    ck_assert_double_lt(last, first);
    problem_release(&p);
}
END_TEST

/* --- blocks ---------------------------------------------------------------------------------- */

static void random_factors(struct problem *p, uint64_t seed)
{
    struct rng r;
    rng_init(&r, seed);
    for (size_t i = 0; i < ITEMS * DIM; i++)
        p->items[i] = (float)rng_normal(&r);
    for (size_t i = 0; i < USERS * DIM; i++)
        p->users[i] = (float)rng_normal(&r);
}

START_TEST(one_block_of_all_factors_is_the_exact_half_step_wherever_it_begins)
{
    struct problem p;
    struct err err;
    double items[ITEMS * DIM], users[USERS * DIM];
    problem_init(&p, 6, MANY, 1);
    random_factors(&p, 7);
    p.o.block = 48;
    widen(p.items, ITEMS * DIM, items);
    ck_ok(als_half_step(&p.by_user, p.items, &p.o, NULL, p.users, &err));
    half_step(&p.o, p.dense, USERS, ITEMS, false, items, users);
    compare_scores(p.users, p.items, users, items);
    problem_release(&p);
}
END_TEST

/* Half of the derivative of the loss by the k-th factor of a user, over all cells. */
static double slope(const struct problem *p, size_t u, size_t k, double lambda)
{
    double sum = lambda * (double)p->users[u * DIM + k];
    for (size_t i = 0; i < ITEMS; i++) {
        double w = p->dense[u * ITEMS + i], score = 0;
        for (size_t j = 0; j < DIM; j++)
            score += (double)p->users[u * DIM + j] * (double)p->items[i * DIM + j];
        sum -= (1 + (double)p->o.alpha * w) * ((w > 0) - score) * (double)p->items[i * DIM + k];
    }
    return sum;
}

START_TEST(the_last_block_stands_in_its_minimum)
{
    static const size_t cells[] = {FEW, MANY};
    for (size_t n = 0; n < sizeof cells / sizeof *cells; n++) {
        struct problem p;
        struct err err;
        double lambda[USERS];
        problem_init(&p, 8, cells[n], 1);
        random_factors(&p, 9);
        p.o.block = 16;
        ck_ok(als_half_step(&p.by_user, p.items, &p.o, NULL, p.users, &err));
        lambdas(&p.o, p.dense, USERS, ITEMS, false, lambda);
        for (size_t u = 0; u < USERS; u++)
            for (size_t k = 32; k < DIM; k++)
                ck_assert_double_eq_tol(slope(&p, u, k, lambda[u]), 0, 2e-2);
        problem_release(&p);
    }
}
END_TEST

START_TEST(steps_over_blocks_come_to_what_exact_ones_come_to)
{
    struct problem p;
    struct err err;
    problem_init(&p, 2, FEW, 1);
    p.o.iterations = 60;
    ck_ok(als_fit(&p.by_user, &p.by_item, &p.o, NULL, p.users, p.items, &err));
    double exact = als_loss(&p.by_user, &p.by_item, &p.o, p.users, p.items), last = INFINITY;
    p.o.block = 16;
    for (uint32_t i = 1; i <= 64; i *= 4) {
        p.o.iterations = i;
        ck_ok(als_fit(&p.by_user, &p.by_item, &p.o, NULL, p.users, p.items, &err));
        double now = als_loss(&p.by_user, &p.by_item, &p.o, p.users, p.items);
        ck_assert_double_lt(now, last);
        last = now;
    }
    ck_assert_double_eq_tol(last, exact, 0.02 * exact);
    problem_release(&p);
}
END_TEST

START_TEST(the_result_is_the_same_for_any_number_of_threads)
{
    struct problem p;
    struct err err;
    float users[USERS * DIM], items[ITEMS * DIM];
    problem_init(&p, 4, MANY, 0);
    for (p.o.block = 0; p.o.block <= 16; p.o.block += 16) {
        ck_ok(als_fit(&p.by_user, &p.by_item, &p.o, NULL, p.users, p.items, &err));
        for (unsigned threads = 1; threads <= 3; threads++) {
            struct pool *pool;
            ck_ok(pool_new(&pool, "als", threads, 8, &err));
            ck_ok(als_fit(&p.by_user, &p.by_item, &p.o, pool, users, items, &err));
            ck_assert_mem_eq(users, p.users, sizeof users);
            ck_assert_mem_eq(items, p.items, sizeof items);
            pool_free(pool);
        }
    }
    problem_release(&p);
}
END_TEST

/* Rows of more cells than are gathered at once, and more of them than are turned at once. */
START_TEST(the_loss_falls_and_threads_agree_where_rows_are_long_and_many)
{
    enum { WIDE = 32, LONG = 5000, SHORT = 300, ALL = 120000 };
    struct matrix by_user, by_item;
    struct err err;
    struct rng r;
    struct pool *pool;
    double *dense = mem_new((size_t)LONG * SHORT, sizeof *dense);
    float *users = mem_new(LONG * WIDE, sizeof *users),
          *items = mem_new(SHORT * WIDE, sizeof *items);
    float *users_too = mem_new(LONG * WIDE, sizeof *users),
          *items_too = mem_new(SHORT * WIDE, sizeof *items);
    struct als_options o = {
        .dim = WIDE, .alpha = 3, .regularisation = 1, .exponent = 1, .iterations = 1, .seed = 4};
    ck_ok(vec_init(&err));
    dense_init();
    small_init();
    rng_init(&r, 11);
    random_matrix(&r, LONG, SHORT, ALL, &by_user, dense);
    ck_ok(matrix_transpose(&by_user, &by_item, &err));
    ck_ok(pool_new(&pool, "als", 3, 8, &err));
    for (o.block = 0; o.block <= 16; o.block += 16) {
        double last = INFINITY;
        for (o.iterations = 1; o.iterations <= 3; o.iterations++) {
            ck_ok(als_fit(&by_user, &by_item, &o, NULL, users, items, &err));
            ck_ok(als_fit(&by_user, &by_item, &o, pool, users_too, items_too, &err));
            ck_assert_mem_eq(users, users_too, LONG * WIDE * sizeof *users);
            ck_assert_mem_eq(items, items_too, SHORT * WIDE * sizeof *items);
            double now = als_loss(&by_user, &by_item, &o, users, items);
            ck_assert_double_lt(now, last);
            last = now;
        }
    }
    pool_free(pool);
    matrix_release(&by_user);
    matrix_release(&by_item);
    mem_free(dense);
    mem_free(users);
    mem_free(items);
    mem_free(users_too);
    mem_free(items_too);
}
END_TEST

START_TEST(a_system_that_floats_cannot_hold_is_named)
{
    struct problem p;
    struct err err;
    problem_init(&p, 5, FEW, 0);
    random_factors(&p, 3);
    p.items[0] = 3e38f;
    p.items[DIM] = 3e38f;
    ck_err(als_half_step(&p.by_user, p.items, &p.o, NULL, p.users, &err), ERR_INVALID);
    problem_release(&p);
}
END_TEST

START_TEST(weights_that_are_not_positive_are_refused)
{
    static const float bad[] = {0, -1, NAN, INFINITY};
    struct problem p;
    struct err err;
    problem_init(&p, 5, FEW, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float good = p.by_user.value[3];
        p.by_user.value[3] = bad[i];
        ck_err(als_fit(&p.by_user, &p.by_item, &p.o, NULL, p.users, p.items, &err), ERR_INVALID);
        p.by_user.value[3] = good;
    }
    problem_release(&p);
}
END_TEST

START_TEST(a_warm_start_comes_in_two_steps_to_where_a_cold_one_comes_in_ten)
{
    struct problem p;
    struct matrix_cell more[20];
    struct matrix by_user, by_item;
    struct rng r;
    struct err err;
    size_t n = 0;
    problem_init(&p, 21, MANY / 2, 1);
    p.o.regularisation = 5;
    p.o.iterations = 10;
    ck_ok(als_fit(&p.by_user, &p.by_item, &p.o, NULL, p.users, p.items, &err));
    /* the same and a little more: what happened since */
    struct matrix_cell *cells = mem_new(matrix_cells(&p.by_user) + 20, sizeof *cells);
    rng_init(&r, 4);
    for (int i = 0; i < 20; i++)
        more[i] =
            (struct matrix_cell){(uint32_t)rng_below(&r, USERS), (uint32_t)rng_below(&r, ITEMS), 2};
    for (uint32_t u = 0; u < USERS; u++)
        for (uint64_t i = p.by_user.offsets[u]; i < p.by_user.offsets[u + 1]; i++)
            cells[n++] = (struct matrix_cell){u, p.by_user.column[i], p.by_user.value[i]};
    memcpy(cells + n, more, sizeof more);
    ck_ok(matrix_build(cells, n + 20, USERS, ITEMS, &by_user, &err));
    ck_ok(matrix_transpose(&by_user, &by_item, &err));
    float users[USERS * DIM], items[ITEMS * DIM];
    struct als_options o = p.o;
    ck_ok(als_fit(&by_user, &by_item, &o, NULL, users, items, &err));
    double cold = als_loss(&by_user, &by_item, &o, users, items);
    o.iterations = 2;
    ck_ok(als_fit(&by_user, &by_item, &o, NULL, users, items, &err));
    double cold_two = als_loss(&by_user, &by_item, &o, users, items);
    o.warm = true;
    memcpy(items, p.items, sizeof items);
    ck_ok(als_fit(&by_user, &by_item, &o, NULL, users, items, &err));
    double warm = als_loss(&by_user, &by_item, &o, users, items);
    ck_assert_double_le(warm, cold * 1.001);
    ck_assert_double_gt(cold_two, cold * 1.001);
    mem_free(cells);
    matrix_release(&by_user);
    matrix_release(&by_item);
    problem_release(&p);
}
END_TEST

SUITE("als", a_warm_start_comes_in_two_steps_to_where_a_cold_one_comes_in_ten,
      the_loss_falls_and_threads_agree_where_rows_are_long_and_many,
      a_system_that_floats_cannot_hold_is_named,
      one_block_of_all_factors_is_the_exact_half_step_wherever_it_begins,
      the_last_block_stands_in_its_minimum, steps_over_blocks_come_to_what_exact_ones_come_to,
      a_half_step_solves_every_row_over_all_cells,
      the_loss_is_that_of_all_cells_and_falls_with_each_half_step,
      the_result_is_the_same_for_any_number_of_threads, weights_that_are_not_positive_are_refused)
