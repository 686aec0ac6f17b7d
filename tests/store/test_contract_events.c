#include "store/fixture.h"

#include "base/map.h"
#include "base/rng.h"
#include "store/events.h"
#include "store/users.h"

static struct event an_event(const char *id, const char *user, const char *product)
{
    return (struct event){
        .time = 1600000000000000,
        .id = str_of(id),
        .type = EVENT_VIEW,
        .user_id = str_of(user),
        .product_id = str_of(product),
        .quantity = 1,
        .value_minor = STORE_NO_AMOUNT,
        .position = -1,
    };
}

START_TEST(what_is_added_is_read_field_by_field)
{
    struct shop s;
    struct err err;
    struct db_rows rows;
    struct event e = an_event("e1", "u", "p"), got;
    bool more;
    shop_init(&s);
    e.type = EVENT_PURCHASE;
    e.session_id = STR_LIT("session");
    e.query = STR_LIT("跑鞋");
    e.quantity = 3;
    e.value_minor = 999;
    e.currency = EUR;
    e.rating = 2.5;
    e.request_id = STR_LIT("r");
    e.position = 0;
    e.context = STR_LIT("{\"page\":\"home\"}");
    put_product(tx_begin(&s), "p");
    ck_ok(event_check(&e, &err));
    ck_ok(events_add(s.tx, &e, 1, 0, NULL, NULL, &err));
    tx_commit(&s);
    ck_ok(events_after(read_begin(&s), 0, INT64_MAX, 10, &rows, &err));
    ck_ok(events_next(&rows, &got, NULL, &more, &err));
    ck_assert(more && got.seq == e.seq && got.time == e.time && got.type == e.type);
    ck_assert(got.user_no == e.user_no && got.product_no == e.product_no && got.user_no);
    ck_assert(got.quantity == 3 && got.value_minor == 999 && got.currency == EUR);
    ck_assert(got.rating == 2.5 && got.position == 0);
    ck_text(got.id, "e1");
    ck_text(got.session_id, "session");
    ck_text(got.query, "跑鞋");
    ck_text(got.request_id, "r");
    ck_text(got.context, "{\"page\":\"home\"}");
    db_rows_close(&rows);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(an_unknown_product_is_told_and_leaves_no_shopper_unless_it_may_be_created)
{
    struct shop s;
    struct err err;
    struct event e = an_event("e", "u", "never heard of");
    enum event_outcome outcome;
    uint32_t no;
    size_t added;
    struct product p;
    shop_init(&s);
    ck_ok(events_add(tx_begin(&s), &e, 1, 0, &outcome, &added, &err));
    ck_ok(user_no_of(s.tx->db, USER_KNOWN, STR_LIT("u"), &no, &err));
    ck_assert(outcome == EVENT_UNKNOWN_PRODUCT && added == 0 && e.seq == 0 && no == 0);
    ck_ok(events_add(s.tx, &e, 1, EVENTS_CREATE_PRODUCTS, &outcome, &added, &err));
    ck_assert(outcome == EVENT_ADDED && added == 1);
    ck_ok(product_get_no(s.tx->db, e.product_no, &s.arena, &p, &err));
    ck_assert_int_eq(p.status, PRODUCT_INACTIVE);
    ck_text(p.id, "never heard of");
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

/* Oracle: a set of (time, id). Batches with repetitions inside and across, some undone. */
START_TEST(each_identity_counts_once_whatever_the_batches)
{
    enum { BATCH = 40, ROUNDS = 60 };
    struct shop s;
    struct err err;
    struct rng rng;
    struct map_str committed = {0};
    size_t total = 0;
    rng_init(&rng, 3);
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    tx_commit(&s);
    for (int round = 0; round < ROUNDS; round++) {
        struct event events[BATCH];
        enum event_outcome outcomes[BATCH];
        char ids[BATCH][16], users[BATCH][16];
        struct map_str fresh = {0};
        size_t n = rng_below(&rng, BATCH + 1), added, expected = 0;
        bool undo = rng_below(&rng, 4) == 0;
        struct store_tx *tx = tx_begin(&s);
        for (size_t i = 0; i < n; i++) {
            snprintf(ids[i], sizeof ids[i], "%u", (unsigned)rng_below(&rng, 300));
            snprintf(users[i], sizeof users[i], "u%u", (unsigned)rng_below(&rng, 9));
            events[i] = an_event(ids[i], users[i], "p");
            events[i].time += (int64_t)rng_below(&rng, 2);
        }
        ck_ok(events_add(tx, events, n, 0, outcomes, &added, &err));
        for (size_t i = 0; i < n; i++) {
            char key[48];
            bool is_new;
            snprintf(key, sizeof key, "%lld/%s", (long long)events[i].time, ids[i]);
            map_str_at(&fresh, str_of(key), &is_new);
            is_new = is_new && !map_str_find(&committed, str_of(key));
            expected += is_new;
            ck_assert_int_eq(outcomes[i], is_new ? EVENT_ADDED : EVENT_DUPLICATE);
            ck_assert_int_eq(events[i].seq != 0, is_new);
        }
        ck_assert_uint_eq(added, expected);
        if (undo) {
            tx_undo(&s);
        } else {
            size_t pos = 0;
            struct str key;
            uint64_t value;
            tx_commit(&s);
            total += expected;
            while (map_str_next(&fresh, &pos, &key, &value))
                map_str_at(&committed, key, NULL);
        }
        map_str_release(&fresh);
    }
    struct event_counts counts;
    ck_ok(events_count(read_begin(&s), &counts, &err));
    read_end(&s);
    ck_assert_int_eq(counts.events, (int64_t)total);
    ck_assert_uint_eq(total, committed.len);
    map_str_release(&committed);
    shop_release(&s);
}
END_TEST

START_TEST(a_thousand_events_are_one_change_and_pages_of_any_size_cover_them)
{
    struct shop s;
    struct err err;
    static struct event events[1000];
    static char ids[1000][8];
    struct change last = {0};
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    tx_commit(&s);
    int64_t position = newest_change(read_begin(&s));
    read_end(&s);
    for (int i = 0; i < 1000; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", i);
        events[i] = an_event(ids[i], "u", "p");
    }
    ck_ok(events_add(tx_begin(&s), events, 1000, 0, NULL, NULL, &err));
    tx_commit(&s);
    ck_assert_uint_eq(count_changes(read_begin(&s), position, CHANGE_EVENT, &last), 1);
    ck_assert(last.no == events[0].seq && last.last_no == events[999].seq);
    for (int64_t page = 1; page <= 1000; page = page * 7 + 1) {
        int64_t seq = 0, n = 0;
        bool more = true;
        while (more) {
            struct db_rows rows;
            struct event e;
            int64_t got = 0;
            ck_ok(events_after(s.db, seq, INT64_MAX, page, &rows, &err));
            for (;;) {
                ck_ok(events_next(&rows, &e, NULL, &more, &err));
                if (!more)
                    break;
                ck_assert_int_gt(e.seq, seq);
                seq = e.seq;
                got++;
            }
            n += got;
            more = got == page;
        }
        ck_assert_int_eq(n, 1000);
    }
    read_end(&s);
    shop_release(&s);
}
END_TEST

/* Of views, a search, an event of somebody erased: the acts are the views of the others. */
START_TEST(acts_are_what_events_did_to_products)
{
    struct shop s;
    struct err err;
    struct db_rows rows, acts;
    struct event e, given[4];
    struct event_act act;
    bool more, more_acts;
    size_t n = 0;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    put_product(tx, "p");
    for (size_t i = 0; i < 4; i++)
        given[i] = an_event(i == 0   ? "a"
                            : i == 1 ? "b"
                            : i == 2 ? "c"
                                     : "d",
                            i == 2 ? "erased" : "u", "p");
    given[1].type = EVENT_SEARCH;
    given[1].product_id = (struct str){0};
    given[1].query = STR_LIT("tea");
    ck_ok(events_add(tx, given, 4, 0, NULL, NULL, &err));
    ck_ok(user_delete(tx, STR_LIT("erased"), &err));
    tx_commit(&s);
    read_begin(&s);
    ck_ok(events_after(s.db, 0, INT64_MAX, INT64_MAX, &rows, &err));
    ck_ok(event_acts_after(s.db, 0, INT64_MAX, &acts, &err));
    for (;;) {
        do
            ck_ok(events_next(&rows, &e, NULL, &more, &err));
        while (more && e.product_no == 0);
        ck_ok(event_acts_next(&acts, &act, &more_acts, &err));
        ck_assert_int_eq(more, more_acts);
        if (!more)
            break;
        n++;
        ck_assert(act.seq == e.seq && act.time == e.time && act.type == e.type &&
                  act.product_no == e.product_no);
    }
    ck_assert_uint_eq(n, 2);
    ck_ok(event_acts_after(s.db, given[0].seq, given[0].seq, &acts, &err));
    ck_ok(event_acts_next(&acts, &act, &more_acts, &err));
    ck_assert(!more_acts);
    db_rows_close(&acts);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(bad_events_are_refused_by_field)
{
    struct err err;
    struct event good = an_event("e", "u", "p"), e;
    ck_ok(event_check(&good, &err));
    e = good, e.id = (struct str){0};
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.user_id = (struct str){0};
    ck_err(event_check(&e, &err), ERR_INVALID);
    e.anonymous_id = STR_LIT("guest");
    ck_ok(event_check(&e, &err));
    e = good, e.product_id = (struct str){0};
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.type = EVENT_SEARCH;
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.type = EVENT_TYPES;
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.quantity = 0;
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.value_minor = 5;
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.time = INT64_MAX;
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.rating = 6;
    ck_err(event_check(&e, &err), ERR_INVALID);
    e = good, e.context = STR_LIT("\xc3");
    ck_err(event_check(&e, &err), ERR_INVALID);
}
END_TEST

SUITE("contract: events", what_is_added_is_read_field_by_field,
      an_unknown_product_is_told_and_leaves_no_shopper_unless_it_may_be_created,
      each_identity_counts_once_whatever_the_batches,
      a_thousand_events_are_one_change_and_pages_of_any_size_cover_them,
      acts_are_what_events_did_to_products, bad_events_are_refused_by_field)
