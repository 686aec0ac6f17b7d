/* The sessions that a model keeps, against those that are written out. */
#include "train/sessions.h"

#include "base/clock.h"
#include "base/mem.h"
#include "support/suite.h"

enum { ROWS = 6 };
#define MINUTE ((int64_t)60 * 1000000)
#define BEGIN  ((int64_t)20000 * 86400 * 1000000)

struct shop {
    struct interactions it;
    uint32_t row_of[2 * ROWS + 1]; /* product 2 r + 2 is row r */
};

static void act(struct shop *s, uint32_t user, uint32_t row, int64_t minute, uint32_t order)
{
    struct err err;
    ck_ok(interactions_append(&s->it, user, 2 * row + 2, BEGIN + minute * MINUTE, 1,
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
    act(s, 7, 1, 20, 0);
    act(s, 7, 0, 50, 0);
    act(s, 7, 2, 81, 0); /* a pause of 31 minutes; alone it says nothing */
    act(s, 8, 3, 10, 0);
    act(s, 8, 3, 11, 0); /* one product alone */
    act(s, 9, 2, 100, 0);
    act(s, 9, 3, 101, 0);
    act(s, 9, 4, 110, 0); /* too late to count */
    act(s, 0, 4, 30, 1);  /* two orders of guests are two sessions */
    act(s, 0, 5, 30, 1);
    act(s, 0, 1, 30, 2);
    act(s, 0, 3, 30, 2);
    ck_ok(interactions_sort(&s->it, &o, &err));
}

START_TEST(acts_become_sessions_and_the_newest_are_kept)
{
    /* The newest first, of orders of one moment the later in the acts. */
    static const uint32_t offsets[] = {0, 2, 5, 7, 9};
    static const uint32_t item[] = {2, 3, 0, 1, 0, 1, 3, 4, 5};
    static const int64_t minutes[] = {101, 50, 30, 30};
    struct shop s;
    struct err err;
    shop_init(&s);
    for (uint32_t keep = 1; keep < 7; keep++) {
        struct sessions_options o = {.until = BEGIN + 110 * MINUTE, .keep = keep};
        uint32_t kept = keep < 4 ? keep : 4;
        struct session_index x;
        ck_ok(sessions_fit(&s.it, s.row_of, ROWS, &o, &x, &err));
        ck_assert_uint_eq(x.sessions, kept);
        ck_assert_uint_eq(x.items, ROWS);
        for (uint32_t i = 0; i < kept; i++) {
            ck_assert_uint_eq(x.offsets[i + 1], offsets[i + 1]);
            ck_assert_uint_eq(x.end_s[i], (BEGIN + minutes[i] * MINUTE) / CLOCK_US_PER_S);
        }
        for (uint32_t i = 0; i < offsets[kept]; i++)
            ck_assert_uint_eq(x.item[i], item[i]);
        session_index_release(&x);
    }
    interactions_release(&s.it);
}
END_TEST

START_TEST(nothing_to_keep_is_an_empty_index)
{
    struct shop s;
    struct session_index x;
    struct err err;
    shop_init(&s);
    struct sessions_options none = {.until = INT64_MAX, .keep = 0};
    ck_ok(sessions_fit(&s.it, s.row_of, ROWS, &none, &x, &err));
    ck_assert(x.sessions == 0 && !x.offsets);
    struct sessions_options early = {.until = BEGIN, .keep = 10};
    ck_ok(sessions_fit(&s.it, s.row_of, ROWS, &early, &x, &err));
    ck_assert(x.sessions == 0 && !x.offsets);
    interactions_release(&s.it);
}
END_TEST

START_TEST(memory_that_is_out_leaves_nothing_behind)
{
    struct shop s;
    struct session_index x = {0};
    enum err_code code = ERR_MEMORY;
    struct err err;
    shop_init(&s);
    for (long at = 1; code != ERR_OK; at++) {
        struct sessions_options o = {.until = INT64_MAX, .keep = 10};
        mem_fail_at(at);
        code = sessions_fit(&s.it, s.row_of, ROWS, &o, &x, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        ck_assert_int_lt(at, 1000);
    }
    mem_fail_at(0);
    session_index_release(&x);
    interactions_release(&s.it);
}
END_TEST

SUITE("train_sessions", acts_become_sessions_and_the_newest_are_kept,
      nothing_to_keep_is_an_empty_index, memory_that_is_out_leaves_nothing_behind)
