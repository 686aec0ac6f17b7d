#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "num/stats.h"

enum { SYNC_BLOCK = 4096, SYNC_NS = 500000000, READ_WORDS = 32 << 20, READ_ROUNDS = 4 };

static const struct flag flags[] = {
    {"--port", "N", "http: of a server on this machine (5000)"},
    {"--url", "URL", "http: http://HOST:PORT, instead of --port"},
    {"--key", "KEY", "http: API key"},
    {"--paths", "FILE", "http: what to ask, a line each: /target, or METHOD /target BODY"},
    {"--rate", "N", "http: requests a second; 0: as fast as it goes (0)"},
    {"--seconds", "N", "http: how long (10)"},
    {"--connections", "N", "http: how many at once (16)"},
    {"--requests", "N", "ranker, recommend, rows, search: how many (20000)"},
    {"--limit", "N", "recommend, search: products of an answer (20)"},
    {"--events", "N", "ingest: how many in batches (500000)"},
    {"--batch", "N", "ingest: events of a batch (1000)"},
    {"--singles", "N", "ingest: how many one by one (50000)"},
    {"--writers", "N", "ingest: threads that send one by one (64)"},
    {"--products", "N", "ingest: products that the events name (10000)"},
    {"--threads", "N", "train: how many threads (all processors)"},
    {"--matrix", "FILE",
     "train: sweeps of ALS on this matrix instead of the shop (int64 rows, columns, cells,\n"
     "                         offsets[rows + 1], int32 columns[cells])"},
    {"--users", "N", "train: sweeps of ALS on a matrix that is drawn, of so many users"},
    {"--items", "N", "train: and so many items (1000000)"},
    {"--cells", "N", "train: and about so many cells (100000000)"},
    {"--dim", "N", "train: factors, with --matrix or --users (64)"},
    {"--block", "N", "train: steps over blocks of so many factors, with them (0: exact)"},
    {"--seed", "N", "another draw of the same size (1)"},
};

void bench_print(const struct bench_figure *f)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 4096);
    jw_init(&w, &text);
    jw_obj(&w);
    JW_Z(&w, "bench", f->bench);
    JW_Z(&w, "figure", f->name);
    JW_DECIMAL(&w, "value", f->value, 1);
    JW_Z(&w, "unit", f->unit);
    if (f->limit) {
        JW_Z(&w, "limit", f->limit);
        JW_DECIMAL(&w, "limit_value", f->limit_value, 1);
    }
    jw_obj_end(&w);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
    fflush(stdout);
    buf_release(&text);
}

void bench_print_latency(const char *bench, double *took_us, size_t n, double seconds,
                         const char *limit, double limit_value)
{
    stats_sort(took_us, n);
    bench_print(&(struct bench_figure){bench, "requests_per_s", "1/s, one thread",
                                       (double)n / seconds, limit, limit_value});
    bench_print(
        &(struct bench_figure){bench, "p50", "us", stats_quantile(took_us, n, .5), NULL, 0});
    bench_print(
        &(struct bench_figure){bench, "p99", "us", stats_quantile(took_us, n, .99), NULL, 0});
}

/* --- limits ---------------------------------------------------------------------------------- */

static enum err_code sync_for_a_while(int fd, const char *path, double *out, struct err *err)
{
    static const char block[SYNC_BLOCK];
    int64_t begin = clock_mono_ns();
    enum err_code code = ERR_OK;
    unsigned n = 0;
    while (code == ERR_OK && clock_mono_ns() - begin < SYNC_NS) {
        code = fs_write_all(fd, block, sizeof block, path, err);
        if (code == ERR_OK)
            code = fs_sync(fd, path, err);
        n++;
    }
    *out = n / ((double)(clock_mono_ns() - begin) / 1e9);
    return code;
}

enum err_code bench_syncs_per_s(const char *dir, double *out, struct err *err)
{
    char path[FS_PATH_MAX];
    int fd;
    enum err_code code = fs_join(path, dir, "sync.tmp", err);
    if (code == ERR_OK)
        code = fs_open_write(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err);
    if (code != ERR_OK)
        return code;
    code = sync_for_a_while(fd, path, out, err);
    close(fd);
    unlink(path);
    return code;
}

enum err_code bench_memory_bytes_per_s(double *out, struct err *err)
{
    uint64_t *words = mem_try_new(READ_WORDS, sizeof *words), sum = 0;
    if (!words)
        return err_set(err, ERR_MEMORY, "no memory to measure its speed");
    for (size_t i = 0; i < READ_WORDS; i++)
        words[i] = i;
    int64_t begin = clock_mono_ns();
    for (int round = 0; round < READ_ROUNDS; round++)
        for (size_t i = 0; i < READ_WORDS; i++)
            sum += words[i];
    *out = (double)READ_ROUNDS * READ_WORDS * sizeof *words /
           ((double)(clock_mono_ns() - begin) / 1e9);
    *(volatile uint64_t *)words = sum; /* the sum is wanted, so the loop stays */
    mem_free(words);
    return ERR_OK;
}

/* --- the command ----------------------------------------------------------------------------- */

static enum cli_exit run(const struct args *args)
{
    static const struct {
        const char *name;
        enum cli_exit (*run)(const struct args *args);
    } benches[] = {{"http", bench_http},     {"ingest", bench_ingest},
                   {"ranker", bench_ranker}, {"recommend", bench_recommend},
                   {"rows", bench_rows},     {"search", bench_search},
                   {"train", bench_train}};
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        if (strcmp(args->words[0], benches[i].name) == 0)
            return benches[i].run(args);
    return fail_usage(args, "'%s': expected http, ingest, ranker, recommend, rows, search or train",
                      args->words[0]);
}

const struct command cmd_bench = {
    .name = "bench",
    .summary = "Measure the running code on this machine",
    .usage = "http | ingest | ranker | recommend | rows | search | train",
    .text =
        "Prints one JSON line per figure, with what bounds it beside it.\n\n"
        "http       a running server. With --rate an open loop: requests are due on a schedule "
        "and\n"
        "           latency counts from when they were due, whatever the server does; without it\n"
        "           each connection asks again once it is answered. Beside the exchanges of as "
        "many\n"
        "           bytes over the loopback; server_p99 is what the server's own metrics say\n"
        "ingest     durable events/s, in batches and one by one from many threads, in a shop that\n"
        "           is made inside the data folder and removed; beside the folder's syncs/s\n"
        "ranker     the learned ranker's trees over as many rows as it orders, by each table of "
        "this\n"
        "           processor\n"
        "recommend  home pages of random shoppers of the shop, one thread\n"
        "rows       home pages of eight rows of --limit products, likewise\n"
        "search     the shop's own search texts, or words of titles where there are none\n"
        "train      reading the log and fitting; nothing is written\n\n"
        "  aisle bench recommend --requests 100000 --data /srv/shop\n"
        "  aisle bench http --port 5000 --key $KEY --paths targets.txt --rate 2000\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 1,
    .dense = true,
    .run = run,
};
