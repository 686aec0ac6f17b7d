#include "store/models.h"

#include "base/banned.h"
#include "base/check.h"
#include "store/record_int.h"
#include "store/tx_int.h"

static enum err_code no_such_version(struct str family, struct str version, struct err *err)
{
    char f[64], v[64];
    return err_set(err, ERR_NOT_FOUND, "no model %s %s", err_quote(f, sizeof f, family.p, family.n),
                   err_quote(v, sizeof v, version.p, version.n));
}

/* --- reading ---------------------------------------------------------------------------------- */

#define SELECT_MODEL                                                                               \
    "SELECT no, family, version, state, live, previous, manifest, created_at, published_at"        \
    " FROM model_versions"

enum err_code models_next(struct db_rows *rows, struct model_version *out, bool *more,
                          struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct model_version){
            .no = db_col_i64(rows, 0),
            .family = db_col_text(rows, 1),
            .version = db_col_text(rows, 2),
            .state = (enum model_state)db_col_i64(rows, 3),
            .live = db_col_i64(rows, 4) != 0,
            .previous = db_col_text(rows, 5),
            .manifest = db_col_text(rows, 6),
            .created_at = db_col_i64(rows, 7),
            .published_at = db_col_i64(rows, 8),
        };
    return code;
}

enum err_code models_list(struct db *db, struct str family, struct db_rows *rows, struct err *err)
{
    return db_query(db, SELECT_MODEL " WHERE family = ? OR ? = '' ORDER BY no DESC",
                    DB_ARGS(db_text(family), db_text(family)), rows, err);
}

static enum err_code get_one(struct db *db, const char *sql, const struct db_arg *args, size_t n,
                             struct arena *arena, struct model_version *out, bool *found,
                             struct err *err)
{
    struct db_rows rows;
    enum err_code code = db_query(db, sql, args, n, &rows, err);
    if (!code)
        code = models_next(&rows, out, found, err);
    if (!code && *found) {
        struct str *const texts[] = {&out->family, &out->version, &out->previous, &out->manifest};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            keep_text(arena, texts[i]);
    }
    db_rows_close(&rows);
    return code;
}

enum err_code model_get(struct db *db, struct str family, struct str version, struct arena *arena,
                        struct model_version *out, struct err *err)
{
    bool found = false;
    enum err_code code =
        get_one(db, SELECT_MODEL " WHERE family = ? AND version = ?",
                DB_ARGS(db_text(family), db_text(version)), arena, out, &found, err);
    return code || found ? code : no_such_version(family, version, err);
}

enum err_code model_live(struct db *db, struct str family, struct arena *arena,
                         struct model_version *out, struct err *err)
{
    bool found = false;
    enum err_code code = get_one(db, SELECT_MODEL " WHERE family = ? AND live = 1",
                                 DB_ARGS(db_text(family)), arena, out, &found, err);
    if (!code && !found)
        code = err_set(err, ERR_NOT_FOUND, "no %.*s model is published", STR_ARG(family));
    return code;
}

/* --- writing ---------------------------------------------------------------------------------- */

enum err_code model_put(struct store_tx *tx, const struct model_version *m, struct err *err)
{
    int64_t no;
    enum err_code code = store_id_check("family", m->family, err);
    if (!code)
        code = store_id_check("version", m->version, err);
    if (!code)
        code = store_text_check("manifest", m->manifest, STORE_JSON_MAX, err);
    if (!code)
        code = db_query_i64(tx->db,
                            "INSERT INTO model_versions (family, version, state, live, manifest,"
                            " created_at) VALUES (?, ?, ?, 0, ?, ?)"
                            " ON CONFLICT (family, version) DO UPDATE SET state = excluded.state,"
                            " manifest = excluded.manifest RETURNING no",
                            DB_ARGS(db_text(m->family), db_text(m->version), db_i64(m->state),
                                    db_text_or_null(m->manifest),
                                    db_i64(m->created_at ? m->created_at : tx->now_us)),
                            &no, NULL, err);
    return code ? code : tx_change(tx, CHANGE_MODEL, CHANGE_PUT, no, err);
}

/* The live version of a family steps down; nothing to do where none is live. */
static enum err_code step_down(struct store_tx *tx, struct str family, struct err *err)
{
    return db_run(tx->db, "UPDATE model_versions SET live = 0 WHERE family = ? AND live = 1",
                  DB_ARGS(db_text(family)), NULL, err);
}

