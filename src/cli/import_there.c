#include "cli/import_there.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "base/signal.h"
#include "cli/control.h"
#include "store/jobs.h"

enum { TARGET_MAX = 8 << 10, ASK_EVERY_MS = 200, JOB_MAX = 4 << 20 };

/* --- asking for it --------------------------------------------------------------------------- */

static void put_param(struct buf *out, const char *name, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";
    if (!value)
        return;
    buf_printf(out, "&%s=", name);
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
            *p == '-' || *p == '.' || *p == '_')
            buf_putc(out, (char)*p);
        else
            buf_printf(out, "%%%c%c", hex[*p >> 4], hex[*p & 15]);
}

/* A path that means the same in the server's working folder. */
static const char *absolute(const char *path, char out[FS_PATH_MAX])
{
    char folder[FS_PATH_MAX];
    return path[0] != '/' && getcwd(folder, sizeof folder) &&
                   fs_join(out, folder, path, NULL) == ERR_OK
               ? out
               : path;
}

static enum err_code write_target(const struct import_options *o, struct buf *out, struct err *err)
{
    char path[FS_PATH_MAX], mapping_path[FS_PATH_MAX];
    struct str mapping = str_of(o->mapping);
    bool is_file = str_ends(mapping, STR_LIT(".yaml")) || str_ends(mapping, STR_LIT(".yml"));
    buf_printf(out, "/v1/imports?kind=%s", import_kind_name(o->kind));
    if (strcmp(o->path, "-") != 0)
        put_param(out, "path", absolute(o->path, path));
    put_param(out, "name", o->path);
    put_param(out, "format", o->format);
    put_param(out, "charset", o->charset);
    put_param(out, "mapping", is_file ? absolute(o->mapping, mapping_path) : o->mapping);
    put_param(out, "currency", o->currency);
    put_param(out, "full", o->full ? "true" : NULL);
    put_param(out, "force", o->force ? "true" : NULL);
    put_param(out, "dry_run", o->dry_run ? "true" : NULL);
    return buf_ok(out, "the command line", err);
}

static enum err_code read_input(void *arg, char *out, size_t cap, size_t *n, struct err *err)
{
    (void)arg;
    ssize_t got;
    *n = 0;
    do {
        enum err_code code = signal_check(err);
        if (code != ERR_OK)
            return code;
        got = read(STDIN_FILENO, out, cap);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set_errno(err, ERR_IO, errno, "standard input");
    *n = (size_t)got;
    return ERR_OK;
}

/* --- the job --------------------------------------------------------------------------------- */

struct watched {
    int64_t no;
    enum job_state state;
    double progress;
    struct str message, result; /* in the arena */
};

static bool state_of(struct str name, enum job_state *out)
{
    for (int s = JOB_QUEUED; s <= JOB_CANCELLED; s++)
        if (str_is(name, job_state_name((enum job_state)s))) {
            *out = (enum job_state)s;
            return true;
        }
    return false;
}

static enum err_code read_job(struct str json, struct arena *arena, struct watched *out,
                              struct err *err)
{
    static const char *const names[] = {"id", "state", "progress", "message", "result"};
    struct jr_fields fields = {.names = names, .n = 5};
    struct json_reader r;
    struct str state = {NULL, 0}, raw = {NULL, 0};
    int field;
    *out = (struct watched){0};
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 0)
                jr_i64(&r, 1, INT64_MAX, &out->no);
            else if (field == 1)
                jr_str(&r, &state);
            else if (field == 2)
                jr_double(&r, &out->progress);
            else if (field == 3)
                jr_str(&r, &out->message);
            else
                jr_raw(&r, &raw);
        }
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && !state_of(state, &out->state))
        return err_set(err, ERR_UNSUPPORTED, "the server's version tells a job otherwise");
    out->message = arena_str(arena, out->message);
    out->result = arena_str(arena, raw);
    return code;
}

static enum err_code ask_job(const struct args *args, const char *method, int64_t no,
                             struct arena *arena, struct watched *out, struct err *err)
{
    char target[64];
    struct buf body;
    snprintf(target, sizeof target, "/v1/jobs/%" PRId64, no);
    const struct http_client_request request = {.method = method, .target = target};
    enum err_code code = control_ask(args, &request, &body, err);
    if (code == ERR_OK && out) {
        arena_reset(arena);
        code = read_job(buf_str(&body), arena, out, err);
    }
    if (code == ERR_OK)
        buf_release(&body);
    return code;
}

