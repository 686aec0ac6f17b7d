#include "support/suite.h"

#include <libstemmer.h>
#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "text/analyse.h"
#include "text/fold.h"

static struct text_analyser *analyser;

static struct text_tokens analyse(struct str s, unsigned mode)
{
    struct err err;
    struct text_tokens t;
    if (!analyser)
        analyser = text_analyser_new();
    ck_ok(text_analyse(analyser, s, mode, &t, &err));
    return t;
}

/* "term@position", with "+span" where it is not 1, and the letters of its kinds. */
static void render(struct buf *out, const struct text_tokens *t)
{
    static const char kinds[] = "wscnkpj";
    buf_reset(out);
    for (size_t i = 0; i < t->n; i++) {
        const struct text_token *token = &t->items[i];
        buf_printf(out, "%s%.*s@%u", i ? " " : "", STR_ARG(token->term), token->position);
        if (token->span != 1)
            buf_printf(out, "+%u", token->span);
        for (unsigned k = 0; kinds[k]; k++)
            if (token->kind & 1u << k)
                buf_putc(out, kinds[k]);
    }
}

static void expect(const char *text, unsigned mode, const char *want)
{
    struct buf got;
    buf_init(&got, 1 << 20);
    struct text_tokens t = analyse(str_of(text), mode);
    render(&got, &t);
    ck_assert_msg(str_is(buf_str(&got), want), "%s:\n  got  %s\n  want %s", text,
                  got.data ? got.data : "", want);
    buf_release(&got);
}

START_TEST(words_have_stems_and_lose_their_possessive)
{
    expect("", TEXT_INDEX, "");
    expect(" -- !? ", TEXT_INDEX, "");
    expect("Women's Running Shoes", TEXT_INDEX, "women@0w running@1w run@1s shoes@2w shoe@2s");
    expect("Women's Running Shoes", TEXT_NO_STEM, "women@0w running@1w shoes@2w");
    expect("Levi’s O'Neill don't shoes' rock'n'roll", TEXT_NO_STEM,
           "levi@0w oneill@1w dont@2w shoes@3w rocknroll@4w");
    expect("Ελληνικά עברית кухня", TEXT_INDEX, "ελληνικά@0w עברית@1w кухня@2w");
    expect("हिन्दी में", TEXT_INDEX, "हिन्दी@0w में@1w");
}
END_TEST

/* More words than the stemmer remembers, many of them twice. */
START_TEST(stems_are_those_of_snowball)
{
    static const char *const ends[] = {"", "s", "ed", "ing", "ational", "iveness"};
    struct sb_stemmer *snowball = sb_stemmer_new("english", "UTF_8");
    struct rng rng;
    rng_init(&rng, 5);
    for (int round = 0; round < 20000; round++) {
        char word[40];
        size_t n = 3;
        for (size_t i = 0; i < n; i++)
            word[i] = (char)('a' + rng_below(&rng, 12));
        const char *end = ends[rng_below(&rng, sizeof ends / sizeof *ends)];
        memcpy(word + n, end, strlen(end));
        n += strlen(end);
        struct text_tokens t = analyse((struct str){word, n}, TEXT_INDEX);
        const sb_symbol *stem = sb_stemmer_stem(snowball, (const sb_symbol *)word, (int)n);
        struct str want = {(const char *)stem, (size_t)sb_stemmer_length(snowball)};
        ck_assert(str_eq(t.items[t.n - 1].term, want));
    }
    sb_stemmer_delete(snowball);
}
END_TEST

START_TEST(joined_words_are_found_with_and_without_the_joiner)
{
    expect("T-Shirts", TEXT_INDEX, "tshirts@0+2wj tshirt@0+2sj t@0wp shirts@1wp shirt@1sp");
    expect("H&M", TEXT_INDEX, "hm@0+2wj h@0wp m@1wp");
    expect("U.S.A. flag", TEXT_INDEX, "usa@0+3wj u@0wp s@1wp a@2wp flag@3w");
    expect("men/women J.Crew end.Next", TEXT_NO_STEM,
           "men@0w women@1w j@2w crew@3w end@4w next@5w");
}
END_TEST

