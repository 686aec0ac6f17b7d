#include "train/transitions.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "base/signal.h"
#include "num/topk.h"

enum { GRAIN = 32 };

/* --- options --------------------------------------------------------------------------------- */

struct transition_options transition_defaults(void)
{
    return (struct transition_options){.keep = 400,
                                       .window = 20,
                                       .decay = .85F,
                                       .back = .2F,
                                       .alpha = .25F,
                                       .beta = .05F,
                                       .attributes = .6F,
                                       .boost = .5F,
                                       .attribute_items = 20000,
                                       .recency = .6F,
                                       .recent = 20};
}

static const struct tuning tunings[] = {
#define AT(field) offsetof(struct transition_options, field)
    {"keep", AT(keep), TUNING_U32, 1, TRANSITIONS_KEEP_MAX},
    {"window", AT(window), TUNING_U32, 1, TRANSITIONS_WINDOW_MAX},
    {"decay", AT(decay), TUNING_FLOAT, 0, 1},
    {"half_life_days", AT(half_life_days), TUNING_FLOAT, 0, 1e6},
    {"back", AT(back), TUNING_FLOAT, 0, 1},
    {"length_power", AT(length_power), TUNING_FLOAT, 0, 4},
    {"alpha", AT(alpha), TUNING_FLOAT, 0, 4},
    {"beta", AT(beta), TUNING_FLOAT, 0, 4},
    {"attributes", AT(attributes), TUNING_FLOAT, 0, 1e6},
    {"boost", AT(boost), TUNING_FLOAT, 0, 1e6},
    {"attribute_items", AT(attribute_items), TUNING_U32, 0, 1e9},
    {"recency", AT(recency), TUNING_FLOAT, 0, 1},
    {"recent", AT(recent), TUNING_U32, 1, 1e6},
#undef AT
};

enum err_code transition_option_set(struct transition_options *o, struct str text, struct err *err)
{
    return tuning_set(tunings, sizeof tunings / sizeof *tunings, o, text, err);
}

/* --- one row at a time ----------------------------------------------------------------------- */

struct lane {
    float *sum;        /* [items] of the row under way; zero between rows */
    uint32_t *touched; /* [items] */
    uint32_t touched_len;
};

/* A list for every item while they are made: room for `keep` each. */
struct lists {
    struct topk_item *kept; /* [items][keep] */
    uint32_t *len;          /* [items] */
    float mean;             /* of the items' best scores */
};

/* Which items have a thing, by thing. */
struct inverted {
    uint64_t *offsets; /* [things + 1] */
    uint64_t *place;   /* what each occurrence is: a place in the sequences, or an item */
};

struct fit {
    const struct transition_input *in;
    const struct transition_options *o;
    struct inverted places;  /* of items in the sequences */
    struct inverted holders; /* items by attribute */
    uint32_t *sequence_of;   /* [events] */
    float *by_gap;           /* [window + 1] decay^(gap - 1) */
    float *given;            /* [items] count^-alpha */
    float *foretold;         /* [items] count^-beta */
    float *idf;              /* [attributes] */
    float *length;           /* [items] of the attribute vector */
    struct lane *lanes;
    const struct lists *from; /* what a step reads */
    struct lists *to;         /* and what it makes */
    void (*fill)(const struct fit *f, struct lane *lane, uint32_t item);
    _Atomic bool stopped;
};

/* Sums are of positive numbers, so 0 says that an item was not met yet. */
static void add(struct lane *lane, uint32_t item, float value)
{
    if (!(value > 0))
        return;
    if (lane->sum[item] == 0)
        lane->touched[lane->touched_len++] = item;
    lane->sum[item] += value;
}

static float pair_weight(const struct fit *f, uint64_t p, uint64_t q)
{
    float w = f->by_gap[q - p];
    if (f->o->half_life_days > 0 && f->in->time_us) {
        double days = (double)(f->in->time_us[q] - f->in->time_us[p]) / (double)CLOCK_US_PER_DAY;
        w *= exp2f(-(float)fmax(days, 0) / f->o->half_life_days);
    }
    return w;
}

static void fill_transitions(const struct fit *f, struct lane *lane, uint32_t item)
{
    const struct transition_input *in = f->in;
    uint64_t window = f->o->window;
    for (uint64_t i = f->places.offsets[item]; i < f->places.offsets[item + 1]; i++) {
        uint64_t p = f->places.place[i];
        uint64_t begin = in->offsets[f->sequence_of[p]], end = in->offsets[f->sequence_of[p] + 1];
        float share = powf((float)(end - begin), -f->o->length_power) * f->given[item];
        for (uint64_t q = p + 1; q < end && q - p <= window; q++)
            add(lane, in->item[q], pair_weight(f, p, q) * share * f->foretold[in->item[q]]);
        for (uint64_t q = p; f->o->back > 0 && q > begin && p - (q - 1) <= window; q--)
            add(lane, in->item[q - 1],
                pair_weight(f, q - 1, p) * share * f->o->back * f->foretold[in->item[q - 1]]);
    }
}

