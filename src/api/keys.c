/* keys.c - /v1/keys: made, listed and revoked while the server runs. */
#include "store/keys.h"

#include "api/api_int.h"
#include "base/log.h"

static void write_key(const struct api_key *k, struct json_writer *w)
{
    JW_I64(w, "id", k->no);
    JW_STR(w, "scope", k->scope);
    JW_STR(w, "name", k->name);
    JW_STR(w, "hint", k->hint);
    JW_TIME_OR_NULL(w, "created_at", k->created_at);
    JW_TIME_OR_NULL(w, "revoked_at", k->revoked_at);
}

static enum err_code read_keys(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct json_writer *w = arg;
    struct db_rows rows = {0};
    struct api_key key;
    bool more;
    (void)call;
    enum err_code code = api_keys_list(db, &rows, err);
    while (code == ERR_OK && (code = api_keys_next(&rows, &key, &more, err)) == ERR_OK && more) {
        jw_obj(w);
        write_key(&key, w);
        jw_obj_end(w);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code list_keys(struct call *call, struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "items");
    enum err_code code = call_read(call, read_keys, &w, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

/* What was added or revoked counts before that is answered. */
static void renew_keys(struct call *call)
{
    struct err err;
    if (auth_renew(call->api->o.auth, &err) != ERR_OK)
        log_error("a change of keys counts late", LOG_ERR_TEXT(&err));
}

/* --- making ---------------------------------------------------------------------------------- */

static enum err_code read_draft(struct call *call, struct auth_draft *out, struct err *err)
{
    static const char *const names[] = {"scope", "name"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    struct json_reader r;
    struct str scope_name = {NULL, 0}, name = {NULL, 0};
    enum auth_scope scope = AUTH_NONE;
    int field;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0)
            field == 0 ? jr_str(&r, &scope_name) : jr_str_max(&r, STORE_ID_MAX, &name);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && !auth_scope_of(scope_name, &scope))
        code = err_set(err, ERR_INVALID, "scope: expected public, server or admin");
    return code == ERR_OK ? auth_key_draft(name, scope, out, err) : code;
}

static enum err_code add_key(struct store_tx *tx, void *arg, struct err *err)
{
    return auth_key_add(tx, arg, err);
}

/* The only time that the key is told. */
static enum err_code render_key(struct call *call, struct db *db, struct json_writer *w,
                                int *status, struct err *err)
{
    const struct auth_draft *draft = call->job_arg;
    struct api_key key = {.no = draft->no,
                          .scope = str_of(auth_scope_name(draft->scope)),
                          .name = draft->name,
                          .hint = {draft->key, AUTH_HINT_BYTES},
                          .created_at = draft->created_at};
    (void)db, (void)err;
    jw_obj(w);
    write_key(&key, w);
    JW_Z(w, "key", draft->key);
    jw_obj_end(w);
    *status = 201;
    return ERR_OK;
}

static enum err_code post_key(struct call *call, struct err *err)
{
    struct auth_draft *draft = ARENA_NEW(call->arena, struct auth_draft, 1);
    enum err_code code = read_draft(call, draft, err);
    call->acted = renew_keys;
    return code == ERR_OK ? call_write(call, add_key, draft, render_key, err) : code;
}

/* --- revoking -------------------------------------------------------------------------------- */

struct revocation {
    int64_t no;
    bool force;
};

static enum err_code revoke_key(struct store_tx *tx, void *arg, struct err *err)
{
    const struct revocation *r = arg;
    return auth_key_revoke(tx, r->no, r->force, err);
}

enum { FORCE };

static const struct param delete_params[] = {
    [FORCE] = {.name = STR_LIT("force"), .kind = PARAM_BOOL},
};

static enum err_code delete_key(struct call *call, struct err *err)
{
    struct revocation *r = ARENA_NEW(call->arena, struct revocation, 1);
    r->force = call->values[FORCE].number != 0;
    if (str_parse_i64(http_request_param(call->req, "id"), 1, INT64_MAX, &r->no, NULL) != ERR_OK)
        return err_set(err, ERR_NOT_FOUND, "there is no such key");
    call->acted = renew_keys;
    return call_write(call, revoke_key, r, render_nothing, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/keys", AUTH_ADMIN, list_keys, 0, NO_PARAMS},
    {HTTP_POST, "/v1/keys", AUTH_ADMIN, post_key, ENDPOINT_WRITES | ENDPOINT_SECRET, NO_PARAMS},
    {HTTP_DELETE, "/v1/keys/{id}", AUTH_ADMIN, delete_key, ENDPOINT_WRITES, PARAMS(delete_params)},
};
ENDPOINT_GROUP(key_endpoints, endpoints);
