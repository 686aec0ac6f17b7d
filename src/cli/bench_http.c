/* bench_http.c - load on a running server, at a fixed rate whatever it does, or as fast as it goes.
 *
 * Request i is due at start + i / rate. A connection that is free takes the next one, waits until it is
 * due, sends it and reads the whole reply. Its latency counts from when it was due, so that waiting
 * behind a slow reply is seen, and requests that could not be sent at all count with the time they
 * have waited. Rate 0: each connection sends its next request once it has its reply.
 * Source: Tene, "How NOT to Measure Latency" (coordinated omission), 2013. */
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/thread.h"
#include "cli/bench.h"
#include "cli/bench_client.h"
#include "cli/bench_scrape.h"
#include "num/stats.h"

enum {
    CONNECTIONS_MAX = 1024,
    PATHS_MAX_BYTES = 256 << 20,
    REQUESTS_MAX = 1 << 30,
    BROKEN_MAX = 10
};

struct load {
    struct bench_target target;
    const char *key; /* NULL: none */
    int64_t rate, seconds, connections;
    struct arena arena;
    struct str *requests; /* [len] whole, taken in turn */
    size_t len;
    int64_t start_ns, end_ns, give_up_ns;
    _Atomic int64_t next; /* request that is taken next */
    _Atomic int64_t errors, unsent;
    _Atomic uint64_t sent_bytes, received_bytes, replies;
    atomic_bool broke, failed; /* a request got no answer; measuring is of no use any more */
    struct err err;            /* of the first that broke */
};

struct worker {
    struct load *l;
    struct thread thread;
    double *took_us; /* [len], owned */
    size_t len, cap;
    unsigned broken; /* requests without an answer, one after the other */
};

/* --- requests -------------------------------------------------------------------------------- */

/* "/target", or "METHOD /target BODY" with a body of JSON. */
static struct str render(struct load *l, struct str line)
{
    struct str rest = line, method = STR_LIT("GET");
    if (line.p[0] != '/')
        method = str_split(&rest, ' ');
    struct str target = rest.p ? str_split(&rest, ' ') : rest;
    struct str key = str_of(l->key);
    if (!target.p || target.n == 0 || target.p[0] != '/')
        return (struct str){NULL, 0};
    return arena_printf(&l->arena,
                        "%.*s %.*s HTTP/1.1\r\nHost: %s\r\n%s%.*s%s"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                        STR_ARG(method), STR_ARG(target), l->target.host,
                        key.n ? "Authorization: Bearer " : "", STR_ARG(key), key.n ? "\r\n" : "",
                        rest.n, STR_ARG(rest));
}

static enum err_code read_requests(struct load *l, const char *path, struct err *err)
{
    struct buf text = {.max = PATHS_MAX_BYTES};
    unsigned number = 0;
    size_t cap = 0;
    enum err_code code = fs_read_file(path, PATHS_MAX_BYTES, &text, err);
    struct str rest = buf_str(&text);
    while (code == ERR_OK && rest.p && rest.n) {
        struct str line = str_trim(str_split(&rest, '\n'));
        number++;
        if (line.n == 0)
            continue;
        if (l->len == cap) {
            cap = cap ? 2 * cap : 1024;
            l->requests = mem_resize(l->requests, cap, sizeof *l->requests);
        }
        l->requests[l->len] = render(l, line);
        if (!l->requests[l->len++].p)
            code = err_set(err, ERR_INVALID, "%s:%u: expected /target, or METHOD /target BODY",
                           path, number);
    }
    if (code == ERR_OK && l->len == 0)
        code = err_set(err, ERR_INVALID, "%s: there is no request in it", path);
    buf_release(&text);
    return code;
}

/* --- load ------------------------------------------------------------------------------------ */

