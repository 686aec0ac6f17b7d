#include "jobs/runner.h"

#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/experiment_watch.h"
#include "jobs/import_args.h"
#include "jobs/runner_int.h"

enum { POLL_MS = 2000, SETTLE_MS = 10000 };

/* At most this often a job's progress within a step is written: each time is a transaction. */
static const int64_t progress_every_ns = 500000000;

static const int64_t compact_every_ns = 86400 * 1000000000LL, watch_every_ns = 600 * 1000000000LL;

static const char runner_name[] = "server";
static const char import_kind[] = "import";

/* --- work under way -------------------------------------------------------------------------- */

static bool stopping(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool stop = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

static bool is_cancelled(struct runner *r, int64_t no)
{
    pthread_mutex_lock(&r->lock);
    bool cancelled = map_u64_find(&r->cancelled, (uint64_t)no) != NULL;
    pthread_mutex_unlock(&r->lock);
    return cancelled;
}

bool work_must_end(const struct work *w)
{
    return stopping(w->runner) || is_cancelled(w->runner, w->job->no);
}

struct telling {
    int64_t no;
    double progress;
    struct str message;
};

static enum err_code write_progress(struct store_tx *tx, void *arg, struct err *err)
{
    const struct telling *t = arg;
    return job_progress(tx, t->no, t->progress, t->message, err);
}

bool work_tell(struct work *w, double progress, struct str message)
{
    struct telling t = {w->job->no, progress, message};
    struct err err;
    int64_t now = clock_mono_ns();
    uint64_t step = XXH3_64bits(message.p, message.n);
    if (w->told_ns && step == w->told && now - w->told_ns < progress_every_ns)
        return false;
    w->told_ns = now;
    w->told = step;
    if (store_write(w->runner->store, write_progress, &t, &err) != ERR_OK)
        log_warn("a job's progress cannot be recorded", LOG_I64("job", t.no), LOG_ERR_TEXT(&err));
    return true;
}

void work_settle(const struct work *w)
{
    struct err err;
    if (w->runner->o.engine && engine_wait(w->runner->o.engine, SETTLE_MS, &err) != ERR_OK)
        log_warn("a job's effect comes late", LOG_I64("job", w->job->no), LOG_ERR_TEXT(&err));
}

/* --- jobs ------------------------------------------------------------------------------------ */

struct ending {
    int64_t no;
    enum job_state state; /* JOB_QUEUED: it is to go on at the next start */
    struct str message, result;
};

static enum err_code finish_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct ending *e = arg;
    return e->state == JOB_QUEUED ? job_requeue(tx, e->no, err)
                                  : job_finish(tx, e->no, e->state, e->message, e->result, err);
}

/* An import goes on where it was; a training would begin anew. */
static enum job_state state_of(const struct work *w, enum err_code code)
{
    if (code == ERR_OK)
        return JOB_DONE;
    if (code != ERR_CANCELLED)
        return JOB_FAILED;
    bool again = str_is(w->job->kind, import_kind) && !is_cancelled(w->runner, w->job->no);
    return again ? JOB_QUEUED : JOB_CANCELLED;
}

static void perform(struct runner *r, const struct job *job)
{
    struct work w = {.runner = r, .job = job};
    struct err err, why;
    buf_init(&w.result, JOB_OUTPUT_MAX);
    enum err_code code = str_is(job->kind, "train")     ? train_job(&w, &err)
                         : str_is(job->kind, "compact") ? compact_job(&w, &err)
                         : str_is(job->kind, "watch")   ? watch_job(&w, &err)
                         : str_is(job->kind, import_kind)
                             ? import_job(&w, &err)
                             : err_set(&err, ERR_UNSUPPORTED, "there is no such kind of job");
    work_settle(&w);
    struct ending e = {.no = job->no,
                       .state = state_of(&w, code),
                       .message = str_of(code == ERR_OK ? "" : err.msg),
                       .result = str_trim(buf_str(&w.result))};
    if (code != ERR_OK && str_is(job->kind, "train"))
        e.result = (struct str){NULL, 0};
    if (e.state == JOB_FAILED)
        log_error("job failed", LOG_I64("job", job->no), LOG_ERR_TEXT(&err));
    if (e.state != JOB_QUEUED && str_is(job->kind, import_kind))
        import_args_discard(job->arguments);
    if (store_write(r->store, finish_job, &e, &why) != ERR_OK)
        log_error("a job's end cannot be recorded", LOG_I64("job", job->no), LOG_ERR_TEXT(&why));
    pthread_mutex_lock(&r->lock);
    map_u64_remove(&r->cancelled, (uint64_t)job->no);
    pthread_mutex_unlock(&r->lock);
    buf_release(&w.result);
}

struct taking {
    bool imports;
    struct arena *arena;
    struct job job;
};

static enum err_code take_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct taking *t = arg;
    struct str runner = str_of(runner_name), kind = str_of(import_kind);
    return t->imports ? job_take(tx, kind, runner, t->arena, &t->job, err)
                      : job_take_other(tx, kind, runner, t->arena, &t->job, err);
}

