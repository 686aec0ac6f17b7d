/* api.c - the guard around every endpoint, and how writes come back. */
#include "api/api.h"
#include "api/api_int.h"
#include "api/gorse.h"

#include <sodium.h>
#include <stdatomic.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    UPLOAD_THREADS = 2,
    UPLOADS_WAITING = 1024,
    LARGE_BODY_BYTES = 8 << 20,
    REPORTS_WAITING = 16,
};

int api_status(enum err_code code)
{
    static const int status[ERR_CODES] = {
        [ERR_OK] = 200,        [ERR_INVALID] = 400,         [ERR_NOT_FOUND] = 404,
        [ERR_CONFLICT] = 409,  [ERR_LIMIT] = 413,           [ERR_BUSY] = 503,
        [ERR_DENIED] = 403,    [ERR_UNAUTHENTICATED] = 401, [ERR_TIMEOUT] = 504,
        [ERR_CANCELLED] = 499, [ERR_UNAVAILABLE] = 503,     [ERR_NO_SPACE] = 507,
        [ERR_IO] = 500,        [ERR_CORRUPT] = 500,         [ERR_UNSUPPORTED] = 415,
        [ERR_MEMORY] = 503,    [ERR_INTERNAL] = 500,
    };
    CHECK((unsigned)code < ERR_CODES);
    return status[code];
}

/* --- answering ------------------------------------------------------------------------------- */

void reply_err(struct http_request *req, enum err_code code, const struct err *err)
{
    int status = api_status(code);
    bool ours = status == 500;
    if (ours)
        log_error("request failed", LOG_ERR_TEXT(err));
    /* What went wrong inside is for the log. */
    const char *message =
        ours ? "something went wrong; the log has it under this request_id" : err->msg;
    const struct bound_endpoint *bound = req->route->ctx;
    if (bound->endpoint->flags & ENDPOINT_GORSE)
        gorse_reply_error(req, status, message);
    else
        http_reply_error(req, status, ours ? "internal" : err_code_name(code), message);
}

enum err_code reply_status(struct call *call, int status, const char *code, const char *message)
{
    http_reply_error(call->req, status, code, message);
    return ERR_OK;
}

void begin_json(struct call *call, struct json_writer *w)
{
    jw_init(w, http_request_scratch(call->req));
}

enum err_code reply_json(struct call *call, int status, struct json_writer *w, struct err *err)
{
    enum err_code code = jw_end(w, "the reply", err);
    if (code == ERR_OK)
        http_reply_json(call->req, status, buf_str(w->out));
    return code;
}

enum err_code call_read(struct call *call, read_fn fn, void *arg, struct err *err)
{
    struct db *db;
    enum err_code code = store_read_begin(call->api->o.store, &db, err);
    if (code != ERR_OK)
        return code;
    code = fn(call, db, arg, err);
    store_read_end(call->api->o.store, db);
    return code;
}

enum err_code call_read_from(struct call *call, struct db *db, read_fn fn, void *arg,
                             struct err *err)
{
    return db ? fn(call, db, arg, err) : call_read(call, fn, arg, err);
}

/* --- writes ---------------------------------------------------------------------------------- */

static const struct endpoint *endpoint_of(const struct call *call)
{
    const struct bound_endpoint *bound = call->req->route->ctx;
    return bound->endpoint;
}

static enum err_code reply_secret(struct call *call, int status, struct json_writer *w,
                                  struct err *err)
{
    enum err_code code = jw_end(w, "the reply", err);
    if (code == ERR_OK)
        http_reply(call->req, &(struct http_reply){.status = status,
                                                   .content_type = HTTP_TYPE_JSON,
                                                   .body = buf_str(w->out),
                                                   .cache_control = "no-store",
                                                   .no_compress = true});
    return code;
}

/* Write the answer now: the job is durable and the engine has seen it. */
static enum err_code answer_write(struct call *call, struct err *err)
{
    struct json_writer w;
    int status = 200;
    begin_json(call, &w);
    enum err_code code = call->render(call, NULL, &w, &status, err);
    if (code == ERR_OK && w.out->len == 0 && !w.out->full)
        http_reply_empty(call->req, status);
    else if (code == ERR_OK && (endpoint_of(call)->flags & ENDPOINT_SECRET))
        code = reply_secret(call, status, &w, err);
    else if (code == ERR_OK)
        code = reply_json(call, status, &w, err);
    return code;
}

