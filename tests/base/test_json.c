#include "support/suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/json_oracle.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/rng.h"

/* --- reader ---------------------------------------------------------------------------------- */

static const char *const texts[] = {
    /* good */
    "null",
    " true ",
    "false\n",
    "0",
    "-0",
    "-0.0",
    "1e5",
    "1E+5",
    "1.5e-3",
    "12345678901234567890",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "0.1",
    "123456789012345.6",
    "9007199254740993",
    "1e22",
    "1e23",
    "4.9e-324",
    "2.2250738585072011e-308",
    "1e-400",
    "\"\"",
    "\"abc\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u00e9\\u4f60\\ud83d\\ude00\"",
    "\"\x7f\"",
    "\"\xe4\xbd\xa0\xe5\xa5\xbd, 0123456789abcdef\"",
    "[]",
    "{}",
    "[1,2,[3]]",
    "{\"a\":{\"b\":[]}}",
    "{\"a\":1,\"a\":2}",
    "{\"\\u0061\":1}",
    "{\"\":0}",
    "[ 1 , 2 ]",
    "[\"\xf4\x8f\xbf\xbf\"]",
    /* bad */
    "",
    " ",
    "nul",
    "nulll",
    "truex",
    "True",
    "01",
    "-01",
    "1.",
    ".5",
    "+1",
    "-",
    "1e",
    "1e+",
    "0x10",
    "1.e5",
    "NaN",
    "Infinity",
    "1e999",
    "\"",
    "\"\\",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\"",
    "\"\\ud800\\ue000\"",
    "\"\\u0000\"",
    "\"\t\"",
    "\"\n\"",
    "\"\x80\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\"\xe4\xbd\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "[1]2",
    "1 2",
    "/**/1",
    "\xef\xbb\xbf{}",
    "[\"a\\\xc3\xa9\"]",
};

START_TEST(known_texts_are_read_as_jansson_reads_them)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *why = oracle_differs(str_of(texts[i]));
        ck_assert_msg(!why, "%s: %s", why, texts[i]);
    }
}
END_TEST

static void random_value(struct json_writer *w, struct rng *rng, unsigned depth)
{
    static const char *const words[] = {"",
                                        "id",
                                        "a\"b\\c\n",
                                        "\xe4\xbd\xa0\xe5\xa5\xbd",
                                        "\xf0\x9f\x98\x80x",
                                        "a long plain text of more than thirty-two bytes"};
    uint64_t n = rng_below(rng, 4);
    switch (rng_below(rng, depth > 5 ? 6 : 8)) {
    case 0:
        jw_null(w);
        break;
    case 1:
        jw_bool(w, rng_below(rng, 2));
        break;
    case 2:
        jw_i64(w, (int64_t)(rng_u64(rng) >> rng_below(rng, 64)));
        break;
    case 3:
        jw_double(w, rng_normal(rng) * pow(10, (double)rng_below(rng, 40) - 20));
        break;
    case 4:
    case 5:
        jw_str(w, str_of(words[rng_below(rng, 6)]));
        break;
    case 6:
        jw_arr(w);
        while (n-- > 0)
            random_value(w, rng, depth + 1);
        jw_arr_end(w);
        break;
    default:
        jw_obj(w);
        while (n-- > 0) {
            jw_key(w, str_of(words[rng_below(rng, 6)]));
            random_value(w, rng, depth + 1);
        }
        jw_obj_end(w);
        break;
    }
}

START_TEST(mutated_texts_are_read_as_jansson_reads_them)
{
    struct buf b = {.max = 1 << 20};
    struct json_writer w;
    struct rng rng;
    rng_init(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        buf_reset(&b);
        jw_init(&w, &b);
        random_value(&w, &rng, 0);
        const char *why = oracle_differs(buf_str(&b));
        ck_assert_msg(!why, "%s: %s", why, b.data);
        for (int k = 0; k < 3 && b.len > 0; k++) {
            static const char bytes[] = "{}[],:\"\\ue0129.- \n\x80\xe4nt";
            b.data[rng_below(&rng, b.len)] = bytes[rng_below(&rng, sizeof bytes)];
            why = oracle_differs(buf_str(&b));
            ck_assert_msg(!why, "%s: %s", why, b.data);
        }
        buf_truncate(&b, (size_t)rng_below(&rng, b.len + 1));
        why = oracle_differs(buf_str(&b));
        ck_assert_msg(!why, "%s: %s", why, b.data);
    }
    buf_release(&b);
}
END_TEST

