/* jobs.c - /v1/jobs: long work, asked for and watched. */
#include "store/jobs.h"

#include "api/list.h"
#include "jobs/import_args.h"
#include "jobs/train_args.h"

/* What was asked for, without the places on this machine. */
static void write_arguments(const struct job *j, struct arena *arena, struct json_writer *w)
{
    struct import_args import;
    struct err ignored;
    JW_KEY(w, "arguments");
    if (!str_is(j->kind, "import")) {
        jw_raw(w, j->arguments.n ? j->arguments : STR_LIT("null"));
        return;
    }
    if (import_args_read(j->arguments, arena, &import, &ignored) != ERR_OK) {
        jw_null(w);
        return;
    }
    import_args_forget_places(&import);
    import_args_write(&import, w);
}

static void write_job(const struct job *j, struct arena *arena, struct json_writer *w)
{
    jw_obj(w);
    JW_I64(w, "id", j->no);
    JW_STR(w, "kind", j->kind);
    write_arguments(j, arena, w);
    JW_Z(w, "state", job_state_name(j->state));
    JW_DECIMAL(w, "progress", j->progress, 3);
    JW_STR(w, "message", j->message);
    JW_KEY(w, "result");
    jw_raw(w, j->result.n ? j->result : STR_LIT("null"));
    JW_TIME_OR_NULL(w, "created_at", j->created_at);
    JW_TIME_OR_NULL(w, "started_at", j->started_at);
    JW_TIME_OR_NULL(w, "finished_at", j->finished_at);
    jw_obj_end(w);
}

static enum err_code read_jobs(struct call *call, struct db *db, struct page *page, void *arg,
                               struct err *err)
{
    struct db_rows rows = {0};
    struct job j;
    bool more;
    (void)arg;
    enum err_code code = jobs_list(db, page->cursor, page->limit, &rows, err);
    while (code == ERR_OK && (code = jobs_next(&rows, &j, &more, err)) == ERR_OK && more) {
        write_job(&j, call->arena, page->w);
        page_took(page, j.no);
    }
    db_rows_close(&rows);
    return code;
}

enum { CURSOR, LIMIT };

static const struct param list_params[] = {
    [CURSOR] = {.name = STR_LIT("cursor"),
                .kind = PARAM_NUMBER,
                .fallback = INT64_MAX,
                .lo = 0,
                .hi = INT64_MAX},
    [LIMIT] = {.name = STR_LIT("limit"), .kind = PARAM_NUMBER, .fallback = 50, .lo = 1, .hi = 200},
};

static enum err_code list_jobs(struct call *call, struct err *err)
{
    return reply_page(call, CURSOR, LIMIT, read_jobs, NULL, err);
}

static enum err_code read_job(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct job j;
    struct json_writer w;
    enum err_code code = job_get(db, *(int64_t *)arg, call->arena, &j, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    write_job(&j, call->arena, &w);
    return reply_json(call, 200, &w, err);
}

static enum err_code get_job(struct call *call, struct err *err)
{
    int64_t no;
    if (str_parse_i64(http_request_param(call->req, "id"), 1, INT64_MAX, &no, NULL) != ERR_OK)
        return err_set(err, ERR_NOT_FOUND, "there is no such job");
    return call_read(call, read_job, &no, err);
}

struct asked {
    struct str kind;
    struct str arguments; /* JSON, or empty */
    int64_t no;
};

static enum err_code add_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct asked *a = arg;
    return job_add(tx, a->kind, a->arguments, &a->no, err);
}

static enum err_code render_added(struct call *call, struct db *db, struct json_writer *w,
                                  int *status, struct err *err)
{
    const struct asked *a = call->job_arg;
    (void)db, (void)err;
    jw_obj(w);
    JW_I64(w, "id", a->no);
    JW_STR(w, "kind", a->kind);
    JW_Z(w, "state", job_state_name(JOB_QUEUED));
    jw_obj_end(w);
    *status = 202;
    return ERR_OK;
}

void wake_jobs(struct call *call)
{
    if (call->api->o.wake_jobs)
        call->api->o.wake_jobs(call->api->o.jobs_ctx);
}

