/* emit.c - events and orders as records. */
#include "demo/visit_int.h"

#include "base/check.h"
#include "base/clock.h"

enum { IDS_MAX = 512 };

/* Text put at the end of the buffer, whose room was reserved before. */
static struct str put_since(const struct buf *b, size_t from)
{
    return (struct str){b->data + from, b->len - from};
}

/* Who is seen at this moment: a guest, a signed-in shopper, or, once, both. */
static void put_shopper(struct visit *v, struct buf *ids, struct str *user, struct str *anonymous)
{
    struct shopper *s = v->shopper;
    bool signed_in =
        s->kind == SHOPPER_REGISTERED || (s->kind == SHOPPER_JOINING && v->start_s >= s->joins_s);
    size_t from = ids->len;
    if (signed_in) {
        shopper_put_id(v->who, ids);
        *user = put_since(ids, from);
        from = ids->len;
    }
    bool introducing = s->kind == SHOPPER_JOINING && !s->introduced;
    if (!signed_in || introducing) {
        shopper_put_anonymous(&v->world->catalogue, v->who, ids);
        *anonymous = put_since(ids, from);
    }
    if (signed_in)
        s->introduced = true;
}

static void put_order_id(const struct visit *v, struct buf *out)
{
    buf_printf(out, "order-%07u", v->number + 1);
}

static void fill_ids(struct visit *v, enum event_type type, const struct event_details *d,
                     struct event *e)
{
    struct buf *ids = &v->world->ids;
    buf_reset(ids);
    CHECK(buf_reserve(ids, IDS_MAX)); /* from here on nothing moves */
    size_t from = ids->len;
    buf_printf(ids, "e-%x-%u", v->number, v->events++);
    e->id = put_since(ids, from);
    from = ids->len;
    buf_printf(ids, "s-%x", v->number);
    e->session_id = put_since(ids, from);
    put_shopper(v, ids, &e->user_id, &e->anonymous_id);
    if (d->item != NO_ITEM) {
        from = ids->len;
        item_put_id(&v->world->catalogue, &v->world->catalogue.items[d->item], true, ids);
        e->product_id = put_since(ids, from);
    }
    if (d->list >= 0) {
        from = ids->len;
        buf_printf(ids, "r-%x-%d", v->number, d->list);
        e->request_id = put_since(ids, from);
    }
    if (type == EVENT_PURCHASE) {
        from = ids->len;
        buf_puts(ids, "{\"order_id\":\"");
        put_order_id(v, ids);
        buf_puts(ids, "\"}");
        e->context = put_since(ids, from);
    }
    CHECK(ids->len <= IDS_MAX);
}

enum err_code visit_emit(struct visit *v, enum event_type type, const struct event_details *d,
                         struct err *err)
{
    struct event e = {
        .time = v->clock_us,
        .type = type,
        .query = d->query,
        .quantity = d->quantity ? d->quantity : 1,
        .value_minor = d->value_minor ? d->value_minor : STORE_NO_AMOUNT,
        .currency = d->value_minor ? CNY : 0,
        .rating = d->rating,
        .position = d->position,
    };
    fill_ids(v, type, d, &e);
    if (d->pause_s) /* at most a few minutes, so that a visit ends before the history does */
        v->clock_us += (int64_t)((.2 + 1.6 * rng_unit(&v->rng)) * d->pause_s * 1e3) * 1000;
    v->world->totals->events++;
    return v->world->sink->on_event(v->world->sink->ctx, &e, err);
}

/* How far an order has come by now; a few are cancelled or come back. */
static void fill_course(struct visit *v, struct order *o, double luck)
{
    int64_t now = v->world->catalogue.now_us, hour = 3600 * CLOCK_US_PER_S;
    o->status = ORDER_PAID;
    o->paid_at = o->placed_at + 2 * 60 * CLOCK_US_PER_S;
    if (luck < .02) {
        o->status = ORDER_CANCELLED;
        o->closed_at = o->placed_at + hour;
        return;
    }
    if (now > o->placed_at + 20 * hour) {
        o->status = ORDER_SHIPPED;
        o->shipped_at = o->placed_at + 20 * hour;
    }
    if (now > o->placed_at + 68 * hour) {
        o->status = ORDER_DELIVERED;
        o->delivered_at = o->placed_at + 68 * hour;
    }
    if (now > o->placed_at + 240 * hour && luck < .05) {
        o->status = ORDER_RETURNED;
        o->closed_at = o->placed_at + 240 * hour;
    }
}

