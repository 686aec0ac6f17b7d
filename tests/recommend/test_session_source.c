/* Session kNN as a source: which acts are this session, and what is due to each. */
#include "num/vec.h"
#include "recommend/sessions.h"
#include "recommend/sources.h"
#include "support/suite.h"

enum { ROWS = 12, NOW_S = 1700000000 };
#define NOW ((int64_t)NOW_S * 1000000)

/* Of product 100 + r for row r: rows 0 and 1 were had with each other and 2, 3 with 4, 5 with 6 and 7. */
static const uint32_t session_item[] = {0, 1, 2, 3, 4, 5, 6, 5, 7, 8, 9, 10, 11};
static const uint64_t session_offsets[] = {0, 3, 5, 7, 9, 11, 13};
static const int64_t session_end_us[] = {NOW - 6000000, NOW - 5000000, NOW - 4000000,
                                         NOW - 3000000, NOW - 2000000, NOW - 1000000};

struct shop {
    uint32_t items[ROWS];
    struct served_model model;
    struct view view;
    struct arena arena;
    struct candidates c;
    struct profile_item acts[8];
    struct profile profile;
};

static void shop_init(struct shop *s, bool sessions)
{
    struct err err;
    struct session_input in = {.sessions = 6,
                               .items = ROWS,
                               .offsets = session_offsets,
                               .item = session_item,
                               .end_us = session_end_us};
    *s = (struct shop){0};
    ck_ok(vec_init(&err));
    for (uint32_t r = 0; r < ROWS; r++)
        s->items[r] = 100 + r;
    s->model.recommend = (struct recommend_model){.rows = ROWS, .items = s->items};
    if (sessions)
        ck_ok(session_index_build(&in, &s->model.recommend.sessions, &err));
    s->view.model = &s->model;
    s->profile.items = s->acts;
    arena_init(&s->arena, 0, 16 << 20);
}

static void shop_release(struct shop *s)
{
    session_index_release(&s->model.recommend.sessions);
    arena_release(&s->arena);
}

/* It did something with a product of the model so many seconds ago. */
static void act(struct shop *s, uint32_t row, uint32_t ago_s)
{
    s->acts[s->profile.len] = (struct profile_item){.product_no = 100 + row,
                                                    .row = row,
                                                    .weight = 1,
                                                    .time_s = NOW_S - ago_s,
                                                    .types = 1u << EVENT_VIEW};
    s->profile.len++;
}

static void ask(struct shop *s, const uint32_t *context, size_t n, bool unordered)
{
    struct err err;
    ck_ok(candidates_init(&s->c, &s->arena, &err));
    ck_ok(source_sessions(&s->view, &s->profile, context, n, unordered, REASON_VISIT, NOW, 60,
                          &s->arena, &s->c, &err));
    candidates_close(&s->c, 0, 1);
}

static float share_of(const struct shop *s, uint32_t row)
{
    float share = 0;
    uint32_t index = candidates_find(&s->c, 100 + row);
    if (s->c.sources_len)
        candidates_shares(&s->c, 0, &index, 1, &share);
    return share;
}

static bool proposes(const struct shop *s, uint32_t row)
{
    return share_of(s, row) > 0;
}

static uint32_t because(const struct shop *s, uint32_t row)
{
    struct candidate_reason why = candidates_reason(&s->c, 100 + row, row);
    ck_assert_int_eq(why.code, REASON_VISIT);
    return why.because;
}

START_TEST(a_pause_of_half_an_hour_ends_the_session)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 0, 60);
    act(&s, 3, 60 + SESSION_PAUSE_S + 1);
    ask(&s, NULL, 0, false);
    ck_assert(proposes(&s, 1) && proposes(&s, 2) && !proposes(&s, 4));
    ck_assert(!proposes(&s, 0)); /* they have seen it */
    ck_assert_uint_eq(because(&s, 1), 100);
    s.acts[1].time_s++;
    ask(&s, NULL, 0, false);
    ck_assert(proposes(&s, 1) && proposes(&s, 4));
    ck_assert_uint_eq(because(&s, 1), 100);
    ck_assert_uint_eq(because(&s, 4), 103);
    shop_release(&s);
}
END_TEST

