#include "num/isotonic.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct case_ {
    float score, outcome;
};

/* A run of cases: sums and how many. */
struct step {
    double score, outcome, n;
};

static int by_score(const void *a, const void *b)
{
    const struct case_ *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->outcome > y->outcome) - (x->outcome < y->outcome);
}

/* Sorted; owned. NULL: no memory. */
static struct case_ *sorted(const float *scores, const float *outcomes, size_t n)
{
    struct case_ *all = mem_try_new(n, sizeof *all);
    for (size_t i = 0; all && i < n; i++)
        all[i] = (struct case_){scores[i], outcomes[i]};
    if (all)
        qsort(all, n, sizeof *all, by_score);
    return all;
}

/* At most `most` runs, equal scores in one. Returns how many. */
static size_t cut(const struct case_ *all, size_t n, size_t most, struct step *steps)
{
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        size_t end = (len + 1) * n / most; /* where this run would end */
        struct step s = {0};
        do {
            s.score += (double)all[i].score;
            s.outcome += (double)all[i].outcome;
            s.n++;
            i++;
        } while (i < n && (i < end || all[i].score == all[i - 1].score));
        steps[len++] = s;
        DCHECK(len <= most);
    }
    return len;
}

/* Join neighbours until the shares rise. Returns how many are left. */
static size_t pool_violators(struct step *steps, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        steps[len++] = steps[i];
        while (len > 1 && steps[len - 2].outcome * steps[len - 1].n >=
                              steps[len - 1].outcome * steps[len - 2].n) {
            steps[len - 2].score += steps[len - 1].score;
            steps[len - 2].outcome += steps[len - 1].outcome;
            steps[len - 2].n += steps[len - 1].n;
            len--;
        }
    }
    return len;
}

enum err_code isotonic_fit(const float *scores, const float *outcomes, size_t n,
                           struct isotonic *out, struct err *err)
{
    struct step steps[ISOTONIC_MAX];
    for (size_t i = 0; i < n; i++)
        if (!isfinite(scores[i]) || !(outcomes[i] >= 0 && outcomes[i] <= 1))
            return err_set(err, ERR_INVALID, "case %zu: its score is %g, its outcome %g", i,
                           (double)scores[i], (double)outcomes[i]);
    struct case_ *all = sorted(scores, outcomes, n);
    if (!all)
        return err_set(err, ERR_MEMORY, "no memory for %zu outcomes", n);
    size_t len = pool_violators(steps, cut(all, n, ISOTONIC_MAX, steps));
    mem_free(all);
    *out = (struct isotonic){.len = (uint32_t)len};
    for (size_t i = 0; i < len; i++) {
        out->score[i] = (float)(steps[i].score / steps[i].n);
        out->chance[i] = (float)(steps[i].outcome / steps[i].n);
    }
    return ERR_OK;
}

float isotonic_at(const struct isotonic *f, float score)
{
    uint32_t lo = 0, hi = f->len;
    if (f->len == 0)
        return 0;
    while (lo < hi) { /* the first step whose score is above */
        uint32_t middle = lo + (hi - lo) / 2;
        if (f->score[middle] > score)
            hi = middle;
        else
            lo = middle + 1;
    }
    if (lo == 0 || lo == f->len)
        return f->chance[lo ? lo - 1 : 0];
    float width = f->score[lo] - f->score[lo - 1];
    float share = width > 0 ? (score - f->score[lo - 1]) / width : 0;
    return f->chance[lo - 1] + share * (f->chance[lo] - f->chance[lo - 1]);
}

enum err_code calibration_error(const float *chances, const float *outcomes, size_t n, size_t bins,
                                double *out, struct err *err)
{
    CHECK(n >= 1 && bins >= 1);
    struct case_ *all = sorted(chances, outcomes, n);
    struct step *steps = mem_try_new(bins, sizeof *steps);
    if (!all || !steps) {
        mem_free(all);
        mem_free(steps);
        return err_set(err, ERR_MEMORY, "no memory for %zu outcomes", n);
    }
    size_t len = cut(all, n, bins, steps);
    double sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += fabs(steps[i].score - steps[i].outcome);
    *out = sum / (double)n;
    mem_free(all);
    mem_free(steps);
    return ERR_OK;
}
