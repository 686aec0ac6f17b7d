/* bench_ingest.c - how many events become durable in a second. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/thread.h"
#include "cli/bench.h"
#include "store/events.h"
#include "store/products.h"

enum { BATCH_MAX = 100000, WRITERS_MAX = 1024, BATCH_WRITERS = 4, TEXT_SIZE = 24, USERS = 100000 };

struct ingest {
    struct store *store;
    int64_t products, events, batch, singles, writers, seed;
    int64_t begin_us;      /* of the events' times */
    _Atomic int64_t taken; /* events that a thread has taken to send */
    _Atomic bool failed;
    struct err err; /* of the first failure */
};

/* An event with room for its texts. */
struct drawn {
    char id[TEXT_SIZE], user[TEXT_SIZE], product[TEXT_SIZE];
};

static void draw(const struct ingest *g, int64_t no, struct rng *rng, struct drawn *d,
                 struct event *e)
{
    snprintf(d->id, sizeof d->id, "e%lld", (long long)no);
    snprintf(d->user, sizeof d->user, "u%llu", (unsigned long long)rng_below(rng, USERS));
    snprintf(d->product, sizeof d->product, "p%llu",
             (unsigned long long)rng_below(rng, (uint64_t)g->products));
    *e = (struct event){.time = g->begin_us + no * 1000,
                        .id = str_of(d->id),
                        .type = EVENT_VIEW,
                        .user_id = str_of(d->user),
                        .product_id = str_of(d->product),
                        .quantity = 1,
                        .value_minor = STORE_NO_AMOUNT,
                        .position = -1};
}

/* --- the shop -------------------------------------------------------------------------------- */

static enum err_code products_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct ingest *g = arg;
    enum err_code code = ERR_OK;
    for (int64_t i = 0; i < g->products && code == ERR_OK; i++) {
        char id[TEXT_SIZE];
        snprintf(id, sizeof id, "p%lld", (long long)i);
        struct product p = {.id = str_of(id),
                            .title = str_of(id),
                            .price_minor = 100,
                            .list_price_minor = STORE_NO_AMOUNT,
                            .currency = 'E' << 16 | 'U' << 8 | 'R',
                            .stock = STORE_STOCK_UNTRACKED};
        code = product_put(tx, &p, NULL, NULL, err);
    }
    return code;
}

/* --- writers --------------------------------------------------------------------------------- */

struct batch {
    struct event *events;
    size_t n;
};

static enum err_code events_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct batch *b = arg;
    return events_add(tx, b->events, b->n, 0, NULL, NULL, err);
}

struct writer {
    struct ingest *g;
    struct thread thread;
    struct rng rng;
    int64_t end, size; /* of all writers: send up to `end`, `size` events a job */
};

static void write_events(void *arg)
{
    struct writer *w = arg;
    struct ingest *g = w->g;
    struct err err;
    struct batch b = {mem_new((size_t)w->size, sizeof *b.events), 0};
    struct drawn *texts = mem_new((size_t)w->size, sizeof *texts);
    int64_t at;
    while (!atomic_load(&g->failed) && (at = atomic_fetch_add(&g->taken, w->size)) < w->end) {
        b.n = (size_t)(at + w->size <= w->end ? w->size : w->end - at);
        for (size_t i = 0; i < b.n; i++)
            draw(g, at + (int64_t)i, &w->rng, &texts[i], &b.events[i]);
        if (store_write(g->store, events_job, &b, &err) != ERR_OK &&
            !atomic_exchange(&g->failed, true))
            g->err = err;
    }
    mem_free(texts);
    mem_free(b.events);
}