START_TEST(numbers_keep_their_point_and_lose_their_thousands)
{
    expect("1,299.50", TEXT_INDEX, "1299.50@0n");
    expect("1,2,3 12,34 1,2345 1234,567", TEXT_INDEX,
           "1@0n 2@1n 3@2n 12@3n 34@4n 1@5n 2345@6n 1234@7n 567@8n");
    expect("3. 4.5.6", TEXT_INDEX, "3@0n 4.5.6@1n");
    expect("٣٤ １２", TEXT_INDEX, "34@0n 12@1n");
}
END_TEST

START_TEST(skus_are_found_whole_in_parts_and_without_separators)
{
    expect("WH-1000XM4", TEXT_INDEX, "wh1000xm4@0+4k wh@0wp 1000xm4@1+3kp 1000@1np xm@2wp 4@3np");
    expect("wh1000xm4", TEXT_INDEX, "wh1000xm4@0+4k wh@0wp 1000@1np xm@2wp 4@3np");
    expect("iPhone15", TEXT_INDEX, "iphone15@0+2k iphone@0wp iphon@0sp 15@1np");
    expect("3.5mm jack", TEXT_INDEX, "3.5mm@0+2k 3.5@0np mm@1wp jack@2w");
    expect("10-inches", TEXT_INDEX, "10inches@0+2k 10@0np inches@1wp inch@1sp");
    expect("No.5 M.2 A_1 a_b", TEXT_INDEX,
           "no5@0+2k no@0wp 5@1np m2@2+2k m@2wp 2@3np a1@4+2k a@4wp 1@5np a@6w b@7w");
    expect("978-7-111", TEXT_INDEX, "9787111@0+3k 978@0np 7@1np 111@2np");
}
END_TEST

START_TEST(cjk_gives_pairs_and_for_the_index_single_characters)
{
    expect("运动鞋", TEXT_INDEX, "运动@0+2c 运@0c 动鞋@1+2c 动@1c 鞋@2c");
    expect("運動鞋", TEXT_QUERY, "运动@0+2c 动鞋@1+2c");
    expect("茶 绿茶", TEXT_QUERY, "茶@0c 绿茶@1+2c");
    expect("T恤iPhone手机壳", TEXT_QUERY | TEXT_NO_STEM,
           "t@0w 恤@1c iphone@2w 手机@3+2c 机壳@4+2c");
    expect("カメラ", TEXT_QUERY, "カメ@0+2c メラ@1+2c");
    expect("한국어", TEXT_QUERY, "한국@0+2c 국어@1+2c");
    expect("口红，面膜。", TEXT_QUERY, "口红@0+2c 面膜@2+2c");
}
END_TEST

START_TEST(dictionary_words_come_on_request)
{
    expect("我的电饭煲", TEXT_QUERY | TEXT_CJK_WORDS, "我的@0+2c 的电@1+2c 电饭@2+2c 饭煲@3+2c");
    expect("吃巧克力", TEXT_QUERY | TEXT_CJK_WORDS, "吃巧@0+2c 巧克力@1+3wc 巧克@1+2c 克力@2+2c");
    expect("ภาษาไทยง่าย", TEXT_INDEX, "ภาษา@0w ไทย@1w ง่าย@2w");
}
END_TEST

START_TEST(ranges_point_into_the_text_as_given)
{
    const char *text = "＊Ｃafe\u0301 ㎏ 裏面";
    struct text_tokens t = analyse(str_of(text), TEXT_INDEX);
    static const char *const want[] = {"Ｃafe\u0301", "㎏", "裏面", "裏", "面"};
    ck_assert_uint_eq(t.n, 5);
    for (size_t i = 0; i < t.n; i++) {
        struct str at = {text + t.items[i].start, t.items[i].end - t.items[i].start};
        ck_assert_msg(str_is(at, want[i]), "%.*s, not %s", STR_ARG(at), want[i]);
    }
}
END_TEST

/* --- random texts ---------------------------------------------------------------------------- */

enum { MAX_PIECES = 12, MAX_TEXT = 64 * MAX_PIECES };

static struct str random_text(struct rng *rng, char out[MAX_TEXT])
{
    static const char *const pieces[] = {
        "shoes",  "Running", "WH-1000XM4", "é",      "e\u0301", "Ａ",   "'s", "'",
        "-",      ".",       ",",          "&",      "_",       " ",    "  ", "1",
        "234",    "9.5",     "1,000",      "运动",   "鞋",      "後",   "が", "ｶﾞ",
        "한",     "ภาษา",    "ไทย",        "кухня",  "ß",       "ﬃ",    "㎏", "½",
        "\u00ad", "😀",       "\xff",       "\u0301", "x",       "Łódź", "ﷺ",  "𠀀"};
    size_t n = 0, count = (size_t)rng_below(rng, MAX_PIECES + 1);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof *pieces)];
        memcpy(out + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return (struct str){out, n};
}

