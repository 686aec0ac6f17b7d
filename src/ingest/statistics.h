/* statistics.h - what became of each product: looked at, taken, bought, returned, earned.
 *
 * Model:   views, carts, purchases and buyers are counted over derived acts (ingest/derive.h): bots and test
 *          users are not in them, and a sale that came back whole is no purchase. Pieces and revenue are
 *          those of the order lines, read in short transactions; cancelled orders count for nothing, and a
 *          return counts for the product that it names, whether its sale is known or not.
 *          Revenue is what was paid less what was given back, in the currency of most lines; other
 *          currencies are never added to it, but their lines are counted.
 * Memory:  44 bytes a product; release with product_stats_release. */
#ifndef INGEST_STATISTICS_H
#define INGEST_STATISTICS_H

#include "ingest/derive.h"

struct product_stats {
    uint32_t len;           /* greatest product_no + 1 */
    uint32_t *views;        /* [len] views and clicks */
    uint32_t *carts;        /* [len] added to carts and favourites */
    uint32_t *purchases;    /* [len] acts of buying, not pieces */
    uint32_t *buyers;       /* [len] shoppers who bought */
    uint64_t *sold;         /* [len] pieces */
    uint64_t *returned;     /* [len] pieces */
    int64_t *revenue_minor; /* [len] in `currency`, may be negative */

    uint64_t all_views, all_carts, all_purchases, all_sold, all_returned;
    int64_t all_revenue_minor;
    currency_code currency;        /* of most lines; 0: there are none */
    uint64_t lines, foreign_lines; /* sales and returns; those in another currency */
};

/** Count acts that interactions_sort has sorted and all order lines.
 *  ERR_CANCELLED  a stop was asked for (base/signal.h); ERR_MEMORY, or what the store reports */
ERR_MUST_USE enum err_code product_stats_read(struct store *s, const struct interactions *it,
                                              struct product_stats *out, struct err *err);
void product_stats_release(struct product_stats *s); /* All-zero is fine. */

/** The shop's purchases a view; 0 without views. */
double product_stats_mean_conversion(const struct product_stats *s);

/** Conversion with a prior that pulls products with few views to the shop's mean:
 *  (purchases + 20 m) / (views + 20), m the shop's purchases / views, at most 1. */
double product_stats_conversion(const struct product_stats *s, uint32_t product_no);

/** How many standard deviations the purchases lie off what the views give at the shop's conversion (the
 *  binomial's normal approximation); 0 where nothing can be said. */
double product_stats_conversion_z(const struct product_stats *s, uint32_t product_no);

/** Pieces that came back, as a share of those sold, 0..1. */
double product_stats_returns_share(const struct product_stats *s, uint32_t product_no);

#endif
