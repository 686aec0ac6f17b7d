/* The server's own life: draining under load, stopping, TLS, turning loops. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/rig.h"

#include "base/log.h"
#include "base/thread.h"
#include "http/http_int.h"

#define HOST "Host: h\r\n"

static struct rig rig;

static void hello(struct http_request *req)
{
    http_reply_json(req, 200, req->tls ? STR_LIT("{\"tls\":true}") : STR_LIT("{}"));
}

static void resume_now(struct http_request *req)
{
    http_reply_json(req, 200, STR_LIT("{}"));
}

static void deferred(struct http_request *req)
{
    if (http_request_suspend(req))
        http_request_resume(req, resume_now);
}

static atomic_int cancels;
static struct http_request *held_request;
static atomic_bool is_held;

static void await_held(void)
{
    while (!atomic_load(&is_held))
        usleep(1000);
}

static void let_go(struct http_request *req)
{
    cancels++;
    http_request_resume(req, resume_now);
}

static void hold(struct http_request *req)
{
    http_request_on_cancel(req, let_go);
    if (!http_request_suspend(req))
        return;
    held_request = req;
    atomic_store(&is_held, true);
}

static void upload(struct http_request *req)
{
    struct buf *out = http_request_scratch(req);
    buf_put_str(out, req->body);
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT, .body = buf_str(out)});
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/", .handler = hello},
    {.method = HTTP_GET, .pattern = "/deferred", .handler = deferred},
    {.method = HTTP_GET, .pattern = "/hold", .handler = hold},
    {.method = HTTP_POST, .pattern = "/upload", .handler = upload},
};

enum { N_ROUTES = sizeof routes / sizeof *routes };

/* --- drain --- */

struct load {
    struct thread thread;
    unsigned asked, answered;
};

static atomic_bool closing_seen, endpoint_removed;

/* Ask on one connection until the server says that it closes. */
static void ask_until_closed(struct load *load)
{
    struct client c;
    struct answer a;
    bool open = true;
    client_open(&c, rig.port);
    while (open && !atomic_load(&endpoint_removed)) {
        client_send(&c, load->asked++ % 2 ? "GET / HTTP/1.1\r\n" HOST "\r\n"
                                          : "GET /deferred HTTP/1.1\r\n" HOST "\r\n");
        client_read(&c, &a);
        load->answered += a.status == 200;
        open = a.status == 200 && !answer_header(&a, "Connection").p;
        answer_release(&a);
    }
    if (!open)
        atomic_store(&closing_seen, true);
    client_close(&c);
}

/* A balancer's clients: they come again until the endpoint is taken off its list. */
static void ask_on(void *arg)
{
    while (!atomic_load(&endpoint_removed))
        ask_until_closed(arg);
}

static void drain(void *arg)
{
    const unsigned *times = arg;
    http_server_drain(rig.server, times[0], times[1]);
}

