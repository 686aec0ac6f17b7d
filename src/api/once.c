/* once.c - Idempotency-Key: a write that is sent again acts once and is answered alike.
 *
 * Model:   a key belongs to (method, path, API key, shopper named), together its scope. The job of a
 *          write with a key first looks for an answer kept under it; without one it acts, writes its
 *          answer, and keeps that in the same transaction. So whatever happens between commit and
 *          answer, the next request with the key finds both or neither. What failed did nothing and is
 *          not kept. While a request runs, its key is in api->running and another with it is refused.
 * Source:  draft-ietf-httpapi-idempotency-key-header-07; unlike it, keys are taken as they are sent,
 *          with or without quotes. */
#include <sodium.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "store/keys.h"

#define ONCE_LIFE_US CLOCK_US_PER_DAY

enum { REPLY_MAX_BYTES = 256 << 10, TRIM_ROWS = 16, SCOPE_BYTES = 32, HASH_BYTES = 16 };

/* A key and what is kept under it. */
struct once {
    struct str key;                                         /* borrowed from the request */
    char scope[IDEMPOTENCY_SHOPPER_SIZE + 2 * SCOPE_BYTES]; /* whose it is, then hexadecimal */
    uint64_t running;                                       /* scope and key in api->running */
    uint64_t request_hash;                                  /* of query and body */
    enum { ONCE_NEW, ONCE_AGAIN, ONCE_OTHER } found;
    int32_t status;
    struct str reply; /* in the request's arena */
};

enum err_code once_begin(struct call *call, struct err *err)
{
    struct str key = http_request_header(call->req, "idempotency-key");
    if (!key.p)
        return ERR_OK;
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] < 0x20 || key.p[i] > 0x7e)
            return err_set(err, ERR_INVALID, "Idempotency-Key: printable ASCII only");
    if (key.n == 0 || key.n > STORE_ID_MAX)
        return err_set(err, ERR_INVALID, "Idempotency-Key: not of 1 to %d bytes", STORE_ID_MAX);
    call->once = ARENA_NEW(call->arena, struct once, 1);
    call->once->key = key;
    return ERR_OK;
}

static void hash_text(crypto_generichash_state *h, struct str s)
{
    uint64_t n = s.n; /* no two different lists of texts hash the same bytes */
    crypto_generichash_update(h, (const unsigned char *)&n, sizeof n);
    crypto_generichash_update(h, (const unsigned char *)s.p, s.n);
}

static void hash_scope(const struct call *call, struct once *o)
{
    crypto_generichash_state h;
    unsigned char scope[SCOPE_BYTES];
    int64_t who[3] = {call->key_no, call->named_kind, call->req->method};
    crypto_generichash_init(&h, NULL, 0, sizeof scope);
    crypto_generichash_update(&h, (const unsigned char *)who, sizeof who);
    hash_text(&h, call->named);
    hash_text(&h, call->req->path);
    crypto_generichash_final(&h, scope, sizeof scope);
    size_t begin = strlen(idempotency_shopper(call->named_kind, call->named, o->scope));
    sodium_bin2hex(o->scope + begin, sizeof o->scope - begin, scope, sizeof scope);
    crypto_generichash((unsigned char *)&o->running, sizeof o->running,
                       (const unsigned char *)o->key.p, o->key.n, scope, sizeof scope);
}

static void hash_request(const struct call *call, struct once *o)
{
    const struct http_target *t = call->req->target;
    crypto_generichash_state h;
    unsigned char out[HASH_BYTES];
    crypto_generichash_init(&h, NULL, 0, sizeof out);
    for (size_t i = 0; i < t->n_params; i++) {
        if (str_is(t->params[i].name, "key") || str_is(t->params[i].name, "token"))
            continue; /* who asks, and not what for; a token is made anew */
        hash_text(&h, t->params[i].name);
        hash_text(&h, t->params[i].value);
    }
    hash_text(&h, call->req->body);
    crypto_generichash_final(&h, out, sizeof out);
    memcpy(&o->request_hash, out, sizeof o->request_hash);
}

bool once_enter(struct call *call)
{
    struct api *api = call->api;
    bool fresh;
    hash_scope(call, call->once);
    hash_request(call, call->once);
    pthread_mutex_lock(&api->running_lock);
    map_u64_at(&api->running, call->once->running, &fresh);
    pthread_mutex_unlock(&api->running_lock);
    return fresh;
}

void once_leave(struct call *call)
{
    struct api *api = call->api;
    pthread_mutex_lock(&api->running_lock);
    map_u64_remove(&api->running, call->once->running);
    pthread_mutex_unlock(&api->running_lock);
}

/* --- in the transaction ---------------------------------------------------------------------- */

static enum err_code render(struct store_tx *tx, struct call *call, struct err *err)
{
    struct once *o = call->once;
    struct buf text;
    struct json_writer w;
    int status = 200;
    buf_init(&text, REPLY_MAX_BYTES);
    jw_init(&w, &text);
    enum err_code code = call->render(call, tx->db, &w, &status, err);
    if (code == ERR_OK && (text.len || text.full))
        code = jw_end(&w, "the answer, to be kept under its Idempotency-Key,", err);
    o->status = status;
    o->reply = text.len ? arena_str(call->arena, buf_str(&text)) : (struct str){NULL, 0};
    if (code == ERR_OK && text.len && !o->reply.p)
        code = err_set(err, ERR_LIMIT, "the answer does not fit");
    buf_release(&text);
    return code;
}

static enum err_code act(struct store_tx *tx, struct call *call, struct err *err)
{
    const struct once *o = call->once;
    enum err_code code = call->job(tx, call->job_arg, err);
    if (code == ERR_OK)
        code = render(tx, call, err);
    if (code != ERR_OK)
        return code;
    struct idempotency kept = {.scope = str_of(o->scope),
                               .key = o->key,
                               .request_hash = o->request_hash,
                               .status = o->status,
                               .reply = o->reply,
                               .expires_at = tx->now_us + ONCE_LIFE_US};
    code = idempotency_put(tx, &kept, err);
    return code == ERR_OK ? idempotency_trim(tx, TRIM_ROWS, NULL, err) : code;
}

enum err_code once_run(struct store_tx *tx, struct call *call, struct err *err)
{
    struct once *o = call->once;
    struct idempotency kept;
    enum err_code code =
        idempotency_get(tx->db, str_of(o->scope), o->key, tx->now_us, call->arena, &kept, err);
    if (code == ERR_NOT_FOUND)
        return act(tx, call, err);
    if (code != ERR_OK)
        return code;
    o->found = kept.request_hash == o->request_hash ? ONCE_AGAIN : ONCE_OTHER;
    o->status = kept.status;
    o->reply = kept.reply;
    if (o->status != 204 && o->reply.n == 0)
        return err_set(err, ERR_LIMIT, "the answer does not fit");
    return ERR_OK;
}

bool once_is_new(const struct call *call)
{
    return call->once->found == ONCE_NEW;
}

enum err_code once_answer(struct call *call)
{
    static const struct http_header replayed = {STR_LIT("Idempotent-Replayed"), STR_LIT("true")};
    const struct once *o = call->once;
    if (o->found == ONCE_OTHER)
        return reply_status(call, 422, "idempotency_key_reused",
                            "this Idempotency-Key came with another request before");
    http_reply(call->req, &(struct http_reply){.status = o->status,
                                               .content_type = o->reply.n ? HTTP_TYPE_JSON : NULL,
                                               .body = o->reply,
                                               .headers = &replayed,
                                               .n_headers = o->found == ONCE_AGAIN});
    return ERR_OK;
}
