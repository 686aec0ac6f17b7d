#include "store/quarantine.h"

#include "base/banned.h"
#include "store/record_int.h"
#include "store/users_int.h"

/* --- how many there are ----------------------------------------------------------------------- */

/* quarantine_kinds has the number of rows of each kind, so that adding one counts nothing. */
static enum err_code count_row(struct store_tx *tx, struct str kind, int64_t kept, int64_t dropped,
                               struct err *err)
{
    return db_run(tx->db,
                  "INSERT INTO quarantine_kinds (kind, kept, dropped) VALUES (?, ?, ?)"
                  " ON CONFLICT (kind) DO UPDATE SET kept = quarantine_kinds.kept + excluded.kept,"
                  " dropped = quarantine_kinds.dropped + excluded.dropped",
                  DB_ARGS(db_text(kind), db_i64(kept), db_i64(dropped)), NULL, err);
}

static enum err_code recount(struct store_tx *tx, struct err *err)
{
    return db_run(tx->db,
                  "UPDATE quarantine_kinds SET kept = (SELECT COUNT(*) FROM quarantine q"
                  " WHERE q.kind = quarantine_kinds.kind)",
                  DB_NO_ARGS, NULL, err);
}

enum err_code quarantine_kinds(struct db *db, struct db_rows *rows, struct err *err)
{
    return db_query(db, "SELECT kind, kept, dropped FROM quarantine_kinds ORDER BY kind",
                    DB_NO_ARGS, rows, err);
}

enum err_code quarantine_kinds_next(struct db_rows *rows, struct quarantine_kind *out, bool *more,
                                    struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct quarantine_kind){
            .kind = db_col_text(rows, 0),
            .kept = db_col_i64(rows, 1),
            .dropped = db_col_i64(rows, 2),
        };
    return code;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum err_code insert(struct store_tx *tx, const struct quarantine *q, bool *added,
                            struct err *err)
{
    int64_t rows;
    struct str raw = q->raw;
    bool cut = q->raw_cut || raw.n > QUARANTINE_RAW_MAX;
    struct str record = q->record;
    if (raw.n > QUARANTINE_RAW_MAX)
        raw.n = QUARANTINE_RAW_MAX;
    if (record.n > QUARANTINE_RECORD_MAX)
        record = (struct str){NULL, 0};
    enum err_code code = db_run(
        tx->db,
        "INSERT INTO quarantine (kind, source, file_key, line, col, reason, message,"
        " raw, raw_cut, user_id, anonymous_id, state, at, record, order_id, ordinal)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, file_key, line) DO NOTHING",
        DB_ARGS(db_text(q->kind), db_text(q->source), db_text_or_null(q->file_key),
                db_i64((int64_t)q->line), db_i64(q->column), db_text(q->reason),
                db_text(q->message), db_bytes(raw), db_i64(cut), db_text_or_null(q->user_id),
                db_text_or_null(q->anonymous_id), db_i64(QUARANTINE_OPEN),
                db_i64(q->at ? q->at : tx->now_us), record.n ? db_bytes(record) : db_null(),
                db_text_or_null(q->order_id), q->order_id.n ? db_i64(q->ordinal) : db_null()),
        &rows, err);
    *added = !code && rows;
    return code || !rows ? code : count_row(tx, q->kind, 1, 0, err);
}

/* A row that is there already was not dropped. */
static enum err_code drop(struct store_tx *tx, const struct quarantine *q, struct err *err)
{
    int64_t no;
    bool there = false;
    enum err_code code = ERR_OK;
    if (q->file_key.n)
        code =
            db_query_i64(tx->db,
                         "SELECT no FROM quarantine WHERE kind = ? AND file_key = ?"
                         " AND line = ?",
                         DB_ARGS(db_text(q->kind), db_text(q->file_key), db_i64((int64_t)q->line)),
                         &no, &there, err);
    return code || there ? code : count_row(tx, q->kind, 0, 1, err);
}

enum err_code quarantine_add(struct store_tx *tx, const struct quarantine *q, bool *added,
                             struct err *err)
{
    int64_t kept = 0;
    bool is_new = false;
    enum err_code code = store_id_check("kind", q->kind, err);
    if (!code)
        code = store_id_check("reason", q->reason, err);
    if (!code)
        code = db_query_i64(tx->db, "SELECT kept FROM quarantine_kinds WHERE kind = ?",
                            DB_ARGS(db_text(q->kind)), &kept, NULL, err);
    if (!code)
        code = kept < QUARANTINE_ROWS_MAX ? insert(tx, q, &is_new, err) : drop(tx, q, err);
    if (!code && added)
        *added = is_new;
    return code;
}

enum err_code quarantine_set_state(struct store_tx *tx, int64_t no, enum quarantine_state state,
                                   struct err *err)
{
    int64_t changed;
    enum err_code code = db_run(tx->db, "UPDATE quarantine SET state = ? WHERE no = ?",
                                DB_ARGS(db_i64(state), db_i64(no)), &changed, err);
    if (!code && !changed)
        code = err_set(err, ERR_NOT_FOUND, "no quarantined row number %lld", (long long)no);
    return code;
}

