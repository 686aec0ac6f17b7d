/* derive.h - from what happened to what the trainers learn from.
 *
 * Model:   reads events (imported interactions are events) and order lines up to a position of the log, in
 *          short transactions (each well under a second, so nobody waits for us); leaves out what is
 *          no shopper's taste (bots, test users, returns, adjustments); resolves anonymous shoppers to
 *          known ones through the store's links; cuts each shopper's past into sessions; and gives each
 *          act the weight of its type. How much of it an age leaves is interactions_decay, for whoever
 *          counts by it. A sold line is a purchase; one
 *          that came back whole is none. Where a shopper has orders, purchase events from the day
 *          before the first of them on tell the same again and are left out.
 * Result:  columns of equal length, sorted by (user_no, time, product_no): one shopper's acts stand
 *          together in the order of time, so both "all pairs" and "the last n" are one walk.
 * Guests:  user_no 0 is "no shopper known": only `session` tells which acts belong together (an order
 *          of a guest is one session). Left out unless options ask for them.
 * Memory:  struct interactions owns its columns (33 bytes an act); release with interactions_release.
 * Threads: one at a time.
 * Bots:    see struct derive_filter; the numbers are chosen so that a busy wholesaler's buyer stays. */
#ifndef INGEST_DERIVE_H
#define INGEST_DERIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json_writer.h"
#include "store/records.h"

struct store;

/** Which shoppers are not people. Zero in any field: that rule is off. */
struct derive_filter {
    uint32_t
        max_per_minute;   /* more acts than this within any minute: a bot (orders do not count) */
    uint32_t max_per_day; /* more acts than this within any 24 hours: a bot (orders do not count) */
    uint32_t views_without_buy; /* more views than this, and never a cart or an order: a bot */
    const struct str
        *test_ids; /* [test_ids_len] outside ids of test users, '*' at the end: a prefix */
    size_t test_ids_len;
};

struct derive_options {
    int64_t from, until;            /* take acts with from <= time < until; 0: no bound */
    float type_weight[EVENT_TYPES]; /* 0 leaves the type out */
    int64_t session_gap_us;         /* a longer pause begins a new session */
    int64_t session_max_us;         /* a session never lasts longer */
    uint32_t session_max_acts;      /* nor has more acts */
    bool guests;            /* keep orders and interactions without a shopper as user_no 0 */
    bool inactive_products; /* keep acts on products that are not sold now */
    struct derive_filter filter;
    /** Told after each page how far it is, 0..1; may be NULL. */
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

/** The defaults: weights impression 0, view 1, click 1, search 0, favourite 3, add to cart 4, remove
 *  from cart 0, purchase 8, rating 2; sessions of 30 minutes' pause, 12 hours and 500 acts;
 *  bots above 60 a minute, 5,000 a day or 2,000 views without a cart; test ids "test-*" and "qa-*". */
struct derive_options derive_defaults(void);

struct interactions {
    size_t len, cap;
    uint32_t *user_no;     /* [len] 0: a guest's */
    uint32_t *product_no;  /* [len] > 0 */
    int64_t *time;         /* [len] UTC us */
    float *weight;         /* [len] > 0 */
    uint32_t *session;     /* [len] dense from 0, ascending; lines of one order share one */
    uint32_t *quantity;    /* [len] >= 1 */
    uint8_t *type;         /* [len] enum event_type */
    uint32_t users_end;    /* greatest user_no + 1 */
    uint32_t products_end; /* greatest product_no + 1 */
    uint32_t sessions;     /* how many */
    int64_t first_time;    /* of all acts; 0 if there are none */
    int64_t last_time;
    int64_t position; /* of the change log: everything up to it was seen */
};

struct derive_report {
    uint64_t events, order_lines; /* rows read */
    uint64_t kept;                /* acts in the result */
    uint64_t bots, bot_acts;      /* shoppers left out, and their acts */
    uint64_t test_users, test_acts;
    uint64_t returned;   /* sales that came back whole */
    uint64_t twice;      /* purchase events that an order tells as well */
    uint64_t guest_acts; /* left out or kept as options say */
    uint64_t unresolved; /* acts without a product, or on one not sold */
    uint64_t joined;     /* anonymous shoppers counted as the known one */
};

/** Read and derive. out is untouched on failure; report may be NULL.
 *  ERR_CANCELLED  a stop was asked for (base/signal.h)
 *  ERR_MEMORY     more acts than memory; else what the store reports */
ERR_MUST_USE enum err_code derive_interactions(struct store *s, const struct derive_options *o,
                                               struct interactions *out,
                                               struct derive_report *report, struct err *err);

/** What is left of a weight at an age: 2^(-age / half life), at most 1. half_life_days > 0. */
float interactions_decay(int64_t age_us, double half_life_days);

/** All-zero is fine. */
void interactions_release(struct interactions *it);

/** The first act at or after user_no's first; with interactions_user_end the shopper's slice. */
size_t interactions_user_begin(const struct interactions *it, uint32_t user_no);
size_t interactions_user_end(const struct interactions *it, uint32_t user_no);

/** An empty set (all-zero) to be filled by hand (a test, `aisle eval` on a caller's data): append acts
 *  in any order, then interactions_sort, which also finds the ends and numbers the sessions by the
 *  options' rules. Before the sort `session` may be set to a number of the order that an act belongs
 *  to (0: none). On failure what was there stays releasable. */
ERR_MUST_USE enum err_code interactions_append(struct interactions *it, uint32_t user_no,
                                               uint32_t product_no, int64_t time, float weight,
                                               enum event_type type, uint32_t quantity,
                                               struct err *err);
ERR_MUST_USE enum err_code interactions_sort(struct interactions *it,
                                             const struct derive_options *o, struct err *err);

/** Drop the rows whose flag is not 0 and number the sessions anew.
 *  drop  [len] */
void interactions_drop(struct interactions *it, const uint8_t *drop);

void derive_report_json(const struct derive_report *r, struct json_writer *w);

#endif
