#include "train/lambdamart.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct place {
    float score;
    uint32_t doc; /* within the query */
};

struct scratch {
    struct place *order; /* [most documents of a query] best first */
    float *labels;       /* [the same] descending */
    double *discounts;   /* [the same] D(r) */
};

static int best_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

static int greatest_first(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static double gain(float label)
{
    return exp2((double)label) - 1;
}

static size_t longest(const struct ranked *q)
{
    size_t most = 0;
    for (size_t i = 0; i < q->queries; i++) {
        size_t n = q->offsets[i + 1] - q->offsets[i];
        most = n > most ? n : most;
    }
    return most;
}

static void scratch_release(struct scratch *s)
{
    mem_free(s->order);
    mem_free(s->labels);
    mem_free(s->discounts);
}

static enum err_code scratch_init(struct scratch *s, size_t n, struct err *err)
{
    s->order = mem_try_new(n, sizeof *s->order);
    s->labels = mem_try_new(n, sizeof *s->labels);
    s->discounts = mem_try_new(n, sizeof *s->discounts);
    if (!s->order || !s->labels || !s->discounts) {
        scratch_release(s);
        return err_set(err, ERR_MEMORY, "no memory for queries of %zu documents", n);
    }
    for (size_t r = 0; r < n; r++)
        s->discounts[r] = 1 / log2((double)r + 2);
    return ERR_OK;
}

static void sort_query(struct scratch *s, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->order[i] = (struct place){scores[i], (uint32_t)i};
    qsort(s->order, n, sizeof *s->order, best_first);
}

static double best_dcg(struct scratch *s, const float *label, size_t n, size_t k)
{
    double sum = 0;
    memcpy(s->labels, label, n * sizeof *label);
    qsort(s->labels, n, sizeof *s->labels, greatest_first);
    for (size_t r = 0; r < n && r < k; r++)
        sum += gain(s->labels[r]) * s->discounts[r];
    return sum;
}

static enum err_code check_query(const struct ranked *q, size_t query, struct err *err)
{
    for (size_t i = q->offsets[query]; i < q->offsets[query + 1]; i++) {
        size_t place = i - q->offsets[query];
        if (!(q->label[i] >= 0 && q->label[i] <= RANKED_LABEL_MAX))
            return err_set(err, ERR_INVALID,
                           "query %zu, document %zu: its label is %g, not 0 to %d", query, place,
                           (double)q->label[i], RANKED_LABEL_MAX);
        if (q->weight && !(q->weight[i] >= 0 && isfinite(q->weight[i])))
            return err_set(err, ERR_INVALID, "query %zu, document %zu: its weight is %g", query,
                           place, (double)q->weight[i]);
    }
    return ERR_OK;
}

/* The documents at two ranks pull each other apart. */
static void add_pair(const struct scratch *s, const float *label, const float *weight, double best,
                     size_t first, size_t second, float *gradient, float *hessian)
{
    uint32_t a = s->order[first].doc, b = s->order[second].doc;
    if (label[a] == label[b])
        return;
    bool first_is_better = label[a] > label[b];
    uint32_t better = first_is_better ? a : b, worse = first_is_better ? b : a;
    double apart = (double)s->order[first].score - (double)s->order[second].score;
    double change = fabs(gain(label[a]) - gain(label[b])) *
                    (s->discounts[first] - s->discounts[second]) / best *
                    (weight ? (double)weight[better] : 1);
    /* how likely the scores say the wrong order */
    double wrong = 1 / (1 + exp(first_is_better ? apart : -apart));
    gradient[better] -= (float)(change * wrong);
    gradient[worse] += (float)(change * wrong);
    hessian[better] += (float)(change * wrong * (1 - wrong));
    hessian[worse] += (float)(change * wrong * (1 - wrong));
}

static void add_query(struct scratch *s, const float *label, const float *weight, size_t n,
                      size_t k, const float *scores, float *gradient, float *hessian)
{
    double best = best_dcg(s, label, n, k);
    if (best <= 0)
        return;
    sort_query(s, scores, n);
    for (size_t first = 0; first < n && first < k; first++)
        for (size_t second = first + 1; second < n; second++)
            add_pair(s, label, weight, best, first, second, gradient, hessian);
}

enum err_code lambdamart_gradients(const struct ranked *q, size_t k, const float *scores,
                                   float *gradient, float *hessian, struct err *err)
{
    struct scratch s;
    CHECK(k >= 1);
    enum err_code code = scratch_init(&s, longest(q), err);
    if (code != ERR_OK)
        return code;
    memset(gradient, 0, ranked_len(q) * sizeof *gradient);
    memset(hessian, 0, ranked_len(q) * sizeof *hessian);
    for (size_t i = 0; i < q->queries && code == ERR_OK; i++) {
        size_t at = q->offsets[i];
        code = check_query(q, i, err);
        if (code == ERR_OK)
            add_query(&s, q->label + at, q->weight ? q->weight + at : NULL, q->offsets[i + 1] - at,
                      k, scores + at, gradient + at, hessian + at);
    }
    scratch_release(&s);
    return code;
}

enum err_code ranked_ndcg(const struct ranked *q, size_t k, const float *scores, double *by_query,
                          double *mean, struct err *err)
{
    struct scratch s;
    double sum = 0;
    size_t counted = 0;
    CHECK(k >= 1);
    enum err_code code = scratch_init(&s, longest(q), err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < q->queries; i++) {
        size_t at = q->offsets[i], n = q->offsets[i + 1] - at;
        double best = best_dcg(&s, q->label + at, n, k), dcg = 0;
        if (best > 0) {
            sort_query(&s, scores + at, n);
            for (size_t r = 0; r < n && r < k; r++)
                dcg += gain(q->label[at + s.order[r].doc]) * s.discounts[r];
            sum += dcg / best;
            counted++;
        }
        if (by_query)
            by_query[i] = best > 0 ? dcg / best : NAN;
    }
    *mean = counted ? sum / (double)counted : 0;
    scratch_release(&s);
    return ERR_OK;
}