/* Send events [first, end) from n threads, size a job. */
static enum err_code send_all(struct ingest *g, int64_t first, int64_t end, int64_t size, size_t n,
                              double *seconds, uint64_t *commits, struct err *err)
{
    struct writer *writers = mem_new(n, sizeof *writers);
    struct store_stats before, after;
    enum err_code code = ERR_OK;
    store_stats(g->store, &before);
    atomic_store(&g->taken, first);
    int64_t begin = clock_mono_ns();
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        writers[i] = (struct writer){.g = g, .end = end, .size = size};
        rng_init_stream(&writers[i].rng, (uint64_t)g->seed, i);
        code = thread_start(&writers[i].thread, "writer", write_events, &writers[i], err);
    }
    for (size_t i = 0; i < n; i++)
        thread_join(&writers[i].thread);
    *seconds = (double)(clock_mono_ns() - begin) / 1e9;
    store_stats(g->store, &after);
    *commits = after.groups - before.groups;
    mem_free(writers);
    if (code == ERR_OK && atomic_load(&g->failed)) {
        *err = g->err;
        code = g->err.code;
    }
    return code;
}

static void print(const char *name, const char *unit, double value, double syncs)
{
    bench_print(&(struct bench_figure){"ingest", name, unit, value, "syncs_per_s", syncs});
}

static enum err_code measure(struct ingest *g, const char *dir, struct err *err)
{
    double syncs, seconds;
    uint64_t commits;
    enum err_code code = bench_syncs_per_s(dir, &syncs, err);
    if (code == ERR_OK)
        code = store_write(g->store, products_job, g, err);
    if (code == ERR_OK)
        code = send_all(g, 0, g->events, g->batch, BATCH_WRITERS, &seconds, &commits, err);
    if (code != ERR_OK)
        return code;
    print("batch_events_per_s", "1/s, durable", (double)g->events / seconds, syncs);
    print("batch_commits_per_s", "1/s", (double)commits / seconds, syncs);
    code = send_all(g, g->events, g->events + g->singles, 1, (size_t)g->writers, &seconds, &commits,
                    err);
    if (code != ERR_OK)
        return code;
    print("single_events_per_s", "1/s, durable", (double)g->singles / seconds, syncs);
    print("single_commits_per_s", "1/s", (double)commits / seconds, syncs);
    print("single_events_per_commit", "", (double)g->singles / (double)(commits ? commits : 1),
          syncs);
    return ERR_OK;
}

/* --- the command ----------------------------------------------------------------------------- */

static enum err_code run_in(struct ingest *g, const char *dir, struct err *err)
{
    struct store_options options = {.dir = dir};
    enum err_code code = store_open(&options, &g->store, err);
    if (code != ERR_OK)
        return code;
    code = measure(g, dir, err);
    store_close(g->store);
    return code;
}

enum cli_exit bench_ingest(const struct args *args)
{
    char dir[FS_PATH_MAX];
    struct ingest g = {.begin_us = clock_now_us() - 30 * CLOCK_US_PER_DAY};
    struct err err;
    if (!args_i64(args, "--products", 10000, 1, 1000000, &g.products) ||
        !args_i64(args, "--events", 500000, 1, 1000000000, &g.events) ||
        !args_i64(args, "--batch", 1000, 1, BATCH_MAX, &g.batch) ||
        !args_i64(args, "--singles", 50000, 1, 100000000, &g.singles) ||
        !args_i64(args, "--writers", 64, 1, WRITERS_MAX, &g.writers) ||
        !args_i64(args, "--seed", 1, 0, INT64_MAX, &g.seed))
        return EXIT_USAGE;
    enum err_code code = fs_mkdirs(data_dir(args), &err);
    if (code == ERR_OK)
        code = fs_join(dir, data_dir(args), "bench-XXXXXX", &err);
    if (code == ERR_OK && !mkdtemp(dir))
        code = err_set_errno(&err, ERR_IO, errno, "%s", dir);
    if (code != ERR_OK)
        return fail(args, &err);
    code = run_in(&g, dir, &err);
    enum cli_exit status = code == ERR_OK ? EXIT_FINE : fail(args, &err);
    if (fs_remove_tree(dir, &err) != ERR_OK && status == EXIT_FINE)
        status = fail(args, &err);
    return status;
}
