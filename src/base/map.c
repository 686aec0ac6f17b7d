#include "base/map.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/mem.h"

/* One seed per process: keys from outside must not be able to choose their slots. */
static uint64_t seed(void)
{
    static _Atomic uint64_t value;
    uint64_t s = value;
    if (__builtin_expect(s == 0, 0)) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        uint64_t mix[3] = {(uint64_t)t.tv_nsec, (uint64_t)getpid(), (uint64_t)(uintptr_t)&t};
        s = XXH3_64bits(mix, sizeof mix) | 1;
        uint64_t none = 0;
        if (!__atomic_compare_exchange_n((uint64_t *)&value, &none, s, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            s = none;
    }
    return s;
}

static uint32_t hash_str(struct str key)
{
    return (uint32_t)XXH3_64bits_withSeed(key.n ? key.p : "", key.n, seed());
}

static size_t hash_u64(uint64_t key)
{
    uint64_t x = key ^ seed();
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return (size_t)(x ^ x >> 32);
}

static bool crowded(size_t len, size_t mask)
{
    return (len + 1) * 4 > (mask + 1) * 3;
}

void map_str_release(struct map_str *m)
{
    mem_free(m->slots);
    arena_release(&m->keys);
    *m = (struct map_str){0};
}

static size_t locate_str(const struct map_str *m, struct str key, uint32_t hash)
{
    size_t i = hash & m->mask;
    for (; m->slots[i].p; i = (i + 1) & m->mask) {
        const struct map_str_slot *s = &m->slots[i];
        if (s->hash == hash && s->n == key.n && memcmp(s->p, key.n ? key.p : "", key.n) == 0)
            break;
    }
    return i;
}

uint64_t *map_str_find(const struct map_str *m, struct str key)
{
    if (m->len == 0)
        return NULL;
    size_t i = locate_str(m, key, hash_str(key));
    return m->slots[i].p ? &m->slots[i].value : NULL;
}

static void grow_str(struct map_str *m)
{
    size_t size = m->slots ? (m->mask + 1) * 2 : 16;
    struct map_str_slot *slots = mem_new(size, sizeof *slots);
    for (size_t i = 0; m->slots && i <= m->mask; i++) {
        if (!m->slots[i].p)
            continue;
        size_t at = m->slots[i].hash & (size - 1);
        while (slots[at].p)
            at = (at + 1) & (size - 1);
        slots[at] = m->slots[i];
    }
    mem_free(m->slots);
    m->slots = slots;
    m->mask = size - 1;
}

uint64_t *map_str_at(struct map_str *m, struct str key, bool *added)
{
    CHECK(key.n <= UINT32_MAX);
    if (!m->slots || crowded(m->len, m->mask))
        grow_str(m);
    uint32_t hash = hash_str(key);
    size_t i = locate_str(m, key, hash);
    if (added)
        *added = !m->slots[i].p;
    if (!m->slots[i].p) {
        if (m->keys.max_bytes == 0) {
            arena_init(&m->keys, 0, SIZE_MAX / 2);
            m->keys.aborts = true;
        }
        struct str copy = arena_str(&m->keys, key);
        CHECK(copy.p && "out of memory");
        m->slots[i] = (struct map_str_slot){copy.p, (uint32_t)copy.n, hash, 0};
        m->len++;
    }
    return &m->slots[i].value;
}

bool map_str_remove(struct map_str *m, struct str key)
{
    if (m->len == 0)
        return false;
    size_t hole = locate_str(m, key, hash_str(key));
    if (!m->slots[hole].p)
        return false;
    for (size_t i = (hole + 1) & m->mask; m->slots[i].p; i = (i + 1) & m->mask) {
        size_t home = m->slots[i].hash & m->mask;
        /* Move back whatever may not be reached across the hole. */
        if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_str_slot){0};
    m->len--;
    return true;
}

bool map_str_next(const struct map_str *m, size_t *pos, struct str *key, uint64_t *value)
{
    for (; m->slots && *pos <= m->mask; (*pos)++) {
        const struct map_str_slot *s = &m->slots[*pos];
        if (!s->p)
            continue;
        *key = (struct str){s->p, s->n};
        *value = s->value;
        (*pos)++;
        return true;
    }
    return false;
}

void map_u64_release(struct map_u64 *m)
{
    mem_free(m->slots);
    mem_free(m->used);
    *m = (struct map_u64){0};
}

static size_t locate_u64(const struct map_u64 *m, uint64_t key)
{
    size_t i = hash_u64(key) & m->mask;
    while (m->used[i] && m->slots[i].key != key)
        i = (i + 1) & m->mask;
    return i;
}

uint64_t *map_u64_find(const struct map_u64 *m, uint64_t key)
{
    if (m->len == 0)
        return NULL;
    size_t i = locate_u64(m, key);
    return m->used[i] ? &m->slots[i].value : NULL;
}

static void grow_u64(struct map_u64 *m)
{
    struct map_u64 bigger = {0};
    size_t size = m->slots ? (m->mask + 1) * 2 : 16;
    bigger.slots = mem_new(size, sizeof *bigger.slots);
    bigger.used = mem_new(size, 1);
    bigger.mask = size - 1;
    bigger.len = m->len;
    for (size_t i = 0; m->slots && i <= m->mask; i++) {
        if (!m->used[i])
            continue;
        size_t at = locate_u64(&bigger, m->slots[i].key);
        bigger.slots[at] = m->slots[i];
        bigger.used[at] = 1;
    }
    mem_free(m->slots);
    mem_free(m->used);
    *m = bigger;
}

uint64_t *map_u64_at(struct map_u64 *m, uint64_t key, bool *added)
{
    if (!m->slots || crowded(m->len, m->mask))
        grow_u64(m);
    size_t i = locate_u64(m, key);
    if (added)
        *added = !m->used[i];
    if (!m->used[i]) {
        m->used[i] = 1;
        m->slots[i] = (struct map_u64_slot){key, 0};
        m->len++;
    }
    return &m->slots[i].value;
}

bool map_u64_remove(struct map_u64 *m, uint64_t key)
{
    if (m->len == 0)
        return false;
    size_t hole = locate_u64(m, key);
    if (!m->used[hole])
        return false;
    for (size_t i = (hole + 1) & m->mask; m->used[i]; i = (i + 1) & m->mask) {
        size_t home = hash_u64(m->slots[i].key) & m->mask;
        if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->used[hole] = 0;
    m->len--;
    return true;
}

bool map_u64_next(const struct map_u64 *m, size_t *pos, uint64_t *key, uint64_t *value)
{
    for (; m->slots && *pos <= m->mask; (*pos)++) {
        if (!m->used[*pos])
            continue;
        *key = m->slots[*pos].key;
        *value = m->slots[*pos].value;
        (*pos)++;
        return true;
    }
    return false;
}
