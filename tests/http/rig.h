/* rig.h - a server on a free port of the loopback, and a plain client that reads what it says.
 *
 * The client is written from the RFC, not from the server: blocking sockets, its own reading of
 * lengths and chunks. A test that waits too long fails through the suite's time-out. */
#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/suite.h"

#include "base/buf.h"
#include "http/server.h"
#include "http/stream.h"

struct rig {
    struct http_server *server;
    struct http_router *router;
    uint16_t port;
};

static inline void rig_start_with(struct rig *rig, const struct http_config *config,
                                  struct http_listen listen, const struct http_route *routes,
                                  size_t n)
{
    struct err err;
    ck_ok(http_router_new(routes, n, &rig->router, &err));
    ck_ok(http_server_new(config, &rig->server, &err));
    listen.router = rig->router;
    listen.address = "127.0.0.1";
    listen.name = "main";
    ck_ok(http_server_listen(rig->server, &listen, NULL, &err));
    rig->port = http_server_port(rig->server, 0);
    ck_ok(http_server_start(rig->server, &err));
}

static inline void rig_start(struct rig *rig, const struct http_config *config,
                             const struct http_route *routes, size_t n)
{
    rig_start_with(rig, config, (struct http_listen){.port = 0}, routes, n);
}

static inline void rig_stop(struct rig *rig)
{
    http_server_free(rig->server);
    http_router_free(rig->router);
}

struct client {
    int fd;
    struct buf in; /* received */
    size_t at;     /* consumed by answers */
    bool ended;    /* the server has closed, or reset */
};

static inline int client_socket(uint16_t port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof sa) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline void client_open(struct client *c, uint16_t port)
{
    *c = (struct client){.fd = client_socket(port)};
    ck_assert_int_ge(c->fd, 0);
    buf_init(&c->in, 256 << 20);
}

static inline void client_close(struct client *c)
{
    close(c->fd);
    buf_release(&c->in);
}

/* false once the server does not take any more. */
static inline bool client_send_bytes(struct client *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline void client_send(struct client *c, const char *text)
{
    ck_assert(client_send_bytes(c, text, strlen(text)));
}

/* Read once more; false at the end. */
static inline bool client_fill(struct client *c)
{
    char bytes[16384];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    c->ended = n <= 0;
    if (n > 0)
        buf_put(&c->in, bytes, (size_t)n);
    return n > 0;
}

static inline struct str client_rest(const struct client *c)
{
    return (struct str){c->in.data + c->at, c->in.len - c->at};
}

/* Bytes up to and with the next text; false if the server closes before. */
static inline bool client_line(struct client *c, const char *text, struct str *line)
{
    size_t end;
    while (c->in.len == 0 || (end = str_search(client_rest(c), str_of(text))) == SIZE_MAX)
        if (!client_fill(c))
            return false;
    line->p = c->in.data + c->at;
    line->n = end + strlen(text);
    c->at += line->n;
    return true;
}

/* The next n bytes, appended to out. */
static inline bool client_take(struct client *c, size_t n, struct buf *out)
{
    while (c->in.len - c->at < n)
        if (!client_fill(c))
            return false;
    buf_put(out, c->in.data + c->at, n);
    c->at += n;
    return true;
}

struct answer {
    int status; /* 0: none came, or it was cut short */
    struct buf head;
    struct buf body;
};

static inline void answer_release(struct answer *a)
{
    buf_release(&a->head);
    buf_release(&a->body);
}

/* Value of a header; p NULL if absent. */
static inline struct str answer_header(const struct answer *a, const char *name)
{
    struct str rest = buf_str(&a->head);
    while (rest.p) {
        struct str value = str_trim(str_split(&rest, '\n'));
        struct str key = str_split(&value, ':');
        if (value.p && str_eq_nocase(key, str_of(name)))
            return str_trim(value);
    }
    return (struct str){NULL, 0};
}

static inline bool read_chunks(struct client *c, struct buf *body)
{
    struct str line;
    for (;;) {
        struct buf end;
        if (!client_line(c, "\r\n", &line))
            return false;
        size_t n = strtoul(line.p, NULL, 16);
        bool whole = n == 0 || client_take(c, n, body);
        buf_init(&end, 2);
        whole = whole && client_take(c, 2, &end) && str_is(buf_str(&end), "\r\n");
        buf_release(&end);
        if (!whole || n == 0)
            return whole;
    }
}

static inline bool read_content(struct client *c, struct answer *a, bool head_request)
{
    struct str length = answer_header(a, "Content-Length");
    if (head_request || a->status == 204 || a->status == 304 || a->status == 100)
        return true;
    if (str_is(answer_header(a, "Transfer-Encoding"), "chunked"))
        return read_chunks(c, &a->body);
    if (length.p)
        return client_take(c, strtoul(length.p, NULL, 10), &a->body);
    while (client_fill(c))
        ;
    return client_take(c, c->in.len - c->at, &a->body);
}

/* Read one answer; status 0 if the connection ends before it is whole. */
static inline void client_read_to(struct client *c, bool head_request, struct answer *a)
{
    struct str head;
    *a = (struct answer){.status = 0};
    buf_init(&a->head, 1 << 20);
    buf_init(&a->body, 256 << 20);
    if (!client_line(c, "\r\n\r\n", &head))
        return;
    buf_put_str(&a->head, head);
    ck_assert(str_starts(head, STR_LIT("HTTP/1.1 ")));
    a->status = (int)strtol(a->head.data + 9, NULL, 10);
    if (!read_content(c, a, head_request))
        a->status = 0;
}

static inline void client_read(struct client *c, struct answer *a)
{
    client_read_to(c, false, a);
}

/* Send a request, read its answer, return the status. */
static inline int client_ask(struct client *c, const char *request, struct answer *a)
{
    client_send(c, request);
    client_read(c, a);
    return a->status;
}

/* As client_ask over a connection of its own, forgetting the answer. */
static inline int rig_status(const struct rig *rig, const char *request)
{
    struct client c;
    struct answer a;
    client_open(&c, rig->port);
    int status = client_ask(&c, request, &a);
    answer_release(&a);
    client_close(&c);
    return status;
}

/* The server closes, and has nothing more to say. */
static inline bool client_sees_end(struct client *c)
{
    while (!c->ended)
        client_fill(c);
    return c->at == c->in.len;
}

#define ck_body(a, text) ck_assert_msg(str_is(buf_str(&(a)->body), text), "%s", (a)->body.data)

#endif
