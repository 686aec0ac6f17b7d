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

static struct session_input input_of(const struct sample *s)
{
    return (struct session_input){.sessions = SESSIONS,
                                  .items = ITEMS,
                                  .offsets = s->offsets,
                                  .item = s->item,
                                  .end_us = s->end_us};
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

/* How much of a session's nearness comes from recent item a; all of it for a < 0. */
static double due_to(const struct sample *s, const struct session_options *o, size_t session,
                     const uint32_t *recent, size_t len, int a)
{
    double sum = 0, own = 0;
    for (size_t b = 0; b < len; b++) {
        double w = is_sampled(s, o->sample, session, recent[b])
                       ? pow((double)o->decay, (double)b) *
                             pow(idf_of(s, recent[b]), (double)o->match_power)
                       : 0;
        sum += w;
        own += (int)b == a ? w : 0;
    }
    return a < 0 ? 1 : own / sum;
}

/* Do the nearer sessions and this one have more items together than may score? */
static bool beyond_budget(const struct sample *s, const struct session_options *o,
                          const double near[SESSIONS], size_t session)
{
    uint64_t items = 0;
    size_t nearer = 0;
    for (size_t k = 0; k < SESSIONS; k++)
        if (near[k] >= near[session]) {
            items += s->offsets[k + 1] - s->offsets[k];
            nearer += k != session;
        }
    return nearer > 0 && items > o->budget;
}

static void fill_part(const struct sample *s, const struct session_options *o,
                      const uint32_t *recent, size_t len, int64_t now_us, int part,
                      double score[ITEMS])
{
    double near[SESSIONS];
    memset(score, 0, ITEMS * sizeof *score);
    for (size_t i = 0; i < SESSIONS; i++)
        near[i] = near_of(s, o, i, recent, len, now_us);
    for (size_t i = 0; i < SESSIONS; i++) {
        size_t nearer = 0, a = 0;
        for (size_t k = 0; k < SESSIONS; k++)
            nearer += near[k] > near[i];
        if (near[i] <= 0 || nearer >= o->neighbours || beyond_budget(s, o, near, i))
            continue;
        while (!is_sampled(s, o->sample, i, recent[a]))
            a++;
        double share = due_to(s, o, i, recent, len, part);
        for (uint32_t j = 0; j < ITEMS; j++)
            score[j] += near[i] * share * share_of(s, o, i, place_of(s, i, recent[a]), j) *
                        pow(idf_of(s, j), (double)o->idf_power);
    }
    for (size_t a = 0; a < len; a++)
        score[recent[a]] *= (double)o->again;
}

static void compare(const struct session_list *got, size_t k, const double score[ITEMS])
{
    size_t some = 0, better = 0;
    for (size_t i = 0; i < got->len; i++) {
        double want = score[got->item[i]];
        ck_assert_double_eq_tol((double)got->score[i], want, 2e-5 * (1e-3 + want));
        ck_assert(i == 0 || got->score[i - 1] >= got->score[i]);
    }
    for (uint32_t j = 0; j < ITEMS; j++) {
        some += score[j] > 0;
        better += got->len && score[j] > (double)got->score[got->len - 1] * 1.0001;
    }
    ck_assert_uint_eq(got->len, some < k ? some : k);
    ck_assert_uint_lt(better, got->len ? got->len : 1);
}

/* The part of recent item a: every session counts with its share. */
static void compare_parts(const struct sample *s, const struct session_options *o,
                          const struct session_list *got, int64_t now_us)
{
    for (uint32_t a = 0; a < got->recent_len; a++) {
        double part[ITEMS];
        fill_part(s, o, got->recent, got->recent_len, now_us, (int)a, part);
        for (size_t i = 0; i < got->len; i++)
            ck_assert_double_eq_tol((double)got->part[i * got->recent_len + a], part[got->item[i]],
                                    2e-5 * (1e-3 + part[got->item[i]]));
    }
    for (size_t i = 0; i < got->len; i++) {
        double sum = 0;
        for (uint32_t a = 0; a < got->recent_len; a++)
            sum += (double)got->part[i * got->recent_len + a];
        ck_assert_double_eq_tol(sum, (double)got->score[i], 1e-5 * (double)got->score[i]);
    }
}

/* --- tests ----------------------------------------------------------------------------------- */

START_TEST(lists_are_what_the_definition_says)
{
    /* Powers that are not whole keep sessions from being equally near. */
    static const struct session_options cases[] = {
        {.neighbours = 1000,
         .budget = 100000,
         .sample = 1000,
         .recent = 5,
         .decay = .5F,
         .match_power = 1,
         .spread = 1,
         .back = 1,
         .again = 1},
        {.neighbours = 7,
         .budget = 20,
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
         .budget = 100000,
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
        struct session_question q = {.items = under_way,
                                     .n = sizeof under_way / sizeof *under_way,
                                     .now_us = NOW_DAYS * CLOCK_US_PER_DAY,
                                     .k = c < 3 ? ITEMS : 6,
                                     .parts = c % 2};
        uint32_t recent_len = o->recent < 4 ? o->recent : 4;
        struct session_index x;
        struct arena arena;
        double score[ITEMS];
        struct err err;
        draw(&s, 100 + c);
        struct session_input in = input_of(&s);
        arena_init(&arena, 0, 1 << 20);
        ck_ok(session_index_build(&in, &x, &err));
        fill_part(&s, o, recent, recent_len, q.now_us, -1, score);
        for (int again = 0; again < 2; again++) {
            struct session_list got;
            ck_ok(session_foretell(&x, o, &q, &arena, &got, &err));
            ck_assert_uint_eq(got.recent_len, recent_len);
            ck_assert(memcmp(got.recent, recent, recent_len * sizeof *recent) == 0);
            compare(&got, q.k, score);
            ck_assert((got.part != NULL) == q.parts);
            if (q.parts)
                compare_parts(&s, o, &got, q.now_us);
            arena_reset(&arena);
        }
        arena_release(&arena);
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
    struct session_list got;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0, 1 << 20);
    for (uint32_t n = 0; n < 3; n += 2) {
        struct session_input in = {
            .sessions = n, .items = 3, .offsets = none, .item = item, .end_us = end_us};
        struct session_question q = {.items = unknown, .k = 4, .parts = true};
        struct session_index x;
        ck_ok(session_index_build(&in, &x, &err));
        for (q.n = 0; q.n <= 2; q.n += 2) {
            ck_ok(session_foretell(&x, &o, &q, &arena, &got, &err));
            ck_assert_uint_eq(got.len, 0);
        }
        session_index_release(&x);
    }
    struct session_index empty = {0};
    struct session_question q = {.items = unknown, .n = 2, .k = 4};
    ck_ok(session_foretell(&empty, &o, &q, &arena, &got, &err));
    ck_assert_uint_eq(got.len, 0);
    arena_release(&arena);
}
END_TEST

START_TEST(a_huge_session_counts_with_its_last_items)
{
    enum { LONG = 100000 };
    uint64_t offsets[] = {0, LONG};
    int64_t end_us[] = {0};
    uint32_t *item = mem_new(LONG, sizeof *item), last = LONG - 3, first = 0;
    struct session_options o = session_defaults();
    struct session_question q = {.n = 1, .k = 4};
    struct session_input in = {
        .sessions = 1, .items = LONG, .offsets = offsets, .item = item, .end_us = end_us};
    struct session_index x;
    struct session_list got;
    struct arena arena;
    struct err err;
    for (uint32_t i = 0; i < LONG; i++)
        item[i] = i;
    arena_init(&arena, 0, 1 << 20);
    ck_ok(session_index_build(&in, &x, &err));
    ck_assert_uint_eq(x.offsets[1], SESSION_ITEMS_MAX);
    q.items = &last;
    ck_ok(session_foretell(&x, &o, &q, &arena, &got, &err));
    ck_assert_uint_eq(got.len, 4);
    ck_assert_uint_eq(got.item[0], LONG - 2);
    q.items = &first;
    ck_ok(session_foretell(&x, &o, &q, &arena, &got, &err));
    ck_assert_uint_eq(got.len, 0);
    q.items = item;
    q.n = LONG;
    ck_ok(session_foretell(&x, &o, &q, &arena, &got, &err));
    ck_assert_uint_eq(got.len, 4);
    arena_release(&arena);
    session_index_release(&x);
    mem_free(item);
}
END_TEST

START_TEST(what_does_not_fit_is_told)
{
    static struct sample s;
    struct session_options o = session_defaults();
    static const uint32_t items[] = {1, 2, 3, 4, 5};
    struct session_question q = {.items = items, .n = 5, .k = 10, .parts = true};
    enum err_code code = ERR_LIMIT;
    struct session_index x;
    struct err err;
    draw(&s, 1);
    struct session_input in = input_of(&s);
    ck_ok(session_index_build(&in, &x, &err));
    for (size_t cap = 64; code != ERR_OK; cap += 64) {
        struct session_list got;
        struct arena arena;
        arena_init(&arena, 0, cap);
        code = session_foretell(&x, &o, &q, &arena, &got, &err);
        ck_assert(code == ERR_OK || code == ERR_LIMIT);
        ck_assert_uint_lt(cap, 1 << 20);
        arena_release(&arena);
    }
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
        {"recent=33", "not between 1 and 32"},
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
      a_huge_session_counts_with_its_last_items, what_does_not_fit_is_told,
      options_are_set_by_name_within_their_bounds)
