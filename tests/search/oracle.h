/* oracle.h - search by exhaustion: every product's texts are analysed, counted and scored one by one
 * in double precision, from the definitions in search.h and score.c. */
#ifndef TESTS_SEARCH_ORACLE_H
#define TESTS_SEARCH_ORACLE_H

#include <math.h>

#include "index/terms.h"
#include "rank/view_fixture.h"
#include "search/search.h"
#include "text/analyse.h"
#include "text/fold.h"

enum { ORACLE_TERMS = 400, ORACLE_QUERY = 64 };

struct oracle_term {
    struct str text;
    unsigned freq[SEGMENT_FIELDS];
};

struct oracle_doc {
    const struct fake *fake;
    struct oracle_term terms[ORACLE_TERMS];
    size_t len;
    uint32_t length[SEGMENT_FIELDS];
    /* for the query at hand */
    double score;
    uint32_t words;
};

struct oracle {
    struct oracle_doc *docs; /* [len] */
    size_t len;
    uint32_t words; /* of the query at hand */
    struct text_analyser *analyser;
    struct arena arena;
};

static inline struct oracle_term *oracle_find(struct oracle_doc *d, struct str text)
{
    for (size_t i = 0; i < d->len; i++)
        if (str_eq(d->terms[i].text, text))
            return &d->terms[i];
    return NULL;
}

static inline void oracle_count(struct oracle *o, struct oracle_doc *d, struct str text, int field)
{
    struct oracle_term *t = oracle_find(d, text);
    if (!t) {
        ck_assert_uint_lt(d->len, ORACLE_TERMS);
        t = &d->terms[d->len++];
        t->text = arena_str(&o->arena, text);
    }
    t->freq[field]++;
}

static inline struct str oracle_fold(struct oracle *o, struct str text)
{
    struct buf folded;
    struct err err;
    buf_init(&folded, 4096);
    ck_ok(text_fold(text, &folded, &err));
    struct str s = arena_str(&o->arena, buf_str(&folded));
    buf_release(&folded);
    return s;
}

static inline void oracle_id(struct oracle *o, struct oracle_doc *d, struct str id)
{
    struct str whole = oracle_fold(o, id);
    struct oracle_term *t = oracle_find(d, whole);
    if (id.n && (!t || t->freq[SEGMENT_ID] == 0))
        oracle_count(o, d, whole, SEGMENT_ID);
}

/** fakes [n] are the products that live. */
static inline void oracle_init(struct oracle *o, const struct fake *const *fakes, size_t n)
{
    struct text_tokens tokens;
    struct err err;
    *o = (struct oracle){.len = n, .analyser = text_analyser_new()};
    arena_init(&o->arena, 0, 256 << 20);
    o->docs = mem_new(n, sizeof *o->docs);
    for (size_t i = 0; i < n; i++) {
        struct oracle_doc *d = &o->docs[i];
        d->fake = fakes[i];
        for (size_t k = 0; k < d->fake->texts_len; k++) {
            const struct fake_text *t = &d->fake->texts[k];
            ck_ok(text_analyse(o->analyser, t->text, TEXT_INDEX, &tokens, &err));
            for (size_t j = 0; j < tokens.n; j++)
                oracle_count(o, d, tokens.items[j].term, t->field);
            d->length[t->field] += tokens.positions;
        }
        oracle_id(o, d, d->fake->product.id);
        oracle_id(o, d, d->fake->product.group_id);
    }
}

static inline void oracle_release(struct oracle *o)
{
    text_analyser_free(o->analyser);
    arena_release(&o->arena);
    mem_free(o->docs);
}

/* --- scores ---------------------------------------------------------------------------------- */

static inline double oracle_norm(const struct oracle *o, const struct oracle_doc *d, int field)
{
    static const double b[SEGMENT_FIELDS] = {0.5, 0.3, 0.3, 0.5, 0.7, 0};
    double total = 0;
    for (size_t i = 0; i < o->len; i++)
        total += segment_length(segment_length_code(o->docs[i].length[field]));
    double average = total > 0 ? total / (double)o->len : 1;
    double length = segment_length(segment_length_code(d->length[field]));
    return 1 - b[field] + b[field] * length / average;
}

