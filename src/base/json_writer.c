#include "base/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/digits.h"
#include "base/json_scan.h"

void jw_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static bool in_object(const struct json_writer *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1);
}

/* What stands between this value or key and what came before it. */
static void separate(struct json_writer *w)
{
    if (w->comma)
        buf_putc(w->out, ',');
}

static void before_value(struct json_writer *w)
{
    DCHECK(w->keyed == in_object(w));
    if (w->keyed)
        w->keyed = false;
    else
        separate(w);
    w->comma = w->depth > 0;
}

static void open_container(struct json_writer *w, char bracket, bool object)
{
    CHECK(w->depth < JW_DEPTH_MAX);
    before_value(w);
    buf_putc(w->out, bracket);
    uint64_t bit = (uint64_t)1 << w->depth;
    w->objects = object ? w->objects | bit : w->objects & ~bit;
    w->depth++;
    w->comma = false;
}

static void close_container(struct json_writer *w, char bracket, bool object)
{
    CHECK(w->depth > 0 && in_object(w) == object && !w->keyed);
    buf_putc(w->out, bracket);
    w->depth--;
    w->comma = w->depth > 0;
}

void jw_obj(struct json_writer *w)
{
    open_container(w, '{', true);
}

void jw_obj_end(struct json_writer *w)
{
    close_container(w, '}', true);
}

void jw_arr(struct json_writer *w)
{
    open_container(w, '[', false);
}

void jw_arr_end(struct json_writer *w)
{
    close_container(w, ']', false);
}

void jw_newline(struct json_writer *w)
{
    CHECK(w->depth == 0);
    buf_putc(w->out, '\n');
}

enum err_code jw_end(struct json_writer *w, const char *what, struct err *err)
{
    CHECK(w->depth == 0);
    return buf_ok(w->out, what, err);
}

/* --- strings --------------------------------------------------------------------------------- */

/* The escape of a control character, quote or backslash. */
static void put_escape(struct buf *out, unsigned char c)
{
    static const char shorts[] = "btn\0fr"; /* 0x08..0x0d, but 0x0b has none */
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        buf_put(out, (char[]){'\\', (char)c}, 2);
    } else if (c >= 0x08 && c <= 0x0d && c != 0x0b) {
        buf_put(out, (char[]){'\\', shorts[c - 0x08]}, 2);
    } else {
        buf_put(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void json_escape(struct buf *out, struct str s)
{
    if (s.n == 0)
        return;
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        const char *stop = json_scan_text(p, end);
        if (stop > p)
            buf_put(out, p, (size_t)(stop - p));
        if (stop == end)
            return;
        if ((unsigned char)*stop < 0x80)
            put_escape(out, (unsigned char)*stop);
        else
            buf_put(out, "\xef\xbf\xbd", 3); /* U+FFFD for a byte that is no UTF-8 */
        p = stop + 1;
    }
}

static void put_quoted(struct buf *out, struct str s)
{
    /* Mostly nothing needs escaping: one reservation, one copy. */
    if (s.n == 0 || json_scan_text(s.p, s.p + s.n) == s.p + s.n) {
        char *at = buf_reserve(out, s.n + 2);
        if (!at)
            return;
        at[0] = '"';
        if (s.n)
            memcpy(at + 1, s.p, s.n);
        at[s.n + 1] = '"';
        buf_end_at(out, at + s.n + 2);
        return;
    }
    buf_putc(out, '"');
    json_escape(out, s);
    buf_putc(out, '"');
}

void jw_key(struct json_writer *w, struct str key)
{
    DCHECK(in_object(w) && !w->keyed);
    separate(w);
    put_quoted(w->out, key);
    buf_putc(w->out, ':');
    w->keyed = true;
}

void jw_key_raw(struct json_writer *w, const char *quoted, size_t n)
{
    DCHECK(in_object(w) && !w->keyed);
    char *at = buf_reserve(w->out, n + 1);
    if (at) {
        if (w->comma)
            *at++ = ',';
        memcpy(at, quoted, n);
        buf_end_at(w->out, at + n);
    }
    w->keyed = true;
}

void jw_str(struct json_writer *w, struct str s)
{
    before_value(w);
    put_quoted(w->out, s);
}

void jw_z(struct json_writer *w, const char *z)
{
    if (z)
        jw_str(w, str_of(z));
    else
        jw_null(w);
}

void jw_pieces(struct json_writer *w, const struct str *pieces, size_t n)
{
    before_value(w);
    buf_putc(w->out, '"');
    for (size_t i = 0; i < n; i++)
        json_escape(w->out, pieces[i]);
    buf_putc(w->out, '"');
}

/* --- the other values ------------------------------------------------------------------------ */

void jw_i64(struct json_writer *w, int64_t v)
{
    before_value(w);
    buf_put_i64(w->out, v);
}

void jw_u64(struct json_writer *w, uint64_t v)
{
    before_value(w);
    buf_put_u64(w->out, v);
}

void jw_raw(struct json_writer *w, struct str json)
{
    before_value(w);
    buf_put_str(w->out, json);
}

char *jw_members_room(struct json_writer *w, size_t n)
{
    DCHECK(in_object(w) && !w->keyed);
    char *at = buf_reserve(w->out, n + 1);
    if (at && w->comma)
        *at++ = ',';
    return at;
}

void jw_members_end(struct json_writer *w, char *end)
{
    buf_end_at(w->out, end);
    w->comma = true;
}

void jw_bool(struct json_writer *w, bool v)
{
    jw_raw(w, v ? STR_LIT("true") : STR_LIT("false"));
}

void jw_null(struct json_writer *w)
{
    jw_raw(w, STR_LIT("null"));
}

/* Whole numbers up to here are exact, and print without a point. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

void jw_double(struct json_writer *w, double v)
{
    char text[32];
    int n = 0;
    if (!isfinite(v)) {
        jw_null(w);
        return;
    }
    if (v == trunc(v) && fabs(v) < WHOLE_MAX) {
        if (v == 0 && signbit(v))
            jw_raw(w, STR_LIT("-0.0")); /* many readers take -0 as the integer 0 */
        else
            jw_i64(w, (int64_t)v);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    jw_raw(w, (struct str){text, (size_t)n});
}

void jw_decimal(struct json_writer *w, double v, unsigned places)
{
    char text[DIGITS_DECIMAL_MAX], *end = digits_decimal(text, v, places);
    if (end)
        jw_raw(w, (struct str){text, (size_t)(end - text)});
    else
        jw_double(w, v);
}

void jw_time(struct json_writer *w, int64_t us)
{
    char text[CLOCK_ISO_SIZE];
    jw_str(w, str_of(clock_format_iso(us, text)));
}

void jw_time_or_null(struct json_writer *w, int64_t us)
{
    if (us)
        jw_time(w, us);
    else
        jw_null(w);
}
