/* import_job.c - "import": a file into the store of the running server.
 *
 * Readers are fed by the log of changes, and every write of others is answered once it has been applied.
 * So that nobody waits for the backlog of an import that writes faster than readers can be fed, it
 * waits itself, several times a second, until there is none. */
#include "base/clock.h"
#include "jobs/import_args.h"
#include "jobs/runner_int.h"

enum { ARENA_MAX = 256 << 10 };

static const int64_t settle_every_ns = 200000000;

struct watching {
    struct work *work;
    int64_t settled_ns;
};

/* Between transactions. */
static enum err_code watch(void *arg, uint64_t done_bytes, uint64_t total_bytes, struct err *err)
{
    struct watching *g = arg;
    struct work *w = g->work;
    if (clock_mono_ns() - g->settled_ns > settle_every_ns) {
        work_settle(w);
        g->settled_ns = clock_mono_ns();
    }
    if (work_must_end(w))
        return err_set(err, ERR_CANCELLED, "stopped on request");
    double share = total_bytes ? (double)done_bytes / (double)total_bytes : 0;
    work_tell(w, share < 1 ? share : 1, (struct str){NULL, 0});
    return ERR_OK;
}

/* The report, also of an import that failed: what it did before stays. */
static void write_result(struct work *w, const struct import_report *report, enum err_code code)
{
    struct json_writer json;
    jw_init(&json, &w->result);
    import_report_json(report, &json);
    if (code == ERR_OK)
        return;
    buf_truncate(&w->result, w->result.len - 1); /* the object's end */
    buf_printf(&w->result, ",\"error\":\"%s\"}", err_code_name(code));
}

enum err_code import_job(struct work *w, struct err *err)
{
    struct arena arena;
    struct import_args args;
    struct import_report report;
    struct watching watching = {w, 0};
    arena_init(&arena, 0, ARENA_MAX);
    enum err_code code = import_args_read(w->job->arguments, &arena, &args, err);
    if (code == ERR_OK) {
        args.options.shared = true;
        args.options.progress = PROGRESS_QUIET;
        args.options.watch = watch;
        args.options.watch_arg = &watching;
        code = import_file(w->runner->store, &args.options, &report, err);
        write_result(w, &report, code);
    }
    arena_release(&arena);
    return code;
}
