/* filter.h - the one filter language: parse, bind to a view, test documents.
 *
 * Grammar: expression := and (OR and)*            and := not (AND not)*
 *          not        := NOT not | ( expression ) | term
 *          term       := field (= | != | < | <= | > | >=) value
 *                      | field [NOT] IN ( value (, value)* ) | field BETWEEN value AND value
 *                      | field EXISTS | created_at WITHIN span | act [WITHIN span]
 *          act        := viewed | favourited | carted | purchased
 *          field      := name | name.name            value := number | "text" | true | false | word
 *          span       := 30d, 12h, 90m, 2w
 *          Lists may also stand in [ ]. An amount may name its currency, in major units then: price <
 *          49.90 EUR; a discount may have a %. Key words and field names are compared without case, "text"
 *          knows \" and \\. Precedence is NOT, AND, OR. docs/http-api.md lists the fields.
 * Meaning: three-valued (Kleene). A comparison that cannot be made is unknown: a price of another
 *          currency than the filter's, an amount or rating that is absent; NOT unknown is unknown, and
 *          only what is true matches. A facet without the value is false, and so is EXISTS without any.
 *          Acts are those of the shopper who asks (acts.h); of nobody they are false.
 * Memory:  a parsed filter and its bindings lie in the caller's arena.
 * Threads: a parsed filter is immutable; a bound one belongs to one request.
 * Cost:    binding is a look-up per value and segment; a test is some ns per term. */
#ifndef RANK_FILTER_H
#define RANK_FILTER_H

#include "base/arena.h"
#include "engine/view.h"

enum {
    FILTER_BYTES_MAX = 4096,
    FILTER_TERMS_MAX = 64,
    FILTER_VALUES_MAX = 256, /* in one IN list */
    FILTER_DEPTH_MAX = 32,
    FILTER_SPAN_DAYS_MAX = 36500,
};

struct filter;
struct bound_filter;

/** Parse text; *out is NULL for one that is empty or white space: everything matches.
 *  ERR_INVALID  with the place, counted in characters from 1, and what was expected there
 *  ERR_LIMIT    a cap above */
ERR_MUST_USE enum err_code filter_parse(struct str text, struct arena *arena, struct filter **out,
                                        struct err *err);

/** What matches both; either may be NULL. Borrows a, copies b: both must outlive *out. Caps of text, terms and depth
 *  hold for each alone.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code filter_both(const struct filter *a, const struct filter *b,
                                       struct arena *arena, const struct filter **out,
                                       struct err *err);

/** category = path, as filter_parse would make it; path is borrowed.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code filter_category(struct str path, struct arena *arena,
                                           const struct filter **out, struct err *err);

/** Bind to what the view's segments call the fields and values. filter NULL is fine: *out is NULL.
 *  currency  of all amounts in it
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code filter_bind(const struct filter *filter, const struct view *view,
                                       currency_code currency, struct arena *arena,
                                       struct bound_filter **out, struct err *err);

/* Who asks, and when. */
struct filter_asker {
    currency_code currency; /* of amounts that name none */
    uint32_t user_no;       /* whose acts count; 0: nobody's */
    int64_t now_us;
};

/** As filter_bind, which asks for nobody, now. */
ERR_MUST_USE enum err_code filter_bind_for(const struct filter *filter, const struct view *view,
                                           const struct filter_asker *asker, struct arena *arena,
                                           struct bound_filter **out, struct err *err);

/** Does it ask what the shopper did, what they bought? NULL is fine. */
bool filter_speaks_of_acts(const struct filter *filter);
bool filter_speaks_of_purchases(const struct filter *filter);
bool filter_asks_for_purchases(const struct bound_filter *filter);

/** A term that keeps doc from matching, as it was written; empty where doc matches. */
struct str filter_blame(const struct bound_filter *filter, uint32_t slot, uint32_t doc);

/** Does doc of this slot match? NULL matches everything. */
bool filter_match(const struct bound_filter *filter, uint32_t slot, uint32_t doc);

/** As filter_match for a product by number; false if it is nowhere. */
bool filter_match_product(const struct bound_filter *filter, const struct view *view,
                          uint32_t product_no);

#endif
