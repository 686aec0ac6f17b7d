/* test_users.c - shopper state against a list of everything that every shopper ever did. */
#include "engine/users.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "support/suite.h"

enum { PEOPLE = 12, ACTS_MAX = 4000, STEPS = 4000, OPERATIONS = 100 };

/* --- the slow, obvious one -------------------------------------------------------------------- */

struct person {
    struct user_action acts[ACTS_MAX]; /* in order of time, then of arrival; each once */
    size_t len;
    uint32_t linked_to;
    uint32_t guests[PEOPLE];
    size_t guests_len;
};

struct naive {
    struct person people[PEOPLE + 1]; /* by number */
};

static void naive_add(struct person *p, const struct user_action *a)
{
    size_t at = p->len;
    for (size_t i = 0; i < p->len; i++)
        if (p->acts[i].product_no == a->product_no && p->acts[i].time_s == a->time_s &&
            p->acts[i].type == a->type)
            return;
    while (at > 0 && p->acts[at - 1].time_s > a->time_s)
        at--;
    memmove(p->acts + at + 1, p->acts + at, (p->len - at) * sizeof *p->acts);
    p->acts[at] = *a;
    p->len++;
}

/* One too many: a full state keeps the newest others up to their share, the newest purchases, and
 * others again for the room that is left. The new one does not displace its equals in time. */
static void naive_shrink(struct person *p, const struct user_action *added)
{
    size_t purchases = 0, others, victim = 0;
    if (p->len <= USERS_ACTIONS_MAX)
        return;
    for (size_t i = 0; i < p->len; i++)
        purchases += p->acts[i].type == EVENT_PURCHASE;
    others = p->len - purchases;
    bool of_others = others > USERS_OTHERS_MIN;
    while ((p->acts[victim].type == EVENT_PURCHASE) == of_others)
        victim++;
    for (size_t i = victim; i < p->len; i++)
        if (p->acts[i].time_s == p->acts[victim].time_s &&
            p->acts[i].type == p->acts[victim].type &&
            memcmp(&p->acts[i], added, sizeof *added) == 0)
            victim = i;
    p->len--;
    memmove(p->acts + victim, p->acts + victim + 1, (p->len - victim) * sizeof *p->acts);
}

static void naive_remove(struct person *p, size_t i)
{
    p->len--;
    memmove(p->acts + i, p->acts + i + 1, (p->len - i) * sizeof *p->acts);
}

static void naive_part(struct naive *n, uint32_t guest)
{
    uint32_t known = n->people[guest].linked_to;
    n->people[guest].linked_to = 0;
    struct person *p = &n->people[known];
    for (size_t i = 0; known && i < p->guests_len; i++)
        if (p->guests[i] == guest) {
            p->guests_len--;
            memmove(p->guests + i, p->guests + i + 1, (p->guests_len - i) * sizeof *p->guests);
            return;
        }
}

static void naive_join(struct naive *n, uint32_t guest, uint32_t known)
{
    struct person *p = &n->people[known];
    if (n->people[guest].linked_to == known)
        return;
    naive_part(n, guest);
    n->people[guest].linked_to = known;
    if (p->guests_len == USERS_LINKS_MAX)
        memmove(p->guests, p->guests + 1, --p->guests_len * sizeof *p->guests);
    p->guests[p->guests_len++] = guest;
}

static void naive_forget(struct naive *n, uint32_t no)
{
    struct person before = n->people[no];
    naive_part(n, no);
    n->people[no] = (struct person){0};
    for (size_t i = 0; i < before.guests_len; i++)
        n->people[before.guests[i]] = (struct person){0};
}

static void naive_trim(struct naive *n, uint32_t time_s)
{
    for (size_t no = 1; no <= PEOPLE; no++) {
        struct person *p = &n->people[no];
        size_t old = 0;
        while (old < p->len && p->acts[old].time_s < time_s)
            old++;
        p->len -= old;
        memmove(p->acts, p->acts + old, p->len * sizeof *p->acts);
    }
}

/* How many of p's acts are equal to this one. */
static size_t count(const struct user_action *acts, size_t n, const struct user_action *a)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += memcmp(&acts[i], a, sizeof *a) == 0;
    return found;
}

/* The newest cap of a person and the guests: the same acts, newest first. Which of several with the
 * time of the last one are in is open. */
