/* gorse_feedback.c - /api/feedback: what users did to items (store/feedback.h).
 *
 * The setting gorse.feedback_types says which kind of event each type is. Value and Comment are members
 * of the event's context; the value of a rating is its rating, too, where it is 0 to 5. */
#include <inttypes.h>
#include <stdio.h>

#include "api/gorse.h"
#include "base/clock.h"

enum feedback_member { M_TYPE, M_USER, M_ITEM, M_TIMESTAMP, M_VALUE, M_COMMENT, MEMBERS };

static const char *const names[MEMBERS] = {"FeedbackType", "UserId", "ItemId",
                                           "Timestamp",    "Value",  "Comment"};

enum { CONTEXT_MAX = 2 * STORE_JSON_MAX };

/* --- reading ----------------------------------------------------------------------------------- */

/* {"value": ..., "comment": "..."}; empty where there is neither. */
static void keep_context(struct json_reader *r, double value, struct str comment, struct event *e)
{
    struct buf text;
    struct json_writer w;
    if ((value <= 0 && value >= 0) && comment.n == 0)
        return;
    buf_init(&text, CONTEXT_MAX);
    jw_init(&w, &text);
    jw_obj(&w);
    if (value < 0 || value > 0)
        JW_DOUBLE(&w, "value", value);
    if (comment.n)
        JW_STR(&w, "comment", comment);
    jw_obj_end(&w);
    e->context = text.full ? (struct str){NULL, 0} : arena_str(r->arena, buf_str(&text));
    buf_release(&text);
    if (!e->context.p)
        jr_fail(r, ERR_LIMIT, "Comment: too long");
}

static void read_members(struct json_reader *r, struct feedback *f)
{
    struct jr_fields fields = {.names = names, .n = MEMBERS};
    struct str comment = {NULL, 0};
    double value = 0;
    int member;
    if (!jr_obj(r))
        return;
    while ((member = gorse_member(r, &fields)) >= 0)
        switch ((enum feedback_member)member) {
        case M_TYPE:
            jr_str(r, &f->type);
            break;
        case M_USER:
            jr_str(r, &f->event.user_id);
            break;
        case M_ITEM:
            jr_str(r, &f->event.product_id);
            break;
        case M_TIMESTAMP:
            gorse_time(r, names[M_TIMESTAMP], &f->event.time);
            break;
        case M_VALUE:
            jr_double(r, &value);
            break;
        case M_COMMENT:
            jr_str(r, &comment);
            break;
        case MEMBERS:
            break;
        }
    keep_context(r, value, comment, &f->event);
    if (value >= 0 && value <= 5)
        f->event.rating = value;
}

static void read_feedback(struct call *call, struct json_reader *r, void *element)
{
    struct feedback *f = element;
    struct event *e = &f->event;
    e->quantity = 1;
    e->value_minor = STORE_NO_AMOUNT;
    e->position = -1;
    read_members(r, f);
    e->type = gorse_event_type(call->api->gorse, f->type);
    if (e->type != EVENT_RATING)
        e->rating = 0;
    if (e->time == 0)
        e->time = clock_now_us();
    struct err why;
    if (!r->failed && store_time_check(names[M_TIMESTAMP], e->time, clock_now_us(), &why) != ERR_OK)
        jr_fail(r, why.code, "%s", why.msg);
}

enum err_code gorse_read_feedback(struct call *call, struct feedback **out, size_t *n,
                                  struct err *err)
{
    void *items = NULL;
    enum err_code code = gorse_read_body(call, true, sizeof **out, read_feedback, &items, n, err);
    *out = items;
    return code;
}

/* --- writing ----------------------------------------------------------------------------------- */

struct put {
    struct gorse_write write; /* first */
    struct feedback *items;   /* [n] */
    size_t n;
    unsigned flags;
};

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct put *put = arg;
    put->write.rows = (int64_t)put->n;
    return feedback_put(tx, put->items, put->n, put->flags, err);
}

static enum err_code put_body(struct call *call, unsigned flags, struct err *err)
{
    struct put *put = ARENA_NEW(call->arena, struct put, 1);
    put->flags = flags | gorse_feedback_flags(call->api->gorse);
    enum err_code code = gorse_read_feedback(call, &put->items, &put->n, err);
    if (code != ERR_OK)
        return code;
    if (put->n)
        name_shopper(call, USER_KNOWN, put->items[0].event.user_id);
    return call_write(call, put_job, put, gorse_render_rows, err);
}

static enum err_code post_feedback(struct call *call, struct err *err)
{
    return put_body(call, 0, err);
}

