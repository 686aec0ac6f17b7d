/* als_int.h - what the files of als share: the rows of a half step. */
#ifndef TRAIN_ALS_INT_H
#define TRAIN_ALS_INT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "num/small.h"
#include "train/als.h"

enum { ALS_ALIGN = 64 };

/* Of one thread. order: dim in whole units of num/small.h. */
struct lane {
    float *system;      /* [order][order] */
    float *gathered;    /* [max(CHUNK, order)][order] Z, or a piece of it */
    float *transposed;  /* [order][order] Z' of the dual */
    float *x;           /* [order] */
    float *root;        /* [order] R */
    float *step;        /* [order] of a block */
    float *roots;       /* [max(CHUNK, order)] C^1/2 */
    float *v;           /* [max(CHUNK, order)] */
    float *predictions; /* [cells of the longest row] with blocks */
};

struct half_step {
    const struct matrix *m;
    const float *turned;   /* [columns][order] */
    const float *spectrum; /* [order] G */
    const struct als_options *o;
    size_t order;
    double mean_n;
    float *out; /* [rows][dim], with blocks turned likewise */
    struct lane *lanes;
    _Atomic bool failed;
    struct err err; /* of the first failure; written by who sets failed */
};

/** n lanes for rows of at most longest cells; NULL: no memory. */
struct lane *als_lanes_new(unsigned n, const struct als_options *o, size_t longest);
void als_lanes_free(struct lane *lanes, unsigned n);

/** Solve a row, or step through its blocks. ERR_INVALID: it cannot be solved in floats. */
ERR_MUST_USE enum err_code als_solve_row(const struct half_step *h, struct lane *lane, uint32_t row,
                                         struct err *err);

#endif
