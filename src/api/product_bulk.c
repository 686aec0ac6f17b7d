/* product_bulk.c - POST /v1/products/bulk: one product a line, a body of any length.
 *
 * Model:   lines are read on the loop as they arrive, into one of two batches. A batch goes to the
 *          store's writer as one job, and lines go on into the other one; so a slow body is written
 *          line by line and a fast one in full batches. When the other is full before the first is
 *          durable and applied, the request is suspended: nothing more is read from its socket until
 *          the writer has caught up.
 * Memory:  two batches of BATCH_LINES lines or about BATCH_BYTES, and the line that is arriving.
 * Life:    a batch may be at the writer when the client leaves, so a bulk lies on the heap, and whoever
 *          is the last to know of it frees it.
 * Threads: the loop's, but for the batch at the writer: `link` says whose it is. */
#include <stdatomic.h>

#include "api/api_int.h"
#include "api/product_json.h"
#include "base/mem.h"
#include "store/products.h"

enum {
    BATCH_LINES = 500,
    BATCH_BYTES = 1 << 20,
    LINE_MAX_BYTES = 1 << 20,
    ARRIVED_MAX_BYTES = 4 << 20, /* a line and what http hands over at once, with room to spare */
    COMPACT_BYTES = 64 << 10,
    REJECTIONS_TOLD = 1000,
};

/* One line: a product to write, or why not. */
struct item {
    unsigned line;
    struct product product; /* texts in the batch's arena */
    const struct err *why;  /* in the batch's arena; NULL: it is good */
};

struct batch {
    struct arena arena;
    struct item *items; /* [BATCH_LINES], owned */
    size_t len;
    uint64_t results[PRODUCT_CHANGED_LIVE + 1]; /* how many items, by enum product_put_result */
};

struct rejection {
    unsigned line;
    struct err err;
};

enum link {
    LINK_IDLE,    /* no batch is at the writer */
    LINK_WRITING, /* one is */
    LINK_AWAITED, /* one is, and the request is suspended until it comes back */
    LINK_DONE,    /* it has come back and was not looked at yet */
    LINK_LEFT,    /* one is, and the request is gone */
};

struct bulk {
    struct api *api;
    struct call *call; /* only while the request lives */
    struct batch batches[2];
    struct batch *filling, *given; /* the loop's, the writer's */
    _Atomic(enum link) link;
    enum err_code code; /* of the batch that has come back */
    struct err err;
    struct buf arrived;    /* lines not yet read */
    size_t at;             /* where the next line begins in arrived */
    size_t scanned;        /* bytes from there that hold no line end */
    unsigned line;         /* number of the last line read */
    unsigned last_durable; /* number of the last line that is written */
    bool too_long;         /* the beginning of the next line was dropped */
    bool ended, waiting;   /* the body is complete; the request is suspended */
    uint64_t results[PRODUCT_CHANGED_LIVE + 1], refused;
    struct rejection *rejections; /* [told], in the call's arena */
    size_t told;
};

/* --- life ------------------------------------------------------------------------------------ */

static struct bulk *new_bulk(struct call *call)
{
    struct bulk *b = MEM_NEW(struct bulk);
    b->api = call->api;
    b->call = call;
    buf_init(&b->arrived, ARRIVED_MAX_BYTES);
    for (int i = 0; i < 2; i++) {
        arena_init(&b->batches[i].arena, BATCH_BYTES, BATCH_BYTES + 4 * LINE_MAX_BYTES);
        b->batches[i].items = mem_new(BATCH_LINES, sizeof(struct item));
    }
    b->filling = &b->batches[0];
    return b;
}

static void free_bulk(struct bulk *b)
{
    for (int i = 0; i < 2; i++) {
        arena_release(&b->batches[i].arena);
        mem_free(b->batches[i].items);
    }
    buf_release(&b->arrived);
    mem_free(b);
}

/* The request ends. A batch at the writer is finished there. */
static void leave(struct bulk *b)
{
    http_request_on_cancel(b->call->req, NULL);
    if (atomic_exchange(&b->link, LINK_LEFT) != LINK_WRITING)
        free_bulk(b);
}

