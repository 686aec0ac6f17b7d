/* experiment_report.h - what an experiment has shown so far, at any moment, and whether it is to end.
 *
 * Unit:    a shopper. They enter with the first event that names a list of the experiment (an impression: what was not
 *          seen compares nothing) and are final when horizon_days have passed since. What a final shopper did within those
 *          days is one observation: clicks by impressions of the experiment's lists, did they buy anything, what it
 *          came to. Requests of one shopper depend on each other and would make every interval too narrow; shoppers who are
 *          not final yet would make it wait for some and not for others.
 * Mixed:   a shopper who was seen in two variants (a guest who turned out to be somebody) is counted and left out.
 * Models:  of a variant that names a version of the model, the lists are counted that another one made, because that
 *          one could not be served: their shoppers are in its figures all the same, so that nothing is chosen.
 * Looking: intervals and p hold at all moments at once (sequential.h), each comparison with the control at
 *          alpha / (variants - 1). Different metrics are different questions: nothing is taken off for their number.
 * Ending:  experiment_verdict says why an experiment should be stopped: the sample ratio is off (p below
 *          EXPERIMENT_RATIO_P: assignment or logging is broken, and no figure means anything), a guard-rail is broken (all of
 *          the difference's interval lies below what may be lost), or max_days have passed.
 * Cost:    two walks over the events since it began, as attribution.h. Memory: about 120 bytes a shopper and 20 a product
 *          of a list, past `held_max` of both the walk is repeated for a part of the shoppers at a time.
 * Threads: any; one at a time for each result. */
#ifndef EVAL_EXPERIMENT_REPORT_H
#define EVAL_EXPERIMENT_REPORT_H

#include "base/json_writer.h"
#include "eval/list_id.h"
#include "eval/sequential.h"
#include "recommend/experiment.h"

#define EXPERIMENT_RATIO_P 0.001

_Static_assert((int)EXPERIMENT_VARIANTS_MAX <= (int)SEQUENTIAL_ARMS_MAX, "each variant is an arm");

struct experiment_arm {
    uint64_t shoppers; /* who saw it, and no other variant */
    uint64_t final;    /* of these */
    uint64_t lists; /* of which anything was seen, of a variant that names a version of the model */
    uint64_t other_lists; /* of these, by another version: that one could not be served */
    struct sequential_arm metric[EXPERIMENT_METRICS]; /* of the final ones */
};

struct experiment_report {
    int64_t from, to; /* of the lists that count */
    currency_code currency;
    uint64_t mixed;
    struct experiment_arm arms[EXPERIMENT_VARIANTS_MAX];
    double ratio_p; /* always valid, of "shoppers are divided as planned" */
};

struct experiment_report_options {
    const struct list_key *key; /* borrowed */
    currency_code currency;     /* the shop's, where the definition names none */
    int64_t now_us;
    size_t held_max;             /* 0: 4,000,000 */
    bool (*stopping)(void *arg); /* asked between transactions; NULL: no */
    void *arg;
};

/** ERR_CONFLICT  it has not begun
 *  and as walk_purchases_read */
ERR_MUST_USE enum err_code experiment_report_read(struct store *store,
                                                  const struct experiment_entry *entry,
                                                  const struct experiment_report_options *o,
                                                  struct experiment_report *out, struct err *err);

/** A variant's value of a metric, or (variant > 0) what it is above the control's. */
struct sequential_result experiment_value(const struct experiment_entry *entry,
                                          const struct experiment_report *r,
                                          enum experiment_metric metric, size_t variant);
struct sequential_result experiment_difference(const struct experiment_entry *entry,
                                               const struct experiment_report *r,
                                               enum experiment_metric metric, size_t variant);

/** Why it should end, as one line; empty: it need not. */
void experiment_verdict(const struct experiment_entry *entry, const struct experiment_report *r,
                        int64_t now_us, char out[EXPERIMENT_REASON_MAX]);

/** As /v1/experiments/{id}/report answers (docs/http-api.md). */
void experiment_report_write(const struct experiment_entry *entry,
                             const struct experiment_report *r, int64_t now_us,
                             struct json_writer *w);

#endif