static void remember(struct shopper *s, uint32_t item, int32_t at_s)
{
    for (int i = BOUGHT_MAX - 1; i > 0; i--)
        s->bought[i] = s->bought[i - 1];
    s->bought[0] = (struct bought){.item = item, .at_s = at_s};
    if (s->bought_len < BOUGHT_MAX)
        s->bought_len++;
}

static void forget(struct shopper *s, uint32_t item)
{
    int kept = 0;
    for (int i = 0; i < s->bought_len; i++)
        if (s->bought[i].item != item)
            s->bought[kept++] = s->bought[i];
    s->bought_len = (uint8_t)kept;
}

static enum err_code buy_line(struct visit *v, uint32_t ordinal, struct order_line *line,
                              struct err *err)
{
    struct choice choice = v->cart[ordinal];
    int64_t price = v->world->catalogue.items[choice.item].price_minor;
    *line = (struct order_line){
        .ordinal = ordinal,
        .kind = LINE_SALE,
        .quantity = choice.quantity,
        .unit_price_micro = price * 10000,
        .amount_minor = price * choice.quantity,
    };
    forget(v->shopper, choice.item);
    remember(v->shopper, choice.item, v->start_s);
    struct event_details d = {.item = choice.item,
                              .list = -1,
                              .position = -1,
                              .quantity = choice.quantity,
                              .value_minor = line->amount_minor};
    return visit_emit(v, EVENT_PURCHASE, &d, err);
}

/* The texts of an order, in the world's text buffer. */
static void fill_order_texts(struct visit *v, struct order *o, struct order_line *lines)
{
    static const char *const methods[] = {"alipay", "wechat", "card"};
    struct buf *text = &v->world->text;
    buf_reset(text);
    CHECK(buf_reserve(text, PRODUCT_TEXT_MAX - 1)); /* from here on nothing moves */
    put_order_id(v, text);
    o->id = put_since(text, 0);
    put_shopper(v, text, &o->user_id, &o->anonymous_id);
    size_t from = text->len;
    shopper_put_address(v->shopper, text);
    o->address = put_since(text, from);
    from = text->len;
    buf_printf(text, "{\"method\":\"%s\"}", methods[v->who % 3]);
    o->payment = put_since(text, from);
    for (int i = 0; i < v->cart_len; i++) {
        from = text->len;
        const struct catalogue *c = &v->world->catalogue;
        item_put_id(c, &c->items[v->cart[i].item], true, text);
        lines[i].product_id = put_since(text, from);
    }
}

enum err_code visit_buy(struct visit *v, struct err *err)
{
    struct order_line lines[CART_MAX + 1];
    struct order o = {.currency = CNY, .placed_at = v->clock_us, .lines = lines};
    for (int i = 0; i < v->cart_len; i++) {
        enum err_code code = buy_line(v, (uint32_t)i, &lines[i], err);
        if (code)
            return code;
        o.total_minor += lines[i].amount_minor;
    }
    o.lines_len = (uint32_t)v->cart_len;
    fill_order_texts(v, &o, lines);
    fill_course(v, &o, rng_unit(&v->rng));
    if (o.status == ORDER_RETURNED) { /* the first line comes back */
        struct order_line back = lines[0];
        back.ordinal = o.lines_len;
        back.kind = LINE_RETURN;
        back.sale_ordinal = 0;
        lines[o.lines_len++] = back;
        o.total_minor -= back.amount_minor;
    }
    v->world->totals->orders++;
    return v->world->sink->on_order(v->world->sink->ctx, &o, err);
}
