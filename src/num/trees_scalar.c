/* trees_scalar.c - the specification of trees.h: a row at a time down every tree. */
#include "num/trees_int.h"

static void block(const struct trees *t, const float *table, float *out)
{
    for (uint32_t k = 0; k < t->len; k++)
        for (uint32_t i = 0; i < TREES_BLOCK; i++)
            out[i] += trees_walk(t, &t->tree[k], table + i);
}

const struct trees_ops trees_scalar = {.name = "scalar", .block = block};
