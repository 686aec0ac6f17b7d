/* A listening port or Unix socket: binding, TLS, accepting, and dealing connections to the loops. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "http/http_int.h"
#include "http/unix_int.h"

enum { BACKLOG = 1024, ACCEPTS_PER_TURN = 64 };

/* --- binding --- */

struct address {
    struct sockaddr_storage sa;
    socklen_t n;
};

static enum err_code resolve(const struct http_listen *options, struct address *out,
                             struct err *err)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->sa;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->sa;
    *out = (struct address){.n = 0};
    const char *address = options->address ? options->address : "::";
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(options->port);
        out->n = sizeof *v6;
    } else if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(options->port);
        out->n = sizeof *v4;
    } else {
        return err_set(err, ERR_INVALID, "%s: '%s' is not a numeric address", options->name,
                       address);
    }
    return ERR_OK;
}

static int open_socket(const struct address *a)
{
    static const int on = 1, off = 0;
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    if (a->sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (const struct sockaddr *)&a->sa, a->n) != 0 || listen(fd, BACKLOG) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    getsockname(fd, (struct sockaddr *)&sa, &n);
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)&sa)->sin_port);
}

static enum err_code bind_port(struct http_listener *l, const struct http_listen *options,
                               struct err *err)
{
    struct address address;
    enum err_code code = resolve(options, &address, err);
    if (code)
        return code;
    l->fd = open_socket(&address);
    if (l->fd < 0 && errno == EAFNOSUPPORT && !options->address) { /* a kernel without IPv6 */
        struct http_listen v4 = *options;
        v4.address = "0.0.0.0";
        return bind_port(l, &v4, err);
    }
    if (l->fd < 0 && errno == EADDRINUSE)
        return err_set(err, ERR_CONFLICT, "%s: port %u is in use by another program", options->name,
                       options->port);
    if (l->fd < 0)
        return err_set_errno(err, ERR_IO, errno, "%s: cannot listen on port %u", options->name,
                             options->port);
    l->port = bound_port(l->fd);
    return ERR_OK;
}

/* --- a Unix socket --- */

/* What stands in the way is what a server that was killed has left: the caller's lock says so. */
static enum err_code remove_stale(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : err_set_errno(err, ERR_IO, errno, "%s", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_CONFLICT, "%s is in the way, and no socket", path);
    return unlink(path) == 0 ? ERR_OK : err_set_errno(err, ERR_IO, errno, "%s", path);
}

/* Open to its owner alone from the first moment: the file takes the mode of the socket, and nobody
 * can connect before listen. */
static int open_unix_socket(const struct unix_address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
        bind(fd, (const struct sockaddr *)&a->sa, sizeof a->sa) != 0 ||
        chmod(a->sa.sun_path, S_IRUSR | S_IWUSR) != 0 || listen(fd, BACKLOG) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static enum err_code bind_path(struct http_listener *l, const char *path, struct err *err)
{
    struct unix_address address;
    enum err_code code = remove_stale(path, err);
    if (code)
        return code;
    code = unix_address_init(&address, path, err);
    if (!code)
        l->fd = open_unix_socket(&address);
    if (!code && l->fd < 0)
        code = err_set_errno(err, ERR_IO, errno, "%s: cannot listen", path);
    unix_address_release(&address);
    if (!code)
        l->path = mem_dup(path, strlen(path));
    return code;
}

/* The same user, who may read and write the files anyhow, or root. */
static bool is_friend(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void close_socket(struct http_listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->path)
        unlink(l->path);
    mem_free(l->path);
    l->fd = -1;
    l->path = NULL;
}

/* --- opening --- */

enum err_code http_listener_open(struct http_listener *l, struct http_server *server,
                                 const struct http_listen *options, struct err *err)
{
    *l = (struct http_listener){.server = server,
                                .router = options->router,
                                .name = options->name,
                                .local = options->path != NULL,
                                .fd = -1};
    enum err_code code = ERR_OK;
    if (options->tls_cert)
        code = http_tls_open(options->name, options->tls_cert, options->tls_key, &l->tls, err);
    if (!code)
        code = options->path ? bind_path(l, options->path, err) : bind_port(l, options, err);
    if (code)
        http_listener_release(l);
    else
        http_observe_init(l);
    return code;
}

void http_listener_release(struct http_listener *l)
{
    if (l->accept)
        event_free(l->accept);
    close_socket(l);
    http_tls_free(l->tls);
    mem_free(l->metrics);
    *l = (struct http_listener){.fd = -1};
}

/* --- accepting --- */

/* Who counts as one address: an IPv4 address, or an IPv6 /64 (one customer's). 0: not counted. */
static uint64_t key_of(const struct in6_addr *a)
{
    uint64_t key = 0;
    if (IN6_IS_ADDR_LOOPBACK(a))
        return 0;
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        if (a->s6_addr[12] == 127)
            return 0;
        for (int i = 12; i < 16; i++)
            key = key << 8 | a->s6_addr[i];
        return key | 0xffffffff00000000u; /* no unicast prefix begins so */
    }
    for (int i = 0; i < 8; i++)
        key = key << 8 | a->s6_addr[i];
    return key;
}

