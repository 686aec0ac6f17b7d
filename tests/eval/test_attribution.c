/* Attribution on a small invented shop: the same whatever the order of arrival, the parts of the walk and duplicates.
 * What is counted at all is recomputed by another program in tests/system/test_attribution.py. */
#include "eval/attribution.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/store.h"
#include "store/users.h"
#include "support/suite.h"

enum { EVENTS = 3000, LISTS = 120, SHOPPERS = 20, PRODUCTS = 15, TEXT = 24 };

#define START (1700000000 * CLOCK_US_PER_S)
#define SPAN  (20 * CLOCK_US_PER_DAY)

struct rig {
    char dir[64];
    struct store *store;
    struct list_key key;
    char lists[LISTS][LIST_ID_SIZE];
    char texts[EVENTS][3][TEXT]; /* id, shopper, product */
    struct event events[EVENTS];
};

static void open_rig(struct rig *r)
{
    struct err err;
    bool found;
    snprintf(r->dir, sizeof r->dir, "/tmp/aisle-attribution-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    ck_ok(store_open(&(struct store_options){.dir = r->dir}, &r->store, &err));
    ck_ok(list_key_load(r->store, &r->key, &found, &err));
    ck_assert(found);
}

static void close_rig(struct rig *r)
{
    struct err err;
    store_close(r->store);
    ck_ok(fs_remove_tree(r->dir, &err));
    mem_free(r);
}

static void make_lists(struct rig *r, struct rng *rng)
{
    static const struct str placements[] = {STR_LIT("home"), STR_LIT("search"), STR_LIT("cart")};
    for (size_t i = 0; i < LISTS; i++) {
        struct list_facts f = {.placement = placements[rng_below(rng, 3)]};
        f.model = rng_below(rng, 2) ? STR_LIT("m1") : STR_LIT("m2");
        for (size_t v = rng_below(rng, 3); v > 0; v--)
            f.variants[f.variants_len++] =
                (struct list_variant){(uint32_t)v, (uint8_t)rng_below(rng, 2)};
        list_id_make(&r->key, &f, rng, r->lists[i]);
    }
}

static void make_events(struct rig *r, struct rng *rng)
{
    static const enum event_type types[] = {EVENT_IMPRESSION, EVENT_CLICK,       EVENT_VIEW,
                                            EVENT_FAVOURITE,  EVENT_ADD_TO_CART, EVENT_PURCHASE};
    for (size_t i = 0; i < EVENTS; i++) {
        struct event *e = &r->events[i];
        snprintf(r->texts[i][0], TEXT, "e%zu", i);
        snprintf(r->texts[i][1], TEXT, "u%d", (int)rng_below(rng, SHOPPERS));
        snprintf(r->texts[i][2], TEXT, "p%d", (int)rng_below(rng, PRODUCTS));
        *e = (struct event){.time = START +
                                    (int64_t)rng_below(rng, SPAN / CLOCK_US_PER_S) * CLOCK_US_PER_S,
                            .id = str_of(r->texts[i][0]),
                            .user_id = str_of(r->texts[i][1]),
                            .product_id = str_of(r->texts[i][2]),
                            .type = types[rng_below(rng, 6)],
                            .quantity = 1,
                            .position = -1,
                            .value_minor = STORE_NO_AMOUNT};
        if (rng_below(rng, 4))
            e->request_id = str_of(r->lists[rng_below(rng, LISTS)]);
        if (e->type == EVENT_PURCHASE) {
            e->value_minor = 100 + (int64_t)rng_below(rng, 10000);
            ck_assert(
                currency_of(rng_below(rng, 2) ? STR_LIT("CNY") : STR_LIT("USD"), &e->currency));
        }
    }
}

struct arrival {
    struct rig *rig;
    size_t order[EVENTS];
    bool twice;
};

static enum err_code arrive(struct store_tx *tx, void *arg, struct err *err)
{
    struct arrival *a = arg;
    enum err_code code = ERR_OK;
    for (int round = 0; round <= a->twice; round++)
        for (size_t i = 0; i < EVENTS && code == ERR_OK; i++) {
            struct event e = a->rig->events[a->order[i]];
            code = events_add(tx, &e, 1, EVENTS_CREATE_PRODUCTS, NULL, NULL, err);
        }
    return code;
}

static struct rig *make_rig(bool shuffled, bool twice)
{
    struct rig *r = MEM_NEW(struct rig);
    struct arrival *a = MEM_NEW(struct arrival);
    struct rng rng, shuffle;
    struct err err;
    open_rig(r);
    rng_init(&rng, 3);
    make_lists(r, &rng);
    make_events(r, &rng);
    *a = (struct arrival){.rig = r, .twice = twice};
    rng_init(&shuffle, 4);
    for (size_t i = 0; i < EVENTS; i++) {
        size_t j = shuffled ? rng_below(&shuffle, i + 1) : i;
        a->order[i] = a->order[j];
        a->order[j] = i;
    }
    ck_ok(store_write(r->store, arrive, a, &err));
    mem_free(a);
    return r;
}

static void report(const struct rig *r, struct attribution_options o, unsigned by, struct buf *out)
{
    struct json_writer w;
    struct err err;
    o.key = &r->key;
    buf_init(out, 1 << 20);
    jw_init(&w, out);
    ck_ok(attribution_report(r->store, &o, by, &w, &err));
}

static const struct attribution_options middle = {.from = START + 8 * CLOCK_US_PER_DAY,
                                                  .until = START + 15 * CLOCK_US_PER_DAY};
enum { ALL = BY_PLACEMENT | BY_MODEL | BY_VARIANT };

static void check_same(const struct rig *r, struct attribution_options o, const struct buf *want)
{
    struct buf got;
    report(r, o, ALL, &got);
    ck_assert(str_eq(buf_str(&got), buf_str(want)));
    buf_release(&got);
}

START_TEST(a_report_depends_on_what_happened_alone)
{
    struct buf want;
    struct rig *in_order = make_rig(false, false), *shuffled = make_rig(true, true);
    struct attribution_options parts = middle;
    report(in_order, middle, ALL, &want);
    ck_assert_ptr_nonnull(strstr(want.data, "\"placement\":\"search\""));
    ck_assert_ptr_nonnull(strstr(want.data, "\"currency\":\"USD\""));
    check_same(in_order, middle, &want);
    /* Another shop, whose ids are other bytes, in another order and twice. */
    check_same(shuffled, middle, &want);
    for (parts.acts_max = 100; parts.acts_max < 2000; parts.acts_max *= 5)
        check_same(in_order, parts, &want);
    buf_release(&want);
    close_rig(in_order);
    close_rig(shuffled);
}
END_TEST

static void total(const struct rig *r, struct attribution_options o, struct attribution_row *out)
{
    struct attribution a = {0}, grouped = {0};
    struct err err;
    o.key = &r->key;
    ck_ok(attribution_read(r->store, &o, &a, &err));
    ck_ok(attribution_group(&a, 0, &grouped, &err));
    ck_assert_uint_eq(grouped.len, 1);
    *out = grouped.rows[0];
    attribution_release(&a);
    attribution_release(&grouped);
}

START_TEST(purchases_of_days_are_those_of_the_whole_time)
{
    struct rig *r = make_rig(false, false);
    struct attribution_row whole, day;
    struct attribution_options o = middle;
    uint64_t purchases = 0;
    int64_t minor = 0;
    total(r, o, &whole);
    for (; o.from < middle.until; o.from += CLOCK_US_PER_DAY) {
        o.until = o.from + CLOCK_US_PER_DAY;
        total(r, o, &day);
        purchases += day.purchases;
        minor += day.revenue[0].minor;
    }
    ck_assert_uint_gt(whole.purchases, 20);
    ck_assert_uint_eq(purchases, whole.purchases);
    ck_assert_int_eq(minor, whole.revenue[0].minor);
    close_rig(r);
}
END_TEST

static bool stop(void *arg)
{
    return ++*(int *)arg > 2;
}

START_TEST(what_cannot_be_reported_is_refused)
{
    struct rig *r = make_rig(false, false);
    struct attribution a = {0};
    struct attribution_options o = middle;
    struct err err;
    int asked = 0;
    o.key = &r->key;
    o.until = o.from;
    ck_err(attribution_read(r->store, &o, &a, &err), ERR_INVALID);
    o.until = o.from + ATTRIBUTION_SPAN_MAX_US + 1;
    ck_err(attribution_read(r->store, &o, &a, &err), ERR_INVALID);
    o.until = middle.until;
    o.window_us = -1;
    ck_err(attribution_read(r->store, &o, &a, &err), ERR_INVALID);
    o.window_us = 0;
    o.stopping = stop;
    o.arg = &asked;
    ck_err(attribution_read(r->store, &o, &a, &err), ERR_CANCELLED);
    attribution_release(&a);
    close_rig(r);
}
END_TEST

START_TEST(names_to_group_by_are_read)
{
    unsigned by;
    struct err err;
    ck_ok(attribution_by_of(STR_LIT("variant, placement"), &by, &err));
    ck_assert_uint_eq(by, BY_VARIANT | BY_PLACEMENT);
    ck_ok(attribution_by_of((struct str){0}, &by, &err));
    ck_assert_uint_eq(by, 0);
    ck_err(attribution_by_of(STR_LIT("model,shopper"), &by, &err), ERR_INVALID);
    ck_err(attribution_by_of(STR_LIT("model,model"), &by, &err), ERR_INVALID);
}
END_TEST

START_TEST(revenue_is_summed_by_currency_and_never_overflows)
{
    struct attribution a = {0}, out = {0};
    struct err err;
    struct attribution_row rows[2] = {
        {.requests = 1, .revenue = {{1, INT64_MAX - 5}}, .revenue_len = 1},
        {.requests = 2, .revenue = {{1, 5}, {2, 7}}, .revenue_len = 2}};
    a.rows = rows, a.len = 2;
    ck_ok(attribution_group(&a, 0, &out, &err));
    ck_assert_uint_eq(out.rows[0].requests, 3);
    ck_assert_int_eq(out.rows[0].revenue[0].minor, INT64_MAX);
    ck_assert_int_eq(out.rows[0].revenue[1].minor, 7);
    attribution_release(&out);
    rows[1].revenue[0].minor = 6;
    ck_err(attribution_group(&a, 0, &out, &err), ERR_LIMIT);
    attribution_release(&out);
}
END_TEST

SUITE("attribution", a_report_depends_on_what_happened_alone,
      purchases_of_days_are_those_of_the_whole_time, what_cannot_be_reported_is_refused,
      names_to_group_by_are_read, revenue_is_summed_by_currency_and_never_overflows)