static bool is_boundary(struct str s, size_t at)
{
    return at == s.n || ((unsigned char)s.p[at] & 0xc0) != 0x80;
}

static void check_token(struct str text, const struct text_tokens *t, size_t i)
{
    struct err err;
    const struct text_token *token = &t->items[i];
    ck_assert_uint_lt(token->start, token->end);
    ck_assert_uint_le(token->end, text.n);
    ck_assert(is_boundary(text, token->start) && is_boundary(text, token->end));
    ck_assert(token->span >= 1 && token->position + token->span <= t->positions);
    ck_assert(token->term.n >= 1 && token->term.n <= TEXT_MAX_TERM_BYTES);
    struct buf again;
    buf_init(&again, 4096);
    ck_ok(text_fold(token->term, &again, &err));
    ck_assert_msg(str_eq(buf_str(&again), token->term), "%.*s", STR_ARG(token->term));
    buf_release(&again);
    if (i == 0)
        return;
    const struct text_token *before = token - 1;
    ck_assert(before->start <= token->start);
    ck_assert(before->position < token->position ||
              (before->position == token->position && before->span >= token->span));
}

START_TEST(tokens_of_any_text_keep_what_the_header_promises)
{
    struct rng rng;
    rng_init(&rng, 1);
    for (int round = 0; round < 20000; round++) {
        char bytes[MAX_TEXT];
        struct str text = random_text(&rng, bytes);
        unsigned mode = (unsigned)rng_below(&rng, 8);
        struct text_tokens t = analyse(text, mode);
        ck_assert(!t.cut);
        for (size_t i = 0; i < t.n; i++)
            check_token(text, &t, i);
    }
}
END_TEST

START_TEST(a_query_asks_for_nothing_that_the_index_lacks)
{
    struct rng rng;
    rng_init(&rng, 2);
    struct text_analyser *other = text_analyser_new();
    for (int round = 0; round < 5000; round++) {
        char bytes[MAX_TEXT];
        struct err err;
        struct text_tokens indexed;
        struct str text = random_text(&rng, bytes);
        struct text_tokens query = analyse(text, TEXT_QUERY);
        ck_ok(text_analyse(other, text, TEXT_INDEX, &indexed, &err));
        ck_assert_uint_eq(query.positions, indexed.positions);
        size_t at = 0;
        for (size_t i = 0; i < query.n; i++, at++) {
            while (at < indexed.n && !(indexed.items[at].position == query.items[i].position &&
                                       indexed.items[at].kind == query.items[i].kind &&
                                       str_eq(indexed.items[at].term, query.items[i].term)))
                at++;
            ck_assert(at < indexed.n);
        }
    }
    text_analyser_free(other);
}
END_TEST

START_TEST(what_was_analysed_before_changes_nothing)
{
    struct rng rng;
    rng_init(&rng, 3);
    struct buf used, fresh;
    buf_init(&used, 1 << 20);
    buf_init(&fresh, 1 << 20);
    for (int round = 0; round < 300; round++) {
        char bytes[MAX_TEXT];
        struct err err;
        struct str text = random_text(&rng, bytes);
        struct text_tokens t = analyse(text, TEXT_CJK_WORDS);
        render(&used, &t);
        struct text_analyser *new = text_analyser_new();
        ck_ok(text_analyse(new, text, TEXT_CJK_WORDS, &t, &err));
        render(&fresh, &t);
        ck_assert(str_eq(buf_str(&used), buf_str(&fresh)));
        text_analyser_free(new);
    }
    buf_release(&used);
    buf_release(&fresh);
}
END_TEST

