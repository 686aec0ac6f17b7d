#include "eval/sessions.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/signal.h"
#include "eval/table.h"
#include "num/stats.h"

enum { GRAIN = 16, FIRST_ROOM = 4096 };

/* --- reading --------------------------------------------------------------------------------- */

struct event {
    uint32_t session, item;
    int64_t time_us;
    uint64_t line; /* counted from 0 */
};

struct reading {
    struct map_str *item_of;
    struct session_log *log;
    struct event *events; /* [len], owned */
    size_t len, cap;
};

static enum err_code number_of(struct map_str *ids, struct str id, const char *what, uint32_t *no,
                               struct err *err)
{
    char quoted[64];
    bool added;
    if (id.n == 0)
        return err_set(err, ERR_INVALID, "%s is empty", what);
    if (id.n > SESSIONS_ID_MAX)
        return err_set(err, ERR_INVALID, "the %s '%s' has more than %d bytes", what,
                       err_quote(quoted, sizeof quoted, id.p, id.n), SESSIONS_ID_MAX);
    uint64_t *at = map_str_at(ids, id, &added);
    if (added)
        *at = ids->len - 1;
    *no = (uint32_t)*at;
    return ERR_OK;
}

static enum err_code parse_time(struct str text, int64_t *us, struct err *err)
{
    double seconds;
    char quoted[64];
    if (str_parse_double(text, &seconds, err) == ERR_OK && seconds >= 0 && seconds < 1e11) {
        *us = (int64_t)llround(seconds * 1e6);
        return ERR_OK;
    }
    if (clock_parse_iso(text, us, NULL) == ERR_OK)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "time: '%s' is neither seconds nor an ISO time",
                   err_quote(quoted, sizeof quoted, text.p, text.n));
}

static enum err_code take_event(void *arg, const struct record *rec,
                                const struct table_column *columns, struct err *err)
{
    struct reading *r = arg;
    struct event e = {.line = r->len};
    struct str text[3];
    for (int c = 0; c < 3; c++)
        text[c] = str_trim(rec->fields[columns[c].at].text);
    enum err_code code = number_of(&r->log->session_of, text[0], "session", &e.session, err);
    if (code == ERR_OK)
        code = number_of(r->item_of, text[1], "item", &e.item, err);
    if (code == ERR_OK)
        code = parse_time(text[2], &e.time_us, err);
    if (code == ERR_OK && r->len == SESSIONS_EVENTS_MAX)
        code = err_set(err, ERR_LIMIT, "more than %d events", SESSIONS_EVENTS_MAX);
    if (code == ERR_OK && r->len == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : FIRST_ROOM;
        struct event *grown = mem_try_resize(r->events, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu events", cap);
        r->events = grown;
        r->cap = cap;
    }
    if (code == ERR_OK)
        r->events[r->len++] = e;
    return code;
}

static int compare_events(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->session != y->session)
        return x->session < y->session ? -1 : 1;
    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static enum err_code pack(struct reading *r, struct err *err)
{
    struct session_log *log = r->log;
    log->len = (uint32_t)log->session_of.len;
    log->offsets = mem_try_new((size_t)log->len + 1, sizeof *log->offsets);
    log->end_us = mem_try_new(log->len, sizeof *log->end_us);
    log->item = mem_try_new(r->len, sizeof *log->item);
    log->time_us = mem_try_new(r->len, sizeof *log->time_us);
    if (!log->offsets || !log->end_us || !log->item || !log->time_us)
        return err_set(err, ERR_MEMORY, "no memory for %zu events", r->len);
    qsort(r->events, r->len, sizeof *r->events, compare_events);
    for (size_t i = 0; i < r->len; i++) {
        log->item[i] = r->events[i].item;
        log->time_us[i] = r->events[i].time_us;
        log->end_us[r->events[i].session] = r->events[i].time_us;
        log->offsets[r->events[i].session + 1] = i + 1;
    }
    return ERR_OK;
}

typedef enum err_code take_fn(void *arg, const struct record *rec,
                              const struct table_column *columns, struct err *err);

/* Every record of a table, faults and refusals with their line. */
static enum err_code read_table(const char *path, struct table_column *columns, size_t n,
                                take_fn *take, void *arg, struct err *err)
{
    const struct record *rec;
    struct reader *r;
    enum err_code code = table_open(path, NULL, columns, n, &r, err);
    if (code != ERR_OK)
        return code;
    while ((code = reader_next(r, &rec, err)) == ERR_OK && rec) {
        code = rec->fault != REASON_NONE ? err_set(err, ERR_INVALID, "%s", rec->message)
                                         : take(arg, rec, columns, err);
        if (code != ERR_OK) {
            code = err_prefix(err, code, "line %llu", (unsigned long long)rec->line);
            break;
        }
    }
    reader_close(r);
    return code == ERR_OK ? code : err_prefix(err, code, "%s", path);
}

enum err_code session_log_read(const char *path, struct map_str *item_of, struct session_log *out,
                               struct err *err)
{
    struct table_column columns[] = {{"session|session_id|sessionid", false, -1},
                                     {"item|item_id|itemid|product_id", false, -1},
                                     {"time|timestamp|ts", false, -1}};
    struct reading r = {.item_of = item_of, .log = out};
    enum err_code code = read_table(path, columns, 3, take_event, &r, err);
    if (code == ERR_OK && r.len == 0)
        code = err_set(err, ERR_INVALID, "%s: it holds nothing", path);
    if (code == ERR_OK)
        code = pack(&r, err);
    mem_free(r.events);
    return code;
}

void session_log_release(struct session_log *log)
{
    map_str_release(&log->session_of);
    mem_free(log->offsets);
    mem_free(log->item);
    mem_free(log->time_us);
    mem_free(log->end_us);
    *log = (struct session_log){0};
}

struct choice {
    const struct session_log *log;
    bool *wanted;
};

static enum err_code take_choice(void *arg, const struct record *rec,
                                 const struct table_column *columns, struct err *err)
{
    const struct choice *c = arg;
    struct str session = str_trim(rec->fields[columns[0].at].text);
    const uint64_t *no = map_str_find(&c->log->session_of, session);
    char quoted[64];
    int64_t place;
    enum err_code code = str_parse_i64(str_trim(rec->fields[columns[1].at].text), 0,
                                       SESSIONS_EVENTS_MAX, &place, err);
    if (code != ERR_OK)
        return err_prefix(err, code, "position");
    if (!no || c->log->offsets[*no] + (uint64_t)place + 1 >= c->log->offsets[*no + 1])
        return err_set(err, ERR_INVALID, "nothing comes after place %lld of session '%s'",
                       (long long)place, err_quote(quoted, sizeof quoted, session.p, session.n));
    c->wanted[c->log->offsets[*no] + (uint64_t)place + 1] = true;
    return ERR_OK;
}

enum err_code session_log_choose(const struct session_log *log, const char *path, bool *wanted,
                                 struct err *err)
{
    struct table_column columns[] = {{"session|session_id|sessionid", false, -1},
                                     {"position|place", false, -1}};
    struct choice c = {log, wanted};
    return read_table(path, columns, 2, take_choice, &c, err);
}

/* --- measurement ----------------------------------------------------------------------------- */

struct measure {
    const struct session_log *log;
    const struct session_measure_options *o;
    session_list_fn *list;
    void *arg;
    uint32_t
        *rank; /* [events] of the event in the list before it, from 1; 0: missed or not asked for */
    double *took_us;  /* [events], NaN where not asked for */
    uint32_t **lists; /* [lanes][k] */
    _Atomic bool stopped;
};

static void measure_session(struct measure *m, size_t session, unsigned lane)
{
    uint64_t begin = m->log->offsets[session];
    for (uint64_t e = begin + 1; e < m->log->offsets[session + 1]; e++) {
        if (m->o->wanted && !m->o->wanted[e])
            continue;
        int64_t from = clock_mono_ns();
        size_t len = m->list(m->arg, lane, m->log->item + begin, e - begin, m->log->time_us[e - 1],
                             m->lists[lane], m->o->k);
        m->took_us[e] = (double)(clock_mono_ns() - from) / 1e3;
        for (size_t i = 0; i < len && m->rank[e] == 0; i++)
            if (m->lists[lane][i] == m->log->item[e])
                m->rank[e] = (uint32_t)i + 1;
    }
}

static void measure_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct measure *m = arg;
    for (size_t i = begin; i < end; i++) {
        if (signal_stopping())
            atomic_store(&m->stopped, true);
        if (atomic_load(&m->stopped))
            return;
        measure_session(m, i, lane);
    }
}

