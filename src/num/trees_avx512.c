/* trees.h with AVX-512: the rows of a block together. */
#ifdef __x86_64__
#include <immintrin.h>

#define LANES       16
#define VEC         __m512
#define LOAD(p)     _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define SET1(x)     _mm512_set1_ps(x)
#define ADD(a, b)   _mm512_add_ps(a, b)
#define RIGHT_OF(x, threshold, left, right)                                                        \
    _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, threshold, _CMP_LT_OQ), right, left)
#define TABLE      trees_avx512
#define TABLE_NAME "avx512"
#include "num/trees_simd.inc"
#endif
