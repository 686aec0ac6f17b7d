#include "support/suite.h"

#include "text/detect.h"

static void expect(const char *text, const char *want)
{
    const char *got = text_language_code(text_detect(str_of(text)));
    ck_assert_msg(str_is(str_of(got), want), "%s: %s", text, got);
}

START_TEST(chinese_titles_with_latin_brands_are_chinese)
{
    expect("运动鞋", "zh");
    expect("運動鞋 男", "zh");
    expect("Apple iPhone 15 Pro Max 官方正品 全网通", "zh");
    expect("鲜の果 苹果礼盒", "zh");
}
END_TEST

START_TEST(plain_latin_letters_are_english)
{
    expect("Women's running shoes, size 38", "en");
    expect("Crème brûlée torch", "en");
    expect("WH-1000XM4", "en");
}
END_TEST

START_TEST(everything_else_is_neither)
{
    expect("", "");
    expect("123 456 !?", "");
    expect("😀😀", "");
    expect("кухонный стол", "");
    expect("ワイヤレスイヤホン 防水", "");
    expect("한국어 운동화", "");
    expect("\xff\xfe\xff", "");
}
END_TEST

START_TEST(only_the_beginning_of_a_long_text_counts)
{
    static char text[4096];
    memset(text, 'a', sizeof text);
    memcpy(text + 2048, "运动鞋运动鞋", 18);
    ck_assert_int_eq(text_detect((struct str){text, sizeof text}), TEXT_LANGUAGE_EN);
    ck_assert_int_eq(text_detect((struct str){text + 2048, 2048}), TEXT_LANGUAGE_EN);
    ck_assert_int_eq(text_detect((struct str){text + 2048, 100}), TEXT_LANGUAGE_EN);
    ck_assert_int_eq(text_detect((struct str){text + 2048, 50}), TEXT_LANGUAGE_ZH);
}
END_TEST

SUITE("detect", chinese_titles_with_latin_brands_are_chinese, plain_latin_letters_are_english,
      everything_else_is_neither, only_the_beginning_of_a_long_text_counts)
