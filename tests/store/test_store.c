#include "store/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/thread.h"
#include "store/blobs.h"
#include "store/db_sqlite_int.h"
#include "store/events.h"
#include "store/schema_int.h"

/* --- jobs for the tests ----------------------------------------------------------------------- */

struct put {
    char id[16];
    enum err_code verdict; /* what the job returns behind its write */
    enum err_code fate;
    atomic_int *ended;
};

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct put *put = arg;
    struct product p = a_product(put->id);
    enum err_code code = product_put(tx, &p, NULL, NULL, err);
    return code || !put->verdict ? code : err_set(err, put->verdict, "half-way");
}

static void note(void *arg, enum err_code code, const struct err *err)
{
    struct put *put = arg;
    (void)err;
    put->fate = code;
    atomic_fetch_add(put->ended, 1);
}

static bool is_there(struct shop *s, const char *id)
{
    struct err err;
    uint32_t no;
    ck_ok(product_no_of(read_begin(s), str_of(id), &no, &err));
    read_end(s);
    return no != 0;
}

/* --- group commit ----------------------------------------------------------------------------- */

/* At most so many entries, and together they name each product once. */
static void ck_changes_cover_products(struct db *db, uint64_t max_entries)
{
    struct err err;
    struct change changes[256];
    struct product_counts counts;
    size_t n;
    int64_t covered = 0;
    ck_ok(changes_after(db, 0, changes, 256, &n, &err));
    ck_assert_uint_le(n, max_entries);
    for (size_t i = 0; i < n; i++)
        covered += changes[i].last_no - changes[i].no + 1;
    ck_ok(products_count(db, &counts, &err));
    ck_assert_int_eq(covered, counts.active);
}

START_TEST(jobs_that_wait_together_share_one_fsync_and_a_failed_one_is_undone_alone)
{
    enum { JOBS = 200 };
    struct shop s;
    struct err err;
    static struct put puts[JOBS];
    atomic_int ended = 0;
    struct store_stats before, after;
    shop_init(&s);
    put_product(tx_begin(&s), "first"); /* the writer is parked: the others gather */
    store_stats(s.store, &before);
    for (int i = 0; i < JOBS; i++) {
        puts[i] = (struct put){.verdict = i % 7 == 3 ? ERR_CONFLICT : ERR_OK, .ended = &ended};
        snprintf(puts[i].id, sizeof puts[i].id, "p%d", i);
        ck_ok(store_write_async(s.store, put_job, &puts[i], note, &err));
    }
    long syncs = sqlite_vfs_syncs();
    tx_commit(&s);
    ck_assert(is_there(&s, "first"));
    struct put last = {.id = "last", .ended = &ended};
    ck_ok(store_write(s.store, put_job, &last, &err)); /* behind all of them */
    store_stats(s.store, &after);
    ck_assert_int_eq(atomic_load(&ended), JOBS);
    uint64_t groups = after.groups - before.groups;
    ck_changes_cover_products(read_begin(&s), groups);
    read_end(&s);
    ck_assert_uint_le(groups, 3); /* first; the 200; last, unless it joined them */
    ck_assert_int_eq(sqlite_vfs_syncs() - syncs, (long)groups);
    for (int i = 0; i < JOBS; i++) {
        ck_assert_int_eq(puts[i].fate, puts[i].verdict);
        ck_assert_int_eq(is_there(&s, puts[i].id), puts[i].verdict == ERR_OK);
    }
    ck_assert_uint_eq(after.failed_jobs - before.failed_jobs, 29);
    shop_release(&s);
}
END_TEST

START_TEST(a_full_queue_is_busy_and_everything_queued_is_done_at_closing)
{
    struct shop s;
    struct err err;
    struct put puts[5];
    atomic_int ended = 0;
    shop_init(&s);
    store_close(s.store);
    ck_ok(store_open(&(struct store_options){.dir = s.dir, .queue_max = 4}, &s.store, &err));
    tx_begin(&s);
    for (int i = 0; i < 5; i++) {
        puts[i] = (struct put){.ended = &ended};
        snprintf(puts[i].id, sizeof puts[i].id, "p%d", i);
        ck_err(store_write_async(s.store, put_job, &puts[i], note, &err),
               i < 4 ? ERR_OK : ERR_BUSY);
    }
    tx_commit(&s);
    store_close(s.store);
    s.store = NULL;
    ck_assert_int_eq(atomic_load(&ended), 4);
    shop_reopen(&s);
    ck_assert(is_there(&s, "p3") && !is_there(&s, "p4"));
    shop_release(&s);
}
END_TEST

