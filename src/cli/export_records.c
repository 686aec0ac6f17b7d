#include "cli/export_records.h"

static void put_text(struct json_writer *w, const char *name, struct str text)
{
    if (text.n == 0)
        return;
    jw_key(w, str_of(name));
    jw_str(w, text);
}

static void put_json(struct json_writer *w, const char *name, struct str json)
{
    if (json.n == 0)
        return;
    jw_key(w, str_of(name));
    jw_raw(w, json);
}

static void put_time(struct json_writer *w, const char *name, int64_t us)
{
    if (us == 0)
        return;
    jw_key(w, str_of(name));
    jw_time(w, us);
}

static void put_amount(struct json_writer *w, const char *name, int64_t minor)
{
    if (minor == STORE_NO_AMOUNT)
        return;
    jw_key(w, str_of(name));
    jw_i64(w, minor);
}

static void put_currency(struct json_writer *w, currency_code currency)
{
    char name[4];
    put_text(w, "currency", str_of(currency_name(currency, name)));
}

void export_product(const struct product *p, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", p->id);
    put_text(w, "group_id", p->group_id);
    JW_STR(w, "title", p->title);
    put_text(w, "description", p->description);
    put_text(w, "brand", p->brand);
    put_text(w, "category", p->category);
    put_amount(w, "price", p->price_minor);
    put_amount(w, "list_price", p->list_price_minor);
    put_amount(w, "cost", p->cost_minor);
    put_currency(w, p->currency);
    if (p->stock != STORE_STOCK_UNTRACKED)
        JW_I64(w, "stock", p->stock);
    put_json(w, "images", p->images);
    put_json(w, "attributes", p->attributes);
    put_json(w, "tags", p->tags);
    if (p->rating_count) {
        JW_OBJ(w, "rating");
        JW_DOUBLE(w, "mean", p->rating_mean);
        JW_U64(w, "count", p->rating_count);
        jw_obj_end(w);
    }
    put_text(w, "supplier_id", p->supplier_id);
    JW_Z(w, "status", p->status == PRODUCT_ACTIVE ? "active" : "inactive");
    put_text(w, "url", p->url);
    put_text(w, "language", p->language);
    put_json(w, "translations", p->translations);
    put_time(w, "created_at", p->created_at);
    jw_obj_end(w);
}

void export_user(const struct user *u, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", u->id);
    put_json(w, "attributes", u->attributes);
    JW_BOOL(w, "personalise", u->personalise);
    put_time(w, "created_at", u->created_at);
    jw_obj_end(w);
}

void export_event(const struct event *e, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", e->id);
    JW_TIME(w, "time", e->time);
    JW_Z(w, "type", event_type_name(e->type));
    put_text(w, "user_id", e->user_id);
    put_text(w, "anonymous_id", e->anonymous_id);
    put_text(w, "session_id", e->session_id);
    put_text(w, "product_id", e->product_id);
    put_text(w, "query", e->query);
    if (e->quantity != 1)
        JW_I64(w, "quantity", e->quantity);
    put_amount(w, "value", e->value_minor);
    put_currency(w, e->currency);
    if (e->type == EVENT_RATING)
        JW_DOUBLE(w, "rating", e->rating);
    put_text(w, "request_id", e->request_id);
    if (e->position >= 0)
        JW_I64(w, "position", e->position);
    put_json(w, "context", e->context);
    jw_obj_end(w);
}

static void put_line(struct json_writer *w, const struct order_line *l, currency_code currency)
{
    static const char *const kinds[] = {
        [LINE_SALE] = "sale", [LINE_RETURN] = "return", [LINE_ADJUSTMENT] = "adjustment"};
    int64_t unit = 1000000;
    for (int i = 0; i < currency_exponent(currency); i++)
        unit /= 10;
    jw_obj(w);
    put_text(w, "product_id", l->product_id);
    JW_I64(w, "quantity", l->quantity);
    if (l->unit_price_micro % unit == 0)
        JW_I64(w, "unit_price", l->unit_price_micro / unit);
    else
        JW_I64(w, "unit_price_micro", l->unit_price_micro);
    if (l->discount_minor)
        JW_I64(w, "discount", l->discount_minor);
    JW_Z(w, "kind", kinds[l->kind]);
    jw_obj_end(w);
}

void export_order(const struct order *o, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", o->id);
    put_text(w, "user_id", o->user_id);
    put_text(w, "anonymous_id", o->anonymous_id);
    put_currency(w, o->currency);
    JW_Z(w, "status", order_status_name(o->status));
    put_json(w, "address", o->address);
    put_json(w, "payment", o->payment);
    put_json(w, "coupons", o->coupons);
    put_time(w, "placed_at", o->placed_at);
    put_time(w, "paid_at", o->paid_at);
    put_time(w, "shipped_at", o->shipped_at);
    put_time(w, "delivered_at", o->delivered_at);
    put_time(w, "closed_at", o->closed_at);
    JW_ARR(w, "lines");
    for (uint32_t i = 0; i < o->lines_len; i++)
        put_line(w, &o->lines[i], o->currency);
    jw_arr_end(w);
    jw_obj_end(w);
}
