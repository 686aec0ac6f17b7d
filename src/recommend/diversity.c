#include "recommend/diversity.h"

#include <math.h>
#include <string.h>

#include "num/vec.h"

static const float *vector_of(const struct recommend_model *m, uint32_t product_no)
{
    uint32_t row = recommend_model_row(m, product_no);
    return row == UINT32_MAX ? NULL : m->vectors.exact + (size_t)row * m->dim;
}

static float length_of(const struct recommend_model *m, const float *v)
{
    return v ? sqrtf(vec->dot(v, v, m->dim)) : 0;
}

/* In [0, 1]; 0 where either is unknown or nothing. */
static float likeness(const struct recommend_model *m, const float *a, float a_length,
                      const float *b, float b_length)
{
    float lengths = a_length * b_length;
    if (!(lengths > 0))
        return 0;
    float cosine = vec->dot(a, b, m->dim) / lengths;
    return cosine > 0 ? fminf(cosine, 1) : 0;
}

struct entry {
    struct listed listed;
    const float *vector; /* NULL: unknown */
    float length;
};

/* Those that are taken stand in front, in their order; the rest in its own. */
static void take(struct entry *entries, size_t at, size_t taken)
{
    struct entry e = entries[at];
    memmove(entries + taken + 1, entries + taken, (at - taken) * sizeof *entries);
    entries[taken] = e;
}

/* Of scores without rules. */
struct range {
    float lowest, best;
};

static struct range range_of(const struct listed *items, size_t n)
{
    struct range r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        float score = items[i].item.score / items[i].factor;
        r.lowest = fminf(r.lowest, score);
        r.best = fmaxf(r.best, score);
    }
    return r;
}

/* Where all scores are one there is no range to measure by: then they count as they are, by the best. */
static float relevance_of(struct range r, float score)
{
    return r.best > r.lowest ? (score - r.lowest) / (r.best - r.lowest) : score / r.best;
}

static void weigh(const struct placement_weights *w, struct listed *l)
{
    l->worth = (1 - w->diversity) * l->relevance - w->diversity * l->likeness +
               w->novelty * l->novelty + w->margin * l->margin;
}

/* The one of entries [n] from `taken` on that is worth most; of equals the one with the better score, which is first. */
static size_t best_of(const struct placement_weights *w, struct entry *entries, size_t taken,
                      size_t n)
{
    size_t best = taken;
    for (size_t i = taken; i < n; i++) {
        weigh(w, &entries[i].listed);
        if (entries[i].listed.worth > entries[best].listed.worth)
            best = i;
    }
    return best;
}

enum err_code diversify(const struct recommend_model *m, const struct placement_weights *w,
                        struct listed *items, size_t n, size_t want, struct arena *arena,
                        struct err *err)
{
    bool mixed = w->diversity > 0 && m && m->dim > 0;
    if (n == 0)
        return ERR_OK;
    struct entry *entries = arena_try_alloc(arena, n * sizeof *entries);
    if (!entries)
        return err_set(err, ERR_LIMIT, "the list does not fit");
    struct range range = range_of(items, n);
    for (size_t i = 0; i < n; i++) {
        const float *v = mixed ? vector_of(m, items[i].item.product_no) : NULL;
        entries[i] = (struct entry){items[i], v, length_of(m, v)};
        entries[i].listed.relevance = relevance_of(range, items[i].item.score);
        entries[i].listed.likeness = 0;
    }
    for (size_t taken = 0; taken < want && taken < n; taken++) {
        take(entries, best_of(w, entries, taken, n), taken);
        const struct entry *e = &entries[taken];
        for (size_t i = taken + 1; i < n && mixed; i++)
            entries[i].listed.likeness =
                fmaxf(entries[i].listed.likeness,
                      likeness(m, entries[i].vector, entries[i].length, e->vector, e->length));
    }
    for (size_t i = want < n ? want : n; i < n; i++)
        weigh(w, &entries[i].listed);
    for (size_t i = 0; i < n; i++)
        items[i] = entries[i].listed;
    return ERR_OK;
}

double diversity_of(const struct recommend_model *m, const uint32_t *products, size_t n)
{
    double sum = 0;
    size_t pairs = 0;
    for (size_t i = 0; m && m->dim && i < n; i++) {
        const float *a = vector_of(m, products[i]);
        for (size_t k = 0; a && k < i; k++) {
            const float *b = vector_of(m, products[k]);
            if (!b)
                continue;
            sum += 1 - (double)likeness(m, a, length_of(m, a), b, length_of(m, b));
            pairs++;
        }
    }
    return pairs ? sum / (double)pairs : 0;
}
