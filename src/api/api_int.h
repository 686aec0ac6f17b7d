/* api_int.h - what endpoint groups share: the call, shoppers, writes, parameters. */
#ifndef API_API_INT_H
#define API_API_INT_H

#include "api/api.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "http/reply.h"
#include "ingest/reason.h"
#include "store/users.h"

struct call;

/** Answer the call, or return why not; the guard then answers with the error. */
typedef enum err_code (*endpoint_fn)(struct call *call, struct err *err);

enum endpoint_flags {
    ENDPOINT_WRITES = 1 << 0, /* refused by a read-only shop */
    ENDPOINT_QUIET = 1 << 1,  /* not in the access log */
    ENDPOINT_DEMO = 1 << 2,   /* 404 unless this is a demonstration shop */
    ENDPOINT_LARGE = 1 << 3,  /* bodies up to API_BULK_MAX */
};

#define API_BULK_MAX (64ull << 20)

struct endpoint {
    enum http_method method;
    const char *pattern;
    enum auth_scope scope; /* the least that may call it */
    endpoint_fn fn;
    unsigned flags;
};

/* What route->ctx points to. */
struct bound_endpoint {
    struct api *api;
    const struct endpoint *endpoint;
};

struct api {
    struct api_options o;
    struct bound_endpoint *bound; /* [routes_len], owned */
    struct http_route *routes;    /* [routes_len], owned */
    size_t routes_len;
    struct bound_endpoint *admin_bound; /* [admin_len], owned */
    struct http_route *admin_routes;    /* [admin_len], owned */
    size_t admin_len;
    _Atomic bool draining;
};

/** Finish a call on its loop once its write is durable and applied. */
typedef enum err_code (*written_fn)(struct call *call, struct err *err);

/* One request under way. Lives in the request's arena. */
struct call {
    struct api *api;
    struct http_request *req;
    struct arena *arena;
    enum auth_scope scope;
    int64_t key_no;
    struct view *view;   /* owned reference until the call ends */
    struct str language; /* one of the shop's */

    /* A write under way. */
    store_job_fn job;
    void *job_arg;
    written_fn written;
    bool *again; /* set by call_again; on the stack of finish_write */
    enum err_code code;
    struct err err;
};

/* --- api.c: answering ------------------------------------------------------------------------ */

/** 200 (or status) with what w has written into the request's scratch buffer. */
enum err_code reply_json(struct call *call, int status, struct json_writer *w, struct err *err);

/** A writer over the request's scratch buffer; loop only. */
void begin_json(struct call *call, struct json_writer *w);

/** Answer with an error that has no err_code of its own (precondition_failed, rate_limited). */
enum err_code reply_status(struct call *call, int status, const char *code, const char *message);

/** Run job(tx, job_arg) on the writer, then written on the loop. The request is suspended: return what
 *  this returns. job_arg must live in the call's arena. */
enum err_code call_write(struct call *call, store_job_fn job, void *job_arg, written_fn written,
                         struct err *err);

/** From a written_fn: run the same job once more (a long body in short transactions). */
enum err_code call_again(struct call *call, struct err *err);

/** Run fn on a snapshot of the store. */
typedef enum err_code (*read_fn)(struct call *call, struct db *db, void *arg, struct err *err);
enum err_code call_read(struct call *call, read_fn fn, void *arg, struct err *err);

/* --- params.c: parameters -------------------------------------------------------------------- */

/** A query parameter; empty where absent. */
struct str query_str(const struct call *call, const char *name);

/** A whole number in a query parameter. ERR_INVALID names it. */
enum err_code query_i64(const struct call *call, const char *name, int64_t fallback, int64_t lo,
                        int64_t hi, int64_t *out, struct err *err);
enum err_code query_bool(const struct call *call, const char *name, bool fallback, bool *out,
                         struct err *err);

