/* demo.h - a shop of its own: products, shoppers, events and orders drawn from a choice model.
 *
 * Model:   docs/demo-shop.md. Products have hidden style vectors, shoppers hidden tastes; what a
 *          trainer may learn shows in their co-behaviour alone.
 * Order:   all products, then all users, then events and orders session by session in the order in
 *          which the sessions start; an order follows its purchase events at once.
 * Seed:    the same options give the same records, byte for byte. A larger `products` keeps the
 *          products of a smaller one as its beginning.
 * Memory:  about 70 bytes a product, 140 a shopper and 8 a visit; nothing grows with the events.
 * Threads: one at a time; two generators do not know each other. */
#ifndef DEMO_DEMO_H
#define DEMO_DEMO_H

#include <stdint.h>

#include "base/err.h"
#include "store/records.h"

enum {
    DEMO_PRODUCTS = 2000, /* what a demonstration shop has unless told otherwise */
    DEMO_USERS = 3000,
    DEMO_EVENTS = 200000,
    DEMO_PRODUCTS_MAX = 10000000,
    DEMO_USERS_MAX = 10000000,
    DEMO_EVENTS_MAX = 1000000000,
};

struct demo_options {
    uint64_t seed;     /* any */
    uint32_t products; /* exact number of products; 0: DEMO_PRODUCTS */
    uint32_t users;    /* registered shoppers, guests come on top; 0: DEMO_USERS */
    uint64_t events;   /* aimed at, reached within a few per cent; 0: DEMO_EVENTS */
    int64_t now_us;    /* when the history ends; 0: demo_today_us() */
};

/** Put the defaults in: what demo_generate would make of given. now_us stays 0 if it is.
 *  ERR_LIMIT  beyond DEMO_*_MAX. */
ERR_MUST_USE enum err_code demo_options_fill(const struct demo_options *given,
                                             struct demo_options *out, struct err *err);

/** The default end of a history: the clock, rounded down to the day. */
int64_t demo_today_us(void);

/** Who receives the records. Each record and its text live until the call returns. What a call
 *  returns other than ERR_OK ends the generation with it. No member may be NULL. */
struct demo_sink {
    void *ctx;
    enum err_code (*on_product)(void *ctx, const struct product *p, struct err *err);
    enum err_code (*on_user)(void *ctx, const struct user *u, struct err *err);
    enum err_code (*on_event)(void *ctx, const struct event *e, struct err *err);
    enum err_code (*on_order)(void *ctx, const struct order *o, struct err *err);
};

struct demo_totals {
    uint64_t products, users, events, orders, sessions;
};

/** Generate a whole shop into sink. totals (may be NULL) is filled as far as it came.
 *  ERR_LIMIT   options beyond DEMO_*_MAX.
 *  ERR_MEMORY  the tables do not fit.
 *  or what the sink returned. */
ERR_MUST_USE enum err_code demo_generate(const struct demo_options *options,
                                         const struct demo_sink *sink, struct demo_totals *totals,
                                         struct err *err);

/** A shopper for the storefront's switch: generated like any other, with a strong taste. The same in
 *  every shop of at least DEMO_SHOWCASE_USERS users; also in the user's attributes:
 *  {"language", "city", "showcase": rank, "name": {"en", "zh"}, "taste": {"en", "zh"}}. */
struct demo_showcase {
    const char *id; /* the user's id */
    const char *name_en, *name_zh;
    const char *taste_en, *taste_zh; /* one sentence each */
};

enum { DEMO_SHOWCASE_USERS = 8 };

/** returns borrowed table [DEMO_SHOWCASE_USERS], for ever. */
const struct demo_showcase *demo_showcase_users(void);

#endif
