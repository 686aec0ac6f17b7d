#include "store/orders.h"

#include "base/banned.h"
#include "store/products_int.h"
#include "store/record_int.h"
#include "store/tx_int.h"
#include "store/users_int.h"

/* --- checking --------------------------------------------------------------------------------- */

static bool within(int64_t v, int64_t max)
{
    return v >= -max && v <= max;
}

static enum err_code check_line(const struct order_line *l, struct err *err)
{
    bool adjusts = l->kind == LINE_ADJUSTMENT;
    if (l->ordinal >= STORE_ORDER_LINES_MAX)
        return err_set(err, ERR_LIMIT, "an order has at most %d lines", STORE_ORDER_LINES_MAX);
    if ((unsigned)l->kind > LINE_ADJUSTMENT)
        return err_set(err, ERR_INVALID, "kind %d is unknown", l->kind);
    if (l->product_id.n || !adjusts) {
        enum err_code code = store_id_check("product_id", l->product_id, err);
        if (code)
            return code;
    }
    if (!within(l->quantity, STORE_AMOUNT_MAX) || (!adjusts && l->quantity < 1))
        return err_set(err, ERR_INVALID, "quantity %lld is out of range", (long long)l->quantity);
    if (!within(l->unit_price_micro, STORE_MICRO_MAX) || (!adjusts && l->unit_price_micro < 0))
        return err_set(err, ERR_INVALID, "unit price %lld is out of range",
                       (long long)l->unit_price_micro);
    if (!within(l->amount_minor, STORE_AMOUNT_MAX) || (!adjusts && l->amount_minor < 0))
        return err_set(err, ERR_INVALID, "amount %lld is out of range", (long long)l->amount_minor);
    return record_check_amount("discount", l->discount_minor, err);
}

static enum err_code check_texts(const struct order *o, struct err *err)
{
    const struct {
        const char *what;
        struct str text;
    } texts[] = {{"address", o->address}, {"payment", o->payment}, {"coupons", o->coupons}};
    enum err_code code = store_id_check("id", o->id, err);
    if (!code && o->user_id.n)
        code = store_id_check("user_id", o->user_id, err);
    if (!code && o->anonymous_id.n)
        code = store_id_check("anonymous_id", o->anonymous_id, err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !code; i++)
        code = store_text_check(texts[i].what, texts[i].text, STORE_JSON_MAX, err);
    return code;
}

static enum err_code check_times(const struct order *o, struct err *err)
{
    enum err_code code = record_check_time("placed_at", o->placed_at, err);
    const int64_t times[] = {o->paid_at, o->shipped_at, o->delivered_at, o->closed_at};
    for (size_t i = 0; i < sizeof times / sizeof *times && !code; i++)
        code = record_check_time("a time", times[i], err);
    return code;
}

enum err_code order_check(const struct order *o, struct err *err)
{
    enum err_code code = check_texts(o, err);
    if (!code)
        code = check_times(o, err);
    if (!code && !o->currency)
        code = err_set(err, ERR_INVALID, "currency is missing");
    if (!code && (unsigned)o->status >= ORDER_STATUSES)
        code = err_set(err, ERR_INVALID, "status %d is unknown", o->status);
    if (!code && o->lines_len > STORE_ORDER_LINES_MAX)
        code = err_set(err, ERR_LIMIT, "an order has at most %d lines", STORE_ORDER_LINES_MAX);
    for (uint32_t i = 0; i < o->lines_len && !code; i++) {
        code = check_line(&o->lines[i], err);
        if (code)
            err_prefix(err, code, "line %u", o->lines[i].ordinal);
    }
    return code;
}

/* --- the head of an order --------------------------------------------------------------------- */

/* The head as it lies in its row. */
struct head {
    int64_t no; /* 0: not stored */
    uint32_t user_no;
    currency_code currency;
    enum order_status status;
    int64_t total_minor;
};

static enum err_code find_head(struct db *db, struct str id, struct head *head, struct err *err)
{
    struct db_rows rows;
    bool more;
    *head = (struct head){0};
    enum err_code code =
        db_query(db, "SELECT no, user_no, currency, status, total FROM orders WHERE id = ?",
                 DB_ARGS(db_text(id)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more)
        *head = (struct head){
            .no = db_col_i64(&rows, 0),
            .user_no = db_col_u32(&rows, 1),
            .currency = db_col_u32(&rows, 2),
            .status = (enum order_status)db_col_i64(&rows, 3),
            .total_minor = db_col_i64(&rows, 4),
        };
    db_rows_close(&rows);
    return code;
}

static enum err_code insert_head(struct store_tx *tx, const struct order *o, struct head *head,
                                 struct err *err)
{
    *head = (struct head){
        .user_no = head->user_no,
        .currency = o->currency,
        .status = o->status,
    };
    return db_insert(
        tx->db,
        "INSERT INTO orders (id, user_no, currency, status, total, address, payment, coupons,"
        " placed_at, paid_at, shipped_at, delivered_at, closed_at)"
        " VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_ARGS(db_text(o->id), db_i64_or_null(head->user_no), db_i64(o->currency),
                db_i64(o->status), db_text_or_null(o->address), db_text_or_null(o->payment),
                db_text_or_null(o->coupons), db_i64(o->placed_at), db_i64_or_null(o->paid_at),
                db_i64_or_null(o->shipped_at), db_i64_or_null(o->delivered_at),
                db_i64_or_null(o->closed_at)),
        &head->no, err);
}

