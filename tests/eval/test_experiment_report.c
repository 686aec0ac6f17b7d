/* What experiments have shown: against sums over every shopper's own events, and verdicts where something is wrong. */
#include <math.h>

#include "eval/experiment_shop.h"

#define DAY CLOCK_US_PER_DAY
#define TWO "\"variants\": [{\"name\": \"a\"}, {\"name\": \"b\"}]"

enum { SHOPPERS = 200 };

/* --- against the oracle ------------------------------------------------------------------------ */

/* Shoppers who see lists of one variant, some of both and some of none, and do this and that for 12 days. */
static void invent(struct experiment_shop *s)
{
    for (int u = 0; u < SHOPPERS; u++) {
        int variant = (int)rng_below(&s->rng, 10) ? u % 2 : -1;
        for (size_t n = rng_below(&s->rng, 6); n > 0; n--) {
            int which = variant >= 0 && rng_below(&s->rng, 40) == 0 ? 1 - variant : variant;
            struct str list = shop_list(s, which);
            int64_t at = (int64_t)rng_below(&s->rng, (uint64_t)(12 * DAY));
            for (size_t i = rng_below(&s->rng, 8); i > 0; i--)
                shop_event(s, u, EVENT_IMPRESSION, at, list);
            for (size_t i = rng_below(&s->rng, 3); i > 0; i--)
                shop_event(s, u, rng_below(&s->rng, 2) ? EVENT_CLICK : EVENT_VIEW,
                           at + (int64_t)rng_below(&s->rng, (uint64_t)DAY), list);
        }
        for (size_t n = rng_below(&s->rng, 3); n > 0; n--)
            shop_buy(s, u, (int64_t)rng_below(&s->rng, (uint64_t)(14 * DAY)),
                     (int64_t)rng_below(&s->rng, 100000));
    }
    shop_store(s);
}

struct seen {
    int64_t first_at;
    int variant, impressions, clicks;
    bool mixed, bought;
    double revenue;
};

static int variant_of(const struct experiment_shop *s, const struct event *e)
{
    uint8_t bytes[LIST_ID_BYTES];
    struct list_facts f;
    if (!list_id_read(&s->key, e->request_id, bytes, &f) || f.variants_len == 0)
        return -1;
    return f.variants[1].variant;
}

static bool is_shopper(const struct event *e, int u)
{
    char name[16];
    snprintf(name, sizeof name, "u%d", u);
    return str_is(e->user_id, name);
}

static bool told_before(const struct experiment_shop *s, size_t at, bool opened)
{
    const struct event *e = &s->events[at];
    for (size_t i = 0; i < at; i++) {
        const struct event *o = &s->events[i];
        bool same_kind =
            opened ? o->type == EVENT_CLICK || o->type == EVENT_VIEW : o->type == EVENT_IMPRESSION;
        if (same_kind && str_eq(o->request_id, e->request_id) &&
            str_eq(o->product_id, e->product_id))
            return true;
    }
    return false;
}

static struct seen look_at(const struct experiment_shop *s, int u, int64_t to, int64_t horizon)
{
    struct seen seen = {.first_at = INT64_MAX, .variant = -1};
    for (size_t i = 0; i < s->len; i++) {
        const struct event *e = &s->events[i];
        if (is_shopper(e, u) && variant_of(s, e) >= 0 && e->time < seen.first_at) {
            seen.first_at = e->time;
            seen.variant = variant_of(s, e);
        }
    }
    if (seen.first_at >= to)
        return (struct seen){.variant = -1};
    for (size_t i = 0; i < s->len; i++) {
        const struct event *e = &s->events[i];
        bool opened = e->type == EVENT_CLICK || e->type == EVENT_VIEW;
        if (!is_shopper(e, u) || e->time >= to + horizon)
            continue;
        if (variant_of(s, e) >= 0 && variant_of(s, e) != seen.variant)
            seen.mixed = true;
        if (e->time < seen.first_at || e->time >= seen.first_at + horizon)
            continue;
        if (e->type == EVENT_PURCHASE) {
            seen.bought = true;
            seen.revenue += (double)e->value_minor;
        } else if (variant_of(s, e) >= 0 && !told_before(s, i, opened)) {
            *(opened ? &seen.clicks : &seen.impressions) += 1;
        }
    }
    return seen;
}

