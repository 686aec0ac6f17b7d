/* open_loop.c - load at a fixed rate, whatever the server does.
 *
 * Request i is due at start + i / rate. A connection that is free takes the next one, waits until it is
 * due, sends it and reads the whole reply; its latency counts from when it was due, so time spent
 * waiting behind a slow reply is seen ("coordinated omission", Tene 2013). Rate 0 sends as fast as
 * the connections go.
 *
 *     open_loop PORT KEY PATHS RATE SECONDS CONNECTIONS
 *
 * PATHS is a file with one request target per line, taken in turn. Prints one JSON line. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REPLY_MAX = 1 << 20, HEAD_MAX = 8192, CONNECTIONS_MAX = 1024 };

static struct {
    int port;
    const char *key;
    char **paths; /* [paths_len] */
    size_t paths_len;
    double rate, seconds;
    long long start_ns, end_ns;
    _Atomic long next;   /* request that is taken next */
    _Atomic long errors; /* replies other than 200 */
} load;

/* Latencies of one connection, ns. */
struct worker {
    pthread_t thread;
    long long *took; /* [len] */
    size_t len, cap;
};

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "open_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_to_server(void)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)load.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Read one reply with a Content-Length. Returns its status; *closes if the server ends the connection. */
static int read_reply(int fd, char *buffer, int *closes)
{
    size_t have = 0, want = 0;
    while (want == 0 || have < want) {
        ssize_t n = read(fd, buffer + have, REPLY_MAX - have);
        if (n <= 0)
            die("read");
        have += (size_t)n;
        buffer[have] = '\0';
        const char *end = want ? NULL : strstr(buffer, "\r\n\r\n");
        if (end) {
            const char *length = strcasestr(buffer, "content-length:");
            want = (size_t)(end + 4 - buffer) + (length ? strtoul(length + 15, NULL, 10) : 0);
        }
    }
    *closes = strcasestr(buffer, "\r\nconnection: close") != NULL;
    return (int)strtol(buffer + 9, NULL, 10);
}

static void wait_until(long long due)
{
    struct timespec t = {due / 1000000000, due % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

static void record(struct worker *w, long long took)
{
    if (w->len == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 4096;
        w->took = realloc(w->took, w->cap * sizeof *w->took);
        if (!w->took)
            die("memory");
    }
    w->took[w->len++] = took;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    char head[HEAD_MAX], *reply = malloc(REPLY_MAX + 1);
    int fd = connect_to_server();
    if (!reply)
        die("memory");
    for (;;) {
        long i = atomic_fetch_add(&load.next, 1);
        long long due = load.rate > 0 ? load.start_ns + (long long)((double)i * 1e9 / load.rate) : 0;
        if (due > load.end_ns || now_ns() > load.end_ns)
            break;
        int n = snprintf(head, sizeof head,
                         "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                         load.paths[(size_t)i % load.paths_len], load.key);
        if (due)
            wait_until(due);
        else
            due = now_ns();
        if (write(fd, head, (size_t)n) != n)
            die("write");
        int closes;
        if (read_reply(fd, reply, &closes) != 200)
            atomic_fetch_add(&load.errors, 1);
        record(w, now_ns() - due);
        if (closes) { /* a connection serves so many requests and no more */
            close(fd);
            fd = connect_to_server();
        }
    }
    close(fd);
    free(reply);
    return NULL;
}

static void read_paths(const char *name)
{
    FILE *f = fopen(name, "re");
    char *line = NULL;
    size_t cap = 0, room = 0;
    ssize_t n;
    if (!f)
        die(name);
    while ((n = getline(&line, &cap, f)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (load.paths_len == room) {
            room = room ? 2 * room : 1024;
            load.paths = realloc(load.paths, room * sizeof *load.paths);
        }
        if (!load.paths || !(load.paths[load.paths_len++] = strdup(line)))
            die("memory");
    }
    free(line);
    fclose(f);
    if (load.paths_len == 0)
        die("no paths");
}

static int ascending(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return x < y ? -1 : x > y;
}

static void report(struct worker *workers, size_t n, double seconds)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += workers[i].len;
    long long *all = malloc((total + 1) * sizeof *all);
    if (!all || total == 0)
        die("nothing was measured");
    for (size_t i = 0; i < n; i++) {
        memcpy(all + at, workers[i].took, workers[i].len * sizeof *all);
        at += workers[i].len;
    }
    qsort(all, total, sizeof *all, ascending);
    printf("{\"rate\": %.0f, \"requests\": %zu, \"per_s\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, "
           "\"p999_us\": %.0f, \"errors\": %ld}\n",
           load.rate, total, (double)total / seconds, (double)all[total / 2] / 1e3,
           (double)all[total * 99 / 100] / 1e3, (double)all[total * 999 / 1000] / 1e3,
           atomic_load(&load.errors));
    free(all);
}

int main(int argc, char **argv)
{
    static struct worker workers[CONNECTIONS_MAX];
    if (argc != 7) {
        fprintf(stderr, "usage: open_loop PORT KEY PATHS RATE SECONDS CONNECTIONS\n");
        return 64;
    }
    load.port = (int)strtol(argv[1], NULL, 10);
    load.key = argv[2];
    read_paths(argv[3]);
    load.rate = strtod(argv[4], NULL);
    load.seconds = strtod(argv[5], NULL);
    size_t n = strtoul(argv[6], NULL, 10);
    if (n == 0 || n > CONNECTIONS_MAX)
        return 64;
    load.start_ns = now_ns();
    load.end_ns = load.start_ns + (long long)(load.seconds * 1e9);
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            die("thread");
    for (size_t i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, n, (double)(now_ns() - load.start_ns) / 1e9);
    return 0;
}
