/* list_cases.h - questions with known answers for whole lists: what was asked for after a moment, where, by whom.
 *
 * home, trending, new   a shopper with a past; right is what they did after the moment with products that they had
 *                       not touched before.
 * similar, viewed_after the first product of a session after the moment; right is what was looked at later in it.
 * bought_together       one product of an order, drawn by lot; right is the rest of the order.
 * cart                  half of the products of an order, drawn by lot; right is the rest.
 *
 * Left out is what the view cannot show (not for sale now), and questions to which nothing is left. In the placements
 * with a context the shopper is nobody, so that nothing is barred that was bought again.
 * Beyond cases_max a seeded sample is taken. */
#ifndef EVAL_LIST_CASES_H
#define EVAL_LIST_CASES_H

#include "engine/view.h"
#include "ingest/derive.h"
#include "recommend/recommend.h"

struct list_case {
    uint32_t user_no; /* 0 in placements with a context */
    uint32_t context_len, truth_len;
    size_t at; /* in products: context, then truth, which ascends */
};

/* All-zero is valid: none. */
struct list_cases {
    enum placement placement;
    struct list_case *items; /* [len], owned */
    size_t len, cap;
    uint32_t *products; /* [products_len], owned */
    size_t products_len, products_cap;
};

/** it as of derive_interactions; asked for is what lies in [split, until), UTC us. out is owned:
 *  list_cases_release, on failure too.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code list_cases_read(const struct interactions *it, const struct view *view,
                                           enum placement placement, int64_t split, int64_t until,
                                           size_t cases_max, uint64_t seed, struct list_cases *out,
                                           struct err *err);
enum { LIST_CASES_CLICKS_MAX = 8 };

/** Home pages of guests in the middle of a session (list_cases_read): of each session after the moment, a shopper of
 *  whom nothing is known has looked at its first products, a minute apart up to the moment: how many is drawn
 *  by lot, at most LIST_CASES_CLICKS_MAX; right is the rest. What they did is added to view->users, under numbers
 *  that nobody has.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code list_cases_read_guests(const struct interactions *it,
                                                  const struct view *view, int64_t split,
                                                  int64_t until, size_t cases_max, uint64_t seed,
                                                  struct list_cases *out, struct err *err);
void list_cases_release(struct list_cases *c);

#endif