/* The client has left, or sends what is no HTTP. A suspended request still gets its resumption. */
static void on_cancel(struct http_request *req)
{
    struct call *call = req->user;
    struct bulk *b = call->taker;
    if (!b->waiting)
        leave(b);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The text of the next line; false if its end has not arrived. */
static bool next_line(struct bulk *b, struct str *line)
{
    const char *start = b->arrived.data + b->at;
    size_t n = b->arrived.len - b->at;
    const char *end = n > b->scanned ? memchr(start + b->scanned, '\n', n - b->scanned) : NULL;
    if (!end && (!b->ended || (n == 0 && !b->too_long))) {
        b->scanned = n;
        if (n > LINE_MAX_BYTES) {
            b->too_long = true;
            b->at = b->arrived.len;
            b->scanned = 0;
        }
        return false;
    }
    *line = (struct str){start, end ? (size_t)(end - start) : n};
    b->at += line->n + (end != NULL);
    b->scanned = 0;
    b->line++;
    return true;
}

static enum err_code read_product(struct bulk *b, struct str line, struct product *out,
                                  struct err *err)
{
    struct arena *arena = &b->filling->arena;
    struct json_reader r;
    bool too_long = b->too_long || line.n > LINE_MAX_BYTES;
    b->too_long = false;
    if (too_long)
        return err_set(err, ERR_LIMIT, "the line is longer than %d bytes", LINE_MAX_BYTES);
    struct str text = arena_str(arena, line);
    if (!text.p)
        return err_set(err, ERR_LIMIT, "the line does not fit");
    jr_init(&r, text, arena);
    r.first_line = b->line;
    enum err_code code = product_from_json(&r, (struct str){NULL, 0}, out, err);
    return code == ERR_OK ? jr_end(&r, err) : code;
}

static void refuse(struct batch *batch, struct item *item, const struct err *why)
{
    struct err *kept = ARENA_NEW(&batch->arena, struct err, 1);
    *kept = *why;
    item->why = kept;
}

static bool is_full(const struct batch *batch)
{
    return batch->len == BATCH_LINES || batch->arena.used_bytes >= BATCH_BYTES;
}

/* As many lines as have arrived and fit the batch. */
static void read_lines(struct bulk *b)
{
    struct batch *batch = b->filling;
    struct str line;
    while (!is_full(batch) && next_line(b, &line)) {
        struct item *item = &batch->items[batch->len];
        struct err why;
        if (!b->too_long && str_trim(line).n == 0)
            continue;
        *item = (struct item){.line = b->line};
        if (read_product(b, line, &item->product, &why) != ERR_OK)
            refuse(batch, item, &why);
        batch->len++;
    }
    if (b->at == b->arrived.len || b->at > COMPACT_BYTES) {
        size_t left = b->arrived.len - b->at;
        if (left)
            memmove(b->arrived.data, b->arrived.data + b->at, left);
        buf_truncate(&b->arrived, left);
        b->at = 0;
    }
}

/* --- writing --------------------------------------------------------------------------------- */

/* On the writer thread. */
static enum err_code write_batch(struct store_tx *tx, void *arg, struct err *err)
{
    struct batch *batch = ((struct bulk *)arg)->given;
    for (size_t i = 0; i < batch->len; i++) {
        struct item *item = &batch->items[i];
        enum product_put_result result;
        if (item->why)
            continue;
        enum err_code code = product_put(tx, &item->product, NULL, &result, err);
        if (code == ERR_OK)
            batch->results[result]++;
        else if (code == ERR_INVALID || code == ERR_LIMIT)
            refuse(batch, item, err);
        else
            return code;
    }
    return ERR_OK;
}

static void resumed(struct http_request *req);

/* On the writer's or the engine's thread: the batch is durable and applied, or has failed. */
static void settle(void *arg)
{
    struct bulk *b = arg;
    struct api *api = b->api;
    enum link was = atomic_exchange(&b->link, LINK_DONE);
    if (was == LINK_AWAITED)
        http_request_resume(b->call->req, resumed);
    else if (was == LINK_LEFT)
        free_bulk(b);
    atomic_fetch_sub(&api->batches, 1);
}

/* On the writer thread. */
static void batch_written(void *arg, enum err_code code, const struct err *err)
{
    struct bulk *b = arg;
    b->code = code;
    if (code == ERR_OK) {
        engine_sync(b->api->o.engine, settle, b);
    } else {
        b->err = *err;
        settle(b);
    }
}

static enum err_code give(struct bulk *b, struct err *err)
{
    b->given = b->filling;
    b->filling = b->given == b->batches ? b->batches + 1 : b->batches;
    b->filling->len = 0;
    arena_reset(&b->filling->arena);
    memset(b->filling->results, 0, sizeof b->filling->results);
    atomic_store(&b->link, LINK_WRITING);
    atomic_fetch_add(&b->api->batches, 1);
    enum err_code code = store_write_async(b->api->o.store, write_batch, b, batch_written, err);
    if (code != ERR_OK) {
        atomic_store(&b->link, LINK_IDLE);
        atomic_fetch_sub(&b->api->batches, 1);
    }
    return code;
}

/* Count what has come back. */
static enum err_code take_back(struct bulk *b, struct err *err)
{
    const struct batch *batch = b->given;
    atomic_store(&b->link, LINK_IDLE);
    if (b->code != ERR_OK) {
        *err = b->err;
        return b->code;
    }
    for (size_t i = 0; i < sizeof b->results / sizeof *b->results; i++)
        b->results[i] += batch->results[i];
    for (size_t i = 0; i < batch->len; i++) {
        const struct item *item = &batch->items[i];
        b->last_durable = item->line;
        b->refused += item->why != NULL;
        if (item->why && b->told < REJECTIONS_TOLD)
            b->rejections[b->told++] = (struct rejection){item->line, *item->why};
    }
    return ERR_OK;
}

/* --- course ---------------------------------------------------------------------------------- */

static void fail(struct bulk *b, enum err_code code, const struct err *err)
{
    struct http_request *req = b->call->req;
    struct err told;
    /* What is written stays: the client may go on behind it, or send all of it again. */
    (void)!err_set(&told, code, "%.160s; lines up to %u are written", err->msg, b->last_durable);
    leave(b);
    reply_err(req, code, &told);
}

static void answer(struct bulk *b)
{
    struct call *call = b->call;
    struct json_writer w;
    struct err err;
    begin_json(call, &w);
    jw_obj(&w);
    JW_U64(&w, "created", b->results[PRODUCT_CREATED]);
    JW_U64(&w, "changed", b->results[PRODUCT_CHANGED] + b->results[PRODUCT_CHANGED_LIVE]);
    JW_U64(&w, "unchanged", b->results[PRODUCT_UNCHANGED]);
    JW_U64(&w, "refused", b->refused);
    JW_ARR(&w, "rejected");
    for (size_t i = 0; i < b->told; i++) {
        jw_obj(&w);
        JW_U64(&w, "line", b->rejections[i].line);
        JW_Z(&w, "code", err_code_name(b->rejections[i].err.code));
        JW_Z(&w, "message", b->rejections[i].err.msg);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    leave(b);
    enum err_code code = reply_json(call, 200, &w, &err);
    if (code != ERR_OK)
        reply_err(call->req, code, &err);
}

/* Read no more of the body until the batch at the writer is back. */
static void wait_for_writer(struct bulk *b)
{
    struct http_request *req = b->call->req;
    enum link writing = LINK_WRITING;
    if (!http_request_suspend(req)) { /* answered with 503 */
        leave(b);
        return;
    }
    b->waiting = true;
    if (!atomic_compare_exchange_strong(&b->link, &writing, LINK_AWAITED))
        http_request_resume(req, resumed); /* it came back meanwhile */
}

/* As far as it goes with what has arrived and come back. */
static void go_on(struct bulk *b)
{
    struct err err;
    enum err_code code = ERR_OK;
    while (code == ERR_OK) {
        if (atomic_load(&b->link) == LINK_DONE && (code = take_back(b, &err)) != ERR_OK)
            break;
        read_lines(b);
        bool more = !b->ended && !is_full(b->filling);
        if (atomic_load(&b->link) != LINK_IDLE) {
            if (!more)
                wait_for_writer(b);
            return;
        }
        if (b->filling->len == 0) {
            if (!more)
                answer(b);
            return;
        }
        code = give(b, &err);
    }
    fail(b, code, &err);
}

static void resumed(struct http_request *req)
{
    struct call *call = req->user;
    struct bulk *b = call->taker;
    b->waiting = false;
    if (http_request_cancelled(req))
        leave(b);
    else
        go_on(b);
}

static void take_piece(struct call *call, struct str piece)
{
    struct bulk *b = call->taker;
    struct err err;
    buf_put_str(&b->arrived, piece);
    if (buf_ok(&b->arrived, "what has arrived", &err) == ERR_OK)
        go_on(b);
    else
        fail(b, ERR_MEMORY, &err);
}

static void take_end(struct call *call)
{
    struct bulk *b = call->taker;
    b->ended = true;
    go_on(b);
}

static enum err_code bulk_products(struct call *call, struct err *err)
{
    static const struct body_taker taker = {take_piece, take_end};
    struct rejection *rejections =
        arena_try_alloc(call->arena, REJECTIONS_TOLD * sizeof *rejections);
    if (!rejections)
        return err_set(err, ERR_LIMIT, "the request does not fit");
    struct bulk *b = new_bulk(call);
    b->rejections = rejections;
    call->body = &taker;
    call->taker = b;
    http_request_on_cancel(call->req, on_cancel);
    return ERR_OK;
}

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/v1/products/bulk", AUTH_SERVER, bulk_products,
     ENDPOINT_WRITES | ENDPOINT_STREAMS | ENDPOINT_TAKES_LINES, NO_PARAMS},
};
ENDPOINT_GROUP(product_bulk_endpoints, endpoints);
