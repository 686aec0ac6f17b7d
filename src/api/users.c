/* users.c - /v1/users: profiles, joining a guest, being forgotten. */
#include "api/api_int.h"

static enum err_code read_user(struct call *call, struct db *db, void *arg, struct err *err)
{
    return user_get(db, http_request_param(call->req, "id"), call->arena, arg, err);
}

static void write_user(const struct user *u, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", u->id);
    JW_KEY(w, "attributes");
    jw_raw(w, u->attributes.n ? u->attributes : STR_LIT("{}"));
    JW_BOOL(w, "personalise", u->personalise);
    JW_TIME(w, "created_at", u->created_at);
    JW_TIME(w, "updated_at", u->updated_at);
    jw_obj_end(w);
}

static enum err_code get_user(struct call *call, struct err *err)
{
    struct user u;
    struct json_writer w;
    enum err_code code = require_user(call, http_request_param(call->req, "id"), err);
    if (code == ERR_OK)
        code = call_read(call, read_user, &u, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    write_user(&u, &w);
    return reply_json(call, 200, &w, err);
}

/* --- listing --------------------------------------------------------------------------------- */

enum { PREFIX, CURSOR, LIMIT };

static const struct param list_params[] = {
    [PREFIX] = {.name = STR_LIT("prefix")},
    [CURSOR] = {.name = STR_LIT("cursor")},
    [LIMIT] = {.name = STR_LIT("limit"), .kind = PARAM_NUMBER, .fallback = 50, .lo = 1, .hi = 200},
};

struct user_list {
    struct json_writer *w;
    struct str last; /* id of the last one written, in the call's arena */
    int64_t written;
};

static enum err_code read_users(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct user_list *list = arg;
    struct str prefix = call->values[PREFIX].text;
    struct db_rows rows = {0};
    struct user u;
    bool more;
    enum err_code code =
        users_by_id(db, prefix, call->values[CURSOR].text, call->values[LIMIT].number, &rows, err);
    while (code == ERR_OK && (code = users_next(&rows, &u, &more, err)) == ERR_OK && more &&
           str_starts(u.id, prefix)) {
        write_user(&u, list->w);
        if (++list->written == call->values[LIMIT].number)
            list->last = arena_str(call->arena, u.id);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code list_users(struct call *call, struct err *err)
{
    struct json_writer w;
    struct user_list list = {.w = &w};
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "items");
    enum err_code code = call_read(call, read_users, &list, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&w);
    if (list.last.n)
        JW_STR(&w, "next_cursor", list.last);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

/* --- put and patch --------------------------------------------------------------------------- */

struct put {
    struct call *call;
    struct str attributes;
    bool has_attributes, personalise, has_personalise;
    bool merge; /* what was not given stays */
    bool created;
};

static enum err_code read_put(struct call *call, struct put *put, struct err *err)
{
    static const char *const names[] = {"id", "attributes", "personalise"};
    struct jr_fields fields = {.names = names, .n = 3, .strict = true};
    struct json_reader r;
    struct str id;
    int field;
    put->personalise = true;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 0 && jr_str(&r, &id) && !str_eq(id, http_request_param(call->req, "id"))) {
                jr_fail(&r, ERR_INVALID, "id: not the one in the path");
            } else if (field == 1) {
                if (jr_peek(&r) != JR_OBJECT)
                    jr_fail(&r, ERR_INVALID, "attributes: expected an object");
                put->has_attributes = jr_raw(&r, &put->attributes);
            } else if (field == 2) {
                put->has_personalise = jr_bool(&r, &put->personalise);
            }
        }
    if (put->attributes.n > STORE_JSON_MAX)
        jr_fail(&r, ERR_LIMIT, "attributes: larger than %d bytes", STORE_JSON_MAX);
    return jr_end(&r, err);
}

/* What the patch did not name stays as it is stored. */
static enum err_code merge_stored(struct store_tx *tx, const struct put *put, struct user *u,
                                  struct err *err)
{
    struct user stored;
    enum err_code code = user_get(tx->db, u->id, put->call->arena, &stored, err);
    if (code != ERR_OK)
        return code;
    struct str before = stored.attributes.n ? stored.attributes : STR_LIT("{}");
    if (!put->has_personalise)
        u->personalise = stored.personalise;
    if (!put->has_attributes) {
        u->attributes = stored.attributes;
        return ERR_OK;
    }
    return json_merge(before, put->attributes, put->call->arena, &u->attributes, err);
}

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct put *put = arg;
    struct str id = http_request_param(put->call->req, "id");
    struct user u = {.id = id, .attributes = put->attributes, .personalise = put->personalise};
    enum err_code code = put->merge ? merge_stored(tx, put, &u, err) : ERR_OK;
    return code == ERR_OK ? user_put(tx, &u, NULL, &put->created, err) : code;
}

static enum err_code render_user(struct call *call, struct db *db, struct json_writer *w,
                                 int *status, struct err *err)
{
    const struct put *put = call->job_arg;
    struct user u;
    enum err_code code = call_read_from(call, db, read_user, &u, err);
    if (code != ERR_OK)
        return code;
    write_user(&u, w);
    *status = put->created ? 201 : 200;
    return ERR_OK;
}

