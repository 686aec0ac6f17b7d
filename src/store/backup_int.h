/* backup_int.h - what making and reading back a backup share. */
#ifndef STORE_BACKUP_INT_H
#define STORE_BACKUP_INT_H

#include <xxhash.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/backup.h"

#define BACKUP_MANIFEST "manifest.json"

enum { BACKUP_FORMAT = 1, BACKUP_MANIFEST_MAX = 256 << 20, BACKUP_HASH_SIZE = 33 };

struct backup_file {
    int64_t bytes;
    char hash[BACKUP_HASH_SIZE]; /* XXH3-128 in hex */
};

void backup_hash_text(XXH128_hash_t hash, char out[BACKUP_HASH_SIZE]);

/** Durably; file tells what was copied. */
ERR_MUST_USE enum err_code backup_copy_file(const char *from, const char *to,
                                            struct backup_file *file, struct err *err);

/* --- backup_manifest.c ------------------------------------------------------------------------ */

/** What a manifest says. */
struct backup_manifest {
    struct buf text; /* of the file */
    struct arena arena;
    struct backup_listed {
        const char *path; /* relative, leads nowhere but downwards */
        struct str hash;
        int64_t bytes; /* >= 0 */
    } * files;         /* [len], in the arena */
    size_t len, cap;
    struct backup_summary summary;
};

/** All-zero is fine. */
void backup_manifest_release(struct backup_manifest *m);

/** Read m->text into the rest of m.
 *  ERR_CORRUPT      it is none, or names a file outside of the backup; too much of anything
 *  ERR_UNSUPPORTED  of another format */
ERR_MUST_USE enum err_code backup_manifest_parse(struct backup_manifest *m, struct err *err);

/* --- backup.c --------------------------------------------------------------------------------- */

/** Make the folder. ERR_CONFLICT  it holds something. */
ERR_MUST_USE enum err_code backup_check_target(const char *to, struct err *err);

#endif
