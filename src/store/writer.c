#include "store/writer_int.h"

#include <errno.h>
#include <time.h>

#include "base/banned.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
    IDLE_BEAT_MS = 500, /* an idle writer shows that it lives */
    LOG_KEEP_BYTES = 16 << 20,
};

static const int64_t group_max_ns = 200000000; /* a transaction of ours lasts no longer than this */

/* --- the list --------------------------------------------------------------------------------- */

enum err_code writer_push(struct writer *w, struct writer_job *job, bool wait, struct err *err)
{
    pthread_mutex_lock(&w->lock);
    while (wait && w->len >= w->max)
        pthread_cond_wait(&w->drained, &w->lock);
    bool full = w->len >= w->max;
    if (!full) {
        job->next = NULL;
        *w->last = job;
        w->last = &job->next;
        w->len++;
        pthread_cond_signal(&w->filled);
    }
    pthread_mutex_unlock(&w->lock);
    return full ? err_set(err, ERR_BUSY, "%zu writes are waiting already", w->max) : ERR_OK;
}

size_t writer_queued(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->len;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void wait_for_jobs(struct writer *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += IDLE_BEAT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!w->first && !w->closing && w->empty_wanted == w->empty_tried) {
        if (pthread_cond_timedwait(&w->filled, &w->lock, &until) == ETIMEDOUT)
            break;
    }
}

/* Everything that waits; NULL after half a second of nothing. *closing: there will be no more. */
static struct writer_job *take_all(struct writer *w, bool *closing)
{
    pthread_mutex_lock(&w->lock);
    wait_for_jobs(w);
    struct writer_job *jobs = w->first;
    w->first = NULL;
    w->last = &w->first;
    w->len = 0;
    *closing = w->closing && !jobs;
    pthread_cond_broadcast(&w->drained);
    pthread_mutex_unlock(&w->lock);
    return jobs;
}

/* --- one group -------------------------------------------------------------------------------- */

/* Is it the database's own failure, rather than a job's? */
static bool is_of_database(enum err_code code)
{
    return code == ERR_NO_SPACE || code == ERR_IO || code == ERR_CORRUPT || code == ERR_BUSY ||
           code == ERR_MEMORY;
}

/* Run a job as a part of the transaction. Returns what is wrong with the transaction as a whole. */
static enum err_code run_job(struct writer *w, struct writer_job *job, struct err *err)
{
    struct tx *tx = &w->tx;
    enum err_code code = db_savepoint(tx->pub.db, err);
    if (code)
        return code;
    tx_begin_job(tx);
    job->code = job->fn(&tx->pub, job->arg, &job->err);
    if (!job->code)
        return db_savepoint_keep(tx->pub.db, err);
    tx_undo_job(tx);
    code = db_savepoint_undo(tx->pub.db, err);
    if (!code || !is_of_database(job->code))
        return code;
    *err = job->err; /* the database gave the transaction up, and the job was told why */
    return job->code;
}

static enum err_code commit(struct writer *w, struct err *err)
{
    int64_t begin = clock_mono_ns();
    enum err_code code = db_commit(w->tx.pub.db, err);
    atomic_store(&w->commit_ns, clock_mono_ns() - begin);
    histogram_record(w->commit_time, (uint64_t)atomic_load(&w->commit_ns));
    return code;
}

/* Run jobs until all are done or time is up. *rest is the first that has not got its fate. */
static enum err_code run_group(struct writer *w, struct writer_job *jobs, struct writer_job **rest,
                               struct err *err)
{
    struct tx *tx = &w->tx;
    int64_t end = clock_mono_ns() + group_max_ns;
    tx->pub.now_us = clock_now_us();
    *rest = NULL;
    enum err_code code = db_begin(tx->pub.db, err);
    if (code)
        return code;
    struct writer_job *job = jobs;
    for (; job && !code; job = job->next) {
        if (job != jobs && clock_mono_ns() > end)
            break;
        code = run_job(w, job, err);
    }
    *rest = job;
    if (!code)
        code = tx_finish(tx, err);
    if (!code)
        return commit(w, err);
    db_rollback(tx->pub.db);
    return code;
}

static void beat(struct writer *w)
{
    atomic_store(&w->beat_ns, clock_mono_ns());
}

/* Remember how the last group ended. */
static void note_fate(struct writer *w, enum err_code code, const struct err *err)
{
    atomic_fetch_add(code ? &w->failed_commits : &w->groups, 1);
    pthread_mutex_lock(&w->lock);
    w->failure = code ? *err : (struct err){0};
    w->failure_at = code ? clock_now_us() : 0;
    pthread_mutex_unlock(&w->lock);
}

