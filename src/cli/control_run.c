/* control_run.c - the command's side: send the command line, print what comes back. */
#include <stdio.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "cli/control.h"

enum { REPLY_MAX = 64 << 20 };

enum err_code control_path(const char *dir, char out[FS_PATH_MAX], struct err *err)
{
    return fs_join(out, dir, "control.sock", err);
}

/* The server has another working folder. Ready mappings have names without an ending. */
static void write_value(const struct flag *flag, const char *value, struct json_writer *w)
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    struct str ending = STR_LIT(".yaml"), short_ending = STR_LIT(".yml"), text = str_of(value);
    bool is_file = strcmp(flag->name, "--mapping") == 0 &&
                   (str_ends(text, ending) || str_ends(text, short_ending));
    if (is_file && value[0] != '/' && getcwd(folder, sizeof folder) &&
        fs_join(path, folder, value, NULL) == ERR_OK)
        value = path;
    jw_z(w, value);
}

static void write_line(const struct args *args, struct json_writer *w)
{
    const struct command *c = args->command;
    jw_obj(w);
    JW_Z(w, "command", c->name);
    JW_ARR(w, "words");
    for (size_t i = 0; i < args->words_len; i++)
        jw_z(w, args->words[i]);
    jw_arr_end(w);
    JW_OBJ(w, "flags");
    for (size_t i = 0; i < c->flags_len; i++)
        if (args->values[i]) {
            jw_key(w, str_of(c->flags[i].name));
            write_value(&c->flags[i], args->values[i], w);
        }
    jw_obj_end(w);
    JW_BOOL(w, "json", args->json);
    jw_obj_end(w);
}

static void print(struct str text, FILE *to)
{
    fwrite(text.n ? text.p : "", 1, text.n, to);
    fflush(to);
}

/* {"status", "out", "err"}, or an error of the server. */
static enum err_code take_reply(const struct args *args, const struct http_client_reply *reply,
                                enum cli_exit *status, struct err *err)
{
    static const char *const names[] = {"status", "out", "err"};
    struct jr_fields fields = {.names = names, .n = 3};
    struct arena arena;
    struct json_reader r;
    struct str texts[3] = {{NULL, 0}};
    int64_t number = EXIT_SOFTWARE;
    int field;
    if (reply->status != 200)
        return err_set(err, ERR_UNAVAILABLE, "the server that holds the folder answers %d: %.*s",
                       reply->status, STR_ARG(buf_str(&reply->body)));
    arena_init(&arena, 0, REPLY_MAX);
    jr_init(&r, buf_str(&reply->body), &arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0)
            field == 0 ? jr_i64(&r, 0, 255, &number) : jr_str(&r, &texts[field]);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK) {
        print(texts[1], args->out);
        print(texts[2], args->err);
        *status = (enum cli_exit)number;
    }
    arena_release(&arena);
    return code;
}

bool control_run(const struct args *args, enum cli_exit *status)
{
    char path[FS_PATH_MAX];
    struct buf body;
    struct json_writer w;
    struct http_client_reply reply;
    struct err err;
    buf_init(&body, 1 << 20);
    jw_init(&w, &body);
    write_line(args, &w);
    enum err_code code = jw_end(&w, "the command line", &err);
    if (code == ERR_OK)
        code = control_path(data_dir(args), path, &err);
    if (code == ERR_OK)
        code = http_client_call(path,
                                &(struct http_client_request){.method = "POST",
                                                              .target = "/control/command",
                                                              .type = "application/json",
                                                              .body = buf_str(&body)},
                                REPLY_MAX, &reply, &err);
    buf_release(&body);
    if (code == ERR_UNAVAILABLE)
        return false;
    if (code == ERR_OK) {
        code = take_reply(args, &reply, status, &err);
        buf_release(&reply.body);
    }
    if (code != ERR_OK)
        *status = fail(args, &err);
    return true;
}

bool control_answers(const struct args *args)
{
    char path[FS_PATH_MAX];
    struct http_client_reply reply;
    const struct http_client_request request = {.method = "GET", .target = "/healthz"};
    if (control_path(data_dir(args), path, NULL) != ERR_OK ||
        http_client_call(path, &request, REPLY_MAX, &reply, NULL) != ERR_OK)
        return false;
    buf_release(&reply.body);
    return true;
}

/* --- asking ---------------------------------------------------------------------------------- */

static enum err_code code_of(struct str name)
{
    for (int code = ERR_OK + 1; code < ERR_CODES; code++)
        if (str_is(name, err_code_name((enum err_code)code)))
            return (enum err_code)code;
    return ERR_INTERNAL;
}

/* {"error": {"code", "message"}} */
static enum err_code take_error(const struct http_client_reply *reply, struct err *err)
{
    struct arena arena;
    struct json_reader r;
    struct str key, code = {NULL, 0}, message = {NULL, 0};
    arena_init(&arena, 0, 1 << 20);
    jr_init(&r, buf_str(&reply->body), &arena);
    if (jr_obj(&r) && jr_key(&r, &key) && str_is(key, "error") && jr_obj(&r))
        while (jr_key(&r, &key)) {
            if (str_is(key, "code"))
                jr_str(&r, &code);
            else if (str_is(key, "message"))
                jr_str(&r, &message);
        }
    enum err_code told = message.n
                             ? err_set(err, code_of(code), "%.*s", STR_ARG(message))
                             : err_set(err, ERR_INTERNAL, "the server answers %d", reply->status);
    arena_release(&arena);
    return told;
}

enum err_code control_ask(const struct args *args, const struct http_client_request *request,
                          struct buf *body, struct err *err)
{
    char path[FS_PATH_MAX];
    struct http_client_reply reply;
    *body = (struct buf){0};
    enum err_code code = control_path(data_dir(args), path, err);
    if (code == ERR_OK)
        code = http_client_call(path, request, REPLY_MAX, &reply, err);
    if (code != ERR_OK)
        return code == ERR_IO ? err_set(err, ERR_UNAVAILABLE, "the server has ended") : code;
    if (reply.status >= 200 && reply.status < 300) {
        *body = reply.body;
        return ERR_OK;
    }
    code = take_error(&reply, err);
    buf_release(&reply.body);
    return code;
}