START_TEST(a_batch_without_escapes_is_read_without_allocation)
{
    struct err err;
    struct arena arena;
    struct json_reader r;
    arena_init(&arena, 0, 1 << 20);
    long calls = mem_try_calls();
    jr_init(&r,
            STR_LIT("{\"events\":[{\"id\":\"e1\",\"n\":3,\"x\":[1,{\"y\":null}]},"
                    "{\"id\":\"\xe4\xbd\xa0\",\"n\":4}]}"),
            &arena);
    struct str key, id = {0};
    int64_t n, sum = 0;
    ck_assert(jr_obj(&r));
    while (jr_key(&r, &key)) {
        ck_assert(str_is(key, "events"));
        for (jr_arr(&r); jr_next(&r);) {
            jr_obj(&r);
            while (jr_key(&r, &key)) {
                if (str_is(key, "id"))
                    jr_str(&r, &id);
                else if (str_is(key, "n") && jr_i64(&r, 0, 10, &n))
                    sum += n;
            }
        }
    }
    ck_ok(jr_end(&r, &err));
    ck_assert_int_eq(sum, 7);
    ck_assert(str_is(id, "\xe4\xbd\xa0"));
    ck_assert_int_eq(mem_try_calls(), calls);
    ck_assert_uint_eq(arena.used_bytes, 0);
    arena_release(&arena);
}
END_TEST

