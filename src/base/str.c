#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t str_find(struct str s, char c, size_t from)
{
    if (from >= s.n)
        return SIZE_MAX;
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t str_search(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    const char *hit = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

struct str str_split(struct str *rest, char c)
{
    size_t at = str_find(*rest, c, 0);
    struct str head = *rest;
    if (at == SIZE_MAX) {
        *rest = (struct str){NULL, 0};
        return head;
    }
    head.n = at;
    rest->p += at + 1;
    rest->n -= at + 1;
    return head;
}

size_t str_utf8_next(const char *p, size_t n, uint32_t *cp)
{
    const unsigned char *u = (const unsigned char *)p;
    uint32_t c;
    size_t len;
    if (n == 0)
        return 0;
    if (u[0] < 0x80) {
        c = u[0];
        len = 1;
    } else if (u[0] >= 0xc2 && u[0] <= 0xdf) {
        if (n < 2 || (u[1] & 0xc0) != 0x80)
            return 0;
        c = (uint32_t)(u[0] & 0x1f) << 6 | (u[1] & 0x3f);
        len = 2;
    } else if (u[0] >= 0xe0 && u[0] <= 0xef) {
        if (n < 3 || (u[1] & 0xc0) != 0x80 || (u[2] & 0xc0) != 0x80)
            return 0;
        c = (uint32_t)(u[0] & 0x0f) << 12 | (uint32_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
        if (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))
            return 0;
        len = 3;
    } else if (u[0] >= 0xf0 && u[0] <= 0xf4) {
        if (n < 4 || (u[1] & 0xc0) != 0x80 || (u[2] & 0xc0) != 0x80 || (u[3] & 0xc0) != 0x80)
            return 0;
        c = (uint32_t)(u[0] & 0x07) << 18 | (uint32_t)(u[1] & 0x3f) << 12 |
            (uint32_t)(u[2] & 0x3f) << 6 | (u[3] & 0x3f);
        if (c < 0x10000 || c > 0x10ffff)
            return 0;
        len = 4;
    } else {
        return 0;
    }
    if (cp)
        *cp = c;
    return len;
}

size_t str_utf8_put(uint32_t cp, char out[4])
{
    CHECK(cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff));
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

bool str_utf8_valid(struct str s, size_t *bad)
{
    size_t i = 0;
    while (i < s.n) {
        uint64_t word;
        /* Eight ASCII bytes at a time: most text from outside is. */
        while (s.n - i >= sizeof word) {
            memcpy(&word, s.p + i, sizeof word);
            if (word & 0x8080808080808080u)
                break;
            i += sizeof word;
        }
        if (i == s.n)
            break;
        size_t step = str_utf8_next(s.p + i, s.n - i, NULL);
        if (step == 0) {
            if (bad)
                *bad = i;
            return false;
        }
        i += step;
    }
    return true;
}

size_t str_utf8_floor(const char *p, size_t n, size_t at)
{
    if (at >= n)
        at = n;
    /* Step back over at most three continuation bytes to the lead; keep it only if it is whole. */
    size_t lead = at;
    for (int back = 0; back < 3 && lead > 0 && ((unsigned char)p[lead - 1] & 0xc0) == 0x80; back++)
        lead--;
    if (lead == 0 || (unsigned char)p[lead - 1] < 0xc0)
        return at;
    size_t step = str_utf8_next(p + lead - 1, n - (lead - 1), NULL);
    if (step == 0)
        return at == n ? lead - 1 : at; /* cut short by n itself, or not UTF-8 at all */
    return lead - 1 + step <= at ? at : lead - 1;
}

enum err_code str_parse_i64(struct str s, int64_t lo, int64_t hi, int64_t *out, struct err *err)
{
    char quoted[40];
    bool negative = s.n && s.p[0] == '-';
    size_t i = negative;
    uint64_t v = 0;
    if (i == s.n)
        goto not_a_number;
    for (; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
        if (digit > 9)
            goto not_a_number;
        if (v > (UINT64_MAX - digit) / 10)
            goto out_of_range;
        v = v * 10 + digit;
    }
    if (v > (uint64_t)INT64_MAX + negative)
        goto out_of_range;
    int64_t value = negative ? (int64_t)(0 - v) : (int64_t)v;
    if (value < lo || value > hi)
        goto out_of_range;
    *out = value;
    return ERR_OK;

not_a_number:
    return err_set(err, ERR_INVALID, "'%s' is not a whole number",
                   err_quote(quoted, sizeof quoted, s.p, s.n));
out_of_range:
    return err_set(err, ERR_INVALID, "%s is not between %lld and %lld",
                   err_quote(quoted, sizeof quoted, s.p, s.n), (long long)lo, (long long)hi);
}

bool str_parse_bool(struct str s, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_nocase(s, str_of(words[i]))) {
            *out = i % 2;
            return true;
        }
    return false;
}

/* JSON's number grammar. */
static bool number_grammar(struct str s)
{
    size_t i = 0;
    if (i < s.n && s.p[i] == '-')
        i++;
    size_t digits = i;
    while (i < s.n && isdigit((unsigned char)s.p[i]))
        i++;
    if (i == digits)
        return false;
    if (i < s.n && s.p[i] == '.') {
        size_t frac = ++i;
        while (i < s.n && isdigit((unsigned char)s.p[i]))
            i++;
        if (i == frac)
            return false;
    }
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        size_t exp = i;
        while (i < s.n && isdigit((unsigned char)s.p[i]))
            i++;
        if (i == exp)
            return false;
    }
    return i == s.n;
}

enum err_code str_parse_double(struct str s, double *out, struct err *err)
{
    char z[64], quoted[40];
    /* The process never calls setlocale for LC_NUMERIC, so strtod reads a point. */
    if (s.n >= sizeof z || !number_grammar(s))
        return err_set(err, ERR_INVALID, "'%s' is not a number",
                       err_quote(quoted, sizeof quoted, s.p, s.n));
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    double v = strtod(z, NULL);
    if (!isfinite(v))
        return err_set(err, ERR_INVALID, "'%s' is too large a number", z);
    *out = v;
    return ERR_OK;
}

unsigned str_distance(struct str a, struct str b, unsigned cap)
{
    enum { MAX = 64 };
    unsigned row[3][MAX + 1];
    if (a.n > MAX || b.n > MAX)
        return cap;
    for (unsigned j = 0; j <= b.n; j++)
        row[1][j] = j;
    unsigned *two = row[0], *one = row[1], *now = row[2];
    for (unsigned i = 1; i <= a.n; i++) {
        now[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned same = a.p[i - 1] == b.p[j - 1];
            unsigned best = one[j - 1] + !same;
            if (one[j] + 1 < best)
                best = one[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                two[j - 2] + 1 < best)
                best = two[j - 2] + 1;
            now[j] = best;
        }
        unsigned *t = two;
        two = one;
        one = now;
        now = t;
    }
    return one[b.n] < cap ? one[b.n] : cap;
}

const char *str_nearest(struct str s, const char *const *names, size_t n)
{
    const char *best = NULL;
    unsigned least = 3; /* from here on it is another word */
    for (size_t i = 0; i < n; i++) {
        unsigned d = str_distance(s, str_of(names[i]), least);
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

char *str_meant(struct str s, const char *const *names, size_t n, char out[STR_MEANT_SIZE])
{
    const char *nearest = str_nearest(s, names, n);
    out[0] = '\0';
    if (nearest)
        snprintf(out, STR_MEANT_SIZE, "; did you mean '%s'?", nearest);
    return out;
}
