/* The SQLite driver: write-ahead log, fsync at every commit, no waiting but for another process.
 * Sources: sqlite.org/wal.html, sqlite.org/pragma.html. */
#include "store/db_driver.h"

#include <errno.h>
#include <stdio.h>

#include "base/banned.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db_sqlite_int.h"

enum {
    BUSY_TIMEOUT_MS = 10000,
    RESTART_WAIT_MS = 1500,     /* a reading transaction is under a second */
    LOG_FULL_BYTES = 128 << 20, /* above this readers are waited for, to begin the log anew */
    COPY_PAGES = 2048,          /* pages per step of an online copy */
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    char *path;        /* owned */
    int64_t log_bytes; /* of the write-ahead log at the last commit here */
    int64_t page_bytes;
};

static struct sqlite_db *self(struct db *db)
{
    return (struct sqlite_db *)db;
}

static enum err_code code_of(int rc, int system_errno)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    case SQLITE_INTERRUPT:
        return ERR_CANCELLED;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return ERR_INTERNAL;
    default:
        break;
    }
    if (system_errno == ENOSPC || system_errno == EDQUOT)
        return ERR_NO_SPACE;
    if (system_errno == EACCES || system_errno == EROFS || system_errno == EPERM)
        return ERR_DENIED;
    return ERR_IO;
}

static enum err_code fail(struct sqlite_db *s, int rc, struct err *err)
{
    return err_set(err, code_of(rc, sqlite3_system_errno(s->handle)), "database %s: %s", s->path,
                   sqlite3_errmsg(s->handle));
}

static enum err_code run(struct sqlite_db *s, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);
    return rc ? fail(s, rc, err) : ERR_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int note_log_size(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct sqlite_db *s = arg;
    (void)handle, (void)name;
    s->log_bytes = pages * s->page_bytes;
    return SQLITE_OK;
}

/* No memory map: an I/O error in one is a signal. secure_delete: what was erased is overwritten. */
static enum err_code configure(struct sqlite_db *s, enum db_mode mode, struct err *err)
{
    sqlite3_extended_result_codes(s->handle, 1);
    sqlite3_busy_timeout(s->handle, BUSY_TIMEOUT_MS);
    if (mode != DB_WRITE)
        return run(s,
                   "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA query_only = 1;",
                   err);
    enum err_code code = run(s,
                             "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;"
                             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                             "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;"
                             "PRAGMA secure_delete = ON; PRAGMA cache_size = -65536;"
                             "PRAGMA temp_store = MEMORY;",
                             err);
    sqlite3_wal_hook(s->handle, note_log_size, s);
    return code;
}

static enum err_code read_page_size(struct sqlite_db *s, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->handle, "PRAGMA page_size", -1, &stmt, NULL);
    if (!rc && sqlite3_step(stmt) == SQLITE_ROW)
        s->page_bytes = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc ? fail(s, rc, err) : ERR_OK;
}

/* The name that SQLite opens. A database on a read-only medium is declared unchanging: no lock and
 * no shared memory is needed then. */
static enum err_code sqlite_name(const char *path, enum db_mode mode, struct buf *name,
                                 struct err *err)
{
    if (mode != DB_FROZEN) {
        buf_puts(name, path);
        return buf_ok(name, "the database's path", err);
    }
    buf_puts(name, "file:");
    for (const char *p = path; *p; p++) {
        if (strchr("?#%", *p))
            buf_printf(name, "%%%02x", (unsigned)(unsigned char)*p);
        else
            buf_putc(name, *p);
    }
    buf_puts(name, "?immutable=1");
    return buf_ok(name, "the database's path", err);
}

static void sqlite_close_db(struct db *db)
{
    struct sqlite_db *s = self(db);
    sqlite3_close(s->handle);
    mem_free(s->path);
    mem_free(s);
}

