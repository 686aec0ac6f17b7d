/* metrics.h - counters, gauges and histograms, read as Prometheus text.
 *
 * Model:   a metric is registered once, with its labels, and then recorded by handle; registering
 *          the same name and labels again returns the same handle, so a module may register where
 *          it starts. metrics_default() is the process's registry.
 * Names:   aisle_<what>_<unit>, counters end in _total (Prometheus' own rules; CHECKed: [a-z0-9_]).
 * Cost:    counters and histograms are split into METRIC_SHARDS parts. The first threads that record
 *          have one each, which nobody else writes, so that recording is a few plain additions (some
 *          2 ns a counter, 8 a histogram); those that come later share the last one by atomic
 *          additions. Registration and rendering take a lock.
 * Memory:  handles live as long as the registry; a histogram takes 5 KiB for each thread that
 *          records in it, at most METRIC_SHARDS times.
 * Threads: any. Rendering sees each counter at some moment during the call. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { METRIC_SHARDS = 16, METRIC_LABELS_MAX = 4 };

struct metrics;
struct counter;
struct gauge;
struct histogram;

struct metric_label {
    const char *name;  /* [a-z_] */
    const char *value; /* any text; never a shopper's data, always from a small set */
};

/** What is registered. help and labels are copied. */
struct metric_opts {
    const char *name;
    const char *help;
    struct metric_label labels[METRIC_LABELS_MAX]; /* the rest all-zero */
    double unit; /* histograms: value * unit is what is shown (1e-9 for ns as seconds); 0: 1 */
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
struct metrics *metrics_default(void);

/** METRIC_COUNTER("aisle_events_total", "Events taken in", {"type", "view"}) */
#define METRIC_COUNTER(nm, hlp, ...)                                                               \
    metrics_counter(metrics_default(), &(struct metric_opts){nm, hlp, {__VA_ARGS__}, 0})
#define METRIC_GAUGE(nm, hlp, ...)                                                                 \
    metrics_gauge(metrics_default(), &(struct metric_opts){nm, hlp, {__VA_ARGS__}, 0})
/** Values recorded in nanoseconds, shown in seconds. */
#define METRIC_LATENCY(nm, hlp, ...)                                                               \
    metrics_histogram(metrics_default(), &(struct metric_opts){nm, hlp, {__VA_ARGS__}, 1e-9})

/** returns borrowed until metrics_free; the same name as another kind of metric is a caller's
 *  bug. */
struct counter *metrics_counter(struct metrics *m, const struct metric_opts *o);
struct gauge *metrics_gauge(struct metrics *m, const struct metric_opts *o);
struct histogram *metrics_histogram(struct metrics *m, const struct metric_opts *o);

/** Read by calling fn(arg) while rendering; fn must not use this registry. Registering the same
 *  name and labels again replaces fn and arg; fn NULL takes it out of the text. */
typedef double metric_fn(void *arg);
void metrics_gauge_fn(struct metrics *m, const struct metric_opts *o, metric_fn *fn, void *arg);
void metrics_counter_fn(struct metrics *m, const struct metric_opts *o, metric_fn *fn, void *arg);

void counter_add(struct counter *c, uint64_t n);
uint64_t counter_value(const struct counter *c);

void gauge_set(struct gauge *g, double v);
void gauge_add(struct gauge *g, double v);
double gauge_value(const struct gauge *g);

/** Values above 2^40 count as 2^40 (18 minutes in ns). */
void histogram_record(struct histogram *h, uint64_t value);

/** A plain histogram of a bench run or of one histogram's state: log-linear buckets, 16 per
 *  octave. */
enum { HIST_BUCKETS = 592 };
struct hist {
    uint64_t count;
    uint64_t sum;
    uint64_t max;
    uint64_t buckets[HIST_BUCKETS]; /* bucket i counts values in (upper(i - 1), upper(i)] */
};

void hist_record(struct hist *h, uint64_t value);
void hist_merge(struct hist *into, const struct hist *from);

/** The q-quantile (0..1): the upper end of its bucket, at most 6.25 % above the true one, never
 *  above max; 0 if empty. */
uint64_t hist_quantile(const struct hist *h, double q);

/** Largest value that falls into bucket i. */
uint64_t hist_upper(unsigned i);

/** Add the state of h to out. */
void histogram_read(const struct histogram *h, struct hist *out);

/** Append all metrics in the text exposition format 0.0.4, sorted by name. The buckets of a histogram
 *  count exactly the values up to their ends: those of times (unit below 1) lie close together between
 *  25 us and 10 ms, where promises are made, and reach to 10 s; others are 1, 2, 5, 10, ... 1e8. One in
 *  which nothing was recorded is left out. */
void metrics_render(struct metrics *m, struct buf *out);

#endif
