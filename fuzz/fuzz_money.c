/* fuzz_money.c - any text is an amount or is refused, and an amount is what its digits say. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* strtold rounds in binary, so the amount may differ from it by half a unit and a little. */
static void compare_with_strtold(struct str text, int64_t minor, int digits)
{
    char z[64];
    if (text.n >= sizeof z)
        return;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    long double exact = strtold(z, NULL) * powl(10, digits);
    CHECK(fabsl(exact - (long double)minor) <= 0.5001L);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const currencies[] = {"JPY", "GBP", "KWD", "CLF"};
    struct str text = {(const char *)data, size};
    for (int i = 0; i < 4; i++) {
        currency_code currency;
        int64_t minor, micro, line;
        bool exact;
        CHECK(currency_of(str_of(currencies[i]), &currency));
        if (money_parse_minor(text, currency, &minor, &exact, NULL))
            continue;
        CHECK(minor >= -STORE_AMOUNT_MAX && minor <= STORE_AMOUNT_MAX);
        compare_with_strtold(text, minor, currency_exponent(currency));
        if (money_parse_micro(text, &micro, NULL) == ERR_OK &&
            money_line_minor(1, micro, currency, &line, NULL) == ERR_OK)
            CHECK(line == minor);
    }
    currency_code any;
    if (currency_of(text, &any))
        CHECK(currency_exponent(any) >= 0 && currency_exponent(any) <= 4);
    return 0;
}
