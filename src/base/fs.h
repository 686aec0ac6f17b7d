/* fs.h - files: read with a cap, written so that a crash leaves the old content or the new.
 *
 * Model:   a durable write is: a temporary in the same folder, write, fsync, rename over the name,
 *          fsync of the folder. fs_write_file_atomic does it for bytes in memory, struct fs_writer
 *          for big files written piece by piece. Until the commit returns ERR_OK the old file is
 *          untouched, or, where only the folder's fsync failed, replaced by the whole new one.
 * Faults:  every changing call counts in base/fault.h.
 * Threads: any; one struct at a time by one thread.
 * Errors:  ERR_NOT_FOUND, ERR_DENIED, ERR_NO_SPACE, ERR_IO as err_set_errno tells; messages quote
 *          the path. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { FS_PATH_MAX = 4096 }; /* bytes of a path, its NUL included */

/** out becomes dir/name (just name where dir is empty).
 *  ERR_LIMIT  longer than FS_PATH_MAX. */
ERR_MUST_USE enum err_code fs_join(char out[FS_PATH_MAX], const char *dir, const char *name,
                                   struct err *err);

/* --- whole files ----------------------------------------------------------------------------- */

/** Append the file's bytes to out; "-" is standard input.
 *  ERR_LIMIT  it is larger than max_bytes; out keeps what it had. */
ERR_MUST_USE enum err_code fs_read_file(const char *path, size_t max_bytes, struct buf *out,
                                        struct err *err);

/** Replace the file by these bytes, durably. A new file is readable by its owner and group as the
 *  umask allows (0666). */
ERR_MUST_USE enum err_code fs_write_file_atomic(const char *path, const void *p, size_t n,
                                                struct err *err);

/** A file being written aside, to be swapped in whole. A run of puts is checked once: after the
 *  first failure the rest do nothing, and fs_writer_ok and fs_writer_commit report it. */
struct fs_writer {
    char *path;  /* owned; NULL: not open */
    char *temp;  /* owned, the temporary's name in the same folder */
    char *block; /* owned [FS_WRITER_BLOCK], bytes not yet written */
    size_t used; /* bytes in block */
    uint64_t at; /* bytes written before block */
    int fd;
    bool failed;
    struct err err; /* of the first failure */
};

enum { FS_WRITER_BLOCK = 256 << 10 };

/** On failure w is closed (fs_writer_abort is harmless). */
ERR_MUST_USE enum err_code fs_writer_open(struct fs_writer *w, const char *path, struct err *err);

void fs_writer_put(struct fs_writer *w, const void *p, size_t n);

/** Zero bytes until the size is a multiple of align (a power of two). */
void fs_writer_pad(struct fs_writer *w, size_t align);

/** Write n bytes over what was put at offset before (offset + n <= size). */
void fs_writer_patch(struct fs_writer *w, uint64_t offset, const void *p, size_t n);

/** Bytes put so far. */
uint64_t fs_writer_size(const struct fs_writer *w);

/** Has everything gone well so far? For stopping a long build early. */
ERR_MUST_USE enum err_code fs_writer_ok(const struct fs_writer *w, struct err *err);

/** fsync, rename, fsync the folder; closes w whatever happens. */
ERR_MUST_USE enum err_code fs_writer_commit(struct fs_writer *w, struct err *err);

/** Remove the temporary. All-zero, failed and committed writers are fine. */
void fs_writer_abort(struct fs_writer *w);

/* --- open files ------------------------------------------------------------------------------ */

/** open(2) for writing with O_CLOEXEC, through fault injection; *fd is -1 on failure. */
ERR_MUST_USE enum err_code fs_open_write(const char *path, int flags, unsigned mode, int *fd,
                                         struct err *err);

/** All n bytes at the file's position; path is for the message. */
ERR_MUST_USE enum err_code fs_write_all(int fd, const void *p, size_t n, const char *path,
                                        struct err *err);

ERR_MUST_USE enum err_code fs_sync(int fd, const char *path, struct err *err);
ERR_MUST_USE enum err_code fs_truncate(int fd, uint64_t bytes, const char *path, struct err *err);

/* --- mapped files ---------------------------------------------------------------------------- */

enum fs_advice { FS_NORMAL, FS_SEQUENTIAL, FS_RANDOM, FS_WILLNEED };

/** A whole file, read-only. The file must not be truncated while it is mapped (SIGBUS): map only
 *  what this program publishes by rename. */
struct fs_map {
    const uint8_t *data; /* [bytes], page-aligned; not NULL while open */
    size_t bytes;
};

ERR_MUST_USE enum err_code fs_map_open(struct fs_map *m, const char *path, enum fs_advice advice,
                                       struct err *err);

/** All-zero is fine. */
void fs_map_close(struct fs_map *m);

/** Advice for a part; the ends are widened to pages. Never fails: it is only advice. */
void fs_map_advise(const struct fs_map *m, size_t offset, size_t n, enum fs_advice advice);

/* --- folders --------------------------------------------------------------------------------- */

struct fs_info {
    bool exists;
    bool is_dir;
    bool is_file; /* regular */
    uint64_t bytes;
    int64_t mtime_us; /* UTC microseconds */
    uint64_t inode;
};

/** What stands at path, symlinks followed. A missing one is ERR_OK with exists false. */
ERR_MUST_USE enum err_code fs_stat(const char *path, struct fs_info *out, struct err *err);

/** Make path and what is missing above it, mode 0777 less the umask; existing folders are fine. */
ERR_MUST_USE enum err_code fs_mkdirs(const char *path, struct err *err);

/** rename(2), then fsync of the folders. How a folder built aside is published. */
ERR_MUST_USE enum err_code fs_rename(const char *from, const char *to, struct err *err);

/** Missing is fine. */
ERR_MUST_USE enum err_code fs_remove_file(const char *path, struct err *err);

/** Remove path with everything below. Symlinks are removed, never followed, even when someone swaps
 *  them in meanwhile. Missing is fine.
 *  ERR_LIMIT  nested deeper than 64 folders. */
ERR_MUST_USE enum err_code fs_remove_tree(const char *path, struct err *err);

/** fsync a folder, so that names made or removed in it survive a crash. */
ERR_MUST_USE enum err_code fs_sync_dir(const char *path, struct err *err);

/** Names in a folder without "." and "..", in byte order, NUL-terminated.
 *  names  [*n] in arena
 *  ERR_LIMIT  more than max. */
ERR_MUST_USE enum err_code fs_list_dir(const char *path, size_t max, struct arena *a,
                                       struct str **names, size_t *n, struct err *err);

/** Remove temporaries that writers killed in this folder left behind. Only under its lock. */
ERR_MUST_USE enum err_code fs_sweep(const char *dir, struct err *err);

/** Bytes that an unprivileged process may still write on the file system of path. */
ERR_MUST_USE enum err_code fs_free_bytes(const char *path, uint64_t *bytes, struct err *err);

/* --- one process per folder ------------------------------------------------------------------ */

/** An exclusive lock, held until closed or until the process ends, however it ends. */
struct fs_lock {
    int fd;
    bool held;
};

/** Take the lock on path, making the file (it holds the pid, and stays behind).
 *  ERR_CONFLICT  another process, or another fs_lock here, holds it; the message names its pid. */
ERR_MUST_USE enum err_code fs_lock_file(struct fs_lock *l, const char *path, struct err *err);

/** All-zero is fine. */
void fs_unlock(struct fs_lock *l);

#endif
