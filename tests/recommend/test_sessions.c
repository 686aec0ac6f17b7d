/* Session kNN against the definition in sessions.h, in double precision and with loops over all sessions. */
#include "recommend/sessions.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "support/suite.h"

enum { SESSIONS = 80, ITEMS = 20, LONGEST = 9, NOW_DAYS = 100 };

struct sample {
    uint64_t offsets[SESSIONS + 1];
    uint32_t item[SESSIONS * LONGEST];
    int64_t end_us[SESSIONS];
};

static void draw(struct sample *s, uint64_t seed)
{
    struct rng r;
    rng_init(&r, seed);
    s->offsets[0] = 0;
    for (size_t i = 0; i < SESSIONS; i++) {
        uint64_t n = rng_below(&r, LONGEST + 1);
        for (uint64_t p = s->offsets[i]; p < s->offsets[i] + n; p++)
            s->item[p] = (uint32_t)rng_below(&r, ITEMS);
        s->offsets[i + 1] = s->offsets[i] + n;
        s->end_us[i] = (int64_t)rng_below(&r, NOW_DAYS) * CLOCK_US_PER_DAY + (int64_t)i;
    }
}

/* --- the oracle ------------------------------------------------------------------------------ */

/* The first place of an item in a session, or -1. */
static int place_of(const struct sample *s, size_t session, uint32_t item)
{
    for (uint64_t p = s->offsets[session]; p < s->offsets[session + 1]; p++)
        if (s->item[p] == item)
            return (int)(p - s->offsets[session]);
    return -1;
}

static double idf_of(const struct sample *s, uint32_t item)
{
    double have = 0;
    for (size_t i = 0; i < SESSIONS; i++)
        have += place_of(s, i, item) >= 0;
    return have > 0 ? log(1 + SESSIONS / have) / log(1 + SESSIONS) : 0;
}

/* Is session among the `sample` most recent that have item? */
static bool is_sampled(const struct sample *s, uint32_t sample, size_t session, uint32_t item)
{
    uint32_t later = 0;
    for (size_t i = 0; i < SESSIONS; i++)
        later += s->end_us[i] > s->end_us[session] && place_of(s, i, item) >= 0;
    return later < sample && place_of(s, session, item) >= 0;
}

static double near_of(const struct sample *s, const struct session_options *o, size_t session,
                      const uint32_t *recent, size_t len, int64_t now_us)
{
    double near = 0, size = (double)(s->offsets[session + 1] - s->offsets[session]);
    double days = (double)(now_us - s->end_us[session]) / (double)CLOCK_US_PER_DAY;
    for (size_t a = 0; a < len; a++)
        if (is_sampled(s, o->sample, session, recent[a]))
            near += pow((double)o->decay, (double)a) *
                    pow(idf_of(s, recent[a]), (double)o->match_power);
    if (near <= 0)
        return 0;
    near /= pow(size, (double)o->length_power);
    return o->half_life_days > 0 ? near * exp2(-days / (double)o->half_life_days) : near;
}

/* How much an item counts in a session whose place p matches. */
static double share_of(const struct sample *s, const struct session_options *o, size_t session,
                       int p, uint32_t item)
{
    int n = (int)(s->offsets[session + 1] - s->offsets[session]);
    const uint32_t *in = s->item + s->offsets[session];
    for (int q = p + 1; q < n; q++)
        if (in[q] == item)
            return pow((double)o->spread, q - p - 1);
    for (int q = p - 1; q >= 0 && in[p] != item; q--)
        if (in[q] == item)
            return (double)o->back * pow((double)o->spread, p - q - 1);
    return 0;
}

static void fill_oracle(const struct sample *s, const struct session_options *o,
                        const uint32_t *recent, size_t len, int64_t now_us, double score[ITEMS])
{
    double near[SESSIONS];
    memset(score, 0, ITEMS * sizeof *score);
    for (size_t i = 0; i < SESSIONS; i++)
        near[i] = near_of(s, o, i, recent, len, now_us);
    for (size_t i = 0; i < SESSIONS; i++) {
        size_t nearer = 0, a = 0;
        for (size_t k = 0; k < SESSIONS; k++)
            nearer += near[k] > near[i];
        if (near[i] <= 0 || nearer >= o->neighbours)
            continue;
        while (place_of(s, i, recent[a]) < 0)
            a++;
        for (uint32_t j = 0; j < ITEMS; j++)
            score[j] += near[i] * share_of(s, o, i, place_of(s, i, recent[a]), j) *
                        pow(idf_of(s, j), (double)o->idf_power);
    }
    for (size_t a = 0; a < len; a++)
        score[recent[a]] *= (double)o->again;
}

static void compare(const struct topk_item *got, size_t len, size_t k, const double score[ITEMS])
{
    size_t some = 0, better = 0;
    for (size_t i = 0; i < len; i++) {
        double want = score[got[i].id];
        ck_assert_double_eq_tol((double)got[i].score, want, 2e-5 * (1e-3 + want));
        ck_assert(i == 0 || got[i - 1].score >= got[i].score);
    }
    for (uint32_t j = 0; j < ITEMS; j++) {
        some += score[j] > 0;
        better += len && score[j] > (double)got[len - 1].score * 1.0001;
    }
    ck_assert_uint_eq(len, some < k ? some : k);
    ck_assert_uint_lt(better, len ? len : 1);
}

/* --- tests ----------------------------------------------------------------------------------- */

