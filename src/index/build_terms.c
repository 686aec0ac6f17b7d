/* build_terms.c - inversion: occurrences come doc by doc, postings leave term by term.
 *
 * Each term has a stream of bytes in slices that double in size (as in Lucene's in-memory index): per
 * doc the gap to the one before, a set of fields, and the frequencies unless all are 1. Finish sorts
 * the terms, front-codes them, and packs each stream into blocks. */
#include <string.h>

#include "base/mem.h"
#include "index/blockpack.h"
#include "index/build_int.h"
#include "index/postings.h"
#include "index/segment_int.h"
#include "index/terms.h"
#include "index/varint.h"

enum {
    SLICE_FIRST = 16, /* payload bytes */
    SLICE_LAST = 4096,
    SLICE_ARENA = 1 << 20,
    ALL_ONCE = 0x80, /* in a stream's set of fields: every frequency is 1 */
};

/* A slice is its payload and then the address of the next slice. */
struct stream {
    uint8_t *head; /* first slice */
    uint8_t *at;   /* next byte */
    uint16_t room; /* payload bytes left in the present slice */
    uint16_t size; /* of its payload */
    uint32_t df;
    uint32_t last_doc;
    uint32_t pending; /* where in `pending` the present doc's counts may be */
};

struct pending {
    uint32_t term;
    uint16_t freq[SEGMENT_FIELDS];
};

void terms_init(struct terms_build *t)
{
    *t = (struct terms_build){0};
    arena_init(&t->slices, SLICE_ARENA, SIZE_MAX / 2);
    struct buf *all[] = {&t->streams,    &t->pending,   &t->field_length, &t->term,
                         &t->term_block, &t->term_text, &t->postings,     &t->bound};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_init(all[i], COLUMN_MAX);
}

void terms_release(struct terms_build *t)
{
    intern_release(&t->terms);
    arena_release(&t->slices);
    struct buf *all[] = {&t->streams,    &t->pending,   &t->field_length, &t->term,
                         &t->term_block, &t->term_text, &t->postings,     &t->bound};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_release(all[i]);
}

/* --- one doc --------------------------------------------------------------------------------- */

/* The present doc's counts of a term, NULL where there are none yet. */
static struct pending *find_pending(const struct terms_build *t, uint32_t term)
{
    uint32_t at = COLUMN_AT(&t->streams, struct stream)[term].pending;
    struct pending *p = COLUMN_AT(&t->pending, struct pending);
    return at < COLUMN_LEN(&t->pending, struct pending) && p[at].term == term ? &p[at] : NULL;
}

static struct pending *add_pending(struct terms_build *t, uint32_t term)
{
    size_t at = COLUMN_LEN(&t->pending, struct pending);
    COLUMN_ADD(&t->pending, struct pending, .term = term);
    if (t->pending.full)
        return NULL;
    COLUMN_AT(&t->streams, struct stream)[term].pending = (uint32_t)at;
    return COLUMN_AT(&t->pending, struct pending) + at;
}

bool terms_count(struct terms_build *t, enum segment_field field, struct str term)
{
    uint32_t number;
    bool added;
    if (!intern_at(&t->terms, term, &number, &added))
        return false;
    if (added)
        COLUMN_ADD(&t->streams, struct stream, .last_doc = POSTING_END);
    if (t->streams.full)
        return false;
    struct pending *p = find_pending(t, number);
    if (!p)
        p = add_pending(t, number);
    if (p && p->freq[field] < SEGMENT_TF_MAX)
        p->freq[field]++;
    return p != NULL;
}

bool terms_has(const struct terms_build *t, enum segment_field field, struct str term)
{
    uint32_t number = intern_find(&t->terms, term);
    const struct pending *p = number == ORDINAL_NONE ? NULL : find_pending(t, number);
    return p && p->freq[field] > 0;
}

void terms_lengthen(struct terms_build *t, enum segment_field field, uint32_t positions)
{
    t->length[field] += positions;
}

static bool next_slice(struct terms_build *t, struct stream *s)
{
    uint16_t size = s->size == 0           ? SLICE_FIRST
                    : s->size < SLICE_LAST ? (uint16_t)(s->size * 2)
                                           : SLICE_LAST;
    uint8_t *slice = arena_try_alloc(&t->slices, size + sizeof slice);
    if (!slice)
        return false;
    if (s->head)
        memcpy(s->at, &slice, sizeof slice);
    else
        s->head = slice;
    s->at = slice;
    s->room = s->size = size;
    return true;
}

