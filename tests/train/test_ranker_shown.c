/* Simulated shoppers who open what they look at and like, and look at a place the less the further down it is: what a ranker
 * learns from their lists. */
#include "train/ranker_shown.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "eval/lists.h"
#include "recommend/features.h"
#include "train/bands_shop.h"
#include "train/propensity.h"
#include "train/ranker_train.h"

enum { SHOWN = 20, LISTS = 2400, CANDIDATES = 120 };
#define FIT_AT   (BEGIN + 50 * DAY)
#define VALID_AT (BEGIN + 75 * DAY)

static double look_at(size_t place)
{
    return pow((double)place, -1.2);
}

/* Who they like does not depend on where it stands. */
static double liking(uint32_t user, uint32_t product_no)
{
    bool kind = product_no % KINDS == user % KINDS,
         band = band_of(product_no) == user / KINDS % BANDS;
    return kind && band ? 0.7 : kind || band ? 0.15 : 0.03;
}

struct rig {
    struct shop s;
    struct engine *engine;
    struct view *view;
    struct interactions it;
    struct recommend_params params;
    struct list_key key;
};

static void open_engine(struct rig *r)
{
    struct derive_options derive = derive_defaults();
    struct engine_options o = {.frozen = true};
    struct err err;
    ck_ok(engine_open(r->s.store, &o, &r->engine, &err));
    r->view = engine_view(r->engine);
    ck_ok(derive_interactions(r->s.store, &derive, &r->it, NULL, &err));
}

static void close_engine(struct rig *r)
{
    view_unref(r->view);
    engine_close(r->engine);
    interactions_release(&r->it);
    r->it = (struct interactions){0};
}

static void open_past(struct rig *r, int64_t at, struct recommend_model *m, struct past *past)
{
    struct fit_options fit = {.until = at};
    struct err err;
    ck_ok(recommend_fit(&r->it, &r->params, &fit, m, &err));
    ck_ok(past_open(r->view, m, at, past, &err));
    for (size_t i = 0; i < r->it.len; i++)
        if (r->it.time[i] < at)
            past_act(past, 0, r->it.product_no[i], (enum event_type)r->it.type[i], r->it.time[i]);
    past_shelve(past);
}

/* --- simulation ------------------------------------------------------------------------------ */

struct simulation {
    const struct rig *rig;
    const struct past *past;
    struct rng rng;
    int64_t now;
    size_t events;
};

static enum err_code put(struct store_tx *tx, struct simulation *sim, const char *list,
                         uint32_t user, uint32_t product, int32_t place, enum event_type type,
                         struct err *err)
{
    char id[24], user_id[16], product_id[16];
    snprintf(id, sizeof id, "s%zu", sim->events++);
    snprintf(user_id, sizeof user_id, "u%u", user);
    snprintf(product_id, sizeof product_id, "p%u", product);
    struct event e = {.time = sim->now += 1000000,
                      .id = str_of(id),
                      .user_id = str_of(user_id),
                      .product_id = str_of(product_id),
                      .request_id = str_of(list),
                      .type = type,
                      .quantity = 1,
                      .position = place,
                      .value_minor = STORE_NO_AMOUNT};
    return events_add(tx, &e, 1, 0, NULL, NULL, err);
}

/* The sources' order, with some lots drawn, so that no product stands always at one place. */
static void shuffle(struct rng *rng, const struct recommend_examples *found, uint32_t *shown)
{
    bool taken[CANDIDATES] = {false};
    for (size_t place = 0; place < SHOWN; place++) {
        size_t i;
        do
            i = rng_below(rng, 2) ? rng_below(rng, found->n) : place;
        while (taken[i % found->n] || i >= found->n);
        taken[i] = true;
        shown[place] = found->product_no[i];
    }
}

static enum err_code simulate(struct store_tx *tx, void *arg, struct err *err)
{
    struct simulation *sim = arg;
    struct arena arena;
    enum err_code code = ERR_OK;
    arena_init(&arena, 0, 64 << 20);
    for (size_t i = 0; i < LISTS && code == ERR_OK; i++) {
        uint32_t user = 1 + (uint32_t)rng_below(&sim->rng, USERS), shown[SHOWN];
        char list[LIST_ID_SIZE];
        struct list_facts facts = {.placement = STR_LIT("home")};
        struct recommend_request r = {.placement = PLACEMENT_HOME, .limit = 1, .user_no = user};
        struct recommend_examples found;
        sim->now = FIT_AT + DAY + (int64_t)i * (20 * DAY / LISTS);
        r.now_us = sim->now;
        arena_reset(&arena);
        code = recommend_examples(&sim->past->view, &r, CANDIDATES, &arena, &found, err);
        if (code != ERR_OK || found.n < 2 * SHOWN)
            continue;
        list_id_make(&sim->rig->key, &facts, &sim->rng, list);
        shuffle(&sim->rng, &found, shown);
        for (int32_t place = 1; place <= SHOWN && code == ERR_OK; place++) {
            uint32_t no = shown[place - 1];
            code = put(tx, sim, list, user, no, place, EVENT_IMPRESSION, err);
            if (code == ERR_OK && rng_unit(&sim->rng) < look_at((size_t)place) * liking(user, no))
                code = put(tx, sim, list, user, no, place, EVENT_CLICK, err);
        }
    }
    arena_release(&arena);
    return code;
}

