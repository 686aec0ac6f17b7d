#include "recommend/candidates.h"

#include "base/rng.h"
#include "support/suite.h"

enum { PRODUCTS = 6000, SOURCES = 6, PARTS = 3000 };

/* What the table must know of a product, kept in a plain array by number. */
struct oracle {
    double total, part, part_best, share;
    uint32_t part_because, because;
    enum reason_code part_reason, reason;
    bool barred, known;
};

static void close_oracle(struct oracle *o, double weight)
{
    double top = 0;
    for (size_t i = 0; i < PRODUCTS; i++)
        top = o[i].part > top ? o[i].part : top;
    for (size_t i = 0; i < PRODUCTS; i++) {
        if (o[i].part == 0)
            continue;
        double share = weight * o[i].part / top;
        o[i].total += share;
        if (share > o[i].share) {
            o[i].share = share;
            o[i].reason = o[i].part_reason;
            o[i].because = o[i].part_because;
        }
        o[i].part = o[i].part_best = 0;
        o[i].part_because = 0;
    }
}

START_TEST(the_table_is_what_a_plain_array_would_be)
{
    static struct oracle o[PRODUCTS];
    struct candidates c;
    struct arena arena;
    struct rng r;
    struct err err;
    size_t known = 0;
    rng_init(&r, 4);
    arena_init(&arena, 0, 1 << 20);
    ck_ok(candidates_init(&c, &arena, &err));
    for (int i = 0; i < 100; i++) {
        uint32_t no = (uint32_t)rng_below(&r, PRODUCTS);
        candidates_bar(&c, no);
        o[no].barred = true;
        known += !o[no].known;
        o[no].known = true;
    }
    uint32_t voices[REASONS][9];
    for (int reason = 0; reason < REASONS; reason++)
        for (uint32_t because = 0; because < 9; because++)
            voices[reason][because] = candidates_voice(&c, (enum reason_code)reason, because);
    for (int source = 0; source < SOURCES; source++) {
        float weight = (float)rng_below(&r, 4);
        for (int i = 0; i < PARTS; i++) {
            uint32_t no = (uint32_t)rng_below(&r, PRODUCTS), because = (uint32_t)rng_below(&r, 9);
            float part = (float)rng_below(&r, 100); /* 0 says nothing */
            enum reason_code reason = (enum reason_code)rng_below(&r, REASONS);
            const uint32_t numbers[] = {0, no}, ids[] = {1};
            if (i % 3 == 0)
                candidates_add(&c, no, part, voices[reason][because]);
            else /* one of many, by itself or through an id */
                candidates_add_many(&c, i % 3 == 1 ? &no : numbers, i % 3 == 1 ? NULL : ids, &part,
                                    1, 1, voices[reason][because]);
            if (!o[no].known && known == CANDIDATES_MAX)
                continue; /* no room */
            known += !o[no].known;
            o[no].known = true;
            if (o[no].barred || part == 0)
                continue;
            o[no].part += (double)part;
            bool earlier = (double)part == o[no].part_best &&
                           voices[reason][because] < voices[o[no].part_reason][o[no].part_because];
            if ((double)part > o[no].part_best || earlier) {
                o[no].part_best = (double)part;
                o[no].part_because = because;
                o[no].part_reason = reason;
            }
        }
        candidates_close(&c, weight);
        close_oracle(o, (double)weight);
    }
    ck_assert_uint_eq(c.len, CANDIDATES_MAX); /* the test fills the table */
    for (uint32_t i = 1; i <= c.len; i++) {
        struct oracle *want = &o[c.items[i].product_no];
        ck_assert(want->known && (c.items[i].loudest == CANDIDATE_BARRED) == want->barred);
        ck_assert_double_eq_tol((double)c.total[i], want->total, 1e-4);
        if (want->total > 0) {
            ck_assert_uint_eq(candidates_reason(&c, i).reason, want->reason);
            ck_assert_uint_eq(candidates_reason(&c, i).because, want->because);
        }
        want->known = false;
    }
    for (uint32_t no = 0; no < PRODUCTS; no++) {
        ck_assert(!o[no].known); /* every one was in the table, and once */
        ck_assert_int_eq(candidates_barred(&c, no), o[no].barred);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(an_empty_source_changes_nothing)
{
    struct candidates c;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0, 1 << 20);
    ck_ok(candidates_init(&c, &arena, &err));
    candidates_close(&c, 1);
    ck_assert_uint_eq(c.len, 0);
    candidates_add(&c, 7, 2, candidates_voice(&c, REASON_NEW, 0));
    candidates_close(&c, 0.5f);
    candidates_close(&c, 1);
    ck_assert_uint_eq(c.len, 1);
    ck_assert(c.total[1] == 0.5f);
    arena_release(&arena);
}
END_TEST

START_TEST(an_arena_too_small_is_reported)
{
    struct candidates c;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0, 1000);
    ck_err(candidates_init(&c, &arena, &err), ERR_LIMIT);
    arena_release(&arena);
}
END_TEST

SUITE("candidates", the_table_is_what_a_plain_array_would_be, an_empty_source_changes_nothing,
      an_arena_too_small_is_reported)
