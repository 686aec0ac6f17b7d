/* segment.h - an immutable piece of the catalogue, as search, filters, facets and replies read it.
 *
 * Model:   documents 0..docs-1, one per product, ascending by product_no. A segment on disk and one
 *          in memory (the overlay) are the same bytes behind the same reader. It holds what changes
 *          rarely; price, stock, status and popularity are live columns of the engine by
 *          product_no. It has
 *            columns   number, group, times, ratings, ids; look-up by number and by id
 *            cards     per language the static part of a card as escaped JSON, and the plain title
 *            terms     a sorted dictionary; a prefix is a range of terms; postings (postings.h)
 *            values    facets: brand, category, tags, supplier_id, attributes.NAME; each a sorted
 *                      dictionary of values with labels per language; per doc its values' ordinals
 *            numbers   numeric attributes as doubles
 *            sources   the product's texts, compressed in blocks, from which merging builds again
 * Hot use: the arrays of struct segment are public to be read; nothing in them is ever written.
 *          Every function that takes a doc, term or ordinal wants a valid one (DCHECKed).
 * Open:    everything is checked (segment_verify) unless SEGMENT_TRUSTED says that this program
 *          wrote the bytes and read them back whole: then hot paths may rely on every offset.
 * Threads: any number of readers. The file may be renamed over or removed while open.
 * Cost:    opening checks about 250 MB/s; trusted it is O(1). About 1,150 bytes a product of 600 bytes
 *          of text in two languages (docs/file-format.md). */
#ifndef INDEX_SEGMENT_H
#define INDEX_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "index/container.h"
#include "index/ordinals.h"
#include "store/records.h"

#define SEGMENT_KIND "segment"

enum {
    SEGMENT_VERSION = 1,          /* of the contents */
    SEGMENT_MAX_DOCS = 1 << 26,   /* in one segment */
    SEGMENT_MAX_LANGUAGES = 8,    /* slots, the first of which is "as written" */
    SEGMENT_LANGUAGE_MAX = 15,    /* bytes of a language's name */
    SEGMENT_MAX_FACETS = 4096,    /* facets in one segment; further attributes are left out */
    SEGMENT_MAX_DOC_VALUES = 512, /* values of one product; further ones are left out */
    SEGMENT_VALUE_MAX = 512,      /* bytes of a facet's value; longer ones are left out */
    SEGMENT_TERM_MAX = 128,       /* bytes of a term */
    SEGMENT_TF_MAX = 255,         /* a term counts at most this often in one field of a doc */
};

/* Where a term stands. Every language's text goes to the same field; tags go to attributes. */
enum segment_field {
    SEGMENT_TITLE = 0,
    SEGMENT_BRAND,
    SEGMENT_CATEGORY,
    SEGMENT_ATTRIBUTES,
    SEGMENT_DESCRIPTION,
    SEGMENT_ID, /* id and group_id: analysed, and the folded whole as one term */
    SEGMENT_FIELDS
};

struct posting_bound;        /* postings.h */
struct segment_source_block; /* segment_int.h */

/* Static part of a card, and the title behind it: card.text[offset .. + card_bytes + title_bytes]. */
struct segment_card {
    uint64_t offset;
    uint32_t card_bytes;
    uint32_t title_bytes;
};

struct segment_term {
    uint64_t postings; /* where its postings begin */
    uint32_t df;       /* docs that have it, >= 1 */
    uint32_t blocks;   /* where its blocks' bounds begin; ORDINAL_NONE with df <= POSTINGS_BLOCK */
};

enum segment_facet_kind {
    SEGMENT_FLAT = 0,
    SEGMENT_PATH = 1, /* category: a value's descendants follow it */
};

struct segment_facet {
    uint32_t name;       /* in value_text */
    uint32_t name_bytes; /* "brand", "attributes.color" */
    uint32_t first;      /* its values' ordinals: [first, end) */
    uint32_t end;
    uint32_t kind;   /* enum segment_facet_kind */
    uint32_t number; /* its column of numbers, or ORDINAL_NONE */
};

struct segment_value {
    uint32_t key;  /* in value_text: folded, what filters compare; sorted within the facet */
    uint32_t text; /* in value_text: as the first product wrote it */
    uint16_t key_bytes;
    uint16_t text_bytes;
    uint32_t end;   /* SEGMENT_PATH: behind its last descendant; SEGMENT_FLAT: its ordinal + 1 */
    uint32_t docs;  /* docs that have exactly it (not a descendant) */
    uint32_t depth; /* parts of a path, >= 1; 1 for SEGMENT_FLAT */
};

struct segment_label {
    uint32_t text;  /* in value_text */
    uint32_t bytes; /* 0: no label in this language */
};

/* How many elements sections have, for the validator. */
struct segment_sizes {
    size_t languages, id_text, id_slots, card_text, terms, term_text, postings, bounds, facets,
        values, value_text, doc_values, numbers;
};

/* Read-only. Arrays are borrowed from the container. */
struct segment {
    struct container *container; /* owned */
    void *image;                 /* owned: what the container reads; NULL: a file */
    struct segment_sizes sizes;

    uint32_t docs;
    uint32_t languages; /* slots, >= 1; slot 0 is "as written" and has the name "" */
    const char (*language)[SEGMENT_LANGUAGE_MAX + 1]; /* [languages] */

