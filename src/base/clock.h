/* clock.h - time: a monotonic clock for intervals, UTC microseconds for records.
 *
 * Calendar arithmetic is our own (Howard Hinnant, "chrono-compatible low-level date algorithms"),
 * so neither the TZ variable nor the locale changes a result. Years 1 to 9999. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define CLOCK_US_PER_S   1000000LL
#define CLOCK_US_PER_DAY (86400LL * CLOCK_US_PER_S)

/** Nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_mono_ns(void);

/** Microseconds since 1970-01-01T00:00:00Z. AISLE_NOW (an ISO time) in the environment pins it, for
 *  reproducible runs. */
int64_t clock_now_us(void);

struct clock_civil {
    int year;    /* 1..9999 */
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int hour;    /* 0..23 */
    int minute;  /* 0..59 */
    int second;  /* 0..59 */
    int us;      /* 0..999999 */
    int weekday; /* 0 = Sunday */
};

struct clock_civil clock_civil_of(int64_t us);

/** The fields must be in range (weekday is ignored); false otherwise, and for 31 February. */
bool clock_us_of(const struct clock_civil *c, int64_t *us);

enum { CLOCK_ISO_SIZE = 32 };

/** "2011-12-09T12:50:00Z", with .mmm or .uuuuuu only where not zero. Returns out. */
char *clock_format_iso(int64_t us, char out[CLOCK_ISO_SIZE]);

/** ISO 8601 as feeds write it: date, or date and time separated by 'T' or space, optional seconds
 *  and fraction, optional Z or +hh:mm / +hhmm / -hh:mm; without a zone it is UTC. Leap second 60
 *  reads as 59.
 *  ERR_INVALID  anything else, the message quotes s. */
ERR_MUST_USE enum err_code clock_parse_iso(struct str s, int64_t *us, struct err *err);

#endif
