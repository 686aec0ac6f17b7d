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
    float bm25;           /* k1 of neighbours (train/neighbours.h); 0: cosine */
    float half_life_days; /* of popularity */
    float content;        /* mu of the tower (train/content.h); 0: products' records say nothing */
    float step_days;      /* half-life of a transition by elapsed time; 0: time does not matter */
    uint32_t sessions;    /* the newest that are kept for session kNN; 0: none */
    uint64_t seed;
    /* Of the ranker (train/ranker_train.h), which is no part of the fit. */
    uint32_t ranker_trees; /* at most */
    uint32_t ranker_depth;
    uint32_t ranker_candidates; /* that it orders */
    float ranker_trim;          /* share of the NDCG that may be lost for fewer trees */
};

enum { RANKER_TREES_MOST = 1000, RANKER_DEPTH_MOST = 8 };

/** Pairs of half steps of a fit that begins with another's factors: as good as ten from nothing (docs/content.md). */
enum { FIT_WARM_ITERATIONS = 3 };

/** Chosen on the validation parts named in docs/recommendations.md. */
struct recommend_params recommend_defaults(void);

/** Set one parameter by name ("dim=128"). ERR_INVALID. */
ERR_MUST_USE enum err_code recommend_param_set(struct recommend_params *p, struct str text,
                                               struct err *err);

/** The same with the value as a number. ERR_INVALID. */
ERR_MUST_USE enum err_code recommend_param_put(struct recommend_params *p, struct str name,
                                               double value, struct err *err);

/** As members of an open object, each under its name. */
void recommend_params_json(const struct recommend_params *p, struct json_writer *w);

/** The parameter of a name, which must be one; a bool is 0 or 1. */
double recommend_param_get(const struct recommend_params *p, struct str name);

/** Do both make the same fit? Whatever ranker follows. */
bool recommend_params_equal(const struct recommend_params *a, const struct recommend_params *b);

struct content_catalogue;

/* All-zero: everything, on this thread alone. */
struct fit_options {
    const struct content_catalogue
        *catalogue; /* what is sold; NULL: only what acts tell is known */
    /** A model fitted before: where its factors are as many, they are where the fit begins, and at most
     *  `warm` are made. It must know nothing that the fit is not to know. NULL: from nothing. */
    const struct recommend_model *start;
    uint32_t warm;     /* pairs of half steps from there; 0: FIT_WARM_ITERATIONS */
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
