#include "store/users.h"

#include "base/banned.h"
#include "store/record_int.h"
#include "store/tx_int.h"
#include "store/users_int.h"

static enum err_code no_such_user(struct str id, struct err *err)
{
    char quoted[80];
    return err_set(err, ERR_NOT_FOUND, "no user %s", err_quote(quoted, sizeof quoted, id.p, id.n));
}

/* --- numbers ---------------------------------------------------------------------------------- */

enum err_code user_no_of(struct db *db, enum user_kind kind, struct str id, uint32_t *no,
                         struct err *err)
{
    int64_t wide;
    enum err_code code = db_query_i64(db, "SELECT user_no FROM user_ids WHERE kind = ? AND id = ?",
                                      DB_ARGS(db_i64(kind), db_text(id)), &wide, NULL, err);
    *no = code ? 0 : (uint32_t)wide;
    return code;
}

static enum err_code create_number(struct store_tx *tx, enum user_kind kind, struct str id,
                                   uint32_t *no, struct err *err)
{
    int64_t wide;
    enum err_code code = store_id_check(kind == USER_KNOWN ? "user_id" : "anonymous_id", id, err);
    if (!code)
        code = db_insert(tx->db, "INSERT INTO user_ids (kind, id, created_at) VALUES (?, ?, ?)",
                         DB_ARGS(db_i64(kind), db_text(id), db_i64(tx->now_us)), &wide, err);
    if (!code)
        code = record_number("user number", wide, no, err);
    return code ? code : tx_change(tx, CHANGE_USER, CHANGE_PUT, *no, err);
}

enum err_code user_number(struct store_tx *tx, enum user_kind kind, struct str id, uint32_t *no,
                          struct err *err)
{
    struct id_cache *known = &tx_of(tx)->users;
    struct id_hash hash = id_cache_hash(kind, id);
    *no = id_cache_find(known, hash);
    if (*no)
        return ERR_OK;
    enum err_code code = user_no_of(tx->db, kind, id, no, err);
    if (!code && !*no)
        code = create_number(tx, kind, id, no, err);
    if (!code)
        id_cache_add(known, hash, *no);
    return code;
}

enum err_code user_number_of_ids(struct store_tx *tx, struct str user_id, struct str anonymous_id,
                                 uint32_t *no, struct err *err)
{
    uint32_t anonymous_no = 0;
    enum err_code code = ERR_OK;
    *no = 0;
    if (anonymous_id.n)
        code = user_number(tx, USER_ANONYMOUS, anonymous_id, &anonymous_no, err);
    if (!code && user_id.n)
        code = user_number(tx, USER_KNOWN, user_id, no, err);
    if (!code && *no && anonymous_no)
        code = user_link(tx, anonymous_no, *no, NULL, err);
    if (!code && !*no)
        *no = anonymous_no;
    return code;
}

