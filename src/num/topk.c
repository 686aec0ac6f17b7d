#include "num/topk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* items[0, len) is a heap in which every parent stands after its children: the root is the
 * worst. */

void topk_init(struct topk *t, struct topk_item *items, size_t cap)
{
    *t = (struct topk){.items = items, .cap = cap};
}

float topk_threshold(const struct topk *t)
{
    if (t->cap == 0)
        return INFINITY;
    return t->len < t->cap ? -INFINITY : t->items[0].score;
}

static void sift_up(struct topk_item *items, size_t at)
{
    struct topk_item moving = items[at];
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!topk_before(items[parent], moving))
            break;
        items[at] = items[parent];
        at = parent;
    }
    items[at] = moving;
}

/* Put `moving` where the root's hole in items[0, len) sinks to. */
static void sift_down(struct topk_item *items, size_t len, struct topk_item moving)
{
    size_t at = 0;
    for (size_t child = 1; child < len; child = 2 * at + 1) {
        if (child + 1 < len && topk_before(items[child], items[child + 1]))
            child++;
        if (!topk_before(moving, items[child]))
            break;
        items[at] = items[child];
        at = child;
    }
    items[at] = moving;
}

bool topk_push(struct topk *t, float score, uint32_t id)
{
    struct topk_item item = {score, id};
    if (isnan(score))
        return false;
    if (t->len < t->cap) {
        t->items[t->len] = item;
        sift_up(t->items, t->len++);
        return true;
    }
    if (t->cap == 0 || !topk_before(item, t->items[0]))
        return false;
    sift_down(t->items, t->len, item);
    return true;
}

enum { BLOCK = 8 };

static bool any_reaches(const float *scores, float threshold)
{
    int any = 0;
    for (int i = 0; i < BLOCK; i++)
        any |= scores[i] >= threshold;
    return any;
}

void topk_push_block(struct topk *t, const float *scores, const uint32_t *ids, uint32_t first_id,
                     size_t n)
{
    size_t i = 0;
    while (i < n) {
        if (i + BLOCK <= n && !any_reaches(scores + i, topk_threshold(t))) {
            i += BLOCK;
            continue;
        }
        size_t end = i + BLOCK < n ? i + BLOCK : n;
        for (; i < end; i++)
            topk_push(t, scores[i], ids ? ids[i] : first_id + (uint32_t)i);
    }
}

size_t topk_finish(struct topk *t)
{
    for (size_t len = t->len; len > 1; len--) {
        struct topk_item worst = t->items[0];
        sift_down(t->items, len - 1, t->items[len - 1]);
        t->items[len - 1] = worst;
    }
    return t->len;
}

/* --- many items at once ---------------------------------------------------------------------- */

/* An item as one number: the earlier it stands, the less. Partitioning numbers needs no branch that
 * depends on them. */
static const uint32_t SIGN = 0x80000000u;

static uint64_t key_of(struct topk_item item)
{
    float score = item.score + 0.0f; /* -0 and 0 are equal */
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    bits = bits & SIGN ? bits : ~bits ^ SIGN;
    return (uint64_t)bits << 32 | item.id;
}

static struct topk_item item_of(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    struct topk_item item = {.id = (uint32_t)key};
    bits = bits & SIGN ? bits : ~bits ^ SIGN;
    memcpy(&item.score, &bits, sizeof bits);
    return item;
}

_Static_assert(sizeof(struct topk_item) == sizeof(uint64_t), "keys take the place of items");

static uint64_t *to_keys(struct topk_item *items, size_t n)
{
    uint64_t *keys = (uint64_t *)(void *)items;
    for (size_t i = 0; i < n; i++)
        keys[i] = key_of(items[i]);
    return keys;
}

static void to_items(struct topk_item *items, size_t n)
{
    const uint64_t *keys = (const uint64_t *)(const void *)items;
    for (size_t i = 0; i < n; i++)
        items[i] = item_of(keys[i]);
}

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t t = *a;
    *a = *b;
    *b = t;
}

/* Move the median of first, middle and last to the first place. */
static void take_median(uint64_t *keys, size_t n)
{
    uint64_t *middle = &keys[n / 2], *last = &keys[n - 1];
    uint64_t *less = *middle < *last ? middle : last, *more = less == middle ? last : middle;
    if (keys[0] < *less)
        swap(&keys[0], less);
    else if (keys[0] > *more)
        swap(&keys[0], more);
}

