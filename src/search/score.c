/* score.c - BM25F, term at a time, over one segment.
 *
 * A term's frequency in a document is the sum over fields of weight * tf / norm, norm = 1 - b + b *
 * length / average length; its score is idf * f / (f + k1), and a document's the sum over terms.
 * Statistics are those of the whole catalogue, so a document scores the same in every segment. */
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

void collection_of(const struct view *view, struct collection *out)
{
    double totals[SEGMENT_FIELDS] = {0};
    *out = (struct collection){0};
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = view->catalogue->segments[slot];
        if (!s)
            continue;
        out->docs += s->docs;
        for (int f = 0; f < SEGMENT_FIELDS; f++)
            totals[f] += (double)s->field_total[f];
    }
    for (int f = 0; f < SEGMENT_FIELDS; f++)
        out->average[f] = out->docs > 0 && totals[f] > 0 ? totals[f] / out->docs : 1;
}

/* weight / norm of every length code of every field. */
struct norms {
    float of[SEGMENT_FIELDS][256];
};

static void make_norms(const struct collection *c, struct norms *n)
{
    for (int f = 0; f < SEGMENT_FIELDS; f++)
        for (int code = 0; code < 256; code++) {
            float length = (float)segment_length((uint8_t)code);
            n->of[f][code] =
                fields[f].weight / (1 - fields[f].b + fields[f].b * length / (float)c->average[f]);
        }
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

static double document_frequency(const struct view *view, struct str term)
{
    double df = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = view->catalogue->segments[slot];
        uint32_t t = s ? segment_find_term(s, term) : ORDINAL_NONE;
        if (t != ORDINAL_NONE)
            df += s->term[t].df;
    }
    return df;
}

static float idf_of(double docs, double df)
{
    return (float)log1p((docs - df + 0.5) / (df + 0.5));
}

struct scoring {
    struct searcher *s;
    const struct segment *segment;
    const struct norms *norms;
};

static void score_term(struct scoring *g, uint32_t term, const struct query_term *q, float idf)
{
    struct posting_cursor c;
    struct searcher *s = g->s;
    posting_open(&c, g->segment, term);
    for (uint32_t doc = posting_next(&c); doc != POSTING_END; doc = posting_next(&c)) {
        struct doc_score *d = &s->scores[doc];
        /* An unfinished word tells nothing new where the finished one was found. */
        if (q->prefix && (d->words & q->words) == q->words)
            continue;
        float f = frequency(&c, g->norms, doc);
        if (d->words == 0)
            s->touched[s->touched_len++] = doc;
        d->words |= q->words;
        d->score += q->weight * idf * f / (f + K1);
    }
}

/* All terms that begin so count as one term: common prefixes say little. */
static void score_prefix(struct scoring *g, const struct query_term *q, double docs)
{
    uint32_t first, end;
    uint64_t df = 0;
    segment_find_prefix(g->segment, q->text, &first, &end);
    if (end - first > PREFIX_TERMS_MAX)
        end = first + PREFIX_TERMS_MAX;
    for (uint32_t t = first; t < end && df < PREFIX_POSTINGS_MAX; t++)
        df += g->segment->term[t].df;
    float idf = idf_of(docs, (double)df < docs ? (double)df : docs);
    uint64_t walked = 0;
    for (uint32_t t = first; t < end && walked < PREFIX_POSTINGS_MAX; t++) {
        score_term(g, t, q, idf);
        walked += g->segment->term[t].df;
    }
}

enum err_code score_segment(struct searcher *s, const struct view *view, const struct query *q,
                            uint32_t slot, struct err *err)
{
    const struct segment *segment = view->catalogue->segments[slot];
    struct collection collection;
    struct norms norms;
    enum err_code code = reserve(s, segment->docs, err);
    if (code != ERR_OK)
        return code;
    collection_of(view, &collection);
    make_norms(&collection, &norms);
    struct scoring g = {s, segment, &norms};
    for (size_t i = 0; i < q->len; i++) {
        const struct query_term *t = &q->terms[i];
        if (t->prefix) {
            score_prefix(&g, t, collection.docs);
            continue;
        }
        uint32_t term = segment_find_term(segment, t->text);
        if (term != ORDINAL_NONE)
            score_term(&g, term, t, idf_of(collection.docs, document_frequency(view, t->text)));
    }
    return ERR_OK;
}