enum err_code quarantine_set_reason(struct store_tx *tx, int64_t no, uint32_t column,
                                    struct str reason, struct str message, struct err *err)
{
    int64_t changed;
    enum err_code code = store_id_check("reason", reason, err);
    if (!code)
        code = db_run(tx->db, "UPDATE quarantine SET col = ?, reason = ?, message = ? WHERE no = ?",
                      DB_ARGS(db_i64(column), db_text(reason), db_text(message), db_i64(no)),
                      &changed, err);
    if (!code && !changed)
        code = err_set(err, ERR_NOT_FOUND, "no quarantined row number %lld", (long long)no);
    return code;
}

enum err_code quarantine_trim(struct store_tx *tx, int64_t before_us, int64_t limit,
                              int64_t *removed, struct err *err)
{
    enum err_code code =
        db_run(tx->db,
               "DELETE FROM quarantine WHERE no IN (SELECT no FROM quarantine"
               " WHERE state <> ? OR at < ? ORDER BY no LIMIT ?)",
               DB_ARGS(db_i64(QUARANTINE_OPEN), db_i64(before_us), db_i64(limit)), removed, err);
    return code || !*removed ? code : recount(tx, err);
}

/* --- erasing ---------------------------------------------------------------------------------- */

static bool continues_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

/* Does the text hold the id, not as a part of a longer word? */
static bool mentions(struct str text, struct str id)
{
    size_t begin = 0, at;
    while ((at = str_search((struct str){text.p + begin, text.n - begin}, id)) != SIZE_MAX) {
        size_t from = begin + at, end = from + id.n;
        bool before = from > 0 && continues_word(text.p[from - 1]) && continues_word(id.p[0]);
        bool behind = end < text.n && continues_word(text.p[end]) && continues_word(id.p[id.n - 1]);
        if (!before && !behind)
            return true;
        begin = from + 1;
    }
    return false;
}

/* The next row above *no that is nobody's by its columns and mentions the id; 0: none. Products
 * speak of no shopper. */
static enum err_code next_mention(struct db *db, struct str id, int64_t *no, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    enum err_code code =
        db_query(db,
                 "SELECT no, raw, message, record FROM quarantine WHERE user_id IS NULL"
                 " AND anonymous_id IS NULL AND no > ? AND kind <> 'products'"
                 " ORDER BY no",
                 DB_ARGS(db_i64(*no)), &rows, err);
    *no = 0;
    while (!code && *no == 0 && !(code = db_next(&rows, &more, err)) && more)
        if (mentions(db_col_bytes(&rows, 1), id) || mentions(db_col_text(&rows, 2), id) ||
            mentions(db_col_bytes(&rows, 3), id))
            *no = db_col_i64(&rows, 0);
    db_rows_close(&rows);
    return code;
}

enum err_code quarantine_erase_user(struct store_tx *tx, enum user_kind kind, struct str id,
                                    struct err *err)
{
    int64_t removed, no = 0;
    enum err_code code = kind == USER_KNOWN
                             ? db_run(tx->db, "DELETE FROM quarantine WHERE user_id = ?",
                                      DB_ARGS(db_text(id)), &removed, err)
                             : db_run(tx->db, "DELETE FROM quarantine WHERE anonymous_id = ?",
                                      DB_ARGS(db_text(id)), &removed, err);
    while (!code && !(code = next_mention(tx->db, id, &no, err)) && no) {
        code =
            db_run(tx->db, "DELETE FROM quarantine WHERE no = ?", DB_ARGS(db_i64(no)), NULL, err);
        removed++;
    }
    return code || !removed ? code : recount(tx, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

enum err_code quarantine_list(struct db *db, struct str kind, struct str reason, int64_t after_no,
                              int64_t limit, struct db_rows *rows, struct err *err)
{
    return db_query(
        db,
        "SELECT no, kind, source, file_key, line, col, reason, message, raw, raw_cut,"
        " state, at, record, order_id, ordinal FROM quarantine WHERE state = 0 AND no > ?"
        " AND (kind = ? OR ? = '') AND (reason = ? OR ? = '') ORDER BY no LIMIT ?",
        DB_ARGS(db_i64(after_no), db_text(kind), db_text(kind), db_text(reason), db_text(reason),
                db_i64(limit)),
        rows, err);
}

enum err_code quarantine_next(struct db_rows *rows, struct quarantine *out, bool *more,
                              struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct quarantine){
            .no = db_col_i64(rows, 0),
            .kind = db_col_text(rows, 1),
            .source = db_col_text(rows, 2),
            .file_key = db_col_text(rows, 3),
            .line = (uint64_t)db_col_i64(rows, 4),
            .column = db_col_u32(rows, 5),
            .reason = db_col_text(rows, 6),
            .message = db_col_text(rows, 7),
            .raw = db_col_bytes(rows, 8),
            .raw_cut = db_col_i64(rows, 9) != 0,
            .state = (enum quarantine_state)db_col_i64(rows, 10),
            .at = db_col_i64(rows, 11),
            .record = db_col_bytes(rows, 12),
            .order_id = db_col_text(rows, 13),
            .ordinal = db_col_u32(rows, 14),
        };
    return code;
}

enum err_code quarantine_counts(struct db *db, struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    "SELECT kind, reason, COUNT(*) FROM quarantine WHERE state = 0"
                    " GROUP BY kind, reason ORDER BY kind, reason",
                    DB_NO_ARGS, rows, err);
}

enum err_code quarantine_counts_next(struct db_rows *rows, struct quarantine_count *out, bool *more,
                                     struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct quarantine_count){
            .kind = db_col_text(rows, 0),
            .reason = db_col_text(rows, 1),
            .rows = db_col_i64(rows, 2),
        };
    return code;
}
