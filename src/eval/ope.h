/* ope.h - what a policy would have brought, told from the log of another one that chose at random.
 *
 * Model:   a decision is an action drawn with a known probability (propensity) and the reward that came. A target policy
 *          that takes the same action with probability pi has weight w = pi / propensity there. Over n decisions
 *            IPS    mean of w r
 *            SNIPS  sum of w r / sum of w: does not care about a constant added to rewards, and varies less
 *            DR     mean of v + w (r - q), q a model's reward of the action that was taken and v what it foretells for the
 *                   target policy; right where either the propensities or the model are. The model must not have been
 *                   fitted on these decisions.
 * Context: decisions of one context (a shopper, a session) depend on each other: they count as one observation. Without
 *          contexts each decision is its own.
 * Range:   Student's interval on influence values, its degrees of freedom by Satterthwaite from their kurtosis, and the
 *          skewness that weights bring taken out by Hall's cubic transformation, so that both ends miss alike. It needs
 *          OPE_CONTEXTS_MIN contexts, and cannot be trusted where a few weights are most of the evidence (`reliable`).
 * Clip:    weights above a cap become the cap: less variance, and a bias towards 0 of IPS, of which the interval knows
 *          nothing; `clipped` tells how many. The diagnostics are of weights that were not.
 * Source:  Horvitz, Thompson 1952; Swaminathan, Joachims, "The self-normalized estimator for counterfactual learning", NIPS
 *          2015; Dudik, Langford, Li, "Doubly robust policy evaluation and learning", ICML 2011; Hall, "On the removal of
 *          skewness by transformation", JRSS B 54(1), 1992; effective size: Kish 1965; degrees
 *          of freedom: Satterthwaite 1946.
 * Threads: one at a time. */
#ifndef EVAL_OPE_H
#define EVAL_OPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/map.h"

enum { OPE_DECISIONS_MAX = 1 << 26, OPE_CONTEXTS_MIN = 10, OPE_NAME_MAX = 256 };

struct ope_decision {
    double weight; /* >= 0, finite: probability of the action under the target by its propensity */
    double reward; /* finite */
    double model_logged; /* a model's reward of the action, finite */
    double model_target; /* the model's mean reward under the target, finite */
    uint32_t context;    /* [0, contexts) */
};

struct ope_log {
    struct ope_decision *decisions; /* [len], owned */
    size_t len, cap;
    uint32_t contexts;
    bool modelled;             /* model_logged and model_target were given */
    struct map_str context_of; /* names in the file to numbers */
};

/** All-zero is a valid empty log. */
void ope_log_release(struct ope_log *log);

/** Append one. ERR_LIMIT  the log is full; ERR_MEMORY */
ERR_MUST_USE enum err_code ope_log_add(struct ope_log *log, const struct ope_decision *d,
                                       struct err *err);

/** Read a table with a decision a line into an empty log. Columns:
 *    action, propensity (in (0, 1]), reward
 *    target_propensity (in [0, 1]) or target_action: one of them a line
 *    context, or shopper, user_id, session_id: may be missing, from the file or from a line
 *    model_logged and model_target: both or none, the same in all lines
 *  overrides  "ours=theirs,...", or NULL
 *  ERR_INVALID  file and line: what is missing, out of its range, said twice or contradicts itself; or nothing is in it
 *  and what reading reports; release the log on failure too */
ERR_MUST_USE enum err_code ope_log_read(struct ope_log *log, const char *path,
                                        const char *overrides, struct err *err);

struct ope_options {
    double level; /* of the intervals, in [.5, .999]; 0: .95 */
    double clip;  /* weights above it become it, > 0; 0: none do */
};

struct ope_estimate {
    double value, low, high;
};

struct ope_result {
    struct ope_estimate logged; /* what the policy that wrote the log brought a decision */
    struct ope_estimate ips, snips;
    struct ope_estimate dr;     /* where the log is modelled */
    struct ope_estimate weight; /* mean weight: 1 if propensities are true and cover the target */
    double weight_max;
    double effective; /* decisions that would say as much if all weights were equal */
    size_t matched;   /* decisions of weight above 0 */
    size_t clipped;
    bool plausible; /* 1 is in the interval of the mean weight at level .999 */
    bool reliable;  /* no weight is above a tenth of `effective` */
};

/** ERR_INVALID  an option out of its range, fewer than OPE_CONTEXTS_MIN contexts, or no weight above 0
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code ope_estimate(const struct ope_log *log, const struct ope_options *o,
                                        struct ope_result *out, struct err *err);

#endif
