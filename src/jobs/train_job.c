/* train_job.c - "compact", and "train": this program as `aisle train` in a process of its own, followed on a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_reader.h"
#include "base/log.h"
#include "jobs/housekeeping.h"
#include "jobs/runner_int.h"
#include "jobs/train_args.h"
#include "train/recommend_train.h"

enum { KILL_AFTER_MS = 5000, KEEP_VERSIONS = 5, MESSAGE_MAX = 120 };

/* --- the child ------------------------------------------------------------------------------- */

struct child {
    pid_t pid; /* and the number of its process group */
    int out;   /* read end of its standard output */
};

static enum err_code spawn(const struct runner *r, const struct train_args *args, struct child *c,
                           struct err *err)
{
    int pipe_fds[2];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    const char *const argv[] = {
        r->program,          "train",
        "--no-publish",      "--json",
        "--progress",        "--data",
        store_dir(r->store), args->params ? "--params" : args->refit ? "--refit" : NULL,
        args->params,        NULL};
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

/* What is known of a running job and not yet written. */
struct report {
    struct runner *r;
    struct work *work;
    double progress; /* 0..1 */
    char message[MESSAGE_MAX];
    bool fresh;      /* since it was last written */
    struct buf line; /* what is read of a line whose end has not come */
};

static void store_report(struct report *p)
{
    if (p->fresh && work_tell(p->work, p->progress, str_of(p->message)))
        p->fresh = false;
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
    if (take_progress(p, str_trim(buf_str(&p->line))))
        store_report(p);
    else
        buf_put(&p->work->result, p->line.data, p->line.len);
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

/* Read what it prints until it ends; ask it to stop when it must. */
static void follow(const struct child *c, struct report *report)
{
    int64_t asked_ns = 0;
    for (;;) {
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        int ready = poll(&p, 1, 200);
        if (work_must_end(report->work) && asked_ns == 0) {
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

static enum err_code run_child(struct runner *r, const struct train_args *args,
                               struct report *report, int *exit_status, struct err *err)
{
    struct child c;
    int status = 0;
    enum err_code code = spawn(r, args, &c, err);
    if (code != ERR_OK)
        return code;
    follow(&c, report);
    close(c.out);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status))
        return err_set(err, work_must_end(report->work) ? ERR_CANCELLED : ERR_INTERNAL,
                       "the training process ended by signal %d", WTERMSIG(status));
    *exit_status = WEXITSTATUS(status);
    return ERR_OK;
}

/* --- training -------------------------------------------------------------------------------- */

/* The version that was written. *skipped: a refit that was not due, which writes none. */
static bool version_of(struct str json, struct arena *arena, char version[VERSION_SIZE],
                       bool *skipped)
{
    struct json_reader r;
    struct str key, inner, text = {NULL, 0};
    *skipped = false;
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key)) {
            if (str_is(key, "version") && jr_peek(&r) != JR_NULL)
                jr_str(&r, &text);
            else if (str_is(key, "refit") && jr_obj(&r))
                while (jr_key(&r, &inner))
                    if (str_is(inner, "skipped"))
                        jr_bool(&r, skipped);
        }
    if (jr_end(&r, NULL) != ERR_OK || text.n == 0 || text.n >= VERSION_SIZE)
        return false;
    memcpy(version, text.p, text.n);
    version[text.n] = '\0';
    return true;
}

/* --- compaction ------------------------------------------------------------------------------ */

static bool must_end(void *arg)
{
    return work_must_end(arg);
}

enum err_code compact_job(struct work *work, struct err *err)
{
    struct runner *r = work->runner;
    struct compact_report report;
    struct json_writer w;
    enum err_code code = housekeeping_run(r->store, r->o.engine, must_end, work, &report, err);
    if (code != ERR_OK)
        return code;
    jw_init(&w, &work->result);
    housekeeping_json(&report, &w);
    return jw_end(&w, "the report", err);
}

/* So that what is erased is not learned from once more. */
static void compact_first(struct work *work)
{
    struct runner *r = work->runner;
    struct err err;
    if (housekeeping_run(r->store, r->o.engine, must_end, work, NULL, &err) != ERR_OK)
        log_warn("there was no compaction before the training", LOG_ERR_TEXT(&err));
}

enum err_code train_job(struct work *work, struct err *err)
{
    struct runner *r = work->runner;
    struct report report = {.r = r, .work = work};
    char version[VERSION_SIZE];
    struct train_args args;
    struct arena arena;
    bool published = false;
    int status = 0;
    arena_init(&arena, 0, JOB_OUTPUT_MAX);
    enum err_code code = train_args_read(work->job->arguments, &arena, &args, err);
    if (code == ERR_OK) {
        compact_first(work);
        buf_init(&report.line, JOB_OUTPUT_MAX);
        code = run_child(r, &args, &report, &status, err);
        buf_release(&report.line);
    }
    if (code != ERR_OK) {
        arena_release(&arena);
        return code;
    }
    bool skipped, written = version_of(buf_str(&work->result), &arena, version, &skipped);
    arena_release(&arena);
    if (skipped)
        return ERR_OK;
    if (!written)
        return work_must_end(work)
                   ? err_set(err, ERR_CANCELLED, "the training was stopped")
                   : err_set(err, ERR_INTERNAL,
                             "training failed with exit status %d; the log has why", status);
    code = recommend_publish(r->store, version, false, &published, err);
    if (code == ERR_OK && published && r->o.published)
        r->o.published(r->o.published_arg);
    struct err why;
    if (code == ERR_OK && recommend_gc(r->store, KEEP_VERSIONS, NULL, &why) != ERR_OK)
        log_warn("old model versions stay", LOG_ERR_TEXT(&why));
    return code;
}
