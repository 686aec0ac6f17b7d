/* test_engine_acts.c - shoppers: what they did reaches their state, and what is erased is gone. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/rig.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/users.h"

static struct event an_act(const char *id, const char *user, const char *guest, const char *product,
                           int64_t time_s)
{
    return (struct event){.id = str_of(id),
                          .time = time_s * CLOCK_US_PER_S,
                          .type = EVENT_VIEW,
                          .user_id = str_of(user),
                          .anonymous_id = str_of(guest),
                          .product_id = str_of(product),
                          .quantity = 1,
                          .value_minor = STORE_NO_AMOUNT,
                          .position = -1};
}

static void view_it(struct rig *r, const char *user, const char *guest, const char *product,
                    int64_t time_s)
{
    static unsigned serial;
    char id[32];
    struct err err;
    snprintf(id, sizeof id, "e%u", serial++);
    struct event e = an_act(id, user, guest, product, time_s);
    ck_ok(events_add(tx_begin(&r->shop), &e, 1, 0, NULL, NULL, &err));
    rig_commit(r);
}

static uint32_t number_of(struct rig *r, enum user_kind kind, const char *id)
{
    struct err err;
    struct ids_shopper who;
    ck_ok(ids_find(engine_ids(r->engine), kind, str_of(id), &who, &err));
    return who.user_no;
}

static size_t recent(struct rig *r, uint32_t user_no, struct user_action *out)
{
    struct view *v = engine_view(r->engine);
    size_t n = users_recent(v->users, user_no, out, USERS_ACTIONS_MAX);
    view_unref(v);
    return n;
}

START_TEST(an_act_is_in_the_state_and_there_again_after_a_restart)
{
    struct rig r;
    struct user_action acts[USERS_ACTIONS_MAX];
    rig_init(&r);
    uint32_t a = rig_put(&r, "a"), b = rig_put(&r, "b");
    view_it(&r, "ann", "", "a", 1700000000);
    view_it(&r, "ann", "", "b", 1700000005);
    uint32_t ann = number_of(&r, USER_KNOWN, "ann");
    for (int restarted = 0; restarted < 2; restarted++) {
        ck_assert_uint_eq(recent(&r, ann, acts), 2);
        ck_assert(acts[0].product_no == b && acts[1].product_no == a);
        ck_assert_uint_eq(acts[0].time_s, 1700000005);
        struct view *v = engine_view(r.engine);
        ck_assert(live_heat(v->live, a, 1700000000 * CLOCK_US_PER_S) >= 1);
        view_unref(v);
        rig_restart(&r);
    }
    rig_release(&r);
}
END_TEST

START_TEST(an_order_is_a_purchase_and_heats_once_also_after_a_restart)
{
    struct rig r;
    struct err err;
    struct user_action acts[USERS_ACTIONS_MAX];
    rig_init(&r);
    uint32_t no = rig_put(&r, "p");
    int64_t now_us = clock_now_us();
    struct order_line line = {.product_id = STR_LIT("p"), .quantity = 1, .amount_minor = 1000};
    struct order o = {.id = STR_LIT("o"),
                      .user_id = STR_LIT("ann"),
                      .currency = GBP,
                      .status = ORDER_PAID,
                      .placed_at = now_us,
                      .lines = &line,
                      .lines_len = 1};
    ck_ok(order_put(tx_begin(&r.shop), &o, 0, NULL, &err));
    rig_commit(&r);
    struct order_counts counts;
    ck_ok(orders_count(read_begin(&r.shop), &counts, &err));
    read_end(&r.shop);
    ck_assert_int_eq(counts.last_no, 1);
    for (int restarted = 0; restarted < 2; restarted++) {
        ck_assert_uint_eq(recent(&r, number_of(&r, USER_KNOWN, "ann"), acts), 1);
        ck_assert(acts[0].product_no == no && acts[0].type == EVENT_PURCHASE);
        struct view *v = engine_view(r.engine);
        float heat = live_heat(v->live, no, now_us);
        ck_assert_msg(heat > 7.9f && heat < 8.1f, "heat %g", (double)heat);
        view_unref(v);
        rig_restart(&r);
    }
    rig_release(&r);
}
END_TEST

START_TEST(acts_that_the_log_no_longer_has_are_read_from_the_records)
{
    struct rig r;
    struct err err;
    struct user_action before[USERS_ACTIONS_MAX], after[USERS_ACTIONS_MAX];
    rig_init(&r);
    uint32_t a = rig_put(&r, "a");
    rig_put(&r, "b");
    view_it(&r, "ann", "", "b", 1700000000);
    view_it(&r, "", "guest", "a", 1700000001);
    view_it(&r, "ann", "guest", "a", 1700000002); /* joins them */
    struct order_line line = {.product_id = STR_LIT("a"), .quantity = 1, .amount_minor = 1000};
    struct order o = {.id = STR_LIT("o"),
                      .user_id = STR_LIT("ann"),
                      .currency = GBP,
                      .status = ORDER_PAID,
                      .placed_at = 1700000003 * CLOCK_US_PER_S,
                      .lines = &line,
                      .lines_len = 1};
    ck_ok(order_put(tx_begin(&r.shop), &o, 0, NULL, &err));
    rig_commit(&r);
    uint32_t ann = number_of(&r, USER_KNOWN, "ann");
    size_t n = recent(&r, ann, before);
    ck_assert(n == 4 && before[0].type == EVENT_PURCHASE && before[0].product_no == a);
    struct view *v = engine_view(r.engine);
    float heat = live_heat(v->live, a, 1700000003 * CLOCK_US_PER_S);
    view_unref(v);
    ck_ok(changes_trim(tx_begin(&r.shop), rig_stats(&r).position, NULL, &err));
    rig_commit(&r);
    rig_restart(&r);
    ck_assert_uint_eq(recent(&r, ann, after), n);
    ck_assert_mem_eq(before, after, n * sizeof *before);
    v = engine_view(r.engine);
    float again = live_heat(v->live, a, 1700000003 * CLOCK_US_PER_S);
    ck_assert_msg(again > heat - 0.1f && again < heat + 0.1f, "%g", (double)again);
    view_unref(v);
    view_it(&r, "ann", "", "b", 1700000009); /* and the log goes on */
    ck_assert_uint_eq(recent(&r, ann, after), n + 1);
    rig_release(&r);
}
END_TEST

