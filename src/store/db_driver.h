/* db_driver.h - what a database driver gives to db.c. Seen by drivers, db.c and the migrations
 * only.
 *
 * A driver embeds struct db as the first member of its own connection. Statements are the driver's
 * (void *); db.c keeps them by the address of their text and hands them back for each use. */
#ifndef STORE_DB_DRIVER_H
#define STORE_DB_DRIVER_H

#include "base/map.h"
#include "store/db.h"

struct db {
    const struct db_driver *driver;
    enum db_mode mode;
    bool in_transaction;
    struct map_u64 statements; /* address of the text to the driver's statement, owned */
};

struct db_driver {
    const char *scheme;   /* "sqlite", before the colon of a URL */
    const char *identity; /* what $IDENTITY stands for in schema text: a number never given again */
    const char *serial;   /* $SERIAL: cheaper, but given again if the highest row is removed */
    const char *clustered; /* $CLUSTERED: behind a table whose rows lie in the order of its key */
    const char *bytes;     /* $BYTES: the type of a byte string */

    enum err_code (*open)(const char *path, enum db_mode mode, struct db **db, struct err *err);
    void (*close)(struct db *db); /* after every statement was finalised */

    enum err_code (*prepare)(struct db *db, const char *sql, void **stmt, struct err *err);
    void (*finalise)(void *stmt);
    /* refuses a statement that is in use, and leaves it alone */
    enum err_code (*bind)(struct db *db, void *stmt, const struct db_arg *args, size_t args_len,
                          struct err *err);
    enum err_code (*step)(struct db *db, void *stmt, bool *row, struct err *err);
    void (*reset)(void *stmt); /* ends the statement; its arguments are no longer borrowed */
    int64_t (*changed)(struct db *db);  /* rows written by the last statement */
    int64_t (*inserted)(struct db *db); /* identity of the last row inserted */

    int64_t (*col_i64)(void *stmt, int col);
    double (*col_double)(void *stmt, int col);
    struct str (*col_text)(void *stmt, int col);
    struct str (*col_bytes)(void *stmt, int col);
    bool (*col_is_null)(void *stmt, int col);

    enum err_code (*script)(struct db *db, const char *sql, struct err *err);
    enum err_code (*begin)(struct db *db, struct err *err);
    enum err_code (*commit)(struct db *db, struct err *err);
    void (*rollback)(struct db *db);

    enum err_code (*checkpoint)(struct db *db, int64_t keep_bytes, int64_t *log_bytes,
                                struct err *err);
    enum err_code (*empty_log)(struct db *db, struct err *err);
    enum err_code (*verify)(struct db *db, struct err *err);
    enum err_code (*copy_to)(struct db *db, const char *path, db_progress_fn progress, void *arg,
                             struct err *err);
};

extern const struct db_driver db_sqlite;

#endif
