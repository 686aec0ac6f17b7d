#include "eval/lists_tune.h"

#include "base/check.h"

struct tuning_run {
    const struct list_cases *cases;
    const struct view *view;
    struct lists_options o;
    struct recommend_weights *weights; /* the best so far */
    double best;                       /* NDCG */
};

static enum err_code measure(struct tuning_run *t, const struct recommend_weights *weights,
                             double *ndcg, struct err *err)
{
    struct lists_result r;
    t->o.weights = weights;
    enum err_code code = lists_measure(t->cases, t->view, &t->o, &r, err);
    *ndcg = r.ndcg;
    lists_result_release(&r);
    return code;
}

/* Try other values for one weight; *better tells whether one was kept. */
static enum err_code tune_one(struct tuning_run *t, size_t weight, bool *better, struct err *err)
{
    static const float shares[] = {0, 0.25f, 0.5f, 0.7f, 1.4f, 2, 4};
    static const float starts[] = {0.02f, 0.1f, 0.4f, 1};
    enum placement p = t->cases->placement;
    float now = source_weight(&t->weights->of[p], weight);
    size_t n = now > 0 ? sizeof shares / sizeof *shares : sizeof starts / sizeof *starts;
    enum err_code code = ERR_OK;
    *better = false;
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        struct recommend_weights trial = *t->weights;
        double ndcg;
        float value = now > 0 ? now * shares[i] : starts[i];
        source_weight_put(&trial.of[p], weight, value < RECOMMEND_WEIGHT_MAX ? value : now);
        code = measure(t, &trial, &ndcg, err);
        if (code == ERR_OK && ndcg > t->best * (1 + TUNE_GAIN)) {
            t->best = ndcg;
            *t->weights = trial;
            *better = true;
        }
    }
    return code;
}

enum err_code lists_tune(const struct list_cases *cases, const struct view *view,
                         const struct lists_options *o, size_t rounds_max,
                         struct recommend_weights *weights, double *before, double *after,
                         struct err *err)
{
    struct tuning_run t = {.cases = cases, .view = view, .o = *o, .weights = weights};
    enum err_code code = measure(&t, weights, before, err);
    bool kept = true;
    t.best = *before;
    for (size_t round = 0; round < rounds_max && kept && code == ERR_OK; round++) {
        kept = false;
        for (size_t i = 0; i < SOURCE_WEIGHTS && code == ERR_OK; i++) {
            bool better;
            code = tune_one(&t, i, &better, err);
            kept |= better;
        }
    }
    *after = t.best;
    return code;
}
