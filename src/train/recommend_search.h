/* recommend_search.h - better parameters of the family "recommend", within a time budget.
 *
 * Method:   coordinate search over a grid of each parameter, from where it starts: a step to the next value up or down, as
 *           long as that is better by SEARCH_GAIN of NDCG; until a round over all parameters keeps nothing or the time is
 *           over. A trial that would not end in time, by what the last one took, is not begun.
 * Measure:  acts before `until` are split again: a trial is fitted on the earlier part, and its whole home pages
 *           (train/recommend_evaluate.h) are measured on the last fifth. Nothing from `until` on is looked at: that is
 *           where the gates measure what was chosen.
 * Beside:   what is popular, and item-to-item neighbours alone, on the same shoppers. */
#ifndef TRAIN_RECOMMEND_SEARCH_H
#define TRAIN_RECOMMEND_SEARCH_H

#include "train/recommend_evaluate.h"

enum { SEARCH_TRIALS_MAX = 200 };

/* Relative: less is chance. */
#define SEARCH_GAIN 2e-3

struct search_trial {
    const char *parameter; /* what was changed; NULL: nothing, the start */
    double value;
    double ndcg, recall; /* of home pages; 0 where it cannot be fitted */
    double seconds;      /* to fit and measure */
    bool kept;           /* better than all before */
};

struct search_options {
    struct recommend_params start;
    int64_t until;                             /* UTC us */
    double budget_s;                           /* > 0; the start is tried in any case */
    size_t k;                                  /* length of the lists */
    size_t users_max;                          /* shoppers to measure */
    const struct recommend_weights *weights;   /* NULL: the default */
    const struct content_catalogue *catalogue; /* as fit_options */
    struct pool *pool;
    /** Told before each trial how much of the time is over, 0..1; may be NULL. */
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

struct search_result {
    struct recommend_params best;
    size_t users;                /* measured; 0: nobody could be, and best is the start */
    int64_t split;               /* UTC us */
    double popularity, item_knn; /* NDCG */
    struct search_trial trials[SEARCH_TRIALS_MAX];
    size_t len;
};

/** now: the shop's view. ERR_MEMORY, ERR_CANCELLED, or what fitting and measuring report. */
ERR_MUST_USE enum err_code recommend_search(const struct interactions *it, const struct view *now,
                                            const struct search_options *o,
                                            struct search_result *out, struct err *err);

/** One JSON object. */
void search_json(const struct search_result *r, struct json_writer *w);

#endif
