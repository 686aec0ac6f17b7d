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
    struct recommend_item item;
    const float *vector; /* NULL: unknown */
    float length;
    float like; /* the greatest likeness with those taken */
};

/* Those that are taken stand in front, in their order; the rest in its own. */
static void take(struct entry *entries, size_t at, size_t taken)
{
    struct entry e = entries[at];
    memmove(entries + taken + 1, entries + taken, (at - taken) * sizeof *entries);
    entries[taken] = e;
}

enum err_code diversify(const struct recommend_model *m, float diversity,
                        struct recommend_item *items, size_t n, size_t want, struct arena *arena,
                        struct err *err)
{
    if (!m || m->dim == 0 || !(diversity > 0) || n < 2)
        return ERR_OK;
    struct entry *entries = arena_try_alloc(arena, n * sizeof *entries);
    if (!entries)
        return err_set(err, ERR_LIMIT, "the list does not fit");
    for (size_t i = 0; i < n; i++) {
        const float *v = vector_of(m, items[i].product_no);
        entries[i] = (struct entry){items[i], v, length_of(m, v), 0};
    }
    float best_score = items[0].score;
    for (size_t taken = 0; taken < want && taken < n; taken++) {
        size_t best = taken;
        float most = -INFINITY;
        for (size_t i = taken; i < n; i++) {
            float worth = (1 - diversity) * (entries[i].item.score / best_score) -
                          diversity * entries[i].like;
            if (worth > most) { /* of equals the one with the better score, which is first */
                most = worth;
                best = i;
            }
        }
        take(entries, best, taken);
        const struct entry *e = &entries[taken];
        for (size_t i = taken + 1; i < n; i++)
            entries[i].like =
                fmaxf(entries[i].like,
                      likeness(m, entries[i].vector, entries[i].length, e->vector, e->length));
    }
    for (size_t i = 0; i < n; i++)
        items[i] = entries[i].item;
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
