/* http_int.h - the parts of the server, seen only inside http/.
 *
 *   server    configuration, listeners, loops
 *   loop      one thread: event base, mailbox, deadlines, pools; nothing but the mailbox is shared
 *   conn      one socket (conn_int.h)
 *   exchange  one request and its reply (exchange_int.h) */
#ifndef HTTP_INT_H
#define HTTP_INT_H

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/thread.h"
#include "http/compress.h"
#include "http/exchange_int.h"
#include "http/server.h"
#include "http/tls_int.h"

enum {
    HTTP_MAX_LISTENERS = 4,
    HTTP_MAX_LOOPS = 64,
    HTTP_TICK_MS = 100,
    HTTP_LINGER_MS = 2000,         /* what the peer has to read our last words */
    HTTP_INPUT_BYTES = 64 << 10,   /* unparsed input kept per connection */
    HTTP_OUTPUT_BYTES = 256 << 10, /* unsent replies above which no pipelined request is begun */
    HTTP_COPY_BYTES = 16 << 10,    /* larger owned bodies are sent by reference */
    HTTP_KEEP_BYTES = 256 << 10,   /* capacity that reused buffers keep */
    HTTP_SPARE = 64,               /* exchanges each loop keeps for reuse */
    HTTP_ID_BYTES = 64,            /* of a request id taken from the client */
};

/* --- loop --- */

struct http_loop {
    struct http_server *server;
    unsigned index;
    struct event_base *base;
    struct event *tick, *wake;
    int wake_fd;
    struct thread thread;
    pthread_mutex_t lock;       /* of mail */
    struct http_mail_list mail; /* in order of arrival */
    atomic_int_least64_t turned_ms;
    struct http_conn *current;
    struct buf out;     /* what current will send */
    struct buf head;    /* a head or an event being composed */
    struct buf scratch; /* handlers' */
    struct buf zipped;
    struct http_gzip *gzip;
    struct http_conn_list conns;
    struct http_conn_list deadlines[DEADLINES];
    struct http_exchange_list streams; /* of server-sent events, the quietest first */
    struct http_spare_list spare;
    unsigned n_spare;
    atomic_uint n_suspended;
    void *ctx;      /* req->loop_ctx */
    char date[40];  /* "Date: ...\r\n" */
    int64_t date_s; /* the second that it says */
    struct rng rng; /* of request ids */
    bool closing;   /* idle connections are closed */
};

enum err_code http_loop_init(struct http_loop *loop, struct http_server *server, unsigned index,
                             struct err *err);
void http_loop_release(struct http_loop *loop);
enum err_code http_loop_start(struct http_loop *loop, struct err *err);

/** From any thread; mail is delivered once, in order. */
void http_loop_post(struct http_loop *loop, struct http_mail *mail);

/** Deliver fn to the loop and wait until it has run. Not from a loop. */
void http_loop_call(struct http_loop *loop, void (*fn)(struct http_loop *loop));

/** c's deadline of this kind starts now. */
void http_loop_arm(struct http_conn *c, enum http_deadline kind);

/* --- listener --- */

/* By class of status: 1: 1xx ... 5: 5xx; 0: cancelled. */
struct http_route_metrics {
    struct counter *requests[6];
    struct histogram *took[6]; /* nanoseconds */
};

struct http_listener {
    struct http_server *server;
    const struct http_router *router;
    const char *name;
    int fd;
    uint16_t port;        /* 0: a Unix socket */
    char *path;           /* owned, of the Unix socket until it is closed; NULL: none */
    bool local;           /* a Unix socket */
    struct http_tls *tls; /* owned; NULL: plain */
    struct event *accept;
    struct http_route_metrics *metrics; /* [routes + 1], the last for those without route */
    struct counter *refused;
    bool paused; /* out of descriptors until the next tick */
};

enum err_code http_listener_open(struct http_listener *l, struct http_server *server,
                                 const struct http_listen *options, struct err *err);
void http_listener_release(struct http_listener *l);

/** On loop 0. */
void http_listener_start(struct http_listener *l, struct http_loop *loop);
/** Takes what waits in the queue, then closes. */
void http_listener_stop(struct http_listener *l);
void http_listener_unpause(struct http_listener *l);

/** Count and log a finished exchange. */
void http_observe_init(struct http_listener *l);
void http_observe(const struct http_exchange *ex);

/* --- server --- */

enum http_life { LIFE_NEW, LIFE_RUNNING, LIFE_DRAINING, LIFE_STOPPED };

struct http_server {
    struct http_config config; /* defaults filled in */
    struct http_listener listeners[HTTP_MAX_LISTENERS];
    unsigned n_listeners;
    struct http_loop *loops; /* [config.loops] */
    unsigned next_loop;      /* loop 0's: whose the next connection is */
    atomic_int life;
    pthread_mutex_t lock;     /* of addresses */
    struct map_u64 addresses; /* connections per address */
    atomic_uint n_conns;
};

/** Count a connection in; false: too many of all or of this address. */
bool http_server_admit(struct http_server *s, uint64_t address_key);
void http_server_depart(struct http_server *s, uint64_t address_key);

#endif
