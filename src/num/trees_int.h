/* trees_int.h - what the files of trees share. */
#ifndef NUM_TREES_INT_H
#define NUM_TREES_INT_H

#include <stdbool.h>

#include "num/trees.h"

extern const struct trees_ops trees_scalar;
#ifdef __x86_64__
extern const struct trees_ops trees_avx2;
extern const struct trees_ops trees_avx512;
#endif

/* The leaf of one row of a tree; table is the block's columns from the row's lane on. */
static inline float trees_walk(const struct trees *t, const struct trees_tree *tree,
                               const float *table)
{
    const float *threshold = t->threshold + tree->first_node;
    const int32_t *place = t->place + tree->first_node;
    uint32_t node = 0;
    for (uint32_t level = 0; level < tree->depth; level++)
        node = 2 * node + 1 + !(table[place[node]] < threshold[node]);
    return t->leaf[tree->first_leaf + node + 1 - (1u << tree->depth)];
}

/* A node as it stands in the file, checked but for where left and right lead. */
struct trees_source_node {
    int32_t left, right; /* both -1: a leaf */
    uint32_t feature;    /* < features, of inner nodes */
    float value;         /* threshold, or what the leaf adds; finite */
    bool missing_left;
};

/** Append a tree of n >= 1 nodes, the root first: nodes that nothing leads to are left out. t->features is
 *  known; t is released by the caller on failure.
 *  ERR_CORRUPT  a child that is not there, two ways to a node
 *  ERR_LIMIT    TREES_DEPTH_MAX, TREES_NODES_MAX
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code trees_append(struct trees *t, const struct trees_source_node *nodes,
                                        size_t n, struct err *err);

/** After the last tree: the columns of a block. */
ERR_MUST_USE enum err_code trees_finish(struct trees *t, struct err *err);

#endif
