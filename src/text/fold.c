#include "text/fold.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

#include "base/check.h"
#include "base/mem.h"
#include "text/fold_int.h"
#include "text_fold.inc"

/* Text is folded segment by segment: a character and all those after it that may combine with what
 * stands before them (Unicode's normalisation boundaries). Segments do not influence each other. A
 * segment of one character is a look-up; only the others go through ICU. */

enum {
    MAX_SEGMENT = 32, /* characters; further marks are dropped (UAX 15's Stream-Safe limit is 30) */
    UNITS_EACH = 8,   /* UTF-16 units that a character becomes, at most (a mark: 4) */
    CLASS_SHIFT = 24,
    REPLACEMENT = 0xfffd
};

struct segment {
    const uint32_t *items; /* [n] code point, class from CLASS_SHIFT on */
    size_t n;
    size_t bytes; /* of the text as given */
    uint32_t own[MAX_SEGMENT];
};

static uint16_t lookup(uint32_t cp)
{
    return block_value[block_of[cp >> 8]][cp & 0xff];
}

static bool joins(uint16_t value)
{
    return value < FIRST_MAPPING && value & JOINS;
}

/* A broken byte reads as U+FFFD of one byte. */
static size_t decode(struct str in, size_t at, uint32_t *cp)
{
    unsigned char lead = (unsigned char)in.p[at];
    if (lead < 0x80) {
        *cp = lead;
        return 1;
    }
    size_t n = str_utf8_next(in.p + at, in.n - at, cp);
    if (n == 0) {
        *cp = REPLACEMENT;
        return 1;
    }
    return n;
}

/* The length of the character at `at` if it joins what stands before it, else 0. */
static size_t joining(struct str in, size_t at, uint32_t *cp)
{
    if (at == in.n || !lead_may_join[(unsigned char)in.p[at]])
        return 0;
    size_t n = decode(in, at, cp);
    return joins(lookup(*cp)) ? n : 0;
}

/* What a character folds to on its own. */
static const uint32_t *fold_alone(uint32_t cp, uint16_t value, uint32_t *own, size_t *n)
{
    if (value < FIRST_MAPPING) {
        *own = cp | (uint32_t)(value & (JOINS - 1)) << CLASS_SHIFT;
        *n = 1;
        return own;
    }
    const uint16_t *start = &mapping_start[value - FIRST_MAPPING];
    *n = (size_t)start[1] - start[0];
    return mapped + start[0];
}

static bool is_latin(uint32_t cp)
{
    UErrorCode status = U_ZERO_ERROR;
    return uscript_getScript((UChar32)cp, &status) == USCRIPT_LATIN;
}

/* Finish what NFKC_Casefold gave: marks after a Latin letter go, the rest is folded one by one. */
static void fold_normalised(const UChar *text, int32_t n, struct segment *s)
{
    bool latin = false;
    int32_t at = 0;
    while (at < n) {
        uint32_t cp, own;
        U16_NEXT(text, at, n, cp);
        if (u_getCombiningClass((UChar32)cp) == 0)
            latin = is_latin(cp);
        else if (latin)
            continue;
        size_t count;
        const uint32_t *items = fold_alone(cp, lookup(cp), &own, &count);
        for (size_t i = 0; i < count && s->n < MAX_SEGMENT; i++)
            s->own[s->n++] = items[i];
    }
}

/* A segment of several characters, of which the first was decoded. */
static enum err_code fold_together(struct str in, size_t at, uint32_t cp, struct segment *s,
                                   struct err *err)
{
    UChar given[2 * MAX_SEGMENT], folded[UNITS_EACH * MAX_SEGMENT];
    int32_t given_n = 0;
    U16_APPEND_UNSAFE(given, given_n, cp);
    size_t taken = 1, n;
    while ((n = joining(in, at + s->bytes, &cp)) > 0) {
        s->bytes += n;
        if (taken++ < MAX_SEGMENT)
            U16_APPEND_UNSAFE(given, given_n, cp);
    }
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFKCCasefoldInstance(&status);
    int32_t folded_n = unorm2_normalize(form, given, given_n, folded,
                                        (int32_t)(sizeof folded / sizeof *folded), &status);
    if (U_FAILURE(status))
        return err_set(err, ERR_INTERNAL, "normalisation: %s", u_errorName(status));
    s->items = s->own;
    s->n = 0;
    fold_normalised(folded, folded_n, s);
    return ERR_OK;
}

