/* overview.c - /v1/overview: how much there is and what waits for somebody, for the console's first page. */
#include "api/api_int.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/orders.h"
#include "store/quarantine.h"

static enum err_code write_counts(struct call *call, struct db *db, struct json_writer *w,
                                  struct err *err)
{
    struct event_counts events = {0};
    uint32_t shoppers = 0;
    int64_t orders = 0;
    enum err_code code = events_count(db, &events, err);
    if (code == ERR_OK)
        code = user_number_max(db, &shoppers, err);
    if (code == ERR_OK)
        code = orders_at_most(db, &orders, err);
    if (code != ERR_OK)
        return code;
    JW_U64(w, "products", call->view->catalogue->products);
    JW_U64(w, "shoppers", shoppers);
    JW_I64(w, "events", events.events);
    JW_I64(w, "orders", orders);
    JW_TIME_OR_NULL(w, "last_event_at", events.last_time);
    return ERR_OK;
}

static enum err_code write_jobs(struct db *db, struct json_writer *w, struct err *err)
{
    int64_t counts[JOB_STATES];
    enum err_code code = jobs_count(db, counts, err);
    if (code != ERR_OK)
        return code;
    JW_OBJ(w, "jobs");
    for (int i = 0; i < JOB_STATES; i++) {
        jw_key(w, str_of(job_state_name((enum job_state)i)));
        jw_i64(w, counts[i]);
    }
    jw_obj_end(w);
    return ERR_OK;
}

/* Rows that wait by kind and reason, and how many of a kind found no room. */
static enum err_code write_quarantine(struct db *db, struct json_writer *w, struct err *err)
{
    struct db_rows rows = {0};
    struct quarantine_count c;
    bool more;
    JW_ARR(w, "quarantine");
    enum err_code code = quarantine_counts(db, &rows, err);
    while (code == ERR_OK && (code = quarantine_counts_next(&rows, &c, &more, err)) == ERR_OK &&
           more) {
        jw_obj(w);
        JW_STR(w, "kind", c.kind);
        JW_STR(w, "reason", c.reason);
        JW_I64(w, "rows", c.rows);
        jw_obj_end(w);
    }
    db_rows_close(&rows);
    jw_arr_end(w);
    return code;
}

static enum err_code write_dropped(struct db *db, struct json_writer *w, struct err *err)
{
    struct db_rows rows = {0};
    struct quarantine_kind k;
    int64_t dropped = 0;
    bool more;
    enum err_code code = quarantine_kinds(db, &rows, err);
    while (code == ERR_OK && (code = quarantine_kinds_next(&rows, &k, &more, err)) == ERR_OK &&
           more)
        dropped += k.dropped;
    db_rows_close(&rows);
    JW_I64(w, "quarantine_dropped", dropped);
    return code;
}

static enum err_code write_overview(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct json_writer *w = arg;
    enum err_code code = write_counts(call, db, w, err);
    if (code == ERR_OK)
        code = write_jobs(db, w, err);
    if (code == ERR_OK)
        code = write_quarantine(db, w, err);
    return code == ERR_OK ? write_dropped(db, w, err) : code;
}

static enum err_code get_overview(struct call *call, struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    jw_obj(&w);
    enum err_code code = call_read(call, write_overview, &w, err);
    if (code != ERR_OK)
        return code;
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/overview", AUTH_ADMIN, get_overview, 0, NO_PARAMS},
};
ENDPOINT_GROUP(overview_endpoints, endpoints);
