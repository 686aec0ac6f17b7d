/* ranker.h - the learned ranker of a model's version as the server reads it: ranker.json beside recommend.model.
 *
 * File:    one JSON object:
 *            format      1
 *            features    names, in the order of the trees' features (recommend/features.h says what they are)
 *            definitions number of what these names mean: it changes where a feature keeps its name and is computed
 *                        otherwise
 *            placements  names of the placements whose lists it improved when it was measured
 *            candidates  how many of a request's best candidates it orders
 *            trees       XGBoost's JSON (num/trees.h)
 *            act, purchase  {"score": [], "chance": []}: from a tree score to the probability that the shopper does
 *                        anything with the product, or buys it (num/isotonic.h), within the time that was held out
 *          JSON and no section of the model's container, because XGBoost's own tools then read the trees,
 *          and because a version without a ranker is a version like any other. The manifest has its checksum.
 * Trust:   every count, order and number is checked when it is read. Whether the program computes these
 *          features is for recommend/ to check: the model serves without a ranker that does not fit.
 * Threads: immutable once read. */
#ifndef ENGINE_RANKER_H
#define ENGINE_RANKER_H

#include <stdbool.h>

#include "base/buf.h"
#include "num/isotonic.h"
#include "num/trees.h"

#define RANKER_FILE "ranker.json"

enum {
    RANKER_FORMAT = 1,
    RANKER_BYTES_MAX = 64 << 20,
    RANKER_NAME_MAX = 48,
    RANKER_PLACEMENTS_MAX = 16,
    RANKER_CANDIDATES_MAX = 500,
};

struct ranker {
    struct trees trees;
    char (*name)[RANKER_NAME_MAX]; /* [trees.features] owned */
    char placement[RANKER_PLACEMENTS_MAX][RANKER_NAME_MAX];
    uint32_t placements;
    uint32_t definitions; /* of the features */
    uint32_t candidates;  /* 1..RANKER_CANDIDATES_MAX */
    struct isotonic act, purchase;
};

/** Read the text of the file.
 *  out  untouched on failure; else owned: ranker_release
 *  ERR_CORRUPT, ERR_UNSUPPORTED, ERR_LIMIT as trees_read; the message tells the place */
ERR_MUST_USE enum err_code ranker_read(struct str json, struct ranker *out, struct err *err);

/** The same from a file.
 *  ERR_NOT_FOUND  there is none */
ERR_MUST_USE enum err_code ranker_open(const char *path, struct ranker *out, struct err *err);

/** All-zero is fine. */
void ranker_release(struct ranker *r);

/** Does it order the lists of this placement? */
bool ranker_serves(const struct ranker *r, const char *placement);

/** What ranker_read reads.
 *  trees  XGBoost's JSON, as it stands
 *  r      all but its trees
 *  ERR_LIMIT  the buffer's cap */
ERR_MUST_USE enum err_code ranker_write(const struct ranker *r, uint32_t features, struct str trees,
                                        struct buf *out, struct err *err);

#endif
