#include "engine/ranker_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static const uint32_t feature[] = {0, 2};
static const float threshold[] = {0.5f, 3}, left[] = {-1, 0.25f}, right[] = {1, -0.25f};

/* Three features, two trees. */
static void put_ranker(struct buf *out)
{
    static char names[3][RANKER_NAME_MAX] = {"source.factors", "item.heat", "item.price"};
    struct ranker r = {.name = names,
                       .placement = {"home", "cart"},
                       .placements = 2,
                       .definitions = 3,
                       .candidates = 150,
                       .act = {2, {-1, 1}, {0.125f, 0.5f}},
                       .purchase = {1, {0}, {0.0625f}}};
    struct buf trees;
    struct err err;
    buf_init(&trees, 1 << 16);
    put_stumps(&trees, 3, 2, feature, threshold, left, right);
    ck_ok(ranker_write(&r, 3, buf_str(&trees), out, &err));
    buf_release(&trees);
}

START_TEST(what_was_written_is_read)
{
    struct buf text;
    struct ranker r;
    struct err err;
    float x[] = {0, 1, 0, 0, 5, 2}, out[2]; /* [3][2] */
    buf_init(&text, 1 << 16);
    put_ranker(&text);
    ck_ok(ranker_read(buf_str(&text), &r, &err));
    ck_assert_uint_eq(r.trees.features, 3);
    ck_assert_str_eq(r.name[2], "item.price");
    ck_assert(ranker_serves(&r, "home") && ranker_serves(&r, "cart") &&
              !ranker_serves(&r, "similar"));
    ck_assert(r.candidates == 150 && r.definitions == 3);
    ck_assert(isotonic_at(&r.act, 1) == 0.5f && isotonic_at(&r.purchase, 3) == 0.0625f);
    trees_score(&r.trees, x, 2, 2, out);
    ck_assert(out[0] == -1.25f && out[1] == 1.25f);
    ranker_release(&r);
    buf_release(&text);
}
END_TEST

START_TEST(a_damaged_file_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to;
        enum err_code code;
        const char *says;
    } cases[] = {
        {"\"format\":1", "\"format\":2", ERR_UNSUPPORTED, "its format is 2, not 1"},
        {"\"format\":1,", "", ERR_CORRUPT, "it has no \"format\""},
        {"0.125", "NaN", ERR_CORRUPT, "1:"},
        {"0.125", "0.75", ERR_CORRUPT, "step 1 is below the one before"},
        {"0.125", "-0.5", ERR_CORRUPT, "-0.5 is not within 0 and 1"},
        {"[0.125,0.5]", "[0.125]", ERR_CORRUPT, "there are 2 scores and 1 chances"},
        {"\"candidates\":150", "\"candidates\":0", ERR_CORRUPT, "1:"},
        {"\"candidates\":150", "\"candidates\":5000", ERR_CORRUPT, "1:"},
        {"\"source.factors\",", "", ERR_CORRUPT, "2 features have names, its trees have 3"},
        {"\"source.factors\"", "17", ERR_CORRUPT, "expected a string"},
        {"\"split_indices\":[2,", "\"split_indices\":[3,", ERR_CORRUPT,
         "ranker: trees: a tree asks for feature 3 of 3"},
        {"\"split_conditions\":[0.5,", "\"split_conditions\":[NaN,", ERR_CORRUPT, "1:"},
        {"\"home\"", "\"0123456789012345678901234567890123456789012345678\"", ERR_LIMIT, "1:"},
        {"\"act\"", "\"purchase\"", ERR_CORRUPT, "twice"},
        {"}}}}}", "", ERR_CORRUPT, "1:"},
    };
    struct buf text;
    struct err err;
    buf_init(&text, 1 << 16);
    put_ranker(&text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ranker r = {.candidates = 77};
        struct buf b;
        const char *at = strstr(text.data, cases[i].from);
        ck_assert_msg(at, "there is no %s", cases[i].from);
        buf_init(&b, 1 << 16);
        buf_put(&b, text.data, (size_t)(at - text.data));
        buf_puts(&b, cases[i].to);
        buf_puts(&b, at + strlen(cases[i].from));
        enum err_code code = ranker_read(buf_str(&b), &r, &err);
        ck_assert_msg(code == cases[i].code && strstr(err.msg, cases[i].says), "%s -> %s: %s, %s",
                      cases[i].from, cases[i].to, err_code_name(code), err.msg);
        ck_assert_uint_eq(r.candidates, 77);
        buf_release(&b);
    }
    buf_release(&text);
}
END_TEST

START_TEST(a_file_is_named_where_it_is_damaged_or_missing)
{
    char path[] = "/tmp/aisle-ranker-XXXXXX";
    struct ranker r;
    struct err err;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "{}", 2), 2);
    close(fd);
    ck_err(ranker_open(path, &r, &err), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.msg, path));
    unlink(path);
    ck_err(ranker_open(path, &r, &err), ERR_NOT_FOUND);
}
END_TEST

SUITE("ranker", what_was_written_is_read, a_damaged_file_is_refused_with_its_place,
      a_file_is_named_where_it_is_damaged_or_missing)
