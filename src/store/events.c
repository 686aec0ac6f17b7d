#include "store/events.h"

#include "base/banned.h"
#include "store/events_int.h"
#include "store/products_int.h"
#include "store/record_int.h"
#include "store/tx_int.h"
#include "store/users_int.h"

/* --- checking --------------------------------------------------------------------------------- */

static enum err_code check_ids(const struct event *e, struct err *err)
{
    const struct {
        const char *what;
        struct str id;
        bool required;
    } ids[] = {
        {"id", e->id, true},
        {"user_id", e->user_id, false},
        {"anonymous_id", e->anonymous_id, false},
        {"session_id", e->session_id, false},
        {"product_id", e->product_id, e->type != EVENT_SEARCH},
        {"request_id", e->request_id, false},
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (!ids[i].required && !ids[i].id.n)
            continue;
        enum err_code code = store_id_check(ids[i].what, ids[i].id, err);
        if (code)
            return code;
    }
    if (!e->user_id.n && !e->anonymous_id.n)
        return err_set(err, ERR_INVALID, "neither user_id nor anonymous_id is given");
    return ERR_OK;
}

static enum err_code check_value(const struct event *e, struct err *err)
{
    if (e->value_minor == STORE_NO_AMOUNT)
        return ERR_OK;
    if (!e->currency)
        return err_set(err, ERR_INVALID, "value has no currency");
    return record_check_amount("value", e->value_minor, err);
}

enum err_code event_check(const struct event *e, struct err *err)
{
    if ((unsigned)e->type >= EVENT_TYPES)
        return err_set(err, ERR_INVALID, "type %d is unknown", e->type);
    enum err_code code = check_ids(e, err);
    if (!code)
        code = record_check_time("time", e->time, err);
    if (!code)
        code = store_text_check("query", e->query, STORE_QUERY_MAX, err);
    if (!code && e->type == EVENT_SEARCH && !e->query.n)
        code = err_set(err, ERR_INVALID, "query is missing");
    if (!code)
        code = store_text_check("context", e->context, STORE_JSON_MAX, err);
    if (!code && (e->quantity < 1 || e->quantity > STORE_AMOUNT_MAX))
        code = err_set(err, ERR_INVALID, "quantity %lld is not between 1 and %lld",
                       (long long)e->quantity, STORE_AMOUNT_MAX);
    if (!code && !(e->rating >= 0 && e->rating <= 5))
        code = err_set(err, ERR_INVALID, "rating %g is not between 0 and 5", e->rating);
    if (!code && e->position < -1)
        code = err_set(err, ERR_INVALID, "position %d is negative", e->position);
    return code ? code : check_value(e, err);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The commonest values are not written: quantity 1, position unknown. */
static enum err_code insert_event(struct db *db, struct event *e, struct err *err)
{
    return db_insert(
        db,
        "INSERT INTO events (time, id, type, user_no, product_no, session_id, query, quantity,"
        " value, currency, rating, request_id, place, context, feedback)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (time, id) DO NOTHING",
        DB_ARGS(db_i64(e->time), db_text(e->id), db_i64(e->type), db_i64(e->user_no),
                db_i64_or_null(e->product_no), db_text_or_null(e->session_id),
                db_text_or_null(e->query), e->quantity == 1 ? db_null() : db_i64(e->quantity),
                db_amount(e->value_minor), db_i64_or_null(e->currency),
                db_double_or_null(e->rating), db_text_or_null(e->request_id),
                e->position < 0 ? db_null() : db_i64(e->position), db_text_or_null(e->context),
                db_i64_or_null(e->feedback)),
        &e->seq, err);
}

enum err_code event_insert(struct store_tx *tx, struct event *e, struct err *err)
{
    enum err_code code = insert_event(tx->db, e, err);
    return code || !e->seq ? code : tx_change(tx, CHANGE_EVENT, CHANGE_PUT, e->seq, err);
}

static enum err_code find_product(struct store_tx *tx, struct event *e, unsigned flags,
                                  struct err *err)
{
    e->product_no = 0;
    if (!e->product_id.n)
        return ERR_OK;
    return flags & EVENTS_CREATE_PRODUCTS
               ? product_find_or_create(tx, e->product_id, &e->product_no, err)
               : product_find(tx, e->product_id, &e->product_no, err);
}

/* An event that is not stored must leave no shopper behind, so the product is looked up first. */
static enum err_code add_event(struct store_tx *tx, struct event *e, unsigned flags,
                               enum event_outcome *outcome, struct err *err)
{
    e->user_no = 0;
    e->seq = 0;
    *outcome = EVENT_DUPLICATE;
    enum err_code code = find_product(tx, e, flags, err);
    if (code)
        return code;
    if (e->product_id.n && !e->product_no) {
        *outcome = EVENT_UNKNOWN_PRODUCT;
        return ERR_OK;
    }
    code = user_number_of_ids(tx, e->user_id, e->anonymous_id, &e->user_no, err);
    if (!code)
        code = event_insert(tx, e, err);
    if (!code && e->seq)
        *outcome = EVENT_ADDED;
    return code;
}

enum err_code events_add(struct store_tx *tx, struct event *events, size_t n, unsigned flags,
                         enum event_outcome *outcomes, size_t *added, struct err *err)
{
    size_t count = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        enum event_outcome outcome;
        code = add_event(tx, &events[i], flags, &outcome, err);
        count += outcome == EVENT_ADDED;
        if (outcomes)
            outcomes[i] = outcome;
    }
    if (!code && added)
        *added = count;
    return code;
}

