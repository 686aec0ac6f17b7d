#include "base/tuning.h"

#include "base/json_reader.h"

#include <stdint.h>

#include "support/suite.h"

struct dials {
    float gain;
    uint32_t keep;
    uint64_t seed;
    bool binary;
    uint32_t guard; /* none of the table's */
};

static const struct tuning all[] = {
    {"gain", offsetof(struct dials, gain), TUNING_FLOAT, -0.1, 2},
    {"keep", offsetof(struct dials, keep), TUNING_U32, 1, 1000},
    {"seed", offsetof(struct dials, seed), TUNING_U64, 0, 1e15},
    {"binary", offsetof(struct dials, binary), TUNING_BOOL, 0, 1},
};

enum { ALL = sizeof all / sizeof *all, GUARD = 0x5a5a5a5a };

START_TEST(each_name_sets_its_own_field)
{
    struct dials d = {.guard = GUARD}, before;
    struct err err;
    static const char *const texts[] = {"gain=1.5", "keep=999", "seed=123456789012", "binary=1"};
    for (size_t i = 0; i < ALL; i++) {
        before = d;
        ck_ok(tuning_set(all, ALL, &d, str_of(texts[i]), &err));
        ck_assert(!tuning_equal(all, ALL, &d, &before));
        for (size_t k = 0; k < ALL; k++)
            ck_assert_int_eq(tuning_equal(&all[k], 1, &d, &before), k != i);
    }
    ck_assert(d.gain == 1.5f && d.keep == 999 && d.seed == 123456789012 && d.binary);
    ck_assert_uint_eq(d.guard, GUARD);
    ck_ok(tuning_put(all, ALL, &d, STR_LIT("keep"), 7.9, &err));
    ck_assert_uint_eq(d.keep, 7);
    ck_ok(tuning_put(all, ALL, &d, STR_LIT("gain"), (double)-0.1f,
                     &err)); /* the bound, as text gives it */
}
END_TEST

START_TEST(what_is_written_is_read_as_the_same)
{
    static const float values[] = {0.3f, 1.0f / 3, 1.7f, 1e-20f, 0, 1.9999999f};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct dials d = {.gain = values[i], .keep = 12, .seed = 123456789012, .binary = true};
        struct dials read = {0};
        char room[256];
        struct buf text = {.data = room, .cap = sizeof room, .max = sizeof room - 1};
        struct json_writer w;
        struct json_reader r;
        struct arena arena;
        struct str key;
        struct err err;
        arena_init(&arena, 0, 1 << 16);
        jw_init(&w, &text);
        jw_obj(&w);
        tuning_json(all, ALL, &d, &w);
        jw_obj_end(&w);
        ck_ok(jw_end(&w, "dials", &err));
        ck_assert(i || strstr(room, "\"gain\":0.3,"));
        jr_init(&r, buf_str(&text), &arena);
        ck_assert(jr_obj(&r));
        while (jr_key(&r, &key)) {
            double value;
            ck_assert(jr_double(&r, &value));
            ck_ok(tuning_put(all, ALL, &read, key, value, &err));
        }
        ck_ok(jr_end(&r, &err));
        ck_assert(tuning_equal(all, ALL, &d, &read));
        arena_release(&arena);
    }
}
END_TEST

START_TEST(what_is_wrong_is_named_and_sets_nothing)
{
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "no parameter ''"},
               {"=1", "no parameter ''"},
               {"pace=1", "no parameter 'pace'"},
               {"gain", "gain: "},
               {"gain=", "gain: "},
               {"gain=x", "gain: "},
               {"gain=nan", "gain: "},
               {"gain=2.1", "gain: not between -0.1 and 2"},
               {"keep=0", "keep: not between"},
               {"keep=1e9", "keep: not between"},
               {"seed=-1", "seed: not between"},
               {"binary=2", "binary: not between"}};
    struct dials d = {.gain = 1, .keep = 2, .seed = 3, .guard = GUARD};
    const struct dials before = d;
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_err(tuning_set(all, ALL, &d, str_of(bad[i].text), &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, bad[i].says), "%s: %s", bad[i].text, err.msg);
        ck_assert(tuning_equal(all, ALL, &d, &before) && d.guard == GUARD);
    }
}
END_TEST

SUITE("tuning", each_name_sets_its_own_field, what_is_written_is_read_as_the_same,
      what_is_wrong_is_named_and_sets_nothing)
