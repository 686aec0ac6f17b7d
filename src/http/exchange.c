/* One request and its reply: from a parsed head through its functions to the next. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/chars.h"
#include "http/http_int.h"

/* --- pool --- */

struct http_exchange *http_exchange_begin(struct http_conn *c)
{
    struct http_loop *loop = c->loop;
    struct http_exchange *ex = STAILQ_FIRST(&loop->spare);
    if (ex) {
        STAILQ_REMOVE_HEAD(&loop->spare, spare);
        loop->n_spare--;
    } else {
        ex = MEM_NEW(struct http_exchange);
        arena_init(&ex->arena, 0, loop->server->config.arena_bytes);
    }
    ex->loop = loop;
    ex->conn = c;
    ex->listener = c->listener;
    ex->req.start_ns = ex->read_ns = clock_mono_ns();
    ex->req.arena = &ex->arena;
    ex->req.loop_ctx = loop->ctx;
    memcpy(ex->remote, c->remote, sizeof ex->remote); /* c may be gone before ex */
    ex->req.remote = str_of(ex->remote);
    ex->req.tls = c->listener->tls != NULL;
    ex->req.local = c->listener->local;
    http_parser_init(&ex->parser, &loop->server->config.limits);
    return ex;
}

static void release_exchange(struct http_exchange *ex)
{
    arena_release(&ex->arena);
    buf_release(&ex->body);
    mem_free(ex);
}

/* Make it as new, keeping its memory; the large tables behind head are written before they are
 * read. */
static void recycle(struct http_exchange *ex)
{
    struct http_loop *loop = ex->loop;
    if (ex->sse)
        TAILQ_REMOVE(&loop->streams, ex, streams);
    if (loop->n_spare == HTTP_SPARE || ex->body.cap > HTTP_KEEP_BYTES) {
        release_exchange(ex);
        return;
    }
    struct arena arena = ex->arena;
    struct buf body = ex->body;
    memset(ex, 0, offsetof(struct http_exchange, head));
    ex->arena = arena;
    ex->body = body;
    arena_reset(&ex->arena);
    buf_reset(&ex->body);
    STAILQ_INSERT_HEAD(&loop->spare, ex, spare);
    loop->n_spare++;
}

void http_exchange_free_spare(struct http_loop *loop)
{
    struct http_exchange *ex;
    while ((ex = STAILQ_FIRST(&loop->spare))) {
        STAILQ_REMOVE_HEAD(&loop->spare, spare);
        release_exchange(ex);
    }
}

/* --- end --- */

static void finish(struct http_exchange *ex)
{
    struct http_conn *c = ex->conn;
    bool keep_alive = ex->keep_alive, body_read = ex->phase == PHASE_REPLY;
    if (ex->req.request_id.n) /* else not even its head was read */
        http_observe(ex);
    recycle(ex);
    if (c)
        http_conn_next(c, keep_alive, body_read);
}

void http_exchange_replied(struct http_exchange *ex)
{
    ex->replied = true;
    if (!ex->running && !ex->suspended)
        finish(ex);
}

static void call_cancel(struct http_exchange *ex)
{
    http_handler *fn = ex->on_cancel;
    ex->on_cancel = NULL;
    atomic_store(&ex->cancelled, true);
    if (!fn)
        return;
    bool was_running = ex->running;
    ex->running = true;
    fn(&ex->req);
    ex->running = was_running;
}

void http_exchange_cancel(struct http_exchange *ex)
{
    ex->conn = NULL;
    call_cancel(ex);
    if (!ex->suspended)
        finish(ex);
}

static void make_id(struct http_exchange *ex)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i += 16) {
        uint64_t v = rng_u64(&ex->loop->rng);
        for (size_t j = 0; j < 16; j++, v >>= 4)
            ex->id[i + j] = hex[v & 15];
    }
    ex->req.request_id = (struct str){ex->id, 32};
}

/* The client's own id, where it is one. */
static void take_id(struct http_exchange *ex)
{
    struct str id = http_request_header(&ex->req, "X-Request-Id");
    if (id.n > 0 && id.n <= HTTP_ID_BYTES && chars_all(id.p, id.n, CHAR_ID))
        ex->req.request_id = id;
    else
        make_id(ex);
}

static const char *fault_code(int status)
{
    switch (status) {
    case 408:
        return "timeout";
    case 413:
    case 414:
    case 431:
        return "limit";
    case 501:
    case 505:
        return "unsupported";
    default:
        return "invalid";
    }
}

void http_exchange_refuse(struct http_exchange *ex, struct http_fault fault)
{
    if (ex->streaming) { /* it is too late for another status */
        ex->conn->dead = true;
        return;
    }
    struct http_conn *c = ex->conn;
    ex->conn = NULL; /* what on_cancel replies goes nowhere */
    call_cancel(ex);
    ex->conn = c;
    ex->replied = false;
    atomic_store(&ex->cancelled, false);
    if (!ex->req.request_id.n)
        make_id(ex);
    ex->keep_alive = false;
    http_reply_error(&ex->req, fault.status, fault_code(fault.status), fault.why);
}

