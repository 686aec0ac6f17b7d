#include "support/suite.h"

#include "http/split.h"

#define GET     "GET / HTTP/1.1\r\n"
#define HOST    "Host: h\r\n"
#define POST    "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

struct sample {
    const char *bytes;
    size_t n;
    int head_status, body_status; /* of the fault; 0: none */
};

#define SAMPLE(bytes, head, body)                                                                  \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, head, body                                                       \
    }

static const struct sample samples[] = {
    SAMPLE(GET HOST "\r\n", 0, 0),
    SAMPLE("\r\n" GET HOST "\r\n", 0, 0),
    SAMPLE("\r\n\r\n" GET HOST "\r\n", 400, 0),
    SAMPLE("GET / HTTP/1.0\r\n\r\n", 0, 0),
    SAMPLE("GET / HTTP/2.0\r\n\r\n", 505, 0),
    SAMPLE("GET / HTTP/1.2\r\n\r\n", 505, 0),
    SAMPLE("GET / HTTP/1.10\r\n\r\n", 400, 0),
    SAMPLE("GET / http/1.1\r\n\r\n", 400, 0),
    SAMPLE("GET /\r\n\r\n", 400, 0),
    SAMPLE("GET  / HTTP/1.1\r\n" HOST "\r\n", 400, 0),
    SAMPLE("GET / x HTTP/1.1\r\n" HOST "\r\n", 400, 0),
    SAMPLE("GET / HTTP/1.1 \r\n" HOST "\r\n", 400, 0),
    SAMPLE("G@T / HTTP/1.1\r\n" HOST "\r\n", 400, 0),
    SAMPLE("GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400, 0),
    SAMPLE("GET /\"x HTTP/1.1\r\n" HOST "\r\n", 400, 0),
    SAMPLE("GET /#x HTTP/1.1\r\n" HOST "\r\n", 400, 0),
    SAMPLE("GET / HTTP/1.1\n" HOST "\r\n", 400, 0),
    SAMPLE(GET "Host: h\n\r\n", 400, 0),
    SAMPLE(GET HOST "A: b\rc\r\n\r\n", 400, 0),
    SAMPLE(GET HOST "A: b\0c\r\n\r\n", 400, 0),
    SAMPLE(GET HOST "A\0: b\r\n\r\n", 400, 0),
    SAMPLE(GET HOST "A : b\r\n\r\n", 400, 0),
    SAMPLE(GET HOST ": b\r\n\r\n", 400, 0),
    SAMPLE(GET HOST "no colon\r\n\r\n", 400, 0),
    SAMPLE(GET HOST " folded\r\n\r\n", 400, 0),
    SAMPLE(GET " Host: h\r\n\r\n", 400, 0),
    SAMPLE(GET "\r\n", 400, 0),
    SAMPLE(GET HOST HOST "\r\n", 400, 0),
    SAMPLE(GET "Host: a b\r\n\r\n", 400, 0),
    SAMPLE(GET "Host: a@b\r\n\r\n", 400, 0),
    SAMPLE(GET "Host:\r\n\r\n", 400, 0),
    SAMPLE(POST "Content-Length: 5\r\n\r\nhello", 0, 0),
    SAMPLE(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, 0),
    SAMPLE(POST "Content-Length: 5, 5\r\n\r\nhello", 400, 0),
    SAMPLE(POST "Content-Length: +5\r\n\r\nhello", 400, 0),
    SAMPLE(POST "Content-Length: -5\r\n\r\nhello", 400, 0),
    SAMPLE(POST "Content-Length: 0x5\r\n\r\nhello", 400, 0),
    SAMPLE(POST "Content-Length: 5 5\r\n\r\nhello", 400, 0),
    SAMPLE(POST "Content-Length:\r\n\r\n", 400, 0),
    SAMPLE(POST "Content-Length: 99999999999999999999\r\n\r\n", 413, 0),
    SAMPLE(POST "Content-Length: 65537\r\n\r\nx", 0, 413),
    SAMPLE(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, 0),
    SAMPLE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 0),
    SAMPLE(POST "Transfer-Encoding: chunked, identity\r\n\r\n", 400, 0),
    SAMPLE(POST "Transfer-Encoding: gzip\r\n\r\n", 501, 0),
    SAMPLE(POST "Transfer-Encoding: \x0b"
                "chunked\r\n\r\n",
           400, 0),
    SAMPLE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 0),
    SAMPLE(POST "Expect: the-best\r\n\r\n", 417, 0),
    SAMPLE(CHUNKED "5\r\nhello\r\n0\r\n\r\n", 0, 0),
    SAMPLE(CHUNKED "5;a=b;c=\"d\"\r\nhello\r\n00\r\nT: v\r\n\r\n", 0, 0),
    SAMPLE(CHUNKED "+5\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED " 5\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "g\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "5\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "5\r\nhello0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "5\r\nhelloxx0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "4\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "10001\r\nhello", 0, 413),
    SAMPLE(CHUNKED "5;a\0b\r\nhello\r\n0\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "0\r\nT : v\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "0\r\n folded\r\n\r\n", 0, 400),
    SAMPLE(CHUNKED "0\r\nT: \0\r\n\r\n", 0, 400),
};

enum { N_SAMPLES = sizeof samples / sizeof *samples };