static void compare(struct users *u, const struct naive *n, uint32_t no, size_t cap)
{
    struct user_action got[USERS_ACTIONS_MAX * 3];
    struct user_action *want = malloc(sizeof *want * ACTS_MAX);
    size_t len = users_recent(u, no, got, cap), all = 0;
    const struct person *p = &n->people[no];
    memcpy(want, p->acts, p->len * sizeof *want);
    all = p->len;
    for (size_t g = 0; g < p->guests_len; g++) {
        const struct person *guest = &n->people[p->guests[g]];
        memcpy(want + all, guest->acts, guest->len * sizeof *want);
        all += guest->len;
    }
    ck_assert_uint_eq(len, all < cap ? all : cap);
    for (size_t i = 0; i < len; i++) {
        ck_assert(i == 0 || got[i].time_s <= got[i - 1].time_s);
        ck_assert(count(got, len, &got[i]) <= count(want, all, &got[i]));
    }
    for (size_t i = 0; len && i < all; i++)
        ck_assert(want[i].time_s <= got[len - 1].time_s ||
                  count(got, len, &want[i]) == count(want, all, &want[i]));
    free(want);
}

static struct user_action random_act(struct rng *r, uint32_t clock_s)
{
    bool late = rng_below(r, 8) == 0;
    return (struct user_action){
        .product_no = 1 + (uint32_t)rng_below(r, 40),
        .time_s = late ? (uint32_t)rng_below(r, clock_s + 1) : clock_s,
        .type = rng_below(r, 3) == 0 ? EVENT_PURCHASE : EVENT_VIEW,
    };
}

START_TEST(random_operations_give_what_a_list_of_all_acts_gives)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct users *u = users_new();
        struct naive *n = calloc(1, sizeof *n);
        struct rng r;
        rng_init(&r, seed);
        for (uint32_t step = 1; step <= STEPS; step++) {
            uint32_t no = 1 + (uint32_t)rng_below(&r, PEOPLE), clock_s = step / 3;
            uint32_t guest = 3 + (uint32_t)rng_below(&r, PEOPLE - 2);
            uint64_t what = rng_below(&r, OPERATIONS);
            struct person *p = &n->people[no];
            if (what < 10 && p->len) {
                size_t i = rng_below(&r, p->len);
                users_remove(u, no, &p->acts[i]);
                naive_remove(p, i);
                users_remove(u, no, &(struct user_action){999, clock_s, EVENT_VIEW});
            } else if (what < 90) {
                /* Most acts are of few people, so that their states run full. */
                no = rng_below(&r, 2) ? no : 1 + no % 2;
                struct user_action a = random_act(&r, clock_s);
                users_add(u, no, &a);
                naive_add(&n->people[no], &a);
                naive_shrink(&n->people[no], &a);
            } else if (what < 94) {
                users_link(u, guest, 1 + guest % 2);
                naive_join(n, guest, 1 + guest % 2);
            } else if (what < 97) {
                users_unlink(u, guest);
                naive_part(n, guest);
            } else if (what == 97 && rng_below(&r, 5) == 0) {
                users_forget(u, no);
                naive_forget(n, no);
            } else if (what == 98 && rng_below(&r, 5) == 0) {
                users_trim(u, (int64_t)(clock_s / 2) * CLOCK_US_PER_S);
                naive_trim(n, clock_s / 2);
            }
            if (what >= 90 || step % 8 == 0)
                compare(u, n, no, rng_below(&r, 4) ? USERS_ACTIONS_MAX : 1 + rng_below(&r, 300));
            uint32_t known = n->people[guest].linked_to;
            ck_assert_uint_eq(users_resolve(u, guest), known ? known : guest);
        }
        users_free(u);
        free(n);
    }
}
END_TEST

START_TEST(replaying_the_log_changes_nothing)
{
    enum { LOG = 1500 };
    struct user_action before[USERS_ACTIONS_MAX], after[USERS_ACTIONS_MAX], *log;
    struct rng r;
    rng_init(&r, 7);
    log = calloc(LOG, sizeof *log);
    struct users *u = users_new();
    for (uint32_t i = 0; i < LOG; i++) {
        log[i] = random_act(&r, i / 20); /* many share a second */
        log[i].product_no = i + 1;
        users_add(u, 1, &log[i]);
        size_t n = users_recent(u, 1, before, USERS_ACTIONS_MAX);
        for (uint32_t from = (uint32_t)rng_below(&r, i + 1), k = from; k <= i && i % 50 == 0; k++)
            users_add(u, 1, &log[k]);
        ck_assert_uint_eq(users_recent(u, 1, after, USERS_ACTIONS_MAX), n);
        ck_assert_mem_eq(before, after, n * sizeof *before);
    }
    users_free(u);
    free(log);
}
END_TEST

