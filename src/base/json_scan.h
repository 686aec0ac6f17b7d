/* json_scan.h - the inner loop of the JSON writer and reader: plain text inside a string.
 *
 * 16 bytes a step where SSE2 (any x86-64) is there, one byte a step elsewhere; both give the
 * same. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

/* Is c ASCII that stands for itself in a string: no control character, quote or backslash? */
static inline bool json_is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte of [p, end) that is not plain ASCII, or end. */
static inline const char *json_scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Signed: bytes from 0x80 up are below a space too. */
        __m128i stop =
            _mm_or_si128(_mm_cmplt_epi8(v, space),
                         _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (p < end && json_is_plain((unsigned char)*p))
        p++;
    return p;
}

/* Length of the valid character of two or more bytes at p, or 0. The common three-byte ones (CJK)
 * by a short way. */
static inline size_t json_wide_char(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    if (end - p >= 3 && u[0] >= 0xe1 && u[0] <= 0xec && (u[1] & 0xc0) == 0x80 &&
        (u[2] & 0xc0) == 0x80)
        return 3;
    return str_utf8_next(p, (size_t)(end - p), NULL);
}

/* As json_scan_plain, but valid UTF-8 is passed over too: stops at a control character, a quote, a
 * backslash, a byte that is no UTF-8, or end. 0x7f is plain. */
static inline const char *json_scan_text(const char *p, const char *end)
{
    for (;;) {
        p = json_scan_plain(p, end);
        if (p == end || (unsigned char)*p < 0x80)
            return p;
        do {
            size_t n = json_wide_char(p, end);
            if (n == 0)
                return p;
            p += n;
        } while (p < end && (unsigned char)*p >= 0x80);
    }
}

#endif
