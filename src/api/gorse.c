#include "api/gorse.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ingest/timeformat.h"

enum { ROW_BYTES_MAX = 4 << 20 /* that one record needs while it is read or put */ };

/* 0001-01-01, which the other side writes where it knows no time. */
#define NO_TIME_US (-62135596800 * CLOCK_US_PER_S)

/* --- settings ---------------------------------------------------------------------------------- */

struct gorse {
    struct map_str types; /* type of feedback to enum event_type */
    enum event_type other;
    unsigned flags; /* of feedback_put */
};

/* "type=event" */
static enum err_code take_type(struct gorse *g, struct str entry, struct err *err)
{
    char quoted[64];
    enum event_type event;
    struct str rest = entry;
    struct str type = str_trim(str_split(&rest, '='));
    if (!rest.p || type.n == 0 || !event_type_of(str_trim(rest), &event) || event == EVENT_SEARCH)
        return err_set(err, ERR_INVALID,
                       "gorse.feedback_types: '%s' is not a type, '=' and a kind of event",
                       err_quote(quoted, sizeof quoted, entry.p, entry.n));
    if (str_is(type, "*"))
        g->other = event;
    else
        *map_str_at(&g->types, type, NULL) = event;
    return ERR_OK;
}

enum err_code gorse_new(const struct api_options *options, struct gorse **out, struct err *err)
{
    struct gorse *g = MEM_NEW(struct gorse);
    struct str rest = str_of(options->gorse_feedback);
    enum err_code code = ERR_OK;
    g->other = EVENT_VIEW;
    g->flags = (options->gorse_users ? FEEDBACK_CREATES_USERS : 0u) |
               (options->gorse_items ? FEEDBACK_CREATES_PRODUCTS : 0u);
    while (code == ERR_OK && rest.p) {
        struct str entry = str_trim(str_split(&rest, ','));
        if (entry.n)
            code = take_type(g, entry, err);
    }
    if (code == ERR_OK)
        *out = g;
    else
        gorse_free(g);
    return code;
}

void gorse_free(struct gorse *g)
{
    if (!g)
        return;
    map_str_release(&g->types);
    mem_free(g);
}

enum event_type gorse_event_type(const struct gorse *g, struct str type)
{
    const uint64_t *known = map_str_find(&g->types, type);
    return known ? (enum event_type) * known : g->other;
}

unsigned gorse_feedback_flags(const struct gorse *g)
{
    return g->flags;
}

/* --- parameters -------------------------------------------------------------------------------- */

enum err_code gorse_number(const struct call *call, const char *name, int64_t fallback, int64_t lo,
                           int64_t hi, int64_t *out, struct err *err)
{
    struct str text;
    *out = fallback;
    if (!http_request_query(call->req, name, &text) || text.n == 0)
        return ERR_OK;
    enum err_code code = str_parse_i64(text, lo, INT64_MAX, out, err);
    if (code != ERR_OK)
        return err_prefix(err, code, "%s", name);
    *out = *out < hi ? *out : hi;
    return ERR_OK;
}

static enum err_code read_cursor(const struct call *call, int64_t *out, struct err *err)
{
    struct str text;
    char quoted[64];
    *out = 0;
    if (!http_request_query(call->req, "cursor", &text) || text.n == 0 ||
        str_parse_i64(text, 0, UINT32_MAX, out, NULL) == ERR_OK)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "cursor: '%s' is none that was given here",
                   err_quote(quoted, sizeof quoted, text.p, text.n));
}

struct str gorse_param(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->req->n_params; i++)
        if (str_is(call->req->params[i].name, name))
            return call->req->params[i].value;
    return (struct str){NULL, 0};
}

/* --- bodies ------------------------------------------------------------------------------------ */

enum err_code gorse_read_body(struct call *call, bool list, size_t element_bytes, gorse_read_fn fn,
                              void **out, size_t *n, struct err *err)
{
    struct json_reader r;
    char *elements = NULL;
    size_t cap = 0, len = 0;
    jr_init(&r, call->req->body, call->arena);
    if (list && !jr_arr(&r))
        return jr_end(&r, err);
    for (bool more = list ? jr_next(&r) : true; more; more = list && jr_next(&r)) {
        if (len == GORSE_ROWS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d in one request", GORSE_ROWS_MAX);
        if (len == cap) {
            cap = cap ? 2 * cap : list ? 64 : 1;
            char *grown = arena_try_alloc(call->arena, cap * element_bytes);
            if (!grown)
                return err_set(err, ERR_LIMIT, "the records do not fit");
            if (len)
                memcpy(grown, elements, len * element_bytes);
            elements = grown;
        }
        memset(elements + len * element_bytes, 0, element_bytes);
        fn(call, &r, elements + len++ * element_bytes);
    }
    *out = elements;
    *n = len;
    return jr_end(&r, err);
}

struct put {
    struct gorse_write write; /* first */
    const struct gorse_kind *kind;
    char *elements; /* [n] of kind->bytes */
    size_t n;
    bool patch;
};

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct put *put = arg;
    const struct gorse_kind *kind = put->kind;
    struct arena arena;
    enum err_code code = ERR_OK;
    arena_init(&arena, 0, ROW_BYTES_MAX);
    for (size_t i = 0; i < put->n && code == ERR_OK; i++) {
        const struct gorse_record *record = (const void *)(put->elements + i * kind->bytes);
        code = store_id_check("id", record->id, err);
        if (code == ERR_OK)
            code = kind->put(tx, record, put->patch, &arena, err);
        if (code != ERR_OK && put->n > 1)
            code = err_prefix(err, code, "%s %zu", kind->name, i);
        arena_reset(&arena);
    }
    arena_release(&arena);
    put->write.rows = (int64_t)put->n;
    return code;
}

