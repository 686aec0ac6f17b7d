/* vec_int.h - what the files of vec share. */
#ifndef NUM_VEC_INT_H
#define NUM_VEC_INT_H

#include "num/vec.h"

extern const struct vec_ops vec_scalar;
#ifdef __x86_64__
extern const struct vec_ops vec_avx2;
extern const struct vec_ops vec_avx512;
extern const struct vec_ops vec_avx512vnni;

/* For vec_avx512vnni, which differs from vec_avx512 in the int8 kernels alone. */
float vec_avx512_dot(const float *a, const float *b, size_t n);
float vec_avx512_l2sq(const float *a, const float *b, size_t n);
void vec_avx512_axpy(float alpha, const float *x, float *y, size_t n);
void vec_avx512_scale(float alpha, float *x, size_t n);
void vec_avx512_dot_rows(const float *q, const float *rows, size_t stride, size_t dim,
                         const uint32_t *ids, size_t n, float *out);
size_t vec_avx512_find_u32(const uint32_t *a, size_t n, uint32_t x);
void vec_avx512_dot_tile(const float *queries, size_t dim, const float *panel, const float *floors,
                         uint32_t *masks, float *scores);
#endif

/* What stands for 0 in a block. */
enum { VEC_BLOCK_ZERO = 128 };

/* What the sums of unsigned numbers are too high by: VEC_BLOCK_ZERO times the sum of q. */
static inline int32_t vec_block_excess(const int8_t *q, size_t dim)
{
    int32_t sum = 0;
    for (size_t k = 0; k < dim; k++)
        sum += q[k];
    return sum * VEC_BLOCK_ZERO;
}

/* Append what reaches the floor of a block's rows, from `place` on, without a branch. Returns the new
 * len. */
static inline size_t vec_append(const int32_t *dots, const float *scales, float floor, size_t place,
                                size_t len, float *scores, uint32_t *places)
{
    for (size_t i = 0; i < VEC_BLOCK_ROWS; i++) {
        float score = (float)dots[i] * scales[i];
        scores[len] = score;
        places[len] = (uint32_t)(place + i);
        len += score >= floor;
    }
    return len;
}

/* Rows that are fetched ahead of their use: far enough to hide memory, near enough to stay
 * cached. */
enum { VEC_ROWS_AHEAD = 4, VEC_CACHE_LINE = 64 };

static inline size_t vec_row(const uint32_t *ids, size_t j)
{
    return ids ? ids[j] : j;
}

static inline void vec_prefetch(const void *row, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += VEC_CACHE_LINE)
        __builtin_prefetch((const char *)row + at);
}

/* The bodies of dot_rows and dot_rows_i8; `dot` is a constant, so the call is inlined. */
static inline __attribute__((always_inline)) void
vec_dot_rows_with(float (*dot)(const float *, const float *, size_t), const float *q,
                  const float *rows, size_t stride, size_t dim, const uint32_t *ids, size_t n,
                  float *out)
{
    for (size_t j = 0; j < n; j++) {
        if (j + VEC_ROWS_AHEAD < n)
            vec_prefetch(rows + vec_row(ids, j + VEC_ROWS_AHEAD) * stride, dim * sizeof *rows);
        out[j] = dot(q, rows + vec_row(ids, j) * stride, dim);
    }
}

static inline __attribute__((always_inline)) void
vec_dot_rows_i8_with(int32_t (*dot)(const int8_t *, const int8_t *, size_t), const int8_t *q,
                     const int8_t *rows, size_t stride, size_t dim, const uint32_t *ids, size_t n,
                     int32_t *out)
{
    for (size_t j = 0; j < n; j++) {
        if (j + VEC_ROWS_AHEAD < n)
            vec_prefetch(rows + vec_row(ids, j + VEC_ROWS_AHEAD) * stride, dim);
        out[j] = dot(q, rows + vec_row(ids, j) * stride, dim);
    }
}

#endif
