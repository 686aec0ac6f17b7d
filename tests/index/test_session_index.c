/* The index of sessions against loops over the sessions, and as a file. */
#include "index/session_index.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "support/suite.h"

enum { SESSIONS = 60, ITEMS = 15, LONGEST = 8 };

struct sample {
    uint64_t offsets[SESSIONS + 1];
    uint32_t item[SESSIONS * LONGEST];
    int64_t end_us[SESSIONS];
};

static struct session_input draw(struct sample *s, uint64_t seed)
{
    struct rng r;
    rng_init(&r, seed);
    s->offsets[0] = 0;
    for (size_t i = 0; i < SESSIONS; i++) {
        uint64_t n = rng_below(&r, LONGEST + 1);
        for (uint64_t p = s->offsets[i]; p < s->offsets[i] + n; p++)
            s->item[p] = (uint32_t)rng_below(&r, ITEMS);
        s->offsets[i + 1] = s->offsets[i] + n;
        s->end_us[i] = (int64_t)rng_below(&r, 20) * CLOCK_US_PER_DAY;
    }
    return (struct session_input){.sessions = SESSIONS,
                                  .items = ITEMS,
                                  .offsets = s->offsets,
                                  .item = s->item,
                                  .end_us = s->end_us};
}

static bool has(const struct session_index *x, uint32_t session, uint32_t item)
{
    for (uint32_t p = x->offsets[session]; p < x->offsets[session + 1]; p++)
        if (x->item[p] == item)
            return true;
    return false;
}

static void check_index(const struct session_index *x)
{
    for (uint32_t i = 0; i < x->items; i++) {
        uint32_t at = x->of_offsets[i], have = 0;
        for (uint32_t s = 0; s < x->sessions; s++)
            if (has(x, s, i)) {
                ck_assert_uint_eq(x->of_session[at++], s);
                have++;
            }
        ck_assert_uint_eq(at, x->of_offsets[i + 1]);
        double idf = have ? log(1 + (double)x->sessions / have) / log(1 + (double)x->sessions) : 0;
        ck_assert_double_eq_tol((double)x->idf[i], idf, 1e-6);
    }
}

START_TEST(the_most_recent_sessions_stand_first_and_by_item)
{
    static struct sample s;
    for (uint32_t keep = 0; keep < 3 * SESSIONS; keep += 25) {
        struct session_input in = draw(&s, 1 + keep);
        uint32_t kept = keep && keep < SESSIONS ? keep : SESSIONS;
        bool taken[SESSIONS] = {0};
        struct session_index x;
        struct err err;
        in.keep = keep;
        ck_ok(session_index_build(&in, &x, &err));
        ck_assert_uint_eq(x.sessions, kept);
        for (uint32_t k = 0; k < kept; k++) {
            uint32_t newest = UINT32_MAX;
            for (uint32_t i = 0; i < SESSIONS; i++)
                if (!taken[i] && (newest == UINT32_MAX || s.end_us[i] >= s.end_us[newest]))
                    newest = i;
            taken[newest] = true;
            uint64_t n = s.offsets[newest + 1] - s.offsets[newest];
            ck_assert_uint_eq(x.end_s[k], s.end_us[newest] / CLOCK_US_PER_S);
            ck_assert_uint_eq(x.offsets[k + 1] - x.offsets[k], n);
            ck_assert(n == 0 || memcmp(x.item + x.offsets[k], s.item + s.offsets[newest],
                                       n * sizeof *s.item) == 0);
        }
        check_index(&x);
        session_index_release(&x);
    }
}
END_TEST

START_TEST(times_before_1970_and_after_2106_are_moved_to_the_ends)
{
    uint64_t offsets[] = {0, 1, 2};
    uint32_t item[] = {0, 1};
    int64_t end_us[] = {INT64_MIN, INT64_MAX};
    struct session_input in = {
        .sessions = 2, .items = 2, .offsets = offsets, .item = item, .end_us = end_us};
    struct session_index x;
    struct err err;
    ck_ok(session_index_build(&in, &x, &err));
    ck_assert_uint_eq(x.end_s[0], UINT32_MAX);
    ck_assert_uint_eq(x.end_s[1], 0);
    session_index_release(&x);
}
END_TEST

/* --- files ----------------------------------------------------------------------------------- */

static struct container *file_of(const struct session_index *x, void **image)
{
    struct container_writer *w = container_writer_new("test", 1);
    struct container *c;
    size_t bytes;
    struct err err;
    session_index_write(x, w);
    ck_ok(container_write_memory(w, image, &bytes, &err));
    container_writer_free(w);
    ck_ok(container_open_memory(*image, bytes, 0, &c, &err));
    return c;
}

