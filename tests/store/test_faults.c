#include "store/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/rng.h"
#include "store/backup.h"
#include "store/events.h"

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct product p = a_product(arg);
    return product_put(tx, &p, NULL, NULL, err);
}

static bool is_there(struct shop *s, const char *id)
{
    struct err err;
    uint32_t no;
    ck_ok(product_no_of(read_begin(s), str_of(id), &no, &err));
    read_end(s);
    return no != 0;
}

/* --- failing calls ---------------------------------------------------------------------------- */

/* Every write call of a commit fails in its turn: nothing is acknowledged, nothing of it is seen,
 * and the next write works. After a restart there is what was acknowledged, and perhaps what was
 * not told. */
static void fail_each_call(int errnum, enum err_code want)
{
    struct shop s;
    struct err err;
    long calls = 1;
    shop_init(&s);
    for (long at = 1; at <= calls; at++) {
        char id[24];
        snprintf(id, sizeof id, "kept-%ld", at);
        fault_fs_at(at, errnum);
        enum err_code code = store_write(s.store, put_job, id, &err);
        calls = fault_fs_calls();
        fault_fs_at(0, 0);
        if (calls >= at) {
            ck_assert_msg(code == want, "call %ld: %s", at, code ? err.msg : "went through");
            ck_assert(!is_there(&s, id));
        }
        ck_ok(store_write(s.store, put_job, id, &err)); /* the same again: no trace is left */
        ck_assert(is_there(&s, id));
        if (calls < at)
            break;
        calls = at + 1; /* try one more than were made */
    }
    ck_assert_int_gt(calls, 2); /* a commit has at least a frame, its header and an fsync */
    shop_reopen(&s);
    for (long at = 1; at < calls; at++) {
        char id[24];
        snprintf(id, sizeof id, "kept-%ld", at);
        ck_assert(is_there(&s, id));
    }
    ck_ok(db_verify(read_begin(&s), &err));
    read_end(&s);
    shop_release(&s);
}

START_TEST(a_failing_disk_acknowledges_nothing_and_the_next_write_works)
{
    fail_each_call(EIO, ERR_IO);
}
END_TEST

START_TEST(a_full_disk_is_told_as_such_and_the_next_write_works)
{
    fail_each_call(ENOSPC, ERR_NO_SPACE);
}
END_TEST

struct member {
    char id[24];
    enum err_code fate;
};

static enum err_code put_member(struct store_tx *tx, void *arg, struct err *err)
{
    return put_job(tx, ((struct member *)arg)->id, err);
}

static void note_member(void *arg, enum err_code code, const struct err *err)
{
    (void)err;
    ((struct member *)arg)->fate = code;
}

/* One job holds the writer while two more gather behind it: wherever the disk fails, the two share
 * one fate, and it is the truth. */
START_TEST(a_failing_fsync_fails_every_job_of_its_group)
{
    enum { CALLS = 20 };
    struct shop s;
    struct err err, ignored;
    int groups_lost = 0;
    shop_init(&s);
    for (long at = 1; at <= CALLS; at++) {
        struct member members[2];
        char first[24], last[24];
        snprintf(first, sizeof first, "first-%ld", at);
        snprintf(last, sizeof last, "last-%ld", at);
        put_product(tx_begin(&s), first);
        for (int i = 0; i < 2; i++) {
            snprintf(members[i].id, sizeof members[i].id, "member-%ld-%d", at, i);
            ck_ok(store_write_async(s.store, put_member, &members[i], note_member, &err));
        }
        fault_fs_at(at, EIO);
        enum err_code first_fate = tx_end(&s, ERR_OK);
        if (store_write(s.store, put_job, last, &ignored) == ERR_OK)
            ck_assert(is_there(&s, last));
        fault_fs_at(0, 0);
        ck_assert_int_eq(members[0].fate, members[1].fate);
        ck_assert_int_eq(is_there(&s, first), first_fate == ERR_OK);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(is_there(&s, members[i].id), members[i].fate == ERR_OK);
        groups_lost += members[0].fate != ERR_OK;
    }
    ck_assert_int_gt(groups_lost, 0);
    ck_assert_int_lt(groups_lost, CALLS);
    shop_release(&s);
}
END_TEST

/* --- folders ---------------------------------------------------------------------------------- */

/* Run in a child without root's rights; its exit status is 0 if check says yes. */
static void as_nobody(const char *dir, bool (*check)(const char *dir))
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(2);
        _exit(check(dir) ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}

static bool refuses_to_write_but_reads(const char *dir)
{
    struct err err;
    struct store *store;
    struct db *db;
    uint32_t no = 0;
    enum err_code code = store_open(&(struct store_options){.dir = dir}, &store, &err);
    if (code != ERR_DENIED || !strstr(err.msg, dir))
        return false;
    code = store_open(&(struct store_options){.dir = dir, .read_only = true}, &store, &err);
    if (!code)
        code = store_read_begin(store, &db, &err);
    if (code) {
        fprintf(stderr, "%s\n", err.msg);
        return false;
    }
    code = product_no_of(db, STR_LIT("a"), &no, &err);
    store_read_end(store, db);
    store_close(store);
    return !code && no;
}

