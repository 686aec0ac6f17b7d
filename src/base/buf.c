#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/digits.h"
#include "base/mem.h"

#define LEN_MAX ((size_t)PTRDIFF_MAX - 1) /* so that no size below overflows, whatever max is */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->full = false;
    if (b->data)
        b->data[0] = '\0';
}

char *buf_reserve_more(struct buf *b, size_t n)
{
    if (b->full)
        return NULL;
    const size_t max = b->max < LEN_MAX ? b->max : LEN_MAX;
    if (n > max || b->len > max - n) {
        b->full = true;
        return NULL;
    }
    size_t need = b->len + n + 1; /* the NUL */
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need)
            cap += cap / 2;
        if (cap > max + 1)
            cap = max + 1;
        char *data = mem_try_resize(b->data, cap, 1);
        if (!data) {
            b->full = true;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_puts(struct buf *b, const char *z)
{
    buf_put(b, z, strlen(z));
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    char digits[DIGITS_INTEGER_MAX];
    buf_put(b, digits, (size_t)(digits_u64(digits, v) - digits));
}

void buf_put_i64(struct buf *b, int64_t v)
{
    char digits[DIGITS_INTEGER_MAX];
    buf_put(b, digits, (size_t)(digits_i64(digits, v) - digits));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    char *at = buf_reserve(b, (size_t)n);
    if (at) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_truncate(struct buf *b, size_t len)
{
    CHECK(len <= b->len);
    b->len = len;
    if (b->data)
        b->data[len] = '\0';
}

enum err_code buf_ok(const struct buf *b, const char *what, struct err *err)
{
    if (!b->full)
        return ERR_OK;
    return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", what, b->max);
}
