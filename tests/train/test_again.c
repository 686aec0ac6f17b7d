/* Intervals and shares, against medians of lists that are sorted by hand. */
#include "train/again.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "support/suite.h"

enum { ROWS = 12, SHOPPERS = 40, DAYS = 200 };
#define DAY ((int64_t)86400 * 1000000)

struct shop {
    struct interactions it;
    uint32_t row_of[2 * ROWS + 1]; /* product 2 r + 2 is row r */
    bool bought[SHOPPERS + 1][ROWS][DAYS];
};

static void shop_init(struct shop *s, uint64_t seed, uint64_t purchases)
{
    struct derive_options o = derive_defaults();
    struct rng rng;
    struct err err;
    *s = (struct shop){0};
    rng_init(&rng, seed);
    for (uint32_t row = 0; row < ROWS; row++)
        s->row_of[2 * row + 2] = row + 1;
    for (uint32_t user = 0; user <= SHOPPERS; user++) /* user 0 is nobody */
        for (uint64_t i = 0; i < purchases; i++) {
            uint32_t row = (uint32_t)rng_below(&rng, ROWS), day = (uint32_t)rng_below(&rng, DAYS);
            bool view = rng_below(&rng, 4) == 0;
            ck_ok(interactions_append(&s->it, user, 2 * row + 2,
                                      day * DAY + (int64_t)rng_below(&rng, (uint64_t)DAY), 1,
                                      view ? EVENT_VIEW : EVENT_PURCHASE, 1, &err));
            s->bought[user][row][day] |= !view;
        }
    ck_ok(interactions_sort(&s->it, &o, &err));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The log of a shopper's median gap before a day; negative if there is none. */
static double gap_of(const struct shop *s, uint32_t user, uint32_t row, int until, bool *buyer)
{
    double gaps[DAYS];
    size_t n = 0;
    int last = -1;
    for (int day = 0; day < until; day++)
        if (s->bought[user][row][day]) {
            if (last >= 0)
                gaps[n++] = day - last;
            last = day;
        }
    *buyer = last >= 0;
    return n ? log(median(gaps, n)) : -1;
}

static void check(struct shop *s, int until)
{
    static double all[SHOPPERS * ROWS], own[ROWS][SHOPPERS];
    size_t all_len = 0, own_len[ROWS] = {0}, buyers[ROWS] = {0}, bought = 0;
    float days[ROWS], share[ROWS];
    struct err err;
    for (uint32_t user = 1; user <= SHOPPERS; user++)
        for (uint32_t row = 0; row < ROWS; row++) {
            bool buyer;
            double gap = gap_of(s, user, row, until, &buyer);
            buyers[row] += buyer;
            bought += buyer;
            if (gap >= 0)
                own[row][own_len[row]++] = all[all_len++] = gap;
        }
    ck_ok(again_fit(&s->it, s->row_of, ROWS, until * DAY, days, share, &err));
    double usual = all_len ? median(all, all_len) : 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        double n = (double)own_len[row], mid = own_len[row] ? median(own[row], own_len[row]) : 0;
        double want_days = exp((n * mid + 5 * usual) / (n + 5));
        double want_share =
            (n + 20 * (double)all_len / (double)bought) / ((double)buyers[row] + 20);
        ck_assert_double_eq_tol((double)days[row], all_len ? want_days : 1, 1e-4 * want_days);
        ck_assert_double_eq_tol((double)share[row], all_len ? want_share : 0, 1e-6);
    }
}

START_TEST(intervals_and_shares_are_those_counted_by_hand)
{
    static struct shop s;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        shop_init(&s, seed, 2 * seed);
        check(&s, DAYS);
        check(&s, DAYS / 2);
        interactions_release(&s.it);
    }
}
END_TEST

START_TEST(where_nobody_came_back_nothing_is_expected_back)
{
    static struct shop s;
    float days[ROWS], share[ROWS];
    struct err err;
    shop_init(&s, 1, 0);
    ck_ok(again_fit(&s.it, s.row_of, ROWS, INT64_MAX, days, share, &err));
    for (size_t row = 0; row < ROWS; row++)
        ck_assert(days[row] == 1 && share[row] == 0);
    interactions_release(&s.it);
    shop_init(&s, 2, 1);
    ck_ok(again_fit(&s.it, s.row_of, ROWS, INT64_MAX, days, share, &err));
    for (size_t row = 0; row < ROWS; row++)
        ck_assert(days[row] == 1 && share[row] == 0);
    interactions_release(&s.it);
}
END_TEST

SUITE("again", intervals_and_shares_are_those_counted_by_hand,
      where_nobody_came_back_nothing_is_expected_back)
