/* segment_int.h - what the readers, the builder and the validator of segments share: names of
 * sections, layouts that are not for callers, and small encodings. */
#ifndef INDEX_SEGMENT_INT_H
#define INDEX_SEGMENT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "index/postings.h"
#include "index/segment.h"

/* Names of sections, in the order of the file. */
#define SECTION_HEAD          "head"
#define SECTION_LANGUAGES     "languages"
#define SECTION_PRODUCT_NO    "product_no"
#define SECTION_GROUP         "group"
#define SECTION_CREATED_AT    "created_at"
#define SECTION_RATING_MEAN   "rating_mean"
#define SECTION_RATING_COUNT  "rating_count"
#define SECTION_ID_END        "id.end"
#define SECTION_ID_TEXT       "id.text"
#define SECTION_ID_SLOTS      "id.slots"
#define SECTION_CARD          "card"
#define SECTION_CARD_TEXT     "card.text"
#define SECTION_TERM          "term"
#define SECTION_TERM_BLOCK    "term.block"
#define SECTION_TERM_TEXT     "term.text"
#define SECTION_POSTINGS      "postings"
#define SECTION_BOUND         "postings.bound"
#define SECTION_FIELD_LENGTH  "field_length"
#define SECTION_FACET         "facet"
#define SECTION_VALUE         "value"
#define SECTION_LABEL         "value.label"
#define SECTION_VALUE_TEXT    "value.text"
#define SECTION_DOC_VALUE_END "doc.value.end"
#define SECTION_DOC_VALUE     "doc.value"
#define SECTION_NUMBER_END    "doc.number.end"
#define SECTION_NUMBER_COLUMN "doc.number.column"
#define SECTION_NUMBER        "doc.number"
#define SECTION_SOURCE_BLOCK  "source.block"
#define SECTION_SOURCE        "source"

/* SECTION_HEAD, one element. */
struct segment_head {
    uint64_t docs;
    uint64_t field_total[SEGMENT_FIELDS];
    uint64_t field_docs[SEGMENT_FIELDS];
};

enum {
    TERM_BLOCK = 16,               /* terms that share one whole first term */
    LENGTH_STRIDE = 8,             /* bytes of a doc's field lengths */
    POSTING_HEADER = 3,            /* bytes before a packed block */
    POSTING_FREQ_BITS = 8,         /* at most */
    SOURCE_BLOCK_BYTES = 16 << 10, /* a block is closed when it has this much */
    SOURCE_BLOCK_MAX = 1 << 20,    /* bytes that no block exceeds */
};

/* Compressed texts of consecutive docs, up to the next block's first. */
struct segment_source_block {
    uint64_t offset; /* in source; the next block's offset, or source_bytes, ends it */
    uint32_t first_doc;
    uint32_t raw_bytes;
};

/** Where an id's probing begins, before masking. */
uint32_t segment_id_hash(struct str id);

/** How many postings blocks a term has. */
static inline uint32_t posting_blocks(uint32_t df)
{
    return (df + POSTINGS_BLOCK - 1) / POSTINGS_BLOCK;
}

/** Docs in block i of a term. */
static inline uint32_t posting_block_len(uint32_t df, uint32_t block)
{
    uint32_t before = block * POSTINGS_BLOCK;
    return df - before < POSTINGS_BLOCK ? df - before : POSTINGS_BLOCK;
}

/** Unpack source block `block` into arena.
 *  *raw  borrowed from arena */
ERR_MUST_USE enum err_code segment_source_unpack(const struct segment *s, size_t block,
                                                 struct arena *arena, struct str *raw,
                                                 struct err *err);

/** Cut the next record off *raw and read it; texts are borrowed from *raw. False where it is
 *  malformed. no is not set. */
bool segment_source_next(struct str *raw, struct product *out);

/* --- validator (segment_verify.c and verify_*.c) --------------------------------------------- */

/** ERR_CORRUPT: what is malformed, and where. */
#define MALFORMED(err, what, at)                                                                   \
    err_set((err), ERR_CORRUPT, "malformed segment: %s (at %zu)", (what), (size_t)(at))

/** The dictionary, postings, bounds and field lengths. */
ERR_MUST_USE enum err_code verify_terms(const struct segment *s, struct err *err);

/** Facets, values, labels, and the values and numbers of docs. */
ERR_MUST_USE enum err_code verify_facets(const struct segment *s, struct err *err);

/** Is [at, at + n) within [0, size)? */
static inline bool in_range(uint64_t at, uint64_t n, uint64_t size)
{
    return at <= size && n <= size - at;
}

#endif
