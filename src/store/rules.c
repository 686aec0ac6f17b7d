#include "store/rules.h"

#include "base/banned.h"
#include "store/record_int.h"
#include "store/tx_int.h"

#define COLUMNS "no, id, name, enabled, priority, definition, created_at, updated_at"

static enum err_code check(const struct rule_row *r, struct err *err)
{
    enum err_code code = store_id_check("id", r->id, err);
    if (!code)
        code = store_text_check("name", r->name, STORE_ID_MAX, err);
    if (!code)
        code = store_text_check("definition", r->definition, STORE_RULE_DEFINITION_MAX, err);
    if (!code && (r->priority < 0 || r->priority > STORE_RULE_PRIORITY_MAX))
        code = err_set(err, ERR_INVALID, "priority: %d is not in 0..%d", r->priority,
                       STORE_RULE_PRIORITY_MAX);
    return code;
}

static enum err_code find(struct db *db, struct str id, int64_t *no, bool *found, struct err *err)
{
    return db_query_i64(db, "SELECT no FROM rules WHERE id = ?", DB_ARGS(db_text(id)), no, found,
                        err);
}

static enum err_code insert(struct store_tx *tx, const struct rule_row *r, int64_t *no,
                            struct err *err)
{
    int64_t there;
    enum err_code code =
        db_query_i64(tx->db, "SELECT COUNT(*) FROM rules", DB_NO_ARGS, &there, NULL, err);
    if (!code && there >= STORE_RULES_MAX)
        code = err_set(err, ERR_LIMIT, "a shop has at most %d rules", STORE_RULES_MAX);
    return code ? code
                : db_insert(tx->db,
                            "INSERT INTO rules (id, name, enabled, priority, definition,"
                            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                            DB_ARGS(db_text(r->id), db_text_or_null(r->name), db_i64(r->enabled),
                                    db_i64(r->priority), db_text(r->definition), db_i64(tx->now_us),
                                    db_i64(tx->now_us)),
                            no, err);
}

enum err_code rule_put(struct store_tx *tx, const struct rule_row *r, int64_t *no, bool *created,
                       struct err *err)
{
    int64_t given = 0;
    bool found = false;
    enum err_code code = check(r, err);
    if (!code)
        code = find(tx->db, r->id, &given, &found, err);
    if (!code && !found)
        code = insert(tx, r, &given, err);
    else if (!code)
        code = db_run(tx->db,
                      "UPDATE rules SET name = ?, enabled = ?, priority = ?, definition = ?,"
                      " updated_at = ? WHERE no = ?",
                      DB_ARGS(db_text_or_null(r->name), db_i64(r->enabled), db_i64(r->priority),
                              db_text(r->definition), db_i64(tx->now_us), db_i64(given)),
                      NULL, err);
    if (!code)
        code = tx_change(tx, CHANGE_RULE, CHANGE_PUT, given, err);
    if (!code && no)
        *no = given;
    if (!code && created)
        *created = !found;
    return code;
}

enum err_code rule_delete(struct store_tx *tx, struct str id, struct err *err)
{
    int64_t no;
    bool found;
    enum err_code code = find(tx->db, id, &no, &found, err);
    if (!code && !found)
        code = err_set(err, ERR_NOT_FOUND, "there is no such rule");
    if (!code)
        code = db_run(tx->db, "DELETE FROM rules WHERE no = ?", DB_ARGS(db_i64(no)), NULL, err);
    return code ? code : tx_change(tx, CHANGE_RULE, CHANGE_DELETE, no, err);
}

static struct rule_row row_of(const struct db_rows *rows)
{
    return (struct rule_row){
        .no = db_col_i64(rows, 0),
        .id = db_col_text(rows, 1),
        .name = db_col_text(rows, 2),
        .enabled = db_col_i64(rows, 3) != 0,
        .priority = (int32_t)db_col_i64(rows, 4),
        .definition = db_col_text(rows, 5),
        .created_at = db_col_i64(rows, 6),
        .updated_at = db_col_i64(rows, 7),
    };
}

enum err_code rule_get(struct db *db, struct str id, struct arena *arena, struct rule_row *out,
                       struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, "SELECT " COLUMNS " FROM rules WHERE id = ?",
                                  DB_ARGS(db_text(id)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (code)
        return code;
    if (!more)
        return err_set(err, ERR_NOT_FOUND, "there is no such rule");
    *out = row_of(&rows);
    keep_text(arena, &out->id);
    keep_text(arena, &out->name);
    keep_text(arena, &out->definition);
    db_rows_close(&rows);
    return ERR_OK;
}

enum err_code rules_after(struct db *db, const struct rule_row *after, int64_t limit,
                          struct db_rows *rows, struct err *err)
{
    return db_query(
        db,
        "SELECT " COLUMNS " FROM rules WHERE (priority, no) > (?, ?)"
        " ORDER BY priority, no LIMIT ?",
        DB_ARGS(db_i64(after ? after->priority : -1), db_i64(after ? after->no : 0), db_i64(limit)),
        rows, err);
}

enum err_code rules_next(struct db_rows *rows, struct rule_row *out, bool *more, struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = row_of(rows);
    return code;
}
