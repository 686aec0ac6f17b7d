/* Lists that shoppers saw, against loops over all events. */
#include "eval/shown_lists.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "store/events.h"
#include "store/products.h"
#include "store/users.h"
#include "support/suite.h"

enum { EVENTS = 4000, LISTS = 150, SHOPPERS = 12, PRODUCTS = 15, PLACES = 8, TEXT = 24 };

#define START (1700000000 * CLOCK_US_PER_S)
#define SPAN  (20 * CLOCK_US_PER_DAY)
#define FROM  (START + 3 * CLOCK_US_PER_DAY)
#define UNTIL (START + 17 * CLOCK_US_PER_DAY)

static const enum placement placements[] = {PLACEMENT_HOME, PLACEMENT_SIMILAR, PLACEMENT_CART};
#define WANTED (1u << PLACEMENT_HOME | 1u << PLACEMENT_SIMILAR)

struct list {
    char id[LIST_ID_SIZE];
    enum placement placement;
    int owner;
    bool from_zero;      /* its client counts from 0 */
    bool rows;           /* it is a page of two rows */
    int place[PRODUCTS]; /* 1..PLACES, or 0: not in it */
};

struct rig {
    char dir[64];
    struct store *store;
    struct list_key key;
    struct list lists[LISTS];
    char texts[EVENTS][3][TEXT]; /* id, shopper, product */
    struct event events[EVENTS];
};

static void make_lists(struct rig *r, struct rng *rng)
{
    for (size_t i = 0; i < LISTS; i++) {
        struct list *l = &r->lists[i];
        *l = (struct list){.placement = placements[rng_below(rng, 3)],
                           .owner = (int)rng_below(rng, SHOPPERS),
                           .from_zero = rng_below(rng, 4) == 0,
                           .rows = rng_below(rng, 5) == 0};
        int left = PRODUCTS, wanted = PLACES, place = 1;
        for (int p = 0; p < PRODUCTS; p++, left--)
            if ((int)rng_below(rng, (uint64_t)left) < wanted) {
                l->place[p] = l->rows ? (place++ + 1) / 2 : place++;
                wanted--;
            }
        struct list_facts f = {.placement = str_of(placement_name(l->placement))};
        list_id_make(&r->key, &f, rng, l->id);
    }
}

/* A list is made at a moment; what it led to comes within an hour, some of it days later. */
static void make_events(struct rig *r, struct rng *rng)
{
    static const enum event_type types[] = {EVENT_IMPRESSION,  EVENT_IMPRESSION, EVENT_IMPRESSION,
                                            EVENT_CLICK,       EVENT_VIEW,       EVENT_FAVOURITE,
                                            EVENT_ADD_TO_CART, EVENT_PURCHASE,   EVENT_SEARCH};
    for (size_t i = 0; i < EVENTS; i++) {
        struct event *e = &r->events[i];
        size_t at = rng_below(rng, LISTS);
        struct list *l = &r->lists[at];
        int product = (int)rng_below(rng, PRODUCTS);
        int owner = rng_below(rng, 30) ? l->owner : (int)rng_below(rng, SHOPPERS);
        bool late = rng_below(rng, 8) == 0;
        snprintf(r->texts[i][0], TEXT, "e%zu", i);
        snprintf(r->texts[i][1], TEXT, "u%d", owner);
        snprintf(r->texts[i][2], TEXT, "p%d", product);
        *e = (struct event){.time =
                                START + (int64_t)at * (SPAN / LISTS) +
                                (int64_t)rng_below(rng, late ? 9 * 86400 : 3600) * CLOCK_US_PER_S,
                            .id = str_of(r->texts[i][0]),
                            .user_id = str_of(r->texts[i][1]),
                            .product_id = str_of(r->texts[i][2]),
                            .type = types[rng_below(rng, 9)],
                            .quantity = 1,
                            .position = -1,
                            .value_minor = STORE_NO_AMOUNT};
        if (e->type == EVENT_SEARCH)
            e->query = STR_LIT("kettle");
        if (l->place[product] == 0 || rng_below(rng, 6) == 0)
            continue; /* led to by nothing that was logged */
        e->request_id = str_of(l->id);
        if (rng_below(rng, 5))
            e->position = l->place[product] - l->from_zero;
    }
}

static enum err_code arrive(struct store_tx *tx, void *arg, struct err *err)
{
    const struct rig *r = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < EVENTS && code == ERR_OK; i++) {
        struct event e = r->events[i];
        code = events_add(tx, &e, 1, EVENTS_CREATE_PRODUCTS, NULL, NULL, err);
    }
    return code;
}

static int in_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return str_cmp(x->id, y->id);
}

