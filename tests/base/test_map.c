/* test_map.c - the maps against a plain list of pairs. */
#include "support/suite.h"

#include <stdio.h>

#include "base/map.h"
#include "base/rng.h"

enum { KEYS = 300, STEPS = 30000 };

struct naive {
    bool there[KEYS];
    uint64_t value[KEYS];
    size_t len;
};

static struct str key_of(size_t i, char room[32])
{
    if (i == 0)
        return (struct str){NULL, 0}; /* the empty key is a key */
    int n = snprintf(room, 32, "%s%zu", i % 3 ? "" : "a longer key ", i);
    bool with_nul = i % 5 == 0; /* a byte like others */
    return (struct str){room, (size_t)n + with_nul};
}

START_TEST(a_string_map_does_what_a_list_does)
{
    struct map_str m = {0};
    struct naive want = {0};
    struct rng rng;
    char room[32];
    rng_init(&rng, 1);
    for (int step = 0; step < STEPS; step++) {
        size_t i = (size_t)rng_below(&rng, KEYS);
        struct str key = key_of(i, room);
        bool added;
        if (rng_below(&rng, 2) == 0) {
            uint64_t *v = map_str_at(&m, key, &added);
            ck_assert(added == !want.there[i]);
            ck_assert_uint_eq(*v, want.there[i] ? want.value[i] : 0);
            *v = want.value[i] = rng_u64(&rng);
            want.len += added;
            want.there[i] = true;
        } else {
            ck_assert(map_str_remove(&m, key) == want.there[i]);
            want.len -= want.there[i];
            want.there[i] = false;
        }
        ck_assert_uint_eq(m.len, want.len);
        i = (size_t)rng_below(&rng, KEYS);
        uint64_t *found = map_str_find(&m, key_of(i, room));
        ck_assert(!found == !want.there[i]);
        ck_assert(!found || *found == want.value[i]);
    }
    size_t pos = 0, walked = 0;
    struct str key;
    uint64_t value;
    while (map_str_next(&m, &pos, &key, &value)) {
        ck_assert(*map_str_find(&m, key) == value);
        walked++;
    }
    ck_assert_uint_eq(walked, want.len);
    map_str_release(&m);
    ck_assert_ptr_null(map_str_find(&m, STR_LIT("x")));
    ck_assert(!map_str_remove(&m, STR_LIT("x")));
}
END_TEST

START_TEST(a_number_map_does_what_a_list_does)
{
    struct map_u64 m = {0};
    struct naive want = {0};
    struct rng rng;
    rng_init(&rng, 2);
    for (int step = 0; step < STEPS; step++) {
        size_t i = (size_t)rng_below(&rng, KEYS);
        uint64_t key = i == 1 ? UINT64_MAX : i * 4096;
        bool added;
        if (rng_below(&rng, 2) == 0) {
            uint64_t *v = map_u64_at(&m, key, &added);
            ck_assert(added == !want.there[i]);
            ck_assert_uint_eq(*v, want.there[i] ? want.value[i] : 0);
            *v = want.value[i] = rng_u64(&rng);
            want.len += added;
            want.there[i] = true;
        } else {
            ck_assert(map_u64_remove(&m, key) == want.there[i]);
            want.len -= want.there[i];
            want.there[i] = false;
        }
        for (size_t k = 0; step % 1000 == 0 && k < KEYS; k++) {
            uint64_t *found = map_u64_find(&m, k == 1 ? UINT64_MAX : k * 4096);
            ck_assert(!found == !want.there[k]);
            ck_assert(!found || *found == want.value[k]);
        }
    }
    size_t pos = 0, walked = 0;
    uint64_t key, value;
    while (map_u64_next(&m, &pos, &key, &value))
        walked++;
    ck_assert_uint_eq(walked, want.len);
    ck_assert_uint_eq(m.len, want.len);
    map_u64_release(&m);
    ck_assert_ptr_null(map_u64_find(&m, 0));
}
END_TEST

SUITE("map", a_string_map_does_what_a_list_does, a_number_map_does_what_a_list_does)
