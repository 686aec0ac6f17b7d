#include "base/digits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "support/suite.h"

/* In room of its own, so that the address sanitizer sees a byte too many. */
static const char *ended(char *text, const char *end)
{
    ck_assert_ptr_nonnull(end);
    text[end - text] = '\0';
    return text;
}

START_TEST(integers_of_every_length_are_as_printf_has_them)
{
    static const uint64_t edges[] = {0,  1,   9,         10,         99,      100,
                                     99, 101, INT64_MAX, UINT64_MAX, 1000000, (uint64_t)INT64_MIN};
    char text[DIGITS_INTEGER_MAX + 1], want[32];
    struct rng rng;
    rng_init(&rng, 7);
    for (size_t i = 0; i < 20000; i++) {
        uint64_t v =
            i < sizeof edges / sizeof *edges ? edges[i] : rng_u64(&rng) >> rng_below(&rng, 64);
        snprintf(want, sizeof want, "%llu", (unsigned long long)v);
        ck_assert_str_eq(ended(text, digits_u64(text, v)), want);
        snprintf(want, sizeof want, "%lld", (long long)v);
        ck_assert_str_eq(ended(text, digits_i64(text, (int64_t)v)), want);
    }
}
END_TEST

/* The obvious way: a whole number of the last place, printed with a point, zeros cut. */
static void naive_decimal(double v, unsigned places, char out[64])
{
    unsigned long long power = 1;
    for (unsigned i = 0; i < places; i++)
        power *= 10;
    unsigned long long whole = (unsigned long long)round(fabs(v) * (double)power);
    const char *sign = v < 0 && whole ? "-" : "";
    if (places == 0) {
        snprintf(out, 64, "%s%llu", sign, whole);
        return;
    }
    int n = snprintf(out, 64, "%s%llu.%0*llu", sign, whole / power, (int)places, whole % power);
    while (out[n - 1] == '0')
        out[--n] = '\0';
    if (out[n - 1] == '.')
        out[n - 1] = '\0';
}

START_TEST(decimals_are_rounded_to_the_nearest_and_their_zeros_cut)
{
    static const double edges[] = {0,      -0.0, 0.5,  -0.5, 1.5,    2.5,   0.49999999999999994,
                                   99.995, 0.1,  9e15, -1e6, 1e-300, 0.005, 4503599627370497.5};
    char text[DIGITS_DECIMAL_MAX + 1], want[64];
    struct rng rng;
    rng_init(&rng, 8);
    for (size_t i = 0; i < 20000; i++) {
        double v = i < sizeof edges / sizeof *edges
                       ? edges[i]
                       : ldexp(rng_unit(&rng) - 0.5, (int)rng_below(&rng, 22));
        for (unsigned places = 0; places <= DIGITS_PLACES_MAX; places++) {
            char *end = digits_decimal(text, v, places);
            if (fabs(v) * pow(10, places) >= 0x1p53) {
                ck_assert_ptr_null(end);
                continue;
            }
            naive_decimal(v, places, want);
            ck_assert_str_eq(ended(text, end), want);
        }
    }
}
END_TEST

START_TEST(what_is_no_number_or_too_large_has_no_decimal)
{
    char text[DIGITS_DECIMAL_MAX];
    ck_assert_ptr_null(digits_decimal(text, NAN, 2));
    ck_assert_ptr_null(digits_decimal(text, -INFINITY, 2));
    ck_assert_ptr_null(digits_decimal(text, 0x1p53, 0));
    ck_assert_ptr_null(digits_decimal(text, 1e14, 2));
}
END_TEST

SUITE("digits", integers_of_every_length_are_as_printf_has_them,
      decimals_are_rounded_to_the_nearest_and_their_zeros_cut,
      what_is_no_number_or_too_large_has_no_decimal)
