/* content.h - from products and who had them to the tower (engine/content.h).
 *
 * Model:   with the shoppers' factors x_u of ALS as they are, W minimises the loss of train/als.h with W'f_i in the
 *          place of the item factors y_i, over the items that somebody had:
 *            sum over i, u of c_ui (p_ui - x_u' W' f_i)^2 + mu |W|^2.
 *          An error in a direction in which shoppers differ costs more than one in which they do not, and an item counts
 *          by what is known of it; a regression of y_i on f_i knows neither (Gantner et al. 2010).
 * Solve:   the gradient is 0 where sum over i of f_i (A_i W'f_i)' + mu W = sum over i of f_i b_i', with
 *          A_i = X'X + sum over the item's users of alpha w x x' and b_i = sum of (1 + alpha w) x: conjugate gradients with
 *          the diagonal as preconditioner (Hestenes, Stiefel 1952). No matrix of items by features is dense, and that of
 *          the system is never built.
 * Result:  the same whatever the number of threads: items and features are independent of each other within a step.
 * Cost:    a step: cells of features * 2 dim + cells of acts * 2 dim + items * dim^2 multiply-adds.
 * Memory:  5 matrices of features by dim, one of items by dim, the features twice. */
#ifndef TRAIN_CONTENT_H
#define TRAIN_CONTENT_H

#include "base/pool.h"
#include "engine/content.h"
#include "train/matrix.h"
#include "train/neighbours.h"

struct store;

struct content_product {
    uint32_t product_no;
    uint64_t group;     /* a hash: variants of one thing share it */
    int64_t created_at; /* UTC microseconds */
};

/* Products with their features. All-zero is valid: none. */
struct content_catalogue {
    uint32_t len, cap;
    struct content_product *products; /* [len] by product_no, owned */
    uint64_t *offsets;                /* [len + 1] NULL where there are none, owned */
    struct content_feature *features; /* [offsets[len]] owned */
    uint64_t features_cap;
};

/** Read the products that are sold now, in short transactions. out: content_catalogue_release.
 *  ERR_MEMORY, ERR_CANCELLED; else what the store reports */
ERR_MUST_USE enum err_code content_catalogue_read(struct store *store,
                                                  struct content_catalogue *out, struct err *err);

/** Add one product, whose number is above all others. ERR_MEMORY. */
ERR_MUST_USE enum err_code content_catalogue_add(struct content_catalogue *c,
                                                 const struct content_product *product,
                                                 const struct content_feature *features, size_t n,
                                                 struct err *err);
void content_catalogue_release(struct content_catalogue *c);

/** Which kinds of features count; every bit 1 << enum content_kind. */
#define CONTENT_ALL ((1u << CONTENT_KINDS) - 1)

/** The features that at least two products have: of more than features_max those of most products.
 *  out   keys and idf owned, weights NULL, dim 0: content_tower_release
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code content_vocabulary(const struct content_catalogue *c, unsigned kinds,
                                              uint32_t features_max, struct content_tower *out,
                                              struct err *err);
void content_tower_release(struct content_tower *t);

/** What products weigh in a vocabulary of those kinds.
 *  row_of  [c->len] row of each product, ascending; UINT32_MAX: none
 *  out     [rows][t->features], rows of length at most 1: matrix_release
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code content_matrix(const struct content_tower *t,
                                          const struct content_catalogue *c, unsigned kinds,
                                          const uint32_t *row_of, uint32_t rows, struct matrix *out,
                                          struct err *err);

/** The products that read most like each product: the cosine of their rows. Those are looked at that share one
 *  of the product's rarest features, up to 20,000 products of features: in a shop of some thousand products all.
 *  features  [items][features] of content_matrix
 *  keep      1..RECOMMEND_NEIGHBOURS_MAX
 *  out       neighbours_release; the same whatever the number of threads
 *  ERR_CANCELLED, ERR_MEMORY */
ERR_MUST_USE enum err_code content_neighbours_fit(const struct matrix *features, uint32_t keep,
                                                  struct pool *pool, struct neighbour_result *out,
                                                  struct err *err);

struct content_options {
    float alpha;         /* of ALS, > 0 */
    float mu;            /* > 0 */
    uint32_t dim;        /* of the factors, 1.. */
    uint32_t iterations; /* at most, >= 1 */
    float residual;      /* stop where it is this share of the right-hand side */
};

/** Fit W.
 *  features  [items][features]
 *  by_item   [items][users]: who had it, with what weight; items of no cell say nothing
 *  users     [users][dim] factors
 *  weights   [features][dim] out
 *  ERR_CANCELLED, ERR_MEMORY
 *  ERR_INVALID  a number overflows */
ERR_MUST_USE enum err_code content_fit(const struct matrix *features, const struct matrix *by_item,
                                       const float *users, const struct content_options *o,
                                       struct pool *pool, float *weights, struct err *err);

#endif
