/* vec.h with AVX-512 F, BW, DQ and VL: sixteen floats or thirty-two int8 a step, masks for the
 * tail. */
#ifdef __x86_64__
#include "base/check.h"
#include "num/vec_avx512_int.h"

enum { LANES = 16, STEP = 4 * LANES };

static __mmask16 head_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static float sum_four(const __m512 s[4])
{
    return _mm512_reduce_add_ps(
        _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
}

float vec_avx512_dot(const float *a, const float *b, size_t n)
{
    __m512 s[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                   _mm512_setzero_ps()};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        for (int j = 0; j < 4; j++)
            s[j] = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + j * LANES),
                                   _mm512_loadu_ps(b + i + j * LANES), s[j]);
    for (; i + LANES <= n; i += LANES)
        s[0] = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s[0]);
    if (i < n) {
        __mmask16 mask = head_mask(n - i);
        s[1] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i),
                               _mm512_maskz_loadu_ps(mask, b + i), s[1]);
    }
    return sum_four(s);
}

float vec_avx512_l2sq(const float *a, const float *b, size_t n)
{
    __m512 s[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                   _mm512_setzero_ps()};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        for (int j = 0; j < 4; j++) {
            __m512 d = _mm512_sub_ps(_mm512_loadu_ps(a + i + j * LANES),
                                     _mm512_loadu_ps(b + i + j * LANES));
            s[j] = _mm512_fmadd_ps(d, d, s[j]);
        }
    }
    for (; i + LANES <= n; i += LANES) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
        s[0] = _mm512_fmadd_ps(d, d, s[0]);
    }
    if (i < n) {
        __mmask16 mask = head_mask(n - i);
        __m512 d =
            _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));
        s[1] = _mm512_fmadd_ps(d, d, s[1]);
    }
    return sum_four(s);
}

void vec_avx512_axpy(float alpha, const float *x, float *y, size_t n)
{
    __m512 k = _mm512_set1_ps(alpha);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        _mm512_storeu_ps(y + i, _mm512_fmadd_ps(k, _mm512_loadu_ps(x + i), _mm512_loadu_ps(y + i)));
    if (i < n) {
        __mmask16 mask = head_mask(n - i);
        _mm512_mask_storeu_ps(y + i, mask,
                              _mm512_fmadd_ps(k, _mm512_maskz_loadu_ps(mask, x + i),
                                              _mm512_maskz_loadu_ps(mask, y + i)));
    }
}

void vec_avx512_scale(float alpha, float *x, size_t n)
{
    __m512 k = _mm512_set1_ps(alpha);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        _mm512_storeu_ps(x + i, _mm512_mul_ps(k, _mm512_loadu_ps(x + i)));
    if (i < n) {
        __mmask16 mask = head_mask(n - i);
        _mm512_mask_storeu_ps(x + i, mask, _mm512_mul_ps(k, _mm512_maskz_loadu_ps(mask, x + i)));
    }
}

void vec_avx512_dot_rows(const float *q, const float *rows, size_t stride, size_t dim,
                         const uint32_t *ids, size_t n, float *out)
{
    vec_dot_rows_with(vec_avx512_dot, q, rows, stride, dim, ids, n, out);
}

/* sum + the products of 32 pairs, widened to 16 bits. */
static __m512i add_products(__m512i sum, __m256i a, __m256i b)
{
    return _mm512_add_epi32(sum,
                            _mm512_madd_epi16(_mm512_cvtepi8_epi16(a), _mm512_cvtepi8_epi16(b)));
}

static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    enum { WIDTH = 32 };
    DCHECK(n <= VEC_MAX_I8);
    __m512i sum = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
        sum = add_products(sum, _mm256_loadu_si256((const __m256i *)(a + i)),
                           _mm256_loadu_si256((const __m256i *)(b + i)));
    if (i < n) {
        __mmask32 mask = (__mmask32)((1u << (n - i)) - 1);
        sum = add_products(sum, _mm256_maskz_loadu_epi8(mask, a + i),
                           _mm256_maskz_loadu_epi8(mask, b + i));
    }
    return _mm512_reduce_add_epi32(sum);
}

static void dot_rows_i8(const int8_t *q, const int8_t *rows, size_t stride, size_t dim,
                        const uint32_t *ids, size_t n, int32_t *out)
{
    vec_dot_rows_i8_with(dot_i8, q, rows, stride, dim, ids, n, out);
}

