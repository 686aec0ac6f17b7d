/* experiment.h - comparing ways of recommending: definitions, who takes part, and what they get.
 *
 * Model:   an experiment compares variants, each a set of named overrides, in some placements. Who takes part and in
 *          which variant is a hash of shopper and salt: nothing is stored for it, every replica and every restart
 *          says the same.
 * Layers:  a shopper takes part in at most one experiment of a layer: each layer hashes shoppers into
 *          EXPERIMENT_BUCKETS buckets of its own, and running experiments hold ranges that do not overlap. Experiments of
 *          different layers are independent, and may not override the same thing in the same placement.
 * JSON:    {"placements": ["home"], "layer": "main", "share": 0.5, "metric": "conversion", "currency": "CNY",
 *           "horizon_days": 3, "expected_shoppers": 10000, "alpha": 0.05, "max_days": 60, "description": "...",
 *           "guardrails": [{"metric": "revenue", "max_loss": 0.1}],
 *           "variants": [{"name": "control", "weight": 1},
 *                        {"name": "fresh", "weight": 1, "weights": {"home.arrivals": 0.8}, "explore": 0.1,
 *                         "model": "20261123T180000-1", "rules": ["spring"]}]}
 *          placements and variants are needed; the first variant is the control. "weights" are those of weights.h;
 *          "explore" is how often the last place of a list is filled at random (explore.h); "model" is a registered
 *          version of the family recommend, "rules" are ids of business rules (rank/rules.h).
 * Rules:   while an experiment runs, a rule that any of its variants names is in force for the shoppers of those
 *          variants in the experiment's placements and for nobody else, whether it is switched on or not. Its own
 *          placements, schedule and audience hold as ever. Once decided, the rules of the variant that was decided for
 *          are in force there for everybody, and all of them otherwise as they are switched.
 * Models:  a decided version serves until another one is published after the decision.
 * Memory:  a definition lies in the arena that it was read into.
 * Threads: reading one; everything else any. */
#ifndef RECOMMEND_EXPERIMENT_H
#define RECOMMEND_EXPERIMENT_H

#include "rank/rules.h"
#include "recommend/weights.h"
#include "store/experiments.h"
#include "store/users.h"

enum {
    EXPERIMENT_BUCKETS = 10000,
    EXPERIMENT_VARIANTS_MAX = 16,
    EXPERIMENT_GUARDRAILS_MAX = 8,
    EXPERIMENT_LAYERS_MAX = 4,         /* with running experiments in one placement */
    EXPERIMENT_NAME_MAX = 64,          /* bytes of a layer's or variant's name */
    EXPERIMENT_RULES_MAX = 16,         /* of a variant */
    EXPERIMENT_DECIDED_RULES_MAX = 28, /* decided experiments whose variant names rules */
};

enum experiment_metric {
    METRIC_CTR,        /* clicks by impressions of the experiment's lists */
    METRIC_CONVERSION, /* shoppers who bought anything */
    METRIC_REVENUE,    /* what a shopper's purchases came to, in one currency */
    EXPERIMENT_METRICS
};

const char *experiment_metric_name(enum experiment_metric m);

struct experiment_variant {
    struct str name;
    uint32_t weight;                  /* 1..1000: its part of those who take part */
    struct recommend_weights weights; /* what is said of them (weights.h) */
    double explore;                   /* 0..0.5; below 0: not overridden */
    struct str model;                 /* version of the family recommend; empty: not overridden */
    struct rule_names rules;          /* none: not overridden */
};

struct experiment_guardrail {
    enum experiment_metric metric;
    double max_loss; /* (0, 1]: part of the control's value that may be lost */
};

struct experiment {
    uint32_t placements; /* bit of enum placement */
    struct str layer;
    double share; /* (0, 1] of all shoppers */
    enum experiment_metric metric;
    currency_code currency; /* of METRIC_REVENUE; 0: the shop's */
    int64_t horizon_days;   /* 1..90: how long after their first list a shopper's acts count */
    int64_t max_days;       /* 1..400: then it is stopped; 0: never */
    double expected_shoppers;
    double alpha;                        /* (0, .5] */
    struct experiment_variant *variants; /* [variants_len] the first is the control */
    size_t variants_len;
    struct experiment_guardrail guardrails[EXPERIMENT_GUARDRAILS_MAX];
    size_t guardrails_len;
};

/** Read a definition. Texts are borrowed from json or lie in the arena.
 *  ERR_INVALID  names place and field; ERR_LIMIT  too many of something */
ERR_MUST_USE enum err_code experiment_read(struct str json, struct arena *arena,
                                           struct experiment *out, struct err *err);

/** The variant of that name; variants_len: there is none. */
size_t experiment_variant_of(const struct experiment *e, struct str name);

/** Does any variant name the rule of that id? */
bool experiment_names_rule(const struct experiment *e, struct str id);

/** How many buckets of its layer an experiment takes. */
uint32_t experiment_buckets(const struct experiment *e);

/* One that takes part in serving, or wants to. */
struct experiment_entry {
    struct experiment_record record; /* texts in the owner's arena */
    struct experiment e;
};

/** May entry begin to run beside the running ones of others [n]? Finds its first free bucket.
 *  ERR_CONFLICT  its layer has no room for its share; another layer's experiment overrides the same thing;
 *                EXPERIMENT_LAYERS_MAX layers run in a placement already */
ERR_MUST_USE enum err_code experiment_place(const struct experiment_entry *entry,
                                            const struct experiment_entry *others, size_t n,
                                            uint32_t *first_bucket, struct err *err);

/** The variant of a shopper; variants_len: they do not take part. */
size_t experiment_assign(const struct experiment_entry *entry, enum user_kind kind, struct str id);

struct experiment_part {
    int64_t no;
    size_t variant;
};

/* What a shopper gets in a placement. Texts are borrowed from the entries. */
struct experiment_settings {
    struct recommend_weights weights;
    double explore;
    struct str model; /* empty: the published one */
    struct rule_names rules[EXPERIMENT_DECIDED_RULES_MAX + EXPERIMENT_LAYERS_MAX]; /* [rules_len] */
    size_t rules_len;
    struct experiment_part parts[EXPERIMENT_LAYERS_MAX]; /* [parts_len] in what they take part */
    size_t parts_len;
};

/** The shop's weights, on top of them what was decided, in the order of decisions, and on top of it the variants that the shopper takes part in. id empty:
 *  nobody is named, who takes part in nothing. entries [n] are running or decided. */
void experiments_apply(const struct recommend_weights *shop, const struct experiment_entry *entries,
                       size_t n, enum placement placement, enum user_kind kind, struct str id,
                       struct experiment_settings *out);

#endif
