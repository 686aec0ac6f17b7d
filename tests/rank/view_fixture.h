/* view_fixture.h - a view without an engine, for the tests of rank/, recommend/ and search/: products
 * go into segments in memory and into live columns, a model through a temporary file. */
#ifndef TESTS_RANK_VIEW_FIXTURE_H
#define TESTS_RANK_VIEW_FIXTURE_H

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/view.h"
#include "index/catalogue.h"
#include "index/segment_build.h"
#include "rank/rules.h"
#include "support/suite.h"

struct view_fixture {
    struct live *live;
    struct users *users;
    struct shop_profile shop;
    struct view *view;
    struct rule_rows *rules; /* owned reference; NULL: none were put */
    struct arena arena;      /* for requests and their results */
};

static inline currency_code fixture_currency(const char *name)
{
    currency_code code;
    ck_assert(currency_of(str_of(name), &code));
    return code;
}

static inline void fixture_init(struct view_fixture *f)
{
    *f = (struct view_fixture){.live = live_new(), .users = users_new()};
    f->shop.languages[f->shop.languages_len++] = STR_LIT("en");
    f->shop.languages[f->shop.languages_len++] = STR_LIT("zh");
    f->shop.currency = fixture_currency("EUR");
    f->view = MEM_NEW(struct view);
    f->view->refs = 1;
    f->view->catalogue = catalogue_new();
    f->view->shop = &f->shop;
    f->view->live = live_ref(f->live);
    f->view->users = f->users;
    arena_init(&f->arena, 0, 64 << 20);
}

static inline void fixture_release(struct view_fixture *f)
{
    view_unref(f->view);
    rule_rows_unref(f->rules);
    users_free(f->users);
    live_unref(f->live);
    arena_release(&f->arena);
}

static inline void fixture_next(struct view_fixture *f, struct catalogue *next)
{
    catalogue_unref(f->view->catalogue);
    f->view->catalogue = next;
    f->view->generation++;
}

/** The products' texts as one more segment, which supersedes what had their numbers. Ascending. */
static inline void fixture_index(struct view_fixture *f, const struct product *const *products,
                                 size_t n)
{
    struct segment_builder *b;
    struct segment *s;
    struct catalogue *next;
    struct err err;
    ck_ok(segment_builder_new(f->shop.languages, f->shop.languages_len, &b, &err));
    for (size_t i = 0; i < n; i++)
        ck_ok(segment_builder_add(b, products[i], &err));
    ck_ok(segment_builder_finish_memory(b, &s, &err));
    segment_builder_free(b);
    ck_ok(catalogue_add(f->view->catalogue, s, NULL, 0, &next, &err));
    fixture_next(f, next);
}

/** What is live of a product. */
static inline void fixture_live(struct view_fixture *f, const struct product *p)
{
    struct err err;
    struct live_row row = {.price_minor = p->price_minor,
                           .list_price_minor = p->list_price_minor,
                           .stock = p->stock,
                           .currency = p->currency,
                           .status = p->status};
    ck_ok(live_set(f->live, p->no, &row, &err));
}

/** Both, for one product. */
static inline void fixture_put(struct view_fixture *f, const struct product *p)
{
    fixture_live(f, p);
    fixture_index(f, &p, 1);
}

static inline void fixture_remove(struct view_fixture *f, uint32_t product_no)
{
    struct catalogue *next;
    struct err err;
    ck_ok(catalogue_add(f->view->catalogue, NULL, &product_no, 1, &next, &err));
    fixture_next(f, next);
}

/** All living docs into one segment. */
static inline void fixture_merge(struct view_fixture *f)
{
    uint32_t slots[CATALOGUE_SLOTS];
    size_t n = 0;
    struct segment *merged;
    struct catalogue *next;
    struct err err;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        if (f->view->catalogue->segments[slot])
            slots[n++] = slot;
    ck_ok(catalogue_merge(f->view->catalogue, slots, n, f->shop.languages, f->shop.languages_len,
                          &merged, &err));
    ck_ok(catalogue_replace(f->view->catalogue, slots, n, merged, &next, &err));
    fixture_next(f, next);
}

