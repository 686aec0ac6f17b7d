/* Malformed and smuggling requests through a real socket: each is refused and the connection closed,
 * so that nothing behind it is ever read as a request. */
#include <stdatomic.h>

#include "http/rig.h"

static atomic_int served;

static void count(struct http_request *req)
{
    served++;
    http_reply_json(req, 200, STR_LIT("{}"));
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/", .handler = count},
    {.method = HTTP_POST, .pattern = "/", .handler = count},
    {.method = HTTP_GET, .pattern = "/smuggled", .handler = count},
};

#define NEXT    "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET     "GET / HTTP/1.1\r\n"
#define HOST    "Host: h\r\n"
#define POST    "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *bytes;
    size_t n;
    int status;
} cases[] = {
#define CASE(status, bytes)                                                                        \
    {                                                                                              \
        bytes NEXT, sizeof(bytes NEXT) - 1, status                                                 \
    }
    /* two lengths, two encodings, or one of each */
    CASE(400, POST "Content-Length: 0\r\nContent-Length: 44\r\n\r\n"),
    CASE(400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    CASE(400, POST "Content-Length: 5, 5\r\n\r\nhello"),
    CASE(400, POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
    CASE(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG"),
    CASE(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    /* encodings that others may read as chunked, or not */
    CASE(400, POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    CASE(501, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    CASE(501, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    CASE(501, POST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
    CASE(501, POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    CASE(400, POST " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer-Encoding:\x0b"
                   "chunked\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n"),
    CASE(400, POST "Transfer\\Encoding: chunked\r\n\r\n"),
    CASE(400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    /* lengths that are not numbers */
    CASE(400, POST "Content-Length: +5\r\n\r\nhello"),
    CASE(400, POST "Content-Length: -1\r\n\r\n"),
    CASE(400, POST "Content-Length: 0x5\r\n\r\nhello"),
    CASE(400, POST "Content-Length: 5 \x0b\r\n\r\nhello"),
    CASE(400, POST "Content-Length: 5;\r\n\r\nhello"),
    CASE(400, POST "Content-Length: 1e1\r\n\r\nhellohello"),
    CASE(400, POST "Content-Length:\r\n\r\n"),
    CASE(400, POST "Content-Length : 5\r\n\r\nhello"),
    CASE(413, POST "Content-Length: 18446744073709551621\r\n\r\nhello"),
    CASE(413, POST "Content-Length: 1048577\r\n\r\n"),
    /* chunks */
    CASE(400, CHUNKED "+5\r\nhello\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "5 \r\nhello\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "\t5\r\nhello\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "5\nhello\n0\n\n"),
    CASE(400, CHUNKED "5\r\nhello0\r\n\r\n"),
    CASE(400, CHUNKED "5\r\nhelloX\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "5;a=\nb\r\nhello\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    CASE(400, CHUNKED "-0\r\n\r\n"),
    CASE(400, CHUNKED "0\r\nTrailer : v\r\n\r\n"),
    CASE(400, CHUNKED "0\r\n\tfolded\r\n\r\n"),
    CASE(400, CHUNKED "0\r\nA: b\nC: d\r\n\r\n"),
    CASE(413, CHUNKED "100001\r\n"),
    /* hosts */
    CASE(400, GET "\r\n"),
    CASE(400, GET HOST "Host: other\r\n\r\n"),
    CASE(400, GET "Host: a/b\r\n\r\n"),
    CASE(400, GET "Host: a b\r\n\r\n"),
    CASE(400, GET "Host : h\r\n\r\n"),
    CASE(400, GET "Host: u@h\r\n\r\n"),
    /* lines */
    CASE(400, "GET / HTTP/1.1\n" HOST "\r\n"),
    CASE(400, GET "Host: h\n\r\n"),
    CASE(400, GET HOST "A: b\rX: y\r\n\r\n"),
    CASE(400, GET HOST "A: b\0\r\n\r\n"),
    CASE(400, GET HOST "A\x80: b\r\n\r\n"),
    CASE(400, GET HOST "A\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
    CASE(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET / HTTP/1.1\t\r\n" HOST "\r\n"),
    CASE(400, "GET /\r\n"),
    CASE(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
    CASE(505, "GET / HTTP/0.9\r\n\r\n"),
    CASE(501, "FOO / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(501, "get / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(501, "CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n"),
    CASE(501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(417, POST "Expect: 200-ok\r\nContent-Length: 5\r\n\r\n"),
    /* targets */
    CASE(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET h/ HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /% HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /%00 HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /../smuggled HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /x/%2e%2e/smuggled HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /\xff HTTP/1.1\r\n" HOST "\r\n"),
};

enum { N_CASES = sizeof cases / sizeof *cases };

static struct rig rig;

/* Is it the error shape that the API promises? */
static void check_error(const struct answer *a, size_t i)
{
    struct str body = buf_str(&a->body);
    ck_assert_msg(str_starts(body, STR_LIT("{\"error\":{\"code\":\"")), "case %zu: %s", i, body.p);
    ck_assert(str_search(body, STR_LIT("\"message\":\"")) != SIZE_MAX);
    ck_assert(str_search(body, answer_header(a, "X-Request-Id")) != SIZE_MAX);
    ck_assert(str_is(answer_header(a, "Content-Type"), "application/json"));
    ck_assert(str_is(answer_header(a, "X-Content-Type-Options"), "nosniff"));
    ck_assert(str_is(answer_header(a, "Connection"), "close"));
}

static void check_case(size_t i, size_t step)
{
    struct client c;
    struct answer a;
    client_open(&c, rig.port);
    for (size_t at = 0; at < cases[i].n; at += step) {
        size_t n = cases[i].n - at < step ? cases[i].n - at : step;
        if (!client_send_bytes(&c, cases[i].bytes + at, n))
            break;
    }
    client_read(&c, &a);
    ck_assert_msg(a.status == cases[i].status, "case %zu: %d: %.80s", i, a.status, cases[i].bytes);
    check_error(&a, i);
    ck_assert_msg(client_sees_end(&c), "case %zu: something follows the refusal", i);
    answer_release(&a);
    client_close(&c);
}

START_TEST(every_malformed_request_is_refused_and_closed)
{
    ck_assert_int_ge(N_CASES, 40);
    rig_start(&rig, &(struct http_config){0}, routes, sizeof routes / sizeof *routes);
    for (size_t i = 0; i < N_CASES; i++)
        check_case(i, SIZE_MAX);
    ck_assert_int_eq(served, 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(byte_by_byte_they_are_refused_as_well)
{
    rig_start(&rig, &(struct http_config){0}, routes, sizeof routes / sizeof *routes);
    for (size_t i = 0; i < N_CASES; i++)
        check_case(i, 1);
    ck_assert_int_eq(served, 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(heads_past_their_caps_are_refused)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    rig_start(&rig, &(struct http_config){0}, routes, sizeof routes / sizeof *routes);
    buf_puts(&b, "GET /");
    for (int i = 0; i < HTTP_MAX_URI_BYTES; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, " HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(rig_status(&rig, b.data), 414);
    buf_reset(&b);
    buf_puts(&b, GET HOST);
    for (int i = 0; i < HTTP_MAX_HEADERS; i++)
        buf_puts(&b, "A: b\r\n");
    buf_puts(&b, "\r\n");
    ck_assert_int_eq(rig_status(&rig, b.data), 431);
    buf_reset(&b);
    buf_puts(&b, GET HOST "A: ");
    for (int i = 0; i < HTTP_MAX_HEAD_BYTES; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, "\r\n\r\n");
    ck_assert_int_eq(rig_status(&rig, b.data), 431);
    buf_release(&b);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_is_well_formed_is_served)
{
    static const char *const good[] = {
        GET HOST "\r\n",
        "\r\n" GET HOST "\r\n",
        "GET http://h/ HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        GET "host:\th:80 \r\nA:\r\nB: \x80\xff\r\n\r\n",
        POST "Content-Length: 5\r\n\r\nhello",
        POST "Content-Length: 005\r\n\r\nhello",
        CHUNKED "5\r\nhello\r\n0\r\n\r\n",
        CHUNKED "5;ext=\"v\"\r\nhello\r\n000\r\nTrailer: v\r\n\r\n",
        POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
    };
    rig_start(&rig, &(struct http_config){0}, routes, sizeof routes / sizeof *routes);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(rig_status(&rig, good[i]) == 200, "case %zu: %s", i, good[i]);
    ck_assert_int_eq(served, sizeof good / sizeof *good);
    rig_stop(&rig);
}
END_TEST

SUITE("framing", every_malformed_request_is_refused_and_closed,
      byte_by_byte_they_are_refused_as_well, heads_past_their_caps_are_refused,
      what_is_well_formed_is_served)
