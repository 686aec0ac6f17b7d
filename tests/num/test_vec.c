#include "support/suite.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "num/vec.h"

enum { MAX_LEN = 139, MAX_OFFSET = 3, ROOM = MAX_LEN + MAX_OFFSET + 1 };

/* Vectors end where their allocation ends, so that the address sanitizer sees a read past n. */
struct pair {
    float *a, *b;   /* [n] */
    float *a_block; /* owned */
    float *b_block;
};

static struct pair random_pair(struct rng *rng, size_t n, size_t offset)
{
    struct pair p;
    p.a_block = mem_new(n + offset, sizeof(float));
    p.b_block = mem_new(n + offset, sizeof(float));
    p.a = p.a_block + offset;
    p.b = p.b_block + offset;
    for (size_t i = 0; i < n; i++) {
        p.a[i] = (float)rng_normal(rng);
        p.b[i] = (float)rng_normal(rng);
    }
    return p;
}

static void free_pair(struct pair *p)
{
    mem_free(p->a_block);
    mem_free(p->b_block);
}

/* The bound of vec.h for a sum of n terms whose absolute values sum to `mass`. The terms themselves
 * are rounded too: one more term. */
static double bound(size_t n, double mass)
{
    double u = 0x1p-24, terms = (double)n + 2;
    return terms * u / (1 - terms * u) * mass;
}

static void compare_sums(const struct vec_ops *ops, const struct pair *p, size_t n)
{
    double dot = 0, dot_mass = 0, l2 = 0;
    for (size_t i = 0; i < n; i++) {
        double product = (double)p->a[i] * p->b[i], apart = (double)p->a[i] - p->b[i];
        dot += product;
        dot_mass += fabs(product);
        l2 += apart * apart;
    }
    ck_assert_msg(fabs(ops->dot(p->a, p->b, n) - dot) <= bound(n, dot_mass), "%s dot %zu",
                  ops->name, n);
    ck_assert_msg(fabs(ops->l2sq(p->a, p->b, n) - l2) <= bound(n + 2, l2), "%s l2sq %zu", ops->name,
                  n);
}

static void compare_maps(const struct vec_ops *ops, const struct pair *p, size_t n)
{
    float y[ROOM], x[ROOM], alpha = -1.7f;
    y[n] = x[n] = 42;
    for (size_t i = 0; i < n; i++) {
        y[i] = p->b[i];
        x[i] = p->a[i];
    }
    ops->axpy(alpha, p->a, y, n);
    ops->scale(alpha, x, n);
    for (size_t i = 0; i < n; i++) {
        double step = (double)alpha * p->a[i];
        ck_assert(fabs(y[i] - (p->b[i] + step)) <= bound(2, fabs(step) + fabsf(p->b[i])));
        ck_assert(x[i] == alpha * p->a[i]);
    }
    ck_assert(y[n] == 42 && x[n] == 42);
}

START_TEST(every_table_agrees_with_double_precision)
{
    struct rng rng;
    rng_init(&rng, 1);
    const struct vec_ops *ops;
    for (size_t t = 0; (ops = vec_available(t)); t++) {
        for (size_t n = 0; n <= MAX_LEN; n++) {
            for (size_t offset = 0; offset <= MAX_OFFSET; offset++) {
                struct pair p = random_pair(&rng, n, offset);
                compare_sums(ops, &p, n);
                compare_maps(ops, &p, n);
                free_pair(&p);
            }
        }
    }
}
END_TEST

START_TEST(tiles_tell_just_the_dot_products_that_reach_the_floor)
{
    enum { Q = VEC_TILE_QUERIES, R = VEC_TILE_ROWS };
    struct rng rng;
    const struct vec_ops *ops;
    rng_init(&rng, 9);
    for (size_t t = 0; (ops = vec_available(t)); t++)
        for (size_t dim = 0; dim <= MAX_LEN; dim++) {
            float *queries = mem_new(Q * dim + 1, sizeof(float));
            float *panel = mem_new(R * dim + 1, sizeof(float));
            float floors[Q], scores[Q][R];
            uint32_t masks[Q];
            for (size_t i = 0; i < Q * dim; i++)
                queries[i] = (float)rng_normal(&rng);
            for (size_t i = 0; i < R * dim; i++)
                panel[i] = (float)rng_normal(&rng);
            for (size_t q = 0; q < Q; q++) /* all, some, none */
                floors[q] = q % 3 == 0 ? -INFINITY : q % 3 == 1 ? 1 : INFINITY;
            if (dim)
                panel[R - 1] = NAN; /* of the last row */
            ops->dot_tile(queries, dim, panel, floors, masks, scores[0]);
            for (size_t q = 0; q < Q; q++)
                for (size_t r = 0; r < R; r++) {
                    double sum = 0, mass = 0;
                    for (size_t k = 0; k < dim; k++) {
                        double product = (double)queries[q * dim + k] * (double)panel[k * R + r];
                        sum += product;
                        mass += fabs(product);
                    }
                    bool told = masks[q] >> r & 1;
                    if (masks[q] && !isnan(sum))
                        ck_assert_msg(fabs((double)scores[q][r] - sum) <= bound(dim, mass),
                                      "%s tile %zu", ops->name, dim);
                    if (isnan(sum) || fabs(sum - (double)floors[q]) > bound(dim, mass))
                        ck_assert(told == (sum >= (double)floors[q]));
                }
            mem_free(queries);
            mem_free(panel);
        }
}
END_TEST

