/* quarantine.c - /v1/quarantine: rows and events that were refused, to look at and to dismiss. */
#include "store/quarantine.h"

#include "api/list.h"

enum { KIND, REASON, CURSOR, LIMIT };

static const struct param list_params[] = {
    [KIND] = {.name = STR_LIT("kind")},
    [REASON] = {.name = STR_LIT("reason")},
    [CURSOR] =
        {.name = STR_LIT("cursor"), .kind = PARAM_NUMBER, .fallback = 0, .lo = 0, .hi = INT64_MAX},
    [LIMIT] = {.name = STR_LIT("limit"), .kind = PARAM_NUMBER, .fallback = 50, .lo = 1, .hi = 200},
};

static void write_row(const struct quarantine *q, struct json_writer *w)
{
    jw_obj(w);
    JW_I64(w, "id", q->no);
    JW_STR(w, "kind", q->kind);
    JW_STR(w, "source", q->source);
    JW_U64(w, "line", q->line);
    JW_U64(w, "column", q->column);
    JW_STR(w, "reason", q->reason);
    JW_STR(w, "message", q->message);
    JW_STR(w, "raw", q->raw);
    JW_BOOL(w, "raw_cut", q->raw_cut);
    JW_TIME(w, "at", q->at);
    jw_obj_end(w);
}

static enum err_code read_rows(struct call *call, struct db *db, struct page *page, void *arg,
                               struct err *err)
{
    struct db_rows rows = {0};
    struct quarantine q;
    bool more;
    (void)arg;
    enum err_code code = quarantine_list(db, call->values[KIND].text, call->values[REASON].text,
                                         page->cursor, page->limit, &rows, err);
    while (code == ERR_OK && (code = quarantine_next(&rows, &q, &more, err)) == ERR_OK && more) {
        write_row(&q, page->w);
        page_took(page, q.no);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code list_rows(struct call *call, struct err *err)
{
    return reply_page(call, CURSOR, LIMIT, read_rows, NULL, err);
}

static enum err_code dismiss(struct store_tx *tx, void *arg, struct err *err)
{
    return quarantine_set_state(tx, *(int64_t *)arg, QUARANTINE_DISMISSED, err);
}

static enum err_code delete_row(struct call *call, struct err *err)
{
    int64_t *no = ARENA_NEW(call->arena, int64_t, 1);
    if (str_parse_i64(http_request_param(call->req, "id"), 1, INT64_MAX, no, NULL) != ERR_OK)
        return err_set(err, ERR_NOT_FOUND, "there is no such row");
    return call_write(call, dismiss, no, render_nothing, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/quarantine", AUTH_ADMIN, list_rows, 0, PARAMS(list_params)},
    {HTTP_DELETE, "/v1/quarantine/{id}", AUTH_ADMIN, delete_row, ENDPOINT_WRITES, NO_PARAMS},
};
ENDPOINT_GROUP(quarantine_endpoints, endpoints);
