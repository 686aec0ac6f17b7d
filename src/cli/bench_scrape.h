/* bench_scrape.h - how long a server says it took, from its histogram aisle_http_request_seconds. */
#ifndef CLI_BENCH_SCRAPE_H
#define CLI_BENCH_SCRAPE_H

#include "cli/bench_client.h"

enum { BENCH_SCRAPE_MAX = 64 };

/* Cumulative counts of all routes with status 2xx. */
struct bench_scrape {
    size_t len;
    double
        le[BENCH_SCRAPE_MAX]; /* [len] ascending ends of buckets, seconds; the last is infinite */
    uint64_t count[BENCH_SCRAPE_MAX];
};

/** ERR_UNAVAILABLE, ERR_NOT_FOUND, ERR_UNSUPPORTED  there is nothing to read. */
ERR_MUST_USE enum err_code bench_scrape(const struct bench_target *target, struct bench_scrape *out,
                                        struct err *err);

/** The q-quantile in seconds of what came between the two, linear inside its bucket as Prometheus
 *  has it; NaN if nothing came. */
double bench_scrape_quantile(const struct bench_scrape *before, const struct bench_scrape *after,
                             double q);

#endif
