/* recommend_gate.h - may a candidate take the place of the model that serves?
 *
 * Gates:   each compares the candidate's NDCG with another's on the same held-out shoppers, by the paired
 *          bootstrap interval (95 %) of the difference, and fails where all of it lies below 0:
 *            popularity       on what the candidate's measured copy did not see;
 *            live model       the very file that serves. It was fitted on everything up to its own end, so only
 *                             acts after both that end and the split are unseen by either; the
 *                             candidate's measured copy is fitted up to the same moment;
 *            live parameters  where the live model's end lies after the split, so that few or no acts can judge
 *                             the file: its parameters, from its manifest, fitted on the same training
 *                             part. This compares the recipes with the power of all held-out shoppers.
 *          A gate with fewer than GATE_USERS_MIN shoppers is not measured. A shop where nothing serves yet
 *          passes then; where something serves it stays, for nobody can tell whether the candidate is
 *          better. A candidate that was told of nothing from some moment on (--until) is refused where
 *          the live model knows more.
 *          A live version whose file cannot be read serves nobody, and counts as none. */
#ifndef TRAIN_RECOMMEND_GATE_H
#define TRAIN_RECOMMEND_GATE_H

#include "store/store.h"
#include "train/recommend_evaluate.h"

enum { GATE_USERS_MIN = 30, VERSION_SIZE = 40, SUM_SIZE = 20 };

enum gate_kind { GATE_POPULARITY, GATE_LIVE_MODEL, GATE_LIVE_PARAMETERS, GATE_KINDS };

struct gate {
    bool measured;
    size_t users;                     /* shoppers */
    int64_t split;                    /* UTC us: they are measured on acts from here on */
    double candidate, other;          /* NDCG */
    struct stats_interval difference; /* candidate minus other */
};

struct gates {
    struct gate gate[GATE_KINDS];
    char live[VERSION_SIZE]; /* the version that was compared with; empty: none */
    bool passed;
    char verdict[240]; /* why it did not pass, or what it beat; one line */
};

/* The version that serves, as a rival. All-zero: there is none. */
struct live_model {
    char version[VERSION_SIZE];
    struct recommend_params params;
    int64_t last_time;    /* of the acts that it was fitted on, UTC us */
    int64_t ranker_bytes; /* of its ranker's file; 0: it has none */
    char ranker_xxh3[SUM_SIZE];
    char weights[SUM_SIZE]; /* of the sources, that its ranker was learned with; empty: not told */
    double full_s;          /* what the last full training that it goes back to took; 0: not told */
    struct recommend_model model;
};

/** Find and map what serves. Returns owned; live_model_close, on failure too. */
ERR_MUST_USE enum err_code live_model_open(struct store *store, struct live_model *out,
                                           struct err *err);
void live_model_close(struct live_model *l);

/** Take the gate's figures from a measurement; with too few shoppers it stays unmeasured. */
void gate_popularity(struct gates *g, const struct recommend_evaluation *e);
void gate_rival(struct gates *g, enum gate_kind kind, const struct recommend_evaluation *e);

/** The live version's parameters are the candidate's: the same fit, the same figures. */
void gate_same_parameters(struct gates *g, const struct recommend_evaluation *e);

/** Fill passed and verdict.
 *  until  UTC us, the candidate knows nothing from there on; 0: it knows everything */
void gates_judge(struct gates *g, const struct live_model *live,
                 const struct recommend_evaluation *e, int64_t until);

/** One JSON object: {"live_version", "popularity": {...}, ...} with the gates that were measured. */
void gates_json(const struct gates *g, struct json_writer *w);

#endif
