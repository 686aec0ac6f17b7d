/* content.h - what a product is, told by its record alone, and where that puts it among the factors.
 *
 * Features: words of the title in every language that the product has (folded, stemmed; CJK in pairs of
 *           characters) and pairs of words that stand side by side; brand, supplier and tags; every ancestor of the
 *           category; attribute values; the price and numeric attributes as two neighbouring powers of two, each
 *           by its nearness. A feature is 64 bits, the kind in the top 8 and a hash of kind and text in the others,
 *           so that there is no dictionary of texts. Training and serving call the same function.
 * Weights:  of a product's feature, what it weighs here times its idf = 1 + log((n + 1) / (df + 1)) over the n
 *           products of the catalogue that was learned from, the whole vector of length 1. A feature that fewer than two
 *           products had is unknown: it counts towards the length with df = 1.
 * Tower:    a linear map W from features to factors: a product is put at W' f (train/content.h has how W comes about).
 *           Gantner et al., "Learning attribute-to-feature mappings for cold-start recommendations", ICDM 2010.
 * Threads:  one content_reader a thread; a tower is immutable. */
#ifndef ENGINE_CONTENT_H
#define ENGINE_CONTENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/records.h"
#include "text/analyse.h"

enum {
    CONTENT_FEATURES_MAX = 256, /* of a product; what comes later is left out */
    CONTENT_KIND_SHIFT = 56,
};

enum content_kind {
    CONTENT_WORD,
    CONTENT_PAIR,
    CONTENT_BRAND,
    CONTENT_CATEGORY,
    CONTENT_ATTRIBUTE,
    CONTENT_TAG,
    CONTENT_SUPPLIER,
    CONTENT_PRICE,
    CONTENT_KINDS
};

struct content_feature {
    uint64_t key;
    float weight; /* > 0 */
};

static inline enum content_kind content_kind_of(uint64_t key)
{
    return (enum content_kind)(key >> CONTENT_KIND_SHIFT);
}

/* What reads products; all-zero until content_reader_init. */
struct content_reader {
    struct text_analyser *analyser; /* owned */
    struct arena arena;
    struct buf folded;
    struct content_feature features[CONTENT_FEATURES_MAX];
    size_t len;
};

void content_reader_init(struct content_reader *r);
void content_reader_release(struct content_reader *r); /* all-zero is fine */

/** The features of a product into r->features [r->len], ascending by key, each once.
 *  Records were checked when they were stored (store/products.h): what cannot be read of JSON counts as absent.
 *  ERR_MEMORY; ERR_INTERNAL  ICU or Snowball failed */
ERR_MUST_USE enum err_code content_read(struct content_reader *r, const struct product *p,
                                        struct err *err);

/* What a model knows of features. All-zero knows none. */
struct content_tower {
    uint32_t features;    /* that are known */
    uint32_t dim;         /* of the factors */
    uint32_t products;    /* n of idf */
    const uint64_t *keys; /* [features] ascending */
    const float *idf;     /* [features] finite, > 0 */
    const float *weights; /* [features][dim] W, finite */
};

/* A product's features as a tower knows them. */
struct content_vector {
    uint32_t index[CONTENT_FEATURES_MAX]; /* [len] ascending */
    float value[CONTENT_FEATURES_MAX];    /* [len] > 0; squares sum up to at most 1 */
    size_t len;
};

/** features [n] as content_read gives them. */
void content_vector_of(const struct content_tower *t, const struct content_feature *features,
                       size_t n, struct content_vector *out);

/** x [t->dim] = W' f: 0 where nothing is known. */
void content_embed(const struct content_tower *t, const struct content_vector *v, float *x);

#endif
