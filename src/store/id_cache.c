#include "store/id_cache_int.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/banned.h"
#include "base/check.h"
#include "base/mem.h"

enum { FIRST_GROUPS = 128 };

static uint64_t seed;

static void choose_seed(void)
{
    CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
}

void id_cache_init(struct id_cache *c, size_t max_ids)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CHECK(pthread_once(&once, choose_seed) == 0);
    *c = (struct id_cache){.max_groups = FIRST_GROUPS};
    while (c->max_groups * ID_CACHE_WAYS < max_ids)
        c->max_groups *= 2;
}

void id_cache_release(struct id_cache *c)
{
    mem_free(c->slots);
    mem_free(c->learned);
    *c = (struct id_cache){0};
}

struct id_hash id_cache_hash(unsigned kind, struct str id)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(id.p, id.n, seed + kind);
    return (struct id_hash){h.low64, h.high64};
}

static struct id_cache_slot *group_of(const struct id_cache *c, struct id_hash hash)
{
    return c->slots + (hash.low & (c->groups - 1)) * ID_CACHE_WAYS;
}

static struct id_cache_slot *find_slot(const struct id_cache *c, struct id_hash hash)
{
    if (!c->groups)
        return NULL;
    struct id_cache_slot *group = group_of(c, hash);
    for (int i = 0; i < ID_CACHE_WAYS; i++) {
        if (group[i].no && group[i].hash.low == hash.low && group[i].hash.high == hash.high)
            return &group[i];
    }
    return NULL;
}

uint32_t id_cache_find(const struct id_cache *c, struct id_hash hash)
{
    const struct id_cache_slot *slot = find_slot(c, hash);
    return slot ? slot->no : 0;
}

static struct id_cache_slot *empty_slot(const struct id_cache *c, struct id_hash hash)
{
    if (!c->groups)
        return NULL;
    struct id_cache_slot *group = group_of(c, hash);
    for (int i = 0; i < ID_CACHE_WAYS; i++) {
        if (!group[i].no)
            return &group[i];
    }
    return NULL;
}

/* Doubling splits each group in two, so everything fits again. */
static void grow(struct id_cache *c)
{
    struct id_cache old = *c;
    c->groups = old.groups ? old.groups * 2 : FIRST_GROUPS;
    c->slots = mem_new(c->groups * ID_CACHE_WAYS, sizeof *c->slots);
    for (size_t i = 0; i < old.groups * ID_CACHE_WAYS; i++) {
        if (old.slots[i].no)
            *empty_slot(c, old.slots[i].hash) = old.slots[i];
    }
    mem_free(old.slots);
}

static void remember_learned(struct id_cache *c, struct id_hash hash)
{
    if (c->learned_len == c->learned_cap) {
        c->learned_cap = c->learned_cap ? c->learned_cap * 2 : 64;
        c->learned = mem_resize(c->learned, c->learned_cap, sizeof *c->learned);
    }
    c->learned[c->learned_len++] = hash;
}

void id_cache_add(struct id_cache *c, struct id_hash hash, uint32_t no)
{
    DCHECK(no);
    struct id_cache_slot *slot;
    while (!(slot = empty_slot(c, hash)) && c->groups < c->max_groups)
        grow(c);
    if (!slot)
        slot = group_of(c, hash) + hash.high % ID_CACHE_WAYS;
    *slot = (struct id_cache_slot){hash, no};
    remember_learned(c, hash);
}

void id_cache_forget(struct id_cache *c, struct id_hash hash)
{
    struct id_cache_slot *slot = find_slot(c, hash);
    if (slot)
        slot->no = 0;
}

void id_cache_mark(struct id_cache *c)
{
    c->learned_len = 0;
}

void id_cache_forget_since_mark(struct id_cache *c)
{
    for (size_t i = 0; i < c->learned_len; i++)
        id_cache_forget(c, c->learned[i]);
    c->learned_len = 0;
}

void id_cache_forget_all(struct id_cache *c)
{
    if (c->groups)
        memset(c->slots, 0, c->groups * ID_CACHE_WAYS * sizeof *c->slots);
    c->learned_len = 0;
}
