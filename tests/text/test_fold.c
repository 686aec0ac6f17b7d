#include "support/suite.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include "base/rng.h"
#include "text/fold.h"

enum { MAX_CHARS = 24, MAX_UNITS = 1024, MAX_BYTES = 3 * MAX_UNITS };

static struct buf folded(struct str s)
{
    struct err err;
    struct buf out;
    buf_init(&out, 1 << 20);
    ck_ok(text_fold(s, &out, &err));
    return out;
}

static void expect(const char *given, const char *want)
{
    struct buf out = folded(str_of(given));
    ck_assert_msg(str_is(buf_str(&out), want), "%s: got %s, want %s", given,
                  out.data ? out.data : "", want);
    buf_release(&out);
}

START_TEST(width_case_and_compatibility_forms_go)
{
    expect("", "");
    expect("Hello, World!", "hello, world!");
    expect("ＡＢＣ１２３！", "abc123!");
    expect("ﬃ ㎏ ① ㊗ ½", "ffi kg 1 祝 1⁄2");
    expect("straße İstanbul ΣΊΣΥΦΟΣ", "strasse istanbul σίσυφοσ");
    expect("so\u00adft zero\u200bwidth", "soft zerowidth");
    expect("ｶﾞﾗｽ", "ガラス");
    expect("𝐒𝐀𝐋𝐄", "sale");
}
END_TEST

START_TEST(latin_letters_lose_their_accents_and_others_keep_theirs)
{
    expect("Crème Brûlée", "creme brulee");
    expect("cre\u0300me bru\u0302le\u0301e", "creme brulee");
    expect("Łódź Ærø Đorđe þing œuvre Ħ ı", "lodz aero dorde thing oeuvre h i");
    expect("Việt ǖ ḕ q\u0323\u0307", "viet u e q");
    expect("йод ά が", "йод ά が");
    expect("и\u0306од", "йод");
}
END_TEST

START_TEST(digits_hyphens_and_apostrophes_have_one_form)
{
    expect("٣٤ ३ ๕", "34 3 5");
    expect("Levi’s Levi‘s 10–20 −5 non‑stop", "levi's levi's 10-20 -5 non-stop");
}
END_TEST

START_TEST(traditional_characters_become_simplified)
{
    expect("運動鞋 手機殼 電腦", "运动鞋 手机壳 电脑");
    expect("後面 皇后 頭髮 發展 麵包 面子", "后面 皇后 头发 发展 面包 面子");
    expect("餅乾 干果 乾隆", "饼干 干果 干隆");
    expect("看著 着急 著名", "看着 着急 着名");
    expect("甚麼 什麽 裡面 裏面 這裡", "甚么 什么 里面 里面 这里");
    expect("臺灣 檯燈 颱風 一台", "台湾 台灯 台风 一台");
    expect("摺疊傘 瞭解 憑藉 複製 復古 覆蓋", "折叠伞 了解 凭借 复制 复古 复盖");
    expect("粽子 糉子 唇膏 脣膏 雞蛋 鷄蛋", "粽子 粽子 唇膏 唇膏 鸡蛋 鸡蛋");
    expect("時鐘 鍾愛 隻 衹有", "时钟 钟爱 只 只有");
    expect("中文简体不变", "中文简体不变");
}
END_TEST

START_TEST(each_broken_byte_becomes_a_replacement_character)
{
    expect("a\xffz", "a\ufffdz");
    expect("\xe4\xbd", "\ufffd\ufffd");
    expect("\xc0\x80\xed\xa0\x80", "\ufffd\ufffd\ufffd\ufffd\ufffd");
}
END_TEST

START_TEST(a_full_buffer_is_an_error)
{
    struct err err;
    struct buf out;
    buf_init(&out, 3);
    ck_err(text_fold(STR_LIT("abcd"), &out, &err), ERR_LIMIT);
    buf_release(&out);
}
END_TEST

/* --- against ICU ----------------------------------------------------------------------------- */

