/* import.h - a file of products, users, events, orders or interactions into the store.
 *
 * Model:   two threads. One reads: bytes, decompression, characters, records, mapping, checks. The
 *          other (the caller's) writes what comes out in transactions well under a second, each with
 *          the checkpoint of how far the file is done. So a killed import continues where the last
 *          committed transaction ended, and neither thread waits for more than a few batches.
 * Counts:  lines == accepted + merged + quarantined, always. A line is a record of the input. It is
 *          merged when the store already had it (same identity, same content), quarantined when it
 *          broke a rule: the row with its place and reason is kept in the store's quarantine.
 * Again:   a file is known by the hash of its bytes: importing it a second time reads nothing and
 *          reports the counts of the first time with `again` set. Rows are known by their identity
 *          (product id, user id, (time, id) of an event, order id and ordinal), so the same rows in
 *          another file add nothing either. Of products and users the last file counts: once another
 *          one was imported, the file before it is read again. A full feed always is.
 * Full:    products only: what the file does not have is deactivated, in the transaction that ends the
 *          import, after a check that no more than a fifth would go.
 * Dry run: everything but the store: what would be quarantined is known, what is there already is not,
 *          so merged and returns_matched are 0 and created means "would be put".
 * Threads: one import per store at a time. */
#ifndef INGEST_IMPORT_H
#define INGEST_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_writer.h"
#include "base/progress.h"
#include "base/str.h"
#include "ingest/reason.h"

struct store;

enum import_kind {
    IMPORT_PRODUCTS,
    IMPORT_USERS,
    IMPORT_EVENTS,
    IMPORT_ORDERS,
    IMPORT_INTERACTIONS,
    IMPORT_KINDS
};

/** "products", ...; the kind of a name, false if there is none. */
const char *import_kind_name(enum import_kind k);
bool import_kind_of(struct str name, enum import_kind *k);

/** Told between transactions, and now and then while a full feed is read ahead, how many bytes of how many
 *  of the file are done (0: not known). What it returns, unless it is ERR_OK, ends the import. */
typedef enum err_code import_watch_fn(void *arg, uint64_t done_bytes, uint64_t total_bytes,
                                      struct err *err);

struct import_options {
    enum import_kind kind;
    const char *path;    /* "-" is standard input */
    const char *name;    /* of the file, in messages and in the quarantine; NULL: the path */
    const char *format;  /* NULL: by content and name; csv, tsv, jsonl, json, xml */
    const char *charset; /* NULL: the mapping's, else by BOM, else UTF-8 */
    const char
        *mapping; /* NULL: our own names; a built-in's name, or a path ending in .yaml or .yml */
    const char *currency; /* NULL: none; for amounts that name none */
    bool dry_run;         /* everything but the write */
    bool full;            /* products only */
    bool force;          /* --full even if more than a fifth would go; import again what is known */
    uint32_t batch_rows; /* 0: by time; else commit after this many (tests) */
    bool shared; /* others write too: transactions a fraction as long, so that nobody waits */
    enum progress_style progress;
    import_watch_fn *watch; /* NULL: a signal ends the import (base/signal.h) */
    void *watch_arg;
};

struct import_report {
    enum import_kind kind;
    bool dry_run;
    bool again;     /* the file was imported before: nothing was read */
    bool resumed;   /* it continued a killed import */
    uint64_t bytes; /* decoded text */
    uint64_t lines; /* records */
    uint64_t accepted, merged, quarantined;
    uint64_t skipped; /* of lines: read again on the way to where a killed import had ended */
    uint64_t by_reason[IMPORT_REASONS];                /* sums to quarantined */
    uint64_t created, changed, unchanged, deactivated; /* products and users */
    /* orders */
    uint64_t invoices;  /* distinct order ids */
    uint64_t customers; /* distinct shoppers */
    uint64_t skus;      /* distinct product ids on lines, fees and the like included */
    uint64_t sale_lines, return_lines, adjustment_lines,
        charge_lines;          /* sum to accepted + merged */
    uint64_t guest_lines;      /* without a shopper */
    uint64_t returns_matched;  /* return lines whose sale was found */
    uint64_t near_skus;        /* pairs of ids that differ in case alone */
    uint64_t products_made;    /* from lines */
    int64_t net_revenue_minor; /* sales - returns + adjustments + charges */
    char currency[4];          /* of net_revenue_minor; "" where orders had several */
    double seconds;
    char near_examples[160]; /* a few of near_skus: "85123A/85123a, ..." */
};

/** Import one file. report is filled also on failure, as far as it got.
 *  ERR_INVALID    the file or mapping as a whole cannot be read (place and reason in err)
 *  ERR_CONFLICT   --full would deactivate more than a fifth; the message has the numbers
 *  ERR_CANCELLED  a stop was asked for; what was committed stays, the next call continues */
ERR_MUST_USE enum err_code import_file(struct store *s, const struct import_options *o,
                                       struct import_report *report, struct err *err);

/** One flat JSON object; every reason that occurred stands in "reasons". */
void import_report_json(const struct import_report *r, struct json_writer *w);

/** Read what import_report_json wrote; other members are skipped. False, *out untouched, if it is not
 *  that. */
bool import_report_read(struct import_report *out, struct str json);

/** For people: a few lines, each ended by a line feed. */
void import_report_text(const struct import_report *r, struct buf *out);

/** Is all right about the options that can be known without the file?
 *  ERR_INVALID, ERR_NOT_FOUND  what import_file would say */
ERR_MUST_USE enum err_code import_options_check(const struct import_options *o, struct err *err);

#endif
