/* imports.h - how far an import of a file has come, and the rows that it could not take.
 *
 * A checkpoint is written in the same transaction as the rows that it covers, so a killed import
 * goes on where its last commit ended. A file is known by its content, not by its name. */
#ifndef STORE_IMPORTS_H
#define STORE_IMPORTS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

struct file_identity {
    uint64_t size;      /* bytes */
    uint64_t head_hash; /* XXH3 of the first 64 KiB */
    uint64_t tail_hash; /* XXH3 of the last 64 KiB */
};

struct import_checkpoint {
    struct str kind; /* "products", "orders", ... with the mapping's name: one file may serve two */
    struct file_identity file;
    int64_t mtime_us;    /* when the file was last written; information only */
    uint64_t whole_hash; /* XXH3 of all of it once done; 0 before */
    uint64_t offset;     /* bytes (after decompression) whose rows are stored */
    uint64_t line;       /* lines up to there */
    bool done;
    struct str counters; /* the importer's own, opaque; capped at STORE_JSON_MAX */
    int64_t updated_at;
};

/** Insert or replace by (kind, file). */
ERR_MUST_USE enum err_code
import_checkpoint_put(struct store_tx *tx, const struct import_checkpoint *c, struct err *err);

/** counters are copied into the arena. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code import_checkpoint_get(struct db *db, struct str kind,
                                                 const struct file_identity *file,
                                                 struct arena *arena, struct import_checkpoint *out,
                                                 struct err *err);

/** Forget what other files of a kind have left, whatever their mapping: kind is "products" for all
 *  of "products/...". */
ERR_MUST_USE enum err_code import_checkpoints_forget(struct store_tx *tx, struct str kind,
                                                     const struct import_checkpoint *except,
                                                     struct err *err);

/** Fine if there is none. */
ERR_MUST_USE enum err_code import_checkpoint_remove(struct store_tx *tx, struct str kind,
                                                    const struct file_identity *file,
                                                    struct err *err);

/* --- quarantine ------------------------------------------------------------------------------- */

enum {
    QUARANTINE_RAW_MAX = 4096, /* bytes of the raw row that are kept */
    QUARANTINE_RECORD_MAX = 64 << 10,
};

enum quarantine_state {
    QUARANTINE_OPEN = 0,
    QUARANTINE_RETRIED, /* taken after all */
    QUARANTINE_DISMISSED,
};

struct quarantine {
    int64_t no;
    struct str kind;     /* "orders", "events", ... */
    struct str source;   /* file name, or "api" */
    struct str file_key; /* with line the identity of the row; empty: none */
    uint64_t line;       /* 1-based; 0 unknown */
    uint32_t column;     /* 1-based field; 0 the whole row */
    struct str reason;   /* a stable code: "bad_number", "unknown_product", ... */
    struct str message;  /* one line for people */
    struct str raw;      /* cut at QUARANTINE_RAW_MAX by the store */
    bool raw_cut;        /* it was longer */
    struct str record; /* a text from which the row can be read without its file; empty: raw is one,
                            or there is none. The importer's own, above QUARANTINE_RECORD_MAX dropped */
    struct str order_id; /* a line of an order: which, and its place in it, counted where it was */
    uint32_t ordinal;    /* refused; empty: no line, or nobody knows of which order */
    enum quarantine_state state;
    int64_t at;
};

/** file_key of a file: its identity as text into out. Returns out. */
enum { FILE_KEY_SIZE = 64 };
char *file_key(const struct file_identity *file, char out[FILE_KEY_SIZE]);

/** *added (may be NULL) is false for a row that is there already (same kind, file_key, line). */
ERR_MUST_USE enum err_code quarantine_add(struct store_tx *tx, const struct quarantine *q,
                                          bool *added, struct err *err);

/** ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code quarantine_set_state(struct store_tx *tx, int64_t no,
                                                enum quarantine_state state, struct err *err);

/** It was tried again, and refused for another reason, or for the same. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code quarantine_set_reason(struct store_tx *tx, int64_t no, uint32_t column,
                                                 struct str reason, struct str message,
                                                 struct err *err);

/** Remove what is no longer open. */
ERR_MUST_USE enum err_code quarantine_purge(struct store_tx *tx, int64_t *removed, struct err *err);

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

ERR_MUST_USE enum err_code quarantine_counts(struct db *db, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code quarantine_counts_next(struct db_rows *rows,
                                                  struct quarantine_count *out, bool *more,
                                                  struct err *err);

#endif
