/* test_runner.c - jobs, with small shell scripts in the place of the training program. */
#include "jobs/runner.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "jobs/housekeeping.h"
#include "jobs/import_args.h"
#include "store/events.h"
#include "store/fixture.h"
#include "store/jobs.h"
#include "store/models.h"
#include "store/products.h"
#include "store/users.h"
#include "train/recommend_train.h"

enum { WAIT_MS = 30000, STEP_MS = 10 };

struct bench {
    struct shop shop;
    struct runner *runner;
    char program[80];
    int64_t refit_every_us; /* 0: no training by itself */
    atomic_int published;
};

static void note_published(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void write_program(struct bench *b, const char *body)
{
    struct err err;
    char text[1024];
    int n = snprintf(text, sizeof text, "#!/bin/sh\ncd %s\n%s\n", b->shop.dir, body);
    snprintf(b->program, sizeof b->program, "%s/program", b->shop.dir);
    ck_ok(fs_write_file_atomic(b->program, text, (size_t)n, &err));
    ck_assert_int_eq(chmod(b->program, 0755), 0);
}

static void bench_init(struct bench *b, const char *body)
{
    *b = (struct bench){0};
    shop_init(&b->shop);
    write_program(b, body);
}

static void bench_start(struct bench *b)
{
    struct err err;
    struct runner_options options = {.store = b->shop.store,
                                     .program = b->program,
                                     .refit_every_us = b->refit_every_us,
                                     .published = note_published,
                                     .published_arg = &b->published};
    ck_ok(runner_start(&options, &b->runner, &err));
}

static void bench_release(struct bench *b)
{
    runner_stop(b->runner);
    shop_release(&b->shop);
}

static int64_t add_job_for(struct bench *b, const char *kind, const char *arguments)
{
    struct err err;
    int64_t no;
    ck_ok(job_add(tx_begin(&b->shop), str_of(kind), str_of(arguments), &no, &err));
    tx_commit(&b->shop);
    return no;
}

static int64_t add_job(struct bench *b, const char *kind)
{
    return add_job_for(b, kind, NULL);
}

static struct job job_of(struct bench *b, int64_t no)
{
    struct err err;
    struct job job;
    ck_ok(job_get(read_begin(&b->shop), no, &b->shop.arena, &job, &err));
    read_end(&b->shop);
    return job;
}

/* The job once it is in another state than this one. */
static struct job wait_while(struct bench *b, int64_t no, enum job_state state)
{
    struct job job = job_of(b, no);
    for (int ms = 0; ms < WAIT_MS && job.state == state; ms += STEP_MS) {
        usleep(STEP_MS * 1000);
        job = job_of(b, no);
    }
    return job;
}

static struct job run_job(struct bench *b, const char *kind)
{
    int64_t no = add_job(b, kind);
    runner_wake(b->runner);
    wait_while(b, no, JOB_QUEUED);
    return wait_while(b, no, JOB_RUNNING);
}

/* A version as the training program leaves it. */
static void train_one(struct bench *b, char version[VERSION_SIZE])
{
    struct err err;
    struct train_result result;
    struct store_tx *tx = tx_begin(&b->shop);
    for (int i = 0; i < 60; i++) {
        char product[16], user[16];
        snprintf(product, sizeof product, "p%d", i % 6);
        snprintf(user, sizeof user, "u%d", i % 10);
        put_product(tx, product);
        struct event e = {.id = str_of(user),
                          .time = (1700000000 + i) * CLOCK_US_PER_S,
                          .type = EVENT_PURCHASE,
                          .user_id = str_of(user),
                          .product_id = str_of(product),
                          .quantity = 1,
                          .value_minor = STORE_NO_AMOUNT,
                          .position = -1};
        ck_ok(events_add(tx, &e, 1, 0, NULL, NULL, &err));
    }
    tx_commit(&b->shop);
    struct train_options options = {.params = recommend_defaults(), .threads = 1};
    options.params.dim = 4;
    ck_ok(recommend_train(b->shop.store, &options, &result, &err));
    memcpy(version, result.version, VERSION_SIZE);
}

START_TEST(a_trained_version_is_registered_and_published_and_told)
{
    struct bench b;
    struct err err;
    struct model_version live;
    char version[VERSION_SIZE], body[256];
    bench_init(&b, "");
    train_one(&b, version);
    snprintf(body, sizeof body, "echo \"$@\" >arguments\nprintf '{\"x\":[1],\"version\":\"%s\"}'",
             version);
    write_program(&b, body);
    bench_start(&b);
    struct job job = run_job(&b, "train");
    ck_assert_msg(job.state == JOB_DONE, "%s: %.*s", job_state_name(job.state),
                  STR_ARG(job.message));
    ck_assert_ptr_nonnull(strstr(job.result.p, version));
    ck_ok(model_live(read_begin(&b.shop), STR_LIT("recommend"), &b.shop.arena, &live, &err));
    read_end(&b.shop);
    ck_text(live.version, version);
    ck_assert_int_eq(b.published, 1);

    char path[128], want[160];
    struct buf got;
    buf_init(&got, 1000);
    snprintf(path, sizeof path, "%s/arguments", b.shop.dir);
    snprintf(want, sizeof want, "train --no-publish --json --progress --data %s\n", b.shop.dir);
    ck_ok(fs_read_file(path, 1000, &got, &err));
    ck_text(buf_str(&got), want);
    buf_release(&got);
    bench_release(&b);
}
END_TEST

START_TEST(a_refit_that_is_not_due_is_done_and_publishes_nothing)
{
    struct bench b;
    struct err err;
    struct model_version live;
    bench_init(&b, "echo '{\"version\":null,\"refit\":{\"full\":false,\"skipped\":true}}'");
    bench_start(&b);
    struct job job = run_job(&b, "train");
    ck_assert_msg(job.state == JOB_DONE, "%.*s", STR_ARG(job.message));
    ck_assert_ptr_nonnull(strstr(job.result.p, "\"skipped\":true"));
    ck_err(model_live(read_begin(&b.shop), STR_LIT("recommend"), &b.shop.arena, &live, &err),
           ERR_NOT_FOUND);
    read_end(&b.shop);
    ck_assert_int_eq(b.published, 0);
    bench_release(&b);
}
END_TEST

START_TEST(a_server_refits_what_serves_by_itself)
{
    struct bench b;
    struct err err;
    char version[VERSION_SIZE], path[128];
    struct buf got;
    bench_init(&b, "echo \"$@\" >arguments.new; mv arguments.new arguments\n"
                   "echo '{\"version\":null,\"refit\":{\"skipped\":true}}'");
    train_one(&b, version);
    ck_ok(recommend_publish(b.shop.store, version, true, NULL, &err));
    b.refit_every_us = 1;
    bench_start(&b);
    snprintf(path, sizeof path, "%s/arguments", b.shop.dir);
    for (int ms = 0; ms < WAIT_MS && access(path, F_OK) != 0; ms += STEP_MS)
        usleep(STEP_MS * 1000);
    buf_init(&got, 1000);
    ck_ok(fs_read_file(path, 1000, &got, &err));
    buf_putc(&got, '\0');
    ck_assert_ptr_nonnull(strstr(got.data, " --refit\n"));
    buf_release(&got);
    bench_release(&b);
}
END_TEST

/* The job once its progress is this. */
static struct job wait_progress(struct bench *b, int64_t no, double progress)
{
    struct job job = job_of(b, no);
    for (int ms = 0; ms < WAIT_MS && job.progress != progress; ms += STEP_MS) {
        usleep(STEP_MS * 1000);
        job = job_of(b, no);
    }
    return job;
}

START_TEST(a_running_job_shows_how_far_it_is_and_its_result_has_nothing_of_it)
{
    struct bench b;
    char version[VERSION_SIZE], body[1000], want[160];
    bench_init(&b, "");
    train_one(&b, version);
    snprintf(body, sizeof body,
             "echo '{\"progress\":0.25,\"message\":\"reading\"}'\n"
             "while [ ! -e go ]; do sleep 0.01; done\n"
             "i=1; while [ $i -lt 600 ]; do echo '{\"progress\":0.5}'; i=$((i+1)); done\n"
             "echo '{\"progress\":0.75,\"message\":\"a \\\"word\\\"\"}'\n"
             "echo '{\"progress\":7}{' >&2\n"
             "while [ ! -e end ]; do sleep 0.01; done\n"
             "printf '{\"progress\":0.9}\\n{\"version\":\"%s\"}'",
             version);
    write_program(&b, body);
    bench_start(&b);
    int64_t no = add_job(&b, "train");
    runner_wake(b.runner);
    struct job job = wait_progress(&b, no, 0.25);
    ck_assert(job.state == JOB_RUNNING && job.progress == 0.25);
    ck_text(job.message, "reading");
    close(open(arena_printf(&b.shop.arena, "%s/go", b.shop.dir).p, O_CREAT | O_WRONLY, 0600));
    job = wait_progress(&b, no, 0.75); /* the newest, though it came too soon to be written */
    ck_assert(job.state == JOB_RUNNING && job.progress == 0.75);
    ck_text(job.message, "a \"word\"");
    close(open(arena_printf(&b.shop.arena, "%s/end", b.shop.dir).p, O_CREAT | O_WRONLY, 0600));
    job = wait_while(&b, no, JOB_RUNNING);
    ck_assert_int_eq(job.state, JOB_DONE);
    ck_assert(job.progress == 1);
    ck_assert_uint_eq(job.message.n, 0);
    snprintf(want, sizeof want, "{\"version\":\"%s\"}", version);
    ck_text(job.result, want);
    bench_release(&b);
}
END_TEST

START_TEST(a_program_that_does_not_do_its_work_fails_the_job_and_the_next_one_runs)
{
    static const char *const bodies[] = {
        "exit 3",
        "echo no JSON; exit 0",
        "echo '{\"version\":7}'",
        "echo '{\"version\":\"never written\"}'",
        "echo '{\"version\":\"0123456789012345678901234567890123456789\"}'",
        "kill -9 $$",
        "head -c 3000000 /dev/zero",
        "echo '{\"progress\":2}'",
        "echo '{\"progress\":0.5,'",
        "exec >&-; exit 0",
    };
    struct bench b;
    bench_init(&b, "");
    bench_start(&b);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        write_program(&b, bodies[i]);
        struct job job = run_job(&b, "train");
        ck_assert_msg(job.state == JOB_FAILED, "%s: %s", bodies[i], job_state_name(job.state));
        ck_assert_uint_gt(job.message.n, 0);
    }
    ck_assert_int_eq(run_job(&b, "paint").state, JOB_FAILED); /* no such kind */
    ck_assert_int_eq(b.published, 0);
    bench_release(&b);
}
END_TEST

