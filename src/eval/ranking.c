#include "eval/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

struct user_metrics ranking_measure(const uint32_t *ranked, size_t n, const uint32_t *truth,
                                    size_t truth_len, size_t k)
{
    struct user_metrics m = {0};
    double gain = 0, ideal = 0;
    size_t hits = 0;
    CHECK(truth_len > 0 && k > 0);
    for (size_t i = 0; i < n && i < k; i++) {
        if (!bsearch(&ranked[i], truth, truth_len, sizeof *truth, compare))
            continue;
        if (hits++ == 0)
            m.mrr = 1.0 / (double)(i + 1);
        gain += 1 / log2((double)i + 2);
    }
    for (size_t i = 0; i < truth_len && i < k; i++)
        ideal += 1 / log2((double)i + 2);
    m.recall = (double)hits / (double)truth_len;
    m.ndcg = gain / ideal;
    m.hit = hits > 0;
    return m;
}

enum err_code ranking_init(struct ranking_totals *t, size_t items, struct err *err)
{
    *t = (struct ranking_totals){.items = items};
    t->shown = mem_try_new(items, sizeof *t->shown);
    return t->shown ? ERR_OK : err_set(err, ERR_MEMORY, "no memory to count %zu items", items);
}

void ranking_release(struct ranking_totals *t)
{
    mem_free(t->shown);
    *t = (struct ranking_totals){0};
}

void ranking_add(struct ranking_totals *t, const uint32_t *ranked, size_t n,
                 const struct user_metrics *m, size_t k)
{
    t->users++;
    t->recall += m->recall;
    t->ndcg += m->ndcg;
    t->hit += m->hit;
    t->mrr += m->mrr;
    for (size_t i = 0; i < n && i < k; i++)
        t->shown[ranked[i]]++;
}

void ranking_merge(struct ranking_totals *into, const struct ranking_totals *from)
{
    CHECK(into->items == from->items);
    into->users += from->users;
    into->recall += from->recall;
    into->ndcg += from->ndcg;
    into->hit += from->hit;
    into->mrr += from->mrr;
    for (size_t i = 0; i < into->items; i++)
        into->shown[i] += from->shown[i];
}

double ranking_coverage(const struct ranking_totals *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->items; i++)
        n += t->shown[i] > 0;
    return t->items ? (double)n / (double)t->items : 0;
}

enum err_code ranking_gini(const struct ranking_totals *t, double *out, struct err *err)
{
    double weighted = 0, total = 0;
    *out = 0;
    if (t->items == 0)
        return ERR_OK;
    uint32_t *sorted = mem_try_new(t->items, sizeof *sorted);
    if (!sorted)
        return err_set(err, ERR_MEMORY, "no memory to sort %zu items", t->items);
    memcpy(sorted, t->shown, t->items * sizeof *sorted);
    qsort(sorted, t->items, sizeof *sorted, compare);
    double n = (double)t->items;
    for (size_t i = 0; i < t->items; i++) {
        weighted += (double)(i + 1) * sorted[i];
        total += sorted[i];
    }
    mem_free(sorted);
    if (total > 0)
        *out = 2 * weighted / (n * total) - (n + 1) / n;
    return ERR_OK;
}