static const UNormalizer2 *form(const UNormalizer2 *(*get)(UErrorCode *))
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *n = get(&status);
    ck_assert(U_SUCCESS(status));
    return n;
}

static int32_t normalise(const UNormalizer2 *n, const UChar *in, int32_t len, UChar *out)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t got = unorm2_normalize(n, in, len, out, MAX_UNITS, &status);
    ck_assert(U_SUCCESS(status));
    return got;
}

/* The whole text at once: NFKC_Casefold, then Latin marks off by way of NFD. Returns bytes in
 * out. */
static size_t fold_by_icu(struct str s, char out[MAX_BYTES])
{
    static UChar a[MAX_UNITS], b[MAX_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n, kept = 0, bytes = 0;
    u_strFromUTF8(a, MAX_UNITS, &n, s.p, (int32_t)s.n, &status);
    ck_assert(U_SUCCESS(status));
    n = normalise(form(unorm2_getNFKCCasefoldInstance), a, n, b);
    n = normalise(form(unorm2_getNFDInstance), b, n, a);
    bool latin = false;
    for (int32_t i = 0; i < n;) {
        UChar32 c;
        U16_NEXT(a, i, n, c);
        if (u_getCombiningClass(c) == 0)
            latin = uscript_getScript(c, &status) == USCRIPT_LATIN;
        else if (latin)
            continue;
        U16_APPEND_UNSAFE(a, kept, c);
    }
    n = normalise(form(unorm2_getNFCInstance), a, kept, b);
    u_strToUTF8(out, MAX_BYTES, &bytes, b, n, &status);
    ck_assert(U_SUCCESS(status));
    return (size_t)bytes;
}

START_TEST(what_icu_does_not_say_of_a_character_is_han_a_digit_or_listed)
{
    static const char *const listed = "æœøđðþłħıŧŋĸ‐‑‒–−`ʼ‘’‛′";
    char utf8[4], by_icu[MAX_BYTES];
    struct err err;
    struct buf out;
    buf_init(&out, 256);
    size_t differ = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (U_IS_SURROGATE(c))
            continue;
        struct str s = {utf8, str_utf8_put(c, utf8)};
        struct str want = {by_icu, fold_by_icu(s, by_icu)};
        buf_reset(&out);
        ck_ok(text_fold(s, &out, &err));
        if (str_eq(buf_str(&out), want))
            continue;
        differ++;
        for (size_t at = 0, n; at < want.n; at += n) {
            uint32_t w;
            char one[4];
            n = str_utf8_next(want.p + at, want.n - at, &w);
            struct str w_str = {one, str_utf8_put(w, one)};
            bool same = str_search(buf_str(&out), w_str) != SIZE_MAX;
            bool known = u_charType((UChar32)w) == U_DECIMAL_DIGIT_NUMBER ||
                         uscript_hasScript((UChar32)w, USCRIPT_HAN) ||
                         str_search(str_of(listed), w_str) != SIZE_MAX;
            ck_assert_msg(same || known, "U+%04X", c);
        }
    }
    ck_assert_uint_gt(differ, 6000);
    buf_release(&out);
}
END_TEST

/* A character of a random script, marks and joiners often. */
static uint32_t random_char(struct rng *rng)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x20, 0x7e},       {0x20, 0x7e},       {0xa0, 0x24f},      {0x300, 0x36f},
                  {0x300, 0x315},     {0x370, 0x3ff},     {0x400, 0x4ff},     {0x590, 0x5ff},
                  {0x600, 0x6ff},     {0x900, 0x9ff},     {0xe00, 0xe7f},     {0x1100, 0x11ff},
                  {0x1e00, 0x1fff},   {0x2000, 0x20ff},   {0x2100, 0x218f},   {0x3000, 0x30ff},
                  {0x3099, 0x309a},   {0x3300, 0x33ff},   {0x4e00, 0x9fff},   {0xac00, 0xd7a3},
                  {0xf900, 0xfaff},   {0xfb00, 0xfb4f},   {0xfe00, 0xfe0f},   {0xff00, 0xffef},
                  {0x1d100, 0x1d1ff}, {0x1d400, 0x1d7ff}, {0x1f300, 0x1f6ff}, {0x20000, 0x2a6df}};
    size_t i = (size_t)rng_below(rng, sizeof ranges / sizeof *ranges);
    return ranges[i].first + (uint32_t)rng_below(rng, ranges[i].last - ranges[i].first + 1);
}

