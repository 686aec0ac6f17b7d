/* Replies at once: negotiation, the head, the body. */
#include "http/reply.h"

#include <xxhash.h>

#include "base/json_writer.h"
#include "base/mem.h"
#include "http/http_int.h"

enum { MIN_COMPRESS_BYTES = 1024 };

const char *http_status_text(int status)
{
    static const char *const texts[600] = {
        [200] = "OK",
        [201] = "Created",
        [202] = "Accepted",
        [204] = "No Content",
        [206] = "Partial Content",
        [301] = "Moved Permanently",
        [302] = "Found",
        [303] = "See Other",
        [304] = "Not Modified",
        [307] = "Temporary Redirect",
        [308] = "Permanent Redirect",
        [400] = "Bad Request",
        [401] = "Unauthorized",
        [403] = "Forbidden",
        [404] = "Not Found",
        [405] = "Method Not Allowed",
        [406] = "Not Acceptable",
        [408] = "Request Timeout",
        [409] = "Conflict",
        [410] = "Gone",
        [412] = "Precondition Failed",
        [413] = "Content Too Large",
        [414] = "URI Too Long",
        [415] = "Unsupported Media Type",
        [417] = "Expectation Failed",
        [422] = "Unprocessable Content",
        [429] = "Too Many Requests",
        [431] = "Request Header Fields Too Large",
        [500] = "Internal Server Error",
        [501] = "Not Implemented",
        [502] = "Bad Gateway",
        [503] = "Service Unavailable",
        [504] = "Gateway Timeout",
        [505] = "HTTP Version Not Supported",
        [507] = "Insufficient Storage",
    };
    const char *text = status >= 0 && status < 600 ? texts[status] : NULL;
    return text ? text : "Status";
}

/* --- head --- */

static void put_field(struct buf *b, const char *name, struct str value)
{
    buf_puts(b, name);
    buf_put(b, ": ", 2);
    buf_put_str(b, value);
    buf_put(b, "\r\n", 2);
}

static bool is_field_value(struct str s)
{
    return s.n == 0 ||
           (!memchr(s.p, '\r', s.n) && !memchr(s.p, '\n', s.n) && !memchr(s.p, '\0', s.n));
}

static void put_status(struct buf *b, int status)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    if (status == 200)
        buf_put(b, ok, sizeof ok - 1);
    else
        buf_printf(b, "HTTP/1.1 %d %s\r\n", status, http_status_text(status));
}

static void put_framing(struct buf *b, struct http_exchange *ex, int64_t length)
{
    if (length >= 0) {
        buf_puts(b, "Content-Length: ");
        buf_put_u64(b, (uint64_t)length);
        buf_put(b, "\r\n", 2);
    } else if (ex->chunked) {
        buf_puts(b, "Transfer-Encoding: chunked\r\n");
    }
    if (!ex->keep_alive)
        buf_puts(b, "Connection: close\r\n");
    else if (ex->head.minor == 0)
        buf_puts(b, "Connection: keep-alive\r\n");
}

static void put_cors(struct buf *b, const struct http_exchange *ex)
{
    const struct http_cors *cors = &ex->loop->server->config.cors;
    struct str origin;
    if (!http_cors_origin(ex, &origin))
        return;
    put_field(b, "Access-Control-Allow-Origin", origin);
    put_field(b, "Access-Control-Expose-Headers", str_of(cors->expose));
    if (cors->credentials && !str_is(origin, "*"))
        buf_puts(b, "Access-Control-Allow-Credentials: true\r\n");
}

static void put_vary(struct buf *b, const struct http_exchange *ex, bool encoding)
{
    bool origin = ex->loop->server->config.cors.n_origins > 0;
    if (encoding && origin)
        buf_puts(b, "Vary: Accept-Encoding, Origin\r\n");
    else if (encoding)
        buf_puts(b, "Vary: Accept-Encoding\r\n");
    else if (origin)
        buf_puts(b, "Vary: Origin\r\n");
}

