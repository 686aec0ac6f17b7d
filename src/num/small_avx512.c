/* small.h with AVX-512: twenty-four sums of sixteen floats. */
#ifdef __x86_64__
#define LANES      16
#define ROWS       8
#define TABLE      small_avx512
#define TABLE_NAME "avx512"
#include "num/small_simd.inc"
#endif