START_TEST(a_drain_under_load_loses_no_request)
{
    enum { CLIENTS = 8 };
    static struct load loads[CLIENTS];
    struct thread drainer;
    unsigned times[] = {3000, 5000};
    struct err err;
    rig_start(&rig, &(struct http_config){.loops = 2}, routes, N_ROUTES);
    for (int i = 0; i < CLIENTS; i++)
        ck_ok(thread_start(&loads[i].thread, "load", ask_on, &loads[i], &err));
    ck_ok(thread_start(&drainer, "drain", drain, times, &err));
    while (!atomic_load(&closing_seen))
        usleep(1000);
    usleep(100000); /* new connections are served on */
    atomic_store(&endpoint_removed, true);
    for (int i = 0; i < CLIENTS; i++) {
        thread_join(&loads[i].thread);
        ck_assert_uint_gt(loads[i].asked, 1);
        ck_assert_uint_eq(loads[i].answered, loads[i].asked);
    }
    thread_join(&drainer);
    ck_assert_int_lt(client_socket(rig.port), 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_drain_closes_the_idle_and_waits_for_the_busy)
{
    struct client busy, idle;
    struct answer a;
    struct thread drainer;
    unsigned times[] = {0, 60000};
    struct err err;
    rig_start(&rig, &(struct http_config){.loops = 2}, routes, N_ROUTES);
    client_open(&busy, rig.port);
    client_open(&idle, rig.port);
    ck_assert_int_eq(client_ask(&idle, "GET / HTTP/1.1\r\n" HOST "\r\n", &a), 200);
    answer_release(&a);
    client_send(&busy, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await_held();
    ck_ok(thread_start(&drainer, "drain", drain, times, &err));
    ck_assert(client_sees_end(&idle));
    http_request_resume(held_request, resume_now);
    client_read(&busy, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert(str_is(answer_header(&a, "Connection"), "close"));
    answer_release(&a);
    client_close(&busy);
    thread_join(&drainer);
    ck_assert_int_eq(cancels, 0);
    client_close(&idle);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_drain_finally_cuts_what_is_stuck)
{
    struct client stuck;
    struct answer a;
    rig_start(&rig, &(struct http_config){.loops = 2}, routes, N_ROUTES);
    client_open(&stuck, rig.port);
    client_send(&stuck, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await_held();
    http_server_drain(rig.server, 0, 100);
    client_read(&stuck, &a);
    ck_assert_int_eq(a.status, 0);
    ck_assert_int_eq(cancels, 1);
    answer_release(&a);
    client_close(&stuck);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_server_that_never_started_is_freed)
{
    struct err err;
    struct http_server *server;
    ck_ok(http_server_new(&(struct http_config){.loops = 3}, &server, &err));
    http_server_free(server);
    ck_err(http_server_new(&(struct http_config){.loops = 65}, &server, &err), ERR_INVALID);
    ck_err(http_server_new(&(struct http_config){.gzip_level = 10}, &server, &err), ERR_INVALID);
    ck_err(http_server_new(&(struct http_config){.limits = {.head_bytes = 65537}}, &server, &err),
           ERR_INVALID);
}
END_TEST

static void sleep_long(struct http_request *req)
{
    usleep(1000000);
    http_reply_empty(req, 204);
}

START_TEST(a_loop_that_hangs_is_noticed)
{
    static const struct http_route sleepy = {
        .method = HTTP_GET, .pattern = "/", .handler = sleep_long};
    struct client c;
    rig_start(&rig, &(struct http_config){.loops = 1}, &sleepy, 1);
    client_open(&c, rig.port);
    client_send(&c, "GET / HTTP/1.1\r\n" HOST "\r\n");
    while (http_server_stalled_ms(rig.server) < 500)
        usleep(1000);
    while (http_server_stalled_ms(rig.server) > 200) /* and so is its recovery */
        usleep(1000);
    client_close(&c);
    rig_stop(&rig);
}
END_TEST

static void *open_loop(void *ctx, unsigned loop)
{
    return (int *)ctx + loop;
}

static void close_loop(void *ctx, unsigned loop, void *loop_ctx)
{
    ck_assert_ptr_eq(loop_ctx, (int *)ctx + loop);
    ((int *)ctx)[loop] *= -1;
}

static void mark_loop(struct http_request *req)
{
    ++*(int *)req->loop_ctx;
    http_reply_empty(req, 204);
}

START_TEST(each_loop_has_its_own_context_and_its_share_of_connections)
{
    static const struct http_route mark = {
        .method = HTTP_GET, .pattern = "/", .handler = mark_loop};
    int counts[3] = {0};
    rig_start(&rig,
              &(struct http_config){
                  .loops = 3, .on_loop = open_loop, .on_loop_end = close_loop, .ctx = counts},
              &mark, 1);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(rig_status(&rig, "GET / HTTP/1.1\r\n" HOST "\r\n"), 204);
    http_server_drain(rig.server, 0, 5000);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(counts[i], -3);
    rig_stop(&rig);
}
END_TEST

START_TEST(connections_are_counted_by_address)
{
    struct err err;
    struct http_server *s;
    const struct http_config config = {.max_connections = 5, .max_per_address = 2};
    ck_ok(http_server_new(&config, &s, &err));
    ck_assert(http_server_admit(s, 7) && http_server_admit(s, 7));
    ck_assert(!http_server_admit(s, 7));
    ck_assert(http_server_admit(s, 8) && http_server_admit(s, 8));
    ck_assert(http_server_admit(s, 0));
    ck_assert(!http_server_admit(s, 9)); /* five in all */
    http_server_depart(s, 7);
    ck_assert(!http_server_admit(s, 8));
    ck_assert(http_server_admit(s, 7));
    ck_assert_uint_eq(http_server_connections(s), 5);
    http_server_free(s);
}
END_TEST

START_TEST(the_access_log_names_the_route_and_no_person)
{
    char lines[4096];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    log_init(LOG_JSON, LOG_LEVEL_INFO, ends[1], NULL, 0);
    rig_start(&rig, &(struct http_config){.access_log = true}, routes, N_ROUTES);
    ck_assert_int_eq(rig_status(&rig, "GET /?user_id=u17 HTTP/1.1\r\n" HOST
                                      "X-Request-Id: abc\r\nUser-Agent: Me\r\n\r\n"),
                     200);
    ck_assert_int_eq(rig_status(&rig, "GET /u17 HTTP/1.1\r\n" HOST "\r\n"), 404);
    rig_stop(&rig);
    ssize_t n = read(ends[0], lines, sizeof lines);
    struct str text = {lines, (size_t)n}, first = str_split(&text, '\n');
    static const char *const want[] = {"\"method\":\"GET\"", "\"route\":\"/\"", "\"status\":200",
                                       "\"bytes\":2",        "\"us\":",         "abc"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_msg(str_search(first, str_of(want[i])) != SIZE_MAX, "%.*s", STR_ARG(first));
    ck_assert(str_search(text, STR_LIT("\"route\":\"none\"")) != SIZE_MAX);
    static const char *const never[] = {"u17", "127.0.0.1", "Me\""};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        ck_assert(str_search((struct str){lines, (size_t)n}, str_of(never[i])) == SIZE_MAX);
}
END_TEST

/* --- TLS --- */

static char cert_path[64], key_path[64];

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    ck_assert(key && cert);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    snprintf(cert_path, sizeof cert_path, "/tmp/aisle-test-%d.cert", getpid());
    snprintf(key_path, sizeof key_path, "/tmp/aisle-test-%d.key", getpid());
    FILE *f = fopen(cert_path, "w");
    ck_assert(f && PEM_write_X509(f, cert) && fclose(f) == 0);
    f = fopen(key_path, "w");
    ck_assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static SSL *tls_connect(SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl, protocols, sizeof protocols - 1);
    SSL_set_fd(ssl, client_socket(rig.port));
    ck_assert_int_eq(SSL_connect(ssl), 1);
    return ssl;
}

static void tls_close(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    SSL_free(ssl);
    close(fd);
}

static void tls_read(SSL *ssl, struct buf *out, size_t until)
{
    char bytes[16384];
    int n;
    while (out->len < until && (n = SSL_read(ssl, bytes, sizeof bytes)) > 0)
        buf_put(out, bytes, (size_t)n);
}

START_TEST(tls_serves_what_plain_serves)
{
    static char body[200000];
    struct buf in, request;
    make_certificate();
    rig_start_with(&rig, &(struct http_config){.gzip_level = -1},
                   (struct http_listen){.tls_cert = cert_path, .tls_key = key_path}, routes,
                   N_ROUTES);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(ctx, cert_path, NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL *ssl = tls_connect(ctx);
    const unsigned char *alpn;
    unsigned alpn_n;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_n);
    ck_assert(str_is((struct str){(const char *)alpn, alpn_n}, "http/1.1"));
    buf_init(&in, 1 << 20);
    buf_init(&request, 1 << 20);
    memset(body, 'b', sizeof body);
    buf_printf(&request,
               "GET / HTTP/1.1\r\n" HOST "\r\nPOST /upload HTTP/1.1\r\n" HOST
               "Connection: close\r\nContent-Length: %zu\r\n\r\n",
               sizeof body);
    buf_put(&request, body, sizeof body);
    ck_assert_int_eq(SSL_write(ssl, request.data, (int)request.len), (int)request.len);
    tls_read(ssl, &in, SIZE_MAX); /* to the end, which is announced */
    ck_assert_int_eq(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    ck_assert(str_search(buf_str(&in), STR_LIT("{\"tls\":true}")) != SIZE_MAX);
    ck_assert(str_ends(buf_str(&in), (struct str){body, sizeof body}));
    tls_close(ssl);
    ck_assert_int_eq(rig_status(&rig, "GET / HTTP/1.1\r\n" HOST "\r\n"), 0); /* not TLS at all */
    SSL_CTX_free(ctx);
    buf_release(&in);
    buf_release(&request);
    rig_stop(&rig);
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

static EVP_PKEY *presented_key(SSL_CTX *ctx)
{
    SSL *ssl = tls_connect(ctx);
    X509 *cert = SSL_get1_peer_certificate(ssl);
    EVP_PKEY *key = X509_get_pubkey(cert);
    X509_free(cert);
    tls_close(ssl);
    return key;
}

static atomic_bool reloading;

static void reload_again_and_again(void *arg)
{
    struct err err;
    unsigned n;
    (void)arg;
    while (atomic_load(&reloading))
        ck_assert_int_eq(http_server_reload_tls(rig.server, false, &n, &err), ERR_OK);
}

START_TEST(a_new_pair_is_for_new_connections_and_a_broken_one_for_none)
{
    struct err err;
    struct thread reloader;
    struct buf in;
    unsigned n;
    make_certificate();
    rig_start_with(&rig, &(struct http_config){.loops = 2},
                   (struct http_listen){.tls_cert = cert_path, .tls_key = key_path}, routes,
                   N_ROUTES);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *kept = tls_connect(ctx);
    EVP_PKEY *first = presented_key(ctx);
    ck_ok(http_server_reload_tls(rig.server, true, &n, &err));
    ck_assert_uint_eq(n, 0); /* nothing has changed */
    make_certificate();
    ck_ok(http_server_reload_tls(rig.server, true, &n, &err));
    ck_assert_uint_eq(n, 1);
    EVP_PKEY *second = presented_key(ctx);
    ck_assert_int_ne(EVP_PKEY_eq(first, second), 1);
    unlink(key_path);
    ck_err(http_server_reload_tls(rig.server, true, &n, &err), ERR_INVALID);
    ck_assert_uint_eq(n, 0);
    ck_ok(http_server_reload_tls(rig.server, true, &n, &err)); /* told once */
    ck_err(http_server_reload_tls(rig.server, false, &n, &err), ERR_INVALID);
    EVP_PKEY *still = presented_key(ctx);
    ck_assert_int_eq(EVP_PKEY_eq(second, still), 1);
    make_certificate();
    atomic_store(&reloading, true);
    ck_ok(thread_start(&reloader, "reload", reload_again_and_again, NULL, &err));
    for (int i = 0; i < 50; i++)
        tls_close(tls_connect(ctx));
    atomic_store(&reloading, false);
    thread_join(&reloader);
    static const char request[] = "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    ck_assert_int_gt(SSL_write(kept, request, sizeof request - 1), 0);
    buf_init(&in, 1 << 16);
    tls_read(kept, &in, SIZE_MAX);
    ck_assert(str_search(buf_str(&in), STR_LIT("{\"tls\":true}")) != SIZE_MAX);
    tls_close(kept);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    EVP_PKEY_free(still);
    SSL_CTX_free(ctx);
    buf_release(&in);
    rig_stop(&rig);
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

START_TEST(bad_certificates_and_addresses_are_clear_errors)
{
    struct err err;
    struct http_server *server;
    struct http_router *router;
    make_certificate();
    ck_ok(http_router_new(routes, N_ROUTES, &router, &err));
    ck_ok(http_server_new(&(struct http_config){0}, &server, &err));
    const struct http_listen bad[] = {
        {.address = "localhost", .router = router, .name = "main"},
        {.tls_cert = cert_path, .router = router, .name = "main"},
        {.tls_cert = "/nonexistent", .tls_key = key_path, .router = router, .name = "main"},
        {.tls_cert = cert_path, .tls_key = cert_path, .router = router, .name = "main"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(http_server_listen(server, &bad[i], NULL, &err), ERR_INVALID);
    http_server_free(server);
    http_router_free(router);
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

SUITE("life", a_drain_under_load_loses_no_request, a_drain_closes_the_idle_and_waits_for_the_busy,
      a_drain_finally_cuts_what_is_stuck, a_server_that_never_started_is_freed,
      a_loop_that_hangs_is_noticed, each_loop_has_its_own_context_and_its_share_of_connections,
      connections_are_counted_by_address, the_access_log_names_the_route_and_no_person,
      tls_serves_what_plain_serves, a_new_pair_is_for_new_connections_and_a_broken_one_for_none,
      bad_certificates_and_addresses_are_clear_errors)
