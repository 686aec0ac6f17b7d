/* orders.c - /v1/orders: buying, looking up, moving along. */
#include "store/orders.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "api/list.h"
#include "base/clock.h"
#include "store/carts.h"
#include "store/products.h"

enum { LINES_MAX = 200 };

#define MICRO_PER_MAJOR 1000000

/* --- writing an order as JSON ---------------------------------------------------------------- */

static void write_json_or_null(struct json_writer *w, struct str json)
{
    jw_raw(w, json.n ? json : STR_LIT("null"));
}

static void write_time(struct json_writer *w, const char *name, int64_t us)
{
    if (us == 0)
        return;
    jw_key(w, str_of(name));
    jw_time(w, us);
}

static const char *kind_name(enum order_line_kind kind)
{
    return kind == LINE_SALE ? "sale" : kind == LINE_RETURN ? "return" : "adjustment";
}

static void write_line(struct call *call, const struct order_line *l, currency_code currency,
                       struct json_writer *w)
{
    int64_t unit = 0;
    struct err ignored;
    jw_obj(w);
    JW_OBJ(w, "product");
    if (!card_write(call->view, l->product_no, call->language, w))
        JW_STR(w, "id", l->product_id);
    jw_obj_end(w);
    JW_Z(w, "kind", kind_name(l->kind));
    JW_I64(w, "quantity", l->quantity);
    JW_KEY(w, "unit_price");
    if (money_line_minor(1, l->unit_price_micro, currency, &unit, &ignored) == ERR_OK)
        jw_i64(w, unit);
    else
        jw_null(w);
    JW_I64(w, "discount", l->discount_minor);
    JW_I64(w, "amount", l->amount_minor);
    jw_obj_end(w);
}

static void write_order(struct call *call, const struct order *o, bool lines, struct json_writer *w)
{
    char currency[4];
    jw_obj(w);
    JW_STR(w, "id", o->id);
    JW_Z(w, "status", order_status_name(o->status));
    JW_Z(w, "currency", currency_name(o->currency, currency));
    JW_I64(w, "total", o->total_minor);
    JW_TIME(w, "placed_at", o->placed_at);
    JW_OBJ(w, "times");
    write_time(w, "paid_at", o->paid_at);
    write_time(w, "shipped_at", o->shipped_at);
    write_time(w, "delivered_at", o->delivered_at);
    write_time(w, "closed_at", o->closed_at);
    jw_obj_end(w);
    if (lines) {
        JW_ARR(w, "lines");
        for (uint32_t i = 0; i < o->lines_len; i++)
            write_line(call, &o->lines[i], o->currency, w);
        jw_arr_end(w);
        JW_KEY(w, "address");
        write_json_or_null(w, o->address);
        JW_KEY(w, "payment");
        write_json_or_null(w, o->payment);
    }
    jw_obj_end(w);
}

/* --- placing --------------------------------------------------------------------------------- */

struct placed_line {
    struct str product_id;
    int64_t quantity;
    int64_t unit_price_minor; /* STORE_NO_AMOUNT: that of the record */
};

struct placing {
    struct call *call;
    struct shopper shopper;
    struct str id, address, payment, user_id, anonymous_id;
    enum order_status status;
    int64_t placed_at;         /* 0: not given */
    bool dictated;             /* a server key told more than a shopper may */
    struct placed_line *lines; /* [len] */
    size_t len;
    struct order order; /* as it was stored; texts are the request's */
};

static bool read_line(struct json_reader *r, struct placed_line *out, bool *dictated)
{
    static const char *const names[] = {"product_id", "quantity", "unit_price"};
    struct jr_fields fields = {.names = names, .n = 3, .strict = true};
    int field;
    *out = (struct placed_line){.unit_price_minor = STORE_NO_AMOUNT};
    if (!jr_obj(r))
        return false;
    while ((field = jr_field(r, &fields)) >= 0) {
        bool good = field == 0   ? jr_str(r, &out->product_id)
                    : field == 1 ? jr_i64(r, 1, CART_QUANTITY_MAX, &out->quantity)
                                 : jr_i64(r, 0, STORE_AMOUNT_MAX, &out->unit_price_minor);
        if (!good)
            return false;
        *dictated |= field == 2;
    }
    return !r->failed && ((out->product_id.n && out->quantity) ||
                          jr_fail(r, ERR_INVALID, "a line needs product_id and quantity"));
}

static void read_lines(struct json_reader *r, struct placing *p)
{
    if (!jr_arr(r))
        return;
    while (jr_next(r)) {
        if (p->len == LINES_MAX)
            jr_fail(r, ERR_LIMIT, "more than %d lines", LINES_MAX);
        else if (read_line(r, &p->lines[p->len], &p->dictated))
            p->len++;
    }
}