/* On the loop: the job's fate is known. */
static void finish_write(struct http_request *req)
{
    struct call *call = req->user;
    struct err err;
    enum err_code code = call->code;
    if (code == ERR_OK) {
        view_unref(call->view);
        call->view = engine_view(call->api->o.engine); /* with what was written */
        if (call->acted && (!call->once || once_is_new(call)))
            call->acted(call);
        code = call->once ? once_answer(call) : answer_write(call, &err);
    } else {
        err = call->err;
    }
    struct view *view = call->view;
    if (call->once)
        once_leave(call);
    if (code != ERR_OK)
        reply_err(req, code, &err);
    view_unref(view);
}

static void resume(void *arg)
{
    struct call *call = arg;
    http_request_resume(call->req, finish_write);
}

/* On the writer thread: the job itself, with its own argument. */
static enum err_code run_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct call *call = arg;
    return call->once ? once_run(tx, call, err) : call->job(tx, call->job_arg, err);
}

/* On the writer thread. */
static void job_done(void *arg, enum err_code code, const struct err *err)
{
    struct call *call = arg;
    call->code = code;
    if (code != ERR_OK) {
        call->err = *err;
        resume(call);
    } else {
        engine_sync(call->api->o.engine, resume, call);
    }
}

enum err_code call_write(struct call *call, store_job_fn job, void *job_arg, render_fn render,
                         struct err *err)
{
    call->job = job;
    call->job_arg = job_arg;
    call->render = render;
    call->req->user = call;
    struct view *view = call->view;
    if (call->once && !once_enter(call)) {
        reply_status(call, 409, "idempotency_key_in_use",
                     "a request with this Idempotency-Key is under way");
        view_unref(view);
        return ERR_OK;
    }
    if (!http_request_suspend(call->req)) { /* answered with 503 */
        if (call->once)
            once_leave(call);
        view_unref(view);
        return ERR_OK;
    }
    enum err_code code = store_write_async(call->api->o.store, run_job, call, job_done, err);
    if (code == ERR_OK)
        return ERR_OK;
    call->code = code;
    call->err = *err;
    http_request_resume(call->req, finish_write);
    return ERR_OK;
}

enum err_code render_nothing(struct call *call, struct db *db, struct json_writer *w, int *status,
                             struct err *err)
{
    (void)call, (void)db, (void)w, (void)err;
    *status = 204;
    return ERR_OK;
}

/* --- the guard ------------------------------------------------------------------------------- */

static bool bearer(const struct http_request *req, struct str *key)
{
    struct str header = http_request_header(req, "authorization"), scheme = STR_LIT("bearer ");
    if (header.n <= scheme.n || !str_eq_nocase((struct str){header.p, scheme.n}, scheme))
        return false;
    *key = str_trim((struct str){header.p + scheme.n, header.n - scheme.n});
    return true;
}

/* As clients of Gorse send it. */
static bool api_key(const struct http_request *req, struct str *key)
{
    *key = str_trim(http_request_header(req, "x-api-key"));
    return key->n > 0;
}

static enum err_code identify(struct call *call, struct err *err)
{
    struct str key;
    bool in_query = false;
    if (call->req->local) { /* who may write the files may do everything */
        call->scope = AUTH_ADMIN;
        return ERR_OK;
    }
    if (!bearer(call->req, &key) && !api_key(call->req, &key)) {
        if (!http_request_query(call->req, "key", &key))
            return ERR_OK;
        in_query = true;
    }
    enum err_code code = auth_check_key(call->api->o.auth, key, &call->scope, &call->key_no, err);
    if (code != ERR_OK)
        return code;
    if (call->scope == AUTH_NONE)
        return err_set(err, ERR_UNAUTHENTICATED, "the key is unknown or revoked");
    /* A query is written to logs everywhere: only a key that every visitor knows may stand there. */
    if (in_query && call->scope != AUTH_PUBLIC)
        return err_set(err, ERR_UNAUTHENTICATED, "only a public key may stand in the query");
    return ERR_OK;
}

/* Types that a browser sends to other hosts without asking (forms, text/plain) are no JSON. */
static bool takes_type(const struct endpoint *e, struct str type)
{
    const struct str suffix = STR_LIT("+json");
    type = str_trim(str_split(&type, ';'));
    if (str_eq_nocase(type, STR_LIT("application/json")))
        return true;
    if (type.n > suffix.n &&
        str_eq_nocase((struct str){type.p + type.n - suffix.n, suffix.n}, suffix))
        return true;
    if ((e->flags & ENDPOINT_TAKES_LINES) && str_eq_nocase(type, STR_LIT("application/x-ndjson")))
        return true;
    return (e->flags & ENDPOINT_TAKES_TEXT) && str_eq_nocase(type, STR_LIT("text/plain"));
}