enum err_code user_id_of(struct db *db, uint32_t no, struct arena *arena, enum user_kind *kind,
                         struct str *id, struct err *err)
{
    struct db_rows rows;
    bool more;
    *kind = USER_KNOWN;
    *id = (struct str){0};
    enum err_code code = db_query(db, "SELECT kind, id FROM user_ids WHERE user_no = ?",
                                  DB_ARGS(db_i64(no)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more) {
        *kind = (enum user_kind)db_col_i64(&rows, 0);
        *id = arena_str(arena, db_col_text(&rows, 1));
    }
    db_rows_close(&rows);
    return code;
}

/* --- profiles --------------------------------------------------------------------------------- */

/* What is put is what is there already? */
static enum err_code same_profile(struct db *db, uint32_t no, const struct user *u, bool *same,
                                  struct err *err)
{
    struct db_rows rows;
    enum err_code code = db_query(db,
                                  "SELECT attributes, personalise FROM user_profiles"
                                  " WHERE user_no = ?",
                                  DB_ARGS(db_i64(no)), &rows, err);
    if (!code)
        code = db_next(&rows, same, err);
    if (!code && *same)
        *same =
            str_eq(db_col_text(&rows, 0), u->attributes) && db_col_i64(&rows, 1) == u->personalise;
    db_rows_close(&rows);
    return code;
}

static enum err_code write_profile(struct store_tx *tx, uint32_t no, const struct user *u,
                                   struct err *err)
{
    return db_run(tx->db,
                  "INSERT INTO user_profiles (user_no, attributes, personalise, created_at,"
                  " updated_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_no) DO UPDATE SET"
                  " attributes = excluded.attributes, personalise = excluded.personalise,"
                  " updated_at = excluded.updated_at",
                  DB_ARGS(db_i64(no), db_text_or_null(u->attributes), db_i64(u->personalise),
                          db_i64(u->created_at ? u->created_at : tx->now_us), db_i64(tx->now_us)),
                  NULL, err);
}

enum err_code user_put(struct store_tx *tx, const struct user *u, uint32_t *no, bool *created,
                       struct err *err)
{
    uint32_t before, found;
    bool same = false;
    enum err_code code = store_text_check("attributes", u->attributes, STORE_JSON_MAX, err);
    if (!code && u->created_at)
        code = record_check_time("created_at", u->created_at, err);
    if (!code)
        code = user_no_of(tx->db, USER_KNOWN, u->id, &before, err);
    if (!code)
        code = user_number(tx, USER_KNOWN, u->id, &found, err);
    if (!code)
        code = same_profile(tx->db, found, u, &same, err);
    if (!code && !same)
        code = write_profile(tx, found, u, err);
    if (!code && !same)
        code = tx_change(tx, CHANGE_USER, CHANGE_PUT, found, err);
    if (code)
        return code;
    if (no)
        *no = found;
    if (created)
        *created = before == 0;
    return ERR_OK;
}

#define SELECT_USER                                                                                \
    "SELECT i.user_no, i.id, p.attributes, COALESCE(p.personalise, 1),"                            \
    " COALESCE(p.created_at, i.created_at), COALESCE(p.updated_at, i.created_at)"                  \
    " FROM user_ids i LEFT JOIN user_profiles p ON p.user_no = i.user_no WHERE i.kind = 0"

enum err_code users_next(struct db_rows *rows, struct user *u, bool *more, struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (code || !*more)
        return code;
    *u = (struct user){
        .no = db_col_u32(rows, 0),
        .id = db_col_text(rows, 1),
        .attributes = db_col_text(rows, 2),
        .personalise = db_col_i64(rows, 3) != 0,
        .created_at = db_col_i64(rows, 4),
        .updated_at = db_col_i64(rows, 5),
    };
    return ERR_OK;
}

enum err_code users_after(struct db *db, uint32_t after_no, int64_t limit, struct db_rows *rows,
                          struct err *err)
{
    return db_query(db, SELECT_USER " AND i.user_no > ? ORDER BY i.user_no LIMIT ?",
                    DB_ARGS(db_i64(after_no), db_i64(limit)), rows, err);
}

enum err_code users_by_id(struct db *db, struct str from, struct str after, int64_t limit,
                          struct db_rows *rows, struct err *err)
{
    return db_query(db, SELECT_USER " AND i.id >= ? AND i.id > ? ORDER BY i.id LIMIT ?",
                    DB_ARGS(db_text(from), db_text(after), db_i64(limit)), rows, err);
}

static enum err_code get_one(struct db *db, const char *sql, struct db_arg key, struct arena *arena,
                             struct user *out, bool *found, struct err *err)
{
    struct db_rows rows;
    enum err_code code = db_query(db, sql, &key, 1, &rows, err);
    if (!code)
        code = users_next(&rows, out, found, err);
    if (!code && *found) {
        keep_text(arena, &out->id);
        keep_text(arena, &out->attributes);
    }
    db_rows_close(&rows);
    return code;
}

enum err_code user_get(struct db *db, struct str id, struct arena *arena, struct user *out,
                       struct err *err)
{
    bool found = false;
    enum err_code code =
        get_one(db, SELECT_USER " AND i.id = ?", db_text(id), arena, out, &found, err);
    return code || found ? code : no_such_user(id, err);
}

enum err_code user_get_no(struct db *db, uint32_t no, struct arena *arena, struct user *out,
                          struct err *err)
{
    bool found = false;
    enum err_code code =
        get_one(db, SELECT_USER " AND i.user_no = ?", db_i64(no), arena, out, &found, err);
    return code || found ? code : err_set(err, ERR_NOT_FOUND, "no user number %u", no);
}

/* --- joining ---------------------------------------------------------------------------------- */

enum err_code user_link(struct store_tx *tx, uint32_t anonymous_no, uint32_t user_no, bool *joined,
                        struct err *err)
{
    int64_t added;
    enum err_code code =
        db_run(tx->db,
               "INSERT INTO user_links (anonymous_no, user_no, joined_at) VALUES (?, ?, ?)"
               " ON CONFLICT (anonymous_no) DO NOTHING",
               DB_ARGS(db_i64(anonymous_no), db_i64(user_no), db_i64(tx->now_us)), &added, err);
    if (!code && added)
        code = cart_join(tx, anonymous_no, user_no, err);
    if (!code && added)
        code = tx_change(tx, CHANGE_USER, CHANGE_LINK, anonymous_no, err);
    if (!code && joined)
        *joined = added != 0;
    return code;
}

enum err_code user_unlink(struct store_tx *tx, uint32_t anonymous_no, struct err *err)
{
    int64_t removed;
    enum err_code code = db_run(tx->db, "DELETE FROM user_links WHERE anonymous_no = ?",
                                DB_ARGS(db_i64(anonymous_no)), &removed, err);
    if (!code && !removed)
        code = err_set(err, ERR_NOT_FOUND, "shopper %u is joined to nobody", anonymous_no);
    if (!code)
        code = cart_part(tx, anonymous_no, err);
    return code ? code : tx_change(tx, CHANGE_USER, CHANGE_LINK, anonymous_no, err);
}

enum err_code user_resolve(struct db *db, uint32_t no, uint32_t *resolved, struct err *err)
{
    int64_t wide;
    bool joined;
    enum err_code code = db_query_i64(db, "SELECT user_no FROM user_links WHERE anonymous_no = ?",
                                      DB_ARGS(db_i64(no)), &wide, &joined, err);
    if (!code)
        *resolved = joined ? (uint32_t)wide : no;
    return code;
}

enum err_code user_links_after(struct db *db, uint32_t after, int64_t limit, struct db_rows *rows,
                               struct err *err)
{
    return db_query(db,
                    "SELECT anonymous_no, user_no, joined_at FROM user_links"
                    " WHERE anonymous_no > ? ORDER BY anonymous_no LIMIT ?",
                    DB_ARGS(db_i64(after), db_i64(limit)), rows, err);
}

enum err_code user_links_next(struct db_rows *rows, struct user_joined *out, bool *more,
                              struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct user_joined){
            .anonymous_no = db_col_u32(rows, 0),
            .user_no = db_col_u32(rows, 1),
            .joined_at = db_col_i64(rows, 2),
        };
    return code;
}