struct client {
    struct shop *shop;
    int no;
    struct thread thread;
};

static void write_and_read_back(void *arg)
{
    struct client *c = arg;
    struct err err;
    for (int i = 0; i < 30; i++) {
        atomic_int unused = 0;
        struct put put = {.ended = &unused};
        struct db *db;
        uint32_t no;
        snprintf(put.id, sizeof put.id, "c%d-%d", c->no, i);
        if (store_write(c->shop->store, put_job, &put, &err) ||
            store_read_begin(c->shop->store, &db, &err))
            abort();
        if (product_no_of(db, str_of(put.id), &no, &err) || !no)
            abort();
        store_read_end(c->shop->store, db);
    }
}

START_TEST(many_threads_write_and_each_reads_what_it_was_told_is_written)
{
    struct shop s;
    struct err err;
    struct client clients[6];
    struct product_counts counts;
    shop_init(&s);
    for (int i = 0; i < 6; i++) {
        clients[i] = (struct client){.shop = &s, .no = i};
        ck_ok(thread_start(&clients[i].thread, "client", write_and_read_back, &clients[i], &err));
    }
    for (int i = 0; i < 6; i++)
        thread_join(&clients[i].thread);
    ck_ok(products_count(read_begin(&s), &counts, &err));
    read_end(&s);
    ck_assert_int_eq(counts.active, 180);
    shop_release(&s);
}
END_TEST

START_TEST(a_reader_keeps_its_snapshot_while_the_writer_goes_on)
{
    struct shop s;
    struct err err;
    struct product_counts counts;
    shop_init(&s);
    put_product(tx_begin(&s), "a");
    tx_commit(&s);
    ck_ok(products_count(read_begin(&s), &counts, &err));
    put_product(tx_begin(&s), "b");
    tx_commit(&s);
    ck_ok(products_count(s.db, &counts, &err));
    ck_assert_int_eq(counts.active, 1);
    read_end(&s);
    ck_ok(products_count(read_begin(&s), &counts, &err));
    ck_assert_int_eq(counts.active, 2);
    read_end(&s);
    shop_release(&s);
}
END_TEST

/* --- the log stays short ---------------------------------------------------------------------- */

static enum err_code many_events(struct store_tx *tx, void *arg, struct err *err)
{
    enum { N = 2000 };
    static struct event events[N];
    static char ids[N][24], context[600];
    int *round = arg;
    memset(context, 'x', sizeof context);
    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof ids[i], "%d-%d", *round, i);
        events[i] = (struct event){
            .time = 1000000 + *round,
            .id = str_of(ids[i]),
            .type = EVENT_SEARCH,
            .user_id = STR_LIT("u"),
            .query = STR_LIT("q"),
            .quantity = 1,
            .value_minor = STORE_NO_AMOUNT,
            .position = -1,
            .context = {context, sizeof context},
        };
    }
    return events_add(tx, events, N, 0, NULL, NULL, err);
}

START_TEST(the_log_is_folded_back_while_short_readers_come_and_go)
{
    struct shop s;
    struct err err;
    struct event_counts counts;
    struct store_stats stats;
    int64_t longest = 0;
    shop_init(&s);
    ck_ok(events_count(read_begin(&s), &counts, &err));
    for (int round = 0; round < 60; round++) { /* some 80 MB */
        ck_ok(store_write(s.store, many_events, &round, &err));
        if (round % 10 == 9) { /* there is never a moment without a reader */
            struct db *older = s.db;
            ck_ok(events_count(read_begin(&s), &counts, &err));
            store_read_end(s.store, older);
        }
        store_stats(s.store, &stats);
        if (stats.log_bytes > longest)
            longest = stats.log_bytes;
    }
    read_end(&s);
    ck_assert_int_lt(longest, 256 << 20);
    ck_assert_int_gt(longest, 0);
    shop_release(&s);
}
END_TEST

