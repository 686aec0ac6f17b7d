/* recommend_model.h - the model of the family "recommend" as the server reads it: one file.
 *
 * Model:   a container (index/container.h) of kind "recommend". Inside, products are rows: row r is
 *          product items[r]; everything refers to rows, and rows to product numbers, so the catalogue may
 *          change under it. It holds
 *            vectors     item factors, to fold a shopper in at request time, with an index that finds the
 *                        best rows (index/vectors.h): of implicit ALS (Hu, Koren, Volinsky 2008), turned to
 *                        the axes of their Gram matrix, which changes no dot product and leaves of that
 *                        matrix the diagonal; or of linear propagation (train/propagation.h), where
 *                        folding in is a sum, and `graph` are the lists that belong to them;
 *            near, with, next  the nearest rows of each row by shared shoppers, by shared baskets, and by what
 *                        shoppers came to after it;
 *            alike       the rows that read most like each row (engine/content.h);
 *            content     where a product without a past, and one that is newer than this model, belongs
 *                        among the vectors (engine/content.h);
 *            popularity  weighted, decayed count of acts;
 *            sessions    the shop's newest sessions (index/session_index.h), which name nobody;
 *            again       how many of the buyers came back for it, and after how many days (train/again.h);
 *            histories   what each shopper did up to `position`, packed to 6 bytes an act.
 * Trust:   recommend_model_open checks every count, order and reference once, so that the serving
 *          path reads without checks. A hostile or truncated file is ERR_CORRUPT, never a crash.
 * Threads: immutable after open; shared by reference count (the view holds one).
 * Writing: train/ through recommend_model_write; the struct is the same on both sides. */
#ifndef ENGINE_RECOMMEND_MODEL_H
#define ENGINE_RECOMMEND_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/content.h"
#include "index/session_index.h"
#include "index/vectors.h"

enum {
    RECOMMEND_MODEL_VERSION = 6,
    RECOMMEND_DIM_MAX = VECTORS_DIM_MAX,
    RECOMMEND_NEIGHBOURS_MAX = 256,
    RECOMMEND_EXPONENT_MAX = 2,
};

/* Where the factors come from, and with it how a shopper is folded in (recommend/factors.h). */
enum factor_source { FACTORS_ALS, FACTORS_PROPAGATION, FACTOR_SOURCES };

/* A list of weighted rows for each row, best first. */
struct neighbour_lists {
    const uint32_t *offsets; /* [rows + 1] ascending, offsets[0] = 0 */
    const uint32_t *rows;    /* [offsets[rows]] < rows, no row twice in a list, never itself */
    const float *scores;     /* [offsets[rows]] in (0, 1], descending within a list */
};

/* An act of a history: 4 + 2 bytes. */
#define HISTORY_ROW_BITS  28
#define HISTORY_ROW(act)  ((act) & ((1u << HISTORY_ROW_BITS) - 1))
#define HISTORY_TYPE(act) ((act) >> HISTORY_ROW_BITS) /* enum event_type */

struct recommend_model {
    struct container *file; /* owned; NULL on the writing side */
    struct str meta;        /* JSON object: parameters, data range, metrics */
    int64_t position;       /* of the change log: the model knows all acts up to it */
    int64_t trained_at;     /* UTC microseconds */
    uint32_t rows;          /* products */
    enum factor_source source;
    uint32_t dim;         /* 0: no factors (too little data) */
    float alpha;          /* confidence of an act of weight w is 1 + alpha * w */
    float regularisation; /* lambda of the fold-in, > 0 where dim > 0 */
    float exponent;       /* nu, 0..RECOMMEND_EXPONENT_MAX: of lambda by the number of products */
    float mean_products;  /* of a shopper of the training data, >= 0 */

    const uint32_t *items;    /* [rows] product_no > 0, ascending */
    const float *popularity;  /* [rows] >= 0 */
    float popularity_most;    /* the greatest of them; not in the file */
    const float *again_days;  /* [rows] > 0: usual days between two purchases of a shopper */
    const float *again_share; /* [rows] 0..1: of the buyers who came back for it */
    const float *spectrum;    /* [dim] >= 0, diagonal of transpose(factors) * factors, which has
                                no other numbers; ALS */
    const float
        *fold_in; /* [rows] >= 0, what a shopper's act on a row adds of its factors; propagation
                                with dim > 0 */
    struct vectors vectors; /* [rows][dim] item factors */

    struct neighbour_lists graph; /* propagation: what a row passes on; else empty */
    float graph_scale; /* > 0: scores of graph times this are on the scale of the factors */
    struct neighbour_lists near;   /* shoppers of this also liked */
    struct neighbour_lists with;   /* bought in one basket */
    struct neighbour_lists next;   /* came to afterwards, in order */
    struct neighbour_lists alike;  /* read alike */
    struct content_tower content;  /* of dim factors; features 0: there is none */
    struct session_index sessions; /* of rows; sessions 0: none are kept, and no array is there */

    uint32_t users;
    const uint32_t *user_no;         /* [users] > 0, ascending */
    const uint64_t *history_offsets; /* [users + 1] */
    const uint32_t *history_acts;    /* [history_offsets[users]] newest first within a shopper */
    const uint16_t *history_days;    /* [same] days since 1970 */
};

/** Write all of m (but file) atomically. m must satisfy what open checks.
 *  Errors as container_write_file. */
ERR_MUST_USE enum err_code recommend_model_write(const struct recommend_model *m, const char *path,
                                                 struct err *err);

/** Map and check. *out is filled on success only; release with recommend_model_close.
 *  checksums  verify them too: reads the whole file
 *  ERR_CORRUPT, ERR_UNSUPPORTED  the message names the section */
ERR_MUST_USE enum err_code recommend_model_open(const char *path, bool checksums,
                                                struct recommend_model *out, struct err *err);

/** The same over an image in memory (borrowed until close, aligned to CONTAINER_ALIGN). For tests
 *  and fuzzing. */
ERR_MUST_USE enum err_code recommend_model_open_memory(void *image, size_t bytes,
                                                       struct recommend_model *out,
                                                       struct err *err);

/** All-zero is fine. */
void recommend_model_close(struct recommend_model *m);

/** lambda for one side's row of n cells where the mean is mean_n: lambda ((n + unseen) / (mean_n + unseen))^nu, unseen
 *  being the other side's rows by alpha (train/als.h). */
float recommend_lambda(float lambda, float exponent, double unseen, double mean_n, double n);

/** popularity_most, from popularity: who makes a model calls it. */
void recommend_model_find_most(struct recommend_model *m);

/** The row of a product, or UINT32_MAX. O(log rows). */
uint32_t recommend_model_row(const struct recommend_model *m, uint32_t product_no);

/** A shopper's packed history: [*n] acts and days; 0 for an unknown one. O(log users). */
size_t recommend_model_history(const struct recommend_model *m, uint32_t user_no,
                               const uint32_t **acts, const uint16_t **days);

#endif
