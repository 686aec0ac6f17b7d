/* conn_int.h - one socket: bytes in, bytes out, at most one exchange at a time.
 *
 * Turns:   all work on a connection happens in http_conn_enter, which makes it current: replies are
 *          composed in loop->out and sent when it is left, so a pipelined batch is one write. What the
 *          kernel does not take goes to the bufferevent. Turns never nest; what one connection's
 *          handler does to another's stream goes to that one's bufferevent and wakes it.
 * Threads: its loop's. */
#ifndef HTTP_CONN_INT_H
#define HTTP_CONN_INT_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/str.h"

struct http_loop;
struct http_listener;
struct http_exchange;

/** Work for a loop from any thread. */
struct http_mail {
    STAILQ_ENTRY(http_mail) link;
    void (*deliver)(struct http_loop *loop, struct http_mail *mail);
};
STAILQ_HEAD(http_mail_list, http_mail);

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

#endif
