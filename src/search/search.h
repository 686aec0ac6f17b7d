/* search.h - products for a query: all that match are counted, faceted and ordered; a page is shown.
 *
 * Query:   analysed like the catalogue (text/analyse.h). Every word must be found, in any field: as
 *          written or by its stem, a SKU or a joined word whole or by all its parts, each CJK
 *          character within a pair. The last word may be unfinished. If nothing that may be shown has
 *          all words, those with the most of them count (relaxed).
 * Order:   relevance is BM25F (Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted
 *          fields", 2004) with the weights of score.c; ties go to the lower product number. Sorting by
 *          price concerns one currency: what has no price in it comes last.
 * Shown:   what is sellable; with out_of_stock also what is sold out. Prices, stock and status are those
 *          of the moment.
 * Exact:   total and facet counts are those of the whole result.
 * Memory:  a searcher keeps 8 bytes a document of the largest segment; results lie in the arena.
 * Threads: one searcher per thread. */
#ifndef SEARCH_SEARCH_H
#define SEARCH_SEARCH_H

#include "engine/view.h"
#include "rank/filter.h"

enum {
    SEARCH_WINDOW_MAX = 10000, /* page * limit */
    SEARCH_LIMIT_MAX = 100,
    SEARCH_FACETS_MAX = 20,
    SEARCH_VALUES_MAX = 100, /* of one facet */
    SEARCH_WORDS_MAX = 32,   /* further ones are left out */
    SEARCH_RANGES_MAX = 6,
};

enum search_sort {
    SORT_RELEVANCE, /* without a query: popular */
    SORT_PRICE_ASC,
    SORT_PRICE_DESC,
    SORT_NEWEST,
    SORT_RATING,
    SORT_POPULAR,
    SORTS
};

struct search_request {
    struct str query;                  /* at most STORE_QUERY_MAX bytes of UTF-8; may be empty */
    const struct bound_filter *filter; /* NULL: everything */
    const struct str *facets;          /* [facets_len] names */
    size_t facets_len;
    enum search_sort sort;
    uint32_t page;  /* from 1 */
    uint32_t limit; /* 0..SEARCH_LIMIT_MAX */
    bool prefix;    /* the last word may be unfinished */
    bool out_of_stock;
    struct str language; /* one of the shop's */
    currency_code currency;
    int64_t now_us;
};

struct search_hit {
    uint32_t product_no;
    double score;
    const struct str *title_parts; /* [title_parts_len] those at odd places match */
    size_t title_parts_len;
};

struct facet_value {
    struct str value; /* for filters */
    struct str label; /* for people */
    uint64_t count;
};

struct price_range {
    int64_t from, to; /* minor units, from <= price < to */
    uint64_t count;
};

struct facet_result {
    struct str name;
    const struct facet_value *values; /* [values_len] most frequent first; a path: in its order */
    size_t values_len;
    /* "price" only */
    bool priced; /* something has a price in the currency */
    int64_t min_minor, max_minor;
    struct price_range ranges[SEARCH_RANGES_MAX];
    size_t ranges_len;
};

struct search_result {
    uint64_t total;
    const struct search_hit *hits; /* [hits_len] in the arena, texts borrowed from view and arena */
    size_t hits_len;
    struct facet_result *facets; /* [facets_len] in the order asked for */
    size_t facets_len;
    bool relaxed; /* no document had all words */
};

struct searcher;

/** returns owned */
struct searcher *searcher_new(void);
void searcher_free(struct searcher *s);

/** Errors: ERR_LIMIT (the arena's cap, the window), ERR_INVALID (query not UTF-8 or too long),
 *  ERR_MEMORY. Nothing found is no error. */
ERR_MUST_USE enum err_code search_run(struct searcher *s, const struct view *view,
                                      const struct search_request *request, struct arena *arena,
                                      struct search_result *out, struct err *err);

/** How relevant these products are to the query, though they may lack some of its words: what
 *  `aisle eval search` orders judged titles by. Of the request, query and prefix count.
 *  products  [n] numbers
 *  scores    [n] out, 0 for a product that has no word of the query, or is nowhere
 *  Errors as search_run. */
ERR_MUST_USE enum err_code search_score(struct searcher *s, const struct view *view,
                                        const struct search_request *request,
                                        const uint32_t *products, size_t n, struct arena *arena,
                                        double *scores, struct err *err);

/** The answer as members of an open object, as /v1/search gives them (docs/http-api.md): "query" to
 *  "facets". The request's language is that of the texts. */
void search_members(const struct view *view, const struct search_request *request,
                    const struct search_result *found, struct json_writer *w);

/** Facet names separated by commas to out->facets, in the arena; empty and repeated ones are left out.
 *  ERR_LIMIT  more than SEARCH_FACETS_MAX, or the arena's cap */
ERR_MUST_USE enum err_code search_facets_of(struct str list, struct arena *arena,
                                            struct search_request *out, struct err *err);

/** "relevance", "price_asc", ... False for an unknown name. */
bool search_sort_of(struct str name, enum search_sort *out);

#endif