/* The attributes' similarity to all items, then what the transitions say. */
static void fill_blend(const struct fit *f, struct lane *lane, uint32_t item)
{
    const struct transition_input *in = f->in;
    const struct topk_item *kept = f->from->kept + (size_t)item * f->o->keep;
    for (uint64_t i = in->attribute_offsets[item]; i < in->attribute_offsets[item + 1]; i++) {
        uint32_t attribute = in->attribute[i];
        uint64_t begin = f->holders.offsets[attribute], end = f->holders.offsets[attribute + 1];
        if (end - begin > f->o->attribute_items)
            continue;
        float w = f->idf[attribute] * f->idf[attribute] / f->length[item];
        for (uint64_t k = begin; k < end; k++) {
            uint32_t other = (uint32_t)f->holders.place[k];
            add(lane, other, f->o->attributes * w / f->length[other]);
        }
    }
    for (uint32_t k = 0; k < f->from->len[item]; k++) {
        float alike = f->o->attributes > 0 ? lane->sum[kept[k].id] / f->o->attributes : 0;
        add(lane, kept[k].id, kept[k].score / f->from->mean * (1 + f->o->boost * alike));
    }
}

static void keep_best(const struct fit *f, struct lane *lane, uint32_t item)
{
    struct topk best;
    topk_init(&best, f->to->kept + (size_t)item * f->o->keep, f->o->keep);
    for (uint32_t i = 0; i < lane->touched_len; i++) {
        uint32_t other = lane->touched[i];
        if (other != item)
            topk_push(&best, lane->sum[other], other);
        lane->sum[other] = 0;
    }
    lane->touched_len = 0;
    f->to->len[item] = (uint32_t)topk_finish(&best);
}

static void fit_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct fit *f = arg;
    for (size_t item = begin; item < end; item++) {
        if (signal_stopping())
            atomic_store(&f->stopped, true);
        if (atomic_load(&f->stopped))
            return;
        f->fill(f, &f->lanes[lane], (uint32_t)item);
        keep_best(f, &f->lanes[lane], (uint32_t)item);
    }
}

/* --- steps ----------------------------------------------------------------------------------- */

static void lists_release(struct lists *l)
{
    mem_free(l->kept);
    mem_free(l->len);
    *l = (struct lists){0};
}

static enum err_code no_memory(const struct fit *f, struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory for transitions of %u items", f->in->items);
}

/* Make a list for every item. In the order of the items whatever the threads did, the mean is one. */
static enum err_code step(struct fit *f, struct pool *pool,
                          void (*fill)(const struct fit *f, struct lane *lane, uint32_t item),
                          struct lists *out, struct err *err)
{
    uint32_t items = f->in->items, some = 0;
    double sum = 0;
    out->kept = mem_try_new((size_t)items * f->o->keep, sizeof *out->kept);
    out->len = mem_try_new(items, sizeof *out->len);
    if (!out->kept || !out->len)
        return no_memory(f, err);
    f->fill = fill;
    f->to = out;
    pool_for(pool, items, GRAIN, fit_range, f);
    if (atomic_load(&f->stopped))
        return signal_check(err);
    for (uint32_t i = 0; i < items; i++)
        if (out->len[i]) {
            sum += (double)out->kept[(size_t)i * f->o->keep].score;
            some++;
        }
    out->mean = some && sum > 0 ? (float)(sum / some) : 1;
    return ERR_OK;
}

static enum err_code run_steps(struct fit *f, struct pool *pool, struct lists *out, struct err *err)
{
    struct lists transitions = {0};
    bool blend = f->in->attribute && f->o->attributes > 0;
    enum err_code code = step(f, pool, fill_transitions, blend ? &transitions : out, err);
    f->from = &transitions;
    if (code == ERR_OK && blend)
        code = step(f, pool, fill_blend, out, err);
    lists_release(&transitions);
    return code;
}

/* --- preparation ----------------------------------------------------------------------------- */

/* Rows of things, turned round: for each thing the rows that have it, or the places where it stands; ascending. */
static bool invert(const uint64_t *offsets, uint32_t rows, const uint32_t *thing, uint32_t things,
                   bool by_row, struct inverted *out)
{
    out->offsets = mem_try_new((size_t)things + 2, sizeof *out->offsets);
    out->place = mem_try_new(offsets[rows], sizeof *out->place);
    if (!out->offsets || !out->place)
        return false;
    for (uint64_t i = 0; i < offsets[rows]; i++)
        out->offsets[thing[i] + 2]++;
    for (uint32_t t = 0; t < things; t++)
        out->offsets[t + 2] += out->offsets[t + 1];
    for (uint32_t r = 0; r < rows; r++)
        for (uint64_t i = offsets[r]; i < offsets[r + 1]; i++)
            out->place[out->offsets[thing[i] + 1]++] = by_row ? r : i;
    return true;
}

