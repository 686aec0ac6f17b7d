/* candidates.h - products that several sources propose, with what each of them says.
 *
 * Model:   a table by product number. A source adds parts (summed per product), each said by a voice: a
 *          reason and the product behind it. candidates_close ends the source: its parts, divided by the
 *          greatest, times the source's weight, go to the totals. The voice that said most in the source
 *          that gave a product most is its reason, the earlier one where two said the same. Barred
 *          products take no score.
 * Memory:  in the request's arena; at most CANDIDATES_MAX products, further ones are left out.
 * Threads: one request.
 * Cost:    some nanoseconds for a part: one array for each thing that is looked at, so that all of them
 *          stay in the first-level cache, and no branch that depends on what is there. */
#ifndef RECOMMEND_CANDIDATES_H
#define RECOMMEND_CANDIDATES_H

#include <string.h>

#include "base/arena.h"
#include "recommend/recommend.h"

enum { CANDIDATES_MAX = 4096, CANDIDATES_SLOT_BITS = 13, CANDIDATES_VOICES_MAX = 256 };

struct candidate_voice {
    enum reason_code reason;
    uint32_t because; /* product number, 0 none */
};

/* What adding looks at, side by side. */
struct candidate {
    uint64_t loudest; /* in the open source: the greatest part's bits above, UINT32_MAX - its voice
                         below; CANDIDATE_BARRED, whatever is said */
    float part;       /* of the open source */
    uint32_t product_no;
};

#define CANDIDATE_BARRED            UINT64_MAX
#define CANDIDATES_HASH(product_no) ((product_no)*0x9e3779b1u >> (32 - CANDIDATES_SLOT_BITS))

struct candidates {
    uint32_t len;
    struct candidate *items; /* [1..len], as the following: 0 is for products without room */
    float *total;
    float *reason_share;            /* what the reason's source gave to total */
    uint16_t *reason_voice;         /* into voices */
    uint16_t *slots;                /* [1 << CANDIDATES_SLOT_BITS] 0: empty, else an index */
    struct candidate_voice *voices; /* [voices_len] */
    uint32_t voices_len;
};

/** ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code candidates_init(struct candidates *c, struct arena *arena,
                                           struct err *err);

/** Never show this one. */
void candidates_bar(struct candidates *c, uint32_t product_no);

/** The index (1..) of a product that was proposed or barred; 0 of any other. */
static inline uint32_t candidates_find(const struct candidates *c, uint32_t product_no)
{
    enum { SLOTS = 1 << CANDIDATES_SLOT_BITS };
    uint32_t at = CANDIDATES_HASH(product_no), index = c->slots[at];
    while (index && c->items[index].product_no != product_no) {
        at = (at + 1) % SLOTS;
        index = c->slots[at];
    }
    return index;
}

/** Was it barred? */
static inline bool candidates_barred(const struct candidates *c, uint32_t product_no)
{
    uint32_t index = candidates_find(c, product_no);
    return index && c->items[index].loudest == CANDIDATE_BARRED;
}

/** Who speaks: for candidates_add. because names a product or is 0. At most CANDIDATES_VOICES_MAX are told
 *  apart: further ones are the last. */
uint32_t candidates_voice(struct candidates *c, enum reason_code reason, uint32_t because);

/** The index (1..) of a product, made if there is room; 0, where everything may be written and nothing is
 *  read, if not. */
static inline uint32_t candidates_index(struct candidates *c, uint32_t product_no)
{
    enum { SLOTS = 1 << CANDIDATES_SLOT_BITS };
    uint32_t at = CANDIDATES_HASH(product_no), index = c->slots[at];
    /* So that an empty slot holds it too, and the branch that is left, for somebody else's slot, is
     * rarely taken. */
    c->items[0].product_no = product_no;
    while (__builtin_expect(c->items[index].product_no != product_no, 0)) {
        at = (at + 1) % SLOTS;
        index = c->slots[at];
    }
    bool made = (index == 0) & (c->len < CANDIDATES_MAX);
    c->len += made;
    index = made ? c->len : index;
    c->slots[at] = (uint16_t)index;
    c->items[index].product_no = product_no;
    return index;
}

/** The open source says `part` (> 0, else nothing) more for a product. */
static inline void candidates_add(struct candidates *c, uint32_t product_no, float part,
                                  uint32_t voice)
{
    struct candidate *item = &c->items[candidates_index(c, product_no)];
    uint32_t bits;
    part = part > 0 ? part : 0;
    item->part += part;
    memcpy(&bits, &part, sizeof bits);
    uint64_t said = (uint64_t)bits << 32 | (UINT32_MAX - voice);
    item->loudest = said > item->loudest ? said : item->loudest;
}

/** Many of one voice: product numbers[ids[i]] (ids NULL: numbers[i]) gets weight * parts[i], i < n. */
void candidates_add_many(struct candidates *c, const uint32_t *numbers, const uint32_t *ids,
                         const float *parts, float weight, size_t n, uint32_t voice);

/** End the open source. weight >= 0. */
void candidates_close(struct candidates *c, float weight);

/** Why a product with a total is here. */
static inline struct candidate_voice candidates_reason(const struct candidates *c, uint32_t index)
{
    return c->voices[c->reason_voice[index]];
}

#endif
