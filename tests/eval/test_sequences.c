/* Sequences: their files, good and bad, and ranks against a count by hand. */
#include "eval/sequences.h"

#include <math.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/files.h"

static void read_text(struct files *files, const char *text, struct sequences *s)
{
    struct err err;
    *s = (struct sequences){0};
    ck_ok(sequences_read(s, write_text(files, "in", text), &err));
}

START_TEST(lines_are_a_user_and_items_in_order)
{
    static const uint32_t items[] = {0, 1, 0, 2, 1};
    struct files files;
    struct sequences s;
    files_init(&files);
    read_text(&files, "ann x y x\r\n\n  bob\tz,y; \r\n", &s);
    ck_assert_uint_eq(s.len, 2);
    ck_assert_uint_eq(sequences_items(&s), 3);
    ck_assert_uint_eq(s.offsets[1], 3);
    ck_assert_uint_eq(s.offsets[2], 5);
    ck_assert_mem_eq(s.item, items, sizeof items);
    sequences_release(&s);
    files_release(&files);
}
END_TEST

START_TEST(broken_sequences_are_refused_with_their_line)
{
    static char huge[600];
    struct files files;
    struct err err;
    memset(huge, 'x', sizeof huge - 1);
    memcpy(huge, "ann y\nbob ", 10);
    const struct {
        const char *text, *says;
    } cases[] = {
        {"", "holds nothing"},
        {" \n\r\n", "holds nothing"},
        {"ann x\nbob\n", "line 2: 'bob' has no items"},
        {"ann x\n\nbob ,; \r\n", "line 3: 'bob' has no items"},
        {huge, "line 2: the id 'xxx"},
    };
    files_init(&files);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sequences s = {0};
        const char *path = write_text(&files, "in", cases[i].text);
        ck_err(sequences_read(&s, path, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, cases[i].says) && strstr(err.msg, path), "%s", err.msg);
        sequences_release(&s);
    }
    struct sequences s = {0};
    ck_err(sequences_read(&s, "/nowhere/at/all", &err), ERR_NOT_FOUND);
    files_release(&files);
}
END_TEST

START_TEST(attributes_are_sets_of_what_the_lines_have)
{
    static const uint32_t attribute[] = {0, 1, 0};
    static const uint64_t offsets[] = {0, 2, 2, 3};
    struct files files;
    struct sequences s;
    struct err err;
    files_init(&files);
    read_text(&files, "ann x y z\n", &s);
    ck_ok(sequences_read_attributes(
        &s, write_text(&files, "a", "{\"x\": [7, \"red\", 7], \"else\": [1, 2],\r\n \"z\": [7]}"),
        &err));
    ck_assert_uint_eq(s.attributes, 2);
    ck_assert_mem_eq(s.attribute_offsets, offsets, sizeof offsets);
    ck_assert_mem_eq(s.attribute, attribute, sizeof attribute);
    sequences_release(&s);
    files_release(&files);
}
END_TEST

START_TEST(broken_attributes_are_refused_with_their_place)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "1:1: "},
        {"[1]", "1:1: expected an object"},
        {"{\"x\": [1],\n \"y\": 5}", "2:7: expected an array"},
        {"{\"x\": [1,\n {}]}", "2:2: expected a string, found an object"},
        {"{\"else\": [null]}", "1:11: expected a string, found null"},
        {"{\"x\": [1, NaN]}", "1:11: "},
        {"{\"x\": [1]", "1:10: "},
    };
    struct files files;
    struct sequences s;
    struct err err;
    files_init(&files);
    read_text(&files, "ann x y\n", &s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = write_text(&files, "a", cases[i].text);
        ck_err(sequences_read_attributes(&s, path, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, cases[i].says) && strstr(err.msg, path), "%s", err.msg);
    }
    sequences_release(&s);
    files_release(&files);
}
END_TEST

START_TEST(a_cut_is_all_but_the_last)
{
    struct files files;
    struct sequences s;
    struct sequences_cut cut;
    struct err err;
    files_init(&files);
    read_text(&files, "ann x y z\nbob x\neve z y x\n", &s);
    ck_ok(sequences_cut(&s, 2, &cut, &err));
    ck_assert_uint_eq(cut.offsets[1], 1);
    ck_assert_uint_eq(cut.offsets[2], 1);
    ck_assert_uint_eq(cut.offsets[3], 2);
    ck_assert_uint_eq(cut.item[1], 2);
    sequences_cut_release(&cut);
    sequences_release(&s);
    files_release(&files);
}
END_TEST

/* --- measurement ----------------------------------------------------------------------------- */

