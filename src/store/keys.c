#include "store/keys.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/banned.h"
#include "store/record_int.h"
#include "store/tx_int.h"
#include "store/users_int.h"

enum { REPLY_MAX = 1 << 20 };

/* --- API keys --------------------------------------------------------------------------------- */

enum err_code api_key_add(struct store_tx *tx, const struct api_key *key, int64_t *no,
                          struct err *err)
{
    int64_t given;
    bool added = false;
    enum err_code code = store_text_check("name", key->name, STORE_ID_MAX, err);
    if (!code)
        code = store_id_check("scope", key->scope, err);
    if (!code)
        code = db_query_i64(
            tx->db,
            "INSERT INTO api_keys (name, scope, hint, hash, created_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (hash) DO NOTHING RETURNING no",
            DB_ARGS(db_text(key->name), db_text(key->scope), db_text(key->hint),
                    db_bytes((struct str){(const char *)key->hash, API_KEY_HASH_SIZE}),
                    db_i64(key->created_at ? key->created_at : tx->now_us)),
            &given, &added, err);
    if (!code && !added)
        code = err_set(err, ERR_CONFLICT, "this key exists already");
    if (!code)
        code = tx_change(tx, CHANGE_KEY, CHANGE_PUT, given, err);
    if (!code && no)
        *no = given;
    return code;
}

enum err_code api_key_revoke(struct store_tx *tx, int64_t no, struct err *err)
{
    int64_t changed;
    enum err_code code =
        db_run(tx->db, "UPDATE api_keys SET revoked_at = ? WHERE no = ? AND revoked_at IS NULL",
               DB_ARGS(db_i64(tx->now_us), db_i64(no)), &changed, err);
    if (!code && !changed)
        code = err_set(err, ERR_NOT_FOUND, "no valid key number %lld", (long long)no);
    return code ? code : tx_change(tx, CHANGE_KEY, CHANGE_DELETE, no, err);
}

enum err_code api_keys_list(struct db *db, struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    "SELECT no, name, scope, hint, hash, created_at, revoked_at FROM api_keys"
                    " ORDER BY no",
                    DB_NO_ARGS, rows, err);
}

enum err_code api_keys_next(struct db_rows *rows, struct api_key *out, bool *more, struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (code || !*more)
        return code;
    struct str hash = db_col_bytes(rows, 4);
    if (hash.n != API_KEY_HASH_SIZE) {
        db_rows_close(rows);
        return err_set(err, ERR_CORRUPT, "the hash of an API key has %zu bytes", hash.n);
    }
    *out = (struct api_key){
        .no = db_col_i64(rows, 0),
        .name = db_col_text(rows, 1),
        .scope = db_col_text(rows, 2),
        .hint = db_col_text(rows, 3),
        .created_at = db_col_i64(rows, 5),
        .revoked_at = db_col_i64(rows, 6),
    };
    memcpy(out->hash, hash.p, API_KEY_HASH_SIZE);
    return ERR_OK;
}

/* --- settings --------------------------------------------------------------------------------- */

enum err_code setting_put(struct store_tx *tx, struct str name, struct str value, struct err *err)
{
    enum err_code code = store_id_check("name", name, err);
    if (!code)
        code = store_text_check("value", value, STORE_JSON_MAX, err);
    if (!code && value.n)
        code = db_run(tx->db,
                      "INSERT INTO settings (name, value) VALUES (?, ?)"
                      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                      DB_ARGS(db_text(name), db_text(value)), NULL, err);
    else if (!code)
        code = db_run(tx->db, "DELETE FROM settings WHERE name = ?", DB_ARGS(db_text(name)), NULL,
                      err);
    return code ? code : tx_change(tx, CHANGE_SETTING, CHANGE_PUT, 0, err);
}

enum err_code setting_get(struct db *db, struct str name, struct arena *arena, struct str *value,
                          struct err *err)
{
    struct db_rows rows;
    bool more;
    *value = (struct str){0};
    enum err_code code = db_query(db, "SELECT value FROM settings WHERE name = ?",
                                  DB_ARGS(db_text(name)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more)
        *value = arena_str(arena, db_col_text(&rows, 0));
    db_rows_close(&rows);
    return code;
}

/* --- idempotency ------------------------------------------------------------------------------ */

enum err_code idempotency_put(struct store_tx *tx, const struct idempotency *i, struct err *err)
{
    int64_t changed;
    enum err_code code = store_id_check("scope", i->scope, err);
    if (!code)
        code = store_id_check("Idempotency-Key", i->key, err);
    if (!code)
        code = store_text_check("reply", i->reply, REPLY_MAX, err);
    if (!code)
        code = db_run(tx->db,
                      "INSERT INTO idempotency (scope, key, request_hash, status, reply,"
                      " expires_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (scope, key) DO UPDATE"
                      " SET request_hash = excluded.request_hash, status = excluded.status,"
                      " reply = excluded.reply, expires_at = excluded.expires_at"
                      " WHERE idempotency.expires_at <= ?",
                      DB_ARGS(db_text(i->scope), db_text(i->key), db_i64((int64_t)i->request_hash),
                              db_i64(i->status), db_text(i->reply), db_i64(i->expires_at),
                              db_i64(tx->now_us)),
                      &changed, err);
    if (!code && !changed)
        code = err_set(err, ERR_CONFLICT, "this Idempotency-Key was used already");
    return code;
}

enum err_code idempotency_get(struct db *db, struct str scope, struct str key, int64_t now_us,
                              struct arena *arena, struct idempotency *out, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code =
        db_query(db,
                 "SELECT request_hash, status, reply, expires_at FROM idempotency"
                 " WHERE scope = ? AND key = ? AND expires_at > ?",
                 DB_ARGS(db_text(scope), db_text(key), db_i64(now_us)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (code)
        return code;
    if (!more)
        return err_set(err, ERR_NOT_FOUND, "this Idempotency-Key was not used yet");
    *out = (struct idempotency){
        .scope = scope,
        .key = key,
        .request_hash = (uint64_t)db_col_i64(&rows, 0),
        .status = (int32_t)db_col_i64(&rows, 1),
        .reply = arena_str(arena, db_col_text(&rows, 2)),
        .expires_at = db_col_i64(&rows, 3),
    };
    db_rows_close(&rows);
    return ERR_OK;
}

enum err_code idempotency_trim(struct store_tx *tx, int64_t limit, int64_t *removed,
                               struct err *err)
{
    return db_run(tx->db,
                  "DELETE FROM idempotency WHERE (scope, key) IN (SELECT scope, key"
                  " FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
                  DB_ARGS(db_i64(tx->now_us), db_i64(limit)), removed, err);
}

char *idempotency_shopper(enum user_kind kind, struct str id, char out[IDEMPOTENCY_SHOPPER_SIZE])
{
    XXH128_hash_t h = XXH3_128bits_withSeed(id.p, id.n, kind);
    snprintf(out, IDEMPOTENCY_SHOPPER_SIZE, "%016llx%016llx/", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
    return out;
}

enum err_code idempotency_erase_user(struct store_tx *tx, enum user_kind kind, struct str id,
                                     struct err *err)
{
    char first[IDEMPOTENCY_SHOPPER_SIZE], behind[IDEMPOTENCY_SHOPPER_SIZE];
    struct str low = str_of(idempotency_shopper(kind, id, first)), high = {behind, low.n};
    memcpy(behind, first, sizeof behind);
    behind[low.n - 1]++; /* the byte after '/' */
    return db_run(tx->db, "DELETE FROM idempotency WHERE scope >= ? AND scope < ?",
                  DB_ARGS(db_text(low), db_text(high)), NULL, err);
}
