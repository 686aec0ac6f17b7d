/* container.h - the one file format for catalogue segments and models: named sections of arrays.
 *
 * Model:   a header, a table of sections, then the sections themselves, each 64-byte aligned, in the
 *          table's order, with zeros between them; docs/file-format.md has every byte. Everything is
 *          little-endian. A file and an image in memory are the same bytes.
 * Write:   init, add each section (its data is borrowed until the write), then write_file (atomic:
 *          temporary, fsync, rename) or write_memory. The same sections give the same bytes.
 * Read:    open_file maps, open_memory borrows an image. The header, the table, every bound,
 *          the alignment and the order are checked at open, so container_section hands out arrays
 *          that lie within the file; checksums are verified there on request, or later by
 *          container_verify. What the arrays mean is for the reader of the kind to check.
 * Files:   a mapped file may be renamed over or removed; it must never be cut or written in place.
 * Threads: a container is immutable after open: any number of readers. */
#ifndef INDEX_CONTAINER_H
#define INDEX_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    CONTAINER_FORMAT = 1,         /* the version of this layout */
    CONTAINER_ALIGN = 64,         /* of every section, in the file and in memory */
    CONTAINER_NAME_MAX = 23,      /* bytes of a section's name */
    CONTAINER_KIND_MAX = 15,      /* bytes of a kind */
    CONTAINER_MAX_SECTIONS = 256, /* in one file */
};

/* What stands in the table about one section. */
struct container_entry {
    char name[CONTAINER_NAME_MAX + 1]; /* NUL-padded, unique: [a-z0-9._-]+ */
    uint32_t elem_bytes;               /* >= 1 */
    uint32_t zero;
    uint64_t count;  /* of elements; may be 0 */
    uint64_t offset; /* from the start of the file, a multiple of CONTAINER_ALIGN */
    uint64_t bytes;  /* elem_bytes * count */
    uint64_t xxh3;   /* XXH3-64 of the bytes, seed 0 */
};

struct container_writer {
    char kind[CONTAINER_KIND_MAX + 1];
    uint32_t kind_version;
    uint32_t len; /* sections added */
    struct container_entry entries[CONTAINER_MAX_SECTIONS];
    const void *data[CONTAINER_MAX_SECTIONS]; /* borrowed */
};

/** returns owned. kind is 1..CONTAINER_KIND_MAX bytes of [a-z0-9._-]. */
struct container_writer *container_writer_new(const char *kind, uint32_t kind_version);
void container_writer_free(struct container_writer *w);

/** Add a section. data [count][elem_bytes] is borrowed until the last write. A name that is too
 *  long, malformed or taken, and more than CONTAINER_MAX_SECTIONS sections, are the caller's bugs. */
void container_writer_add(struct container_writer *w, const char *name, size_t elem_bytes,
                          const void *data, size_t count);

/** Write a file atomically: it is there whole and durable, or the old one is untouched.
 *  ERR_IO, ERR_NO_SPACE, ERR_DENIED, ERR_NOT_FOUND  from the file system, naming path */
ERR_MUST_USE enum err_code container_write_file(struct container_writer *w, const char *path,
                                                struct err *err);

/** The same bytes into memory. *image (aligned to CONTAINER_ALIGN) is returned owned: mem_free.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code container_write_memory(struct container_writer *w, void **image,
                                                  size_t *bytes, struct err *err);

struct container;

enum container_flags {
    CONTAINER_CHECKSUMS = 1 << 0, /* verify every section's checksum at open */
};

/** *out is returned owned: container_close.
 *  ERR_CORRUPT      not this format, cut short, or a check fails; the message says which and where
 *  ERR_UNSUPPORTED  a newer format version
 *  ERR_NOT_FOUND, ERR_DENIED, ERR_IO  path cannot be opened or mapped */
ERR_MUST_USE enum err_code container_open_file(const char *path, unsigned flags,
                                               struct container **out, struct err *err);

/** As above over an image, which must be aligned to CONTAINER_ALIGN and is borrowed until close. */
ERR_MUST_USE enum err_code container_open_memory(const void *image, size_t bytes, unsigned flags,
                                                 struct container **out, struct err *err);

/** NULL is fine. */
void container_close(struct container *c);

/** Verify every section's checksum; reads the whole file.
 *  ERR_CORRUPT  names the section */
ERR_MUST_USE enum err_code container_verify(const struct container *c, struct err *err);

/** Is it of this kind and of exactly this version of its contents?
 *  ERR_CORRUPT      another kind
 *  ERR_UNSUPPORTED  another version */
ERR_MUST_USE enum err_code container_expect(const struct container *c, const char *kind,
                                            uint32_t kind_version, struct err *err);

const char *container_kind(const struct container *c);
uint32_t container_kind_version(const struct container *c);

/** The size of the whole file. */
size_t container_bytes(const struct container *c);

/** The table: [*len] entries, borrowed until close. For tools that list a file. */
const struct container_entry *container_entries(const struct container *c, size_t *len);

/** Find a section. *data [*count][elem_bytes] is borrowed until close, aligned to CONTAINER_ALIGN,
 *  never NULL. Outputs are untouched on failure.
 *  ERR_NOT_FOUND  no such section
 *  ERR_CORRUPT    its elements have another size */
ERR_MUST_USE enum err_code container_section(const struct container *c, const char *name,
                                             size_t elem_bytes, const void **data, size_t *count,
                                             struct err *err);

/** As container_section, and the count must be this one (ERR_CORRUPT otherwise). */
ERR_MUST_USE enum err_code container_section_of(const struct container *c, const char *name,
                                                size_t elem_bytes, const void **data, size_t count,
                                                struct err *err);

/** Ask the kernel to read the whole file ahead. */
void container_warm(const struct container *c);

/* For those who read many sections: return what went wrong, or go on. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum err_code try_code_ = (call);                                                          \
        if (try_code_ != ERR_OK)                                                                   \
            return try_code_;                                                                      \
    } while (0)

/* A section of exactly `count` elements of *out's type. */
#define TRY_SECTION(c, name, out, count, err)                                                      \
    TRY(container_section_of((c), (name), sizeof **(out), (const void **)(out), (count), (err)))

#endif
