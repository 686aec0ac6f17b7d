/* operation.c - for those who run it: health, readiness, metrics. */
#include <stdatomic.h>

#include "api/api_int.h"
#include "base/metrics.h"

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
