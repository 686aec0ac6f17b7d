/* trees.h with AVX2: sixteen rows of a block at a time. */
#ifdef __x86_64__
#include <immintrin.h>

#define LANES       8
#define VEC         __m256
#define LOAD(p)     _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define SET1(x)     _mm256_set1_ps(x)
#define ADD(a, b)   _mm256_add_ps(a, b)
#define RIGHT_OF(x, threshold, left, right)                                                        \
    _mm256_blendv_ps(right, left, _mm256_cmp_ps(x, threshold, _CMP_LT_OQ))
#define TABLE      trees_avx2
#define TABLE_NAME "avx2"
#include "num/trees_simd.inc"
#endif
