/* operation.c - for those who run it: health, readiness, metrics. */
#include <stdatomic.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "base/metrics.h"

enum { STALL_MS = 10000 };

/* Beats of a thread, and when they last moved. */
struct pulse {
    _Atomic uint64_t beats;
    _Atomic int64_t moved_ns;
};

/* Has the thread stood still for too long? Seen from the probes alone, so the first sight counts as a
 * move. */
static bool stalled(struct pulse *p, uint64_t beats)
{
    int64_t now = clock_mono_ns();
    if (atomic_exchange(&p->beats, beats) != beats || atomic_load(&p->moved_ns) == 0) {
        atomic_store(&p->moved_ns, now);
        return false;
    }
    return now - atomic_load(&p->moved_ns) > STALL_MS * 1000000LL;
}

static struct pulse writer, follower;

static const char *what_stalls(struct call *call)
{
    struct store_stats store;
    struct engine_stats engine;
    struct http_server *server = *call->api->o.server;
    if (server && http_server_stalled_ms(server) > STALL_MS)
        return "an event loop makes no progress";
    if (call->api->o.read_only)
        return NULL;
    store_stats(call->api->o.store, &store);
    if (stalled(&writer, store.beats))
        return "the store's writer makes no progress";
    engine_stats(call->api->o.engine, &engine);
    if (stalled(&follower, engine.beats))
        return "the change log is not followed";
    return NULL;
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

static enum err_code get_ready(struct call *call, struct err *err)
{
    struct engine_stats e;
    struct json_writer w;
    bool ready = !atomic_load(&call->api->draining);
    engine_stats(call->api->o.engine, &e);
    begin_json(call, &w);
    jw_obj(&w);
    JW_BOOL(&w, "ready", ready);
    JW_Z(&w, "store", e.failure[0] ? "failing" : "ok");
    if (!ready)
        JW_Z(&w, "reason", "draining");
    JW_OBJ(&w, "view");
    JW_U64(&w, "products", e.products);
    JW_U64(&w, "segments", e.segments);
    JW_I64(&w, "position", e.position);
    JW_Z(&w, "model", e.model[0] ? e.model : NULL);
    jw_obj_end(&w);
    jw_obj_end(&w);
    return reply_json(call, ready ? 200 : 503, &w, err);
}

static enum err_code get_metrics(struct call *call, struct err *err)
{
    struct buf *text = http_request_scratch(call->req);
    metrics_render(metrics_default(), text);
    enum err_code code = buf_ok(text, "the metrics", err);
    if (code == ERR_OK)
        http_reply(call->req,
                   &(struct http_reply){.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                        .body = buf_str(text)});
    return code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/healthz", AUTH_NONE, get_health, ENDPOINT_QUIET},
    {HTTP_GET, "/readyz", AUTH_NONE, get_ready, ENDPOINT_QUIET},
    {HTTP_GET, "/metrics", AUTH_NONE, get_metrics, ENDPOINT_QUIET},
};
ENDPOINT_GROUP(operation_endpoints, endpoints);