START_TEST(what_is_written_is_read)
{
    static struct sample s;
    struct session_input in = draw(&s, 7);
    struct session_index x, read;
    struct err err;
    void *image;
    ck_ok(session_index_build(&in, &x, &err));
    struct container *c = file_of(&x, &image);
    ck_ok(session_index_read(c, x.sessions, x.items, &read, &err));
    ck_assert(memcmp(read.item, x.item, x.offsets[x.sessions] * sizeof *x.item) == 0);
    ck_assert(memcmp(read.end_s, x.end_s, x.sessions * sizeof *x.end_s) == 0);
    check_index(&read);
    ck_err(session_index_read(c, x.sessions + 1, x.items, &read, &err), ERR_CORRUPT);
    ck_err(session_index_read(c, x.sessions, x.items - 1, &read, &err), ERR_CORRUPT);
    container_close(c);
    mem_free(image);
    session_index_release(&x);
}
END_TEST

/* Two sessions: 0 has the items 1, 2, 1; 1 has the item 2. */
struct small {
    uint32_t offsets[3], item[4], end_s[2], of_offsets[4], of_session[3];
    float idf[3];
};

static const struct small small = {.offsets = {0, 3, 4},
                                   .item = {1, 2, 1, 2},
                                   .end_s = {9, 5},
                                   .of_offsets = {0, 0, 1, 3},
                                   .of_session = {0, 0, 1},
                                   .idf = {0, 1, 0.6f}};

/* The message of reading it, which must fail as corrupt; empty where it does not. */
static struct err read_small(const struct small *m)
{
    struct container_writer *w = container_writer_new("test", 1);
    struct session_index read;
    struct container *c;
    struct err err, found = {0};
    size_t bytes;
    void *image;
    container_writer_add(w, "session.offsets", 4, m->offsets, 3);
    container_writer_add(w, "session.items", 4, m->item, 4);
    container_writer_add(w, "session.end", 4, m->end_s, 2);
    container_writer_add(w, "session.of.offsets", 4, m->of_offsets, 4);
    container_writer_add(w, "session.of", 4, m->of_session, 3);
    container_writer_add(w, "session.idf", 4, m->idf, 3);
    ck_ok(container_write_memory(w, &image, &bytes, &err));
    container_writer_free(w);
    ck_ok(container_open_memory(image, bytes, 0, &c, &err));
    if (session_index_read(c, 2, 3, &read, &found) != ERR_OK)
        ck_assert_int_eq(found.code, ERR_CORRUPT);
    container_close(c);
    mem_free(image);
    return found;
}

START_TEST(a_file_that_contradicts_itself_is_refused_with_the_place)
{
    static const struct {
        size_t at;
        uint32_t value;
        const char *says;
    } bad[] = {
#define AT(field, i) offsetof(struct small, field) + 4 * (i)
        {AT(offsets, 0), 1, "session.offsets does not span its 4 entries"},
        {AT(offsets, 2), 5, "session.offsets does not span"},
        {AT(offsets, 1), 5, "session.offsets descends at 1"},
        {AT(item, 2), 3, "session.items refers to item 3 of 3 at 2"},
        {AT(item, 0), UINT32_MAX, "session.items refers to item"},
        {AT(item, 0), 0, "session.of does not have session 0 for item 0"},
        {AT(item, 3), 0, "session.of does not have session 1 for item 0"},
        {AT(end_s, 1), 10, "session.end ascends at 1"},
        {AT(of_offsets, 1), 2, "session.of.offsets descends at 1"},
        {AT(of_offsets, 2), 0, "session.of does not have session 0 for item 1"},
        {AT(of_offsets, 3), 2, "session.of.offsets does not span its 3 entries"},
        {AT(of_session, 1), 1, "session.of does not have session 0 for item 2"},
        {AT(of_session, 2), 7, "session.of does not have session 1 for item 2"},
        {AT(idf, 1), 0x40000000 /* 2 */, "session.idf is not in 0..1 at 1"},
        {AT(idf, 2), 0x7fc00000 /* NaN */, "session.idf is not in 0..1 at 2"},
#undef AT
    };
    ck_assert_str_eq(read_small(&small).msg, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct small m = small;
        memcpy((char *)&m + bad[i].at, &bad[i].value, sizeof bad[i].value);
        struct err err = read_small(&m);
        ck_assert_msg(strstr(err.msg, bad[i].says), "%zu: %s", i, err.msg);
    }
    /* more in the lists than in the sessions */
    struct small m = small;
    m.item[1] = 1;
    m.of_session[1] = 1;
    struct err err = read_small(&m);
    ck_assert_msg(strstr(err.msg, "session.of has 3 entries, the sessions 2"), "%s", err.msg);
}
END_TEST

START_TEST(memory_that_is_out_leaves_nothing_behind)
{
    static struct sample s;
    struct session_input in = draw(&s, 1);
    struct session_index x = {0};
    enum err_code code = ERR_MEMORY;
    struct err err;
    for (long at = 1; code != ERR_OK; at++) {
        mem_fail_at(at);
        code = session_index_build(&in, &x, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        ck_assert_int_lt(at, 1000);
    }
    mem_fail_at(0);
    session_index_release(&x);
}
END_TEST

SUITE("session_index", the_most_recent_sessions_stand_first_and_by_item,
      times_before_1970_and_after_2106_are_moved_to_the_ends, what_is_written_is_read,
      a_file_that_contradicts_itself_is_refused_with_the_place,
      memory_that_is_out_leaves_nothing_behind)
