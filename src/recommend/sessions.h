/* sessions.h - session kNN: what shoppers of whom nothing but this session is known look at next.
 *
 * Model:   the sessions that were are numbered from the most recent (index/session_index.h). For a session under
 *          way with the last items i_0 (the current one), i_1, ... (distinct), a past session s is as near as
 *          near(s) = sum over i_a in s of decay^a * idf(i_a)^match_power, / (items of s)^length_power,
 *                    * 2^(-age of s / half_life),
 *          and of the `neighbours` nearest each item j scores
 *          near(s) * idf(j)^idf_power * spread^(|p_j - p| - 1) (times `back` where j stands before p),
 *          p the first place in s of the most recent i_a that it was found by and p_j the nearest place of j after
 *          it, else before. Items of the session under way score `again` times as much.
 * Parts:   near(s) is a sum over the i_a, and so is what j scores: the part of i_a is why j is shown. The parts of
 *          j add up to its score.
 * Source:  V-SKNN: Ludewig, Jannach, "Evaluation of session-based recommendation algorithms", UMUAI 2018; STAN: Garg et
 *          al., "Sequence and time aware neighborhood for session-based recommendations", SIGIR 2019.
 * Deviations: of each item only its `sample` most recent sessions are looked at, so that work is bounded however
 *          popular it is; ages are half lives; where the neighbours together have more items than `budget`, the
 *          furthest do not score (the nearest always does).
 * Cost:    recent * sample + budget, whatever the shop's size.
 * Memory:  what a query needs lies in the arena: at most 48 bytes a session that is looked at (recent * sample) and
 *          60 an item of the neighbours (budget).
 * Threads: any, each with its own arena. */
#ifndef RECOMMEND_SESSIONS_H
#define RECOMMEND_SESSIONS_H

#include "base/arena.h"
#include "index/session_index.h"

enum {
    SESSION_RECENT_MAX = 32, /* items of the session under way that are looked at */
};

struct session_options {
    uint32_t neighbours; /* sessions that score, >= 1 */
    uint32_t budget;     /* items of those sessions that score, the nearest session's first, >= 1 */
    uint32_t sample;     /* most recent sessions of an item that are looked at, >= 1 */
    uint32_t recent;     /* items of the session under way, 1..SESSION_RECENT_MAX */
    float decay;         /* by place in the session under way, 0..1 */
    float match_power;   /* of idf of what is shared, >= 0 */
    float length_power;  /* >= 0 */
    float half_life_days; /* of sessions by age; 0: age does not matter */
    float idf_power;      /* of idf of what is foretold, >= 0 */
    float spread;         /* by distance in the past session, 0..1 */
    float back;           /* of what stood before, 0..1 */
    float again;          /* of what the session under way has already, >= 0 */
};

/** Chosen on the validation part of yoochoose: docs/recommender-design.md. */
struct session_options session_defaults(void);

/** Set one option by its name ("neighbours=100"). ERR_INVALID. */
ERR_MUST_USE enum err_code session_option_set(struct session_options *o, struct str text,
                                              struct err *err);

/* What is asked, all borrowed. */
struct session_question {
    const uint32_t *
        items; /* [n] of the session under way in order of time; those that are not < x->items pass */
    size_t n;
    int64_t now_us;
    size_t k;   /* how many are wanted */
    bool parts; /* and why */
};

/* The answer, in the arena. */
struct session_list {
    size_t len;     /* min(k, what scores) */
    uint32_t *item; /* [len] best first */
    float *score;   /* [len] > 0, descending */
    uint32_t recent_len;
    uint32_t recent[SESSION_RECENT_MAX]; /* [recent_len] i_0, i_1, ... */
    float *part;                         /* [len][recent_len] >= 0, where asked for */
};

/** What comes next.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code session_foretell(const struct session_index *x,
                                            const struct session_options *o,
                                            const struct session_question *q, struct arena *arena,
                                            struct session_list *out, struct err *err);

#endif