enum err_code gorse_put(struct call *call, const struct gorse_kind *kind, bool list, bool patch,
                        struct err *err)
{
    struct put *put = ARENA_NEW(call->arena, struct put, 1);
    void *elements;
    put->kind = kind;
    put->patch = patch;
    enum err_code code =
        gorse_read_body(call, list, kind->bytes, kind->read, &elements, &put->n, err);
    if (code != ERR_OK)
        return code;
    put->elements = elements;
    for (size_t i = 0; i < put->n; i++) {
        struct gorse_record *record = (void *)(put->elements + i * kind->bytes);
        if (patch)
            record->id = gorse_param(call, kind->param);
        else
            record->seen = ~0u; /* what was not given is written as nothing */
    }
    return call_write(call, put_job, put, gorse_render_rows, err);
}

int gorse_member(struct json_reader *r, struct jr_fields *fields)
{
    int field;
    while ((field = jr_field(r, fields)) >= 0 && jr_null(r))
        ;
    return field;
}

/* Seconds to nanoseconds from 1970, by the number of digits. */
static bool parse_count(struct str text, int64_t *us)
{
    int64_t count;
    if (text.n < 9 || str_parse_i64(text, 0, INT64_MAX, &count, NULL) != ERR_OK)
        return false;
    if (text.n <= 10)
        *us = count * CLOCK_US_PER_S;
    else if (text.n <= 13)
        *us = count * 1000;
    else
        *us = text.n <= 16 ? count : count / 1000;
    return true;
}

static bool parse_time(struct str text, int64_t *us)
{
    static const struct str formats[] = {
        STR_LIT("%Y/%m/%d"),
        STR_LIT("%Y/%m/%d %H:%M:%S"),
        STR_LIT("%m/%d/%Y"),
        STR_LIT("%m/%d/%Y %H:%M:%S"),
        STR_LIT("%b %d, %Y"),
        STR_LIT("%d %b %Y"),
        STR_LIT("%d %b %Y %H:%M:%S"),
        STR_LIT("%d %b %Y %H:%M:%S GMT"),
        STR_LIT("%d %b %Y %H:%M:%S %z"),
    };
    if (clock_parse_iso(text, us, NULL) == ERR_OK || parse_count(text, us))
        return true;
    /* "Mon, 02 Jan 2006": the day of the week says nothing that the date does not. */
    if (text.n > 5 && text.p[3] == ',' && text.p[4] == ' ')
        text = (struct str){text.p + 5, text.n - 5};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (time_parse(formats[i], text, us))
            return true;
    return false;
}

bool gorse_time(struct json_reader *r, const char *name, int64_t *out)
{
    struct str text;
    char quoted[64];
    *out = 0;
    if (!jr_str(r, &text) || text.n == 0)
        return !r->failed;
    if (!parse_time(text, out))
        return jr_fail(r, ERR_INVALID, "%s: '%s' is no time", name,
                       err_quote(quoted, sizeof quoted, text.p, text.n));
    if (*out == NO_TIME_US)
        *out = 0;
    if (store_time_fault(*out, clock_now_us()) == TIME_FUTURE)
        return jr_fail(r, ERR_INVALID, "%s: more than a day ahead", name);
    return true;
}

/* --- answers ----------------------------------------------------------------------------------- */

void gorse_reply_error(struct http_request *req, int status, const char *message)
{
    static const struct http_header retry = {STR_LIT("Retry-After"), STR_LIT("1")};
    http_reply(req, &(struct http_reply){.status = status == 403 ? 401 : status,
                                         .content_type = HTTP_TYPE_TEXT,
                                         .body = str_of(message),
                                         .headers = &retry,
                                         .n_headers = status == 503});
}

bool gorse_page_takes(struct gorse_page *page, int64_t no)
{
    page->more = ++page->seen > page->n;
    if (!page->more)
        page->last = no;
    arena_reset(&page->arena);
    return !page->more;
}

enum err_code gorse_reply_page(struct call *call, const char *name, read_fn fn, struct err *err)
{
    struct gorse_page page = {0};
    char cursor[24] = "";
    enum err_code code = gorse_number(call, "n", GORSE_N, 1, GORSE_PAGE_MAX, &page.n, err);
    if (code == ERR_OK)
        code = read_cursor(call, &page.after, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &page.w);
    jw_obj(&page.w);
    jw_key(&page.w, str_of(name));
    jw_arr(&page.w);
    arena_init(&page.arena, 0, ROW_BYTES_MAX);
    code = call_read(call, fn, &page, err);
    arena_release(&page.arena);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&page.w);
    if (page.more)
        snprintf(cursor, sizeof cursor, "%" PRId64, page.last);
    JW_Z(&page.w, "Cursor", cursor);
    jw_obj_end(&page.w);
    return reply_json(call, 200, &page.w, err);
}

enum err_code gorse_render_rows(struct call *call, struct db *db, struct json_writer *w,
                                int *status, struct err *err)
{
    const struct gorse_write *write = call->job_arg;
    (void)db, (void)status, (void)err;
    jw_obj(w);
    JW_I64(w, "RowAffected", write->rows);
    jw_obj_end(w);
    return ERR_OK;
}