static uint64_t describe(const struct sockaddr_storage *sa, char text[INET6_ADDRSTRLEN])
{
    struct in6_addr a = {0};
    if (sa->ss_family == AF_UNIX)
        return 0;
    if (sa->ss_family == AF_INET6) {
        a = ((const struct sockaddr_in6 *)sa)->sin6_addr;
    } else {
        a.s6_addr[10] = a.s6_addr[11] = 0xff;
        memcpy(&a.s6_addr[12], &((const struct sockaddr_in *)sa)->sin_addr, 4);
    }
    if (IN6_IS_ADDR_V4MAPPED(&a))
        inet_ntop(AF_INET, &a.s6_addr[12], text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, &a, text, INET6_ADDRSTRLEN);
    return key_of(&a);
}

struct delivery {
    struct http_mail mail; /* first */
    int fd;
    const struct http_listener *listener;
    uint64_t address_key;
    char remote[INET6_ADDRSTRLEN];
};

static void deliver_conn(struct http_loop *loop, struct http_mail *mail)
{
    struct delivery *d = (struct delivery *)mail;
    http_conn_open(loop, d->fd, d->listener, d->remote, d->address_key);
    mem_free(d);
}

static void deal(struct http_listener *l, int fd, const char *remote, uint64_t address_key)
{
    struct http_server *s = l->server;
    struct http_loop *loop = &s->loops[s->next_loop++ % s->config.loops];
    if (loop->index == 0) {
        http_conn_open(loop, fd, l, remote, address_key);
        return;
    }
    struct delivery *d = MEM_NEW(struct delivery);
    *d = (struct delivery){{.deliver = deliver_conn}, fd, l, address_key, {0}};
    memcpy(d->remote, remote, sizeof d->remote);
    http_loop_post(loop, &d->mail);
}

static void turn_away(struct http_listener *l, int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                               "Content-Length: 0\r\nConnection: close\r\n\r\n";
    counter_add(l->refused, 1);
    if (!l->tls)
        (void)!send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

/* Take one connection from the queue; false when there is none. */
static bool accept_one(struct http_listener *l)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    char remote[INET6_ADDRSTRLEN] = "";
    int fd = accept4(l->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("cannot accept connections: out of descriptors or memory",
                     LOG_Z("listener", l->name), LOG_I64("errno", errno));
            event_del(l->accept);
            l->paused = true;
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    if (l->local && !is_friend(fd)) {
        counter_add(l->refused, 1);
        close(fd);
        return true;
    }
    uint64_t key = describe(&sa, remote);
    if (http_server_admit(l->server, key))
        deal(l, fd, remote, key);
    else
        turn_away(l, fd);
    return true;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++)
        if (!accept_one(arg))
            break;
}

void http_listener_start(struct http_listener *l, struct http_loop *loop)
{
    l->accept = event_new(loop->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
    CHECK(l->accept && event_add(l->accept, NULL) == 0);
}

void http_listener_unpause(struct http_listener *l)
{
    if (!l->paused || !l->accept)
        return;
    l->paused = false;
    event_add(l->accept, NULL);
}

void http_listener_stop(struct http_listener *l)
{
    if (l->fd < 0)
        return;
    while (accept_one(l))
        ;
    event_free(l->accept);
    l->accept = NULL;
    close_socket(l);
}
