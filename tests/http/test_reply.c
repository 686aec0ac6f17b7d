/* What replies look like: heads, negotiation, errors, bodies of each kind of ownership. */
#include <pthread.h>
#include <stdatomic.h>
#include <zlib.h>

#include "http/rig.h"

#include "base/metrics.h"
#include "base/rng.h"

#define HOST "Host: h\r\n"
#define GZIP "Accept-Encoding: br, gzip;q=0.8\r\n"

static struct rig rig;
static char text[300000]; /* compressible */
static atomic_int releases;

static void release(void *arg)
{
    ck_assert_ptr_eq(arg, text);
    releases++;
}

static struct str wanted(const struct http_request *req)
{
    int64_t n = 0;
    struct str value;
    if (http_request_query(req, "n", &value))
        ck_assert_int_eq(str_parse_i64(value, 0, sizeof text, &n, NULL), ERR_OK);
    return (struct str){text, (size_t)n};
}

static void copied(struct http_request *req)
{
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT, .body = wanted(req)});
}

static void taken(struct http_request *req)
{
    struct buf b;
    buf_init(&b, sizeof text);
    buf_put_str(&b, wanted(req));
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT, .take = &b});
    ck_assert_ptr_null(b.data);
}

static void lent(struct http_request *req)
{
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT,
                                         .body = wanted(req),
                                         .release = release,
                                         .release_arg = text});
}

static void tagged(struct http_request *req)
{
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT,
                                         .body = STR_LIT("tagged"),
                                         .cache_control = "max-age=60",
                                         .hash_etag = true});
}

static void precompressed(struct http_request *req)
{
    static const struct http_header headers[] = {{STR_LIT("X-A"), STR_LIT("b")}};
    http_reply(req, &(struct http_reply){.content_type = "text/css",
                                         .body = STR_LIT("not really gzip"),
                                         .content_encoding = "gzip",
                                         .headers = headers,
                                         .n_headers = 1});
}

static void facts(struct http_request *req)
{
    struct buf *out = http_request_scratch(req);
    struct str cookie = http_request_cookie(req, "session");
    buf_printf(out, "%.*s|%.*s|%d|%.*s|%d", STR_ARG(http_request_param(req, "id")), STR_ARG(cookie),
               http_request_is_type(req, "application/json"), STR_ARG(req->remote), req->tls);
    http_reply(req, &(struct http_reply){.body = buf_str(out)});
}

static void nothing(struct http_request *req)
{
    http_reply_empty(req, 204);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/copied", .handler = copied},
    {.method = HTTP_GET, .pattern = "/taken", .handler = taken},
    {.method = HTTP_GET, .pattern = "/lent", .handler = lent},
    {.method = HTTP_GET, .pattern = "/tagged", .handler = tagged},
    {.method = HTTP_GET, .pattern = "/precompressed", .handler = precompressed},
    {.method = HTTP_POST, .pattern = "/facts/{id}", .handler = facts},
    {.method = HTTP_DELETE, .pattern = "/facts/{id}", .handler = nothing},
};

static void start(const struct http_config *config)
{
    struct rng rng;
    rng_init(&rng, 1);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "the quick brown fox "[rng_below(&rng, 20)];
    rig_start(&rig, config, routes, sizeof routes / sizeof *routes);
}

static int ask(const char *request, struct answer *a)
{
    struct client c;
    client_open(&c, rig.port);
    client_send(&c, request);
    client_read_to(&c, strncmp(request, "HEAD", 4) == 0, a);
    client_close(&c);
    return a->status;
}

/* zlib's own reading of what we sent. */
static void check_gzip(const struct answer *a, size_t n)
{
    static char plain[sizeof text + 1];
    z_stream z = {.next_in = (Bytef *)a->body.data,
                  .avail_in = (uInt)a->body.len,
                  .next_out = (Bytef *)plain,
                  .avail_out = sizeof plain};
    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.total_out, n);
    ck_assert_int_eq(memcmp(plain, text, n), 0);
    inflateEnd(&z);
}

START_TEST(bodies_arrive_whatever_their_ownership_and_coding)
{
    static const char *const paths[] = {"/copied", "/taken", "/lent"};
    static const size_t sizes[] = {0, 1, 1023, 1024, 16384, 16385, 100000, sizeof text};
    struct client c;
    struct answer a;
    char request[200];
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (int zip = 0; zip <= 1; zip++) {
                snprintf(request, sizeof request, "GET %s?n=%zu HTTP/1.1\r\n" HOST "%s\r\n",
                         paths[p], sizes[i], zip ? GZIP : "");
                ck_assert_int_eq(client_ask(&c, request, &a), 200);
                bool zipped = str_is(answer_header(&a, "Content-Encoding"), "gzip");
                ck_assert_int_eq(zipped, zip && sizes[i] >= 1024);
                bool vary = str_is(answer_header(&a, "Vary"), "Accept-Encoding");
                ck_assert_int_eq(vary, sizes[i] >= 1024);
                if (zipped)
                    check_gzip(&a, sizes[i]);
                else
                    ck_assert(str_eq(buf_str(&a.body), (struct str){text, sizes[i]}));
                answer_release(&a);
            }
        }
    }
    client_close(&c);
    rig_stop(&rig);
    ck_assert_int_eq(releases, 16);
}
END_TEST

