#include "store/compact.h"

#include "base/banned.h"
#include "store/changes.h"
#include "store/events_int.h"
#include "store/jobs.h"
#include "store/keys.h"
#include "store/quarantine.h"

enum {
    EVENTS_RANGE = 20000, /* numbers that one transaction looks through */
    ROWS_LIMIT = 2000,    /* rows that one transaction removes */
    CHANGES_RANGE = 20000,
    JOBS_KEPT = 1000,
    EMPTY_TRIES = 5,
};

/* One compaction under way. */
struct compaction {
    struct store *store;
    const struct compact_options *o;
    struct compact_report report;
    int64_t after;   /* events: remove from above this number */
    int64_t removed; /* by the last transaction */
    bool at_end;     /* of the present step */
};

/* --- events of erased shoppers ---------------------------------------------------------------- */

/* Shoppers erased while this runs are left to the next compaction, which begins at the first event
 * again. */
static enum err_code choose_erased(struct store_tx *tx, void *arg, struct err *err)
{
    struct compaction *c = arg;
    int64_t first;
    bool found;
    enum err_code code =
        db_run(tx->db, "UPDATE erased_users SET state = 1 WHERE state = 0", DB_NO_ARGS, NULL, err);
    if (!code)
        code = db_query_i64(tx->db, "SELECT user_no FROM erased_users WHERE state = 1 LIMIT 1",
                            DB_NO_ARGS, &first, &found, err);
    c->at_end = !code && !found;
    return code;
}

static enum err_code mark_done(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return db_run(tx->db, "UPDATE erased_users SET state = 2 WHERE state = 1", DB_NO_ARGS, NULL,
                  err);
}

/* The last row keeps its number, or that would be given again: it is blanked instead. */
static enum err_code blank_last(struct store_tx *tx, int64_t last, int64_t *changed,
                                struct err *err)
{
    return db_run(tx->db,
                  BLANK_EVENT " WHERE seq = ?"
                              " AND user_no IN (SELECT user_no FROM erased_users WHERE state = 1)",
                  DB_ARGS(db_i64(last)), changed, err);
}

/* Rows that were blanked and are the last no more go, too. */
static enum err_code remove_events(struct store_tx *tx, void *arg, struct err *err)
{
    struct compaction *c = arg;
    int64_t last, removed = 0, blanked = 0;
    enum err_code code =
        db_query_i64(tx->db, "SELECT MAX(seq) FROM events", DB_NO_ARGS, &last, NULL, err);
    int64_t end = c->after + EVENTS_RANGE < last ? c->after + EVENTS_RANGE : last - 1;
    if (!code)
        code = db_run(tx->db,
                      "DELETE FROM events WHERE seq > ? AND seq <= ? AND (user_no = 0"
                      " OR user_no IN (SELECT user_no FROM erased_users WHERE state = 1))",
                      DB_ARGS(db_i64(c->after), db_i64(end)), &removed, err);
    c->at_end = end >= last - 1;
    if (!code && c->at_end)
        code = blank_last(tx, last, &blanked, err);
    c->after = end;
    c->report.events += removed + blanked;
    return code;
}

/* One transaction, unless it is time to stop. */
static enum err_code take_step(struct compaction *c, store_job_fn step, struct err *err)
{
    if (c->o->stopping && c->o->stopping(c->o->arg))
        return err_set(err, ERR_CANCELLED, "the compaction was stopped");
    return store_write(c->store, step, c, err);
}

static enum err_code compact_events(struct compaction *c, struct err *err)
{
    enum err_code code = take_step(c, choose_erased, err);
    if (code || c->at_end)
        return code;
    if (c->o->erasing)
        c->o->erasing(c->o->erasing_arg);
    do
        code = take_step(c, remove_events, err);
    while (!code && !c->at_end);
    return code ? code : take_step(c, mark_done, err);
}

/* --- what is old ------------------------------------------------------------------------------ */

static enum err_code trim_quarantine(struct store_tx *tx, void *arg, struct err *err)
{
    struct compaction *c = arg;
    enum err_code code =
        quarantine_trim(tx, tx->now_us - QUARANTINE_AGE_MAX_US, ROWS_LIMIT, &c->removed, err);
    c->at_end = c->removed < ROWS_LIMIT;
    return code;
}

