/* vec_avx512_int.h - what the AVX-512 files share of scan_blocks. */
#ifndef NUM_VEC_AVX512_INT_H
#define NUM_VEC_AVX512_INT_H

#include <immintrin.h>

#include "num/vec_int.h"

/* The rows of a block, from `place` on, whose dots times scales reach the floor go behind the len
 * that there are. All sixteen lanes are written: room for the block is there. Returns the new len. */
static inline size_t vec_avx512_append(__m512i dots, const float *scales, float floor, size_t place,
                                       size_t len, float *scores, uint32_t *places)
{
    __m512 score = _mm512_mul_ps(_mm512_cvtepi32_ps(dots), _mm512_loadu_ps(scales));
    __mmask16 good = _mm512_cmp_ps_mask(score, _mm512_set1_ps(floor), _CMP_GE_OQ);
    __m512i place_of =
        _mm512_add_epi32(_mm512_set1_epi32((int)place),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_storeu_ps(scores + len, _mm512_maskz_compress_ps(good, score));
    _mm512_storeu_si512(places + len, _mm512_maskz_compress_epi32(good, place_of));
    return len + (size_t)_mm_popcnt_u32(good);
}

/* The half of both tables that is not int8, in an initialiser. */
#define VEC_AVX512_SHARED                                                                          \
    .dot = vec_avx512_dot, .l2sq = vec_avx512_l2sq, .axpy = vec_avx512_axpy,                       \
    .scale = vec_avx512_scale, .dot_rows = vec_avx512_dot_rows, .find_u32 = vec_avx512_find_u32,   \
    .dot_tile = vec_avx512_dot_tile

#endif
