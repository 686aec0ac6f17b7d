/* gorse_health.c - /api/health and /api/measurements: how it goes, and how well it recommends. */
#include <stdatomic.h>

#include "api/gorse.h"
#include "base/clock.h"
#include "store/models.h"

enum { MEASUREMENT_DAYS = 100, METRIC_NAME_MAX = 64 };

/* --- health ------------------------------------------------------------------------------------ */

/* Store and engine are one process: what Gorse's two stores say of themselves is the same here. */
static enum err_code reply_health(struct call *call, bool always, struct err *err)
{
    struct store_stats s;
    struct json_writer w;
    bool ready = !atomic_load(&call->api->draining);
    store_stats(call->api->o.store, &s);
    bool connected = s.failure.code == ERR_OK;
    begin_json(call, &w);
    jw_obj(&w);
    JW_BOOL(&w, "Ready", ready);
    JW_Z(&w, "DataStoreError", connected ? NULL : err_code_name(s.failure.code));
    JW_NULL(&w, "CacheStoreError");
    JW_BOOL(&w, "DataStoreConnected", connected);
    JW_BOOL(&w, "CacheStoreConnected", true);
    jw_obj_end(&w);
    return reply_json(call, ready || always ? 200 : 503, &w, err);
}

static enum err_code get_live(struct call *call, struct err *err)
{
    return reply_health(call, true, err);
}

static enum err_code get_ready(struct call *call, struct err *err)
{
    return reply_health(call, false, err);
}

/* --- measurements ------------------------------------------------------------------------------ */

/* "NDCG@10" is "ndcg": as the manifest of a model calls it. */
static struct str metric_of(struct str name, char out[METRIC_NAME_MAX])
{
    size_t n = 0;
    for (; n < name.n && n < METRIC_NAME_MAX && name.p[n] != '@'; n++)
        out[n] = name.p[n] >= 'A' && name.p[n] <= 'Z' ? (char)(name.p[n] + 32) : name.p[n];
    return (struct str){out, n};
}

/* manifest.metrics.factors.METRIC; false where there is none. */
static bool find_metric(struct str manifest, struct str metric, struct arena *arena, double *out)
{
    static const char *const path[] = {"metrics", "factors", NULL};
    struct json_reader r;
    struct str key;
    bool found = false;
    size_t depth = 0;
    jr_init(&r, manifest, arena);
    if (manifest.n == 0 || !jr_obj(&r))
        return false;
    while (jr_key(&r, &key))
        if (path[depth] && str_is(key, path[depth]) && jr_peek(&r) == JR_OBJECT && jr_obj(&r))
            depth++;
        else if (!path[depth] && str_eq(key, metric) && jr_peek(&r) == JR_NUMBER)
            return jr_double(&r, out);
    return found;
}

struct measurements {
    struct str name, metric;
    int64_t since; /* UTC microseconds */
    struct json_writer w;
};

static enum err_code list_measurements(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct measurements *m = arg;
    struct db_rows rows = {0};
    struct model_version version;
    bool more;
    double value;
    enum err_code code = models_list(db, STR_LIT("recommend"), &rows, err);
    while (code == ERR_OK && (code = models_next(&rows, &version, &more, err)) == ERR_OK && more) {
        if (version.created_at < m->since ||
            !find_metric(version.manifest, m->metric, call->arena, &value))
            continue;
        jw_obj(&m->w);
        JW_STR(&m->w, "Name", m->name);
        JW_TIME(&m->w, "Timestamp", version.created_at);
        JW_DOUBLE(&m->w, "Value", value);
        jw_obj_end(&m->w);
    }
    db_rows_close(&rows);
    return code;
}

/* What each version of the model measured, of the last n days, the newest first. */
static enum err_code get_measurements(struct call *call, struct err *err)
{
    char metric[METRIC_NAME_MAX];
    struct measurements m = {.name = gorse_param(call, "name")};
    int64_t days;
    enum err_code code =
        gorse_number(call, "n", MEASUREMENT_DAYS, 0, 100 * MEASUREMENT_DAYS, &days, err);
    if (code != ERR_OK)
        return code;
    m.metric = metric_of(m.name, metric);
    m.since = clock_now_us() - days * CLOCK_US_PER_DAY;
    begin_json(call, &m.w);
    jw_arr(&m.w);
    code = call_read(call, list_measurements, &m, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&m.w);
    return reply_json(call, 200, &m.w, err);
}

#define PROBE (ENDPOINT_GORSE | ENDPOINT_QUIET)

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/api/health/live", AUTH_NONE, get_live, PROBE, NO_PARAMS},
    {HTTP_GET, "/api/health/ready", AUTH_NONE, get_ready, PROBE, NO_PARAMS},
    {HTTP_GET, "/api/measurements/{name}", AUTH_SERVER, get_measurements, ENDPOINT_GORSE,
     NO_PARAMS},
};
ENDPOINT_GROUP(gorse_health_endpoints, endpoints);
