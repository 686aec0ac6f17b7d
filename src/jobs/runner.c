#include "jobs/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "jobs/housekeeping.h"
#include "store/jobs.h"
#include "train/recommend_train.h"

enum {
    POLL_MS = 2000,
    OUTPUT_MAX = 1 << 20,
    KILL_AFTER_MS = 5000,
    KEEP_VERSIONS = 5,
    MESSAGE_MAX = 120
};

/* At most this often a job's progress is written: each time is a transaction. */
static const int64_t progress_every_ns = 500000000;

static const int64_t compact_every_ns = 86400 * 1000000000LL;

static const char runner_name[] = "server";

struct runner {
    struct store *store;
    struct engine *engine;
    char *program; /* owned */
    void (*published)(void *arg);
    void *published_arg;
    struct thread thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken, stopping;
    int64_t compact_at_ns; /* monotonic: when a compaction is due; the thread's own */
};

/* --- the child ------------------------------------------------------------------------------- */

struct child {
    pid_t pid; /* and the number of its process group */
    int out;   /* read end of its standard output */
};

static enum err_code spawn(const struct runner *r, struct child *c, struct err *err)
{
    int pipe_fds[2];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    const char *const argv[] = {r->program,   "train",  "--no-publish",      "--json",
                                "--progress", "--data", store_dir(r->store), NULL};
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return err_set_errno(err, ERR_IO, errno, "no pipe for the training process");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none); /* this thread has all signals blocked; the child must not inherit that */
    posix_spawnattr_setsigmask(&attributes, &none);
    /* A group of its own, so that what it starts ends with it. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn(&c->pid, r->program, &actions, &attributes,
                             (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(pipe_fds[1]);
    if (failed) {
        close(pipe_fds[0]);
        return err_set_errno(err, ERR_IO, failed, "%s cannot be started", r->program);
    }
    c->out = pipe_fds[0];
    return ERR_OK;
}

static bool stopping(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool stop = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

/* What is known of a running job and not yet written. */
struct report {
    struct runner *r;
    int64_t no;
    double progress; /* 0..1 */
    char message[MESSAGE_MAX];
    bool fresh;        /* since it was last written */
    int64_t next_ns;   /* when it may be written again */
    struct buf line;   /* what is read of a line whose end has not come */
    struct buf result; /* all lines that are not progress */
};

static enum err_code write_progress(struct store_tx *tx, void *arg, struct err *err)
{
    const struct report *p = arg;
    return job_progress(tx, p->no, p->progress, str_of(p->message), err);
}

static void store_report(struct report *p)
{
    struct err err;
    int64_t now = clock_mono_ns();
    if (!p->fresh || now < p->next_ns)
        return;
    if (store_write(p->r->store, write_progress, p, &err) != ERR_OK)
        log_warn("a job's progress cannot be recorded", LOG_I64("job", p->no), LOG_ERR_TEXT(&err));
    p->fresh = false;
    p->next_ns = now + progress_every_ns;
}

/* {"progress":0.25,"message":"measuring"}; false for any other line. */
static bool take_progress(struct report *p, struct str line)
{
    struct arena arena;
    struct json_reader r;
    struct str key, message = {0};
    double progress = -1;
    if (!str_starts(line, STR_LIT("{\"progress\":")))
        return false;
    arena_init(&arena, 0, 1 << 16);
    jr_init(&r, line, &arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key)) {
            if (str_is(key, "progress"))
                jr_double(&r, &progress);
            else if (str_is(key, "message"))
                jr_str_max(&r, MESSAGE_MAX - 1, &message);
        }
    bool taken = jr_end(&r, NULL) == ERR_OK && progress >= 0 && progress <= 1;
    if (taken) {
        p->progress = progress;
        snprintf(p->message, sizeof p->message, "%.*s", STR_ARG(message));
        p->fresh = true;
    }
    arena_release(&arena);
    return taken;
}

static void end_line(struct report *p)
{
    if (!take_progress(p, str_trim(buf_str(&p->line))))
        buf_put(&p->result, p->line.data, p->line.len);
    buf_reset(&p->line);
}

static void take_output(struct report *p, struct str block)
{
    while (block.n) {
        const char *end = memchr(block.p, '\n', block.n);
        size_t n = end ? (size_t)(end - block.p) + 1 : block.n;
        buf_put(&p->line, block.p, n);
        if (end)
            end_line(p);
        block = (struct str){block.p + n, block.n - n};
    }
}

/* Read what it prints until it ends; ask it to stop when the server does. */
static void follow(struct runner *r, const struct child *c, struct report *report)
{
    int64_t asked_ns = 0;
    for (;;) {
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        int ready = poll(&p, 1, 200);
        if (stopping(r) && asked_ns == 0) {
            kill(-c->pid, SIGTERM);
            asked_ns = clock_mono_ns();
        }
        if (asked_ns && clock_mono_ns() - asked_ns > KILL_AFTER_MS * 1000000LL)
            kill(-c->pid, SIGKILL);
        store_report(report);
        if (ready <= 0)
            continue;
        char block[4096];
        ssize_t n = read(c->out, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        take_output(report, (struct str){block, (size_t)n});
    }
    end_line(report);
}

static enum err_code run_child(struct runner *r, struct report *report, int *exit_status,
                               struct err *err)
{
    struct child c;
    int status = 0;
    enum err_code code = spawn(r, &c, err);
    if (code != ERR_OK)
        return code;
    follow(r, &c, report);
    close(c.out);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status))
        return err_set(err, stopping(r) ? ERR_CANCELLED : ERR_INTERNAL,
                       "the training process ended by signal %d", WTERMSIG(status));
    *exit_status = WEXITSTATUS(status);
    return ERR_OK;
}