static bool put_bytes(struct terms_build *t, struct stream *s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s->room == 0 && !next_slice(t, s))
            return false;
        *s->at++ = p[i];
        s->room--;
    }
    return true;
}

static bool put_posting(struct terms_build *t, const struct pending *p)
{
    struct stream *s = &COLUMN_AT(&t->streams, struct stream)[p->term];
    uint8_t bytes[VARINT_MAX + 1 + SEGMENT_FIELDS];
    uint8_t *set = bytes + varint_put((uint32_t)(t->doc - s->last_doc - 1), bytes);
    uint8_t *end = set + 1;
    bool once = true;
    *set = 0;
    for (unsigned f = 0; f < SEGMENT_FIELDS; f++)
        if (p->freq[f]) {
            *set |= (uint8_t)(1 << f);
            *end++ = (uint8_t)p->freq[f];
            once &= p->freq[f] == 1;
        }
    if (once) {
        *set |= ALL_ONCE;
        end = set + 1;
    }
    s->last_doc = t->doc;
    s->df++;
    return put_bytes(t, s, bytes, (size_t)(end - bytes));
}

static bool put_lengths(struct terms_build *t)
{
    uint8_t codes[LENGTH_STRIDE] = {0};
    for (unsigned f = 0; f < SEGMENT_FIELDS; f++) {
        codes[f] = segment_length_code(t->length[f]);
        t->field_total[f] += t->length[f];
        t->field_docs[f] += t->length[f] > 0;
        t->length[f] = 0;
    }
    buf_put(&t->field_length, codes, sizeof codes);
    return !t->field_length.full;
}

bool terms_end_doc(struct terms_build *t)
{
    const struct pending *p = COLUMN_AT(&t->pending, struct pending);
    for (size_t i = 0; i < COLUMN_LEN(&t->pending, struct pending); i++)
        if (!put_posting(t, &p[i]))
            return false;
    buf_reset(&t->pending);
    t->doc++;
    return put_lengths(t);
}

/* --- finish ---------------------------------------------------------------------------------- */

struct stream_reader {
    const uint8_t *at;
    uint16_t room;
    uint16_t size;
    uint32_t last_doc;
};

static uint8_t take_byte(struct stream_reader *r)
{
    if (r->room == 0) {
        memcpy(&r->at, r->at, sizeof r->at);
        r->size = r->size < SLICE_LAST ? (uint16_t)(r->size * 2) : SLICE_LAST;
        r->room = r->size;
    }
    r->room--;
    return *r->at++;
}

/* Up to POSTINGS_BLOCK docs of a term, as they are packed. */
struct block {
    uint32_t len;
    uint32_t docs[POSTINGS_BLOCK];
    uint32_t gaps[POSTINGS_BLOCK];
    uint32_t fields[POSTINGS_BLOCK];
    uint32_t freqs[POSTINGS_BLOCK * SEGMENT_FIELDS]; /* less 1 */
    uint32_t freqs_len;
};

static void take_posting(struct stream_reader *r, struct block *b)
{
    uint32_t gap = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        byte = take_byte(r);
        gap |= (uint32_t)(byte & 0x7f) << shift;
    }
    r->last_doc += gap + 1;
    uint8_t set = take_byte(r);
    b->docs[b->len] = r->last_doc;
    b->gaps[b->len] = gap;
    b->fields[b->len] = set & ~(unsigned)ALL_ONCE;
    b->len++;
    for (unsigned f = 0; f < SEGMENT_FIELDS; f++)
        if (set >> f & 1)
            b->freqs[b->freqs_len++] = set & ALL_ONCE ? 0 : (uint32_t)take_byte(r) - 1;
}

/* Append n values of this width. */
static bool put_packed(struct buf *out, const uint32_t *values, size_t n, unsigned bits)
{
    size_t bytes = blockpack_bytes(n, bits);
    uint8_t *at = (uint8_t *)buf_reserve(out, bytes);
    if (!at)
        return false;
    blockpack_pack(values, n, bits, at);
    out->len += bytes;
    return true;
}

static bool same_fields(const struct block *b)
{
    for (uint32_t i = 1; i < b->len; i++)
        if (b->fields[i] != b->fields[0])
            return false;
    return true;
}

