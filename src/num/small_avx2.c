/* small.h with AVX2 and FMA: twelve sums of eight floats, three operands and a factor fill the registers. */
#ifdef __x86_64__
#define LANES      8
#define ROWS       4
#define TABLE      small_avx2
#define TABLE_NAME "avx2"
#include "num/small_simd.inc"
#endif
