/* segment_build.h - make a segment from products, or from other segments.
 *
 * Model:   add products by ascending number, finish once. The same products and options give the same
 *          bytes; merging segments gives the bytes that building from their products would (they
 *          keep their sources).
 * Memory:  the builder owns copies of all it needs; it grows to about three times the segment.
 * Cost:    about 25,000 products/s of 600 bytes of text in two languages, on one busy core; merging
 *          costs the same.
 * Threads: one builder per thread. */
#ifndef INDEX_SEGMENT_BUILD_H
#define INDEX_SEGMENT_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "index/segment.h"

struct segment_builder;

/** languages [n]: those that cards and labels are made for, beside "as written"; at most
 *  SEGMENT_MAX_LANGUAGES - 1, each 1..SEGMENT_LANGUAGE_MAX bytes, distinct ("en", "zh"). Copied.
 *  Products in other languages are found all the same.
 *  *out is returned owned.
 *  ERR_INVALID  a language breaks the rules */
ERR_MUST_USE enum err_code segment_builder_new(const struct str *languages, size_t n,
                                               struct segment_builder **out, struct err *err);
void segment_builder_free(struct segment_builder *b);

/** Copies all it needs of p. On ERR_INVALID nothing was added and the builder goes on; any other
 *  failure spoils it: only free it.
 *  ERR_INVALID  p->no is not above the last one, id or title is empty or too long, JSON is broken
 *  ERR_LIMIT    SEGMENT_MAX_DOCS, or 4 GiB of facet texts
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code segment_builder_add(struct segment_builder *b, const struct product *p,
                                               struct err *err);

/** Is doc of segments[segment] still the product's present version? */
typedef bool segment_alive_fn(void *arg, size_t segment, uint32_t doc);

/** Add all living docs of segments[n], by ascending number. alive NULL: all. Where several living
 *  docs have one number, the last segment's counts. Errors as segment_builder_add. */
ERR_MUST_USE enum err_code segment_builder_add_segments(struct segment_builder *b,
                                                        const struct segment *const *segments,
                                                        size_t n, segment_alive_fn *alive,
                                                        void *arg, struct err *err);

uint32_t segment_builder_docs(const struct segment_builder *b);

/** How many values, attributes and terms were left out because of a cap. */
uint64_t segment_builder_left_out(const struct segment_builder *b);

/** Write the file atomically; the builder is spent. Open it with SEGMENT_TRUSTED or not.
 *  Errors as container_write_file, ERR_MEMORY. */
ERR_MUST_USE enum err_code segment_builder_finish_file(struct segment_builder *b, const char *path,
                                                       struct err *err);

/** Build in memory; the builder is spent. *out is returned owned: segment_close. No products: an
 *  empty segment.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code segment_builder_finish_memory(struct segment_builder *b,
                                                         struct segment **out, struct err *err);

#endif