static enum err_code put_feedback(struct call *call, struct err *err)
{
    return put_body(call, FEEDBACK_REPLACES, err);
}

static enum err_code withdraw_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct gorse_write *write = arg;
    const struct call *call = write->call;
    return feedback_withdraw(tx, gorse_param(call, "user-id"), gorse_param(call, "item-id"),
                             gorse_param(call, "feedback-type"), &write->rows, err);
}

static enum err_code delete_feedback(struct call *call, struct err *err)
{
    struct gorse_write *write = ARENA_NEW(call->arena, struct gorse_write, 1);
    write->call = call;
    name_shopper(call, USER_KNOWN, gorse_param(call, "user-id"));
    enum err_code code = store_id_check("user-id", gorse_param(call, "user-id"), err);
    if (code == ERR_OK)
        code = store_id_check("item-id", gorse_param(call, "item-id"), err);
    return code == ERR_OK ? call_write(call, withdraw_job, write, gorse_render_rows, err) : code;
}

/* --- answers ----------------------------------------------------------------------------------- */

/* What the context says, if it is one of ours. */
static void read_context(struct str context, struct arena *arena, double *value,
                         struct str *comment)
{
    struct json_reader r;
    struct str key;
    *value = 0;
    *comment = (struct str){NULL, 0};
    jr_init(&r, context, arena);
    if (context.n == 0 || !jr_obj(&r))
        return;
    while (jr_key(&r, &key))
        if (str_is(key, "value"))
            jr_double(&r, value);
        else if (str_is(key, "comment"))
            jr_str(&r, comment);
}

static void write_feedback(const struct feedback *f, struct arena *arena, struct json_writer *w)
{
    double value;
    struct str comment;
    read_context(f->event.context, arena, &value, &comment);
    jw_obj(w);
    JW_STR(w, "FeedbackType", f->type);
    JW_STR(w, "UserId", f->event.user_id);
    JW_STR(w, "ItemId", f->event.product_id);
    JW_DOUBLE(w, "Value", value);
    JW_TIME(w, "Timestamp", f->event.time);
    JW_STR(w, "Comment", comment);
    jw_obj_end(w);
}

struct listing {
    struct str user_id, item_id, type;
    size_t n;
    struct json_writer w;
};

static enum err_code list_of(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct listing *l = arg;
    struct db_rows rows;
    struct feedback f;
    struct arena arena;
    bool more, told;
    size_t seen = 0;
    (void)call;
    arena_init(&arena, 0, CONTEXT_MAX);
    enum err_code code =
        feedback_of(db, l->user_id, l->item_id, l->type, GORSE_FEEDBACK_MAX + 1, &rows, err);
    while (code == ERR_OK && (code = feedback_next(&rows, &f, &told, &more, err)) == ERR_OK &&
           more) {
        if (++seen > GORSE_FEEDBACK_MAX)
            code = err_set(err, ERR_LIMIT,
                           "more than %d: /api/feedback gives all of them, page by page",
                           GORSE_FEEDBACK_MAX);
        if (code != ERR_OK)
            break;
        if (told) {
            write_feedback(&f, &arena, &l->w);
            l->n++;
        }
        arena_reset(&arena);
    }
    db_rows_close(&rows);
    arena_release(&arena);
    return code;
}

/* That of the user, item and type in the path, as a list. */
static enum err_code get_list(struct call *call, struct err *err)
{
    struct listing l = {.user_id = gorse_param(call, "user-id"),
                        .item_id = gorse_param(call, "item-id"),
                        .type = gorse_param(call, "feedback-type")};
    begin_json(call, &l.w);
    jw_arr(&l.w);
    enum err_code code = call_read(call, list_of, &l, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&l.w);
    return reply_json(call, 200, &l.w, err);
}

