/* arena.h - memory that is given back all at once.
 *
 * Model:   a bump allocator over blocks; what it gives lives until arena_reset or arena_release.
 * Memory:  reset keeps one block. If more than it was used, the next one is as large as what was, up to
 *          ARENA_KEEP_BYTES, so a request's arena allocates nothing in the steady state. Under AddressSanitizer what was given back is poisoned.
 * Caps:    a total above max_bytes returns NULL from arena_try_alloc and aborts from arena_alloc;
 *          use the former wherever the size comes from input.
 * Threads: one at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena_block;

/** The most that an arena keeps over a reset, unless block_bytes is more. */
enum { ARENA_KEEP_BYTES = 512 << 10 };

struct arena {
    struct arena_block *first; /* owned chain */
    struct arena_block *now;   /* the block that is being filled */
    size_t used_bytes;         /* given out since the last reset */
    size_t block_bytes;        /* size of the next block */
    size_t max_bytes;          /* cap on used_bytes */
    bool aborts;               /* blocks come from mem_new: for owners that cannot report */
};

/** block_bytes 0: 16 KiB. Nothing is allocated before the first use. */
void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes);
void arena_release(struct arena *a);
void arena_reset(struct arena *a);

/** Aligned to 16, not zeroed. NULL past the cap or when memory is out. */
void *arena_try_alloc(struct arena *a, size_t bytes);

/** Aligned to 16, zeroed, n * size checked; aborts past the cap. For sizes that the program
 *  chose. */
void *arena_alloc(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));

#define ARENA_NEW(a, type, n) ((type *)arena_alloc((a), (n), sizeof(type)))

/** Copy of s with a NUL behind it; p is NULL past the cap. */
struct str arena_str(struct arena *a, struct str s);

/** printf into the arena; p is NULL past the cap. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
