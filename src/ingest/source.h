/* source.h - bytes from outside, one stage at a time: file, decompression, character set.
 *
 * Model:   a pull chain. Each stage owns the one below and gives bytes when asked; what comes out at
 *          the top of source_open is UTF-8 text without a byte order mark. Compression is found by
 *          content (gzip with any number of members, zstd with any number of frames), never by name.
 * Text:    UTF-8 passes unchecked: whoever reads records checks them, so that one bad row is one bad
 *          row. Bytes that are not valid in another character set come out as 0xFF, which no UTF-8
 *          text holds, so the same check catches them.
 * Caps:    struct source_limits, against zip bombs: ERR_LIMIT.
 * Memory:  SOURCE_BLOCK bytes a stage, and what zlib and zstd need (windows up to 128 MiB refused
 *          above).
 * Threads: one at a time. */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { SOURCE_BLOCK = 128 << 10 };

struct source;

struct source_limits {
    uint64_t total_bytes; /* decompressed; 0: 256 GiB */
    uint64_t ratio;       /* decompressed / compressed, once over free_bytes; 0: 250 */
    uint64_t free_bytes;  /* below this the ratio does not matter; 0: 64 MiB */
};

/** A stage of the caller's own: give up to cap (> 0) bytes, *n 0 at the end. */
typedef enum err_code source_read_fn(void *self, char *out, size_t cap, size_t *n, struct err *err);

/** returns owned; close (may be NULL) is called with self by source_close. */
struct source *source_new(source_read_fn *read, void (*close)(void *self), void *self);

/** NULL is fine. Closes the stages below. */
void source_close(struct source *s);

/** Up to cap (> 0) bytes into out; *n is 0 only at the end. */
ERR_MUST_USE enum err_code source_read(struct source *s, char *out, size_t cap, size_t *n,
                                       struct err *err);

/** A file as it is; "-" is standard input. raw_bytes (may be NULL) counts the bytes read; it must
 *  outlive the source. */
ERR_MUST_USE enum err_code source_file(struct source **out, const char *path, uint64_t *raw_bytes,
                                       struct err *err);

/** Borrowed bytes, which must outlive the source. */
struct source *source_memory(struct str bytes);

/** Takes below, on failure too. Decompress if the first bytes say so. limits NULL: the defaults.
 *  ERR_CORRUPT  while reading: broken or cut short; the message tells the compressed offset
 *  ERR_LIMIT    while reading: a bomb */
struct source *source_decompress(struct source *below, const struct source_limits *limits);

/** Takes below, on failure too. charset NULL: a byte order mark or an XML declaration decides, else
 *  UTF-8. Names as ICU knows them: "GB18030", "ISO-8859-1", "windows-1252", "UTF-16", "Big5", ...
 *  ERR_UNSUPPORTED  no such character set */
ERR_MUST_USE enum err_code source_decode(struct source **out, struct source *below,
                                         const char *charset, struct err *err);

/** All of it: file, decompression, text. */
ERR_MUST_USE enum err_code source_open(struct source **out, const char *path, const char *charset,
                                       const struct source_limits *limits, uint64_t *raw_bytes,
                                       struct err *err);

#endif