START_TEST(purchases_outlive_views_and_some_views_stay_among_purchases)
{
    struct user_action got[USERS_ACTIONS_MAX];
    struct users *u = users_new();
    users_add(u, 1, &(struct user_action){7, 1, EVENT_PURCHASE});
    for (uint32_t i = 0; i < 1000; i++)
        users_add(u, 1, &(struct user_action){8, 10 + i, EVENT_VIEW});
    ck_assert_uint_eq(users_recent(u, 1, got, USERS_ACTIONS_MAX), USERS_ACTIONS_MAX);
    ck_assert_uint_eq(got[USERS_ACTIONS_MAX - 1].product_no, 7);
    for (uint32_t i = 0; i < 1000; i++)
        users_add(u, 1, &(struct user_action){9, 2000 + i, EVENT_PURCHASE});
    users_add(u, 1, &(struct user_action){10, 4000, EVENT_VIEW});
    size_t views = 0, n = users_recent(u, 1, got, USERS_ACTIONS_MAX);
    for (size_t i = 0; i < n; i++)
        views += got[i].type == EVENT_VIEW;
    ck_assert_uint_eq(views, USERS_OTHERS_MIN);
    ck_assert_uint_eq(got[0].product_no, 10);
    users_free(u);
}
END_TEST

START_TEST(trimming_takes_any_time)
{
    struct users *u = users_new();
    struct user_action got[1];
    users_add(u, 1, &(struct user_action){7, 5, EVENT_VIEW});
    users_trim(u, INT64_MIN);
    users_trim(u, -1);
    ck_assert_uint_eq(users_recent(u, 1, got, 1), 1);
    ck_assert_uint_eq(users_len(u), 1);
    users_trim(u, INT64_MAX);
    ck_assert_uint_eq(users_recent(u, 1, got, 1), 0);
    ck_assert_uint_eq(users_len(u), 0);
    users_free(u);
}
END_TEST

struct crowd {
    struct users *users;
    atomic_bool stop;
};

static void *read_on(void *arg)
{
    struct crowd *c = arg;
    struct user_action got[USERS_ACTIONS_MAX];
    for (uint32_t no = 1; !atomic_load(&c->stop); no = no % PEOPLE + 1) {
        size_t n = users_recent(c->users, no, got, USERS_ACTIONS_MAX);
        for (size_t i = 0; i < n; i++) /* the writer below keeps to this */
            ck_assert_uint_eq(got[i].product_no, got[i].time_s + 1);
        ck_assert_uint_le(users_resolve(c->users, no), PEOPLE);
        ck_assert_uint_le(users_len(c->users), PEOPLE);
    }
    return NULL;
}

START_TEST(readers_see_whole_acts_while_the_writer_works)
{
    struct crowd c = {.users = users_new()};
    pthread_t readers[2];
    struct rng r;
    rng_init(&r, 3);
    for (size_t i = 0; i < 2; i++)
        pthread_create(&readers[i], NULL, read_on, &c);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t no = 1 + (uint32_t)rng_below(&r, PEOPLE);
        users_add(c.users, no, &(struct user_action){i + 1, i, EVENT_VIEW});
        if (i % 7 == 0 && no > 1)
            users_link(c.users, no, 1);
        if (i % 11 == 0)
            users_unlink(c.users, no);
        if (i % 501 == 0)
            users_forget(c.users, no);
        if (i % 2000 == 0)
            users_trim(c.users, (int64_t)(i / 2) * CLOCK_US_PER_S);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    users_free(c.users);
}
END_TEST

SUITE("users", random_operations_give_what_a_list_of_all_acts_gives,
      replaying_the_log_changes_nothing,
      purchases_outlive_views_and_some_views_stay_among_purchases, trimming_takes_any_time,
      readers_see_whole_acts_while_the_writer_works)
