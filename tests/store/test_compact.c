/* test_compact.c - what a compaction takes out, to the last byte. */
#include "store/compact.h"

#include "base/clock.h"
#include "base/rng.h"
#include "store/carts.h"
#include "store/events.h"
#include "store/fixture.h"
#include "store/jobs.h"
#include "store/keys.h"
#include "store/orders.h"
#include "store/quarantine.h"
#include "store/users.h"

enum { SHOPPERS = 1000, ERASED = 200, MANY = 5000, MANY_ERASED = 1000, ID_SIZE = 40 };

/* Ids in no order, so that the pages of every index are split again and again. */
static void name_shoppers(char ids[][ID_SIZE], int n)
{
    struct rng rng;
    rng_init(&rng, 17);
    for (int i = 0; i < n; i++)
        snprintf(ids[i], ID_SIZE, "zq%016llx%016llx", (unsigned long long)rng_u64(&rng),
                 (unsigned long long)rng_u64(&rng));
}

/* Everything that a shop may know of a shopper; every text has the id in it. */
static void live_a_life(struct store_tx *tx, const char *id, uint32_t product)
{
    struct err err;
    char query[80], json[120];
    uint32_t no;
    snprintf(query, sizeof query, "gift for %s", id);
    snprintf(json, sizeof json, "{\"note\":\"of %s\"}", id);
    struct user u = {.id = str_of(id), .attributes = str_of(json), .personalise = true};
    ck_ok(user_put(tx, &u, &no, NULL, &err));
    struct event e = {.time = clock_now_us(),
                      .id = str_of(id),
                      .type = EVENT_SEARCH,
                      .user_id = u.id,
                      .query = str_of(query),
                      .context = str_of(json),
                      .quantity = 1,
                      .value_minor = STORE_NO_AMOUNT,
                      .position = -1};
    ck_ok(events_add(tx, &e, 1, 0, NULL, NULL, &err));
    ck_ok(cart_put(tx, no, CART_ANY_VERSION, &(struct cart_line){product, 1}, 1, NULL, &err));
    char order_id[64];
    snprintf(order_id, sizeof order_id, "order %u", no);
    struct order o = {.id = str_of(order_id),
                      .user_id = u.id,
                      .currency = GBP,
                      .address = str_of(json),
                      .payment = str_of(json),
                      .placed_at = tx->now_us};
    ck_ok(order_put(tx, &o, 0, NULL, &err));
    char scope[80];
    idempotency_shopper(USER_KNOWN, u.id, scope);
    strcat(scope, "orders/1");
    struct idempotency reply = {.scope = str_of(scope),
                                .key = STR_LIT("k"),
                                .reply = str_of(json),
                                .expires_at = tx->now_us + CLOCK_US_PER_DAY};
    ck_ok(idempotency_put(tx, &reply, &err));
    struct quarantine q = {.kind = STR_LIT("events"),
                           .source = STR_LIT("api"),
                           .reason = STR_LIT("missing"),
                           .message = STR_LIT("missing"),
                           .raw = str_of(json),
                           .user_id = u.id};
    ck_ok(quarantine_add(tx, &q, NULL, &err));
    q.user_id = (struct str){0}; /* nobody's, and it names the shopper */
    ck_ok(quarantine_add(tx, &q, NULL, &err));
}

/* How many of the ids stand in a file of the folder. */
static int count_in_file(const struct shop *s, const char *name, char ids[][ID_SIZE], int begin,
                         int end)
{
    char path[FS_PATH_MAX];
    struct err err;
    struct buf text;
    struct fs_info info;
    int found = 0;
    ck_ok(fs_join(path, s->dir, name, &err));
    ck_ok(fs_stat(path, &info, &err));
    if (!info.exists || info.bytes == 0)
        return 0;
    buf_init(&text, 256 << 20);
    ck_ok(fs_read_file(path, 256 << 20, &text, &err));
    for (int i = begin; i < end; i++)
        found += str_search(buf_str(&text), str_of(ids[i])) != SIZE_MAX;
    buf_release(&text);
    return found;
}

static void compact(struct shop *s, int64_t changes_until, struct compact_report *report)
{
    struct err err;
    struct compact_options options = {.changes_until = changes_until};
    ck_ok(store_compact(s->store, &options, report, &err));
}

START_TEST(no_byte_of_an_erased_shopper_is_left_and_all_of_the_others)
{
    struct shop s;
    struct err err;
    struct compact_report report;
    static char ids[SHOPPERS][ID_SIZE];
    static const char *const files[] = {"aisle.db", "aisle.db-wal", "aisle.db-shm"};
    shop_init(&s);
    name_shoppers(ids, SHOPPERS);
    uint32_t product = put_product(tx_begin(&s), "p");
    for (int i = 0; i < SHOPPERS; i++) {
        if (i % 50 == 0) {
            tx_commit(&s);
            tx_begin(&s);
        }
        live_a_life(s.tx, ids[i], product);
    }
    tx_commit(&s);
    tx_begin(&s);
    for (int i = 0; i < ERASED; i++)
        ck_ok(user_delete(s.tx, str_of(ids[i]), &err));
    tx_commit(&s);
    compact(&s, 0, &report);
    ck_assert_int_eq(report.events, ERASED);
    ck_assert(report.log_emptied);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ck_assert_int_eq(count_in_file(&s, files[i], ids, 0, ERASED), 0);
    ck_assert_int_eq(count_in_file(&s, "aisle.db", ids, ERASED, SHOPPERS), SHOPPERS - ERASED);
    ck_ok(db_verify(read_begin(&s), &err));
    read_end(&s);
    shop_release(&s);
}
END_TEST

