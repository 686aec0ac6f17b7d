/* retry.h - rows in quarantine, tried again: the catalogue has the product now, the mapping was mended.
 *
 * Model:   every open row of a kind goes through the mapping, the checks and the store once more. One
 *          that is taken is marked as retried; the others stay open, and say what is wrong with them
 *          now. A row is read from what the quarantine kept of it, its header included; one that was
 *          cut (it was longer than is kept) cannot be tried.
 * Orders:  a line that was refused has kept its place, (order, ordinal), so it joins its order there,
 *          and is recognised if it is there already, say from the mended file. Returns then find
 *          their sales, whichever came later. A line of which nobody knew the order, or which the
 *          mapping now puts into another, is refused: only its file tells its place.
 * Threads: one at a time. */
#ifndef INGEST_RETRY_H
#define INGEST_RETRY_H

#include <stdint.h>

#include "base/err.h"
#include "base/json_writer.h"
#include "ingest/import.h"

struct retry_options {
    enum import_kind kind;
    const char *mapping; /* as in struct import_options */
    const char *currency;
};

struct retry_report {
    uint64_t tried;
    uint64_t taken;                     /* stored now, or found stored already */
    uint64_t refused;                   /* for the same or another reason */
    uint64_t impossible;                /* what is left of it cannot be read */
    uint64_t by_reason[IMPORT_REASONS]; /* sums to refused */
};

/** ERR_INVALID  the mapping, or the currency */
ERR_MUST_USE enum err_code import_retry(struct store *s, const struct retry_options *o,
                                        struct retry_report *report, struct err *err);

void retry_report_json(const struct retry_report *r, struct json_writer *w);

#endif
