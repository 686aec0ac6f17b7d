/* db.h - the thin layer between repositories and a database.
 *
 * Model:   a connection runs statements of one portable SQL dialect: `?` placeholders, BIGINT,
 *          DOUBLE PRECISION and TEXT columns, ON CONFLICT, RETURNING. What differs is the driver's
 *          business: it writes placeholders its own way, and schema text says $IDENTITY, $SERIAL,
 *          $CLUSTERED and $BYTES where the databases have no common word (db_driver names its own).
 * Order:   db_open; any number of statements, each db_run or db_query .. db_next .. db_rows_close;
 *          db_begin .. db_commit or db_rollback around them; db_close.
 * Cost:    a statement is prepared once per connection and found again by the address of its text,
 *          so every sql argument is a string literal (or another text that outlives the
 *          connection).
 * Errors:  ERR_BUSY another process holds the database; ERR_NO_SPACE; ERR_CORRUPT; ERR_DENIED a
 *          read-only file or folder; ERR_CONFLICT a constraint; ERR_IO anything else the disk did.
 * Threads: one connection is used by one thread at a time. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct db;
struct db_driver;

enum db_mode {
    DB_READ,   /* sees the last commit, never waits for the writer */
    DB_WRITE,  /* the one writing connection; commits are durable; creates what is missing */
    DB_FROZEN, /* the files are on a read-only medium and nobody writes them */
};

/** url: "sqlite:PATH".
 *  db  returns owned
 *  ERR_UNSUPPORTED  no driver of that name; ERR_CORRUPT  not a database; ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code db_open(const char *url, enum db_mode mode, struct db **db,
                                   struct err *err);

/** NULL is fine. Every cursor must be closed. */
void db_close(struct db *db);

/* --- arguments -------------------------------------------------------------------------------- */

enum db_type { DB_TYPE_NULL = 0, DB_TYPE_I64, DB_TYPE_DOUBLE, DB_TYPE_TEXT, DB_TYPE_BYTES };

struct db_arg {
    enum db_type type;
    union {
        int64_t i;
        double d;
        struct str s; /* text and bytes, borrowed until the statement has ended */
    };
};

static inline struct db_arg db_null(void)
{
    return (struct db_arg){.type = DB_TYPE_NULL};
}

static inline struct db_arg db_i64(int64_t v)
{
    return (struct db_arg){.type = DB_TYPE_I64, .i = v};
}

static inline struct db_arg db_double(double v)
{
    return (struct db_arg){.type = DB_TYPE_DOUBLE, .d = v};
}

static inline struct db_arg db_text(struct str s)
{
    return (struct db_arg){.type = DB_TYPE_TEXT, .s = s};
}

static inline struct db_arg db_bytes(struct str s)
{
    return (struct db_arg){.type = DB_TYPE_BYTES, .s = s};
}

/** NULL in the database for what is empty or zero here: a NULL costs one byte. */
static inline struct db_arg db_text_or_null(struct str s)
{
    return s.n ? db_text(s) : db_null();
}

static inline struct db_arg db_i64_or_null(int64_t v)
{
    return v ? db_i64(v) : db_null();
}

/** The two arguments (pointer, length) of a list: DB_ARGS(db_i64(no), db_text(id)). */
#define DB_ARGS(...)                                                                               \
    ((const struct db_arg[]){__VA_ARGS__}),                                                        \
        (sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg))
#define DB_NO_ARGS NULL, 0

/* --- statements ------------------------------------------------------------------------------- */

/** Run a statement that returns no rows. changed (may be NULL) receives how many rows it wrote. */
ERR_MUST_USE enum err_code db_run(struct db *db, const char *sql, const struct db_arg *args,
                                  size_t args_len, int64_t *changed, struct err *err);

/** Insert at most one row and tell the number that its identity column was given; *no is 0 where
 *  ON CONFLICT left it out. Cheaper than RETURNING. */
ERR_MUST_USE enum err_code db_insert(struct db *db, const char *sql, const struct db_arg *args,
                                     size_t args_len, int64_t *no, struct err *err);

