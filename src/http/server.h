/* server.h - event loops, listeners, limits, life.
 *
 * Model:   N loops, each a thread that shares nothing with the others; loop 0 accepts and deals the
 *          connections round robin. Handlers run on the loop of their connection.
 * Order:   new, listen (once per port), start, ... drain, free.
 * Bounds:  connections in all and per address, head, target, body, requests per connection,
 *          suspended requests, unsent bytes, and a deadline for each phase. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "http/router.h"

struct http_server;

struct http_cors {
    const char *const *origins; /* [n_origins] "https://shop.example" or "*"; borrowed */
    size_t n_origins;           /* 0: no CORS headers at all */
    const char *headers;        /* allowed request headers; NULL: a list of the usual ones */
    const char *expose;         /* readable reply headers; NULL: a list of the usual ones */
    bool credentials;           /* with "*" the origin is never echoed and this is ignored */
    unsigned max_age_s;         /* 0: 600 */
};

/** Zero means the default in brackets. Times in milliseconds. */
struct http_config {
    unsigned loops;             /* [1] at most 64 */
    unsigned max_connections;   /* [8192] beyond: 503 and close */
    unsigned max_per_address;   /* [1024] same; an IPv6 /64 is one address; loopback is exempt */
    unsigned max_requests;      /* [10000] on one connection, then Connection: close */
    unsigned max_suspended;     /* [1024] per loop; beyond: 503 with Retry-After */
    struct http_limits limits;  /* head and target */
    uint64_t max_body_bytes;    /* [1 MiB] for routes that name none */
    size_t arena_bytes;         /* [16 MiB] cap of one request's arena */
    size_t stream_unsent_bytes; /* [256 KiB] */
    unsigned head_timeout_ms;   /* [10 s] first to last byte of a head, TLS handshake included */
    unsigned body_timeout_ms;   /* [30 s] a body's time, prolonged while min_rate is kept */
    unsigned min_rate;          /* [1024] bytes/s of a body, and of a reply being read */
    unsigned idle_timeout_ms;   /* [60 s] between requests */
    unsigned write_timeout_ms;  /* [30 s] a reply's time, prolonged while min_rate is kept */
    unsigned heartbeat_ms;      /* [15 s] of server-sent events */
    int gzip_level;             /* [1] 1..9; -1: never */
    bool access_log;            /* one line per request through base/log.h */
    struct http_cors cors;
    /** Called on each loop's thread before its first request, and after its last. What on_loop
     *  returns is req->loop_ctx. Either may be NULL. */
    void *(*on_loop)(void *ctx, unsigned loop);
    void (*on_loop_end)(void *ctx, unsigned loop, void *loop_ctx);
    void *ctx;
};

struct http_listen {
    const char *address;              /* NULL: all, IPv6 and IPv4; else numeric, e.g. "127.0.0.1" */
    uint16_t port;                    /* 0: any free one, see http_server_port */
    const struct http_router *router; /* borrowed for the life of the server */
    const char *name;                 /* static, for metrics and messages: "main", "admin" */
    const char *tls_cert;             /* PEM chain file; NULL: plain */
    const char *tls_key;              /* PEM key file */
    /* Instead of address and port: a Unix socket at this path (borrowed during the call), mode 0600, for
     * programs of the same user and of root; others are cut off. A socket that is there is replaced,
     * so hold a lock that says that nobody else listens on it. Its file goes with the listener. */
    const char *path;
};

ERR_MUST_USE enum err_code http_server_new(const struct http_config *config,
                                           struct http_server **out, struct err *err);

/** Bind before start; at most 4. *index (may be NULL) is for http_server_port.
 *  ERR_CONFLICT  the port is in use, or the path by another kind of file; the message names it
 *  ERR_INVALID   address, certificate or key
 *  ERR_LIMIT     the name of a Unix socket is too long (the path may be any) */
ERR_MUST_USE enum err_code http_server_listen(struct http_server *s, const struct http_listen *l,
                                              unsigned *index, struct err *err);

/** Read the certificates and keys of all listeners again, or of those only whose files have changed
 *  since they were read. New connections get the new pair, open ones go on. *reloaded counts the
 *  listeners that have a new one. From one thread at a time.
 *  ERR_INVALID  a pair is broken; its listener keeps the old one, and the others were tried too */
ERR_MUST_USE enum err_code http_server_reload_tls(struct http_server *s, bool changed_only,
                                                  unsigned *reloaded, struct err *err);

uint16_t http_server_port(const struct http_server *s, unsigned index);

ERR_MUST_USE enum err_code http_server_start(struct http_server *s, struct err *err);

/** Blocks until stopped: replies say Connection: close and new connections are served for grace_ms,
 *  then listeners close and what is in flight has finish_ms before it is cancelled. */
void http_server_drain(struct http_server *s, unsigned grace_ms, unsigned finish_ms);

/** Stops at once if it was not drained. Waits for suspended requests: whoever holds one must resume it
 *  after its on_cancel. */
void http_server_free(struct http_server *s);

/** Milliseconds since the slowest loop last turned; a healthy one turns every 100 ms. Any thread. */
int64_t http_server_stalled_ms(const struct http_server *s);

unsigned http_server_connections(const struct http_server *s);

#endif
