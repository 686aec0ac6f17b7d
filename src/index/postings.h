/* postings.h - which docs have a term, how often and in which fields.
 *
 * Model:   a term's docs ascend, in blocks of 128. A block is packed: gaps between docs, then per doc
 *          a set of fields, then for each field of each set how often. Terms of more than one block
 *          have a bound per block: its last doc, for skipping without unpacking, and per field the
 *          greatest frequency and the smallest length, from which a scorer computes what no doc of
 *          the block can exceed, whatever its weights and averages are.
 * Use:     posting_open, then either block by block (posting_next_block; docs, fields, freqs are
 *          arrays) or doc by doc (posting_next, posting_advance). Both may be mixed.
 * Threads: one cursor per thread; it borrows the segment.
 * Cost:    unpacking is about 1.4 ns a doc; fields and frequencies, unpacked only where asked for, 4 ns
 *          more. */
#ifndef INDEX_POSTINGS_H
#define INDEX_POSTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/segment.h"

enum { POSTINGS_BLOCK = 128 };

/** "No more docs"; greater than every doc. */
#define POSTING_END UINT32_MAX

/* About one block of a term with more than one. */
struct posting_bound {
    uint32_t last_doc;                  /* the greatest in the block */
    uint32_t offset;                    /* of the block, from the term's postings */
    uint8_t freq_max[SEGMENT_FIELDS];   /* 0: no doc of the block has the term in that field */
    uint8_t length_min[SEGMENT_FIELDS]; /* code, over docs that have the term in that field */
};

struct posting_cursor {
    const struct segment *s; /* borrowed */
    const struct segment_term *term;
    uint32_t blocks;     /* of the term */
    uint32_t block;      /* the next to unpack */
    const uint8_t *data; /* its first byte, where the block before was unpacked */
    uint32_t last_doc;   /* of the block before it; POSTING_END before the first */
    uint32_t len;        /* docs in the unpacked block, 0..POSTINGS_BLOCK; 0: none yet, or end */
    uint32_t at;         /* the current doc's place in it */
    bool loaded;         /* fields and freqs of this block are unpacked */
    const uint8_t *rest; /* packed fields and freqs */
    uint32_t docs[POSTINGS_BLOCK];                  /* [len] */
    uint8_t fields[POSTINGS_BLOCK];                 /* [len] bit f: the term is in field f */
    uint16_t freq_at[POSTINGS_BLOCK];               /* [len] where the doc's begin in freqs */
    uint8_t freqs[POSTINGS_BLOCK * SEGMENT_FIELDS]; /* one per field in the set, ascending, >= 1 */
};

/** Before the first doc of a term. */
void posting_open(struct posting_cursor *c, const struct segment *s, uint32_t term);

/** Unpack the next block and stand at its first doc. Returns len; 0 at the end. */
uint32_t posting_next_block(struct posting_cursor *c);

/** Unpack fields, freq_at and freqs of the current block. */
void posting_load(struct posting_cursor *c);

/** The doc where the cursor stands, POSTING_END behind the last; not before the first move. */
static inline uint32_t posting_doc(const struct posting_cursor *c)
{
    return c->at < c->len ? c->docs[c->at] : POSTING_END;
}

/** Move to the next doc (the first at the start). */
static inline uint32_t posting_next(struct posting_cursor *c)
{
    if (++c->at < c->len)
        return c->docs[c->at];
    return posting_next_block(c) ? c->docs[0] : POSTING_END;
}

/** Move to the first doc >= doc, at or behind the current one; skips whole blocks. */
uint32_t posting_advance(struct posting_cursor *c, uint32_t doc);

/** Of the current doc: the set of fields that have the term, and how often in each (>= 1, in the
 *  order of fields), borrowed until the next block. */
static inline const uint8_t *posting_freqs(struct posting_cursor *c, uint8_t *fields)
{
    if (!c->loaded)
        posting_load(c);
    *fields = c->fields[c->at];
    return c->freqs + c->freq_at[c->at];
}

/** The bound of the block that has the first doc >= doc, without moving or unpacking; NULL where the
 *  term has a single block (then nothing is known but df) or no such doc. */
const struct posting_bound *posting_bound_at(const struct posting_cursor *c, uint32_t doc);

#endif
