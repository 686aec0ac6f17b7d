/* vec.h with AVX2 and FMA: eight floats or sixteen int8 a step, four sums side by side to hide the
 * latency of FMA, masked loads for the tail so that nothing beyond n is read. */
#ifdef __x86_64__
#include <immintrin.h>

#include "base/check.h"
#include "num/vec_int.h"

enum { LANES = 8, STEP = 4 * LANES };

/* A mask for the first n of 8 lanes. */
static __m256i head_mask(size_t n)
{
    static const int32_t ones_then_zeros[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + LANES - n));
}

static float sum_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static float sum_four(const __m256 s[4])
{
    return sum_lanes(_mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3])));
}

static float dot(const float *a, const float *b, size_t n)
{
    __m256 s[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                   _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        for (int j = 0; j < 4; j++)
            s[j] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + j * LANES),
                                   _mm256_loadu_ps(b + i + j * LANES), s[j]);
    for (; i + LANES <= n; i += LANES)
        s[0] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s[0]);
    if (i < n) {
        __m256i mask = head_mask(n - i);
        s[1] =
            _mm256_fmadd_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask), s[1]);
    }
    return sum_four(s);
}

static float l2sq(const float *a, const float *b, size_t n)
{
    __m256 s[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                   _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        for (int j = 0; j < 4; j++) {
            __m256 d = _mm256_sub_ps(_mm256_loadu_ps(a + i + j * LANES),
                                     _mm256_loadu_ps(b + i + j * LANES));
            s[j] = _mm256_fmadd_ps(d, d, s[j]);
        }
    }
    for (; i + LANES <= n; i += LANES) {
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
        s[0] = _mm256_fmadd_ps(d, d, s[0]);
    }
    if (i < n) {
        __m256i mask = head_mask(n - i);
        __m256 d = _mm256_sub_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
        s[1] = _mm256_fmadd_ps(d, d, s[1]);
    }
    return sum_four(s);
}

static void axpy(float alpha, const float *x, float *y, size_t n)
{
    __m256 k = _mm256_set1_ps(alpha);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(y + i, _mm256_fmadd_ps(k, _mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
    if (i < n) {
        __m256i mask = head_mask(n - i);
        _mm256_maskstore_ps(
            y + i, mask,
            _mm256_fmadd_ps(k, _mm256_maskload_ps(x + i, mask), _mm256_maskload_ps(y + i, mask)));
    }
}

static void scale(float alpha, float *x, size_t n)
{
    __m256 k = _mm256_set1_ps(alpha);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(x + i, _mm256_mul_ps(k, _mm256_loadu_ps(x + i)));
    if (i < n) {
        __m256i mask = head_mask(n - i);
        _mm256_maskstore_ps(x + i, mask, _mm256_mul_ps(k, _mm256_maskload_ps(x + i, mask)));
    }
}

/* sum + the products of 16 pairs: widened to 16 bits, two products of at most 2^14 meet in 32
 * bits. */
static __m256i add_products(__m256i sum, __m128i a, __m128i b)
{
    return _mm256_add_epi32(sum,
                            _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b)));
}

static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    enum { WIDTH = 16 };
    DCHECK(n <= VEC_MAX_I8);
    __m256i s0 = _mm256_setzero_si256(), s1 = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) {
        s0 = add_products(s0, _mm_loadu_si128((const __m128i *)(a + i)),
                          _mm_loadu_si128((const __m128i *)(b + i)));
        s1 = add_products(s1, _mm_loadu_si128((const __m128i *)(a + i + WIDTH)),
                          _mm_loadu_si128((const __m128i *)(b + i + WIDTH)));
    }
    while (i < n) {
        int8_t pad_a[WIDTH] = {0}, pad_b[WIDTH] = {0};
        size_t take = n - i < WIDTH ? n - i : WIDTH;
        __builtin_memcpy(pad_a, a + i, take);
        __builtin_memcpy(pad_b, b + i, take);
        s0 = add_products(s0, _mm_loadu_si128((const __m128i *)pad_a),
                          _mm_loadu_si128((const __m128i *)pad_b));
        i += take;
    }
    s0 = _mm256_add_epi32(s0, s1);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(s0), _mm256_extracti128_si256(s0, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(1, 0, 3, 2)));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(s);
}

static void dot_rows(const float *q, const float *rows, size_t stride, size_t dim,
                     const uint32_t *ids, size_t n, float *out)
{
    vec_dot_rows_with(dot, q, rows, stride, dim, ids, n, out);
}

static void dot_rows_i8(const int8_t *q, const int8_t *rows, size_t stride, size_t dim,
                        const uint32_t *ids, size_t n, int32_t *out)
{
    vec_dot_rows_i8_with(dot_i8, q, rows, stride, dim, ids, n, out);
}