static void read_object(struct json_reader *r, struct str *out)
{
    if (jr_peek(r) != JR_OBJECT)
        jr_fail(r, ERR_INVALID, "expected an object");
    else if (jr_raw(r, out) && out->n > STORE_JSON_MAX)
        jr_fail(r, ERR_LIMIT, "larger than %d bytes", STORE_JSON_MAX);
}

static void read_dictated(struct json_reader *r, int field, struct placing *p)
{
    struct str text;
    p->dictated = true;
    if (field == 6) {
        read_past_time(r, "placed_at", &p->placed_at, NULL);
        return;
    }
    if (!jr_str(r, &text))
        return;
    if (field == 5)
        p->id = text;
    else if (field == 7 && !order_status_of(text, &p->status))
        jr_fail(r, ERR_INVALID, "status: no such order status");
}

static enum err_code read_placing(struct call *call, struct placing *p, struct err *err)
{
    static const char *const names[] = {"user_id", "anonymous_id", "lines",     "address",
                                        "payment", "id",           "placed_at", "status"};
    struct jr_fields fields = {.names = names, .n = 8, .strict = true};
    struct json_reader r;
    int field;
    p->lines = ARENA_NEW(call->arena, struct placed_line, LINES_MAX);
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 0 || field == 1)
                jr_str(&r, field == 0 ? &p->user_id : &p->anonymous_id);
            else if (field == 2)
                read_lines(&r, p);
            else if (field == 3 || field == 4)
                read_object(&r, field == 3 ? &p->address : &p->payment);
            else
                read_dictated(&r, field, p);
        }
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && p->len == 0)
        code = err_set(err, ERR_INVALID, "lines: an order needs at least one");
    if (code == ERR_OK && p->dictated && call->scope < AUTH_SERVER)
        code = err_set(err, ERR_DENIED,
                       "id, placed_at, status and unit_price need a key of scope server");
    return code;
}

/* Price and stock of one line, from the record as it is in this transaction. */
static enum err_code fill_line(struct store_tx *tx, struct placing *p, const struct placed_line *in,
                               currency_code *currency, struct order_line *out, struct err *err)
{
    struct product product;
    char quoted[64];
    err_quote(quoted, sizeof quoted, in->product_id.p, in->product_id.n);
    enum err_code code = product_get(tx->db, in->product_id, p->call->arena, &product, err);
    if (code == ERR_NOT_FOUND || (code == ERR_OK && product.status != PRODUCT_ACTIVE))
        return err_set(err, ERR_CONFLICT, "'%s' is not sold", quoted);
    if (code != ERR_OK)
        return code;
    int64_t price =
        in->unit_price_minor != STORE_NO_AMOUNT ? in->unit_price_minor : product.price_minor;
    if (price == STORE_NO_AMOUNT || product.currency == 0)
        return err_set(err, ERR_CONFLICT, "'%s' has no price", quoted);
    if (*currency && *currency != product.currency)
        return err_set(err, ERR_CONFLICT, "'%s' is sold in another currency", quoted);
    *currency = product.currency;
    int64_t scale = MICRO_PER_MAJOR;
    for (int i = 0; i < currency_exponent(product.currency); i++)
        scale /= 10;
    if (price > STORE_MICRO_MAX / scale)
        return err_set(err, ERR_LIMIT, "the price of '%s' is too large", quoted);
    out->kind = LINE_SALE;
    out->product_id = product.id;
    out->product_no = product.no;
    out->quantity = in->quantity;
    out->unit_price_micro = price * scale;
    code = money_line_minor(in->quantity, out->unit_price_micro, product.currency,
                            &out->amount_minor, err);
    if (code == ERR_OK && product.stock != STORE_STOCK_UNTRACKED)
        code = product_stock_add(tx, product.no, -in->quantity, err);
    return code == ERR_CONFLICT ? err_set(err, ERR_CONFLICT, "only %" PRId64 " of '%s' are left",
                                          product.stock, quoted)
                                : code;
}

static enum err_code give_id(struct placing *p, struct err *err)
{
    uint64_t random;
    if (p->id.n)
        return ERR_OK;
    if (getentropy(&random, sizeof random) != 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "no random numbers");
    p->id = arena_printf(p->call->arena, "O-%012" PRIX64, random & 0xffffffffffff);
    return ERR_OK;
}

static enum err_code empty_cart(struct store_tx *tx, const struct placing *p, struct err *err)
{
    uint32_t no;
    enum err_code code = user_no_of(tx->db, p->shopper.kind, p->shopper.id, &no, err);
    return code == ERR_OK && no ? cart_put(tx, no, CART_ANY_VERSION, NULL, 0, NULL, err) : code;
}

