/* topk.h - keep the k best of a stream of scored ids.
 *
 * Model:   a bounded heap with the worst kept item at its root. The order is total (higher score,
 *          then lower id), so neither push order nor SIMD width can change the result. A NaN score
 *          is never kept. Ids are not checked for repetition.
 * Memory:  the caller owns items[cap]; nothing here allocates.
 * Threads: one topk per thread.
 * Cost:    O(1) for a losing push, O(log cap) for a winning one.
 * Source:  Williams, "Algorithm 232: Heapsort", CACM 7(6), 1964. */
#ifndef NUM_TOPK_H
#define NUM_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct topk_item {
    float score; /* not NaN; infinities are fine */
    uint32_t id;
};

struct topk {
    struct topk_item *items; /* [cap] the caller's, [0, len) in use */
    size_t len;
    size_t cap;
};

/** Does a stand before b? */
static inline bool topk_before(struct topk_item a, struct topk_item b)
{
    return a.score > b.score || (a.score == b.score && a.id < b.id);
}

/** items [cap] is borrowed until the last call; cap 0 keeps nothing. */
void topk_init(struct topk *t, struct topk_item *items, size_t cap);

/** Offer one item. Returns whether it was kept. */
bool topk_push(struct topk *t, float score, uint32_t id);

/** Offer scores[n] with ids[n] (NULL: the ids first_id, first_id + 1, ...). Runs of scores below
 *  the worst kept one are skipped eight at a time. */
void topk_push_block(struct topk *t, const float *scores, const uint32_t *ids, uint32_t first_id,
                     size_t n);

/** What a score must reach to have a chance: the worst kept score once cap items are kept, minus
 *  infinity before, plus infinity with cap 0. */
float topk_threshold(const struct topk *t);

/** Put items[0, len) in order, best first. The heap is spent: topk_init before the next push.
 *  Returns len. */
size_t topk_finish(struct topk *t);

/** A score that probably the k best of scores[n] reach, and few others: one of an evenly spread sample, some
 *  deviations below k's share of it (Floyd, Rivest, "Expected time bounds for selection", CACM 18(3),
 *  1975). Fewer than k may reach it: they must be counted. Minus infinity where there are too few for
 *  a sample, or too many. No NaN; k <= n.
 *  Cost: O(n / 8) on average. */
float topk_floor(const float *scores, size_t n, size_t k);

/** Rearrange items[n] so that the k best stand first, in no order: for many items that are there all at
 *  once this beats a heap. The same k whatever the order given. No NaN; -0 becomes 0; k <= n.
 *  Cost: O(n) on average (Hoare, "Algorithm 65: FIND", CACM 4(7), 1961), O(n log n) at worst. */
void topk_select(struct topk_item *items, size_t n, size_t k);

/** As topk_select, and the k best stand in order, best first. Cost: O(n + k log k) on average. */
void topk_order(struct topk_item *items, size_t n, size_t k);

#endif
