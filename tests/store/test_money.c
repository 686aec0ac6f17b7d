#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "store/records.h"

static currency_code currency(const char *name)
{
    currency_code code = 0;
    ck_assert_msg(currency_of(str_of(name), &code), "%s", name);
    return code;
}

START_TEST(currencies_are_known_by_code_and_have_their_digits)
{
    static const struct {
        const char *name;
        int digits;
    } known[] = {{"AED", 2}, {"GBP", 2}, {"CNY", 2}, {"ZWL", 2}, {"BIF", 0},
                 {"JPY", 0}, {"KRW", 0}, {"XPF", 0}, {"BHD", 3}, {"KWD", 3},
                 {"TND", 3}, {"CLF", 4}, {"UYW", 4}, {"USD", 2}, {"EUR", 2}};
    char name[4];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        currency_code code = currency(known[i].name);
        ck_assert_int_eq(currency_exponent(code), known[i].digits);
        ck_assert_str_eq(currency_name(code, name), known[i].name);
    }
    static const char *const bad[] = {"", "GB", "gbp", "XXX", "EURO", "A  ", "AAA", "DEM"};
    currency_code code;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert(!currency_of(str_of(bad[i]), &code));
    ck_assert_str_eq(currency_name(0, name), "");
}
END_TEST

START_TEST(decimal_texts_become_minor_units_rounded_half_away_from_zero)
{
    static const struct {
        const char *text, *currency;
        int64_t minor;
        bool exact;
    } cases[] = {
        {"2.55", "GBP", 255, true},
        {"0.001", "GBP", 0, false},
        {"0.005", "GBP", 1, false},
        {"-0.005", "GBP", -1, false},
        {"0.0049999", "GBP", 0, false},
        {"-11062.06", "GBP", -1106206, true},
        {"7", "GBP", 700, true},
        {"1.5", "JPY", 2, false},
        {"1.4", "JPY", 1, false},
        {"1.0", "JPY", 1, true},
        {"1.2345", "KWD", 1235, false},
        {"0", "GBP", 0, true},
        {"-0", "GBP", 0, true},
        {"00012.30", "GBP", 1230, true},
        {"0.9999", "GBP", 100, false},
        {"9999999999.99", "GBP", 999999999999, true},
        {"10000000000", "GBP", 1000000000000, true},
    };
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t minor;
        bool exact;
        ck_ok(money_parse_minor(str_of(cases[i].text), currency(cases[i].currency), &minor, &exact,
                                &err));
        ck_assert_msg(minor == cases[i].minor && exact == cases[i].exact, "%s", cases[i].text);
    }
    static const char *const bad[] = {"",
                                      "-",
                                      ".5",
                                      "5.",
                                      "1e3",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1,000",
                                      "1.2.3",
                                      "--1",
                                      "10000000000.01",
                                      "NaN",
                                      "inf",
                                      "£1",
                                      "0x10",
                                      "1-",
                                      "-.5",
                                      "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t minor;
        ck_err(money_parse_minor(str_of(bad[i]), currency("GBP"), &minor, NULL, &err), ERR_INVALID);
    }
}
END_TEST

/* Oracle: printf of an integer, with the point moved in. */
START_TEST(every_amount_survives_being_written_out_and_read)
{
    static const char *const names[] = {"JPY", "GBP", "KWD", "CLF"};
    struct err err;
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        currency_code code = currency(names[i % 4]);
        int digits = currency_exponent(code);
        int64_t scale = 1, want, got;
        char text[40];
        for (int d = 0; d < digits; d++)
            scale *= 10;
        want = (int64_t)rng_below(&rng, STORE_AMOUNT_MAX >> rng_below(&rng, 40));
        int n = snprintf(text, sizeof text, "%s%lld", i & 1 ? "-" : "", (long long)(want / scale));
        if (digits)
            snprintf(text + n, sizeof text - (size_t)n, ".%0*lld", digits,
                     (long long)(want % scale));
        ck_ok(money_parse_minor(str_of(text), code, &got, NULL, &err));
        ck_assert_msg(got == (i & 1 ? -want : want), "%s", text);
    }
}
END_TEST

START_TEST(unit_prices_are_exact_or_refused)
{
    struct err err;
    int64_t micro;
    ck_ok(money_parse_micro(STR_LIT("0.001"), &micro, &err));
    ck_assert_int_eq(micro, 1000);
    ck_ok(money_parse_micro(STR_LIT("1.2345670000"), &micro, &err));
    ck_assert_int_eq(micro, 1234567);
    ck_err(money_parse_micro(STR_LIT("1.2345671"), &micro, &err), ERR_INVALID);
    ck_err(money_parse_micro(STR_LIT("10000000001"), &micro, &err), ERR_INVALID);
}
END_TEST

/* Oracle: the remainder of a 128-bit division, looked at by hand. */
START_TEST(lines_are_rounded_once)
{
    struct err err;
    struct rng rng;
    rng_init(&rng, 6);
    for (int i = 0; i < 20000; i++) {
        int64_t quantity = (int64_t)rng_below(&rng, 200001) - 100000;
        int64_t micro = (int64_t)rng_below(&rng, 100000000), got;
        __int128 exact = (__int128)quantity * micro;
        __int128 whole = exact / 10000, rest = exact % 10000;
        whole += rest >= 5000 ? 1 : rest <= -5000 ? -1 : 0;
        ck_ok(money_line_minor(quantity, micro, currency("GBP"), &got, &err));
        ck_assert_int_eq(got, (int64_t)whole);
    }
    int64_t got;
    ck_ok(money_line_minor(3, 1500000, currency("JPY"), &got, &err));
    ck_assert_int_eq(got, 5);
    ck_err(money_line_minor(INT64_MAX, INT64_MAX, currency("GBP"), &got, &err), ERR_LIMIT);
    ck_err(money_line_minor(INT64_MAX, -INT64_MAX, currency("GBP"), &got, &err), ERR_LIMIT);
}
END_TEST

START_TEST(names_of_types_and_statuses_read_back)
{
    enum event_type t;
    enum order_status o;
    for (unsigned i = 0; i < EVENT_TYPES; i++) {
        ck_assert(event_type_of(str_of(event_type_name((enum event_type)i)), &t));
        ck_assert_uint_eq(t, i);
    }
    for (unsigned i = 0; i < ORDER_STATUSES; i++) {
        ck_assert(order_status_of(str_of(order_status_name((enum order_status)i)), &o));
        ck_assert_uint_eq(o, i);
    }
    ck_assert(!event_type_of(STR_LIT("View"), &t));
    ck_assert(!order_status_of(STR_LIT(""), &o));
}
END_TEST

SUITE("money", currencies_are_known_by_code_and_have_their_digits,
      decimal_texts_become_minor_units_rounded_half_away_from_zero,
      every_amount_survives_being_written_out_and_read, unit_prices_are_exact_or_refused,
      lines_are_rounded_once, names_of_types_and_statuses_read_back)