START_TEST(the_next_click_changes_what_is_proposed_and_comes_first)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 3, 120);
    ask(&s, NULL, 0, false);
    ck_assert(proposes(&s, 4) && !proposes(&s, 6));
    act(&s, 5, 60);
    ask(&s, NULL, 0, false);
    ck_assert(proposes(&s, 4) && proposes(&s, 6) && proposes(&s, 7));
    ck_assert_uint_eq(because(&s, 6), 105);
    shop_release(&s);
}
END_TEST

START_TEST(without_a_page_the_last_session_counts_and_with_one_only_what_is_under_way)
{
    static const uint32_t page[] = {105}, unknown[] = {7};
    struct shop s;
    shop_init(&s, true);
    act(&s, 3, 3 * 86400);
    ask(&s, NULL, 0, false);
    ck_assert(proposes(&s, 4));
    ask(&s, page, 1, false);
    ck_assert(proposes(&s, 6) && !proposes(&s, 4));
    s.acts[0].time_s = NOW_S - SESSION_PAUSE_S;
    ask(&s, page, 1, false);
    ck_assert(proposes(&s, 6) && proposes(&s, 4));
    ck_assert_uint_eq(because(&s, 4), 103);
    s.profile.len = 0;
    ask(&s, unknown, 1, false);
    ck_assert_uint_eq(s.c.sources_len, 0);
    ask(&s, NULL, 0, false);
    ck_assert_uint_eq(s.c.sources_len, 0);
    shop_release(&s);
}
END_TEST

START_TEST(products_of_a_cart_weigh_the_same_and_those_of_a_page_by_their_place)
{
    static const uint32_t cart[] = {103, 108};
    struct shop s;
    shop_init(&s, true);
    ask(&s, cart, 2, false);
    float first = share_of(&s, 4);
    float last = share_of(&s, 9);
    ck_assert_float_eq(last, 1);
    ck_assert_float_lt(first, 0.7f);
    ask(&s, cart, 2, true);
    first = share_of(&s, 4);
    ck_assert_float_gt(first, 0.99f);
    shop_release(&s);
}
END_TEST

START_TEST(what_the_lists_say_adds_up_to_the_score_and_descends)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 0, 10);
    act(&s, 1, 20);
    act(&s, 5, 30);
    ask(&s, NULL, 0, false);
    ck_assert_uint_eq(s.c.sources[0].last - s.c.sources[0].first, 3);
    double of_two[2] = {0};
    for (uint32_t l = s.c.sources[0].first; l < s.c.sources[0].last; l++) {
        const struct candidate_list *list = &s.c.lists[l];
        for (size_t i = 1; i < list->n; i++)
            ck_assert_float_ge(list->parts[i - 1], list->parts[i]);
        if (list->because != 105)
            of_two[list->because - 100] = (double)candidates_said(list, 102, 2);
    }
    /* Row 2 was had with 0 and 1 in one session, of which 0 is the newer click. */
    ck_assert_double_gt(of_two[0], of_two[1]);
    ck_assert_double_gt(of_two[1], 0);
    double part = (double)s.c.sources[0].part[candidates_find(&s.c, 102)];
    ck_assert_double_eq_tol(of_two[0] + of_two[1], part, 1e-6 * part);
    ck_assert_uint_eq(because(&s, 2), 100);
    shop_release(&s);
}
END_TEST

START_TEST(a_model_without_sessions_proposes_nothing)
{
    struct shop s;
    shop_init(&s, false);
    act(&s, 0, 10);
    ask(&s, NULL, 0, false);
    ck_assert_uint_eq(s.c.sources_len, 0);
    s.view.model = NULL;
    ask(&s, NULL, 0, false);
    ck_assert_uint_eq(s.c.sources_len, 0);
    shop_release(&s);
}
END_TEST

SUITE("session_source", a_pause_of_half_an_hour_ends_the_session,
      the_next_click_changes_what_is_proposed_and_comes_first,
      without_a_page_the_last_session_counts_and_with_one_only_what_is_under_way,
      products_of_a_cart_weigh_the_same_and_those_of_a_page_by_their_place,
      what_the_lists_say_adds_up_to_the_score_and_descends,
      a_model_without_sessions_proposes_nothing)
