#include "support/suite.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "text/highlight.h"

enum { MAX_RANGES = 64 };

static struct text_analyser *analyser;
static struct text_range ranges[MAX_RANGES];

static struct text_snippet highlight(struct str text, const char *const *terms, size_t max_bytes)
{
    struct err err;
    struct text_snippet s;
    struct text_match matches[8];
    size_t n = 0;
    for (; terms[n]; n++) {
        matches[n].prefix = terms[n][0] == '^';
        matches[n].term = str_of(terms[n] + matches[n].prefix);
    }
    if (!analyser)
        analyser = text_analyser_new();
    ck_ok(text_highlight(analyser, text, matches, n, max_bytes, ranges, MAX_RANGES, &s, &err));
    return s;
}

/* The window with [] around what matched and ... where it was cut; a term with ^ is a prefix. */
static void expect(const char *text, const char *const *terms, size_t max_bytes, const char *want)
{
    struct buf got;
    buf_init(&got, 1 << 16);
    struct text_snippet s = highlight(str_of(text), terms, max_bytes);
    uint32_t at = s.window.start;
    buf_puts(&got, s.cut_before ? "..." : "");
    for (size_t i = 0; i < s.n; i++) {
        buf_put(&got, text + at, ranges[i].start - at);
        buf_putc(&got, '[');
        buf_put(&got, text + ranges[i].start, ranges[i].end - ranges[i].start);
        buf_putc(&got, ']');
        at = ranges[i].end;
    }
    buf_put(&got, text + at, s.window.end - at);
    buf_puts(&got, s.cut_after ? "..." : "");
    ck_assert_msg(str_is(buf_str(&got), want), "got %s, want %s", got.data, want);
    buf_release(&got);
}

#define TERMS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(words_are_marked_whatever_their_form)
{
    expect("Running SHOES, run!", TERMS("run", "shoe"), 0, "[Running] [SHOES], [run]!");
    expect("Cafe\u0301 ｃａｆé", TERMS("cafe"), 0, "[Cafe\u0301] [ｃａｆé]");
    expect("nothing here", TERMS("shoe"), 0, "nothing here");
    expect("", TERMS("shoe"), 0, "");
    expect("Sony WH-1000XM4", TERMS("wh1000xm4", "wh", "1000xm4"), 0, "Sony [WH-1000XM4]");
    expect("Sony WH-1000XM4", TERMS("1000xm4"), 0, "Sony WH-[1000XM4]");
    expect("sneakers and snow", TERMS("^sn"), 0, "[sneakers] and [snow]");
}
END_TEST

START_TEST(pairs_of_cjk_characters_grow_together)
{
    expect("男士運動鞋夏季", TERMS("运动", "动鞋"), 0, "男士[運動鞋]夏季");
    expect("绿茶 红茶", TERMS("茶"), 0, "绿[茶] 红[茶]");
}
END_TEST

START_TEST(the_window_shows_the_most_distinct_matches)
{
    const char *text =
        "red red red and then for a long while nothing, until a red wool coat came by "
        "at last and went away";
    expect(text, TERMS("red", "wool", "coat"), 30, "...a [red] [wool] [coat] came by at...");
    expect(text, TERMS("red"), 12, "[red] [red] [red]...");
    expect(text, TERMS("away"), 20, "...last and went [away]");
    expect(text, TERMS("none"), 12, "red red red...");
    expect("天气很冷的时候需要一件红色的羊毛大衣才行", TERMS("羊毛", "大衣"), 18,
           "...[羊毛大衣]才行");
}
END_TEST

START_TEST(windows_and_ranges_stay_in_order_and_at_boundaries)
{
    static const char *const pieces[] = {"red",  " ", "Wool", "é",      "鞋", "運動",
                                         "WH-1", ".", "\xff", "\u0301", "ﷺ",  "x"};
    struct rng rng;
    rng_init(&rng, 1);
    for (int round = 0; round < 20000; round++) {
        char bytes[400];
        size_t n = 0, count = (size_t)rng_below(&rng, 40);
        for (size_t i = 0; i < count; i++) {
            const char *piece = pieces[rng_below(&rng, sizeof pieces / sizeof *pieces)];
            memcpy(bytes + n, piece, strlen(piece));
            n += strlen(piece);
        }
        struct str text = {bytes, n};
        size_t max_bytes = (size_t)rng_below(&rng, 60);
        struct text_snippet s = highlight(text, TERMS("red", "^w", "鞋", "运动"), max_bytes);
        ck_assert(s.window.start <= s.window.end && s.window.end <= n);
        ck_assert(!max_bytes || s.window.end - s.window.start <= max_bytes);
        ck_assert(s.cut_before == (s.window.start > 0) && s.cut_after == (s.window.end < n));
        uint32_t at = s.window.start;
        for (size_t i = 0; i < s.n; i++) {
            ck_assert(ranges[i].start >= at && ranges[i].end > ranges[i].start);
            ck_assert(i == 0 || ranges[i].start > at);
            at = ranges[i].end;
            ck_assert(((unsigned char)bytes[ranges[i].start] & 0xc0) != 0x80);
            ck_assert(at == n || ((unsigned char)bytes[at] & 0xc0) != 0x80);
        }
        ck_assert(at <= s.window.end);
    }
}
END_TEST

START_TEST(no_more_ranges_than_there_is_room_for)
{
    struct err err;
    struct text_snippet s;
    struct text_match red = {STR_LIT("red"), false};
    struct text_range two[2];
    struct text_analyser *a = text_analyser_new();
    ck_ok(text_highlight(a, STR_LIT("red red red"), &red, 1, 0, two, 2, &s, &err));
    ck_assert_uint_eq(s.n, 2);
    ck_ok(text_highlight(a, STR_LIT("red red red"), &red, 1, 0, NULL, 0, &s, &err));
    ck_assert_uint_eq(s.n, 0);
    mem_fail_at(1);
    ck_err(text_highlight(a, STR_LIT("red"), &red, 1, 0, two, 2, &s, &err), ERR_MEMORY);
    mem_fail_at(0);
    text_analyser_free(a);
}
END_TEST

SUITE("highlight", words_are_marked_whatever_their_form, pairs_of_cjk_characters_grow_together,
      the_window_shows_the_most_distinct_matches,
      windows_and_ranges_stay_in_order_and_at_boundaries, no_more_ranges_than_there_is_room_for)
