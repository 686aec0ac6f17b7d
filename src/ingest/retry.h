/* retry.h - rows in quarantine, tried again: the catalogue has the product now, the mapping was mended.
 *
 * Model:   every open row of a kind goes through the mapping, the checks and the store once more. One
 *          that is taken is marked as retried; the others stay open. A CSV row needs its header, which
 *          is read from the file that it came from; a row that was cut (it was longer than is kept)
 *          cannot be tried.
 * Orders:  a line's place in its order is known only within its file: import the mended file again,
 *          what is stored already is recognised.
 * Threads: one at a time. */
#ifndef INGEST_RETRY_H
#define INGEST_RETRY_H

#include <stdint.h>

#include "base/err.h"
#include "base/json_writer.h"
#include "ingest/import.h"

struct retry_options {
    enum import_kind kind; /* not IMPORT_ORDERS */
    const char *mapping;   /* as in struct import_options */
    const char *currency;
};

struct retry_report {
    uint64_t tried;
    uint64_t taken;                     /* stored now, or found stored already */
    uint64_t refused;                   /* for the same or another reason */
    uint64_t impossible;                /* cut, or the file with the header is gone */
    uint64_t by_reason[IMPORT_REASONS]; /* sums to refused */
};

/** ERR_UNSUPPORTED  orders */
ERR_MUST_USE enum err_code import_retry(struct store *s, const struct retry_options *o,
                                        struct retry_report *report, struct err *err);

void retry_report_json(const struct retry_report *r, struct json_writer *w);

#endif
