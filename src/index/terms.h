/* terms.h - the dictionary of a segment: look-up, ranges of a prefix, walking, and field lengths.
 *
 * Model:   terms are sorted by their bytes and numbered in that order, so a prefix is a range of
 *          numbers. They are front-coded in blocks of 16 whose first terms are whole: a look-up is a
 *          binary search over blocks, then a walk within one.
 * Threads: any number of readers; one walk by one thread. */
#ifndef INDEX_TERMS_H
#define INDEX_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "index/segment.h"

/** The term's number, or ORDINAL_NONE. O(log terms). */
uint32_t segment_find_term(const struct segment *s, struct str term);

/** All terms that begin with prefix: [*first, *end). The caller caps how many it walks. */
void segment_find_prefix(const struct segment *s, struct str prefix, uint32_t *first,
                         uint32_t *end);

/* Walks the dictionary in order, decoding each term once. */
struct segment_term_walk {
    const struct segment *s;
    uint32_t next; /* the term that comes next */
    size_t at;     /* in term_text */
    size_t bytes;  /* of text */
    char text[SEGMENT_TERM_MAX];
};

/** Start so that the first next() gives term `first` (<= terms). */
void segment_term_walk(struct segment_term_walk *w, const struct segment *s, uint32_t first);

/** False behind the last term. *text (may be NULL) is borrowed until the next call. */
bool segment_term_next(struct segment_term_walk *w, uint32_t *term, struct str *text);

/** The length that a code of field_length stands for: exact below 32, then within 1/16 below. */
uint32_t segment_length(uint8_t code);

/** The inverse, rounding down; lengths beyond the range give the last code. */
uint8_t segment_length_code(uint32_t length);

/** The mean of field_total over all docs (0 in an empty segment); for several segments divide the
 *  summed totals by the summed docs. */
double segment_field_average(const struct segment *s, enum segment_field field);

#endif
