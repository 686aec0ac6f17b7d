#include "train/again.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct purchase {
    uint32_t row;
    int32_t day;
};

struct gap {
    uint32_t row;
    float log_days;
};

struct fit {
    const struct interactions *it;
    const uint32_t *row_of;
    int64_t until;
    struct purchase *purchases; /* [it->len] of one shopper */
    float *gaps;                /* [it->len] of one shopper and product, in days */
    struct gap *all; /* [all_len] one for each shopper and product that was bought again */
    size_t all_len;
    uint32_t *buyers; /* [rows] */
};

static int by_row_and_day(const void *a, const void *b)
{
    const struct purchase *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->day > y->day) - (x->day < y->day);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int by_length(const void *a, const void *b)
{
    const struct gap *x = a, *y = b;
    return (x->log_days > y->log_days) - (x->log_days < y->log_days);
}

static int by_row_and_length(const void *a, const void *b)
{
    const struct gap *x = a, *y = b;
    return x->row != y->row ? (x->row < y->row ? -1 : 1) : by_length(a, b);
}

/* v [n] ascending, n >= 1. */
static float median(const float *v, size_t n)
{
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static float median_gap(const struct gap *v, size_t n)
{
    return n % 2 ? v[n / 2].log_days : (v[n / 2 - 1].log_days + v[n / 2].log_days) / 2;
}

/* What one shopper did with one product: purchases [n] by day. */
static void add_product(struct fit *f, const struct purchase *purchases, size_t n)
{
    size_t gaps = 0;
    f->buyers[purchases[0].row]++;
    for (size_t i = 1; i < n; i++)
        if (purchases[i].day != purchases[i - 1].day)
            f->gaps[gaps++] = (float)(purchases[i].day - purchases[i - 1].day);
    if (gaps == 0)
        return;
    qsort(f->gaps, gaps, sizeof *f->gaps, ascending);
    f->all[f->all_len++] = (struct gap){purchases[0].row, logf(median(f->gaps, gaps))};
}

/* The acts of one shopper: [begin, end). */
static void add_shopper(struct fit *f, size_t begin, size_t end)
{
    const struct interactions *it = f->it;
    size_t n = 0;
    for (size_t i = begin; i < end; i++)
        if (it->type[i] == EVENT_PURCHASE && it->time[i] < f->until)
            f->purchases[n++] = (struct purchase){f->row_of[it->product_no[i]] - 1,
                                                  (int32_t)(it->time[i] / CLOCK_US_PER_DAY)};
    qsort(f->purchases, n, sizeof *f->purchases, by_row_and_day);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && f->purchases[to].row == f->purchases[from].row;)
            to++;
        add_product(f, f->purchases + from, to - from);
    }
}

/* From what was collected to the figures of each row. */
static void draw_together(struct fit *f, uint32_t rows, float *days, float *share)
{
    double buyers = 0;
    for (uint32_t r = 0; r < rows; r++) {
        buyers += f->buyers[r];
        days[r] = 1;
        share[r] = 0;
    }
    if (f->all_len == 0)
        return;
    qsort(f->all, f->all_len, sizeof *f->all, by_length);
    float usual = median_gap(f->all, f->all_len);
    float usual_share = (float)((double)f->all_len / buyers);
    qsort(f->all, f->all_len, sizeof *f->all, by_row_and_length);
    size_t at = 0;
    for (uint32_t r = 0; r < rows; r++) {
        size_t from = at;
        while (at < f->all_len && f->all[at].row == r)
            at++;
        float n = (float)(at - from), own = at > from ? median_gap(f->all + from, at - from) : 0;
        days[r] = expf((n * own + AGAIN_PRIOR_SHOPPERS * usual) / (n + AGAIN_PRIOR_SHOPPERS));
        share[r] =
            (n + AGAIN_PRIOR_BUYERS * usual_share) / ((float)f->buyers[r] + AGAIN_PRIOR_BUYERS);
    }
}

enum err_code again_fit(const struct interactions *it, const uint32_t *row_of, uint32_t rows,
                        int64_t until, float *days, float *share, struct err *err)
{
    struct fit f = {.it = it, .row_of = row_of, .until = until};
    enum err_code code = ERR_OK;
    f.purchases = mem_try_new(it->len + 1, sizeof *f.purchases);
    f.gaps = mem_try_new(it->len + 1, sizeof *f.gaps);
    f.all = mem_try_new(it->len + 1, sizeof *f.all);
    f.buyers = mem_try_new((size_t)rows + 1, sizeof *f.buyers);
    if (!f.purchases || !f.gaps || !f.all || !f.buyers)
        code = err_set(err, ERR_MEMORY, "no memory for the purchases of %zu acts", it->len);
    for (size_t begin = 0, end; begin < it->len && code == ERR_OK; begin = end) {
        for (end = begin + 1; end < it->len && it->user_no[end] == it->user_no[begin];)
            end++;
        if (it->user_no[begin] != 0)
            add_shopper(&f, begin, end);
    }
    if (code == ERR_OK)
        draw_together(&f, rows, days, share);
    mem_free(f.purchases);
    mem_free(f.gaps);
    mem_free(f.all);
    mem_free(f.buyers);
    return code;
}
