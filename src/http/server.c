/* The server as a whole: configuration, admission, start, drain, stop. */
#include "http/server.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/http_int.h"

static void set_default(unsigned *value, unsigned fallback)
{
    if (*value == 0)
        *value = fallback;
}

static enum err_code fill_defaults(struct http_config *c, struct err *err)
{
    set_default(&c->loops, 1);
    set_default(&c->max_connections, 8192);
    set_default(&c->max_per_address, 1024);
    set_default(&c->max_requests, 10000);
    set_default(&c->max_suspended, 1024);
    set_default(&c->head_timeout_ms, 10000);
    set_default(&c->body_timeout_ms, 30000);
    set_default(&c->min_rate, 1024);
    set_default(&c->idle_timeout_ms, 60000);
    set_default(&c->write_timeout_ms, 30000);
    set_default(&c->heartbeat_ms, 15000);
    set_default(&c->cors.max_age_s, 600);
    if (c->gzip_level == 0)
        c->gzip_level = 1;
    if (c->max_body_bytes == 0)
        c->max_body_bytes = 1 << 20;
    if (c->arena_bytes == 0)
        c->arena_bytes = 16 << 20;
    if (c->stream_unsent_bytes == 0)
        c->stream_unsent_bytes = 256 << 10;
    if (!c->cors.headers)
        c->cors.headers = "Authorization, Content-Type, Idempotency-Key, If-None-Match, "
                          "X-Request-Id, X-Shopper-Token, X-API-Key, X-API-Version";
    if (!c->cors.expose)
        c->cors.expose = "ETag, Idempotent-Replayed, Retry-After, X-Request-Id";
    if (c->loops > HTTP_MAX_LOOPS)
        return err_set(err, ERR_INVALID, "%u loops; at most %d", c->loops, HTTP_MAX_LOOPS);
    if (c->limits.head_bytes > HTTP_INPUT_BYTES)
        return err_set(err, ERR_INVALID, "a head of %zu bytes; at most %d", c->limits.head_bytes,
                       HTTP_INPUT_BYTES);
    if (c->gzip_level < -1 || c->gzip_level > 9)
        return err_set(err, ERR_INVALID, "gzip level %d is not -1 or 1 to 9", c->gzip_level);
    return ERR_OK;
}

static double count_connections(void *arg)
{
    return http_server_connections(arg);
}

static double count_suspended(void *arg)
{
    const struct http_server *s = arg;
    unsigned n = 0;
    for (unsigned i = 0; i < s->config.loops; i++)
        n += atomic_load(&s->loops[i].n_suspended);
    return n;
}

/* s NULL takes them out. */
static void register_gauges(struct http_server *s)
{
    const struct metric_opts connections = {.name = "aisle_http_connections",
                                            .help = "Open connections"};
    const struct metric_opts suspended = {.name = "aisle_http_suspended_requests",
                                          .help = "Requests waiting for another thread"};
    metrics_gauge_fn(metrics_default(), &connections, s ? count_connections : NULL, s);
    metrics_gauge_fn(metrics_default(), &suspended, s ? count_suspended : NULL, s);
}

enum err_code http_server_new(const struct http_config *config, struct http_server **out,
                              struct err *err)
{
    struct http_config filled = *config;
    enum err_code code = fill_defaults(&filled, err);
    if (code)
        return code;
    struct http_server *s = MEM_NEW(struct http_server);
    s->config = filled;
    pthread_mutex_init(&s->lock, NULL);
    s->loops = mem_new(s->config.loops, sizeof *s->loops);
    unsigned n = 0;
    while (n < filled.loops && !code) {
        code = http_loop_init(&s->loops[n], s, n, err);
        n++;
    }
    if (code) {
        s->config.loops = n; /* those that need a release */
        http_server_free(s);
        return code;
    }
    *out = s;
    return ERR_OK;
}

enum err_code http_server_listen(struct http_server *s, const struct http_listen *l,
                                 unsigned *index, struct err *err)
{
    CHECK(atomic_load(&s->life) == LIFE_NEW && s->n_listeners < HTTP_MAX_LISTENERS);
    enum err_code code = http_listener_open(&s->listeners[s->n_listeners], s, l, err);
    if (code)
        return code;
    if (index)
        *index = s->n_listeners;
    s->n_listeners++;
    return ERR_OK;
}

enum err_code http_server_reload_tls(struct http_server *s, bool changed_only, unsigned *reloaded,
                                     struct err *err)
{
    enum err_code first = ERR_OK;
    *reloaded = 0;
    for (unsigned i = 0; i < s->n_listeners; i++) {
        struct http_tls *tls = s->listeners[i].tls;
        struct err why;
        if (!tls || (changed_only && !http_tls_changed(tls)))
            continue;
        enum err_code code = http_tls_reload(tls, &why);
        if (code && !first)
            *err = why;
        first = first ? first : code;
        *reloaded += !code;
    }
    return first;
}

