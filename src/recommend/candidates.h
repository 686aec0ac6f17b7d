/* candidates.h - products that several sources propose, with what each of them says.
 *
 * Model:   a table by product number. A source adds parts (summed per product); candidates_close ends the
 *          source: its parts, divided by the greatest, times the source's weight, go to the totals. The
 *          source that gave a product most is its reason. Barred products take no score.
 * Memory:  in the request's arena; at most CANDIDATES_MAX products, further ones are left out.
 * Threads: one request. */
#ifndef RECOMMEND_CANDIDATES_H
#define RECOMMEND_CANDIDATES_H

#include "base/arena.h"
#include "recommend/recommend.h"

enum { CANDIDATES_MAX = 4096, CANDIDATES_SLOTS = 8192 };

struct candidate {
    uint32_t product_no;
    float total;
    float part;            /* of the open source */
    float part_best;       /* the greatest single addition to part */
    uint32_t part_because; /* the product number behind it */
    enum reason_code part_reason;
    float reason_share; /* what the reason's source gave to total */
    enum reason_code reason;
    uint32_t reason_product;
    bool barred;
};

struct candidates {
    struct candidate *items; /* [len] */
    uint32_t len;
    uint16_t *slots;   /* [CANDIDATES_SLOTS] 0: empty, else index + 1 */
    uint16_t *touched; /* [touched_len] items with a part in the open source */
    uint32_t touched_len;
};

/** ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code candidates_init(struct candidates *c, struct arena *arena,
                                           struct err *err);

/** Never show this one. */
void candidates_bar(struct candidates *c, uint32_t product_no);

/** Was it barred? */
bool candidates_barred(const struct candidates *c, uint32_t product_no);

/** The open source says `part` (> 0) more for a product, for this reason; because names a product
 *  or is 0. */
void candidates_add(struct candidates *c, uint32_t product_no, float part, enum reason_code reason,
                    uint32_t because);

/** End the open source. weight >= 0. */
void candidates_close(struct candidates *c, float weight);

#endif