static void wait_until(int64_t due_ns)
{
    struct timespec t = {due_ns / 1000000000, due_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

static void record(struct worker *w, int64_t took_ns)
{
    if (w->len == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 4096;
        w->took_us = mem_resize(w->took_us, w->cap, sizeof *w->took_us);
    }
    w->took_us[w->len++] = (double)took_ns / 1e3;
}

/* False: the server is not there any more. */
static bool send_one(struct worker *w, struct bench_conn *c, struct str request)
{
    struct load *l = w->l;
    struct bench_reply reply = {0};
    struct err err;
    bool answered = bench_ask(c, request, NULL, &reply, &err) == ERR_OK;
    w->broken = answered ? 0 : w->broken + 1;
    if (!answered || reply.status >= 300)
        atomic_fetch_add(&l->errors, 1);
    if (answered) {
        atomic_fetch_add(&l->replies, 1);
        atomic_fetch_add(&l->sent_bytes, request.n);
        atomic_fetch_add(&l->received_bytes, reply.bytes);
    } else {
        if (!atomic_exchange(&l->broke, true))
            l->err = err;
        if (w->broken == BROKEN_MAX)
            atomic_store(&l->failed, true);
    }
    return w->broken < BROKEN_MAX;
}

static void work(void *arg)
{
    struct worker *w = arg;
    struct load *l = w->l;
    struct bench_conn c;
    bench_conn_init(&c, &l->target);
    while (!atomic_load(&l->failed)) {
        int64_t i = atomic_fetch_add(&l->next, 1), now = clock_mono_ns();
        int64_t due = l->rate ? l->start_ns + (int64_t)((double)i * 1e9 / (double)l->rate) : now;
        if (due >= l->end_ns)
            break;
        if (now > l->give_up_ns) {
            atomic_fetch_add(&l->unsent, 1);
        } else {
            if (due > now)
                wait_until(due);
            if (!send_one(w, &c, l->requests[(size_t)i % l->len]))
                break;
        }
        record(w, clock_mono_ns() - due);
    }
    bench_conn_release(&c);
}

static enum err_code run_workers(struct load *l, struct worker *workers, double *seconds,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    l->start_ns = clock_mono_ns();
    l->end_ns = l->start_ns + l->seconds * 1000000000;
    l->give_up_ns = l->end_ns + l->seconds * 1000000000;
    for (int64_t i = 0; i < l->connections && code == ERR_OK; i++) {
        workers[i].l = l;
        code = thread_start(&workers[i].thread, "load", work, &workers[i], err);
        if (code != ERR_OK)
            atomic_store(&l->failed, true);
    }
    for (int64_t i = 0; i < l->connections; i++)
        thread_join(&workers[i].thread);
    *seconds = (double)(clock_mono_ns() - l->start_ns) / 1e9;
    if (code == ERR_OK && atomic_load(&l->failed))
        code = err_set(err, l->err.code, "%s", l->err.msg);
    return code;
}

/* --- figures --------------------------------------------------------------------------------- */

static void print(const char *name, const char *unit, double value, const char *limit,
                  double limit_value)
{
    bench_print(&(struct bench_figure){"http", name, unit, value, limit, limit_value});
}

/* took_us [n] is sorted in place. */
static enum err_code report(struct load *l, double *took_us, size_t n, double seconds,
                            struct err *err)
{
    static const struct {
        const char *name;
        double q;
    } figures[] = {{"p50", .5}, {"p99", .99}, {"p999", .999}, {"max", 1}};
    double per_s, round_trip_us;
    uint64_t replies = atomic_load(&l->replies);
    if (replies == 0)
        return err_set(err, ERR_UNAVAILABLE, "no reply came; %s",
                       atomic_load(&l->broke) ? l->err.msg : "none was due");
    enum err_code code = bench_loopback(
        (size_t)l->connections, (size_t)(atomic_load(&l->sent_bytes) / replies),
        (size_t)(atomic_load(&l->received_bytes) / replies), &per_s, &round_trip_us, err);
    if (code != ERR_OK)
        return code;
    stats_sort(took_us, n);
    if (l->rate)
        print("offered_per_s", "1/s", (double)l->rate, NULL, 0);
    print("requests_per_s", "1/s", (double)replies / seconds, "loopback_exchanges_per_s", per_s);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        print(figures[i].name, "us", stats_quantile(took_us, n, figures[i].q),
              "loopback_round_trip_us", round_trip_us);
    print("errors", "", (double)atomic_load(&l->errors), NULL, 0);
    if (l->rate)
        print("unsent", "", (double)atomic_load(&l->unsent), NULL, 0);
    return ERR_OK;
}

static void report_server(const struct bench_scrape *before, const struct bench_scrape *after)
{
    double p50 = bench_scrape_quantile(before, after, .5),
           p99 = bench_scrape_quantile(before, after, .99);
    if (isnan(p50) || isnan(p99))
        return;
    print("server_p50", "us", p50 * 1e6, NULL, 0);
    print("server_p99", "us", p99 * 1e6, NULL, 0);
}

static enum err_code run_load(struct load *l, struct err *err)
{
    struct worker *workers = mem_new((size_t)l->connections, sizeof *workers);
    struct bench_scrape before, after;
    struct err ignored;
    double seconds, *took_us = NULL;
    size_t n = 0, total = 0;
    bool told = bench_scrape(&l->target, &before, &ignored) == ERR_OK;
    enum err_code code = run_workers(l, workers, &seconds, err);
    told = told && bench_scrape(&l->target, &after, &ignored) == ERR_OK;
    for (int64_t i = 0; i < l->connections; i++)
        total += workers[i].len;
    took_us = mem_new(total + 1, sizeof *took_us);
    for (int64_t i = 0; i < l->connections; i++) {
        if (workers[i].len)
            memcpy(took_us + n, workers[i].took_us, workers[i].len * sizeof *took_us);
        n += workers[i].len;
        mem_free(workers[i].took_us);
    }
    if (code == ERR_OK)
        code = report(l, took_us, n, seconds, err);
    if (code == ERR_OK && told)
        report_server(&before, &after);
    mem_free(took_us);
    mem_free(workers);
    return code;
}

/* --- the command ----------------------------------------------------------------------------- */

static bool read_flags(const struct args *args, struct load *l, char url[64], const char **to)
{
    int64_t port;
    if (!args_i64(args, "--port", 5000, 1, 65535, &port) ||
        !args_i64(args, "--rate", 0, 0, 1000000, &l->rate) ||
        !args_i64(args, "--seconds", 10, 1, 3600, &l->seconds) ||
        !args_i64(args, "--connections", 16, 1, CONNECTIONS_MAX, &l->connections))
        return false;
    if (!args_has(args, "--paths") || (args_has(args, "--url") && args_has(args, "--port"))) {
        fail_usage(args, "http needs --paths FILE, and --url or --port");
        return false;
    }
    l->key = args_flag(args, "--key");
    snprintf(url, 64, "http://127.0.0.1:%d", (int)port);
    *to = args_has(args, "--url") ? args_flag(args, "--url") : url;
    return true;
}

enum cli_exit bench_http(const struct args *args)
{
    struct load *l = MEM_NEW(struct load);
    struct err err;
    char url[64];
    const char *to;
    enum cli_exit status = EXIT_USAGE;
    arena_init(&l->arena, 1 << 20, REQUESTS_MAX);
    if (read_flags(args, l, url, &to)) {
        enum err_code code = bench_target_of(to, &l->target, &err);
        if (code == ERR_OK)
            code = read_requests(l, args_flag(args, "--paths"), &err);
        if (code == ERR_OK)
            code = run_load(l, &err);
        status = code == ERR_OK ? EXIT_FINE : fail(args, &err);
    }
    arena_release(&l->arena);
    mem_free(l->requests);
    mem_free(l);
    return status;
}