START_TEST(gzip_is_sent_only_to_who_wants_it)
{
    struct answer a;
    start(&(struct http_config){0});
    static const struct {
        const char *accept;
        bool zipped;
    } cases[] = {{"gzip", true},       {"GZIP;q=1", true},  {"deflate, gzip;q=0.001", true},
                 {"gzip;q=0", false},  {"identity", false}, {"gzip; q=0.000", false},
                 {"xgzip, br", false}, {"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "GET /copied?n=5000 HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
                 cases[i].accept);
        ck_assert_int_eq(ask(request, &a), 200);
        ck_assert_msg((answer_header(&a, "Content-Encoding").p != NULL) == cases[i].zipped, "%s",
                      cases[i].accept);
        answer_release(&a);
    }
    ck_assert_int_eq(ask("GET /precompressed HTTP/1.1\r\n" HOST GZIP "\r\n", &a), 200);
    ck_body(&a, "not really gzip");
    ck_assert(str_is(answer_header(&a, "Content-Encoding"), "gzip"));
    ck_assert(str_is(answer_header(&a, "X-A"), "b"));
    answer_release(&a);
    rig_stop(&rig);
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
    struct client c;
    struct answer get, head;
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    client_send(&c, "GET /copied?n=5000 HTTP/1.1\r\n" HOST GZIP "\r\n");
    client_read(&c, &get);
    for (int i = 0; i < 2; i++) {
        client_send(&c, "HEAD /copied?n=5000 HTTP/1.1\r\n" HOST GZIP "\r\n");
        client_read_to(&c, true, &head);
        ck_assert_int_eq(head.status, 200);
        ck_assert(
            str_eq(answer_header(&head, "Content-Length"), answer_header(&get, "Content-Length")));
        ck_assert(str_is(answer_header(&head, "Content-Encoding"), "gzip"));
        ck_assert_uint_eq(c.in.len, c.at);
        answer_release(&head);
    }
    answer_release(&get);
    client_close(&c);
    rig_stop(&rig);
}
END_TEST

START_TEST(an_unchanged_thing_is_not_sent_again)
{
    struct answer a;
    char request[200], tag[64];
    start(&(struct http_config){0});
    ck_assert_int_eq(ask("GET /tagged HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    snprintf(tag, sizeof tag, "%.*s", STR_ARG(answer_header(&a, "ETag")));
    ck_assert(tag[0] == 'W' && strlen(tag) == 20);
    answer_release(&a);
    static const char *const forms[] = {"%s", "\"x\", %s", "W/\"y\",%s", "* %.0s", "\"x\" %.0s"};
    for (int i = 0; i < 5; i++) {
        char list[100];
        snprintf(list, sizeof list, forms[i], tag);
        snprintf(request, sizeof request,
                 "GET /tagged HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n", list);
        ck_assert_msg(ask(request, &a) == (i < 4 ? 304 : 200), "%s", list);
        ck_assert(str_is(answer_header(&a, "ETag"), tag));
        ck_assert(str_is(answer_header(&a, "Cache-Control"), "max-age=60"));
        ck_assert_uint_eq(a.body.len, i < 4 ? 0 : 6);
        answer_release(&a);
    }
    snprintf(request, sizeof request, "HEAD /tagged HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
             tag + 2);
    ck_assert_int_eq(ask(request, &a), 304);
    answer_release(&a);
    rig_stop(&rig);
}
END_TEST

START_TEST(missing_paths_and_methods_have_their_answers)
{
    struct answer a;
    start(&(struct http_config){0});
    ck_assert_int_eq(ask("GET /nowhere HTTP/1.1\r\n" HOST "\r\n", &a), 404);
    ck_assert(str_starts(buf_str(&a.body), STR_LIT("{\"error\":{\"code\":\"not_found\",")));
    answer_release(&a);
    ck_assert_int_eq(ask("PATCH /facts/1 HTTP/1.1\r\n" HOST "\r\n", &a), 405);
    ck_assert(str_is(answer_header(&a, "Allow"), "POST, DELETE, OPTIONS"));
    answer_release(&a);
    ck_assert_int_eq(ask("OPTIONS /tagged HTTP/1.1\r\n" HOST "\r\n", &a), 204);
    ck_assert(str_is(answer_header(&a, "Allow"), "GET, HEAD, OPTIONS"));
    answer_release(&a);
    ck_assert_int_eq(ask("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", &a), 204);
    answer_release(&a);
    ck_assert_int_eq(ask("DELETE /facts/1 HTTP/1.1\r\n" HOST "\r\n", &a), 204);
    ck_assert_ptr_null(answer_header(&a, "Content-Length").p);
    answer_release(&a);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_refused_body_does_not_end_the_connection)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(
            client_ask(&c, "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", &a),
            404);
        answer_release(&a);
    }
    client_close(&c);
    rig_stop(&rig);
}
END_TEST

