/* bench_als.c - seconds a sweep of ALS on a matrix of one's own. */
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/bench.h"
#include "cli/bench_matrix.h"
#include "engine/recommend_model.h"
#include "num/best_rows.h"
#include "num/dense.h"
#include "num/stats.h"
#include "recommend/factors.h"
#include "train/als.h"

enum {
    FOLDED_USERS = 20000,
    HISTORY_MAX = 320,
    LISTS_USERS = 100000,
    LISTS_K = 20,
    SWEEPS = 3,
    LIMIT_ORDER = 512,
    POOL_QUEUE = 64
};

static void print(const char *name, const char *unit, double value)
{
    bench_print(&(struct bench_figure){"train", name, unit, value, NULL, 0});
}

/* --- limit ----------------------------------------------------------------------------------- */

struct products {
    float *x, *q, *out; /* [LIMIT_ORDER][LIMIT_ORDER] of each lane; q of all */
};

static void multiply(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct products *p = arg;
    size_t size = (size_t)LIMIT_ORDER * LIMIT_ORDER;
    for (; begin < end; begin++)
        dense_turn(p->x + lane * size, LIMIT_ORDER, p->q, LIMIT_ORDER, p->out + lane * size);
}

/* GFLOP/s of large products of matrices on all lanes. */
static double products_per_s(struct pool *pool)
{
    enum { ROUNDS = 40 };
    size_t size = (size_t)LIMIT_ORDER * LIMIT_ORDER, lanes = pool_lanes(pool);
    struct products p = {mem_new(lanes * size, sizeof(float)), mem_new(size, sizeof(float)),
                         mem_new(lanes * size, sizeof(float))};
    struct rng rng;
    rng_init(&rng, 1);
    for (size_t i = 0; i < size; i++)
        p.q[i] = (float)rng_normal(&rng);
    for (size_t i = 0; i < lanes * size; i++)
        p.x[i] = (float)rng_normal(&rng);
    int64_t begin = clock_mono_ns();
    pool_for(pool, ROUNDS, 1, multiply, &p);
    double seconds = (double)(clock_mono_ns() - begin) / 1e9;
    mem_free(p.x);
    mem_free(p.q);
    mem_free(p.out);
    return 2.0 * ROUNDS * (double)size * LIMIT_ORDER / seconds / 1e9;
}

/* --- sweeps ---------------------------------------------------------------------------------- */

/* Multiply-adds of exact solves in the primal form, twice: what the figure is compared by elsewhere. */
static double work(const struct matrix *m, double d)
{
    double rows = (double)m->rows + (double)m->columns;
    return 2 * (double)matrix_cells(m) * d * (d + 1) + rows * d * d * d / 3;
}

/* The most memory that this process ever had. */
static double peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

/* Lists of 20 a second, of all items but those that a user had, for the first users, beside what the products of
 * matrices alone would allow. */
static enum err_code lists(const struct matrix *by_user, size_t dim, const float *users,
                           const float *items, struct pool *pool, struct err *err)
{
    size_t n = by_user->rows < LISTS_USERS ? by_user->rows : LISTS_USERS;
    struct topk_item *out = mem_try_new(n * LISTS_K, sizeof *out);
    uint32_t *found = mem_try_new(n, sizeof *found);
    struct best_rows b = {users,           items,   n,   by_user->columns, dim, by_user->offsets,
                          by_user->column, LISTS_K, pool};
    double took[SWEEPS];
    enum err_code code = ERR_OK;
    if (!out || !found)
        code = err_set(err, ERR_MEMORY, "no memory for %zu lists", n);
    for (int i = 0; i < SWEEPS && code == ERR_OK; i++) {
        int64_t begin = clock_mono_ns();
        code = best_rows_find(&b, out, found, err);
        took[i] = (double)(clock_mono_ns() - begin) / 1e9;
    }
    if (code == ERR_OK) {
        stats_sort(took, SWEEPS);
        double work = 2.0 * (double)by_user->columns * (double)dim;
        bench_print(&(struct bench_figure){
            "train", "lists_per_s", "users/s", (double)n / stats_quantile(took, SWEEPS, .5),
            "matrix_products_of_as_many_users", products_per_s(pool) * 1e9 / work});
    }
    mem_free(out);
    mem_free(found);
    return code;
}

/* The items as a model has them: turned to the axes of their Gram matrix, whose diagonal is spectrum [dim] then. */
static enum err_code turn(const float *items, size_t n, size_t dim, float *turned, float *spectrum,
                          struct err *err)
{
    float *axes = mem_try_new(dim * dim, sizeof *axes);
    if (!axes)
        return err_set(err, ERR_MEMORY, "no memory for axes");
    dense_gram(1, items, n, dim, 0, axes);
    enum err_code code = dense_eigen(axes, dim, spectrum, err);
    if (code == ERR_OK)
        dense_turn(items, n, axes, dim, turned);
    for (size_t k = 0; k < dim && code == ERR_OK; k++)
        spectrum[k] = fmaxf(spectrum[k], 0);
    mem_free(axes);
    return code;
}

/* Microseconds to fold in each of some users, evenly spread, as a request does. */
static enum err_code fold_all(const struct matrix *m, const struct recommend_model *model,
                              double *took_us, size_t n, struct err *err)
{
    float x[RECOMMEND_DIM_MAX];
    struct arena arena;
    enum err_code code = ERR_OK;
    arena_init(&arena, 0, 1 << 20);
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        size_t row = i * m->rows / n;
        uint64_t from = m->offsets[row], len = m->offsets[row + 1] - from;
        int64_t begin = clock_mono_ns();
        if (len)
            code = factors_fold_in(model, m->column + from, m->value + from,
                                   len < HISTORY_MAX ? len : HISTORY_MAX, &arena, x, err);
        took_us[i] = (double)(clock_mono_ns() - begin) / 1e3;
        arena_reset(&arena);
    }
    arena_release(&arena);
    return code;
}

