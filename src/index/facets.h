/* facets.h - facets of a segment: names, values and their labels, and the values of a doc.
 *
 * Model:   facets are sorted by name; the values of all facets are numbered facet by facet, in order
 *          of their folded keys. A doc has one ascending list of such ordinals over all facets, so
 *          counting is one pass: count[ordinal]++ for each. With SEGMENT_PATH (category) a doc has
 *          the ordinal of its whole path only, every ancestor of a value is a value too, and
 *          descendants follow their ancestor: a doc below value v has an ordinal in
 *          [v, segment.value[v].end).
 * Numbers: attributes whose values are numbers also have a column of doubles.
 * Threads: any number of readers. */
#ifndef INDEX_FACETS_H
#define INDEX_FACETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "index/segment.h"

/** Index of a facet by its name as in filters ("brand", "attributes.color"), or ORDINAL_NONE. */
uint32_t segment_find_facet(const struct segment *s, struct str name);

struct str segment_facet_name(const struct segment *s, uint32_t facet);

/** Append what a value of this facet is compared by: folded; of a path the parts are trimmed and
 *  joined by byte 1, so that a value's descendants follow it.
 *  kind  of the facet
 *  ERR_LIMIT, ERR_MEMORY  as text_fold */
ERR_MUST_USE enum err_code segment_value_key(enum segment_facet_kind kind, struct str value,
                                             struct buf *key, struct err *err);

/** The ordinal of a key in a facet, or ORDINAL_NONE. O(log values). */
uint32_t segment_find_value(const struct segment *s, uint32_t facet, struct str key);

/** As the first product wrote it; of a path, parts joined by " > ". */
struct str segment_value_text(const struct segment *s, uint32_t value);

/** The folded key, the same in every segment: how counts of several segments are united. */
struct str segment_value_key_of(const struct segment *s, uint32_t value);

/** What people read in that language: the translation where there is one, else the text. Of a path
 *  the whole translated path, parts joined by " > ". */
struct str segment_value_label(const struct segment *s, uint32_t value, uint32_t language);

/** The facet that has this value. O(log facets). */
uint32_t segment_value_facet(const struct segment *s, uint32_t value);

/** A doc's values over all facets: [*n] ordinals, ascending. */
static inline const uint32_t *segment_doc_values(const struct segment *s, uint32_t doc, uint32_t *n)
{
    uint32_t at = s->doc_value_end[doc];
    *n = s->doc_value_end[doc + 1] - at;
    return s->doc_value + at;
}

/** The doc's first value of a facet, or ORDINAL_NONE. Brand, category and supplier have one. */
static inline uint32_t segment_doc_value(const struct segment *s, uint32_t doc, uint32_t facet)
{
    uint32_t n;
    const uint32_t *v = segment_doc_values(s, doc, &n);
    const struct segment_facet *f = &s->facet[facet];
    for (uint32_t i = 0; i < n; i++)
        if (v[i] >= f->first)
            return v[i] < f->end ? v[i] : ORDINAL_NONE;
    return ORDINAL_NONE;
}

/** A doc's numbers of a facet with a number column: [returned] in *numbers, ascending. */
uint32_t segment_doc_numbers(const struct segment *s, uint32_t doc, uint32_t column,
                             const double **numbers);

#endif
