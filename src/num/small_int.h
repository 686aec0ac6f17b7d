/* small_int.h - the tables of small.h. */
#ifndef NUM_SMALL_INT_H
#define NUM_SMALL_INT_H

#include "num/small.h"

extern const struct small_ops small_scalar;
#ifdef __x86_64__
extern const struct small_ops small_avx2;
extern const struct small_ops small_avx512;
#endif

#endif