START_TEST(a_program_that_is_not_there_fails_the_job)
{
    struct bench b;
    struct err err;
    bench_init(&b, "");
    ck_ok(fs_remove_file(b.program, &err));
    bench_start(&b);
    struct job job = run_job(&b, "train");
    ck_assert_int_eq(job.state, JOB_FAILED);
    ck_assert_ptr_nonnull(strstr(job.message.p, "cannot be started"));
    bench_release(&b);
}
END_TEST

START_TEST(stopping_ends_a_program_that_hangs_with_all_that_it_started)
{
    struct bench b;
    bench_init(&b, "sleep 1000 & echo $! >sleeper.new; mv sleeper.new sleeper; wait");
    bench_start(&b);
    int64_t no = add_job(&b, "train");
    runner_wake(b.runner);
    char path[128];
    snprintf(path, sizeof path, "%s/sleeper", b.shop.dir);
    for (int ms = 0; ms < WAIT_MS && access(path, F_OK) != 0; ms += STEP_MS)
        usleep(STEP_MS * 1000);
    runner_stop(b.runner);
    b.runner = NULL;
    ck_assert_int_eq(job_of(&b, no).state, JOB_CANCELLED);
    struct err err;
    struct buf pid;
    buf_init(&pid, 100);
    ck_ok(fs_read_file(path, 100, &pid, &err));
    char proc[64], state[64] = "gone";
    snprintf(proc, sizeof proc, "/proc/%.*s/stat", STR_ARG(str_trim(buf_str(&pid))));
    FILE *f = fopen(proc, "r"); /* there is nobody to reap it but init: a zombie at most */
    if (f) {
        ck_assert_int_eq(fscanf(f, "%*d %*s %63s", state), 1);
        fclose(f);
        ck_assert_str_eq(state, "Z");
    }
    buf_release(&pid);
    bench_release(&b);
}
END_TEST

