/* Files of who had what, good and bad. */
#include "eval/feedback.h"

#include "base/clock.h"
#include "eval/files.h"

static uint32_t number(const struct map_str *ids, const char *id)
{
    const uint64_t *no = map_str_find(ids, str_of(id));
    return no ? (uint32_t)*no : 0;
}

/* "1:2 1:3 2:1", in the order of the result. */
static const char *acts(const struct interactions *it)
{
    static char text[256];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < it->len; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%u:%u", i ? " " : "", it->user_no[i],
                              it->product_no[i]);
    return text;
}

static void read_text(struct files *files, struct feedback *f, const char *text,
                      struct interactions *out)
{
    struct err err;
    *out = (struct interactions){0};
    ck_ok(feedback_read(f, write_text(files, "in", text), out, &err));
}

START_TEST(adjacency_is_a_user_and_items_with_any_separators)
{
    struct files files;
    struct feedback f = {0};
    struct interactions it, more;
    files_init(&files);
    read_text(&files, &f, "ann x y\r\n\n  bob\ty,z;x  \ncid\ndan z", &it);
    ck_assert_str_eq(acts(&it), "1:1 1:2 2:2 2:3 2:1 3:3");
    ck_assert_uint_eq(f.users.len, 3); /* cid had nothing */
    ck_assert_uint_eq(f.items.len, 3);
    for (size_t i = 1; i < it.len; i++) /* nothing was had together */
        ck_assert_uint_ne(it.session[i], it.session[i - 1]);
    read_text(&files, &f, "eve w x\n", &more); /* another file goes on counting */
    ck_assert_uint_eq(number(&f.users, "eve"), 4);
    ck_assert_uint_eq(number(&f.items, "w"), 4);
    ck_assert_str_eq(acts(&more), "4:4 4:1");
    interactions_release(&it);
    interactions_release(&more);
    feedback_release(&f);
    files_release(&files);
}
END_TEST

START_TEST(pairs_are_found_by_header_or_by_place_whatever_separates_them)
{
    static const struct {
        const char *text, *acts;
        int64_t time_s; /* of the first act; 0: a day */
    } cases[] = {
        {"ann,x\nann,y\nbob,x\n", "1:1 1:2 2:1", 0},
        {"ann x 100\nbob x 50\n", "1:1 2:1", 100},
        {"ann\tx\t2026-01-01T00:00:00Z\n", "1:1", 1767225600},
        {"user_id,item_id\nann,x\n", "1:1", 0},
        {"ts;PRODUCT_ID;UserID\n7;x;ann\n", "1:1", 7},
        {"\n\nitem\tshop\tuser\nx\t\tann\n", "1:1", 0},
        {"New York,red shoe\nNew York, hat \n", "1:1 1:2", 0}, /* blanks are no commas */
        {"ann,x,,\n", "1:1", 0},                               /* no time */
        {"userbase,x\n", "1:1", 0},                            /* not a header */
        {"ann,x,5,more,and,more\n", "1:1", 5},
    };
    struct files files;
    files_init(&files);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct feedback f = {.pairs = true};
        struct interactions it;
        read_text(&files, &f, cases[i].text, &it);
        ck_assert_str_eq(acts(&it), cases[i].acts);
        ck_assert_int_eq(it.time[0],
                         cases[i].time_s ? cases[i].time_s * CLOCK_US_PER_S : CLOCK_US_PER_DAY);
        interactions_release(&it);
        feedback_release(&f);
    }
    files_release(&files);
}
END_TEST

START_TEST(what_is_broken_is_refused_with_its_line)
{
    static const struct {
        bool pairs;
        const char *text, *says;
    } cases[] = {
        {false, "", "holds nothing"},
        {false, "\n \n", "holds nothing"},
        {false, "ann\nbob\n", "holds nothing"},
        {true, "user,item\n", "holds nothing"},
        {true, "ann,x\nbob\n", "line 2: a pair needs"},
        {true, "ann,x\n,x\n", "line 2: a pair needs"},
        {true, "ann,x\nbob,,5\n", "line 2: a pair needs"}, /* the time is no item */
        {true, "ann,x,yesterday\n", "line 1: 'yesterday' is neither"},
        {true, "ann,x,-5\n", "line 1: '-5' is neither"},
        {true, "ann,x,99999999999999999999\n", "line 1: '9999"},
        {true, "user,sku,time\nann,x,1\n",
         "line 1: there is no column item|item_id|product_id; the header is: user,sku,time"},
        {true, "customer,product_id\nann,x\n",
         "there is no column user|user_id|userid; the header"},
    };
    struct files files;
    struct err err;
    files_init(&files);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct feedback f = {.pairs = cases[i].pairs};
        struct interactions it = {0};
        const char *path = write_text(&files, "in", cases[i].text);
        ck_err(feedback_read(&f, path, &it, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, cases[i].says) && strstr(err.msg, path), "%s", err.msg);
        interactions_release(&it);
        feedback_release(&f);
    }
    struct feedback f = {0};
    struct interactions it = {0};
    snprintf(files.path, sizeof files.path, "%s/none", files.dir);
    ck_err(feedback_read(&f, files.path, &it, &err), ERR_NOT_FOUND);
    files_release(&files);
}
END_TEST

SUITE("feedback", adjacency_is_a_user_and_items_with_any_separators,
      pairs_are_found_by_header_or_by_place_whatever_separates_them,
      what_is_broken_is_refused_with_its_line)