static struct rig *make_rig(bool sorted)
{
    struct rig *r = MEM_NEW(struct rig);
    struct rng rng;
    struct err err;
    bool found;
    snprintf(r->dir, sizeof r->dir, "/tmp/aisle-shown-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    ck_ok(store_open(&(struct store_options){.dir = r->dir}, &r->store, &err));
    ck_ok(list_key_load(r->store, &r->key, &found, &err));
    memset(r->key.bytes, 7, sizeof r->key.bytes); /* the same ids each time */
    rng_init(&rng, 5);
    make_lists(r, &rng);
    make_events(r, &rng);
    if (sorted)
        qsort(r->events, EVENTS, sizeof *r->events, in_time);
    ck_ok(store_write(r->store, arrive, r, &err));
    qsort(r->events, EVENTS, sizeof *r->events, in_time);
    return r;
}

static void free_rig(struct rig *r)
{
    struct err err;
    store_close(r->store);
    ck_ok(fs_remove_tree(r->dir, &err));
    mem_free(r);
}

static void read_lists(const struct rig *r, size_t most, struct shown_lists *out)
{
    struct err err;
    struct shown_options o = {.reading = {.store = r->store, .from = FROM, .until = UNTIL},
                              .key = &r->key,
                              .placements = WANTED,
                              .products_max = most};
    ck_ok(shown_lists_read(&o, out, &err));
}

/* --- the definition -------------------------------------------------------------------------- */

static bool counts(const struct event *e)
{
    return e->time >= FROM && e->time < UNTIL &&
           (e->type == EVENT_IMPRESSION || e->type == EVENT_CLICK || e->type == EVENT_VIEW ||
            e->type == EVENT_FAVOURITE || e->type == EVENT_ADD_TO_CART ||
            e->type == EVENT_PURCHASE);
}

static bool is_of(const struct event *e, const struct list *l)
{
    return counts(e) && str_is(e->request_id, l->id);
}

struct slow {
    int64_t time; /* 0: nothing came of it */
    struct str user;
    struct str context;
    int place[PRODUCTS], label[PRODUCTS]; /* place 0: not told */
};

static int label_of(const struct rig *r, const struct list *l, struct str user, struct str product)
{
    int label = -1;
    int64_t opened = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        const struct event *e = &r->events[i];
        if (is_of(e, l) && str_eq(e->user_id, user) && str_eq(e->product_id, product)) {
            int done = e->type == EVENT_IMPRESSION    ? 0
                       : e->type == EVENT_ADD_TO_CART ? 2
                       : e->type == EVENT_PURCHASE    ? 3
                                                      : 1;
            label = done > label ? done : label;
            if (done > 0 && !opened)
                opened = e->time;
        }
    }
    for (size_t i = 0; i < EVENTS; i++) {
        const struct event *e = &r->events[i];
        if (opened && counts(e) && e->type == EVENT_PURCHASE && str_eq(e->user_id, user) &&
            str_eq(e->product_id, product) && e->time >= opened &&
            e->time <= opened + 7 * CLOCK_US_PER_DAY)
            label = 3;
    }
    return label;
}

static struct slow slow_of(const struct rig *r, const struct list *l)
{
    struct slow s = {0};
    for (size_t i = 0; i < EVENTS; i++) {
        const struct event *e = &r->events[i];
        if (!is_of(e, l) || (s.time && !str_eq(e->user_id, s.user)))
            continue;
        if (!s.time) {
            s.time = e->time;
            s.user = e->user_id;
            for (size_t k = 0; k < i; k++)
                if ((r->events[k].type == EVENT_VIEW || r->events[k].type == EVENT_CLICK) &&
                    str_eq(r->events[k].user_id, s.user) && r->events[k].time >= FROM)
                    s.context = e->time - r->events[k].time <= 1800 * CLOCK_US_PER_S
                                    ? r->events[k].product_id
                                    : (struct str){NULL, 0};
        }
        for (int p = 0; p < PRODUCTS; p++) {
            char name[TEXT];
            snprintf(name, sizeof name, "p%d", p);
            if (str_is(e->product_id, name) && s.place[p] == 0 && e->position >= 0)
                s.place[p] = e->position + 1; /* so that 0 is none */
        }
    }
    for (int p = 0; s.time && p < PRODUCTS; p++) {
        char name[TEXT];
        snprintf(name, sizeof name, "p%d", p);
        s.label[p] = label_of(r, l, s.user, str_of(name));
    }
    return s;
}

static uint32_t number_of(const struct rig *r, const char *name)
{
    struct db *db;
    struct err err;
    uint32_t no = 0;
    ck_ok(store_read_begin(r->store, &db, &err));
    ck_ok(product_no_of(db, str_of(name), &no, &err));
    store_read_end(r->store, db);
    return no;
}

