/* verify_terms.c - the validator's part for terms and postings. */
#include <string.h>

#include "index/blockpack.h"
#include "index/segment_int.h"
#include "index/terms.h"

/* --- dictionary ------------------------------------------------------------------------------ */

/* The text of term i at *at into text[*n], which holds the one before; *at moves behind it. */
static bool take_term(const struct segment *s, uint32_t i, size_t *at, char *text, size_t *n)
{
    size_t size = s->sizes.term_text, shared = 0;
    if (i % TERM_BLOCK) {
        if (*at >= size)
            return false;
        shared = s->term_text[(*at)++];
    } else if (s->term_block[i / TERM_BLOCK] != *at) {
        return false;
    }
    if (*at >= size)
        return false;
    size_t rest = s->term_text[(*at)++];
    if (shared > *n || shared + rest > SEGMENT_TERM_MAX || rest > size - *at)
        return false;
    memcpy(text + shared, s->term_text + *at, rest);
    *at += rest;
    *n = shared + rest;
    return true;
}

static enum err_code verify_dictionary(const struct segment *s, struct err *err)
{
    char text[SEGMENT_TERM_MAX], before[SEGMENT_TERM_MAX];
    size_t at = 0, n = 0;
    for (uint32_t i = 0; i < s->terms; i++) {
        size_t before_n = n;
        memcpy(before, text, n);
        if (!take_term(s, i, &at, text, &n) || n == 0)
            return MALFORMED(err, "term", i);
        if (i && str_cmp((struct str){before, before_n}, (struct str){text, n}) >= 0)
            return MALFORMED(err, "terms do not ascend", i);
        if (!str_utf8_valid((struct str){text, n}, NULL))
            return MALFORMED(err, "term is not UTF-8", i);
    }
    return at == s->sizes.term_text ? ERR_OK : MALFORMED(err, "text behind the terms", at);
}

/* --- postings -------------------------------------------------------------------------------- */

/* Bytes of the packed block of len docs at `at`; 0 where it would leave the section. */
static size_t block_bytes(const struct segment *s, size_t at, uint32_t len)
{
    size_t end = s->sizes.postings - BLOCKPACK_SLACK;
    if (!in_range(at, POSTING_HEADER, end))
        return 0;
    const uint8_t *block = s->postings + at;
    uint8_t same = block[2];
    if (block[0] > BLOCKPACK_MAX_BITS || block[1] > POSTING_FREQ_BITS || same >> SEGMENT_FIELDS)
        return 0;
    size_t bytes = POSTING_HEADER + blockpack_bytes(len, block[0]);
    size_t freqs = len * (size_t)__builtin_popcount(same);
    if (!same) {
        uint8_t fields[POSTINGS_BLOCK];
        if (!in_range(at, bytes + blockpack_bytes(len, SEGMENT_FIELDS), end))
            return 0;
        blockpack_unpack_u8(block + bytes, len, SEGMENT_FIELDS, fields);
        bytes += blockpack_bytes(len, SEGMENT_FIELDS);
        for (uint32_t i = 0; i < len; i++)
            freqs += (size_t)__builtin_popcount(fields[i]);
    }
    bytes += blockpack_bytes(freqs, block[1]);
    return in_range(at, bytes, end) ? bytes : 0;
}

/* The docs of the block that c unpacked ascend from the one before, are there, and have fields of
 * some length; *bound becomes what its bound must be. */
static bool check_docs(struct posting_cursor *c, uint32_t before, struct posting_bound *bound)
{
    posting_load(c);
    for (uint32_t i = 0; i < c->len; i++) {
        uint32_t doc = c->docs[i];
        if (doc >= c->s->docs || (before != POSTING_END && doc <= before) || c->fields[i] == 0)
            return false;
        const uint8_t *freq = c->freqs + c->freq_at[i];
        for (unsigned f = 0; f < SEGMENT_FIELDS; f++) {
            if (!(c->fields[i] >> f & 1))
                continue;
            uint8_t length = c->s->field_length[doc][f];
            if (*freq == 0) /* 256 and so on, wrapped */
                return false;
            if (bound->freq_max[f] == 0 || length < bound->length_min[f])
                bound->length_min[f] = length;
            if (*freq > bound->freq_max[f])
                bound->freq_max[f] = *freq;
            freq++;
        }
        before = doc;
    }
    bound->last_doc = before;
    return true;
}

/* One term, whose postings must begin at *at and its bounds at *bounds; both move behind them. */
static bool check_term(const struct segment *s, uint32_t term, size_t *at, size_t *bounds)
{
    const struct segment_term *t = &s->term[term];
    size_t start = *at;
    if (t->postings != start || t->df == 0 || t->df > s->docs)
        return false;
    bool bounded = t->df > POSTINGS_BLOCK;
    if (t->blocks != (bounded ? *bounds : ORDINAL_NONE) ||
        (bounded && posting_blocks(t->df) > s->sizes.bounds - *bounds))
        return false;
    struct posting_cursor c;
    posting_open(&c, s, term);
    for (uint32_t i = 0; i < posting_blocks(t->df); i++) {
        struct posting_bound bound = {.offset = (uint32_t)(*at - start)};
        size_t bytes = block_bytes(s, *at, posting_block_len(t->df, i));
        if (bytes == 0 || (bounded && s->posting_bound[*bounds].offset != bound.offset))
            return false;
        uint32_t before = c.last_doc;
        posting_next_block(&c);
        if (!check_docs(&c, before, &bound))
            return false;
        if (bounded && memcmp(&bound, &s->posting_bound[(*bounds)++], sizeof bound) != 0)
            return false;
        *at += bytes;
    }
    return true;
}

static enum err_code verify_postings(const struct segment *s, struct err *err)
{
    size_t at = 0, bounds = 0;
    for (uint32_t i = 0; i < s->terms; i++)
        if (!check_term(s, i, &at, &bounds))
            return MALFORMED(err, "postings of term", i);
    if (at != s->sizes.postings - BLOCKPACK_SLACK || bounds != s->sizes.bounds)
        return MALFORMED(err, "bytes behind the postings", at);
    return ERR_OK;
}

/* The totals are what the codes allow: a code stands for its length up to the next code's. */
static enum err_code verify_lengths(const struct segment *s, struct err *err)
{
    for (unsigned f = 0; f < LENGTH_STRIDE; f++) {
        uint64_t least = 0, docs = 0;
        for (uint32_t i = 0; i < s->docs; i++) {
            least += segment_length(s->field_length[i][f]);
            docs += s->field_length[i][f] > 0;
        }
        bool right = f < SEGMENT_FIELDS ? s->field_docs[f] == docs && s->field_total[f] >= least &&
                                              s->field_total[f] <= docs * UINT32_MAX
                                        : docs == 0;
        if (!right)
            return MALFORMED(err, "lengths of field", f);
    }
    return ERR_OK;
}

enum err_code verify_terms(const struct segment *s, struct err *err)
{
    enum err_code code = verify_dictionary(s, err);
    if (code == ERR_OK)
        code = verify_lengths(s, err);
    return code == ERR_OK ? verify_postings(s, err) : code;
}
