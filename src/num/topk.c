#include "num/topk.h"

#include <math.h>

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