START_TEST(a_job_whose_server_died_is_failed_at_the_next_start)
{
    struct bench b;
    struct err err;
    struct job taken;
    bench_init(&b, "exit 1");
    int64_t no = add_job(&b, "train");
    ck_ok(job_take(tx_begin(&b.shop), (struct str){NULL, 0}, STR_LIT("server"), &b.shop.arena,
                   &taken, &err));
    tx_commit(&b.shop);
    ck_assert(taken.no == no && job_of(&b, no).state == JOB_RUNNING);
    bench_start(&b);
    ck_assert_int_eq(job_of(&b, no).state, JOB_FAILED);
    bench_release(&b);
}
END_TEST

/* The newest job that a runner queued by itself. */
static struct job wait_for_compaction(struct bench *b)
{
    struct job job = {0};
    struct err err;
    for (int ms = 0; ms < WAIT_MS && job.state != JOB_DONE; ms += STEP_MS) {
        usleep(STEP_MS * 1000);
        if (job_get(read_begin(&b->shop), 1, &b->shop.arena, &job, &err) != ERR_OK)
            job = (struct job){0};
        read_end(&b->shop);
    }
    return job;
}

static int64_t events_stored(struct bench *b)
{
    struct err err;
    int64_t n;
    ck_ok(db_query_i64(read_begin(&b->shop), "SELECT COUNT(*) FROM events WHERE user_no <> 0",
                       DB_NO_ARGS, &n, NULL, &err));
    read_end(&b->shop);
    return n;
}