/* A group's four numbers of eight rows, widened: products of two neighbours meet in 32 bits, and the
 * two halves of a row at the end. */
static size_t scan_blocks(const int8_t *q, const uint8_t *blocks, size_t dim, size_t n,
                          const float *scales, float floor, float *scores, uint32_t *places)
{
    enum { PARTS = 4, PART_BYTES = 16 /* four rows */ };
    size_t len = 0, groups = vec_block_dim(dim) / VEC_BLOCK_GROUP;
    __m256i excess = _mm256_set1_epi32(vec_block_excess(q, dim));
    DCHECK(dim <= VEC_MAX_I8);
    for (size_t b = 0; b < n; b++) {
        int32_t dots[VEC_BLOCK_ROWS];
        __m256i s[PARTS] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                            _mm256_setzero_si256()};
        for (size_t g = 0; g < groups; g++) {
            int32_t four;
            __builtin_memcpy(&four, q + g * VEC_BLOCK_GROUP, sizeof four);
            __m256i wide = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
            for (int i = 0; i < PARTS; i++, blocks += PART_BYTES)
                s[i] = _mm256_add_epi32(
                    s[i], _mm256_madd_epi16(wide, _mm256_cvtepu8_epi16(
                                                      _mm_loadu_si128((const __m128i *)blocks))));
        }
        for (int i = 0; i < PARTS; i += 2) {
            /* hadd takes turns between 128-bit lanes: 0 2 1 3 puts the rows in order */
            __m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(s[i], s[i + 1]),
                                                    _MM_SHUFFLE(3, 1, 2, 0));
            _mm256_storeu_si256((__m256i *)(dots + i * 4), _mm256_sub_epi32(sums, excess));
        }
        size_t place = b * VEC_BLOCK_ROWS;
        len = vec_append(dots, scales + place, floor, place, len, scores, places);
    }
    return len;
}

static size_t find_u32(const uint32_t *a, size_t n, uint32_t x)
{
    __m256i wanted = _mm256_set1_epi32((int32_t)x);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(a + i));
        int hits = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(v, wanted)));
        if (hits)
            return i + (size_t)__builtin_ctz((unsigned)hits);
    }
    while (i < n && a[i] != x)
        i++;
    return i;
}

enum {
    TILE_STEP = 3 /* queries whose sums fit the registers */,
    TILE_LANES = VEC_TILE_ROWS / LANES
};

static void tile_step(const float *queries, size_t dim, const float *panel, const float *floors,
                      uint32_t *masks, float *scores)
{
    __m256 s[TILE_STEP][TILE_LANES];
#pragma GCC unroll 3
    for (size_t q = 0; q < TILE_STEP; q++)
#pragma GCC unroll 4
        for (size_t l = 0; l < TILE_LANES; l++)
            s[q][l] = _mm256_setzero_ps();
    for (size_t k = 0; k < dim; k++) {
#pragma GCC unroll 3
        for (size_t q = 0; q < TILE_STEP; q++) {
            __m256 x = _mm256_broadcast_ss(queries + q * dim + k);
#pragma GCC unroll 4
            for (size_t l = 0; l < TILE_LANES; l++)
                s[q][l] = _mm256_fmadd_ps(x, _mm256_loadu_ps(panel + k * VEC_TILE_ROWS + l * LANES),
                                          s[q][l]);
        }
    }
#pragma GCC unroll 3
    for (size_t q = 0; q < TILE_STEP; q++) {
        __m256 floor = _mm256_set1_ps(floors[q]);
        uint32_t mask = 0;
#pragma GCC unroll 4
        for (size_t l = 0; l < TILE_LANES; l++)
            mask |= (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(s[q][l], floor, _CMP_GE_OQ))
                    << (l * LANES);
        masks[q] = mask;
        if (!mask)
            continue;
#pragma GCC unroll 4
        for (size_t l = 0; l < TILE_LANES; l++)
            _mm256_storeu_ps(scores + q * VEC_TILE_ROWS + l * LANES, s[q][l]);
    }
}

static void dot_tile(const float *queries, size_t dim, const float *panel, const float *floors,
                     uint32_t *masks, float *scores)
{
    for (size_t q = 0; q < VEC_TILE_QUERIES; q += TILE_STEP)
        tile_step(queries + q * dim, dim, panel, floors + q, masks + q, scores + q * VEC_TILE_ROWS);
}

const struct vec_ops vec_avx2 = {
    .name = "avx2",
    .dot = dot,
    .l2sq = l2sq,
    .axpy = axpy,
    .scale = scale,
    .dot_i8 = dot_i8,
    .dot_rows = dot_rows,
    .dot_rows_i8 = dot_rows_i8,
    .scan_blocks = scan_blocks,
    .dot_tile = dot_tile,
    .find_u32 = find_u32,
};
#endif
