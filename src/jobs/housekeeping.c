#include "jobs/housekeeping.h"

#include <pthread.h>
#include <time.h>

#include "base/json_reader.h"
#include "store/changes.h"
#include "store/models.h"

/* A segment file that keeps so many entries of the log is worth to be made anew. */
enum { FOLD_BEHIND = 1000, MANIFEST_ARENA_MAX = 1 << 20, SETTLE_MS = 60000 };

/* "data": {"position": ...} of a manifest; INT64_MAX where it has none. */
static int64_t position_of(struct str manifest)
{
    struct arena arena;
    struct json_reader r;
    struct str key, inner;
    int64_t position = INT64_MAX;
    arena_init(&arena, 0, MANIFEST_ARENA_MAX);
    jr_init(&r, manifest, &arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key))
            if (str_is(key, "data") && jr_obj(&r))
                while (jr_key(&r, &inner))
                    if (str_is(inner, "position"))
                        jr_i64(&r, 0, INT64_MAX, &position);
    arena_release(&arena);
    return position;
}

/* The end of the log, or the oldest position of a model that is kept. */
static enum err_code oldest_model(struct db *db, int64_t *position, struct err *err)
{
    struct db_rows rows = {0};
    struct model_version m;
    int64_t oldest;
    bool more;
    enum err_code code = changes_range(db, &oldest, position, err);
    if (code == ERR_OK)
        code = models_list(db, (struct str){NULL, 0}, &rows, err);
    while (code == ERR_OK && (code = models_next(&rows, &m, &more, err)) == ERR_OK && more) {
        int64_t at = position_of(m.manifest);
        *position = at < *position ? at : *position;
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code models_position(struct store *store, int64_t *position, struct err *err)
{
    struct db *db;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = oldest_model(db, position, err);
    store_read_end(store, db);
    return code;
}

/* Up to where nobody reads the log any more; 0: from its beginning on it is needed. */
static enum err_code unread_until(struct store *store, struct engine *engine, int64_t *position,
                                  struct err *err)
{
    struct engine_stats s;
    int64_t file;
    enum err_code code = models_position(store, position, err);
    if (code == ERR_OK && engine) {
        engine_stats(engine, &s);
        *position = s.position < *position ? s.position : *position;
    }
    if (code == ERR_OK)
        code = engine_oldest_file(store, &file, err);
    if (code == ERR_OK && engine && file && *position - file > FOLD_BEHIND) {
        code = engine_fold(engine, err);
        if (code == ERR_OK)
            code = engine_oldest_file(store, &file, err);
    }
    if (code == ERR_OK && file && file < *position)
        *position = file;
    return code;
}

/* What erased shoppers warmed is taken back by their events. An engine that cannot follow keeps nobody's events. */
static void settle(void *arg)
{
    static const struct timespec a_moment = {0, 10000000};
    struct engine *engine = arg;
    struct err err;
    if (engine_wait(engine, SETTLE_MS, &err) != ERR_OK)
        return;
    for (int waited = 0; waited < SETTLE_MS && !engine_is_cool(engine); waited += 10)
        nanosleep(&a_moment, NULL);
}

enum err_code housekeeping_run(struct store *store, struct engine *engine,
                               bool (*stopping)(void *arg), void *arg,
                               struct compact_report *report, struct err *err)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    struct compact_options options = {
        .stopping = stopping, .arg = arg, .erasing = engine ? settle : NULL, .erasing_arg = engine};
    pthread_mutex_lock(&turn);
    enum err_code code = unread_until(store, engine, &options.changes_until, err);
    if (code == ERR_OK)
        code = store_compact(store, &options, report, err);
    pthread_mutex_unlock(&turn);
    return code;
}

void housekeeping_json(const struct compact_report *r, struct json_writer *w)
{
    jw_obj(w);
    JW_I64(w, "events", r->events);
    JW_I64(w, "quarantined", r->quarantined);
    JW_I64(w, "replies", r->replies);
    JW_I64(w, "jobs", r->jobs);
    JW_I64(w, "changes", r->changes);
    JW_BOOL(w, "log_emptied", r->log_emptied);
    jw_obj_end(w);
}