    const uint32_t *product_no;   /* [docs] strictly ascending */
    const uint64_t *group;        /* [docs] segment_group_hash of group_id, or of id where empty */
    const int64_t *created_at;    /* [docs] UTC microseconds */
    const float *rating_mean;     /* [docs] 0..5 */
    const uint32_t *rating_count; /* [docs] */
    const uint64_t *id_end; /* [docs + 1] id of doc: id_text[id_end[doc] .. id_end[doc + 1]] */
    const char *id_text;
    const uint32_t *id_slots; /* [id_mask + 1] doc or ORDINAL_NONE, by hash of id, linear probing */
    uint32_t id_mask;

    const struct segment_card *card; /* [docs][languages] */
    const char *card_text;

    uint32_t terms;
    const struct segment_term *term; /* [terms] in order of their text */
    const uint64_t *term_block;      /* [terms / 16 rounded up] where each 16 terms begin */
    const uint8_t *term_text;        /* front-coded */
    const uint8_t *postings;         /* see postings.h */
    const struct posting_bound *posting_bound;
    const uint8_t (*field_length)[8];     /* [docs][field] codes: segment_length */
    uint64_t field_total[SEGMENT_FIELDS]; /* sum of lengths over all docs */
    uint64_t field_docs[SEGMENT_FIELDS];  /* docs that have the field at all */

    uint32_t facets;
    const struct segment_facet *facet; /* [facets] in order of their names */
    uint32_t values;
    const struct segment_value *value; /* [values] facet by facet, each in order of keys */
    const struct segment_label *label; /* [values][languages] */
    const char *value_text;
    const uint32_t *doc_value_end; /* [docs + 1] doc's: doc_value[doc_value_end[doc] ..[doc + 1]] */
    const uint32_t *doc_value;     /* ordinals, ascending within a doc */

    const uint32_t *doc_number_end;    /* [docs + 1] likewise for numbers */
    const uint32_t *doc_number_column; /* ascending within a doc */
    const double *doc_number;          /* finite */

    const struct segment_source_block *source_block; /* source_blocks */
    size_t source_blocks;
    const uint8_t *source; /* compressed */
    size_t source_bytes;
};

enum segment_flags {
    SEGMENT_TRUSTED = 1 << 0, /* skip segment_verify */
};

/** *out is returned owned: segment_close.
 *  ERR_CORRUPT, ERR_UNSUPPORTED, ERR_NOT_FOUND, ERR_DENIED, ERR_IO, ERR_MEMORY */
ERR_MUST_USE enum err_code segment_open_file(const char *path, unsigned flags, struct segment **out,
                                             struct err *err);

/** As above; takes image (mem_free'd by close) on success only. */
ERR_MUST_USE enum err_code segment_open_memory(void *image, size_t bytes, unsigned flags,
                                               struct segment **out, struct err *err);

/** NULL is fine. */
void segment_close(struct segment *s);

/** Check all there is: checksums, offsets, order, postings, UTF-8, sources.
 *  ERR_CORRUPT  the first thing that is wrong */
ERR_MUST_USE enum err_code segment_verify(const struct segment *s, struct err *err);

/* --- documents ------------------------------------------------------------------------------- */

/** doc of a product, or ORDINAL_NONE. O(log docs). */
static inline uint32_t segment_find_no(const struct segment *s, uint32_t product_no)
{
    return ordinals_find(s->product_no, s->docs, product_no);
}

/** doc of an id, or ORDINAL_NONE. O(1). */
uint32_t segment_find_id(const struct segment *s, struct str id);

static inline struct str segment_id(const struct segment *s, uint32_t doc)
{
    uint64_t at = s->id_end[doc];
    return (struct str){s->id_text + at, (size_t)(s->id_end[doc + 1] - at)};
}

/** What product.group_id becomes in the group column (an empty one counts as the id). */
uint64_t segment_group_hash(struct str group_or_id);

/** The slot of a language ("zh"), 0 where the segment has no slot for it. */
uint32_t segment_language(const struct segment *s, struct str name);

/** `"id":..,"group_id":..,"title":..,"brand":..,"category":..,"image":..,"url":..` without braces;
 *  what is absent is null. title and brand are of that language where the product has them, category
 *  is always the path that filters take. */
static inline struct str segment_card_json(const struct segment *s, uint32_t doc, uint32_t language)
{
    const struct segment_card *c = &s->card[(size_t)doc * s->languages + language];
    return (struct str){s->card_text + c->offset, c->card_bytes};
}

static inline struct str segment_title(const struct segment *s, uint32_t doc, uint32_t language)
{
    const struct segment_card *c = &s->card[(size_t)doc * s->languages + language];
    return (struct str){s->card_text + c->offset + c->card_bytes, c->title_bytes};
}

/** The product as it was added, without what is live: prices and currency are absent, stock is
 *  untracked, status is PRODUCT_ACTIVE. Texts live in arena. Decompresses a block (some 10 us).
 *  ERR_LIMIT    the arena's cap
 *  ERR_CORRUPT  only in a segment that was not verified
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code segment_source(const struct segment *s, uint32_t doc,
                                          struct arena *arena, struct product *out,
                                          struct err *err);

#endif
