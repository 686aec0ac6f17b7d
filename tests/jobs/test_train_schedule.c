#include "jobs/train_schedule.h"

#include <unistd.h>

#include "base/clock.h"
#include "store/fixture.h"
#include "store/jobs.h"
#include "store/models.h"

enum { SOON_US = 1 };
static const int64_t never_us = 300 * CLOCK_US_PER_DAY;

static void add_version(struct shop *s, const char *version, const char *manifest, bool live)
{
    struct err err;
    struct model_version m = {.family = STR_LIT("recommend"),
                              .version = str_of(version),
                              .state = MODEL_PASSED,
                              .manifest = str_of(manifest)};
    struct store_tx *tx = tx_begin(s);
    ck_ok(model_put(tx, &m, &err));
    if (live)
        ck_ok(model_publish(tx, m.family, m.version, false, &err));
    tx_commit(s);
}

/* Let the schedule look once, when what it waits for a microsecond is due. The arguments of the job that it queued;
 * NULL: none. */
static const char *queued(struct shop *s, struct train_schedule *schedule)
{
    struct err err;
    struct job job;
    usleep(1000);
    train_schedule_run(schedule, s->store);
    enum err_code code =
        job_take(tx_begin(s), STR_LIT("train"), STR_LIT("test"), &s->arena, &job, &err);
    ck_assert(code == ERR_OK || code == ERR_NOT_FOUND);
    tx_commit(s);
    return code == ERR_OK ? arena_str(&s->arena, job.arguments).p : NULL;
}

static struct train_schedule every(int64_t refit_us, int64_t full_us)
{
    struct train_schedule s = {.refit_every_us = refit_us, .full_every_us = full_us};
    train_schedule_begin(&s);
    return s;
}

START_TEST(where_nothing_serves_nothing_is_trained)
{
    struct shop s;
    shop_init(&s);
    struct train_schedule schedule = every(SOON_US, SOON_US);
    ck_assert_ptr_null(queued(&s, &schedule));
    add_version(&s, "v1", "{}", false);
    ck_assert_ptr_null(queued(&s, &schedule));
    shop_release(&s);
}
END_TEST

START_TEST(nothing_is_trained_at_once_and_nothing_with_periods_of_zero)
{
    struct shop s;
    shop_init(&s);
    add_version(&s, "v1", "{}", true);
    struct train_schedule schedule = every(never_us, never_us);
    ck_assert_ptr_null(queued(&s, &schedule));
    schedule = every(0, 0);
    ck_assert_ptr_null(queued(&s, &schedule));
    shop_release(&s);
}
END_TEST

START_TEST(refits_come_again_and_again_and_a_full_training_when_its_time_is_over)
{
    struct shop s;
    shop_init(&s);
    add_version(&s, "v1", "{}", true);
    struct train_schedule schedule = every(SOON_US, never_us);
    ck_assert_str_eq(queued(&s, &schedule), "{\"refit\":true}");
    ck_assert_str_eq(queued(&s, &schedule), "{\"refit\":true}");
    schedule = every(SOON_US, SOON_US); /* in the place of the refit */
    ck_assert_str_eq(queued(&s, &schedule), "");
    schedule = every(0, SOON_US);
    ck_assert_str_eq(queued(&s, &schedule), "");
    shop_release(&s);
}
END_TEST

START_TEST(a_refit_is_no_full_training)
{
    struct shop s;
    shop_init(&s);
    add_version(&s, "v1", "{\"made\":{\"refit_of\":\"v0\"}}", true);
    struct train_schedule schedule = every(SOON_US, never_us);
    schedule.full_at_ns = 0; /* an hour after the start */
    ck_assert_str_eq(queued(&s, &schedule), "");
    ck_assert_str_eq(queued(&s, &schedule), "{\"refit\":true}"); /* it may have failed */
    add_version(&s, "v2", "{\"made\":{\"refit_of\":null}}", true);
    schedule.full_at_ns = 0;
    ck_assert_str_eq(queued(&s, &schedule), "{\"refit\":true}"); /* made just now */
    shop_release(&s);
}
END_TEST

SUITE("train_schedule", where_nothing_serves_nothing_is_trained,
      nothing_is_trained_at_once_and_nothing_with_periods_of_zero,
      refits_come_again_and_again_and_a_full_training_when_its_time_is_over,
      a_refit_is_no_full_training)
