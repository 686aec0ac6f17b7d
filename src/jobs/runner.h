/* runner.h - runs queued jobs of the server: training, in a child process, compaction, and imports.
 *
 * Model:   two threads, each of which takes the oldest queued job of its kinds when it is woken, or every
 *          few seconds: one imports, one does everything else, so that a daily feed does not wait for a
 *          training. A server that dies leaves its jobs running in the register; the next one marks
 *          them failed.
 * Compact: housekeeping.h; queued when the server starts and once a day, and run before each training.
 * Train:   this very program as `aisle train --no-publish --json --progress` over the same data folder,
 *          read-only, so a crash, a leak or the memory of a training never touches the server; when it
 *          has written its version, this process registers and publishes it. Lines {"progress": 0..1,
 *          "message": "..."} become the job's progress, written at most twice a second; the rest is its
 *          result.
 * Alone:   train_schedule.h: refits and full trainings that nobody asked for.
 * Watch:   experiment_watch.h; every ten minutes, and as a job when asked.
 * Import:  ingest/import.h in this process, through the store's writer like every other write, with the
 *          job's arguments (import_args.h); its result is the import's report, where it failed with the
 *          name of the error as "error".
 * Stop:    a child is told to stop (SIGTERM), then killed; an import ends after the transaction that is
 *          being written. If the server stops, the import is queued again and the next one goes on
 *          where it was.
 * Threads: wake and cancel from any. */
#ifndef JOBS_RUNNER_H
#define JOBS_RUNNER_H

#include "engine/engine.h"
#include "store/store.h"

struct runner;

struct runner_options {
    struct store *store;          /* borrowed until runner_stop */
    struct engine *engine;        /* the one that follows it, the same; may be NULL */
    const char *program;          /* path of the aisle binary; copied */
    int64_t refit_every_us;       /* train_schedule.h; 0: never */
    int64_t train_every_us;       /* the same of full trainings */
    void (*published)(void *arg); /* a model was published; may be NULL */
    void *published_arg;
};

/** returns owned */
ERR_MUST_USE enum err_code runner_start(const struct runner_options *options, struct runner **out,
                                        struct err *err);
void runner_wake(struct runner *r);

/** The running job of this number is to end soon. */
void runner_cancel(struct runner *r, int64_t no);
void runner_stop(struct runner *r); /* NULL is fine */

#endif