/** "cursor" as a number that this server gave out; start where absent. */
enum err_code query_cursor(const struct call *call, int64_t start, int64_t *out, struct err *err);

/** The currency named, or the shop's. ERR_INVALID  unknown. */
enum err_code currency_param(const struct call *call, struct str name, currency_code *out,
                             struct err *err);

/** Product ids separated by commas to numbers; unknown ones are left out. max ids. */
enum err_code product_list(const struct call *call, struct str ids, size_t max, uint32_t **out,
                           size_t *n, struct err *err);

/** An ISO 8601 time that something may have happened at, as a JSON string. The message begins with
 *  the field's name; *why (may be NULL) is the import's reason for a failure. */
bool read_past_time(struct json_reader *r, const char *name, int64_t *out, enum import_reason *why);

/* --- shopper.c: who is meant, and may this caller say so ------------------------------------- */

struct shopper {
    enum user_kind kind;
    struct str id;    /* outside id; empty: nobody */
    uint32_t user_no; /* 0: nobody, or not seen yet */
    bool personalise; /* false: opted out, or nobody */
};

/** The shopper that a user_id or anonymous_id names. With a public key a user_id must be that of the
 *  token. Both empty: nobody.
 *  ERR_UNAUTHENTICATED  the token is missing or bad
 *  ERR_DENIED           it is another shopper's
 *  ERR_INVALID          an id breaks its rules */
enum err_code find_shopper(struct call *call, struct str user_id, struct str anonymous_id,
                           struct shopper *out, struct err *err);

/** May the caller act for this known shopper? Errors as find_shopper. */
enum err_code require_user(struct call *call, struct str user_id, struct err *err);

/** An anonymous id: 32 lower-case hexadecimal digits. */
enum err_code check_anonymous_id(struct str id, struct err *err);

/* --- product_json.c -------------------------------------------------------------------------- */

/** Read a product as docs/http-api.md has it; id is from the path where not empty. Texts lie in the
 *  reader's arena or text. ERR_INVALID with the place. */
enum err_code product_from_json(struct json_reader *r, struct str id, struct product *out,
                                struct err *err);

/** Merge a JSON merge patch (RFC 7396) into p. */
enum err_code product_patch_json(struct json_reader *r, struct product *p, struct err *err);

/** The whole product as members of an open object, in its own language. */
void product_members(const struct product *p, struct json_writer *w);

/** Replace the texts by those of a translation; false, with nothing changed, if there is none. */
bool product_translate(struct product *p, struct str language, struct arena *arena);

/* --- merge.c --------------------------------------------------------------------------------- */

/** Merge a patch (RFC 7396) into a JSON object; both are checked JSON. out lies in the arena.
 *  ERR_LIMIT  it does not fit */
enum err_code json_merge(struct str target, struct str patch, struct arena *arena, struct str *out,
                         struct err *err);

/* --- event_json.c ---------------------------------------------------------------------------- */

/** Read one event; *why is the import's reason for a failure. */
enum err_code event_from_json(struct json_reader *r, struct event *out, enum import_reason *why);

/** The reason for which event_check refuses what event_from_json took. */
enum import_reason event_reason(const struct event *e);

/** The shopper that the text of a refused event names, as far as it can be read. */
void event_owner(struct str raw, struct arena *arena, struct str *user_id,
                 struct str *anonymous_id);

/* --- endpoint tables ------------------------------------------------------------------------- */

struct endpoint_group {
    const struct endpoint *endpoints; /* [len] */
    size_t len;
};

extern const struct endpoint_group shop_endpoints, product_endpoints, event_endpoints,
    user_endpoints, recommendation_endpoints, search_endpoints, cart_endpoints, order_endpoints,
    model_endpoints, job_endpoints, demo_endpoints, operation_endpoints, web_endpoints;

#define ENDPOINT_GROUP(name, table)                                                                \
    const struct endpoint_group name = {(table), sizeof(table) / sizeof *(table)}

#endif
