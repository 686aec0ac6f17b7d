#include "base/banned.h"
#include "store/orders.h"
#include "store/record_int.h"

#define SELECT_ORDER                                                                               \
    "SELECT o.no, o.id, i.id, COALESCE(l.user_no, o.user_no), o.currency, o.status, o.total,"      \
    " o.address, o.payment, o.coupons, o.placed_at, o.paid_at, o.shipped_at, o.delivered_at,"      \
    " o.closed_at FROM orders o LEFT JOIN user_links l ON l.anonymous_no = o.user_no"              \
    " LEFT JOIN user_ids i ON i.user_no = COALESCE(l.user_no, o.user_no) AND i.kind = 0"

enum err_code orders_next(struct db_rows *rows, struct order *o, bool *more, struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (code || !*more)
        return code;
    *o = (struct order){
        .no = db_col_i64(rows, 0),
        .id = db_col_text(rows, 1),
        .user_id = db_col_text(rows, 2),
        .user_no = db_col_u32(rows, 3),
        .currency = db_col_u32(rows, 4),
        .status = (enum order_status)db_col_i64(rows, 5),
        .total_minor = db_col_i64(rows, 6),
        .address = db_col_text(rows, 7),
        .payment = db_col_text(rows, 8),
        .coupons = db_col_text(rows, 9),
        .placed_at = db_col_i64(rows, 10),
        .paid_at = db_col_i64(rows, 11),
        .shipped_at = db_col_i64(rows, 12),
        .delivered_at = db_col_i64(rows, 13),
        .closed_at = db_col_i64(rows, 14),
    };
    return ERR_OK;
}

enum err_code orders_after(struct db *db, int64_t after_no, int64_t limit, struct db_rows *rows,
                           struct err *err)
{
    return db_query(db, SELECT_ORDER " WHERE o.no > ? ORDER BY o.no LIMIT ?",
                    DB_ARGS(db_i64(after_no), db_i64(limit)), rows, err);
}

enum err_code orders_of_user(struct db *db, uint32_t user_no, int64_t before_no, int64_t limit,
                             struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    SELECT_ORDER " WHERE (o.user_no = ? OR o.user_no IN"
                                 " (SELECT anonymous_no FROM user_links WHERE user_no = ?))"
                                 " AND o.no < ? ORDER BY o.no DESC LIMIT ?",
                    DB_ARGS(db_i64(user_no), db_i64(user_no), db_i64(before_no), db_i64(limit)),
                    rows, err);
}

enum err_code order_user_no_of(struct db *db, int64_t no, uint32_t *user_no, struct err *err)
{
    int64_t wide;
    enum err_code code =
        db_query_i64(db,
                     "SELECT COALESCE(l.user_no, o.user_no) FROM orders o"
                     " LEFT JOIN user_links l ON l.anonymous_no = o.user_no WHERE o.no = ?",
                     DB_ARGS(db_i64(no)), &wide, NULL, err);
    *user_no = code ? 0 : (uint32_t)wide;
    return code;
}

enum err_code order_no_of(struct db *db, struct str id, int64_t *no, struct err *err)
{
    return db_query_i64(db, "SELECT no FROM orders WHERE id = ?", DB_ARGS(db_text(id)), no, NULL,
                        err);
}

/* --- lines ------------------------------------------------------------------------------------ */

#define LINE_COLUMNS                                                                               \
    "n.ordinal, n.kind, n.product_no, n.quantity, n.unit_price_micro, n.discount, n.amount,"       \
    " n.sale_order_no, n.sale_ordinal"

static struct order_line read_line(const struct db_rows *rows)
{
    return (struct order_line){
        .ordinal = db_col_u32(rows, 0),
        .kind = (enum order_line_kind)db_col_i64(rows, 1),
        .product_no = db_col_u32(rows, 2),
        .quantity = db_col_i64(rows, 3),
        .unit_price_micro = db_col_i64(rows, 4),
        .discount_minor = db_col_i64(rows, 5),
        .amount_minor = db_col_i64(rows, 6),
        .sale_order_no = db_col_i64(rows, 7),
        .sale_ordinal = db_col_u32(rows, 8),
    };
}

static enum err_code read_lines(struct db *db, struct arena *arena, struct order *o,
                                struct err *err)
{
    struct db_rows rows;
    int64_t n;
    bool more = false;
    enum err_code code = db_query_i64(db, "SELECT COUNT(*) FROM order_lines WHERE order_no = ?",
                                      DB_ARGS(db_i64(o->no)), &n, NULL, err);
    if (code)
        return code;
    struct order_line *lines = ARENA_NEW(arena, struct order_line, (size_t)n + 1);
    code = db_query(db,
                    "SELECT " LINE_COLUMNS ", p.id FROM order_lines n"
                    " LEFT JOIN products p ON p.no = n.product_no WHERE n.order_no = ?"
                    " ORDER BY n.ordinal",
                    DB_ARGS(db_i64(o->no)), &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more && o->lines_len < n) {
        struct order_line *line = &lines[o->lines_len++];
        *line = read_line(&rows);
        line->product_id = arena_str(arena, db_col_text(&rows, 9));
    }
    db_rows_close(&rows);
    o->lines = lines;
    return code;
}

