/* backup.h - a copy of a shop that can be trusted.
 *
 * A backup is a folder: aisle.db (a consistent online copy), blobs/ and models/ as they stood, and
 * manifest.json with size and XXH3-128 of every file, written last: without it a folder is no
 * backup. It is made while the shop runs. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/store.h"

struct backup_summary {
    int64_t files;
    int64_t bytes;
    int64_t made_at;
    int schema_version;
};

/** Copy into folder `to`, which must be missing or empty. progress may be NULL. summary may be
 * NULL.
 *  ERR_CONFLICT  the folder holds something; ERR_CANCELLED  progress said so. */
ERR_MUST_USE enum err_code backup_make(struct store *store, const char *to, db_progress_fn progress,
                                       void *arg, struct backup_summary *summary, struct err *err);

/** Every file is there with its size and checksum, nothing is missing, and the database passes a
 *  full structural check. ERR_CORRUPT names the first file that fails; ERR_NOT_FOUND  not a backup.
 *  */
ERR_MUST_USE enum err_code backup_verify(const char *from, struct backup_summary *summary,
                                         struct err *err);

/** Verify, then copy into data folder `to`, which must be missing or empty.
 *  ERR_CONFLICT  the folder holds something. */
ERR_MUST_USE enum err_code backup_restore(const char *from, const char *to,
                                          struct backup_summary *summary, struct err *err);

#endif
