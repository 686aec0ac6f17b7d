/* bench_scrape.c - what a server says about its own time: the buckets of its /metrics before and after. */
#include "cli/bench_scrape.h"

#include <math.h>

#include "base/mem.h"

#define BUCKET "aisle_http_request_seconds_bucket{"

/* The value of a label in `a="b",c="d"`; p NULL where it is not there. */
static struct str label(struct str labels, const char *name)
{
    while (labels.p && labels.n) {
        struct str value = labels;
        struct str key = str_split(&value, '=');
        if (!value.p || value.n < 2)
            break;
        value = (struct str){value.p + 1, value.n - 1};
        struct str rest = value, text = str_split(&rest, '"');
        if (str_is(key, name))
            return text;
        labels = rest.n ? (struct str){rest.p + 1, rest.n - 1} : rest; /* behind the comma */
    }
    return (struct str){NULL, 0};
}

static void add(struct bench_scrape *s, double le, uint64_t n)
{
    size_t i = 0;
    while (i < s->len && s->le[i] < le)
        i++;
    if (i == s->len || s->le[i] > le) {
        if (s->len == BENCH_SCRAPE_MAX)
            return;
        memmove(s->le + i + 1, s->le + i, (s->len - i) * sizeof *s->le);
        memmove(s->count + i + 1, s->count + i, (s->len - i) * sizeof *s->count);
        s->le[i] = le;
        s->count[i] = 0;
        s->len++;
    }
    s->count[i] += n;
}

/* Samples of answers that the load asked for: 2xx, and not of /metrics itself. */
static void read_line(struct bench_scrape *s, struct str line)
{
    struct str prefix = STR_LIT(BUCKET);
    if (!str_starts(line, prefix))
        return;
    struct str value = {line.p + prefix.n, line.n - prefix.n};
    struct str labels = str_split(&value, '}'), route;
    /* a pattern has braces of its own */
    while (value.p && !str_starts(value, STR_LIT(" ")))
        str_split(&value, '}');
    if (!value.p)
        return;
    labels.n = (size_t)(value.p - 1 - labels.p);
    route = label(labels, "route");
    struct str le = label(labels, "le");
    double end = INFINITY;
    int64_t n;
    bool wanted = str_is(label(labels, "status"), "2xx") && !str_is(route, "/metrics") &&
                  (str_is(le, "+Inf") || str_parse_double(le, &end, NULL) == ERR_OK) &&
                  str_parse_i64(str_trim(value), 0, INT64_MAX, &n, NULL) == ERR_OK;
    if (wanted)
        add(s, end, (uint64_t)n);
}

enum err_code bench_scrape(const struct bench_target *target, struct bench_scrape *out,
                           struct err *err)
{
    enum { METRICS_MAX_BYTES = 16 << 20 };
    struct bench_conn c;
    struct bench_reply reply = {0};
    struct buf request = {.max = 1024}, body = {.max = METRICS_MAX_BYTES};
    *out = (struct bench_scrape){.len = 0};
    bench_conn_init(&c, target);
    buf_printf(&request, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", target->host);
    enum err_code code = bench_ask(&c, buf_str(&request), &body, &reply, err);
    if (code == ERR_OK && reply.status != 200)
        code = err_set(err, ERR_NOT_FOUND, "there is no /metrics");
    struct str rest = buf_str(&body);
    while (code == ERR_OK && rest.p && rest.n)
        read_line(out, str_split(&rest, '\n'));
    bench_conn_release(&c);
    buf_release(&request);
    buf_release(&body);
    return code;
}

static uint64_t count_at(const struct bench_scrape *s, double le)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->le[i] == le)
            return s->count[i];
    return 0;
}

double bench_scrape_quantile(const struct bench_scrape *before, const struct bench_scrape *after,
                             double q)
{
    double low = 0, seen = 0,
           total = (double)(count_at(after, INFINITY) - count_at(before, INFINITY));
    if (!(total > 0))
        return NAN;
    for (size_t i = 0; i < after->len; i++) {
        double high = after->le[i], now = (double)(after->count[i] - count_at(before, high));
        if (now >= q * total)
            return isinf(high) || now == seen
                       ? low
                       : low + (high - low) * (q * total - seen) / (now - seen);
        low = high;
        seen = now;
    }
    return low;
}