struct err writer_failure(struct writer *w, int64_t *at)
{
    pthread_mutex_lock(&w->lock);
    struct err failure = w->failure;
    *at = w->failure_at;
    pthread_mutex_unlock(&w->lock);
    return failure;
}

/* Nothing of a failed group was acknowledged: every job of it gets the reason. */
static void tell(struct writer *w, struct writer_job *jobs, const struct writer_job *rest,
                 enum err_code group_code, const struct err *group_err)
{
    struct writer_job *next;
    uint64_t told = 0;
    for (struct writer_job *job = jobs; job != rest; job = next, told++) {
        bool owned = job->owned;
        next = job->next;
        if (group_code && !job->code) {
            job->code = group_code;
            job->err = *group_err;
        }
        atomic_fetch_add_explicit(&w->jobs, 1, memory_order_relaxed);
        if (job->code)
            atomic_fetch_add_explicit(&w->failed_jobs, 1, memory_order_relaxed);
        job->done(job->done_arg, job->code, &job->err);
        if (owned)
            mem_free(job);
    }
    histogram_record(w->group_jobs, told);
}

static void write_jobs(struct writer *w, struct writer_job *jobs)
{
    while (jobs) {
        struct writer_job *rest;
        struct err err;
        enum err_code code = run_group(w, jobs, &rest, &err);
        if (code)
            tx_undo_all(&w->tx);
        note_fate(w, code, &err);
        beat(w);
        tell(w, jobs, rest, code, &err);
        jobs = rest;
    }
}

/* What cannot be folded back now is tried again after the next group: no write depends on it. */
static void fold_log(struct writer *w)
{
    struct err ignored;
    int64_t bytes = atomic_load(&w->log_bytes);
    if (db_checkpoint(w->tx.pub.db, LOG_KEEP_BYTES, &bytes, &ignored) == ERR_OK)
        atomic_store(&w->log_bytes, bytes);
}

/* For whoever asked before this group. */
static void empty_log(struct writer *w)
{
    struct err err = {0};
    pthread_mutex_lock(&w->lock);
    uint64_t wanted = w->empty_wanted;
    bool asked = wanted != w->empty_tried;
    pthread_mutex_unlock(&w->lock);
    if (!asked)
        return;
    if (db_empty_log(w->tx.pub.db, &err) == ERR_OK)
        atomic_store(&w->log_bytes, 0);
    pthread_mutex_lock(&w->lock);
    w->empty_tried = wanted;
    w->empty_err = err;
    pthread_cond_broadcast(&w->emptied);
    pthread_mutex_unlock(&w->lock);
}

enum err_code writer_empty_log(struct writer *w, struct err *err)
{
    pthread_mutex_lock(&w->lock);
    uint64_t mine = ++w->empty_wanted;
    pthread_cond_signal(&w->filled);
    while (w->empty_tried < mine)
        pthread_cond_wait(&w->emptied, &w->lock);
    enum err_code code = w->empty_err.code;
    if (code && err)
        *err = w->empty_err;
    pthread_mutex_unlock(&w->lock);
    return code;
}

static void write_until_closed(void *arg)
{
    struct writer *w = arg;
    bool closing = false;
    while (!closing) {
        struct writer_job *jobs = take_all(w, &closing);
        write_jobs(w, jobs);
        fold_log(w);
        empty_log(w);
        beat(w);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

enum err_code writer_start(struct writer *w, struct db *db, size_t queue_max, struct err *err)
{
    pthread_condattr_t monotonic;
    tx_init(&w->tx, db);
    w->last = &w->first;
    w->max = queue_max;
    beat(w);
    w->group_jobs = metrics_histogram(
        metrics_default(), &(struct metric_opts){.name = "aisle_store_group_jobs",
                                                 .help = "Writes that shared one commit"});
    w->commit_time = METRIC_LATENCY("aisle_store_commit_seconds",
                                    "Time that a commit took, the disk's fsync included");
    CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&monotonic) == 0);
    CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&w->filled, &monotonic) == 0);
    CHECK(pthread_cond_init(&w->drained, NULL) == 0);
    CHECK(pthread_cond_init(&w->emptied, NULL) == 0);
    pthread_condattr_destroy(&monotonic);
    return thread_start(&w->thread, "store-writer", write_until_closed, w, err);
}

void writer_stop(struct writer *w)
{
    if (!w->tx.pub.db)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->filled);
    pthread_mutex_unlock(&w->lock);
    thread_join(&w->thread);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->filled);
    pthread_cond_destroy(&w->drained);
    pthread_cond_destroy(&w->emptied);
    db_close(w->tx.pub.db);
    tx_release(&w->tx);
    w->tx.pub.db = NULL;
}
