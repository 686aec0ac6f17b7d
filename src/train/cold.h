/* cold.h - how well products are recommended that nobody had yet.
 *
 * Protocol: products are dealt into ten folds by a hash of their group, so that variants stay together. Those of one fold
 *           are cold: all acts on them are hidden from training, and are what is to be foretold, for every shopper with an
 *           act on another product. Fold 0 is for the end: while another one is measured, fold 0's products and
 *           acts are not there at all.
 * Lists:    `together` ranks cold and warm products in one list, from which only what the shopper had is missing: a warm
 *           product in it is a miss whether they would have liked it or not. So a model that lifts all cold products
 *           gains, whatever it knows: `among` ranks the cold ones alone and tells the two apart.
 * Models:   tower       the factor model as it serves: cold products stand where the tower puts them
 *           content     the tower's scores and those of what reads like the shopper's products (the model's lists), each
 *                       scaled to at most 1, the second times `alike`: as recommend_run sums sources
 *           titles      the rival: sum over the shopper's products of weight times cosine of titles' TF-IDF words
 *           popularity  which knows no cold product
 * Threads:  one at a time. */
#ifndef TRAIN_COLD_H
#define TRAIN_COLD_H

#include "eval/holdout.h"
#include "train/content.h"
#include "train/recommend_fit.h"

enum { COLD_FOLDS = 10 };

/** What `alike` is without a word: what it is to the factors on home pages as they are served. */
float cold_alike(void);

enum cold_model { COLD_TOWER, COLD_CONTENT, COLD_TITLES, COLD_POPULARITY, COLD_MODELS };

const char *cold_model_name(enum cold_model m);

struct cold_options {
    uint32_t fold; /* < COLD_FOLDS */
    size_t k;      /* length of the lists, 1..HOLDOUT_K_MAX */
    float alike;   /* >= 0 */
    struct recommend_params params;
    struct pool *pool; /* NULL: this thread alone */
};

struct cold_result {
    uint32_t products, cold; /* of the catalogue, and of them cold */
    size_t acts, cold_acts;
    struct holdout_result together[COLD_MODELS], among[COLD_MODELS];
};

/** Measure, on the acts of known shoppers.
 *  ERR_INVALID  there are no acts, no factors or nothing cold; ERR_CANCELLED, ERR_MEMORY; else as recommend_fit */
ERR_MUST_USE enum err_code cold_measure(const struct interactions *acts,
                                        const struct content_catalogue *catalogue,
                                        const struct cold_options *o, struct cold_result *out,
                                        struct err *err);

#endif
