/* damage.h - hostile files: checksums made right again over damaged contents, and a reader that
 * touches all that a segment offers. For tests and fuzz targets. */
#ifndef TESTS_INDEX_DAMAGE_H
#define TESTS_INDEX_DAMAGE_H

#include <xxhash.h>

#include "base/check.h"
#include "index/facets.h"
#include "index/postings.h"
#include "index/segment.h"
#include "index/terms.h"

/* Where the fields of docs/file-format.md are. */
enum {
    DAMAGE_SECTIONS = 12,
    DAMAGE_FILE_BYTES = 32,
    DAMAGE_TABLE_SUM = 48,
    DAMAGE_HEADER_SUM = 56,
    DAMAGE_HEADER = 64,
};

/** Make size and every checksum right, so that only the other checks are left. */
static inline void damage_seal(unsigned char *image, size_t bytes)
{
    struct container_entry e;
    uint32_t sections;
    uint64_t sum = bytes;
    if (bytes < DAMAGE_HEADER)
        return;
    memcpy(&sections, image + DAMAGE_SECTIONS, sizeof sections);
    if (sections > (bytes - DAMAGE_HEADER) / sizeof e)
        return;
    memcpy(image + DAMAGE_FILE_BYTES, &sum, sizeof sum);
    for (uint32_t i = 0; i < sections; i++) {
        unsigned char *at = image + DAMAGE_HEADER + i * sizeof e;
        memcpy(&e, at, sizeof e);
        if (e.offset > bytes || e.bytes > bytes - e.offset)
            continue;
        e.xxh3 = XXH3_64bits(image + e.offset, e.bytes);
        memcpy(at, &e, sizeof e);
    }
    sum = XXH3_64bits(image + DAMAGE_HEADER, sections * sizeof e);
    memcpy(image + DAMAGE_TABLE_SUM, &sum, sizeof sum);
    sum = XXH3_64bits(image, DAMAGE_HEADER_SUM);
    memcpy(image + DAMAGE_HEADER_SUM, &sum, sizeof sum);
}

static inline void damage_read_terms(const struct segment *s)
{
    struct segment_term_walk walk;
    struct str text;
    uint32_t term, first, end;
    segment_term_walk(&walk, s, 0);
    while (segment_term_next(&walk, &term, &text)) {
        struct posting_cursor c;
        uint8_t fields;
        CHECK(segment_find_term(s, text) == term);
        segment_find_prefix(s, (struct str){text.p, 1}, &first, &end);
        CHECK(first <= term && term < end);
        posting_open(&c, s, term);
        for (uint32_t doc; (doc = posting_next(&c)) != POSTING_END;)
            CHECK(posting_freqs(&c, &fields)[0] > 0 && fields != 0 && doc < s->docs);
        posting_open(&c, s, term);
        for (uint32_t doc = 0; doc != POSTING_END; doc = posting_advance(&c, doc + 1))
            posting_bound_at(&c, doc);
    }
}

static inline void damage_read_docs(const struct segment *s)
{
    for (uint32_t doc = 0; doc < s->docs; doc++) {
        struct arena arena;
        struct product p;
        uint32_t n;
        arena_init(&arena, 0, 4 << 20);
        CHECK(segment_source(s, doc, &arena, &p, NULL) == ERR_OK);
        CHECK(str_eq(p.id, segment_id(s, doc)) && segment_find_id(s, p.id) == doc);
        arena_release(&arena);
        CHECK(segment_find_no(s, s->product_no[doc]) == doc);
        for (uint32_t language = 0; language < s->languages; language++)
            CHECK(str_utf8_valid(segment_card_json(s, doc, language), NULL) &&
                  str_utf8_valid(segment_title(s, doc, language), NULL));
        const uint32_t *values = segment_doc_values(s, doc, &n);
        for (uint32_t i = 0; i < n; i++)
            CHECK(segment_value_facet(s, values[i]) < s->facets);
    }
}

static inline void damage_read_facets(const struct segment *s)
{
    const double *numbers;
    for (uint32_t i = 0; i < s->facets; i++) {
        const struct segment_facet *f = &s->facet[i];
        CHECK(segment_find_facet(s, segment_facet_name(s, i)) == i);
        for (uint32_t v = f->first; v < f->end; v++) {
            CHECK(segment_find_value(s, i, segment_value_key_of(s, v)) == v);
            CHECK(str_utf8_valid(segment_value_text(s, v), NULL));
            for (uint32_t language = 0; language < s->languages; language++)
                CHECK(str_utf8_valid(segment_value_label(s, v, language), NULL));
        }
        for (uint32_t doc = 0; doc < s->docs && f->number != ORDINAL_NONE; doc++)
            segment_doc_numbers(s, doc, f->number, &numbers);
    }
}

/** Aborts where a segment that was verified breaks a promise of its headers. */
static inline void damage_read_segment(const struct segment *s)
{
    damage_read_terms(s);
    damage_read_docs(s);
    damage_read_facets(s);
}

#endif
