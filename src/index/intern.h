/* intern.h - give every distinct byte string the next number, from 0.
 *
 * Model:   open addressing with linear probing over a power-of-two table at most 3/4 full. Numbers
 *          depend only on the order of insertion; the hash is seeded per table, so that keys from
 *          outside cannot be chosen to collide.
 * Memory:  copies keys into an arena of its own. Unlike base/map.h it reports when memory is out.
 * Threads: one writer, or many readers. */
#ifndef INDEX_INTERN_H
#define INDEX_INTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct intern_slot {
    uint32_t hash;
    uint32_t number; /* ORDINAL_NONE: empty */
};

/* All-zero is a valid empty table. */
struct intern {
    struct intern_slot *slots; /* [mask + 1], owned */
    uint32_t mask;
    struct str *keys; /* [len] by number, owned; their bytes live in `bytes` */
    uint32_t len;
    uint32_t cap;
    uint64_t seed;
    struct arena bytes;
};

void intern_release(struct intern *t);

/** The number of key, given now where it is new (*added tells; may be NULL). False: memory is out,
 *  or 2^31 keys are there; then nothing changed. */
bool intern_at(struct intern *t, struct str key, uint32_t *number, bool *added);

/** The number of key, or ORDINAL_NONE. */
uint32_t intern_find(const struct intern *t, struct str key);

/** The numbers [0, len) in order of their keys' bytes, as an array of len.
 *  returns owned (mem_free), NULL when memory is out */
uint32_t *intern_sorted(const struct intern *t);

#endif
