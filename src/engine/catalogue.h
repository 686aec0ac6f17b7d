/* catalogue.h - all products that can be found, at one moment: segments and who is where.
 *
 * Model:   an immutable set of segments in slots and a locator from product_no to (slot, doc). A product
 *          lives where its locator points; any other doc with its number is an older version, so
 *          superseding and deleting are one store into the next catalogue's locator, and no segment is
 *          ever edited. A change makes a new catalogue that shares segments and locator chunks with
 *          the one before (log-structured merge: O'Neil et al. 1996).
 * Tiers:   new versions come in small segments in memory; catalogue_merge_due names a run of neighbours
 *          in size that should become one, so a product is rewritten O(log products) times.
 * Memory:  segments and chunks are reference-counted; catalogue_ref/unref.
 * Threads: immutable once made; building the next one is one thread's work. */
#ifndef ENGINE_CATALOGUE_H
#define ENGINE_CATALOGUE_H

#include "index/segment.h"

enum {
    CATALOGUE_SLOTS = 64,
    CATALOGUE_CHUNK = 1024, /* locator entries that are shared or copied together */
    CATALOGUE_MERGE_MAX = 16,
};

/* A segment that several catalogues share. */
struct shared_segment;

/* Where a product is. */
struct location {
    uint32_t slot; /* CATALOGUE_SLOTS: nowhere */
    uint32_t doc;
};

struct locator_chunk;

struct catalogue {
    _Atomic uint32_t refs;
    struct shared_segment *shared[CATALOGUE_SLOTS];
    const struct segment *segments[CATALOGUE_SLOTS]; /* NULL: the slot is free */
    struct locator_chunk **chunks;                   /* [chunks_len], each shared or NULL */
    uint32_t chunks_len;
    uint32_t products;                    /* that are somewhere */
    uint32_t dead[CATALOGUE_SLOTS];       /* docs of each slot that no product lives in */
    uint64_t field_total[SEGMENT_FIELDS]; /* summed lengths of the living docs */
};

/** returns owned, one reference: no products. */
struct catalogue *catalogue_new(void);
struct catalogue *catalogue_ref(struct catalogue *c);
void catalogue_unref(struct catalogue *c); /* NULL is fine */

/** The next catalogue: `from` with a segment added whose docs supersede all others of their numbers,
 *  then without the products removed[n]. Takes segment (NULL: none). returns owned.
 *  ERR_LIMIT  fewer than two slots are free: merge first; segment stays the caller's. */
ERR_MUST_USE enum err_code catalogue_add(const struct catalogue *from, struct segment *segment,
                                         const uint32_t *removed, size_t n, struct catalogue **out,
                                         struct err *err);

/** The next catalogue: `from` with the segments of another one added, whose living docs supersede all
 *  others of their numbers. Shares them. returns owned.
 *  ERR_LIMIT  not enough slots are free: merge first */
ERR_MUST_USE enum err_code catalogue_overlay(const struct catalogue *from,
                                             const struct catalogue *top, struct catalogue **out,
                                             struct err *err);

/** The next catalogue: segments of slots[n] replaced by merged, which was built from the docs alive in
 *  an older catalogue. A doc counts only if its product still lives in one of these slots, so what
 *  was superseded or removed since stays so. Takes merged. returns owned.
 *  ERR_LIMIT  no slot is free; merged stays the caller's. */
ERR_MUST_USE enum err_code catalogue_replace(const struct catalogue *from, const uint32_t *slots,
                                             size_t n, struct segment *merged,
                                             struct catalogue **out, struct err *err);

/** Slots whose segments should be merged now; returns how many (0: none). Only segments of at most
 *  max_docs in slots that are not pinned take part. */
size_t catalogue_merge_due(const struct catalogue *c, uint32_t max_docs,
                           const bool pinned[CATALOGUE_SLOTS], uint32_t slots[CATALOGUE_MERGE_MAX]);

/** Build one segment in memory from the living docs of these slots. */
ERR_MUST_USE enum err_code catalogue_merge(const struct catalogue *c, const uint32_t *slots,
                                           size_t n, const struct str *languages,
                                           size_t languages_len, struct segment **out,
                                           struct err *err);

/** As catalogue_merge over all slots, into a file. */
ERR_MUST_USE enum err_code catalogue_write(const struct catalogue *c, const struct str *languages,
                                           size_t languages_len, const char *path, struct err *err);

/* --- look-up --------------------------------------------------------------------------------- */

struct location catalogue_locate(const struct catalogue *c, uint32_t product_no);

/** Is doc of this slot its product's present version? */
bool catalogue_alive(const struct catalogue *c, uint32_t slot, uint32_t doc);

/** In how many living docs a term occurs: the same however the products are spread over segments.
 *  O(log terms) for segments all of whose docs live, else a walk over the term's postings. */
uint32_t catalogue_term_docs(const struct catalogue *c, struct str term);

/** The same within one slot, for a term of its segment. */
uint32_t catalogue_slot_term_docs(const struct catalogue *c, uint32_t slot, uint32_t term);

/** The number of the product with this id, or 0. */
uint32_t catalogue_find_id(const struct catalogue *c, struct str id);

static inline bool location_found(struct location l)
{
    return l.slot < CATALOGUE_SLOTS;
}

#endif
