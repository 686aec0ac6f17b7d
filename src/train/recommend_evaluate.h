/* recommend_evaluate.h - how well a model fitted on the past foretells what came after.
 *
 * Split:   acts before a moment train, acts after it test. A shopper's truth is what they did after it with products
 *          that they had not touched before and that are for sale (eval/list_cases.h).
 * Lists:   whole home pages as the server makes them, in the view of that moment (engine/past.h, eval/lists.h): all
 *          sources, weights and rules.
 * Beside:  what is popular in the model, and where asked for a rival, another model: the same shoppers, the same
 *          products left out, the same weights. The differences of their NDCG have a paired bootstrap interval. */
#ifndef TRAIN_RECOMMEND_EVALUATE_H
#define TRAIN_RECOMMEND_EVALUATE_H

#include "base/json_writer.h"
#include "eval/lists.h"
#include "num/stats.h"
#include "train/factor_evaluate.h"
#include "train/recommend_fit.h"

struct scorer_metrics {
    double recall, ndcg, hit, mrr; /* means */
    double coverage, gini;
};

struct recommend_evaluation {
    size_t k;
    size_t users;  /* measured */
    int64_t split; /* UTC microseconds */
    struct scorer_metrics lists, popularity;
    struct stats_interval ndcg;       /* of the lists */
    struct stats_interval gain;       /* ndcg over popularity */
    struct scorer_metrics rival;      /* all 0 without one */
    struct stats_interval over_rival; /* ndcg over the rival's */
    struct factor_evaluation factors; /* the factor source alone */
};

struct evaluate_options {
    int64_t split;     /* UTC microseconds */
    int64_t until;     /* what shoppers did from then on is not looked at; 0: everything is */
    size_t k;          /* length of the lists, 1..RECOMMEND_LIMIT_MAX */
    size_t users_max;  /* shoppers to measure */
    uint64_t seed;     /* of sample and bootstrap */
    struct pool *pool; /* NULL: this thread alone */
    const struct recommend_weights *weights; /* NULL: the default */
    /* Fitted on nothing that happened from the split on, or it has seen the answers; NULL: none. */
    const struct recommend_model *rival;
    int64_t
        rival_until; /* it knows the acts before this, and those up to the split as the server knows
                            fresh ones; 0: it knows all before the split */
};

/** The moment with `share` (0..1) of the acts before it. it is sorted by user: a copy is sorted.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code recommend_split(const struct interactions *it, double share,
                                           int64_t *split, struct err *err);

/** How many shoppers have acts both before and after the split: at least as many as can be measured. */
size_t recommend_shoppers_across(const struct interactions *it, int64_t split);

/** Measure m, which was fitted on the acts before the split. now: the shop's view.
 *  ERR_MEMORY, ERR_CANCELLED. With no shopper to measure users is 0 and all else too. */
ERR_MUST_USE enum err_code recommend_evaluate(const struct interactions *it, const struct view *now,
                                              const struct recommend_model *m,
                                              const struct evaluate_options *o,
                                              struct recommend_evaluation *out, struct err *err);

/** The home pages that m would have made at o->split, with o->weights; o->rival is not looked at.
 *  known_until  m has the acts before it in its histories
 *  popular      what is popular in m alone, in the place of all sources
 *  cases        all-zero at first: read then, and the same in further calls; list_cases_release
 *  out          lists_result_release, on failure too */
ERR_MUST_USE enum err_code recommend_lists(const struct interactions *it, const struct view *now,
                                           const struct recommend_model *m, int64_t known_until,
                                           bool popular, const struct evaluate_options *o,
                                           struct list_cases *cases, struct lists_result *out,
                                           struct err *err);

/** As members of an open object. */
void recommend_evaluation_json(const struct recommend_evaluation *e, struct json_writer *w);

#endif
