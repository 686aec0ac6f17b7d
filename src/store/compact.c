/* Compaction: the events of erased shoppers leave the table, a range of numbers per transaction. */
#include "base/banned.h"
#include "store/store.h"

enum { RANGE = 20000 };

struct range {
    int64_t after;   /* remove from above this number */
    int64_t removed; /* altogether */
    bool at_end;     /* nothing is left to do */
};

/* Shoppers erased while this runs are left to the next compaction, which begins at the first event
 * again. */
static enum err_code choose_erased(struct store_tx *tx, void *arg, struct err *err)
{
    struct range *range = arg;
    int64_t first;
    bool found;
    enum err_code code =
        db_run(tx->db, "UPDATE erased_users SET state = 1 WHERE state = 0", DB_NO_ARGS, NULL, err);
    if (!code)
        code = db_query_i64(tx->db, "SELECT user_no FROM erased_users WHERE state = 1 LIMIT 1",
                            DB_NO_ARGS, &first, &found, err);
    range->at_end = !code && !found;
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
                  "UPDATE events SET user_no = 0, product_no = NULL, session_id = NULL,"
                  " query = NULL, value = NULL, currency = NULL, rating = NULL,"
                  " request_id = NULL, place = NULL, context = NULL WHERE seq = ?"
                  " AND user_no IN (SELECT user_no FROM erased_users WHERE state = 1)",
                  DB_ARGS(db_i64(last)), changed, err);
}

static enum err_code remove_range(struct store_tx *tx, void *arg, struct err *err)
{
    struct range *range = arg;
    int64_t last, removed = 0, blanked = 0;
    enum err_code code =
        db_query_i64(tx->db, "SELECT MAX(seq) FROM events", DB_NO_ARGS, &last, NULL, err);
    int64_t end = range->after + RANGE < last ? range->after + RANGE : last - 1;
    if (!code)
        code = db_run(tx->db,
                      "DELETE FROM events WHERE seq > ? AND seq <= ?"
                      " AND user_no IN (SELECT user_no FROM erased_users WHERE state = 1)",
                      DB_ARGS(db_i64(range->after), db_i64(end)), &removed, err);
    range->at_end = end >= last - 1;
    if (!code && range->at_end)
        code = blank_last(tx, last, &blanked, err);
    range->after = end;
    range->removed += removed + blanked;
    return code;
}

enum err_code store_compact(struct store *store, int64_t *removed, struct err *err)
{
    struct range range = {0};
    enum err_code code = store_write(store, choose_erased, &range, err);
    while (!code && !range.at_end)
        code = store_write(store, remove_range, &range, err);
    if (!code)
        code = store_write(store, mark_done, NULL, err);
    if (!code && removed)
        *removed = range.removed;
    return code;
}