static void erase(struct bench *b, const char *id)
{
    struct err err;
    ck_ok(user_delete(tx_begin(&b->shop), str_of(id), &err));
    tx_commit(&b->shop);
}

START_TEST(a_runner_compacts_when_it_starts_when_asked_and_before_it_trains)
{
    struct bench b;
    char version[VERSION_SIZE];
    bench_init(&b, "exit 1");
    train_one(&b, version); /* ten shoppers of six events each */
    erase(&b, "u1");
    bench_start(&b);
    struct job job = wait_for_compaction(&b);
    ck_assert(job.state == JOB_DONE && str_is(job.kind, "compact"));
    ck_assert_ptr_nonnull(strstr(job.result.p, "\"events\":6"));
    ck_assert_int_eq(events_stored(&b), 54);
    erase(&b, "u2");
    ck_assert_int_eq(run_job(&b, "compact").state, JOB_DONE);
    ck_assert_int_eq(events_stored(&b), 48);
    erase(&b, "u3");
    ck_assert_int_eq(run_job(&b, "train").state, JOB_FAILED); /* the program's fault */
    ck_assert_int_eq(events_stored(&b), 42);
    bench_release(&b);
}
END_TEST

static void oldest_change(struct bench *b, int64_t *oldest, int64_t *newest)
{
    struct err err;
    ck_ok(changes_range(read_begin(&b->shop), oldest, newest, &err));
    read_end(&b->shop);
}

static void put_version(struct bench *b, const char *version, int64_t position)
{
    struct err err;
    char manifest[80];
    snprintf(manifest, sizeof manifest, "{\"data\":{\"position\":%lld}}", (long long)position);
    struct model_version m = {.family = STR_LIT("recommend"),
                              .version = str_of(version),
                              .state = MODEL_PASSED,
                              .manifest = str_of(manifest)};
    ck_ok(model_put(tx_begin(&b->shop), &m, &err));
    tx_commit(&b->shop);
}

START_TEST(the_log_of_changes_is_trimmed_up_to_the_oldest_model_and_segment_file)
{
    struct bench b;
    struct err err;
    struct engine *engine;
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    int64_t oldest, newest, file;
    bench_init(&b, "");
    for (int i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "p%d", i);
        put_product(tx_begin(&b.shop), id);
        tx_commit(&b.shop);
    }
    put_version(&b, "new", 30);
    put_version(&b, "old", 20);
    put_version(&b, "odd", INT64_MAX); /* another shop's: knows the future */
    ck_ok(fs_join(dir, b.shop.dir, "catalogue", &err));
    ck_ok(fs_mkdirs(dir, &err));
    ck_ok(fs_join(path, dir, "0000000000000000010.segment", &err));
    ck_ok(fs_write_file_atomic(path, "x", 1, &err));
    ck_ok(housekeeping_run(b.shop.store, NULL, NULL, NULL, NULL, &err));
    oldest_change(&b, &oldest, &newest);
    ck_assert_int_eq(oldest, 11);
    ck_ok(fs_remove_file(path, &err));
    ck_ok(housekeeping_run(b.shop.store, NULL, NULL, NULL, NULL, &err));
    oldest_change(&b, &oldest, &newest);
    ck_assert_int_eq(oldest, 21);
    ck_ok(model_delete(tx_begin(&b.shop), STR_LIT("recommend"), STR_LIT("old"), &err));
    tx_commit(&b.shop);
    ck_ok(housekeeping_run(b.shop.store, NULL, NULL, NULL, NULL, &err));
    oldest_change(&b, &oldest, &newest);
    ck_assert_int_eq(oldest, 31);

    ck_ok(model_delete(tx_begin(&b.shop), STR_LIT("recommend"), STR_LIT("new"), &err));
    tx_commit(&b.shop);
    ck_ok(engine_open(b.shop.store, &(struct engine_options){0}, &engine, &err));
    ck_ok(engine_fold(engine, &err));
    ck_ok(engine_oldest_file(b.shop.store, &file, &err));
    ck_assert_int_gt(file, 31);
    put_product(tx_begin(&b.shop), "late");
    tx_commit(&b.shop);
    ck_ok(engine_wait(engine, WAIT_MS, &err));
    ck_ok(housekeeping_run(b.shop.store, engine, NULL, NULL, NULL, &err));
    oldest_change(&b, &oldest, &newest);
    ck_assert(oldest == file + 1 && newest > file);
    engine_close(engine);
    bench_release(&b);
}
END_TEST

