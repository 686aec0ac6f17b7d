/* candidates.h - products that several sources propose, with what each of them says.
 *
 * Model:   a table by product number. A source adds lists; a product's part in a source is the sum over its
 *          lists. candidates_close ends the source: its parts, divided by the greatest, times the source's
 *          weight, go to the totals. Nothing is noted of who said what: why a product is there is looked
 *          up in the lists for the few that are shown. Barred products take no score.
 * Memory:  in the request's arena; at most CANDIDATES_MAX products, further ones are left out. What a list
 *          points to is borrowed until the last call.
 * Threads: one request.
 * Cost:    some nanoseconds for a part: one array for each thing that is looked at, so that all of them
 *          stay in the first-level cache, and no branch that depends on what is there. */
#ifndef RECOMMEND_CANDIDATES_H
#define RECOMMEND_CANDIDATES_H

#include <stdbool.h>

#include "base/arena.h"
#include "recommend/recommend.h"

enum {
    CANDIDATES_MAX = 4096,
    CANDIDATES_SLOT_BITS = 13,
    CANDIDATES_SOURCES_MAX = 12, /* that say something */
    CANDIDATES_LISTS_MAX = 256,  /* of all sources; further ones are left out */
};

/** What one voice says: product numbers[ids[i]] (ids NULL: numbers[i]), no product twice, gets
 *  weight * parts[i] (parts NULL: weight), i < n. What is not > 0 says nothing. parts descend. */
struct candidate_list {
    const uint32_t *numbers; /* borrowed, as ids and parts */
    const uint32_t *ids;
    const float *parts;
    size_t n;
    float weight;
    enum reason_code reason;
    uint32_t because; /* product number, 0 none */
};

struct candidate_source {
    uint32_t kind;        /* which source this is, in the order of struct placement_weights */
    float *part;          /* [1..len] */
    uint32_t len;         /* of the table at the end of the source */
    uint32_t first, last; /* its lists: [first, last) */
    float most;           /* the greatest part */
    float scale;          /* from parts to shares of the total */
};

struct candidates {
    uint32_t len;
    uint32_t barred;      /* the products [1..barred] of the table are */
    uint32_t *product_no; /* [1..len]; 0 is for products without room */
    uint16_t *slots;      /* [1 << CANDIDATES_SLOT_BITS] 0: empty, else an index */
    struct candidate_source sources[CANDIDATES_SOURCES_MAX];
    uint32_t sources_len; /* that are closed */
    struct candidate_list *lists;
    uint32_t lists_len;
    struct arena *arena;
};

/** ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code candidates_init(struct candidates *c, struct arena *arena,
                                           struct err *err);

/** Never show this one. Before the first list only. */
void candidates_bar(struct candidates *c, uint32_t product_no);

/** Was it barred? */
bool candidates_barred(const struct candidates *c, uint32_t product_no);

/** The open source says this. Copies the list, not what it points to.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code candidates_add(struct candidates *c, const struct candidate_list *list,
                                          struct err *err);

/** The product's index in the table; 0: it is not there. */
uint32_t candidates_find(const struct candidates *c, uint32_t product_no);

/** End the open source. weight >= 0; kind is the caller's number for it. */
void candidates_close(struct candidates *c, uint32_t kind, float weight);

/** What a closed source says of products of the table, as shares of what it says of the one it likes most:
 *  out [n], 0..1, of index [n]; 0 of index 0. */
void candidates_shares(const struct candidates *c, uint32_t source, const uint32_t *index, size_t n,
                       float *out);

/** totals [len + 1]: of each product of the table; totals[0] is of none. */
void candidates_totals(const struct candidates *c, float *totals);

/** What a list says of a product, as part of its source's sum. id: the product's place in numbers, for
 *  lists with ids. */
float candidates_said(const struct candidate_list *list, uint32_t product_no, uint32_t id);

struct candidate_reason {
    enum reason_code code;
    uint32_t because; /* product number, 0 none */
};

/** Why a product with a total is here: the list that said most in the source that gave it most, of equals
 *  the earlier. id: the product's place in numbers, for lists with ids.
 *  Cost: a walk over the lists of one source. */
struct candidate_reason candidates_reason(const struct candidates *c, uint32_t product_no,
                                          uint32_t id);

#endif
