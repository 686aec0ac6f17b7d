/* blobs.h - files that belong to the shop: pictures, exports, anything that is no row.
 *
 * A blob's name is a relative path of 1..200 bytes, parts of [A-Za-z0-9._-] that do not begin with
 * a dot, separated by '/'. Writing is atomic: temporary file, fsync, rename, fsync of the folder.
 * The driver keeps them as files under DIR/blobs. */
#ifndef STORE_BLOBS_H
#define STORE_BLOBS_H

#include "base/buf.h"
#include "store/store.h"

enum { BLOB_NAME_MAX = 200, BLOB_HASH_NAME_SIZE = 72 };

/** Insert or replace. ERR_INVALID  the name; ERR_DENIED  the store is read-only; ERR_NO_SPACE. */
ERR_MUST_USE enum err_code blob_put(struct store *store, struct str name, struct str data,
                                    struct err *err);

/** The content's own name, "hash/ab/cdef..." (BLAKE2b-256): equal content is stored once. Returns
 * out. */
char *blob_hash_name(struct str data, char out[BLOB_HASH_NAME_SIZE]);

/** Append the content to out, whose max caps it.
 *  ERR_NOT_FOUND; ERR_LIMIT  longer than out may grow. */
ERR_MUST_USE enum err_code blob_get(struct store *store, struct str name, struct buf *out,
                                    struct err *err);

/** Append the path of the file behind a name, for mapping and sending. */
ERR_MUST_USE enum err_code blob_path(const struct store *store, struct str name, struct buf *out,
                                     struct err *err);

/** Fine if it is not there. */
ERR_MUST_USE enum err_code blob_remove(struct store *store, struct str name, struct err *err);

#endif