/* --- compaction ------------------------------------------------------------------------------ */

static bool stopping_fn(void *arg)
{
    return stopping(arg);
}

static enum err_code compact(struct runner *r, struct buf *out, struct err *err)
{
    struct compact_report report;
    struct json_writer w;
    enum err_code code = housekeeping_run(r->store, r->engine, stopping_fn, r, &report, err);
    if (code != ERR_OK)
        return code;
    jw_init(&w, out);
    housekeeping_json(&report, &w);
    return jw_end(&w, "the report", err);
}

/* So that what is erased is not learned from once more. */
static void compact_first(struct runner *r)
{
    struct err err;
    if (housekeeping_run(r->store, r->engine, stopping_fn, r, NULL, &err) != ERR_OK)
        log_warn("there was no compaction before the training", LOG_ERR_TEXT(&err));
}

/* --- training -------------------------------------------------------------------------------- */

static bool version_of(struct str json, struct arena *arena, char version[VERSION_SIZE])
{
    struct json_reader r;
    struct str key, text = {NULL, 0};
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key))
            if (str_is(key, "version"))
                jr_str(&r, &text);
    if (jr_end(&r, NULL) != ERR_OK || text.n == 0 || text.n >= VERSION_SIZE)
        return false;
    memcpy(version, text.p, text.n);
    version[text.n] = '\0';
    return true;
}

static enum err_code train(struct runner *r, struct report *report, struct err *err)
{
    char version[VERSION_SIZE];
    struct arena arena;
    bool published = false;
    int status = 0;
    compact_first(r);
    enum err_code code = run_child(r, report, &status, err);
    if (code != ERR_OK)
        return code;
    arena_init(&arena, 0, OUTPUT_MAX);
    bool written = version_of(buf_str(&report->result), &arena, version);
    arena_release(&arena);
    if (!written)
        return err_set(err, ERR_INTERNAL, "training failed with exit status %d; the log has why",
                       status);
    code = recommend_publish(r->store, version, false, &published, err);
    if (code == ERR_OK && published && r->published)
        r->published(r->published_arg);
    struct err why;
    if (code == ERR_OK && recommend_gc(r->store, KEEP_VERSIONS, NULL, &why) != ERR_OK)
        log_warn("old model versions stay", LOG_ERR_TEXT(&why));
    return code;
}

/* --- jobs ------------------------------------------------------------------------------------ */

struct ending {
    int64_t no;
    enum job_state state;
    struct str message, result;
};

static enum err_code finish_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct ending *e = arg;
    return job_finish(tx, e->no, e->state, e->message, e->result, err);
}

static void perform(struct runner *r, const struct job *job)
{
    struct report report = {.r = r, .no = job->no};
    struct err err, why;
    buf_init(&report.line, OUTPUT_MAX);
    buf_init(&report.result, OUTPUT_MAX);
    enum err_code code = str_is(job->kind, "train") ? train(r, &report, &err)
                         : str_is(job->kind, "compact")
                             ? compact(r, &report.result, &err)
                             : err_set(&err, ERR_UNSUPPORTED, "there is no such kind of job");
    struct ending e = {
        .no = job->no, .state = JOB_DONE, .result = str_trim(buf_str(&report.result))};
    if (code != ERR_OK) {
        e = (struct ending){.no = job->no,
                            .state = code == ERR_CANCELLED ? JOB_CANCELLED : JOB_FAILED,
                            .message = str_of(err.msg)};
        log_error("job failed", LOG_I64("job", job->no), LOG_ERR_TEXT(&err));
    }
    if (store_write(r->store, finish_job, &e, &why) != ERR_OK)
        log_error("a job's end cannot be recorded", LOG_I64("job", job->no), LOG_ERR_TEXT(&why));
    buf_release(&report.line);
    buf_release(&report.result);
}

struct taking {
    struct arena *arena;
    struct job job;
};

static enum err_code take_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct taking *t = arg;
    return job_take(tx, (struct str){NULL, 0}, str_of(runner_name), t->arena, &t->job, err);
}

/* One job, if there is one. */
static bool run_one(struct runner *r)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 0, 1 << 20);
    struct taking t = {.arena = &arena};
    enum err_code code = store_write(r->store, take_job, &t, &err);
    if (code == ERR_OK)
        perform(r, &t.job);
    else if (code != ERR_NOT_FOUND)
        log_error("jobs cannot be read", LOG_ERR_TEXT(&err));
    arena_release(&arena);
    return code == ERR_OK;
}

static bool await(struct runner *r)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += POLL_MS / 1000;
    pthread_mutex_lock(&r->lock);
    if (!r->woken && !r->stopping)
        pthread_cond_timedwait(&r->wake, &r->lock, &until);
    r->woken = false;
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

static void loop(void *arg)
{
    struct runner *r = arg;
    do {
        queue_compaction(r);
        while (!stopping(r) && run_one(r))
            continue;
    } while (await(r));
}

static enum err_code abandon(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return jobs_abandon(tx, str_of(runner_name), NULL, err);
}

enum err_code runner_start(const struct runner_options *options, struct runner **out,
                           struct err *err)
{
    enum err_code code = store_write(options->store, abandon, NULL, err);
    if (code != ERR_OK)
        return code;
    struct runner *r = MEM_NEW(struct runner);
    r->store = options->store;
    r->engine = options->engine;
    r->program = mem_dup(options->program, strlen(options->program));
    r->published = options->published;
    r->published_arg = options->published_arg;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    code = thread_start(&r->thread, "jobs", loop, r, err);
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
    r->woken = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void runner_stop(struct runner *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    thread_join(&r->thread);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->wake);
    mem_free(r->program);
    mem_free(r);
}
