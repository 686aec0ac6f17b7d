#include "support/suite.h"

#include "base/str.h"

START_TEST(utf8_decodes_what_it_encodes)
{
    char out[4];
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        uint32_t back;
        size_t n = str_utf8_put(cp, out);
        ck_assert_uint_eq(str_utf8_next(out, n, &back), n);
        ck_assert_uint_eq(back, cp);
        for (size_t cut = 0; cut < n; cut++)
            ck_assert_uint_eq(str_utf8_next(out, cut, &back), 0);
    }
}
END_TEST

START_TEST(utf8_refuses_overlong_surrogates_and_above_10ffff)
{
    static const char *const bad[] = {"\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\x80",
                                      "\xbf",
                                      "\xff",
                                      "\xc3(",
                                      "\xe4\xbd("};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_uint_eq(str_utf8_next(bad[i], strlen(bad[i]), NULL), 0);
}
END_TEST

START_TEST(floor_never_splits_a_character)
{
    const char *s = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80z";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t at = 0; at <= 11; at++)
        ck_assert_uint_eq(str_utf8_floor(s, 11, at), want[at]);
}
END_TEST

START_TEST(integers_parse_to_their_limits_and_no_further)
{
    struct err err;
    int64_t v;
    ck_ok(str_parse_i64(STR_LIT("9223372036854775807"), INT64_MIN, INT64_MAX, &v, &err));
    ck_assert(v == INT64_MAX);
    ck_ok(str_parse_i64(STR_LIT("-9223372036854775808"), INT64_MIN, INT64_MAX, &v, &err));
    ck_assert(v == INT64_MIN);
    static const char *const bad[] = {
        "9223372036854775808",    "-9223372036854775809", "", "-", "+1", " 1", "1 ", "1.0", "0x1",
        "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(str_parse_i64(str_of(bad[i]), INT64_MIN, INT64_MAX, &v, &err), ERR_INVALID);
    ck_err(str_parse_i64(STR_LIT("11"), 0, 10, &v, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "11 is not between 0 and 10");
}
END_TEST

START_TEST(doubles_follow_the_json_grammar)
{
    struct err err;
    double v;
    ck_ok(str_parse_double(STR_LIT("-12.5e-1"), &v, &err));
    ck_assert_double_eq(v, -1.25);
    static const char *const bad[] = {"",   "nan", "inf",  "1e999", "+1",
                                      ".5", "5.",  "0x10", "1e",    "1,5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(str_parse_double(str_of(bad[i]), &v, &err), ERR_INVALID);
}
END_TEST

START_TEST(distance_counts_a_transposition_as_one)
{
    ck_assert_uint_eq(str_distance(STR_LIT("port"), STR_LIT("prot"), 9), 1);
    ck_assert_uint_eq(str_distance(STR_LIT("kitten"), STR_LIT("sitting"), 9), 3);
    ck_assert_uint_eq(str_distance(STR_LIT(""), STR_LIT("abc"), 9), 3);
    ck_assert_uint_eq(str_distance(STR_LIT("abc"), STR_LIT("xyz"), 2), 2);
}
END_TEST

START_TEST(split_walks_every_piece_empty_ones_included)
{
    struct str rest = STR_LIT("a,,b,");
    const char *want[] = {"a", "", "b", ""};
    size_t n = 0;
    while (rest.p) {
        struct str piece = str_split(&rest, ',');
        ck_assert(n < 4);
        ck_assert(str_is(piece, want[n++]));
    }
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(an_error_message_is_one_line_and_keeps_characters_whole)
{
    struct err err;
    char long_text[400];
    for (size_t i = 0; i + 3 <= sizeof long_text; i += 3)
        memcpy(long_text + i, "\xe4\xbd\xa0", 3);
    ck_err(err_set(&err, ERR_INVALID, "x\n%.*s", 399, long_text), ERR_INVALID);
    ck_assert(str_utf8_valid(str_of(err.msg), NULL));
    ck_assert_int_eq(err.msg[1], '?');
    ck_err(err_prefix(&err, err.code, "file.csv:%d", 7), ERR_INVALID);
    ck_assert(str_starts(str_of(err.msg), STR_LIT("file.csv:7: x?")));
    ck_assert(str_utf8_valid(str_of(err.msg), NULL));
}
END_TEST

SUITE("str", utf8_decodes_what_it_encodes, utf8_refuses_overlong_surrogates_and_above_10ffff,
      floor_never_splits_a_character, integers_parse_to_their_limits_and_no_further,
      doubles_follow_the_json_grammar, distance_counts_a_transposition_as_one,
      split_walks_every_piece_empty_ones_included,
      an_error_message_is_one_line_and_keeps_characters_whole)
