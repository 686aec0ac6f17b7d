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

/* Of products that the shopper no longer has in the cart, nothing can go back to a guest. */
static enum err_code forget_moves(struct store_tx *tx, uint32_t user_no, struct err *err)
{
    return db_run(tx->db,
                  "DELETE FROM cart_moves WHERE user_no = ? AND product_no NOT IN"
                  " (SELECT product_no FROM cart_lines WHERE user_no = ?)",
                  DB_ARGS(db_i64(user_no), db_i64(user_no)), NULL, err);
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
    if (!code)
        code = forget_moves(tx, user_no, err);
    if (!code && version)
        *version = stored.version + 1;
    return code ? code : tx_change(tx, CHANGE_CART, CHANGE_PUT, user_no, err);
}

/* --- joining and parting ---------------------------------------------------------------------- */

/* Lines of one cart in memory. */
struct lines {
    struct cart_line items[CART_LINES_MAX];
    size_t len;
};

static struct cart_line *find_line(struct lines *l, uint32_t product_no)
{
    size_t i = 0;
    while (i < l->len && l->items[i].product_no != product_no)
        i++;
    return i < l->len ? &l->items[i] : NULL;
}

/* Add to the line of the same product, or append. Returns how many pieces there was room for. */
static int64_t add_line(struct lines *to, struct cart_line line)
{
    struct cart_line *at = find_line(to, line.product_no);
    if (!at && to->len == CART_LINES_MAX)
        return 0;
    if (!at) {
        at = &to->items[to->len++];
        *at = (struct cart_line){.product_no = line.product_no};
    }
    int64_t room = CART_QUANTITY_MAX - at->quantity;
    int64_t taken = line.quantity < room ? line.quantity : room;
    at->quantity += taken;
    return taken;
}

/* Without the lines that have become empty. */
static void drop_empty(struct lines *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->len; i++)
        if (l->items[i].quantity > 0)
            l->items[n++] = l->items[i];
    l->len = n;
}

static enum err_code read_both(struct db *db, uint32_t guest_no, struct lines *guest,
                               uint32_t user_no, struct lines *user, struct err *err)
{
    enum err_code code = read_lines(db, guest_no, guest->items, &guest->len, err);
    return code ? code : read_lines(db, user_no, user->items, &user->len, err);
}

static enum err_code put_both(struct store_tx *tx, uint32_t guest_no, struct lines *guest,
                              uint32_t user_no, struct lines *user, struct err *err)
{
    drop_empty(guest);
    drop_empty(user);
    enum err_code code =
        cart_put(tx, guest_no, CART_ANY_VERSION, guest->items, guest->len, NULL, err);
    return code ? code : cart_put(tx, user_no, CART_ANY_VERSION, user->items, user->len, NULL, err);
}

enum err_code cart_join(struct store_tx *tx, uint32_t anonymous_no, uint32_t user_no,
                        struct err *err)
{
    struct lines guest, user, moved = {.len = 0};
    enum err_code code = read_both(tx->db, anonymous_no, &guest, user_no, &user, err);
    if (code || !guest.len)
        return code;
    for (size_t i = 0; i < guest.len; i++) {
        int64_t taken = add_line(&user, guest.items[i]);
        if (taken)
            moved.items[moved.len++] = (struct cart_line){guest.items[i].product_no, taken};
        guest.items[i].quantity -= taken;
    }
    code = put_both(tx, anonymous_no, &guest, user_no, &user, err);
    for (size_t i = 0; i < moved.len && !code; i++)
        code = db_run(tx->db,
                      "INSERT INTO cart_moves (anonymous_no, product_no, user_no, quantity)"
                      " VALUES (?, ?, ?, ?)",
                      DB_ARGS(db_i64(anonymous_no), db_i64(moved.items[i].product_no),
                              db_i64(user_no), db_i64(moved.items[i].quantity)),
                      NULL, err);
    return code;
}

/* What was moved from a guest, and to whom; *user_no 0: nothing is left of it. */
static enum err_code read_moves(struct db *db, uint32_t anonymous_no, struct lines *moved,
                                uint32_t *user_no, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *user_no = 0;
    moved->len = 0;
    enum err_code code =
        db_query(db,
                 "SELECT user_no, product_no, quantity FROM cart_moves"
                 " WHERE anonymous_no = ? ORDER BY product_no LIMIT ?",
                 DB_ARGS(db_i64(anonymous_no), db_i64(CART_LINES_MAX)), &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more) {
        *user_no = db_col_u32(&rows, 0);
        moved->items[moved->len++] = (struct cart_line){db_col_u32(&rows, 1), db_col_i64(&rows, 2)};
    }
    db_rows_close(&rows);
    return code;
}

enum err_code cart_part(struct store_tx *tx, uint32_t anonymous_no, struct err *err)
{
    struct lines guest, user, moved;
    uint32_t user_no;
    enum err_code code = read_moves(tx->db, anonymous_no, &moved, &user_no, err);
    if (code || !user_no)
        return code;
    code = read_both(tx->db, anonymous_no, &guest, user_no, &user, err);
    for (size_t i = 0; i < moved.len && !code; i++) {
        struct cart_line *from = find_line(&user, moved.items[i].product_no);
        struct cart_line line = moved.items[i];
        if (!from)
            continue;
        if (line.quantity > from->quantity)
            line.quantity = from->quantity;
        from->quantity -= add_line(&guest, line);
    }
    if (!code)
        code = put_both(tx, anonymous_no, &guest, user_no, &user, err);
    return code ? code
                : db_run(tx->db, "DELETE FROM cart_moves WHERE anonymous_no = ?",
                         DB_ARGS(db_i64(anonymous_no)), NULL, err);
}

enum err_code cart_erase(struct store_tx *tx, uint32_t user_no, struct err *err)
{
    int64_t removed;
    enum err_code code = write_lines(tx, user_no, NULL, 0, err);
    if (!code)
        code = db_run(tx->db, "DELETE FROM cart_moves WHERE anonymous_no = ? OR user_no = ?",
                      DB_ARGS(db_i64(user_no), db_i64(user_no)), NULL, err);
    if (!code)
        code = db_run(tx->db, "DELETE FROM carts WHERE user_no = ?", DB_ARGS(db_i64(user_no)),
                      &removed, err);
    if (!code && removed)
        code = tx_change(tx, CHANGE_CART, CHANGE_DELETE, user_no, err);
    return code;
}
