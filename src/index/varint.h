/* varint.h - unsigned numbers in one byte per seven bits, the lowest first (LEB128). */
#ifndef INDEX_VARINT_H
#define INDEX_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { VARINT_MAX = 10 }; /* bytes of the longest */

/** Write v to out; returns how many bytes. */
static inline size_t varint_put(uint64_t v, uint8_t out[VARINT_MAX])
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

/** Cut a number off the front of *in; false where it is cut short or longer than 64 bits. */
static inline bool varint_take(struct str *in, uint64_t *v)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MAX && i < in->n; i++) {
        uint64_t byte = (uint8_t)in->p[i];
        if (i == VARINT_MAX - 1 && byte > 1)
            return false;
        value |= (byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *in = (struct str){in->p + i + 1, in->n - i - 1};
            *v = value;
            return true;
        }
    }
    return false;
}

#endif
