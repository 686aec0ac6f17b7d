/* jobs.h - long work that someone asked for: training, imports, compaction; and leases.
 *
 * A job is queued, taken by one runner, reports progress and ends. A lease is a name that one
 * holder has until it expires, so that of many replicas one does a thing. */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

enum job_state { JOB_QUEUED = 0, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_STATES };

/** "queued", "running", ... */
const char *job_state_name(enum job_state s);

struct job {
    int64_t no;
    struct str kind;      /* "train", "import", ... */
    struct str arguments; /* JSON object, or empty */
    enum job_state state;
    double progress;                             /* 0..1 */
    struct str message;                          /* what it does now, or why it failed */
    struct str result;                           /* JSON object once done, or empty */
    struct str runner;                           /* who took it */
    int64_t created_at, started_at, finished_at; /* 0: not yet */
};

ERR_MUST_USE enum err_code job_add(struct store_tx *tx, struct str kind, struct str arguments,
                                   int64_t *no, struct err *err);

/** Take the oldest queued job of a kind (empty: any). Texts are copied into the arena.
 *  ERR_NOT_FOUND  nothing is queued. */
ERR_MUST_USE enum err_code job_take(struct store_tx *tx, struct str kind, struct str runner,
                                    struct arena *arena, struct job *out, struct err *err);

/** As job_take, of all kinds but this one. */
ERR_MUST_USE enum err_code job_take_other(struct store_tx *tx, struct str kind, struct str runner,
                                          struct arena *arena, struct job *out, struct err *err);

/** Put a running job back into the queue, with its progress: it is taken again first of all that came
 *  after it.
 *  ERR_CONFLICT  it does not run. */
ERR_MUST_USE enum err_code job_requeue(struct store_tx *tx, int64_t no, struct err *err);

/** ERR_CONFLICT  it does not run (any more): whoever reports stops. */
ERR_MUST_USE enum err_code job_progress(struct store_tx *tx, int64_t no, double progress,
                                        struct str message, struct err *err);

/** End a job as done, failed or cancelled. A queued one can only be cancelled.
 *  ERR_CONFLICT  it has ended already; ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code job_finish(struct store_tx *tx, int64_t no, enum job_state state,
                                      struct str message, struct str result, struct err *err);

/** Jobs that a dead runner left running become failed. *n (may be NULL) counts them. */
ERR_MUST_USE enum err_code jobs_abandon(struct store_tx *tx, struct str runner, int64_t *n,
                                        struct err *err);

/** Forget up to limit of the jobs that ended, but for the newest keep numbers. *removed counts them. */
ERR_MUST_USE enum err_code jobs_trim(struct store_tx *tx, int64_t keep, int64_t limit,
                                     int64_t *removed, struct err *err);

/** ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code job_get(struct db *db, int64_t no, struct arena *arena, struct job *out,
                                   struct err *err);

/** Newest first, with numbers below before_no (INT64_MAX: from the newest). */
ERR_MUST_USE enum err_code jobs_list(struct db *db, int64_t before_no, int64_t limit,
                                     struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code jobs_next(struct db_rows *rows, struct job *out, bool *more,
                                     struct err *err);

/** How many jobs are in each state.
 *  counts  [JOB_STATES] */
ERR_MUST_USE enum err_code jobs_count(struct db *db, int64_t counts[JOB_STATES], struct err *err);

/** Take or prolong a lease until now + ttl_us. ERR_CONFLICT  somebody else holds it. */
ERR_MUST_USE enum err_code lease_take(struct store_tx *tx, struct str name, struct str holder,
                                      int64_t ttl_us, struct err *err);

/** Fine if it is not held. */
ERR_MUST_USE enum err_code lease_release(struct store_tx *tx, struct str name, struct str holder,
                                         struct err *err);

#endif
