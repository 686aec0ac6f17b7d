#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/metrics.h"
#include "base/rng.h"
#include "base/thread.h"

static struct counter *counter_of(struct metrics *m, const char *type)
{
    return metrics_counter(m, &(struct metric_opts){.name = "aisle_events_total",
                                                    .help = "Events\ntaken in",
                                                    .labels = {{"type", type}}});
}

static double answer(void *arg)
{
    return *(double *)arg;
}

START_TEST(the_text_is_what_prometheus_reads)
{
    struct metrics *m = metrics_new();
    struct buf b = {.max = 1 << 20};
    double depth = 2.5;
    counter_add(counter_of(m, "view"), 3);
    counter_add(counter_of(m, "a\"b\\c\n"), 1);
    ck_assert_ptr_eq(counter_of(m, "view"), counter_of(m, "view"));
    gauge_add(metrics_gauge(m, &(struct metric_opts){.name = "aisle_up", .help = "Up"}), -1);
    metrics_gauge_fn(m, &(struct metric_opts){.name = "aisle_depth", .help = "Depth"}, answer,
                     &depth);
    metrics_counter_fn(m, &(struct metric_opts){.name = "aisle_gone_total", .help = "Gone"}, NULL,
                       NULL);
    metrics_render(m, &b);
    ck_assert_str_eq(b.data, "# HELP aisle_depth Depth\n# TYPE aisle_depth gauge\naisle_depth 2.5\n"
                             "# HELP aisle_events_total Events\\ntaken in\n"
                             "# TYPE aisle_events_total counter\n"
                             "aisle_events_total{type=\"a\\\"b\\\\c\\n\"} 1\n"
                             "aisle_events_total{type=\"view\"} 3\n"
                             "# HELP aisle_gone_total Gone\n# TYPE aisle_gone_total counter\n"
                             "# HELP aisle_up Up\n# TYPE aisle_up gauge\naisle_up -1\n");
    buf_release(&b);
    metrics_free(m);
    metrics_free(NULL);
}
END_TEST

START_TEST(a_histogram_renders_cumulative_buckets_with_inclusive_ends)
{
    struct metrics *m = metrics_new();
    struct buf b = {.max = 1 << 20};
    struct histogram *h =
        metrics_histogram(m, &(struct metric_opts){.name = "aisle_size_bytes", .help = "Size"});
    static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 8, 9, 1000000000};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        histogram_record(h, values[i]);
    metrics_render(m, &b);
    static const char *const want[] = {
        "le=\"1\"} 2\n",    "le=\"2\"} 3\n",     "le=\"5\"} 6\n",
        "le=\"10\"} 8\n",   "le=\"20\"} 8\n",    "le=\"100000000\"} 8\n",
        "le=\"+Inf\"} 9\n", "_sum 1000000032\n", "_count 9\n"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_msg(strstr(b.data, want[i]), "%s in %s", want[i], b.data);
    buf_release(&b);
    metrics_free(m);
}
END_TEST

/* The number behind a sample's name and labels; fails the test where there is none. */
static uint64_t sample(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    ck_assert_msg(at, "%s in %s", name, text);
    return strtoull(at + strlen(name), NULL, 10);
}

START_TEST(every_bucket_of_times_counts_exactly_what_is_not_above_its_end)
{
    enum { N = 50000 };
    static uint64_t values[N];
    struct metrics *m = metrics_new();
    struct buf b = {.max = 1 << 20};
    struct rng rng;
    unsigned ends = 0;
    struct histogram *h = metrics_histogram(
        m, &(struct metric_opts){.name = "aisle_t_seconds", .help = "T", .unit = 1e-9});
    rng_init(&rng, 5);
    for (size_t i = 0; i < N; i++) {
        values[i] = rng_u64(&rng) >> (24 + rng_below(&rng, 40));
        if (i % 3 == 0) /* at an end, and one above it */
            values[i] = (i % 2 + 1) * 1000000 + i % 5 / 4;
        histogram_record(h, values[i]);
    }
    metrics_render(m, &b);
    for (const char *at = b.data; (at = strstr(at, "le=\"")); ends++) {
        at += 4;
        double le = strtod(at, NULL);
        uint64_t want = 0;
        for (size_t i = 0; i < N; i++)
            want += (double)values[i] * 1e-9 <= le * (1 + 1e-12);
        ck_assert_uint_eq(strtoull(strchr(at, ' '), NULL, 10), want);
    }
    ck_assert_uint_gt(ends, 20);
    ck_assert_uint_eq(sample(b.data, "_count "), N);
    /* what promises are made about */
    static const char *const needed[] = {"5e-05", "0.0001", "0.0005", "0.001",
                                         "0.002", "0.01",   "1"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        char text[64];
        snprintf(text, sizeof text, "{le=\"%s\"} ", needed[i]);
        ck_assert_msg(strstr(b.data, text), "%s", needed[i]);
    }
    buf_release(&b);
    metrics_free(m);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(quantiles_are_within_a_sixteenth_above_the_sorted_truth)
{
    enum { N = 20000 };
    static uint64_t values[N];
    static struct hist h, half, both;
    struct rng rng;
    rng_init(&rng, 11);
    for (size_t i = 0; i < N; i++) {
        values[i] = rng_u64(&rng) >> (24 + rng_below(&rng, 40));
        hist_record(&h, values[i]);
        hist_record(i % 2 ? &half : &both, values[i]);
    }
    hist_merge(&both, &half);
    ck_assert_mem_eq(&both, &h, sizeof h);
    qsort(values, N, sizeof *values, by_value);
    for (int i = 0; i <= 1000; i++) {
        size_t rank = (size_t)(i * (N / 1000));
        uint64_t truth = values[rank ? rank - 1 : 0], got = hist_quantile(&h, i / 1000.0);
        ck_assert_msg(got >= truth && got <= truth + truth / 16 + 1, "%d: %llu for %llu", i,
                      (unsigned long long)got, (unsigned long long)truth);
    }
    ck_assert_uint_eq(hist_quantile(&h, 1), values[N - 1]);
    static const struct hist empty;
    ck_assert_uint_eq(hist_quantile(&empty, 0.5), 0);
}
END_TEST

START_TEST(each_bucket_ends_where_the_next_begins)
{
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        static struct hist h;
        memset(&h, 0, sizeof h);
        hist_record(&h, hist_upper(i));
        hist_record(&h, hist_upper(i) + 1);
        ck_assert_uint_eq(h.buckets[i],
                          i + 1 < HIST_BUCKETS ? 1 : 2); /* the last takes all above */
        ck_assert(i == 0 || hist_upper(i) > hist_upper(i - 1));
    }
    ck_assert(hist_upper(HIST_BUCKETS - 1) == (uint64_t)1 << 40);
}
END_TEST

