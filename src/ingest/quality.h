/* quality.h - what is wrong with a shop's data, in numbers: `aisle doctor --data-quality`.
 *
 * Model:   one pass over products, one over events and one over orders, in short transactions. Every
 *          finding has a stable code, a count, what it is a share of, a severity and a few examples.
 *          Findings without a case are listed too (count 0): "checked, and fine".
 * Threads: one at a time.
 * Memory:  hashes of titles (8 bytes a product) and one counter a day. */
#ifndef INGEST_QUALITY_H
#define INGEST_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_writer.h"

struct store;

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
    QUALITY_CODES
};

enum quality_severity { QUALITY_FINE, QUALITY_NOTE, QUALITY_WARNING, QUALITY_PROBLEM };

enum { QUALITY_EXAMPLES = 5 };

struct quality_finding {
    uint64_t count;
    uint64_t of; /* how many were looked at */
    enum quality_severity severity;
    unsigned examples;                  /* 0..QUALITY_EXAMPLES */
    char example[QUALITY_EXAMPLES][64]; /* ids or days, cut */
};

struct quality_report {
    uint64_t products, active_products, events, orders, order_lines;
    int64_t first_time, last_time; /* of events and orders, 0 none */
    struct quality_finding finding[QUALITY_CODES];
};

const char *quality_code_name(enum quality_code c);

/** now: UTC us that "future" is measured from; 0: the clock. */
ERR_MUST_USE enum err_code quality_check(struct store *s, int64_t now, struct quality_report *out,
                                         struct err *err);

void quality_report_json(const struct quality_report *r, struct json_writer *w);
void quality_report_text(const struct quality_report *r, struct buf *out);

#endif
