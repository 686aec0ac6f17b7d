#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    CACHE_LINE = 64,
    SUB_BITS = 4,
    SUB = 1 << SUB_BITS,
    ENDS_MAX = 28,
    SHARED = METRIC_SHARDS - 1
};

/* 2^40 is the largest value; 16 buckets below 16, then 16 for each of the octaves 4..39. */
_Static_assert(HIST_BUCKETS == SUB * (40 - SUB_BITS + 1), "buckets of struct hist");
#define VALUE_MAX ((uint64_t)1 << 40)

enum kind { COUNTER, GAUGE, HISTOGRAM, COUNTER_FN, GAUGE_FN };

static const char *const kind_names[] = {"counter", "gauge", "histogram", "counter", "gauge"};

struct counter {
    struct {
        _Alignas(CACHE_LINE) _Atomic uint64_t n;
    } shards[METRIC_SHARDS];
};

struct gauge {
    _Atomic double v;
};

/* Ends of the buckets that are shown, further apart than those of struct hist, so that each of the
 * latter holds at most one. */
struct scale {
    unsigned len;
    uint64_t ends[ENDS_MAX];     /* [len] ascending */
    uint8_t first[HIST_BUCKETS]; /* the first end that is not below a bucket */
};

static struct scale times = {.len = 27,
                             .ends = {25000,      50000,      75000,     100000,     150000,
                                      200000,     300000,     400000,    500000,     750000,
                                      1000000,    1500000,    2000000,   3000000,    4000000,
                                      5000000,    7500000,    10000000,  25000000,   50000000,
                                      100000000,  250000000,  500000000, 1000000000, 2500000000,
                                      5000000000, 10000000000}},
                    sizes = {.len = 25, .ends = {1,       2,        5,        10,       20,
                                                 50,      100,      200,      500,      1000,
                                                 2000,    5000,     10000,    20000,    50000,
                                                 100000,  200000,   500000,   1000000,  2000000,
                                                 5000000, 10000000, 20000000, 50000000, 100000000}};

struct hist_shard {
    _Alignas(CACHE_LINE) _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t shown[ENDS_MAX + 1]; /* by end of the scale, the last for what is beyond */
    _Atomic uint64_t buckets[HIST_BUCKETS];
};

struct histogram {
    double unit;
    const struct scale *scale;
    _Atomic(struct hist_shard *) shards[METRIC_SHARDS]; /* owned; NULL until a thread needs it */
};

/* One metric with one set of labels. */
struct series {
    char *name;   /* owned */
    char *help;   /* owned */
    char *labels; /* owned: a="b",c="d" */
    enum kind kind;
    void *recorded; /* struct counter, gauge or histogram, owned; NULL for functions */
    metric_fn *fn;
    void *arg;
};

struct metrics {
    pthread_mutex_t lock;
    struct series **series; /* [n] owned, sorted by name, then labels */
    size_t n, cap;
};

/* --- recording ------------------------------------------------------------------------------- */

/* Each thread has a shard of its own as long as there are some; SHARED is everyone else's. */
static unsigned own_shard(void)
{
    static atomic_uint threads;
    static _Thread_local unsigned shard; /* plus one; 0: none yet */
    if (__builtin_expect(shard == 0, 0)) {
        unsigned n = atomic_load(&threads);
        while (n < SHARED && !atomic_compare_exchange_weak(&threads, &n, n + 1))
            ;
        shard = n + 1;
    }
    return shard - 1;
}

static void add(_Atomic uint64_t *to, uint64_t n, unsigned shard)
{
    if (shard == SHARED)
        atomic_fetch_add_explicit(to, n, memory_order_relaxed);
    else
        atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
                              memory_order_relaxed);
}

void counter_add(struct counter *c, uint64_t n)
{
    unsigned shard = own_shard();
    add(&c->shards[shard].n, n, shard);
}

uint64_t counter_value(const struct counter *c)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < METRIC_SHARDS; i++)
        sum += atomic_load_explicit(&c->shards[i].n, memory_order_relaxed);
    return sum;
}

void gauge_set(struct gauge *g, double v)
{
    atomic_store_explicit(&g->v, v, memory_order_relaxed);
}

