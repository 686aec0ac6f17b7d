/* request.h - a request as its handler sees it.
 *
 * Life:    from the last byte of its head to the last byte of its reply. Everything reachable from
 *          it is borrowed until then; the arena is the place for what must live as long.
 * Threads: a request belongs to its loop's thread. Between http_request_suspend and
 *          http_request_resume one other thread may read it and use its arena instead.
 * Order:   a handler ends in exactly one of: a reply (reply.h), a begun stream (stream.h), a
 *          suspension. One that does none of them is answered with 500. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/router.h"

/** Read only for handlers, but for user. */
struct http_request {
    enum http_method method; /* HTTP_HEAD reaches the handler of GET; the body is left out for it */
    struct str path;         /* as sent, without query */
    const struct http_target *target;
    const struct http_header *headers; /* [n_headers] */
    size_t n_headers;
    const struct http_param *params; /* [n_params] of the pattern */
    size_t n_params;
    const struct http_route *route;
    struct str body;       /* complete; empty where route->on_body took it */
    struct str request_id; /* 1..64 of [A-Za-z0-9._-] */
    struct str remote;     /* numeric address of the peer; personal data: never log it */
    bool tls;
    bool local;          /* through a Unix socket: the peer is the user of this process, or root */
    int64_t start_ns;    /* clock_mono_ns of the first byte of its head */
    struct arena *arena; /* empty at the start; capped by the server's configuration */
    void *loop_ctx;      /* what the server's on_loop gave for this loop */
    void *user;          /* the handler's */
};

/** Value of the first header of that name (any case); p is NULL if absent. */
struct str http_request_header(const struct http_request *req, const char *name);

/** Value of {name} in the pattern; CHECKed to exist. */
struct str http_request_param(const struct http_request *req, const char *name);

/** First value of a query parameter; false if absent. */
bool http_request_query(const struct http_request *req, const char *name, struct str *value);

/** Value of one cookie; p is NULL if absent. Quotes are kept. */
struct str http_request_cookie(const struct http_request *req, const char *name);

/** Does the Content-Type equal type ("application/json"), parameters and case aside? */
bool http_request_is_type(const struct http_request *req, const char *type);

/** returns borrowed the loop's reusable buffer, emptied: compose a body in it and reply at once. Not
 *  for suspended requests or streams. */
struct buf *http_request_scratch(struct http_request *req);

/** Call fn once if the request, its head read, ends before its reply is complete: the client left, was too slow, or
 *  the server stops. Runs on the loop; afterwards nothing can be sent, and unless suspended req is
 *  gone when fn returns. NULL takes it back. */
void http_request_on_cancel(struct http_request *req, http_handler *fn);

/** True once cancelled; any thread while suspended. */
bool http_request_cancelled(const struct http_request *req);

/** Answer later: req stays valid, also when the client leaves, until http_request_resume. While
 *  suspended in on_head or on_body no more of the body is read: this is the back-pressure of uploads.
 *  false  too many are suspended: 503 with Retry-After was sent and the request is over */
ERR_MUST_USE bool http_request_suspend(struct http_request *req);

/** End the suspension, from any thread: fn(req) (may be NULL) runs on the loop and does what the
 *  suspended function could have done; after on_head and on_body, reading goes on if it does nothing.
 *  If the request was cancelled fn runs too (free what you hold); what it replies goes nowhere. */
void http_request_resume(struct http_request *req, http_handler *fn);

/** Run fn(req, arg) on the loop without ending the suspension (bytes for a stream). Any thread while
 *  suspended; calls arrive in order, also after a cancel. */
void http_request_post(struct http_request *req, void (*fn)(struct http_request *req, void *arg),
                       void *arg);

#endif
