/* A loop's thread: mail from other threads, the tick, deadlines. */
#include <errno.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/http_int.h"

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* --- mail --- */

void http_loop_post(struct http_loop *loop, struct http_mail *mail)
{
    pthread_mutex_lock(&loop->lock);
    bool was_empty = STAILQ_EMPTY(&loop->mail);
    STAILQ_INSERT_TAIL(&loop->mail, mail, link);
    pthread_mutex_unlock(&loop->lock);
    if (was_empty)
        eventfd_write(loop->wake_fd, 1);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct http_loop *loop = arg;
    struct http_mail_list mail = STAILQ_HEAD_INITIALIZER(mail);
    eventfd_t count;
    (void)what;
    eventfd_read(fd, &count);
    pthread_mutex_lock(&loop->lock);
    STAILQ_CONCAT(&mail, &loop->mail);
    pthread_mutex_unlock(&loop->lock);
    struct http_mail *m;
    while ((m = STAILQ_FIRST(&mail))) { /* delivery may free it */
        STAILQ_REMOVE_HEAD(&mail, link);
        m->deliver(loop, m);
    }
}

struct call {
    struct http_mail mail; /* first */
    void (*fn)(struct http_loop *loop);
    sem_t done;
};

static void deliver_call(struct http_loop *loop, struct http_mail *mail)
{
    struct call *call = (struct call *)mail;
    call->fn(loop);
    sem_post(&call->done);
}

void http_loop_call(struct http_loop *loop, void (*fn)(struct http_loop *loop))
{
    struct call call = {.mail = {.deliver = deliver_call}, .fn = fn};
    sem_init(&call.done, 0, 0);
    http_loop_post(loop, &call.mail);
    while (sem_wait(&call.done) != 0 && errno == EINTR)
        ;
    sem_destroy(&call.done);
}

/* --- time --- */

void http_loop_arm(struct http_conn *c, enum http_deadline kind)
{
    struct http_loop *loop = c->loop;
    if (c->deadline != DEADLINE_NONE)
        TAILQ_REMOVE(&loop->deadlines[c->deadline], c, timed);
    c->deadline = kind;
    if (kind == DEADLINE_NONE)
        return;
    c->period_start_ms = mono_ms();
    c->period_bytes = http_conn_progress(c);
    TAILQ_INSERT_TAIL(&loop->deadlines[kind], c, timed);
}

/* Each list is in order of its start, and all of a list have the same time: only heads expire. */
static void expire(struct http_loop *loop, int64_t now_ms)
{
    const struct http_config *config = &loop->server->config;
    const int64_t period_ms[DEADLINES] = {
        [DEADLINE_HEAD] = config->head_timeout_ms, [DEADLINE_BODY] = config->body_timeout_ms,
        [DEADLINE_IDLE] = config->idle_timeout_ms, [DEADLINE_WRITE] = config->write_timeout_ms,
        [DEADLINE_LINGER] = HTTP_LINGER_MS,
    };
    for (int kind = DEADLINE_HEAD; kind < DEADLINES; kind++) {
        struct http_conn *c;
        while ((c = TAILQ_FIRST(&loop->deadlines[kind])) &&
               c->period_start_ms + period_ms[kind] <= now_ms)
            http_conn_expired(c);
    }
}

static void set_date(struct http_loop *loop)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now_s = clock_now_us() / CLOCK_US_PER_S;
    if (now_s == loop->date_s)
        return;
    loop->date_s = now_s;
    struct clock_civil t = clock_civil_of(now_s * CLOCK_US_PER_S);
    snprintf(loop->date, sizeof loop->date, "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n",
             days[t.weekday], (unsigned)t.day % 100, months[t.month - 1], (unsigned)t.year % 10000,
             (unsigned)t.hour % 100, (unsigned)t.minute % 100, (unsigned)t.second % 100);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct http_loop *loop = arg;
    int64_t now_ms = mono_ms();
    (void)fd, (void)what;
    atomic_store(&loop->turned_ms, now_ms);
    set_date(loop);
    expire(loop, now_ms);
    http_sse_heartbeat(loop);
    if (loop->index == 0)
        for (unsigned i = 0; i < loop->server->n_listeners; i++)
            http_listener_unpause(&loop->server->listeners[i]);
}

/* --- life --- */

static enum err_code open_base(struct http_loop *loop, struct err *err)
{
    struct event_config *config = event_config_new();
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* threads meet in the mailbox */
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!loop->base || loop->wake_fd < 0)
        return err_set_errno(err, ERR_UNAVAILABLE, errno, "cannot open an event loop");
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    loop->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    const struct timeval period = {0, HTTP_TICK_MS * 1000};
    if (!loop->wake || !loop->tick || event_add(loop->wake, NULL) || event_add(loop->tick, &period))
        return err_set(err, ERR_UNAVAILABLE, "cannot watch an event loop");
    return ERR_OK;
}

enum err_code http_loop_init(struct http_loop *loop, struct http_server *server, unsigned index,
                             struct err *err)
{
    uint64_t seed;
    loop->server = server;
    loop->index = index;
    loop->wake_fd = -1;
    pthread_mutex_init(&loop->lock, NULL);
    STAILQ_INIT(&loop->mail);
    STAILQ_INIT(&loop->spare);
    TAILQ_INIT(&loop->conns);
    TAILQ_INIT(&loop->streams);
    for (int kind = 0; kind < DEADLINES; kind++)
        TAILQ_INIT(&loop->deadlines[kind]);
    buf_init(&loop->out, SIZE_MAX / 2);
    buf_init(&loop->head, SIZE_MAX / 2);
    buf_init(&loop->scratch, SIZE_MAX / 2);
    buf_init(&loop->zipped, SIZE_MAX / 2);
    if (server->config.gzip_level > 0)
        loop->gzip = http_gzip_new(server->config.gzip_level);
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return err_set_errno(err, ERR_UNAVAILABLE, errno, "no randomness for request ids");
    rng_init(&loop->rng, seed);
    loop->date_s = -1;
    set_date(loop);
    return open_base(loop, err);
}

void http_loop_release(struct http_loop *loop)
{
    DCHECK(TAILQ_EMPTY(&loop->conns));
    if (loop->wake)
        event_free(loop->wake);
    if (loop->tick)
        event_free(loop->tick);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    http_exchange_free_spare(loop);
    http_gzip_free(loop->gzip);
    buf_release(&loop->zipped);
    buf_release(&loop->scratch);
    buf_release(&loop->head);
    buf_release(&loop->out);
    pthread_mutex_destroy(&loop->lock);
}

static void run(void *arg)
{
    struct http_loop *loop = arg;
    const struct http_config *config = &loop->server->config;
    atomic_store(&loop->turned_ms, mono_ms());
    if (config->on_loop)
        loop->ctx = config->on_loop(config->ctx, loop->index);
    event_base_dispatch(loop->base);
    if (config->on_loop_end)
        config->on_loop_end(config->ctx, loop->index, loop->ctx);
}

enum err_code http_loop_start(struct http_loop *loop, struct err *err)
{
    char name[16];
    atomic_store(&loop->turned_ms, mono_ms());
    snprintf(name, sizeof name, "http-%u", loop->index);
    return thread_start(&loop->thread, name, run, loop, err);
}
