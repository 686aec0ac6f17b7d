/* import_int.h - the import's own parts, in the order in which a row meets them:
 *
 *   reading thread   import_parse.c   records to batches
 *                    rows_*.c         a row to a product, user, event or order line
 *                    import_orders.c  lines to orders
 *                    line_products.c  what order lines tell about products (titles, prices)
 *   calling thread   import_write.c   a batch to the store, in one transaction with its checkpoint
 *                    import_returns.c the sales that returns give back
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
#include "ingest/pictures.h"
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
    bool filled; /* the mapping filled cells from other rows: raw alone does not say it all */
};

/** A row that was refused. */
struct refusal {
    struct place place;
    enum import_reason reason;
    unsigned column;
    struct str message;
    struct str record;   /* as in struct quarantine */
    struct str order_id; /* as in struct quarantine */
    uint32_t ordinal;
    struct str user_id, anonymous_id; /* of whom it speaks; empty: not known */
};

/** An order, or a run of its lines. */
struct order_run {
    struct order order;
    struct order_line *lines; /* those of the order, to be written: what is refused is taken out */
    struct place *places;     /* [lines_len], at least one */
    bool whole;               /* one record is the whole order */
    bool keep_status;         /* the order's status is our guess: a stored one knows better */
    bool skip;                /* stored already by the import that was killed */
    bool refused;             /* some of it was */
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
    uint64_t key; /* of the order, in import.ordinals */
};

/** The rows of one key, while they are read. */
struct family {
    uint64_t key; /* hash; 0: the row has none */
    size_t rows;  /* 0: none is open */
    size_t first; /* of its products in the batch */
    bool late;    /* its key had rows before, of which nobody knows any more */
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
    const char *source; /* the file's name, for messages and the quarantine */
    struct str header;  /* the file's header as one line of CSV; {NULL, 0} if it has none */
    struct arena texts; /* of header and albums */

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
    struct family family;
    struct pictures album; /* of the family */
    struct map_u64 apart;  /* keys whose rows stand apart -> index + 1 in albums; of a pipe: seen */
    struct pictures *albums; /* [albums_len] owned */
    size_t albums_len;

    /* The calling thread's. */
    struct import_report *report;
    int64_t *returns; /* [returns_len] owned, numbers of orders with returns, some repeatedly */
    size_t returns_len, returns_cap;
    struct map_u64 feed; /* full: hashes of the ids of the feed */
};

uint64_t import_hash(struct str s);

/** Must the import end? */
ERR_MUST_USE enum err_code import_check(const struct import *im, struct err *err);

/* --- reading thread -------------------------------------------------------------------------- */

/** The thread: reads all records into batches; the last one says how it ended. */
void import_parse(void *arg);

/** Refuse the row: into the batch's refusals. order_id {NULL, 0}: it is no line of an order. */
void batch_refuse(struct import *im, struct row *row, struct str order_id, uint32_t ordinal);

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

/** The row was refused: its place in its order stays free.
 *  order_id  of the order, {NULL, 0} if the row is no line or does not tell
 *  ordinal   untouched then */
void import_order_refused(struct import *im, struct row *row, struct str *order_id,
                          uint32_t *ordinal);

/** Products that share pictures: take the row's. False: it brings no product (or is refused: then
 *  row->fault is set). */
bool import_family_row(struct import *im, struct row *row);

/** Is the row of the family that is open? Then the batch cannot end before it. */
bool import_family_continues(const struct import *im, const struct row *row);

/** End the family that is open: its products get their pictures. */
void import_family_flush(struct import *im);

/** Before reading: the pictures of keys whose rows stand apart. */
ERR_MUST_USE enum err_code import_families_ahead(struct import *im, struct err *err);

/* --- calling thread -------------------------------------------------------------------------- */

/** Write a batch: rows, refusals, checkpoint. */
ERR_MUST_USE enum err_code import_write(struct import *im, struct batch *b, struct err *err);

/** May a row's failure be the row's own fault? Anything else ends the import. */
bool import_is_refusal(enum err_code rc);

/** The checkpoint for what the report says. */
ERR_MUST_USE enum err_code import_checkpoint(struct import *im, struct store_tx *tx,
                                             const struct import_report *report, uint64_t records,
                                             uint64_t offset, uint64_t line, bool done,
                                             struct err *err);

/** Remember that an order has returns. */
void import_note_returns(struct import *im, int64_t order_no);

/** Orders: find the sales of all returns, and count those that have one. */
ERR_MUST_USE enum err_code import_match_returns(struct import *im, struct err *err);

/** Full: read the ids of the feed, and refuse if too much would go. Before anything is written. */
ERR_MUST_USE enum err_code import_full_check(struct import *im, struct err *err);

/** Full: deactivate what the feed does not have. deactivated grows by how many those are. */
ERR_MUST_USE enum err_code import_full_apply(struct import *im, struct store_tx *tx,
                                             uint64_t *deactivated, struct err *err);

/** A fresh reader over the file, bound to the mapping. */
ERR_MUST_USE enum err_code import_open_reader(struct import *im, struct reader **out,
                                              uint64_t *raw_bytes, struct err *err);

#endif
