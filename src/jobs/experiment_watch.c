#include "jobs/experiment_watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "eval/experiment_report.h"

enum { ARENA_BYTES = 64 << 20 };

struct stop {
    struct str id;
    char reason[EXPERIMENT_REASON_MAX];
    struct arena *arena;
    bool stopped;
};

static enum err_code stop_one(struct store_tx *tx, void *arg, struct err *err)
{
    struct stop *s = arg;
    struct experiment_record r;
    enum err_code code = experiment_get(tx->db, s->id, s->arena, &r, err);
    if (code == ERR_NOT_FOUND || (code == ERR_OK && r.state != EXPERIMENT_RUNNING))
        return ERR_OK;
    if (code != ERR_OK)
        return code;
    r.state = EXPERIMENT_STOPPED;
    r.stopped_at = tx->now_us > r.started_at ? tx->now_us : r.started_at;
    r.reason = str_of(s->reason);
    s->stopped = true;
    return experiment_put(tx, &r, err);
}

static enum err_code look_at(struct store *store, const struct experiment_entry *entry,
                             const struct experiment_report_options *o, struct arena *arena,
                             bool *stopped, struct err *err)
{
    struct experiment_report report;
    struct stop s = {.id = entry->record.id, .arena = arena};
    enum err_code code = experiment_report_read(store, entry, o, &report, err);
    if (code != ERR_OK)
        return code;
    experiment_verdict(entry, &report, o->now_us, s.reason);
    if (s.reason[0])
        code = store_write(store, stop_one, &s, err);
    *stopped = code == ERR_OK && s.stopped;
    if (*stopped)
        log_warn("an experiment was stopped", LOG_STR("experiment", s.id),
                 LOG_Z("reason", s.reason));
    return code;
}

/* Those that run; texts in the arena. */
static enum err_code read_running(struct store *store, struct arena *arena,
                                  struct experiment_entry *entries, size_t *n, struct err *err)
{
    struct db *db;
    struct db_rows rows = {0};
    struct experiment_record r;
    struct err why;
    bool more;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = experiments_list(db, &rows, err);
    while (code == ERR_OK && (code = experiments_next(&rows, &r, &more, err)) == ERR_OK && more) {
        if (r.state != EXPERIMENT_RUNNING || *n == EXPERIMENTS_MAX)
            continue;
        experiment_record_keep(arena, &r);
        entries[*n].record = r;
        if (experiment_read(r.definition, arena, &entries[*n].e, &why) == ERR_OK)
            ++*n;
        else
            log_error("an experiment cannot be read", LOG_STR("experiment", r.id),
                      LOG_ERR_TEXT(&why));
    }
    db_rows_close(&rows);
    store_read_end(store, db);
    return code;
}

enum err_code experiment_watch(struct store *store, currency_code currency,
                               bool (*stopping)(void *arg), void *arg, struct experiment_watch *out,
                               struct err *err)
{
    struct arena arena;
    struct list_key key;
    struct err why;
    bool found;
    size_t n = 0;
    struct experiment_report_options o = {.key = &key,
                                          .currency = currency,
                                          .now_us = clock_now_us(),
                                          .stopping = stopping,
                                          .arg = arg};
    *out = (struct experiment_watch){0};
    enum err_code code = list_key_load(store, &key, &found, err);
    if (code != ERR_OK || !found)
        return code;
    arena_init(&arena, 0, ARENA_BYTES);
    struct experiment_entry *entries = ARENA_NEW(&arena, struct experiment_entry, EXPERIMENTS_MAX);
    code = read_running(store, &arena, entries, &n, err);
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        bool stopped = false;
        enum err_code fate = look_at(store, &entries[i], &o, &arena, &stopped, &why);
        out->running++;
        if (fate == ERR_CANCELLED)
            code = err_set(err, ERR_CANCELLED, "%s", why.msg);
        else if (fate != ERR_OK)
            log_error("an experiment cannot be reported on",
                      LOG_STR("experiment", entries[i].record.id), LOG_ERR_TEXT(&why));
        out->stopped += stopped;
    }
    arena_release(&arena);
    return code;
}