/** A cursor. All-zero is a closed one. */
struct db_rows {
    struct db *db;
    void *stmt; /* the driver's, owned by the connection; NULL: closed */
};

/** Start a statement that returns rows. One cursor at a time per text and connection.
 *  rows  closed by db_rows_close, or by db_next when it fails or has no more. */
ERR_MUST_USE enum err_code db_query(struct db *db, const char *sql, const struct db_arg *args,
                                    size_t args_len, struct db_rows *rows, struct err *err);

/** Step to the next row; *more is false behind the last one. */
ERR_MUST_USE enum err_code db_next(struct db_rows *rows, bool *more, struct err *err);

/** A closed cursor is fine. */
void db_rows_close(struct db_rows *rows);

/** Columns of the row that db_next reached, from 0. NULL reads as 0 and {NULL, 0}.
 *  Text is borrowed until the next db_next or db_rows_close. */
int64_t db_col_i64(const struct db_rows *rows, int col);
double db_col_double(const struct db_rows *rows, int col);
struct str db_col_text(const struct db_rows *rows, int col);
struct str db_col_bytes(const struct db_rows *rows, int col);
bool db_col_is_null(const struct db_rows *rows, int col);

/** First column of the first row as a number. With no row *found (may be NULL) is false, *out 0. */
ERR_MUST_USE enum err_code db_query_i64(struct db *db, const char *sql, const struct db_arg *args,
                                        size_t args_len, int64_t *out, bool *found,
                                        struct err *err);

/** Run text that may hold several statements and is not kept: migrations. */
ERR_MUST_USE enum err_code db_script(struct db *db, const char *sql, struct err *err);

/* --- transactions ----------------------------------------------------------------------------- */

/** On a DB_WRITE connection this takes the write lock at once (ERR_BUSY after 10 s); on the others
 *  it begins a snapshot, fixed by the first statement. */
ERR_MUST_USE enum err_code db_begin(struct db *db, struct err *err);

/** Durable once it returned ERR_OK. After a failure nothing was acknowledged, the transaction is
 *  rolled back and the connection is ready for the next one. */
ERR_MUST_USE enum err_code db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/** A part of a transaction that can be undone alone. Not nested. When db_savepoint_undo fails the
 *  whole transaction must be rolled back. */
ERR_MUST_USE enum err_code db_savepoint(struct db *db, struct err *err);
ERR_MUST_USE enum err_code db_savepoint_keep(struct db *db, struct err *err);
ERR_MUST_USE enum err_code db_savepoint_undo(struct db *db, struct err *err);

/* --- upkeep ----------------------------------------------------------------------------------- */

/** Fold the write-ahead log back into the database as far as readers allow, if it is longer than
 *  keep_bytes; *log_bytes (may be NULL) receives its length afterwards. Nothing to do elsewhere. */
ERR_MUST_USE enum err_code db_checkpoint(struct db *db, int64_t keep_bytes, int64_t *log_bytes,
                                         struct err *err);

/** Fold all of the write-ahead log back and cut it to nothing, so that what was removed from the
 *  database is not in the log either. Waits up to two seconds for readers.
 *  ERR_BUSY  one of them still needs the log. Nothing to do elsewhere. */
ERR_MUST_USE enum err_code db_empty_log(struct db *db, struct err *err);

/** Full check of the stored structure. ERR_CORRUPT names the first finding. */
ERR_MUST_USE enum err_code db_verify(struct db *db, struct err *err);

/** Progress of a long copy: false stops it (ERR_CANCELLED). done and total count pages. */
typedef bool (*db_progress_fn)(void *arg, int64_t done, int64_t total);

/** A consistent copy, durable, into a new file while the source is in use.
 *  ERR_UNSUPPORTED  the driver's own tools are to be used. */
ERR_MUST_USE enum err_code db_copy_to(struct db *db, const char *path, db_progress_fn progress,
                                      void *arg, struct err *err);

const struct db_driver *db_driver_of(const struct db *db);

#endif
