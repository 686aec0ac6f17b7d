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
#include <string.h>

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

/** As buf_reserve, which calls it where the room is not there yet. */
char *buf_reserve_more(struct buf *b, size_t n);

/** returns borrowed room for n more bytes at data + len, or NULL (then b->full). Follow with
 *  buf_end_at. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
    if (__builtin_expect(n < b->cap - b->len && b->len + n <= b->max && !b->full, 1))
        return b->data + b->len;
    return buf_reserve_more(b, n);
}

/** What was written into reserved room ends here. */
static inline void buf_end_at(struct buf *b, char *end)
{
    *end = '\0';
    b->len = (size_t)(end - b->data);
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    char *at = buf_reserve(b, n);
    if (!at)
        return;
    if (n)
        memcpy(at, p, n);
    buf_end_at(b, at + n);
}

static inline void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

static inline void buf_put_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

void buf_puts(struct buf *b, const char *z);
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
