#include "store/store.h"

#include "base/banned.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/schema_int.h"
#include "store/store_int.h"

enum { QUEUE_MAX = 4096 };

/* --- opening ---------------------------------------------------------------------------------- */

static enum err_code open_for_writing(struct store *s, const struct store_options *o,
                                      struct err *err)
{
    char path[FS_PATH_MAX];
    struct db *db;
    enum err_code code = o->must_exist ? ERR_OK : fs_mkdirs(s->dir, err);
    if (!code)
        code = fs_join(path, s->dir, "lock", err);
    if (!code)
        code = fs_lock_file(&s->lock, path, err);
    if (!code)
        code = fs_sweep(s->dir, err); /* what a process that was killed had begun */
    if (!code)
        code = db_open(s->url, DB_WRITE, &db, err);
    if (code)
        return code;
    code = schema_migrate(db, err);
    if (code) {
        db_close(db);
        return code;
    }
    return writer_start(&s->writer, db, o->queue_max ? o->queue_max : QUEUE_MAX, err);
}

static enum err_code try_read_mode(struct store *s, enum db_mode mode, struct err *err)
{
    struct db *db;
    s->read_mode = mode;
    enum err_code code = db_open(s->url, mode, &db, err);
    if (code)
        return code;
    code = schema_check(db, err);
    db_close(db);
    return code;
}

/* On a read-only medium SQLite can make no shared memory. A database that was closed cleanly has no
 * log and can be read without. */
static enum err_code open_for_reading(struct store *s, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_info log;
    struct err why;
    enum err_code code = try_read_mode(s, DB_READ, err);
    if (code != ERR_DENIED && code != ERR_IO)
        return code;
    code = fs_join(path, s->dir, "aisle.db-wal", err);
    if (!code)
        code = fs_stat(path, &log, &why);
    if (code || (log.exists && log.bytes))
        return err_set(err, ERR_DENIED,
                       "%s cannot be written and was not closed cleanly: open it for writing once",
                       s->dir);
    return try_read_mode(s, DB_FROZEN, err);
}

/* A shop is there when its database is. */
static enum err_code find_shop(const struct store *s, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    enum err_code code = fs_join(path, s->dir, "aisle.db", err);
    if (!code)
        code = fs_stat(path, &info, err);
    if (!code && !info.exists)
        code = err_set(err, ERR_NOT_FOUND, "there is no shop in %s", s->dir);
    return code;
}

static enum err_code name_files(struct store *s, const struct store_options *o, struct err *err)
{
    const char *dir = o->dir ? o->dir : "";
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    struct buf url;
    buf_init(&url, FS_PATH_MAX);
    if (o->database)
        buf_puts(&url, o->database);
    else
        buf_printf(&url, "sqlite:%.*s/aisle.db", (int)n, dir);
    enum err_code code = n ? buf_ok(&url, "the data folder's path", err)
                           : err_set(err, ERR_INVALID, "no data folder is given");
    if (!code) {
        s->dir = mem_dup(dir, n);
        s->url = mem_dup(url.data, url.len);
    }
    buf_release(&url);
    return code;
}

enum err_code store_open(const struct store_options *options, struct store **store, struct err *err)
{
    struct store *s = MEM_NEW(struct store);
    s->read_only = options->read_only;
    s->read_mode = DB_READ;
    CHECK(pthread_mutex_init(&s->readers_lock, NULL) == 0);
    enum err_code code = name_files(s, options, err);
    if (!code && !options->database && (options->read_only || options->must_exist))
        code = find_shop(s, err);
    if (!code)
        code = options->read_only ? open_for_reading(s, err) : open_for_writing(s, options, err);
    if (code) {
        store_close(s);
        return code;
    }
    if (!s->read_only)
        store_register_metrics(s);
    *store = s;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (!store->read_only)
        store_unregister_metrics();
    /* the writer's connection closes last, and so folds the log back */
    CHECK(store->readers == store->idle_len);
    for (size_t i = 0; i < store->idle_len; i++)
        db_close(store->idle[i]);
    writer_stop(&store->writer);
    fs_unlock(&store->lock);
    pthread_mutex_destroy(&store->readers_lock);
    mem_free(store->dir);
    mem_free(store->url);
    mem_free(store);
}

const char *store_dir(const struct store *store)
{
    return store->dir;
}

