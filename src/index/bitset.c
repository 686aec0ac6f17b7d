#include "index/bitset.h"

#include <string.h>

#include "base/mem.h"

enum err_code bitset_init(struct bitset *s, size_t len, struct err *err)
{
    *s = (struct bitset){0};
    if (len > BITSET_MAX)
        return err_set(err, ERR_LIMIT, "a set of %zu bits is above the cap of %zu", len,
                       BITSET_MAX);
    uint64_t *words = mem_try_new((len + 63) / 64, sizeof *words);
    if (!words)
        return err_set(err, ERR_MEMORY, "no memory for a set of %zu bits", len);
    *s = (struct bitset){.words = words, .len = len};
    return ERR_OK;
}

void bitset_release(struct bitset *s)
{
    mem_free(s->words);
    *s = (struct bitset){0};
}

/* Keep the bits behind the last one 0. */
static void trim(struct bitset *s)
{
    if (s->len % 64)
        s->words[s->len / 64] &= ((uint64_t)1 << (s->len % 64)) - 1;
}

void bitset_fill(struct bitset *s, bool value)
{
    if (s->len == 0)
        return;
    memset(s->words, value ? 0xff : 0, bitset_words(s) * sizeof *s->words);
    trim(s);
}

void bitset_flip(struct bitset *s)
{
    for (size_t i = 0; i < bitset_words(s); i++)
        s->words[i] = ~s->words[i];
    trim(s);
}

void bitset_and(struct bitset *a, const struct bitset *b)
{
    CHECK(a->len == b->len);
    for (size_t i = 0; i < bitset_words(a); i++)
        a->words[i] &= b->words[i];
}

void bitset_or(struct bitset *a, const struct bitset *b)
{
    CHECK(a->len == b->len);
    for (size_t i = 0; i < bitset_words(a); i++)
        a->words[i] |= b->words[i];
}

void bitset_andnot(struct bitset *a, const struct bitset *b)
{
    CHECK(a->len == b->len);
    for (size_t i = 0; i < bitset_words(a); i++)
        a->words[i] &= ~b->words[i];
}

size_t bitset_count(const struct bitset *s)
{
    size_t n = 0;
    for (size_t i = 0; i < bitset_words(s); i++)
        n += (size_t)__builtin_popcountll(s->words[i]);
    return n;
}

size_t bitset_next(const struct bitset *s, size_t from)
{
    if (from >= s->len)
        return s->len;
    size_t i = from / 64;
    uint64_t word = s->words[i] >> (from % 64) << (from % 64);
    while (word == 0) {
        if (++i == bitset_words(s))
            return s->len;
        word = s->words[i];
    }
    return i * 64 + (size_t)__builtin_ctzll(word);
}