static enum err_code get_one(struct db *db, const char *sql, struct db_arg key, struct arena *arena,
                             struct order *out, struct err *err)
{
    char quoted[80];
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, sql, &key, 1, &rows, err);
    if (!code)
        code = orders_next(&rows, out, &more, err);
    if (code)
        return code;
    if (!more && key.type == DB_TYPE_TEXT)
        return err_set(err, ERR_NOT_FOUND, "no order %s",
                       err_quote(quoted, sizeof quoted, key.s.p, key.s.n));
    if (!more)
        return err_set(err, ERR_NOT_FOUND, "no order number %lld", (long long)key.i);
    struct str *const texts[] = {&out->id, &out->user_id, &out->address, &out->payment,
                                 &out->coupons};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep_text(arena, texts[i]);
    db_rows_close(&rows);
    return read_lines(db, arena, out, err);
}

enum err_code order_get(struct db *db, struct str id, struct arena *arena, struct order *out,
                        struct err *err)
{
    return get_one(db, SELECT_ORDER " WHERE o.id = ?", db_text(id), arena, out, err);
}

enum err_code order_get_no(struct db *db, int64_t no, struct arena *arena, struct order *out,
                           struct err *err)
{
    return get_one(db, SELECT_ORDER " WHERE o.no = ?", db_i64(no), arena, out, err);
}

#define SELECT_LINES                                                                               \
    "SELECT " LINE_COLUMNS ", o.no, COALESCE(l.user_no, o.user_no), o.placed_at, o.currency,"      \
    " o.status FROM order_lines n JOIN orders o ON o.no = n.order_no"                              \
    " LEFT JOIN user_links l ON l.anonymous_no = o.user_no"

enum err_code order_lines_after(struct db *db, int64_t after_no, uint32_t after_ordinal,
                                int64_t limit, struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    SELECT_LINES " WHERE (n.order_no, n.ordinal) > (?, ?)"
                                 " ORDER BY n.order_no, n.ordinal LIMIT ?",
                    DB_ARGS(db_i64(after_no), db_i64(after_ordinal), db_i64(limit)), rows, err);
}

enum err_code order_lines_of_user(struct db *db, uint32_t user_no, struct db_rows *rows,
                                  struct err *err)
{
    return db_query(db,
                    SELECT_LINES " WHERE o.user_no = ? OR o.user_no IN"
                                 " (SELECT anonymous_no FROM user_links WHERE user_no = ?)",
                    DB_ARGS(db_i64(user_no), db_i64(user_no)), rows, err);
}

enum err_code order_lines_placed(struct db *db, int64_t from, int64_t until, struct db_rows *rows,
                                 struct err *err)
{
    return db_query(db,
                    SELECT_LINES " WHERE o.placed_at >= ? AND o.placed_at < ?"
                                 " ORDER BY o.placed_at, n.order_no, n.ordinal",
                    DB_ARGS(db_i64(from), db_i64(until)), rows, err);
}

enum err_code order_first_placed(struct db *db, uint32_t user_no, int64_t *placed_at,
                                 struct err *err)
{
    return db_query_i64(db,
                        "SELECT COALESCE(MIN(placed_at), 9223372036854775807) FROM orders"
                        " WHERE status <> ? AND (user_no = ? OR user_no IN"
                        " (SELECT anonymous_no FROM user_links WHERE user_no = ?))",
                        DB_ARGS(db_i64(ORDER_CANCELLED), db_i64(user_no), db_i64(user_no)),
                        placed_at, NULL, err);
}

enum err_code order_lines_next(struct db_rows *rows, struct order_line_row *out, bool *more,
                               struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        *out = (struct order_line_row){
            .line = read_line(rows),
            .order_no = db_col_i64(rows, 9),
            .user_no = db_col_u32(rows, 10),
            .placed_at = db_col_i64(rows, 11),
            .currency = db_col_u32(rows, 12),
            .status = (enum order_status)db_col_i64(rows, 13),
        };
    return code;
}

enum err_code orders_at_most(struct db *db, int64_t *orders, struct err *err)
{
    return db_query_i64(db,
                        "SELECT COALESCE((SELECT MAX(no) FROM orders) -"
                        " (SELECT MIN(no) FROM orders) + 1, 0)",
                        DB_NO_ARGS, orders, NULL, err);
}

enum err_code orders_count(struct db *db, struct order_counts *out, struct err *err)
{
    const struct {
        const char *sql;
        int64_t *out;
    } counts[] = {
        {"SELECT COUNT(*) FROM orders", &out->orders},
        {"SELECT COUNT(*) FROM order_lines", &out->lines},
        {"SELECT COALESCE(MAX(no), 0) FROM orders", &out->last_no},
        {"SELECT MIN(placed_at) FROM orders", &out->first_placed},
        {"SELECT MAX(placed_at) FROM orders", &out->last_placed},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !code; i++)
        code = db_query_i64(db, counts[i].sql, DB_NO_ARGS, counts[i].out, NULL, err);
    return code;
}
