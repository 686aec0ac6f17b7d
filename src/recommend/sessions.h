/* sessions.h - session kNN: what shoppers of whom nothing but this session is known look at next.
 *
 * Model:   the sessions that were are numbered from the most recent. For a session under way with the last
 *          items i_0 (the current one), i_1, ... (distinct), a past session s is as near as
 *          near(s) = sum over i_a in s of decay^a * idf(i_a)^match_power, / (items of s)^length_power,
 *                    * 2^(-age of s / half_life),
 *          and of the `neighbours` nearest each item j scores
 *          near(s) * idf(j)^idf_power * spread^(|p_j - p| - 1) (times `back` where j stands before p),
 *          p the first place in s of the most recent i_a that is in it and p_j the nearest place of j after
 *          it, else before. Items of the session under way score `again` times as much.
 *          idf(i) = ln(1 + sessions / sessions that have i) / ln(1 + sessions).
 * Source:  V-SKNN: Ludewig, Jannach, "Evaluation of session-based recommendation algorithms", UMUAI 2018; STAN: Garg et
 *          al., "Sequence and time aware neighborhood for session-based recommendations", SIGIR 2019.
 * Deviations: of each item only its `sample` most recent sessions are looked at, so that work is bounded however
 *          popular it is; ages are half lives.
 * Cost:    a query: recent * sample + neighbours * SESSION_ITEMS_MAX, whatever the shop's size. Building sorts the sessions.
 * Memory:  session_index_release; a session_scratch is for one thread, of 8 bytes a session and 8 an item.
 * Threads: an index is immutable once built. */
#ifndef RECOMMEND_SESSIONS_H
#define RECOMMEND_SESSIONS_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "num/topk.h"

enum { SESSION_ITEMS_MAX = 100 /* of a past session: its last ones */, SESSION_RECENT_MAX = 100 };

struct session_options {
    uint32_t neighbours;  /* sessions that score, >= 1 */
    uint32_t sample;      /* most recent sessions of an item that are looked at, >= 1 */
    uint32_t recent;      /* items of the session under way, 1..SESSION_RECENT_MAX */
    float decay;          /* by place in the session under way, 0..1 */
    float match_power;    /* of idf of what is shared, >= 0 */
    float length_power;   /* >= 0 */
    float half_life_days; /* of sessions by age; 0: age does not matter */
    float idf_power;      /* of idf of what is foretold, >= 0 */
    float spread;         /* by distance in the past session, 0..1 */
    float back;           /* of what stood before, 0..1 */
    float again;          /* of what the session under way has already, >= 0 */
};

struct session_index {
    uint32_t sessions, items;
    uint64_t *offsets;    /* [sessions + 1] by session, the most recent first, owned */
    uint32_t *item;       /* [offsets[sessions]] in order of time, owned */
    int64_t *end_us;      /* [sessions] UTC us, descending, owned */
    uint64_t *of_offsets; /* [items + 1], owned */
    uint32_t
        *of_item; /* [of_offsets[items]] the sessions that have it, ascending, distinct, owned */
    float *idf;   /* [items] 0..1, owned */
};

/** Chosen on the validation part of yoochoose: docs/recommender-design.md. */
struct session_options session_defaults(void);

/** Set one option by its name ("neighbours=100"). ERR_INVALID. */
ERR_MUST_USE enum err_code session_option_set(struct session_options *o, struct str text,
                                              struct err *err);

/** Sessions in any order: offsets [n + 1], item [offsets[n]] < items in order of time, end_us [n]; copied.
 *  Empty ones are fine.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code session_index_build(uint32_t n, const uint64_t *offsets,
                                               const uint32_t *item, const int64_t *end_us,
                                               uint32_t items, struct session_index *out,
                                               struct err *err);
void session_index_release(struct session_index *x);

struct session_scratch {
    float *near;            /* [sessions], 0 between queries */
    uint32_t *found;        /* [sessions] */
    float *score;           /* [items], 0 between queries */
    uint32_t *scored;       /* [items] */
    struct topk_item *best; /* [neighbours] */
};

/** ERR_MEMORY */
ERR_MUST_USE enum err_code session_scratch_init(struct session_scratch *s,
                                                const struct session_index *x,
                                                const struct session_options *o, struct err *err);
void session_scratch_release(struct session_scratch *s);

/** What comes next after items [n] (in order of time) at now_us: out [k], best first. Items that are not < x->items are
 *  not known and pass. Returns how many, fewer than k where little is known. */
size_t session_foretell(const struct session_index *x, const struct session_options *o,
                        struct session_scratch *s, const uint32_t *items, size_t n, int64_t now_us,
                        struct topk_item *out, size_t k);

#endif