static enum err_code sqlite_open_db(const char *path, enum db_mode mode, struct db **db,
                                    struct err *err)
{
    static const int flags[] = {
        [DB_READ] = SQLITE_OPEN_READONLY,
        [DB_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [DB_FROZEN] = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
    };
    struct fs_info info;
    struct buf name;
    enum err_code code = fs_stat(path, &info, err);
    if (code)
        return code;
    if (!info.exists && mode != DB_WRITE)
        return err_set(err, ERR_NOT_FOUND, "there is no database %s", path);

    struct sqlite_db *s = MEM_NEW(struct sqlite_db);
    s->path = mem_dup(path, strlen(path));
    buf_init(&name, 4 * FS_PATH_MAX);
    code = sqlite_name(path, mode, &name, err);
    if (!code) {
        int rc = sqlite3_open_v2(name.data, &s->handle, flags[mode] | SQLITE_OPEN_NOMUTEX,
                                 sqlite_vfs_name());
        code = rc ? fail(s, rc, err) : ERR_OK;
    }
    if (!code)
        code = configure(s, mode, err);
    if (!code)
        code = read_page_size(s, err);
    buf_release(&name);
    if (code)
        sqlite_close_db(&s->base);
    else
        *db = &s->base;
    return code;
}

/* --- statements ------------------------------------------------------------------------------- */

static enum err_code sqlite_prepare(struct db *db, const char *sql, void **stmt, struct err *err)
{
    sqlite3_stmt *made = NULL;
    int rc = sqlite3_prepare_v3(self(db)->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL);
    if (rc)
        return fail(self(db), rc, err);
    *stmt = made;
    return ERR_OK;
}

static void sqlite_finalise(void *stmt)
{
    sqlite3_finalize(stmt);
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct db_arg *arg)
{
    const char *p = arg->s.p ? arg->s.p : "";
    switch (arg->type) {
    case DB_TYPE_I64:
        return sqlite3_bind_int64(stmt, at, arg->i);
    case DB_TYPE_DOUBLE:
        return sqlite3_bind_double(stmt, at, arg->d);
    case DB_TYPE_TEXT:
        return sqlite3_bind_text64(stmt, at, p, arg->s.n, SQLITE_STATIC, SQLITE_UTF8);
    case DB_TYPE_BYTES:
        return sqlite3_bind_blob64(stmt, at, p, arg->s.n, SQLITE_STATIC);
    case DB_TYPE_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

static enum err_code sqlite_bind(struct db *db, void *stmt, const struct db_arg *args,
                                 size_t args_len, struct err *err)
{
    if (sqlite3_stmt_busy(stmt) || (size_t)sqlite3_bind_parameter_count(stmt) != args_len)
        return err_set(err, ERR_INTERNAL, "statement in use, or not %zu arguments: %s", args_len,
                       sqlite3_sql(stmt));
    for (size_t i = 0; i < args_len; i++) {
        int rc = bind_one(stmt, (int)i + 1, &args[i]);
        if (rc)
            return fail(self(db), rc, err);
    }
    return ERR_OK;
}

static enum err_code sqlite_step(struct db *db, void *stmt, bool *row, struct err *err)
{
    int rc = sqlite3_step(stmt);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : fail(self(db), rc, err);
}

static void sqlite_reset(void *stmt)
{
    sqlite3_reset(stmt);
}

static int64_t sqlite_changed(struct db *db)
{
    return sqlite3_changes64(self(db)->handle);
}

static int64_t sqlite_inserted(struct db *db)
{
    return sqlite3_last_insert_rowid(self(db)->handle);
}

static int64_t sqlite_col_i64(void *stmt, int col)
{
    return sqlite3_column_int64(stmt, col);
}

static double sqlite_col_double(void *stmt, int col)
{
    return sqlite3_column_double(stmt, col);
}

static struct str sqlite_col_text(void *stmt, int col)
{
    const unsigned char *p = sqlite3_column_text(stmt, col);
    return (struct str){(const char *)p, p ? (size_t)sqlite3_column_bytes(stmt, col) : 0};
}

static struct str sqlite_col_bytes(void *stmt, int col)
{
    const void *p = sqlite3_column_blob(stmt, col);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(stmt, col) : 0};
}

static bool sqlite_col_is_null(void *stmt, int col)
{
    return sqlite3_column_type(stmt, col) == SQLITE_NULL;
}

static enum err_code sqlite_script(struct db *db, const char *sql, struct err *err)
{
    return run(self(db), sql, err);
}

/* --- transactions ----------------------------------------------------------------------------- */

static enum err_code sqlite_begin(struct db *db, struct err *err)
{
    const char *sql = db->mode == DB_WRITE ? "BEGIN IMMEDIATE" : "BEGIN";
    return db_run(db, sql, DB_NO_ARGS, NULL, err);
}

static enum err_code sqlite_commit(struct db *db, struct err *err)
{
    return db_run(db, "COMMIT", DB_NO_ARGS, NULL, err);
}

/* Some failures have ended the transaction already. */
static void sqlite_rollback(struct db *db)
{
    if (sqlite3_get_autocommit(self(db)->handle))
        return;
    struct err ignored;
    if (db_run(db, "ROLLBACK", DB_NO_ARGS, NULL, &ignored))
        sqlite3_exec(self(db)->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* --- upkeep ----------------------------------------------------------------------------------- */

/* Short logs are folded back without disturbing anybody; only one that grew long under overlapping
 * readers waits for them, so that writing can begin at its head again. */
static enum err_code sqlite_checkpoint(struct db *db, int64_t keep_bytes, int64_t *log_bytes,
                                       struct err *err)
{
    struct sqlite_db *s = self(db);
    int frames = 0, done = 0, rc = SQLITE_OK;
    if (s->log_bytes > keep_bytes) {
        bool restart = s->log_bytes > LOG_FULL_BYTES;
        sqlite3_busy_timeout(s->handle, restart ? RESTART_WAIT_MS : 0);
        rc = sqlite3_wal_checkpoint_v2(
            s->handle, NULL, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
            &frames, &done);
        sqlite3_busy_timeout(s->handle, BUSY_TIMEOUT_MS);
        if ((rc & 0xff) == SQLITE_BUSY)
            rc = SQLITE_OK;
    }
    if (log_bytes)
        *log_bytes = s->log_bytes;
    return rc ? fail(s, rc, err) : ERR_OK;
}

static enum err_code sqlite_empty_log(struct db *db, struct err *err)
{
    struct sqlite_db *s = self(db);
    sqlite3_busy_timeout(s->handle, RESTART_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(s->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(s->handle, BUSY_TIMEOUT_MS);
    if (rc)
        return fail(s, rc, err);
    s->log_bytes = 0;
    return ERR_OK;
}

static enum err_code sqlite_verify(struct db *db, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, "PRAGMA integrity_check(1)", DB_NO_ARGS, &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more && !str_is(db_col_text(&rows, 0), "ok"))
        code = err_set(err, ERR_CORRUPT, "database %s: %.*s", self(db)->path,
                       STR_ARG(db_col_text(&rows, 0)));
    db_rows_close(&rows);
    return code;
}

static enum err_code copy_pages(sqlite3_backup *copy, db_progress_fn progress, void *arg, int *rc,
                                struct err *err)
{
    do {
        *rc = sqlite3_backup_step(copy, COPY_PAGES);
        int total = sqlite3_backup_pagecount(copy);
        if (progress && !progress(arg, total - sqlite3_backup_remaining(copy), total))
            return err_set(err, ERR_CANCELLED, "the copy was stopped");
    } while (*rc == SQLITE_OK || *rc == SQLITE_BUSY || *rc == SQLITE_LOCKED);
    return ERR_OK;
}

/* A reading transaction of the source is one snapshot, so writers neither wait nor make it start
 * over. */
static enum err_code sqlite_copy_to(struct db *db, const char *path, db_progress_fn progress,
                                    void *arg, struct err *err)
{
    struct sqlite_db to = {.path = mem_dup(path, strlen(path))};
    int rc = sqlite3_open_v2(path, &to.handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             sqlite_vfs_name());
    enum err_code code = rc ? fail(&to, rc, err) : run(&to, "PRAGMA synchronous = FULL", err);
    sqlite3_backup *copy = NULL;
    if (!code && !(copy = sqlite3_backup_init(to.handle, "main", self(db)->handle, "main")))
        code = fail(&to, sqlite3_errcode(to.handle), err);
    if (copy) {
        code = copy_pages(copy, progress, arg, &rc, err);
        int finish_rc = sqlite3_backup_finish(copy);
        if (!code && rc != SQLITE_DONE)
            code = fail(&to, finish_rc ? finish_rc : rc, err);
    }
    sqlite3_close(to.handle);
    mem_free(to.path);
    return code;
}

const struct db_driver db_sqlite = {
    .scheme = "sqlite",
    .identity = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .serial = "INTEGER PRIMARY KEY",
    .clustered = "WITHOUT ROWID",
    .bytes = "BLOB",
    .open = sqlite_open_db,
    .close = sqlite_close_db,
    .prepare = sqlite_prepare,
    .finalise = sqlite_finalise,
    .bind = sqlite_bind,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .changed = sqlite_changed,
    .inserted = sqlite_inserted,
    .col_i64 = sqlite_col_i64,
    .col_double = sqlite_col_double,
    .col_text = sqlite_col_text,
    .col_bytes = sqlite_col_bytes,
    .col_is_null = sqlite_col_is_null,
    .script = sqlite_script,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .checkpoint = sqlite_checkpoint,
    .empty_log = sqlite_empty_log,
    .verify = sqlite_verify,
    .copy_to = sqlite_copy_to,
};
