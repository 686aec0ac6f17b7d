/* control.c - the server's side: commands on its store. */
#include "cli/control.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "http/reply.h"

enum { THREADS = 2, WAITING_MAX = 32, OUTPUT_MAX = 64 << 20, SYNC_MS = 10000 };

struct control {
    struct control_options o;
    struct pool *pool;         /* owned: commands wait for the writer, which a loop must not */
    struct http_route *routes; /* [len], owned: those of the API and the command's */
    size_t len;
};

/* A command under way. Lives in the request's arena. */
struct errand {
    struct control *control;
    struct http_request *req;
    struct args args;
    enum cli_exit status;
    char *texts[2]; /* malloc'd: what went to args.out and args.err */
    size_t sizes[2];
};

/* --- reading --------------------------------------------------------------------------------- */

static const char *keep(struct arena *arena, struct str s)
{
    return arena_str(arena, s).p;
}

static void read_words(struct json_reader *r, struct arena *arena, struct args *args)
{
    struct str word;
    if (!jr_arr(r))
        return;
    while (jr_next(r))
        if (args->words_len == CLI_WORDS_MAX)
            jr_fail(r, ERR_LIMIT, "more than %d words", CLI_WORDS_MAX);
        else if (jr_str(r, &word))
            args->words[args->words_len++] = keep(arena, word);
}

static void read_flags(struct json_reader *r, struct arena *arena, struct args *args)
{
    const struct command *c = args->command;
    struct str name, value;
    if (!jr_obj(r))
        return;
    while (jr_key(r, &name)) {
        size_t i = 0;
        while (i < c->flags_len && !str_is(name, c->flags[i].name))
            i++;
        if (i == c->flags_len)
            jr_fail(r, ERR_UNSUPPORTED, "the server's version has no such flag");
        else if (jr_str(r, &value))
            args->values[i] = keep(arena, value);
    }
}

static void read_command(struct json_reader *r, struct arena *arena, struct args *args)
{
    struct str name;
    if (!jr_str(r, &name))
        return;
    args->command = find_command(keep(arena, name));
    if (!args->command || !args->command->run_within)
        jr_fail(r, ERR_UNSUPPORTED, "the server's version does not do this beside serving");
}

/* The command comes first: its flags cannot be read without. */
static enum err_code read_args(struct http_request *req, struct args *args, struct err *err)
{
    static const char *const names[] = {"command", "words", "flags", "json"};
    struct jr_fields fields = {.names = names, .n = 4, .strict = true};
    struct json_reader r;
    int field;
    jr_init(&r, req->body, req->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 0)
                read_command(&r, req->arena, args);
            else if (!args->command)
                jr_fail(&r, ERR_INVALID, "command: expected first");
            else if (field == 1)
                read_words(&r, req->arena, args);
            else if (field == 2)
                read_flags(&r, req->arena, args);
            else
                jr_bool(&r, &args->json);
        }
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && !args->command)
        code = err_set(err, ERR_INVALID, "command: missing");
    if (code == ERR_OK &&
        (args->words_len < args->command->words_min || args->words_len > args->command->words_max))
        code = err_set(err, ERR_INVALID, "words: too few or too many");
    return code;
}

/* --- running --------------------------------------------------------------------------------- */

static void answer(struct http_request *req)
{
    struct errand *e = req->user;
    struct json_writer w;
    struct err err;
    struct buf body;
    buf_init(&body, 2 * OUTPUT_MAX);
    jw_init(&w, &body);
    jw_obj(&w);
    JW_I64(&w, "status", e->status);
    JW_STR(&w, "out", ((struct str){e->texts[0], e->sizes[0]}));
    JW_STR(&w, "err", ((struct str){e->texts[1], e->sizes[1]}));
    jw_obj_end(&w);
    if (jw_end(&w, "the command's output", &err) == ERR_OK)
        http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_JSON,
                                             .take = &body,
                                             .cache_control = "no-store",
                                             .no_compress = true});
    else
        http_reply_error(req, 413, err_code_name(err.code), err.msg);
    buf_release(&body);
    free(e->texts[0]);
    free(e->texts[1]);
}

/* What the command wrote is seen by whoever comes after it. */
static void settle(const struct control *c)
{
    struct err err;
    if (engine_wait(c->o.engine, SYNC_MS, &err) != ERR_OK || auth_renew(c->o.auth, &err) != ERR_OK)
        log_warn("a command's effect comes late", LOG_ERR_TEXT(&err));
}

static void run_errand(void *arg)
{
    struct errand *e = arg;
    e->args.out = open_memstream(&e->texts[0], &e->sizes[0]);
    e->args.err = open_memstream(&e->texts[1], &e->sizes[1]);
    CHECK(e->args.out && e->args.err);
    e->status = e->args.command->run_within(&e->args, e->control->o.store);
    fclose(e->args.out);
    fclose(e->args.err);
    settle(e->control);
    /* Words are not logged: they may be people. */
    log_info("command", LOG_Z("command", e->args.command->name), LOG_I64("status", e->status));
    http_request_resume(e->req, answer);
}

static void answer_busy(struct http_request *req)
{
    http_reply_busy(req, "too many commands wait already");
}

static void take_command(struct http_request *req)
{
    struct control *c = req->route->ctx;
    struct errand *e = ARENA_NEW(req->arena, struct errand, 1);
    struct err err;
    *e = (struct errand){
        .control = c, .req = req, .args = {.config = c->o.config, .engine = c->o.engine}};
    enum err_code code = read_args(req, &e->args, &err);
    if (code != ERR_OK) {
        http_reply_error(req, api_status(code), err_code_name(code), err.msg);
        return;
    }
    req->user = e;
    if (!http_request_suspend(req))
        return; /* answered with 503 */
    if (pool_submit(c->pool, run_errand, e) != ERR_OK)
        http_request_resume(req, answer_busy);
}

/* --- life ------------------------------------------------------------------------------------ */

enum err_code control_new(const struct control_options *options, struct control **out,
                          struct err *err)
{
    size_t n;
    const struct http_route *routes = api_routes(options->api, &n);
    struct control *c = MEM_NEW(struct control);
    c->o = *options;
    c->len = n + 1;
    c->routes = mem_new(c->len, sizeof *c->routes);
    memcpy(c->routes, routes, n * sizeof *routes);
    c->routes[n] = (struct http_route){
        .method = HTTP_POST, .pattern = "/control/command", .handler = take_command, .ctx = c};
    enum err_code code = pool_new(&c->pool, "control", THREADS, WAITING_MAX, err);
    if (code != ERR_OK) {
        control_free(c);
        return code;
    }
    *out = c;
    return ERR_OK;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    pool_free(c->pool);
    mem_free(c->routes);
    mem_free(c);
}

const struct http_route *control_routes(const struct control *c, size_t *n)
{
    *n = c->len;
    return c->routes;
}