enum err_code user_linked_to(struct db *db, uint32_t user_no, uint32_t *out, size_t cap,
                             size_t *len, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *len = 0;
    enum err_code code = db_query(db,
                                  "SELECT anonymous_no FROM user_links WHERE user_no = ?"
                                  " ORDER BY anonymous_no",
                                  DB_ARGS(db_i64(user_no)), &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more) {
        if (*len < cap)
            out[*len] = db_col_u32(&rows, 0);
        ++*len;
    }
    db_rows_close(&rows);
    return code;
}

/* --- erasing ---------------------------------------------------------------------------------- */

/* Drop what leads to a number, and what is known about it; its events wait for compaction. */
static enum err_code erase_number(struct store_tx *tx, enum user_kind kind, struct str id,
                                  uint32_t no, struct err *err)
{
    static const char *const steps[] = {
        "DELETE FROM user_ids WHERE user_no = ?",
        "DELETE FROM user_profiles WHERE user_no = ?",
        "DELETE FROM user_links WHERE anonymous_no = ?",
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !code; i++)
        code = db_run(tx->db, steps[i], DB_ARGS(db_i64(no)), NULL, err);
    if (!code)
        code = cart_erase(tx, no, err);
    if (!code)
        code = orders_erase_user(tx, no, err);
    if (!code)
        code = quarantine_erase_user(tx, kind, id, err);
    if (!code)
        code = idempotency_erase_user(tx, kind, id, err);
    if (!code)
        code =
            db_run(tx->db, "INSERT INTO erased_users (user_no, erased_at, state) VALUES (?, ?, 0)",
                   DB_ARGS(db_i64(no), db_i64(tx->now_us)), NULL, err);
    id_cache_forget(&tx_of(tx)->users, id_cache_hash(kind, id));
    return code ? code : tx_change(tx, CHANGE_USER, CHANGE_DELETE, no, err);
}

