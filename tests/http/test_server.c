/* The life of connections and requests: order, time, size, number, and who answers from where. */
#include <pthread.h>
#include <stdatomic.h>

#include "http/rig.h"

#include "base/thread.h"

#define HOST "Host: h\r\n"

static struct rig rig;
static struct thread worker; /* one at a time */

static void give_to_worker(thread_fn *fn, struct http_request *req)
{
    struct err err;
    thread_join(&worker);
    ck_ok(thread_start(&worker, "worker", fn, req, &err));
}

static void stop(void)
{
    rig_stop(&rig);
    thread_join(&worker);
}

static void echo(struct http_request *req)
{
    struct buf *out = http_request_scratch(req);
    buf_printf(out, "%s %.*s ", http_method_name(req->method), STR_ARG(req->path));
    buf_put_str(out, req->body);
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT, .body = buf_str(out)});
}

static void length(struct http_request *req)
{
    struct buf *out = http_request_scratch(req);
    buf_put_u64(out, req->body.n);
    http_reply(req, &(struct http_reply){.body = buf_str(out)});
}

enum { LARGE = 10000 };

static void large(struct http_request *req)
{
    static const char body[LARGE];
    http_reply(req, &(struct http_reply){.body = {body, sizeof body}});
}

static void silent(struct http_request *req)
{
    (void)req;
}

/* --- from another thread --- */

static atomic_int cancels, held, released;
static struct http_request *waiting; /* [1] the request that a test lets go */
static atomic_bool is_waiting;

static void on_cancel(struct http_request *req)
{
    ck_assert(http_request_cancelled(req));
    cancels++;
}

static void reply_later(void *arg)
{
    struct http_request *req = arg;
    struct str text = arena_printf(req->arena, "later %.*s", STR_ARG(req->body));
    http_reply_from_thread(req, &(struct http_reply){.body = text});
}

static void defer(struct http_request *req)
{
    if (http_request_suspend(req))
        give_to_worker(reply_later, req);
}

static void hold(struct http_request *req)
{
    http_request_on_cancel(req, on_cancel);
    if (!http_request_suspend(req))
        return;
    held++;
    waiting = req;
    atomic_store(&is_waiting, true);
}

static void finish_held(struct http_request *req)
{
    released++;
    http_reply_json(req, 200, STR_LIT("{}"));
}

/* --- streamed uploads --- */

struct upload {
    uint64_t bytes, sum;
};

static void upload_head(struct http_request *req)
{
    req->user = arena_alloc(req->arena, 1, sizeof(struct upload));
    http_request_on_cancel(req, on_cancel);
}

static void upload_piece(struct http_request *req, struct str piece)
{
    struct upload *u = req->user;
    u->bytes += piece.n;
    for (size_t i = 0; i < piece.n; i++)
        u->sum += (unsigned char)piece.p[i];
}

static void resume_now(void *arg)
{
    http_request_resume(arg, NULL);
}

/* Each piece waits for a thread: back-pressure all the way to the client. */
static void upload_slowly(struct http_request *req, struct str piece)
{
    upload_piece(req, piece);
    if (http_request_suspend(req))
        give_to_worker(resume_now, req);
}

static void upload_end(struct http_request *req)
{
    const struct upload *u = req->user;
    struct str text = arena_printf(req->arena, "%llu %llu", (unsigned long long)u->bytes,
                                   (unsigned long long)u->sum);
    http_reply(req, &(struct http_reply){.body = text});
}

static void refuse_head(struct http_request *req)
{
    http_reply_error(req, 401, "unauthenticated", "who are you");
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/a", .handler = echo},
    {.method = HTTP_GET, .pattern = "/b", .handler = echo},
    {.method = HTTP_POST, .pattern = "/echo", .handler = echo},
    {.method = HTTP_POST, .pattern = "/length", .handler = length},
    {.method = HTTP_GET, .pattern = "/large", .handler = large},
    {.method = HTTP_GET, .pattern = "/silent", .handler = silent},
    {.method = HTTP_POST, .pattern = "/defer", .handler = defer},
    {.method = HTTP_GET, .pattern = "/hold", .handler = hold},
    {.method = HTTP_POST,
     .pattern = "/upload",
     .handler = upload_end,
     .on_head = upload_head,
     .on_body = upload_piece,
     .max_body_bytes = 1 << 30},
    {.method = HTTP_POST,
     .pattern = "/slow-upload",
     .handler = upload_end,
     .on_head = upload_head,
     .on_body = upload_slowly},
    {.method = HTTP_POST,
     .pattern = "/secret",
     .handler = echo,
     .on_head = refuse_head,
     .max_body_bytes = 1 << 30},
};

