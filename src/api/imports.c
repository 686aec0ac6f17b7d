/* imports.c - POST /v1/imports: a file to be imported by a job of this server.
 *
 * Model:   what is to be done stands in the query and is checked before any of the file is read. The file
 *          is the body, of any length; it is written aside into DIR/.uploads and becomes a job once it
 *          is durable. Through the control socket a file of this machine may be named instead.
 * Mapping: a ready one, or DIR/mappings/NAME.yaml: what the shop's operator has laid there.
 * Memory:  BLOCK_BYTES, in which the body gathers; a thread of api->disk writes them while the request is
 *          suspended, so nothing more is read from its socket meanwhile. */
#include "jobs/import_args.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api_int.h"
#include "base/mem.h"
#include "store/jobs.h"

enum {
    BLOCK_BYTES = 256 << 10,
    GATHERED_MAX = 1 << 20, /* a block and what http hands over at once, with room to spare */
    ARGUMENTS_MAX = 64 << 10,
    SPARE_BYTES = 64 << 20, /* of disk that an upload leaves to the record */
    FILE_NAME_MAX = 200,
};

struct upload {
    struct call *call;
    struct import_args args;
    char path[FS_PATH_MAX]; /* of the file that is written; empty: none */
    int fd;                 /* -1: not open */
    struct buf block;       /* not yet written */
    bool ended, waiting;
    enum err_code code; /* of what a thread has done */
    struct err err;
    struct str arguments; /* of the job */
    int64_t no;           /* of the job */
};

/* --- what is asked --------------------------------------------------------------------------- */

enum { KIND, PATH, NAME, FORMAT, CHARSET, MAPPING, CURRENCY, FULL, FORCE, DRY_RUN };

static const struct param import_params[] = {
    [KIND] = {.name = STR_LIT("kind")},
    [PATH] = {.name = STR_LIT("path")},
    [NAME] = {.name = STR_LIT("name")},
    [FORMAT] = {.name = STR_LIT("format")},
    [CHARSET] = {.name = STR_LIT("charset")},
    [MAPPING] = {.name = STR_LIT("mapping")},
    [CURRENCY] = {.name = STR_LIT("currency")},
    [FULL] = {.name = STR_LIT("full"), .kind = PARAM_BOOL},
    [FORCE] = {.name = STR_LIT("force"), .kind = PARAM_BOOL},
    [DRY_RUN] = {.name = STR_LIT("dry_run"), .kind = PARAM_BOOL},
};

static const char *text_param(const struct call *call, size_t at)
{
    struct str text = call->values[at].text;
    return text.n ? arena_str(call->arena, text).p : NULL;
}

/* A mapping that lies on this machine has a path, which only who is on the machine may name. */
static enum err_code check_place(const struct call *call, const struct import_args *a,
                                 struct err *err)
{
    struct str mapping = str_of(a->options.mapping);
    bool is_file = str_find(mapping, '/', 0) != SIZE_MAX || str_ends(mapping, STR_LIT(".yaml")) ||
                   str_ends(mapping, STR_LIT(".yml"));
    if (call->req->local)
        return ERR_OK;
    if (a->options.path)
        return err_set(err, ERR_DENIED, "path: only through the server's control socket");
    if (is_file)
        return err_set(err, ERR_DENIED, "mapping: by name; a file only through the control socket");
    return ERR_OK;
}

/* The path of a mapping of the shop's own in place of its name, if there is one. */
static enum err_code find_mapping(struct call *call, struct import_options *o, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct fs_info info = {0};
    if (!o->mapping || strchr(o->mapping, '/') || strchr(o->mapping, '.'))
        return ERR_OK;
    struct str file = arena_printf(call->arena, "%s.yaml", o->mapping);
    enum err_code code = fs_join(dir, store_dir(call->api->o.store), "mappings", err);
    if (code == ERR_OK)
        code = fs_join(path, dir, file.p, err);
    if (code == ERR_OK)
        code = fs_stat(path, &info, err);
    if (code == ERR_OK && info.is_file)
        o->mapping = arena_str(call->arena, str_of(path)).p;
    return code;
}

