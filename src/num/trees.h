/* trees.h - an ensemble of boosted decision trees as it scores: read from XGBoost's JSON, laid out for batches.
 *
 * Model:   the score (margin) of a row x is base + the sum over the trees of one leaf each. In a tree, a node
 *          sends x left where x[feature] < threshold, else right; a feature that is NaN (missing) goes the
 *          node's default way.
 * Layout:  each tree is filled up to a complete one of its own depth (a leaf above it becomes a subtree
 *          whose leaves are all that leaf), so that node i has children 2i + 1 and 2i + 2 and nothing is
 *          stored of the shape. Rows are scored in blocks of TREES_BLOCK, a lane each, down one tree after
 *          another. A block's features are copied into columns, one for each way that NaN may go:
 *          in one NaN is -infinity, in the other infinity, so that a comparison knows no missing values.
 * Source:  complete trees, many rows at a time: Asadi, Lin, de Vries, "Runtime optimizations for tree-based
 *          machine learning models", IEEE TKDE 26(9), 2014 (VPred). Deviation: no gathers; the vector
 *          tables make every comparison of a tree (trees_simd.inc).
 * Exact:   every table adds the same floats in the same order (base, tree 0, tree 1, ...), as XGBoost does: the
 *          scalar table is the specification and the others give its bits.
 * Why in num: the engine opens the model that has the trees, and lies below rank.
 * Memory:  owns its arrays: trees_release. Scoring allocates nothing.
 * Threads: as vec.h: trees_init before the first thread starts; immutable once read. */
#ifndef NUM_TREES_H
#define NUM_TREES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    TREES_MAX = 1 << 14,
    TREES_DEPTH_MAX = 12,          /* comparisons down one tree */
    TREES_FEATURES_MAX = 256,      /* of a row */
    TREES_SOURCE_NODES_MAX = 8191, /* of one tree in the file */
    TREES_NODES_MAX = 1 << 22,     /* of all trees, filled up */
    TREES_BLOCK = 32,              /* rows that are scored side by side */
};

/** What makes a prediction of a margin. */
enum trees_link {
    TREES_IDENTITY, /* reg:squarederror, rank:* */
    TREES_LOGISTIC, /* binary:logistic: 1 / (1 + exp(-margin)) */
};

struct trees_tree {
    uint32_t depth;      /* 0..TREES_DEPTH_MAX */
    uint32_t first_node; /* of 2^depth - 1 */
    uint32_t first_leaf; /* of 2^depth */
};

struct trees {
    uint32_t features; /* of a row, 1..TREES_FEATURES_MAX */
    uint32_t len;      /* trees */
    float base;        /* margin of no tree */
    enum trees_link link;
    uint32_t nodes, leaves;  /* of all trees */
    uint32_t columns;        /* of a block, at most 2 * features */
    uint16_t *column;        /* [columns] feature * 2 + (1: NaN goes left), owned */
    struct trees_tree *tree; /* [len] owned */
    float *threshold;        /* [nodes] finite, infinity where filled up, owned */
    int32_t *place;          /* [nodes] column * TREES_BLOCK, owned */
    float *leaf;             /* [leaves] finite, owned */
};

/** Read a model that XGBoost 1.7 to 3.x saved as JSON (save_model "x.json"): booster gbtree; objective
 *  reg:squarederror, binary:logistic or rank:*; one output. Every count, reference and number is checked.
 *  out  untouched on failure
 *  ERR_CORRUPT      not such JSON (NaN included), or a tree that is none; the message tells the place
 *  ERR_UNSUPPORTED  another booster or objective, several outputs, categorical splits
 *  ERR_LIMIT        a cap above
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code trees_read(struct str json, struct trees *out, struct err *err);

/** All-zero is fine. */
void trees_release(struct trees *t);

struct trees_ops {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* out [TREES_BLOCK] += the leaf of every tree, in the trees' order.
     * table [columns][TREES_BLOCK] no NaN, lanes side by side, 64-byte aligned */
    void (*block)(const struct trees *t, const float *table, float *out);
};

/** The table in force: the scalar one until trees_init succeeds. */
extern const struct trees_ops *trees_ops;

/** The table that goes with vec's: call vec_init first. */
void trees_init(void);

/** The i-th table that this machine runs, from the scalar one upward; NULL past the last. */
const struct trees_ops *trees_available(size_t i);

/** Margins of n rows.
 *  x    [features][stride]  feature by feature, NaN: missing; stride >= n
 *  out  [n]
 *  Cost: per row and level of a tree well below a nanosecond with AVX-512, three in the scalar table. */
void trees_score(const struct trees *t, const float *x, size_t stride, size_t n, float *out);

/** The same with a table of one's choice: for tests and benchmarks. */
void trees_score_with(const struct trees_ops *ops, const struct trees *t, const float *x,
                      size_t stride, size_t n, float *out);

/** What XGBoost's predict gives for a margin. */
float trees_predict(const struct trees *t, float margin);

#endif
