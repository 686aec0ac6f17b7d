/* recommend_train.h - train, measure, gate, write and publish the family "recommend".
 *
 * Steps:   derive acts up to a position of the log; fit on the earlier share and measure on the rest; learn a ranker
 *          (train/ranker_train.h); refit on everything; write models/recommend/<version>/ (recommend.model, where it
 *          pays ranker.json, manifest.json) aside and rename it into place; register; publish if the gates pass.
 * Refit:   see train/refit.h: what need not be done again is taken over from the version that serves.
 * Gates:   see train/recommend_gate.h.
 * Crash:   until the rename nothing is there but a temporary folder, which the next training removes; until
 *          the register's transaction the live model serves.
 * Stores:  a read-only store can train into its folder (recommend_train), and whoever owns the writer
 *          registers (recommend_publish): the server's child process and the server. */
#ifndef TRAIN_RECOMMEND_TRAIN_H
#define TRAIN_RECOMMEND_TRAIN_H

#include "store/store.h"
#include "train/ranker_train.h"
#include "train/recommend_gate.h"
#include "train/recommend_search.h"
#include "train/refit.h"

struct train_options {
    struct recommend_params params; /* where a search begins, if nothing serves */
    double search_s;   /* so long look for better ones first (recommend_search.h); 0: take these */
    double test_share; /* of the acts, at the end of time; 0: 0.2 */
    int64_t until;     /* UTC us: as if nothing had happened from then on; 0: everything */
    size_t users_max;  /* shoppers to measure; 0: 20,000 */
    unsigned threads;  /* 0: all processors */
    bool cold_start;   /* fit from nothing even where a model serves */
    bool no_ranker;    /* the sources' weights alone order lists (train/ranker_train.h) */
    bool
        refit; /* of the version that serves; params, search_s, cold_start and no_ranker say nothing then */
    struct shop_profile shop;                /* as the server has it (engine.h); borrowed */
    const struct recommend_weights *weights; /* likewise; NULL: the default */
    /** Told now and then how far it is, 0..1; may be NULL. */
    void (*progress)(void *arg, double done, const char *what);
    void *progress_arg;
};

struct train_result {
    char version[VERSION_SIZE]; /* empty: a refit was skipped */
    struct refit_report refit;  /* all 0 where none was asked for */
    struct gates gates;
    struct recommend_evaluation evaluation;
    struct search_result search; /* len 0: there was none */
    struct derive_report acts;
    uint32_t products, shoppers, dim, cells;
    struct ranker_report ranker;                                             /* all 0 without one */
    double derive_s, open_s, search_s, evaluate_s, ranker_s, fit_s, write_s; /* wall time */
    double seconds; /* of all of them; while the manifest is written: without write_s */
};

/** Did it refit, and not train in full because there was nothing to refit? */
static inline bool train_is_refit(const struct train_result *r)
{
    return r->refit.asked && !r->refit.why[0];
}

/** ERR_INVALID  no acts; ERR_CANCELLED, ERR_MEMORY, or what store and files report. */
ERR_MUST_USE enum err_code recommend_train(struct store *store, const struct train_options *o,
                                           struct train_result *out, struct err *err);

/** Register a version that recommend_train wrote, from its manifest, and publish it if it passed, or if
 *  force. *published (may be NULL) tells.
 *  ERR_NOT_FOUND  there is no such folder; ERR_CORRUPT  its manifest or its file is damaged */
ERR_MUST_USE enum err_code recommend_publish(struct store *store, const char *version, bool force,
                                             bool *published, struct err *err);

/** Remove versions beyond the newest `keep`, but for the live one, the one before it and those that experiments
 *  name: register first,
 *  then files. *removed (may be NULL) counts. */
ERR_MUST_USE enum err_code recommend_gc(struct store *store, size_t keep, size_t *removed,
                                        struct err *err);

/** One JSON object, as `aisle train --json` prints it. */
void train_result_json(const struct train_result *r, struct json_writer *w);

#endif
