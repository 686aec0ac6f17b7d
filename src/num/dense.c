#include "num/dense.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <strings.h>

#include <lapacke.h>

#include "base/check.h"

/* The serial build of OpenBLAS keeps its scratch memory in a table without locks: two threads inside it
 * at once corrupt each other's results. Then calls take turns; the threaded builds need no help. */
static bool take_turns = true;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void enter(void)
{
    if (take_turns)
        pthread_mutex_lock(&turn);
}

static void leave(void)
{
    if (take_turns)
        pthread_mutex_unlock(&turn);
}

void dense_init(void)
{
    enum { SEQUENTIAL = 0 };
    openblas_set_num_threads(1);
    take_turns = openblas_get_parallel() == SEQUENTIAL;
}

const char *dense_better_core(void)
{
#if defined(__x86_64__)
    const char *core = openblas_get_corename();
    if (strcasecmp(core, "Prescott") != 0 && strcasecmp(core, "generic") != 0)
        return NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

void dense_gram(float alpha, const float *x, size_t n, size_t k, float beta, float *gram)
{
    CHECK(k >= 1 && k <= DENSE_MAX_ORDER && n <= INT_MAX);
    enter();
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, (int)n, alpha, x, (int)k, beta, gram,
                (int)k);
    leave();
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < i; j++)
            gram[j * k + i] = gram[i * k + j];
}

static bool all_finite(const float *x, size_t n)
{
    /* Whatever is not finite turns the sum of x * 0 into a NaN. */
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0;
    return sum == 0;
}

/* For one right-hand side LAPACK's own takes the way of many, which copies the matrix. */
static void solve_triangles(const float *a, int n, float *b, int m)
{
    if (m > 1) {
        CHECK(LAPACKE_spotrs_work(LAPACK_COL_MAJOR, 'U', n, m, a, n, b, n) == 0);
        return;
    }
    cblas_strsv(CblasColMajor, CblasUpper, CblasTrans, CblasNonUnit, n, a, n, b, 1);
    cblas_strsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, n, a, n, b, 1);
}

enum err_code dense_solve_spd(float *a, size_t n, float *b, size_t m, struct err *err)
{
    CHECK(n >= 1 && n <= DENSE_MAX_ORDER && m >= 1 && m <= INT_MAX);
    for (size_t i = 0; i < n; i++)
        if (!all_finite(a + i * n, i + 1))
            return err_set(err, ERR_INVALID, "row %zu of the system is not finite", i);
    if (!all_finite(b, m * n))
        return err_set(err, ERR_INVALID, "a right-hand side of the system is not finite");
    /* Our rows are LAPACK's columns: the lower triangle is its upper one, and nothing is copied. */
    int order = (int)n;
    enter();
    int info = LAPACKE_spotrf_work(LAPACK_COL_MAJOR, 'U', order, a, order);
    if (info == 0)
        solve_triangles(a, order, b, (int)m);
    leave();
    CHECK(info >= 0);
    if (info > 0)
        return err_set(err, ERR_INVALID, "the system is not positive definite at row %d", info - 1);
    if (!all_finite(b, m * n))
        return err_set(err, ERR_INVALID, "the solution of the system overflows");
    return ERR_OK;
}

enum err_code dense_eigen(float *a, size_t n, float *values, struct err *err)
{
    CHECK(n >= 1 && n <= DENSE_MAX_ORDER);
    for (size_t i = 0; i < n; i++)
        if (!all_finite(a + i * n, i + 1))
            return err_set(err, ERR_INVALID, "row %zu of the matrix is not finite", i);
    enter();
    lapack_int info = LAPACKE_ssyevd(LAPACK_COL_MAJOR, 'V', 'U', (int)n, a, (int)n, values);
    leave();
    if (info == LAPACK_WORK_MEMORY_ERROR)
        return err_set(err, ERR_MEMORY, "no memory for the eigenvectors of %zu rows", n);
    CHECK(info >= 0);
    if (info > 0)
        return err_set(err, ERR_INVALID, "the eigenvalues of the matrix do not converge");
    return ERR_OK;
}

void dense_turn(const float *x, size_t n, const float *q, size_t k, float *out)
{
    CHECK(k >= 1 && k <= DENSE_MAX_ORDER && n <= INT_MAX);
    enter();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)k, (int)k, 1, x, (int)k, q,
                (int)k, 0, out, (int)k);
    leave();
}

void dense_cross(const float *x, size_t n, size_t k, const float *y, size_t m, float *out)
{
    CHECK(k >= 1 && k <= DENSE_MAX_ORDER && m >= 1 && m <= DENSE_MAX_ORDER && n <= INT_MAX);
    enter();
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)m, (int)n, 1, x, (int)k, y,
                (int)m, 0, out, (int)m);
    leave();
}

void dense_dots(const float *x, size_t n, const float *y, size_t m, size_t k, float *out)
{
    CHECK(k >= 1 && k <= DENSE_MAX_ORDER && m >= 1 && m <= INT_MAX && n <= INT_MAX);
    enter();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)m, (int)k, 1, x, (int)k, y,
                (int)k, 0, out, (int)m);
    leave();
}

void dense_add(float alpha, const float *x, size_t n, size_t k, const float *c, size_t m,
               float *out)
{
    CHECK(k >= 1 && k <= DENSE_MAX_ORDER && m >= 1 && m <= DENSE_MAX_ORDER && n <= INT_MAX);
    enter();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)k, alpha, x, (int)k,
                c, (int)m, 1, out, (int)m);
    leave();
}