void gauge_add(struct gauge *g, double v)
{
    double old = gauge_value(g);
    while (!atomic_compare_exchange_weak_explicit(&g->v, &old, old + v, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

double gauge_value(const struct gauge *g)
{
    return atomic_load_explicit(&g->v, memory_order_relaxed);
}

/* Bucket of a value: exact up to 16, then the position of the top bit and the four bits below
 * it. */
static unsigned bucket_of(uint64_t value)
{
    uint64_t x = value > 0 ? value - 1 : 0; /* upper ends belong to their bucket, as "le" wants */
    if (x < SUB)
        return (unsigned)x;
    unsigned top = 63 - (unsigned)__builtin_clzll(x);
    return (top - SUB_BITS + 1) * SUB + (unsigned)(x >> (top - SUB_BITS) & (SUB - 1));
}

uint64_t hist_upper(unsigned i)
{
    CHECK(i < HIST_BUCKETS);
    if (i < SUB)
        return i + 1;
    return (uint64_t)(SUB + 1 + i % SUB) << (i / SUB - 1);
}

static void fill_scale(struct scale *s)
{
    unsigned end = 0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        while (i > 0 && end < s->len && s->ends[end] <= hist_upper(i - 1))
            end++;
        s->first[i] = (uint8_t)end;
    }
}

static void fill_scales(void)
{
    fill_scale(&times);
    fill_scale(&sizes);
}

static unsigned end_of(const struct scale *s, unsigned bucket, uint64_t value)
{
    unsigned end = s->first[bucket];
    return end + (end < s->len && value > s->ends[end]);
}

static struct hist_shard *shard_of(struct histogram *h, unsigned shard)
{
    _Atomic(struct hist_shard *) *at = &h->shards[shard];
    struct hist_shard *s = atomic_load_explicit(at, memory_order_acquire);
    if (__builtin_expect(s != NULL, 1))
        return s;
    struct hist_shard *fresh = mem_try_aligned(1, sizeof *fresh, CACHE_LINE);
    CHECK(fresh && "out of memory");
    if (atomic_compare_exchange_strong(at, &s, fresh))
        return fresh;
    mem_free(fresh);
    return s;
}

void histogram_record(struct histogram *h, uint64_t value)
{
    unsigned shard = own_shard();
    struct hist_shard *s = shard_of(h, shard);
    if (value > VALUE_MAX)
        value = VALUE_MAX;
    unsigned bucket = bucket_of(value);
    add(&s->buckets[bucket], 1, shard);
    add(&s->shown[end_of(h->scale, bucket, value)], 1, shard);
    add(&s->sum, value, shard);
    uint64_t max = atomic_load_explicit(&s->max, memory_order_relaxed);
    while (value > max && !atomic_compare_exchange_weak_explicit(
                              &s->max, &max, value, memory_order_relaxed, memory_order_relaxed))
        ;
}

void histogram_read(const struct histogram *h, struct hist *out)
{
    for (unsigned i = 0; i < METRIC_SHARDS; i++) {
        struct hist_shard *s = atomic_load_explicit(&h->shards[i], memory_order_acquire);
        if (!s)
            continue;
        for (unsigned b = 0; b < HIST_BUCKETS; b++) {
            uint64_t n = atomic_load_explicit(&s->buckets[b], memory_order_relaxed);
            out->buckets[b] += n;
            out->count += n;
        }
        out->sum += atomic_load_explicit(&s->sum, memory_order_relaxed);
        uint64_t max = atomic_load_explicit(&s->max, memory_order_relaxed);
        if (max > out->max)
            out->max = max;
    }
}

void hist_record(struct hist *h, uint64_t value)
{
    if (value > VALUE_MAX)
        value = VALUE_MAX;
    h->buckets[bucket_of(value)]++;
    h->count++;
    h->sum += value;
    if (value > h->max)
        h->max = value;
}

void hist_merge(struct hist *into, const struct hist *from)
{
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
    if (h->count == 0)
        return 0;
    double exact = q * (double)h->count;
    uint64_t rank = exact <= 1 ? 1 : (uint64_t)exact + ((double)(uint64_t)exact < exact), seen = 0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank)
            return hist_upper(i) < h->max ? hist_upper(i) : h->max;
    }
    return h->max;
}

/* --- registration ---------------------------------------------------------------------------- */

struct metrics *metrics_new(void)
{
    struct metrics *m = MEM_NEW(struct metrics);
    CHECK(pthread_mutex_init(&m->lock, NULL) == 0);
    return m;
}

