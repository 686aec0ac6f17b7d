/* The answer's bytes, against a writer that takes every member by itself. */
#include "base/rng.h"
#include "rank/view_fixture.h"
#include "recommend/recommend.h"
#include "support/suite.h"

enum { PRODUCTS = 60, ITEMS = 100, ROUNDS = 40 };

static void naive_amount(struct json_writer *w, int64_t minor)
{
    if (minor == STORE_NO_AMOUNT)
        jw_null(w);
    else
        jw_i64(w, minor);
}

static void naive_text(struct json_writer *w, struct str text)
{
    if (text.n)
        jw_str(w, text);
    else
        jw_null(w);
}

static void naive_card(const struct product *p, struct json_writer *w)
{
    char currency[4];
    JW_STR(w, "id", p->id);
    JW_KEY(w, "group_id"), naive_text(w, p->group_id);
    JW_STR(w, "title", p->title);
    JW_KEY(w, "brand"), naive_text(w, p->brand);
    JW_NULL(w, "category");
    JW_NULL(w, "image");
    JW_KEY(w, "url"), naive_text(w, p->url);
    JW_KEY(w, "price"), naive_amount(w, p->price_minor);
    JW_KEY(w, "list_price"), naive_amount(w, p->list_price_minor);
    JW_Z(w, "currency", p->currency ? currency_name(p->currency, currency) : NULL);
    JW_OBJ(w, "rating");
    JW_DECIMAL(w, "mean", (double)(float)p->rating_mean, 2);
    JW_U64(w, "count", p->rating_count);
    jw_obj_end(w);
    JW_BOOL(w, "in_stock", p->status == PRODUCT_ACTIVE && p->stock != 0);
}

static void naive_answer(const struct view *v, const struct product *products,
                         const struct recommend_result *found, struct json_writer *w)
{
    struct buf text = {.max = 10000};
    jw_obj(w);
    JW_Z(w, "placement", "new");
    JW_BOOL(w, "personal", found->personal);
    JW_OBJ(w, "models");
    jw_obj_end(w);
    JW_ARR(w, "items");
    for (size_t i = 0; i < found->len; i++) {
        const struct recommend_item *item = &found->items[i];
        jw_obj(w);
        naive_card(&products[item->product_no], w);
        JW_DECIMAL(w, "score", (double)item->score, 4);
        JW_OBJ(w, "reason");
        JW_Z(w, "code", reason_name(item->reason));
        if (item->reason_product)
            JW_STR(w, "product_id", products[item->reason_product].id);
        buf_reset(&text);
        reason_text(v, item->reason, item->reason_product, STR_LIT("zh"), &text);
        JW_STR(w, "text", buf_str(&text));
        jw_obj_end(w);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
    buf_release(&text);
}

static void make_products(struct view_fixture *f, struct product *products, struct rng *r)
{
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        struct str id = arena_printf(&f->arena, "P \"%u\"", no);
        struct str title = arena_printf(&f->arena, "茶\\tea\t\"%u\"", no);
        struct product p = fixture_product(no, id.p, title.p);
        p.brand = rng_below(r, 2) ? STR_LIT("Böhm & \"Co\"") : (struct str){NULL, 0};
        p.url = rng_below(r, 2) ? STR_LIT("https://example.org/a?b=1&c=\"") : (struct str){NULL, 0};
        p.rating_mean = rng_below(r, 3) ? 5 * rng_unit(r) : 0;
        p.rating_count = (uint32_t)(rng_u64(r) >> (32 + rng_below(r, 32)));
        fixture_trade(&p, r);
        if (rng_below(r, 4) == 0)
            p.price_minor = STORE_AMOUNT_MAX;
        products[no] = p;
        fixture_put(f, &products[no]);
        if (no % 20 == 0)
            fixture_merge(f);
    }
}

static void pick_items(struct recommend_item *items, size_t n, struct rng *r)
{
    for (size_t i = 0; i < n; i++) {
        enum reason_code reason = (enum reason_code)rng_below(r, REASONS);
        bool named = reason == REASON_VIEWED || reason == REASON_BOUGHT || reason == REASON_IN_CART;
        items[i] = (struct recommend_item){
            .product_no = 1 + (uint32_t)rng_below(r, PRODUCTS),
            .score = (float)rng_unit(r),
            .reason = reason,
            .reason_product = named ? 1 + (uint32_t)rng_below(r, 20) : 0,
        };
    }
}

START_TEST(an_answer_is_what_writing_every_member_by_itself_gives)
{
    struct view_fixture f;
    struct product products[PRODUCTS + 1];
    struct recommend_item items[ITEMS];
    struct rng r;
    rng_init(&r, 11);
    fixture_init(&f);
    make_products(&f, products, &r);
    for (int round = 0; round < ROUNDS; round++) {
        struct recommend_request request = {.placement = PLACEMENT_NEW, .limit = ITEMS};
        struct recommend_result found = {items, rng_below(&r, ITEMS + 1), round % 2};
        struct buf got = {.max = 1 << 20}, want = {.max = 1 << 20};
        struct json_writer w;
        pick_items(items, found.len, &r);
        jw_init(&w, &got);
        jw_obj(&w);
        recommend_members(f.view, &request, &found, STR_LIT("zh"), &w);
        jw_obj_end(&w);
        jw_init(&w, &want);
        naive_answer(f.view, products, &found, &w);
        ck_assert(str_eq(buf_str(&got), buf_str(&want)));
        buf_release(&got);
        buf_release(&want);
    }
    fixture_release(&f);
}
END_TEST

START_TEST(an_answer_that_does_not_fit_says_so_at_every_length)
{
    struct view_fixture f;
    struct product products[PRODUCTS + 1];
    struct recommend_item items[8];
    struct recommend_request request = {.placement = PLACEMENT_NEW, .limit = 8};
    struct recommend_result found = {items, 8, false};
    struct rng r;
    struct err err;
    rng_init(&r, 12);
    fixture_init(&f);
    make_products(&f, products, &r);
    pick_items(items, 8, &r);
    for (size_t max = 0;; max++) {
        struct buf out = {.max = max};
        struct json_writer w;
        jw_init(&w, &out);
        jw_obj(&w);
        recommend_members(f.view, &request, &found, STR_LIT("en"), &w);
        jw_obj_end(&w);
        ck_assert_uint_le(out.len, max);
        bool done = jw_end(&w, "the answer", &err) == ERR_OK;
        buf_release(&out);
        if (done)
            break;
    }
    fixture_release(&f);
}
END_TEST

SUITE("answer", an_answer_is_what_writing_every_member_by_itself_gives,
      an_answer_that_does_not_fit_says_so_at_every_length)