static inline double oracle_saturated(const struct oracle *o, const struct oracle_doc *d,
                                      const struct oracle_term *t)
{
    static const double weight[SEGMENT_FIELDS] = {3, 2, 1.5, 1, 0.5, 3};
    double f = 0;
    for (int field = 0; field < SEGMENT_FIELDS; field++)
        f += weight[field] * t->freq[field] / oracle_norm(o, d, field);
    return f / (f + 1.2);
}

static inline double oracle_idf(const struct oracle *o, double df)
{
    return log1p(((double)o->len - df + 0.5) / (df + 0.5));
}

static inline void oracle_exact(struct oracle *o, struct str text, uint32_t words, double weight)
{
    double df = 0;
    for (size_t i = 0; i < o->len; i++)
        df += oracle_find(&o->docs[i], text) != NULL;
    for (size_t i = 0; i < o->len; i++) {
        struct oracle_doc *d = &o->docs[i];
        const struct oracle_term *t = oracle_find(d, text);
        if (!t)
            continue;
        d->score += weight * oracle_idf(o, df) * oracle_saturated(o, d, t);
        d->words |= words;
    }
}

/* Of all terms that begin so, a document counts the first in order of the alphabet, unless it has the
 * words already. */
static inline void oracle_prefix(struct oracle *o, struct str text, uint32_t words, double weight)
{
    double df = 0;
    for (size_t i = 0; i < o->len; i++)
        for (size_t k = 0; k < o->docs[i].len; k++)
            df += str_starts(o->docs[i].terms[k].text, text);
    df = df < (double)o->len ? df : (double)o->len;
    for (size_t i = 0; i < o->len; i++) {
        struct oracle_doc *d = &o->docs[i];
        const struct oracle_term *first = NULL;
        for (size_t k = 0; k < d->len; k++)
            if (str_starts(d->terms[k].text, text) &&
                (!first || str_cmp(d->terms[k].text, first->text) < 0))
                first = &d->terms[k];
        if (!first || (d->words & words) == words)
            continue;
        d->score += weight * oracle_idf(o, df) * oracle_saturated(o, d, first);
        d->words |= words;
    }
}

/** Score all docs for a query: score and words of each. */
static inline void oracle_query(struct oracle *o, struct str query, bool prefix)
{
    struct text_tokens tokens;
    struct err err;
    struct {
        struct str text;
        uint32_t words;
        double weight;
        bool open;
    } terms[ORACLE_QUERY];
    size_t n = 0;
    ck_ok(text_analyse(o->analyser, query, TEXT_QUERY, &tokens, &err));
    o->words = 0;
    for (size_t i = 0; i < tokens.n; i++) {
        const struct text_token *t = &tokens.items[i];
        uint32_t words = 0;
        for (unsigned p = 0; p < t->span; p++)
            words |= 1u << (t->position + p);
        terms[n].text = arena_str(&o->arena, t->term);
        terms[n].words = words;
        terms[n].weight = t->kind & TEXT_STEM     ? 0.6
                          : t->kind & TEXT_PART   ? 0.5
                          : t->kind & TEXT_JOINED ? 0.9
                                                  : 1;
        terms[n++].open =
            prefix && t->end == query.n && !(t->kind & TEXT_STEM) && !(t->kind & TEXT_CJK);
        o->words |= words;
    }
    for (size_t i = 0; i < o->len; i++) {
        o->docs[i].score = 0;
        o->docs[i].words = 0;
    }
    for (size_t i = 0; i < n; i++)
        oracle_exact(o, terms[i].text, terms[i].words, terms[i].weight);
    for (size_t i = 0; i < n; i++)
        if (terms[i].open)
            oracle_prefix(o, terms[i].text, terms[i].words, 0.6 * terms[i].weight);
}

#endif