void http_reply_head(struct http_exchange *ex, const struct http_reply *reply, int64_t length,
                     struct str etag, const char *encoding, bool vary)
{
    struct buf *b = &ex->loop->head;
    bool draining = atomic_load(&ex->loop->server->life) != LIFE_RUNNING;
    if (reply->close || draining || ex->phase != PHASE_REPLY)
        ex->keep_alive = false;
    buf_reset(b);
    put_status(b, ex->status);
    buf_puts(b, ex->loop->date);
    buf_puts(b, "X-Content-Type-Options: nosniff\r\n");
    put_field(b, "X-Request-Id", ex->req.request_id);
    if (reply->content_type && ex->status != 304)
        put_field(b, "Content-Type", str_of(reply->content_type));
    if (encoding)
        put_field(b, "Content-Encoding", str_of(encoding));
    if (reply->cache_control)
        put_field(b, "Cache-Control", str_of(reply->cache_control));
    if (etag.n) {
        buf_puts(b, "ETag: W/\"");
        buf_put_str(b, etag);
        buf_puts(b, "\"\r\n");
    }
    put_vary(b, ex, vary);
    put_cors(b, ex);
    for (size_t i = 0; i < reply->n_headers; i++) {
        struct http_header h = reply->headers[i];
        CHECK(is_field_value(h.name) && is_field_value(h.value));
        buf_put_str(b, h.name);
        put_field(b, "", h.value);
    }
    put_framing(b, ex, length);
    buf_put(b, "\r\n", 2);
    http_conn_send(ex->conn, b->data, b->len);
}

/* --- body --- */

static void free_taken(const void *data, size_t n, void *arg)
{
    (void)n, (void)arg;
    mem_free((void *)(uintptr_t)data);
}

struct lent {
    void (*release)(void *arg);
    void *arg;
};

static void release_lent(const void *data, size_t n, void *arg)
{
    struct lent *lent = arg;
    (void)data, (void)n;
    lent->release(lent->arg);
    mem_free(lent);
}

/* The caller's body is not needed (any longer). */
static void dispose(const struct http_reply *reply)
{
    if (reply->take)
        buf_release(reply->take);
    if (reply->release)
        reply->release(reply->release_arg);
}

static void send_body(struct http_conn *c, const struct http_reply *reply, struct str body)
{
    bool large = body.n > HTTP_COPY_BYTES;
    if (large && reply->take) {
        http_conn_send_ref(c, body, free_taken, NULL);
        *reply->take = (struct buf){.max = reply->take->max};
    } else if (large && reply->release) {
        struct lent *lent = MEM_NEW(struct lent);
        *lent = (struct lent){reply->release, reply->release_arg};
        http_conn_send_ref(c, body, release_lent, lent);
    } else {
        http_conn_send(c, body.p, body.n);
        dispose(reply);
    }
}

static bool worth_compressing(const struct http_exchange *ex, const struct http_reply *reply,
                              struct str body)
{
    return ex->loop->gzip && !reply->no_compress && !reply->content_encoding &&
           body.n >= MIN_COMPRESS_BYTES && http_compressible(reply->content_type);
}

static struct str etag_of(const struct http_reply *reply, struct str body, char hex[20])
{
    if (!reply->hash_etag || reply->etag.n)
        return reply->etag;
    int n = snprintf(hex, 20, "%016llx", (unsigned long long)XXH3_64bits(body.p, body.n));
    return (struct str){hex, (size_t)n};
}

static bool has_no_content(int status)
{
    return status == 204 || status == 304;
}

static bool is_not_modified(const struct http_exchange *ex, struct str etag)
{
    bool safe = ex->req.method == HTTP_GET || ex->req.method == HTTP_HEAD;
    return safe && ex->status == 200 && etag.n && http_etag_matches(&ex->req, etag);
}