static struct rig *make_rig(void)
{
    struct rig *r = MEM_NEW(struct rig);
    struct recommend_model m;
    struct past past;
    struct err err;
    bool found;
    open_filled(&r->s);
    r->params = recommend_defaults();
    r->params.dim = 16;
    r->params.iterations = 4;
    ck_ok(list_key_load(r->s.store, &r->key, &found, &err));
    open_engine(r);
    open_past(r, FIT_AT, &m, &past);
    struct simulation sim = {.rig = r, .past = &past};
    rng_init(&sim.rng, 3);
    ck_ok(store_write(r->s.store, simulate, &sim, &err));
    past_close(&past);
    recommend_fit_release(&m);
    close_engine(r);
    open_engine(r); /* it knows what was opened */
    return r;
}

static void free_rig(struct rig *r)
{
    close_engine(r);
    shop_release(&r->s);
    mem_free(r);
}

/* --- what is learned ------------------------------------------------------------------------- */

static void fit(struct rig *r, const struct shown_lists *shown, bool unweighted, struct ranker *out,
                struct ranker_report *report)
{
    struct ranker_data d = {.view = r->view,
                            .it = &r->it,
                            .params = &r->params,
                            .shown = shown,
                            .fit_at = FIT_AT,
                            .valid_at = VALID_AT,
                            .until = END};
    struct ranker_options o = ranker_options_of(&r->params);
    struct buf file;
    struct err err;
    o.sets = 1u << SET_SHOWN;
    o.unweighted = unweighted;
    o.rounds = o.patience = 40; /* as many for both */
    o.trees.depth = 3;
    o.candidates = CANDIDATES;
    buf_init(&file, RANKER_BYTES_MAX);
    ck_ok(ranker_train(&d, &o, &file, report, &err));
    ck_assert_int_eq(report->set, SET_SHOWN);
    ck_assert_msg(file.len > 0, "%.4f to %.4f", report->of[0].blend, report->of[0].ranked);
    ck_ok(ranker_read(buf_str(&file), out, &err));
    buf_release(&file);
}

/* Mean NDCG@20 of every shopper's candidates by the trees, where what they like counts as 1. */
static double nearness(struct rig *r, const struct past *past, const struct ranker *ranker)
{
    double sum = 0;
    for (uint32_t user = 1; user <= USERS; user++) {
        struct recommend_request request = {
            .placement = PLACEMENT_HOME, .limit = 1, .user_no = user, .now_us = VALID_AT};
        struct recommend_examples found;
        struct err err;
        float margins[CANDIDATES], label[CANDIDATES];
        double ndcg;
        arena_reset(&r->s.arena);
        ck_ok(recommend_examples(&past->view, &request, CANDIDATES, &r->s.arena, &found, &err));
        trees_score(&ranker->trees, found.x, found.n, found.n, margins);
        for (size_t i = 0; i < found.n; i++)
            label[i] = liking(user, found.product_no[i]) > 0.5;
        size_t offsets[] = {0, found.n};
        struct ranked q = {1, offsets, label, NULL};
        ck_ok(ranked_ndcg(&q, 20, margins, NULL, &ndcg, &err));
        sum += ndcg;
    }
    return sum / USERS;
}

static void read_shown(struct rig *r, struct shown_lists *out)
{
    struct ranker_data d = {.fit_at = FIT_AT, .valid_at = VALID_AT};
    struct err err;
    ck_ok(ranker_shown_read(r->s.store, &d, out, &err));
}

START_TEST(weights_by_place_bring_the_order_nearer_to_what_shoppers_like)
{
    struct rig *r = make_rig();
    struct shown_lists shown;
    struct ranker weighted, plain;
    struct ranker_report report, plain_report;
    struct recommend_model m;
    struct past past;
    read_shown(r, &shown);
    ck_assert_uint_gt(shown.len, LISTS - 100);
    fit(r, &shown, false, &weighted, &report);
    fit(r, &shown, true, &plain, &plain_report);
    ck_assert(report.looks_known[PLACEMENT_HOME] && !report.looks_known[PLACEMENT_SIMILAR]);
    for (size_t place = 1; place <= 6; place++)
        ck_assert_msg(fabs((double)report.looks[PLACEMENT_HOME][place - 1] / look_at(place) - 1) <
                          0.35,
                      "place %zu is looked at %.3f, they say %.3f", place, look_at(place),
                      (double)report.looks[PLACEMENT_HOME][place - 1]);
    open_past(r, VALID_AT, &m, &past);
    double with = nearness(r, &past, &weighted), without = nearness(r, &past, &plain);
    ck_assert_msg(1 - with < 0.7 * (1 - without), "with weights %.4f, without %.4f", with, without);
    past_close(&past);
    recommend_fit_release(&m);
    ranker_release(&weighted);
    ranker_release(&plain);
    shown_lists_release(&shown);
    free_rig(r);
}
END_TEST

SUITE("ranker_shown", weights_by_place_bring_the_order_nearer_to_what_shoppers_like)