static enum err_code read_params(struct call *call, struct import_args *a, struct err *err)
{
    struct import_options *o = &a->options;
    if (!import_kind_of(call->values[KIND].text, &o->kind))
        return err_set(err, ERR_INVALID,
                       "kind: expected products, users, events, orders or interactions");
    o->path = text_param(call, PATH);
    o->name = text_param(call, NAME);
    o->format = text_param(call, FORMAT);
    o->charset = text_param(call, CHARSET);
    o->mapping = text_param(call, MAPPING);
    o->currency = text_param(call, CURRENCY);
    if (o->name && strlen(o->name) > FILE_NAME_MAX && !call->req->local)
        return err_set(err, ERR_LIMIT, "name: longer than %d bytes", FILE_NAME_MAX);
    o->full = call->values[FULL].number != 0;
    o->force = call->values[FORCE].number != 0;
    o->dry_run = call->values[DRY_RUN].number != 0;
    enum err_code code = check_place(call, a, err);
    if (code == ERR_OK)
        code = find_mapping(call, o, err);
    return code == ERR_OK ? import_options_check(o, err) : code;
}

/* --- the file -------------------------------------------------------------------------------- */

static void close_file(struct upload *u)
{
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
}

/* The request ends without a job. */
static void leave(struct upload *u)
{
    struct err ignored;
    http_request_on_cancel(u->call->req, NULL);
    close_file(u);
    if (u->path[0])
        (void)!fs_remove_file(u->path, &ignored); /* the next start sweeps */
    buf_release(&u->block);
}

static void on_cancel(struct http_request *req)
{
    struct call *call = req->user;
    struct upload *u = call->taker;
    if (!u->waiting)
        leave(u);
}

static void fail(struct upload *u, enum err_code code, const struct err *err)
{
    leave(u);
    reply_err(u->call->req, code, err);
}

static enum err_code open_file(struct upload *u, struct err *err)
{
    char dir[FS_PATH_MAX];
    enum err_code code = import_uploads_dir(u->call->api->o.store, dir, err);
    if (code == ERR_OK)
        code = fs_join(u->path, dir, "XXXXXX", err);
    if (code != ERR_OK)
        return code;
    u->fd = mkostemp(u->path, O_CLOEXEC);
    if (u->fd >= 0)
        return ERR_OK;
    u->path[0] = '\0';
    return err_set_errno(err, ERR_IO, errno, "%s", dir);
}

/* On a thread of api->disk. */
static enum err_code write_block(struct upload *u, struct err *err)
{
    uint64_t room;
    enum err_code code = u->fd >= 0 ? ERR_OK : open_file(u, err);
    if (code == ERR_OK)
        code = fs_free_bytes(u->path, &room, err);
    if (code == ERR_OK && room < u->block.len + SPARE_BYTES)
        code = err_set(err, ERR_NO_SPACE, "there is no room for the file");
    if (code == ERR_OK)
        code = fs_write_all(u->fd, u->block.data, u->block.len, u->path, err);
    if (code == ERR_OK && u->ended)
        code = fs_sync(u->fd, u->path, err);
    buf_reset(&u->block);
    return code;
}

static void written(struct http_request *req);

static void run_write(void *arg)
{
    struct upload *u = arg;
    u->code = write_block(u, &u->err);
    http_request_resume(u->call->req, written);
}

/* Read no more of the body until what has come is in the file. */
static void give_block(struct upload *u)
{
    if (!http_request_suspend(u->call->req)) { /* answered with 503 */
        leave(u);
        return;
    }
    u->waiting = true;
    if (pool_submit(u->call->api->disk, run_write, u) == ERR_OK)
        return; /* u is the thread's now */
    u->code = err_set(&u->err, ERR_BUSY, "too many uploads at once");
    http_request_resume(u->call->req, written);
}

/* --- the job --------------------------------------------------------------------------------- */

static enum err_code add_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct upload *u = arg;
    return job_add(tx, STR_LIT("import"), u->arguments, &u->no, err);
}