/* Everything less than the pivot, keys[0], to its left, the rest to its right (Lomuto's way). Returns the
 * pivot's place. n >= 1. */
static size_t partition(uint64_t *keys, size_t n)
{
    uint64_t pivot = keys[0];
    size_t less = 1;
    for (size_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        keys[i] = keys[less];
        keys[less] = key;
        less += key < pivot;
    }
    swap(&keys[0], &keys[less - 1]);
    return less - 1;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_few(uint64_t *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        size_t at = i;
        for (; at > 0 && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

enum {
    FEW = 16,
    MANY = 400,
    STEP = 8,
    ROUNDS_MAX = 64 /* pivots as bad as this are somebody's doing */
};

static void select_keys(uint64_t *keys, size_t n, size_t k);

/* The place in a sample of every STEP-th that is probably little behind the k-th of all: k's share of it,
 * and some deviations more (Floyd, Rivest, "Expected time bounds for selection", CACM 18(3), 1975). */
static size_t place_in_sample(size_t sample, size_t k)
{
    size_t at = k / STEP, margin = 2;
    while (margin * margin < at)
        margin++;
    return at + margin < sample ? at + margin : sample - 1;
}

/* Move the place-th least of the first n keys to the first place. */
static void take_place(uint64_t *keys, size_t n, size_t place)
{
    size_t last = 0; /* of the least */
    select_keys(keys, n, place + 1);
    for (size_t i = 1; i <= place; i++)
        last = keys[i] > keys[last] ? i : last;
    swap(&keys[0], &keys[last]);
}

/* Move a key that is probably little behind the k-th to the first place. */
static void take_sampled(uint64_t *keys, size_t n, size_t k)
{
    size_t sample = n / STEP;
    for (size_t i = 0; i < sample; i++)
        swap(&keys[i], &keys[i * STEP]);
    take_place(keys, sample, place_in_sample(sample, k));
}

static void select_keys(uint64_t *keys, size_t n, size_t k)
{
    for (int round = 0; k > 0 && k < n; round++) {
        if (n <= FEW) {
            sort_few(keys, n);
            return;
        }
        if (round == ROUNDS_MAX) {
            qsort(keys, n, sizeof *keys, ascending);
            return;
        }
        if (n >= MANY && round == 0)
            take_sampled(keys, n, k);
        else
            take_median(keys, n);
        size_t at = partition(keys, n);
        if (at >= k) {
            n = at;
        } else {
            keys += at + 1;
            n -= at + 1;
            k -= at + 1;
        }
    }
}

/* The longer side is gone through here, the shorter one by recursion. */
static void sort_keys(uint64_t *keys, size_t n)
{
    for (int round = 0; n > FEW; round++) {
        if (round == ROUNDS_MAX) {
            qsort(keys, n, sizeof *keys, ascending);
            return;
        }
        take_median(keys, n);
        size_t at = partition(keys, n), right = n - at - 1;
        if (at < right) {
            sort_keys(keys, at);
            keys += at + 1;
            n = right;
        } else {
            sort_keys(keys + at + 1, right);
            n = at;
        }
    }
    sort_few(keys, n);
}

float topk_floor(const float *scores, size_t n, size_t k)
{
    enum { SAMPLE_MAX = 1024 };
    uint64_t keys[SAMPLE_MAX];
    size_t sample = n / STEP;
    if (n < MANY || sample > SAMPLE_MAX)
        return -INFINITY;
    for (size_t i = 0; i < sample; i++)
        keys[i] = key_of((struct topk_item){scores[i * STEP], 0});
    take_place(keys, sample, place_in_sample(sample, k));
    return item_of(keys[0]).score;
}

void topk_select(struct topk_item *items, size_t n, size_t k)
{
    select_keys(to_keys(items, n), n, k);
    to_items(items, n);
}

void topk_order(struct topk_item *items, size_t n, size_t k)
{
    uint64_t *keys = to_keys(items, n);
    select_keys(keys, n, k);
    sort_keys(keys, k);
    to_items(items, n);
}