static void check_report(struct experiment_shop *s, int64_t now, int64_t stopped, size_t held)
{
    struct experiment_arm want[2] = {{0}};
    uint64_t mixed = 0, many = 0;
    int64_t horizon = s->entry.e.horizon_days * DAY, to = stopped ? stopped : now;
    s->entry.record.stopped_at = stopped;
    for (int u = 0; u < SHOPPERS; u++) {
        struct seen seen = look_at(s, u, to, horizon);
        mixed += seen.mixed;
        if (seen.variant < 0 || seen.mixed)
            continue;
        struct experiment_arm *arm = &want[seen.variant];
        arm->shoppers++;
        if (seen.first_at + horizon > now)
            continue;
        arm->final++;
        sequential_add(&arm->metric[METRIC_CTR], seen.clicks, seen.impressions);
        sequential_add(&arm->metric[METRIC_CONVERSION], seen.bought, 1);
        sequential_add(&arm->metric[METRIC_REVENUE], seen.revenue, 1);
    }
    struct experiment_report got = shop_report(s, now, held);
    ck_assert_uint_eq(got.mixed, mixed);
    for (int v = 0; v < 2; v++) {
        ck_assert_uint_eq(got.arms[v].shoppers, want[v].shoppers);
        ck_assert_uint_eq(got.arms[v].final, want[v].final);
        many += want[v].final;
        for (int m = 0; m < EXPERIMENT_METRICS; m++) {
            const struct sequential_arm *a = &got.arms[v].metric[m], *b = &want[v].metric[m];
            ck_assert_double_eq(a->n, b->n);
            ck_assert_double_eq_tol(a->mean_x, b->mean_x, 1e-9 * (1 + b->mean_x));
            ck_assert_double_eq_tol(a->mean_y, b->mean_y, 1e-9);
            ck_assert_double_eq_tol(a->dev_xx, b->dev_xx, 1e-6 * (1 + b->dev_xx));
            ck_assert_double_eq_tol(a->dev_xy, b->dev_xy, 1e-6 * (1 + b->dev_xx));
        }
    }
    ck_assert(mixed > 0 && many > 20);
}

START_TEST(a_report_is_the_sum_of_what_each_shopper_did)
{
    struct experiment_shop s;
    shop_open(&s, "{\"placements\": [\"home\"], \"horizon_days\": 3, " TWO "}");
    invent(&s);
    check_report(&s, SHOP_START + 8 * DAY, 0, 0);
    check_report(&s, SHOP_START + 20 * DAY, 0, 0);
    check_report(&s, SHOP_START + 20 * DAY, SHOP_START + 6 * DAY, 0);
    /* A part of the shoppers at a time. */
    check_report(&s, SHOP_START + 8 * DAY, 0, 300);
    check_report(&s, SHOP_START + 8 * DAY, 0, 60);
    shop_close(&s);
}
END_TEST

/* --- verdicts -------------------------------------------------------------------------------- */

/* Shoppers who see one list each and buy with a probability that is their variant's. */
static void buyers(struct experiment_shop *s, int n_a, int n_b, double buys_a, double buys_b)
{
    for (int u = 0; u < n_a + n_b; u++) {
        int variant = u >= n_a;
        shop_event(s, u, EVENT_IMPRESSION, u, shop_list(s, variant));
        if (rng_unit(&s->rng) < (variant ? buys_b : buys_a))
            shop_buy(s, u, u + DAY, 1000);
    }
    shop_store(s);
}

