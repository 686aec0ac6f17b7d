#include "support/suite.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/dense.h"

static float *random_floats(struct rng *rng, size_t n)
{
    float *x = mem_new(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(rng);
    return x;
}

START_TEST(the_gram_matrix_is_the_products_of_columns)
{
    enum { N = 17, K = 9 };
    struct rng rng;
    rng_init(&rng, 1);
    float *x = random_floats(&rng, N * K), gram[K * K];
    for (size_t i = 0; i < K * K; i++)
        gram[i] = NAN;
    dense_gram(2, x, N, K, 0, gram);
    for (size_t i = 0; i < K; i++) {
        for (size_t j = 0; j < K; j++) {
            double want = 0;
            for (size_t r = 0; r < N; r++)
                want += 2.0 * x[r * K + i] * x[r * K + j];
            ck_assert_double_eq_tol(gram[i * K + j], want, 1e-4);
            ck_assert(gram[i * K + j] == gram[j * K + i]);
        }
    }
    float before = gram[3];
    dense_gram(1, x, 0, K, 0.5f, gram);
    ck_assert(gram[3] == before / 2);
    mem_free(x);
}
END_TEST

START_TEST(products_are_the_sums_of_their_terms)
{
    enum { N = 13, K = 5, M = 7 };
    struct rng rng;
    rng_init(&rng, 6);
    float *x = random_floats(&rng, N * K), *y = random_floats(&rng, N * M), cross[K * M];
    float *before = mem_new(N * M, sizeof *before);
    memcpy(before, y, N * M * sizeof *y);
    dense_cross(x, N, K, y, M, cross);
    for (size_t i = 0; i < K * M; i++) {
        double want = 0;
        for (size_t r = 0; r < N; r++)
            want += (double)x[r * K + i / M] * (double)y[r * M + i % M];
        ck_assert_double_eq_tol((double)cross[i], want, 1e-5);
    }
    dense_add(-2, x, N, K, cross, M, y);
    for (size_t i = 0; i < N * M; i++) {
        double want = (double)before[i];
        for (size_t k = 0; k < K; k++)
            want -= 2 * (double)x[i / M * K + k] * (double)cross[k * M + i % M];
        ck_assert_double_eq_tol((double)y[i], want, 1e-4);
    }
    float dots[N * (N * M / K)];
    dense_dots(x, N, before, N * M / K, K, dots); /* the same numbers as rows of another length */
    for (size_t i = 0; i < N * (N * M / K); i++) {
        double want = 0;
        for (size_t k = 0; k < K; k++)
            want += (double)x[i / (N * M / K) * K + k] * (double)before[i % (N * M / K) * K + k];
        ck_assert_double_eq_tol((double)dots[i], want, 1e-5);
    }
    mem_free(x);
    mem_free(y);
    mem_free(before);
}
END_TEST

START_TEST(solutions_satisfy_their_systems)
{
    static const size_t orders[] = {1, 2, 7, 64, 130};
    struct err err;
    struct rng rng;
    rng_init(&rng, 2);
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        size_t n = orders[o], m = 3;
        float *x = random_floats(&rng, 2 * n * n), *b = random_floats(&rng, m * n);
        float *a = mem_new(n * n, sizeof *a), *work = mem_new(n * n, sizeof *work);
        float *solved = mem_new(m * n, sizeof *solved);
        dense_gram(1, x, 2 * n, n, 0, a);
        for (size_t i = 0; i < n; i++)
            a[i * n + i] += 1;
        memcpy(work, a, n * n * sizeof *a);
        memcpy(solved, b, m * n * sizeof *b);
        ck_ok(dense_solve_spd(work, n, solved, m, &err));
        for (size_t r = 0; r < m; r++) {
            for (size_t i = 0; i < n; i++) {
                double got = 0, mass = 0;
                for (size_t j = 0; j < n; j++) {
                    double term = (double)a[i * n + j] * solved[r * n + j];
                    got += term;
                    mass += fabs(term);
                }
                ck_assert_double_eq_tol(got, b[r * n + i], 1e-4 * (1 + mass));
            }
        }
        mem_free(x);
        mem_free(b);
        mem_free(a);
        mem_free(work);
        mem_free(solved);
    }
}
END_TEST

START_TEST(the_upper_triangle_is_not_read)
{
    struct err err;
    float a[] = {4, NAN, 2, 3}, b[] = {2, 5};
    ck_ok(dense_solve_spd(a, 2, b, 1, &err));
    ck_assert_double_eq_tol(b[0], -0.5, 1e-6);
    ck_assert_double_eq_tol(b[1], 2, 1e-6);
}
END_TEST

