#include "store/interactions.h"

#include "base/banned.h"
#include "store/record_int.h"
#include "store/tx_int.h"

enum err_code interactions_put(struct store_tx *tx, const struct interaction *items, size_t n,
                               struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        const struct interaction *it = &items[i];
        code = db_run(tx->db,
                      "INSERT INTO interactions (user_no, product_no, weight, count, last_at)"
                      " VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_no, product_no) DO UPDATE SET"
                      " weight = excluded.weight, count = excluded.count,"
                      " last_at = excluded.last_at",
                      DB_ARGS(db_i64(it->user_no), db_i64(it->product_no), db_double(it->weight),
                              db_i64(it->count), db_i64(it->last_at)),
                      NULL, err);
        if (!code)
            code = tx_change(tx, CHANGE_INTERACTION, CHANGE_PUT, it->user_no, err);
    }
    return code;
}

enum err_code interactions_clear(struct store_tx *tx, uint32_t first, uint32_t last,
                                 struct err *err)
{
    int64_t removed;
    enum err_code code =
        db_run(tx->db, "DELETE FROM interactions WHERE user_no >= ? AND user_no <= ?",
               DB_ARGS(db_i64(first), db_i64(last)), &removed, err);
    if (!code && removed)
        code = tx_change_range(tx, CHANGE_INTERACTION, CHANGE_DELETE, first, last, err);
    return code;
}

enum err_code interactions_after(struct db *db, uint32_t user_no, uint32_t product_no,
                                 int64_t limit, struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    "SELECT user_no, product_no, weight, count, last_at FROM interactions"
                    " WHERE (user_no, product_no) > (?, ?) ORDER BY user_no, product_no LIMIT ?",
                    DB_ARGS(db_i64(user_no), db_i64(product_no), db_i64(limit)), rows, err);
}

enum err_code interactions_next(struct db_rows *rows, struct interaction *out, bool *more,
                                struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct interaction){
            .user_no = db_col_u32(rows, 0),
            .product_no = db_col_u32(rows, 1),
            .weight = db_col_double(rows, 2),
            .count = db_col_i64(rows, 3),
            .last_at = db_col_i64(rows, 4),
        };
    return code;
}
