/* rig.h - a shop with an engine that follows it, and what tests ask of both. */
#ifndef TESTS_ENGINE_RIG_H
#define TESTS_ENGINE_RIG_H

#include "base/fault.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "store/fixture.h"

enum { RIG_WAIT_MS = 50000 };

struct rig {
    struct shop shop;
    struct engine *engine;
    struct engine_options options;
};

static inline void rig_start(struct rig *r)
{
    struct err err;
    ck_ok(engine_open(r->shop.store, &r->options, &r->engine, &err));
}

static inline void rig_init(struct rig *r)
{
    *r = (struct rig){0};
    shop_init(&r->shop);
    rig_start(r);
}

/** Close engine and store, and open both anew. */
static inline void rig_restart(struct rig *r)
{
    engine_close(r->engine);
    shop_reopen(&r->shop);
    rig_start(r);
}

static inline void rig_release(struct rig *r)
{
    engine_close(r->engine);
    shop_release(&r->shop);
}

/** Commit the lent transaction and let the engine see it. */
static inline void rig_commit(struct rig *r)
{
    struct err err;
    tx_commit(&r->shop);
    ck_ok(engine_wait(r->engine, RIG_WAIT_MS, &err));
}

static inline uint32_t rig_put(struct rig *r, const char *id)
{
    uint32_t no = put_product(tx_begin(&r->shop), id);
    rig_commit(r);
    return no;
}

static inline bool view_shows(const struct view *v, uint32_t no)
{
    return location_found(catalogue_locate(v->catalogue, no)) && live_sellable(v->live, no);
}

/** Is the product in the present view, in stock and active? */
static inline bool rig_shows(struct rig *r, uint32_t no)
{
    struct view *v = engine_view(r->engine);
    bool shows = view_shows(v, no);
    view_unref(v);
    return shows;
}

static inline struct engine_stats rig_stats(struct rig *r)
{
    struct engine_stats s;
    engine_stats(r->engine, &s);
    return s;
}

/** How many mappings of this process have this in their name. */
static inline size_t mappings_of(const char *what)
{
    char line[8192];
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, what) != NULL;
    fclose(f);
    return n;
}

#endif