static enum err_code put_user(struct call *call, struct err *err)
{
    struct put *put = ARENA_NEW(call->arena, struct put, 1);
    put->call = call;
    enum err_code code = store_id_check("id", http_request_param(call->req, "id"), err);
    if (code == ERR_OK)
        code = read_put(call, put, err);
    return code == ERR_OK ? call_write(call, put_job, put, render_user, err) : code;
}

static enum err_code patch_user(struct call *call, struct err *err)
{
    struct put *put = ARENA_NEW(call->arena, struct put, 1);
    put->call = call;
    put->merge = true;
    enum err_code code = require_user(call, http_request_param(call->req, "id"), err);
    if (code == ERR_OK)
        code = read_put(call, put, err);
    if (code == ERR_OK && put->has_attributes && call->scope < AUTH_SERVER)
        code = err_set(err, ERR_DENIED, "a shopper may set personalise only");
    return code == ERR_OK ? call_write(call, put_job, put, render_user, err) : code;
}

/* --- delete ---------------------------------------------------------------------------------- */

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *err)
{
    return user_delete(tx, *(struct str *)arg, err);
}

static enum err_code delete_user(struct call *call, struct err *err)
{
    struct str *id = ARENA_NEW(call->arena, struct str, 1);
    *id = http_request_param(call->req, "id");
    enum err_code code = require_user(call, *id, err);
    return code == ERR_OK ? call_write(call, delete_job, id, render_nothing, err) : code;
}

/* --- joins ----------------------------------------------------------------------------------- */

struct join {
    struct str user_id, anonymous_id;
};

static enum err_code join_numbers(struct store_tx *tx, const struct join *j, uint32_t *anonymous_no,
                                  uint32_t *user_no, struct err *err)
{
    enum err_code code = user_number(tx, USER_KNOWN, j->user_id, user_no, err);
    if (code == ERR_OK)
        code = user_number(tx, USER_ANONYMOUS, j->anonymous_id, anonymous_no, err);
    return code;
}

static enum err_code join_job(struct store_tx *tx, void *arg, struct err *err)
{
    uint32_t anonymous_no, user_no, now;
    enum err_code code = join_numbers(tx, arg, &anonymous_no, &user_no, err);
    if (code == ERR_OK)
        code = user_resolve(tx->db, anonymous_no, &now, err);
    if (code == ERR_OK && now != anonymous_no && now != user_no)
        code = err_set(err, ERR_CONFLICT, "this guest is another shopper already");
    return code == ERR_OK ? user_link(tx, anonymous_no, user_no, NULL, err) : code;
}

static enum err_code part_job(struct store_tx *tx, void *arg, struct err *err)
{
    uint32_t anonymous_no, user_no, now;
    enum err_code code = join_numbers(tx, arg, &anonymous_no, &user_no, err);
    if (code == ERR_OK)
        code = user_resolve(tx->db, anonymous_no, &now, err);
    if (code == ERR_OK && now != user_no)
        code = err_set(err, ERR_NOT_FOUND, "this guest is not joined to this shopper");
    return code == ERR_OK ? user_unlink(tx, anonymous_no, err) : code;
}

static enum err_code check_join(struct call *call, struct join *j, struct err *err)
{
    j->user_id = http_request_param(call->req, "id");
    enum err_code code = store_id_check("id", j->user_id, err);
    if (code == ERR_OK)
        code = require_user(call, j->user_id, err);
    if (code != ERR_OK)
        return code;
    return call->scope >= AUTH_SERVER ? store_id_check("anonymous_id", j->anonymous_id, err)
                                      : check_anonymous_id(j->anonymous_id, err);
}

static enum err_code post_join(struct call *call, struct err *err)
{
    static const char *const names[] = {"anonymous_id"};
    struct jr_fields fields = {.names = names, .n = 1, .strict = true};
    struct join *j = ARENA_NEW(call->arena, struct join, 1);
    struct json_reader r;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while (jr_field(&r, &fields) >= 0)
            jr_str(&r, &j->anonymous_id);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK)
        code = check_join(call, j, err);
    return code == ERR_OK ? call_write(call, join_job, j, render_nothing, err) : code;
}

static enum err_code delete_join(struct call *call, struct err *err)
{
    struct join *j = ARENA_NEW(call->arena, struct join, 1);
    j->anonymous_id = http_request_param(call->req, "anonymous_id");
    enum err_code code = check_join(call, j, err);
    return code == ERR_OK ? call_write(call, part_job, j, render_nothing, err) : code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/users", AUTH_SERVER, list_users, 0, PARAMS(list_params)},
    {HTTP_PUT, "/v1/users/{id}", AUTH_SERVER, put_user, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_GET, "/v1/users/{id}", AUTH_PUBLIC, get_user, 0, NO_PARAMS},
    {HTTP_PATCH, "/v1/users/{id}", AUTH_PUBLIC, patch_user, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_DELETE, "/v1/users/{id}", AUTH_PUBLIC, delete_user, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_POST, "/v1/users/{id}/joins", AUTH_PUBLIC, post_join, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_DELETE, "/v1/users/{id}/joins/{anonymous_id}", AUTH_PUBLIC, delete_join, ENDPOINT_WRITES,
     NO_PARAMS},
};
ENDPOINT_GROUP(user_endpoints, endpoints);