/* --- reading ---------------------------------------------------------------------------------- */

#define EVENT_COLUMNS                                                                              \
    " e.product_no, e.session_id, e.query, COALESCE(e.quantity, 1), e.value, e.currency,"          \
    " e.rating, e.request_id, COALESCE(e.place, -1), e.context, e.feedback FROM events e"

/* Number 0 is a row that was blanked by compaction. */
#define SELECT_EVENT                                                                               \
    "SELECT e.seq, e.time, e.id, e.type, COALESCE(l.user_no, e.user_no), e.user_no," EVENT_COLUMNS \
    " LEFT JOIN user_links l ON l.anonymous_no = e.user_no"                                        \
    " WHERE e.user_no <> 0 AND (e.feedback IS NULL OR e.feedback > 0)"                             \
    " AND e.user_no NOT IN " ERASED_USERS

enum err_code events_after(struct db *db, int64_t after_seq, int64_t last, int64_t limit,
                           struct db_rows *rows, struct err *err)
{
    return db_query(db, SELECT_EVENT " AND e.seq > ? AND e.seq <= ? ORDER BY e.seq LIMIT ?",
                    DB_ARGS(db_i64(after_seq), db_i64(last), db_i64(limit)), rows, err);
}

enum err_code events_withdrawn(struct db *db, int64_t first_seq, int64_t last_seq,
                               struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    "SELECT e.seq, e.time, e.id, e.type, e.user_no, e.user_no," EVENT_COLUMNS
                    " WHERE e.seq >= ? AND e.seq <= ? AND e.feedback < 0 ORDER BY e.seq",
                    DB_ARGS(db_i64(first_seq), db_i64(last_seq)), rows, err);
}

enum err_code events_by_time(struct db *db, int64_t after_time, struct str after_id, int64_t until,
                             int64_t limit, struct db_rows *rows, struct err *err)
{
    return db_query(
        db,
        SELECT_EVENT " AND (e.time, e.id) > (?, ?) AND e.time < ? ORDER BY e.time, e.id LIMIT ?",
        DB_ARGS(db_i64(after_time), db_text(after_id), db_i64(until), db_i64(limit)), rows, err);
}

#define SELECT_ACT                                                                                 \
    "SELECT seq, time, type, product_no, user_no, feedback FROM events WHERE seq > ? AND seq <= ?" \
    " AND product_no > 0 AND user_no <> 0 AND (feedback IS NULL OR feedback > 0)"

enum err_code event_acts_after(struct db *db, int64_t after_seq, int64_t last, struct db_rows *rows,
                               struct err *err)
{
    return db_query(db, SELECT_ACT " AND user_no NOT IN " ERASED_USERS " ORDER BY seq",
                    DB_ARGS(db_i64(after_seq), db_i64(last)), rows, err);
}

enum err_code event_acts_erased(struct db *db, int64_t after_seq, int64_t last,
                                struct db_rows *rows, struct err *err)
{
    return db_query(db, SELECT_ACT " AND user_no IN " ERASED_USERS " ORDER BY seq",
                    DB_ARGS(db_i64(after_seq), db_i64(last)), rows, err);
}

enum err_code event_acts_next(struct db_rows *rows, struct event_act *act, bool *more,
                              struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (code || !*more)
        return code;
    *act = (struct event_act){.seq = db_col_i64(rows, 0),
                              .time = db_col_i64(rows, 1),
                              .type = (enum event_type)db_col_i64(rows, 2),
                              .product_no = db_col_u32(rows, 3),
                              .user_no = db_col_u32(rows, 4),
                              .feedback = db_col_i64(rows, 5) != 0};
    return ERR_OK;
}

enum err_code events_next(struct db_rows *rows, struct event *e, uint32_t *came_as, bool *more,
                          struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (code || !*more)
        return code;
    *e = (struct event){
        .seq = db_col_i64(rows, 0),
        .time = db_col_i64(rows, 1),
        .id = db_col_text(rows, 2),
        .type = (enum event_type)db_col_i64(rows, 3),
        .user_no = db_col_u32(rows, 4),
        .product_no = db_col_u32(rows, 6),
        .session_id = db_col_text(rows, 7),
        .query = db_col_text(rows, 8),
        .quantity = db_col_i64(rows, 9),
        .value_minor = db_col_amount(rows, 10),
        .currency = db_col_u32(rows, 11),
        .rating = db_col_double(rows, 12),
        .request_id = db_col_text(rows, 13),
        .position = (int32_t)db_col_i64(rows, 14),
        .context = db_col_text(rows, 15),
        .feedback = db_col_i64(rows, 16),
    };
    if (came_as)
        *came_as = db_col_u32(rows, 5);
    return ERR_OK;
}

enum err_code events_count(struct db *db, struct event_counts *out, struct err *err)
{
    const struct {
        const char *sql;
        int64_t *out;
    } ends[] = {
        {"SELECT MIN(seq) FROM events", &out->first_seq},
        {"SELECT MAX(seq) FROM events", &out->last_seq},
        {"SELECT MIN(time) FROM events", &out->first_time},
        {"SELECT MAX(time) FROM events", &out->last_time},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !code; i++)
        code = db_query_i64(db, ends[i].sql, DB_NO_ARGS, ends[i].out, NULL, err);
    if (!code)
        out->events = out->last_seq ? out->last_seq - out->first_seq + 1 : 0;
    return code;
}
