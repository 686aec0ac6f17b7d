#include "support/suite.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "index/bitset.h"
#include "index/blockpack.h"
#include "index/intern.h"
#include "index/ordinals.h"
#include "index/varint.h"

START_TEST(set_operations_are_those_of_booleans)
{
    struct err err;
    struct rng r;
    rng_init(&r, 1);
    for (size_t len = 0; len < 200; len += 1 + rng_below(&r, 7)) {
        bool x[200], y[200];
        struct bitset a, b, c;
        size_t count = 0;
        ck_ok(bitset_init(&a, len, &err));
        ck_ok(bitset_init(&b, len, &err));
        ck_ok(bitset_init(&c, len, &err));
        for (size_t i = 0; i < len; i++) {
            x[i] = rng_below(&r, 2);
            y[i] = rng_below(&r, 2);
            if (x[i])
                bitset_set(&a, i);
            if (y[i])
                bitset_set(&b, i);
            count += x[i];
        }
        ck_assert_uint_eq(bitset_count(&a), count);
        for (int op = 0; op < 4; op++) {
            bitset_fill(&c, false);
            bitset_or(&c, &a);
            if (op == 0)
                bitset_and(&c, &b);
            else if (op == 1)
                bitset_or(&c, &b);
            else if (op == 2)
                bitset_andnot(&c, &b);
            else
                bitset_flip(&c);
            size_t next = 0, ones = 0;
            for (size_t i = 0; i < len; i++) {
                bool want = op == 0   ? x[i] && y[i]
                            : op == 1 ? x[i] || y[i]
                            : op == 2 ? x[i] && !y[i]
                                      : !x[i];
                ck_assert_int_eq(bitset_test(&c, i), want);
                if (want) {
                    ck_assert_uint_eq(bitset_next(&c, next), i);
                    next = i + 1;
                    ones++;
                }
            }
            ck_assert_uint_eq(bitset_next(&c, next), len);
            ck_assert_uint_eq(bitset_count(&c), ones);
        }
        bitset_fill(&c, true);
        ck_assert_uint_eq(bitset_count(&c), len);
        if (len)
            bitset_clear(&c, len - 1);
        ck_assert_uint_eq(bitset_count(&c), len ? len - 1 : 0);
        bitset_release(&a);
        bitset_release(&b);
        bitset_release(&c);
    }
    struct bitset huge;
    ck_err(bitset_init(&huge, BITSET_MAX + 1, &err), ERR_LIMIT);
}
END_TEST

START_TEST(packed_values_come_back_at_every_width_and_length)
{
    struct rng r;
    rng_init(&r, 2);
    for (unsigned bits = 0; bits <= BLOCKPACK_MAX_BITS; bits++)
        for (size_t n = 0; n <= 130; n += 1 + rng_below(&r, 9)) {
            uint32_t in[130], out[130];
            uint8_t small[130];
            uint64_t limit = (uint64_t)1 << bits;
            for (size_t i = 0; i < n; i++)
                in[i] = (uint32_t)rng_below(&r, limit);
            if (n)
                in[n / 2] = (uint32_t)(limit - 1);
            ck_assert_uint_eq(blockpack_bits(in, n), n ? bits : 0);
            size_t bytes = blockpack_bytes(n, bits);
            uint8_t *packed = mem_new(bytes + BLOCKPACK_SLACK, 1); /* its end is watched */
            blockpack_pack(in, n, bits, packed);
            for (size_t i = 0; i < BLOCKPACK_SLACK; i++)
                ck_assert_uint_eq(packed[bytes + i], 0);
            blockpack_unpack(packed, n, bits, out);
            ck_assert(n == 0 || memcmp(in, out, n * sizeof *in) == 0);
            if (bits <= 8) {
                blockpack_unpack_u8(packed, n, bits, small);
                for (size_t i = 0; i < n; i++)
                    ck_assert_uint_eq(small[i], in[i]);
            }
            mem_free(packed);
        }
}
END_TEST

START_TEST(lower_bound_is_where_a_scan_would_stop)
{
    struct rng r;
    uint32_t a[64];
    rng_init(&r, 3);
    for (size_t n = 0; n <= 64; n++) {
        uint32_t value = 0;
        for (size_t i = 0; i < n; i++)
            a[i] = value += (uint32_t)rng_below(&r, 3);
        for (uint32_t want = 0; want <= value + 1; want++) {
            size_t scan = 0;
            while (scan < n && a[scan] < want)
                scan++;
            ck_assert_uint_eq(ordinals_lower_bound(a, n, want), scan);
            ck_assert_uint_eq(ordinals_find(a, n, want),
                              scan < n && a[scan] == want ? scan : ORDINAL_NONE);
            ck_assert_int_eq(ordinals_any_in(a, n, want, want + 2), scan < n && a[scan] < want + 2);
        }
    }
}
END_TEST

START_TEST(interned_strings_are_numbered_in_order_of_appearance_and_sorted_by_bytes)
{
    enum { KEYS = 3000 };
    struct intern t = {0};
    char key[32];
    for (uint32_t i = 0; i < 2 * KEYS; i++) {
        uint32_t number;
        bool added;
        int n = snprintf(key, sizeof key, "%u", (i % KEYS) * 7919u);
        ck_assert(intern_at(&t, (struct str){key, (size_t)n}, &number, &added));
        ck_assert_uint_eq(number, i % KEYS);
        ck_assert_int_eq(added, i < KEYS);
        ck_assert_uint_eq(intern_find(&t, (struct str){key, (size_t)n}), number);
    }
    ck_assert_uint_eq(intern_find(&t, STR_LIT("never")), ORDINAL_NONE);
    uint32_t *order = intern_sorted(&t);
    for (uint32_t i = 1; i < KEYS; i++)
        ck_assert_int_lt(str_cmp(t.keys[order[i - 1]], t.keys[order[i]]), 0);
    mem_free(order);
    intern_release(&t);
}
END_TEST

START_TEST(variable_length_numbers_come_back_and_bad_ones_are_refused)
{
    struct rng r;
    rng_init(&r, 4);
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[VARINT_MAX];
        uint64_t v = rng_u64(&r) >> rng_below(&r, 64), back;
        size_t n = varint_put(v, bytes);
        struct str in = {(const char *)bytes, n};
        ck_assert(varint_take(&in, &back));
        ck_assert(back == v && in.n == 0);
        for (size_t cut = 0; cut < n; cut++) {
            in = (struct str){(const char *)bytes, cut};
            ck_assert(!varint_take(&in, &back));
        }
    }
    uint64_t v;
    struct str over = STR_LIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02");
    struct str endless = STR_LIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
    ck_assert(!varint_take(&over, &v) && !varint_take(&endless, &v));
}
END_TEST

SUITE("sets", set_operations_are_those_of_booleans,
      packed_values_come_back_at_every_width_and_length, lower_bound_is_where_a_scan_would_stop,
      interned_strings_are_numbered_in_order_of_appearance_and_sorted_by_bytes,
      variable_length_numbers_come_back_and_bad_ones_are_refused)
