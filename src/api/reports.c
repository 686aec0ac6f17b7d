/* reports.c - what lists led to and what experiments have shown, told from the record.
 *
 * A report walks the events of its time and may take seconds: one thread of its own makes one after the other while
 * the request is suspended, and gives up where the client has left. */
#include "api/api_int.h"
#include "base/clock.h"
#include "eval/attribution.h"
#include "eval/experiment_report.h"

enum { DAYS = 7, WINDOW_DAYS_MAX = 90, REPORT_BYTES = 8 << 20 };

struct report;

/* Write the answer; on the thread of reports. */
typedef enum err_code make_fn(struct report *r, struct json_writer *w, struct err *err);

struct report {
    struct call *call;
    make_fn *make;
    struct buf text; /* the answer */
    enum err_code code;
    struct err err;
    /* of attribution */
    struct attribution_options options;
    unsigned by;
    /* of an experiment */
    struct experiment_entry entry;
};

static bool has_left(void *arg)
{
    const struct report *r = arg;
    return http_request_cancelled(r->call->req);
}

/* On the loop. */
static void reported(struct http_request *req)
{
    struct call *call = req->user;
    struct report *r = call->job_arg;
    if (r->code == ERR_OK)
        http_reply_json(req, 200, buf_str(&r->text));
    else
        reply_err(req, r->code, &r->err);
    buf_release(&r->text);
}

/* On the thread of reports. */
static void run_report(void *arg)
{
    struct report *r = arg;
    struct json_writer w;
    jw_init(&w, &r->text);
    r->code = r->make(r, &w, &r->err);
    if (r->code == ERR_OK)
        r->code = jw_end(&w, "the report", &r->err);
    http_request_resume(r->call->req, reported);
}

static enum err_code answer_later(struct report *r)
{
    struct call *call = r->call;
    buf_init(&r->text, REPORT_BYTES);
    call->job_arg = r;
    call->req->user = call;
    call->view = NULL;                    /* the guard gives it back */
    if (!http_request_suspend(call->req)) /* answered with 503 */
        return ERR_OK;
    if (pool_submit(call->api->reports, run_report, r) == ERR_OK)
        return ERR_OK; /* r is the thread's now */
    r->code = err_set(&r->err, ERR_BUSY, "too many reports at once");
    http_request_resume(call->req, reported);
    return ERR_OK;
}

static struct report *new_report(struct call *call, make_fn *make)
{
    struct report *r = ARENA_NEW(call->arena, struct report, 1);
    r->call = call;
    r->make = make;
    return r;
}

static enum err_code need_key(const struct call *call, struct err *err)
{
    return call->api->o.list_key
               ? ERR_OK
               : err_set(err, ERR_UNAVAILABLE, "this shop has not served a list that can be told");
}

/* --- attribution ----------------------------------------------------------------------------- */

enum { FROM, TO, BY, WINDOW };

static const struct param attribution_params[] = {
    [FROM] = {.name = STR_LIT("from")},
    [TO] = {.name = STR_LIT("to")},
    [BY] = {.name = STR_LIT("by")},
    [WINDOW] = {.name = STR_LIT("window_days"),
                .kind = PARAM_NUMBER,
                .fallback = ATTRIBUTION_WINDOW_US / CLOCK_US_PER_DAY,
                .lo = 1,
                .hi = WINDOW_DAYS_MAX},
};

static enum err_code time_param(const struct call *call, size_t at, const char *name, int64_t *out,
                                struct err *err)
{
    struct str text = call->values[at].text;
    if (text.n == 0)
        return ERR_OK;
    enum err_code code = clock_parse_iso(text, out, err);
    return code == ERR_OK ? code : err_prefix(err, code, "%s", name);
}

static enum err_code read_params(struct report *r, struct err *err)
{
    struct call *call = r->call;
    struct attribution_options *o = &r->options;
    *o = (struct attribution_options){
        .until = clock_now_us(),
        .window_us = call->values[WINDOW].number * CLOCK_US_PER_DAY,
        .key = call->api->o.list_key,
        .stopping = has_left,
        .arg = r,
    };
    enum err_code code = need_key(call, err);
    if (code != ERR_OK)
        return code;
    code = attribution_by_of(call->values[BY].text, &r->by, err);
    if (code != ERR_OK)
        return err_prefix(err, code, "by");
    code = time_param(call, TO, "to", &o->until, err);
    o->from = o->until - DAYS * CLOCK_US_PER_DAY;
    if (code == ERR_OK)
        code = time_param(call, FROM, "from", &o->from, err);
    return code == ERR_OK ? attribution_check(o, err) : code;
}

static enum err_code make_attribution(struct report *r, struct json_writer *w, struct err *err)
{
    return attribution_report(r->call->api->o.store, &r->options, r->by, w, err);
}

static enum err_code get_attribution(struct call *call, struct err *err)
{
    struct report *r = new_report(call, make_attribution);
    enum err_code code = read_params(r, err);
    return code == ERR_OK ? answer_later(r) : code;
}

/* --- experiments ----------------------------------------------------------------------------- */

static enum err_code make_experiment(struct report *r, struct json_writer *w, struct err *err)
{
    struct experiment_report found;
    struct experiment_report_options o = {
        .key = r->call->api->o.list_key,
        .currency = engine_shop(r->call->api->o.engine)->currency,
        .now_us = clock_now_us(),
        .stopping = has_left,
        .arg = r,
    };
    enum err_code code = experiment_report_read(r->call->api->o.store, &r->entry, &o, &found, err);
    if (code == ERR_OK)
        experiment_report_write(&r->entry, &found, o.now_us, w);
    return code;
}

static enum err_code read_entry(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct report *r = arg;
    struct experiment_record *record = &r->entry.record;
    enum err_code code =
        experiment_get(db, http_request_param(call->req, "id"), call->arena, record, err);
    return code == ERR_OK ? experiment_read(record->definition, call->arena, &r->entry.e, err)
                          : code;
}

static enum err_code get_experiment_report(struct call *call, struct err *err)
{
    struct report *r = new_report(call, make_experiment);
    enum err_code code = call_read(call, read_entry, r, err);
    if (code == ERR_OK)
        code = need_key(call, err);
    return code == ERR_OK ? answer_later(r) : code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/reports/attribution", AUTH_ADMIN, get_attribution, 0,
     PARAMS(attribution_params)},
    {HTTP_GET, "/v1/experiments/{id}/report", AUTH_ADMIN, get_experiment_report, 0, NO_PARAMS},
};
ENDPOINT_GROUP(report_endpoints, endpoints);
