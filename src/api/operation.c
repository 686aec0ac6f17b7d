/* operation.c - for those who run it: health, readiness, metrics. */
#include <stdatomic.h>

#include "api/api_int.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/imports.h"
#include "store/jobs.h"
#include "store/quarantine.h"

enum { STALL_MS = 10000 };

static const char *what_stalls(struct call *call)
{
    struct store_stats store;
    struct engine_stats engine;
    struct http_server *server = *call->api->o.server;
    store_stats(call->api->o.store, &store);
    engine_stats(call->api->o.engine, &engine);
    if (server && http_server_stalled_ms(server) > STALL_MS)
        return "an event loop makes no progress";
    if (store.stalled_ms > STALL_MS)
        return "the store's writer makes no progress";
    return engine.stalled_ms > STALL_MS ? "the change log is not followed" : NULL;
}

static enum err_code get_health(struct call *call, struct err *err)
{
    const char *why = what_stalls(call);
    struct json_writer w;
    begin_json(call, &w);
    jw_obj(&w);
    JW_BOOL(&w, "healthy", why == NULL);
    if (why)
        JW_Z(&w, "reason", why);
    jw_obj_end(&w);
    return reply_json(call, why ? 503 : 200, &w, err);
}

/* How writing goes. The message of a failure names paths: it stays inside. */
static void write_writes(const struct store_stats *s, struct json_writer *w)
{
    JW_OBJ(w, "writes");
    JW_U64(w, "queued", s->queued);
    JW_U64(w, "commits", s->groups);
    JW_U64(w, "failed_commits", s->failed_commits);
    JW_DECIMAL(w, "per_commit", s->groups ? (double)s->jobs / (double)s->groups : 0, 2);
    JW_DECIMAL(w, "last_commit_ms", (double)s->commit_ns / 1e6, 3);
    JW_I64(w, "log_bytes", s->log_bytes);
    JW_KEY(w, "failure");
    if (s->failure.code == ERR_OK) {
        jw_null(w);
    } else {
        jw_obj(w);
        JW_Z(w, "code", err_code_name(s->failure.code));
        JW_TIME(w, "at", s->failure_at);
        jw_obj_end(w);
    }
    jw_obj_end(w);
}

static enum err_code get_ready(struct call *call, struct err *err)
{
    struct engine_stats e;
    struct store_stats s;
    struct json_writer w;
    bool ready = !atomic_load(&call->api->draining);
    engine_stats(call->api->o.engine, &e);
    store_stats(call->api->o.store, &s);
    begin_json(call, &w);
    jw_obj(&w);
    JW_BOOL(&w, "ready", ready);
    JW_Z(&w, "store", e.failure[0] || s.failure.code != ERR_OK ? "failing" : "ok");
    if (!ready)
        JW_Z(&w, "reason", "draining");
    write_writes(&s, &w);
    JW_OBJ(&w, "view");
    JW_U64(&w, "products", e.products);
    JW_U64(&w, "segments", e.segments);
    JW_I64(&w, "position", e.position);
    JW_Z(&w, "model", e.model[0] ? e.model : NULL);
    jw_obj_end(&w);
    jw_obj_end(&w);
    return reply_json(call, ready ? 200 : 503, &w, err);
}

/* --- figures that stand in the store --------------------------------------------------------- */

static enum err_code read_quarantine(struct db *db, struct arena *arena, struct err *err)
{
    struct db_rows rows = {0};
    struct quarantine_kind k;
    bool more;
    enum err_code code = quarantine_kinds(db, &rows, err);
    while (code == ERR_OK && (code = quarantine_kinds_next(&rows, &k, &more, err)) == ERR_OK &&
           more) {
        const char *kind = arena_str(arena, k.kind).p;
        gauge_set(METRIC_GAUGE("aisle_quarantine_rows", "Rows in quarantine", {"kind", kind}),
                  (double)k.kept);
        gauge_set(METRIC_GAUGE("aisle_quarantine_dropped_rows",
                               "Rows that found the quarantine of their kind full, ever",
                               {"kind", kind}),
                  (double)k.dropped);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code read_figures(struct call *call, struct db *db, void *arg, struct err *err)
{
    int64_t jobs[JOB_STATES];
    struct import_counts imports;
    (void)arg;
    enum err_code code = read_quarantine(db, call->arena, err);
    if (code == ERR_OK)
        code = jobs_count(db, jobs, err);
    for (int i = 0; i < JOB_STATES && code == ERR_OK; i++)
        gauge_set(METRIC_GAUGE("aisle_jobs", "Jobs that the register has",
                               {"state", job_state_name((enum job_state)i)}),
                  (double)jobs[i]);
    if (code == ERR_OK)
        code = imports_count(db, &imports, err);
    if (code != ERR_OK)
        return code;
    gauge_set(METRIC_GAUGE("aisle_imported_files", "Files imported", {"state", "done"}),
              (double)imports.done);
    gauge_set(METRIC_GAUGE("aisle_imported_files", "Files imported", {"state", "unfinished"}),
              (double)imports.unfinished);
    gauge_set(METRIC_GAUGE("aisle_imported_lines", "Lines of imported files that are stored"),
              (double)imports.lines);
    return ERR_OK;
}

static enum err_code get_metrics(struct call *call, struct err *err)
{
    struct buf *text = http_request_scratch(call->req);
    struct err why; /* the rest is shown all the same */
    if (call_read(call, read_figures, NULL, &why) != ERR_OK)
        log_warn("figures of the store cannot be read", LOG_ERR_TEXT(&why));
    metrics_render(metrics_default(), text);
    enum err_code code = buf_ok(text, "the metrics", err);
    if (code == ERR_OK)
        http_reply(call->req,
                   &(struct http_reply){.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                        .body = buf_str(text)});
    return code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/healthz", AUTH_NONE, get_health, ENDPOINT_QUIET, NO_PARAMS},
    {HTTP_GET, "/readyz", AUTH_NONE, get_ready, ENDPOINT_QUIET, NO_PARAMS},
    {HTTP_GET, "/metrics", AUTH_NONE, get_metrics, ENDPOINT_QUIET, NO_PARAMS},
};
ENDPOINT_GROUP(operation_endpoints, endpoints);