/* A score for every (last item, item), with many ties. */
static float taste(uint32_t last, uint32_t item)
{
    return (float)((last * 7 + item * 5) % 4);
}

static void score_taste(void *arg, const uint32_t *history, size_t n, float *scores)
{
    uint32_t items = *(uint32_t *)arg;
    for (uint32_t i = 0; i < items; i++)
        scores[i] = taste(history[n - 1], i);
}

static bool is_in(const uint32_t *items, uint64_t n, uint32_t item)
{
    for (uint64_t i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

/* The rank of one target from 1 by the words of the header; 0: missed. */
static size_t rank_by_hand(const struct sequences *s, uint64_t from, uint64_t n, size_t cut,
                           bool keep_seen)
{
    uint32_t target = s->item[from + n], last = s->item[from + n - 1];
    size_t rank = 1, items = sequences_items(s), *count = mem_new(items, sizeof *count);
    for (uint32_t u = 0; u < s->len; u++)
        for (uint64_t p = s->offsets[u]; p + cut < s->offsets[u + 1]; p++)
            count[s->item[p]]++;
    for (uint32_t i = 0; i < items; i++) {
        bool out = !keep_seen && is_in(s->item + from, n, i);
        if (i == target && out)
            rank = 0;
        if (i == target || out || rank == 0)
            continue;
        float mine = taste(last, i), its = taste(last, target);
        rank += mine > its || (mine == its && (count[i] > count[target] ||
                                               (count[i] == count[target] && i < target)));
    }
    if (!keep_seen && is_in(s->item + from, n, target))
        rank = 0;
    mem_free(count);
    return rank;
}

START_TEST(ranks_are_those_counted_by_hand)
{
    struct files files;
    struct sequences s = {0};
    struct buf text;
    struct rng r;
    struct err err;
    files_init(&files);
    rng_init(&r, 3);
    buf_init(&text, 1 << 20);
    for (int u = 0; u < 200; u++) {
        buf_printf(&text, "u%d", u);
        for (uint64_t n = 1 + rng_below(&r, 6); n; n--)
            buf_printf(&text, " i%d", (int)rng_below(&r, 25));
        buf_printf(&text, "\n");
    }
    ck_ok(fs_write_file_atomic(write_text(&files, "in", ""), text.data, text.len, &err));
    ck_ok(sequences_read(&s, files.path, &err));
    for (int c = 0; c < 8; c++) {
        struct sequences_options o = {.k = 5, .validate = c & 1, .keep_seen = c & 2};
        struct sequences_result got;
        uint32_t items = sequences_items(&s);
        size_t cut = o.validate ? 2 : 1, users = 0;
        double hit = 0, ndcg = 0, mrr = 0;
        for (uint32_t u = 0; u < s.len; u++) {
            uint64_t len = s.offsets[u + 1] - s.offsets[u];
            if (len <= cut)
                continue;
            size_t rank = rank_by_hand(&s, s.offsets[u], len - cut, cut, o.keep_seen);
            bool in = rank && rank <= o.k;
            users++;
            hit += in;
            ndcg += in ? 1 / log2(1 + (double)rank) : 0;
            mrr += in ? 1 / (double)rank : 0;
        }
        if (c & 4)
            ck_ok(pool_new(&o.pool, "rank", 2, 8, &err));
        ck_ok(sequences_measure(&s, &o, score_taste, &items, &got, &err));
        ck_assert_uint_eq(got.users, users);
        ck_assert_double_eq_tol(got.hit, hit / (double)users, 1e-12);
        ck_assert_double_eq_tol(got.ndcg, ndcg / (double)users, 1e-12);
        ck_assert_double_eq_tol(got.mrr, mrr / (double)users, 1e-12);
        pool_free(o.pool);
    }
    buf_release(&text);
    sequences_release(&s);
    files_release(&files);
}
END_TEST

START_TEST(lines_too_short_to_foretell_anything_are_an_error)
{
    struct files files;
    struct sequences s;
    struct sequences_options o = {.k = 5, .validate = true};
    struct sequences_result got;
    uint32_t items = 2;
    struct err err;
    files_init(&files);
    read_text(&files, "ann x y\nbob y\n", &s);
    ck_err(sequences_measure(&s, &o, score_taste, &items, &got, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "no line has more than 2 items");
    sequences_release(&s);
    files_release(&files);
}
END_TEST

SUITE("sequences", lines_are_a_user_and_items_in_order,
      broken_sequences_are_refused_with_their_line, attributes_are_sets_of_what_the_lines_have,
      broken_attributes_are_refused_with_their_place, a_cut_is_all_but_the_last,
      ranks_are_those_counted_by_hand, lines_too_short_to_foretell_anything_are_an_error)
