/* Ids that say what made a list: there and back, and nothing that this shop has not made. */
#include "eval/list_id.h"

#include <sodium.h>

#include "base/rng.h"
#include "recommend/rows.h"
#include "support/suite.h"

static const struct list_key key = {{1, 2, 3}}, other = {{1, 2, 4}};

static struct rng rng = {{1, 2, 3, 4}};

static struct list_facts usual(void)
{
    return (struct list_facts){.placement = STR_LIT("bought_together"),
                               .model = STR_LIT("20261128T025633-1"),
                               .variants = {{7, 1}, {4000000000, 255}},
                               .variants_len = 2,
                               .explored_no = 123456,
                               .propensity = 0.0625F,
                               .explored_rank = 17};
}

START_TEST(what_was_put_in_comes_out)
{
    struct list_facts facts = usual(), got;
    char id[LIST_ID_SIZE];
    uint8_t bytes[LIST_ID_BYTES];
    size_t n = list_id_make(&key, &facts, &rng, id);
    ck_assert_uint_eq(n, strlen(id));
    ck_assert(list_id_read(&key, str_of(id), bytes, &got));
    ck_assert(str_eq(got.placement, facts.placement) && str_eq(got.model, facts.model));
    ck_assert_uint_eq(got.variants_len, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(got.variants[i].experiment, facts.variants[i].experiment);
        ck_assert_uint_eq(got.variants[i].variant, facts.variants[i].variant);
    }
    ck_assert_uint_eq(got.explored_no, 123456);
    ck_assert(got.propensity == 0.0625F && got.explored_rank == 17);
    facts = (struct list_facts){.placement = STR_LIT("search")};
    ck_assert_uint_le(list_id_make(&key, &facts, &rng, id), 36);
    ck_assert(list_id_read(&key, str_of(id), bytes, &got));
    ck_assert(str_is(got.placement, "search") && got.model.n == 0 && got.variants_len == 0 &&
              got.explored_no == 0);
}
END_TEST

START_TEST(the_largest_facts_fit_and_a_longer_model_is_cut)
{
    struct list_facts facts = usual(), got;
    char id[LIST_ID_SIZE];
    uint8_t bytes[LIST_ID_BYTES];
    facts.placement = STR_LIT("0123456789abcdefghij");
    facts.model = STR_LIT("0123456789012345678901234567890123456789");
    facts.variants_len = LIST_VARIANTS_MAX;
    ck_assert_uint_eq(list_id_make(&key, &facts, &rng, id), LIST_ID_SIZE - 1);
    ck_assert(list_id_read(&key, str_of(id), bytes, &got));
    ck_assert_uint_eq(got.model.n, LIST_MODEL_MAX);
    ck_assert_uint_eq(got.variants_len, LIST_VARIANTS_MAX);
}
END_TEST

START_TEST(every_placement_and_page_fits)
{
    for (int p = 0; p < PLACEMENTS; p++)
        ck_assert_uint_le(strlen(placement_name((enum placement)p)), LIST_PLACEMENT_MAX);
    for (int p = 0; p < ROWS_PAGES; p++)
        ck_assert_uint_le(strlen(rows_page_name((enum rows_page)p)), LIST_PLACEMENT_MAX);
}
END_TEST

START_TEST(ids_of_equal_lists_differ)
{
    struct list_facts facts = usual();
    char a[LIST_ID_SIZE], b[LIST_ID_SIZE];
    list_id_make(&key, &facts, &rng, a);
    list_id_make(&key, &facts, &rng, b);
    ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(what_this_shop_has_not_made_is_no_id)
{
    static const char *const foreign[] = {
        "", "home", "0123456789abcdef0123456789abcdef", "a_b-c.d", "====", "AQAAAAAAAAAA",
    };
    struct list_facts facts = usual(), got;
    char id[LIST_ID_SIZE];
    uint8_t bytes[LIST_ID_BYTES];
    size_t n = list_id_make(&key, &facts, &rng, id);
    ck_assert(!list_id_read(&other, str_of(id), bytes, &got));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        ck_assert(!list_id_read(&key, str_of(foreign[i]), bytes, &got));
    for (size_t cut = 0; cut < n; cut++)
        ck_assert(!list_id_read(&key, (struct str){id, cut}, bytes, &got));
    /* Each character turned into another one; the last carries bits that no byte has. */
    for (size_t i = 0; i < n; i++) {
        char was = id[i];
        id[i] = was == 'A' ? 'B' : 'A';
        ck_assert(!list_id_read(&key, str_of(id), bytes, &got));
        id[i] = was;
    }
    ck_assert(list_id_read(&key, str_of(id), bytes, &got));
}
END_TEST

/* Bytes of any kind under a right code: lengths that lie are found, and nothing is read behind the end. */
START_TEST(bytes_of_any_kind_are_read_safely)
{
    for (int i = 0; i < 200000; i++) {
        uint8_t made[LIST_ID_BYTES], bytes[LIST_ID_BYTES];
        char id[LIST_ID_SIZE];
        struct list_facts got;
        size_t n = 15 + rng_below(&rng, LIST_ID_BYTES - 15 + 1);
        for (size_t b = 0; b < n; b++)
            made[b] = (uint8_t)rng_below(&rng, rng_below(&rng, 2) ? 4 : 256);
        made[0] = 1;
        crypto_shorthash(made + n - 8, made, n - 8, key.bytes);
        sodium_bin2base64(id, sizeof id, made, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        if (!list_id_read(&key, str_of(id), bytes, &got))
            continue;
        if (got.placement.n == 0 || got.placement.n > LIST_PLACEMENT_MAX ||
            got.model.n > LIST_MODEL_MAX || got.variants_len > LIST_VARIANTS_MAX)
            ck_abort_msg("%s", id);
    }
}
END_TEST

SUITE("list_id", what_was_put_in_comes_out, the_largest_facts_fit_and_a_longer_model_is_cut,
      every_placement_and_page_fits, ids_of_equal_lists_differ,
      what_this_shop_has_not_made_is_no_id, bytes_of_any_kind_are_read_safely)
