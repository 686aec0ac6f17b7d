#include "support/suite.h"

#include <stdio.h>

#include "base/rng.h"
#include "http/target.h"

static struct arena arena;
static struct http_target target;

static int parse(const char *raw)
{
    arena_release(&arena);
    arena_init(&arena, 0, 1 << 20);
    enum http_method method = raw[0] == '*' ? HTTP_OPTIONS : HTTP_GET;
    return http_target_parse(str_of(raw), method, &arena, &target).status;
}

START_TEST(a_path_is_cut_before_it_is_decoded)
{
    ck_assert_int_eq(parse("/v1/products/A%2FB%20%E4%BD%A0"), 0);
    ck_assert_uint_eq(target.n_segments, 3);
    ck_assert(str_is(target.segments[0], "v1"));
    ck_assert(str_is(target.segments[2], "A/B \xe4\xbd\xa0"));
    ck_assert_int_eq(parse("/a//b/"), 0);
    ck_assert_uint_eq(target.n_segments, 4);
    ck_assert_uint_eq(target.segments[1].n + target.segments[3].n, 0);
    ck_assert_int_eq(parse("/"), 0);
    ck_assert_uint_eq(target.n_segments, 1);
}
END_TEST

START_TEST(a_query_is_pairs_in_order)
{
    ck_assert_int_eq(parse("/s?q=red+kettle&q=a%3Db&flag&&x={1|2}&e="), 0);
    static const char *const want[][2] = {
        {"q", "red kettle"}, {"q", "a=b"}, {"flag", ""}, {"x", "{1|2}"}, {"e", ""}};
    ck_assert_uint_eq(target.n_params, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert(str_is(target.params[i].name, want[i][0]));
        ck_assert(str_is(target.params[i].value, want[i][1]));
    }
    ck_assert(str_is(target.path, "/s"));
}
END_TEST

START_TEST(absolute_and_asterisk_forms_are_read)
{
    ck_assert_int_eq(parse("http://shop.example:80/a?b=c"), 0);
    ck_assert(str_is(target.authority, "shop.example:80"));
    ck_assert(str_is(target.path, "/a"));
    ck_assert_int_eq(parse("https://shop.example?b=c"), 0);
    ck_assert(str_is(target.path, "/"));
    ck_assert_uint_eq(target.n_params, 1);
    ck_assert_int_eq(parse("*"), 0);
    ck_assert(target.asterisk);
    ck_assert_int_eq(http_target_parse(STR_LIT("*"), HTTP_GET, &arena, &target).status, 400);
}
END_TEST

START_TEST(what_could_mean_two_things_is_refused)
{
    static const char *const bad[] = {
        "a",           "/%",         "/%4",        "/%zz",        "/%00",    "/a/../b",
        "/a/%2e%2E/b", "/.",         "/..",        "/a/./b",      "/%ff",    "/?q=%",
        "/?q=%00",     "/?%f0%80=1", "/a\\b",      "ftp://h/",    "http://", "http:/x",
        "http:///",    "//..",       "/?q=%C0%80", "http://u@h/",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(parse(bad[i]) == 400, "%s", bad[i]);
}
END_TEST

START_TEST(segments_and_parameters_are_capped)
{
    char raw[1024] = "";
    for (size_t i = 0; i < HTTP_MAX_SEGMENTS; i++)
        memcpy(raw + 2 * i, "/a", 3);
    ck_assert_int_eq(parse(raw), 0);
    memcpy(raw + strlen(raw), "/a", 3);
    ck_assert_int_eq(parse(raw), 414);
    memcpy(raw, "/?", 3);
    for (size_t i = 0; i < HTTP_MAX_PARAMS; i++)
        memcpy(raw + 2 + 2 * i, "a&", 3);
    ck_assert_int_eq(parse(raw), 0);
    memcpy(raw + strlen(raw), "a", 2);
    ck_assert_int_eq(parse(raw), 414);
}
END_TEST

START_TEST(what_is_encoded_comes_back)
{
    struct rng rng;
    rng_init(&rng, 11);
    for (int round = 0; round < 2000; round++) {
        char plain[64], raw[256] = "/?k=";
        size_t n = 0, at = 4;
        while (n < 40) {
            char c[4];
            uint32_t cp = 1 + (uint32_t)rng_below(&rng, rng_below(&rng, 2) ? 126 : 0xd000);
            size_t step = str_utf8_put(cp, c);
            memcpy(plain + n, c, step);
            n += step;
            for (size_t i = 0; i < step; i++)
                at += (size_t)snprintf(raw + at, sizeof raw - at, "%%%02x", (unsigned char)c[i]);
        }
        ck_assert_int_eq(parse(raw), 0);
        ck_assert(str_eq(target.params[0].value, (struct str){plain, n}));
    }
}
END_TEST

SUITE("target", a_path_is_cut_before_it_is_decoded, a_query_is_pairs_in_order,
      absolute_and_asterisk_forms_are_read, what_could_mean_two_things_is_refused,
      segments_and_parameters_are_capped, what_is_encoded_comes_back)
