#include "train/neighbours.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "num/topk.h"

enum { GRAIN = 32 };

struct pair {
    float sum;      /* of damp over shared groups */
    uint32_t count; /* shared groups */
};

struct lane {
    struct pair *pairs; /* [items] of the row under way; zero between rows */
    uint32_t *touched;  /* [items] */
};

struct fit {
    const struct matrix *by_group;
    struct matrix by_item;
    const struct neighbour_options *o;
    float *damp; /* [groups] */
    float *norm; /* [items] sqrt(n_i) */
    struct lane *lanes;
    struct topk_item *kept; /* [items][keep] */
    uint32_t *kept_len;     /* [items] */
    _Atomic bool stopped;
};

/* The items of a group that count: its last group_max. */
static uint64_t group_begin(const struct fit *f, uint32_t group)
{
    uint64_t from = f->by_group->offsets[group], to = f->by_group->offsets[group + 1];
    return to - from > f->o->group_max ? to - f->o->group_max : from;
}

static uint32_t count_pairs(const struct fit *f, struct lane *lane, uint32_t item)
{
    uint32_t touched = 0;
    for (uint64_t i = f->by_item.offsets[item]; i < f->by_item.offsets[item + 1]; i++) {
        uint32_t group = f->by_item.column[i];
        for (uint64_t k = group_begin(f, group); k < f->by_group->offsets[group + 1]; k++) {
            struct pair *p = &lane->pairs[f->by_group->column[k]];
            if (p->count++ == 0)
                lane->touched[touched++] = f->by_group->column[k];
            p->sum += f->damp[group];
        }
    }
    return touched;
}

static void fit_item(const struct fit *f, struct lane *lane, uint32_t item)
{
    struct topk best;
    uint32_t touched = count_pairs(f, lane, item);
    topk_init(&best, f->kept + (size_t)item * f->o->keep, f->o->keep);
    for (uint32_t i = 0; i < touched; i++) {
        uint32_t other = lane->touched[i];
        struct pair p = lane->pairs[other];
        lane->pairs[other] = (struct pair){0};
        if (other == item || p.count < f->o->support)
            continue;
        float cosine = p.sum / (f->norm[item] * f->norm[other]);
        float score = cosine * (float)p.count / ((float)p.count + f->o->shrink);
        topk_push(&best, fminf(score, 1), other);
    }
    f->kept_len[item] = (uint32_t)topk_finish(&best);
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
    uint32_t items = f->by_group->columns, groups = f->by_group->rows;
    f->damp = mem_try_new(groups, sizeof *f->damp);
    f->norm = mem_try_new(items, sizeof *f->norm);
    f->kept = mem_try_new((size_t)items * f->o->keep, sizeof *f->kept);
    f->kept_len = mem_try_new(items, sizeof *f->kept_len);
    bool good = f->damp && f->norm && f->kept && f->kept_len;
    for (unsigned i = 0; i < lanes; i++) {
        f->lanes[i].pairs = mem_try_new(items, sizeof *f->lanes[i].pairs);
        f->lanes[i].touched = mem_try_new(items, sizeof *f->lanes[i].touched);
        good = good && f->lanes[i].pairs && f->lanes[i].touched;
    }
    if (!good)
        return err_set(err, ERR_MEMORY, "no memory for neighbours of %u items", items);
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t size = f->by_group->offsets[g + 1] - f->by_group->offsets[g];
        f->damp[g] = size ? 1 / log2f(1 + (float)size) : 0;
    }
    for (uint32_t item = 0; item < items; item++) {
        float n = 0;
        for (uint64_t i = f->by_item.offsets[item]; i < f->by_item.offsets[item + 1]; i++)
            n += f->damp[f->by_item.column[i]];
        f->norm[item] = sqrtf(n);
    }
    return ERR_OK;
}

static enum err_code pack(const struct fit *f, struct neighbour_result *out, struct err *err)
{
    uint32_t items = f->by_group->columns;
    struct neighbour_result r = {0};
    r.offsets = mem_try_new((size_t)items + 1, sizeof *r.offsets);
    if (r.offsets)
        for (uint32_t i = 0; i < items; i++)
            r.offsets[i + 1] = r.offsets[i] + f->kept_len[i];
    size_t total = r.offsets ? r.offsets[items] : 0;
    r.rows = mem_try_new(total, sizeof *r.rows);
    r.scores = mem_try_new(total, sizeof *r.scores);
    if (!r.offsets || !r.rows || !r.scores) {
        neighbours_release(&r);
        return err_set(err, ERR_MEMORY, "no memory for neighbours of %u items", items);
    }
    for (uint32_t i = 0; i < items; i++)
        for (uint32_t k = 0; k < f->kept_len[i]; k++) {
            r.rows[r.offsets[i] + k] = f->kept[(size_t)i * f->o->keep + k].id;
            r.scores[r.offsets[i] + k] = f->kept[(size_t)i * f->o->keep + k].score;
        }
    *out = r;
    return ERR_OK;
}

enum err_code neighbours_fit(const struct matrix *by_group, const struct neighbour_options *o,
                             struct pool *pool, struct neighbour_result *out, struct err *err)
{
    unsigned lanes = pool_lanes(pool);
    struct fit f = {.by_group = by_group, .o = o};
    f.lanes = mem_new(lanes, sizeof *f.lanes);
    enum err_code code = matrix_transpose(by_group, &f.by_item, err);
    if (code == ERR_OK)
        code = prepare(&f, lanes, err);
    if (code == ERR_OK) {
        pool_for(pool, by_group->columns, GRAIN, fit_range, &f);
        code = atomic_load(&f.stopped) ? signal_check(err) : pack(&f, out, err);
    }
    for (unsigned i = 0; i < lanes; i++) {
        mem_free(f.lanes[i].pairs);
        mem_free(f.lanes[i].touched);
    }
    mem_free(f.lanes);
    mem_free(f.damp);
    mem_free(f.norm);
    mem_free(f.kept);
    mem_free(f.kept_len);
    matrix_release(&f.by_item);
    return code;
}

void neighbours_release(struct neighbour_result *r)
{
    mem_free(r->offsets);
    mem_free(r->rows);
    mem_free(r->scores);
    *r = (struct neighbour_result){0};
}

float neighbours_scale(struct neighbour_result *r, uint32_t items)
{
    float most = 0;
    uint32_t n = r->offsets[items];
    for (uint32_t i = 0; i < n; i++)
        most = fmaxf(most, r->scores[i]);
    for (uint32_t i = 0; i < n; i++)
        r->scores[i] = fmaxf(r->scores[i] / most, FLT_MIN); /* a quotient may vanish */
    return n ? most : 1;
}
