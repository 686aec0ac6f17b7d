/* client.h - one request to a server of this machine, through its Unix socket.
 *
 * Model:   a connection a request, blocking: send, then read the reply to its end. It is for talking to
 *          our own server (server.h), whose replies it trusts to be framed by Content-Length or by
 *          the end of the connection; it is no client for the network.
 * Memory:  the reply's body is the caller's: buf_release.
 * Threads: any. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

/** Give up to cap (> 0) bytes of the body; *n is 0 at its end. */
typedef enum err_code http_client_read_fn(void *arg, char *out, size_t cap, size_t *n,
                                          struct err *err);

struct http_client_request {
    const char *method;        /* "GET" */
    const char *target;        /* "/v1/keys?x=y", encoded */
    const char *type;          /* Content-Type; NULL: none */
    struct str body;           /* or: */
    http_client_read_fn *read; /* a body of unknown length, sent in chunks; NULL: none */
    void *read_arg;
};

struct http_client_reply {
    int status;
    struct buf body; /* capped by the caller of http_client_call */
};

/** Send and wait for the reply, however long it takes.
 *  path  of the socket
 *  out   initialised here; its body is empty on failure
 *  ERR_UNAVAILABLE  nobody listens there
 *  ERR_DENIED       another user's
 *  ERR_LIMIT        the reply is larger than max_bytes
 *  ERR_IO           the connection broke, or the reply is cut short; otherwise what read returned */
ERR_MUST_USE enum err_code http_client_call(const char *path,
                                            const struct http_client_request *request,
                                            size_t max_bytes, struct http_client_reply *out,
                                            struct err *err);

#endif
