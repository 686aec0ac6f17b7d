#include "store/carts.h"

#include "base/banned.h"
#include "store/record_int.h"
#include "store/tx_int.h"
#include "store/users_int.h"

static enum err_code read_version(struct db *db, uint32_t user_no, struct cart *out,
                                  struct err *err)
{
    struct db_rows rows;
    bool more;
    *out = (struct cart){.user_no = user_no};
    enum err_code code = db_query(db, "SELECT version, updated_at FROM carts WHERE user_no = ?",
                                  DB_ARGS(db_i64(user_no)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more) {
        out->version = db_col_i64(&rows, 0);
        out->updated_at = db_col_i64(&rows, 1);
    }
    db_rows_close(&rows);
    return code;
}

/* Up to CART_LINES_MAX lines. */
static enum err_code read_lines(struct db *db, uint32_t user_no, struct cart_line *lines, size_t *n,
                                struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *n = 0;
    enum err_code code = db_query(db,
                                  "SELECT product_no, quantity FROM cart_lines WHERE user_no = ?"
                                  " ORDER BY place LIMIT ?",
                                  DB_ARGS(db_i64(user_no), db_i64(CART_LINES_MAX)), &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more)
        lines[(*n)++] = (struct cart_line){db_col_u32(&rows, 0), db_col_i64(&rows, 1)};
    db_rows_close(&rows);
    return code;
}

enum err_code cart_get(struct db *db, uint32_t user_no, struct arena *arena, struct cart *out,
                       struct err *err)
{
    struct cart_line lines[CART_LINES_MAX];
    size_t n;
    enum err_code code = read_version(db, user_no, out, err);
    if (!code)
        code = read_lines(db, user_no, lines, &n, err);
    if (code)
        return code;
    struct cart_line *kept = ARENA_NEW(arena, struct cart_line, n ? n : 1);
    memcpy(kept, lines, n * sizeof *kept);
    out->lines = kept;
    out->lines_len = n;
    return ERR_OK;
}

static enum err_code check_lines(const struct cart_line *lines, size_t n, struct err *err)
{
    if (n > CART_LINES_MAX)
        return err_set(err, ERR_LIMIT, "a cart has at most %d lines", CART_LINES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!lines[i].product_no)
            return err_set(err, ERR_INVALID, "line %zu names no product", i + 1);
        if (lines[i].quantity < 1 || lines[i].quantity > CART_QUANTITY_MAX)
            return err_set(err, ERR_INVALID, "line %zu: quantity %lld is not between 1 and %d",
                           i + 1, (long long)lines[i].quantity, CART_QUANTITY_MAX);
        for (size_t j = 0; j < i; j++) {
            if (lines[j].product_no == lines[i].product_no)
                return err_set(err, ERR_INVALID, "lines %zu and %zu name the same product", j + 1,
                               i + 1);
        }
    }
    return ERR_OK;
}

static enum err_code write_lines(struct store_tx *tx, uint32_t user_no,
                                 const struct cart_line *lines, size_t n, struct err *err)
{
    enum err_code code = db_run(tx->db, "DELETE FROM cart_lines WHERE user_no = ?",
                                DB_ARGS(db_i64(user_no)), NULL, err);
    for (size_t i = 0; i < n && !code; i++)
        code = db_run(tx->db,
                      "INSERT INTO cart_lines (user_no, place, product_no, quantity)"
                      " VALUES (?, ?, ?, ?)",
                      DB_ARGS(db_i64(user_no), db_i64((int64_t)i), db_i64(lines[i].product_no),
                              db_i64(lines[i].quantity)),
                      NULL, err);
    return code;
}

enum err_code cart_put(struct store_tx *tx, uint32_t user_no, int64_t if_version,
                       const struct cart_line *lines, size_t n, int64_t *version, struct err *err)
{
    struct cart stored;
    enum err_code code = check_lines(lines, n, err);
    if (!code)
        code = read_version(tx->db, user_no, &stored, err);
    if (code)
        return code;
    if (if_version != CART_ANY_VERSION && if_version != stored.version)
        return err_set(err, ERR_CONFLICT, "the cart has version %lld, not %lld",
                       (long long)stored.version, (long long)if_version);
    code =
        db_run(tx->db,
               "INSERT INTO carts (user_no, version, updated_at) VALUES (?, ?, ?)"
               " ON CONFLICT (user_no) DO UPDATE SET version = excluded.version,"
               " updated_at = excluded.updated_at",
               DB_ARGS(db_i64(user_no), db_i64(stored.version + 1), db_i64(tx->now_us)), NULL, err);
    if (!code)
        code = write_lines(tx, user_no, lines, n, err);
    if (!code && version)
        *version = stored.version + 1;
    return code ? code : tx_change(tx, CHANGE_CART, CHANGE_PUT, user_no, err);
}

/* Add to the line of the same product, or append. A full cart takes no more products. */
static void add_line(struct cart_line *lines, size_t *n, struct cart_line line)
{
    size_t i = 0;
    while (i < *n && lines[i].product_no != line.product_no)
        i++;
    if (i == CART_LINES_MAX)
        return;
    if (i == *n)
        lines[(*n)++] = (struct cart_line){.product_no = line.product_no};
    lines[i].quantity += line.quantity;
    if (lines[i].quantity > CART_QUANTITY_MAX)
        lines[i].quantity = CART_QUANTITY_MAX;
}

enum err_code cart_merge(struct store_tx *tx, uint32_t from_no, uint32_t to_no, struct err *err)
{
    struct cart_line from[CART_LINES_MAX], to[CART_LINES_MAX];
    size_t from_len, to_len;
    enum err_code code = read_lines(tx->db, from_no, from, &from_len, err);
    if (!code)
        code = read_lines(tx->db, to_no, to, &to_len, err);
    if (code || !from_len || from_no == to_no)
        return code;
    for (size_t i = 0; i < from_len; i++)
        add_line(to, &to_len, from[i]);
    code = cart_put(tx, to_no, CART_ANY_VERSION, to, to_len, NULL, err);
    return code ? code : cart_put(tx, from_no, CART_ANY_VERSION, NULL, 0, NULL, err);
}

enum err_code cart_erase(struct store_tx *tx, uint32_t user_no, struct err *err)
{
    int64_t removed;
    enum err_code code = write_lines(tx, user_no, NULL, 0, err);
    if (!code)
        code = db_run(tx->db, "DELETE FROM carts WHERE user_no = ?", DB_ARGS(db_i64(user_no)),
                      &removed, err);
    if (!code && removed)
        code = tx_change(tx, CHANGE_CART, CHANGE_DELETE, user_no, err);
    return code;
}
