/* ranker_train.h - fit, measure and write the learned ranker of a model's version.
 *
 * Moments: fit_at < valid_at. A model fitted on the acts before fit_at gives the candidates whose outcome, what
 *          happened in [fit_at, valid_at), the trees are fitted to; one fitted on those before valid_at gives
 *          the candidates that validate, by what happened in [valid_at, until). So the ranker always sees candidates and
 *          features as they were served before the outcome, from the very code that serves
 *          (train/ranker_examples.h). Of the lists that validate one half stops the fit in time and calibrates
 *          (tune), the other is looked at once, at the end (judge). A shopper is in one half.
 * Sets:    lists of the first interval that were logged (eval/shown_lists.h) teach too, where there are
 *          RANKER_SHOWN_MIN of them: with labels by what was done, and weights by how their places are looked at
 *          (train/ranker_shown.h). Trees are fitted to what happened, to what was shown, and to both; the tune half decides.
 * Fit:     boosted trees (train/boost.h) by LambdaMART gradients (train/lambdamart.h); it ends when the NDCG@k of the
 *          tune half has not risen for `patience` trees, and the best ones are kept, or with `trim` the fewest
 *          of at least RANKER_FEW_TREES that are as good but for that share.
 * Gate:    for each placement the whole lists of the judge half with the ranker against those without, by the
 *          paired bootstrap interval (95 %) of their NDCG@k: it orders a placement's lists only where the mean
 *          rises and not all of the interval lies below 0. A ranker of no placement is not written.
 * Same:    the same data and options give the same file, whatever the number of threads in the pool.
 * Chances: isotonic, fitted on the tune half of `home`; their expected calibration error on the judge half. */
#ifndef TRAIN_RANKER_TRAIN_H
#define TRAIN_RANKER_TRAIN_H

#include "base/pool.h"
#include "engine/view.h"
#include "eval/shown_lists.h"
#include "num/stats.h"
#include "recommend/weights.h"
#include "train/boost.h"
#include "train/recommend_fit.h"

enum {
    RANKER_PLACEMENTS = 4, /* home, similar, bought_together, cart */
    RANKER_SHOWN_MIN = 200,
    RANKER_FEW_TREES = 30,
};

/** Placements of which logged lists teach: 1 << placement of each. What lay in a cart is not in the log. */
#define RANKER_SHOWN_PLACEMENTS                                                                    \
    (1u << PLACEMENT_HOME | 1u << PLACEMENT_SIMILAR | 1u << PLACEMENT_BOUGHT_TOGETHER)

/* What is fitted to. */
enum ranker_set { SET_ACTS, SET_SHOWN, SET_BOTH, RANKER_SETS };

struct ranker_options {
    struct boost_params trees;
    uint32_t rounds;     /* trees at most */
    uint32_t patience;   /* trees without a gain */
    uint32_t candidates; /* of a request, 1..RANKER_CANDIDATES_MAX */
    uint32_t negatives;  /* of a list that is fitted to, at most; >= 1 */
    uint32_t lists;  /* of each placement that are fitted to, and as many that validate, at most */
    uint32_t k;      /* ranks that count */
    float trim;      /* share of the NDCG that may be lost for fewer trees, 0..1 */
    unsigned sets;   /* 1 << enum ranker_set of those to try; 0: all */
    bool unweighted; /* places are taken to be looked at alike: to see what weights are worth */
    uint64_t seed;
};

/** Chosen on validation parts: docs/ranker.md. */
struct ranker_options ranker_defaults(void);

/** The same, of the size and with the seed that the parameters say. */
struct ranker_options ranker_options_of(const struct recommend_params *p);

/* Where it learns. */
struct ranker_data {
    const struct view *view;                   /* of today: catalogue, prices */
    const struct content_catalogue *catalogue; /* as fit_options (recommend_fit.h) */
    const struct interactions *it;
    const struct recommend_params *params;
    const struct recommend_weights *weights; /* of the sources, as they serve; NULL: the default */
    /* Fitted with these params on the acts before valid_at; NULL: it is fitted here. */
    const struct recommend_model *valid_model;
    const struct shown_lists *shown; /* in [fit_at, valid_at); NULL: none */
    int64_t fit_at, valid_at;        /* UTC us */
    int64_t until;                   /* UTC us: what happened from then on is not looked at */
    struct pool *pool;               /* NULL: this thread alone */
};

struct ranker_placement {
    bool serves;
    size_t lists;               /* judged */
    double blend, ranked;       /* NDCG@k */
    struct stats_interval gain; /* ranked minus blend */
};

struct ranker_set_report {
    size_t queries, rows; /* fitted to; 0: it was not */
    uint32_t trees;       /* the best, before any are trimmed */
    double ndcg;          /* @k of the tune half, by these */
};

struct ranker_report {
    uint32_t k;          /* ranks that count */
    enum ranker_set set; /* that the ranker is of */
    struct ranker_set_report sets[RANKER_SETS];
    uint32_t trees;     /* kept; 0: there was nothing to learn from */
    double tune_blend;  /* NDCG@k of the tune half's candidates as the sources order them */
    double tune_ranked; /* and as the ranker does */
    double tune_few; /* and by its first RANKER_FEW_TREES trees, or all that were grown if fewer */
    size_t shown, shown_pages,
        shown_lost; /* lists that were logged; pages of rows, and others without a context */
    bool looks_known[PLACEMENTS];          /* is it known how places are looked at? */
    float looks[PLACEMENTS][SHOWN_PLACES]; /* (0, 1] */
    struct ranker_placement of[RANKER_PLACEMENTS];
    size_t judged;                                       /* candidates of home's judge half */
    double act_error;                                    /* expected calibration error, 10 bins */
    double purchase_error;                               /* the same of purchases */
    double act_share, purchase_share;                    /* of them with that outcome */
    double seconds, fit_s, examples_s, trees_s, judge_s; /* wall time: all of it, and its parts */
};

/** The moments at which as many of the acts came before as `share` (0..1, as of the held-out part) says: of all
 *  acts before `until`, 1 - share are before valid_at, and of those again 1 - share before fit_at.
 *  whole  share of the acts that are before `until`
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code ranker_moments(struct ranker_data *d, double whole, double share,
                                          struct err *err);

/** Lists that were logged between the moments; none where the shop has no key of list ids.
 *  out  released with shown_lists_release, on failure too
 *  Errors as shown_lists_read */
ERR_MUST_USE enum err_code ranker_shown_read(struct store *store, const struct ranker_data *d,
                                             struct shown_lists *out, struct err *err);

/** Fit, measure, and append the file (engine/ranker.h) to out; nothing is appended where the ranker serves no
 *  placement.
 *  ERR_MEMORY, ERR_CANCELLED; else what the parts report */
ERR_MUST_USE enum err_code ranker_train(const struct ranker_data *d, const struct ranker_options *o,
                                        struct buf *out, struct ranker_report *report,
                                        struct err *err);

/** One JSON object. */
void ranker_report_json(const struct ranker_report *r, struct json_writer *w);

#endif