START_TEST(request_ids_are_taken_when_sane_and_made_otherwise)
{
    struct answer a;
    start(&(struct http_config){0});
    ck_assert_int_eq(ask("GET /tagged HTTP/1.1\r\n" HOST "X-Request-Id: a.b-C_1\r\n\r\n", &a), 200);
    ck_assert(str_is(answer_header(&a, "X-Request-Id"), "a.b-C_1"));
    answer_release(&a);
    static const char *const bad[] = {
        "", "X-Request-Id: a b\r\n", "X-Request-Id: \"\r\n", "X-Request-Id:\r\n",
        "X-Request-Id: "
        "0123456789012345678901234567890123456789012345678901234567890123456789\r\n"};
    char ids[5][40];
    for (int i = 0; i < 5; i++) {
        char request[200];
        snprintf(request, sizeof request, "GET /tagged HTTP/1.1\r\n" HOST "%s\r\n", bad[i]);
        ck_assert_int_eq(ask(request, &a), 200);
        ck_assert_uint_eq(answer_header(&a, "X-Request-Id").n, 32);
        snprintf(ids[i], sizeof ids[i], "%.*s", STR_ARG(answer_header(&a, "X-Request-Id")));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(ids[i], ids[j]);
        answer_release(&a);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(other_origins_are_let_in_as_configured)
{
    static const char *const origins[] = {"https://shop.example", "https://b.example"};
    struct answer a;
    start(&(struct http_config){.cors = {.origins = origins, .n_origins = 2, .credentials = true}});
#define PREFLIGHT(origin)                                                                          \
    "OPTIONS /facts/1 HTTP/1.1\r\n" HOST "Origin: " origin                                         \
    "\r\nAccess-Control-Request-Method: DELETE\r\n\r\n"
    ck_assert_int_eq(ask(PREFLIGHT("https://b.example"), &a), 204);
    ck_assert(str_is(answer_header(&a, "Access-Control-Allow-Origin"), "https://b.example"));
    ck_assert(str_is(answer_header(&a, "Access-Control-Allow-Methods"), "POST, DELETE, OPTIONS"));
    ck_assert(str_is(answer_header(&a, "Access-Control-Allow-Credentials"), "true"));
    ck_assert(str_is(answer_header(&a, "Access-Control-Max-Age"), "600"));
    ck_assert(answer_header(&a, "Access-Control-Allow-Headers").n > 0);
    answer_release(&a);
    ck_assert_int_eq(ask(PREFLIGHT("https://evil.example"), &a), 204);
    ck_assert_ptr_null(answer_header(&a, "Access-Control-Allow-Origin").p);
    ck_assert_ptr_null(answer_header(&a, "Access-Control-Allow-Methods").p);
    answer_release(&a);
    ck_assert_int_eq(
        ask("GET /nowhere HTTP/1.1\r\n" HOST "Origin: https://shop.example\r\n\r\n", &a), 404);
    ck_assert(str_is(answer_header(&a, "Access-Control-Allow-Origin"), "https://shop.example"));
    ck_assert(str_is(answer_header(&a, "Vary"), "Origin"));
    answer_release(&a);
    ck_assert_int_eq(ask("GET /tagged HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    ck_assert_ptr_null(answer_header(&a, "Access-Control-Allow-Origin").p);
    ck_assert(str_is(answer_header(&a, "Vary"), "Origin"));
    answer_release(&a);
    rig_stop(&rig);
}
END_TEST

START_TEST(handlers_see_what_was_sent)
{
    struct answer a;
    start(&(struct http_config){0});
    ck_assert_int_eq(ask("POST /facts/a%2Fb%20c HTTP/1.1\r\n" HOST
                         "content-type: Application/JSON; charset=utf-8\r\n"
                         "Cookie: other=1; session=abc=; x\r\nContent-Length: 0\r\n\r\n",
                         &a),
                     200);
    ck_body(&a, "a/b c|abc=|1|127.0.0.1|0");
    answer_release(&a);
    rig_stop(&rig);
}
END_TEST

START_TEST(http_1_0_is_spoken)
{
    struct client c;
    struct answer a;
    start(&(struct http_config){0});
    client_open(&c, rig.port);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            client_ask(&c, "GET /tagged HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &a), 200);
        ck_assert(str_is(answer_header(&a, "Connection"), "keep-alive"));
        answer_release(&a);
    }
    ck_assert_int_eq(client_ask(&c, "GET /tagged HTTP/1.0\r\n\r\n", &a), 200);
    ck_assert(client_sees_end(&c));
    answer_release(&a);
    client_close(&c);
    rig_stop(&rig);
}
END_TEST

START_TEST(routes_are_counted)
{
    struct answer a;
    struct buf metrics;
    start(&(struct http_config){0});
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ask("DELETE /facts/1 HTTP/1.1\r\n" HOST "\r\n", &a), 204);
        answer_release(&a);
    }
    rig_stop(&rig);
    buf_init(&metrics, 1 << 20);
    metrics_render(metrics_default(), &metrics);
    ck_assert(str_search(buf_str(&metrics),
                         STR_LIT("aisle_http_requests_total{listener=\"main\",method=\"DELETE\","
                                 "route=\"/facts/{id}\",status=\"2xx\"} 3\n")) != SIZE_MAX);
    ck_assert(str_search(buf_str(&metrics),
                         STR_LIT("aisle_http_request_seconds_count{listener=\"main\","
                                 "method=\"DELETE\",route=\"/facts/{id}\",status=\"2xx\"} 3\n")) !=
              SIZE_MAX);
    buf_release(&metrics);
}
END_TEST

static void work_50_ms(struct http_request *req)
{
    usleep(50000);
    http_reply_empty(req, req->body.n > 5 ? 503 : 204);
}

static bool shows(const struct buf *metrics, const char *route, const char *rest)
{
    char sample[256];
    int n = snprintf(sample, sizeof sample, "aisle_http_request_seconds_%s", route);
    snprintf(sample + n, sizeof sample - (size_t)n, "%s\n", rest);
    return str_search(buf_str(metrics), str_of(sample)) != SIZE_MAX;
}

START_TEST(a_request_is_timed_from_its_last_byte_to_its_answer_by_route_and_class)
{
#define WORK "{listener=\"main\",method=\"POST\",route=\"/slow/{id}\",status="
    static const struct http_route work = {
        .method = HTTP_POST, .pattern = "/slow/{id}", .handler = work_50_ms};
    struct client c;
    struct answer a;
    struct buf metrics;
    rig_start(&rig, &(struct http_config){0}, &work, 1);
    client_open(&c, rig.port);
    for (int i = 0; i < 2; i++) { /* head and body come slowly */
        client_send(&c, i ? "POST /slow/b HTTP/1.1\r\n" : "POST /slow/a HTTP/1.1\r\n");
        usleep(300000);
        client_send(&c, i ? HOST "Content-Length: 6\r\n\r\n" : HOST "Content-Length: 5\r\n\r\n");
        usleep(300000);
        ck_assert_int_eq(client_ask(&c, i ? "sixsix" : "fives", &a), i ? 503 : 204);
        answer_release(&a);
    }
    for (int i = 0; i < 20; i++) { /* what a client makes up is no label */
        char request[64];
        snprintf(request, sizeof request, "GET /made-up/%d HTTP/1.1\r\n" HOST "\r\n", i);
        ck_assert_int_eq(client_ask(&c, request, &a), 404);
        answer_release(&a);
    }
    client_close(&c);
    rig_stop(&rig);
    buf_init(&metrics, 1 << 20);
    metrics_render(metrics_default(), &metrics);
    ck_assert_msg(shows(&metrics, "bucket", WORK "\"2xx\",le=\"0.05\"} 0"), "%s", metrics.data);
    ck_assert_msg(shows(&metrics, "bucket", WORK "\"2xx\",le=\"0.25\"} 1"), "%s", metrics.data);
    ck_assert(shows(&metrics, "count", WORK "\"2xx\"} 1"));
    ck_assert(shows(&metrics, "count", WORK "\"5xx\"} 1"));
    ck_assert(shows(&metrics, "count",
                    "{listener=\"main\",method=\"any\",route=\"none\",status=\"4xx\"} 20"));
    ck_assert(str_search(buf_str(&metrics), STR_LIT("made-up")) == SIZE_MAX);
    buf_release(&metrics);
#undef WORK
}
END_TEST

SUITE("reply", bodies_arrive_whatever_their_ownership_and_coding, gzip_is_sent_only_to_who_wants_it,
      head_is_get_without_the_body, an_unchanged_thing_is_not_sent_again,
      missing_paths_and_methods_have_their_answers, a_refused_body_does_not_end_the_connection,
      request_ids_are_taken_when_sane_and_made_otherwise, other_origins_are_let_in_as_configured,
      handlers_see_what_was_sent, http_1_0_is_spoken, routes_are_counted,
      a_request_is_timed_from_its_last_byte_to_its_answer_by_route_and_class)