START_TEST(lists_are_what_the_events_say)
{
    struct rig *r = make_rig(true);
    struct shown_lists shown;
    uint32_t numbers[PRODUCTS];
    size_t lists = 0, pages = 0, lost = 0, unplaced = 0, products = 0, bought = 0, shifted = 0;
    read_lists(r, 0, &shown);
    for (int p = 0; p < PRODUCTS; p++) {
        char name[TEXT];
        snprintf(name, sizeof name, "p%d", p);
        numbers[p] = number_of(r, name);
    }
    for (size_t i = 0; i < LISTS; i++) {
        const struct list *l = &r->lists[i];
        struct slow s = slow_of(r, l);
        bool zero = false, twice = false, some = false;
        if (!s.time || l->placement == PLACEMENT_CART)
            continue;
        for (int p = 0; p < PRODUCTS; p++) {
            unplaced += s.label[p] >= 0 && s.place[p] == 0;
            zero |= s.place[p] == 1;
            some |= s.place[p] > 0;
            for (int q = 0; q < p; q++)
                twice |= s.place[p] && s.place[p] == s.place[q];
        }
        pages += some && twice;
        if (!some || twice)
            continue;
        if (l->placement == PLACEMENT_SIMILAR && s.context.n == 0) {
            lost++;
            continue;
        }
        const struct shown_list *found = NULL;
        for (size_t k = 0; k < shown.len; k++)
            if (shown.items[k].time == s.time && shown.items[k].placement == l->placement)
                found = &shown.items[k];
        ck_assert_ptr_nonnull(found);
        lists++;
        shifted += zero;
        if (l->placement == PLACEMENT_SIMILAR) {
            char name[TEXT];
            snprintf(name, sizeof name, "%.*s", STR_ARG(s.context));
            ck_assert_uint_eq(found->context, number_of(r, name));
        } else {
            ck_assert_uint_eq(found->context, 0);
        }
        uint32_t n = 0;
        for (int p = 0; p < PRODUCTS; p++) {
            if (s.place[p] == 0)
                continue;
            n++;
            bool there = false;
            for (uint32_t k = 0; k < found->len; k++) {
                const struct shown_product *at = &shown.products[found->at + k];
                if (at->product_no != numbers[p])
                    continue;
                there = true;
                ck_assert_int_eq(at->place, s.place[p] - !zero);
                ck_assert_int_eq(at->label, s.label[p]);
                bought += at->label == SHOWN_BOUGHT;
            }
            ck_assert(there);
        }
        ck_assert_uint_eq(n, found->len);
        products += n;
    }
    ck_assert_uint_eq(shown.len, lists);
    ck_assert_uint_eq(shown.products_len, products);
    ck_assert_uint_eq(shown.pages, pages);
    ck_assert_uint_eq(shown.without_context, lost);
    ck_assert_uint_eq(shown.without_place, unplaced);
    ck_assert_uint_eq(shown.one_in, 1);
    ck_assert_msg(lists > 20 && pages > 3 && lost > 3 && unplaced > 20 && bought > 20 &&
                      shifted > 3,
                  "%zu %zu %zu %zu %zu %zu", lists, pages, lost, unplaced, bought, shifted);
    shown_lists_release(&shown);
    free_rig(r);
}
END_TEST

static void check_same(const struct shown_lists *a, const struct shown_lists *b)
{
    ck_assert_uint_eq(a->len, b->len);
    ck_assert_uint_eq(a->products_len, b->products_len);
    for (size_t i = 0; i < a->len; i++) {
        ck_assert_int_eq(a->items[i].time, b->items[i].time);
        ck_assert_uint_eq(a->items[i].len, b->items[i].len);
    }
    ck_assert_uint_eq(a->one_in, b->one_in);
}

START_TEST(what_does_not_fit_is_thinned_by_whole_lists_whatever_the_order_of_arrival)
{
    struct rig *sorted = make_rig(true), *mixed = make_rig(false);
    struct shown_lists all, some, same;
    read_lists(sorted, 0, &all);
    read_lists(sorted, 120, &some);
    read_lists(mixed, 120, &same);
    check_same(&some, &same);
    ck_assert_uint_ge(some.one_in, 4);
    ck_assert(some.len > 2 && some.len < all.len);
    ck_assert_uint_le(some.products_len, 120);
    for (size_t i = 1; i < some.len; i++)
        ck_assert_int_ge(some.items[i].time, some.items[i - 1].time);
    for (size_t i = 0; i < some.len; i++) { /* those that are left are whole */
        bool there = false;
        for (size_t k = 0; k < all.len; k++)
            there |=
                all.items[k].time == some.items[i].time && all.items[k].len == some.items[i].len;
        ck_assert(there);
    }
    shown_lists_release(&all);
    shown_lists_release(&some);
    shown_lists_release(&same);
    free_rig(sorted);
    free_rig(mixed);
}
END_TEST

START_TEST(ids_of_another_shop_are_no_lists)
{
    struct rig *r = make_rig(true);
    struct shown_lists shown;
    r->key.bytes[0] ^= 1;
    read_lists(r, 0, &shown);
    ck_assert_uint_eq(shown.len, 0);
    shown_lists_release(&shown);
    free_rig(r);
}
END_TEST

SUITE("shown_lists", lists_are_what_the_events_say,
      what_does_not_fit_is_thinned_by_whole_lists_whatever_the_order_of_arrival,
      ids_of_another_shop_are_no_lists)
