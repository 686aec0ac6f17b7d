/* carts.c - /v1/carts: one cart per shopper, known or guest, replaced whole. */
#include "store/carts.h"

#include "api/api_int.h"
#include "store/products.h"

struct owner {
    struct shopper shopper;
    int64_t if_version;
    struct cart_line *lines; /* [len] */
    size_t len;
    int64_t version;
    struct str missing; /* a line's product that is not there; empty: all are */
};

enum { USER, ANONYMOUS, LANGUAGE };

static const struct param params[] = {
    [USER] = {.name = STR_LIT("user_id")},
    [ANONYMOUS] = {.name = STR_LIT("anonymous_id")},
    [LANGUAGE] = {.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE},
};

static enum err_code find_owner(struct call *call, struct shopper *out, struct err *err)
{
    return need_shopper(call, call->values[USER].text, call->values[ANONYMOUS].text, out, err);
}

/* Prices are summed only in the cart's currency; a line in another one shows, but does not count. */
static void write_lines(struct call *call, const struct cart *cart, struct json_writer *w)
{
    int64_t total = 0;
    currency_code currency = call->view->shop->currency;
    char name[4];
    JW_ARR(w, "lines");
    for (size_t i = 0; i < cart->lines_len; i++) {
        const struct cart_line *line = &cart->lines[i];
        struct live_row row;
        live_get(call->view->live, line->product_no, &row);
        bool priced = row.price_minor != STORE_NO_AMOUNT && row.currency == currency &&
                      row.price_minor <= STORE_AMOUNT_MAX / line->quantity;
        int64_t amount = priced ? row.price_minor * line->quantity : 0;
        bool available = live_sellable(call->view->live, line->product_no) && priced &&
                         (row.stock == STORE_STOCK_UNTRACKED || row.stock >= line->quantity);
        struct str id = card_id(call->view, line->product_no);
        if (id.n == 0)
            continue; /* deleted since */
        jw_obj(w);
        JW_OBJ(w, "product");
        card_write(call->view, line->product_no, call->language, w);
        jw_obj_end(w);
        JW_I64(w, "quantity", line->quantity);
        JW_KEY(w, "amount");
        if (priced)
            jw_i64(w, amount);
        else
            jw_null(w);
        JW_BOOL(w, "available", available);
        jw_obj_end(w);
        total += available ? amount : 0;
    }
    jw_arr_end(w);
    JW_I64(w, "total", total);
    JW_KEY(w, "currency");
    jw_z(w, currency ? currency_name(currency, name) : NULL);
}

struct reading {
    const struct shopper *shopper;
    struct json_writer *w;
};

static enum err_code read_cart(struct call *call, struct db *db, void *arg, struct err *err)
{
    const struct reading *r = arg;
    struct cart cart = {0};
    uint32_t no = 0;
    /* A shopper who was never seen before has a number only since the cart was put. */
    enum err_code code = user_no_of(db, r->shopper->kind, r->shopper->id, &no, err);
    if (code == ERR_OK && no)
        code = cart_get(db, no, call->arena, &cart, err);
    if (code != ERR_OK)
        return code;
    jw_obj(r->w);
    JW_I64(r->w, "version", cart.version);
    write_lines(call, &cart, r->w);
    jw_obj_end(r->w);
    return ERR_OK;
}

static enum err_code get_cart(struct call *call, struct err *err)
{
    struct shopper shopper;
    struct json_writer w;
    enum err_code code = find_owner(call, &shopper, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    code = call_read(call, read_cart, &(struct reading){&shopper, &w}, err);
    return code == ERR_OK ? reply_json(call, 200, &w, err) : code;
}

/* --- put ------------------------------------------------------------------------------------- */

static bool read_line(struct call *call, struct json_reader *r, struct cart_line *out,
                      struct str *missing)
{
    static const char *const names[] = {"product_id", "quantity"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    struct str id = {NULL, 0};
    int field;
    *out = (struct cart_line){0};
    if (!jr_obj(r))
        return false;
    while ((field = jr_field(r, &fields)) >= 0)
        if (field == 0 ? !jr_str(r, &id) : !jr_i64(r, 1, CART_QUANTITY_MAX, &out->quantity))
            return false;
    if (r->failed)
        return false;
    if (id.n == 0 || out->quantity == 0)
        return jr_fail(r, ERR_INVALID, "a line needs product_id and quantity");
    out->product_no = catalogue_find_id(call->view->catalogue, id);
    if (out->product_no == 0 && missing->n == 0)
        *missing = id;
    return true;
}

static enum err_code read_put(struct call *call, struct owner *o, struct err *err)
{
    static const char *const names[] = {"lines", "version"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    struct json_reader r;
    int field;
    o->if_version = CART_ANY_VERSION;
    o->lines = ARENA_NEW(call->arena, struct cart_line, CART_LINES_MAX);
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 1) {
                jr_i64(&r, 0, INT64_MAX, &o->if_version);
            } else if (jr_arr(&r)) {
                while (jr_next(&r)) {
                    if (o->len == CART_LINES_MAX)
                        jr_fail(&r, ERR_LIMIT, "more than %d lines", CART_LINES_MAX);
                    else if (read_line(call, &r, &o->lines[o->len], &o->missing))
                        o->len++;
                }
            }
        }
    if (!r.failed && !(fields.seen & 1))
        jr_fail(&r, ERR_INVALID, "lines: missing");
    return jr_end(&r, err);
}

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct owner *o = arg;
    uint32_t no;
    char quoted[64];
    if (o->missing.n)
        return err_set(err, ERR_NOT_FOUND, "product_id: there is no product '%s'",
                       err_quote(quoted, sizeof quoted, o->missing.p, o->missing.n));
    enum err_code code = user_number(tx, o->shopper.kind, o->shopper.id, &no, err);
    return code == ERR_OK ? cart_put(tx, no, o->if_version, o->lines, o->len, &o->version, err)
                          : code;
}

static enum err_code render_cart(struct call *call, struct db *db, struct json_writer *w,
                                 int *status, struct err *err)
{
    const struct owner *o = call->job_arg;
    (void)status;
    return call_read_from(call, db, read_cart, &(struct reading){&o->shopper, w}, err);
}

static enum err_code put_cart(struct call *call, struct err *err)
{
    struct owner *o = ARENA_NEW(call->arena, struct owner, 1);
    enum err_code code = find_owner(call, &o->shopper, err);
    if (code == ERR_OK)
        code = read_put(call, o, err);
    return code == ERR_OK ? call_write(call, put_job, o, render_cart, err) : code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/carts", AUTH_PUBLIC, get_cart, 0, PARAMS(params)},
    {HTTP_PUT, "/v1/carts", AUTH_PUBLIC, put_cart, ENDPOINT_WRITES, PARAMS(params)},
};
ENDPOINT_GROUP(cart_endpoints, endpoints);
