#include "store/changes.h"

#include "base/banned.h"
#include "base/check.h"
#include "store/tx_int.h"

enum { USERS_CACHED = 2 << 20, PRODUCTS_CACHED = 1 << 20 };

void tx_init(struct tx *tx, struct db *db)
{
    *tx = (struct tx){.pub.db = db};
    id_cache_init(&tx->users, USERS_CACHED);
    id_cache_init(&tx->products, PRODUCTS_CACHED);
}

void tx_release(struct tx *tx)
{
    id_cache_release(&tx->users);
    id_cache_release(&tx->products);
}

/* What a job wrote of earlier jobs' runs is undone with the job, so the runs go back to what they
 * were. */
void tx_begin_job(struct tx *tx)
{
    memcpy(tx->before, tx->runs, sizeof tx->runs);
    tx->staging = false;
    id_cache_mark(&tx->users);
    id_cache_mark(&tx->products);
}

void tx_undo_job(struct tx *tx)
{
    memcpy(tx->runs, tx->before, sizeof tx->runs);
    id_cache_forget_since_mark(&tx->users);
    id_cache_forget_since_mark(&tx->products);
}

void tx_undo_all(struct tx *tx)
{
    memset(tx->runs, 0, sizeof tx->runs);
    id_cache_forget_all(&tx->users);
    id_cache_forget_all(&tx->products);
}

static enum err_code write_run(struct tx *tx, struct change *run, struct err *err)
{
    if (!run->op)
        return ERR_OK;
    struct change c = *run;
    *run = (struct change){0};
    return db_run(
        tx->pub.db, "INSERT INTO changes (aggregate, op, no, last_no) VALUES (?, ?, ?, ?)",
        DB_ARGS(db_i64(c.aggregate), db_i64(c.op), db_i64(c.no), db_i64(c.last_no)), NULL, err);
}

enum err_code tx_finish(struct tx *tx, struct err *err)
{
    for (size_t i = 0; i < CHANGE_AGGREGATES; i++) {
        enum err_code code = write_run(tx, &tx->runs[i], err);
        if (code)
            return code;
    }
    return ERR_OK;
}

enum err_code tx_change_range(struct store_tx *tx, enum change_aggregate aggregate,
                              enum change_op op, int64_t first, int64_t last, struct err *err)
{
    struct change *run = &tx_of(tx)->runs[aggregate];
    DCHECK(first <= last);
    if (aggregate == CHANGE_PRODUCT && tx_of(tx)->staging &&
        (op == CHANGE_PUT || op == CHANGE_LIVE))
        op = CHANGE_STAGE;
    if (run->op == op && first >= run->no && first <= run->last_no + 1) {
        if (last > run->last_no)
            run->last_no = last;
        return ERR_OK;
    }
    enum err_code code = write_run(tx_of(tx), run, err);
    *run = (struct change){.aggregate = aggregate, .op = op, .no = first, .last_no = last};
    return code;
}

enum err_code tx_change(struct store_tx *tx, enum change_aggregate aggregate, enum change_op op,
                        int64_t no, struct err *err)
{
    return tx_change_range(tx, aggregate, op, no, no, err);
}

enum err_code changes_after(struct db *db, int64_t position, struct change *out, size_t cap,
                            size_t *len, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *len = 0;
    enum err_code code = db_query(db,
                                  "SELECT position, aggregate, op, no, last_no FROM changes "
                                  "WHERE position > ? ORDER BY position LIMIT ?",
                                  DB_ARGS(db_i64(position), db_i64((int64_t)cap)), &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more) {
        out[(*len)++] = (struct change){
            .position = db_col_i64(&rows, 0),
            .aggregate = (enum change_aggregate)db_col_i64(&rows, 1),
            .op = (enum change_op)db_col_i64(&rows, 2),
            .no = db_col_i64(&rows, 3),
            .last_no = db_col_i64(&rows, 4),
        };
    }
    db_rows_close(&rows);
    return code;
}

enum err_code changes_range(struct db *db, int64_t *oldest, int64_t *newest, struct err *err)
{
    enum err_code code =
        db_query_i64(db, "SELECT MIN(position) FROM changes", DB_NO_ARGS, oldest, NULL, err);
    return code ? code
                : db_query_i64(db, "SELECT MAX(position) FROM changes", DB_NO_ARGS, newest, NULL,
                               err);
}

enum err_code changes_trim(struct store_tx *tx, int64_t position, int64_t *removed, struct err *err)
{
    return db_run(tx->db,
                  "DELETE FROM changes WHERE position <= ? "
                  "AND position < (SELECT MAX(position) FROM changes)",
                  DB_ARGS(db_i64(position)), removed, err);
}
