/* id_cache_int.h - the writer's memory of which number an outside id has.
 *
 * Model:   a set-associative cache from a 128-bit hash of (kind, id), seeded per process, to a
 *          number. It grows up to a cap and then forgets at random; what it does not know is read
 *          from the database. Two ids meet in one hash with probability 2^-128 per pair.
 * Undo:    numbers learned since the last id_cache_mark can be forgotten again, because the job
 *          that gave them may be undone.
 * Threads: the writer's alone. */
#ifndef STORE_ID_CACHE_INT_H
#define STORE_ID_CACHE_INT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct id_hash {
    uint64_t low, high;
};

struct id_cache_slot {
    struct id_hash hash;
    uint32_t no; /* 0: empty */
};

struct id_cache {
    struct id_cache_slot *slots; /* [groups][ID_CACHE_WAYS], owned */
    size_t groups;               /* a power of two; 0 before the first use */
    size_t max_groups;
    struct id_hash *learned; /* [learned_len] since the mark, owned */
    size_t learned_len, learned_cap;
};

enum { ID_CACHE_WAYS = 8 };

/** max_ids: how many it may hold; 24 bytes each. */
void id_cache_init(struct id_cache *c, size_t max_ids);
void id_cache_release(struct id_cache *c);

struct id_hash id_cache_hash(unsigned kind, struct str id);

/** 0 if it is not known here. */
uint32_t id_cache_find(const struct id_cache *c, struct id_hash hash);
void id_cache_add(struct id_cache *c, struct id_hash hash, uint32_t no);
void id_cache_forget(struct id_cache *c, struct id_hash hash);

void id_cache_mark(struct id_cache *c);
void id_cache_forget_since_mark(struct id_cache *c);
void id_cache_forget_all(struct id_cache *c);

#endif