static struct str random_text(struct rng *rng, char out[4 * MAX_CHARS])
{
    size_t n = 0, chars = (size_t)rng_below(rng, MAX_CHARS + 1);
    for (size_t i = 0; i < chars; i++)
        n += str_utf8_put(random_char(rng), out + n);
    return (struct str){out, n};
}

START_TEST(texts_fold_as_icu_folds_them_whole_and_then_each_character)
{
    struct rng rng;
    rng_init(&rng, 1);
    struct err err;
    struct buf got, want;
    buf_init(&got, MAX_BYTES);
    buf_init(&want, MAX_BYTES);
    for (int round = 0; round < 40000; round++) {
        char text[4 * MAX_CHARS], by_icu[MAX_BYTES];
        struct str s = random_text(&rng, text), whole = {by_icu, fold_by_icu(s, by_icu)};
        buf_reset(&got);
        buf_reset(&want);
        ck_ok(text_fold(s, &got, &err));
        for (size_t at = 0, n; at < whole.n; at += n) {
            n = str_utf8_next(whole.p + at, whole.n - at, NULL);
            ck_ok(text_fold((struct str){whole.p + at, n}, &want, &err));
        }
        ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%.*s: got %.*s, want %.*s",
                      STR_ARG(s), STR_ARG(buf_str(&got)), STR_ARG(buf_str(&want)));
    }
    buf_release(&got);
    buf_release(&want);
}
END_TEST

static void expect_stable(struct str s)
{
    struct buf once = folded(s), twice = folded(buf_str(&once));
    ck_assert(str_utf8_valid(buf_str(&once), NULL));
    ck_assert_msg(str_eq(buf_str(&once), buf_str(&twice)), "%.*s", STR_ARG(s));
    buf_release(&once);
    buf_release(&twice);
}

START_TEST(folding_twice_changes_nothing_more)
{
    struct rng rng;
    rng_init(&rng, 2);
    for (int round = 0; round < 20000; round++) {
        char text[4 * MAX_CHARS], bytes[MAX_CHARS];
        expect_stable(random_text(&rng, text));
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)rng_u64(&rng);
        expect_stable((struct str){bytes, sizeof bytes});
    }
}
END_TEST

START_TEST(hundreds_of_marks_on_one_letter_stay_stable_and_short)
{
    static const char *const bases[] = {"a", "α", "か", "", "ﷺ"};
    struct rng rng;
    rng_init(&rng, 3);
    for (int round = 0; round < 500; round++) {
        char text[2048];
        const char *base = bases[round % 5];
        size_t n = strlen(base);
        memcpy(text, base, n);
        for (int i = 0; i < 600; i++)
            n += str_utf8_put(0x300 + (uint32_t)rng_below(&rng, 0x45), text + n);
        expect_stable((struct str){text, n});
        struct buf out = folded((struct str){text, n});
        ck_assert_uint_le(out.len, 32 * 4);
        buf_release(&out);
    }
}
END_TEST

SUITE("fold", width_case_and_compatibility_forms_go,
      latin_letters_lose_their_accents_and_others_keep_theirs,
      digits_hyphens_and_apostrophes_have_one_form, traditional_characters_become_simplified,
      each_broken_byte_becomes_a_replacement_character, a_full_buffer_is_an_error,
      what_icu_does_not_say_of_a_character_is_han_a_digit_or_listed,
      texts_fold_as_icu_folds_them_whole_and_then_each_character,
      folding_twice_changes_nothing_more, hundreds_of_marks_on_one_letter_stay_stable_and_short)
