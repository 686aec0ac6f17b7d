/* bitset.h - a dense set of small numbers, one bit each.
 *
 * Model:   bits [0, len); the unused bits of the last word stay 0, so count needs no mask.
 * Memory:  owns words; an all-zero struct is a valid empty set of length 0. Binary operations need
 *          equal lengths.
 * Threads: one writer, or many readers. */
#ifndef INDEX_BITSET_H
#define INDEX_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

/** Longest set. */
#define BITSET_MAX ((size_t)1 << 32)

struct bitset {
    uint64_t *words; /* [(len + 63) / 64], owned */
    size_t len;      /* bits */
};

static inline size_t bitset_words(const struct bitset *s)
{
    return (s->len + 63) / 64;
}

/** All bits 0.
 *  ERR_LIMIT   len > BITSET_MAX
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code bitset_init(struct bitset *s, size_t len, struct err *err);
void bitset_release(struct bitset *s);

static inline bool bitset_test(const struct bitset *s, size_t i)
{
    DCHECK(i < s->len);
    return s->words[i / 64] >> (i % 64) & 1;
}

static inline void bitset_set(struct bitset *s, size_t i)
{
    DCHECK(i < s->len);
    s->words[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void bitset_clear(struct bitset *s, size_t i)
{
    DCHECK(i < s->len);
    s->words[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/** All bits to value. */
void bitset_fill(struct bitset *s, bool value);

/** The complement. */
void bitset_flip(struct bitset *s);

/** a becomes a AND b, a OR b, a AND NOT b. */
void bitset_and(struct bitset *a, const struct bitset *b);
void bitset_or(struct bitset *a, const struct bitset *b);
void bitset_andnot(struct bitset *a, const struct bitset *b);

/** How many bits are 1. */
size_t bitset_count(const struct bitset *s);

/** The first 1 at or after from; len where there is none. */
size_t bitset_next(const struct bitset *s, size_t from);

#endif