static enum order_status next_status(const struct order *o, enum order_status stored,
                                     unsigned flags)
{
    bool only_returns = true;
    if (o->status == ORDER_PENDING)
        return stored;
    for (uint32_t i = 0; i < o->lines_len; i++)
        only_returns &= o->lines[i].kind == LINE_RETURN;
    bool keep = (flags & ORDERS_KEEP_STATUS) && (stored != ORDER_RETURNED || only_returns);
    return keep ? stored : o->status;
}

/* What is given replaces what is stored; only rows that then differ are written. */
static enum err_code merge_head(struct store_tx *tx, const struct order *o, const struct head *head,
                                uint32_t user_no, unsigned flags, bool *changed, struct err *err)
{
    char quoted[80];
    int64_t rows;
    err_quote(quoted, sizeof quoted, o->id.p, o->id.n);
    if (head->currency != o->currency)
        return err_set(err, ERR_CONFLICT, "order %s is stored with another currency", quoted);
    if (head->user_no && user_no && head->user_no != user_no)
        return err_set(err, ERR_CONFLICT, "order %s is stored for another shopper", quoted);
    enum order_status status = next_status(o, head->status, flags);
    enum err_code code = db_run(
        tx->db,
        "UPDATE orders SET user_no = new.user_no, status = new.status, address = new.address,"
        " payment = new.payment, coupons = new.coupons, paid_at = new.paid_at,"
        " shipped_at = new.shipped_at, delivered_at = new.delivered_at,"
        " closed_at = new.closed_at"
        " FROM (SELECT no, COALESCE(?, user_no) AS user_no, ? AS status,"
        " COALESCE(?, address) AS address, COALESCE(?, payment) AS payment,"
        " COALESCE(?, coupons) AS coupons, COALESCE(?, paid_at) AS paid_at,"
        " COALESCE(?, shipped_at) AS shipped_at, COALESCE(?, delivered_at) AS delivered_at,"
        " COALESCE(?, closed_at) AS closed_at FROM orders WHERE no = ?) new"
        " WHERE orders.no = new.no AND (orders.user_no, orders.status, orders.address,"
        " orders.payment, orders.coupons, orders.paid_at, orders.shipped_at,"
        " orders.delivered_at, orders.closed_at) IS DISTINCT FROM (new.user_no, new.status,"
        " new.address, new.payment, new.coupons, new.paid_at, new.shipped_at, new.delivered_at,"
        " new.closed_at)",
        DB_ARGS(db_i64_or_null(user_no), db_i64(status), db_text_or_null(o->address),
                db_text_or_null(o->payment), db_text_or_null(o->coupons),
                db_i64_or_null(o->paid_at), db_i64_or_null(o->shipped_at),
                db_i64_or_null(o->delivered_at), db_i64_or_null(o->closed_at), db_i64(head->no)),
        &rows, err);
    *changed = !code && rows != 0;
    return code;
}

/* --- lines ------------------------------------------------------------------------------------ */

static int64_t signed_amount(const struct order_line *l)
{
    return l->kind == LINE_RETURN ? -l->amount_minor : l->amount_minor;
}

static enum err_code find_line_product(struct store_tx *tx, const struct order_line *l,
                                       unsigned flags, uint32_t *no, struct err *err)
{
    char quoted[80];
    *no = 0;
    if (!l->product_id.n)
        return ERR_OK;
    if (flags & ORDERS_CREATE_PRODUCTS)
        return product_find_or_create(tx, l->product_id, no, err);
    enum err_code code = product_find(tx, l->product_id, no, err);
    if (!code && !*no)
        code = err_set(err, ERR_NOT_FOUND, "line %u: no product %s", l->ordinal,
                       err_quote(quoted, sizeof quoted, l->product_id.p, l->product_id.n));
    return code;
}

static enum err_code add_line(struct store_tx *tx, int64_t order_no, const struct order_line *l,
                              unsigned flags, bool *added, struct err *err)
{
    uint32_t product_no;
    int64_t rows = 0;
    enum err_code code = find_line_product(tx, l, flags, &product_no, err);
    if (!code)
        code = db_run(tx->db,
                      "INSERT INTO order_lines (order_no, ordinal, kind, product_no, quantity,"
                      " unit_price_micro, discount, amount, sale_order_no, sale_ordinal)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (order_no, ordinal) DO NOTHING",
                      DB_ARGS(db_i64(order_no), db_i64(l->ordinal), db_i64(l->kind),
                              db_i64_or_null(product_no), db_i64(l->quantity),
                              db_i64(l->unit_price_micro), db_i64_or_null(l->discount_minor),
                              db_i64(l->amount_minor), db_i64_or_null(l->sale_order_no),
                              l->sale_order_no ? db_i64(l->sale_ordinal) : db_null()),
                      &rows, err);
    *added = rows != 0;
    return code;
}

