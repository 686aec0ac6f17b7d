#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "store/id_cache_int.h"

static struct id_hash hash_of(unsigned i)
{
    char id[16];
    snprintf(id, sizeof id, "%u", i);
    return id_cache_hash(0, str_of(id));
}

START_TEST(it_remembers_nearly_all_below_its_cap_and_never_lies_beyond_it)
{
    enum { CAP = 4096, IDS = 40000 };
    struct id_cache c;
    unsigned kept = 0;
    id_cache_init(&c, CAP);
    for (unsigned i = 1; i <= CAP / 4; i++)
        id_cache_add(&c, hash_of(i), i);
    for (unsigned i = 1; i <= CAP / 4; i++)
        kept += id_cache_find(&c, hash_of(i)) == i;
    ck_assert_uint_gt(kept, CAP / 4 - 40); /* a crowded group may have evicted a few */
    kept = 0;
    for (unsigned i = CAP / 4 + 1; i <= IDS; i++)
        id_cache_add(&c, hash_of(i), i);
    for (unsigned i = 1; i <= IDS; i++) {
        uint32_t no = id_cache_find(&c, hash_of(i));
        ck_assert(no == 0 || no == i);
        kept += no != 0;
    }
    ck_assert_uint_gt(kept, CAP / 2);
    ck_assert_uint_le(kept, CAP);
    ck_assert_uint_eq(id_cache_find(&c, hash_of(IDS + 1)), 0);
    id_cache_release(&c);
}
END_TEST

START_TEST(what_was_learned_since_the_mark_is_forgotten_and_nothing_else)
{
    struct id_cache c;
    id_cache_init(&c, 1 << 20);
    for (unsigned i = 1; i <= 3000; i++)
        id_cache_add(&c, hash_of(i), i);
    id_cache_mark(&c);
    for (unsigned i = 3001; i <= 9000; i++) /* grows on the way */
        id_cache_add(&c, hash_of(i), i);
    id_cache_forget(&c, hash_of(1));
    id_cache_forget_since_mark(&c);
    for (unsigned i = 1; i <= 9000; i++)
        ck_assert_uint_eq(id_cache_find(&c, hash_of(i)), i > 1 && i <= 3000 ? i : 0);
    id_cache_forget_all(&c);
    ck_assert_uint_eq(id_cache_find(&c, hash_of(2)), 0);
    id_cache_release(&c);
}
END_TEST

START_TEST(kinds_are_apart_and_an_empty_cache_knows_nothing)
{
    struct id_cache c;
    id_cache_init(&c, 100);
    ck_assert_uint_eq(id_cache_find(&c, id_cache_hash(0, STR_LIT("x"))), 0);
    id_cache_forget(&c, id_cache_hash(0, STR_LIT("x")));
    id_cache_forget_all(&c);
    id_cache_add(&c, id_cache_hash(0, STR_LIT("x")), 1);
    ck_assert_uint_eq(id_cache_find(&c, id_cache_hash(1, STR_LIT("x"))), 0);
    id_cache_release(&c);
}
END_TEST

SUITE("id_cache", it_remembers_nearly_all_below_its_cap_and_never_lies_beyond_it,
      what_was_learned_since_the_mark_is_forgotten_and_nothing_else,
      kinds_are_apart_and_an_empty_cache_knows_nothing)
