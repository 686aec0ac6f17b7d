/* imports.h - how far an import of a file has come.
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

struct import_counts {
    int64_t done, unfinished; /* files */
    int64_t lines;            /* stored from all of them */
};

ERR_MUST_USE enum err_code imports_count(struct db *db, struct import_counts *out, struct err *err);

enum { FILE_KEY_SIZE = 64 };

/** A file's identity as text, for quarantine.h, into out. Returns out. */
char *file_key(const struct file_identity *file, char out[FILE_KEY_SIZE]);

#endif