static enum err_code check_body(struct call *call, const struct endpoint *e, struct err *err)
{
    char quoted[64];
    if (e->method == HTTP_GET || e->method == HTTP_DELETE)
        return ERR_OK; /* nobody reads it */
    struct str coding = http_request_header(call->req, "content-encoding");
    struct str type = http_request_header(call->req, "content-type");
    if (coding.n && !str_eq_nocase(coding, STR_LIT("identity")))
        return err_set(err, ERR_UNSUPPORTED, "Content-Encoding: bodies are taken uncompressed");
    if (type.n == 0 || (e->flags & ENDPOINT_TAKES_FILES) || takes_type(e, type))
        return ERR_OK;
    return err_set(err, ERR_UNSUPPORTED,
                   "Content-Type: '%s' is not taken here; application/json%s%s is",
                   err_quote(quoted, sizeof quoted, type.p, type.n),
                   e->flags & ENDPOINT_TAKES_LINES ? ", application/x-ndjson" : "",
                   e->flags & ENDPOINT_TAKES_TEXT ? ", text/plain" : "");
}

static enum err_code allow(struct call *call, const struct endpoint *e, struct err *err)
{
    const struct api *api = call->api;
    if ((e->flags & ENDPOINT_DEMO) && !api->o.demo)
        return err_set(err, ERR_NOT_FOUND, "this is no demonstration shop");
    enum err_code code = e->scope == AUTH_NONE ? ERR_OK : identify(call, err);
    if (code != ERR_OK)
        return code;
    if (call->scope < e->scope) {
        if (call->scope == AUTH_NONE)
            return err_set(err, ERR_UNAUTHENTICATED, "a key is needed: Authorization: Bearer KEY");
        return err_set(err, ERR_DENIED, "this needs a key of scope %s", auth_scope_name(e->scope));
    }
    if ((e->flags & ENDPOINT_WRITES) && api->o.read_only)
        return err_set(err, ERR_UNAVAILABLE, "%s", api->o.read_only);
    return check_body(call, e, err);
}

/* What was asked, into call->values. */
static enum err_code read_params(struct call *call, const struct bound_endpoint *bound,
                                 struct err *err)
{
    const struct endpoint *e = bound->endpoint;
    bool in_body = e->flags & ENDPOINT_PARAMS_IN_BODY;
    if (bound->any_query)
        return ERR_OK;
    enum err_code code = params_from_query(call, e->params, in_body ? 0 : e->params_len, err);
    return code == ERR_OK && in_body ? params_from_body(call, e->params, e->params_len, err) : code;
}

static void handle(struct http_request *req)
{
    const struct bound_endpoint *bound = req->route->ctx;
    struct call *call = ARENA_NEW(req->arena, struct call, 1);
    struct err err;
    *call = (struct call){.api = bound->api,
                          .req = req,
                          .arena = req->arena,
                          .view = engine_view(bound->api->o.engine)};
    call->language = call->view->shop->languages[0];
    enum err_code code = allow(call, bound->endpoint, &err);
    struct view *view = call->view;
    if (code == ERR_OK)
        code = read_params(call, bound, &err);
    if (code == ERR_OK && (bound->endpoint->flags & ENDPOINT_WRITES))
        code = once_begin(call, &err);
    if (code == ERR_OK && call->once && (bound->endpoint->flags & ENDPOINT_SECRET))
        code = err_set(&err, ERR_INVALID,
                       "Idempotency-Key: this answer is told once and never kept; send no key");
    if (code == ERR_OK)
        code = bound->endpoint->fn(call, &err);
    /* A write that was taken gives its view back in finish_write. */
    if (code == ERR_OK && (bound->endpoint->flags & ENDPOINT_WRITES))
        return;
    if (code != ERR_OK)
        reply_err(req, code, &err);
    view_unref(view);
}

/* Before the body, so that nobody sends in vain what they may not. */
static void handle_head(struct http_request *req)
{
    const struct bound_endpoint *bound = req->route->ctx;
    struct call *call = ARENA_NEW(req->arena, struct call, 1);
    struct err err;
    *call = (struct call){.api = bound->api, .req = req, .arena = req->arena};
    req->user = call;
    enum err_code code = allow(call, bound->endpoint, &err);
    if (code == ERR_OK)
        code = read_params(call, bound, &err);
    if (code == ERR_OK)
        code = bound->endpoint->fn(call, &err);
    if (code != ERR_OK)
        reply_err(req, code, &err);
}

/* As handle_head, where the body is collected. */
static void check_head(struct http_request *req)
{
    const struct bound_endpoint *bound = req->route->ctx;
    struct call call = {.api = bound->api, .req = req, .arena = req->arena};
    struct err err;
    enum err_code code = allow(&call, bound->endpoint, &err);
    if (code != ERR_OK)
        reply_err(req, code, &err);
}