static enum err_code fold_in(const struct matrix *by_user, const struct als_options *o,
                             const float *items, struct err *err)
{
    size_t n = by_user->rows < FOLDED_USERS ? by_user->rows : FOLDED_USERS, dim = o->dim;
    float *turned = mem_try_aligned(by_user->columns * dim, sizeof *turned, 64);
    float spectrum[RECOMMEND_DIM_MAX];
    double *took = mem_new(n, sizeof *took);
    enum err_code code = ERR_OK;
    if (!turned)
        code = err_set(err, ERR_MEMORY, "no memory for %zu factors", dim);
    if (code == ERR_OK)
        code = turn(items, by_user->columns, dim, turned, spectrum, err);
    struct recommend_model m = {.rows = by_user->columns,
                                .dim = o->dim,
                                .alpha = o->alpha,
                                .regularisation = o->regularisation,
                                .mean_products =
                                    (float)matrix_cells(by_user) / (float)by_user->rows,
                                .spectrum = spectrum,
                                .vectors = {.exact = turned}};
    if (code == ERR_OK)
        code = fold_all(by_user, &m, took, n, err);
    if (code == ERR_OK) {
        stats_sort(took, n);
        print("fold_in_p50", "us, one thread", stats_quantile(took, n, .5));
        print("fold_in_p99", "us, one thread", stats_quantile(took, n, .99));
    }
    mem_free(turned);
    mem_free(took);
    return code;
}

static enum err_code sweep(const struct matrix *by_user, const struct matrix *by_item,
                           struct als_options *o, struct pool *pool, struct err *err)
{
    size_t d = o->dim;
    double took[SWEEPS];
    float *users = mem_try_aligned((size_t)by_user->rows * d, sizeof *users, 64);
    float *items = mem_try_aligned((size_t)by_user->columns * d, sizeof *items, 64);
    enum err_code code = ERR_OK;
    if (!users || !items)
        code = err_set(err, ERR_MEMORY, "no memory for %zu factors", d);
    if (code == ERR_OK) /* the first sweep pays for the pages */
        code = als_fit(by_user, by_item, o, pool, users, items, err);
    for (int i = 0; i < SWEEPS && code == ERR_OK; i++) {
        int64_t begin = clock_mono_ns();
        code = als_half_step(by_user, items, o, pool, users, err);
        if (code == ERR_OK)
            code = als_half_step(by_item, users, o, pool, items, err);
        took[i] = (double)(clock_mono_ns() - begin) / 1e9;
    }
    if (code == ERR_OK) {
        stats_sort(took, SWEEPS);
        double seconds = stats_quantile(took, SWEEPS, .5);
        print("sweep_ms", "ms", seconds * 1e3);
        bench_print(&(struct bench_figure){"train", "sweep_gflops", "GFLOP/s of primal work",
                                           work(by_user, (double)d) / seconds / 1e9,
                                           "matrix_product_gflops", products_per_s(pool)});
        print("peak_mib", "MiB", peak_mib());
        print("loss_per_1000_cells", "",
              1000 * als_loss(by_user, by_item, o, users, items) / (double)matrix_cells(by_user));
    }
    if (code == ERR_OK)
        code = lists(by_user, d, users, items, pool, err);
    if (code == ERR_OK)
        code = fold_in(by_user, o, items, err);
    mem_free(users);
    mem_free(items);
    return code;
}

enum cli_exit bench_als(const struct args *args)
{
    int64_t dim, block, threads, users, items, cells, seed;
    struct matrix by_user = {0}, by_item = {0};
    struct pool *pool = NULL;
    struct err err;
    if (!args_i64(args, "--dim", 64, 1, RECOMMEND_DIM_MAX, &dim) ||
        !args_i64(args, "--block", 0, 0, RECOMMEND_DIM_MAX, &block) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads) ||
        !args_i64(args, "--users", 0, 1, BENCH_SIDE_MAX, &users) ||
        !args_i64(args, "--items", 1000000, 1, BENCH_SIDE_MAX, &items) ||
        !args_i64(args, "--cells", 100000000, 1, BENCH_CELLS_MAX, &cells) ||
        !args_i64(args, "--seed", 1, 0, INT64_MAX, &seed))
        return EXIT_USAGE;
    struct als_options o = {.dim = (uint32_t)dim,
                            .alpha = 1,
                            .regularisation = .05f,
                            .block = (uint32_t)block,
                            .iterations = 1,
                            .seed = 1};
    enum err_code code = ERR_OK;
    if (threads != 1)
        code = pool_new(&pool, "bench", threads ? (unsigned)threads - 1 : 0, POOL_QUEUE, &err);
    if (code == ERR_OK && args_has(args, "--matrix"))
        code = bench_matrix_read(args_flag(args, "--matrix"), &by_user, &err);
    else if (code == ERR_OK)
        code = bench_matrix_draw((uint32_t)users, (uint32_t)items, (uint64_t)cells, (uint64_t)seed,
                                 pool, &by_user, &err);
    if (code == ERR_OK)
        code = matrix_transpose(&by_user, &by_item, &err);
    if (code == ERR_OK)
        print("cells", "", (double)matrix_cells(&by_user));
    if (code == ERR_OK)
        code = sweep(&by_user, &by_item, &o, pool, &err);
    pool_free(pool);
    matrix_release(&by_user);
    matrix_release(&by_item);
    return code == ERR_OK ? EXIT_FINE : fail(args, &err);
}