static enum err_code place_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct placing *p = arg;
    struct order_line *lines = ARENA_NEW(p->call->arena, struct order_line, p->len);
    struct order o = {.status = p->status,
                      .address = p->address,
                      .payment = p->payment,
                      .placed_at = p->placed_at ? p->placed_at : tx->now_us,
                      .lines = lines,
                      .lines_len = (uint32_t)p->len};
    struct order_put_result result;
    enum err_code code = give_id(p, err);
    for (size_t i = 0; i < p->len && code == ERR_OK; i++) {
        lines[i].ordinal = (uint32_t)i;
        code = fill_line(tx, p, &p->lines[i], &o.currency, &lines[i], err);
    }
    if (code != ERR_OK)
        return code;
    o.id = p->id;
    *(p->shopper.kind == USER_KNOWN ? &o.user_id : &o.anonymous_id) = p->shopper.id;
    code = order_put(tx, &o, 0, &result, err);
    if (code == ERR_OK && !result.created)
        code = err_set(err, ERR_CONFLICT, "there is an order with this id already");
    if (code == ERR_OK)
        code = empty_cart(tx, p, err);
    for (size_t i = 0; i < p->len; i++)
        o.total_minor += lines[i].amount_minor;
    p->order = o;
    return code;
}

static enum err_code render_placed(struct call *call, struct db *db, struct json_writer *w,
                                   int *status, struct err *err)
{
    const struct placing *p = call->job_arg;
    (void)db, (void)err;
    write_order(call, &p->order, true, w);
    *status = 201;
    return ERR_OK;
}

static enum err_code post_order(struct call *call, struct err *err)
{
    struct placing *p = ARENA_NEW(call->arena, struct placing, 1);
    p->call = call;
    enum err_code code = read_placing(call, p, err);
    if (code == ERR_OK)
        code = need_shopper(call, p->user_id, p->anonymous_id, &p->shopper, err);
    return code == ERR_OK ? call_write(call, place_job, p, render_placed, err) : code;
}

/* --- looking up ------------------------------------------------------------------------------ */

enum { USER, ANONYMOUS };               /* of one order and of a list */
enum { LANGUAGE = ANONYMOUS + 1 };      /* of one order */
enum { CURSOR = ANONYMOUS + 1, LIMIT }; /* of a list */

static const struct param placing_params[] = {{.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE}};

static const struct param order_params[] = {
    [USER] = {.name = STR_LIT("user_id")},
    [ANONYMOUS] = {.name = STR_LIT("anonymous_id")},
    [LANGUAGE] = {.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE},
};

static const struct param list_params[] = {
    [USER] = {.name = STR_LIT("user_id")},
    [ANONYMOUS] = {.name = STR_LIT("anonymous_id")},
    [CURSOR] = {.name = STR_LIT("cursor"),
                .kind = PARAM_NUMBER,
                .fallback = INT64_MAX,
                .lo = 0,
                .hi = INT64_MAX},
    [LIMIT] = {.name = STR_LIT("limit"), .kind = PARAM_NUMBER, .fallback = 20, .lo = 1, .hi = 100},
};

/* Is this order the caller's? An order of somebody else is "not found" for them. */
static enum err_code check_owner(struct call *call, struct db *db, const struct order *o,
                                 struct err *err)
{
    struct shopper s;
    uint32_t no;
    if (call->scope >= AUTH_SERVER)
        return ERR_OK;
    struct str user_id = call->values[USER].text, anonymous_id = call->values[ANONYMOUS].text;
    if (user_id.n == 0 && anonymous_id.n == 0)
        user_id = o->user_id; /* the token proves it */
    enum err_code code = find_shopper(call, user_id, anonymous_id, &s, err);
    if (code == ERR_DENIED)
        return err_set(err, ERR_NOT_FOUND, "there is no such order");
    if (code != ERR_OK)
        return code;
    code = user_resolve(db, s.user_no, &no, err);
    if (code == ERR_OK && (s.user_no == 0 || (no != o->user_no && s.user_no != o->user_no)))
        code = err_set(err, ERR_NOT_FOUND, "there is no such order");
    return code;
}

static enum err_code read_order(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct order *o = arg;
    enum err_code code = order_get(db, http_request_param(call->req, "id"), call->arena, o, err);
    if (code == ERR_NOT_FOUND && call->scope < AUTH_SERVER)
        return err_set(err, ERR_NOT_FOUND, "there is no such order");
    return code == ERR_OK ? check_owner(call, db, o, err) : code;
}

static enum err_code answer_order(struct call *call, const struct order *o, struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    write_order(call, o, true, &w);
    return reply_json(call, 200, &w, err);
}