static enum err_code trim_replies(struct store_tx *tx, void *arg, struct err *err)
{
    struct compaction *c = arg;
    enum err_code code = idempotency_trim(tx, ROWS_LIMIT, &c->removed, err);
    c->at_end = c->removed < ROWS_LIMIT;
    return code;
}

static enum err_code trim_jobs(struct store_tx *tx, void *arg, struct err *err)
{
    struct compaction *c = arg;
    enum err_code code = jobs_trim(tx, JOBS_KEPT, ROWS_LIMIT, &c->removed, err);
    c->at_end = c->removed < ROWS_LIMIT;
    return code;
}

#define WITHDRAWN_UNTIL                                                                            \
    "(SELECT e.seq FROM changes c JOIN events e ON e.seq BETWEEN c.no AND c.last_no"               \
    " WHERE c.position <= ? AND c.aggregate = ? AND c.op = ? AND e.feedback < 0)"

/* Whoever follows the log has read by now what was withdrawn then: the rows may go. The last row of
 * all keeps its number here, too. */
static enum err_code remove_withdrawn(struct store_tx *tx, int64_t until, int64_t *removed,
                                      struct err *err)
{
    int64_t blanked = 0;
    enum err_code code =
        db_run(tx->db,
               "DELETE FROM events WHERE seq IN " WITHDRAWN_UNTIL
               " AND seq < (SELECT MAX(seq) FROM events)",
               DB_ARGS(db_i64(until), db_i64(CHANGE_EVENT), db_i64(CHANGE_DELETE)), removed, err);
    if (!code)
        code = db_run(tx->db, BLANK_EVENT " WHERE seq IN " WITHDRAWN_UNTIL,
                      DB_ARGS(db_i64(until), db_i64(CHANGE_EVENT), db_i64(CHANGE_DELETE)), &blanked,
                      err);
    *removed += blanked;
    return code;
}

static enum err_code trim_changes(struct store_tx *tx, void *arg, struct err *err)
{
    struct compaction *c = arg;
    int64_t oldest, newest;
    enum err_code code = changes_range(tx->db, &oldest, &newest, err);
    int64_t until = c->o->changes_until < newest ? c->o->changes_until : newest - 1;
    c->removed = 0;
    c->at_end = oldest == 0 || oldest > until;
    if (code || c->at_end)
        return code;
    if (until - oldest > CHANGES_RANGE)
        until = oldest + CHANGES_RANGE;
    int64_t events = 0;
    code = remove_withdrawn(tx, until, &events, err);
    c->report.events += events;
    return code ? code : changes_trim(tx, until, &c->removed, err);
}

/* Transactions of one kind until nothing is left for them; *counter counts what they removed. */
static enum err_code repeat(struct compaction *c, store_job_fn step, int64_t *counter,
                            struct err *err)
{
    enum err_code code;
    do {
        c->removed = 0;
        code = take_step(c, step, err);
        *counter += code ? 0 : c->removed;
    } while (!code && !c->at_end);
    return code;
}

/* Readers come and go; one that stays too long leaves the log to the next compaction. */
static enum err_code empty_log(struct store *store, bool *emptied, struct err *err)
{
    enum err_code code = ERR_BUSY;
    for (int i = 0; i < EMPTY_TRIES && code == ERR_BUSY; i++)
        code = store_empty_log(store, err);
    *emptied = code == ERR_OK;
    return code == ERR_BUSY ? ERR_OK : code;
}

enum err_code store_compact(struct store *store, const struct compact_options *o,
                            struct compact_report *report, struct err *err)
{
    struct compaction c = {.store = store, .o = o};
    struct compact_report *r = &c.report;
    enum err_code code = compact_events(&c, err);
    if (!code)
        code = repeat(&c, trim_quarantine, &r->quarantined, err);
    if (!code)
        code = repeat(&c, trim_replies, &r->replies, err);
    if (!code)
        code = repeat(&c, trim_jobs, &r->jobs, err);
    if (!code && o->changes_until)
        code = repeat(&c, trim_changes, &r->changes, err);
    if (!code)
        code = empty_log(store, &r->log_emptied, err);
    if (report)
        *report = c.report;
    return code;
}