enum { THREADS = METRIC_SHARDS + 8, EACH = 5000 }; /* some share a shard */

static void hammer(void *arg)
{
    struct metrics *m = arg;
    struct histogram *h =
        metrics_histogram(m, &(struct metric_opts){.name = "aisle_h", .help = "h", .unit = 1e-9});
    struct gauge *g = metrics_gauge(m, &(struct metric_opts){.name = "aisle_g", .help = "g"});
    for (uint64_t i = 1; i <= EACH; i++) {
        counter_add(counter_of(m, "view"), 1);
        histogram_record(h, i);
        gauge_add(g, 1);
        if (i % (EACH / 4) == 0) {
            struct buf b = {.max = 1 << 20};
            metrics_render(m, &b);
            buf_release(&b);
        }
    }
}

START_TEST(nothing_is_lost_between_threads)
{
    struct err err;
    struct metrics *m = metrics_new();
    struct thread t[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_ok(thread_start(&t[i], "hammer", hammer, m, &err));
    for (int i = 0; i < THREADS; i++)
        thread_join(&t[i]);
    ck_assert_uint_eq(counter_value(counter_of(m, "view")), THREADS * EACH);
    static struct hist h;
    histogram_read(metrics_histogram(m, &(struct metric_opts){.name = "aisle_h", .help = "h"}), &h);
    ck_assert_uint_eq(h.count, THREADS * EACH);
    ck_assert_uint_eq(h.sum, (uint64_t)THREADS * EACH * (EACH + 1) / 2);
    ck_assert_uint_eq(h.max, EACH);
    ck_assert_double_eq(
        gauge_value(metrics_gauge(m, &(struct metric_opts){.name = "aisle_g", .help = "g"})),
        THREADS * EACH);
    metrics_free(m);
}
END_TEST

START_TEST(the_shorthands_register_in_the_default_registry)
{
    struct buf b = {.max = 1 << 20};
    counter_add(METRIC_COUNTER("aisle_a_total", "A"), 1);
    gauge_set(METRIC_GAUGE("aisle_b", "B", {"k", "v"}), 2);
    histogram_record(METRIC_LATENCY("aisle_c_seconds", "C", {"k", "v"}, {"l", "w"}), 30000);
    metrics_render(metrics_default(), &b);
    ck_assert_ptr_nonnull(strstr(b.data, "aisle_a_total 1\n"));
    ck_assert_ptr_nonnull(strstr(b.data, "aisle_b{k=\"v\"} 2\n"));
    ck_assert_ptr_nonnull(
        strstr(b.data, "aisle_c_seconds_bucket{k=\"v\",l=\"w\",le=\"2.5e-05\"} 0\n"));
    ck_assert_ptr_nonnull(
        strstr(b.data, "aisle_c_seconds_bucket{k=\"v\",l=\"w\",le=\"5e-05\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(b.data, "aisle_c_seconds_sum{k=\"v\",l=\"w\"} 3e-05\n"));
    buf_release(&b);
}
END_TEST

SUITE("metrics", the_text_is_what_prometheus_reads,
      a_histogram_renders_cumulative_buckets_with_inclusive_ends,
      every_bucket_of_times_counts_exactly_what_is_not_above_its_end,
      quantiles_are_within_a_sixteenth_above_the_sorted_truth,
      each_bucket_ends_where_the_next_begins, nothing_is_lost_between_threads,
      the_shorthands_register_in_the_default_registry)