START_TEST(a_failure_names_line_and_column_and_sticks)
{
    struct err err;
    struct json_reader r;
    struct str key, s;
    jr_init(&r, STR_LIT("{\n  \"id\": 12,\n  \"n\": 1 }"), NULL);
    ck_assert(jr_obj(&r) && jr_key(&r, &key));
    ck_assert(!jr_str(&r, &s));
    ck_assert(!jr_key(&r, &key));
    ck_assert(!jr_skip(&r));
    ck_err(jr_end(&r, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "2:9: expected a string, found a number");

    int64_t n;
    jr_init(&r, STR_LIT("[1, 200]"), NULL);
    r.first_line = 41;
    jr_arr(&r);
    while (jr_next(&r))
        jr_i64(&r, 0, 100, &n);
    ck_err(jr_end(&r, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "41:5: 200 is not between 0 and 100");

    jr_init(&r, STR_LIT("[1, 2"), NULL);
    ck_err(jr_end(&r, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "1:6: the text ends where ',' or ']' was expected");
}
END_TEST

START_TEST(one_bad_element_does_not_spoil_the_batch)
{
    struct err err, why;
    struct json_reader r;
    struct str key;
    int64_t n, sum = 0;
    unsigned bad = 0;
    jr_init(&r, STR_LIT("[{\"n\":1}, {\"n\":\"x\",\"m\":[1,2]}, 5, {\"n\":[{}]}, {\"n\":2}]"),
            NULL);
    for (jr_arr(&r); jr_next(&r);) {
        struct jr_mark mark = jr_mark(&r);
        if (jr_obj(&r))
            while (jr_key(&r, &key))
                if (jr_i64(&r, 0, 9, &n))
                    sum += n;
        if (r.failed) {
            ck_assert(jr_recover(&r, mark, &why));
            bad++;
        }
    }
    ck_ok(jr_end(&r, &err));
    ck_assert_int_eq(sum, 3);
    ck_assert_uint_eq(bad, 3);

    jr_init(&r, STR_LIT("[{\"n\":\"x\",}]"), NULL);
    jr_arr(&r);
    ck_assert(jr_next(&r));
    struct jr_mark mark = jr_mark(&r);
    jr_obj(&r);
    jr_key(&r, &key);
    ck_assert(!jr_i64(&r, 0, 9, &n));
    ck_assert(!jr_recover(&r, mark, &why));
    ck_err(jr_end(&r, &err), ERR_INVALID);
}
END_TEST

START_TEST(known_keys_come_in_any_order_but_only_once)
{
    static const char *const names[] = {"id", "title", "price"};
    struct err err;
    struct json_reader r;
    struct str s, got[3] = {{0}};
    struct jr_fields f = {.names = names, .n = 3};
    jr_init(&r, STR_LIT("{\"price\":\"3\",\"other\":{\"id\":1},\"id\":\"1\",\"title\":\"2\"}"),
            NULL);
    jr_obj(&r);
    for (int i; (i = jr_field(&r, &f)) >= 0;)
        jr_str(&r, &got[i]);
    ck_ok(jr_end(&r, &err));
    ck_assert(str_is(got[0], "1") && str_is(got[1], "2") && str_is(got[2], "3"));
    ck_assert_uint_eq(f.seen, 7);

    f = (struct jr_fields){.names = names, .n = 3};
    jr_init(&r, STR_LIT("{\"id\":\"1\",\"id\":\"2\"}"), NULL);
    jr_obj(&r);
    while (jr_field(&r, &f) >= 0)
        jr_str(&r, &s);
    ck_err(jr_end(&r, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "'id' comes twice"));

    f = (struct jr_fields){.names = names, .n = 3, .strict = true};
    jr_init(&r, STR_LIT("{\"titel\":\"1\"}"), NULL);
    jr_obj(&r);
    ck_assert_int_eq(jr_field(&r, &f), -1);
    ck_err(jr_end(&r, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "did you mean 'title'?"));
}
END_TEST

START_TEST(depth_arena_and_text_have_caps)
{
    struct err err;
    struct json_reader r;
    struct arena arena;
    struct str s;
    char deep[2 * (JR_DEPTH_MAX + 1)];
    memset(deep, '[', JR_DEPTH_MAX + 1);
    memset(deep + JR_DEPTH_MAX + 1, ']', JR_DEPTH_MAX + 1);
    jr_init(&r, (struct str){deep, sizeof deep}, NULL);
    ck_err(jr_end(&r, &err), ERR_LIMIT);
    jr_init(&r, (struct str){deep + 1, sizeof deep - 2}, NULL);
    ck_ok(jr_end(&r, &err));

    arena_init(&arena, 0, 16);
    jr_init(&r, STR_LIT("\"0123456789abcdef\\n\""), &arena);
    ck_assert(!jr_str(&r, &s));
    ck_err(jr_end(&r, &err), ERR_LIMIT);
    mem_fail_at(1);
    jr_init(&r, STR_LIT("\"\\n\""), &arena);
    ck_assert(!jr_str(&r, &s));
    ck_err(jr_end(&r, &err), ERR_LIMIT);
    mem_fail_at(0);
    arena_release(&arena);

    char digits[JR_NUMBER_MAX + 1];
    double d;
    memset(digits, '1', sizeof digits);
    jr_init(&r, (struct str){digits, sizeof digits}, NULL);
    ck_assert(!jr_double(&r, &d));
    ck_err(jr_end(&r, &err), ERR_LIMIT);
    digits[1] = '.';
    jr_init(&r, (struct str){digits, sizeof digits - 1}, NULL);
    ck_assert(jr_double(&r, &d));
    ck_assert_double_eq(d, 10.0 / 9);

    jr_init(&r, STR_LIT("\"12345\""), NULL);
    ck_assert(!jr_str_max(&r, 4, &s));
    ck_err(jr_end(&r, &err), ERR_LIMIT);
}
END_TEST

START_TEST(money_keeps_its_decimal_text_and_whole_numbers_may_have_a_zero_fraction)
{
    struct err err;
    struct json_reader r;
    struct str s;
    int64_t n;
    jr_init(&r, STR_LIT("[0.10, 3.00, 3.5]"), NULL);
    jr_arr(&r);
    ck_assert(jr_next(&r) && jr_number(&r, &s));
    ck_assert(str_is(s, "0.10"));
    ck_assert(jr_next(&r) && jr_i64(&r, 0, 9, &n));
    ck_assert_int_eq(n, 3);
    ck_assert(jr_next(&r) && !jr_i64(&r, 0, 9, &n));
    ck_err(jr_end(&r, &err), ERR_INVALID);
}
END_TEST

START_TEST(lines_are_counted_and_blank_ones_skipped)
{
    struct str rest = STR_LIT("{}\r\n\n  \n[1]\n2"), line;
    static const char *const want[] = {"{}", "[1]", "2"};
    static const unsigned numbers[] = {1, 4, 5};
    unsigned no = 0;
    size_t i = 0;
    for (; jr_next_line(&rest, &line, &no); i++) {
        ck_assert(i < 3 && str_is(line, want[i]));
        ck_assert_uint_eq(no, numbers[i]);
    }
    ck_assert_uint_eq(i, 3);
}
END_TEST

START_TEST(the_rest_of_a_container_can_be_left_and_a_value_taken_raw)
{
    struct err err;
    struct json_reader r;
    struct str raw;
    jr_init(&r, STR_LIT("[[1, {\"a\": [2]}, 3], {\"k\" : 4} ]"), NULL);
    jr_arr(&r);
    ck_assert(jr_next(&r) && jr_arr(&r) && jr_next(&r));
    ck_assert(jr_leave(&r));
    ck_assert(jr_next(&r) && jr_raw(&r, &raw));
    ck_assert(str_is(raw, "{\"k\" : 4}"));
    ck_assert(!jr_next(&r));
    ck_ok(jr_end(&r, &err));
}
END_TEST

/* --- writer ---------------------------------------------------------------------------------- */

START_TEST(a_document_is_written_as_it_was_called)
{
    struct err err;
    struct buf b = {.max = 1000};
    struct json_writer w;
    jw_init(&w, &b);
    jw_obj(&w);
    JW_Z(&w, "a", "x\"y\\\x01\n");
    JW_I64(&w, "b", INT64_MIN);
    JW_U64(&w, "c", UINT64_MAX);
    JW_ARR(&w, "d");
    jw_bool(&w, true);
    jw_null(&w);
    jw_z(&w, NULL);
    jw_obj(&w);
    jw_obj_end(&w);
    jw_arr_end(&w);
    JW_RAW(&w, "e", STR_LIT("[1]"));
    JW_TIME(&w, "t", 0);
    JW_DOUBLE(&w, "n", NAN);
    jw_obj_end(&w);
    jw_newline(&w);
    jw_arr(&w);
    jw_arr_end(&w);
    ck_ok(jw_end(&w, "reply", &err));
    ck_assert_str_eq(b.data, "{\"a\":\"x\\\"y\\\\\\u0001\\n\",\"b\":-9223372036854775808,"
                             "\"c\":18446744073709551615,\"d\":[true,null,null,{}],\"e\":[1],"
                             "\"t\":\"1970-01-01T00:00:00Z\",\"n\":null}\n[]");
    buf_release(&b);
}
END_TEST

START_TEST(any_double_reads_back_as_itself)
{
    struct buf b = {.max = 1000};
    struct json_writer w;
    struct rng rng;
    static const double edges[] = {0.1,
                                   -0.0,
                                   1e15,
                                   1e16,
                                   1e17,
                                   1e300,
                                   DBL_MAX,
                                   DBL_MIN,
                                   5e-324,
                                   1.0 / 3,
                                   9007199254740993.0,
                                   -1e-7,
                                   123456.75};
    rng_init(&rng, 3);
    for (size_t i = 0; i < 20000; i++) {
        uint64_t bits = rng_u64(&rng);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        if (i < sizeof edges / sizeof *edges)
            v = edges[i];
        if (!isfinite(v))
            continue;
        buf_reset(&b);
        jw_init(&w, &b);
        jw_double(&w, v);
        struct json_reader r;
        jr_init(&r, buf_str(&b), NULL);
        ck_assert(jr_double(&r, &back));
        ck_assert_msg(v == back, "%.17g as %s", v, b.data);
    }
    buf_release(&b);
}
END_TEST

START_TEST(decimals_are_rounded_and_their_zeros_cut)
{
    static const struct {
        double v;
        unsigned places;
        const char *want;
    } cases[] = {{0.5, 3, "0.5"},          {1.0 / 3, 4, "0.3333"},
                 {-2.0 / 3, 2, "-0.67"},   {12, 6, "12"},
                 {-0.001, 2, "0"},         {0, 0, "0"},
                 {1e-9, 9, "0.000000001"}, {99.995, 1, "100"},
                 {10.05, 0, "10"},         {1e20, 2, "1e+20"},
                 {INFINITY, 2, "null"},    {100.25, 9, "100.25"}};
    struct buf b = {.max = 100};
    struct json_writer w;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&b);
        jw_init(&w, &b);
        jw_decimal(&w, cases[i].v, cases[i].places);
        ck_assert_str_eq(b.data, cases[i].want);
    }
    buf_release(&b);
}
END_TEST

/* The obvious way: character by character, U+FFFD for each byte that starts none. */
static void naive_clean(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = str_utf8_next(s.p + i, s.n - i, NULL);
        buf_put(out, n ? s.p + i : "\xef\xbf\xbd", n ? n : 3);
        i += n ? n : 1;
    }
}

