/* The int8 kernels of vec.h with VNNI: sixty-four pairs a step.
 *
 * vpdpbusd multiplies unsigned by signed bytes, so a is shifted to a + 128, which is unsigned, and
 * 128 * sum(b) is taken off again. Both sums are exact modulo 2^32, and the result fits. */
#ifdef __x86_64__
#include <immintrin.h>

#include "base/check.h"
#include "num/vec_int.h"

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

const struct vec_ops vec_avx512vnni = {
    .name = "avx512-vnni",
    .dot = vec_avx512_dot,
    .l2sq = vec_avx512_l2sq,
    .axpy = vec_avx512_axpy,
    .scale = vec_avx512_scale,
    .dot_i8 = dot_i8,
    .dot_rows = vec_avx512_dot_rows,
    .dot_rows_i8 = dot_rows_i8,
};
#endif
