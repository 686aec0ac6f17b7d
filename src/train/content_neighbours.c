/* content_neighbours.c - the products that read most like each product (content.h). */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "num/topk.h"
#include "train/content.h"

enum { GRAIN = 32, LOOKED_AT = 20000 /* products of features, of one item */ };

struct lane {
    float *sums;       /* [items] of the item under way; zero between items */
    uint32_t *touched; /* [items] */
    uint32_t touched_len;
    float *mine; /* [features] of the item under way; zero between items */
};

struct fit {
    const struct matrix *features;
    struct matrix by_feature;
    uint32_t keep;
    struct lane *lanes;
    struct topk_item *kept; /* [items][keep] */
    uint32_t *kept_len;     /* [items] */
    _Atomic bool stopped;
};

static uint64_t products_of(const struct fit *f, uint32_t feature)
{
    return f->by_feature.offsets[feature + 1] - f->by_feature.offsets[feature];
}

/* The item's features, those of the fewest products first. Returns how many. */
static size_t rarest_first(const struct fit *f, uint32_t item,
                           struct topk_item order[CONTENT_FEATURES_MAX])
{
    const struct matrix *m = f->features;
    size_t n = 0;
    for (uint64_t i = m->offsets[item]; i < m->offsets[item + 1]; i++)
        order[n++] = (struct topk_item){-(float)products_of(f, m->column[i]), m->column[i]};
    topk_order(order, n, n);
    return n;
}

/* Whoever shares one of the features that there is time for. */
static void gather(const struct fit *f, struct lane *lane, uint32_t item)
{
    struct topk_item order[CONTENT_FEATURES_MAX];
    size_t n = rarest_first(f, item, order);
    uint64_t looked_at = 0;
    lane->touched_len = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t feature = order[i].id;
        looked_at += products_of(f, feature);
        if (i > 0 && looked_at > LOOKED_AT)
            break;
        for (uint64_t k = f->by_feature.offsets[feature]; k < f->by_feature.offsets[feature + 1];
             k++) {
            uint32_t other = f->by_feature.column[k];
            if (other != item && lane->sums[other] == 0)
                lane->touched[lane->touched_len++] = other;
            if (other != item)
                lane->sums[other] += lane->mine[feature] * f->by_feature.value[k];
        }
    }
}

static float cosine(const struct fit *f, const struct lane *lane, uint32_t other)
{
    const struct matrix *m = f->features;
    float sum = 0;
    for (uint64_t i = m->offsets[other]; i < m->offsets[other + 1]; i++)
        sum += lane->mine[m->column[i]] * m->value[i];
    return fminf(sum, 1);
}

/* By what was looked at more are kept than are wanted, and those ranked by everything. */
static void fit_item(const struct fit *f, struct lane *lane, uint32_t item)
{
    enum { MORE = 4 };
    struct topk_item some[MORE * RECOMMEND_NEIGHBOURS_MAX];
    const struct matrix *m = f->features;
    struct topk top;
    for (uint64_t i = m->offsets[item]; i < m->offsets[item + 1]; i++)
        lane->mine[m->column[i]] = m->value[i];
    gather(f, lane, item);
    topk_init(&top, some, MORE * f->keep);
    for (uint32_t i = 0; i < lane->touched_len; i++) {
        topk_push(&top, lane->sums[lane->touched[i]], lane->touched[i]);
        lane->sums[lane->touched[i]] = 0;
    }
    size_t n = topk_finish(&top);
    struct topk_item *kept = f->kept + (size_t)item * f->keep;
    topk_init(&top, kept, f->keep);
    for (size_t i = 0; i < n; i++)
        topk_push(&top, cosine(f, lane, some[i].id), some[i].id);
    f->kept_len[item] = (uint32_t)topk_finish(&top);
    for (uint64_t i = m->offsets[item]; i < m->offsets[item + 1]; i++)
        lane->mine[m->column[i]] = 0;
}

static void fit_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct fit *f = arg;
    for (size_t item = begin; item < end; item++) {
        if (signal_stopping())
            atomic_store(&f->stopped, true);
        if (atomic_load(&f->stopped))
            return;
        fit_item(f, &f->lanes[lane], (uint32_t)item);
    }
}

static enum err_code prepare(struct fit *f, unsigned lanes, struct err *err)
{
    const struct matrix *m = f->features;
    f->lanes = mem_new(lanes, sizeof *f->lanes);
    f->kept = mem_try_new((size_t)m->rows * f->keep, sizeof *f->kept);
    f->kept_len = mem_try_new(m->rows, sizeof *f->kept_len);
    bool good = f->kept && f->kept_len;
    for (unsigned i = 0; i < lanes; i++) {
        struct lane *lane = &f->lanes[i];
        lane->sums = mem_try_new(m->rows, sizeof *lane->sums);
        lane->touched = mem_try_new(m->rows, sizeof *lane->touched);
        lane->mine = mem_try_new(m->columns, sizeof *lane->mine);
        good = good && lane->sums && lane->touched && lane->mine;
    }
    return good ? ERR_OK
                : err_set(err, ERR_MEMORY, "no memory for what %u products share", m->rows);
}

enum err_code content_neighbours_fit(const struct matrix *features, uint32_t keep,
                                     struct pool *pool, struct neighbour_result *out,
                                     struct err *err)
{
    unsigned lanes = pool_lanes(pool);
    struct fit f = {.features = features, .keep = keep};
    enum err_code code = matrix_transpose(features, &f.by_feature, err);
    if (code == ERR_OK)
        code = prepare(&f, lanes, err);
    if (code == ERR_OK) {
        pool_for(pool, features->rows, GRAIN, fit_range, &f);
        code = atomic_load(&f.stopped)
                   ? signal_check(err)
                   : neighbours_pack(f.kept, f.kept_len, features->rows, keep, out, err);
    }
    for (unsigned i = 0; i < lanes && f.lanes; i++) {
        mem_free(f.lanes[i].sums);
        mem_free(f.lanes[i].touched);
        mem_free(f.lanes[i].mine);
    }
    mem_free(f.lanes);
    mem_free(f.kept);
    mem_free(f.kept_len);
    matrix_release(&f.by_feature);
    return code;
}
