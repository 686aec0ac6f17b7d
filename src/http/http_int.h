/* http_int.h - the parts of the server, seen only inside http/.
 *
 *   server    configuration, listeners, loops
 *   loop      one thread: event base, mailbox, deadlines, pools; nothing but the mailbox is shared
 *   conn      one socket: bytes in, bytes out, at most one exchange at a time
 *   exchange  one request and its reply; outlives its conn only while suspended
 *
 * Replies are composed in loop->out while a conn is current, and sent when it is left: a pipelined
 * batch is one write. What the kernel does not take goes to the bufferevent. */
#ifndef HTTP_INT_H
#define HTTP_INT_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/thread.h"
#include "http/compress.h"
#include "http/server.h"
#include "http/stream.h"

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

struct http_loop;
struct http_listener;
struct http_exchange;

/* --- mail: work for a loop from any thread --- */

struct http_mail {
    STAILQ_ENTRY(http_mail) link;
    void (*deliver)(struct http_loop *loop, struct http_mail *mail);
};
STAILQ_HEAD(http_mail_list, http_mail);

/* --- connection --- */

enum http_conn_state {
    CONN_IDLE,    /* between requests */
    CONN_HEAD,    /* part of a head is here */
    CONN_BODY,    /* the body is being read */
    CONN_PENDING, /* a suspension or a stream has it */
    CONN_LINGER,  /* the last reply is on its way; input is discarded */
};

enum http_deadline {
    DEADLINE_NONE,
    DEADLINE_HEAD,
    DEADLINE_BODY,
    DEADLINE_IDLE,
    DEADLINE_WRITE,
    DEADLINE_LINGER,
    DEADLINES
};

struct http_conn {
    struct http_loop *loop;
    const struct http_listener *listener;
    struct bufferevent *bev; /* owned, closes fd */
    int fd;
    enum http_conn_state state;
    struct http_exchange *exchange; /* NULL while idle or lingering */
    unsigned requests;              /* begun on this connection */
    bool rearm;                     /* the state is new: its deadline starts now */
    bool dead;                      /* to be closed when it is left */
    bool eof;                       /* the peer's side is shut down */
    bool shut;                      /* our side is shut down */
    uint64_t queued_bytes;          /* ever given to bev's output */
    enum http_deadline deadline;    /* the list in loop->deadlines that it is in */
    int64_t period_start_ms;
    uint64_t period_bytes; /* progress when the period began */
    TAILQ_ENTRY(http_conn) timed;
    TAILQ_ENTRY(http_conn) all;
    uint64_t address_key; /* 0: not counted */
    char remote[INET6_ADDRSTRLEN];
};
TAILQ_HEAD(http_conn_list, http_conn);

/** Takes fd. Its loop's thread. */
void http_conn_open(struct http_loop *loop, int fd, const struct http_listener *listener,
                    const char *remote, uint64_t address_key);

/** Make c current, call fn(ex) (NULL: nothing), read on, send, and close or set the deadline. */
void http_conn_enter(struct http_conn *c, void (*fn)(struct http_exchange *ex, void *arg),
                     struct http_exchange *ex, void *arg);

/** Append to what c sends. */
void http_conn_send(struct http_conn *c, const char *p, size_t n);

/** Append bytes that stay valid until release(arg). */
void http_conn_send_ref(struct http_conn *c, struct str bytes, evbuffer_ref_cleanup_cb release,
                        void *arg);

size_t http_conn_unsent(const struct http_conn *c);

/** The exchange of c is over: begin the next or close. */
void http_conn_next(struct http_conn *c, bool keep_alive, bool body_read);

/** The deadline of c has passed. */
void http_conn_expired(struct http_conn *c);

/** Close now; an exchange is cancelled. */
void http_conn_cut(struct http_conn *c);

/** Close if it is idle with nothing to be read. */
void http_conn_close_idle(struct http_conn *c);

/** Bytes of its body, or of our replies, that went over the wire: whichever its deadline is about. */
uint64_t http_conn_progress(const struct http_conn *c);

static inline void http_conn_set_state(struct http_conn *c, enum http_conn_state state)
{
    c->state = state;
    c->rearm = true;
}

/* --- exchange --- */

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
    int64_t now_ms; /* when the current turn began */
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

struct http_route_metrics {
    struct counter *by_class[6]; /* 1: 1xx ... 5: 5xx; 0: cancelled */
    struct histogram *latency;   /* nanoseconds */
};

struct http_listener {
    struct http_server *server;
    const struct http_router *router;
    const char *name;
    int fd;
    uint16_t port;
    SSL_CTX *tls; /* NULL: plain */
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