static void free_series(struct series *s)
{
    if (s->kind == HISTOGRAM)
        for (unsigned i = 0; i < METRIC_SHARDS; i++)
            mem_free(((struct histogram *)s->recorded)->shards[i]);
    mem_free(s->recorded);
    mem_free(s->name);
    mem_free(s->help);
    mem_free(s->labels);
    mem_free(s);
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free_series(m->series[i]);
    mem_free(m->series);
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

static struct metrics *process_metrics;

static void make_process_metrics(void)
{
    process_metrics = metrics_new();
}

struct metrics *metrics_default(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_process_metrics);
    return process_metrics;
}

static bool good_name(const char *name)
{
    if (!name || !(*name >= 'a' && *name <= 'z'))
        return false;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '_'))
            return false;
    return true;
}

/* In a label's value or a help text: backslash, line end, and in a value the quote. */
static void put_escaped(struct buf *out, const char *z, bool quote)
{
    for (; *z; z++) {
        if (*z == '\n')
            buf_puts(out, "\\n");
        else if (*z == '\\' || (quote && *z == '"'))
            buf_put(out, (char[]){'\\', *z}, 2);
        else
            buf_putc(out, *z);
    }
}

static char *render_labels(const struct metric_opts *o)
{
    struct buf b = {.max = 4096};
    for (unsigned i = 0; i < METRIC_LABELS_MAX && o->labels[i].name; i++) {
        CHECK(good_name(o->labels[i].name));
        buf_printf(&b, "%s%s=\"", i ? "," : "", o->labels[i].name);
        put_escaped(&b, o->labels[i].value, true);
        buf_putc(&b, '"');
    }
    CHECK(!b.full);
    char *labels = mem_dup(b.len ? b.data : "", b.len);
    buf_release(&b);
    return labels;
}

/* Where (name, labels) is, or belongs. */
static size_t locate(const struct metrics *m, const char *name, const char *labels, bool *found)
{
    size_t lo = 0, hi = m->n;
    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(m->series[mid]->name, name);
        if (c == 0)
            c = strcmp(m->series[mid]->labels, labels);
        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void insert(struct metrics *m, size_t at, struct series *s)
{
    bool alien = (at > 0 && strcmp(m->series[at - 1]->name, s->name) == 0 &&
                  strcmp(kind_names[m->series[at - 1]->kind], kind_names[s->kind]) != 0) ||
                 (at < m->n && strcmp(m->series[at]->name, s->name) == 0 &&
                  strcmp(kind_names[m->series[at]->kind], kind_names[s->kind]) != 0);
    CHECK(!alien && "one name, two kinds of metric");
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 32;
        m->series = mem_resize(m->series, m->cap, sizeof(struct series *));
    }
    memmove(m->series + at + 1, m->series + at, (m->n - at) * sizeof(struct series *));
    m->series[at] = s;
    m->n++;
}

static void *new_recorded(enum kind kind, const struct metric_opts *o)
{
    void *p = NULL;
    if (kind == COUNTER) {
        p = mem_try_aligned(1, sizeof(struct counter), CACHE_LINE);
        CHECK(p && "out of memory");
    } else if (kind == GAUGE) {
        p = MEM_NEW(struct gauge);
    } else if (kind == HISTOGRAM) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct histogram *h = MEM_NEW(struct histogram);
        pthread_once(&once, fill_scales);
        h->unit = o->unit > 0 ? o->unit : 1;
        h->scale = h->unit < 1 ? &times : &sizes;
        p = h;
    }
    return p;
}

/* The series of o, made if it is new; fn and arg are replaced. */
static struct series *register_series(struct metrics *m, const struct metric_opts *o,
                                      enum kind kind, metric_fn *fn, void *arg)
{
    CHECK(good_name(o->name) && o->help);
    char *labels = render_labels(o);
    bool found;
    pthread_mutex_lock(&m->lock);
    size_t at = locate(m, o->name, labels, &found);
    if (!found) {
        struct series *s = MEM_NEW(struct series);
        *s = (struct series){.name = mem_dup(o->name, strlen(o->name)),
                             .help = mem_dup(o->help, strlen(o->help)),
                             .labels = mem_dup(labels, strlen(labels)),
                             .kind = kind,
                             .recorded = new_recorded(kind, o)};
        insert(m, at, s);
    }
    struct series *s = m->series[at];
    CHECK(s->kind == kind);
    s->fn = fn;
    s->arg = arg;
    pthread_mutex_unlock(&m->lock);
    mem_free(labels);
    return s;
}

