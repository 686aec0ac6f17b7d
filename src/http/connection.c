/* One socket: reads requests one after the other, sends replies, and ends cleanly. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/http_int.h"

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    http_conn_enter(arg, NULL, NULL, NULL);
}

static void stream_sent(struct http_exchange *ex, void *arg)
{
    (void)arg;
    http_stream_sent(ex);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    struct http_conn *c = arg;
    (void)bev;
    bool waiting = c->exchange && c->exchange->blocked;
    http_conn_enter(c, waiting ? stream_sent : NULL, c->exchange, NULL);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct http_conn *c = arg;
    (void)bev;
    if (what & BEV_EVENT_CONNECTED) /* a TLS handshake is done */
        return;
    /* A client may shut its side down and still read the replies it asked for. */
    if (what & BEV_EVENT_EOF && !c->exchange && http_conn_unsent(c) > 0) {
        c->eof = true;
        http_conn_set_state(c, CONN_LINGER);
        http_conn_enter(c, NULL, NULL, NULL);
        return;
    }
    http_conn_cut(c);
}

static struct bufferevent *new_bufferevent(struct http_loop *loop, int fd, struct http_tls *tls)
{
    if (!tls)
        return bufferevent_socket_new(loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = http_tls_accept(tls);
    if (!ssl)
        return NULL;
    struct bufferevent *bev =
        bufferevent_openssl_socket_new(loop->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (!bev)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

void http_conn_open(struct http_loop *loop, int fd, const struct http_listener *listener,
                    const char *remote, uint64_t address_key)
{
    struct bufferevent *bev = new_bufferevent(loop, fd, listener->tls);
    if (!bev) {
        close(fd);
        http_server_depart(loop->server, address_key);
        return;
    }
    struct http_conn *c = MEM_NEW(struct http_conn);
    c->loop = loop;
    c->listener = listener;
    c->bev = bev;
    c->fd = fd;
    c->address_key = address_key;
    memcpy(c->remote, remote, sizeof c->remote);
    TAILQ_INSERT_TAIL(&loop->conns, c, all);
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(bev, EV_READ, 0, HTTP_INPUT_BYTES);
    bufferevent_setwatermark(bev, EV_WRITE, loop->server->config.stream_unsent_bytes / 4, 0);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    http_loop_arm(c, DEADLINE_HEAD);
}

static void close_conn(struct http_conn *c)
{
    http_loop_arm(c, DEADLINE_NONE);
    TAILQ_REMOVE(&c->loop->conns, c, all);
    http_server_depart(c->loop->server, c->address_key);
    bufferevent_free(c->bev);
    mem_free(c);
}

/* --- out --- */

size_t http_conn_unsent(const struct http_conn *c)
{
    size_t n = evbuffer_get_length(bufferevent_get_output(c->bev));
    return c->loop->current == c ? n + c->loop->out.len : n;
}

static void queue_bytes(struct http_conn *c, const char *p, size_t n)
{
    evbuffer_add(bufferevent_get_output(c->bev), p, n);
    c->queued_bytes += n;
}

/* c has something to do although nothing may arrive on its socket: it gets a turn of its own. */
static void wake(struct http_conn *c)
{
    bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS | BEV_OPT_DEFER_CALLBACKS);
}

void http_conn_send(struct http_conn *c, const char *p, size_t n)
{
    if (c->loop->current == c) {
        buf_put(&c->loop->out, p, n);
    } else {
        queue_bytes(c, p, n);
        wake(c);
    }
}

void http_conn_send_ref(struct http_conn *c, struct str bytes, evbuffer_ref_cleanup_cb release,
                        void *arg)
{
    struct buf *out = &c->loop->out;
    if (c->loop->current == c && out->len) {
        queue_bytes(c, out->data, out->len);
        buf_reset(out);
    }
    evbuffer_add_reference(bufferevent_get_output(c->bev), bytes.p, bytes.n, release, arg);
    c->queued_bytes += bytes.n;
}

/* Send what was composed: straight to the kernel where nothing waits before it, which saves two
 * changes of the epoll set for each reply. */
static void flush(struct http_conn *c)
{
    struct buf *out = &c->loop->out;
    size_t sent = 0;
    if (out->len == 0)
        return;
    if (!c->listener->tls && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        ssize_t n = send(c->fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            c->dead = true;
        sent = n > 0 ? (size_t)n : 0;
        c->queued_bytes += sent;
    }
    if (sent < out->len)
        queue_bytes(c, out->data + sent, out->len - sent);
    if (out->cap > HTTP_KEEP_BYTES)
        buf_release(out);
    else
        buf_reset(out);
}

/* --- in --- */

static bool read_head(struct http_conn *c)
{
    struct http_exchange *ex = c->exchange;
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_length(in), head_bytes;
    if (n > ex->parser.limits.head_bytes)
        n = ex->parser.limits.head_bytes;
    const char *p = (const char *)evbuffer_pullup(in, (ev_ssize_t)n);
    switch (http_parser_feed(&ex->parser, p, n, &head_bytes)) {
    case HTTP_MORE:
        return false;
    case HTTP_BAD:
        http_exchange_refuse(ex, ex->parser.fault);
        return true;
    case HTTP_DONE:
        break;
    }
    struct str head = arena_str(&ex->arena, (struct str){p, head_bytes});
    evbuffer_drain(in, head_bytes);
    http_exchange_head(ex, head);
    return true;
}

static bool read_body(struct http_conn *c)
{
    struct http_exchange *ex = c->exchange;
    struct evbuffer *in = bufferevent_get_input(c->bev);
    struct evbuffer_iovec first = {NULL, 0};
    struct str content;
    size_t used;
    evbuffer_peek(in, -1, NULL, &first, 1);
    enum http_progress progress =
        http_body_feed(&ex->decoder, first.iov_base, first.iov_len, &used, &content);
    if (content.n)
        http_exchange_piece(ex, content);
    evbuffer_drain(in, used);
    if (c->exchange != ex || c->state != CONN_BODY)
        return true;
    if (progress == HTTP_BAD)
        http_exchange_refuse(ex, ex->decoder.fault);
    else if (progress == HTTP_DONE)
        http_exchange_complete(ex);
    return progress != HTTP_MORE || used > 0;
}

/* One step with what has arrived; false when there is nothing to do. */
static bool advance(struct http_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    if (c->dead)
        return false;
    switch (c->state) {
    case CONN_IDLE:
        if (evbuffer_get_length(in) == 0 || http_conn_unsent(c) > HTTP_OUTPUT_BYTES)
            return false;
        c->exchange = http_exchange_begin(c);
        c->requests++;
        http_conn_set_state(c, CONN_HEAD);
        return read_head(c);
    case CONN_HEAD:
        return read_head(c);
    case CONN_BODY:
        return read_body(c);
    case CONN_PENDING:
        return false;
    case CONN_LINGER:
        evbuffer_drain(in, evbuffer_get_length(in));
        return false;
    }
    UNREACHABLE();
}

/* --- life --- */

static enum http_deadline due(const struct http_conn *c)
{
    bool unsent = http_conn_unsent(c) > 0;
    switch (c->state) {
    case CONN_IDLE:
        if (unsent)
            return DEADLINE_WRITE;
        if (c->loop->closing)
            return DEADLINE_LINGER;
        return c->requests ? DEADLINE_IDLE : DEADLINE_HEAD;
    case CONN_HEAD:
        return DEADLINE_HEAD;
    case CONN_BODY:
        return DEADLINE_BODY;
    case CONN_PENDING:
        return unsent ? DEADLINE_WRITE : DEADLINE_NONE;
    case CONN_LINGER:
        return unsent ? DEADLINE_WRITE : DEADLINE_LINGER;
    }
    UNREACHABLE();
}

/* All is sent: say so, and let the peer close first, or its last words to us would make the kernel
 * destroy ours (RFC 9112, 9.6). */
static void shut_down(struct http_conn *c)
{
    SSL *ssl = c->listener->tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;
    if (ssl && SSL_is_init_finished(ssl))
        SSL_shutdown(ssl);
    shutdown(c->fd, SHUT_WR);
    c->shut = true;
    c->dead = c->eof;
}

/* Did it stop for output that the kernel has taken at once, so that no write event will come? */
static bool is_held_up(const struct http_conn *c)
{
    size_t unsent = http_conn_unsent(c);
    if (c->state == CONN_IDLE)
        return unsent <= HTTP_OUTPUT_BYTES &&
               evbuffer_get_length(bufferevent_get_input(c->bev)) > 0;
    return c->exchange && c->exchange->blocked && unsent == 0;
}

static void leave(struct http_conn *c)
{
    flush(c);
    c->loop->current = NULL;
    if (c->state == CONN_LINGER && !c->shut && http_conn_unsent(c) == 0)
        shut_down(c);
    if (c->dead) {
        http_conn_cut(c);
        return;
    }
    if (is_held_up(c))
        wake(c);
    enum http_deadline kind = due(c);
    if (kind != c->deadline || c->rearm)
        http_loop_arm(c, kind);
    c->rearm = false;
}

void http_conn_enter(struct http_conn *c, void (*fn)(struct http_exchange *ex, void *arg),
                     struct http_exchange *ex, void *arg)
{
    DCHECK(!c->loop->current);
    c->loop->current = c;
    if (fn)
        fn(ex, arg);
    while (advance(c))
        ;
    leave(c);
}

void http_conn_next(struct http_conn *c, bool keep_alive, bool body_read)
{
    c->exchange = NULL;
    http_conn_set_state(c, keep_alive && body_read ? CONN_IDLE : CONN_LINGER);
    if (c->loop->current != c) /* answered from elsewhere */
        wake(c);
}

void http_conn_cut(struct http_conn *c)
{
    if (c->exchange)
        http_exchange_cancel(c->exchange);
    close_conn(c);
}

static void refuse_slow(struct http_exchange *ex, void *arg)
{
    (void)arg;
    http_exchange_refuse(ex, (struct http_fault){408, "the request took too long to arrive"});
}

uint64_t http_conn_progress(const struct http_conn *c)
{
    return c->state == CONN_BODY ? c->exchange->decoder.total
                                 : c->queued_bytes - http_conn_unsent(c);
}

void http_conn_expired(struct http_conn *c)
{
    const struct http_config *config = &c->loop->server->config;
    bool body = c->deadline == DEADLINE_BODY;
    if (body || c->deadline == DEADLINE_WRITE) {
        uint64_t period_ms = body ? config->body_timeout_ms : config->write_timeout_ms;
        if (http_conn_progress(c) - c->period_bytes >= config->min_rate * period_ms / 1000) {
            http_loop_arm(c, c->deadline);
            return;
        }
    }
    if (c->state == CONN_HEAD || c->state == CONN_BODY)
        http_conn_enter(c, refuse_slow, c->exchange, NULL);
    else
        http_conn_cut(c);
}

void http_conn_close_idle(struct http_conn *c)
{
    int waiting = 0;
    if (c->state != CONN_IDLE || http_conn_unsent(c) > 0)
        return;
    if (c->requests == 0) { /* its first request may be on its way */
        http_loop_arm(c, DEADLINE_LINGER);
        return;
    }
    if (ioctl(c->fd, FIONREAD, &waiting) == 0 && waiting > 0)
        return;
    http_conn_cut(c);
}
