/* test_live.c - live columns: torn rows, numbers out of range, and heat against a plain sum. */
#include "engine/live.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/rng.h"
#include "support/suite.h"

enum { PRODUCTS = 2 * LIVE_CHUNK + 7, READERS = 2, READS = 3000000 };

/* Every column follows from one number, so that a reader can tell a row that is made of two. */
static struct live_row row_of(uint32_t n)
{
    return (struct live_row){.price_minor = n,
                             .list_price_minor = (int64_t)n * 3,
                             .cost_minor = (int64_t)n * 2,
                             .stock = (int64_t)n + 7,
                             .currency = n ^ 0x5a5a5a,
                             .status = n % 2 ? PRODUCT_ACTIVE : PRODUCT_INACTIVE};
}

static void check_row(const struct live_row *got, uint32_t n)
{
    struct live_row want = row_of(n);
    ck_assert_int_eq(got->price_minor, want.price_minor);
    ck_assert_int_eq(got->list_price_minor, want.list_price_minor);
    ck_assert_int_eq(got->cost_minor, want.cost_minor);
    ck_assert_int_eq(got->stock, want.stock);
    ck_assert_uint_eq(got->currency, want.currency);
    ck_assert_int_eq(got->status, want.status);
}

struct table {
    struct live *live;
    _Atomic int reading; /* readers that have not read their share yet */
};

static void *read_rows(void *arg)
{
    struct table *t = arg;
    struct rng r;
    rng_init(&r, 5);
    for (int i = 0; i < READS; i++) {
        struct live_row row;
        live_get(t->live, 1, &row);
        /* One comparison: the checks of the suite would leave the writer alone for most of the time. */
        if (row.status != PRODUCT_DELETED && row.stock != row.price_minor + 7)
            check_row(&row, (uint32_t)row.price_minor);
        if (i % 64)
            continue;
        check_row(&row, (uint32_t)row.price_minor);
        live_sellable(t->live, (uint32_t)rng_below(&r, PRODUCTS));
        ck_assert(live_heat(t->live, 1, CLOCK_US_PER_S) >= 0);
    }
    atomic_fetch_sub(&t->reading, 1);
    return NULL;
}

START_TEST(a_row_is_never_read_from_two_changes)
{
    struct table t = {.live = live_new(), .reading = READERS};
    struct err err;
    pthread_t readers[READERS];
    struct live_row first = row_of(1);
    ck_ok(live_set(t.live, 1, &first, &err));
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_rows, &t);
    for (uint32_t n = 1; atomic_load(&t.reading); n++) {
        struct live_row row = row_of(n);
        ck_ok(live_set(t.live, 1, &row, &err));
        if (n % 50)
            continue;
        live_heat_add(t.live, 1, 1, (int64_t)n * CLOCK_US_PER_S);
        ck_ok(live_set(t.live, n % PRODUCTS, &row, &err));
    }
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    live_unref(t.live);
}
END_TEST

START_TEST(every_row_holds_what_was_set_last)
{
    uint32_t last[PRODUCTS] = {0}, end = 0;
    struct live *l = live_new();
    struct err err;
    struct rng r;
    rng_init(&r, 1);
    for (uint32_t n = 1; n < 20000; n++) {
        uint32_t no = (uint32_t)rng_below(&r, PRODUCTS);
        struct live_row row = row_of(n);
        ck_ok(live_set(l, no, &row, &err));
        last[no] = n;
        end = no >= end ? no + 1 : end;
        ck_assert_uint_eq(live_end(l), end);
    }
    for (uint32_t no = 0; no < PRODUCTS + 10; no++) {
        struct live_row row;
        live_get(l, no, &row);
        if (no < PRODUCTS && last[no]) {
            check_row(&row, last[no]);
            ck_assert(live_sellable(l, no) == (last[no] % 2 == 1));
        } else {
            ck_assert_int_eq(row.status, PRODUCT_DELETED);
            ck_assert(!live_sellable(l, no));
        }
    }
    live_unref(l);
}
END_TEST

START_TEST(what_is_out_of_stock_or_inactive_is_not_sold)
{
    static const struct {
        int64_t stock;
        enum product_status status;
        bool sold;
    } cases[] = {{1, PRODUCT_ACTIVE, true},
                 {0, PRODUCT_ACTIVE, false},
                 {1, PRODUCT_INACTIVE, false},
                 {1, PRODUCT_DELETED, false},
                 {STORE_STOCK_UNTRACKED, PRODUCT_ACTIVE, true}};
    struct live *l = live_new();
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct live_row row = {.stock = cases[i].stock, .status = cases[i].status};
        ck_ok(live_set(l, 1, &row, &err));
        ck_assert(live_sellable(l, 1) == cases[i].sold);
    }
    live_unref(l);
}
END_TEST

