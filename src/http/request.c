/* What handlers ask of a request, and how they put it off. */
#include "http/request.h"

#include "base/mem.h"
#include "http/http_int.h"

struct str http_request_header(const struct http_request *req, const char *name)
{
    struct str wanted = str_of(name);
    for (size_t i = 0; i < req->n_headers; i++)
        if (str_eq_nocase(req->headers[i].name, wanted))
            return req->headers[i].value;
    return (struct str){NULL, 0};
}

struct str http_request_param(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->n_params; i++)
        if (str_is(req->params[i].name, name))
            return req->params[i].value;
    UNREACHABLE();
}

bool http_request_query(const struct http_request *req, const char *name, struct str *value)
{
    const struct http_target *t = req->target;
    for (size_t i = 0; i < t->n_params; i++) {
        if (str_is(t->params[i].name, name)) {
            *value = t->params[i].value;
            return true;
        }
    }
    return false;
}

struct str http_request_cookie(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->n_headers; i++) {
        if (!str_eq_nocase(req->headers[i].name, STR_LIT("Cookie")))
            continue;
        struct str rest = req->headers[i].value;
        while (rest.p) {
            struct str value = str_trim(str_split(&rest, ';'));
            struct str key = str_split(&value, '=');
            if (value.p && str_is(key, name))
                return value;
        }
    }
    return (struct str){NULL, 0};
}

bool http_request_is_type(const struct http_request *req, const char *type)
{
    struct str value = http_request_header(req, "Content-Type");
    return value.n && str_eq_nocase(str_trim(str_split(&value, ';')), str_of(type));
}

struct buf *http_request_scratch(struct http_request *req)
{
    struct buf *scratch = &http_exchange_of(req)->loop->scratch;
    if (scratch->cap > HTTP_KEEP_BYTES)
        buf_release(scratch);
    buf_reset(scratch);
    return scratch;
}

void http_request_on_cancel(struct http_request *req, http_handler *fn)
{
    http_exchange_of(req)->on_cancel = fn;
}

bool http_request_cancelled(const struct http_request *req)
{
    return atomic_load(&http_exchange_of(req)->cancelled);
}

bool http_request_suspend(struct http_request *req)
{
    struct http_exchange *ex = http_exchange_of(req);
    struct http_loop *loop = ex->loop;
    CHECK(ex->running && !ex->suspended && !ex->replied);
    if (atomic_load(&loop->n_suspended) >= loop->server->config.max_suspended) {
        http_reply_busy(req, "too many requests are waiting");
        return false;
    }
    atomic_fetch_add(&loop->n_suspended, 1);
    ex->suspended = true;
    return true;
}

static void go_on(struct http_request *req)
{
    (void)req;
}

static void run_resumed(struct http_exchange *ex, void *arg)
{
    (void)arg;
    http_exchange_run(ex, ex->resume_fn ? ex->resume_fn : go_on);
}

static void deliver_resume(struct http_loop *loop, struct http_mail *mail)
{
    struct http_exchange *ex =
        (struct http_exchange *)((char *)mail - offsetof(struct http_exchange, resume));
    ex->suspended = false;
    atomic_fetch_sub(&loop->n_suspended, 1);
    if (ex->conn)
        http_conn_enter(ex->conn, run_resumed, ex, NULL);
    else
        run_resumed(ex, NULL);
}

void http_request_resume(struct http_request *req, http_handler *fn)
{
    struct http_exchange *ex = http_exchange_of(req);
    ex->resume_fn = fn;
    ex->resume.deliver = deliver_resume;
    http_loop_post(ex->loop, &ex->resume);
}

struct post {
    struct http_mail mail; /* first */
    struct http_exchange *ex;
    void (*fn)(struct http_request *req, void *arg);
    void *arg;
};

static void run_post(struct http_exchange *ex, void *arg)
{
    const struct post *post = arg;
    http_exchange_call_begin(ex);
    post->fn(&ex->req, post->arg);
    http_exchange_call_end(ex);
}

static void deliver_post(struct http_loop *loop, struct http_mail *mail)
{
    struct post *post = (struct post *)mail;
    (void)loop;
    if (post->ex->conn)
        http_conn_enter(post->ex->conn, run_post, post->ex, post);
    else
        run_post(post->ex, post);
    mem_free(post);
}

void http_request_post(struct http_request *req, void (*fn)(struct http_request *req, void *arg),
                       void *arg)
{
    struct post *post = MEM_NEW(struct post);
    *post = (struct post){{.deliver = deliver_post}, http_exchange_of(req), fn, arg};
    http_loop_post(post->ex->loop, &post->mail);
}
