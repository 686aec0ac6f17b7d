/* digits.h - numbers as decimal text, into room of the caller's.
 *
 * Each writes at the pointer it is given, without a NUL, and returns where its text ends.
 * Cost: a division by a constant for every two digits. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stdint.h>

enum {
    DIGITS_INTEGER_MAX = 20,                     /* bytes of the longest integer */
    DIGITS_PLACES_MAX = 9,                       /* of a decimal */
    DIGITS_DECIMAL_MAX = 2 + DIGITS_INTEGER_MAX, /* bytes of the longest decimal */
};

char *digits_u64(char *at, uint64_t v);
char *digits_i64(char *at, int64_t v);

/** Rounded half away from zero to places (0..DIGITS_PLACES_MAX), trailing zeros cut, no negative zero.
 *  NULL, with nothing written: v is not finite, or is 2^53 or more once multiplied by 10^places. */
char *digits_decimal(char *at, double v, unsigned places);

#endif
