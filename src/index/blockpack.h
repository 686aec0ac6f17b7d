/* blockpack.h - arrays of small numbers in as many bits as the largest needs.
 *
 * Model:   value i of width b occupies the bits [i b, (i + 1) b) of a little-endian bit string, so any
 *          value can be read alone. Width 0 stores nothing and reads as zeros.
 * Memory:  reading touches up to BLOCKPACK_SLACK bytes behind the packed ones: whoever stores packed
 *          data keeps that many readable bytes behind its end.
 * Cost:    about one unaligned load, shift and mask per value. */
#ifndef INDEX_BLOCKPACK_H
#define INDEX_BLOCKPACK_H

#include <stddef.h>
#include <stdint.h>

enum {
    BLOCKPACK_MAX_BITS = 32, /* of a value */
    BLOCKPACK_SLACK = 8      /* bytes */
};

/** Bytes that n values of this width take. */
static inline size_t blockpack_bytes(size_t n, unsigned bits)
{
    return (n * bits + 7) / 8;
}

/** The width that the largest of values[n] needs, 0..32. */
unsigned blockpack_bits(const uint32_t *values, size_t n);

/** out [blockpack_bytes(n, bits)] is written whole. Every value is below 2^bits, bits <= 32. */
void blockpack_pack(const uint32_t *values, size_t n, unsigned bits, uint8_t *out);

/** The inverse; in has blockpack_bytes(n, bits) + BLOCKPACK_SLACK readable bytes. */
void blockpack_unpack(const uint8_t *in, size_t n, unsigned bits, uint32_t *values);

/** As above for widths up to 8, into bytes. */
void blockpack_unpack_u8(const uint8_t *in, size_t n, unsigned bits, uint8_t *values);

#endif