/* As in vec_avx2.c, eight rows at once. */
static size_t scan_blocks(const int8_t *q, const uint8_t *blocks, size_t dim, size_t n,
                          const float *scales, float floor, float *scores, uint32_t *places)
{
    enum { HALF_BYTES = 32 /* eight rows */ };
    size_t len = 0, groups = vec_block_dim(dim) / VEC_BLOCK_GROUP;
    __m512i excess = _mm512_set1_epi32(vec_block_excess(q, dim));
    __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    DCHECK(dim <= VEC_MAX_I8);
    for (size_t b = 0; b < n; b++) {
        __m512i low = _mm512_setzero_si512(), high = low;
        for (size_t g = 0; g < groups; g++, blocks += 2 * HALF_BYTES) {
            int32_t four;
            __builtin_memcpy(&four, q + g * VEC_BLOCK_GROUP, sizeof four);
            __m512i wide = _mm512_cvtepi8_epi16(_mm256_set1_epi32(four));
            __m256i a = _mm256_loadu_si256((const __m256i *)blocks);
            __m256i c = _mm256_loadu_si256((const __m256i *)(blocks + HALF_BYTES));
            low = _mm512_add_epi32(low, _mm512_madd_epi16(wide, _mm512_cvtepu8_epi16(a)));
            high = _mm512_add_epi32(high, _mm512_madd_epi16(wide, _mm512_cvtepu8_epi16(c)));
        }
        __m512i dots = _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high),
                                        _mm512_permutex2var_epi32(low, odd, high));
        size_t place = b * VEC_BLOCK_ROWS;
        len = vec_avx512_append(_mm512_sub_epi32(dots, excess), scales + place, floor, place, len,
                                scores, places);
    }
    return len;
}

size_t vec_avx512_find_u32(const uint32_t *a, size_t n, uint32_t x)
{
    __m512i wanted = _mm512_set1_epi32((int32_t)x);
    for (size_t i = 0; i < n; i += LANES) {
        __mmask16 mask = n - i < LANES ? head_mask(n - i) : (__mmask16)-1;
        __mmask16 hits =
            _mm512_mask_cmpeq_epi32_mask(mask, _mm512_maskz_loadu_epi32(mask, a + i), wanted);
        if (hits)
            return i + (size_t)__builtin_ctz(hits);
    }
    return n;
}

/* Twenty-four sums, two loads of rows, and numbers of queries that come with the FMA: the two units of FMA have no
 * rest. */
void vec_avx512_dot_tile(const float *queries, size_t dim, const float *panel, const float *floors,
                         uint32_t *masks, float *scores)
{
    __m512 low[VEC_TILE_QUERIES], high[VEC_TILE_QUERIES];
#pragma GCC unroll 12
    for (size_t q = 0; q < VEC_TILE_QUERIES; q++)
        low[q] = high[q] = _mm512_setzero_ps();
    for (size_t k = 0; k < dim; k++) {
        __m512 a = _mm512_loadu_ps(panel + k * VEC_TILE_ROWS);
        __m512 b = _mm512_loadu_ps(panel + k * VEC_TILE_ROWS + LANES);
#pragma GCC unroll 12
        for (size_t q = 0; q < VEC_TILE_QUERIES; q++) {
            __m512 x = _mm512_set1_ps(queries[q * dim + k]);
            low[q] = _mm512_fmadd_ps(x, a, low[q]);
            high[q] = _mm512_fmadd_ps(x, b, high[q]);
        }
    }
#pragma GCC unroll 12
    for (size_t q = 0; q < VEC_TILE_QUERIES; q++) {
        __m512 floor = _mm512_set1_ps(floors[q]);
        uint32_t mask = (uint32_t)_mm512_cmp_ps_mask(low[q], floor, _CMP_GE_OQ) |
                        (uint32_t)_mm512_cmp_ps_mask(high[q], floor, _CMP_GE_OQ) << LANES;
        masks[q] = mask;
        if (mask) {
            _mm512_storeu_ps(scores + q * VEC_TILE_ROWS, low[q]);
            _mm512_storeu_ps(scores + q * VEC_TILE_ROWS + LANES, high[q]);
        }
    }
}

const struct vec_ops vec_avx512 = {
    .name = "avx512",
    VEC_AVX512_SHARED,
    .dot_i8 = dot_i8,
    .dot_rows_i8 = dot_rows_i8,
    .scan_blocks = scan_blocks,
};
#endif
