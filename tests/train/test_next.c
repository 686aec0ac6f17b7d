/* Transitions of a shop's acts, against those of sequences that are written out. */
#include "train/next.h"

#include "base/mem.h"
#include "support/suite.h"
#include "train/transitions.h"

enum { ROWS = 6 };
#define HOUR ((int64_t)3600 * 1000000)

struct shop {
    struct interactions it;
    uint32_t row_of[2 * ROWS + 1]; /* product 2 r + 2 is row r */
};

static void act(struct shop *s, uint32_t user, uint32_t row, int64_t hour, uint32_t order)
{
    struct err err;
    ck_ok(interactions_append(&s->it, user, 2 * row + 2, 1000 * HOUR + hour * HOUR, 1,
                              order ? EVENT_PURCHASE : EVENT_VIEW, 1, &err));
    if (order)
        s->it.session[s->it.len - 1] = order;
}

static void shop_init(struct shop *s)
{
    struct derive_options o = derive_defaults();
    struct err err;
    *s = (struct shop){0};
    for (uint32_t row = 0; row < ROWS; row++)
        s->row_of[2 * row + 2] = row + 1;
    act(s, 7, 0, 0, 0); /* a step twice is one */
    act(s, 7, 0, 1, 0);
    act(s, 7, 1, 2, 0);
    act(s, 7, 0, 3, 0);
    act(s, 7, 2, 50, 0);
    act(s, 9, 2, 1, 0);
    act(s, 9, 3, 2, 0);
    act(s, 9, 4, 900, 0); /* too late to count */
    act(s, 0, 4, 5, 1);   /* two orders of guests are two sequences */
    act(s, 0, 5, 5, 1);
    act(s, 0, 1, 6, 2);
    act(s, 0, 3, 6, 2);
    ck_ok(interactions_sort(&s->it, &o, &err));
}

START_TEST(acts_become_the_sequences_of_shoppers_and_guests_orders)
{
    static const uint64_t offsets[] = {0, 2, 4, 8, 10};
    static const uint32_t item[] = {4, 5, 1, 3, 0, 1, 0, 2, 2, 3};
    static const int64_t hours[] = {5, 5, 6, 6, 0, 2, 3, 50, 1, 2};
    int64_t times[10];
    struct shop s;
    struct neighbour_result got, want;
    struct transition_options how = transition_defaults();
    struct err err;
    shop_init(&s);
    for (size_t i = 0; i < 10; i++)
        times[i] = 1000 * HOUR + hours[i] * HOUR;
    struct transition_input in = {
        .sequences = 4, .items = ROWS, .offsets = offsets, .item = item, .time_us = times};
    how.keep = 3;
    how.half_life_days = 2;
    struct next_options o = {.until = 1500 * HOUR, .keep = 3, .half_life_days = 2};
    ck_ok(next_fit(&s.it, s.row_of, ROWS, &o, NULL, &got, &err));
    ck_ok(transitions_fit(&in, &how, NULL, &want, &err));
    float most = 0;
    for (uint32_t i = 0; i < want.offsets[ROWS]; i++)
        most = want.scores[i] > most ? want.scores[i] : most;
    ck_assert_uint_gt(want.offsets[ROWS], 6);
    for (uint32_t row = 0; row <= ROWS; row++)
        ck_assert_uint_eq(got.offsets[row], want.offsets[row]);
    for (uint32_t i = 0; i < want.offsets[ROWS]; i++) {
        ck_assert_uint_eq(got.rows[i], want.rows[i]);
        ck_assert_float_eq_tol(got.scores[i], want.scores[i] / most, 1e-6f);
        ck_assert(got.scores[i] > 0 && got.scores[i] <= 1);
    }
    neighbours_release(&got);
    neighbours_release(&want);
    interactions_release(&s.it);
}
END_TEST

START_TEST(nothing_in_time_gives_empty_lists)
{
    struct shop s;
    struct neighbour_result got;
    struct next_options o = {.until = 1, .keep = 3};
    struct err err;
    shop_init(&s);
    ck_ok(next_fit(&s.it, s.row_of, ROWS, &o, NULL, &got, &err));
    ck_assert_uint_eq(got.offsets[ROWS], 0);
    neighbours_release(&got);
    interactions_release(&s.it);
}
END_TEST

SUITE("next", acts_become_the_sequences_of_shoppers_and_guests_orders,
      nothing_in_time_gives_empty_lists)
