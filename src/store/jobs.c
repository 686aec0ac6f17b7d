#include "store/jobs.h"

#include "base/banned.h"
#include "store/record_int.h"

const char *job_state_name(enum job_state s)
{
    static const char *const names[] = {
        [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",     [JOB_DONE] = "done",
        [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled",
    };
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

/* --- reading ---------------------------------------------------------------------------------- */

#define SELECT_JOB                                                                                 \
    "SELECT no, kind, arguments, state, progress, message, result, runner, created_at,"            \
    " started_at, finished_at FROM jobs"

enum err_code jobs_next(struct db_rows *rows, struct job *out, bool *more, struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct job){
            .no = db_col_i64(rows, 0),
            .kind = db_col_text(rows, 1),
            .arguments = db_col_text(rows, 2),
            .state = (enum job_state)db_col_i64(rows, 3),
            .progress = db_col_double(rows, 4),
            .message = db_col_text(rows, 5),
            .result = db_col_text(rows, 6),
            .runner = db_col_text(rows, 7),
            .created_at = db_col_i64(rows, 8),
            .started_at = db_col_i64(rows, 9),
            .finished_at = db_col_i64(rows, 10),
        };
    return code;
}

enum err_code jobs_list(struct db *db, int64_t before_no, int64_t limit, struct db_rows *rows,
                        struct err *err)
{
    return db_query(db, SELECT_JOB " WHERE no < ? ORDER BY no DESC LIMIT ?",
                    DB_ARGS(db_i64(before_no), db_i64(limit)), rows, err);
}

enum err_code jobs_count(struct db *db, int64_t counts[JOB_STATES], struct err *err)
{
    struct db_rows rows;
    bool more = false;
    memset(counts, 0, JOB_STATES * sizeof *counts);
    enum err_code code =
        db_query(db, "SELECT state, COUNT(*) FROM jobs GROUP BY state", DB_NO_ARGS, &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more) {
        int64_t state = db_col_i64(&rows, 0);
        if (state >= 0 && state < JOB_STATES)
            counts[state] = db_col_i64(&rows, 1);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code no_such_job(int64_t no, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "no job number %lld", (long long)no);
}

enum err_code job_get(struct db *db, int64_t no, struct arena *arena, struct job *out,
                      struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, SELECT_JOB " WHERE no = ?", DB_ARGS(db_i64(no)), &rows, err);
    if (!code)
        code = jobs_next(&rows, out, &more, err);
    if (code)
        return code;
    if (!more)
        return no_such_job(no, err);
    struct str *const texts[] = {&out->kind, &out->arguments, &out->message, &out->result,
                                 &out->runner};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep_text(arena, texts[i]);
    db_rows_close(&rows);
    return ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

enum err_code job_add(struct store_tx *tx, struct str kind, struct str arguments, int64_t *no,
                      struct err *err)
{
    enum err_code code = store_id_check("kind", kind, err);
    if (!code)
        code = store_text_check("arguments", arguments, STORE_JSON_MAX, err);
    if (!code)
        code = db_query_i64(tx->db,
                            "INSERT INTO jobs (kind, arguments, state, progress, created_at)"
                            " VALUES (?, ?, ?, 0, ?) RETURNING no",
                            DB_ARGS(db_text(kind), db_text_or_null(arguments), db_i64(JOB_QUEUED),
                                    db_i64(tx->now_us)),
                            no, NULL, err);
    return code;
}

/* Of a kind, or of all but it; any where kind is empty. */
static enum err_code take(struct store_tx *tx, struct str kind, bool other, struct str runner,
                          struct arena *arena, struct job *out, struct err *err)
{
    int64_t no;
    bool found;
    enum err_code code = db_query_i64(
        tx->db,
        "UPDATE jobs SET state = ?, runner = ?, started_at = ? WHERE no = (SELECT MIN(no)"
        " FROM jobs WHERE state = ? AND (? = '' OR (kind = ?) <> (? = 1))) RETURNING no",
        DB_ARGS(db_i64(JOB_RUNNING), db_text(runner), db_i64(tx->now_us), db_i64(JOB_QUEUED),
                db_text(kind), db_text(kind), db_i64(other)),
        &no, &found, err);
    if (!code && !found)
        code = err_set(err, ERR_NOT_FOUND, "no job is queued");
    return code ? code : job_get(tx->db, no, arena, out, err);
}

enum err_code job_take(struct store_tx *tx, struct str kind, struct str runner, struct arena *arena,
                       struct job *out, struct err *err)
{
    return take(tx, kind, false, runner, arena, out, err);
}

enum err_code job_take_other(struct store_tx *tx, struct str kind, struct str runner,
                             struct arena *arena, struct job *out, struct err *err)
{
    return take(tx, kind, true, runner, arena, out, err);
}

static enum err_code must_run(int64_t no, int64_t changed, struct err *err)
{
    return changed ? ERR_OK
                   : err_set(err, ERR_CONFLICT, "job number %lld does not run", (long long)no);
}

enum err_code job_requeue(struct store_tx *tx, int64_t no, struct err *err)
{
    int64_t changed;
    enum err_code code = db_run(
        tx->db,
        "UPDATE jobs SET state = ?, runner = NULL, started_at = NULL WHERE no = ? AND state = ?",
        DB_ARGS(db_i64(JOB_QUEUED), db_i64(no), db_i64(JOB_RUNNING)), &changed, err);
    return code ? code : must_run(no, changed, err);
}

enum err_code job_progress(struct store_tx *tx, int64_t no, double progress, struct str message,
                           struct err *err)
{
    int64_t changed;
    enum err_code code = db_run(
        tx->db, "UPDATE jobs SET progress = ?, message = ? WHERE no = ? AND state = ?",
        DB_ARGS(db_double(progress), db_text_or_null(message), db_i64(no), db_i64(JOB_RUNNING)),
        &changed, err);
    return code ? code : must_run(no, changed, err);
}

enum err_code job_finish(struct store_tx *tx, int64_t no, enum job_state state, struct str message,
                         struct str result, struct err *err)
{
    int64_t changed, current;
    bool found;
    enum err_code code = db_run(
        tx->db,
        "UPDATE jobs SET state = ?, message = ?, result = ?, finished_at = ?,"
        " progress = CASE WHEN ? = 1 THEN 1 ELSE progress END"
        " WHERE no = ? AND (state = ? OR state = ?)",
        DB_ARGS(db_i64(state), db_text_or_null(message), db_text_or_null(result),
                db_i64(tx->now_us), db_i64(state == JOB_DONE), db_i64(no), db_i64(JOB_RUNNING),
                db_i64(state == JOB_CANCELLED ? JOB_QUEUED : JOB_RUNNING)),
        &changed, err);
    if (code || changed)
        return code;
    code = db_query_i64(tx->db, "SELECT state FROM jobs WHERE no = ?", DB_ARGS(db_i64(no)),
                        &current, &found, err);
    if (code)
        return code;
    return found ? err_set(err, ERR_CONFLICT, "job number %lld is %s", (long long)no,
                           job_state_name((enum job_state)current))
                 : no_such_job(no, err);
}

enum err_code jobs_abandon(struct store_tx *tx, struct str runner, int64_t *n, struct err *err)
{
    return db_run(
        tx->db,
        "UPDATE jobs SET state = ?, message = 'its runner died', finished_at = ?"
        " WHERE state = ? AND runner = ?",
        DB_ARGS(db_i64(JOB_FAILED), db_i64(tx->now_us), db_i64(JOB_RUNNING), db_text(runner)), n,
        err);
}

enum err_code jobs_trim(struct store_tx *tx, int64_t keep, int64_t limit, int64_t *removed,
                        struct err *err)
{
    return db_run(tx->db,
                  "DELETE FROM jobs WHERE no IN (SELECT no FROM jobs WHERE state >= ?"
                  " AND no <= (SELECT MAX(no) FROM jobs) - ? ORDER BY no LIMIT ?)",
                  DB_ARGS(db_i64(JOB_DONE), db_i64(keep), db_i64(limit)), removed, err);
}

/* --- leases ----------------------------------------------------------------------------------- */

enum err_code lease_take(struct store_tx *tx, struct str name, struct str holder, int64_t ttl_us,
                         struct err *err)
{
    int64_t changed;
    enum err_code code = db_run(
        tx->db,
        "INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
        " expires_at = excluded.expires_at"
        " WHERE leases.holder = excluded.holder OR leases.expires_at <= ?",
        DB_ARGS(db_text(name), db_text(holder), db_i64(tx->now_us + ttl_us), db_i64(tx->now_us)),
        &changed, err);
    if (!code && !changed)
        code = err_set(err, ERR_CONFLICT, "somebody else holds %.*s", STR_ARG(name));
    return code;
}

enum err_code lease_release(struct store_tx *tx, struct str name, struct str holder,
                            struct err *err)
{
    return db_run(tx->db, "DELETE FROM leases WHERE name = ? AND holder = ?",
                  DB_ARGS(db_text(name), db_text(holder)), NULL, err);
}
