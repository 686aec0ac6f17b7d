/* test_memory.c - arena, buf and mem: caps, alignment, injected failures. */
#include "support/suite.h"

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"

START_TEST(an_arena_gives_aligned_memory_that_does_not_overlap)
{
    struct arena a;
    struct rng rng;
    struct {
        unsigned char *p;
        size_t n;
    } got[500];
    rng_init(&rng, 1);
    arena_init(&a, 256, 1 << 20);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 500; i++) {
            got[i].n = (size_t)rng_below(&rng, i % 50 ? 100 : 1000);
            got[i].p = arena_try_alloc(&a, got[i].n);
            ck_assert_ptr_nonnull(got[i].p);
            ck_assert_uint_eq((uintptr_t)got[i].p % 16, 0);
            memset(got[i].p, (int)(i & 0xff), got[i].n);
        }
        for (size_t i = 0; i < 500; i++)
            for (size_t k = 0; k < got[i].n; k++)
                ck_assert_uint_eq(got[i].p[k], i & 0xff);
        arena_reset(&a);
    }
    arena_release(&a);
    arena_release(&a);
}
END_TEST

START_TEST(an_arena_stops_at_its_cap_and_starts_anew_after_a_reset)
{
    struct arena a;
    arena_init(&a, 0, 64);
    ck_assert_ptr_null(arena_try_alloc(&a, 65));
    ck_assert_ptr_null(arena_try_alloc(&a, SIZE_MAX));
    ck_assert_ptr_nonnull(arena_try_alloc(&a, 64));
    ck_assert_ptr_null(arena_try_alloc(&a, 1));
    ck_assert_ptr_null(arena_str(&a, STR_LIT("x")).p);
    ck_assert_ptr_null(arena_printf(&a, "%d", 1).p);
    arena_reset(&a);
    long calls = mem_try_calls();
    ck_assert_str_eq(arena_str(&a, STR_LIT("text")).p, "text");
    ck_assert_str_eq(arena_printf(&a, "%d-%s", 7, "x").p, "7-x");
    ck_assert_int_eq(mem_try_calls(), calls); /* the first block was kept */
    arena_release(&a);
}
END_TEST

START_TEST(an_arena_reports_memory_that_is_out_unless_its_owner_cannot)
{
    struct arena a;
    arena_init(&a, 0, 1 << 20);
    mem_fail_at(1);
    ck_assert_ptr_null(arena_try_alloc(&a, 8));
    a.aborts = true;
    mem_fail_at(1);
    ck_assert_ptr_nonnull(arena_try_alloc(&a, 8));
    mem_fail_at(0);
    arena_release(&a);
}
END_TEST

START_TEST(a_buffer_takes_what_fits_and_nothing_after)
{
    struct err err;
    for (size_t max = 0; max < 27; max++) {
        struct buf b = {.max = max};
        char want[64] = "";
        size_t n = 0;
        for (int i = 0; i < 12; i++) {
            char part[8];
            int len = snprintf(part, sizeof part, "%d", 1 << i);
            if (i % 2)
                buf_put_u64(&b, (uint64_t)1 << i);
            else
                buf_printf(&b, "%d", 1 << i);
            if (n + (size_t)len > max)
                break;
            memcpy(want + n, part, (size_t)len + 1);
            n += (size_t)len;
        }
        ck_assert_uint_eq(b.len, n);
        ck_assert_str_eq(b.data ? b.data : "", want);
        ck_assert(b.full);
        ck_err(buf_ok(&b, "text", &err), ERR_LIMIT);
        buf_putc(&b, 'x');
        ck_assert_uint_eq(b.len, n);
        buf_reset(&b);
        ck_ok(buf_ok(&b, "text", &err));
        buf_release(&b);
    }
}
END_TEST

START_TEST(a_buffer_without_a_bound_still_grows_safely)
{
    struct buf b = {.max = SIZE_MAX};
    buf_puts(&b, "text");
    ck_assert_uint_ge(b.cap, 5);
    ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
    ck_assert(b.full);
    ck_assert_str_eq(b.data, "text");
    buf_reset(&b);
    buf_put_i64(&b, INT64_MIN);
    ck_assert_str_eq(b.data, "-9223372036854775808");
    buf_truncate(&b, 3);
    ck_assert_str_eq(b.data, "-92");
    buf_release(&b);
}
END_TEST

START_TEST(a_buffer_survives_memory_that_is_out)
{
    struct buf b = {.max = 1000};
    buf_puts(&b, "kept");
    mem_fail_at(1);
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "more");
    mem_fail_at(0);
    ck_assert(b.full);
    ck_assert(str_starts(buf_str(&b), STR_LIT("keptmore")));
    ck_assert_uint_eq(b.data[b.len], 0);
    buf_release(&b);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    ck_assert_ptr_null(mem_try_new(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(mem_try_new(1, SIZE_MAX));
    ck_assert_ptr_null(mem_try_resize(NULL, SIZE_MAX, 2));
    ck_assert_ptr_null(mem_try_aligned(1, SIZE_MAX / 2, 64));
    char *p = mem_try_aligned(3, 5, 64);
    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(p[i], 0);
    mem_free(p);
    mem_free(NULL);
    p = mem_new(0, 0);
    mem_free(p);
    p = mem_dup("ab", 2);
    ck_assert_str_eq(p, "ab");
    mem_free(p);
}
END_TEST

START_TEST(exactly_the_chosen_allocation_fails)
{
    for (int at = 1; at <= 5; at++) {
        mem_fail_at(at);
        for (int i = 1; i <= 6; i++) {
            void *p = mem_try_new(1, 8);
            ck_assert(!p == (i == at));
            mem_free(p);
        }
        ck_assert_int_eq(mem_try_calls(), 6);
    }
    mem_fail_at(0);
}
END_TEST

SUITE("memory", an_arena_gives_aligned_memory_that_does_not_overlap,
      an_arena_stops_at_its_cap_and_starts_anew_after_a_reset,
      an_arena_reports_memory_that_is_out_unless_its_owner_cannot,
      a_buffer_takes_what_fits_and_nothing_after, a_buffer_without_a_bound_still_grows_safely,
      a_buffer_survives_memory_that_is_out, sizes_that_overflow_are_refused,
      exactly_the_chosen_allocation_fails)
