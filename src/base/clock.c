#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"

int64_t clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_us(void)
{
    enum { UNREAD, FREE, PINNED };
    static _Atomic int64_t pinned_us;
    static atomic_int state = UNREAD;
    int now = atomic_load_explicit(&state, memory_order_acquire);
    if (__builtin_expect(now == UNREAD, 0)) {
        const char *env = getenv("AISLE_NOW");
        int64_t us;
        now = env && clock_parse_iso(str_of(env), &us, NULL) == ERR_OK ? PINNED : FREE;
        if (now == PINNED)
            pinned_us = us;
        atomic_store_explicit(&state, now, memory_order_release);
    }
    if (now == PINNED)
        return pinned_us;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * CLOCK_US_PER_S + t.tv_nsec / 1000;
}

static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static int days_in_month(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : days[m - 1];
}

struct clock_civil clock_civil_of(int64_t us)
{
    int64_t day = us / CLOCK_US_PER_DAY, rest = us % CLOCK_US_PER_DAY;
    if (rest < 0) {
        rest += CLOCK_US_PER_DAY;
        day--;
    }
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct clock_civil c;
    c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    int64_t s = rest / CLOCK_US_PER_S;
    c.us = (int)(rest % CLOCK_US_PER_S);
    c.hour = (int)(s / 3600);
    c.minute = (int)(s / 60 % 60);
    c.second = (int)(s % 60);
    c.weekday = (int)(((day + 4) % 7 + 7) % 7);
    return c;
}

bool clock_us_of(const struct clock_civil *c, int64_t *us)
{
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month) || c->hour < 0 || c->hour > 23 || c->minute < 0 ||
        c->minute > 59 || c->second < 0 || c->second > 59 || c->us < 0 || c->us > 999999)
        return false;
    int64_t s = days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 +
                c->minute * 60 + c->second;
    *us = s * CLOCK_US_PER_S + c->us;
    return true;
}

char *clock_format_iso(int64_t us, char out[CLOCK_ISO_SIZE])
{
    struct clock_civil c = clock_civil_of(us);
    int n = snprintf(out, CLOCK_ISO_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day,
                     c.hour, c.minute, c.second);
    CHECK(n > 0 && n < CLOCK_ISO_SIZE);
    size_t at = (size_t)n;
    if (c.us % 1000 != 0)
        snprintf(out + at, CLOCK_ISO_SIZE - at, ".%06dZ", c.us);
    else if (c.us != 0)
        snprintf(out + at, CLOCK_ISO_SIZE - at, ".%03dZ", c.us / 1000);
    else
        snprintf(out + at, CLOCK_ISO_SIZE - at, "Z");
    return out;
}

/* Read exactly n digits at *i. */
static bool digits(struct str s, size_t *i, int n, int *out)
{
    int v = 0;
    if (s.n - *i < (size_t)n || *i > s.n)
        return false;
    for (int k = 0; k < n; k++) {
        unsigned d = (unsigned)(unsigned char)s.p[*i + (size_t)k] - '0';
        if (d > 9)
            return false;
        v = v * 10 + (int)d;
    }
    *i += (size_t)n;
    *out = v;
    return true;
}

static bool literal(struct str s, size_t *i, char c)
{
    if (*i < s.n && s.p[*i] == c) {
        (*i)++;
        return true;
    }
    return false;
}

static bool fraction(struct str s, size_t *i, int *us)
{
    int scale = 100000, n = 0;
    *us = 0;
    while (*i < s.n && s.p[*i] >= '0' && s.p[*i] <= '9') {
        *us += (s.p[(*i)++] - '0') * scale;
        scale /= 10;
        n++;
    }
    return n > 0;
}

static bool zone(struct str s, size_t *i, int *minutes)
{
    *minutes = 0;
    if (*i == s.n || literal(s, i, 'Z') || literal(s, i, 'z'))
        return true;
    int sign = s.p[*i] == '+' ? 1 : s.p[*i] == '-' ? -1 : 0, h, m = 0;
    if (!sign)
        return false;
    (*i)++;
    if (!digits(s, i, 2, &h))
        return false;
    if (*i < s.n) {
        literal(s, i, ':');
        if (!digits(s, i, 2, &m))
            return false;
    }
    if (h > 23 || m > 59)
        return false;
    *minutes = sign * (h * 60 + m);
    return true;
}

static bool parse(struct str s, int64_t *us)
{
    struct clock_civil c = {0};
    size_t i = 0;
    int offset_min = 0;
    if (!digits(s, &i, 4, &c.year) || !literal(s, &i, '-') || !digits(s, &i, 2, &c.month) ||
        !literal(s, &i, '-') || !digits(s, &i, 2, &c.day))
        return false;
    if (i < s.n) {
        if (!literal(s, &i, 'T') && !literal(s, &i, 't') && !literal(s, &i, ' '))
            return false;
        if (!digits(s, &i, 2, &c.hour) || !literal(s, &i, ':') || !digits(s, &i, 2, &c.minute))
            return false;
        if (literal(s, &i, ':')) {
            if (!digits(s, &i, 2, &c.second))
                return false;
            if ((literal(s, &i, '.') || literal(s, &i, ',')) && !fraction(s, &i, &c.us))
                return false;
        }
        if (!zone(s, &i, &offset_min))
            return false;
    }
    if (c.second == 60)
        c.second = 59;
    if (i != s.n || !clock_us_of(&c, us))
        return false;
    *us -= (int64_t)offset_min * 60 * CLOCK_US_PER_S;
    return true;
}

enum err_code clock_parse_iso(struct str s, int64_t *us, struct err *err)
{
    char quoted[48];
    if (parse(s, us))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "'%s' is not an ISO 8601 time",
                   err_quote(quoted, sizeof quoted, s.p, s.n));
}
