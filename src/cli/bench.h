/* bench.h - `aisle bench`: how fast the code runs here, and what bounds it.
 *
 * Every figure is one JSON line with the limit measured in the same run, on the same disk or memory,
 * because a figure without its limit says nothing about another machine. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/cli.h"

/** bench_http.c, bench_ingest.c, bench_serve.c */
enum cli_exit bench_http(const struct args *args);
enum cli_exit bench_ingest(const struct args *args);
enum cli_exit bench_ranker(const struct args *args);
enum cli_exit bench_recommend(const struct args *args);
enum cli_exit bench_rows(const struct args *args);
enum cli_exit bench_search(const struct args *args);
enum cli_exit bench_train(const struct args *args);

/** bench_als.c: bench_train with --matrix or --users */
enum cli_exit bench_als(const struct args *args);

/* A figure and what bounds it. */
struct bench_figure {
    const char *bench, *name, *unit;
    double value;
    const char *limit; /* what bounds it, NULL: nothing was measured */
    double limit_value;
};

/** Print one line. */
void bench_print(const struct bench_figure *f);

/** Print per second, p50 and p99 of took_us[n], which is sorted in place. limit as in the figure. */
void bench_print_latency(const char *bench, double *took_us, size_t n, double seconds,
                         const char *limit, double limit_value);

/** fdatasync calls a second after writes of 4 KiB in this folder, over about half a second. */
ERR_MUST_USE enum err_code bench_syncs_per_s(const char *dir, double *out, struct err *err);

/** Exchanges of so many bytes (each > 0) a second over the loopback between one thread that answers and
 *  clients on as many connections, and the median of one that is alone, over about a second. */
ERR_MUST_USE enum err_code bench_loopback(size_t connections, size_t request_bytes,
                                          size_t reply_bytes, double *per_s, double *round_trip_us,
                                          struct err *err);

/** Bytes a second that one thread reads from memory. ERR_MEMORY. */
ERR_MUST_USE enum err_code bench_memory_bytes_per_s(double *out, struct err *err);

#endif
