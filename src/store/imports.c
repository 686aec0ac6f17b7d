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

enum err_code imports_count(struct db *db, struct import_counts *out, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *out = (struct import_counts){0};
    enum err_code code =
        db_query(db, "SELECT done, COUNT(*), SUM(line) FROM import_checkpoints GROUP BY done",
                 DB_NO_ARGS, &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more) {
        *(db_col_i64(&rows, 0) ? &out->done : &out->unfinished) = db_col_i64(&rows, 1);
        out->lines += db_col_i64(&rows, 2);
    }
    db_rows_close(&rows);
    return code;
}
