#include "cli/bench_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATIENCE_S = 30 };

/* --- where ----------------------------------------------------------------------------------- */

static enum err_code resolve(const char *host, const char *port, struct bench_target *out,
                             struct err *err)
{
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", host, gai_strerror(rc));
    memcpy(&out->address, found->ai_addr, found->ai_addrlen);
    out->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return ERR_OK;
}

enum err_code bench_target_of(const char *url, struct bench_target *out, struct err *err)
{
    struct str rest = str_of(url), scheme = STR_LIT("http://");
    char name[BENCH_HOST_BYTES], port[8];
    int64_t number = 80;
    *out = (struct bench_target){.address_len = 0};
    if (!str_starts(rest, scheme))
        return err_set(err, ERR_INVALID, "'%s' does not begin with http://", url);
    rest = (struct str){rest.p + scheme.n, rest.n - scheme.n};
    if (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    snprintf(out->host, sizeof out->host, "%.*s", STR_ARG(rest));
    /* an IPv6 address stands in brackets */
    bool bracket = rest.n && rest.p[0] == '[';
    struct str host = bracket ? (struct str){rest.p + 1, rest.n - 1} : rest;
    rest = host;
    host = str_split(&rest, bracket ? ']' : ':');
    if (bracket && rest.n)
        str_split(&rest, ':');
    if (host.n == 0 || host.n >= sizeof name || (bracket && !rest.p) ||
        memchr(out->host, '/', strlen(out->host)) ||
        (rest.n && str_parse_i64(rest, 1, 65535, &number, NULL) != ERR_OK))
        return err_set(err, ERR_INVALID, "'%s' is not http://HOST:PORT", url);
    snprintf(name, sizeof name, "%.*s", STR_ARG(host));
    snprintf(port, sizeof port, "%d", (int)number);
    return resolve(name, port, out, err);
}

/* --- a connection ---------------------------------------------------------------------------- */

void bench_conn_init(struct bench_conn *c, const struct bench_target *target)
{
    *c = (struct bench_conn){.target = target, .fd = -1, .in = mem_new(BENCH_INPUT_BYTES, 1)};
}

static void hang_up(struct bench_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void bench_conn_release(struct bench_conn *c)
{
    hang_up(c);
    mem_free(c->in);
}

static enum err_code call_server(struct bench_conn *c, struct err *err)
{
    static const int on = 1;
    static const struct timeval patience = {PATIENCE_S, 0};
    const struct sockaddr *to = (const struct sockaddr *)&c->target->address;
    c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, to, c->target->address_len) != 0) {
        enum err_code code = err_set_errno(err, ERR_UNAVAILABLE, errno, "%s", c->target->host);
        hang_up(c);
        return code;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return ERR_OK;
}

static enum err_code broke(struct bench_conn *c, const char *what, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "%s: the connection broke while %s", c->target->host,
                   what);
}

static enum err_code send_request(struct bench_conn *c, struct str bytes, struct err *err)
{
    while (bytes.n > 0) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return broke(c, "sending", err);
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return ERR_OK;
}

/* At least one more byte behind the first have. */
static enum err_code receive(struct bench_conn *c, size_t have, size_t *n, struct err *err)
{
    ssize_t got;
    do
        got = recv(c->fd, c->in + have, BENCH_INPUT_BYTES - have, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return broke(c, "reading", err);
    *n = (size_t)got;
    return ERR_OK;
}

struct head {
    size_t bytes;
    int status;
    uint64_t length;
    bool closes;
};

static enum err_code read_fields(struct str text, struct head *h, struct err *err)
{
    int64_t number;
    bool told = false;
    struct str line = str_split(&text, '\n');
    if (!str_starts(line, STR_LIT("HTTP/1.1 ")) || line.n < 12 ||
        str_parse_i64((struct str){line.p + 9, 3}, 100, 599, &number, NULL) != ERR_OK)
        return err_set(err, ERR_UNSUPPORTED, "the server does not speak HTTP/1.1");
    h->status = (int)number;
    while (text.p && text.n) {
        struct str value = str_split(&text, '\n'), name = str_split(&value, ':');
        value = str_trim(value);
        if (str_eq_nocase(name, STR_LIT("content-length")) &&
            str_parse_i64(value, 0, INT64_MAX, &number, NULL) == ERR_OK) {
            h->length = (uint64_t)number;
            told = true;
        } else if (str_eq_nocase(name, STR_LIT("connection"))) {
            h->closes = str_eq_nocase(value, STR_LIT("close"));
        }
    }
    if (!told && h->status != 204 && h->status != 304)
        return err_set(err, ERR_UNSUPPORTED, "a reply without Content-Length");
    return ERR_OK;
}

/* *have bytes are in c->in when it is whole. */
static enum err_code read_head(struct bench_conn *c, size_t *have, struct head *h, struct err *err)
{
    size_t n = 0, end;
    *have = 0;
    do {
        if (*have == BENCH_INPUT_BYTES)
            return err_set(err, ERR_UNSUPPORTED, "a reply's head is too long");
        enum err_code code = receive(c, *have, &n, err);
        if (code != ERR_OK)
            return code;
        *have += n;
        end = str_search((struct str){c->in, *have}, STR_LIT("\r\n\r\n"));
    } while (end == SIZE_MAX);
    h->bytes = end + 4;
    return read_fields((struct str){c->in, end}, h, err);
}

static enum err_code read_reply(struct bench_conn *c, struct buf *body, struct bench_reply *out,
                                struct err *err)
{
    struct head h = {0};
    size_t have;
    enum err_code code = read_head(c, &have, &h, err);
    if (code != ERR_OK)
        return code;
    struct str piece = {c->in + h.bytes, have - h.bytes};
    for (uint64_t left = h.length;; piece.p = c->in) {
        if (piece.n > left)
            return broke(c, "reading: there is more than the reply", err);
        left -= piece.n;
        if (body)
            buf_put_str(body, piece);
        if (left == 0)
            break;
        code = receive(c, 0, &piece.n, err);
        if (code != ERR_OK)
            return code;
    }
    *out = (struct bench_reply){h.status, h.bytes + h.length};
    if (h.closes)
        hang_up(c);
    return ERR_OK;
}

enum err_code bench_ask(struct bench_conn *c, struct str request, struct buf *body,
                        struct bench_reply *out, struct err *err)
{
    enum err_code code = c->fd < 0 ? call_server(c, err) : ERR_OK;
    if (code == ERR_OK)
        code = send_request(c, request, err);
    if (code == ERR_OK)
        code = read_reply(c, body, out, err);
    if (code != ERR_OK)
        hang_up(c);
    return code;
}
