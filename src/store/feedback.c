#include "store/feedback.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"
#include "base/map.h"
#include "store/events_int.h"
#include "store/products_int.h"
#include "store/tx_int.h"
#include "store/users_int.h"

/* --- types ------------------------------------------------------------------------------------ */

/* *no is 0 for an unknown one. */
static enum err_code type_no_of(struct db *db, struct str name, int64_t *no, struct err *err)
{
    return db_query_i64(db, "SELECT no FROM feedback_types WHERE name = ?", DB_ARGS(db_text(name)),
                        no, NULL, err);
}

static enum err_code type_number(struct store_tx *tx, struct str name, int64_t *no, struct err *err)
{
    int64_t types;
    enum err_code code = type_no_of(tx->db, name, no, err);
    if (code || *no)
        return code;
    code =
        db_query_i64(tx->db, "SELECT COUNT(*) FROM feedback_types", DB_NO_ARGS, &types, NULL, err);
    if (!code && types >= FEEDBACK_TYPES_MAX)
        return err_set(err, ERR_LIMIT, "there are %d types of feedback already",
                       FEEDBACK_TYPES_MAX);
    return code ? code
                : db_insert(tx->db, "INSERT INTO feedback_types (name) VALUES (?)",
                            DB_ARGS(db_text(name)), no, err);
}

/* --- whom and what it concerns ---------------------------------------------------------------- */

/* What one call of feedback_put has learned: neighbours in a batch are alike. */
struct batch {
    struct store_tx *tx;
    unsigned flags;
    struct str type; /* the last one, and its number; borrowed from the items */
    int64_t type_no;
    struct map_u64 living; /* numbers of products that are there */
};

/* *no is 0 for one that is not there, or was deleted. */
static enum err_code living_product(struct batch *b, struct str id, uint32_t *no, struct err *err)
{
    int64_t status;
    enum err_code code = product_find(b->tx, id, no, err);
    if (code || !*no || map_u64_find(&b->living, *no))
        return code;
    code = db_query_i64(b->tx->db, "SELECT status FROM product_live WHERE no = ?",
                        DB_ARGS(db_i64(*no)), &status, NULL, err);
    if (!code && status == PRODUCT_DELETED)
        *no = 0;
    else if (!code)
        map_u64_at(&b->living, *no, NULL);
    return code;
}

static enum err_code find_product(struct batch *b, struct event *e, struct err *err)
{
    enum err_code code = living_product(b, e->product_id, &e->product_no, err);
    if (code || e->product_no || !(b->flags & FEEDBACK_CREATES_PRODUCTS))
        return code;
    struct product p = {
        .id = e->product_id,
        .title = e->product_id,
        .price_minor = STORE_NO_AMOUNT,
        .list_price_minor = STORE_NO_AMOUNT,
        .stock = STORE_STOCK_UNTRACKED,
        .status = PRODUCT_ACTIVE,
    };
    return product_put(b->tx, &p, &e->product_no, NULL, err);
}

