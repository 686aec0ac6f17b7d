/* writer_int.h - the one thread that writes.
 *
 * Jobs wait in a list in their order of arrival. The thread takes all of them, runs each in a part
 * of one transaction, commits, and then tells each its fate. A group is cut short when it has run
 * for a fifth of a second, so that no transaction is long. */
#ifndef STORE_WRITER_INT_H
#define STORE_WRITER_INT_H

#include <stdatomic.h>

#include "base/metrics.h"
#include "base/thread.h"
#include "store/store.h"
#include "store/tx_int.h"

struct writer_job {
    struct writer_job *next;
    store_job_fn fn;
    void *arg;
    store_done_fn done; /* called once, on the writer thread */
    void *done_arg;
    enum err_code code;
    struct err err;
    bool owned; /* the writer frees it: store_write_async */
};

struct writer {
    struct thread thread;
    struct tx tx;
    pthread_mutex_t lock;   /* over the list */
    pthread_cond_t filled;  /* a job came, or closing */
    pthread_cond_t drained; /* room in the list again */
    struct writer_job *first, **last;
    size_t len, max;
    pthread_cond_t emptied;             /* the log was emptied, or could not be */
    uint64_t empty_wanted, empty_tried; /* how often that was asked for, and answered */
    struct err empty_err;               /* of the last answer; ERR_OK: done */
    struct err failure;                 /* why the last group was not committed; ERR_OK: it was */
    int64_t failure_at;                 /* UTC us */
    bool closing;
    _Atomic uint64_t groups, jobs, failed_jobs, failed_commits;
    _Atomic int64_t log_bytes;
    _Atomic int64_t commit_ns;                  /* what the last commit took */
    _Atomic int64_t beat_ns;                    /* monotonic: when the thread last got on */
    struct histogram *group_jobs, *commit_time; /* of the process's registry */
};

/** db is taken over. */
ERR_MUST_USE enum err_code writer_start(struct writer *w, struct db *db, size_t queue_max,
                                        struct err *err);

/** Finish what waits, stop, close the connection. All-zero is fine. */
void writer_stop(struct writer *w);

/** Append a job; waits for room if wait is set. ERR_BUSY  the list is full. */
ERR_MUST_USE enum err_code writer_push(struct writer *w, struct writer_job *job, bool wait,
                                       struct err *err);

size_t writer_queued(struct writer *w);

/** Have the log emptied after what is queued now (db_empty_log), and wait for it. */
ERR_MUST_USE enum err_code writer_empty_log(struct writer *w, struct err *err);

/** Why the last group was not committed; ERR_OK if it was. */
struct err writer_failure(struct writer *w, int64_t *at);

#endif
