#include "store/imports.h"

#include "base/banned.h"
#include "store/record_int.h"

char *file_key(const struct file_identity *file, char out[FILE_KEY_SIZE])
{
    snprintf(out, FILE_KEY_SIZE, "%llu-%016llx-%016llx", (unsigned long long)file->size,
             (unsigned long long)file->head_hash, (unsigned long long)file->tail_hash);
    return out;
}

/* --- checkpoints ------------------------------------------------------------------------------ */

enum err_code import_checkpoint_put(struct store_tx *tx, const struct import_checkpoint *c,
                                    struct err *err)
{
    enum err_code code = store_id_check("kind", c->kind, err);
    if (!code && c->counters.n > STORE_JSON_MAX)
        code = err_set(err, ERR_LIMIT, "the counters of an import have %zu bytes, at most %d",
                       c->counters.n, STORE_JSON_MAX);
    if (code)
        return code;
    return db_run(tx->db,
                  "INSERT INTO import_checkpoints (kind, size, head_hash, tail_hash, mtime,"
                  " whole_hash, byte_offset, line, done, counters, updated_at)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                  " ON CONFLICT (kind, size, head_hash, tail_hash) DO UPDATE SET"
                  " mtime = excluded.mtime, whole_hash = excluded.whole_hash,"
                  " byte_offset = excluded.byte_offset, line = excluded.line,"
                  " done = excluded.done, counters = excluded.counters,"
                  " updated_at = excluded.updated_at",
                  DB_ARGS(db_text(c->kind), db_i64((int64_t)c->file.size),
                          db_i64((int64_t)c->file.head_hash), db_i64((int64_t)c->file.tail_hash),
                          db_i64(c->mtime_us), db_i64((int64_t)c->whole_hash),
                          db_i64((int64_t)c->offset), db_i64((int64_t)c->line), db_i64(c->done),
                          db_bytes(c->counters), db_i64(tx->now_us)),
                  NULL, err);
}

enum err_code import_checkpoint_get(struct db *db, struct str kind,
                                    const struct file_identity *file, struct arena *arena,
                                    struct import_checkpoint *out, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code =
        db_query(db,
                 "SELECT kind, mtime, whole_hash, byte_offset, line, done, counters, updated_at"
                 " FROM import_checkpoints WHERE kind = ? AND size = ? AND head_hash = ?"
                 " AND tail_hash = ?",
                 DB_ARGS(db_text(kind), db_i64((int64_t)file->size),
                         db_i64((int64_t)file->head_hash), db_i64((int64_t)file->tail_hash)),
                 &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (code)
        return code;
    if (!more)
        return err_set(err, ERR_NOT_FOUND, "nothing of this file was imported yet");
    *out = (struct import_checkpoint){
        .kind = arena_str(arena, db_col_text(&rows, 0)),
        .file = *file,
        .mtime_us = db_col_i64(&rows, 1),
        .whole_hash = (uint64_t)db_col_i64(&rows, 2),
        .offset = (uint64_t)db_col_i64(&rows, 3),
        .line = (uint64_t)db_col_i64(&rows, 4),
        .done = db_col_i64(&rows, 5) != 0,
        .counters = arena_str(arena, db_col_bytes(&rows, 6)),
        .updated_at = db_col_i64(&rows, 7),
    };
    db_rows_close(&rows);
    return ERR_OK;
}

enum err_code import_checkpoints_forget(struct store_tx *tx, struct str kind,
                                        const struct import_checkpoint *except, struct err *err)
{
    char pattern[STORE_ID_MAX + 2];
    enum err_code code = store_id_check("kind", kind, err);
    if (code)
        return code;
    snprintf(pattern, sizeof pattern, "%.*s/%%", STR_ARG(kind));
    return db_run(
        tx->db,
        "DELETE FROM import_checkpoints WHERE kind LIKE ? AND NOT (kind = ? AND size = ?"
        " AND head_hash = ? AND tail_hash = ?)",
        DB_ARGS(db_text(str_of(pattern)), db_text(except->kind), db_i64((int64_t)except->file.size),
                db_i64((int64_t)except->file.head_hash), db_i64((int64_t)except->file.tail_hash)),
        NULL, err);
}

enum err_code import_checkpoint_remove(struct store_tx *tx, struct str kind,
                                       const struct file_identity *file, struct err *err)
{
    return db_run(tx->db,
                  "DELETE FROM import_checkpoints WHERE kind = ? AND size = ? AND head_hash = ?"
                  " AND tail_hash = ?",
                  DB_ARGS(db_text(kind), db_i64((int64_t)file->size),
                          db_i64((int64_t)file->head_hash), db_i64((int64_t)file->tail_hash)),
                  NULL, err);
}

/* --- quarantine ------------------------------------------------------------------------------- */

enum err_code quarantine_add(struct store_tx *tx, const struct quarantine *q, bool *added,
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
    enum err_code code = store_id_check("kind", q->kind, err);
    if (!code)
        code = store_id_check("reason", q->reason, err);
    if (!code)
        code = db_run(tx->db,
                      "INSERT INTO quarantine (kind, source, file_key, line, col, reason, message,"
                      " raw, raw_cut, state, at, record, order_id, ordinal)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (kind, file_key, line) DO NOTHING",
                      DB_ARGS(db_text(q->kind), db_text(q->source), db_text_or_null(q->file_key),
                              db_i64((int64_t)q->line), db_i64(q->column), db_text(q->reason),
                              db_text(q->message), db_bytes(raw), db_i64(cut),
                              db_i64(QUARANTINE_OPEN), db_i64(q->at ? q->at : tx->now_us),
                              record.n ? db_bytes(record) : db_null(), db_text_or_null(q->order_id),
                              q->order_id.n ? db_i64(q->ordinal) : db_null()),
                      &rows, err);
    if (!code && added)
        *added = rows != 0;
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

enum err_code quarantine_purge(struct store_tx *tx, int64_t *removed, struct err *err)
{
    return db_run(tx->db, "DELETE FROM quarantine WHERE state <> ?",
                  DB_ARGS(db_i64(QUARANTINE_OPEN)), removed, err);
}

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
