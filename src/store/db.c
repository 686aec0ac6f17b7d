#include "store/db.h"

#include "base/banned.h"
#include "base/check.h"
#include "base/mem.h"
#include "store/db_driver.h"

static const struct db_driver *const drivers[] = {&db_sqlite};

enum err_code db_open(const char *url, enum db_mode mode, struct db **db, struct err *err)
{
    struct str path = str_of(url);
    struct str scheme = str_split(&path, ':');
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        if (!str_is(scheme, drivers[i]->scheme) || !path.p)
            continue;
        struct db *opened;
        enum err_code code = drivers[i]->open(path.p, mode, &opened, err);
        if (code)
            return code;
        opened->driver = drivers[i];
        opened->mode = mode;
        *db = opened;
        return ERR_OK;
    }
    return err_set(err, ERR_UNSUPPORTED, "no database driver for %s", url);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    size_t pos = 0;
    uint64_t text, stmt;
    if (db->in_transaction)
        db_rollback(db);
    while (map_u64_next(&db->statements, &pos, &text, &stmt))
        db->driver->finalise((void *)(uintptr_t)stmt);
    map_u64_release(&db->statements);
    db->driver->close(db);
}

const struct db_driver *db_driver_of(const struct db *db)
{
    return db->driver;
}

/* The statement of a text: prepared at its first use, then kept as long as the connection. */
static enum err_code find_statement(struct db *db, const char *sql, void **stmt, struct err *err)
{
    uint64_t *known = map_u64_find(&db->statements, (uintptr_t)sql);
    if (known) {
        *stmt = (void *)(uintptr_t)*known;
        return ERR_OK;
    }
    enum err_code code = db->driver->prepare(db, sql, stmt, err);
    if (code)
        return code;
    *map_u64_at(&db->statements, (uintptr_t)sql, NULL) = (uintptr_t)*stmt;
    return ERR_OK;
}

enum err_code db_query(struct db *db, const char *sql, const struct db_arg *args, size_t args_len,
                       struct db_rows *rows, struct err *err)
{
    void *stmt;
    *rows = (struct db_rows){0};
    enum err_code code = find_statement(db, sql, &stmt, err);
    if (code)
        return code;
    code = db->driver->bind(db, stmt, args, args_len, err);
    if (code)
        return code;
    *rows = (struct db_rows){.db = db, .stmt = stmt};
    return ERR_OK;
}

enum err_code db_next(struct db_rows *rows, bool *more, struct err *err)
{
    *more = false;
    if (!rows->stmt)
        return ERR_OK;
    enum err_code code = rows->db->driver->step(rows->db, rows->stmt, more, err);
    if (code || !*more)
        db_rows_close(rows);
    return code;
}

void db_rows_close(struct db_rows *rows)
{
    if (!rows->stmt)
        return;
    rows->db->driver->reset(rows->stmt);
    rows->stmt = NULL;
}

enum err_code db_run(struct db *db, const char *sql, const struct db_arg *args, size_t args_len,
                     int64_t *changed, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, sql, args, args_len, &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && changed)
        *changed = db->driver->changed(db);
    db_rows_close(&rows);
    return code;
}

enum err_code db_insert(struct db *db, const char *sql, const struct db_arg *args, size_t args_len,
                        int64_t *no, struct err *err)
{
    int64_t changed = 0;
    *no = 0;
    enum err_code code = db_run(db, sql, args, args_len, &changed, err);
    if (!code && changed)
        *no = db->driver->inserted(db);
    return code;
}

enum err_code db_query_i64(struct db *db, const char *sql, const struct db_arg *args,
                           size_t args_len, int64_t *out, bool *found, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, sql, args, args_len, &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (code)
        return code;
    *out = more ? db_col_i64(&rows, 0) : 0;
    if (found)
        *found = more;
    db_rows_close(&rows);
    return ERR_OK;
}

int64_t db_col_i64(const struct db_rows *rows, int col)
{
    return rows->db->driver->col_i64(rows->stmt, col);
}

double db_col_double(const struct db_rows *rows, int col)
{
    return rows->db->driver->col_double(rows->stmt, col);
}

struct str db_col_text(const struct db_rows *rows, int col)
{
    return rows->db->driver->col_text(rows->stmt, col);
}

struct str db_col_bytes(const struct db_rows *rows, int col)
{
    return rows->db->driver->col_bytes(rows->stmt, col);
}

bool db_col_is_null(const struct db_rows *rows, int col)
{
    return rows->db->driver->col_is_null(rows->stmt, col);
}

enum err_code db_script(struct db *db, const char *sql, struct err *err)
{
    return db->driver->script(db, sql, err);
}

enum err_code db_begin(struct db *db, struct err *err)
{
    DCHECK(!db->in_transaction);
    enum err_code code = db->driver->begin(db, err);
    db->in_transaction = code == ERR_OK;
    return code;
}

enum err_code db_commit(struct db *db, struct err *err)
{
    DCHECK(db->in_transaction);
    enum err_code code = db->driver->commit(db, err);
    if (code)
        db->driver->rollback(db);
    db->in_transaction = false;
    return code;
}

void db_rollback(struct db *db)
{
    if (db->in_transaction)
        db->driver->rollback(db);
    db->in_transaction = false;
}

enum err_code db_savepoint(struct db *db, struct err *err)
{
    return db_run(db, "SAVEPOINT part", DB_NO_ARGS, NULL, err);
}

enum err_code db_savepoint_keep(struct db *db, struct err *err)
{
    return db_run(db, "RELEASE SAVEPOINT part", DB_NO_ARGS, NULL, err);
}

enum err_code db_savepoint_undo(struct db *db, struct err *err)
{
    enum err_code code = db_run(db, "ROLLBACK TO SAVEPOINT part", DB_NO_ARGS, NULL, err);
    return code ? code : db_savepoint_keep(db, err);
}

enum err_code db_checkpoint(struct db *db, int64_t keep_bytes, int64_t *log_bytes, struct err *err)
{
    return db->driver->checkpoint(db, keep_bytes, log_bytes, err);
}

enum err_code db_empty_log(struct db *db, struct err *err)
{
    return db->driver->empty_log(db, err);
}

enum err_code db_verify(struct db *db, struct err *err)
{
    return db->driver->verify(db, err);
}

enum err_code db_copy_to(struct db *db, const char *path, db_progress_fn progress, void *arg,
                         struct err *err)
{
    return db->driver->copy_to(db, path, progress, arg, err);
}