/* Rewrite text in the form that `change` gives, through ICU. */
static struct str rewrite(struct str text, int change, char *out, int32_t cap)
{
    UChar a[512], b[2048];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n, bytes;
    u_strFromUTF8(a, 512, &n, text.p, (int32_t)text.n, &status);
    if (change == 0)
        n = unorm2_normalize(unorm2_getNFDInstance(&status), a, n, b, 2048, &status);
    else if (change == 1)
        n = unorm2_normalize(unorm2_getNFKCInstance(&status), a, n, b, 2048, &status);
    else
        n = u_strToUpper(b, 2048, a, n, "", &status);
    for (int32_t i = 0; change == 3 && i < n; i++)
        if (b[i] > ' ' && b[i] < 0x7f)
            b[i] = (UChar)(b[i] + 0xfee0);
    u_strToUTF8(out, cap, &bytes, b, n, &status);
    ck_assert(U_SUCCESS(status));
    return (struct str){out, (size_t)bytes};
}

START_TEST(a_text_in_any_form_gives_the_same_tokens)
{
    static const char *const texts[] = {"Crème Brûlée WH-1000XM4 3.5mm", "運動鞋 後面 がぎ Łódź",
                                        "T-shirts & Levi's 1,299.50", "Straße İzmir ﬁne",
                                        "한국어 운동화"};
    struct buf want, got;
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct text_tokens t = analyse(str_of(texts[i]), TEXT_INDEX);
        render(&want, &t);
        for (int change = 0; change < 4; change++) {
            char changed[4096];
            t = analyse(rewrite(str_of(texts[i]), change, changed, sizeof changed), TEXT_INDEX);
            render(&got, &t);
            ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s: got %s", changed, got.data);
        }
    }
    buf_release(&want);
    buf_release(&got);
}
END_TEST

/* --- against ICU's word breaks --------------------------------------------------------------- */

/* The words of a text by ICU, folded, each followed by a space. */
static void words_by_icu(UBreakIterator *words, const UChar *text, int32_t n, struct buf *out)
{
    struct err err;
    UErrorCode status = U_ZERO_ERROR;
    ubrk_setText(words, text, n, &status);
    ck_assert(U_SUCCESS(status));
    buf_reset(out);
    for (int32_t from = 0, to; (to = ubrk_next(words)) != UBRK_DONE; from = to) {
        char word[256];
        int32_t bytes;
        if (ubrk_getRuleStatus(words) == UBRK_WORD_NONE)
            continue;
        u_strToUTF8(word, sizeof word, &bytes, text + from, to - from, &status);
        ck_ok(text_fold((struct str){word, (size_t)bytes}, out, &err));
        buf_putc(out, ' ');
    }
}

START_TEST(words_without_joiners_are_those_of_icu)
{
    static const UChar letters[] = u"abcXYZéÉßñøабвЯЖαβΓאבع0123456789      ,!?()/+*=<>|~#$%\u0301";
    enum { LETTERS = sizeof letters / sizeof *letters - 1, CHARS = 40 };
    UErrorCode status = U_ZERO_ERROR;
    UBreakIterator *words = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
    ck_assert(U_SUCCESS(status));
    struct rng rng;
    rng_init(&rng, 4);
    struct buf want, got;
    buf_init(&want, 4096);
    buf_init(&got, 4096);
    for (int round = 0; round < 20000; round++) {
        UChar text[CHARS];
        char utf8[4 * CHARS];
        int32_t bytes;
        for (int i = 0; i < CHARS; i++) {
            text[i] = letters[rng_below(&rng, LETTERS)];
            /* A mark on a symbol or a digit is no word to us, and a comma between digits is a
             * matter of thousands. */
            bool after_letter = i > 0 && u_isalpha(text[i - 1]);
            if ((text[i] == 0x301 && !after_letter) ||
                (text[i] == ',' && i && u_isdigit(text[i - 1])))
                text[i] = ' ';
        }
        u_strToUTF8(utf8, sizeof utf8, &bytes, text, CHARS, &status);
        ck_assert(U_SUCCESS(status));
        words_by_icu(words, text, CHARS, &want);
        struct text_tokens t = analyse((struct str){utf8, (size_t)bytes}, TEXT_NO_STEM);
        buf_reset(&got);
        for (size_t i = 0; i < t.n; i++) {
            if (t.items[i].kind & TEXT_PART)
                continue;
            buf_put_str(&got, t.items[i].term);
            buf_putc(&got, ' ');
        }
        ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%.*s:\n  got  %.*s\n  want %.*s",
                      bytes, utf8, STR_ARG(buf_str(&got)), STR_ARG(buf_str(&want)));
    }
    buf_release(&want);
    buf_release(&got);
    ubrk_close(words);
}
END_TEST

