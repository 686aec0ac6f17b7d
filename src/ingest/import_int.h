/* import_int.h - the import's own parts, in the order in which a row meets them:
 *
 *   reading thread   import_parse.c   records to batches
 *                    rows_*.c         a row to a product, user, event or order line
 *                    catalogue.c      what order lines tell about products (titles, prices)
 *   calling thread   import_write.c   a batch to the store, in one transaction with its checkpoint
 *                    returns.c        the sale that a return gives back
 *                    import_full.c    what a full feed no longer has
 *   both             import.c         begins, joins and ends it all
 *
 * Batches go round between two queues, so the reader is never more than BATCHES ahead. */
#ifndef INGEST_IMPORT_INT_H
#define INGEST_IMPORT_INT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/queue.h"
#include "ingest/skus.h"
#include "ingest/import.h"
#include "ingest/mapping.h"
#include "ingest/returns.h"
#include "ingest/rows.h"
#include "store/imports.h"
#include "store/quarantine.h"
#include "store/records.h"
#include "store/store.h"

enum {
    BATCHES = 4,
    BATCH_ROWS_MIN = 256,
    BATCH_ROWS_MAX = 32768,
    BATCH_BYTES = 16 << 20, /* a batch with more text than this is full */
};

/** Where a row stands, for whoever refuses it. */
struct place {
    uint64_t line;
    struct str raw;
    bool charge; /* an order line that is postage, a fee or the like */
};

/** A row that was refused. */
struct refusal {
    struct place place;
    enum import_reason reason;
    unsigned column;
    struct str message;
    struct str user_id, anonymous_id; /* of whom it speaks; empty: not known */
};

/** An order, or a run of its lines. */
struct order_run {
    struct order order;
    struct order_line *lines;   /* those of the order, to be written: returns learn their sale */
    const struct place *places; /* [lines_len], at least one */
    bool whole;                 /* one record is the whole order */
    bool skip;                  /* stored already by the import that was killed */
};

struct batch {
    struct arena arena;
    size_t rows;      /* records in it, skipped ones included */
    size_t items_len; /* of the array of the import's kind */
    size_t items_cap;
    struct product *products;
    struct user *users;
    struct event *events;
    struct order_run *orders;
    struct place *places; /* [items_cap] of products, users, events */
    struct refusal *refusals;
    size_t refusals_len, refusals_cap;
    uint64_t skipped; /* of rows: stored by the import that was killed */
    uint64_t orders_seen, customers_seen, products_seen; /* distinct ones in the file so far */
    uint64_t records, offset, line;                      /* of the file, up to its end */
    bool last;
    enum err_code rc; /* of the last one: how reading ended */
    struct err err;
};

/** Lines of one order that follow each other, while they are read. */
struct open_run {
    bool open;
    struct order_run run;
    struct order_line *lines; /* [lines_cap] owned, copied into the batch at the end */
    struct place *places;     /* [lines_cap] owned */
    size_t len, cap;
    uint64_t *next_ordinal; /* of the order, in import.ordinals */
};

struct import {
    const struct import_options *o;
    struct store *store;
    struct mapping *mapping;
    struct reader *reader;
    uint64_t raw_bytes, raw_shown; /* read of the file; reported as progress */
    struct progress progress;
    int64_t now;

    /* What the file is; known is false for standard input. */
    bool known;
    struct file_identity identity;
    uint64_t whole_hash;
    char kind_key[64];
    char file_key[FILE_KEY_SIZE];
    const char *source; /* the path, for the quarantine */

    /* Between the threads. */
    struct queue empty, full;
    struct batch batches[BATCHES];
    _Atomic uint32_t batch_rows; /* how many rows make a batch now */

    /* The reading thread's. */
    struct batch *batch;    /* being filled */
    uint64_t resume_record; /* records before this one are stored */
    struct open_run run;
    struct map_u64 ordinals;  /* hash of order id -> next ordinal */
    struct map_u64 customers; /* hashes of user ids */
    struct skus catalogue;

    /* The calling thread's. */
    struct import_report *report;
    struct returns returns;
    struct map_u64 feed; /* full: hashes of the ids of the feed */
};

uint64_t import_hash(struct str s);

/* --- reading thread -------------------------------------------------------------------------- */

/** The thread: reads all records into batches; the last one says how it ended. */
void import_parse(void *arg);

/** Refuse the row: into the batch's refusals. */
void batch_refuse(struct import *im, struct row *row);

/** Text that outlives the record. */
struct str batch_keep(struct import *im, struct str s);

/** Where the row stands. */
struct place batch_place(struct import *im, const struct row *row, bool charge);

/** Room for one more item of the kind's array, `size` bytes each; returns borrowed. row (may
 *  be NULL) says where it stands. */
void *batch_item(struct import *im, void **array, size_t size, const struct row *row);

/** Add a row of an orders file: a line, or a whole order. False with row->fault set. */
bool import_order_row(struct import *im, struct row *row);

/** Does the row continue the run of lines that is open? Then the batch cannot end before it. */
bool import_order_continues(struct import *im, struct row *row);

/** End the run of lines that is open. */
void import_order_flush(struct import *im);

/* --- calling thread -------------------------------------------------------------------------- */

/** Write a batch: rows, refusals, checkpoint. */
ERR_MUST_USE enum err_code import_write(struct import *im, struct batch *b, struct err *err);

/** The checkpoint for what the report says. */
ERR_MUST_USE enum err_code import_checkpoint(struct import *im, struct store_tx *tx,
                                             const struct import_report *report, uint64_t records,
                                             uint64_t offset, uint64_t line, bool done,
                                             struct err *err);

/** Orders: make the products that lines told about. */
ERR_MUST_USE enum err_code import_make_products(struct import *im, struct err *err);

/** Full: read the ids of the feed, and refuse if too much would go. Before anything is written. */
ERR_MUST_USE enum err_code import_full_check(struct import *im, struct err *err);

/** Full: deactivate what the feed does not have. */
ERR_MUST_USE enum err_code import_full_apply(struct import *im, struct err *err);

/** A fresh reader over the file, bound to the mapping. */
ERR_MUST_USE enum err_code import_open_reader(struct import *im, struct reader **out,
                                              uint64_t *raw_bytes, struct err *err);

/* --- reports --------------------------------------------------------------------------------- */

/** Read what import_report_json wrote into a checkpoint. False if it is not that. */
bool report_read(struct import_report *out, struct str json);

#endif
