#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, DEFAULT_BLOCK = 16 << 10 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* bytes of data */
    size_t used;
    _Alignas(ALIGN) char data[];
};

void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes)
{
    *a = (struct arena){.block_bytes = block_bytes ? block_bytes : DEFAULT_BLOCK,
                        .max_bytes = max_bytes};
}

static void free_chain(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        UNPOISON(b->data, b->size);
        mem_free(b);
        b = next;
    }
}

void arena_release(struct arena *a)
{
    free_chain(a->first);
    a->first = a->now = NULL;
    a->used_bytes = 0;
}

/* The block that one chain would have fitted into. */
static size_t block_for(const struct arena *a)
{
    size_t want = a->used_bytes < ARENA_KEEP_BYTES ? a->used_bytes : ARENA_KEEP_BYTES;
    return want > a->block_bytes ? want : a->block_bytes;
}

void arena_reset(struct arena *a)
{
    a->block_bytes = block_for(a);
    if (a->first && a->first->size < a->block_bytes) {
        arena_release(a);
    } else if (a->first) {
        free_chain(a->first->next);
        a->first->next = NULL;
        a->first->used = 0;
        POISON(a->first->data, a->first->size);
    }
    a->now = a->first;
    a->used_bytes = 0;
}

void *arena_try_alloc(struct arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (bytes == 0)
        bytes = ALIGN;
    if (a->used_bytes > a->max_bytes || bytes > a->max_bytes - a->used_bytes)
        return NULL;
    struct arena_block *b = a->now;
    if (!b || bytes > b->size - b->used) {
        size_t want = a->block_bytes ? a->block_bytes : DEFAULT_BLOCK;
        if (bytes > want)
            want = bytes;
        b = a->aborts ? mem_new(1, sizeof *b + want) : mem_try_new(1, sizeof *b + want);
        if (!b)
            return NULL;
        b->size = want;
        POISON(b->data, b->size);
        if (a->now)
            a->now->next = b;
        else
            a->first = b;
        a->now = b;
    }
    void *p = b->data + b->used;
    UNPOISON(p, bytes);
    b->used += bytes;
    a->used_bytes += bytes;
    return p;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    CHECK(!__builtin_mul_overflow(n, size, &bytes));
    void *p = arena_try_alloc(a, bytes);
    CHECK(p && "arena cap");
    memset(p, 0, bytes);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_try_alloc(a, s.n + 1);
    if (!p)
        return (struct str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){p, s.n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    char *p = arena_try_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct str){p, p ? (size_t)n : 0};
}
