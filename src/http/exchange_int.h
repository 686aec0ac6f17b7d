/* exchange_int.h - one request and its reply: from the first byte of a head to the last of the answer.
 *
 * Life:    begun by its connection, gone when its reply is complete and none of its functions is on
 *          the stack. Only a suspended one outlives its connection, and then waits to be resumed.
 * Memory:  reused by its loop with its arena and body buffer. */
#ifndef HTTP_EXCHANGE_INT_H
#define HTTP_EXCHANGE_INT_H

#include <stdatomic.h>

#include "http/conn_int.h"
#include "http/stream.h"

enum http_phase {
    PHASE_HEAD, /* on_head has not ended */
    PHASE_BODY,
    PHASE_REPLY,
};

struct http_exchange {
    struct http_request req; /* first: a handler's pointer is ours */
    struct http_loop *loop;
    struct http_conn *conn; /* NULL once the client has left */
    const struct http_listener *listener;
    enum http_phase phase;
    bool running;           /* one of its functions is on the stack */
    bool suspended;         /* seen by the loop alone */
    bool replied;           /* the reply is complete */
    bool streaming;         /* its head is out, more follows */
    bool chunked, bodyless; /* of the stream */
    bool blocked;           /* a stream write was refused */
    bool sse;
    bool keep_alive; /* after this exchange */
    atomic_bool cancelled;
    int status;
    uint64_t reply_bytes; /* of content */
    int64_t read_ns;      /* when the last byte of the request was here; until then, of its head */
    int64_t last_write_ms;
    http_handler *on_cancel, *on_drained, *resume_fn;
    struct http_mail resume;
    struct http_reply thread_reply;
    struct buf thread_body;
    struct buf body;
    struct arena arena;
    struct http_body decoder;
    char id[40]; /* a request id made here */
    char remote[INET6_ADDRSTRLEN];
    TAILQ_ENTRY(http_exchange) streams;
    STAILQ_ENTRY(http_exchange) spare;
    struct http_head head;
    struct http_match match;
    struct http_target target;
    struct http_parser parser;
};
TAILQ_HEAD(http_exchange_list, http_exchange);
STAILQ_HEAD(http_spare_list, http_exchange);

static inline struct http_exchange *http_exchange_of(const struct http_request *req)
{
    return (struct http_exchange *)req;
}

struct http_exchange *http_exchange_begin(struct http_conn *c);

/** Its head is parsed; head is a copy in its arena (p NULL: it did not fit). */
void http_exchange_head(struct http_exchange *ex, struct str head);

/** Its head cannot be read. */
void http_exchange_refuse(struct http_exchange *ex, struct http_fault fault);

/** A piece of its body, and what comes after the last. */
void http_exchange_piece(struct http_exchange *ex, struct str piece);
void http_exchange_complete(struct http_exchange *ex);

/** Around a call of one of the caller's functions: the end acts on what the function did, and ex may
 *  be gone after it. */
void http_exchange_call_begin(struct http_exchange *ex);
void http_exchange_call_end(struct http_exchange *ex);

/** Call fn as a handler of ex. */
void http_exchange_run(struct http_exchange *ex, http_handler *fn);

/** The client has left, or must. Afterwards ex is gone, or waits without conn for its resumption. */
void http_exchange_cancel(struct http_exchange *ex);

/** The reply is complete. Frees ex unless one of its functions is on the stack. */
void http_exchange_replied(struct http_exchange *ex);

/** Free what the loop keeps for reuse. */
void http_exchange_free_spare(struct http_loop *loop);

/* --- replies --- */

/** The route that stands in where the router has none: 404, 405, OPTIONS, preflight. */
const struct http_route *http_fallback_route(const struct http_exchange *ex);

/** Does the request come from an allowed origin? *origin is what to answer. */
bool http_cors_origin(const struct http_exchange *ex, struct str *origin);

/** Is one of the If-None-Match tags this one? */
bool http_etag_matches(const struct http_request *req, struct str etag);

/** 405 with Allow. */
void http_reply_not_allowed(struct http_request *req, struct str allow);

/** Write the head of a reply to the connection.
 *  length  bytes of content; -1: chunked, or until close */
void http_reply_head(struct http_exchange *ex, const struct http_reply *reply, int64_t length,
                     struct str etag, const char *encoding, bool vary);

/** A comment to each quiet event stream of the loop. */
void http_sse_heartbeat(struct http_loop *loop);

/** The connection has sent: go on with a stream that waits for it. */
void http_stream_sent(struct http_exchange *ex);

#endif
