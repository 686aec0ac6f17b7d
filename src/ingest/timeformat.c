#include "ingest/timeformat.h"

#include "base/clock.h"

struct scan {
    struct str rest;
    struct clock_civil c;
    int64_t epoch_us, zone_us;
    bool has_epoch, pm, has_half;
};

static bool digit(struct str s)
{
    return s.n && s.p[0] >= '0' && s.p[0] <= '9';
}

static void skip(struct str *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

/* One to width digits. */
static bool number(struct str *s, int width, int64_t *out)
{
    int64_t v = 0;
    int n = 0;
    for (; n < width && digit(*s); n++, skip(s, 1))
        v = v * 10 + (s->p[0] - '0');
    *out = v;
    return n > 0;
}

static bool small(struct str *s, int width, int lo, int hi, int *out)
{
    int64_t v;
    if (!number(s, width, &v) || v < lo || v > hi)
        return false;
    *out = (int)v;
    return true;
}

static bool fraction(struct scan *s)
{
    int us = 0, unit = 100000;
    if (!s->rest.n || (s->rest.p[0] != '.' && s->rest.p[0] != ','))
        return true;
    skip(&s->rest, 1);
    if (!digit(s->rest))
        return false;
    for (; digit(s->rest); skip(&s->rest, 1), unit /= 10)
        us += (s->rest.p[0] - '0') * unit;
    s->c.us = us;
    return true;
}

static bool month_name(struct scan *s)
{
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    for (int i = 0; i < 12; i++) {
        size_t whole = strlen(names[i]);
        for (size_t n = whole; n >= 3; n = n > 3 ? 3 : 0) {
            if (s->rest.n >= n &&
                str_eq_nocase((struct str){s->rest.p, n}, (struct str){names[i], n})) {
                s->c.month = i + 1;
                skip(&s->rest, n);
                return true;
            }
        }
    }
    return false;
}

static bool half_day(struct scan *s)
{
    if (s->rest.n < 2 || (s->rest.p[1] != 'M' && s->rest.p[1] != 'm'))
        return false;
    char c = s->rest.p[0];
    s->pm = c == 'P' || c == 'p';
    s->has_half = true;
    skip(&s->rest, 2);
    return s->pm || c == 'A' || c == 'a';
}

static bool zone(struct scan *s)
{
    int hours, minutes = 0;
    if (s->rest.n && s->rest.p[0] == 'Z') {
        skip(&s->rest, 1);
        return true;
    }
    if (!s->rest.n || (s->rest.p[0] != '+' && s->rest.p[0] != '-'))
        return false;
    int64_t sign = s->rest.p[0] == '+' ? 1 : -1;
    skip(&s->rest, 1);
    if (!small(&s->rest, 2, 0, 14, &hours))
        return false;
    if (s->rest.n && s->rest.p[0] == ':')
        skip(&s->rest, 1);
    if (digit(s->rest) && !small(&s->rest, 2, 0, 59, &minutes))
        return false;
    s->zone_us = sign * (hours * 60 + minutes) * 60 * CLOCK_US_PER_S;
    return true;
}

static bool epoch(struct scan *s, int64_t unit_us)
{
    int64_t v;
    bool negative = s->rest.n && s->rest.p[0] == '-';
    if (negative)
        skip(&s->rest, 1);
    if (!number(&s->rest, unit_us == 1000 ? 14 : 11, &v))
        return false;
    s->epoch_us = (negative ? -v : v) * unit_us;
    s->has_epoch = true;
    return unit_us != CLOCK_US_PER_S || fraction(s);
}

static bool one(struct scan *s, char what)
{
    int v;
    switch (what) {
    case 'Y':
        return small(&s->rest, 4, 1, 9999, &s->c.year);
    case 'y':
        if (!small(&s->rest, 2, 0, 99, &v))
            return false;
        s->c.year = v < 70 ? 2000 + v : 1900 + v;
        return true;
    case 'm':
        return small(&s->rest, 2, 1, 12, &s->c.month);
    case 'd':
        return small(&s->rest, 2, 1, 31, &s->c.day);
    case 'H':
        return small(&s->rest, 2, 0, 23, &s->c.hour);
    case 'I':
        return small(&s->rest, 2, 1, 12, &s->c.hour);
    case 'M':
        return small(&s->rest, 2, 0, 59, &s->c.minute);
    case 'S':
        if (!small(&s->rest, 2, 0, 60, &s->c.second))
            return false;
        s->c.second = s->c.second == 60 ? 59 : s->c.second;
        return fraction(s);
    case 'p':
        return half_day(s);
    case 'b':
        return month_name(s);
    case 'z':
        return zone(s);
    case 's':
        return epoch(s, CLOCK_US_PER_S);
    case 'Q':
        return epoch(s, 1000);
    default:
        return false;
    }
}

static bool literal(struct scan *s, char c)
{
    if (c == ' ') {
        size_t before = s->rest.n;
        while (s->rest.n && (s->rest.p[0] == ' ' || s->rest.p[0] == '\t'))
            skip(&s->rest, 1);
        return s->rest.n < before;
    }
    if (!s->rest.n || s->rest.p[0] != c)
        return false;
    skip(&s->rest, 1);
    return true;
}

bool time_parse(struct str format, struct str text, int64_t *us)
{
    struct scan s = {.rest = text, .c = {.year = 1970, .month = 1, .day = 1}};
    for (size_t i = 0; i < format.n; i++) {
        bool conversion = format.p[i] == '%' && i + 1 < format.n && format.p[i + 1] != '%';
        if (format.p[i] == '%')
            i++;
        if (i >= format.n || !(conversion ? one(&s, format.p[i]) : literal(&s, format.p[i])))
            return false;
    }
    if (s.rest.n)
        return false;
    if (s.has_epoch) {
        *us = s.epoch_us + s.c.us;
        return true;
    }
    if (s.has_half)
        s.c.hour = s.c.hour % 12 + (s.pm ? 12 : 0);
    if (!clock_us_of(&s.c, us))
        return false;
    *us -= s.zone_us;
    return true;
}

bool time_format_ok(struct str format)
{
    unsigned seen = 0; /* year 1, month 2, day 4, a count 8 */
    for (size_t i = 0; i < format.n; i++) {
        if (format.p[i] != '%')
            continue;
        if (++i == format.n || !strchr("YymdHIMSpbzsQ%", format.p[i]) || !format.p[i])
            return false;
        seen |= strchr("Yy", format.p[i])   ? 1u
                : strchr("mb", format.p[i]) ? 2u
                : format.p[i] == 'd'        ? 4u
                : strchr("sQ", format.p[i]) ? 8u
                                            : 0u;
    }
    return seen == 7 || seen == 8;
}
