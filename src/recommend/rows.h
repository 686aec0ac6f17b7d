/* rows.h - a page of recommendations: rows with titles that do not repeat a product.
 *
 * Model:   each page has a plan, a list of rows in the order in which they would stand. A row is a list of
 *          recommend_run (or again_load) for its own placement, context and filter; what stands above it is excluded from
 *          it, and so is every other variant of it. A row with fewer than ROWS_ITEMS_MIN products (or fewer than
 *          asked for, if that is less) is left out, and so is one that is about something unknown: a product viewed, a
 *          category liked. So a shopper of whom nothing is known gets the rows that are the same for everybody.
 *            home      for you; because you viewed; buy again; popular in; because you bought; new for you; because you
 *                      viewed (the one before); popular in (the next); popular now
 *            product   bought together; viewed after; similar           (context: the product)
 *            cart      goes with the cart; buy again; for you           (context: what lies in it)
 *            checkout  small additions                                  (context: what lies in the cart)
 *            order     what comes after it; for you                     (context: what was bought)
 *            category  best of it for you; new in it; popular in it     (needs a filter)
 *            search    like what was found                              (context: what was found, may be nothing)
 * Order:   the same for the same view, shopper, request and time.
 * Privacy: as recommend.h: for user_no 0 nothing depends on anybody's past.
 * Memory:  the result lies in the request's arena; lists are made in an arena of its own that is used again for
 *          each row and goes with the call.
 * Threads: any, each with its own arena.
 * Cost:    about a recommend_run for each row: docs/placements.md. */
#ifndef RECOMMEND_ROWS_H
#define RECOMMEND_ROWS_H

#include "recommend/likes.h"
#include "recommend/recommend.h"

enum {
    ROWS_MAX = 10,
    ROWS_LIMIT_MAX = 50, /* products of a row */
    ROWS_ITEMS_MIN = 4,
};

enum rows_page {
    ROWS_HOME,
    ROWS_PRODUCT,
    ROWS_CART,
    ROWS_CHECKOUT,
    ROWS_ORDER,
    ROWS_CATEGORY,
    ROWS_SEARCH,
    ROWS_PAGES
};

enum row_kind {
    ROW_NONE, /* ends a plan */
    ROW_FOR_YOU,
    ROW_VIEWED, /* names a product */
    ROW_BOUGHT, /* names a product */
    ROW_BUY_AGAIN,
    ROW_POPULAR_IN, /* names a category */
    ROW_NEW_FOR_YOU,
    ROW_NEW,
    ROW_POPULAR,
    ROW_TOGETHER,
    ROW_VIEWED_AFTER,
    ROW_SIMILAR,
    ROW_WITH_CART,
    ROW_ADDITIONS,
    ROW_AFTER_ORDER,
    ROW_BEST_HERE,
    ROW_LIKE_FOUND,
    ROW_KINDS
};

struct rows_request {
    enum rows_page page;
    uint32_t user_no;        /* known or anonymous; 0: nobody, or opted out */
    const uint32_t *context; /* [context_len] product numbers */
    size_t context_len;
    const uint32_t *exclude; /* [exclude_len] product numbers */
    size_t exclude_len;
    const struct filter *filter; /* of all rows; NULL: everything */
    currency_code currency;      /* of its amounts */
    uint32_t limit;              /* products of a row, 1..ROWS_LIMIT_MAX */
    uint32_t rows;               /* at most so many, 1..ROWS_MAX */
    bool hide_seen;
    bool known;                              /* as of recommend_request, for rules */
    struct str attributes;                   /* likewise */
    const struct recommend_weights *weights; /* NULL: the default */
    const struct rule_names *named_rules;    /* [named_rules_len] as of recommend_request */
    size_t named_rules_len;
    int64_t now_us;
};

struct recommend_row {
    enum row_kind kind;
    enum placement placement;       /* whose list it is */
    uint32_t product_no;            /* that the title names; 0 none */
    struct liked_category category; /* that the title names; key.n 0: none */
    struct recommend_result list;   /* in the arena; no product and no group twice on the page */
};

struct rows_result {
    struct recommend_row rows[ROWS_MAX];
    size_t len;
    bool personal; /* the shopper's past had a say in one of them */
};

/** ERR_LIMIT   an arena's cap
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code rows_run(const struct view *view, const struct rows_request *request,
                                    struct arena *arena, struct rows_result *out, struct err *err);

/** "home", "product", ... False for an unknown name. */
bool rows_page_of(struct str name, enum rows_page *out);
const char *rows_page_name(enum rows_page p);

/** The placement whose experiments the page takes part in: of "product" it is "similar". */
enum placement rows_page_placement(enum rows_page p);

/** What a request for the page should have. */
enum placement_needs rows_page_needs(enum rows_page p);

/** "for_you", "because_you_viewed", ... as in the API. */
const char *row_kind_name(enum row_kind k);

/** What people read above a row, in one of the shop's languages, in up to REASON_PIECES pieces. Returns how many; borrowed
 *  while the view is held. */
size_t row_title(const struct view *view, const struct recommend_row *row, struct str language,
                 struct str out[REASON_PIECES]);

/** The answer as members of an open object, as /v1/recommendations/rows gives it (docs/http-api.md):
 *  "page" to "rows". language is one of the shop's. */
void rows_members(const struct view *view, const struct rows_request *request,
                  const struct rows_result *found, struct str language, struct json_writer *w);

#endif