/* --- imports ---------------------------------------------------------------------------------- */

enum { FEED_ROWS = 30000 };

/* A feed under .uploads, and the arguments of a job that imports it. */
static const char *write_feed(struct bench *b, size_t rows)
{
    struct err err;
    struct buf feed;
    char dir[FS_PATH_MAX];
    ck_ok(import_uploads_dir(b->shop.store, dir, &err));
    const char *path = arena_printf(&b->shop.arena, "%s/feed", dir).p;
    buf_init(&feed, 16 << 20);
    for (size_t i = 0; i < rows; i++)
        buf_printf(&feed, "{\"id\": \"p%zu\", \"title\": \"Product %zu\"}\n", i, i);
    ck_ok(fs_write_file_atomic(path, feed.data, feed.len, &err));
    buf_release(&feed);
    return arena_printf(&b->shop.arena,
                        "{\"kind\": \"products\", \"path\": \"%s\", \"name\": \"feed.jsonl\", "
                        "\"uploaded\": true}",
                        path)
        .p;
}

static bool feed_is_there(const struct bench *b)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.uploads/feed", b->shop.dir);
    return access(path, F_OK) == 0;
}

static int64_t products_stored(struct bench *b)
{
    struct err err;
    struct product_counts counts;
    ck_ok(products_count(read_begin(&b->shop), &counts, &err));
    read_end(&b->shop);
    return counts.active;
}

static int64_t start_import(struct bench *b, size_t rows)
{
    int64_t no = add_job_for(b, "import", write_feed(b, rows));
    runner_wake(b->runner);
    wait_while(b, no, JOB_QUEUED);
    return no;
}

START_TEST(an_import_tells_its_report_and_its_file_goes_with_it)
{
    struct bench b;
    bench_init(&b, "");
    bench_start(&b);
    int64_t no = start_import(&b, 100);
    struct job job = wait_while(&b, no, JOB_RUNNING);
    ck_assert_msg(job.state == JOB_DONE, "%.*s", STR_ARG(job.message));
    ck_assert_ptr_nonnull(strstr(job.result.p, "\"created\":100"));
    ck_assert_int_eq(products_stored(&b), 100);
    ck_assert(!feed_is_there(&b));
    bench_release(&b);
}
END_TEST

START_TEST(an_import_that_cannot_be_done_fails_with_the_name_of_its_error)
{
    static const struct {
        const char *arguments, *error;
    } jobs[] = {
        {"{\"kind\": \"products\", \"path\": \"/nowhere/feed.csv\"}", "\"error\":\"not_found\""},
        {"{\"kind\": \"products\", \"path\": \"/etc/passwd\"}", "\"error\":\"invalid\""},
        {"{\"kind\": \"cats\", \"path\": \"x\"}", NULL},
        {"{\"kind\": \"users\"}", NULL},
        {"nonsense", NULL},
        {NULL, NULL},
    };
    struct bench b;
    bench_init(&b, "");
    bench_start(&b);
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        int64_t no = add_job_for(&b, "import", jobs[i].arguments);
        runner_wake(b.runner);
        wait_while(&b, no, JOB_QUEUED);
        struct job job = wait_while(&b, no, JOB_RUNNING);
        ck_assert_msg(job.state == JOB_FAILED && job.message.n, "%zu", i);
        if (jobs[i].error)
            ck_assert_ptr_nonnull(strstr(job.result.p, jobs[i].error));
        else
            ck_assert_uint_eq(job.result.n, 0);
    }
    bench_release(&b);
}
END_TEST

