/* search_int.h - what the steps of a search hand to each other. */
#ifndef SEARCH_SEARCH_INT_H
#define SEARCH_SEARCH_INT_H

#include "search/search.h"
#include "text/analyse.h"
#include "text/highlight.h"

enum { QUERY_TERMS_MAX = 128 };

/* One term of the query: it covers the words at [first, first + span). */
struct query_term {
    struct str text;
    uint32_t words; /* bit per word that it covers */
    float weight;   /* of this way to find the words: as written 1, a stem less, ... */
    bool prefix;    /* every term that begins so */
    float idf;      /* of the view: score_begin */
};

struct query {
    struct query_term *terms; /* [len] in the arena; prefixes last */
    size_t len;
    uint32_t words;             /* bit per word */
    struct text_match *matches; /* [matches_len] for highlighting */
    size_t matches_len;
};

/** query.c: cut the query into terms. */
enum err_code query_plan(struct text_analyser *analyser, const struct search_request *r,
                         struct arena *arena, struct query *out, struct err *err);

/* weight / norm by field and length code, for the statistics of a catalogue. */
struct norms {
    float of[SEGMENT_FIELDS][256];
    uint32_t products;
    uint64_t field_total[SEGMENT_FIELDS];
};

/* What a document got. */
struct doc_score {
    float score;
    uint32_t words; /* bit per word found; 0: untouched */
};

struct searcher {
    struct text_analyser *analyser; /* owned */
    struct doc_score *scores;       /* [cap] all zero between segments, owned */
    uint32_t *touched;              /* [cap] docs with words, owned */
    uint32_t touched_len;
    size_t cap;
    struct norms norms; /* kept from query to query while the catalogue stays */
};

/** score.c: what depends on the whole catalogue: idf of the terms, norms. */
void score_begin(struct searcher *s, const struct view *view, struct query *q);

/** score.c: score the docs of a segment into s->scores and s->touched. */
enum err_code score_segment(struct searcher *s, const struct view *view, const struct query *q,
                            uint32_t slot, struct err *err);
void clear_scores(struct searcher *s);

/* --- facets.c -------------------------------------------------------------------------------- */

struct facet_counter;

enum err_code facet_counter_begin(const struct view *view, const struct search_request *r,
                                  struct arena *arena, struct facet_counter **out, struct err *err);
enum err_code facet_counter_begin_segment(struct facet_counter *f, uint32_t slot, struct err *err);
void facet_counter_count(struct facet_counter *f, uint32_t doc);
enum err_code facet_counter_end_segment(struct facet_counter *f, struct err *err);
enum err_code facet_counter_finish(struct facet_counter *f, struct search_result *out,
                                   struct err *err);
void facet_counter_release(struct facet_counter *f); /* NULL is fine */

#endif
