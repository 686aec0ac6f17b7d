/* ranker_train.h - fit, measure and write the learned ranker of a model's version.
 *
 * Moments: fit_at < valid_at. A model fitted on the acts before fit_at gives the candidates whose outcome, what
 *          happened in [fit_at, valid_at), the trees are fitted to; one fitted on those before valid_at gives
 *          the candidates that validate, by what happened in [valid_at, until). So the ranker always sees candidates and
 *          features as they were served before the outcome, from the very code that serves
 *          (train/ranker_examples.h). Of the lists that validate one half stops the fit in time and calibrates
 *          (tune), the other is looked at once, at the end (judge). A shopper is in one half.
 * Fit:     boosted trees (train/boost.h) by LambdaMART gradients (train/lambdamart.h); it ends when the NDCG@k of the
 *          tune half has not risen for `patience` trees, and the best ones are kept.
 * Gate:    for each placement the whole lists of the judge half with the ranker against those without, by the
 *          paired bootstrap interval (95 %) of their NDCG@k: it orders a placement's lists only where the mean
 *          rises and not all of the interval lies below 0. A ranker of no placement is not written.
 * Same:    the same data and options give the same file, whatever the number of threads in the pool.
 * Chances: isotonic, fitted on the tune half of `home`; their expected calibration error on the judge half. */
#ifndef TRAIN_RANKER_TRAIN_H
#define TRAIN_RANKER_TRAIN_H

#include "base/pool.h"
#include "engine/view.h"
#include "num/stats.h"
#include "recommend/weights.h"
#include "train/boost.h"
#include "train/recommend_fit.h"

enum { RANKER_PLACEMENTS = 4 }; /* home, similar, bought_together, cart */

struct ranker_options {
    struct boost_params trees;
    uint32_t rounds;     /* trees at most */
    uint32_t patience;   /* trees without a gain */
    uint32_t candidates; /* of a request, 1..RANKER_CANDIDATES_MAX */
    uint32_t negatives;  /* of a list that is fitted to, at most; >= 1 */
    uint32_t lists; /* of each placement that are fitted to, and as many that validate, at most */
    uint32_t k;     /* ranks that count */
    uint64_t seed;
};

/** Chosen on validation parts: docs/ranker.md. */
struct ranker_options ranker_defaults(void);

/* Where it learns. */
struct ranker_data {
    const struct view *view;                   /* of today: catalogue, prices */
    const struct content_catalogue *catalogue; /* as fit_options (recommend_fit.h) */
    const struct interactions *it;
    const struct recommend_params *params;
    const struct recommend_weights *weights; /* of the sources, as they serve; NULL: the default */
    int64_t fit_at, valid_at;                /* UTC us */
    int64_t until;     /* UTC us: what happened from then on is not looked at */
    struct pool *pool; /* NULL: this thread alone */
};

struct ranker_placement {
    bool serves;
    size_t lists;               /* judged */
    double blend, ranked;       /* NDCG@k */
    struct stats_interval gain; /* ranked minus blend */
};

struct ranker_report {
    uint32_t k;           /* ranks that count */
    size_t queries, rows; /* fitted to */
    uint32_t trees;       /* kept; 0: there was nothing to learn from */
    double tune_blend;    /* NDCG@k of the tune half's candidates as the sources order them */
    double tune_ranked;   /* and as the ranker does */
    struct ranker_placement of[RANKER_PLACEMENTS];
    size_t judged;                    /* candidates of home's judge half */
    double act_error;                 /* expected calibration error, 10 bins */
    double purchase_error;            /* the same of purchases */
    double act_share, purchase_share; /* of them with that outcome */
    double seconds;                   /* wall time */
};

/** The moments at which as many of the acts came before as `share` (0..1, as of the held-out part) says: of all
 *  acts before `until`, 1 - share are before valid_at, and of those again 1 - share before fit_at.
 *  whole  share of the acts that are before `until`
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code ranker_moments(struct ranker_data *d, double whole, double share,
                                          struct err *err);

/** Fit, measure, and append the file (engine/ranker.h) to out; nothing is appended where the ranker serves no
 *  placement.
 *  ERR_MEMORY, ERR_CANCELLED; else what the parts report */
ERR_MUST_USE enum err_code ranker_train(const struct ranker_data *d, const struct ranker_options *o,
                                        struct buf *out, struct ranker_report *report,
                                        struct err *err);

/** One JSON object. */
void ranker_report_json(const struct ranker_report *r, struct json_writer *w);

#endif