static bool put_block(struct buf *out, const struct block *b)
{
    bool same = same_fields(b);
    uint8_t header[POSTING_HEADER] = {
        (uint8_t)blockpack_bits(b->gaps, b->len),
        (uint8_t)blockpack_bits(b->freqs, b->freqs_len),
        same ? (uint8_t)b->fields[0] : 0,
    };
    buf_put(out, header, sizeof header);
    return put_packed(out, b->gaps, b->len, header[0]) &&
           (same || put_packed(out, b->fields, b->len, SEGMENT_FIELDS)) &&
           put_packed(out, b->freqs, b->freqs_len, header[1]);
}

static void put_bound(struct terms_build *t, const struct block *b, uint32_t offset)
{
    const uint8_t(*lengths)[LENGTH_STRIDE] = (const void *)t->field_length.data;
    struct posting_bound bound = {.last_doc = b->docs[b->len - 1], .offset = offset};
    const uint32_t *freq = b->freqs;
    for (uint32_t i = 0; i < b->len; i++)
        for (unsigned f = 0; f < SEGMENT_FIELDS; f++) {
            if (!(b->fields[i] >> f & 1))
                continue;
            uint8_t length = lengths[b->docs[i]][f];
            if (bound.freq_max[f] == 0 || length < bound.length_min[f])
                bound.length_min[f] = length;
            if (*freq + 1 > bound.freq_max[f])
                bound.freq_max[f] = (uint8_t)(*freq + 1);
            freq++;
        }
    buf_put(&t->bound, &bound, sizeof bound);
}

/* All postings of a term, and its entry. */
static bool put_term(struct terms_build *t, const struct stream *s)
{
    struct stream_reader r = {
        .at = s->head, .room = SLICE_FIRST, .size = SLICE_FIRST, .last_doc = POSTING_END};
    size_t start = t->postings.len;
    bool bounds = s->df > POSTINGS_BLOCK;
    COLUMN_ADD(&t->term, struct segment_term, .postings = start, .df = s->df,
               .blocks =
                   bounds ? (uint32_t)COLUMN_LEN(&t->bound, struct posting_bound) : ORDINAL_NONE);
    for (uint32_t i = 0; i < posting_blocks(s->df); i++) {
        struct block b;
        b.len = b.freqs_len = 0;
        while (b.len < posting_block_len(s->df, i))
            take_posting(&r, &b);
        if (bounds)
            put_bound(t, &b, (uint32_t)(t->postings.len - start));
        if (!put_block(&t->postings, &b))
            return false;
    }
    return true;
}

/* The term's text: whole where a block of terms begins, else what differs from the one before. */
static void put_text(struct terms_build *t, uint32_t i, struct str text, struct str before)
{
    uint8_t shared = 0;
    if (i % TERM_BLOCK == 0) {
        COLUMN_ADD(&t->term_block, uint64_t, t->term_text.len);
    } else {
        while (shared < before.n && shared < text.n && before.p[shared] == text.p[shared])
            shared++;
        buf_put(&t->term_text, &shared, 1);
    }
    uint8_t rest = (uint8_t)(text.n - shared);
    buf_put(&t->term_text, &rest, 1);
    buf_put(&t->term_text, text.p + shared, rest);
}

static bool put_terms(struct terms_build *t, const uint32_t *order)
{
    const struct stream *streams = COLUMN_AT(&t->streams, struct stream);
    struct str before = {NULL, 0};
    for (uint32_t i = 0; i < t->terms.len; i++) {
        struct str text = t->terms.keys[order[i]];
        put_text(t, i, text, before);
        if (!put_term(t, &streams[order[i]]))
            return false;
        before = text;
    }
    static const char slack[BLOCKPACK_SLACK];
    buf_put(&t->postings, slack, sizeof slack);
    return !t->term.full && !t->term_block.full && !t->term_text.full && !t->postings.full &&
           !t->bound.full;
}

bool terms_finish(struct terms_build *t, struct container_writer *w)
{
    uint32_t *order = intern_sorted(&t->terms);
    bool done = order && put_terms(t, order);
    mem_free(order);
    if (!done)
        return false;
    COLUMN_SECTION(w, SECTION_TERM, &t->term, struct segment_term);
    COLUMN_SECTION(w, SECTION_TERM_BLOCK, &t->term_block, uint64_t);
    COLUMN_SECTION(w, SECTION_TERM_TEXT, &t->term_text, uint8_t);
    COLUMN_SECTION(w, SECTION_POSTINGS, &t->postings, uint8_t);
    COLUMN_SECTION(w, SECTION_BOUND, &t->bound, struct posting_bound);
    COLUMN_SECTION(w, SECTION_FIELD_LENGTH, &t->field_length, uint8_t[LENGTH_STRIDE]);
    return true;
}
