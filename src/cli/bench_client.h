/* bench_client.h - the plainest HTTP/1.1 client that can load a server: one blocking connection, one
 * request after another, replies with a Content-Length.
 *
 * Threads: one connection a thread; a target is shared and read only. */
#ifndef CLI_BENCH_CLIENT_H
#define CLI_BENCH_CLIENT_H

#include <sys/socket.h>

#include "base/buf.h"

enum { BENCH_INPUT_BYTES = 64 << 10, BENCH_HOST_BYTES = 280 };

/* Where a server is. */
struct bench_target {
    struct sockaddr_storage address;
    socklen_t address_len;
    char host[BENCH_HOST_BYTES]; /* for the Host header */
};

/** url: "http://HOST[:PORT]", a slash at its end or none.
 *  ERR_INVALID  not such a URL; ERR_UNAVAILABLE  the host has no address */
ERR_MUST_USE enum err_code bench_target_of(const char *url, struct bench_target *out,
                                           struct err *err);

struct bench_conn {
    const struct bench_target *target; /* borrowed */
    int fd;                            /* -1: not connected */
    char *in;                          /* [BENCH_INPUT_BYTES], owned */
};

struct bench_reply {
    int status;
    uint64_t bytes; /* head and body */
};

void bench_conn_init(struct bench_conn *c, const struct bench_target *target);
void bench_conn_release(struct bench_conn *c);

/** Send a whole request and read its whole reply, connecting first where the server ended the
 *  connection with its last reply.
 *  body (may be NULL)  what the reply's body is appended to
 *  ERR_UNAVAILABLE  no connection, or it broke; the next call connects again
 *  ERR_UNSUPPORTED  a reply whose length is not told */
ERR_MUST_USE enum err_code bench_ask(struct bench_conn *c, struct str request, struct buf *body,
                                     struct bench_reply *out, struct err *err);

#endif
