#include "eval/grading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct valued {
    double value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct valued *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks from 1, ties share their mean (Spearman 1904). */
static void rank_of(struct valued *sorted, size_t n, double *ranks)
{
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && sorted[end].value == sorted[i].value; end++)
            continue;
        for (size_t k = i; k < end; k++)
            ranks[sorted[k].at] = (double)(i + end + 1) / 2;
    }
}

static double correlation(const double *x, const double *y, size_t n)
{
    double mean = (double)(n + 1) / 2, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

bool grading_differ(const double *grades, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (grades[i] != grades[0])
            return true;
    return false;
}

enum err_code grading_spearman(const double *scores, const double *grades, size_t n, double *out,
                               struct err *err)
{
    struct valued *sorted = mem_try_new(n, sizeof *sorted);
    double *ranks = mem_try_new(2 * n, sizeof *ranks);
    enum err_code code = ERR_OK;
    if (!sorted || !ranks) {
        code = err_set(err, ERR_MEMORY, "no memory to rank %zu things", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct valued){scores[i], i};
    rank_of(sorted, n, ranks);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct valued){grades[i], i};
    rank_of(sorted, n, ranks + n);
    *out = correlation(ranks, ranks + n, n);
out:
    mem_free(sorted);
    mem_free(ranks);
    return code;
}

static double gain(const double *grades, size_t n, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < n && i < k; i++)
        sum += (exp2(grades[i]) - 1) / log2((double)i + 2);
    return sum;
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

enum err_code grading_ndcg(const double *grades, size_t n, size_t k, double *out, struct err *err)
{
    double *ideal = mem_try_new(n, sizeof *ideal);
    if (!ideal)
        return err_set(err, ERR_MEMORY, "no memory to rank %zu things", n);
    if (n) {
        memcpy(ideal, grades, n * sizeof *ideal);
        qsort(ideal, n, sizeof *ideal, descending);
    }
    double best = gain(ideal, n, k);
    *out = best > 0 ? gain(grades, n, k) / best : 1;
    mem_free(ideal);
    return ERR_OK;
}

double grading_mrr(const double *grades, size_t n, size_t k, double relevant)
{
    for (size_t i = 0; i < n && i < k; i++)
        if (grades[i] >= relevant)
            return 1 / ((double)i + 1);
    return 0;
}