START_TEST(lists_are_what_the_definition_says)
{
    /* Powers that are not whole keep sessions from being equally near. */
    static const struct session_options cases[] = {
        {.neighbours = 1000,
         .sample = 1000,
         .recent = 5,
         .decay = .5F,
         .match_power = 1,
         .spread = 1,
         .back = 1,
         .again = 1},
        {.neighbours = 7,
         .sample = 1000,
         .recent = 5,
         .decay = .7F,
         .match_power = 1.3F,
         .length_power = .5F,
         .half_life_days = 9,
         .idf_power = .6F,
         .spread = .8F,
         .back = .3F,
         .again = 2},
        {.neighbours = 1000,
         .sample = 4,
         .recent = 3,
         .decay = .9F,
         .half_life_days = 30,
         .spread = .5F,
         .again = 0},
    };
    static const uint32_t under_way[] = {4, 9, 4, 1000 /* not known */, 2, 7, 2};
    static const uint32_t recent[] = {2, 7, 4, 9};
    static struct sample s;
    for (size_t c = 0; c < 9; c++) {
        const struct session_options *o = &cases[c % 3];
        int64_t now_us = NOW_DAYS * CLOCK_US_PER_DAY;
        size_t k = c < 3 ? ITEMS : 6;
        struct topk_item got[ITEMS];
        struct session_index x;
        struct session_scratch scratch;
        double score[ITEMS];
        struct err err;
        draw(&s, 100 + c);
        ck_ok(session_index_build(SESSIONS, s.offsets, s.item, s.end_us, ITEMS, &x, &err));
        ck_ok(session_scratch_init(&scratch, &x, o, &err));
        fill_oracle(&s, o, recent, o->recent < 4 ? o->recent : 4, now_us, score);
        for (int again = 0; again < 2; again++) { /* a query leaves nothing behind */
            size_t len = session_foretell(&x, o, &scratch, under_way, 7, now_us, got, k);
            compare(got, len, k, score);
        }
        session_scratch_release(&scratch);
        session_index_release(&x);
    }
}
END_TEST

START_TEST(nothing_known_gives_empty_lists)
{
    uint64_t none[3] = {0};
    int64_t end_us[2] = {0};
    uint32_t item[1] = {0}, unknown[] = {5, 1};
    struct session_options o = session_defaults();
    struct topk_item got[4];
    struct err err;
    for (uint32_t n = 0; n < 3; n += 2) {
        struct session_index x;
        struct session_scratch s;
        ck_ok(session_index_build(n, none, item, end_us, 3, &x, &err));
        ck_ok(session_scratch_init(&s, &x, &o, &err));
        ck_assert_uint_eq(session_foretell(&x, &o, &s, unknown, 2, 0, got, 4), 0);
        ck_assert_uint_eq(session_foretell(&x, &o, &s, unknown, 0, 0, got, 4), 0);
        session_scratch_release(&s);
        session_index_release(&x);
    }
}
END_TEST

START_TEST(a_huge_session_counts_with_its_last_items)
{
    enum { LONG = 100000 };
    uint64_t offsets[] = {0, LONG};
    int64_t end_us[] = {0};
    uint32_t *item = mem_new(LONG, sizeof *item), last = LONG - 3, first = 0;
    struct session_options o = session_defaults();
    struct topk_item got[4];
    struct session_index x;
    struct session_scratch s;
    struct err err;
    for (uint32_t i = 0; i < LONG; i++)
        item[i] = i;
    ck_ok(session_index_build(1, offsets, item, end_us, LONG, &x, &err));
    ck_ok(session_scratch_init(&s, &x, &o, &err));
    ck_assert_uint_eq(x.offsets[1], SESSION_ITEMS_MAX);
    ck_assert_uint_eq(session_foretell(&x, &o, &s, &last, 1, 0, got, 4), 4);
    ck_assert_uint_eq(got[0].id, LONG - 2);
    ck_assert_uint_eq(session_foretell(&x, &o, &s, &first, 1, 0, got, 4), 0);
    ck_assert_uint_eq(session_foretell(&x, &o, &s, item, LONG, 0, got, 4), 4);
    session_scratch_release(&s);
    session_index_release(&x);
    mem_free(item);
}
END_TEST

START_TEST(memory_that_is_out_leaves_nothing_behind)
{
    static struct sample s;
    struct session_options o = session_defaults();
    struct session_index x = {0};
    struct session_scratch scratch = {0};
    enum err_code code = ERR_MEMORY;
    struct err err;
    draw(&s, 1);
    for (long at = 1; code != ERR_OK; at++) {
        mem_fail_at(at);
        code = session_index_build(SESSIONS, s.offsets, s.item, s.end_us, ITEMS, &x, &err);
        if (code == ERR_OK) {
            code = session_scratch_init(&scratch, &x, &o, &err);
            if (code != ERR_OK)
                session_index_release(&x);
        }
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        ck_assert_int_lt(at, 1000);
    }
    mem_fail_at(0);
    session_scratch_release(&scratch);
    session_index_release(&x);
}
END_TEST

START_TEST(options_are_set_by_name_within_their_bounds)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"speed=1", "there is no parameter 'speed'"}, {"neighbours=0", "not between 1 and"},
        {"decay=1.5", "not between 0 and 1"},         {"decay=nan", "decay: "},
        {"recent=101", "not between 1 and 100"},
    };
    struct session_options o = session_defaults();
    struct err err;
    ck_ok(session_option_set(&o, str_of("sample=7"), &err));
    ck_ok(session_option_set(&o, str_of("back=0.5"), &err));
    ck_assert_uint_eq(o.sample, 7);
    ck_assert_float_eq(o.back, .5F);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_err(session_option_set(&o, str_of(bad[i].text), &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, bad[i].says), "%s", err.msg);
    }
}
END_TEST

SUITE("sessions", lists_are_what_the_definition_says, nothing_known_gives_empty_lists,
      a_huge_session_counts_with_its_last_items, memory_that_is_out_leaves_nothing_behind,
      options_are_set_by_name_within_their_bounds)
