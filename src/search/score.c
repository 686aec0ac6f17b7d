/* score.c - BM25F, term at a time, over one segment.
 *
 * A term's frequency in a document is the sum over fields of weight * tf / norm, norm = 1 - b + b *
 * length / average length; its score is idf * f / (f + k1), and a document's the sum over terms.
 * Statistics are those of the living documents of the whole catalogue, so a document scores the same
 * in every segment, before and after a merge. (Only where a prefix has more terms or postings than
 * the caps below does it matter which of them a segment has.) */
#include <math.h>

#include "base/mem.h"
#include "index/postings.h"
#include "index/terms.h"
#include "search/search_int.h"

enum { PREFIX_TERMS_MAX = 256, PREFIX_POSTINGS_MAX = 200000 };

#define K1 1.2f

static const struct {
    float weight, b;
} fields[SEGMENT_FIELDS] = {
    [SEGMENT_TITLE] = {3.0f, 0.5f},       [SEGMENT_BRAND] = {2.0f, 0.3f},
    [SEGMENT_CATEGORY] = {1.5f, 0.3f},    [SEGMENT_ATTRIBUTES] = {1.0f, 0.5f},
    [SEGMENT_DESCRIPTION] = {0.5f, 0.7f}, [SEGMENT_ID] = {3.0f, 0.0f},
};

/* weight / norm of every length code of every field. */
static void make_norms(const struct catalogue *c, struct norms *n)
{
    for (int f = 0; f < SEGMENT_FIELDS; f++) {
        float average =
            c->products && c->field_total[f] ? (float)((double)c->field_total[f] / c->products) : 1;
        for (int code = 0; code < 256; code++) {
            float length = (float)segment_length((uint8_t)code);
            n->of[f][code] = fields[f].weight / (1 - fields[f].b + fields[f].b * length / average);
        }
    }
    n->products = c->products;
    memcpy(n->field_total, c->field_total, sizeof n->field_total);
}

static bool norms_are_of(const struct norms *n, const struct catalogue *c)
{
    return n->products == c->products &&
           memcmp(n->field_total, c->field_total, sizeof n->field_total) == 0;
}

static float frequency(struct posting_cursor *cursor, const struct norms *norms, uint32_t doc)
{
    uint8_t set;
    const uint8_t *freqs = posting_freqs(cursor, &set);
    const uint8_t *lengths = cursor->s->field_length[doc];
    float f = 0;
    for (; set; set &= (uint8_t)(set - 1)) {
        int field = __builtin_ctz(set);
        f += (float)*freqs++ * norms->of[field][lengths[field]];
    }
    return f;
}

static enum err_code reserve(struct searcher *s, uint32_t docs, struct err *err)
{
    if (docs <= s->cap)
        return ERR_OK;
    struct doc_score *scores = mem_try_new(docs, sizeof *scores);
    uint32_t *touched = mem_try_new(docs, sizeof *touched);
    if (!scores || !touched) {
        mem_free(scores);
        mem_free(touched);
        return err_set(err, ERR_MEMORY, "no memory to search %u documents", docs);
    }
    mem_free(s->scores);
    mem_free(s->touched);
    s->scores = scores;
    s->touched = touched;
    s->cap = docs;
    return ERR_OK;
}

void clear_scores(struct searcher *s)
{
    for (uint32_t i = 0; i < s->touched_len; i++)
        s->scores[s->touched[i]] = (struct doc_score){0};
    s->touched_len = 0;
}

/* The terms of a segment that begin so, as many as are looked at. */
static void prefix_range(const struct segment *s, struct str prefix, uint32_t *first, uint32_t *end)
{
    uint64_t postings = 0;
    segment_find_prefix(s, prefix, first, end);
    if (*end - *first > PREFIX_TERMS_MAX)
        *end = *first + PREFIX_TERMS_MAX;
    for (uint32_t t = *first; t < *end; t++) {
        if (postings >= PREFIX_POSTINGS_MAX)
            *end = t;
        else
            postings += s->term[t].df;
    }
}

/* All terms that begin so count as one term: common prefixes say little. */
static uint64_t prefix_docs(const struct catalogue *c, struct str prefix)
{
    uint64_t n = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        uint32_t first = 0, end = 0;
        if (c->segments[slot])
            prefix_range(c->segments[slot], prefix, &first, &end);
        for (uint32_t t = first; t < end; t++)
            n += catalogue_slot_term_docs(c, slot, t);
    }
    return n < c->products ? n : c->products;
}

void score_begin(struct searcher *s, const struct view *view, struct query *q)
{
    const struct catalogue *c = view->catalogue;
    if (!norms_are_of(&s->norms, c))
        make_norms(c, &s->norms);
    for (size_t i = 0; i < q->len; i++) {
        struct query_term *t = &q->terms[i];
        double df =
            t->prefix ? (double)prefix_docs(c, t->text) : (double)catalogue_term_docs(c, t->text);
        t->idf = (float)log1p((c->products - df + 0.5) / (df + 0.5));
    }
}

static void score_term(struct searcher *s, const struct segment *segment, uint32_t term,
                       const struct query_term *q)
{
    struct posting_cursor c;
    posting_open(&c, segment, term);
    for (uint32_t doc = posting_next(&c); doc != POSTING_END; doc = posting_next(&c)) {
        struct doc_score *d = &s->scores[doc];
        /* An unfinished word tells nothing new where the finished one was found. */
        if (q->prefix && (d->words & q->words) == q->words)
            continue;
        float f = frequency(&c, &s->norms, doc);
        if (d->words == 0)
            s->touched[s->touched_len++] = doc;
        d->words |= q->words;
        d->score += q->weight * q->idf * f / (f + K1);
    }
}

enum err_code score_segment(struct searcher *s, const struct view *view, const struct query *q,
                            uint32_t slot, struct err *err)
{
    const struct segment *segment = view->catalogue->segments[slot];
    enum err_code code = reserve(s, segment->docs, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < q->len; i++) {
        const struct query_term *t = &q->terms[i];
        uint32_t first, end;
        if (t->prefix) {
            prefix_range(segment, t->text, &first, &end);
        } else {
            first = segment_find_term(segment, t->text);
            end = first == ORDINAL_NONE ? first : first + 1;
        }
        for (uint32_t term = first; term < end; term++)
            score_term(s, segment, term, t);
    }
    return ERR_OK;
}