/* --- limits ---------------------------------------------------------------------------------- */

START_TEST(a_word_too_long_is_left_out_but_takes_its_position)
{
    char text[200];
    memset(text, 'x', sizeof text);
    memcpy(text, "a ", 2);
    memcpy(text + 66, " b ", 3);
    struct text_tokens t = analyse((struct str){text, 69}, TEXT_NO_STEM);
    ck_assert_uint_eq(t.n, 3);
    ck_assert_uint_eq(t.items[1].term.n, TEXT_MAX_TERM_BYTES);
    t = analyse((struct str){text + 67, sizeof text - 67}, TEXT_NO_STEM);
    ck_assert_uint_eq(t.n, 1);
    ck_assert_uint_eq(t.positions, 2);
}
END_TEST

START_TEST(a_long_text_is_cut_at_its_caps)
{
    enum { LEN = TEXT_MAX_BYTES + 1000 };
    static char text[LEN];
    for (size_t i = 0; i + 3 <= LEN; i += 3)
        memcpy(text + i, "鞋", 3);
    struct text_tokens t = analyse((struct str){text, LEN / 3 * 3}, TEXT_INDEX);
    ck_assert(t.cut);
    ck_assert_uint_eq(t.positions, TEXT_MAX_BYTES / 3);
    ck_assert_uint_eq(t.items[t.n - 1].end, TEXT_MAX_BYTES / 3 * 3);
    for (size_t i = 0; i + 4 <= LEN; i += 4)
        memcpy(text + i, "a1b-", 4);
    t = analyse((struct str){text, TEXT_MAX_BYTES}, TEXT_INDEX);
    ck_assert(t.cut);
    ck_assert_uint_eq(t.n, TEXT_MAX_TOKENS);
    memset(text, '-', sizeof text);
    t = analyse((struct str){text, TEXT_MAX_BYTES}, TEXT_INDEX);
    ck_assert(!t.cut && t.n == 0);
    for (size_t i = 0; i + 3 <= LEN; i += 3)
        memcpy(text + i, "\xef\xb7\xba", 3); /* becomes eighteen characters */
    ck_assert(analyse((struct str){text, TEXT_MAX_BYTES}, TEXT_INDEX).cut);
}
END_TEST

START_TEST(a_compound_of_very_many_pieces_ends_somewhere)
{
    char text[400];
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "a1", 2);
    struct text_tokens t = analyse((struct str){text, sizeof text}, TEXT_INDEX);
    ck_assert_uint_eq(t.positions, sizeof text);
    ck_assert_uint_eq(t.items[0].span, 16);
}
END_TEST

START_TEST(every_failing_allocation_is_an_error_and_the_next_call_works)
{
    static const char *const text = "Running shoes 运动鞋 巧克力 ภาษาไทย";
    struct err err;
    struct text_tokens t;
    long at = 0;
    enum err_code code;
    do {
        struct text_analyser *a = text_analyser_new();
        mem_fail_at(++at);
        code = text_analyse(a, str_of(text), TEXT_CJK_WORDS, &t, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        mem_fail_at(0);
        ck_ok(text_analyse(a, str_of(text), TEXT_CJK_WORDS, &t, &err));
        ck_assert_uint_gt(t.n, 15);
        text_analyser_free(a);
    } while (code);
    ck_assert_int_ge(at, 5);
}
END_TEST

SUITE("analyse", words_have_stems_and_lose_their_possessive, stems_are_those_of_snowball,
      joined_words_are_found_with_and_without_the_joiner,
      numbers_keep_their_point_and_lose_their_thousands,
      skus_are_found_whole_in_parts_and_without_separators,
      cjk_gives_pairs_and_for_the_index_single_characters, dictionary_words_come_on_request,
      ranges_point_into_the_text_as_given, tokens_of_any_text_keep_what_the_header_promises,
      a_query_asks_for_nothing_that_the_index_lacks, what_was_analysed_before_changes_nothing,
      a_text_in_any_form_gives_the_same_tokens, words_without_joiners_are_those_of_icu,
      a_word_too_long_is_left_out_but_takes_its_position, a_long_text_is_cut_at_its_caps,
      a_compound_of_very_many_pieces_ends_somewhere,
      every_failing_allocation_is_an_error_and_the_next_call_works)
