#include "engine/users.h"

#include <pthread.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

enum { SHARDS = 64, FIRST_CAP = 8 };

struct state {
    struct user_action *actions; /* [len] by time, owned */
    uint16_t len;
    uint16_t cap;
    uint16_t guests_len;
    uint32_t linked_to;               /* a guest's shopper; 0: none */
    uint32_t guests[USERS_LINKS_MAX]; /* guests joined to this shopper, oldest first */
};

struct shard {
    pthread_mutex_t lock;
    struct map_u64 states; /* user_no to struct state * */
};

struct users {
    struct shard shards[SHARDS];
};

struct users *users_new(void)
{
    struct users *u = MEM_NEW(struct users);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&u->shards[i].lock, NULL);
    return u;
}

static void free_state(struct state *s)
{
    mem_free(s->actions);
    mem_free(s);
}

void users_free(struct users *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        size_t pos = 0;
        uint64_t key, value;
        while (map_u64_next(&u->shards[i].states, &pos, &key, &value))
            free_state((struct state *)(uintptr_t)value);
        map_u64_release(&u->shards[i].states);
        pthread_mutex_destroy(&u->shards[i].lock);
    }
    mem_free(u);
}

/* The shard of a shopper, locked. */
static struct shard *lock_shard(struct users *u, uint32_t user_no)
{
    struct shard *shard = &u->shards[user_no * 0x9e3779b1u >> 26];
    pthread_mutex_lock(&shard->lock);
    return shard;
}
_Static_assert(SHARDS == 1 << (32 - 26), "the hash's upper bits number the shards");

static struct state *find(struct shard *shard, uint32_t user_no)
{
    uint64_t *slot = map_u64_find(&shard->states, user_no);
    return slot ? (struct state *)(uintptr_t)*slot : NULL;
}

static struct state *find_or_add(struct shard *shard, uint32_t user_no)
{
    uint64_t *slot = map_u64_at(&shard->states, user_no, NULL);
    if (!*slot)
        *slot = (uint64_t)(uintptr_t)MEM_NEW(struct state);
    return (struct state *)(uintptr_t)*slot;
}

static bool is_purchase(const struct user_action *a)
{
    return a->type == EVENT_PURCHASE;
}

/* Make room in a full state for an action: the oldest purchase goes if the others are few, else the
 * oldest other. *at is where that stood. False: it would be the new one, which is the older one or
 * came later with the same time, so the outcome does not depend on how often it is tried. */
static bool drop_one(struct state *s, const struct user_action *action, uint16_t *at)
{
    size_t others = !is_purchase(action);
    uint16_t victim = 0;
    for (uint16_t i = 0; i < s->len; i++)
        others += !is_purchase(&s->actions[i]);
    bool purchase_goes = others <= USERS_OTHERS_MIN;
    while (victim < s->len && is_purchase(&s->actions[victim]) != purchase_goes)
        victim++;
    if (victim == s->len ||
        (is_purchase(action) == purchase_goes && action->time_s <= s->actions[victim].time_s))
        return false;
    s->len--;
    memmove(s->actions + victim, s->actions + victim + 1,
            (size_t)(s->len - victim) * sizeof *s->actions);
    *at = victim;
    return true;
}

static bool same(const struct user_action *a, const struct user_action *b)
{
    return a->product_no == b->product_no && a->time_s == b->time_s && a->type == b->type;
}

static void insert(struct state *s, const struct user_action *action)
{
    uint16_t at = s->len;
    while (at > 0 && s->actions[at - 1].time_s >= action->time_s) {
        if (same(&s->actions[at - 1], action))
            return;
        if (s->actions[at - 1].time_s == action->time_s) {
            /* Equal times keep the order of arrival, but look through all of them for the same. */
            uint16_t k = at - 1;
            while (k > 0 && s->actions[k - 1].time_s == action->time_s)
                if (same(&s->actions[--k], action))
                    return;
            break;
        }
        at--;
    }
    if (s->len == USERS_ACTIONS_MAX) {
        uint16_t victim;
        if (!drop_one(s, action, &victim))
            return;
        if (victim < at)
            at--;
    }
    if (s->len == s->cap) {
        s->cap = s->cap ? (uint16_t)(s->cap * 2) : FIRST_CAP;
        s->actions = mem_resize(s->actions, s->cap, sizeof *s->actions);
    }
    memmove(s->actions + at + 1, s->actions + at, (size_t)(s->len - at) * sizeof *s->actions);
    s->actions[at] = *action;
    s->len++;
}

void users_add(struct users *u, uint32_t user_no, const struct user_action *action)
{
    struct shard *shard = lock_shard(u, user_no);
    insert(find_or_add(shard, user_no), action);
    pthread_mutex_unlock(&shard->lock);
}

void users_remove(struct users *u, uint32_t user_no, const struct user_action *action)
{
    struct shard *shard = lock_shard(u, user_no);
    struct state *s = find(shard, user_no);
    for (uint16_t i = 0; s && i < s->len; i++)
        if (same(&s->actions[i], action)) {
            s->len--;
            memmove(s->actions + i, s->actions + i + 1, (size_t)(s->len - i) * sizeof *s->actions);
            break;
        }
    pthread_mutex_unlock(&shard->lock);
}

