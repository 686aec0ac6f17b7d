#include "train/lambdamart.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "num/topk.h"

/* Of one query at a time. */
struct scratch {
    struct topk_item *order; /* [most documents of a query] best first */
    uint32_t *rank;          /* [the same] of each document */
    double *gain;            /* [the same] of each document */
    float *labels;           /* [the same] those above 0, descending */
    double *discounts;       /* [the same] D(r) */
};

static int greatest_first(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static double gain(float label)
{
    return label > 0 ? exp2((double)label) - 1 : 0;
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
    mem_free(s->rank);
    mem_free(s->gain);
    mem_free(s->labels);
    mem_free(s->discounts);
}

static enum err_code scratch_init(struct scratch *s, size_t n, struct err *err)
{
    s->order = mem_try_new(n, sizeof *s->order);
    s->rank = mem_try_new(n, sizeof *s->rank);
    s->gain = mem_try_new(n, sizeof *s->gain);
    s->labels = mem_try_new(n, sizeof *s->labels);
    s->discounts = mem_try_new(n, sizeof *s->discounts);
    if (!s->order || !s->rank || !s->gain || !s->labels || !s->discounts) {
        scratch_release(s);
        return err_set(err, ERR_MEMORY, "no memory for queries of %zu documents", n);
    }
    for (size_t r = 0; r < n; r++)
        s->discounts[r] = 1 / log2((double)r + 2);
    return ERR_OK;
}

static void rank_query(struct scratch *s, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->order[i] = (struct topk_item){scores[i], (uint32_t)i};
    topk_order(s->order, n, n);
    for (size_t r = 0; r < n; r++)
        s->rank[s->order[r].id] = (uint32_t)r;
}

/* Most documents have label 0 and add nothing. */
static double best_dcg(struct scratch *s, const float *label, size_t n, size_t k)
{
    double sum = 0;
    size_t some = 0;
    for (size_t i = 0; i < n; i++)
        if (label[i] > 0)
            s->labels[some++] = label[i];
    if (some > 1)
        qsort(s->labels, some, sizeof *s->labels, greatest_first);
    for (size_t r = 0; r < some && r < k; r++)
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

/* Two documents pull each other apart, of which the first is better. */
static void add_pair(const struct scratch *s, double weight, const float *scores, uint32_t better,
                     uint32_t worse, float *gradient, float *hessian)
{
    double change = (s->gain[better] - s->gain[worse]) * weight *
                    fabs(s->discounts[s->rank[better]] - s->discounts[s->rank[worse]]);
    /* how likely the scores say the wrong order */
    double wrong = 1 / (1 + exp((double)scores[better] - (double)scores[worse]));
    float force = (float)(change * wrong), bend = (float)(change * wrong * (1 - wrong));
    gradient[better] -= force;
    gradient[worse] += force;
    hessian[better] += bend;
    hessian[worse] += bend;
}

/* Every pair of different labels of which one stands before rank k: the better one has a label above 0, and
 * of these there are few. */
static void add_query(struct scratch *s, const float *label, const float *weight, size_t n,
                      size_t k, const float *scores, float *gradient, float *hessian)
{
    double best = best_dcg(s, label, n, k);
    if (best <= 0)
        return;
    rank_query(s, scores, n);
    for (size_t i = 0; i < n; i++)
        s->gain[i] = gain(label[i]);
    for (uint32_t i = 0; i < n; i++) {
        if (!(label[i] > 0))
            continue;
        double per_change = (weight ? (double)weight[i] : 1) / best;
        size_t others = s->rank[i] < k ? n : k < n ? k : n;
        for (size_t r = 0; r < others; r++)
            if (label[s->order[r].id] < label[i])
                add_pair(s, per_change, scores, i, s->order[r].id, gradient, hessian);
    }
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

/* How many stand before it: cheaper than to sort where few are asked for. */
static size_t rank_of(const float *scores, size_t n, size_t i)
{
    size_t rank = 0;
    for (size_t j = 0; j < i; j++)
        rank += scores[j] >= scores[i];
    for (size_t j = i + 1; j < n; j++)
        rank += scores[j] > scores[i];
    return rank;
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
            for (size_t d = 0; d < n; d++) {
                size_t rank = q->label[at + d] > 0 ? rank_of(scores + at, n, d) : k;
                dcg += rank < k ? gain(q->label[at + d]) * s.discounts[rank] : 0;
            }
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