/* On the loop: the job is durable, or it is not. */
static void queued(struct http_request *req)
{
    struct call *call = req->user;
    struct upload *u = call->taker;
    struct json_writer w;
    struct err err;
    u->waiting = false;
    if (u->code != ERR_OK) {
        fail(u, u->code, &u->err);
        return;
    }
    wake_jobs(call);
    u->path[0] = '\0'; /* the job's now */
    leave(u);
    begin_json(call, &w);
    jw_obj(&w);
    JW_I64(&w, "id", u->no);
    JW_Z(&w, "kind", "import");
    JW_Z(&w, "state", job_state_name(JOB_QUEUED));
    jw_obj_end(&w);
    enum err_code code = reply_json(call, 202, &w, &err);
    if (code != ERR_OK)
        reply_err(req, code, &err);
}

/* On the writer thread. */
static void job_added(void *arg, enum err_code code, const struct err *err)
{
    struct upload *u = arg;
    u->code = code;
    if (code != ERR_OK)
        u->err = *err;
    http_request_resume(u->call->req, queued);
}

static enum err_code write_arguments(struct upload *u, struct err *err)
{
    struct buf text;
    struct json_writer w;
    if (!u->args.options.path) {
        u->args.options.path = u->path;
        u->args.uploaded = true;
        if (!u->args.options.name)
            u->args.options.name = "upload";
    }
    buf_init(&text, ARGUMENTS_MAX);
    jw_init(&w, &text);
    import_args_write(&u->args, &w);
    enum err_code code = jw_end(&w, "the import's arguments", err);
    if (code == ERR_OK)
        u->arguments = arena_str(u->call->arena, buf_str(&text));
    buf_release(&text);
    return code;
}

static void queue_job(struct upload *u)
{
    struct err err;
    close_file(u);
    enum err_code code = write_arguments(u, &err);
    if (code != ERR_OK) {
        fail(u, code, &err);
        return;
    }
    if (!http_request_suspend(u->call->req)) {
        leave(u);
        return;
    }
    u->waiting = true;
    code = store_write_async(u->call->api->o.store, add_job, u, job_added, &u->err);
    if (code == ERR_OK)
        return;
    u->code = code;
    http_request_resume(u->call->req, queued);
}

/* --- course ---------------------------------------------------------------------------------- */

static void written(struct http_request *req)
{
    struct call *call = req->user;
    struct upload *u = call->taker;
    u->waiting = false;
    if (http_request_cancelled(req))
        leave(u);
    else if (u->code != ERR_OK)
        fail(u, u->code, &u->err);
    else if (u->ended)
        queue_job(u);
}

static void take_piece(struct call *call, struct str piece)
{
    struct upload *u = call->taker;
    struct err err;
    buf_put_str(&u->block, piece);
    if (buf_ok(&u->block, "what has arrived", &err) != ERR_OK)
        fail(u, ERR_MEMORY, &err);
    else if (u->block.len >= BLOCK_BYTES)
        give_block(u);
}

static void take_end(struct call *call)
{
    struct upload *u = call->taker;
    struct err err;
    u->ended = true;
    if (!u->args.options.path) {
        give_block(u);
    } else if (u->block.len) {
        (void)!err_set(&err, ERR_INVALID, "a path and a body: one of the two");
        fail(u, ERR_INVALID, &err);
    } else {
        queue_job(u);
    }
}

static enum err_code post_import(struct call *call, struct err *err)
{
    static const struct body_taker taker = {take_piece, take_end};
    struct upload *u = ARENA_NEW(call->arena, struct upload, 1);
    *u = (struct upload){.call = call, .fd = -1};
    enum err_code code = read_params(call, &u->args, err);
    if (code != ERR_OK)
        return code;
    buf_init(&u->block, GATHERED_MAX);
    call->body = &taker;
    call->taker = u;
    http_request_on_cancel(call->req, on_cancel);
    return ERR_OK;
}

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/v1/imports", AUTH_ADMIN, post_import,
     ENDPOINT_WRITES | ENDPOINT_STREAMS | ENDPOINT_TAKES_FILES, PARAMS(import_params)},
};
ENDPOINT_GROUP(import_endpoints, endpoints);
