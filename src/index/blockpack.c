#include "index/blockpack.h"

#include <string.h>

unsigned blockpack_bits(const uint32_t *values, size_t n)
{
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= values[i];
    return all ? 32u - (unsigned)__builtin_clz(all) : 0;
}

void blockpack_pack(const uint32_t *values, size_t n, unsigned bits, uint8_t *out)
{
    uint64_t pending = 0;
    unsigned filled = 0;
    for (size_t i = 0; i < n; i++) {
        pending |= (uint64_t)values[i] << filled;
        for (filled += bits; filled >= 8; filled -= 8) {
            *out++ = (uint8_t)pending;
            pending >>= 8;
        }
    }
    if (filled)
        *out = (uint8_t)pending;
}

/* Value i: its first byte is at i * bits / 8, and it ends within the 8 bytes from there on, because
 * bits is at most 32. */
static inline uint32_t value_at(const uint8_t *in, size_t i, unsigned bits, uint64_t mask)
{
    uint64_t word;
    memcpy(&word, in + i * bits / 8, sizeof word);
    return (uint32_t)(word >> (i * bits % 8) & mask);
}

void blockpack_unpack(const uint8_t *in, size_t n, unsigned bits, uint32_t *values)
{
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0; i < n; i++)
        values[i] = value_at(in, i, bits, mask);
}

void blockpack_unpack_u8(const uint8_t *in, size_t n, unsigned bits, uint8_t *values)
{
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0; i < n; i++)
        values[i] = (uint8_t)value_at(in, i, bits, mask);
}