static enum err_code next_segment(struct str in, size_t at, struct segment *s, struct err *err)
{
    uint32_t cp, next;
    s->bytes = decode(in, at, &cp);
    uint16_t value = lookup(cp);
    if (joins(value) || joining(in, at + s->bytes, &next))
        return fold_together(in, at, cp, s, err);
    s->items = fold_alone(cp, value, s->own, &s->n);
    return ERR_OK;
}

/* The end of the ASCII characters from `at` on, each of which is a segment of its own. */
static size_t ascii_end(struct str in, size_t at)
{
    size_t end = at;
    while (end < in.n && (unsigned char)in.p[end] < 0x80)
        end++;
    bool last_may_be_joined = end > at && end < in.n && lead_may_join[(unsigned char)in.p[end]];
    return last_may_be_joined ? end - 1 : end;
}

static uint32_t code_point(uint32_t item)
{
    return item & ((1u << CLASS_SHIFT) - 1);
}

static size_t fold_ascii(struct str in, size_t at, struct buf *out)
{
    char chunk[256];
    size_t n = ascii_end(in, at) - at;
    if (n > sizeof chunk)
        n = sizeof chunk;
    for (size_t i = 0; i < n; i++)
        chunk[i] = (char)code_point(ascii_folded[(unsigned char)in.p[at + i]]);
    buf_put(out, chunk, n);
    return n;
}

enum err_code text_fold(struct str in, struct buf *out, struct err *err)
{
    struct segment s;
    for (size_t at = 0; at < in.n; at += s.bytes) {
        at += fold_ascii(in, at, out);
        if (at == in.n)
            break;
        enum err_code code = next_segment(in, at, &s, err);
        if (code)
            return code;
        for (size_t i = 0; i < s.n; i++) {
            char utf8[4];
            buf_put(out, utf8, str_utf8_put(code_point(s.items[i]), utf8));
        }
    }
    return buf_ok(out, "folded text", err);
}

void fold_chars_release(struct fold_chars *c)
{
    mem_free(c->items);
    *c = (struct fold_chars){0};
}

/* Room for more characters. */
static enum err_code make_room(struct fold_chars *c, size_t more, struct err *err)
{
    if (c->cap - c->n >= more)
        return ERR_OK;
    size_t cap = 2 * c->cap + more;
    struct fold_char *items = mem_try_resize(c->items, cap, sizeof *items);
    if (!items)
        return err_set(err, ERR_MEMORY, "no memory for a text of %zu characters", cap);
    c->items = items;
    c->cap = cap;
    return ERR_OK;
}

static void put(struct fold_chars *c, uint32_t item, size_t start, size_t end)
{
    c->items[c->n++] = (struct fold_char){.cp = code_point(item),
                                          .start = (uint32_t)start,
                                          .end = (uint32_t)end,
                                          .class = (enum fold_class)(item >> CLASS_SHIFT)};
}

static size_t utf8_bytes(uint32_t cp)
{
    return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

/* The ASCII characters from `at` on, as many as there is room for within max. Returns their number. */
static size_t put_ascii(struct str in, size_t at, size_t max, struct fold_chars *c)
{
    size_t n = ascii_end(in, at) - at;
    if (n > max - c->n)
        n = max - c->n;
    for (size_t i = at; i < at + n; i++)
        put(c, ascii_folded[(unsigned char)in.p[i]], i, i + 1);
    c->bytes += n;
    return n;
}

enum err_code fold_chars(struct str in, size_t max, struct fold_chars *c, struct err *err)
{
    CHECK(in.n <= UINT32_MAX);
    c->n = c->bytes = 0;
    c->cut = false;
    struct segment s;
    for (size_t at = 0; at < in.n; at += s.bytes) {
        enum err_code code = make_room(c, in.n - at + MAX_SEGMENT, err);
        if (code)
            return code;
        at += put_ascii(in, at, max, c);
        if (at == in.n)
            break;
        code = next_segment(in, at, &s, err);
        if (code)
            return code;
        c->cut = s.n > max - c->n;
        if (c->cut)
            break;
        for (size_t i = 0; i < s.n; i++) {
            put(c, s.items[i], at, at + s.bytes);
            c->bytes += utf8_bytes(code_point(s.items[i]));
        }
    }
    return ERR_OK;
}
