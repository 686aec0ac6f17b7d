/* store.h - the system of record of one shop: a data folder, one writer, many readers.
 *
 * Model:   writes are jobs. One writer thread takes all jobs that are queued, runs them in one
 *          transaction, commits once (one fsync), and only then tells each of them: that is group
 *          commit. A job that fails is undone alone. What store_write acknowledged survives kill -9
 *          and power loss; what a failed commit held was never acknowledged.
 *          Reads run on connections of their own against a snapshot, and never wait for the writer.
 * Rules:   a job is short (well under a second); a reading transaction too, or the write-ahead log
 *          cannot be folded back. Repositories (products.h, events.h, ...) take a struct store_tx
 *          to write and a struct db to read; a job may read through tx->db and sees its own writes.
 * Files:   DIR/aisle.db (+ -wal, -shm), DIR/blobs/, DIR/lock (held while open for writing).
 * Threads: every function may be called from any thread; store_close from one, after the others. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

struct store;

struct store_options {
    const char *dir;      /* the data folder; made unless read_only; borrowed during the call */
    const char *database; /* its URL (db.h); NULL: SQLite in the data folder */
    bool read_only;  /* no writer, no lock, no migration; the folder may be on a read-only medium */
    bool must_exist; /* ERR_NOT_FOUND instead of making a new shop */
    size_t queue_max; /* jobs waiting for the writer; 0: 4096 */
};

/** Open, lock, remove what a killed process left half-written, migrate, start the writer.
 *  store  returns owned
 *  ERR_CONFLICT     another process holds the folder, or the schema is newer than this program
 *  ERR_NOT_FOUND    no shop there (read_only or must_exist)
 *  ERR_UNAVAILABLE  read_only, and the schema is older than this program
 *  ERR_CORRUPT      the database is damaged; ERR_DENIED  the folder cannot be written. */
ERR_MUST_USE enum err_code store_open(const struct store_options *options, struct store **store,
                                      struct err *err);

/** Runs what is queued, stops the writer, closes. NULL is fine. */
void store_close(struct store *store);

/** returns borrowed until store_close: the data folder, without a slash at its end. */
const char *store_dir(const struct store *store);
bool store_is_read_only(const struct store *store);

/* --- writing ---------------------------------------------------------------------------------- */

/** What a job works with. */
struct store_tx {
    struct db *db;  /* the writing connection */
    int64_t now_us; /* the time of this transaction */
};

/** A job: what it returns is what its caller gets. Any failure undoes all it wrote. */
typedef enum err_code (*store_job_fn)(struct store_tx *tx, void *arg, struct err *err);

/** Told on the writer thread once the job's fate is durable. err holds the failure (borrowed during
 *  the call; only meaningful if code is not ERR_OK). Must not block and not call store_write. */
typedef void (*store_done_fn)(void *arg, enum err_code code, const struct err *err);

/** Run fn(tx, arg) on the writer thread and wait until it is durable. Waits for room in the queue.
 *  ERR_DENIED  the store is read-only. Otherwise the job's own code, or the commit's. */
ERR_MUST_USE enum err_code store_write(struct store *store, store_job_fn fn, void *arg,
                                       struct err *err);

/** As store_write without waiting: done(arg, ...) is called exactly once if this returns ERR_OK,
 *  never otherwise. arg is borrowed until then.
 *  ERR_BUSY  the queue is full: nothing was queued. */
ERR_MUST_USE enum err_code store_write_async(struct store *store, store_job_fn fn, void *arg,
                                             store_done_fn done, struct err *err);

/* --- reading ---------------------------------------------------------------------------------- */

/** Begin a snapshot on a connection that is this caller's until store_read_end.
 *  db  returns borrowed until store_read_end
 *  ERR_BUSY  more than 256 are open at once. */
ERR_MUST_USE enum err_code store_read_begin(struct store *store, struct db **db, struct err *err);

/** NULL is fine. Every cursor must be closed. */
void store_read_end(struct store *store, struct db *db);

/* --- upkeep ----------------------------------------------------------------------------------- */

struct store_stats {
    int64_t stalled_ms;      /* since the writer last got on; under a second while it is well */
    uint64_t groups;         /* transactions committed */
    uint64_t jobs;           /* jobs finished, failed ones included */
    uint64_t failed_jobs;    /* jobs that were undone */
    uint64_t failed_commits; /* groups of which nothing was acknowledged */
    uint64_t queued;         /* jobs waiting now */
    int64_t commit_ns;       /* what the last commit took, the disk's fsync included */
    int64_t log_bytes;       /* length of the write-ahead log after the last check */
    struct err failure;      /* why the last group was not committed; code ERR_OK: it was */
    int64_t failure_at;      /* UTC us; 0 without one */
};

/** All zero in a read-only store. */
void store_stats(struct store *store, struct store_stats *out);

/** After what is queued now: fold the write-ahead log back whole and cut it to nothing, so that what
 *  was removed stands in no file.
 *  ERR_BUSY  a reader still needs it; ERR_DENIED  the store is read-only. */
ERR_MUST_USE enum err_code store_empty_log(struct store *store, struct err *err);

/** The schema version that this program writes. */
int store_schema_version(void);

#endif
