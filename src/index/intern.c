#include "index/intern.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index/ordinals.h"

enum { FIRST_SLOTS = 64, BLOCK_BYTES = 256 << 10 };

void intern_release(struct intern *t)
{
    mem_free(t->slots);
    mem_free(t->keys);
    arena_release(&t->bytes);
    *t = (struct intern){0};
}

static uint32_t hash_key(const struct intern *t, struct str key)
{
    return (uint32_t)XXH3_64bits_withSeed(key.n ? key.p : "", key.n, t->seed);
}

/* The slot that has key, or the empty one where it belongs. */
static struct intern_slot *locate(const struct intern *t, struct str key, uint32_t hash)
{
    for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
        struct intern_slot *s = &t->slots[i];
        if (s->number == ORDINAL_NONE || (s->hash == hash && str_eq(t->keys[s->number], key)))
            return s;
    }
}

static bool grow_slots(struct intern *t)
{
    uint32_t size = t->slots ? (t->mask + 1) * 2 : FIRST_SLOTS;
    struct intern_slot *slots = mem_try_new(size, sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0xff, size * sizeof *slots);
    for (uint32_t i = 0; t->slots && i <= t->mask; i++) {
        if (t->slots[i].number == ORDINAL_NONE)
            continue;
        uint32_t at = t->slots[i].hash & (size - 1);
        while (slots[at].number != ORDINAL_NONE)
            at = (at + 1) & (size - 1);
        slots[at] = t->slots[i];
    }
    mem_free(t->slots);
    t->slots = slots;
    t->mask = size - 1;
    return true;
}

static bool grow_keys(struct intern *t)
{
    uint32_t cap = t->cap ? t->cap * 2 : FIRST_SLOTS;
    struct str *keys = mem_try_resize(t->keys, cap, sizeof *keys);
    if (!keys)
        return false;
    t->keys = keys;
    t->cap = cap;
    return true;
}

static bool make_room(struct intern *t)
{
    if (t->len >= (uint32_t)1 << 30)
        return false;
    if (!t->slots) {
        t->seed = (uint64_t)clock_mono_ns() ^ (uintptr_t)t;
        arena_init(&t->bytes, BLOCK_BYTES, SIZE_MAX / 2);
    }
    if ((!t->slots || t->len >= t->mask / 4 * 3) && !grow_slots(t))
        return false;
    return t->len < t->cap || grow_keys(t);
}

bool intern_at(struct intern *t, struct str key, uint32_t *number, bool *added)
{
    if (!make_room(t))
        return false;
    uint32_t hash = hash_key(t, key);
    struct intern_slot *s = locate(t, key, hash);
    if (added)
        *added = s->number == ORDINAL_NONE;
    if (s->number == ORDINAL_NONE) {
        struct str copy = arena_str(&t->bytes, key);
        if (!copy.p)
            return false;
        t->keys[t->len] = copy;
        *s = (struct intern_slot){hash, t->len++};
    }
    *number = s->number;
    return true;
}

uint32_t intern_find(const struct intern *t, struct str key)
{
    return t->slots ? locate(t, key, hash_key(t, key))->number : ORDINAL_NONE;
}

/* Most keys differ in their first eight bytes, which are compared as one number. */
struct sort_item {
    uint64_t head; /* big-endian, padded with zeros */
    uint32_t number;
};

static int compare_items(const void *a, const void *b, void *keys)
{
    const struct sort_item *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    const struct str *key = keys;
    return str_cmp(key[x->number], key[y->number]);
}

uint32_t *intern_sorted(const struct intern *t)
{
    struct sort_item *items = mem_try_new(t->len, sizeof *items);
    uint32_t *order = mem_try_new(t->len, sizeof *order);
    if (!items || !order) {
        mem_free(items);
        mem_free(order);
        return NULL;
    }
    for (uint32_t i = 0; i < t->len; i++) {
        uint64_t head = 0;
        memcpy(&head, t->keys[i].p, t->keys[i].n < 8 ? t->keys[i].n : 8);
        items[i] = (struct sort_item){__builtin_bswap64(head), i};
    }
    qsort_r(items, t->len, sizeof *items, compare_items, t->keys);
    for (uint32_t i = 0; i < t->len; i++)
        order[i] = items[i].number;
    mem_free(items);
    return order;
}