START_TEST(a_guest_counts_for_the_shopper_it_joined_until_they_part)
{
    struct rig r;
    struct err err;
    struct user_action acts[USERS_ACTIONS_MAX];
    rig_init(&r);
    rig_put(&r, "a");
    view_it(&r, "", "g", "a", 1700000000);
    view_it(&r, "ann", "", "a", 1700000001);
    uint32_t guest = number_of(&r, USER_ANONYMOUS, "g"), ann = number_of(&r, USER_KNOWN, "ann");
    ck_assert_uint_ne(guest, ann);
    ck_assert_uint_eq(recent(&r, ann, acts), 1);
    view_it(&r, "ann", "g", "a", 1700000002); /* both: they are one */
    for (int restarted = 0; restarted < 2; restarted++) {
        struct view *v = engine_view(r.engine);
        ck_assert_uint_eq(users_resolve(v->users, guest), ann);
        view_unref(v);
        ck_assert_uint_eq(recent(&r, ann, acts), 3);
        rig_restart(&r);
    }
    ck_ok(user_unlink(tx_begin(&r.shop), guest, &err));
    rig_commit(&r);
    struct view *v = engine_view(r.engine);
    ck_assert_uint_eq(users_resolve(v->users, guest), guest);
    view_unref(v);
    ck_assert_uint_lt(recent(&r, ann, acts), 3);
    ck_assert_uint_ge(recent(&r, guest, acts), 1);
    rig_release(&r);
}
END_TEST

