/* buf.h - bytes that grow up to a cap named at the start.
 *
 * Model:   an append-only byte string. Appending past max sets `full` and changes nothing, so a run
 *          of appends is checked once at its end (buf_ok). An all-zero struct with max set is
 *          valid.
 * Memory:  owns data; release with buf_release; data is always NUL-terminated once anything was
 *          appended (the NUL is not counted in len).
 * Threads: one at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *data; /* [cap], owned */
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
    size_t max; /* len never exceeds this */
    bool full;  /* an append did not fit, or memory was out */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);

/** Empty it, keep the capacity, clear `full`. */
void buf_reset(struct buf *b);

/** returns borrowed room for n more bytes at data + len, or NULL (then b->full). Follow with
 *  b->len += what was used, and a NUL behind it. */
char *buf_reserve(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *z);
void buf_put_str(struct buf *b, struct str s);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Drop everything after len bytes. */
void buf_truncate(struct buf *b, size_t len);

/** All appends fitted? ERR_LIMIT otherwise, naming `what` and the cap. */
ERR_MUST_USE enum err_code buf_ok(const struct buf *b, const char *what, struct err *err);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->data, b->len};
}

#endif
