/* mem.h - allocation with one policy.
 *
 * Small allocations (records, tables whose size the program chose) abort when memory is out: no
 * caller could do better. Allocations whose size comes from input use mem_try_*, after a named cap,
 * and report ERR_MEMORY. MEM_FAIL_AT=n in the environment makes the n-th mem_try_* call of the
 * process fail (1 is the first), which the fault-injection tests count upward until nothing
 * fails. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/** Abort when out of memory. n * size is checked. Zeroed. Free with mem_free. */
void *mem_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/** As mem_new for one thing of a type. */
#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))

/** Grow or shrink to n * size bytes; new bytes are not set. Aborts when out of memory. */
void *mem_resize(void *p, size_t n, size_t size) __attribute__((returns_nonnull));

/** As mem_new and mem_resize, but NULL when memory is out (or injected to be): the caller reports
 *  ERR_MEMORY. On failure of mem_try_resize the old block stays valid. */
void *mem_try_new(size_t n, size_t size);
void *mem_try_resize(void *p, size_t n, size_t size);

/** Zeroed, address a multiple of align (a power of two >= sizeof(void *)); NULL when memory is
 *  out. */
void *mem_try_aligned(size_t n, size_t size, size_t align);

/** returns owned copy of n bytes with a NUL behind them. Aborts when out of memory. */
char *mem_dup(const void *p, size_t n);

/** NULL is fine. */
void mem_free(void *p);

/** Restart the count of MEM_FAIL_AT at zero, with at as the failing call; 0 turns injection off. */
void mem_fail_at(long at);

/** How many mem_try_* calls were made since the start or the last mem_fail_at. */
long mem_try_calls(void);

#endif
