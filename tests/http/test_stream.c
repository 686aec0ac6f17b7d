/* Streamed replies: chunks, back-pressure, events, and streams fed by another thread. */
#include <pthread.h>
#include <stdatomic.h>

#include "http/rig.h"

#include "base/thread.h"

#define HOST "Host: h\r\n"

static struct rig rig;
static struct thread worker; /* one at a time */
static atomic_int cancels, refusals, drains;
static atomic_size_t most_unsent;

static void on_cancel(struct http_request *req)
{
    (void)req;
    cancels++;
}

/* --- as much as the client takes --- */

enum { LINE = 1000, LINES = 20000 };

static void pour(struct http_request *req)
{
    static char line[LINE];
    uintptr_t sent = (uintptr_t)req->user;
    memset(line, 'x', sizeof line);
    for (; sent < LINES; sent++) {
        enum err_code code = http_stream_write(req, (struct str){line, sizeof line}, NULL);
        size_t unsent = http_stream_unsent(req);
        if (unsent > most_unsent)
            most_unsent = unsent;
        if (code) {
            ck_assert_int_eq(code, ERR_BUSY);
            refusals++;
            req->user = (void *)sent;
            return;
        }
    }
    http_stream_end(req);
}

static void pour_on(struct http_request *req)
{
    drains++;
    pour(req);
}

static void flood(struct http_request *req)
{
    http_request_on_cancel(req, on_cancel);
    http_stream_begin(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT});
    http_stream_on_drained(req, pour_on);
    pour(req);
}

/* --- fed from a thread --- */

static void feed_one(struct http_request *req, void *arg)
{
    const char *text = arg;
    if (!http_request_cancelled(req))
        ck_assert_int_eq(http_stream_write(req, str_of(text), NULL), ERR_OK);
    free(arg);
}

static void feed(void *arg)
{
    struct http_request *req = arg;
    for (int i = 0; i < 100; i++) {
        char *text = malloc(16);
        snprintf(text, 16, "%d,", i);
        http_request_post(req, feed_one, text);
    }
    http_request_resume(req, http_stream_end);
}

static void fed(struct http_request *req)
{
    struct err err;
    http_stream_begin(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT});
    ck_assert(http_request_suspend(req));
    thread_join(&worker);
    ck_ok(thread_start(&worker, "feed", feed, req, &err));
}

/* --- events --- */

static void events(struct http_request *req)
{
    struct str none = {NULL, 0};
    http_sse_begin(req);
    ck_assert_int_eq(http_sse_send(req, none, none, STR_LIT("one"), NULL), ERR_OK);
    ck_assert_int_eq(
        http_sse_send(req, STR_LIT("say"), STR_LIT("7"), STR_LIT("a\nb\r\nc\rd\n"), NULL), ERR_OK);
    ck_assert_int_eq(http_sse_send(req, none, none, none, NULL), ERR_OK);
    http_stream_end(req);
}

static void quiet(struct http_request *req)
{
    http_request_on_cancel(req, on_cancel);
    http_sse_begin(req);
}

static void broken(struct http_request *req)
{
    http_stream_begin(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT});
    ck_assert_int_eq(http_stream_write(req, STR_LIT("half"), NULL), ERR_OK);
    http_stream_abort(req);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/flood", .handler = flood},
    {.method = HTTP_GET, .pattern = "/fed", .handler = fed},
    {.method = HTTP_GET, .pattern = "/events", .handler = events},
    {.method = HTTP_GET, .pattern = "/quiet", .handler = quiet},
    {.method = HTTP_GET, .pattern = "/broken", .handler = broken},
};

static void start(const struct http_config *config)
{
    rig_start(&rig, config, routes, sizeof routes / sizeof *routes);
}

static void stop(void)
{
    rig_stop(&rig);
    thread_join(&worker);
}

START_TEST(a_slow_reader_gets_everything_within_the_cap)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){.stream_unsent_bytes = 65536});
    client_open(&c, rig.port);
    client_send(&c, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    while (atomic_load(&refusals) == 0) /* it reads nothing before the cap was met */
        usleep(1000);
    client_read(&c, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.body.len, (size_t)LINE * LINES);
    ck_assert_uint_le(most_unsent, 65536 + 100);
    ck_assert_int_gt(drains, 0);
    answer_release(&a);
    ck_assert_int_eq(client_ask(&c, "GET /fed HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    answer_release(&a);
    client_close(&c);
    stop();
    ck_assert_int_eq(cancels, 0);
}
END_TEST

START_TEST(a_reader_that_stands_still_is_cut)
{
    struct client c;
    start(&(struct http_config){.write_timeout_ms = 200});
    client_open(&c, rig.port);
    client_send(&c, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    while (atomic_load(&cancels) == 0)
        usleep(1000);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(a_thread_feeds_a_stream_in_order)
{
    struct client c;
    struct answer a;
    struct buf want;
    buf_init(&want, 1 << 20);
    for (int i = 0; i < 100; i++)
        buf_printf(&want, "%d,", i);
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(client_ask(&c, "GET /fed HTTP/1.1\r\n" HOST "\r\n", &a), 200);
        ck_assert(str_eq(buf_str(&a.body), buf_str(&want)));
        answer_release(&a);
    }
    client_close(&c);
    buf_release(&want);
    stop();
}
END_TEST

START_TEST(events_are_framed_as_the_standard_says)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    ck_assert_int_eq(client_ask(&c, "GET /events HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    ck_assert(str_is(answer_header(&a, "Content-Type"), "text/event-stream"));
    ck_assert(str_is(answer_header(&a, "Cache-Control"), "no-store"));
    ck_body(&a, "data: one\n\n"
                "event: say\nid: 7\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
                "data: \n\n");
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(a_quiet_event_stream_beats_and_outlives_the_read_time_out)
{
    struct client c;
    struct str line;
    start(&(struct http_config){.heartbeat_ms = 100,
                                .idle_timeout_ms = 100,
                                .head_timeout_ms = 1000,
                                .body_timeout_ms = 100,
                                .write_timeout_ms = 100});
    client_open(&c, rig.port);
    client_send(&c, "GET /quiet HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(client_line(&c, "\r\n\r\n", &line));
    for (int i = 0; i < 5; i++)
        ck_assert(client_line(&c, "3\r\n:\n\n\r\n", &line));
    client_close(&c);
    while (atomic_load(&cancels) == 0)
        usleep(1000);
    stop();
}
END_TEST

START_TEST(an_aborted_stream_is_seen_as_incomplete)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    ck_assert_int_eq(client_ask(&c, "GET /broken HTTP/1.1\r\n" HOST "\r\n", &a), 0);
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(http_1_0_gets_the_stream_bare)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    ck_assert_int_eq(client_ask(&c, "GET /fed HTTP/1.0\r\n\r\n", &a), 200);
    ck_assert(str_starts(buf_str(&a.body), STR_LIT("0,1,2,3,")));
    ck_assert(str_ends(buf_str(&a.body), STR_LIT(",98,99,")));
    answer_release(&a);
    client_close(&c);
    client_open(&c, rig.port);
    client_send(&c, "HEAD /fed HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    client_read_to(&c, true, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert(client_sees_end(&c));
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

SUITE("stream", a_slow_reader_gets_everything_within_the_cap, a_reader_that_stands_still_is_cut,
      a_thread_feeds_a_stream_in_order, events_are_framed_as_the_standard_says,
      a_quiet_event_stream_beats_and_outlives_the_read_time_out,
      an_aborted_stream_is_seen_as_incomplete, http_1_0_gets_the_stream_bare)
