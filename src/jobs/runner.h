/* runner.h - runs queued jobs of the server: training, in a child process, and compaction.
 *
 * Model:   one thread takes the oldest queued job when it is woken, or every few seconds. "compact" is
 *          housekeeping.h; it is queued when the server starts and once a day, and runs before each
 *          training, too. "train" runs this
 *          very program as `aisle train --no-publish --json --progress` over the same data folder, read-only, so a
 *          crash, a leak or the memory of a training never touches the server; when it has written its
 *          version, this process registers and publishes it. A server that dies leaves the job running
 *          in the register; the next one marks it failed.
 * Output:  lines {"progress": 0..1, "message": "..."} become the job's progress, written at most twice a
 *          second; the rest is its result.
 * Stop:    the child is told to stop (SIGTERM), then killed.
 * Threads: wake from any. */
#ifndef JOBS_RUNNER_H
#define JOBS_RUNNER_H

#include "engine/engine.h"
#include "store/store.h"

struct runner;

struct runner_options {
    struct store *store;          /* borrowed until runner_stop */
    struct engine *engine;        /* the one that follows it, the same; may be NULL */
    const char *program;          /* path of the aisle binary; copied */
    void (*published)(void *arg); /* a model was published; may be NULL */
    void *published_arg;
};

/** returns owned */
ERR_MUST_USE enum err_code runner_start(const struct runner_options *options, struct runner **out,
                                        struct err *err);
void runner_wake(struct runner *r);
void runner_stop(struct runner *r); /* NULL is fine */

#endif