static void check_verdict(const char *definition, int n_a, int n_b, double buys_b, int64_t days,
                          const char *begins)
{
    struct experiment_shop s;
    char verdict[EXPERIMENT_REASON_MAX];
    int64_t now = SHOP_START + days * DAY;
    shop_open(&s, definition);
    buyers(&s, n_a, n_b, 0.5, buys_b);
    struct experiment_report r = shop_report(&s, now, 0);
    experiment_verdict(&s.entry, &r, now, verdict);
    ck_assert_msg(str_starts(str_of(verdict), str_of(begins)) && (*begins || !*verdict), "%s",
                  verdict);
    shop_close(&s);
}

#define GUARDED                                                                                    \
    "{\"placements\": [\"home\"], \"max_days\": 30, \"guardrails\": [{\"metric\": \"conversion\"," \
    " \"max_loss\": 0.1}], " TWO "}"

START_TEST(an_experiment_ends_where_something_is_wrong_and_only_there)
{
    check_verdict(GUARDED, 1000, 1000, 0.5, 10, "");
    check_verdict(GUARDED, 1000, 1000, 0.2, 10, "guard-rail: conversion of 'b'");
    check_verdict(GUARDED, 1000, 1000, 0.8, 10, "");
    /* Before the shoppers' days have passed nobody knows. */
    check_verdict(GUARDED, 1000, 1000, 0.2, 2, "");
    check_verdict(GUARDED, 1000, 600, 0.5, 10, "sample ratio");
    check_verdict(GUARDED, 300, 300, 0.5, 31, "max_days: 30");
}
END_TEST

START_TEST(a_difference_has_an_interval_and_nobody_has_none)
{
    struct experiment_shop s;
    struct buf text;
    struct json_writer w;
    shop_open(&s, "{\"placements\": [\"home\"], \"horizon_days\": 3, " TWO "}");
    buyers(&s, 800, 800, 0.3, 0.6);
    struct experiment_report r = shop_report(&s, SHOP_START + 10 * DAY, 0);
    struct sequential_result d = experiment_difference(&s.entry, &r, METRIC_CONVERSION, 1);
    ck_assert(d.low > 0.1 && d.high < 0.5 && d.p < 0.001);
    d = experiment_difference(&s.entry, &r, METRIC_REVENUE, 1);
    ck_assert(d.low > 100 && d.high < 500);
    r = shop_report(&s, SHOP_START + DAY, 0);
    d = experiment_difference(&s.entry, &r, METRIC_CONVERSION, 1);
    ck_assert(isnan(d.estimate) && isinf(d.high) && d.p == 1);
    buf_init(&text, 1 << 16);
    jw_init(&w, &text);
    experiment_report_write(&s.entry, &r, SHOP_START + DAY, &w);
    ck_assert_ptr_nonnull(strstr(text.data, "\"final\":0"));
    ck_assert_ptr_nonnull(strstr(text.data, "\"high\":null"));
    buf_release(&text);
    shop_close(&s);
}
END_TEST

START_TEST(one_that_has_not_begun_or_began_tomorrow_has_nothing_to_show)
{
    struct experiment_shop s;
    struct experiment_report r;
    struct err err;
    shop_open(&s, "{\"placements\": [\"home\"], " TWO "}");
    buyers(&s, 10, 10, 1, 1);
    struct experiment_report_options o = {.key = &s.key, .now_us = SHOP_START + 9 * DAY};
    s.entry.record.started_at = 0;
    ck_err(experiment_report_read(s.store, &s.entry, &o, &r, &err), ERR_CONFLICT);
    /* The clock went backwards since. */
    s.entry.record.started_at = SHOP_START + 30 * DAY;
    ck_ok(experiment_report_read(s.store, &s.entry, &o, &r, &err));
    ck_assert_uint_eq(r.arms[0].shoppers + r.arms[1].shoppers, 0);
    ck_assert_double_eq(r.ratio_p, 1);
    shop_close(&s);
}
END_TEST

SUITE("experiment_report", a_report_is_the_sum_of_what_each_shopper_did,
      an_experiment_ends_where_something_is_wrong_and_only_there,
      a_difference_has_an_interval_and_nobody_has_none,
      one_that_has_not_begun_or_began_tomorrow_has_nothing_to_show)