START_TEST(a_cancelled_import_ends_with_what_it_stored_and_its_file_goes)
{
    struct bench b;
    bench_init(&b, "");
    bench_start(&b);
    int64_t no = start_import(&b, FEED_ROWS);
    runner_cancel(b.runner, no);
    struct job job = wait_while(&b, no, JOB_RUNNING);
    ck_assert_int_eq(job.state, JOB_CANCELLED);
    ck_assert_ptr_nonnull(strstr(job.result.p, "\"error\":\"cancelled\""));
    ck_assert_int_lt(products_stored(&b), FEED_ROWS);
    ck_assert(!feed_is_there(&b));
    bench_release(&b);
}
END_TEST

START_TEST(an_import_that_stopping_interrupts_goes_on_at_the_next_start)
{
    struct bench b;
    bench_init(&b, "");
    bench_start(&b);
    int64_t no = start_import(&b, FEED_ROWS);
    runner_stop(b.runner);
    ck_assert_int_eq(job_of(&b, no).state, JOB_QUEUED);
    ck_assert_int_lt(products_stored(&b), FEED_ROWS);
    ck_assert(feed_is_there(&b));
    bench_start(&b);
    wait_while(&b, no, JOB_QUEUED);
    struct job job = wait_while(&b, no, JOB_RUNNING);
    ck_assert_msg(job.state == JOB_DONE, "%.*s", STR_ARG(job.message));
    ck_assert_int_eq(products_stored(&b), FEED_ROWS);
    ck_assert(!feed_is_there(&b));
    bench_release(&b);
}
END_TEST

START_TEST(an_import_does_not_wait_for_a_training)
{
    struct bench b;
    bench_init(&b, "while [ ! -e go ]; do sleep 0.01; done; exit 1");
    bench_start(&b);
    int64_t train = add_job(&b, "train");
    runner_wake(b.runner);
    wait_while(&b, train, JOB_QUEUED);
    int64_t import = start_import(&b, 10);
    ck_assert_int_eq(wait_while(&b, import, JOB_RUNNING).state, JOB_DONE);
    ck_assert_int_eq(job_of(&b, train).state, JOB_RUNNING);
    runner_cancel(b.runner, train);
    ck_assert_int_eq(wait_while(&b, train, JOB_RUNNING).state, JOB_CANCELLED);
    bench_release(&b);
}
END_TEST

START_TEST(uploads_that_no_queued_job_wants_go_at_the_start)
{
    struct bench b;
    struct err err;
    bench_init(&b, "");
    const char *arguments = write_feed(&b, 10);
    ck_ok(import_args_sweep(b.shop.store, &err));
    ck_assert(!feed_is_there(&b));
    write_feed(&b, 10);
    add_job_for(&b, "import", arguments);
    ck_ok(import_args_sweep(b.shop.store, &err));
    ck_assert(feed_is_there(&b));
    bench_release(&b);
}
END_TEST

SUITE("runner", a_trained_version_is_registered_and_published_and_told,
      a_refit_that_is_not_due_is_done_and_publishes_nothing, a_server_refits_what_serves_by_itself,
      a_running_job_shows_how_far_it_is_and_its_result_has_nothing_of_it,
      a_program_that_does_not_do_its_work_fails_the_job_and_the_next_one_runs,
      a_program_that_is_not_there_fails_the_job,
      stopping_ends_a_program_that_hangs_with_all_that_it_started,
      a_job_whose_server_died_is_failed_at_the_next_start,
      a_runner_compacts_when_it_starts_when_asked_and_before_it_trains,
      the_log_of_changes_is_trimmed_up_to_the_oldest_model_and_segment_file,
      an_import_tells_its_report_and_its_file_goes_with_it,
      an_import_that_cannot_be_done_fails_with_the_name_of_its_error,
      a_cancelled_import_ends_with_what_it_stored_and_its_file_goes,
      an_import_that_stopping_interrupts_goes_on_at_the_next_start,
      an_import_does_not_wait_for_a_training, uploads_that_no_queued_job_wants_go_at_the_start)
