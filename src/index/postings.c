#include "index/postings.h"

#include "base/check.h"
#include "index/blockpack.h"
#include "index/ordinals.h"
#include "index/segment_int.h"

void posting_open(struct posting_cursor *c, const struct segment *s, uint32_t term)
{
    DCHECK(term < s->terms);
    c->s = s;
    c->term = &s->term[term];
    c->blocks = posting_blocks(c->term->df);
    c->block = 0;
    c->last_doc = POSTING_END;
    c->len = c->at = 0;
    c->loaded = false;
}

/* Bounds of all blocks, or NULL where the term has a single one. */
static const struct posting_bound *bounds_of(const struct posting_cursor *c)
{
    return c->blocks > 1 ? c->s->posting_bound + c->term->blocks : NULL;
}

uint32_t posting_next_block(struct posting_cursor *c)
{
    c->at = c->len = 0;
    if (c->block >= c->blocks)
        return 0;
    const struct posting_bound *bounds = bounds_of(c);
    c->data = c->s->postings + c->term->postings + (bounds ? bounds[c->block].offset : 0);
    c->len = posting_block_len(c->term->df, c->block);
    blockpack_unpack(c->data + POSTING_HEADER, c->len, c->data[0], c->docs);
    uint32_t doc = c->last_doc;
    for (uint32_t i = 0; i < c->len; i++) {
        doc += c->docs[i] + 1;
        c->docs[i] = doc;
    }
    c->last_doc = doc;
    c->loaded = false;
    c->block++;
    return c->len;
}

void posting_load(struct posting_cursor *c)
{
    unsigned gap_bits = c->data[0], freq_bits = c->data[1];
    uint8_t same = c->data[2];
    const uint8_t *at = c->data + POSTING_HEADER + blockpack_bytes(c->len, gap_bits);
    if (same) {
        for (uint32_t i = 0; i < c->len; i++)
            c->fields[i] = same;
    } else {
        blockpack_unpack_u8(at, c->len, SEGMENT_FIELDS, c->fields);
        at += blockpack_bytes(c->len, SEGMENT_FIELDS);
    }
    uint32_t freqs = 0;
    for (uint32_t i = 0; i < c->len; i++) {
        c->freq_at[i] = (uint16_t)freqs;
        freqs += (uint32_t)__builtin_popcount(c->fields[i]);
    }
    blockpack_unpack_u8(at, freqs, freq_bits, c->freqs);
    for (uint32_t i = 0; i < freqs; i++)
        c->freqs[i]++;
    c->loaded = true;
}

/* The first block at or behind `from` whose last doc is not below doc; n where there is none. */
static uint32_t find_block(const struct posting_bound *bounds, uint32_t from, uint32_t n,
                           uint32_t doc)
{
    uint32_t step = 1, low = from, high;
    while (low < n && bounds[low].last_doc < doc) { /* gallop: targets are mostly near */
        low += step;
        step *= 2;
    }
    high = low < n ? low : n;
    low = low > from ? low - step / 2 : from;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (bounds[mid].last_doc < doc)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Make `block` the next one to unpack. */
static void skip_to_block(struct posting_cursor *c, uint32_t block)
{
    const struct posting_bound *bounds = bounds_of(c);
    c->last_doc = block ? bounds[block - 1].last_doc : POSTING_END;
    c->block = block;
}

uint32_t posting_advance(struct posting_cursor *c, uint32_t doc)
{
    if (c->at < c->len && c->docs[c->at] >= doc)
        return c->docs[c->at];
    if (c->len == 0 || c->docs[c->len - 1] < doc) {
        const struct posting_bound *bounds = bounds_of(c);
        if (bounds && c->block < c->blocks)
            skip_to_block(c, find_block(bounds, c->block, c->blocks, doc));
        if (posting_next_block(c) == 0)
            return POSTING_END;
    }
    c->at += (uint32_t)ordinals_lower_bound(c->docs + c->at, c->len - c->at, doc);
    return posting_doc(c);
}

const struct posting_bound *posting_bound_at(const struct posting_cursor *c, uint32_t doc)
{
    const struct posting_bound *bounds = bounds_of(c);
    if (!bounds)
        return NULL;
    uint32_t from = c->len ? c->block - 1 : c->block;
    uint32_t block = find_block(bounds, from, c->blocks, doc);
    return block < c->blocks ? &bounds[block] : NULL;
}