struct counter *metrics_counter(struct metrics *m, const struct metric_opts *o)
{
    return register_series(m, o, COUNTER, NULL, NULL)->recorded;
}

struct gauge *metrics_gauge(struct metrics *m, const struct metric_opts *o)
{
    return register_series(m, o, GAUGE, NULL, NULL)->recorded;
}

struct histogram *metrics_histogram(struct metrics *m, const struct metric_opts *o)
{
    return register_series(m, o, HISTOGRAM, NULL, NULL)->recorded;
}

void metrics_gauge_fn(struct metrics *m, const struct metric_opts *o, metric_fn *fn, void *arg)
{
    register_series(m, o, GAUGE_FN, fn, arg);
}

void metrics_counter_fn(struct metrics *m, const struct metric_opts *o, metric_fn *fn, void *arg)
{
    register_series(m, o, COUNTER_FN, fn, arg);
}

/* --- rendering ------------------------------------------------------------------------------- */

static void put_number(struct buf *out, double v)
{
    if (v - v != 0)
        buf_puts(out, v > 0 ? "+Inf" : v < 0 ? "-Inf" : "NaN");
    else
        buf_printf(out, "%.15g", v);
}

static void put_sample(struct buf *out, const struct series *s, double v)
{
    buf_printf(out, *s->labels ? "%s{%s} " : "%s%s ", s->name, s->labels);
    put_number(out, v);
    buf_putc(out, '\n');
}

static void put_histogram(struct buf *out, const struct series *s)
{
    const struct histogram *h = s->recorded;
    const struct scale *scale = h->scale;
    uint64_t shown[ENDS_MAX + 1] = {0}, sum = 0, seen = 0;
    for (unsigned i = 0; i < METRIC_SHARDS; i++) {
        struct hist_shard *shard = atomic_load_explicit(&h->shards[i], memory_order_acquire);
        if (!shard)
            continue;
        sum += atomic_load_explicit(&shard->sum, memory_order_relaxed);
        for (unsigned end = 0; end <= scale->len; end++)
            shown[end] += atomic_load_explicit(&shard->shown[end], memory_order_relaxed);
    }
    for (unsigned end = 0; end <= scale->len; end++)
        seen += shown[end];
    if (seen == 0)
        return;
    const char *comma = *s->labels ? "," : "", *open = *s->labels ? "{" : "",
               *close = *s->labels ? "}" : "";
    unsigned long long count = seen;
    seen = 0;
    for (unsigned end = 0; end < scale->len; end++) {
        seen += shown[end];
        buf_printf(out, "%s_bucket{%s%sle=\"%.9g\"} %llu\n", s->name, s->labels, comma,
                   (double)scale->ends[end] * h->unit, (unsigned long long)seen);
    }
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", s->name, s->labels, comma, count);
    buf_printf(out, "%s_sum%s%s%s %.15g\n", s->name, open, s->labels, close, (double)sum * h->unit);
    buf_printf(out, "%s_count%s%s%s %llu\n", s->name, open, s->labels, close, count);
}

static void put_series(struct buf *out, const struct series *s)
{
    switch (s->kind) {
    case COUNTER:
        put_sample(out, s, (double)counter_value(s->recorded));
        break;
    case GAUGE:
        put_sample(out, s, gauge_value(s->recorded));
        break;
    case HISTOGRAM:
        put_histogram(out, s);
        break;
    case COUNTER_FN:
    case GAUGE_FN:
        if (s->fn)
            put_sample(out, s, s->fn(s->arg));
        break;
    }
}

void metrics_render(struct metrics *m, struct buf *out)
{
    const char *last = "";
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n; i++) {
        const struct series *s = m->series[i];
        if (strcmp(last, s->name) != 0) {
            buf_printf(out, "# HELP %s ", s->name);
            put_escaped(out, s->help, false);
            buf_printf(out, "\n# TYPE %s %s\n", s->name, kind_names[s->kind]);
            last = s->name;
        }
        put_series(out, s);
    }
    pthread_mutex_unlock(&m->lock);
}
