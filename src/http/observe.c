/* What a finished exchange leaves behind: counts, its time, a line in the log. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_int.h"

enum { CANCELLED_STATUS = 499 };

static void register_route(const struct http_listener *l, const char *method, const char *pattern,
                           struct http_route_metrics *out)
{
    static const char *const classes[6] = {"cancelled", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (int i = 0; i < 6; i++) {
        out->requests[i] =
            METRIC_COUNTER("aisle_http_requests_total", "Requests answered", {"listener", l->name},
                           {"method", method}, {"route", pattern}, {"status", classes[i]});
        out->took[i] = METRIC_LATENCY(
            "aisle_http_request_seconds",
            "From the last byte of a request to the last of its answer in the output buffer",
            {"listener", l->name}, {"method", method}, {"route", pattern}, {"status", classes[i]});
    }
}

void http_observe_init(struct http_listener *l)
{
    size_t n;
    const struct http_route *routes = http_router_routes(l->router, &n);
    l->metrics = mem_new(n + 1, sizeof *l->metrics);
    register_route(l, "any", l->local ? "any" : "none", &l->metrics[n]);
    /* What comes through a Unix socket is rare: its routes share their numbers. */
    for (size_t i = 0; i < n; i++)
        if (l->local)
            l->metrics[i] = l->metrics[n];
        else
            register_route(l, http_method_name(routes[i].method), routes[i].pattern,
                           &l->metrics[i]);
    l->refused = METRIC_COUNTER("aisle_http_connections_refused_total",
                                "Connections beyond a limit", {"listener", l->name});
}

static const struct http_route_metrics *metrics_of(const struct http_exchange *ex)
{
    size_t n;
    http_router_routes(ex->listener->router, &n);
    return &ex->listener->metrics[ex->match.route ? ex->match.index : n];
}

void http_observe(const struct http_exchange *ex)
{
    bool cancelled = atomic_load(&ex->cancelled);
    int64_t now_ns = clock_mono_ns();
    const struct http_route_metrics *m = metrics_of(ex);
    int class = cancelled ? 0 : ex->status / 100;
    counter_add(m->requests[class], 1);
    histogram_record(m->took[class], (uint64_t)(now_ns - ex->read_ns));
    bool wanted = ex->loop->server->config.access_log;
    if (!wanted || (ex->req.route && ex->req.route->no_access_log))
        return;
    log_set_request_id(ex->req.request_id);
    log_info("request", LOG_Z("listener", ex->listener->name),
             LOG_Z("method", http_method_name(ex->req.method)),
             LOG_Z("route", ex->req.route ? ex->req.route->pattern : "none"),
             LOG_I64("status", cancelled ? CANCELLED_STATUS : ex->status),
             LOG_I64("bytes", ex->reply_bytes), LOG_I64("us", (now_ns - ex->req.start_ns) / 1000));
    log_set_request_id((struct str){NULL, 0});
}
