/* recommend_fit.h - from acts to the model of the family "recommend". */
#ifndef TRAIN_RECOMMEND_FIT_H
#define TRAIN_RECOMMEND_FIT_H

#include "base/pool.h"
#include "engine/recommend_model.h"
#include "ingest/derive.h"

struct recommend_params {
    uint32_t dim; /* factors; 0: no factor model */
    bool
        propagation; /* factors and lists of linear propagation (train/propagation.h), not of ALS */
    float alpha;     /* confidence of a weight */
    float regularisation; /* lambda */
    float exponent;       /* nu: of lambda by the number of acts (train/als.h) */
    uint32_t iterations;
    uint32_t neighbours;  /* kept per product */
    float shrink;         /* of neighbours with little support */
    float half_life_days; /* of popularity */
    float step_days;      /* half-life of a transition by elapsed time; 0: time does not matter */
    uint64_t seed;
};

/** Chosen on the validation parts named in docs/recommendations.md. */
struct recommend_params recommend_defaults(void);

/** Set one parameter by name ("dim=128"). ERR_INVALID. */
ERR_MUST_USE enum err_code recommend_param_set(struct recommend_params *p, struct str text,
                                               struct err *err);

/** The same with the value as a number. ERR_INVALID. */
ERR_MUST_USE enum err_code recommend_param_put(struct recommend_params *p, struct str name,
                                               double value, struct err *err);

bool recommend_params_equal(const struct recommend_params *a, const struct recommend_params *b);

/* All-zero: everything, on this thread alone. */
struct fit_options {
    int64_t until;     /* UTC us: only acts before it; 0: all */
    struct pool *pool; /* NULL: this thread alone */
    /** Told now and then how far it is, 0..1; may be NULL. */
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

/** Fit on the acts of known and anonymous shoppers.
 *  out   a model on the writing side, with memory of its own: recommend_fit_release. position and
 *        trained_at are it->position and now.
 *  ERR_INVALID  no acts at all; ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code recommend_fit(const struct interactions *it,
                                         const struct recommend_params *p,
                                         const struct fit_options *o, struct recommend_model *out,
                                         struct err *err);
void recommend_fit_release(struct recommend_model *m);

#endif