/* --- course --- */

static void begin_body(struct http_exchange *ex)
{
    struct http_conn *c = ex->conn;
    ex->phase = PHASE_BODY;
    if (ex->head.framing == HTTP_NO_BODY) {
        http_exchange_complete(ex);
        return;
    }
    http_conn_set_state(c, CONN_BODY);
    if (ex->head.expect_continue && evbuffer_get_length(bufferevent_get_input(c->bev)) == 0) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        http_conn_send(c, go_on, sizeof go_on - 1);
    }
}

static void pend(struct http_conn *c)
{
    if (c && c->state != CONN_PENDING)
        http_conn_set_state(c, CONN_PENDING);
}

void http_exchange_call_begin(struct http_exchange *ex)
{
    log_set_request_id(ex->req.request_id);
    ex->running = true;
}

void http_exchange_call_end(struct http_exchange *ex)
{
    struct http_conn *c = ex->conn;
    ex->running = false;
    log_set_request_id((struct str){NULL, 0});
    if (ex->suspended) {
        pend(c);
    } else if (!c || ex->replied) {
        finish(ex);
    } else if (ex->phase == PHASE_HEAD) {
        begin_body(ex);
    } else if (ex->phase == PHASE_BODY) {
        if (c->state != CONN_BODY)
            http_conn_set_state(c, CONN_BODY);
    } else if (ex->streaming) {
        pend(c);
    } else {
        http_reply_error(&ex->req, 500, "internal", "the handler gave no answer");
    }
}

void http_exchange_run(struct http_exchange *ex, http_handler *fn)
{
    http_exchange_call_begin(ex);
    fn(&ex->req);
    http_exchange_call_end(ex);
}

/* The facts of the head, into the request. */
static bool fill(struct http_exchange *ex, const char *bytes)
{
    struct http_request *req = &ex->req;
    size_t n = ex->parser.n_headers;
    struct http_header *headers = arena_try_alloc(&ex->arena, n * sizeof *headers);
    if (!headers)
        return false;
    http_parser_head(&ex->parser, bytes, &ex->head, headers);
    req->method = ex->head.method;
    req->headers = headers;
    req->n_headers = n;
    req->target = &ex->target;
    take_id(ex);
    return true;
}

static void route(struct http_exchange *ex)
{
    struct http_request *req = &ex->req;
    req->path = ex->target.path;
    ex->match.route = NULL;
    ex->match.path_exists = false;
    if (!ex->target.asterisk)
        http_router_match(ex->listener->router, req->method, &ex->target, &ex->arena, &ex->match);
    if (ex->match.route) {
        req->params = ex->match.params;
        req->n_params = ex->match.n_params;
    }
    req->route = ex->match.route ? ex->match.route : http_fallback_route(ex);
}

void http_exchange_head(struct http_exchange *ex, struct str head)
{
    const struct http_config *config = &ex->loop->server->config;
    ex->read_ns = clock_mono_ns();
    if (!head.p || !fill(ex, head.p)) {
        http_exchange_refuse(ex, (struct http_fault){431, "the head needs too much memory"});
        return;
    }
    struct http_fault fault = {501, "this method is not implemented"};
    if (ex->head.method != HTTP_OTHER)
        fault = http_target_parse(ex->head.target, ex->head.method, &ex->arena, &ex->target);
    if (fault.status) {
        http_exchange_refuse(ex, fault);
        return;
    }
    route(ex);
    uint64_t max = ex->req.route->max_body_bytes;
    http_body_init(&ex->decoder, &ex->head, max ? max : config->max_body_bytes);
    if (ex->decoder.fault.status) {
        http_exchange_refuse(ex, ex->decoder.fault);
        return;
    }
    ex->keep_alive = ex->head.keep_alive && ex->conn->requests < config->max_requests;
    ex->body.max = ex->decoder.max_bytes;
    if (ex->req.route->on_head)
        http_exchange_run(ex, ex->req.route->on_head);
    else
        begin_body(ex);
}

void http_exchange_piece(struct http_exchange *ex, struct str piece)
{
    if (!ex->req.route->on_body) {
        buf_put_str(&ex->body, piece);
        if (ex->body.full)
            http_exchange_refuse(ex, (struct http_fault){413, "no memory for the body"});
        return;
    }
    http_exchange_call_begin(ex);
    ex->req.route->on_body(&ex->req, piece);
    http_exchange_call_end(ex);
}

void http_exchange_complete(struct http_exchange *ex)
{
    ex->phase = PHASE_REPLY;
    if (ex->head.framing != HTTP_NO_BODY)
        ex->read_ns = clock_mono_ns();
    ex->req.body = buf_str(&ex->body);
    http_exchange_run(ex, ex->req.route->handler);
}