START_TEST(an_erased_shopper_is_gone_with_state_and_id_and_stays_gone)
{
    struct rig r;
    struct err err;
    struct user_action acts[USERS_ACTIONS_MAX];
    rig_init(&r);
    rig_put(&r, "a");
    view_it(&r, "ann", "g", "a", 1700000000);
    view_it(&r, "", "g", "a", 1700000001);
    uint32_t ann = number_of(&r, USER_KNOWN, "ann"), guest = number_of(&r, USER_ANONYMOUS, "g");
    ck_assert_uint_eq(recent(&r, ann, acts), 2);
    ck_ok(user_delete(tx_begin(&r.shop), STR_LIT("ann"), &err));
    rig_commit(&r);
    for (int restarted = 0; restarted < 2; restarted++) {
        ck_assert_uint_eq(recent(&r, ann, acts), 0);
        ck_assert_uint_eq(recent(&r, guest, acts), 0);
        ck_assert_uint_eq(number_of(&r, USER_KNOWN, "ann"), 0);
        ck_assert_uint_eq(number_of(&r, USER_ANONYMOUS, "g"), 0);
        rig_restart(&r);
    }
    view_it(&r, "ann", "", "a", 1700000003);
    uint32_t again = number_of(&r, USER_KNOWN, "ann");
    ck_assert(again != 0 && again != ann);
    ck_assert_uint_eq(recent(&r, again, acts), 1);
    rig_release(&r);
}
END_TEST

/* --- heat that is taken back ----------------------------------------------------------------- */

enum { WARM_PRODUCTS = 5, WARM_ACTS = 300 };

static void delete_shopper(struct rig *r, const char *id)
{
    struct err err;
    ck_ok(user_delete(r->shop.tx, str_of(id), &err));
}

/* The same acts of eve in both shops; those of ann, who is also a guest, in the one alone. */
static void act_at_random(struct rig *one, struct rig *other, struct rng *rng, int n)
{
    struct err err;
    char id[32], product[2] = {(char)('a' + rng_below(rng, WARM_PRODUCTS)), 0};
    bool anns = rng_below(rng, 2), guest = rng_below(rng, 2);
    snprintf(id, sizeof id, "w%d", n);
    struct event e = an_act(id, anns ? guest ? "" : "ann" : "eve", anns && guest ? "anns" : "",
                            product, 1700000000 + (int64_t)rng_below(rng, 400000));
    e.type = rng_below(rng, 2) ? EVENT_VIEW : EVENT_PURCHASE;
    struct event copy = e;
    ck_ok(events_add(one->shop.tx, &e, 1, 0, NULL, NULL, &err));
    if (!anns)
        ck_ok(events_add(other->shop.tx, &copy, 1, 0, NULL, NULL, &err));
}

static void wait_until_cool(struct rig *r)
{
    struct err err;
    for (int i = 0; i < RIG_WAIT_MS && !engine_is_cool(r->engine); i++)
        usleep(1000);
    ck_assert(engine_is_cool(r->engine));
    ck_ok(engine_wait(r->engine, RIG_WAIT_MS, &err));
}

static void check_same_heat(struct rig *one, struct rig *other)
{
    const int64_t at = 1700400000 * CLOCK_US_PER_S;
    wait_until_cool(one);
    struct view *v = engine_view(one->engine), *w = engine_view(other->engine);
    for (uint32_t no = 1; no <= WARM_PRODUCTS + 1; no++) {
        double got = (double)live_heat(v->live, no, at), want = (double)live_heat(w->live, no, at);
        ck_assert_msg(fabs(got - want) <= 1e-5 * want + 1e-8, "product %u: %g, not %g", no, got,
                      want);
    }
    view_unref(v);
    view_unref(w);
}

