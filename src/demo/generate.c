/* generate.c - the order of things: products, shoppers, then visits as time goes by. */
#include "demo/demo.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "demo/visit_int.h"
#include "num/sample.h"

/* Visits of a trial run that tells how many events a visit has in this shop. */
enum { TRIAL_VISITS = 3000 };

/* Visits start no later than this before the end, so that they are over by then. */
enum { LAST_START_S = 86400 * HISTORY_DAYS - 2 * 3600, DAY_S = 86400 };

/* A planned visit in one number, in the order of starting: seconds, then shopper. */
static uint64_t plan_entry(int32_t start_s, uint32_t who)
{
    return (uint64_t)(uint32_t)start_s << 32 | who;
}

static int by_start(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The shop grows, lives from its evenings and weekends, and has its great sales in June and November. */
struct calendar {
    double until[HISTORY_DAYS + 1]; /* visits before day d, of all */
    int64_t start_us;
};

static void calendar_init(struct calendar *cal, int64_t now_us)
{
    cal->start_us = now_us - (int64_t)HISTORY_DAYS * CLOCK_US_PER_DAY;
    double sum = 0;
    for (int d = 0; d < HISTORY_DAYS; d++) {
        struct clock_civil day = clock_civil_of(cal->start_us + d * CLOCK_US_PER_DAY);
        bool weekend = day.weekday == 0 || day.weekday == 6;
        bool sale = (day.month == 11 && day.day >= 8 && day.day <= 11) ||
                    (day.month == 6 && day.day >= 16 && day.day <= 18);
        cal->until[d] = sum;
        sum += exp(.7 * d / HISTORY_DAYS) * (weekend ? 1.25 : 1) * (sale ? 2.2 : 1) *
               (day.month == 12 ? 1.25 : 1);
    }
    for (int d = 0; d < HISTORY_DAYS; d++)
        cal->until[d] /= sum;
    cal->until[HISTORY_DAYS] = 1;
}

static int day_of(const struct calendar *cal, double share)
{
    int lo = 0, hi = HISTORY_DAYS - 1;
    while (lo < hi) {
        int mid = (lo + hi + 1) / 2;
        if (cal->until[mid] <= share)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

/* Mostly in the evening, China time; a lunch peak; little at night. */
static int32_t draw_second(struct rng *r)
{
    double hour = rng_unit(r) < .3 ? 12.5 + 2 * rng_normal(r) : 20.3 + 2.2 * rng_normal(r);
    double utc = fmod(hour - 8 + 48, 24);
    int32_t second = (int32_t)(utc * 3600);
    return second < DAY_S ? second : DAY_S - 1;
}

static int32_t draw_start(const struct calendar *cal, struct rng *r, int32_t since_s)
{
    int since_day = since_s > 0 ? since_s / DAY_S : 0;
    double before = cal->until[since_day];
    int day = day_of(cal, before + (1 - before) * rng_unit(r));
    int32_t start = day * DAY_S + draw_second(r);
    if (start < since_s)
        start = since_s;
    return start < LAST_START_S ? start : LAST_START_S;
}

/* Every shopper comes once, the rest of the visits go to the active ones. returns owned list. */
static uint64_t *plan_visits(const struct world *w, uint32_t visits, struct err *err)
{
    const struct shoppers *s = &w->shoppers;
    uint64_t *plan = mem_try_new(visits, sizeof *plan);
    double *weights = mem_try_new(s->len, sizeof *weights);
    float *keep = mem_try_new(s->len, sizeof *keep);
    uint32_t *other = mem_try_new(s->len, sizeof *other);
    if (!plan || !weights || !keep || !other) {
        mem_free(plan);
        plan = NULL;
        err_set(err, ERR_MEMORY, "no memory for %u visits", visits);
        goto out;
    }
    for (uint32_t n = 0; n < s->len; n++)
        weights[n] = (double)s->list[n].activity;
    sample_alias_build(weights, s->len, keep, other);
    struct calendar cal;
    calendar_init(&cal, w->catalogue.now_us);
    struct rng r;
    rng_init_stream(&r, w->catalogue.seed, STREAM_PLAN);
    for (uint32_t i = 0; i < visits; i++) {
        uint32_t who = i < s->len ? i : sample_alias_draw(keep, other, s->len, &r);
        plan[i] = plan_entry(draw_start(&cal, &r, s->list[who].since_s), who);
    }
    qsort(plan, visits, sizeof *plan, by_start);
out:
    mem_free(weights);
    mem_free(keep);
    mem_free(other);
    return plan;
}

static enum err_code give_products(struct world *w, struct err *err)
{
    enum err_code code = ERR_OK;
    for (uint32_t i = 0; i < w->catalogue.items_len && !code; i++) {
        struct product p;
        describe_product(&w->catalogue, &w->catalogue.items[i], &w->text, &p);
        w->totals->products++;
        code = w->sink->on_product(w->sink->ctx, &p, err);
    }
    return code;
}

static enum err_code give_users(struct world *w, struct err *err)
{
    enum err_code code = ERR_OK;
    for (uint32_t n = 0; n < w->shoppers.users && !code; n++) {
        struct user u;
        describe_shopper(&w->catalogue, &w->shoppers, n, &w->text, &u);
        w->totals->users++;
        code = w->sink->on_user(w->sink->ctx, &u, err);
    }
    return code;
}

static enum err_code run_visits(struct world *w, uint32_t visits, struct err *err)
{
    uint64_t *plan = plan_visits(w, visits, err);
    if (!plan)
        return ERR_MEMORY;
    enum err_code code = ERR_OK;
    for (uint32_t i = 0; i < visits && !code; i++)
        code = visit_run(w, i, (uint32_t)plan[i], (int32_t)(plan[i] >> 32), err);
    mem_free(plan);
    return code;
}

static enum err_code ignore_event(void *ctx, const struct event *e, struct err *err)
{
    (void)ctx, (void)e, (void)err;
    return ERR_OK;
}

static enum err_code ignore_order(void *ctx, const struct order *o, struct err *err)
{
    (void)ctx, (void)o, (void)err;
    return ERR_OK;
}

/* A trial that nobody sees and the shoppers forget. */
static enum err_code measure_visits(struct world *w, double *events_per_visit, struct err *err)
{
    static const struct demo_sink nobody = {.on_event = ignore_event, .on_order = ignore_order};
    const struct demo_sink *sink = w->sink;
    struct demo_totals *totals = w->totals, trial = {0};
    w->sink = &nobody;
    w->totals = &trial;
    enum err_code code = run_visits(w, TRIAL_VISITS, err);
    w->sink = sink;
    w->totals = totals;
    for (uint32_t n = 0; n < w->shoppers.len; n++)
        shopper_forget(&w->shoppers.list[n]);
    *events_per_visit = (double)trial.events / TRIAL_VISITS;
    return code;
}

static enum err_code give_visits(struct world *w, uint64_t events, struct err *err)
{
    double events_per_visit;
    enum err_code code = measure_visits(w, &events_per_visit, err);
    if (code)
        return code;
    return run_visits(w, (uint32_t)ceil((double)events / events_per_visit), err);
}

enum err_code demo_options_fill(const struct demo_options *given, struct demo_options *out,
                                struct err *err)
{
    *out = *given;
    if (!out->products)
        out->products = DEMO_PRODUCTS;
    if (!out->users)
        out->users = DEMO_USERS;
    if (!out->events)
        out->events = DEMO_EVENTS;
    if (out->products > DEMO_PRODUCTS_MAX || out->users > DEMO_USERS_MAX ||
        out->events > DEMO_EVENTS_MAX)
        return err_set(err, ERR_LIMIT,
                       "a demonstration shop has at most %d products, %d users and %d events",
                       DEMO_PRODUCTS_MAX, DEMO_USERS_MAX, DEMO_EVENTS_MAX);
    return ERR_OK;
}

int64_t demo_today_us(void)
{
    int64_t now = clock_now_us();
    return now - now % CLOCK_US_PER_DAY;
}

enum err_code demo_generate(const struct demo_options *options, const struct demo_sink *sink,
                            struct demo_totals *totals, struct err *err)
{
    struct demo_options o;
    enum err_code code = demo_options_fill(options, &o, err);
    if (code)
        return code;
    if (!o.now_us)
        o.now_us = demo_today_us();
    struct demo_totals unseen;
    struct world *w = MEM_NEW(struct world);
    w->sink = sink;
    w->totals = totals ? totals : &unseen;
    *w->totals = (struct demo_totals){0};
    buf_init(&w->text, PRODUCT_TEXT_MAX);
    buf_init(&w->ids, PRODUCT_TEXT_MAX);
    code = demo_catalogue_open(&w->catalogue, o.seed, o.products, o.now_us, err);
    if (!code)
        code = shoppers_open(&w->shoppers, &w->catalogue, o.users, err);
    if (!code)
        code = give_products(w, err);
    if (!code)
        code = give_users(w, err);
    if (!code)
        code = give_visits(w, o.events, err);
    demo_catalogue_release(&w->catalogue);
    shoppers_release(&w->shoppers);
    buf_release(&w->text);
    buf_release(&w->ids);
    mem_free(w);
    return code;
}