/* How far the import is, told as the import itself would tell it. */
struct telling {
    struct progress progress;
    enum progress_style style;
    uint64_t bytes, shown; /* of the file */
};

static void tell(struct telling *t, double share)
{
    uint64_t done = (uint64_t)(share * (double)t->bytes);
    if (!t->progress.label)
        progress_open(&t->progress, "import", "B", t->bytes, t->style);
    if (done > t->shown) {
        progress_add(&t->progress, done - t->shown);
        t->shown = done;
    }
}

/* Until it has ended. */
static enum err_code follow(const struct args *args, int64_t no, struct telling *telling,
                            struct arena *arena, struct watched *job, struct err *err)
{
    static const struct timespec pause = {0, ASK_EVERY_MS * 1000000L};
    bool asked_to_stop = false;
    for (;;) {
        enum err_code code = ask_job(args, "GET", no, arena, job, err);
        if (code != ERR_OK)
            return code;
        if (job->progress > 0)
            tell(telling, job->progress);
        if (job->state > JOB_RUNNING)
            return ERR_OK;
        if (signal_stopping() && !asked_to_stop) {
            asked_to_stop = true;
            if (ask_job(args, "DELETE", no, arena, NULL, err) == ERR_CONFLICT)
                continue; /* it has just ended */
        }
        nanosleep(&pause, NULL);
    }
}

/* What the import itself would have returned. */
static enum err_code outcome(const struct watched *job, struct import_report *report,
                             struct err *err)
{
    struct json_reader r;
    struct str key, name = {NULL, 0};
    import_report_read(report, job->result);
    if (job->state == JOB_DONE)
        return ERR_OK;
    enum err_code code = job->state == JOB_CANCELLED ? ERR_CANCELLED : ERR_INTERNAL;
    jr_init(&r, job->result, NULL);
    if (job->result.n && jr_obj(&r))
        while (jr_key(&r, &key)) {
            if (str_is(key, "error"))
                jr_str(&r, &name);
        }
    for (int c = ERR_OK + 1; name.n && c < ERR_CODES; c++)
        if (str_is(name, err_code_name((enum err_code)c)))
            code = (enum err_code)c;
    return err_set(err, code, "%.*s", STR_ARG(job->message));
}

static enum err_code start(const struct args *args, const struct import_options *o,
                           struct arena *arena, struct watched *job, struct err *err)
{
    struct buf target, body;
    buf_init(&target, TARGET_MAX);
    enum err_code code = write_target(o, &target, err);
    struct http_client_request request = {.method = "POST", .target = target.data};
    if (strcmp(o->path, "-") == 0)
        request.read = read_input;
    if (code == ERR_OK)
        code = control_ask(args, &request, &body, err);
    buf_release(&target);
    if (code != ERR_OK)
        return code == ERR_UNAVAILABLE ? code : err_prefix(err, code, "%s", o->path);
    code = read_job(buf_str(&body), arena, job, err);
    buf_release(&body);
    return code;
}

enum err_code import_there(const struct args *args, const struct import_options *o,
                           struct import_report *report, struct err *err)
{
    struct arena arena;
    struct watched job = {0};
    struct telling telling = {.style = o->progress};
    struct stat st;
    if (strcmp(o->path, "-") != 0 && stat(o->path, &st) == 0)
        telling.bytes = (uint64_t)st.st_size;
    *report = (struct import_report){.kind = o->kind, .dry_run = o->dry_run};
    arena_init(&arena, 0, JOB_MAX);
    enum err_code code = start(args, o, &arena, &job, err);
    if (code == ERR_OK)
        code = follow(args, job.no, &telling, &arena, &job, err);
    if (code == ERR_UNAVAILABLE && job.no)
        code = err_set(err, code,
                       "%s: the server has ended before the import; run it again, it goes on there",
                       o->path);
    progress_close(&telling.progress);
    if (code == ERR_OK)
        code = outcome(&job, report, err);
    arena_release(&arena);
    return code;
}