/* The anonymous shoppers joined to a number, one at a time, since each leaves the list. */
static enum err_code erase_linked(struct store_tx *tx, uint32_t user_no, struct err *err)
{
    for (;;) {
        char id[STORE_ID_MAX];
        struct db_rows rows;
        bool more;
        enum err_code code = db_query(tx->db,
                                      "SELECT i.user_no, i.id FROM user_links l JOIN user_ids i"
                                      " ON i.user_no = l.anonymous_no WHERE l.user_no = ? LIMIT 1",
                                      DB_ARGS(db_i64(user_no)), &rows, err);
        if (!code)
            code = db_next(&rows, &more, err);
        if (code || !more)
            return code;
        uint32_t no = db_col_u32(&rows, 0);
        struct str text = db_col_text(&rows, 1);
        size_t n = text.n < sizeof id ? text.n : sizeof id;
        memcpy(id, text.p, n);
        db_rows_close(&rows);
        code = erase_number(tx, USER_ANONYMOUS, (struct str){id, n}, no, err);
        if (code)
            return code;
    }
}

enum err_code user_delete(struct store_tx *tx, struct str id, struct err *err)
{
    uint32_t no;
    enum err_code code = user_no_of(tx->db, USER_KNOWN, id, &no, err);
    if (!code && !no)
        return no_such_user(id, err);
    if (!code)
        code = erase_linked(tx, no, err);
    return code ? code : erase_number(tx, USER_KNOWN, id, no, err);
}

enum err_code user_number_max(struct db *db, uint32_t *no, struct err *err)
{
    int64_t max_no = 0;
    enum err_code code =
        db_query_i64(db,
                     "SELECT MAX(no) FROM (SELECT MAX(user_no) AS no FROM user_ids UNION ALL"
                     " SELECT MAX(user_no) AS no FROM erased_users) numbers",
                     DB_NO_ARGS, &max_no, NULL, err);
    *no = (uint32_t)max_no;
    return code;
}

enum err_code users_count(struct db *db, struct user_counts *out, struct err *err)
{
    const struct {
        const char *sql;
        int64_t *out;
    } counts[] = {
        {"SELECT COUNT(*) FROM user_ids WHERE kind = 0", &out->known},
        {"SELECT COUNT(*) FROM user_ids WHERE kind = 1", &out->anonymous},
        {"SELECT COUNT(*) FROM user_links", &out->linked},
        {"SELECT COUNT(*) FROM erased_users", &out->erased},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !code; i++)
        code = db_query_i64(db, counts[i].sql, DB_NO_ARGS, counts[i].out, NULL, err);
    return code ? code : user_number_max(db, &out->max_no, err);
}
