/* What is bought again, counted by hand: one shopper after the other, every product against every other. */
#include "eval/repurchase.h"

#include "engine/past.h"
#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/again.h"

enum { PRODUCTS = 20, USERS = 30, DAYS = 60, SPLIT_DAY = 40 };
#define DAY   ((int64_t)86400 * 1000000)
#define BEGIN ((int64_t)20000 * DAY)
#define SPLIT (BEGIN + SPLIT_DAY * DAY)

struct shop {
    struct view_fixture f;
    struct interactions it;
    struct past past;
    uint32_t bought[USERS + 1][PRODUCTS + 1][DAYS]; /* orders of a day */
};

/* One order a day at most; some days are views alone. */
static void make_acts(struct shop *s)
{
    struct derive_options o = derive_defaults();
    struct rng r;
    struct err err;
    rng_init(&r, 3);
    for (uint32_t user = 1; user <= USERS; user++)
        for (uint32_t day = 0; day < DAYS; day++) {
            bool order = rng_below(&r, 2) == 0;
            for (uint64_t n = rng_below(&r, 3) ? 0 : 1 + rng_below(&r, 5); n; n--) {
                uint32_t no = 1 + (uint32_t)rng_below(&r, PRODUCTS);
                ck_ok(interactions_append(&s->it, user, no, BEGIN + day * DAY + (int64_t)n, 1,
                                          order ? EVENT_PURCHASE : EVENT_VIEW, 1, &err));
                s->bought[user][no][day] += order;
            }
        }
    ck_ok(interactions_sort(&s->it, &o, &err));
}

static void shop_init(struct shop *s)
{
    static struct recommend_model m;
    static uint32_t items[PRODUCTS];
    static float days[PRODUCTS], share[PRODUCTS];
    static uint64_t offsets[USERS + 1];
    static uint32_t user_no[USERS], acts[USERS * DAYS * PRODUCTS];
    static uint16_t act_days[USERS * DAYS * PRODUCTS];
    struct err err;
    uint64_t n = 0;
    ck_ok(vec_init(&err));
    fixture_init(&s->f);
    make_acts(s);
    for (uint32_t i = 0; i < PRODUCTS; i++) {
        items[i] = i + 1;
        days[i] = 5 + (float)i;
        share[i] = (float)(i + 1) / 40;
    }
    for (uint32_t user = 1; user <= USERS; user++) {
        user_no[user - 1] = user;
        for (uint32_t day = SPLIT_DAY; day-- > 0;)
            for (uint32_t no = 1; no <= PRODUCTS; no++)
                if (s->bought[user][no][day]) {
                    acts[n] = (uint32_t)EVENT_PURCHASE << HISTORY_ROW_BITS | (no - 1);
                    act_days[n++] = (uint16_t)(20000 + day);
                }
        offsets[user] = n;
    }
    m = (struct recommend_model){.rows = PRODUCTS,
                                 .items = items,
                                 .again_days = days,
                                 .again_share = share,
                                 .users = USERS,
                                 .user_no = user_no,
                                 .history_offsets = offsets,
                                 .history_acts = acts,
                                 .history_days = act_days};
    ck_ok(past_open(s->f.view, &m, SPLIT, &s->past, &err));
}

struct owned {
    uint32_t no, days, first, last;
    double key;
};

/* How many stand before it. */
static size_t place_of(const struct owned *owned, size_t n, size_t at)
{
    size_t place = 0;
    for (size_t i = 0; i < n; i++)
        place += owned[i].key > owned[at].key ||
                 (owned[i].key == owned[at].key && owned[i].no < owned[at].no);
    return place;
}

static void count(const struct shop *s, uint32_t user, uint32_t order, int how, size_t hits[],
                  size_t *right)
{
    const struct recommend_model *m = view_model(&s->past.view);
    struct owned owned[PRODUCTS];
    size_t n = 0;
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        struct owned o = {.no = no};
        for (uint32_t day = 0; day < SPLIT_DAY; day++)
            if (s->bought[user][no][day]) {
                o.first = o.days++ ? o.first : day;
                o.last = day;
            }
        if (o.days == 0)
            continue;
        float resting = AGAIN_REST * m->again_days[no - 1];
        o.key = how == 0 ? (double)again_rate(m->again_share[no - 1], m->again_days[no - 1], o.days,
                                              (float)(order - o.first))
                : how == 1 ? o.last
                           : o.days * 1000 + o.last;
        if (how == 0 &&
            (m->again_share[no - 1] < AGAIN_SHARE_MIN || (float)(order - o.last) < resting))
            o.key = -1;
        owned[n++] = o;
    }
    for (size_t i = 0; i < n; i++) {
        if (!s->bought[user][owned[i].no][order])
            continue;
        *right += how == 0;
        for (size_t k = 0; k < REPURCHASE_K && owned[i].key >= 0; k++)
            hits[k] += place_of(owned, n, i) < repurchase_k[k];
    }
}

START_TEST(shares_are_those_counted_by_hand)
{
    static struct shop s;
    struct repurchase_result got;
    struct err err;
    size_t hits[3][REPURCHASE_K] = {{0}}, asked = 0, shoppers = 0;
    shop_init(&s);
    for (uint32_t user = 1; user <= USERS; user++) {
        uint32_t order = DAYS;
        for (uint32_t day = DAYS; day-- > SPLIT_DAY;)
            for (uint32_t no = 1; no <= PRODUCTS; no++)
                order = s.bought[user][no][day] ? day : order;
        size_t before = asked;
        for (int how = 0; how < 3 && order < DAYS; how++)
            count(&s, user, order, how, hits[how], &asked);
        shoppers += asked > before;
    }
    ck_ok(repurchase_measure(&s.it, &s.past.view, SPLIT, &got, &err));
    ck_assert_uint_gt(asked, 20);
    ck_assert_uint_eq(got.asked, asked);
    ck_assert_uint_eq(got.shoppers, shoppers);
    for (size_t k = 0; k < REPURCHASE_K; k++) {
        ck_assert_double_eq_tol(got.rate[k], (double)hits[0][k] / (double)asked, 1e-9);
        ck_assert_double_eq_tol(got.recent[k], (double)hits[1][k] / (double)asked, 1e-9);
        ck_assert_double_eq_tol(got.often[k], (double)hits[2][k] / (double)asked, 1e-9);
    }
    ck_assert(hits[0][0] != hits[1][0] && hits[1][0] != hits[2][0]);
    past_close(&s.past);
    interactions_release(&s.it);
    fixture_release(&s.f);
}
END_TEST

SUITE("repurchase", shares_are_those_counted_by_hand)