static void start(const struct http_config *config)
{
    rig_start(&rig, config, routes, sizeof routes / sizeof *routes);
}

static void start_default(void)
{
    start(&(struct http_config){.loops = 1});
}

/* --- connections --- */

START_TEST(a_connection_serves_many_requests)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){.loops = 2});
    client_open(&c, rig.port);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(client_ask(&c, "GET /a HTTP/1.1\r\n" HOST "\r\n", &a), 200);
        ck_body(&a, "GET /a ");
        ck_assert_ptr_null(answer_header(&a, "Connection").p);
        answer_release(&a);
    }
    ck_assert_int_eq(client_ask(&c, "GET /a HTTP/1.1\r\nConnection: close\r\n" HOST "\r\n", &a),
                     200);
    ck_assert(str_is(answer_header(&a, "Connection"), "close"));
    ck_assert(client_sees_end(&c));
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    struct client c;
    struct answer a;
    struct buf all;
    start_default();
    buf_init(&all, 1 << 20);
    for (int i = 0; i < 300; i++)
        buf_printf(&all, "POST /%s HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n%03d",
                   i % 10 ? "echo" : "defer", i);
    client_open(&c, rig.port);
    client_send(&c, all.data);
    for (int i = 0; i < 300; i++) {
        char want[32];
        snprintf(want, sizeof want, i % 10 ? "POST /echo %03d" : "later %03d", i);
        client_read(&c, &a);
        ck_assert_int_eq(a.status, 200);
        ck_body(&a, want);
        answer_release(&a);
    }
    client_close(&c);
    buf_release(&all);
    stop();
}
END_TEST

/* Few replies fit the kernel's buffers, which take them all at once; many do not. */
START_TEST(pipelined_replies_larger_than_the_output_cap_arrive)
{
    static const int numbers[] = {30, 40, 2000};
    struct client c;
    struct answer a;
    struct buf all;
    start_default();
    buf_init(&all, 1 << 20);
    client_open(&c, rig.port);
    for (int round = 0; round < 3; round++) {
        buf_reset(&all);
        for (int i = 0; i < numbers[round]; i++)
            buf_puts(&all, "GET /large HTTP/1.1\r\n" HOST "\r\n");
        client_send(&c, all.data);
        for (int i = 0; i < numbers[round]; i++) {
            client_read(&c, &a);
            ck_assert_uint_eq(a.body.len, LARGE);
            answer_release(&a);
        }
    }
    client_close(&c);
    buf_release(&all);
    stop();
}
END_TEST

START_TEST(who_shuts_its_side_down_still_gets_its_reply)
{
    struct client c;
    struct answer a;
    start_default();
    client_open(&c, rig.port);
    client_send(&c, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    shutdown(c.fd, SHUT_WR);
    client_read(&c, &a);
    ck_body(&a, "GET /a ");
    ck_assert(client_sees_end(&c));
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(a_connection_ends_after_its_number_of_requests)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){.max_requests = 3});
    client_open(&c, rig.port);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(client_ask(&c, "GET /a HTTP/1.1\r\n" HOST "\r\n", &a), 200);
        ck_assert(i < 3 || str_is(answer_header(&a, "Connection"), "close"));
        answer_release(&a);
    }
    ck_assert(client_sees_end(&c));
    client_close(&c);
    stop();
}
END_TEST