/* Send what is there to a client that is there. */
static void send_reply(struct http_exchange *ex, const struct http_reply *reply, struct str body)
{
    char hex[20];
    struct str etag = etag_of(reply, body, hex);
    if (is_not_modified(ex, etag))
        ex->status = 304;
    bool no_content = has_no_content(ex->status);
    bool vary = worth_compressing(ex, reply, body) || reply->content_encoding;
    const char *encoding = no_content ? NULL : reply->content_encoding;
    struct str content = body;
    if (vary && !encoding && !no_content && http_request_accepts(&ex->req, "gzip") &&
        http_gzip(ex->loop->gzip, body, &ex->loop->zipped)) {
        encoding = "gzip";
        content = buf_str(&ex->loop->zipped);
    }
    http_reply_head(ex, reply, no_content ? -1 : (int64_t)content.n, etag, encoding, vary);
    if (no_content || ex->req.method == HTTP_HEAD) {
        dispose(reply);
        return;
    }
    ex->reply_bytes = content.n;
    if (content.p != body.p) {
        http_conn_send(ex->conn, content.p, content.n);
        dispose(reply);
    } else {
        send_body(ex->conn, reply, content);
    }
}

void http_reply(struct http_request *req, const struct http_reply *reply)
{
    struct http_exchange *ex = http_exchange_of(req);
    CHECK(!ex->replied && !ex->streaming);
    ex->status = reply->status ? reply->status : 200;
    CHECK(ex->status >= 200 && ex->status < 600);
    if (ex->conn)
        send_reply(ex, reply, reply->take ? buf_str(reply->take) : reply->body);
    else
        dispose(reply);
    http_exchange_replied(ex);
}

/* --- the usual ones --- */

void http_reply_json(struct http_request *req, int status, struct str body)
{
    http_reply(
        req, &(struct http_reply){.status = status, .content_type = HTTP_TYPE_JSON, .body = body});
}

void http_reply_empty(struct http_request *req, int status)
{
    http_reply(req, &(struct http_reply){.status = status});
}

static void reply_error(struct http_request *req, int status, const char *code, const char *message,
                        const struct http_header *headers, size_t n_headers)
{
    enum { MAX_ERROR_BYTES = 8 << 10 };
    struct json_writer w;
    struct buf body;
    buf_init(&body, MAX_ERROR_BYTES);
    jw_init(&w, &body);
    jw_obj(&w);
    JW_OBJ(&w, "error");
    JW_Z(&w, "code", code);
    JW_Z(&w, "message", message);
    JW_STR(&w, "request_id", req->request_id);
    jw_obj_end(&w);
    jw_obj_end(&w);
    http_reply(req, &(struct http_reply){.status = status,
                                         .content_type = HTTP_TYPE_JSON,
                                         .take = &body,
                                         .headers = headers,
                                         .n_headers = n_headers,
                                         .cache_control = "no-store"});
}

void http_reply_error(struct http_request *req, int status, const char *code, const char *message)
{
    reply_error(req, status, code, message, NULL, 0);
}

void http_reply_busy(struct http_request *req, const char *message)
{
    static const struct http_header retry = {STR_LIT("Retry-After"), STR_LIT("1")};
    reply_error(req, 503, "busy", message, &retry, 1);
}

void http_reply_not_allowed(struct http_request *req, struct str allow)
{
    struct http_header header = {STR_LIT("Allow"), allow};
    reply_error(req, 405, "method_not_allowed", "this path does not serve that method", &header, 1);
}

static void send_thread_reply(struct http_request *req)
{
    http_reply(req, &http_exchange_of(req)->thread_reply);
}

void http_reply_from_thread(struct http_request *req, const struct http_reply *reply)
{
    struct http_exchange *ex = http_exchange_of(req);
    ex->thread_reply = *reply;
    if (reply->take) {
        ex->thread_body = *reply->take;
        *reply->take = (struct buf){.max = reply->take->max};
        ex->thread_reply.take = &ex->thread_body;
    }
    http_request_resume(req, send_thread_reply);
}
