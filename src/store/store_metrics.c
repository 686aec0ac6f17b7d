#include "store/store_int.h"

#include "base/banned.h"
#include "base/metrics.h"

static struct store_stats stats_of(void *store)
{
    struct store_stats s;
    store_stats(store, &s);
    return s;
}

static double commits(void *store)
{
    return (double)stats_of(store).groups;
}

static double failed_commits(void *store)
{
    return (double)stats_of(store).failed_commits;
}

static double jobs(void *store)
{
    return (double)stats_of(store).jobs;
}

static double failed_jobs(void *store)
{
    return (double)stats_of(store).failed_jobs;
}

static double queued(void *store)
{
    return (double)stats_of(store).queued;
}

static double log_bytes(void *store)
{
    return (double)stats_of(store).log_bytes;
}

static double failing(void *store)
{
    return stats_of(store).failure.code != ERR_OK;
}

static const struct {
    struct metric_opts what;
    metric_fn *read;
} counters[] = {
    {{.name = "aisle_store_commits_total", .help = "Transactions committed"}, commits},
    {{.name = "aisle_store_failed_commits_total",
      .help = "Transactions of which nothing was acknowledged"},
     failed_commits},
    {{.name = "aisle_store_writes_total", .help = "Writes finished, failed ones included"}, jobs},
    {{.name = "aisle_store_failed_writes_total", .help = "Writes that were undone"}, failed_jobs},
};

static const struct {
    struct metric_opts what;
    metric_fn *read;
} gauges[] = {
    {{.name = "aisle_store_queued_writes", .help = "Writes waiting for the writer"}, queued},
    {{.name = "aisle_store_log_bytes", .help = "Length of the write-ahead log"}, log_bytes},
    {{.name = "aisle_store_failing", .help = "1 since a commit failed until one succeeds"},
     failing},
};

static void register_all(struct store *s, bool on)
{
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        metrics_counter_fn(metrics_default(), &counters[i].what, on ? counters[i].read : NULL, s);
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        metrics_gauge_fn(metrics_default(), &gauges[i].what, on ? gauges[i].read : NULL, s);
}

void store_register_metrics(struct store *s)
{
    register_all(s, true);
}

void store_unregister_metrics(void)
{
    register_all(NULL, false);
}