START_TEST(any_bytes_become_a_valid_string_with_the_same_characters)
{
    struct buf b = {.max = 10000}, want = {.max = 10000};
    struct json_writer w;
    struct rng rng;
    static const unsigned char some[] = {'a',  ' ',  '"',  '\\', 0x7f, 0x1f, 0xe4, 0xbd,
                                         0xa0, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0xed};
    rng_init(&rng, 5);
    for (int round = 0; round < 20000; round++) {
        char bytes[80];
        size_t n = (size_t)rng_below(&rng, sizeof bytes), odd = (size_t)rng_below(&rng, 10);
        for (size_t i = 0; i < n; i++)
            bytes[i] = rng_below(&rng, 10) < odd ? (char)some[rng_below(&rng, sizeof some)] : 'x';
        buf_reset(&b);
        buf_reset(&want);
        jw_init(&w, &b);
        jw_str(&w, (struct str){bytes, n});
        naive_clean((struct str){bytes, n}, &want);
        json_t *v = json_loadb(b.data, b.len, JSON_DECODE_ANY, NULL);
        ck_assert_msg(v, "%s", b.data);
        ck_assert(
            str_eq((struct str){json_string_value(v), json_string_length(v)}, buf_str(&want)));
        json_decref(v);
    }
    buf_release(&b);
    buf_release(&want);
}
END_TEST

