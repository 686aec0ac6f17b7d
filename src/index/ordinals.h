/* ordinals.h - searching ascending arrays of u32: doc ids, product numbers, value ordinals. */
#ifndef INDEX_ORDINALS_H
#define INDEX_ORDINALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** "None": no doc, term, facet, value or language slot. Never a valid one. */
#define ORDINAL_NONE UINT32_MAX

/** The first i in [0, n] with a[i] >= value; n where all are below. Branch-free. */
static inline size_t ordinals_lower_bound(const uint32_t *a, size_t n, uint32_t value)
{
    const uint32_t *base = a;
    if (n == 0)
        return 0;
    while (n > 1) {
        size_t half = n / 2;
        base += base[half - 1] < value ? half : 0;
        n -= half;
    }
    return (size_t)(base - a) + (*base < value);
}

/** Index of value in ascending a[n], or ORDINAL_NONE. */
static inline uint32_t ordinals_find(const uint32_t *a, size_t n, uint32_t value)
{
    size_t i = ordinals_lower_bound(a, n, value);
    return i < n && a[i] == value ? (uint32_t)i : ORDINAL_NONE;
}

/** Is any of ascending a[n] in [from, end)? Meant for the few values of one doc: a scan. */
static inline bool ordinals_any_in(const uint32_t *a, size_t n, uint32_t from, uint32_t end)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] >= from)
            return a[i] < end;
    return false;
}

#endif
