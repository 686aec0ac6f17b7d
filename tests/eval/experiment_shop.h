/* experiment_shop.h - an invented shop with a running experiment whose shoppers behave as a test wants. */
#ifndef TESTS_EVAL_EXPERIMENT_SHOP_H
#define TESTS_EVAL_EXPERIMENT_SHOP_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "eval/experiment_report.h"
#include "store/events.h"
#include "support/suite.h"

#define SHOP_START (1700000000 * CLOCK_US_PER_S)

struct experiment_shop {
    char dir[64];
    struct store *store;
    struct list_key key;
    struct arena arena;
    struct rng rng;
    struct experiment_entry entry;
    struct event *events; /* [len], owned; texts in the arena */
    size_t len, cap;
};

struct edit_job {
    struct experiment_shop *s;
    const char *definition;
};

static enum err_code add_running(struct store_tx *tx, void *arg, struct err *err)
{
    const struct edit_job *job = arg;
    struct experiment_record r = {
        .id = STR_LIT("e"), .definition = str_of(job->definition), .salt = STR_LIT("s")};
    enum err_code code = experiment_add(tx, &r, err);
    if (code == ERR_OK)
        code = experiment_get(tx->db, r.id, &job->s->arena, &job->s->entry.record, err);
    job->s->entry.record.state = EXPERIMENT_RUNNING;
    job->s->entry.record.started_at = SHOP_START;
    return code == ERR_OK ? experiment_put(tx, &job->s->entry.record, err) : code;
}

static inline void shop_open(struct experiment_shop *s, const char *definition)
{
    struct edit_job job = {s, definition};
    struct err err;
    bool found;
    *s = (struct experiment_shop){0};
    snprintf(s->dir, sizeof s->dir, "/tmp/aisle-experiment-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    arena_init(&s->arena, 0, 256 << 20);
    rng_init(&s->rng, 5);
    ck_ok(store_open(&(struct store_options){.dir = s->dir}, &s->store, &err));
    ck_ok(list_key_load(s->store, &s->key, &found, &err));
    ck_ok(store_write(s->store, add_running, &job, &err));
    ck_ok(experiment_read(s->entry.record.definition, &s->arena, &s->entry.e, &err));
}

static inline void shop_close(struct experiment_shop *s)
{
    struct err err;
    store_close(s->store);
    mem_free(s->events);
    arena_release(&s->arena);
    ck_ok(fs_remove_tree(s->dir, &err));
}

/** The id of a list of the experiment's variant; variant -1: of no experiment. */
static inline struct str shop_list(struct experiment_shop *s, int variant)
{
    char id[LIST_ID_SIZE];
    struct list_facts f = {.placement = STR_LIT("home")};
    if (variant >= 0) {
        f.variants[f.variants_len++] = (struct list_variant){99, 0}; /* another layer's */
        f.variants[f.variants_len++] =
            (struct list_variant){(uint32_t)s->entry.record.no, (uint8_t)variant};
    }
    size_t n = list_id_make(&s->key, &f, &s->rng, id);
    return arena_str(&s->arena, (struct str){id, n});
}

static inline struct event *shop_event(struct experiment_shop *s, int shopper, enum event_type type,
                                       int64_t after_us, struct str list)
{
    if (s->len == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->events = mem_resize(s->events, s->cap, sizeof *s->events);
    }
    struct event *e = &s->events[s->len++];
    *e = (struct event){.time = SHOP_START + after_us,
                        .id = arena_printf(&s->arena, "e%zu", s->len),
                        .user_id = arena_printf(&s->arena, "u%d", shopper),
                        .product_id = arena_printf(&s->arena, "p%d", (int)rng_below(&s->rng, 5)),
                        .type = type,
                        .quantity = 1,
                        .position = -1,
                        .value_minor = STORE_NO_AMOUNT,
                        .request_id = list};
    return e;
}

static inline void shop_buy(struct experiment_shop *s, int shopper, int64_t after_us, int64_t minor)
{
    struct event *e = shop_event(s, shopper, EVENT_PURCHASE, after_us, (struct str){0});
    e->value_minor = minor;
    ck_assert(currency_of(STR_LIT("CNY"), &e->currency));
}

static enum err_code write_events(struct store_tx *tx, void *arg, struct err *err)
{
    struct experiment_shop *s = arg;
    struct event *copy = mem_new(s->len, sizeof *copy);
    memcpy(copy, s->events, s->len * sizeof *copy);
    enum err_code code = events_add(tx, copy, s->len, EVENTS_CREATE_PRODUCTS, NULL, NULL, err);
    mem_free(copy);
    return code;
}

static inline void shop_store(struct experiment_shop *s)
{
    struct err err;
    ck_ok(store_write(s->store, write_events, s, &err));
}

static inline struct experiment_report shop_report(struct experiment_shop *s, int64_t now_us,
                                                   size_t held_max)
{
    struct experiment_report r;
    struct err err;
    struct experiment_report_options o = {.key = &s->key, .now_us = now_us, .held_max = held_max};
    ck_assert(currency_of(STR_LIT("CNY"), &o.currency));
    ck_ok(experiment_report_read(s->store, &s->entry, &o, &r, &err));
    return r;
}

#endif
