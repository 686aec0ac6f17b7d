/* build_int.h - the parts of a segment under construction: each takes products one by one and in the
 * end adds its sections to the file. Functions that return bool say false when memory is out; then
 * the builder is spoilt and only released. */
#ifndef INDEX_BUILD_INT_H
#define INDEX_BUILD_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "index/container.h"
#include "index/intern.h"
#include "index/segment.h"
#include "store/records.h"

/* Columns are buffers of raw elements; their growth ends with memory, not with a cap. */
#define COLUMN_MAX ((size_t)1 << 46)

/** Bytes that offsets of 32 bits reach: facet texts. */
#define VALUE_TEXT_MAX ((size_t)UINT32_MAX)

#define COLUMN_ADD(column, type, ...) buf_put((column), &(type){__VA_ARGS__}, sizeof(type))
#define COLUMN_AT(column, type)       ((type *)(void *)(column)->data)
#define COLUMN_LEN(column, type)      ((column)->len / sizeof(type))

/** Borrowed by w until it has written. */
#define COLUMN_SECTION(w, name, column, type)                                                      \
    container_writer_add((w), (name), sizeof(type), (column)->data, COLUMN_LEN(column, type))

/* --- languages and the product in parts (build_doc.c) ---------------------------------------- */

struct languages {
    uint32_t n; /* slots, >= 1; slot 0 is "" */
    char name[SEGMENT_MAX_LANGUAGES][SEGMENT_LANGUAGE_MAX + 1];
};

/** "zh", "zh-CN" and "ZH" have the slot of "zh"; 0: no slot. */
uint32_t languages_slot(const struct languages *l, struct str name);

enum { DOC_MAX_TEXTS = 2048 };

struct doc_text {
    enum segment_field field;
    struct str text;
};

struct doc_value {
    struct str facet; /* "brand", "attributes.color" */
    struct str text;
    uint32_t index;                          /* in the array of an attribute */
    struct str label[SEGMENT_MAX_LANGUAGES]; /* by slot; empty: none */
};

struct doc_number {
    struct str facet;
    double number;
};

/* A product taken apart. Texts are borrowed from it and from the arena. */
struct doc {
    const struct product *product;
    struct str image;                        /* the first one; empty: none */
    struct str title[SEGMENT_MAX_LANGUAGES]; /* by slot; empty: as in slot 0 */
    struct str brand[SEGMENT_MAX_LANGUAGES]; /* likewise */
    struct doc_text texts[DOC_MAX_TEXTS];
    uint32_t texts_len;
    struct doc_value values[SEGMENT_MAX_DOC_VALUES];
    uint32_t values_len;
    struct doc_number numbers[SEGMENT_MAX_DOC_VALUES];
    uint32_t numbers_len;
    uint32_t left_out; /* what did not fit */
};

/** Check p and take it apart.
 *  ERR_INVALID  a text is missing, too long or not UTF-8, or JSON is broken
 *  ERR_LIMIT    the arena's cap */
ERR_MUST_USE enum err_code doc_read(struct doc *d, const struct product *p,
                                    const struct languages *languages, struct arena *arena,
                                    struct err *err);

/* --- cards (build_cards.c) ------------------------------------------------------------------- */

struct cards_build {
    struct buf card; /* struct segment_card [docs][languages] */
    struct buf text;
};

void cards_init(struct cards_build *c);
void cards_release(struct cards_build *c);
bool cards_add(struct cards_build *c, const struct doc *d, uint32_t languages);
void cards_finish(struct cards_build *c, struct container_writer *w);

/* --- terms and postings (build_terms.c) ------------------------------------------------------ */

struct terms_build {
    struct intern terms;
    struct buf streams;              /* struct stream [terms] */
    struct arena slices;             /* their bytes */
    struct buf pending;              /* struct pending: the terms of the present doc */
    uint32_t doc;                    /* the present one */
    uint32_t length[SEGMENT_FIELDS]; /* of its fields */
    struct buf field_length;         /* [docs][LENGTH_STRIDE] */
    uint64_t field_total[SEGMENT_FIELDS];
    uint64_t field_docs[SEGMENT_FIELDS];
    struct buf term, term_block, term_text, postings, bound; /* made by finish */
};

void terms_init(struct terms_build *t);
void terms_release(struct terms_build *t);

/** Count one occurrence in the present doc; longer terms than SEGMENT_TERM_MAX are the caller's. */
bool terms_count(struct terms_build *t, enum segment_field field, struct str term);

/** Has the present doc this term in this field already? */
bool terms_has(const struct terms_build *t, enum segment_field field, struct str term);

/** Add to the length of the present doc's field. */
void terms_lengthen(struct terms_build *t, enum segment_field field, uint32_t positions);

/** The present doc is whole: the next one begins. */
bool terms_end_doc(struct terms_build *t);

bool terms_finish(struct terms_build *t, struct container_writer *w);

/* --- facets and numbers (build_facets.c) ----------------------------------------------------- */

struct facets_build {
    uint32_t languages;
    struct intern names;     /* facets */
    struct intern keys;      /* facet number (4 bytes), then folded key: values */
    struct intern raws;      /* facet number (4 bytes), then text as written */
    struct buf raw_value;    /* u32 [raws]: the value that a text stands for */
    struct buf values;       /* struct value_build [values] */
    struct buf labels;       /* struct str [values][languages] */
    struct arena texts;      /* bytes of values and labels */
    size_t text_bytes;       /* what value.text will have at most */
    struct buf doc_end;      /* u32 [docs + 1] */
    struct buf doc_value;    /* u32, numbers of values */
    struct buf number_end;   /* u32 [docs + 1] */
    struct buf number_facet; /* u32, numbers of facets */
    struct buf number;       /* double */
    struct buf scratch;
    struct buf facet, value, label, value_text; /* made by finish */
};

void facets_init(struct facets_build *f, uint32_t languages);
void facets_release(struct facets_build *f);

/** *left_out grows by what a cap kept out.
 *  ERR_LIMIT  facet texts beyond VALUE_TEXT_MAX
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code facets_add(struct facets_build *f, const struct doc *d,
                                      uint64_t *left_out, struct err *err);
bool facets_finish(struct facets_build *f, struct container_writer *w);

/* --- sources (sources.c) --------------------------------------------------------------------- */

struct sources_build {
    void *zstd;     /* ZSTD_CCtx, owned */
    struct buf raw; /* of the block that is being filled */
    uint32_t first_doc;
    uint32_t docs;
    struct buf block; /* struct segment_source_block */
    struct buf data;
};

bool sources_init(struct sources_build *s);
void sources_release(struct sources_build *s);
bool sources_add(struct sources_build *s, const struct product *p);
bool sources_finish(struct sources_build *s, struct container_writer *w);

/* --- the builder itself (segment_build.c, segment_merge.c) ----------------------------------- */

struct segment_builder;

#endif