static bool prepare_attributes(struct fit *f)
{
    const struct transition_input *in = f->in;
    f->idf = mem_try_new(in->attributes, sizeof *f->idf);
    f->length = mem_try_new(in->items, sizeof *f->length);
    if (!f->idf || !f->length ||
        !invert(in->attribute_offsets, in->items, in->attribute, in->attributes, true, &f->holders))
        return false;
    for (uint32_t a = 0; a < in->attributes; a++) {
        uint64_t have = f->holders.offsets[a + 1] - f->holders.offsets[a];
        f->idf[a] = have ? logf((float)in->items / (float)have) : 0;
    }
    for (uint32_t i = 0; i < in->items; i++) {
        double sum = 0;
        for (uint64_t k = in->attribute_offsets[i]; k < in->attribute_offsets[i + 1]; k++)
            sum += (double)f->idf[in->attribute[k]] * (double)f->idf[in->attribute[k]];
        f->length[i] = sum > 0 ? (float)sqrt(sum) : 1;
    }
    return true;
}

static bool prepare_lanes(struct fit *f, unsigned lanes)
{
    for (unsigned i = 0; i < lanes; i++) {
        f->lanes[i].sum = mem_try_new(f->in->items, sizeof *f->lanes[i].sum);
        f->lanes[i].touched = mem_try_new(f->in->items, sizeof *f->lanes[i].touched);
        if (!f->lanes[i].sum || !f->lanes[i].touched)
            return false;
    }
    return true;
}

static bool prepare(struct fit *f, unsigned lanes)
{
    const struct transition_input *in = f->in;
    const struct transition_options *o = f->o;
    uint64_t events = in->offsets[in->sequences];
    f->sequence_of = mem_try_new(events, sizeof *f->sequence_of);
    f->by_gap = mem_try_new((size_t)o->window + 1, sizeof *f->by_gap);
    f->given = mem_try_new(in->items, sizeof *f->given);
    f->foretold = mem_try_new(in->items, sizeof *f->foretold);
    if (!f->sequence_of || !f->by_gap || !f->given || !f->foretold || !prepare_lanes(f, lanes) ||
        !invert(in->offsets, in->sequences, in->item, in->items, false, &f->places))
        return false;
    for (uint32_t s = 0; s < in->sequences; s++)
        for (uint64_t p = in->offsets[s]; p < in->offsets[s + 1]; p++)
            f->sequence_of[p] = s;
    for (uint32_t gap = 1; gap <= o->window; gap++)
        f->by_gap[gap] = powf(o->decay, (float)(gap - 1));
    for (uint32_t i = 0; i < in->items; i++) {
        float count = (float)(f->places.offsets[i + 1] - f->places.offsets[i]);
        f->given[i] = powf(fmaxf(count, 1), -o->alpha);
        f->foretold[i] = powf(fmaxf(count, 1), -o->beta);
    }
    return !in->attribute || o->attributes <= 0 || prepare_attributes(f);
}

static void fit_release(struct fit *f, unsigned lanes)
{
    for (unsigned i = 0; i < lanes; i++) {
        mem_free(f->lanes[i].sum);
        mem_free(f->lanes[i].touched);
    }
    mem_free(f->lanes);
    mem_free(f->places.offsets);
    mem_free(f->places.place);
    mem_free(f->holders.offsets);
    mem_free(f->holders.place);
    mem_free(f->sequence_of);
    mem_free(f->by_gap);
    mem_free(f->given);
    mem_free(f->foretold);
    mem_free(f->idf);
    mem_free(f->length);
}

enum err_code transitions_fit(const struct transition_input *in, const struct transition_options *o,
                              struct pool *pool, struct neighbour_result *out, struct err *err)
{
    unsigned lanes = pool_lanes(pool);
    struct fit f = {.in = in, .o = o};
    struct lists lists = {0};
    f.lanes = mem_new(lanes, sizeof *f.lanes);
    enum err_code code = prepare(&f, lanes) ? ERR_OK : no_memory(&f, err);
    if (code == ERR_OK)
        code = run_steps(&f, pool, &lists, err);
    if (code == ERR_OK)
        code = neighbours_pack(lists.kept, lists.len, in->items, o->keep, out, err);
    lists_release(&lists);
    fit_release(&f, lanes);
    return code;
}

/* --- queries --------------------------------------------------------------------------------- */

void transitions_score(const struct neighbour_result *r, const struct transition_options *o,
                       const uint32_t *history, size_t n, float *scores)
{
    float weight = 1;
    for (size_t age = 0; age < n && age < o->recent; age++) {
        uint32_t item = history[n - 1 - age];
        for (uint32_t k = r->offsets[item]; k < r->offsets[item + 1]; k++)
            scores[r->rows[k]] += weight * r->scores[k];
        weight *= o->recency;
    }
}