START_TEST(each_malformed_request_has_its_status)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        const struct sample *s = &samples[i];
        struct split_facts f;
        split_read(NULL, (struct str){s->bytes, s->n}, &f);
        ck_assert_msg(f.head_fault.status == s->head_status &&
                          f.body_fault.status == s->body_status,
                      "sample %zu: head %d, body %d: %.60s", i, f.head_fault.status,
                      f.body_fault.status, s->bytes);
        ck_assert((f.head == HTTP_BAD) == (s->head_status != 0));
        if (f.head == HTTP_DONE)
            ck_assert(f.body == (s->body_status ? HTTP_BAD : HTTP_DONE));
        split_release(&f);
    }
}
END_TEST

START_TEST(how_the_bytes_are_cut_changes_nothing)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        for (uint64_t seed = 0; seed < 100; seed++) {
            struct str in = {samples[i].bytes, samples[i].n};
            const char *why = split_differs(seed, in);
            ck_assert_msg(!why, "sample %zu, seed %llu: %s", i, (unsigned long long)seed, why);
        }
    }
}
END_TEST

START_TEST(mutated_requests_read_the_same_in_pieces)
{
    struct rng rng;
    rng_init(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        const struct sample *s = &samples[rng_below(&rng, N_SAMPLES)];
        char bytes[256];
        memcpy(bytes, s->bytes, s->n);
        for (uint64_t k = 1 + rng_below(&rng, 3); k > 0; k--)
            bytes[rng_below(&rng, s->n)] = "\r\n: 05;\t,x\0"[rng_below(&rng, 11)];
        const char *why = split_differs(rng_u64(&rng), (struct str){bytes, s->n});
        ck_assert_msg(!why, "%s: %.*s", why, (int)s->n, bytes);
    }
}
END_TEST

START_TEST(content_comes_out_of_chunks_unchanged)
{
    struct rng rng;
    rng_init(&rng, 3);
    for (int round = 0; round < 200; round++) {
        struct buf request, want;
        buf_init(&request, 1 << 20);
        buf_init(&want, 1 << 20);
        buf_puts(&request, CHUNKED);
        for (uint64_t chunks = rng_below(&rng, 9); chunks > 0; chunks--) {
            char data[300];
            size_t n = 1 + rng_below(&rng, sizeof data);
            for (size_t i = 0; i < n; i++)
                data[i] = (char)rng_u64(&rng);
            buf_printf(&request, rng_below(&rng, 2) ? "%zx\r\n" : "%zX;x\r\n", n);
            buf_put(&request, data, n);
            buf_puts(&request, "\r\n");
            buf_put(&want, data, n);
        }
        buf_puts(&request, "0\r\n\r\n");
        struct split_facts f;
        split_read(&rng, buf_str(&request), &f);
        ck_assert(f.body == HTTP_DONE);
        ck_assert(str_eq(buf_str(&f.content), buf_str(&want)));
        ck_assert_uint_eq(f.head_bytes + f.body_bytes, request.len);
        split_release(&f);
        buf_release(&request);
        buf_release(&want);
    }
}
END_TEST

static int status_of(const struct buf *b)
{
    struct split_facts f;
    split_read(NULL, buf_str(b), &f);
    int status = f.head == HTTP_DONE ? 200 : f.head_fault.status;
    ck_assert_ptr_null(split_differs(5, buf_str(b)));
    split_release(&f);
    return status;
}

START_TEST(caps_hold_to_the_byte)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int over = 0; over <= 1; over++) { /* the target */
        buf_reset(&b);
        buf_puts(&b, "GET /");
        for (int i = 1; i < HTTP_MAX_URI_BYTES + over; i++)
            buf_putc(&b, 'a');
        buf_puts(&b, " HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_int_eq(status_of(&b), over ? 414 : 200);
    }
    for (int over = 0; over <= 1; over++) { /* the number of headers */
        buf_reset(&b);
        buf_puts(&b, GET HOST);
        for (int i = 1; i < HTTP_MAX_HEADERS + over; i++)
            buf_puts(&b, "A: b\r\n");
        buf_puts(&b, "\r\n");
        ck_assert_int_eq(status_of(&b), over ? 431 : 200);
    }
    for (int over = 0; over <= 1; over++) { /* the head */
        buf_reset(&b);
        buf_puts(&b, GET HOST "A: ");
        while (b.len < HTTP_MAX_HEAD_BYTES - 4 + (size_t)over)
            buf_putc(&b, 'a');
        buf_puts(&b, "\r\n\r\n");
        ck_assert_int_eq(status_of(&b), over ? 431 : 200);
    }
    buf_reset(&b); /* a line that never ends */
    for (int i = 0; i < HTTP_MAX_URI_BYTES + 100; i++)
        buf_putc(&b, 'G');
    ck_assert_int_eq(status_of(&b), 414);
    buf_release(&b);
}
END_TEST

static bool keeps_alive(const char *request)
{
    struct split_facts f;
    split_read(NULL, str_of(request), &f);
    ck_assert(f.head == HTTP_DONE);
    split_release(&f);
    return f.facts.keep_alive;
}

START_TEST(the_connection_lasts_as_version_and_header_say)
{
    ck_assert(keeps_alive(GET HOST "\r\n"));
    ck_assert(!keeps_alive(GET HOST "Connection: close\r\n\r\n"));
    ck_assert(!keeps_alive(GET HOST "Connection: foo, Close\r\n\r\n"));
    ck_assert(!keeps_alive(GET HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n"));
    ck_assert(!keeps_alive("GET / HTTP/1.0\r\n\r\n"));
    ck_assert(keeps_alive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}
END_TEST

SUITE("parse", each_malformed_request_has_its_status, how_the_bytes_are_cut_changes_nothing,
      mutated_requests_read_the_same_in_pieces, content_comes_out_of_chunks_unchanged,
      caps_hold_to_the_byte, the_connection_lasts_as_version_and_header_say)
