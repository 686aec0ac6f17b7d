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
    float sum;      /* over shared groups of what both weigh in them */
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
    float *weight; /* [cells of by_group] of an item in a group */
    float *norm;   /* [items] what sums are divided by */
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
        float mine = f->by_item.value[i];
        for (uint64_t k = group_begin(f, group); k < f->by_group->offsets[group + 1]; k++) {
            struct pair *p = &lane->pairs[f->by_group->column[k]];
            if (p->count++ == 0)
                lane->touched[touched++] = f->by_group->column[k];
            p->sum += mine * f->weight[k];
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
        float score = p.sum / (f->norm[item] * f->norm[other]);
        score *= (float)p.count / ((float)p.count + f->o->shrink);
        if (score > 0)
            topk_push(&best, score, other);
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

/* --- weights --------------------------------------------------------------------------------- */

static uint64_t size_of(const struct matrix *m, uint32_t row)
{
    return m->offsets[row + 1] - m->offsets[row];
}

/* So that what two items weigh in a group together is its damping. */
static void weigh_cosine(struct fit *f)
{
    const struct matrix *m = f->by_group;
    for (uint32_t g = 0; g < m->rows; g++) {
        float damp = size_of(m, g) ? 1 / log2f(1 + (float)size_of(m, g)) : 0;
        for (uint64_t i = m->offsets[g]; i < m->offsets[g + 1]; i++) {
            f->weight[i] = sqrtf(damp);
            f->norm[m->column[i]] += damp;
        }
    }
    for (uint32_t item = 0; item < m->columns; item++)
        f->norm[item] = sqrtf(f->norm[item]);
}

static void weigh_bm25(struct fit *f)
{
    const struct matrix *m = f->by_group;
    float k1 = f->o->bm25, b = f->o->b;
    double sum = 0;
    for (uint64_t i = 0; i < matrix_cells(m); i++) {
        f->norm[m->column[i]] += m->value[i];
        sum += (double)m->value[i];
    }
    float mean = m->columns ? (float)(sum / m->columns) : 0;
    for (uint32_t g = 0; g < m->rows; g++) {
        float idf = fmaxf(logf((float)m->columns / (1 + (float)size_of(m, g))), 0);
        for (uint64_t i = m->offsets[g]; i < m->offsets[g + 1]; i++) {
            float length = 1 - b + b * f->norm[m->column[i]] / mean;
            f->weight[i] = idf * m->value[i] * (k1 + 1) / (k1 * length + m->value[i]);
        }
    }
    for (uint32_t item = 0; item < m->columns; item++)
        f->norm[item] = 1;
}

static enum err_code weigh(struct fit *f, struct err *err)
{
    const struct matrix *m = f->by_group;
    f->weight = mem_try_new(matrix_cells(m), sizeof *f->weight);
    f->norm = mem_try_new(m->columns, sizeof *f->norm);
    if (!f->weight || !f->norm)
        return err_set(err, ERR_MEMORY, "no memory for neighbours of %u items", m->columns);
    if (f->o->bm25 > 0)
        weigh_bm25(f);
    else
        weigh_cosine(f);
    struct matrix weighted = *m;
    weighted.value = f->weight;
    return matrix_transpose(&weighted, &f->by_item, err);
}

/* At most 1: cosines but for rounding, the others by the greatest of all. */
static void scale(const struct fit *f)
{
    uint32_t items = f->by_group->columns, keep = f->o->keep;
    float most = 0;
    for (uint32_t i = 0; i < items && f->o->bm25 > 0; i++)
        most = f->kept_len[i] ? fmaxf(most, f->kept[(size_t)i * keep].score) : most;
    for (uint32_t i = 0; i < items; i++)
        for (uint32_t k = 0; k < f->kept_len[i]; k++) {
            float *score = &f->kept[(size_t)i * keep + k].score;
            *score = fmaxf(fminf(most > 0 ? *score / most : *score, 1), FLT_MIN);
        }
}

static enum err_code prepare(struct fit *f, unsigned lanes, struct err *err)
{
    uint32_t items = f->by_group->columns;
    f->kept = mem_try_new((size_t)items * f->o->keep, sizeof *f->kept);
    f->kept_len = mem_try_new(items, sizeof *f->kept_len);
    bool good = f->kept && f->kept_len;
    for (unsigned i = 0; i < lanes; i++) {
        f->lanes[i].pairs = mem_try_new(items, sizeof *f->lanes[i].pairs);
        f->lanes[i].touched = mem_try_new(items, sizeof *f->lanes[i].touched);
        good = good && f->lanes[i].pairs && f->lanes[i].touched;
    }
    return good ? weigh(f, err)
                : err_set(err, ERR_MEMORY, "no memory for neighbours of %u items", items);
}

/* --- fitting --------------------------------------------------------------------------------- */

enum err_code neighbours_pack(const struct topk_item *kept, const uint32_t *kept_len,
                              uint32_t items, uint32_t keep, struct neighbour_result *out,
                              struct err *err)
{
    struct neighbour_result r = {0};
    uint64_t total = 0;
    for (uint32_t i = 0; i < items; i++)
        total += kept_len[i];
    if (total > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "%u items with %u neighbours each are too many", items,
                       keep);
    r.offsets = mem_try_new((size_t)items + 1, sizeof *r.offsets);
    if (r.offsets)
        for (uint32_t i = 0; i < items; i++)
            r.offsets[i + 1] = r.offsets[i] + kept_len[i];
    r.rows = mem_try_new(total, sizeof *r.rows);
    r.scores = mem_try_new(total, sizeof *r.scores);
    if (!r.offsets || !r.rows || !r.scores) {
        neighbours_release(&r);
        return err_set(err, ERR_MEMORY, "no memory for neighbours of %u items", items);
    }
    for (uint32_t i = 0; i < items; i++)
        for (uint32_t k = 0; k < kept_len[i]; k++) {
            r.rows[r.offsets[i] + k] = kept[(size_t)i * keep + k].id;
            r.scores[r.offsets[i] + k] = kept[(size_t)i * keep + k].score;
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
    enum err_code code = prepare(&f, lanes, err);
    if (code == ERR_OK) {
        pool_for(pool, by_group->columns, GRAIN, fit_range, &f);
        if (atomic_load(&f.stopped))
            code = signal_check(err);
    }
    if (code == ERR_OK) {
        scale(&f);
        code = neighbours_pack(f.kept, f.kept_len, by_group->columns, o->keep, out, err);
    }
    for (unsigned i = 0; i < lanes; i++) {
        mem_free(f.lanes[i].pairs);
        mem_free(f.lanes[i].touched);
    }
    mem_free(f.lanes);
    mem_free(f.weight);
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