START_TEST(numbers_beyond_the_table_are_refused_and_read_as_nothing)
{
    struct live *l = live_new();
    struct live_row row = row_of(1);
    struct err err;
    static const uint32_t beyond[] = {LIVE_MAX_PRODUCTS, UINT32_MAX};
    for (size_t i = 0; i < 2; i++) {
        ck_err(live_set(l, beyond[i], &row, &err), ERR_LIMIT);
        live_get(l, beyond[i], &row);
        ck_assert_int_eq(row.status, PRODUCT_DELETED);
        ck_assert(!live_sellable(l, beyond[i]));
        live_heat_add(l, beyond[i], 1, 0);
        ck_assert(live_heat(l, beyond[i], 0) == 0);
    }
    ck_assert_uint_eq(live_end(l), 0);
    live_unref(l);
}
END_TEST

START_TEST(heat_is_the_decayed_sum_in_whatever_order_acts_arrive)
{
    enum { ACTS = 300, SPAN_S = 20 * 86400 };
    struct live *l = live_new();
    struct live_row row = row_of(1);
    struct err err;
    struct rng r;
    double want = 0;
    rng_init(&r, 9);
    ck_ok(live_set(l, 1, &row, &err));
    for (int i = 0; i < ACTS; i++) {
        int64_t at_s = (int64_t)rng_below(&r, SPAN_S);
        float weight = (float)(1 + rng_below(&r, 8));
        live_heat_add(l, 1, weight, at_s * CLOCK_US_PER_S);
        want += (double)weight * exp2(-(double)(SPAN_S - at_s) / LIVE_HEAT_HALF_LIFE_S);
    }
    double got = (double)live_heat(l, 1, (int64_t)SPAN_S * CLOCK_US_PER_S);
    ck_assert_msg(fabs(got - want) < 1e-4 * want, "%g, not %g", got, want);
    live_unref(l);
}
END_TEST

/* By the definition, over all rows. */
static double plain_margin(const struct live_row *rows, size_t n, size_t of)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i <= n; i++) {
        const struct live_row *r = &rows[i < n ? i : of];
        bool knows = r->status != PRODUCT_DELETED && r->price_minor > 0 && r->cost_minor > 0;
        double margin = knows ? fmax(1 - (double)r->cost_minor / (double)r->price_minor, 0) : 0;
        if (i == n)
            return knows ? margin : known ? sum / (double)known : 0;
        sum += margin;
        known += knows;
    }
    return 0;
}

START_TEST(a_margin_that_is_not_known_is_the_mean_of_those_that_are)
{
    enum { SOME = 40 };
    static const int64_t costs[] = {0, STORE_NO_AMOUNT, 1, 50, 99, 100, 300};
    static const int64_t prices[] = {STORE_NO_AMOUNT, 0, 100, 100, 250};
    struct live_row rows[SOME];
    struct live *live = live_new();
    struct err err;
    struct rng r;
    rng_init(&r, 8);
    ck_assert_float_eq(live_margin(live, 5), 0);
    for (int i = 0; i < SOME; i++)
        rows[i] = (struct live_row){.status = PRODUCT_DELETED};
    for (int i = 0; i < 400; i++) {
        uint32_t no = (uint32_t)rng_below(&r, SOME);
        rows[no] = (struct live_row){.price_minor = prices[rng_below(&r, 5)],
                                     .cost_minor = costs[rng_below(&r, 7)],
                                     .status = (enum product_status)rng_below(&r, 3)};
        ck_ok(live_set(live, no, &rows[no], &err));
        uint32_t of = (uint32_t)rng_below(&r, SOME);
        ck_assert_double_eq_tol((double)live_margin(live, of), plain_margin(rows, SOME, of), 1e-5);
    }
    struct live *copy = live_clone(live);
    for (uint32_t no = 0; no < SOME + 2; no++) /* as many unknown ones as there may be */
        ck_assert_float_eq(live_margin(copy, no), live_margin(live, no));
    live_unref(copy);
    live_unref(live);
}
END_TEST

SUITE("live", a_margin_that_is_not_known_is_the_mean_of_those_that_are,
      a_row_is_never_read_from_two_changes, every_row_holds_what_was_set_last,
      what_is_out_of_stock_or_inactive_is_not_sold,
      numbers_beyond_the_table_are_refused_and_read_as_nothing,
      heat_is_the_decayed_sum_in_whatever_order_acts_arrive)
