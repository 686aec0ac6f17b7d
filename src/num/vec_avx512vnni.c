/* The int8 kernels of vec.h with VNNI: sixty-four pairs a step.
 *
 * vpdpbusd multiplies unsigned by signed bytes, so a is shifted to a + 128, which is unsigned, and
 * 128 * sum(b) is taken off again. Both sums are exact modulo 2^32, and the result fits. */
#ifdef __x86_64__
#include "base/check.h"
#include "num/vec_avx512_int.h"

enum { WIDTH = 64 };

struct sums {
    __m512i shifted; /* of (a + 128) * b */
    __m512i b;
};

static void add_products(struct sums *s, __m512i a, __m512i b)
{
    s->shifted = _mm512_dpbusd_epi32(s->shifted, _mm512_xor_si512(a, _mm512_set1_epi8(-128)), b);
    s->b = _mm512_dpbusd_epi32(s->b, _mm512_set1_epi8(1), b);
}

static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    DCHECK(n <= VEC_MAX_I8);
    struct sums s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
        add_products(&s, _mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
    if (i < n) {
        __mmask64 mask = ((__mmask64)1 << (n - i)) - 1;
        add_products(&s, _mm512_maskz_loadu_epi8(mask, a + i),
                     _mm512_maskz_loadu_epi8(mask, b + i));
    }
    return _mm512_reduce_add_epi32(_mm512_sub_epi32(s.shifted, _mm512_slli_epi32(s.b, 7)));
}

static void dot_rows_i8(const int8_t *q, const int8_t *rows, size_t stride, size_t dim,
                        const uint32_t *ids, size_t n, int32_t *out)
{
    vec_dot_rows_i8_with(dot_i8, q, rows, stride, dim, ids, n, out);
}

static inline __m512i four_of(const int8_t *q, size_t group)
{
    int32_t four;
    __builtin_memcpy(&four, q + group * VEC_BLOCK_GROUP, sizeof four);
    return _mm512_set1_epi32(four);
}

/* One instruction a group: four sums hide its latency. */
static size_t scan_blocks(const int8_t *q, const uint8_t *blocks, size_t dim, size_t n,
                          const float *scales, float floor, float *scores, uint32_t *places)
{
    enum { SUMS = 4 };
    size_t len = 0, groups = vec_block_dim(dim) / VEC_BLOCK_GROUP;
    __m512i excess = _mm512_set1_epi32(vec_block_excess(q, dim));
    DCHECK(dim <= VEC_MAX_I8);
    for (size_t b = 0; b < n; b++) {
        __m512i s[SUMS] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                           _mm512_setzero_si512()};
        size_t g = 0;
        for (; g + SUMS <= groups; g += SUMS)
            for (size_t i = 0; i < SUMS; i++, blocks += WIDTH)
                s[i] = _mm512_dpbusd_epi32(s[i], _mm512_loadu_si512(blocks), four_of(q, g + i));
        for (; g < groups; g++, blocks += WIDTH)
            s[0] = _mm512_dpbusd_epi32(s[0], _mm512_loadu_si512(blocks), four_of(q, g));
        __m512i sum = _mm512_add_epi32(_mm512_add_epi32(s[0], s[1]), _mm512_add_epi32(s[2], s[3]));
        size_t place = b * VEC_BLOCK_ROWS;
        len = vec_avx512_append(_mm512_sub_epi32(sum, excess), scales + place, floor, place, len,
                                scores, places);
    }
    return len;
}

const struct vec_ops vec_avx512vnni = {
    .name = "avx512-vnni",
    VEC_AVX512_SHARED,
    .dot_i8 = dot_i8,
    .dot_rows_i8 = dot_rows_i8,
    .scan_blocks = scan_blocks,
};
#endif