static void remove_guest(struct users *u, uint32_t user_no, uint32_t anonymous_no)
{
    struct shard *shard = lock_shard(u, user_no);
    struct state *s = find(shard, user_no);
    for (uint16_t i = 0; s && i < s->guests_len; i++)
        if (s->guests[i] == anonymous_no) {
            s->guests_len--;
            memmove(s->guests + i, s->guests + i + 1,
                    (size_t)(s->guests_len - i) * sizeof *s->guests);
            break;
        }
    pthread_mutex_unlock(&shard->lock);
}

static uint32_t swap_link(struct users *u, uint32_t anonymous_no, uint32_t user_no)
{
    struct shard *shard = lock_shard(u, anonymous_no);
    struct state *s = user_no ? find_or_add(shard, anonymous_no) : find(shard, anonymous_no);
    uint32_t before = s ? s->linked_to : 0;
    if (s)
        s->linked_to = user_no;
    pthread_mutex_unlock(&shard->lock);
    return before;
}

void users_link(struct users *u, uint32_t anonymous_no, uint32_t user_no)
{
    uint32_t before = swap_link(u, anonymous_no, user_no);
    if (before == user_no)
        return;
    if (before)
        remove_guest(u, before, anonymous_no);
    struct shard *shard = lock_shard(u, user_no);
    struct state *s = find_or_add(shard, user_no);
    if (s->guests_len == USERS_LINKS_MAX) {
        s->guests_len--;
        memmove(s->guests, s->guests + 1, s->guests_len * sizeof *s->guests);
    }
    s->guests[s->guests_len++] = anonymous_no;
    pthread_mutex_unlock(&shard->lock);
}

void users_unlink(struct users *u, uint32_t anonymous_no)
{
    uint32_t before = swap_link(u, anonymous_no, 0);
    if (before)
        remove_guest(u, before, anonymous_no);
}

void users_forget(struct users *u, uint32_t user_no)
{
    uint32_t guests[USERS_LINKS_MAX], guests_len = 0;
    users_unlink(u, user_no);
    struct shard *shard = lock_shard(u, user_no);
    struct state *s = find(shard, user_no);
    if (s) {
        guests_len = s->guests_len;
        memcpy(guests, s->guests, guests_len * sizeof *guests);
        map_u64_remove(&shard->states, user_no);
        free_state(s);
    }
    pthread_mutex_unlock(&shard->lock);
    for (uint32_t i = 0; i < guests_len; i++)
        users_forget(u, guests[i]);
}

uint32_t users_resolve(struct users *u, uint32_t user_no)
{
    struct shard *shard = lock_shard(u, user_no);
    const struct state *s = find(shard, user_no);
    uint32_t known = s && s->linked_to ? s->linked_to : user_no;
    pthread_mutex_unlock(&shard->lock);
    return known;
}

/* Merge the newest of one state into out (newest first), under its lock. */
static size_t merge(const struct state *s, struct user_action *out, size_t n, size_t cap)
{
    for (uint16_t i = s->len; i-- > 0;) {
        const struct user_action *a = &s->actions[i];
        size_t at = n;
        while (at > 0 && out[at - 1].time_s < a->time_s)
            at--;
        if (at == cap)
            break; /* the rest is older still */
        size_t keep = n < cap ? n : cap - 1;
        memmove(out + at + 1, out + at, (keep - at) * sizeof *out);
        out[at] = *a;
        n = keep + 1;
    }
    return n;
}

size_t users_recent(struct users *u, uint32_t user_no, struct user_action *out, size_t cap)
{
    uint32_t guests[USERS_LINKS_MAX], guests_len = 0;
    size_t n = 0;
    struct shard *shard = lock_shard(u, user_no);
    const struct state *s = find(shard, user_no);
    if (s) {
        n = merge(s, out, n, cap);
        guests_len = s->guests_len;
        memcpy(guests, s->guests, guests_len * sizeof *guests);
    }
    pthread_mutex_unlock(&shard->lock);
    for (uint32_t i = 0; i < guests_len; i++) {
        shard = lock_shard(u, guests[i]);
        s = find(shard, guests[i]);
        if (s)
            n = merge(s, out, n, cap);
        pthread_mutex_unlock(&shard->lock);
    }
    return n;
}

size_t users_len(struct users *u)
{
    size_t n = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&u->shards[i].lock);
        n += u->shards[i].states.len;
        pthread_mutex_unlock(&u->shards[i].lock);
    }
    return n;
}

static void trim_state(struct state *s, uint32_t before_s)
{
    uint16_t old = 0;
    while (old < s->len && s->actions[old].time_s < before_s)
        old++;
    if (old == 0)
        return; /* nothing to move, and maybe no actions at all */
    s->len -= old;
    memmove(s->actions, s->actions + old, s->len * sizeof *s->actions);
}

void users_trim(struct users *u, int64_t time_us)
{
    int64_t time_s = time_us / CLOCK_US_PER_S;
    uint32_t before_s = time_s <= 0 ? 0 : time_s < UINT32_MAX ? (uint32_t)time_s : UINT32_MAX;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &u->shards[i];
        struct map_u64 kept = {0};
        size_t pos = 0;
        uint64_t key, value;
        pthread_mutex_lock(&shard->lock);
        while (map_u64_next(&shard->states, &pos, &key, &value)) {
            struct state *s = (struct state *)(uintptr_t)value;
            trim_state(s, before_s);
            if (s->len == 0 && s->linked_to == 0 && s->guests_len == 0)
                free_state(s);
            else
                *map_u64_at(&kept, key, NULL) = value;
        }
        map_u64_release(&shard->states);
        shard->states = kept;
        pthread_mutex_unlock(&shard->lock);
    }
}