static enum err_code get_one(struct call *call, struct err *err)
{
    struct listing l = {.user_id = gorse_param(call, "user-id"),
                        .item_id = gorse_param(call, "item-id"),
                        .type = gorse_param(call, "feedback-type")};
    enum err_code code = store_id_check("feedback-type", l.type, err);
    begin_json(call, &l.w);
    if (code == ERR_OK)
        code = call_read(call, list_of, &l, err);
    if (code == ERR_OK && l.n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no such feedback");
    return code == ERR_OK ? reply_json(call, 200, &l.w, err) : code;
}

/* --- page by page ------------------------------------------------------------------------------ */

struct page {
    struct feedback_place after, last;
    struct str type;
    int64_t n;
    bool more;
    struct json_writer w;
};

/* "TYPE.USER.ITEM", by number. */
static enum err_code read_cursor(const struct call *call, struct feedback_place *out,
                                 struct err *err)
{
    struct str text, rest;
    char quoted[64];
    int64_t part[3];
    *out = (struct feedback_place){0};
    if (!http_request_query(call->req, "cursor", &text) || text.n == 0)
        return ERR_OK;
    rest = text;
    bool good = true;
    for (int i = 0; i < 3 && good; i++)
        good = rest.p && str_parse_i64(str_split(&rest, '.'), 0, i ? UINT32_MAX : INT64_MAX,
                                       &part[i], NULL) == ERR_OK;
    if (!good || rest.p)
        return err_set(err, ERR_INVALID, "cursor: '%s' is none that was given here",
                       err_quote(quoted, sizeof quoted, text.p, text.n));
    *out = (struct feedback_place){part[0], (uint32_t)part[1], (uint32_t)part[2]};
    return ERR_OK;
}

static enum err_code list_page(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct page *page = arg;
    struct db_rows rows;
    struct feedback f;
    struct arena arena;
    bool more, told;
    int64_t seen = 0;
    (void)call;
    arena_init(&arena, 0, CONTEXT_MAX);
    enum err_code code = feedback_after(db, page->after, page->type, page->n + 1, &rows, err);
    while (code == ERR_OK && (code = feedback_next(&rows, &f, &told, &more, err)) == ERR_OK &&
           more) {
        page->more = ++seen > page->n;
        if (page->more)
            break;
        page->last = (struct feedback_place){f.event.feedback, f.event.user_no, f.event.product_no};
        if (told)
            write_feedback(&f, &arena, &page->w);
        arena_reset(&arena);
    }
    db_rows_close(&rows);
    arena_release(&arena);
    return code;
}

static enum err_code get_page(struct call *call, struct err *err)
{
    struct page page = {.type = gorse_param(call, "feedback-type")};
    char cursor[64] = "";
    enum err_code code = gorse_number(call, "n", GORSE_N, 1, GORSE_PAGE_MAX, &page.n, err);
    if (code == ERR_OK)
        code = read_cursor(call, &page.after, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &page.w);
    jw_obj(&page.w);
    JW_ARR(&page.w, "Feedback");
    code = call_read(call, list_page, &page, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&page.w);
    if (page.more)
        snprintf(cursor, sizeof cursor, "%" PRId64 ".%" PRIu32 ".%" PRIu32, page.last.type,
                 page.last.user_no, page.last.product_no);
    JW_Z(&page.w, "Cursor", cursor);
    jw_obj_end(&page.w);
    return reply_json(call, 200, &page.w, err);
}

#define READS  ENDPOINT_GORSE
#define WRITES (ENDPOINT_GORSE | ENDPOINT_WRITES)

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/api/feedback", AUTH_SERVER, post_feedback, WRITES | ENDPOINT_LARGE, NO_PARAMS},
    {HTTP_PUT, "/api/feedback", AUTH_SERVER, put_feedback, WRITES | ENDPOINT_LARGE, NO_PARAMS},
    {HTTP_GET, "/api/feedback", AUTH_SERVER, get_page, READS, NO_PARAMS},
    {HTTP_GET, "/api/feedback/{feedback-type}", AUTH_SERVER, get_page, READS, NO_PARAMS},
    {HTTP_GET, "/api/feedback/{user-id}/{item-id}", AUTH_SERVER, get_list, READS, NO_PARAMS},
    {HTTP_DELETE, "/api/feedback/{user-id}/{item-id}", AUTH_SERVER, delete_feedback, WRITES,
     NO_PARAMS},
    {HTTP_GET, "/api/feedback/{feedback-type}/{user-id}/{item-id}", AUTH_SERVER, get_one, READS,
     NO_PARAMS},
    {HTTP_DELETE, "/api/feedback/{feedback-type}/{user-id}/{item-id}", AUTH_SERVER, delete_feedback,
     WRITES, NO_PARAMS},
    {HTTP_GET, "/api/user/{user-id}/feedback", AUTH_SERVER, get_list, READS, NO_PARAMS},
    {HTTP_GET, "/api/user/{user-id}/feedback/{feedback-type}", AUTH_SERVER, get_list, READS,
     NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}/feedback", AUTH_SERVER, get_list, READS, NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}/feedback/", AUTH_SERVER, get_list, READS, NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}/feedback/{feedback-type}", AUTH_SERVER, get_list, READS,
     NO_PARAMS},
};
ENDPOINT_GROUP(gorse_feedback_endpoints, endpoints);
