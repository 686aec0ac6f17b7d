/* refit.h - what a refit takes over from the version that serves, so that it costs a fraction of a training.
 *
 * Model:   a refit has the live version's parameters and begins at its factors, of which REFIT_ITERATIONS pairs of half
 *          steps are left; neighbours, transitions, content and histories are counted anew, from all acts. Its
 *          learned ranker is the live version's, byte for byte: trees know products by features alone, so new acts
 *          do not make them wrong, only in time a little less apt, which the next full training mends.
 * Honest:  the copy that is measured knows just what the live model knows, the acts up to that one's end, and begins at its
 *          factors too; both are asked for what shoppers did since. Nothing that measures has been seen.
 * Due:     where fewer than GATE_USERS_MIN shoppers came back since, nobody can tell whether it is better, and there is
 *          next to nothing to learn: no version is written.
 * Full:    a training is a full one in its place where nothing serves, where the ranker's file is not what the manifest
 *          says, was learned with other weights of the sources, or has other features than this program. */
#ifndef TRAIN_REFIT_H
#define TRAIN_REFIT_H

#include "base/buf.h"
#include "train/recommend_gate.h"

/** Chosen on validation parts: docs/recommendations.md. */
enum { REFIT_ITERATIONS = 1 };

struct refit_report {
    bool asked;
    bool skipped;    /* too few shoppers: nothing was fitted */
    char why[200];   /* it was a full training, or skipped; empty: it was a refit */
    size_t shoppers; /* who came back since the live model's last act, at most */
    bool ranker;     /* carried over */
    uint32_t trees;  /* of it */
    double full_s;   /* the last full training before it; 0: not told */
};

/** What the weights of the sources come to, as 16 hexadecimal digits: equal where all are. NULL: the default ones. */
void refit_weights_sum(const struct recommend_weights *weights, char out[SUM_SIZE]);

/** May live be refitted? Then r->why stays empty, and its ranker is appended to `ranker`, where it has one.
 *  until  UTC us: as if nothing had happened from then on; 0: everything
 *  r      asked, ranker, trees, full_s and perhaps why are filled
 *  Errors as the files report; a ranker that cannot be taken over is none. */
ERR_MUST_USE enum err_code refit_carry(const struct store *store, const struct live_model *live,
                                       const struct recommend_weights *weights, int64_t until,
                                       struct buf *ranker, struct refit_report *r, struct err *err);

/** Is it due? Else r->skipped is set, and r->why. */
void refit_due(const struct interactions *it, const struct live_model *live,
               struct refit_report *r);

/** One JSON object.
 *  seconds  that it took so far */
void refit_json(const struct refit_report *r, const char *from, double seconds,
                struct json_writer *w);

#endif