/* Add what is not there yet, and its worth to the total. */
static enum err_code add_lines(struct store_tx *tx, const struct order *o, const struct head *head,
                               unsigned flags, uint32_t *lines_added, struct err *err)
{
    int64_t total = head->total_minor;
    enum err_code code = ERR_OK;
    *lines_added = 0;
    for (uint32_t i = 0; i < o->lines_len && !code; i++) {
        bool added;
        code = add_line(tx, head->no, &o->lines[i], flags, &added, err);
        if (!code && added) {
            total += signed_amount(&o->lines[i]);
            ++*lines_added;
        }
    }
    if (!code && total != head->total_minor)
        code = db_run(tx->db, "UPDATE orders SET total = ? WHERE no = ?",
                      DB_ARGS(db_i64(total), db_i64(head->no)), NULL, err);
    return code;
}

/* --- putting ---------------------------------------------------------------------------------- */

enum err_code order_put(struct store_tx *tx, const struct order *o, unsigned flags,
                        struct order_put_result *result, struct err *err)
{
    struct head head;
    struct order_put_result r = {0};
    uint32_t user_no = 0;
    enum err_code code = order_check(o, err);
    if (!code)
        code = user_number_of_ids(tx, o->user_id, o->anonymous_id, &user_no, err);
    if (!code)
        code = find_head(tx->db, o->id, &head, err);
    if (code)
        return code;
    r.created = head.no == 0;
    if (r.created) {
        head.user_no = user_no;
        code = insert_head(tx, o, &head, err);
    } else {
        code = merge_head(tx, o, &head, user_no, flags, &r.changed, err);
    }
    if (!code)
        code = add_lines(tx, o, &head, flags, &r.lines_added, err);
    r.no = head.no;
    r.changed = r.changed || r.created || r.lines_added;
    if (!code && r.changed)
        code = tx_change(tx, CHANGE_ORDER, CHANGE_PUT, r.no, err);
    if (!code && result)
        *result = r;
    return code;
}

enum err_code order_set_status(struct store_tx *tx, int64_t no, enum order_status status,
                               int64_t at, struct err *err)
{
    /* the time that belongs to each status */
    static const char *const updates[ORDER_STATUSES] = {
        [ORDER_PENDING] = "UPDATE orders SET status = ?, placed_at = COALESCE(placed_at, ?)"
                          " WHERE no = ?",
        [ORDER_PAID] = "UPDATE orders SET status = ?, paid_at = ? WHERE no = ?",
        [ORDER_SHIPPED] = "UPDATE orders SET status = ?, shipped_at = ? WHERE no = ?",
        [ORDER_DELIVERED] = "UPDATE orders SET status = ?, delivered_at = ? WHERE no = ?",
        [ORDER_CANCELLED] = "UPDATE orders SET status = ?, closed_at = ? WHERE no = ?",
        [ORDER_RETURNED] = "UPDATE orders SET status = ?, closed_at = ? WHERE no = ?",
        [ORDER_EXCHANGED] = "UPDATE orders SET status = ?, closed_at = ? WHERE no = ?",
    };
    int64_t changed;
    if ((unsigned)status >= ORDER_STATUSES)
        return err_set(err, ERR_INVALID, "status %d is unknown", status);
    enum err_code code =
        db_run(tx->db, updates[status],
               DB_ARGS(db_i64(status), db_i64(at ? at : tx->now_us), db_i64(no)), &changed, err);
    if (!code && !changed)
        code = err_set(err, ERR_NOT_FOUND, "no order number %lld", (long long)no);
    return code ? code : tx_change(tx, CHANGE_ORDER, CHANGE_PUT, no, err);
}

enum err_code order_unknown_product(struct db *db, const struct order *o, uint32_t from,
                                    uint32_t *at, struct err *err)
{
    for (uint32_t i = from; i < o->lines_len; i++) {
        uint32_t no = 0;
        *at = i;
        if (o->lines[i].product_id.n == 0)
            continue;
        enum err_code code = product_no_of(db, o->lines[i].product_id, &no, err);
        if (code || no == 0)
            return code;
    }
    *at = o->lines_len;
    return ERR_OK;
}

enum err_code order_line_set_sale(struct store_tx *tx, int64_t order_no, uint32_t ordinal,
                                  int64_t sale_order_no, uint32_t sale_ordinal, struct err *err)
{
    return db_run(tx->db,
                  "UPDATE order_lines SET sale_order_no = ?, sale_ordinal = ?"
                  " WHERE order_no = ? AND ordinal = ?",
                  DB_ARGS(db_i64_or_null(sale_order_no),
                          sale_order_no ? db_i64(sale_ordinal) : db_null(), db_i64(order_no),
                          db_i64(ordinal)),
                  NULL, err);
}

enum err_code orders_erase_user(struct store_tx *tx, uint32_t user_no, struct err *err)
{
    return db_run(tx->db,
                  "UPDATE orders SET user_no = NULL, address = NULL, payment = NULL"
                  " WHERE user_no = ?",
                  DB_ARGS(db_i64(user_no)), NULL, err);
}