static enum err_code step_up(struct store_tx *tx, int64_t no, struct err *err)
{
    enum err_code code =
        db_run(tx->db, "UPDATE model_versions SET live = 1, published_at = ? WHERE no = ?",
               DB_ARGS(db_i64(tx->now_us), db_i64(no)), NULL, err);
    return code ? code : tx_change(tx, CHANGE_MODEL, CHANGE_PUT, no, err);
}

/* Number and state of a version. */
static enum err_code find_version(struct db *db, struct str family, struct str version, int64_t *no,
                                  enum model_state *state, bool *live, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code =
        db_query(db, "SELECT no, state, live FROM model_versions WHERE family = ? AND version = ?",
                 DB_ARGS(db_text(family), db_text(version)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (code)
        return code;
    if (!more)
        return no_such_version(family, version, err);
    *no = db_col_i64(&rows, 0);
    *state = (enum model_state)db_col_i64(&rows, 1);
    *live = db_col_i64(&rows, 2) != 0;
    db_rows_close(&rows);
    return ERR_OK;
}

enum err_code model_publish(struct store_tx *tx, struct str family, struct str version, bool force,
                            struct err *err)
{
    int64_t no;
    enum model_state state;
    bool live;
    enum err_code code = find_version(tx->db, family, version, &no, &state, &live, err);
    if (code || live)
        return code;
    if (state != MODEL_PASSED && !force)
        return err_set(err, ERR_CONFLICT, "model %.*s %.*s has not passed its gates",
                       STR_ARG(family), STR_ARG(version));
    code = db_run(tx->db,
                  "UPDATE model_versions SET previous = (SELECT m.version FROM model_versions m"
                  " WHERE m.family = ? AND m.live = 1) WHERE no = ?",
                  DB_ARGS(db_text(family), db_i64(no)), NULL, err);
    if (!code)
        code = step_down(tx, family, err);
    return code ? code : step_up(tx, no, err);
}

enum err_code model_rollback(struct store_tx *tx, struct str family, struct err *err)
{
    int64_t no;
    bool found;
    enum err_code code = db_query_i64(tx->db,
                                      "SELECT p.no FROM model_versions m JOIN model_versions p"
                                      " ON p.family = m.family AND p.version = m.previous"
                                      " WHERE m.family = ? AND m.live = 1",
                                      DB_ARGS(db_text(family)), &no, &found, err);
    if (!code && !found)
        code = err_set(err, ERR_NOT_FOUND, "there is no earlier %.*s model to go back to",
                       STR_ARG(family));
    if (!code)
        code = step_down(tx, family, err);
    return code ? code : step_up(tx, no, err);
}

enum err_code model_delete(struct store_tx *tx, struct str family, struct str version,
                           struct err *err)
{
    int64_t no;
    enum model_state state;
    bool live;
    enum err_code code = find_version(tx->db, family, version, &no, &state, &live, err);
    if (code)
        return code;
    if (live)
        return err_set(err, ERR_CONFLICT, "model %.*s %.*s is live", STR_ARG(family),
                       STR_ARG(version));
    code =
        db_run(tx->db, "DELETE FROM model_versions WHERE no = ?", DB_ARGS(db_i64(no)), NULL, err);
    return code ? code : tx_change(tx, CHANGE_MODEL, CHANGE_DELETE, no, err);
}

/* --- telling --------------------------------------------------------------------------------- */

const char *model_state_name(enum model_state state)
{
    static const char *const names[] = {
        [MODEL_TRAINED] = "trained", [MODEL_PASSED] = "passed", [MODEL_REJECTED] = "rejected"};
    CHECK((unsigned)state < sizeof names / sizeof *names);
    return names[state];
}

void model_write(const struct model_version *m, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "family", m->family);
    JW_STR(w, "version", m->version);
    JW_Z(w, "state", model_state_name(m->state));
    JW_BOOL(w, "live", m->live);
    JW_KEY(w, "previous");
    if (m->previous.n)
        jw_str(w, m->previous);
    else
        jw_null(w);
    JW_TIME(w, "created_at", m->created_at);
    if (m->published_at)
        JW_TIME(w, "published_at", m->published_at);
    JW_RAW(w, "manifest", m->manifest.n ? m->manifest : STR_LIT("{}"));
    jw_obj_end(w);
}
