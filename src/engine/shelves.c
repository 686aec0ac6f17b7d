/* shelves.c - the lists that are the same for everybody. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "num/topk.h"

static void fill_shelf(struct shelf *shelf, struct topk *best)
{
    size_t n = topk_finish(best);
    float top = n && best->items[0].score > 0 ? best->items[0].score : 1;
    for (size_t i = 0; i < n && shelf->len < SHELF_MAX; i++) {
        shelf->product_no[shelf->len] = best->items[i].id;
        shelf->score[shelf->len] = fmaxf(best->items[i].score / top, 1e-6f);
        shelf->len++;
    }
}

static bool shown(const struct view *v, uint32_t product_no)
{
    return live_sellable(v->live, product_no) &&
           location_found(catalogue_locate(v->catalogue, product_no));
}

/* Less than this is an echo of the past: popularity says more. */
#define HEAT_FLOOR 1e-3f

/* By heat; what is left of the shelf by long-term popularity, below the least hot. */
static void shelve_trending(struct view *v, int64_t now_us)
{
    struct topk_item items[SHELF_MAX];
    struct topk best;
    uint32_t end = live_end(v->live);
    topk_init(&best, items, SHELF_MAX);
    for (uint32_t no = 1; no < end; no++) {
        float heat = live_heat(v->live, no, now_us);
        if (heat >= HEAT_FLOOR && heat >= topk_threshold(&best) && shown(v, no))
            topk_push(&best, heat, no);
    }
    v->trending.len = 0;
    fill_shelf(&v->trending, &best);
    const struct recommend_model *m = view_model(v);
    if (!m || v->trending.len == SHELF_MAX)
        return;
    struct shelf rest = {0};
    topk_init(&best, items, SHELF_MAX);
    for (uint32_t row = 0; row < m->rows; row++)
        if (m->popularity[row] >= topk_threshold(&best) && shown(v, m->items[row]) &&
            live_heat(v->live, m->items[row], now_us) < HEAT_FLOOR)
            topk_push(&best, m->popularity[row], m->items[row]);
    fill_shelf(&rest, &best);
    float scale = v->trending.len ? v->trending.score[v->trending.len - 1] : 1;
    for (uint32_t i = 0; i < rest.len && v->trending.len < SHELF_MAX; i++) {
        v->trending.product_no[v->trending.len] = rest.product_no[i];
        v->trending.score[v->trending.len++] = rest.score[i] * scale;
    }
}

struct arrival {
    int64_t created_at;
    uint32_t product_no;
};

/* The newest first, of those of one moment the lower number. */
static int newest_first(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at > y->created_at ? -1 : 1;
    return x->product_no < y->product_no ? -1 : x->product_no > y->product_no;
}

/* The SHELF_MAX newest; more are taken in and cut again, so that sorting costs little for each. */
struct arrivals {
    struct arrival items[2 * SHELF_MAX];
    size_t len;
    int64_t since; /* older ones have no chance */
};

static void cut_arrivals(struct arrivals *a)
{
    qsort(a->items, a->len, sizeof *a->items, newest_first);
    if (a->len >= SHELF_MAX) {
        a->len = SHELF_MAX;
        a->since = a->items[SHELF_MAX - 1].created_at;
    }
}

static void shelve_arrivals(struct view *v, int64_t before_us)
{
    struct arrivals *a = MEM_NEW(struct arrivals);
    a->since = INT64_MIN;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = v->catalogue->segments[slot];
        for (uint32_t doc = 0; s && doc < s->docs; doc++) {
            if (s->created_at[doc] < a->since || s->created_at[doc] >= before_us ||
                !live_sellable(v->live, s->product_no[doc]) ||
                !catalogue_alive(v->catalogue, slot, doc))
                continue;
            if (a->len == 2 * SHELF_MAX)
                cut_arrivals(a);
            a->items[a->len++] = (struct arrival){s->created_at[doc], s->product_no[doc]};
        }
    }
    cut_arrivals(a);
    v->arrivals.len = (uint32_t)a->len;
    for (uint32_t i = 0; i < v->arrivals.len; i++) {
        v->arrivals.product_no[i] = a->items[i].product_no;
        v->arrivals.score[i] = 1 - (float)i / (SHELF_MAX + 1); /* by rank: times say little */
    }
    mem_free(a);
}

void shelve(struct view *v, int64_t now_us, int64_t before_us)
{
    shelve_trending(v, now_us);
    shelve_arrivals(v, before_us);
}

/* A view without newcomers is better than none. */
void renew_newcomers(struct engine *e, struct view *v)
{
    struct err err;
    newcomers_unref(v->newcomers);
    enum err_code code = newcomers_build(v->catalogue, view_model(v), v->live, &v->newcomers, &err);
    note_failure(e, &e->newcomers_failure, code, &err, "new products");
}

static void rebuild(struct engine *e, struct view *v, int64_t now_us)
{
    if (e->newcomers_stale)
        renew_newcomers(e, v);
    shelve(v, now_us, INT64_MAX); /* a shop's clock may be ahead of ours */
}

void rebuild_shelves(struct engine *e)
{
    struct view *next = next_view(e);
    int64_t now_us = clock_now_us();
    rebuild(e, next, now_us);
    for (size_t i = 0; i < next->versions_len; i++)
        rebuild(e, next->versions[i], now_us);
    e->newcomers_stale = false;
    publish_view(e, next);
    e->shelves_stale = false;
    e->shelves_at_ns = clock_mono_ns();
}
