/* bench_als.c - seconds a sweep of ALS on a matrix of one's own. */
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/bench.h"
#include "engine/recommend_model.h"
#include "num/dense.h"
#include "num/stats.h"
#include "train/als.h"

enum { SIDE_MAX = 100000000 /* rows or columns */, SWEEPS = 3, LIMIT_ORDER = 512, POOL_QUEUE = 64 };

static void print(const char *name, const char *unit, double value)
{
    bench_print(&(struct bench_figure){"train", name, unit, value, NULL, 0});
}

/* --- the matrix ------------------------------------------------------------------------------ */

static enum err_code check_rows(const char *path, const int64_t *offsets, const int32_t *columns,
                                const int64_t head[3], struct err *err)
{
    if (offsets[0] != 0 || offsets[head[0]] != head[2])
        return err_set(err, ERR_INVALID, "%s: the rows do not span its %lld cells", path,
                       (long long)head[2]);
    for (int64_t row = 0; row < head[0]; row++) {
        if (offsets[row + 1] < offsets[row] || offsets[row + 1] > head[2])
            return err_set(err, ERR_INVALID, "%s: row %lld ends before it begins", path,
                           (long long)row);
        for (int64_t i = offsets[row]; i < offsets[row + 1]; i++)
            if (columns[i] < 0 || columns[i] >= head[1] ||
                (i > offsets[row] && columns[i] <= columns[i - 1]))
                return err_set(err, ERR_INVALID, "%s: column %d of row %lld", path, columns[i],
                               (long long)row);
    }
    return ERR_OK;
}

/* int64 rows, columns, cells, offsets[rows + 1], int32 columns[cells]; every cell weighs 1. */
static enum err_code read_matrix(const char *path, struct matrix *out, struct err *err)
{
    struct fs_map map;
    int64_t head[3];
    enum err_code code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    const uint8_t *bytes = map.data;
    if (map.bytes >= sizeof head)
        memcpy(head, bytes, sizeof head);
    if (map.bytes < sizeof head || head[0] < 1 || head[0] > SIDE_MAX || head[1] < 1 ||
        head[1] > SIDE_MAX || head[2] < 1 || (uint64_t)head[2] > map.bytes ||
        map.bytes != sizeof head + ((size_t)head[0] + 1) * sizeof(int64_t) +
                         (size_t)head[2] * sizeof(int32_t)) {
        fs_map_close(&map);
        return err_set(err, ERR_INVALID,
                       "%s: not rows, columns (at most 100,000,000 each), cells, offsets and "
                       "columns of the cells",
                       path);
    }
    const int64_t *offsets = (const int64_t *)(const void *)(bytes + sizeof head);
    const int32_t *columns = (const int32_t *)(const void *)(offsets + head[0] + 1);
    code = check_rows(path, offsets, columns, head, err);
    if (code == ERR_OK) {
        *out = (struct matrix){.rows = (uint32_t)head[0], .columns = (uint32_t)head[1]};
        out->offsets = mem_new((size_t)head[0] + 1, sizeof *out->offsets);
        out->column = mem_new((size_t)head[2], sizeof *out->column);
        out->value = mem_new((size_t)head[2], sizeof *out->value);
        memcpy(out->offsets, offsets, ((size_t)head[0] + 1) * sizeof *offsets);
        memcpy(out->column, columns, (size_t)head[2] * sizeof *columns);
        for (int64_t i = 0; i < head[2]; i++)
            out->value[i] = 1;
    }
    fs_map_close(&map);
    return code;
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
        print("loss_per_1000_cells", "",
              1000 * als_loss(by_user, by_item, o, users, items) / (double)matrix_cells(by_user));
    }
    mem_free(users);
    mem_free(items);
    return code;
}

enum cli_exit bench_als(const struct args *args)
{
    int64_t dim, block, threads;
    struct matrix by_user = {0}, by_item = {0};
    struct pool *pool = NULL;
    struct err err;
    if (!args_i64(args, "--dim", 64, 1, RECOMMEND_DIM_MAX, &dim) ||
        !args_i64(args, "--block", 0, 0, RECOMMEND_DIM_MAX, &block) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    struct als_options o = {.dim = (uint32_t)dim,
                            .alpha = 1,
                            .regularisation = .05f,
                            .block = (uint32_t)block,
                            .iterations = 1,
                            .seed = 1};
    enum err_code code = read_matrix(args_flag(args, "--matrix"), &by_user, &err);
    if (code == ERR_OK)
        code = matrix_transpose(&by_user, &by_item, &err);
    if (code == ERR_OK && threads != 1)
        code = pool_new(&pool, "bench", threads ? (unsigned)threads - 1 : 0, POOL_QUEUE, &err);
    if (code == ERR_OK)
        code = sweep(&by_user, &by_item, &o, pool, &err);
    pool_free(pool);
    matrix_release(&by_user);
    matrix_release(&by_item);
    return code == ERR_OK ? EXIT_FINE : fail(args, &err);
}