/* One job, if there is one. */
static bool run_one(const struct lane *lane)
{
    struct runner *r = lane->runner;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0, 1 << 20);
    struct taking t = {.imports = lane->imports, .arena = &arena};
    enum err_code code = store_write(r->store, take_job, &t, &err);
    if (code == ERR_OK)
        perform(r, &t.job);
    else if (code != ERR_NOT_FOUND)
        log_error("jobs cannot be read", LOG_ERR_TEXT(&err));
    arena_release(&arena);
    return code == ERR_OK;
}

static bool await(struct lane *lane)
{
    struct runner *r = lane->runner;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += POLL_MS / 1000;
    pthread_mutex_lock(&r->lock);
    if (!lane->woken && !r->stopping)
        pthread_cond_timedwait(&r->wake, &r->lock, &until);
    lane->woken = false;
    bool go_on = !r->stopping;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static enum err_code add_compaction(struct store_tx *tx, void *arg, struct err *err)
{
    int64_t no;
    (void)arg;
    return job_add(tx, STR_LIT("compact"), (struct str){NULL, 0}, &no, err);
}

static void queue_compaction(struct runner *r)
{
    struct err err;
    if (clock_mono_ns() < r->compact_at_ns)
        return;
    r->compact_at_ns = clock_mono_ns() + compact_every_ns;
    if (store_write(r->store, add_compaction, NULL, &err) != ERR_OK)
        log_error("a compaction cannot be queued", LOG_ERR_TEXT(&err));
}

/* --- experiments ----------------------------------------------------------------------------- */

static currency_code currency_of_shop(const struct runner *r)
{
    return r->o.engine ? engine_shop(r->o.engine)->currency : 0;
}

static bool watch_must_end(void *arg)
{
    return work_must_end(arg);
}

enum err_code watch_job(struct work *w, struct err *err)
{
    struct experiment_watch seen;
    struct json_writer json;
    enum err_code code = experiment_watch(w->runner->store, currency_of_shop(w->runner),
                                          watch_must_end, w, &seen, err);
    if (code != ERR_OK)
        return code;
    jw_init(&json, &w->result);
    jw_obj(&json);
    JW_I64(&json, "running", seen.running);
    JW_I64(&json, "stopped", seen.stopped);
    jw_obj_end(&json);
    return ERR_OK;
}

static bool runner_stops(void *arg)
{
    return stopping(arg);
}

/* Every few minutes, and in no register. */
static void watch_experiments(struct runner *r)
{
    struct experiment_watch seen;
    struct err err;
    if (clock_mono_ns() < r->watch_at_ns)
        return;
    enum err_code code =
        experiment_watch(r->store, currency_of_shop(r), runner_stops, r, &seen, &err);
    r->watch_at_ns = clock_mono_ns() + watch_every_ns;
    if (code != ERR_OK && code != ERR_CANCELLED)
        log_error("experiments cannot be watched", LOG_ERR_TEXT(&err));
}

static void loop(void *arg)
{
    struct lane *lane = arg;
    do {
        if (!lane->imports)
            queue_compaction(lane->runner);
        if (!lane->imports)
            watch_experiments(lane->runner);
        if (!lane->imports)
            train_schedule_run(&lane->runner->schedule, lane->runner->store);
        while (!stopping(lane->runner) && run_one(lane))
            continue;
    } while (await(lane));
}

/* --- life ------------------------------------------------------------------------------------ */

static enum err_code abandon(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return jobs_abandon(tx, str_of(runner_name), NULL, err);
}

enum err_code runner_start(const struct runner_options *options, struct runner **out,
                           struct err *err)
{
    enum err_code code = store_write(options->store, abandon, NULL, err);
    if (code == ERR_OK)
        code = import_args_sweep(options->store, err);
    if (code != ERR_OK)
        return code;
    struct runner *r = MEM_NEW(struct runner);
    r->store = options->store;
    r->o = *options;
    r->schedule = (struct train_schedule){.refit_every_us = options->refit_every_us,
                                          .full_every_us = options->train_every_us};
    train_schedule_begin(&r->schedule);
    r->program = mem_dup(options->program, strlen(options->program));
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    for (int i = 0; i < LANES; i++)
        r->lanes[i] = (struct lane){.runner = r, .imports = i == 1};
    for (int i = 0; i < LANES && code == ERR_OK; i++)
        code = thread_start(&r->lanes[i].thread, i ? "imports" : "jobs", loop, &r->lanes[i], err);
    if (code != ERR_OK) {
        runner_stop(r);
        return code;
    }
    *out = r;
    return ERR_OK;
}

void runner_wake(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < LANES; i++)
        r->lanes[i].woken = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void runner_cancel(struct runner *r, int64_t no)
{
    pthread_mutex_lock(&r->lock);
    (void)map_u64_at(&r->cancelled, (uint64_t)no, NULL);
    pthread_mutex_unlock(&r->lock);
}

void runner_stop(struct runner *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < LANES; i++)
        thread_join(&r->lanes[i].thread);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->wake);
    map_u64_release(&r->cancelled);
    mem_free(r->program);
    mem_free(r);
}