/* --- how the writer is ------------------------------------------------------------------------ */

START_TEST(a_writer_that_does_not_get_on_is_seen_for_as_long_as_it_lasts)
{
    enum { PARKED_MS = 700, WELL_MS = 600 }; /* an idle writer gets on every half second */
    struct shop s;
    struct store_stats stats = {0};
    shop_init(&s);
    put_product(tx_begin(&s), "a"); /* the writer is parked in this job */
    while (stats.stalled_ms < PARKED_MS) {
        usleep(10000);
        store_stats(s.store, &stats);
    }
    tx_commit(&s);
    while (stats.stalled_ms > WELL_MS) /* for ever, if it did not notice */
        store_stats(s.store, &stats);
    shop_release(&s);
}
END_TEST

START_TEST(why_the_last_group_failed_is_told_until_one_succeeds)
{
    struct shop s;
    struct err err;
    struct store_stats stats;
    struct put put = {.id = "a"};
    shop_init(&s);
    store_stats(s.store, &stats);
    ck_assert(stats.failure.code == ERR_OK && stats.failure_at == 0);
    fault_fs_at(1, ENOSPC);
    ck_err(store_write(s.store, put_job, &put, &err), ERR_NO_SPACE);
    fault_fs_at(0, 0);
    store_stats(s.store, &stats);
    ck_assert(stats.failure.code == ERR_NO_SPACE && stats.failure_at > 0);
    ck_assert_str_eq(stats.failure.msg, err.msg);
    ck_assert_uint_ge(stats.failed_commits, 1);
    ck_ok(store_write(s.store, put_job, &put, &err));
    store_stats(s.store, &stats);
    ck_assert(stats.failure.code == ERR_OK && stats.failure_at == 0);
    shop_release(&s);
}
END_TEST

/* --- opening ---------------------------------------------------------------------------------- */

START_TEST(a_second_opener_is_refused_a_reader_is_not)
{
    struct shop s;
    struct err err;
    struct store *second;
    shop_init(&s);
    put_product(tx_begin(&s), "a");
    tx_commit(&s);
    ck_err(store_open(&(struct store_options){.dir = s.dir}, &second, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, s.dir));
    ck_ok(store_open(&(struct store_options){.dir = s.dir, .read_only = true}, &second, &err));
    struct db *db;
    uint32_t no;
    ck_ok(store_read_begin(second, &db, &err));
    ck_ok(product_no_of(db, STR_LIT("a"), &no, &err));
    ck_assert_uint_ne(no, 0);
    store_read_end(second, db);
    struct put put = {.id = "x"};
    ck_err(store_write(second, put_job, &put, &err), ERR_DENIED);
    ck_err(blob_put(second, STR_LIT("x"), STR_LIT("y"), &err), ERR_DENIED);
    store_close(second);
    shop_release(&s);
}
END_TEST

START_TEST(no_shop_is_made_where_one_must_exist)
{
    struct err err;
    struct store *store;
    char dir[] = "/tmp/aisle-store-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_err(store_open(&(struct store_options){.dir = dir, .must_exist = true}, &store, &err),
           ERR_NOT_FOUND);
    ck_err(store_open(&(struct store_options){.dir = dir, .read_only = true}, &store, &err),
           ERR_NOT_FOUND);
    ck_err(store_open(&(struct store_options){.dir = ""}, &store, &err), ERR_INVALID);
    ck_ok(fs_remove_tree(dir, &err));
}
END_TEST