static void handle_piece(struct http_request *req, struct str piece)
{
    struct call *call = req->user;
    call->body->piece(call, piece);
}

static void handle_end(struct http_request *req)
{
    struct call *call = req->user;
    call->body->end(call);
}

/* --- routes ---------------------------------------------------------------------------------- */

static const struct endpoint_group *const groups[] = {
    &shop_endpoints,           &product_endpoints,
    &product_bulk_endpoints,   &event_endpoints,
    &user_endpoints,           &recommendation_endpoints,
    &search_endpoints,         &cart_endpoints,
    &order_endpoints,          &model_endpoints,
    &rule_endpoints,           &job_endpoints,
    &import_endpoints,         &key_endpoints,
    &overview_endpoints,       &quarantine_endpoints,
    &report_endpoints,         &experiment_endpoints,
    &settings_endpoints,       &demo_endpoints,
    &operation_endpoints,      &web_endpoints,
    &gorse_user_endpoints,     &gorse_item_endpoints,
    &gorse_feedback_endpoints, &gorse_list_endpoints,
    &gorse_health_endpoints,
};

static void bind(struct api *api, const struct endpoint *e, struct bound_endpoint *bound,
                 struct http_route *route)
{
    *bound = (struct bound_endpoint){api, e, !str_starts(str_of(e->pattern), STR_LIT("/v1/"))};
    *route = (struct http_route){.method = e->method,
                                 .pattern = e->pattern,
                                 .handler = handle,
                                 .ctx = bound,
                                 .no_access_log = (e->flags & ENDPOINT_QUIET) != 0};
    if (e->flags & ENDPOINT_LARGE) {
        route->on_head = check_head;
        route->max_body_bytes = LARGE_BODY_BYTES;
    }
    if (e->flags & ENDPOINT_STREAMS) {
        route->handler = handle_end;
        route->on_head = handle_head;
        route->on_body = handle_piece;
        route->max_body_bytes = UINT64_MAX;
    }
}

static void bind_groups(struct api *api, const struct endpoint_group *const *list, size_t n,
                        struct bound_endpoint **bound, struct http_route **routes, size_t *len)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += list[i]->len;
    *bound = mem_new(total, sizeof **bound);
    *routes = mem_new(total, sizeof **routes);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < list[i]->len; k++, at++)
            bind(api, &list[i]->endpoints[k], &(*bound)[at], &(*routes)[at]);
    *len = total;
}

enum err_code api_new(const struct api_options *options, struct api **out, struct err *err)
{
    static const struct endpoint_group *const admin[] = {&operation_endpoints};
    struct api *api = MEM_NEW(struct api);
    api->o = *options;
    CHECK(sodium_init() >= 0 && pthread_mutex_init(&api->running_lock, NULL) == 0 &&
          pthread_mutex_init(&api->counters_lock, NULL) == 0);
    bind_groups(api, groups, sizeof groups / sizeof *groups, &api->bound, &api->routes,
                &api->routes_len);
    bind_groups(api, admin, 1, &api->admin_bound, &api->admin_routes, &api->admin_len);
    enum err_code code = gorse_new(options, &api->gorse, err);
    if (code == ERR_OK)
        code = pool_new(&api->disk, "uploads", UPLOAD_THREADS, UPLOADS_WAITING, err);
    if (code == ERR_OK)
        code = pool_new(&api->reports, "reports", 1, REPORTS_WAITING, err);
    if (code != ERR_OK) {
        api_free(api);
        return code;
    }
    *out = api;
    return ERR_OK;
}

void api_free(struct api *api)
{
    static const struct timespec a_moment = {0, 1000000};
    if (!api)
        return;
    while (atomic_load(&api->batches) > 0) /* their requests are gone, the writer has them */
        nanosleep(&a_moment, NULL);
    pool_free(api->disk);
    gorse_free(api->gorse);
    pool_free(api->reports);
    pthread_mutex_destroy(&api->running_lock);
    pthread_mutex_destroy(&api->counters_lock);
    map_str_release(&api->counters);
    map_u64_release(&api->running);
    mem_free(api->bound);
    mem_free(api->routes);
    mem_free(api->admin_bound);
    mem_free(api->admin_routes);
    mem_free(api);
}

const struct http_route *api_routes(const struct api *api, size_t *n)
{
    *n = api->routes_len;
    return api->routes;
}

const struct http_route *api_admin_routes(const struct api *api, size_t *n)
{
    *n = api->admin_len;
    return api->admin_routes;
}

void api_begin_drain(struct api *api)
{
    atomic_store(&api->draining, true);
}
