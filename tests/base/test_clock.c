/* test_clock.c - clock and rng: against the C library, a published vector, moments and bounds. */
#include "support/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"

START_TEST(the_calendar_agrees_with_the_c_library)
{
    struct rng rng;
    rng_init(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        /* years 1 to 9999 */
        int64_t s = -62135596800 + (int64_t)rng_below(&rng, 315537897600);
        int64_t us = s * CLOCK_US_PER_S + (int64_t)rng_below(&rng, 1000000), back;
        struct clock_civil c = clock_civil_of(us);
        struct tm tm;
        time_t t = (time_t)s;
        ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
        ck_assert(c.year == tm.tm_year + 1900 && c.month == tm.tm_mon + 1 && c.day == tm.tm_mday &&
                  c.hour == tm.tm_hour && c.minute == tm.tm_min && c.second == tm.tm_sec &&
                  c.weekday == tm.tm_wday);
        ck_assert(clock_us_of(&c, &back));
        ck_assert_int_eq(back, us);
        char text[CLOCK_ISO_SIZE];
        struct err err;
        ck_ok(clock_parse_iso(str_of(clock_format_iso(us, text)), &back, &err));
        ck_assert_int_eq(back, us);
    }
}
END_TEST

START_TEST(iso_times_read_as_feeds_write_them)
{
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"1970-01-01", 0},
        {"1970-01-01 00:00", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00,1234567", 123456},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T22:30:00-0130", 0},
        {"2016-12-31T23:59:60Z", 1483228799000000},
        {"2011-12-09T12:50:00Z", 1323435000000000},
    };
    static const char *const bad[] = {"",
                                      "1970",
                                      "1970-1-1",
                                      "1970-02-30",
                                      "1900-02-29",
                                      "0000-01-01",
                                      "1970-01-01T",
                                      "1970-01-01T24:00",
                                      "1970-01-01T00:60",
                                      "1970-01-01T00:00:61",
                                      "1970-01-01T00:00:00.",
                                      "1970-01-01Z",
                                      "1970-01-01T00:00+25:00",
                                      "1970-01-01T00:00:00 Z",
                                      "x1970-01-01",
                                      "1970-01-01T00:00:00Zx",
                                      "-970-01-01"};
    struct err err;
    int64_t us;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_ok(clock_parse_iso(str_of(good[i].text), &us, &err));
        ck_assert_msg(us == good[i].us, "%s: %lld", good[i].text, (long long)us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(clock_parse_iso(str_of(bad[i]), &us, &err), ERR_INVALID);
}
END_TEST

START_TEST(the_present_can_be_pinned)
{
    setenv("AISLE_NOW", "1960-01-01T00:00:00Z", 1);
    ck_assert_int_eq(clock_now_us(), -315619200000000);
    ck_assert_int_eq(clock_now_us(), -315619200000000);
    int64_t before = clock_mono_ns();
    ck_assert_int_ge(clock_mono_ns(), before);
}
END_TEST

START_TEST(the_stream_is_that_of_the_published_generator)
{
    /* xoshiro256++ from the state {1, 2, 3, 4}: the authors' test vector. */
    static const uint64_t want[] = {41943041u, 58720359u, 3588806011781223u, 3591011842654386u,
                                    9228616714210784205u};
    struct rng r = {{1, 2, 3, 4}}, a, b;
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(rng_u64(&r), want[i]);
    rng_init_stream(&a, 1, 2);
    rng_init_stream(&b, 1, 3);
    ck_assert_uint_ne(rng_u64(&a), rng_u64(&b));
}
END_TEST

START_TEST(draws_have_the_moments_they_claim)
{
    enum { N = 200000 };
    struct rng r;
    double normal = 0, square = 0, exponential = 0, unit = 0, small = 0, large = 0;
    unsigned faces[6] = {0};
    rng_init(&r, 42);
    for (int i = 0; i < N; i++) {
        double z = rng_normal(&r), u = rng_unit(&r);
        ck_assert(u >= 0 && u < 1);
        normal += z;
        square += z * z;
        unit += u;
        exponential += rng_exponential(&r);
        small += (double)rng_poisson(&r, 3);
        large += (double)rng_poisson(&r, 100);
        faces[rng_below(&r, 6)]++;
    }
    /* Six standard errors of the mean: fails about once in a thousand million seeds. */
    ck_assert_double_lt(fabs(normal / N), 6 / sqrt(N));
    ck_assert_double_lt(fabs(square / N - 1), 6 * sqrt(2.0 / N));
    ck_assert_double_lt(fabs(unit / N - 0.5), 6 * sqrt(1.0 / 12 / N));
    ck_assert_double_lt(fabs(exponential / N - 1), 6 / sqrt(N));
    ck_assert_double_lt(fabs(small / N - 3), 6 * sqrt(3.0 / N));
    ck_assert_double_lt(fabs(large / N - 100), 6 * sqrt(100.0 / N));
    for (int i = 0; i < 6; i++)
        ck_assert_double_lt(fabs(faces[i] / (double)N - 1.0 / 6), 6 * sqrt(5.0 / 36 / N));
    ck_assert_uint_eq(rng_below(&r, 1), 0);
    ck_assert_uint_eq(rng_poisson(&r, 0), 0);
}
END_TEST

SUITE("clock", the_calendar_agrees_with_the_c_library, iso_times_read_as_feeds_write_them,
      the_present_can_be_pinned, the_stream_is_that_of_the_published_generator,
      draws_have_the_moments_they_claim)