/** Serve this model, through a file as in a shop. */
static inline void fixture_model(struct view_fixture *f, const struct recommend_model *m)
{
    char path[] = "/tmp/aisle-model-XXXXXX";
    struct err err;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    f->view->model = MEM_NEW(struct served_model);
    f->view->model->refs = 1;
    ck_ok(recommend_model_write(m, path, &err));
    ck_ok(recommend_model_open(path, true, &f->view->model->recommend, &err));
    unlink(path);
}

static inline const struct bound_filter *fixture_filter(struct view_fixture *f, const char *text)
{
    struct filter *filter;
    struct bound_filter *bound;
    struct err err;
    ck_ok(filter_parse(str_of(text), &f->arena, &filter, &err));
    ck_ok(filter_bind(filter, f->view, f->shop.currency, &f->arena, &bound, &err));
    return bound;
}

/** The same, asked by a shopper at some time. */
static inline const struct bound_filter *fixture_filter_for(struct view_fixture *f, struct str text,
                                                            uint32_t user_no, int64_t now_us)
{
    struct filter *filter;
    struct bound_filter *bound;
    struct err err;
    struct filter_asker asker = {f->shop.currency, user_no, now_us};
    ck_ok(filter_parse(text, &f->arena, &filter, &err));
    ck_ok(filter_bind_for(filter, f->view, &asker, &f->arena, &bound, &err));
    return bound;
}

/** Compile the rules for the present catalogue, as the engine does when it has changed. */
static inline void fixture_compile_rules(struct view_fixture *f)
{
    struct compiled_rules *before = f->view->rules;
    f->view->rules = rules_compiler.compile(f->rules, f->view, before);
    compiled_rules_unref(before);
}

/** Put these definitions (rank/rules.h), named r0, r1, ... and all of one priority, in force, as the engine
 *  does when they change. */
static inline void fixture_rules(struct view_fixture *f, const char *const *definitions, size_t n)
{
    struct rule_rows *rows = MEM_NEW(struct rule_rows);
    rows->refs = 1;
    arena_init(&rows->texts, 0, 64 << 20);
    rows->items = mem_new(n ? n : 1, sizeof *rows->items);
    rows->len = n;
    for (size_t i = 0; i < n; i++)
        rows->items[i] =
            (struct rule_row){.no = (int64_t)i + 1,
                              .id = arena_printf(&rows->texts, "r%zu", i),
                              .enabled = true,
                              .definition = arena_str(&rows->texts, str_of(definitions[i]))};
    rule_rows_unref(f->rules);
    f->rules = rows;
    fixture_compile_rules(f);
}

/** A product that is for sale; the rest is the caller's to fill. */
static inline struct product fixture_product(uint32_t no, const char *id, const char *title)
{
    return (struct product){.no = no,
                            .id = str_of(id),
                            .title = str_of(title),
                            .price_minor = STORE_NO_AMOUNT,
                            .list_price_minor = STORE_NO_AMOUNT,
                            .stock = STORE_STOCK_UNTRACKED,
                            .status = PRODUCT_ACTIVE,
                            .language = STR_LIT("en"),
                            .created_at = 1000000};
}

/** Live columns at random, in two currencies, some absent. */
static inline void fixture_trade(struct product *p, struct rng *r)
{
    p->currency = fixture_currency(rng_below(r, 4) ? "EUR" : "JPY");
    p->price_minor = rng_below(r, 8) ? (int64_t)rng_below(r, 50) * 100 : STORE_NO_AMOUNT;
    p->list_price_minor = rng_below(r, 2) ? (int64_t)rng_below(r, 60) * 100 : STORE_NO_AMOUNT;
    if (p->price_minor == STORE_NO_AMOUNT && p->list_price_minor == STORE_NO_AMOUNT)
        p->currency = 0;
    p->stock = rng_below(r, 3) ? (int64_t)rng_below(r, 4) : STORE_STOCK_UNTRACKED;
    p->status = rng_below(r, 10) ? PRODUCT_ACTIVE : PRODUCT_INACTIVE;
}

#endif
