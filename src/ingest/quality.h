/* quality.h - what is wrong with a shop's data, in numbers: `aisle doctor --data-quality`.
 *
 * Model:   one pass over products, two over events and some over orders, in short transactions. Every
 *          finding has a stable code, a count, what it is a share of, a severity and a few examples.
 *          Findings without a case are listed too (count 0): "checked, and fine". With them come what
 *          training would leave out (ingest/derive.h), what the shop sold and got back
 *          (ingest/statistics.h), and the products that stand out.
 * Threads: one at a time.
 * Memory:  33 bytes an act while acts are counted, then some 60 bytes a product and one counter a day. */
#ifndef INGEST_QUALITY_H
#define INGEST_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_writer.h"
#include "ingest/derive.h"

enum quality_code {
    QUALITY_MISSING_PRICE,   /* active products without a price */
    QUALITY_ZERO_PRICE,      /* active products for nothing */
    QUALITY_DUPLICATE_TITLE, /* active products whose title another group has too */
    QUALITY_EMPTY_CATEGORY,
    QUALITY_MISSING_IMAGE,
    QUALITY_MISSING_DESCRIPTION,
    QUALITY_PRICE_ABOVE_LIST, /* price above list price */
    QUALITY_MIXED_CURRENCY,   /* active products in another currency than the most */
    QUALITY_OUT_OF_STOCK,
    QUALITY_NEVER_SEEN,   /* active products without any event or sale */
    QUALITY_FUTURE_TIME,  /* events more than a day ahead: a clock that runs wrong */
    QUALITY_ANCIENT_TIME, /* events before 1990 */
    QUALITY_VOLUME_DROP, /* days with under a third of what that weekday had in the 8 weeks before */
    QUALITY_UNKNOWN_PRODUCT,  /* quarantined rows that name a product the shop does not have */
    QUALITY_QUARANTINED,      /* all rows in quarantine */
    QUALITY_UNMATCHED_RETURN, /* return lines whose sale is not known */
    QUALITY_GUEST_ORDER,      /* orders without a shopper */
    QUALITY_OFTEN_RETURNED,   /* active products of which a third of the pieces came back */
    QUALITY_ODD_CONVERSION, /* active products bought thrice, or a third, as often a view as the shop */
    QUALITY_CODES
};

enum quality_severity { QUALITY_FINE, QUALITY_NOTE, QUALITY_WARNING, QUALITY_PROBLEM };

enum { QUALITY_EXAMPLES = 5, QUALITY_TOP = 10 };

struct quality_finding {
    uint64_t count;
    uint64_t of; /* how many were looked at */
    enum quality_severity severity;
    unsigned examples;                  /* 0..QUALITY_EXAMPLES */
    char example[QUALITY_EXAMPLES][64]; /* ids or days, cut */
};

/* A product that stands out: count of `of` things. */
struct quality_product {
    char id[64];        /* cut */
    uint64_t count, of; /* pieces that came back of those sold; purchases of views */
    double share;       /* of pieces, 0..1; conversion drawn to the shop's (ingest/statistics.h) */
    double rank;        /* what it is ordered by */
};

struct quality_list {
    size_t len;
    struct quality_product at[QUALITY_TOP]; /* [len] the furthest first */
};

/* What the shop's people did, bots and test users left out, and its orders. */
struct quality_sales {
    uint64_t views, carts, purchases;
    double conversion;       /* purchases a view, 0..1; 0: no views */
    uint64_t sold, returned; /* pieces */
    int64_t revenue_minor;   /* of most lines' currency */
    char currency[4];        /* "": nothing was sold */
    uint64_t foreign_lines;  /* in other currencies, not in the revenue */
};

struct quality_report {
    uint64_t products, active_products, events, orders, order_lines;
    int64_t first_time, last_time; /* of events and orders, 0 none */
    struct quality_finding finding[QUALITY_CODES];
    struct derive_report acts;
    struct quality_sales sales;
    struct quality_list most_returned, odd_conversion; /* those of the findings */
};

/** now: UTC us that "future" is measured from; 0: the clock. */
ERR_MUST_USE enum err_code quality_check(struct store *s, int64_t now, struct quality_report *out,
                                         struct err *err);

void quality_report_json(const struct quality_report *r, struct json_writer *w);
void quality_report_text(const struct quality_report *r, struct buf *out);

#endif