START_TEST(what_an_erased_shopper_warmed_is_as_if_they_had_never_been)
{
    struct rig one, other;
    struct rng rng;
    struct err err;
    rng_init(&rng, 11);
    rig_init(&one);
    rig_init(&other);
    for (int i = 0; i <= WARM_PRODUCTS; i++) { /* nobody else ever looks at the last */
        char id[2] = {(char)('a' + i), 0};
        rig_put(&one, id);
        rig_put(&other, id);
    }
    for (int round = 0; round < 6; round++) {
        bool at_once = round == 1; /* acts and erasure are seen in one snapshot */
        tx_begin(&one.shop);
        tx_begin(&other.shop);
        struct event last = an_act("last", "ann", "anns", "f", 1700000001);
        last.time += round;
        ck_ok(events_add(one.shop.tx, &last, 1, 0, NULL, NULL, &err));
        for (int i = 0; i < WARM_ACTS; i++)
            act_at_random(&one, &other, &rng, round * WARM_ACTS + i);
        if (!at_once) {
            rig_commit(&one);
            if (round == 2 || round == 3) /* a start counts what ann did */
                rig_restart(&one);
            if (round == 3) {
                tx_begin(&one.shop);
                act_at_random(&one, &other, &rng, (round + 10) * WARM_ACTS);
                rig_commit(&one);
            }
            tx_begin(&one.shop);
        }
        delete_shopper(&one, "ann");
        rig_commit(&one);
        rig_commit(&other);
        check_same_heat(&one, &other);
        if (round == 4) { /* and leaves out who is gone */
            rig_restart(&one);
            check_same_heat(&one, &other);
        }
    }
    rig_release(&one);
    rig_release(&other);
}
END_TEST

START_TEST(a_large_batch_of_acts_is_taken_whole)
{
    enum { MANY = 7001, SHOPPERS = 100 };
    static struct event events[MANY];
    static char ids[MANY][16], users[SHOPPERS][16];
    struct rig r;
    struct err err;
    struct user_action acts[USERS_ACTIONS_MAX];
    rig_init(&r);
    rig_put(&r, "a");
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "e%d", i);
        snprintf(users[i % SHOPPERS], sizeof users[0], "u%d", i % SHOPPERS);
        events[i] = an_act(ids[i], users[i % SHOPPERS], "", "a", 1700000000 + i);
    }
    ck_ok(events_add(tx_begin(&r.shop), events, MANY, 0, NULL, NULL, &err));
    rig_commit(&r);
    for (int restarted = 0; restarted < 2; restarted++) {
        for (int u = 0; u < SHOPPERS; u++)
            ck_assert_uint_eq(recent(&r, number_of(&r, USER_KNOWN, users[u]), acts),
                              MANY / SHOPPERS + (u < MANY % SHOPPERS));
        ck_assert_uint_eq(rig_stats(&r).shoppers, SHOPPERS);
        rig_restart(&r);
    }
    rig_release(&r);
}
END_TEST

/* --- the cache of ids ------------------------------------------------------------------------- */

START_TEST(a_known_id_is_served_from_memory_and_a_changed_wish_is_seen)
{
    struct rig r;
    struct err err;
    struct ids_shopper who;
    rig_init(&r);
    struct user u = {.id = STR_LIT("ann"), .personalise = true};
    ck_ok(user_put(tx_begin(&r.shop), &u, NULL, NULL, &err));
    rig_commit(&r);
    for (int i = 0; i < 2; i++) {
        ck_ok(ids_find(engine_ids(r.engine), USER_KNOWN, u.id, &who, &err));
        ck_assert(who.user_no != 0 && who.personalise);
    }
    u.personalise = false;
    ck_ok(user_put(tx_begin(&r.shop), &u, NULL, NULL, &err));
    rig_commit(&r);
    for (int i = 0; i < 2; i++) {
        ck_ok(ids_find(engine_ids(r.engine), USER_KNOWN, u.id, &who, &err));
        ck_assert(who.user_no != 0 && !who.personalise);
    }
    /* The kinds do not mix, and what cannot be an id is nobody. */
    char long_id[STORE_ID_MAX + 1];
    memset(long_id, 'x', sizeof long_id);
    ck_assert_uint_eq(number_of(&r, USER_ANONYMOUS, "ann"), 0);
    ck_assert_uint_eq(number_of(&r, USER_KNOWN, ""), 0);
    ck_ok(ids_find(engine_ids(r.engine), USER_KNOWN, (struct str){long_id, sizeof long_id}, &who,
                   &err));
    ck_assert(who.user_no == 0 && who.personalise);
    rig_release(&r);
}
END_TEST

