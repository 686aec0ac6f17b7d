/* quarantine.h - rows and events that were refused, kept until somebody has looked at them.
 *
 * A row has its place, its reason, its text and, where it is known, the shopper that it speaks of, so
 * that erasing a shopper finds it. Of each kind at most QUARANTINE_ROWS_MAX are kept: what comes
 * while it is full is counted and forgotten, so that nobody can fill the disk with mistakes. */
#ifndef STORE_QUARANTINE_H
#define STORE_QUARANTINE_H

#include "store/records.h"
#include "store/store.h"

enum {
    QUARANTINE_RAW_MAX = 4096, /* bytes of the raw row that are kept */
    QUARANTINE_RECORD_MAX = 64 << 10,
    QUARANTINE_ROWS_MAX = 10000, /* rows of one kind */
};

/** Older rows are removed by store_compact. */
#define QUARANTINE_AGE_MAX_US (90 * 86400 * 1000000LL)

enum quarantine_state {
    QUARANTINE_OPEN = 0,
    QUARANTINE_RETRIED, /* taken after all */
    QUARANTINE_DISMISSED,
};

struct quarantine {
    int64_t no;
    struct str kind;         /* "orders", "events", ... */
    struct str source;       /* file name, or "api" */
    struct str file_key;     /* with line the identity of the row; empty: none */
    uint64_t line;           /* 1-based; 0 unknown */
    uint32_t column;         /* 1-based field; 0 the whole row */
    struct str reason;       /* a stable code: "bad_number", "unknown_product", ... */
    struct str message;      /* one line for people */
    struct str raw;          /* cut at QUARANTINE_RAW_MAX by the store */
    bool raw_cut;            /* it was longer */
    struct str user_id;      /* of whom it speaks; written, not read back; empty: not known */
    struct str anonymous_id; /* the same */
    struct str record;   /* a text from which the row can be read without its file; empty: raw is
                            one, or there is none. The importer's own; above QUARANTINE_RECORD_MAX
                            dropped */
    struct str order_id; /* a line of an order: which, and its place in it, counted where it was */
    uint32_t ordinal;    /* refused; empty: no line, or nobody knows of which order */
    enum quarantine_state state;
    int64_t at;
};

/** *added (may be NULL) is false for a row that is there already (same kind, file_key, line), and for
 *  one that found its kind full. */
ERR_MUST_USE enum err_code quarantine_add(struct store_tx *tx, const struct quarantine *q,
                                          bool *added, struct err *err);

/** ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code quarantine_set_state(struct store_tx *tx, int64_t no,
                                                enum quarantine_state state, struct err *err);

/** It was tried again, and refused for another reason, or for the same. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code quarantine_set_reason(struct store_tx *tx, int64_t no, uint32_t column,
                                                 struct str reason, struct str message,
                                                 struct err *err);

/** Remove up to limit rows that are no longer open or were written before before_us. *removed counts
 *  them. */
ERR_MUST_USE enum err_code quarantine_trim(struct store_tx *tx, int64_t before_us, int64_t limit,
                                           int64_t *removed, struct err *err);

/** Open rows above after_no by number; kind and reason empty: any. Texts are borrowed until the
 *  next call on rows. */
ERR_MUST_USE enum err_code quarantine_list(struct db *db, struct str kind, struct str reason,
                                           int64_t after_no, int64_t limit, struct db_rows *rows,
                                           struct err *err);
ERR_MUST_USE enum err_code quarantine_next(struct db_rows *rows, struct quarantine *out, bool *more,
                                           struct err *err);

struct quarantine_count {
    struct str kind, reason; /* borrowed until the next call on rows */
    int64_t rows;            /* open ones */
};

/** Open rows by kind and reason. */
ERR_MUST_USE enum err_code quarantine_counts(struct db *db, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code quarantine_counts_next(struct db_rows *rows,
                                                  struct quarantine_count *out, bool *more,
                                                  struct err *err);

struct quarantine_kind {
    struct str kind; /* borrowed until the next call on rows */
    int64_t kept;    /* rows there, in any state */
    int64_t dropped; /* rows that found their kind full, ever */
};

/** Every kind that ever had a row. Cost: a row a kind, whatever was quarantined. */
ERR_MUST_USE enum err_code quarantine_kinds(struct db *db, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code quarantine_kinds_next(struct db_rows *rows, struct quarantine_kind *out,
                                                 bool *more, struct err *err);

#endif
