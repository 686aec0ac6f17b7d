#include "eval/lists_tune.h"

#include <math.h>

enum { TRIALS_MAX = 8 };

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

/* Other values for a weight, or for a count where its source is asked. Returns how many. */
static size_t trials_of(const struct placement_weights *w, size_t i, float out[TRIALS_MAX])
{
    static const float shares[] = {0, 0.25f, 0.5f, 0.7f, 1.4f, 2, 4};
    static const float starts[] = {0.02f, 0.1f, 0.4f, 1};
    float now = placement_weight(w, i);
    if (i >= FIRST_CANDIDATES && !(placement_weight(w, i - FIRST_CANDIDATES) > 0))
        return 0;
    size_t n = now > 0 ? sizeof shares / sizeof *shares : sizeof starts / sizeof *starts;
    for (size_t k = 0; k < n; k++)
        out[k] = now > 0 ? now * shares[k] : starts[k];
    return n;
}

/* What a trial must reach to be kept. */
static double demanded(double best, size_t i, float now, float value)
{
    if (i < FIRST_CANDIDATES)
        return best * (1 + TUNE_GAIN);
    double doublings = log2((double)value / (double)now);
    return best * (1 + TUNE_GAIN * (doublings > 0 ? fmax(doublings, 1) : doublings / 4));
}

/* Try other values for one of them; *better tells whether one was kept. */
static enum err_code tune_one(struct tuning_run *t, size_t i, bool *better, struct err *err)
{
    struct placement_weights before = t->weights->of[t->cases->placement];
    float values[TRIALS_MAX], now = placement_weight(&before, i);
    size_t n = trials_of(&before, i, values);
    double most = 0, best = t->best; /* most: beyond what was demanded */
    enum err_code code = ERR_OK;
    *better = false;
    for (size_t k = 0; k < n && code == ERR_OK; k++) {
        struct recommend_weights trial = *t->weights;
        struct placement_weights *w = &trial.of[t->cases->placement];
        double ndcg;
        *w = before;
        placement_weight_put(w, i, values[k]);
        float value = placement_weight(w, i);
        if (value == now)
            continue;
        code = measure(t, &trial, &ndcg, err);
        double gain = ndcg - demanded(best, i, now, value);
        if (code == ERR_OK && gain > most) {
            most = gain;
            t->best = ndcg;
            *t->weights = trial;
            *better = true;
        }
    }
    return code;
}

static bool is_tuned(size_t i)
{
    return i < SOURCE_WEIGHTS || i >= FIRST_CANDIDATES;
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
        for (size_t i = 0; i < PLACEMENT_WEIGHTS && code == ERR_OK; i++) {
            bool better = false;
            if (is_tuned(i))
                code = tune_one(&t, i, &better, err);
            kept |= better;
        }
    }
    *after = t.best;
    return code;
}