/* The parameters of a training, or that it is a refit, as its job keeps them. */
static enum err_code take_arguments(struct call *call, struct str given, bool refit,
                                    struct asked *a, struct err *err)
{
    struct train_args args;
    struct buf text;
    if (!given.n && !refit)
        return ERR_OK;
    if (!str_is(a->kind, "train"))
        return err_set(err, ERR_INVALID, "%s: only of a training",
                       given.n ? "parameters" : "refit");
    if (given.n && refit)
        return err_set(err, ERR_INVALID,
                       "parameters: a refit has those of the version that serves");
    args = (struct train_args){.refit = refit};
    if (given.n && train_args_parse(given, call->arena, &args, err) != ERR_OK)
        return err_prefix(err, ERR_INVALID, "parameters");
    buf_init(&text, TRAIN_ARGS_MAX);
    train_args_write(&args, &text);
    enum err_code code = buf_ok(&text, "parameters", err);
    if (code == ERR_OK)
        a->arguments = arena_str(call->arena, buf_str(&text));
    buf_release(&text);
    return code;
}

static enum err_code post_job(struct call *call, struct err *err)
{
    static const char *const names[] = {"kind", "parameters", "refit"};
    struct jr_fields fields = {.names = names, .n = 3, .strict = true};
    struct asked *a = ARENA_NEW(call->arena, struct asked, 1);
    struct str parameters = {NULL, 0};
    struct json_reader r;
    bool refit = false;
    int field;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 0)
                jr_str(&r, &a->kind);
            else if (field == 1)
                jr_raw(&r, &parameters);
            else
                jr_bool(&r, &refit);
        }
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && !str_is(a->kind, "train") && !str_is(a->kind, "compact") &&
        !str_is(a->kind, "watch"))
        code = err_set(err, ERR_INVALID, "kind: expected train, compact or watch");
    if (code == ERR_OK)
        code = take_arguments(call, parameters, refit, a, err);
    call->acted = wake_jobs;
    return code == ERR_OK ? call_write(call, add_job, a, render_added, err) : code;
}

/* --- cancelling ------------------------------------------------------------------------------ */

struct cancelling {
    struct arena *arena;
    int64_t no;
    bool running;
};

/* A queued job has ended with this; a running one is told to, and ends by itself. */
static enum err_code cancel_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct cancelling *c = arg;
    struct job j;
    enum err_code code = job_get(tx->db, c->no, c->arena, &j, err);
    if (code != ERR_OK)
        return code;
    c->running = j.state == JOB_RUNNING;
    if (c->running)
        return ERR_OK;
    code = job_finish(tx, c->no, JOB_CANCELLED, STR_LIT("cancelled before it began"),
                      (struct str){NULL, 0}, err);
    if (code == ERR_OK)
        import_args_discard(j.arguments);
    return code;
}

static void tell_runner(struct call *call)
{
    const struct cancelling *c = call->job_arg;
    if (c->running && call->api->o.cancel_job)
        call->api->o.cancel_job(call->api->o.jobs_ctx, c->no);
}

static enum err_code delete_job(struct call *call, struct err *err)
{
    struct cancelling *c = ARENA_NEW(call->arena, struct cancelling, 1);
    c->arena = call->arena;
    if (str_parse_i64(http_request_param(call->req, "id"), 1, INT64_MAX, &c->no, NULL) != ERR_OK)
        return err_set(err, ERR_NOT_FOUND, "there is no such job");
    call->acted = tell_runner;
    return call_write(call, cancel_job, c, render_nothing, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/v1/jobs", AUTH_ADMIN, post_job, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_GET, "/v1/jobs", AUTH_ADMIN, list_jobs, 0, PARAMS(list_params)},
    {HTTP_GET, "/v1/jobs/{id}", AUTH_ADMIN, get_job, 0, NO_PARAMS},
    {HTTP_DELETE, "/v1/jobs/{id}", AUTH_ADMIN, delete_job, ENDPOINT_WRITES, NO_PARAMS},
};
ENDPOINT_GROUP(job_endpoints, endpoints);