static int64_t slow_dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (int64_t)a[i] * b[i];
    return sum;
}

START_TEST(int8_sums_are_exact_in_every_table)
{
    struct rng rng;
    rng_init(&rng, 2);
    const struct vec_ops *ops;
    for (size_t t = 0; (ops = vec_available(t)); t++) {
        for (size_t n = 0; n <= MAX_LEN; n++) {
            for (size_t offset = 0; offset <= MAX_OFFSET; offset++) {
                int8_t *a = mem_new(n + offset, 1), *b = mem_new(n + offset, 1);
                for (size_t i = 0; i < n + offset; i++) {
                    a[i] = (int8_t)(rng_below(&rng, 256) - 128);
                    b[i] = (int8_t)(rng_below(&rng, 256) - 128);
                }
                ck_assert_int_eq(ops->dot_i8(a + offset, b + offset, n),
                                 slow_dot_i8(a + offset, b + offset, n));
                mem_free(a);
                mem_free(b);
            }
        }
    }
}
END_TEST

START_TEST(the_longest_int8_sum_of_extremes_does_not_overflow)
{
    static int8_t low[VEC_MAX_I8], high[VEC_MAX_I8];
    memset(low, -128, sizeof low);
    memset(high, 127, sizeof high);
    const struct vec_ops *ops;
    for (size_t t = 0; (ops = vec_available(t)); t++) {
        ck_assert_int_eq(ops->dot_i8(low, low, VEC_MAX_I8), VEC_MAX_I8 * 128 * 128);
        ck_assert_int_eq(ops->dot_i8(low, high, VEC_MAX_I8), -VEC_MAX_I8 * 128 * 127);
        ck_assert_int_eq(ops->dot_i8(high, low, VEC_MAX_I8), -VEC_MAX_I8 * 128 * 127);
    }
}
END_TEST

START_TEST(rows_give_what_single_dots_give)
{
    enum { ROWS = 23, DIM = 37, STRIDE = 40 };
    static float rows[ROWS * STRIDE], q[DIM], out[ROWS];
    static int8_t rows8[ROWS * STRIDE], q8[DIM];
    static int32_t out8[ROWS];
    static const uint32_t ids[] = {22, 0, 7, 7, 13, 1};
    enum { IDS = sizeof ids / sizeof *ids };
    struct rng rng;
    rng_init(&rng, 3);
    for (size_t i = 0; i < ROWS * STRIDE; i++) {
        rows[i] = (float)rng_normal(&rng);
        rows8[i] = (int8_t)(rng_below(&rng, 256) - 128);
    }
    memcpy(q, rows + 5, sizeof q);
    memcpy(q8, rows8 + 5, sizeof q8);
    const struct vec_ops *ops;
    for (size_t t = 0; (ops = vec_available(t)); t++) {
        ops->dot_rows(q, rows, STRIDE, DIM, NULL, ROWS, out);
        ops->dot_rows_i8(q8, rows8, STRIDE, DIM, NULL, ROWS, out8);
        for (size_t j = 0; j < ROWS; j++) {
            ck_assert(out[j] == ops->dot(q, rows + j * STRIDE, DIM));
            ck_assert_int_eq(out8[j], ops->dot_i8(q8, rows8 + j * STRIDE, DIM));
        }
        ops->dot_rows(q, rows, STRIDE, DIM, ids, IDS, out);
        ops->dot_rows_i8(q8, rows8, STRIDE, DIM, ids, IDS, out8);
        for (size_t j = 0; j < IDS; j++) {
            ck_assert(out[j] == ops->dot(q, rows + ids[j] * STRIDE, DIM));
            ck_assert_int_eq(out8[j], ops->dot_i8(q8, rows8 + ids[j] * STRIDE, DIM));
        }
    }
}
END_TEST

/* Of rows of n numbers in blocks that end where their allocation ends, the last one with two rows
 * only, every table finds those that reach the floor. */
