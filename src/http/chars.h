/* chars.h - the byte classes of RFC 9110 and RFC 3986, one table for all parsers of http/. */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    CHAR_TOKEN = 1,  /* tchar: methods and field names */
    CHAR_FIELD = 2,  /* field-vchar, space and tab: field values */
    CHAR_TARGET = 4, /* what browsers leave unescaped in a target: ASCII without space, "#<> */
    CHAR_HOST = 8,   /* reg-name, IP literal, port */
    CHAR_ID = 16,    /* letters, digits, '.', '_', '-': request ids */
    CHAR_HEX = 32,
};

extern const uint8_t http_chars[256];

static inline bool char_is(char c, unsigned classes)
{
    return http_chars[(unsigned char)c] & classes;
}

/** Is every byte of (p, n) of one of the classes? True for n == 0. */
static inline bool chars_all(const char *p, size_t n, unsigned classes)
{
    for (size_t i = 0; i < n; i++)
        if (!char_is(p[i], classes))
            return false;
    return true;
}

/** Value of a hexadecimal digit. */
static inline unsigned char_hex(char c)
{
    unsigned u = (unsigned char)c;
    return u <= '9' ? u - '0' : (u | 0x20) - 'a' + 10;
}

/** Cut the next element of a comma-separated list off *rest, trimmed; empty elements are skipped.
 *  false at the end. */
bool http_list_next(struct str *rest, struct str *element);

#endif