START_TEST(a_read_only_folder_is_refused_for_writing_and_read_all_the_same)
{
    struct shop s;
    shop_init(&s);
    put_product(tx_begin(&s), "a");
    tx_commit(&s);
    store_close(s.store);
    s.store = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/aisle.db", s.dir);
    ck_assert_int_eq(chmod(path, 0444), 0);
    snprintf(path, sizeof path, "%s/lock", s.dir);
    ck_assert_int_eq(chmod(path, 0444), 0);
    ck_assert_int_eq(chmod(s.dir, 0555), 0);
    as_nobody(s.dir, refuses_to_write_but_reads);
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    shop_release(&s);
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------- */

static void overwrite(const char *dir, long at, const void *p, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/aisle.db", dir);
    int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, p, n, at), (ssize_t)n);
    close(fd);
}

START_TEST(a_file_that_is_no_database_is_called_so)
{
    struct shop s;
    struct err err;
    struct store *store;
    shop_init(&s);
    store_close(s.store);
    s.store = NULL;
    overwrite(s.dir, 0, "this is not a database at all, is it?", 37);
    ck_err(store_open(&(struct store_options){.dir = s.dir}, &store, &err), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.msg, "aisle.db"));
    shop_release(&s);
}
END_TEST

START_TEST(damage_anywhere_is_found_or_harmless_and_never_crashes)
{
    struct shop s;
    struct err err;
    struct rng rng;
    unsigned found = 0;
    char path[128], good[128];
    rng_init(&rng, 9);
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    for (int i = 0; i < 1000; i++) { /* mostly products, not empty tables */
        char id[16];
        snprintf(id, sizeof id, "product-%d", i);
        put_product(tx, id);
    }
    tx_commit(&s);
    store_close(s.store);
    s.store = NULL;
    snprintf(path, sizeof path, "%s/aisle.db", s.dir);
    snprintf(good, sizeof good, "%s/good", s.dir);
    struct buf bytes;
    buf_init(&bytes, 16 << 20);
    ck_ok(fs_read_file(path, bytes.max, &bytes, &err));
    for (int round = 0; round < 60; round++) {
        struct store *store;
        struct db *db;
        char junk[64];
        for (size_t i = 0; i < sizeof junk; i++)
            junk[i] = (char)rng_u64(&rng);
        ck_ok(fs_write_file_atomic(path, bytes.data, bytes.len, &err));
        overwrite(s.dir, (long)rng_below(&rng, bytes.len - sizeof junk), junk, sizeof junk);
        enum err_code code =
            store_open(&(struct store_options){.dir = s.dir, .read_only = true}, &store, &err);
        if (!code) {
            ck_ok(store_read_begin(store, &db, &err));
            code = db_verify(db, &err);
            store_read_end(store, db);
            store_close(store);
        }
        found += code != ERR_OK;
    }
    ck_assert_uint_gt(found, 10);
    buf_release(&bytes);
    shop_release(&s);
}
END_TEST

/* --- kill -9 ---------------------------------------------------------------------------------- */

/* The child reports each acknowledged write through a pipe until it is killed. */
static void write_until_killed(const char *dir, int round, int report)
{
    struct err err;
    struct store *store;
    if (store_open(&(struct store_options){.dir = dir}, &store, &err))
        _exit(3);
    for (int i = 0;; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d-%d", round, i);
        if (store_write(store, put_job, id, &err) ||
            write(report, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(4);
    }
}

START_TEST(what_was_acknowledged_survives_kill_9)
{
    enum { ROUNDS = 8 };
    struct shop s;
    struct err err;
    struct rng rng;
    int last[ROUNDS];
    rng_init(&rng, (uint64_t)getpid());
    shop_init(&s);
    store_close(s.store);
    s.store = NULL;
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], got;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(s.dir, round, ends[1]);
        close(ends[1]);
        int enough = 5 + (int)rng_below(&rng, 60);
        last[round] = -1;
        while (last[round] < enough && read(ends[0], &got, sizeof got) == (ssize_t)sizeof got)
            last[round] = got;
        kill(child, SIGKILL);
        while (read(ends[0], &got, sizeof got) == (ssize_t)sizeof got)
            last[round] = got; /* acknowledged before the kill arrived */
        close(ends[0]);
        waitpid(child, NULL, 0);
        ck_assert_int_ge(last[round], 0);
    }
    shop_reopen(&s);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i <= last[round]; i++) {
            char id[32];
            snprintf(id, sizeof id, "%d-%d", round, i);
            ck_assert_msg(is_there(&s, id), "%s", id);
        }
    }
    ck_ok(db_verify(read_begin(&s), &err));
    read_end(&s);
    shop_release(&s);
}
END_TEST

SUITE("store faults", a_failing_disk_acknowledges_nothing_and_the_next_write_works,
      a_full_disk_is_told_as_such_and_the_next_write_works,
      a_failing_fsync_fails_every_job_of_its_group,
      a_read_only_folder_is_refused_for_writing_and_read_all_the_same,
      a_file_that_is_no_database_is_called_so,
      damage_anywhere_is_found_or_harmless_and_never_crashes, what_was_acknowledged_survives_kill_9)