uint16_t http_server_port(const struct http_server *s, unsigned index)
{
    CHECK(index < s->n_listeners);
    return s->listeners[index].port;
}

static void start_listeners(struct http_loop *loop)
{
    for (unsigned i = 0; i < loop->server->n_listeners; i++)
        http_listener_start(&loop->server->listeners[i], loop);
}

enum err_code http_server_start(struct http_server *s, struct err *err)
{
    CHECK(atomic_load(&s->life) == LIFE_NEW);
    for (unsigned i = 0; i < s->config.loops; i++) {
        enum err_code code = http_loop_start(&s->loops[i], err);
        if (code)
            return code;
    }
    atomic_store(&s->life, LIFE_RUNNING);
    register_gauges(s);
    http_loop_call(&s->loops[0], start_listeners);
    return ERR_OK;
}

/* --- admission --- */

bool http_server_admit(struct http_server *s, uint64_t address_key)
{
    if (atomic_fetch_add(&s->n_conns, 1) >= s->config.max_connections) {
        atomic_fetch_sub(&s->n_conns, 1);
        return false;
    }
    if (address_key == 0)
        return true;
    pthread_mutex_lock(&s->lock);
    uint64_t *count = map_u64_at(&s->addresses, address_key, NULL);
    bool admitted = *count < s->config.max_per_address;
    *count += admitted;
    pthread_mutex_unlock(&s->lock);
    if (!admitted)
        atomic_fetch_sub(&s->n_conns, 1);
    return admitted;
}

void http_server_depart(struct http_server *s, uint64_t address_key)
{
    atomic_fetch_sub(&s->n_conns, 1);
    if (address_key == 0)
        return;
    pthread_mutex_lock(&s->lock);
    uint64_t *count = map_u64_find(&s->addresses, address_key);
    DCHECK(count && *count > 0);
    if (--*count == 0)
        map_u64_remove(&s->addresses, address_key);
    pthread_mutex_unlock(&s->lock);
}

unsigned http_server_connections(const struct http_server *s)
{
    return atomic_load(&s->n_conns);
}

int64_t http_server_stalled_ms(const struct http_server *s)
{
    int64_t oldest = INT64_MAX;
    for (unsigned i = 0; i < s->config.loops; i++) {
        int64_t turned = atomic_load(&s->loops[i].turned_ms);
        oldest = turned < oldest ? turned : oldest;
    }
    return clock_mono_ns() / 1000000 - oldest;
}

/* --- end --- */

static void sleep_ms(unsigned ms)
{
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static void call_all(struct http_server *s, void (*fn)(struct http_loop *loop))
{
    for (unsigned i = 0; i < s->config.loops; i++)
        if (s->loops[i].thread.running)
            http_loop_call(&s->loops[i], fn);
}

static void stop_listeners(struct http_loop *loop)
{
    for (unsigned i = 0; i < loop->server->n_listeners; i++)
        http_listener_stop(&loop->server->listeners[i]);
}

static void close_idle(struct http_loop *loop)
{
    struct http_conn *c, *next;
    loop->closing = true;
    for (c = TAILQ_FIRST(&loop->conns); c; c = next) {
        next = TAILQ_NEXT(c, all);
        http_conn_close_idle(c);
    }
}

static void cut_all(struct http_loop *loop)
{
    struct http_conn *c;
    while ((c = TAILQ_FIRST(&loop->conns)))
        http_conn_cut(c);
}

static void stop_loop(struct http_loop *loop)
{
    event_base_loopbreak(loop->base);
}

static bool is_busy(const struct http_server *s)
{
    return http_server_connections(s) > 0 || count_suspended((void *)(uintptr_t)s) > 0;
}

void http_server_drain(struct http_server *s, unsigned grace_ms, unsigned finish_ms)
{
    enum { POLL_MS = 10 };
    if (atomic_load(&s->life) == LIFE_RUNNING) {
        atomic_store(&s->life, LIFE_DRAINING);
        sleep_ms(grace_ms);
        http_loop_call(&s->loops[0], stop_listeners);
        call_all(s, close_idle);
        for (unsigned waited = 0; waited < finish_ms && is_busy(s); waited += POLL_MS)
            sleep_ms(POLL_MS);
        call_all(s, cut_all);
        while (is_busy(s)) /* whoever suspended a request has been told and lets go of it */
            sleep_ms(POLL_MS);
        register_gauges(NULL);
    }
    call_all(s, stop_loop);
    for (unsigned i = 0; i < s->config.loops; i++)
        thread_join(&s->loops[i].thread);
    atomic_store(&s->life, LIFE_STOPPED);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    if (atomic_load(&s->life) != LIFE_STOPPED)
        http_server_drain(s, 0, 0);
    for (unsigned i = 0; i < s->n_listeners; i++)
        http_listener_release(&s->listeners[i]);
    for (unsigned i = 0; i < s->config.loops; i++)
        http_loop_release(&s->loops[i]);
    map_u64_release(&s->addresses);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->loops);
    mem_free(s);
}
