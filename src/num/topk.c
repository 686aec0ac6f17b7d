#include "num/topk.h"

#include <math.h>
#include <stdlib.h>

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

static int in_order(const void *a, const void *b)
{
    struct topk_item x = *(const struct topk_item *)a, y = *(const struct topk_item *)b;
    return topk_before(x, y) ? -1 : topk_before(y, x);
}

static void swap(struct topk_item *a, struct topk_item *b)
{
    struct topk_item t = *a;
    *a = *b;
    *b = t;
}

/* Move the median of first, middle and last to the first place. */
static void choose_pivot(struct topk_item *items, size_t n)
{
    struct topk_item *first = &items[0], *middle = &items[n / 2], *last = &items[n - 1];
    struct topk_item *better = topk_before(*middle, *last) ? middle : last;
    struct topk_item *worse = better == middle ? last : middle;
    if (topk_before(*first, *better))
        swap(first, better);
    else if (topk_before(*worse, *first))
        swap(first, worse);
}

/* Everything before the pivot to its left, the rest to its right. Returns the pivot's place. */
static size_t partition(struct topk_item *items, size_t n)
{
    choose_pivot(items, n);
    struct topk_item pivot = items[0];
    size_t i = 1, j = n - 1;
    for (;;) {
        while (i <= j && topk_before(items[i], pivot))
            i++;
        while (i <= j && topk_before(pivot, items[j]))
            j--;
        if (i >= j)
            break;
        swap(&items[i++], &items[j--]);
    }
    size_t at = i - 1;
    swap(&items[0], &items[at]);
    return at;
}

void topk_select(struct topk_item *items, size_t n, size_t k)
{
    enum { SMALL = 16, ROUNDS_MAX = 64 };
    for (int round = 0; k > 0 && k < n; round++) {
        if (n <= SMALL || round == ROUNDS_MAX) {
            qsort(items, n, sizeof *items, in_order);
            return;
        }
        size_t at = partition(items, n);
        if (at >= k) {
            n = at;
        } else {
            items += at + 1;
            n -= at + 1;
            k -= at + 1;
        }
    }
}