START_TEST(a_full_buffer_is_told_at_the_end)
{
    struct err err;
    struct json_writer w;
    for (size_t max = 0; max < 40; max++) {
        struct buf b = {.max = max};
        jw_init(&w, &b);
        jw_obj(&w);
        JW_STR(&w, "key", STR_LIT("va\"lue"));
        JW_I64(&w, "n", 12345);
        jw_obj_end(&w);
        enum err_code code = jw_end(&w, "the reply", &err);
        ck_assert_int_eq(code,
                         max < strlen("{\"key\":\"va\\\"lue\",\"n\":12345}") ? ERR_LIMIT : ERR_OK);
        ck_assert_uint_le(b.len, max);
        buf_release(&b);
    }
    for (long at = 1;; at++) {
        struct buf b = {.max = 1000};
        mem_fail_at(at);
        jw_init(&w, &b);
        jw_arr(&w);
        for (int i = 0; i < 100; i++)
            jw_i64(&w, i);
        jw_arr_end(&w);
        bool done = !b.full;
        buf_release(&b);
        if (done)
            break;
    }
    mem_fail_at(0);
}
END_TEST

SUITE("json", known_texts_are_read_as_jansson_reads_them,
      mutated_texts_are_read_as_jansson_reads_them,
      a_batch_without_escapes_is_read_without_allocation,
      a_failure_names_line_and_column_and_sticks, one_bad_element_does_not_spoil_the_batch,
      known_keys_come_in_any_order_but_only_once, depth_arena_and_text_have_caps,
      money_keeps_its_decimal_text_and_whole_numbers_may_have_a_zero_fraction,
      lines_are_counted_and_blank_ones_skipped,
      the_rest_of_a_container_can_be_left_and_a_value_taken_raw,
      a_document_is_written_as_it_was_called, any_double_reads_back_as_itself,
      decimals_are_rounded_and_their_zeros_cut,
      any_bytes_become_a_valid_string_with_the_same_characters, a_full_buffer_is_told_at_the_end)