static enum err_code get_order(struct call *call, struct err *err)
{
    struct order o;
    enum err_code code = call_read(call, read_order, &o, err);
    return code == ERR_OK ? answer_order(call, &o, err) : code;
}

static enum err_code read_orders(struct call *call, struct db *db, struct page *page, void *arg,
                                 struct err *err)
{
    const struct shopper *shopper = arg;
    struct db_rows rows = {0};
    struct order o;
    bool more;
    uint32_t no;
    if (shopper->user_no == 0)
        return ERR_OK;
    enum err_code code = user_resolve(db, shopper->user_no, &no, err);
    if (code == ERR_OK)
        code = orders_of_user(db, no, page->cursor, page->limit, &rows, err);
    while (code == ERR_OK && (code = orders_next(&rows, &o, &more, err)) == ERR_OK && more) {
        write_order(call, &o, false, page->w);
        page_took(page, o.no);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code list_orders(struct call *call, struct err *err)
{
    struct shopper shopper;
    enum err_code code =
        need_shopper(call, call->values[USER].text, call->values[ANONYMOUS].text, &shopper, err);
    return code == ERR_OK ? reply_page(call, CURSOR, LIMIT, read_orders, &shopper, err) : code;
}

/* --- moving along ---------------------------------------------------------------------------- */

/* From each status, the ones that may follow. */
static const unsigned allowed[ORDER_STATUSES] = {
    [ORDER_PENDING] = 1u << ORDER_PAID | 1u << ORDER_CANCELLED,
    [ORDER_PAID] = 1u << ORDER_SHIPPED | 1u << ORDER_CANCELLED,
    [ORDER_SHIPPED] = 1u << ORDER_DELIVERED | 1u << ORDER_RETURNED,
    [ORDER_DELIVERED] = 1u << ORDER_RETURNED | 1u << ORDER_EXCHANGED,
};

struct move {
    struct call *call;
    enum order_status to;
    struct order order;
};

/* What was sold and did not leave goes back on the shelf. */
static enum err_code restock(struct store_tx *tx, const struct order *o, struct err *err)
{
    enum err_code code = ERR_OK;
    for (uint32_t i = 0; i < o->lines_len && code == ERR_OK; i++)
        if (o->lines[i].kind == LINE_SALE && o->lines[i].product_no) {
            code = product_stock_add(tx, o->lines[i].product_no, o->lines[i].quantity, err);
            if (code == ERR_NOT_FOUND)
                code = ERR_OK; /* deleted since */
        }
    return code;
}

static enum err_code move_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct move *m = arg;
    struct order *o = &m->order;
    struct str id = http_request_param(m->call->req, "id");
    enum err_code code = order_get(tx->db, id, m->call->arena, o, err);
    if (code != ERR_OK || o->status == m->to)
        return code;
    if (!(allowed[o->status] >> m->to & 1))
        return err_set(err, ERR_CONFLICT, "an order that is %s cannot become %s",
                       order_status_name(o->status), order_status_name(m->to));
    code = order_set_status(tx, o->no, m->to, 0, err);
    if (code == ERR_OK && m->to == ORDER_CANCELLED)
        code = restock(tx, o, err);
    return code == ERR_OK ? order_get(tx->db, id, m->call->arena, o, err) : code;
}

static enum err_code render_moved(struct call *call, struct db *db, struct json_writer *w,
                                  int *status, struct err *err)
{
    const struct move *m = call->job_arg;
    (void)db, (void)status, (void)err;
    write_order(call, &m->order, true, w);
    return ERR_OK;
}

static enum err_code patch_order(struct call *call, struct err *err)
{
    static const char *const names[] = {"status"};
    struct jr_fields fields = {.names = names, .n = 1, .strict = true};
    struct move *m = ARENA_NEW(call->arena, struct move, 1);
    struct json_reader r;
    struct str text = {NULL, 0};
    m->call = call;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while (jr_field(&r, &fields) >= 0)
            jr_str(&r, &text);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && !order_status_of(text, &m->to))
        code = err_set(err, ERR_INVALID, "status: missing, or no such order status");
    return code == ERR_OK ? call_write(call, move_job, m, render_moved, err) : code;
}

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/v1/orders", AUTH_PUBLIC, post_order, ENDPOINT_WRITES, PARAMS(placing_params)},
    {HTTP_GET, "/v1/orders", AUTH_PUBLIC, list_orders, 0, PARAMS(list_params)},
    {HTTP_GET, "/v1/orders/{id}", AUTH_PUBLIC, get_order, 0, PARAMS(order_params)},
    {HTTP_PATCH, "/v1/orders/{id}", AUTH_SERVER, patch_order, ENDPOINT_WRITES, NO_PARAMS},
};
ENDPOINT_GROUP(order_endpoints, endpoints);
