/* Replies of unknown length, and server-sent events over them. */
#include "http/stream.h"

#include "base/clock.h"
#include "http/http_int.h"

void http_stream_begin(struct http_request *req, const struct http_reply *reply)
{
    struct http_exchange *ex = http_exchange_of(req);
    CHECK(!ex->replied && !ex->streaming && !reply->take && !reply->body.n);
    ex->status = reply->status ? reply->status : 200;
    ex->streaming = true;
    if (!ex->conn)
        return;
    ex->bodyless = req->method == HTTP_HEAD;
    ex->chunked = ex->head.minor == 1;
    if (!ex->chunked)
        ex->keep_alive = false;
    http_reply_head(ex, reply, -1, reply->etag, reply->content_encoding, reply->content_encoding);
}

size_t http_stream_unsent(const struct http_request *req)
{
    const struct http_exchange *ex = http_exchange_of(req);
    return ex->conn ? http_conn_unsent(ex->conn) : 0;
}

static void send_chunk(struct http_exchange *ex, struct str bytes)
{
    char size[24];
    int n = snprintf(size, sizeof size, "%zx\r\n", bytes.n);
    if (ex->chunked)
        http_conn_send(ex->conn, size, (size_t)n);
    http_conn_send(ex->conn, bytes.p, bytes.n);
    if (ex->chunked)
        http_conn_send(ex->conn, "\r\n", 2);
}

/* The stream is not quiet. */
static void touch(struct http_exchange *ex)
{
    if (!ex->sse)
        return;
    ex->last_write_ms = clock_mono_ns() / 1000000;
    TAILQ_REMOVE(&ex->loop->streams, ex, streams);
    TAILQ_INSERT_TAIL(&ex->loop->streams, ex, streams);
}

enum err_code http_stream_write(struct http_request *req, struct str bytes, struct err *err)
{
    struct http_exchange *ex = http_exchange_of(req);
    CHECK(ex->streaming && !ex->replied);
    if (!ex->conn || ex->conn->dead)
        return err_set(err, ERR_CANCELLED, "the client has left");
    if (bytes.n == 0 || ex->bodyless)
        return ERR_OK;
    size_t unsent = http_conn_unsent(ex->conn), cap = ex->loop->server->config.stream_unsent_bytes;
    if (unsent && (bytes.n > cap || unsent > cap - bytes.n)) {
        ex->blocked = true;
        return err_set(err, ERR_BUSY, "the client reads too slowly");
    }
    send_chunk(ex, bytes);
    ex->reply_bytes += bytes.n;
    touch(ex);
    return ERR_OK;
}

void http_stream_on_drained(struct http_request *req, http_handler *fn)
{
    http_exchange_of(req)->on_drained = fn;
}

void http_stream_sent(struct http_exchange *ex)
{
    if (http_conn_unsent(ex->conn) > ex->loop->server->config.stream_unsent_bytes / 4)
        return;
    ex->blocked = false;
    if (ex->on_drained)
        http_exchange_run(ex, ex->on_drained);
}

void http_stream_end(struct http_request *req)
{
    struct http_exchange *ex = http_exchange_of(req);
    CHECK(ex->streaming && !ex->replied);
    if (ex->conn && ex->chunked && !ex->bodyless)
        http_conn_send(ex->conn, "0\r\n\r\n", 5);
    http_exchange_replied(ex);
}

void http_stream_abort(struct http_request *req)
{
    struct http_exchange *ex = http_exchange_of(req);
    CHECK(ex->streaming && !ex->replied);
    if (ex->conn)
        ex->conn->dead = true;
    http_exchange_replied(ex);
}

/* --- server-sent events --- */

void http_sse_begin(struct http_request *req)
{
    struct http_exchange *ex = http_exchange_of(req);
    /* Proxies must not hold events back. */
    static const struct http_header unbuffered = {STR_LIT("X-Accel-Buffering"), STR_LIT("no")};
    http_stream_begin(req, &(struct http_reply){.content_type = "text/event-stream",
                                                .cache_control = "no-store",
                                                .headers = &unbuffered,
                                                .n_headers = 1});
    if (!ex->conn)
        return;
    ex->sse = true;
    ex->last_write_ms = clock_mono_ns() / 1000000;
    TAILQ_INSERT_TAIL(&ex->loop->streams, ex, streams);
}

static void put_field(struct buf *b, const char *name, struct str value)
{
    CHECK(value.n == 0 || (!memchr(value.p, '\n', value.n) && !memchr(value.p, '\r', value.n)));
    buf_puts(b, name);
    buf_put_str(b, value);
    buf_putc(b, '\n');
}

/* Cut one line off *rest; CR, LF and CRLF end it. */
static struct str next_line(struct str *rest)
{
    size_t i = 0;
    while (i < rest->n && rest->p[i] != '\n' && rest->p[i] != '\r')
        i++;
    struct str line = {rest->p, i};
    if (i == rest->n) {
        *rest = (struct str){NULL, 0};
        return line;
    }
    size_t end = i + 1 < rest->n && rest->p[i] == '\r' && rest->p[i + 1] == '\n' ? i + 2 : i + 1;
    *rest = (struct str){rest->p + end, rest->n - end};
    return line;
}

enum err_code http_sse_send(struct http_request *req, struct str event, struct str id,
                            struct str data, struct err *err)
{
    struct buf *b = &http_exchange_of(req)->loop->head;
    buf_reset(b);
    if (event.n)
        put_field(b, "event: ", event);
    if (id.n)
        put_field(b, "id: ", id);
    do
        put_field(b, "data: ", next_line(&data));
    while (data.p);
    buf_putc(b, '\n');
    return http_stream_write(req, buf_str(b), err);
}

static void send_heartbeat(struct http_exchange *ex, void *arg)
{
    (void)arg;
    send_chunk(ex, STR_LIT(":\n\n"));
}

void http_sse_heartbeat(struct http_loop *loop)
{
    int64_t due_ms = clock_mono_ns() / 1000000 - loop->server->config.heartbeat_ms;
    struct http_exchange *ex;
    while ((ex = TAILQ_FIRST(&loop->streams)) && ex->last_write_ms <= due_ms) {
        touch(ex);
        if (ex->conn && !ex->bodyless && !ex->replied && http_stream_unsent(&ex->req) == 0)
            http_conn_enter(ex->conn, send_heartbeat, ex, NULL);
    }
}
