/* propagation.h - linear propagation over the graph of users and items: a filter without training.
 *
 * Model:   with R [users][items] and n_u, n_i the sums of its rows and columns, a user's scores are
 *            s = r_u (P + gamma D_i^-out' V H V' D_i^in'),
 *          P      two steps of propagation, P_ij = n_i^-out (sum over u of R_ui n_u^-2a R_uj) n_j^-in, kept
 *                 sparse: of each item i the `keep` largest P_ij, j not i. GF-CF has a = out = in = 1/2; the
 *                 damping of what is had (out) and of what is shown (in) are numbers of their own here.
 *          V, S   the `dim` leading right singular vectors and values of R~ = D_u^-a' R D_i^-b
 *                 (train/svd.h). a' = out' = in' = b = 1/2 and H = 1 is GF-CF's ideal low pass; here
 *                 H = (1 - (S / S_1)^2)^flat: what most users share, which P has in plenty, is not counted
 *                 again.
 * Serving: the second term is factors Y = D_i^in' V H^1/2 gamma^1/2 with a fold-in without a system,
 *            x_u = sum over the user's items of w_i fold_in_i Y_i,  score x_u . Y_j,  fold_in = n^-(out' + in');
 *          the first is lists of neighbours as of train/neighbours.h, but that scores may be above 1.
 * Source:  Shen et al., "How powerful is graph convolution for recommendation?", CIKM 2021 (GF-CF); Christoffel et
 *          al., "Blockbusters and wallflowers", RecSys 2015 (RP3beta: the exponent of what is shown).
 * Result:  lists are exact; both parts are the same whatever the number of threads.
 * Memory:  lists 8 bytes an entry, twice while they are packed; 16 bytes an item and lane; factors as train/svd.h.
 *          Nothing is of size items by items.
 * Cost:    lists: sum over users of (items of the user)^2. */
#ifndef TRAIN_PROPAGATION_H
#define TRAIN_PROPAGATION_H

#include "base/pool.h"
#include "train/matrix.h"
#include "train/neighbours.h"

struct propagation_options {
    bool binary;         /* every weight counts as 1 */
    float user_exponent; /* a of P, finite */
    float out_exponent;  /* of the item that a user has, finite */
    float in_exponent;   /* of the item that is scored, finite */
    uint32_t keep;       /* entries of each list; 0: no lists */
    uint32_t dim;        /* 0: no factors */
    float gamma;         /* of the factors, > 0 where there are any */
    float low_user;      /* a' of R~, finite */
    float low_item;      /* b of R~, finite */
    float low_out;       /* out', finite */
    float low_in;        /* in', finite */
    float flat;          /* >= 0 */
    uint64_t seed;       /* of the factors' starting block */
};

/** Chosen on the validation part of Gowalla: docs/recommender-design.md. */
struct propagation_options propagation_defaults(void);

/* All-zero is valid: no items. */
struct propagation {
    uint32_t items;
    uint32_t dim;                  /* 0: no factors */
    struct neighbour_result lists; /* offsets NULL: none */
    float *factors;                /* [items][dim], owned */
    float *fold_in;                /* [items] >= 0, 0 for an item without users, owned */
};

/** Fit. by_user [users][items].
 *  out   owned: propagation_release
 *  ERR_INVALID    there are no cells, weights that are not finite and positive (the message has the place),
 *                 dim larger than the matrix or than SVD_DIM_MAX
 *  ERR_LIMIT      more than 2^32 entries; ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code propagation_fit(const struct matrix *by_user,
                                           const struct propagation_options *o, struct pool *pool,
                                           struct propagation *out, struct err *err);
void propagation_release(struct propagation *p);

/** A user's factors from what they have: rows [n] < items, weights [n] > 0; x [dim] out. */
void propagation_fold_in(const struct propagation *p, const uint32_t *rows, const float *weights,
                         size_t n, float *x);

/** All items' scores by factors for several users, whose sums take less time together.
 *  x       [n][dim]    as of propagation_fold_in; ignored where there are no factors
 *  scores  [n][items]  out; 0 where there are no factors */
void propagation_score_factors(const struct propagation *p, const float *x, size_t n,
                               float *scores);

/** Add a user's scores by lists. scores [items]. Cost: entries of the n lists. */
void propagation_add_lists(const struct propagation *p, const uint32_t *rows, const float *weights,
                           size_t n, float *scores);

#endif