START_TEST(ids_are_served_without_the_store_until_forgotten)
{
    struct shop s;
    struct err err;
    struct ids_shopper who;
    uint32_t ann, bob;
    shop_init(&s);
    ck_ok(user_number(tx_begin(&s), USER_KNOWN, STR_LIT("ann"), &ann, &err));
    ck_ok(user_number(s.tx, USER_KNOWN, STR_LIT("bob"), &bob, &err));
    tx_commit(&s);
    struct ids *ids = ids_new(s.store);
    ck_ok(ids_find(ids, USER_KNOWN, STR_LIT("ann"), &who, &err));
    ck_ok(ids_find(ids, USER_KNOWN, STR_LIT("bob"), &who, &err));
    ck_ok(user_delete(tx_begin(&s), STR_LIT("ann"), &err));
    ck_ok(user_delete(s.tx, STR_LIT("bob"), &err));
    tx_commit(&s);
    ck_ok(ids_find(ids, USER_KNOWN, STR_LIT("ann"), &who, &err));
    ck_assert_uint_eq(who.user_no, ann); /* from memory: the follower has not told yet */
    ids_forget(ids, ann, ann);
    ck_ok(ids_find(ids, USER_KNOWN, STR_LIT("ann"), &who, &err));
    ck_assert_uint_eq(who.user_no, 0);
    ck_ok(ids_find(ids, USER_KNOWN, STR_LIT("bob"), &who, &err));
    ck_assert_uint_eq(who.user_no, bob);
    ids_forget(ids, 1, INT64_C(1) << 40); /* many at once */
    ck_ok(ids_find(ids, USER_KNOWN, STR_LIT("bob"), &who, &err));
    ck_assert_uint_eq(who.user_no, 0);
    ids_free(ids);
    shop_release(&s);
}
END_TEST

struct asking {
    struct ids *ids;
    atomic_bool stop;
};

static void *ask_on(void *arg)
{
    struct asking *a = arg;
    struct err err;
    struct ids_shopper who;
    while (!atomic_load(&a->stop))
        ck_ok(ids_find(a->ids, USER_KNOWN, STR_LIT("ann"), &who, &err));
    return NULL;
}

START_TEST(an_erased_shopper_is_never_served_though_look_ups_overlap_the_erasure)
{
    struct shop s;
    struct err err;
    struct ids_shopper who;
    pthread_t askers[2];
    shop_init(&s);
    struct asking a = {.ids = ids_new(s.store)};
    for (size_t i = 0; i < 2; i++)
        pthread_create(&askers[i], NULL, ask_on, &a);
    for (int round = 0; round < 60; round++) {
        uint32_t no;
        ck_ok(user_number(tx_begin(&s), USER_KNOWN, STR_LIT("ann"), &no, &err));
        tx_commit(&s);
        ck_ok(ids_find(a.ids, USER_KNOWN, STR_LIT("ann"), &who, &err));
        ck_assert_uint_eq(who.user_no, no);
        ck_ok(user_delete(tx_begin(&s), STR_LIT("ann"), &err));
        tx_commit(&s);
        ids_forget(a.ids, no, no);
        ck_ok(ids_find(a.ids, USER_KNOWN, STR_LIT("ann"), &who, &err));
        ck_assert_uint_eq(who.user_no, 0);
    }
    atomic_store(&a.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(askers[i], NULL);
    ids_free(a.ids);
    shop_release(&s);
}
END_TEST

SUITE("engine_acts", an_act_is_in_the_state_and_there_again_after_a_restart,
      an_order_is_a_purchase_and_heats_once_also_after_a_restart,
      acts_that_the_log_no_longer_has_are_read_from_the_records,
      a_guest_counts_for_the_shopper_it_joined_until_they_part,
      an_erased_shopper_is_gone_with_state_and_id_and_stays_gone,
      what_an_erased_shopper_warmed_is_as_if_they_had_never_been,
      a_large_batch_of_acts_is_taken_whole,
      a_known_id_is_served_from_memory_and_a_changed_wish_is_seen,
      ids_are_served_without_the_store_until_forgotten,
      an_erased_shopper_is_never_served_though_look_ups_overlap_the_erasure)