static enum err_code sum_up(struct measure *m, struct session_result *out, struct err *err)
{
    struct session_result r = {0};
    for (uint64_t e = 0; e < m->log->offsets[m->log->len]; e++) {
        if (isnan(m->took_us[e]))
            continue;
        m->took_us[r.events++] = m->took_us[e];
        r.hit += m->rank[e] > 0;
        r.mrr += m->rank[e] ? 1.0 / m->rank[e] : 0;
    }
    if (r.events == 0)
        return err_set(err, ERR_INVALID, "no session has more than one event");
    stats_sort(m->took_us, r.events);
    r.p50_us = stats_quantile(m->took_us, r.events, .5);
    r.p99_us = stats_quantile(m->took_us, r.events, .99);
    r.hit /= (double)r.events;
    r.mrr /= (double)r.events;
    *out = r;
    return ERR_OK;
}

enum err_code session_log_measure(const struct session_log *log,
                                  const struct session_measure_options *o, session_list_fn *list,
                                  void *arg, struct session_result *out, struct err *err)
{
    unsigned lanes = pool_lanes(o->pool);
    uint64_t events = log->offsets[log->len];
    struct measure m = {.log = log, .o = o, .list = list, .arg = arg};
    enum err_code code = ERR_OK;
    m.rank = mem_try_new(events, sizeof *m.rank);
    m.took_us = mem_try_new(events, sizeof *m.took_us);
    m.lists = mem_new(lanes, sizeof *m.lists);
    for (unsigned i = 0; i < lanes; i++)
        m.lists[i] = mem_new(o->k, sizeof **m.lists);
    if (!m.rank || !m.took_us)
        code = err_set(err, ERR_MEMORY, "no memory for %zu events", (size_t)events);
    for (uint64_t e = 0; code == ERR_OK && e < events; e++)
        m.took_us[e] = NAN;
    if (code == ERR_OK) {
        pool_for(o->pool, log->len, GRAIN, measure_range, &m);
        code = atomic_load(&m.stopped) ? signal_check(err) : sum_up(&m, out, err);
    }
    for (unsigned i = 0; i < lanes; i++)
        mem_free(m.lists[i]);
    mem_free(m.lists);
    mem_free(m.rank);
    mem_free(m.took_us);
    return code;
}
