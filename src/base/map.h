/* map.h - hash map from a byte string (or a number) to a u64.
 *
 * Model:   open addressing, linear probing, power-of-two table at most 3/4 full, tombstone-free
 *          deletion by shifting back (Knuth 6.4 R). XXH3 with a seed per process, so that keys from
 *          outside cannot be chosen to collide.
 * Memory:  a map_str copies its keys into its own arena (never returned before release); a map_u64
 *          stores numbers in place. Growth aborts when memory is out; the caller caps the entries.
 * Threads: one writer, or many readers. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct map_str_slot {
    const char *p; /* key bytes, NULL: empty slot */
    uint32_t n;    /* key length */
    uint32_t hash;
    uint64_t value;
};

struct map_str {
    struct map_str_slot *slots; /* [mask + 1], owned */
    size_t mask;
    size_t len; /* entries */
    struct arena keys;
};

/** All-zero is a valid empty map. */
void map_str_release(struct map_str *m);

/** returns borrowed pointer to the value, until the next insertion or removal; NULL if absent. */
uint64_t *map_str_find(const struct map_str *m, struct str key);

/** The value of key, inserted as 0 where absent (*added tells; may be NULL). Keys up to 4 GiB.
 *  returns borrowed pointer until the next insertion or removal. */
uint64_t *map_str_at(struct map_str *m, struct str key, bool *added);

bool map_str_remove(struct map_str *m, struct str key);

/** Walk: start with *pos = 0; false at the end. */
bool map_str_next(const struct map_str *m, size_t *pos, struct str *key, uint64_t *value);

struct map_u64_slot {
    uint64_t key;
    uint64_t value;
};

struct map_u64 {
    struct map_u64_slot *slots; /* [mask + 1], owned */
    uint8_t *used;              /* [mask + 1] 0 or 1, owned */
    size_t mask;
    size_t len;
};

void map_u64_release(struct map_u64 *m);
uint64_t *map_u64_find(const struct map_u64 *m, uint64_t key);
uint64_t *map_u64_at(struct map_u64 *m, uint64_t key, bool *added);
bool map_u64_remove(struct map_u64 *m, uint64_t key);
bool map_u64_next(const struct map_u64 *m, size_t *pos, uint64_t *key, uint64_t *value);

#endif
