/* Foretelling held-out items, against the definitions written out over a model that is made by hand. */
#include "eval/holdout.h"

#include <math.h>

#include "base/mem.h"
#include "num/vec.h"
#include "support/suite.h"

enum { ITEMS = 5, USERS = 1001 /* no multiple of a batch, and the last has something new */ };

/* Products 1..4 on two axes; 5 is not in the model. G is the factors' Gram matrix, which is diagonal. */
static void make_model(struct recommend_model *m)
{
    static const uint32_t items[] = {1, 2, 3, 4};
    static const float popularity[] = {1, 1, 1, 1}, spectrum[] = {1 + 0.25f, 1 + 0.25f};
    static const float rows[] = {1, 0, 0, 1, 0.5f, 0, 0, 0.5f};
    struct err err;
    float *exact = mem_new(8, sizeof *exact);
    memcpy(exact, rows, sizeof rows);
    *m = (struct recommend_model){.rows = 4,
                                  .dim = 2,
                                  .alpha = 1,
                                  .regularisation = 1,
                                  .items = items,
                                  .popularity = popularity,
                                  .spectrum = spectrum};
    ck_ok(vec_init(&err));
    ck_ok(vectors_build(exact, 4, 2, 1, NULL, &m->vectors, &err));
}

static void act(struct interactions *it, uint32_t user, uint32_t item)
{
    struct err err;
    ck_ok(interactions_append(it, user, item, (int64_t)(it->len + 1) * 1000000, 1, EVENT_VIEW, 1,
                              &err));
}

static void sort(struct interactions *it)
{
    struct derive_options o = derive_defaults();
    struct err err;
    ck_ok(interactions_sort(it, &o, &err));
}

START_TEST(users_are_measured_by_what_they_had_besides)
{
    struct recommend_model m;
    struct interactions past = {0}, truth = {0};
    struct holdout_result r;
    struct err err;
    make_model(&m);
    act(&past, 1, 1); /* likes the first axis: 3 comes first, then 2 and 4, which score 0 */
    act(&past, 2, 2); /* and the second: 4 comes first */
    act(&past, 3, 1);
    act(&past, 4, 5); /* the model knows nothing of it: left out */
    act(&truth, 1, 3);
    act(&truth, 1, 1); /* had already: not wanted */
    act(&truth, 1, 3); /* once is enough */
    act(&truth, 2, 3);
    act(&truth, 2, 5); /* wanted, and never shown */
    act(&truth, 3, 1); /* nothing new: left out */
    act(&truth, 4, 1);
    act(&truth, 5, 1); /* no past: left out */
    sort(&past);
    sort(&truth);
    struct holdout_options o = {.k = 1, .users = 5, .items = ITEMS};
    struct holdout_model factors;
    ck_ok(holdout_of_factors(&m, false, &factors, &err));
    ck_ok(holdout_measure(&factors, &past, &truth, &o, &r, &err));
    ck_assert_uint_eq(r.users, 2);
    ck_assert_double_eq_tol(r.recall, (1 + 0) / 2.0, 1e-12);
    ck_assert_double_eq_tol(r.ndcg, (1 + 0) / 2.0, 1e-12);
    ck_assert_double_eq_tol(r.coverage, 2.0 / ITEMS, 1e-12); /* 3 and 4 were shown */
    o.k = 3;                                                 /* user 2 is shown 4, then 1 and 3 */
    for (int exact = 0; exact < 2; exact++) {
        ck_ok(holdout_of_factors(&m, exact, &factors, &err));
        ck_ok(holdout_measure(&factors, &past, &truth, &o, &r, &err));
        ck_assert_double_eq_tol(r.recall, (1 + 0.5) / 2, 1e-12);
        ck_assert_double_eq_tol(r.hit, 1, 1e-12);
        ck_assert_double_eq_tol(r.mrr, (1 + 1.0 / 3) / 2, 1e-12);
        ck_assert_double_eq_tol(r.ndcg, (1 + 1 / log2(4) / (1 + 1 / log2(3))) / 2, 1e-12);
    }
    vectors_release(&m.vectors);
    interactions_release(&past);
    interactions_release(&truth);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same)
{
    struct recommend_model m;
    struct interactions past = {0}, truth = {0};
    struct holdout_result one, many;
    struct pool *pool;
    struct err err;
    size_t measured = 0; /* users with something new */
    make_model(&m);
    for (uint32_t user = 1; user <= USERS; user++) {
        act(&past, user, 1 + user % 4);
        act(&truth, user, 1 + user * 7 % ITEMS);
        measured += user % 4 != user * 7 % ITEMS;
    }
    sort(&past);
    sort(&truth);
    struct holdout_options o = {.k = 2, .users = USERS, .items = ITEMS};
    struct holdout_model factors;
    ck_ok(holdout_of_factors(&m, false, &factors, &err));
    ck_ok(holdout_measure(&factors, &past, &truth, &o, &one, &err));
    ck_ok(pool_new(&pool, "test", 3, 16, &err));
    o.pool = pool;
    ck_ok(holdout_measure(&factors, &past, &truth, &o, &many, &err));
    ck_assert_uint_eq(one.users, measured);
    ck_assert_uint_eq(one.users, many.users);
    ck_assert_double_eq_tol(one.ndcg, many.ndcg, 1e-9);
    ck_assert_double_eq(one.gini, many.gini);
    pool_free(pool);
    vectors_release(&m.vectors);
    interactions_release(&past);
    interactions_release(&truth);
}
END_TEST

START_TEST(a_model_without_factors_is_refused)
{
    struct recommend_model m = {0};
    struct holdout_model out;
    struct err err;
    ck_err(holdout_of_factors(&m, false, &out, &err), ERR_INVALID);
}
END_TEST

SUITE("holdout", users_are_measured_by_what_they_had_besides, any_number_of_threads_gives_the_same,
      a_model_without_factors_is_refused)