static void scan(const struct vec_ops *ops, struct rng *rng, size_t n, float floor)
{
    enum { BLOCKS = 3, PLACES = BLOCKS * VEC_BLOCK_ROWS, ROWS = PLACES - 14 };
    int8_t rows[PLACES][MAX_LEN] = {0}, *q = mem_new(vec_block_dim(n), 1);
    uint8_t *blocks = mem_new(BLOCKS, vec_block_bytes(n));
    float *scales = mem_new(PLACES, sizeof *scales), *scores = mem_new(PLACES, sizeof *scores);
    uint32_t *places = mem_new(PLACES, sizeof *places);
    for (size_t k = 0; k < n; k++)
        q[k] = (int8_t)(rng_below(rng, 256) - 128);
    for (size_t b = 0; b < BLOCKS; b++)
        vec_block_clear(blocks + b * vec_block_bytes(n), n);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t k = 0; k < n; k++)
            rows[r][k] = r == 0 ? -128 : (int8_t)(rng_below(rng, 256) - 128);
        vec_block_put(blocks + r / VEC_BLOCK_ROWS * vec_block_bytes(n), n, r % VEC_BLOCK_ROWS,
                      rows[r]);
        scales[r] = (float)rng_unit(rng);
    }
    size_t len = ops->scan_blocks(q, blocks, n, BLOCKS, scales, floor, scores, places), at = 0;
    for (uint32_t r = 0; r < PLACES; r++) {
        float score = (float)slow_dot_i8(q, rows[r], n) * scales[r];
        if (!(score >= floor))
            continue;
        ck_assert_uint_lt(at, len);
        ck_assert_uint_eq(places[at], r);
        ck_assert(scores[at++] == score);
    }
    ck_assert_uint_eq(at, len);
    mem_free(q);
    mem_free(blocks);
    mem_free(scales);
    mem_free(scores);
    mem_free(places);
}

START_TEST(scanning_blocks_finds_what_single_dots_find)
{
    static const float floors[] = {-INFINITY, -1000, 0, 1000, INFINITY};
    struct rng rng;
    rng_init(&rng, 4);
    const struct vec_ops *ops;
    for (size_t t = 0; (ops = vec_available(t)); t++)
        for (size_t n = 1; n <= MAX_LEN; n++)
            for (size_t i = 0; i < sizeof floors / sizeof *floors; i++)
                scan(ops, &rng, n, floors[i]);
}
END_TEST

START_TEST(the_first_of_its_kind_is_found)
{
    struct rng rng;
    const struct vec_ops *ops;
    rng_init(&rng, 6);
    for (size_t t = 0; (ops = vec_available(t)); t++)
        for (size_t n = 0; n <= MAX_LEN; n++) {
            uint32_t *a = mem_new(n, sizeof *a), x = (uint32_t)rng_below(&rng, 40);
            size_t want = 0;
            for (size_t i = 0; i < n; i++)
                a[i] = (uint32_t)rng_below(&rng, 40);
            while (want < n && a[want] != x)
                want++;
            ck_assert_msg(ops->find_u32(a, n, x) == want, "%s %zu", ops->name, n);
            ck_assert_uint_eq(ops->find_u32(a, n, UINT32_MAX), n);
            mem_free(a);
        }
}
END_TEST

START_TEST(the_environment_forces_a_table_or_is_refused)
{
    struct err err;
    setenv("AISLE_SIMD", "scalar", 1);
    ck_ok(vec_init(&err));
    ck_assert_str_eq(vec->name, "scalar");
    setenv("AISLE_SIMD", "sse9", 1);
    ck_err(vec_init(&err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "AISLE_SIMD is \"sse9\", not scalar, avx2 or avx512");
    ck_assert_str_eq(vec->name, "scalar");
    static const char *const wide[] = {"avx2", "avx512"};
    for (size_t i = 0; i < 2; i++) {
        setenv("AISLE_SIMD", wide[i], 1);
        bool there = false;
        for (size_t t = 0; vec_available(t); t++)
            there |= strcmp(vec_available(t)->name, wide[i]) == 0;
        if (there) {
            ck_ok(vec_init(&err));
            ck_assert(str_starts(str_of(vec->name), str_of(wide[i])));
        } else {
            ck_err(vec_init(&err), ERR_UNSUPPORTED);
        }
    }
}
END_TEST

SUITE("vec", every_table_agrees_with_double_precision,
      tiles_tell_just_the_dot_products_that_reach_the_floor, int8_sums_are_exact_in_every_table,
      the_longest_int8_sum_of_extremes_does_not_overflow, rows_give_what_single_dots_give,
      scanning_blocks_finds_what_single_dots_find, the_first_of_its_kind_is_found,
      the_environment_forces_a_table_or_is_refused)
