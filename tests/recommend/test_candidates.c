#include "recommend/candidates.h"

#include "base/rng.h"
#include "support/suite.h"

enum {
    PRODUCTS = 6000,
    SOURCES = CANDIDATES_SOURCES_MAX,
    LIST_MAX = 200,
    LISTS = CANDIDATES_LISTS_MAX / SOURCES
};

/* What the table must know of a product, kept in a plain array by number. */
struct oracle {
    double total, part, part_best, share;
    struct candidate_reason part_why, why;
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
            o[i].why = o[i].part_why;
        }
        o[i].part = o[i].part_best = 0;
    }
}

/* A list of random products, each once, that is well for ids and for numbers. */
struct lists {
    uint32_t numbers[PRODUCTS]; /* a product by its id: 7 behind it */
    uint32_t ids[SOURCES][LISTS][LIST_MAX];
    uint32_t plain[SOURCES][LISTS][LIST_MAX];
    float parts[SOURCES][LISTS][LIST_MAX];
};

static uint32_t id_of(uint32_t product_no)
{
    return (product_no + PRODUCTS - 7) % PRODUCTS;
}

START_TEST(the_table_is_what_a_plain_array_would_be)
{
    static struct oracle o[PRODUCTS];
    static struct lists l;
    struct candidates c;
    struct arena arena;
    struct rng r;
    struct err err;
    size_t known = 0;
    rng_init(&r, 4);
    arena_init(&arena, 0, 1 << 20);
    for (uint32_t id = 0; id < PRODUCTS; id++)
        l.numbers[id] = (id + 7) % PRODUCTS;
    ck_ok(candidates_init(&c, &arena, &err));
    for (int i = 0; i < 100; i++) {
        uint32_t no = (uint32_t)rng_below(&r, PRODUCTS);
        candidates_bar(&c, no);
        o[no].barred = true;
        known += !o[no].known;
        o[no].known = true;
    }
    for (int source = 0; source < SOURCES; source++) {
        for (int list = 0; list < LISTS; list++) {
            struct candidate_list said = {.numbers = l.plain[source][list],
                                          .parts = l.parts[source][list],
                                          .n = rng_below(&r, LIST_MAX),
                                          .weight = (float)rng_below(&r, 3),
                                          .reason = (enum reason_code)rng_below(&r, REASONS),
                                          .because = (uint32_t)rng_below(&r, 9)};
            uint32_t step = 1 + (uint32_t)rng_below(&r, 20), no = (uint32_t)rng_below(&r, PRODUCTS);
            for (size_t i = 0; i < said.n; i++, no = (no + step) % PRODUCTS) {
                l.plain[source][list][i] = no;
                l.ids[source][list][i] = id_of(no);
                l.parts[source][list][i] = i ? l.parts[source][list][i - 1] : 100;
                l.parts[source][list][i] -= (float)rng_below(&r, 2); /* not > 0: nothing */
            }
            if (list % 3 == 1) {
                said.numbers = l.numbers;
                said.ids = l.ids[source][list];
            } else if (list % 3 == 2) {
                said.parts = NULL;
            }
            ck_ok(candidates_add(&c, &said, &err));
            for (size_t i = 0; i < said.n; i++) {
                struct oracle *product = &o[l.plain[source][list][i]];
                double part =
                    (double)said.weight * (said.parts ? (double)l.parts[source][list][i] : 1);
                if (!product->known && known == CANDIDATES_MAX)
                    continue; /* no room */
                known += !product->known;
                product->known = true;
                if (product->barred || part <= 0)
                    continue;
                product->part += part;
                if (part > product->part_best) {
                    product->part_best = part;
                    product->part_why = (struct candidate_reason){said.reason, said.because};
                }
            }
        }
        float weight = (float)rng_below(&r, 4);
        candidates_close(&c, weight);
        close_oracle(o, (double)weight);
    }
    ck_assert_uint_eq(c.len, CANDIDATES_MAX); /* the test fills the table */
    static float totals[CANDIDATES_MAX + 1];
    candidates_totals(&c, totals);
    for (uint32_t i = 1; i <= c.len; i++) {
        struct oracle *want = &o[c.product_no[i]];
        ck_assert(want->known);
        ck_assert_double_eq_tol((double)totals[i], want->total, 1e-4);
        if (want->total > 0) {
            struct candidate_reason why =
                candidates_reason(&c, c.product_no[i], id_of(c.product_no[i]));
            ck_assert_int_eq(why.code, want->why.code);
            ck_assert_uint_eq(why.because, want->why.because);
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
    const uint32_t product_no = 7;
    const float part = 2;
    float totals[2];
    arena_init(&arena, 0, 1 << 20);
    ck_ok(candidates_init(&c, &arena, &err));
    candidates_close(&c, 1);
    ck_assert_uint_eq(c.len, 0);
    ck_ok(candidates_add(
        &c, &(struct candidate_list){.numbers = &product_no, .parts = &part, .n = 1, .weight = 1},
        &err));
    candidates_close(&c, 0.5f);
    for (int i = 0; i < 2 * CANDIDATES_SOURCES_MAX; i++)
        candidates_close(&c, 1);
    ck_assert_uint_eq(c.len, 1);
    candidates_totals(&c, totals);
    ck_assert(totals[1] == 0.5f);
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
