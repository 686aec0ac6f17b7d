/* gorse_users.c - /api/user and /api/users: shoppers as users.
 *
 * Labels, Subscribe and Comment are the attributes "labels", "subscribe" and "comment", kept as they
 * were written; other attributes and the wish for no personalisation stay. */
#include "api/gorse.h"
#include "store/users.h"

enum user_member { M_ID, M_LABELS, M_SUBSCRIBE, M_COMMENT, MEMBERS };

static const char *const names[MEMBERS] = {"UserId", "Labels", "Subscribe", "Comment"};
static const char *const attribute_names[MEMBERS] = {NULL, "labels", "subscribe", "comment"};

enum { ATTRIBUTES = MEMBERS - 1 };

struct profile {
    struct gorse_record record; /* first; seen: bit per user_member */
    struct str json[MEMBERS];   /* of the members that are attributes; empty: null */
};

/* --- reading ----------------------------------------------------------------------------------- */

static void read_subscribe(struct json_reader *r, struct str *out)
{
    if (jr_raw(r, out) && !gorse_is_texts(*out, r->arena))
        jr_fail(r, ERR_INVALID, "Subscribe: expected an array of strings");
}

static void read_member(struct json_reader *r, enum user_member member, struct profile *p)
{
    struct str text;
    switch (member) {
    case M_ID:
        jr_str(r, &p->record.id);
        break;
    case M_LABELS:
        jr_raw(r, &p->json[M_LABELS]);
        break;
    case M_SUBSCRIBE:
        read_subscribe(r, &p->json[M_SUBSCRIBE]);
        break;
    case M_COMMENT:
        if (jr_str(r, &text) && text.n &&
            !(p->json[M_COMMENT] = gorse_json_string(text, r->arena)).p)
            jr_fail(r, ERR_LIMIT, "Comment: too long");
        break;
    case MEMBERS:
        break;
    }
    p->record.seen |= 1u << member;
}

static void read_profile(struct call *call, struct json_reader *r, void *element)
{
    struct jr_fields fields = {.names = names, .n = MEMBERS};
    int member;
    (void)call;
    if (!jr_obj(r))
        return;
    while ((member = gorse_member(r, &fields)) >= 0)
        read_member(r, (enum user_member)member, element);
}

/* --- writing ----------------------------------------------------------------------------------- */

static enum err_code merge(const struct profile *p, struct arena *arena, struct user *u,
                           struct err *err)
{
    struct gorse_attribute set[ATTRIBUTES];
    for (size_t i = 0; i < ATTRIBUTES; i++)
        set[i].name = attribute_names[i + 1];
    gorse_attributes_get(u->attributes, arena, set, ATTRIBUTES);
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (p->record.seen >> (i + 1) & 1)
            set[i].json = p->json[i + 1];
    return gorse_attributes_set(u->attributes, set, ATTRIBUTES, arena, &u->attributes, err);
}

static enum err_code put_user(struct store_tx *tx, const void *element, bool patch,
                              struct arena *arena, struct err *err)
{
    const struct profile *p = element;
    struct user u;
    enum err_code code = user_get(tx->db, p->record.id, arena, &u, err);
    if (code == ERR_NOT_FOUND && !patch) {
        u = (struct user){.id = p->record.id, .personalise = true};
        code = ERR_OK;
    }
    if (code == ERR_OK)
        code = merge(p, arena, &u, err);
    return code == ERR_OK ? user_put(tx, &u, NULL, NULL, err) : code;
}

static const struct gorse_kind users = {"user", "user-id", sizeof(struct profile), read_profile,
                                        put_user};

static enum err_code post_user(struct call *call, struct err *err)
{
    return gorse_put(call, &users, false, false, err);
}

static enum err_code post_users(struct call *call, struct err *err)
{
    return gorse_put(call, &users, true, false, err);
}

static enum err_code patch_user(struct call *call, struct err *err)
{
    return gorse_put(call, &users, false, true, err);
}

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct gorse_write *write = arg;
    enum err_code code = user_delete(tx, gorse_param(write->call, "user-id"), err);
    write->rows = code == ERR_OK;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code delete_user(struct call *call, struct err *err)
{
    struct gorse_write *write = ARENA_NEW(call->arena, struct gorse_write, 1);
    write->call = call;
    name_shopper(call, USER_KNOWN, gorse_param(call, "user-id"));
    return call_write(call, delete_job, write, gorse_render_rows, err);
}

/* --- answers ----------------------------------------------------------------------------------- */

/* May it be told under this name? */
static bool fits(enum user_member member, struct str json, struct arena *arena)
{
    if (member == M_SUBSCRIBE)
        return gorse_is_texts(json, arena);
    return json.n && (member != M_COMMENT || json.p[0] == '"');
}

static void write_user(const struct user *u, struct arena *arena, struct json_writer *w)
{
    struct gorse_attribute get[ATTRIBUTES];
    for (size_t i = 0; i < ATTRIBUTES; i++)
        get[i].name = attribute_names[i + 1];
    gorse_attributes_get(u->attributes, arena, get, ATTRIBUTES);
    jw_obj(w);
    JW_STR(w, "UserId", u->id);
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        jw_key(w, str_of(names[i + 1]));
        if (fits((enum user_member)(i + 1), get[i].json, arena))
            jw_raw(w, get[i].json);
        else if (i + 1 == M_COMMENT)
            jw_z(w, "");
        else
            jw_null(w);
    }
    jw_obj_end(w);
}

static enum err_code read_user(struct call *call, struct db *db, void *arg, struct err *err)
{
    return user_get(db, gorse_param(call, "user-id"), call->arena, arg, err);
}

static enum err_code get_user(struct call *call, struct err *err)
{
    struct user u;
    struct json_writer w;
    enum err_code code = call_read(call, read_user, &u, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    write_user(&u, call->arena, &w);
    return reply_json(call, 200, &w, err);
}

static enum err_code list_users(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct gorse_page *page = arg;
    struct db_rows rows = {0};
    struct user u;
    bool more;
    (void)call;
    enum err_code code = users_after(db, (uint32_t)page->after, page->n + 1, &rows, err);
    while (code == ERR_OK && (code = users_next(&rows, &u, &more, err)) == ERR_OK && more &&
           gorse_page_takes(page, u.no))
        write_user(&u, &page->arena, &page->w);
    db_rows_close(&rows);
    return code;
}

static enum err_code get_users(struct call *call, struct err *err)
{
    return gorse_reply_page(call, "Users", list_users, err);
}

#define WRITES      (ENDPOINT_GORSE | ENDPOINT_WRITES)
#define WRITES_MANY (WRITES | ENDPOINT_LARGE)

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/api/user", AUTH_SERVER, post_user, WRITES, NO_PARAMS},
    {HTTP_POST, "/api/users", AUTH_SERVER, post_users, WRITES_MANY, NO_PARAMS},
    {HTTP_GET, "/api/users", AUTH_SERVER, get_users, ENDPOINT_GORSE, NO_PARAMS},
    {HTTP_GET, "/api/user/{user-id}", AUTH_SERVER, get_user, ENDPOINT_GORSE, NO_PARAMS},
    {HTTP_PATCH, "/api/user/{user-id}", AUTH_SERVER, patch_user, WRITES, NO_PARAMS},
    {HTTP_DELETE, "/api/user/{user-id}", AUTH_SERVER, delete_user, WRITES, NO_PARAMS},
};
ENDPOINT_GROUP(gorse_user_endpoints, endpoints);