/* Every older schema, with a row that each step must keep. */
START_TEST(shops_of_all_older_schemas_are_brought_up_to_date)
{
    for (int64_t old = 1; old < store_schema_version(); old++) {
        char dir[] = "/tmp/aisle-store-XXXXXX", url[64];
        struct err err;
        struct db *db;
        struct store *store;
        int64_t rows, version;
        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(url, sizeof url, "sqlite:%s/aisle.db", dir);
        ck_ok(db_open(url, DB_WRITE, &db, &err));
        ck_ok(schema_migrate_to(db, old, &err));
        ck_ok(schema_version(db, &version, &err));
        ck_assert_int_eq(version, old);
        ck_ok(db_script(
            db,
            "INSERT INTO quarantine (kind, source, line, col, reason, message, raw_cut, state,"
            " at) VALUES ('products', 'f', 1, 2, 'r', 'm', 0, 0, 3)",
            &err));
        db_close(db);
        ck_ok(store_open(&(struct store_options){.dir = dir}, &store, &err));
        ck_ok(store_read_begin(store, &db, &err));
        ck_ok(schema_version(db, &version, &err));
        ck_assert_int_eq(version, store_schema_version());
        ck_ok(db_query_i64(db, "SELECT COUNT(*) FROM quarantine WHERE record IS NULL", DB_NO_ARGS,
                           &rows, NULL, &err));
        ck_assert_int_eq(rows, 1);
        ck_ok(db_query_i64(db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'interactions'",
                           DB_NO_ARGS, &rows, NULL, &err));
        ck_assert_int_eq(rows, 0);
        store_read_end(store, db);
        store_close(store);
        ck_ok(fs_remove_tree(dir, &err));
    }
}
END_TEST

START_TEST(a_newer_schema_is_refused_and_an_older_one_not_read)
{
    struct shop s;
    struct err err;
    struct store *store;
    shop_init(&s);
    ck_ok(db_script(tx_begin(&s)->db, "DELETE FROM schema_versions WHERE version > 1", &err));
    tx_commit(&s);
    ck_err(store_open(&(struct store_options){.dir = s.dir, .read_only = true}, &store, &err),
           ERR_UNAVAILABLE);
    ck_ok(db_script(tx_begin(&s)->db, "INSERT INTO schema_versions (version, at) VALUES (9999, 0)",
                    &err));
    tx_commit(&s);
    store_close(s.store);
    s.store = NULL;
    ck_err(store_open(&(struct store_options){.dir = s.dir}, &store, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "9999"));
    ck_err(store_open(&(struct store_options){.dir = s.dir, .read_only = true}, &store, &err),
           ERR_CONFLICT);
    shop_release(&s);
}
END_TEST

/* --- blobs ------------------------------------------------------------------------------------ */

START_TEST(blobs_are_put_got_and_removed_by_safe_names_only)
{
    struct shop s;
    struct err err;
    struct buf out;
    char name[BLOB_HASH_NAME_SIZE], again[BLOB_HASH_NAME_SIZE];
    shop_init(&s);
    buf_init(&out, 100);
    blob_hash_name(STR_LIT("picture"), name);
    ck_ok(blob_put(s.store, str_of(name), STR_LIT("picture"), &err));
    ck_assert_str_eq(name, blob_hash_name(STR_LIT("picture"), again));
    ck_ok(blob_get(s.store, str_of(name), &out, &err));
    ck_text(buf_str(&out), "picture");
    ck_ok(blob_remove(s.store, str_of(name), &err));
    ck_ok(blob_remove(s.store, str_of(name), &err));
    ck_err(blob_get(s.store, str_of(name), &out, &err), ERR_NOT_FOUND);
    static const char *const bad[] = {"",   "/etc/passwd", "../x", "a/../b", "a//b", "a/",
                                      ".a", "a/.b",        "a b",  "a\n",    "你",   "a\\b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(blob_put(s.store, str_of(bad[i]), STR_LIT("x"), &err), ERR_INVALID);
    buf_release(&out);
    shop_release(&s);
}
END_TEST

SUITE("store", a_writer_that_does_not_get_on_is_seen_for_as_long_as_it_lasts,
      why_the_last_group_failed_is_told_until_one_succeeds,
      jobs_that_wait_together_share_one_fsync_and_a_failed_one_is_undone_alone,
      a_full_queue_is_busy_and_everything_queued_is_done_at_closing,
      many_threads_write_and_each_reads_what_it_was_told_is_written,
      a_reader_keeps_its_snapshot_while_the_writer_goes_on,
      the_log_is_folded_back_while_short_readers_come_and_go,
      a_second_opener_is_refused_a_reader_is_not, no_shop_is_made_where_one_must_exist,
      shops_of_all_older_schemas_are_brought_up_to_date,
      a_newer_schema_is_refused_and_an_older_one_not_read,
      blobs_are_put_got_and_removed_by_safe_names_only)
