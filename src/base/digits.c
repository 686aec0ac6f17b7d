#include "base/digits.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"

/* Whole numbers below are exact. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static const char pairs[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

char *digits_u64(char *at, uint64_t v)
{
    char text[DIGITS_INTEGER_MAX], *p = text + sizeof text;
    for (; v >= 100; v /= 100) {
        p -= 2;
        memcpy(p, pairs + 2 * (v % 100), 2);
    }
    if (v >= 10) {
        p -= 2;
        memcpy(p, pairs + 2 * v, 2);
    } else {
        *--p = (char)('0' + v);
    }
    size_t n = (size_t)(text + sizeof text - p);
    memcpy(at, p, n);
    return at + n;
}

char *digits_i64(char *at, int64_t v)
{
    if (v >= 0)
        return digits_u64(at, (uint64_t)v);
    *at = '-';
    return digits_u64(at + 1, 0 - (uint64_t)v);
}

char *digits_decimal(char *at, double v, unsigned places)
{
    static const uint32_t power[] = {1,      10,      100,      1000,      10000,
                                     100000, 1000000, 10000000, 100000000, 1000000000};
    CHECK(places <= DIGITS_PLACES_MAX);
    double scaled = fabs(v) * power[places];
    if (!(scaled < WHOLE_MAX)) /* also NaN */
        return NULL;
    uint64_t whole = (uint64_t)scaled;
    whole += scaled - (double)whole >= 0.5; /* the difference is exact */
    if (v < 0 && whole > 0)
        *at++ = '-';
    at = digits_u64(at, whole / power[places]);
    uint64_t rest = whole % power[places];
    if (rest == 0)
        return at;
    *at++ = '.';
    for (unsigned i = places; i > 0; i--, rest /= 10)
        at[i - 1] = (char)('0' + rest % 10);
    at += places;
    while (at[-1] == '0')
        at--;
    return at;
}
