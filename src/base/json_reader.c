#include "base/json_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json_scan.h"

static const char *const type_names[] = {"nothing",  "null",     "a boolean", "a number",
                                         "a string", "an array", "an object"};

void jr_init(struct json_reader *r, struct str text, struct arena *arena)
{
    const char *p = text.n ? text.p : "";
    *r = (struct json_reader){
        .start = p, .at = p, .end = p + text.n, .arena = arena, .first_line = 1, .due = true};
}

bool jr_next_line(struct str *rest, struct str *line, unsigned *line_no)
{
    while (rest->n > 0) {
        *line = str_split(rest, '\n');
        (*line_no)++;
        if (line->n > 0 && line->p[line->n - 1] == '\r')
            line->n--;
        if (str_trim(*line).n > 0)
            return true;
    }
    return false;
}

/* --- failures -------------------------------------------------------------------------------- */

static bool fail_at(struct json_reader *r, const char *at, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool fail_va(struct json_reader *r, const char *at, enum err_code code, const char *fmt,
                    va_list ap)
{
    char why[sizeof r->err.msg];
    unsigned line = r->first_line;
    const char *line_start = r->start;
    if (r->failed)
        return false;
    for (const char *p = r->start; p < at && (p = memchr(p, '\n', (size_t)(at - p))); p++) {
        line++;
        line_start = p + 1;
    }
    vsnprintf(why, sizeof why, fmt, ap);
    err_set(&r->err, code, "%u:%zu: %s", line, (size_t)(at - line_start) + 1, why);
    r->failed = true;
    return false;
}

static bool fail_at(struct json_reader *r, const char *at, enum err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_va(r, at, code, fmt, ap);
    va_end(ap);
    return false;
}

bool jr_fail(struct json_reader *r, enum err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_va(r, r->value, code, fmt, ap);
    va_end(ap);
    return false;
}

/* The grammar wants `what` here. */
static bool fail_syntax(struct json_reader *r, const char *what)
{
    char quoted[20];
    if (r->at == r->end)
        return fail_at(r, r->at, ERR_INVALID, "the text ends where %s was expected", what);
    size_t n = str_utf8_next(r->at, (size_t)(r->end - r->at), NULL);
    return fail_at(r, r->at, ERR_INVALID, "expected %s, found '%s'", what,
                   err_quote(quoted, sizeof quoted, r->at, n ? n : 1));
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void skip_space(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool take(struct json_reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static enum jr_type type_of(char c)
{
    switch (c) {
    case 'n':
        return JR_NULL;
    case 't':
    case 'f':
        return JR_BOOL;
    case '"':
        return JR_STRING;
    case '[':
        return JR_ARRAY;
    case '{':
        return JR_OBJECT;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? JR_NUMBER : JR_NONE;
    }
}

enum jr_type jr_peek(struct json_reader *r)
{
    if (r->failed || !r->due)
        return JR_NONE;
    skip_space(r);
    return r->at < r->end ? type_of(*r->at) : JR_NONE;
}

/* A value of this type comes next; it is read by the caller, who is sure to move past it or
 * fail. */
static bool expect(struct json_reader *r, enum jr_type want)
{
    if (r->failed)
        return false;
    CHECK(r->due);
    enum jr_type found = jr_peek(r);
    if (found == JR_NONE)
        return fail_syntax(r, "a value");
    if (found != want)
        return fail_at(r, r->at, ERR_INVALID, "expected %s, found %s", type_names[want],
                       type_names[found]);
    r->value = r->at;
    r->due = false;
    return true;
}

/* --- strings --------------------------------------------------------------------------------- */

/* Move over a string from its opening quote; *text is what stands between the quotes. */
static bool scan_string(struct json_reader *r, struct str *text, bool *escaped)
{
    const char *begin = ++r->at;
    *escaped = false;
    for (;;) {
        r->at = json_scan_text(r->at, r->end);
        if (r->at == r->end)
            return fail_syntax(r, "the end of a string");
        if (*r->at == '"')
            break;
        if (*r->at != '\\')
            return fail_at(r, r->at, ERR_INVALID,
                           (unsigned char)*r->at < 0x20 ? "a control character in a string"
                                                        : "a byte that is not UTF-8");
        *escaped = true;
        r->at++;
        if (r->at < r->end)
            r->at++; /* whatever it is: decode looks at it */
    }
    *text = (struct str){begin, (size_t)(r->at - begin)};
    r->at++;
    return true;
}

static bool hex4(const char *p, const char *end, uint32_t *out)
{
    uint32_t v = 0;
    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i], low = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v << 4 | (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* After \u at p: one character, of one or two escapes. Returns the bytes read, or 0 having
 * failed. */
static size_t decode_u(struct json_reader *r, const char *p, const char *end, uint32_t *cp)
{
    uint32_t hi, lo;
    if (!hex4(p, end, &hi)) {
        fail_at(r, p, ERR_INVALID, "\\u needs four hexadecimal digits");
        return 0;
    }
    *cp = hi;
    if (hi == 0) {
        fail_at(r, p, ERR_INVALID, "the character U+0000 is not accepted");
        return 0;
    }
    if (hi < 0xd800 || hi > 0xdfff)
        return 4;
    if (hi > 0xdbff || end - p < 10 || p[4] != '\\' || p[5] != 'u' || !hex4(p + 6, end, &lo) ||
        lo < 0xdc00 || lo > 0xdfff) {
        fail_at(r, p, ERR_INVALID, "a lone surrogate");
        return 0;
    }
    *cp = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
    return 10;
}

/* The character behind a backslash at p (p < end). Returns the bytes read, or 0 having failed. */
static size_t decode_escape(struct json_reader *r, const char *p, const char *end, uint32_t *cp)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t n;
    if (*p == 'u') {
        n = decode_u(r, p + 1, end, cp);
        return n ? n + 1 : 0;
    }
    const char *hit = memchr(from, *p, sizeof from - 1);
    if (!hit) {
        fail_at(r, p, ERR_INVALID, "an unknown escape in a string");
        return 0;
    }
    *cp = (uint32_t)to[hit - from];
    return 1;
}

/* Decode text into out, which has room for text.n bytes (decoding never lengthens), or only check
 * it where out is NULL. */
static bool decode(struct json_reader *r, struct str text, char *out, size_t *out_n)
{
    const char *p = text.p, *end = text.p + text.n;
    size_t n = 0;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((backslash ? backslash : end) - p);
        if (out)
            memcpy(out + n, p, plain);
        n += plain;
        p += plain;
        if (p == end)
            break;
        uint32_t cp;
        char utf8[4];
        size_t read = decode_escape(r, p + 1, end, &cp);
        if (read == 0)
            return false;
        size_t len = str_utf8_put(cp, utf8);
        if (out)
            memcpy(out + n, utf8, len);
        n += len;
        p += 1 + read;
    }
    *out_n = n;
    return true;
}

/* The string at the opening quote, decoded. */
static bool read_string(struct json_reader *r, struct str *out)
{
    struct str text;
    bool escaped;
    if (!scan_string(r, &text, &escaped))
        return false;
    if (escaped) {
        char *room = r->arena ? arena_try_alloc(r->arena, text.n) : NULL;
        if (!room)
            return fail_at(r, text.p, ERR_LIMIT, "no room to decode a string of %zu bytes", text.n);
        if (!decode(r, text, room, &text.n))
            return false;
        text.p = room;
    }
    *out = text;
    return true;
}

static bool skip_string(struct json_reader *r)
{
    struct str text;
    bool escaped;
    return scan_string(r, &text, &escaped) && (!escaped || decode(r, text, NULL, &text.n));
}

bool jr_str(struct json_reader *r, struct str *out)
{
    return expect(r, JR_STRING) && read_string(r, out);
}

bool jr_str_max(struct json_reader *r, size_t max_bytes, struct str *out)
{
    struct str s;
    if (!expect(r, JR_STRING))
        return false;
    if (!read_string(r, &s))
        return false;
    if (s.n > max_bytes)
        return jr_fail(r, ERR_LIMIT, "the text is longer than %zu bytes", max_bytes);
    *out = s;
    return true;
}

/* --- numbers --------------------------------------------------------------------------------- */

static bool is_digit(const struct json_reader *r)
{
    return r->at < r->end && (unsigned)(*r->at - '0') <= 9;
}

static bool digits(struct json_reader *r)
{
    if (!is_digit(r))
        return fail_syntax(r, "a digit");
    while (is_digit(r))
        r->at++;
    return true;
}

static bool scan_number(struct json_reader *r, struct str *out)
{
    const char *begin = r->at;
    take(r, '-');
    if (take(r, '0')) {
        if (is_digit(r))
            return fail_at(r, r->at, ERR_INVALID, "a number with a leading zero");
    } else if (!digits(r)) {
        return false;
    }
    if (take(r, '.') && !digits(r))
        return false;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            take(r, '-');
        if (!digits(r))
            return false;
    }
    *out = (struct str){begin, (size_t)(r->at - begin)};
    if (out->n > JR_NUMBER_MAX)
        return fail_at(r, begin, ERR_LIMIT, "a number of more than %d bytes", JR_NUMBER_MAX);
    return true;
}

bool jr_number(struct json_reader *r, struct str *out)
{
    return expect(r, JR_NUMBER) && scan_number(r, out);
}

/* 3.0 as 3: the text without a fraction of zeros. */
static struct str without_zero_fraction(struct str s)
{
    size_t point = str_find(s, '.', 0);
    if (point == SIZE_MAX)
        return s;
    for (size_t i = point + 1; i < s.n; i++)
        if (s.p[i] != '0')
            return s;
    return (struct str){s.p, point};
}

bool jr_i64(struct json_reader *r, int64_t lo, int64_t hi, int64_t *out)
{
    struct str text;
    struct err why;
    if (!jr_number(r, &text))
        return false;
    if (str_parse_i64(without_zero_fraction(text), lo, hi, out, &why) == ERR_OK)
        return true;
    return jr_fail(r, ERR_INVALID, "%s", why.msg);
}

/* Clinger's fast path ("How to read floating point numbers accurately", 1990): digits below 2^53
 * and a power of ten up to 22 are both exact as doubles, so that one division rounds correctly.
 * False: take the long way. */
static bool small_decimal(struct str s, double *out)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    uint64_t mantissa = 0;
    size_t i = s.p[0] == '-', places = 0;
    bool fraction = false;
    if (s.n > 19) /* so that the digits fit 64 bits */
        return false;
    for (; i < s.n; i++) {
        if (s.p[i] == '.') {
            fraction = true;
            continue;
        }
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (digit > 9)
            return false;
        mantissa = mantissa * 10 + digit;
        places += fraction;
    }
    if (mantissa >= (uint64_t)1 << 53)
        return false;
    double v = (double)mantissa / power[places];
    *out = s.p[0] == '-' ? -v : v;
    return true;
}

bool jr_double(struct json_reader *r, double *out)
{
    struct str text;
    char z[JR_NUMBER_MAX + 1];
    if (!jr_number(r, &text))
        return false;
    if (small_decimal(text, out))
        return true;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    double v = strtod(z, NULL);
    if (!isfinite(v))
        return jr_fail(r, ERR_INVALID, "the number %.40s is too large", z);
    *out = v;
    return true;
}

/* --- words ----------------------------------------------------------------------------------- */

static bool word(struct json_reader *r, struct str w)
{
    struct str rest = {r->at, (size_t)(r->end - r->at)};
    if (!str_starts(rest, w))
        return fail_at(r, r->at, ERR_INVALID, "expected %.*s", STR_ARG(w));
    r->at += w.n;
    return true;
}

bool jr_bool(struct json_reader *r, bool *out)
{
    if (!expect(r, JR_BOOL))
        return false;
    bool v = *r->at == 't';
    if (!word(r, v ? STR_LIT("true") : STR_LIT("false")))
        return false;
    *out = v;
    return true;
}

bool jr_null(struct json_reader *r)
{
    return jr_peek(r) == JR_NULL && expect(r, JR_NULL) && word(r, STR_LIT("null"));
}

/* --- containers ------------------------------------------------------------------------------ */

static bool in_object(const struct json_reader *r)
{
    return r->depth > 0 && (r->objects >> (r->depth - 1) & 1);
}

static bool push(struct json_reader *r, bool object)
{
    if (r->depth == JR_DEPTH_MAX)
        return fail_at(r, r->at, ERR_LIMIT, "nested deeper than %d", JR_DEPTH_MAX);
    uint64_t bit = (uint64_t)1 << r->depth;
    r->objects = object ? r->objects | bit : r->objects & ~bit;
    r->depth++;
    r->at++;
    r->first = true;
    r->due = false;
    return true;
}

static void pop(struct json_reader *r)
{
    r->depth--;
    r->first = false;
    r->due = false;
}

bool jr_obj(struct json_reader *r)
{
    return expect(r, JR_OBJECT) && push(r, true);
}

bool jr_arr(struct json_reader *r)
{
    return expect(r, JR_ARRAY) && push(r, false);
}

/* To the next member of the innermost container, past its comma; false at the end (which is left)
 * or on failure. */
static bool advance(struct json_reader *r, char close)
{
    skip_space(r);
    if (take(r, close)) {
        pop(r);
        return false;
    }
    if (!r->first) {
        if (!take(r, ','))
            return fail_syntax(r, close == '}' ? "',' or '}'" : "',' or ']'");
        skip_space(r);
    }
    r->first = false;
    return true;
}

/* At a key's quote, with what follows it: the colon. */
static bool at_key(struct json_reader *r)
{
    return r->at < r->end && *r->at == '"' ? true : fail_syntax(r, "a key in quotes");
}

static bool colon(struct json_reader *r)
{
    skip_space(r);
    r->due = true;
    return take(r, ':') ? true : fail_syntax(r, "':'");
}

bool jr_key(struct json_reader *r, struct str *key)
{
    if (r->due && !jr_skip(r))
        return false;
    if (r->failed)
        return false;
    CHECK(in_object(r));
    if (!advance(r, '}'))
        return false;
    r->value = r->at;
    return at_key(r) && read_string(r, key) && colon(r);
}

bool jr_next(struct json_reader *r)
{
    if (r->due && !jr_skip(r))
        return false;
    if (r->failed)
        return false;
    CHECK(r->depth > 0 && !in_object(r));
    r->due = advance(r, ']');
    return r->due;
}

/* --- skipping -------------------------------------------------------------------------------- */

/* One value that holds no others, or the opening of a container. */
static bool skip_one(struct json_reader *r)
{
    struct str text;
    enum jr_type type = jr_peek(r);
    r->due = false;
    switch (type) {
    case JR_NULL:
        return word(r, STR_LIT("null"));
    case JR_BOOL:
        return word(r, *r->at == 't' ? STR_LIT("true") : STR_LIT("false"));
    case JR_NUMBER:
        return scan_number(r, &text);
    case JR_STRING:
        return skip_string(r);
    case JR_ARRAY:
    case JR_OBJECT:
        return push(r, type == JR_OBJECT);
    case JR_NONE:
        break;
    }
    return fail_syntax(r, "a value");
}

/* Skip on until only depth containers are open. */
static bool skip_to_depth(struct json_reader *r, unsigned depth)
{
    while (r->depth > depth) {
        if (r->due) {
            if (!skip_one(r))
                return false;
        } else if (in_object(r)) {
            if (advance(r, '}') && !(at_key(r) && skip_string(r) && colon(r)))
                return false;
        } else {
            r->due = advance(r, ']');
        }
        if (r->failed)
            return false;
    }
    return true;
}

bool jr_skip(struct json_reader *r)
{
    unsigned depth = r->depth;
    if (r->failed)
        return false;
    CHECK(r->due);
    return skip_one(r) && skip_to_depth(r, depth);
}

bool jr_leave(struct json_reader *r)
{
    if (r->failed)
        return false;
    CHECK(r->depth > 0);
    return skip_to_depth(r, r->depth - 1);
}

bool jr_raw(struct json_reader *r, struct str *out)
{
    if (r->failed)
        return false;
    skip_space(r);
    const char *begin = r->at;
    if (!jr_skip(r))
        return false;
    *out = (struct str){begin, (size_t)(r->at - begin)};
    return true;
}

/* --- the end, and going on after a failure --------------------------------------------------- */

enum err_code jr_end(struct json_reader *r, struct err *err)
{
    if (!r->failed && r->due)
        jr_skip(r);
    if (!r->failed) {
        CHECK(r->depth == 0);
        skip_space(r);
        if (r->at < r->end)
            fail_syntax(r, "the end of the text");
    }
    if (!r->failed)
        return ERR_OK;
    if (err)
        *err = r->err;
    return r->err.code;
}

struct jr_mark jr_mark(struct json_reader *r)
{
    CHECK(r->failed || r->due);
    return (struct jr_mark){.at = r->at, .depth = r->depth, .objects = r->objects};
}

bool jr_recover(struct json_reader *r, struct jr_mark mark, struct err *why)
{
    CHECK(r->failed);
    struct err first = r->err;
    r->at = mark.at;
    r->depth = mark.depth;
    r->objects = mark.objects;
    r->first = false;
    r->due = true;
    r->failed = false;
    if (!jr_skip(r))
        return false;
    *why = first;
    return true;
}