START_TEST(what_has_no_solution_is_an_error)
{
    struct err err;
    float indefinite[] = {1, 2, 2, 1}, b[] = {1, 1};
    ck_err(dense_solve_spd(indefinite, 2, b, 1, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "the system is not positive definite at row 1");
    float broken[] = {1, 0, NAN, 1};
    ck_err(dense_solve_spd(broken, 2, b, 1, &err), ERR_INVALID);
    float fine[] = {1, 0, 0, 1}, infinite[] = {1, INFINITY};
    ck_err(dense_solve_spd(fine, 2, infinite, 1, &err), ERR_INVALID);
    float tiny[] = {1e-30f}, huge[] = {1e30f};
    ck_err(dense_solve_spd(tiny, 1, huge, 1, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "the solution of the system overflows");
}
END_TEST

enum { CROWD_ORDER = 64, CROWD_ROUNDS = 400 };

/* Solves the same system over and over; *arg becomes the number of wrong results. */
static void *solve_in_a_crowd(void *arg)
{
    size_t n = CROWD_ORDER;
    struct rng rng;
    rng_init(&rng, 7);
    float *x = random_floats(&rng, 2 * n * n), *gram = mem_new(n * n, sizeof *gram);
    float *first = mem_new(n, sizeof *first), *b = mem_new(n, sizeof *b);
    for (int round = 0; round < CROWD_ROUNDS; round++) {
        struct err err;
        dense_gram(1, x, 2 * n, n, 0, gram);
        for (size_t i = 0; i < n; i++) {
            gram[i * n + i] += 1;
            b[i] = 1;
        }
        if (dense_solve_spd(gram, n, b, 1, &err) != ERR_OK ||
            (round && memcmp(b, first, n * sizeof *b) != 0))
            ++*(int *)arg;
        if (round == 0)
            memcpy(first, b, n * sizeof *b);
    }
    mem_free(x);
    mem_free(gram);
    mem_free(first);
    mem_free(b);
    return NULL;
}

START_TEST(threads_do_not_disturb_each_other)
{
    pthread_t threads[4];
    int wrong[4] = {0};
    dense_init();
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, solve_in_a_crowd, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(wrong[i], 0);
    }
}
END_TEST

START_TEST(threading_can_be_switched_off_twice)
{
    dense_init();
    dense_init();
}
END_TEST

START_TEST(eigenvectors_turn_a_gram_matrix_to_its_diagonal)
{
    static const size_t sizes[] = {1, 2, 17, 64, 130};
    struct err err;
    struct rng rng;
    rng_init(&rng, 9);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t k = sizes[i], n = k * 2 + 3;
        float *x = mem_new(n * k, sizeof *x), *turned = mem_new(n * k, sizeof *x);
        float *axes = mem_new(k * k, sizeof *axes), *values = mem_new(k, sizeof *values);
        for (size_t j = 0; j < n * k; j++)
            x[j] = (float)rng_normal(&rng);
        dense_gram(1, x, n, k, 0, axes);
        ck_ok(dense_eigen(axes, k, values, &err));
        dense_turn(x, n, axes, k, turned);
        for (size_t a = 0; a < k; a++) {
            ck_assert(a == 0 || values[a - 1] <= values[a]);
            for (size_t b = 0; b < k; b++) {
                double sum = 0;
                for (size_t j = 0; j < n; j++)
                    sum += (double)turned[j * k + a] * (double)turned[j * k + b];
                double want = a == b ? (double)values[a] : 0;
                ck_assert_double_eq_tol(sum, want, 1e-4 * (double)values[k - 1] + 1e-4);
            }
        }
        for (size_t j = 1; j < n; j++) { /* dot products stay what they are */
            double before = 0, after = 0;
            for (size_t a = 0; a < k; a++) {
                before += (double)x[a] * (double)x[j * k + a];
                after += (double)turned[a] * (double)turned[j * k + a];
            }
            ck_assert_double_eq_tol(before, after, 1e-4 * (double)k);
        }
        mem_free(x);
        mem_free(turned);
        mem_free(axes);
        mem_free(values);
    }
}
END_TEST

START_TEST(a_matrix_that_is_not_finite_has_no_eigenvectors)
{
    float a[4] = {1, 0, NAN, 1}, values[2];
    struct err err;
    ck_err(dense_eigen(a, 2, values, &err), ERR_INVALID);
}
END_TEST

SUITE("dense", eigenvectors_turn_a_gram_matrix_to_its_diagonal,
      a_matrix_that_is_not_finite_has_no_eigenvectors, the_gram_matrix_is_the_products_of_columns,
      products_are_the_sums_of_their_terms, solutions_satisfy_their_systems,
      the_upper_triangle_is_not_read, what_has_no_solution_is_an_error,
      threads_do_not_disturb_each_other, threading_can_be_switched_off_twice)
