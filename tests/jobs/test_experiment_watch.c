/* What should end is stopped, once, with its reason; what should not goes on. */
#include "jobs/experiment_watch.h"

#include "eval/experiment_shop.h"

static struct experiment_record record_of(struct experiment_shop *s)
{
    struct experiment_record r;
    struct db *db;
    struct err err;
    ck_ok(store_read_begin(s->store, &db, &err));
    ck_ok(experiment_get(db, STR_LIT("e"), &s->arena, &r, &err));
    store_read_end(s->store, db);
    return r;
}

static struct experiment_watch watch(struct experiment_shop *s)
{
    struct experiment_watch seen;
    struct err err;
    ck_ok(experiment_watch(s->store, 0, NULL, NULL, &seen, &err));
    return seen;
}

START_TEST(an_experiment_whose_shoppers_are_divided_wrongly_is_stopped_once)
{
    struct experiment_shop s;
    shop_open(&s,
              "{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}");
    for (int u = 0; u < 400; u++)
        shop_event(&s, u, EVENT_IMPRESSION, u, shop_list(&s, u % 2));
    shop_store(&s);
    ck_assert_int_eq(watch(&s).stopped, 0);
    ck_assert_int_eq(record_of(&s).state, EXPERIMENT_RUNNING);
    s.len = 0;
    for (int u = 400; u < 1400; u++)
        shop_event(&s, u, EVENT_IMPRESSION, u, shop_list(&s, 0))->id =
            arena_printf(&s.arena, "more-%d", u);
    shop_store(&s);
    struct experiment_watch seen = watch(&s);
    ck_assert(seen.running == 1 && seen.stopped == 1);
    struct experiment_record r = record_of(&s);
    ck_assert_int_eq(r.state, EXPERIMENT_STOPPED);
    ck_assert(str_starts(r.reason, STR_LIT("sample ratio")) && r.stopped_at > r.started_at);
    seen = watch(&s);
    ck_assert(seen.running == 0 && seen.stopped == 0);
    shop_close(&s);
}
END_TEST

START_TEST(an_experiment_ends_after_its_days)
{
    struct experiment_shop s;
    shop_open(&s,
              "{\"placements\": [\"home\"], \"max_days\": 1, \"variants\": [{\"name\": \"a\"}]}");
    ck_assert_int_eq(watch(&s).stopped, 1); /* it began years ago */
    ck_assert(str_starts(record_of(&s).reason, STR_LIT("max_days")));
    shop_close(&s);
}
END_TEST

static bool at_once(void *arg)
{
    (void)arg;
    return true;
}

START_TEST(a_watch_that_must_end_stops_nothing)
{
    struct experiment_shop s;
    struct experiment_watch seen;
    struct err err;
    shop_open(&s,
              "{\"placements\": [\"home\"], \"max_days\": 1, \"variants\": [{\"name\": \"a\"}]}");
    ck_err(experiment_watch(s.store, 0, at_once, NULL, &seen, &err), ERR_CANCELLED);
    ck_assert_int_eq(record_of(&s).state, EXPERIMENT_RUNNING);
    shop_close(&s);
}
END_TEST

SUITE("experiment_watch", an_experiment_whose_shoppers_are_divided_wrongly_is_stopped_once,
      an_experiment_ends_after_its_days, a_watch_that_must_end_stops_nothing)
