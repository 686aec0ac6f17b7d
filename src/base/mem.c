#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static atomic_long calls;
static atomic_long fail_at = -1; /* -1: the environment was not read yet */

static bool injected(void)
{
    long at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (__builtin_expect(at < 0, 0)) {
        const char *env = getenv("MEM_FAIL_AT");
        at = env ? strtol(env, NULL, 10) : 0;
        atomic_store(&fail_at, at < 0 ? 0 : at);
    }
    long n = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
    return at > 0 && n == at;
}

void mem_fail_at(long at)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_at, at);
}

long mem_try_calls(void)
{
    return atomic_load(&calls);
}

static bool overflows(size_t n, size_t size, size_t *bytes)
{
    return __builtin_mul_overflow(n, size, bytes) || *bytes > PTRDIFF_MAX;
}

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    CHECK(p && "out of memory");
    return p;
}

void *mem_resize(void *p, size_t n, size_t size)
{
    size_t bytes;
    CHECK(!overflows(n, size, &bytes));
    p = realloc(p, bytes ? bytes : 1);
    CHECK(p && "out of memory");
    return p;
}

void *mem_try_new(size_t n, size_t size)
{
    size_t bytes;
    if (injected() || overflows(n, size, &bytes))
        return NULL;
    return calloc(1, bytes ? bytes : 1);
}

void *mem_try_resize(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (injected() || overflows(n, size, &bytes))
        return NULL;
    return realloc(p, bytes ? bytes : 1);
}

void *mem_try_aligned(size_t n, size_t size, size_t align)
{
    size_t bytes;
    void *p;
    if (injected() || overflows(n, size, &bytes) || bytes > PTRDIFF_MAX - align)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (posix_memalign(&p, align, bytes ? bytes : align) != 0)
        return NULL;
    memset(p, 0, bytes);
    return p;
}

char *mem_dup(const void *p, size_t n)
{
    CHECK(n < PTRDIFF_MAX);
    char *copy = malloc(n + 1);
    CHECK(copy && "out of memory");
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}