START_TEST(connections_beyond_the_cap_are_turned_away)
{
    struct client c[3];
    struct answer a;
    start(&(struct http_config){.max_connections = 2});
    for (int i = 0; i < 3; i++)
        client_open(&c[i], rig.port);
    client_read(&c[2], &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert(answer_header(&a, "Retry-After").p);
    answer_release(&a);
    ck_assert_int_eq(client_ask(&c[0], "GET /a HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    answer_release(&a);
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
    stop();
}
END_TEST

START_TEST(a_port_in_use_is_a_clear_error)
{
    struct err err;
    struct http_server *second;
    start_default();
    ck_ok(http_server_new(&(struct http_config){0}, &second, &err));
    const struct http_listen listen = {
        .address = "127.0.0.1", .port = rig.port, .router = rig.router, .name = "main"};
    ck_err(http_server_listen(second, &listen, NULL, &err), ERR_CONFLICT);
    char want[64];
    snprintf(want, sizeof want, "main: port %u is in use by another program", rig.port);
    ck_assert_str_eq(err.msg, want);
    http_server_free(second);
    stop();
}
END_TEST

/* --- deadlines --- */

static void drip(const char *first, int want)
{
    struct client c;
    struct answer a;
    client_open(&c, rig.port);
    client_send(&c, first);
    for (int i = 0; i < 1000 && client_send_bytes(&c, "x", 1); i++) {
        struct timeval wait = {0, 20000};
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(c.fd, &readable);
        if (select(c.fd + 1, &readable, NULL, NULL, &wait) > 0)
            break; /* it has spoken, or hung up */
    }
    client_read(&c, &a);
    ck_assert_int_eq(a.status, want);
    answer_release(&a);
    client_close(&c);
}

START_TEST(a_client_that_drips_is_cut)
{
    start(&(struct http_config){.head_timeout_ms = 1000, .body_timeout_ms = 300});
    drip("GET /", 408);
    drip("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", 408);
    drip("POST /upload HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5;", 408);
    ck_assert_int_eq(cancels, 1); /* the streamed upload was told */
    stop();
}
END_TEST

START_TEST(an_idle_connection_is_closed_without_a_word)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){.idle_timeout_ms = 100, .head_timeout_ms = 1000});
    client_open(&c, rig.port);
    ck_assert(client_sees_end(&c));
    client_close(&c);
    client_open(&c, rig.port);
    ck_assert_int_eq(client_ask(&c, "GET /a HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    ck_assert(client_sees_end(&c));
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

/* --- bodies --- */

START_TEST(a_chunked_upload_arrives_whole_byte_by_byte)
{
    static const char request[] =
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nT: v\r\n\r\n";
    struct client c;
    struct answer a;
    start_default();
    client_open(&c, rig.port);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof request - 1; i++)
            ck_assert(client_send_bytes(&c, request + i, 1));
        client_read(&c, &a);
        ck_body(&a, "POST /echo hello world");
        answer_release(&a);
    }
    client_close(&c);
    stop();
}
END_TEST

START_TEST(bodies_end_at_their_cap)
{
    struct buf b;
    start(&(struct http_config){.max_body_bytes = 70000});
    buf_init(&b, 1 << 20);
    for (int over = 0; over <= 1; over++) {
        buf_reset(&b);
        buf_printf(&b, "POST /length HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", 70000 + over);
        for (int i = 0; i < 70000 + over; i++)
            buf_putc(&b, 'x');
        ck_assert_int_eq(rig_status(&rig, b.data), over ? 413 : 200);
        buf_reset(&b);
        buf_puts(&b, "POST /length HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 70000 + over; i += 70)
            buf_printf(&b, "46\r\n%070d\r\n", i);
        buf_puts(&b, "0\r\n\r\n");
        ck_assert_int_eq(rig_status(&rig, b.data), over ? 413 : 200);
    }
    buf_release(&b);
    stop();
}
END_TEST

static long resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert(f && fscanf(f, "%*d %ld", &pages) == 1);
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

START_TEST(an_upload_of_50_mb_streams_in_flat_memory)
{
    enum { PIECE = 1 << 16, PIECES = 800 };
    static char piece[PIECE];
    struct client c;
    struct answer a;
    char head[128], want[64];
    start_default();
    memset(piece, 7, sizeof piece);
    client_open(&c, rig.port);
    snprintf(head, sizeof head, "POST /upload HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n",
             PIECE * PIECES);
    client_send(&c, head);
    long before = resident_bytes();
    for (int i = 0; i < PIECES; i++)
        ck_assert(client_send_bytes(&c, piece, sizeof piece));
    long grown = resident_bytes() - before;
    client_read(&c, &a);
    snprintf(want, sizeof want, "%d %d", PIECE * PIECES, PIECE * PIECES * 7);
    ck_body(&a, want);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they keep what is freed */
    ck_assert_msg(grown < 4 << 20, "grew by %ld bytes", grown);
#endif
    (void)grown;
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(a_suspended_upload_waits_and_loses_nothing)
{
    struct client c;
    struct answer a;
    char want[64];
    start_default();
    client_open(&c, rig.port);
    client_send(&c, "POST /slow-upload HTTP/1.1\r\n" HOST "Content-Length: 400000\r\n\r\n");
    for (int i = 0; i < 400; i++) {
        char piece[1000];
        memset(piece, i % 100, sizeof piece);
        ck_assert(client_send_bytes(&c, piece, sizeof piece));
    }
    client_read(&c, &a);
    snprintf(want, sizeof want, "400000 %d", 4950 * 4 * 1000);
    ck_body(&a, want);
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(who_asks_before_sending_is_told)
{
    struct client c;
    struct answer a;
    start_default();
    client_open(&c, rig.port);
#define EXPECT(path)                                                                               \
    "POST " path " HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    ck_assert_int_eq(client_ask(&c, EXPECT("/echo"), &a), 100);
    answer_release(&a);
    ck_assert_int_eq(client_ask(&c, "hello", &a), 200);
    ck_body(&a, "POST /echo hello");
    answer_release(&a);
    client_close(&c);
    ck_assert_int_eq(rig_status(&rig, EXPECT("/secret")), 401);
    ck_assert_int_eq(rig_status(&rig, EXPECT("/nowhere")), 404);
    stop();
}
END_TEST

START_TEST(a_refusal_survives_the_upload_that_it_ends)
{
    struct client c;
    struct answer a;
    static char junk[20 << 20]; /* more than the kernel holds */
    start_default();
    client_open(&c, rig.port);
    client_send(&c, "POST /secret HTTP/1.1\r\n" HOST "Content-Length: 20971520\r\n\r\n");
    ck_assert(client_send_bytes(&c, junk, sizeof junk)); /* it is read, not reset */
    client_read(&c, &a);
    ck_assert_int_eq(a.status, 401);
    answer_release(&a);
    client_close(&c);
    stop();
}
END_TEST

/* --- suspension --- */

START_TEST(another_thread_can_answer)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){.loops = 2});
    client_open(&c, rig.port);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(
            client_ask(&c, "POST /defer HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", &a), 200);
        ck_body(&a, "later x");
        answer_release(&a);
    }
    client_close(&c);
    stop();
}
END_TEST