/* Nothing that is left out leaves a shopper behind, so the product comes first. */
static enum err_code find_subject(struct batch *b, struct event *e, struct err *err)
{
    e->user_no = 0;
    e->product_no = 0;
    enum err_code code = ERR_OK;
    if (!(b->flags & FEEDBACK_CREATES_USERS)) {
        code = user_no_of(b->tx->db, USER_KNOWN, e->user_id, &e->user_no, err);
        if (code || !e->user_no)
            return code;
    }
    code = find_product(b, e, err);
    if (code || !e->product_no)
        return code;
    return user_number(b->tx, USER_KNOWN, e->user_id, &e->user_no, err);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The row that has an identity. */
struct stored {
    int64_t seq; /* 0: none */
    bool same;   /* it says what is to be said */
};

static enum err_code find_stored(struct db *db, const struct event *e, struct stored *out,
                                 struct err *err)
{
    struct db_rows rows;
    bool more;
    *out = (struct stored){0};
    enum err_code code = db_query(
        db,
        "SELECT seq, time, type, rating, context FROM events"
        " WHERE feedback = ? AND user_no = ? AND product_no = ?",
        DB_ARGS(db_i64(e->feedback), db_i64(e->user_no), db_i64(e->product_no)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more)
        *out = (struct stored){
            .seq = db_col_i64(&rows, 0),
            .same = db_col_i64(&rows, 1) == e->time && db_col_i64(&rows, 2) == (int64_t)e->type &&
                    db_col_double(&rows, 3) >= e->rating && db_col_double(&rows, 3) <= e->rating &&
                    str_eq(db_col_text(&rows, 4), e->context),
        };
    db_rows_close(&rows);
    return code;
}

/* Its identity is free again, for the same time as well. */
static enum err_code withdraw(struct store_tx *tx, int64_t seq, struct err *err)
{
    enum err_code code =
        db_run(tx->db, "UPDATE events SET feedback = -seq, id = 'withdrawn-' || seq WHERE seq = ?",
               DB_ARGS(db_i64(seq)), NULL, err);
    return code ? code : tx_change(tx, CHANGE_EVENT, CHANGE_DELETE, seq, err);
}

enum { FEEDBACK_ID_SIZE = 48 };

/* An event's id that says nothing and belongs to (type, shopper, product) alone. */
static struct str give_id(const struct event *e, char out[FEEDBACK_ID_SIZE])
{
    snprintf(out, FEEDBACK_ID_SIZE, "feedback-%" PRIx64 "-%" PRIx32 "-%" PRIx32,
             (uint64_t)e->feedback, e->user_no, e->product_no);
    return str_of(out);
}

static enum err_code batch_type(struct batch *b, struct str name, int64_t *no, struct err *err)
{
    enum err_code code = ERR_OK;
    if (!b->type_no || !str_eq(b->type, name)) {
        code = type_number(b->tx, name, &b->type_no, err);
        b->type = name;
    }
    *no = b->type_no;
    return code;
}

static enum err_code put_one(struct batch *b, struct feedback *f, struct err *err)
{
    char id[FEEDBACK_ID_SIZE];
    struct event *e = &f->event;
    struct stored stored;
    e->seq = 0;
    enum err_code code = find_subject(b, e, err);
    if (code || !e->user_no || !e->product_no)
        return code;
    code = batch_type(b, f->type, &e->feedback, err);
    if (!code)
        code = find_stored(b->tx->db, e, &stored, err);
    if (code || stored.same || (stored.seq && !(b->flags & FEEDBACK_REPLACES)))
        return code;
    if (stored.seq)
        code = withdraw(b->tx, stored.seq, err);
    e->id = give_id(e, id);
    if (!code)
        code = event_insert(b->tx, e, err);
    e->id = (struct str){NULL, 0};
    return code;
}

/* The id is given when the numbers are known. */
static enum err_code check_one(const struct feedback *f, struct err *err)
{
    struct event e = f->event;
    e.id = STR_LIT("feedback");
    enum err_code code = store_id_check("type", f->type, err);
    if (!code)
        code = store_id_check("user_id", e.user_id, err);
    return code ? code : event_check(&e, err);
}

enum err_code feedback_put(struct store_tx *tx, struct feedback *items, size_t n, unsigned flags,
                           struct err *err)
{
    struct batch b = {.tx = tx, .flags = flags};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        code = check_one(&items[i], err);
        if (!code)
            code = put_one(&b, &items[i], err);
        if (code)
            code = err_prefix(err, code, "feedback %zu", i);
    }
    map_u64_release(&b.living);
    return code;
}

enum err_code feedback_withdraw(struct store_tx *tx, struct str user_id, struct str product_id,
                                struct str type, int64_t *n, struct err *err)
{
    enum { MANY = FEEDBACK_TYPES_MAX };
    int64_t seqs[MANY];
    size_t len = 0;
    struct db_rows rows;
    struct feedback f;
    bool more = false, told;
    enum err_code code = feedback_of(tx->db, user_id, product_id, type, MANY, &rows, err);
    while (!code && !(code = feedback_next(&rows, &f, &told, &more, err)) && more)
        if (told)
            seqs[len++] = f.event.seq;
    db_rows_close(&rows);
    for (size_t i = 0; i < len && !code; i++)
        code = withdraw(tx, seqs[i], err);
    *n = (int64_t)len;
    return code;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* LEFT JOIN and CROSS JOIN keep the order of the tables, so that an index of events gives that of the
 * rows: of a shopper one search for each type, and never one among all that a product got. */
#define FEEDBACK_COLUMNS                                                                           \
    "SELECT e.seq, e.time, e.type, e.feedback, t.name, e.user_no, i.id, e.product_no, p.id,"       \
    " l.status, e.rating, e.context FROM "
#define FEEDBACK_NAMES                                                                             \
    " LEFT JOIN user_ids i ON i.user_no = e.user_no"                                               \
    " LEFT JOIN products p ON p.no = e.product_no"                                                 \
    " LEFT JOIN product_live l ON l.no = e.product_no"
#define SELECT_FEEDBACK                                                                            \
    FEEDBACK_COLUMNS "events e LEFT JOIN feedback_types t ON t.no = e.feedback" FEEDBACK_NAMES
#define SELECT_BY_TYPE                                                                             \
    FEEDBACK_COLUMNS "feedback_types t CROSS JOIN events e" FEEDBACK_NAMES                         \
                     " WHERE (? = 0 OR t.no = ?) AND e.feedback = t.no"

enum err_code feedback_after(struct db *db, struct feedback_place place, struct str type,
                             int64_t limit, struct db_rows *rows, struct err *err)
{
    int64_t no;
    *rows = (struct db_rows){0};
    if (!type.n)
        return db_query(db,
                        SELECT_FEEDBACK
                        " WHERE e.feedback IS NOT NULL AND (e.feedback, e.user_no, e.product_no) >"
                        " (?, ?, ?) ORDER BY e.feedback, e.user_no, e.product_no LIMIT ?",
                        DB_ARGS(db_i64(place.type), db_i64(place.user_no), db_i64(place.product_no),
                                db_i64(limit)),
                        rows, err);
    enum err_code code = type_no_of(db, type, &no, err);
    if (code || !no)
        return code;
    return db_query(
        db,
        SELECT_FEEDBACK " WHERE e.feedback = ? AND (e.user_no, e.product_no) > (?, ?)"
                        " ORDER BY e.user_no, e.product_no LIMIT ?",
        DB_ARGS(db_i64(no), db_i64(place.user_no), db_i64(place.product_no), db_i64(limit)), rows,
        err);
}

/* type: 0 is any */
static enum err_code query_of(struct db *db, uint32_t user_no, uint32_t product_no, int64_t type,
                              int64_t limit, struct db_rows *rows, struct err *err)
{
    if (!user_no)
        return db_query(db,
                        SELECT_FEEDBACK " WHERE e.product_no = ? AND e.feedback > 0"
                                        " AND (? = 0 OR e.feedback = ?)"
                                        " ORDER BY e.product_no, e.feedback, e.seq LIMIT ?",
                        DB_ARGS(db_i64(product_no), db_i64(type), db_i64(type), db_i64(limit)),
                        rows, err);
    if (!product_no)
        return db_query(db, SELECT_BY_TYPE " AND e.user_no = ? ORDER BY t.no, e.product_no LIMIT ?",
                        DB_ARGS(db_i64(type), db_i64(type), db_i64(user_no), db_i64(limit)), rows,
                        err);
    return db_query(
        db, SELECT_BY_TYPE " AND e.user_no = ? AND e.product_no = ? ORDER BY t.no LIMIT ?",
        DB_ARGS(db_i64(type), db_i64(type), db_i64(user_no), db_i64(product_no), db_i64(limit)),
        rows, err);
}

enum err_code feedback_of(struct db *db, struct str user_id, struct str product_id, struct str type,
                          int64_t limit, struct db_rows *rows, struct err *err)
{
    int64_t type_no = 0;
    uint32_t user_no = 0, product_no = 0;
    enum err_code code = ERR_OK;
    *rows = (struct db_rows){0};
    if (type.n)
        code = type_no_of(db, type, &type_no, err);
    if (!code && user_id.n)
        code = user_no_of(db, USER_KNOWN, user_id, &user_no, err);
    if (!code && product_id.n)
        code = product_no_of(db, product_id, &product_no, err);
    bool nothing = (type.n && !type_no) || (user_id.n && !user_no) || (product_id.n && !product_no);
    if (code || nothing || (!user_no && !product_no))
        return code;
    return query_of(db, user_no, product_no, type_no, limit, rows, err);
}

enum err_code feedback_products(struct db *db, uint32_t user_no, int64_t until_us, uint32_t *out,
                                size_t cap, size_t *n, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *n = 0;
    enum err_code code = db_query(db,
                                  "SELECT product_no FROM (SELECT e.seq, e.time, e.product_no"
                                  " FROM feedback_types t CROSS JOIN events e"
                                  " WHERE e.feedback = t.no AND e.user_no = ? LIMIT ?) looked_at"
                                  " WHERE time <= ? ORDER BY seq DESC LIMIT ?",
                                  DB_ARGS(db_i64(user_no), db_i64(FEEDBACK_LOOKED_AT),
                                          db_i64(until_us), db_i64((int64_t)cap)),
                                  &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more)
        out[(*n)++] = (uint32_t)db_col_i64(&rows, 0);
    db_rows_close(&rows);
    return code;
}

enum err_code feedback_next(struct db_rows *rows, struct feedback *out, bool *told, bool *more,
                            struct err *err)
{
    *more = false;
    if (!rows->stmt)
        return ERR_OK;
    enum err_code code = db_next(rows, more, err);
    if (code || !*more)
        return code;
    *out = (struct feedback){
        .type = db_col_text(rows, 4),
        .event = {.seq = db_col_i64(rows, 0),
                  .time = db_col_i64(rows, 1),
                  .type = (enum event_type)db_col_i64(rows, 2),
                  .feedback = db_col_i64(rows, 3),
                  .user_no = (uint32_t)db_col_i64(rows, 5),
                  .user_id = db_col_text(rows, 6),
                  .product_no = (uint32_t)db_col_i64(rows, 7),
                  .product_id = db_col_text(rows, 8),
                  .rating = db_col_double(rows, 10),
                  .context = db_col_text(rows, 11)},
    };
    *told = out->event.user_id.n && db_col_i64(rows, 9) != PRODUCT_DELETED;
    return ERR_OK;
}
