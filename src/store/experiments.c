#include "store/experiments.h"

#include "base/banned.h"
#include "base/check.h"
#include "store/record_int.h"
#include "store/tx_int.h"

static const char *const state_names[EXPERIMENT_STATES] = {
    [EXPERIMENT_DRAFT] = "draft",
    [EXPERIMENT_RUNNING] = "running",
    [EXPERIMENT_STOPPED] = "stopped",
    [EXPERIMENT_DECIDED] = "decided",
};

const char *experiment_state_name(enum experiment_state s)
{
    CHECK((unsigned)s < EXPERIMENT_STATES);
    return state_names[s];
}

bool experiment_state_of(struct str name, enum experiment_state *out)
{
    for (int i = 0; i < EXPERIMENT_STATES; i++)
        if (str_is(name, state_names[i])) {
            *out = (enum experiment_state)i;
            return true;
        }
    return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

#define SELECT_EXPERIMENT                                                                          \
    "SELECT no, id, state, definition, salt, first_bucket, decision, reason, created_at,"          \
    " started_at, stopped_at, decided_at FROM experiments"

enum err_code experiments_list(struct db *db, struct db_rows *rows, struct err *err)
{
    return db_query(db, SELECT_EXPERIMENT " ORDER BY no", DB_NO_ARGS, rows, err);
}

enum err_code experiments_next(struct db_rows *rows, struct experiment_record *out, bool *more,
                               struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct experiment_record){
            .no = db_col_i64(rows, 0),
            .id = db_col_text(rows, 1),
            .state = (enum experiment_state)db_col_i64(rows, 2),
            .definition = db_col_text(rows, 3),
            .salt = db_col_text(rows, 4),
            .first_bucket = db_col_u32(rows, 5),
            .decision = db_col_text(rows, 6),
            .reason = db_col_text(rows, 7),
            .created_at = db_col_i64(rows, 8),
            .started_at = db_col_i64(rows, 9),
            .stopped_at = db_col_i64(rows, 10),
            .decided_at = db_col_i64(rows, 11),
        };
    return code;
}

static enum err_code no_such(struct str id, struct err *err)
{
    char quoted[64];
    return err_set(err, ERR_NOT_FOUND, "there is no experiment '%s'",
                   err_quote(quoted, sizeof quoted, id.p, id.n));
}

void experiment_record_keep(struct arena *arena, struct experiment_record *r)
{
    struct str *const texts[] = {&r->id, &r->definition, &r->salt, &r->decision, &r->reason};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep_text(arena, texts[i]);
}

enum err_code experiment_get(struct db *db, struct str id, struct arena *arena,
                             struct experiment_record *out, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code =
        db_query(db, SELECT_EXPERIMENT " WHERE id = ?", DB_ARGS(db_text(id)), &rows, err);
    if (!code)
        code = experiments_next(&rows, out, &more, err);
    if (code)
        return code;
    if (!more)
        return no_such(id, err);
    experiment_record_keep(arena, out);
    db_rows_close(&rows);
    return ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum err_code check(const struct experiment_record *e, struct err *err)
{
    enum err_code code = store_id_check("id", e->id, err);
    if (!code)
        code = store_id_check("salt", e->salt, err);
    if (!code)
        code = store_text_check("definition", e->definition, STORE_JSON_MAX, err);
    if (!code)
        code = store_text_check("reason", e->reason, EXPERIMENT_REASON_MAX, err);
    return code;
}

enum err_code experiment_add(struct store_tx *tx, const struct experiment_record *e,
                             struct err *err)
{
    int64_t n, no = 0;
    enum err_code code = check(e, err);
    if (!code)
        code = db_query_i64(tx->db, "SELECT COUNT(*) FROM experiments", DB_NO_ARGS, &n, NULL, err);
    if (!code && n >= EXPERIMENTS_MAX)
        code =
            err_set(err, ERR_LIMIT, "there are %d experiments: delete old ones", EXPERIMENTS_MAX);
    if (!code)
        code = db_insert(
            tx->db,
            "INSERT INTO experiments (id, state, definition, salt, first_bucket,"
            " created_at) VALUES (?, 0, ?, ?, 0, ?) ON CONFLICT (id) DO NOTHING",
            DB_ARGS(db_text(e->id), db_text(e->definition), db_text(e->salt), db_i64(tx->now_us)),
            &no, err);
    if (!code && no == 0)
        code = err_set(err, ERR_CONFLICT, "there is an experiment '%.*s' already", STR_ARG(e->id));
    return code ? code : tx_change(tx, CHANGE_EXPERIMENT, CHANGE_PUT, no, err);
}

enum err_code experiment_put(struct store_tx *tx, const struct experiment_record *e,
                             struct err *err)
{
    int64_t changed = 0;
    enum err_code code = check(e, err);
    if (!code)
        code = db_run(tx->db,
                      "UPDATE experiments SET state = ?, definition = ?, first_bucket = ?,"
                      " decision = ?, reason = ?, started_at = ?, stopped_at = ?, decided_at = ?"
                      " WHERE no = ?",
                      DB_ARGS(db_i64(e->state), db_text(e->definition), db_i64(e->first_bucket),
                              db_text_or_null(e->decision), db_text_or_null(e->reason),
                              db_i64_or_null(e->started_at), db_i64_or_null(e->stopped_at),
                              db_i64_or_null(e->decided_at), db_i64(e->no)),
                      &changed, err);
    if (!code && changed == 0)
        code = no_such(e->id, err);
    return code ? code : tx_change(tx, CHANGE_EXPERIMENT, CHANGE_PUT, e->no, err);
}

enum err_code experiment_delete(struct store_tx *tx, struct str id, struct err *err)
{
    int64_t no, running = 0;
    bool found;
    enum err_code code = db_query_i64(tx->db, "SELECT no FROM experiments WHERE id = ?",
                                      DB_ARGS(db_text(id)), &no, &found, err);
    if (!code && !found)
        code = no_such(id, err);
    if (!code)
        code = db_query_i64(tx->db, "SELECT state = 1 FROM experiments WHERE no = ?",
                            DB_ARGS(db_i64(no)), &running, NULL, err);
    if (!code && running)
        code = err_set(err, ERR_CONFLICT, "experiment '%.*s' runs: stop it first", STR_ARG(id));
    if (!code)
        code =
            db_run(tx->db, "DELETE FROM experiments WHERE no = ?", DB_ARGS(db_i64(no)), NULL, err);
    return code ? code : tx_change(tx, CHANGE_EXPERIMENT, CHANGE_DELETE, no, err);
}
