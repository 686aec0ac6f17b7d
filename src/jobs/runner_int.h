/* runner_int.h - the runner, and the kinds of work that it knows. */
#ifndef JOBS_RUNNER_INT_H
#define JOBS_RUNNER_INT_H

#include <pthread.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/thread.h"
#include "jobs/runner.h"
#include "jobs/train_schedule.h"
#include "store/jobs.h"

enum { LANES = 2, JOB_OUTPUT_MAX = 1 << 20 };

/* Jobs that run one after the other. */
struct lane {
    struct runner *runner;
    bool imports; /* those alone; else all others */
    bool woken;   /* under the runner's lock */
    struct thread thread;
};

struct runner {
    struct store *store; /* borrowed */
    struct runner_options o;
    char *program; /* owned */
    struct lane lanes[LANES];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct train_schedule schedule; /* the first lane's */
    int64_t compact_at_ns;          /* monotonic: when a compaction is due; the first lane's */
    int64_t watch_at_ns;            /* the same of a look at experiments */
    bool stopping;                  /* under lock, as what follows */
    struct map_u64 cancelled;       /* numbers of jobs that somebody wants to end */
};

/* A job under way. */
struct work {
    struct runner *runner;
    const struct job *job;
    struct buf result; /* JSON, at most JOB_OUTPUT_MAX */
    int64_t told_ns;   /* when its progress was last written */
    uint64_t told;     /* hash of the message that was */
};

/** Was it cancelled, or does the server stop? */
bool work_must_end(const struct work *w);

/** Write how far it is, unless that was done a moment ago with this message: then false. A step is told when it
 *  begins, however short it is. */
bool work_tell(struct work *w, double progress, struct str message);

/** Wait until readers see all that is stored. */
void work_settle(const struct work *w);

/** Do the work; the result is written into w->result, on failure too where there is something to say.
 *  ERR_CANCELLED  it had to end */
ERR_MUST_USE enum err_code train_job(struct work *w, struct err *err);
ERR_MUST_USE enum err_code compact_job(struct work *w, struct err *err);
ERR_MUST_USE enum err_code watch_job(struct work *w, struct err *err);
ERR_MUST_USE enum err_code import_job(struct work *w, struct err *err);

#endif
