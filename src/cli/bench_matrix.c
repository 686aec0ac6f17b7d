#include "cli/bench_matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"

/* --- read ------------------------------------------------------------------------------------ */

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

enum err_code bench_matrix_read(const char *path, struct matrix *out, struct err *err)
{
    struct fs_map map;
    int64_t head[3];
    enum err_code code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    const uint8_t *bytes = map.data;
    if (map.bytes >= sizeof head)
        memcpy(head, bytes, sizeof head);
    if (map.bytes < sizeof head || head[0] < 1 || head[0] > BENCH_SIDE_MAX || head[1] < 1 ||
        head[1] > BENCH_SIDE_MAX || head[2] < 1 || (uint64_t)head[2] > map.bytes ||
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

/* --- drawn ----------------------------------------------------------------------------------- */

enum { HEAD = 100 /* ranks before popularity falls */, GRAIN = 256 };

struct drawing {
    struct matrix *m;
    uint64_t seed;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* How many items a user has: the first draw of the user's own stream. */
static uint32_t count_of(uint64_t seed, uint32_t user, double mean, uint32_t most)
{
    struct rng rng;
    rng_init_stream(&rng, seed, user);
    double n = rng_exponential(&rng) * mean;
    return n < 1 ? 1 : n > (double)most ? most : (uint32_t)n;
}

/* Distinct items in ascending order into out [n]: drawn until there are so many. */
static void draw_row(const struct drawing *d, uint32_t user, uint32_t *out, size_t n)
{
    uint32_t items = d->m->columns;
    double ratio = ((double)items + HEAD) / HEAD;
    struct rng rng;
    rng_init_stream(&rng, d->seed, user);
    (void)rng_exponential(&rng); /* the count */
    uint64_t home = rng_below(&rng, items);
    size_t have = 0;
    while (have < n) {
        for (size_t i = have; i < n; i++) {
            double popular = HEAD * (pow(ratio, rng_unit(&rng)) - 1);
            bool near = i % 2;
            uint64_t item = near ? (home + rng_below(&rng, 2 * n)) % items : (uint64_t)popular;
            out[i] = item < items ? (uint32_t)item : items - 1;
        }
        qsort(out, n, sizeof *out, by_number);
        have = 0;
        for (size_t i = 0; i < n; i++)
            if (have == 0 || out[have - 1] != out[i])
                out[have++] = out[i];
    }
}

static void draw_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct drawing *d = arg;
    const struct matrix *m = d->m;
    (void)lane;
    for (size_t user = begin; user < end; user++) {
        uint64_t from = m->offsets[user], to = m->offsets[user + 1];
        draw_row(d, (uint32_t)user, m->column + from, (size_t)(to - from));
        for (uint64_t i = from; i < to; i++)
            m->value[i] = 1;
    }
}

enum err_code bench_matrix_draw(uint32_t users, uint32_t items, uint64_t cells, uint64_t seed,
                                struct pool *pool, struct matrix *out, struct err *err)
{
    struct matrix m = {.rows = users, .columns = items};
    struct drawing d = {.m = &m, .seed = seed};
    uint32_t most = items / 10 ? items / 10 : 1;
    double mean = (double)cells / users;
    m.offsets = mem_try_new((size_t)users + 1, sizeof *m.offsets);
    for (uint32_t u = 0; m.offsets && u < users; u++)
        m.offsets[u + 1] = m.offsets[u] + count_of(seed, u, mean, most);
    m.column = m.offsets ? mem_try_new(m.offsets[users], sizeof *m.column) : NULL;
    m.value = m.offsets ? mem_try_new(m.offsets[users], sizeof *m.value) : NULL;
    if (!m.column || !m.value) {
        matrix_release(&m);
        return err_set(err, ERR_MEMORY, "no memory for a matrix of %llu cells",
                       (unsigned long long)cells);
    }
    pool_for(pool, users, GRAIN, draw_range, &d);
    *out = m;
    return ERR_OK;
}