/* A profile that grows a little with every put, so that its row moves. */
static void grow_profile(struct store_tx *tx, const char *id, size_t length)
{
    struct err err;
    char json[512];
    snprintf(json, sizeof json, "{\"%s\":\"%0*d\"}", id, (int)length, 0);
    struct user u = {.id = str_of(id), .attributes = str_of(json), .personalise = true};
    ck_ok(user_put(tx, &u, NULL, NULL, &err));
}

/* PRAGMA secure_delete alone leaves copies of rows that were moved: some of these ids would stay. */
START_TEST(rows_that_were_moved_from_page_to_page_leave_nothing_behind)
{
    struct shop s;
    struct err err;
    struct rng rng;
    static char ids[MANY][ID_SIZE];
    shop_init(&s);
    name_shoppers(ids, MANY);
    rng_init(&rng, 3);
    tx_begin(&s);
    for (int i = 0; i < 3 * MANY; i++) {
        if (i % 50 == 0) {
            tx_commit(&s);
            tx_begin(&s);
        }
        grow_profile(s.tx, ids[i < MANY ? (uint64_t)i : rng_below(&rng, MANY)],
                     rng_below(&rng, 400));
    }
    for (int i = 0; i < MANY_ERASED; i++) { /* here and there; their ids come first in the list */
        int from = i + (int)rng_below(&rng, (uint64_t)(MANY - i));
        char id[ID_SIZE];
        memcpy(id, ids[from], ID_SIZE);
        memcpy(ids[from], ids[i], ID_SIZE);
        memcpy(ids[i], id, ID_SIZE);
        ck_ok(user_delete(s.tx, str_of(id), &err));
    }
    tx_commit(&s);
    compact(&s, 0, NULL);
    ck_assert_int_eq(count_in_file(&s, "aisle.db", ids, 0, MANY_ERASED), 0);
    ck_ok(db_verify(read_begin(&s), &err));
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(the_last_event_of_all_is_blanked_and_goes_when_it_is_the_last_no_more)
{
    struct shop s;
    struct err err;
    struct compact_report report;
    static char ids[SHOPPERS][ID_SIZE];
    shop_init(&s);
    name_shoppers(ids, SHOPPERS);
    uint32_t product = put_product(tx_begin(&s), "p");
    live_a_life(s.tx, ids[0], product);
    ck_ok(user_delete(s.tx, str_of(ids[0]), &err));
    tx_commit(&s);
    compact(&s, 0, &report);
    ck_assert_int_eq(report.events, 1);
    ck_assert_int_eq(count_in_file(&s, "aisle.db", ids, 0, 1), 0);
    live_a_life(tx_begin(&s), ids[1], product);
    live_a_life(s.tx, ids[2], product);
    ck_ok(user_delete(s.tx, str_of(ids[1]), &err));
    tx_commit(&s);
    compact(&s, 0, &report);
    ck_assert_int_eq(report.events, 2);
    struct event_counts counts;
    ck_ok(events_count(read_begin(&s), &counts, &err));
    ck_assert(counts.first_seq == 3 && counts.last_seq == 3);
    read_end(&s);
    shop_release(&s);
}
END_TEST

static int64_t scalar(struct db *db, const char *sql)
{
    struct err err;
    int64_t n;
    ck_ok(db_query_i64(db, sql, DB_NO_ARGS, &n, NULL, &err));
    return n;
}

START_TEST(what_is_old_or_settled_goes_and_the_rest_stays)
{
    enum { JOBS = 1100, KEPT = 1000 };
    struct shop s;
    struct err err;
    struct compact_report report;
    int64_t no;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    struct quarantine q = {.kind = STR_LIT("events"),
                           .source = STR_LIT("api"),
                           .reason = STR_LIT("missing"),
                           .message = STR_LIT("missing")};
    ck_ok(quarantine_add(tx, &q, NULL, &err));
    q.at = tx->now_us - QUARANTINE_AGE_MAX_US - CLOCK_US_PER_DAY;
    ck_ok(quarantine_add(tx, &q, NULL, &err));
    q.at = 0;
    ck_ok(quarantine_add(tx, &q, NULL, &err));
    ck_ok(quarantine_set_state(tx, 3, QUARANTINE_RETRIED, &err));
    struct idempotency reply = {.scope = STR_LIT("s"), .key = STR_LIT("old"), .expires_at = 1};
    ck_ok(idempotency_put(tx, &reply, &err));
    reply.key = STR_LIT("new");
    reply.expires_at = tx->now_us + CLOCK_US_PER_DAY;
    ck_ok(idempotency_put(tx, &reply, &err));
    ck_ok(job_add(tx, STR_LIT("train"), (struct str){0}, &no, &err)); /* still queued */
    for (int i = 0; i < JOBS; i++) {
        ck_ok(job_add(tx, STR_LIT("train"), (struct str){0}, &no, &err));
        ck_ok(job_finish(tx, no, JOB_CANCELLED, (struct str){0}, (struct str){0}, &err));
    }
    tx_commit(&s);
    compact(&s, 0, &report);
    ck_assert_int_eq(report.quarantined, 2);
    ck_assert_int_eq(report.replies, 1);
    ck_assert_int_eq(report.jobs, JOBS - KEPT);
    struct db *db = read_begin(&s);
    ck_assert_int_eq(scalar(db, "SELECT MIN(no) FROM quarantine"), 1);
    ck_assert_int_eq(scalar(db, "SELECT kept FROM quarantine_kinds"), 1);
    ck_assert_int_eq(scalar(db, "SELECT COUNT(*) FROM idempotency WHERE key = 'new'"), 1);
    ck_assert_int_eq(scalar(db, "SELECT COUNT(*) FROM idempotency"), 1);
    ck_assert_int_eq(scalar(db, "SELECT COUNT(*) FROM jobs WHERE state = 0"), 1);
    read_end(&s);
    shop_release(&s);
}
END_TEST

static enum err_code change_much(struct store_tx *tx, void *arg, struct err *err)
{
    enum err_code code = ERR_OK;
    (void)arg;
    for (int i = 0; i < 50000 && !code; i++)
        code =
            db_run(tx->db, "INSERT INTO changes (aggregate, op, no, last_no) VALUES (1, 1, 1, 1)",
                   DB_NO_ARGS, NULL, err);
    return code;
}

START_TEST(the_log_of_changes_is_trimmed_up_to_the_position_and_keeps_its_newest_entry)
{
    struct shop s;
    struct err err;
    struct compact_report report;
    int64_t oldest, newest;
    shop_init(&s);
    ck_ok(store_write(s.store, change_much, NULL, &err));
    compact(&s, 0, &report);
    ck_assert_int_eq(report.changes, 0);
    compact(&s, 45000, &report);
    ck_assert_int_eq(report.changes, 45000);
    ck_ok(changes_range(read_begin(&s), &oldest, &newest, &err));
    read_end(&s);
    ck_assert(oldest == 45001 && newest == 50000);
    compact(&s, INT64_MAX, &report);
    ck_assert_int_eq(report.changes, 4999);
    compact(&s, INT64_MAX, &report);
    ck_assert_int_eq(report.changes, 0);
    ck_assert_int_eq(newest_change(read_begin(&s)), 50000);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_reader_that_stays_leaves_the_log_to_the_next_compaction)
{
    struct shop s;
    struct compact_report report;
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    tx_commit(&s);
    ck_assert_int_gt(newest_change(read_begin(&s)), 0);
    struct db *reader = s.db;
    put_product(tx_begin(&s), "q");
    tx_commit(&s);
    compact(&s, 0, &report);
    ck_assert(!report.log_emptied);
    store_read_end(s.store, reader);
    compact(&s, 0, &report);
    ck_assert(report.log_emptied);
    shop_release(&s);
}
END_TEST

static bool stop_at_zero(void *arg)
{
    return --*(int *)arg < 0;
}

START_TEST(a_compaction_that_is_stopped_is_gone_on_with_by_the_next_one)
{
    struct shop s;
    struct err err;
    struct compact_report report;
    static char ids[SHOPPERS][ID_SIZE];
    shop_init(&s);
    name_shoppers(ids, SHOPPERS);
    uint32_t product = put_product(tx_begin(&s), "p");
    live_a_life(s.tx, ids[0], product);
    live_a_life(s.tx, ids[1], product);
    ck_ok(user_delete(s.tx, str_of(ids[0]), &err));
    tx_commit(&s);
    enum err_code code = ERR_CANCELLED;
    for (int steps = 0; code == ERR_CANCELLED; steps++) {
        int left = steps;
        struct compact_options options = {.stopping = stop_at_zero, .arg = &left};
        code = store_compact(s.store, &options, &report, &err);
        ck_assert(code == ERR_OK || code == ERR_CANCELLED);
    }
    ck_assert_int_eq(count_in_file(&s, "aisle.db", ids, 0, 1), 0);
    ck_assert_int_eq(count_in_file(&s, "aisle.db", ids, 1, 2), 1);
    shop_release(&s);
}
END_TEST

SUITE("compaction", no_byte_of_an_erased_shopper_is_left_and_all_of_the_others,
      rows_that_were_moved_from_page_to_page_leave_nothing_behind,
      the_last_event_of_all_is_blanked_and_goes_when_it_is_the_last_no_more,
      what_is_old_or_settled_goes_and_the_rest_stays,
      the_log_of_changes_is_trimmed_up_to_the_position_and_keeps_its_newest_entry,
      a_reader_that_stays_leaves_the_log_to_the_next_compaction,
      a_compaction_that_is_stopped_is_gone_on_with_by_the_next_one)
