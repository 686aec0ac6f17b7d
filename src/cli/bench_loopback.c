/* bench_loopback.c - what the kernel's loopback gives to anyone: one thread that answers so many bytes
 * with so many bytes, and clients that wait for each answer. It bounds every server behind it. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "cli/bench.h"
#include "num/stats.h"

enum { MEASURE_NS = 400000000, EXCHANGES_MAX = 1 << 20 };

struct loopback {
    size_t request_bytes, reply_bytes, n;
    int *near, *far; /* [n] ends of the connections: the clients', the answerer's */
    size_t *got;     /* [n] bytes of the request under way */
    char *bytes;     /* [max of both] what is sent */
    int64_t end_ns;
    atomic_bool failed;
};

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Read what is there; answer a whole request. False at the end. */
static bool answer_one(struct loopback *l, size_t i, char *in)
{
    ssize_t n = recv(l->far[i], in, l->request_bytes - l->got[i], 0);
    if (n <= 0)
        return false;
    l->got[i] += (size_t)n;
    if (l->got[i] < l->request_bytes)
        return true;
    l->got[i] = 0;
    return send_all(l->far[i], l->bytes, l->reply_bytes);
}

static void answer_all(void *arg)
{
    struct loopback *l = arg;
    struct pollfd *fds = mem_new(l->n, sizeof *fds);
    char *in = mem_new(l->request_bytes, 1);
    size_t open = l->n;
    for (size_t i = 0; i < l->n; i++)
        fds[i] = (struct pollfd){.fd = l->far[i], .events = POLLIN};
    while (open > 0 && poll(fds, l->n, -1) >= 0) {
        for (size_t i = 0; i < l->n; i++) {
            if (fds[i].fd >= 0 && fds[i].revents && !answer_one(l, i, in)) {
                fds[i].fd = -1;
                open--;
            }
        }
    }
    mem_free(in);
    mem_free(fds);
}

struct asker {
    struct loopback *l;
    struct thread thread;
    int fd;
    double *took_us; /* [EXCHANGES_MAX], or NULL */
    size_t len;
};

static bool receive_all(int fd, char *in, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, in, n, 0);
        if (got <= 0)
            return false;
        n -= (size_t)got;
    }
    return true;
}

static void ask(void *arg)
{
    struct asker *a = arg;
    struct loopback *l = a->l;
    char *in = mem_new(l->reply_bytes, 1);
    int64_t begin, now = clock_mono_ns();
    while (now < l->end_ns && a->len < EXCHANGES_MAX) {
        begin = now;
        if (!send_all(a->fd, l->bytes, l->request_bytes) ||
            !receive_all(a->fd, in, l->reply_bytes)) {
            atomic_store(&l->failed, true);
            break;
        }
        now = clock_mono_ns();
        if (a->took_us)
            a->took_us[a->len] = (double)(now - begin) / 1e3;
        a->len++;
    }
    shutdown(a->fd, SHUT_RDWR);
    mem_free(in);
}

static enum err_code connect_pair(int listener, const struct sockaddr_in *to, int *near, int *far,
                                  struct err *err)
{
    static const int on = 1;
    *near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*near < 0 || connect(*near, (const struct sockaddr *)to, sizeof *to) != 0 ||
        (*far = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        return err_set_errno(err, ERR_UNAVAILABLE, errno, "the loopback");
    setsockopt(*near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(*far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ERR_OK;
}

static enum err_code connect_all(struct loopback *l, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    enum err_code code = ERR_OK;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listener, 16) != 0 || getsockname(listener, (struct sockaddr *)&at, &n) != 0)
        code = err_set_errno(err, ERR_UNAVAILABLE, errno, "the loopback");
    for (size_t i = 0; i < l->n && code == ERR_OK; i++)
        code = connect_pair(listener, &at, &l->near[i], &l->far[i], err);
    if (listener >= 0)
        close(listener);
    return code;
}

/* took_us, len: of the first asker. */
static enum err_code measure(struct loopback *l, double *per_s, double *took_us, size_t *len,
                             struct err *err)
{
    struct asker *askers = mem_new(l->n, sizeof *askers);
    struct thread answerer = {.running = false};
    enum err_code code = thread_start(&answerer, "answerer", answer_all, l, err);
    int64_t begin = clock_mono_ns();
    uint64_t total = 0;
    l->end_ns = begin + MEASURE_NS;
    for (size_t i = 0; i < l->n && code == ERR_OK; i++) {
        askers[i] = (struct asker){.l = l, .fd = l->near[i], .took_us = i ? NULL : took_us};
        code = thread_start(&askers[i].thread, "asker", ask, &askers[i], err);
    }
    for (size_t i = 0; i < l->n; i++) {
        thread_join(&askers[i].thread);
        shutdown(l->near[i], SHUT_RDWR); /* of one that was not started */
        total += askers[i].len;
    }
    *per_s = (double)total / ((double)(clock_mono_ns() - begin) / 1e9);
    *len = askers[0].len;
    thread_join(&answerer);
    mem_free(askers);
    if (code == ERR_OK && (atomic_load(&l->failed) || *len == 0))
        code = err_set(err, ERR_UNAVAILABLE, "the loopback broke");
    return code;
}

static enum err_code run(size_t n, size_t request_bytes, size_t reply_bytes, double *per_s,
                         double *took_us, size_t *len, struct err *err)
{
    struct loopback l = {.request_bytes = request_bytes, .reply_bytes = reply_bytes, .n = n};
    l.near = mem_new(n, sizeof *l.near);
    l.far = mem_new(n, sizeof *l.far);
    l.got = mem_new(n, sizeof *l.got);
    l.bytes = mem_new(request_bytes > reply_bytes ? request_bytes : reply_bytes, 1);
    memset(l.near, -1, n * sizeof *l.near);
    memset(l.far, -1, n * sizeof *l.far);
    enum err_code code = connect_all(&l, err);
    if (code == ERR_OK)
        code = measure(&l, per_s, took_us, len, err);
    for (size_t i = 0; i < n; i++) {
        if (l.near[i] >= 0)
            close(l.near[i]);
        if (l.far[i] >= 0)
            close(l.far[i]);
    }
    mem_free(l.bytes);
    mem_free(l.got);
    mem_free(l.far);
    mem_free(l.near);
    return code;
}

enum err_code bench_loopback(size_t connections, size_t request_bytes, size_t reply_bytes,
                             double *per_s, double *round_trip_us, struct err *err)
{
    double *took_us = mem_new(EXCHANGES_MAX, sizeof *took_us), alone;
    size_t len;
    enum err_code code = run(1, request_bytes, reply_bytes, &alone, took_us, &len, err);
    if (code == ERR_OK) {
        stats_sort(took_us, len);
        *round_trip_us = stats_quantile(took_us, len, .5);
        code = run(connections, request_bytes, reply_bytes, per_s, NULL, &len, err);
    }
    mem_free(took_us);
    return code;
}