static void await(const atomic_int *value, int want)
{
    while (atomic_load(value) < want)
        usleep(1000);
}

START_TEST(a_client_that_leaves_is_reported)
{
    struct client c;
    start_default();
    client_open(&c, rig.port);
    client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await(&held, 1);
    client_close(&c);
    await(&cancels, 1);
    ck_assert(http_request_cancelled(waiting));
    ck_assert_int_eq(released, 0);
    http_request_resume(waiting, finish_held);
    await(&released, 1);
    stop();
    ck_assert_int_eq(cancels, 1);
}
END_TEST

START_TEST(too_many_suspended_requests_are_answered_busy)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){.max_suspended = 1});
    client_open(&c, rig.port);
    client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await(&held, 1);
    struct client second;
    client_open(&second, rig.port);
    ck_assert_int_eq(client_ask(&second, "GET /hold HTTP/1.1\r\n" HOST "\r\n", &a), 503);
    ck_assert(str_is(answer_header(&a, "Retry-After"), "1"));
    answer_release(&a);
    http_request_resume(waiting, finish_held);
    client_read(&c, &a);
    ck_assert_int_eq(a.status, 200);
    answer_release(&a);
    client_close(&c);
    client_close(&second);
    stop();
}
END_TEST

START_TEST(a_handler_without_an_answer_is_a_500)
{
    start_default();
    ck_assert_int_eq(rig_status(&rig, "GET /silent HTTP/1.1\r\n" HOST "\r\n"), 500);
    stop();
}
END_TEST

SUITE("server", a_connection_serves_many_requests, pipelined_requests_are_answered_in_order,
      pipelined_replies_larger_than_the_output_cap_arrive,
      who_shuts_its_side_down_still_gets_its_reply, a_connection_ends_after_its_number_of_requests,
      connections_beyond_the_cap_are_turned_away, a_port_in_use_is_a_clear_error,
      a_client_that_drips_is_cut, an_idle_connection_is_closed_without_a_word,
      a_chunked_upload_arrives_whole_byte_by_byte, bodies_end_at_their_cap,
      an_upload_of_50_mb_streams_in_flat_memory, a_suspended_upload_waits_and_loses_nothing,
      who_asks_before_sending_is_told, a_refusal_survives_the_upload_that_it_ends,
      another_thread_can_answer, a_client_that_leaves_is_reported,
      too_many_suspended_requests_are_answered_busy, a_handler_without_an_answer_is_a_500)