bool store_is_read_only(const struct store *store)
{
    return store->read_only;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum err_code refuse_read_only(struct err *err)
{
    return err_set(err, ERR_DENIED, "the shop is open for reading only");
}

/* A job whose caller waits. */
struct waiting_job {
    struct writer_job job;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
};

static void wake_caller(void *arg, enum err_code code, const struct err *err)
{
    struct waiting_job *waiting = arg;
    (void)code, (void)err;
    pthread_mutex_lock(&waiting->lock);
    waiting->has_ended = true;
    pthread_cond_signal(&waiting->ended);
    pthread_mutex_unlock(&waiting->lock);
}

enum err_code store_write(struct store *store, store_job_fn fn, void *arg, struct err *err)
{
    if (store->read_only)
        return refuse_read_only(err);
    struct waiting_job waiting = {
        .job = {.fn = fn, .arg = arg, .done = wake_caller},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .ended = PTHREAD_COND_INITIALIZER,
    };
    waiting.job.done_arg = &waiting;
    enum err_code code = writer_push(&store->writer, &waiting.job, true, err);
    if (code)
        return code;
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.has_ended)
        pthread_cond_wait(&waiting.ended, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    if (waiting.job.code && err)
        *err = waiting.job.err;
    return waiting.job.code;
}

enum err_code store_write_async(struct store *store, store_job_fn fn, void *arg, store_done_fn done,
                                struct err *err)
{
    if (store->read_only)
        return refuse_read_only(err);
    struct writer_job *job = MEM_NEW(struct writer_job);
    *job = (struct writer_job){.fn = fn, .arg = arg, .done = done, .done_arg = arg, .owned = true};
    enum err_code code = writer_push(&store->writer, job, false, err);
    if (code)
        mem_free(job);
    return code;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* An idle connection, or NULL with room for one more reserved. */
static enum err_code take_reader(struct store *store, struct db **db, struct err *err)
{
    enum err_code code = ERR_OK;
    *db = NULL;
    pthread_mutex_lock(&store->readers_lock);
    if (store->idle_len)
        *db = store->idle[--store->idle_len];
    else if (store->readers < STORE_READERS_MAX)
        store->readers++;
    else
        code = err_set(err, ERR_BUSY, "%d readers are at work already", STORE_READERS_MAX);
    pthread_mutex_unlock(&store->readers_lock);
    return code;
}

/* Keep a connection for the next reader; NULL gives up the room that was reserved. */
static void give_reader(struct store *store, struct db *db)
{
    pthread_mutex_lock(&store->readers_lock);
    if (db)
        store->idle[store->idle_len++] = db;
    else
        store->readers--;
    pthread_mutex_unlock(&store->readers_lock);
}

enum err_code store_read_begin(struct store *store, struct db **db, struct err *err)
{
    struct db *reader;
    enum err_code code = take_reader(store, &reader, err);
    if (code)
        return code;
    if (!reader)
        code = db_open(store->url, store->read_mode, &reader, err);
    if (!code)
        code = db_begin(reader, err);
    if (code)
        give_reader(store, reader);
    else
        *db = reader;
    return code;
}

void store_read_end(struct store *store, struct db *db)
{
    if (!db)
        return;
    db_rollback(db);
    give_reader(store, db);
}

/* --- upkeep ----------------------------------------------------------------------------------- */

void store_stats(struct store *store, struct store_stats *out)
{
    struct writer *w = &store->writer;
    *out = (struct store_stats){0};
    if (store->read_only)
        return;
    *out = (struct store_stats){
        .stalled_ms = (clock_mono_ns() - atomic_load(&w->beat_ns)) / 1000000,
        .groups = atomic_load(&w->groups),
        .jobs = atomic_load(&w->jobs),
        .failed_jobs = atomic_load(&w->failed_jobs),
        .failed_commits = atomic_load(&w->failed_commits),
        .queued = writer_queued(w),
        .commit_ns = atomic_load(&w->commit_ns),
        .log_bytes = atomic_load(&w->log_bytes),
    };
    out->failure = writer_failure(w, &out->failure_at);
}

enum err_code store_empty_log(struct store *store, struct err *err)
{
    return store->read_only ? refuse_read_only(err) : writer_empty_log(&store->writer, err);
}
