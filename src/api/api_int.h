/* api_int.h - what endpoint groups share: the call, shoppers, writes, parameters. */
#ifndef API_API_INT_H
#define API_API_INT_H

#include <pthread.h>

#include "api/api.h"
#include "api/params.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/rng.h"
#include "http/reply.h"
#include "ingest/reason.h"
#include "recommend/experiment.h"
#include "store/events.h"
#include "store/users.h"

struct call;
struct once;
struct gorse;
struct shopper;

/** Answer the call, or return why not; the guard then answers with the error. */
typedef enum err_code (*endpoint_fn)(struct call *call, struct err *err);

enum endpoint_flags {
    ENDPOINT_WRITES = 1 << 0, /* refused by a read-only shop */
    ENDPOINT_QUIET = 1 << 1,  /* not in the access log */
    ENDPOINT_DEMO = 1 << 2,   /* 404 unless this is a demonstration shop */
    ENDPOINT_STREAMS =
        1 << 3,               /* a body of any length: fn is called before it and sets call->body */
    ENDPOINT_SECRET = 1 << 4, /* a write whose answer is kept nowhere, so without Idempotency-Key */
    ENDPOINT_PARAMS_IN_BODY = 1 << 5, /* params are the members of the body */
    ENDPOINT_TAKES_LINES = 1 << 6,    /* a body may also be application/x-ndjson */
    ENDPOINT_TAKES_TEXT = 1 << 7,     /* a body may also be text/plain, for beacons */
    ENDPOINT_TAKES_FILES = 1 << 8,    /* a body may be a file of any type */
    ENDPOINT_GORSE = 1 << 9,  /* errors as that protocol has them: plain text, 401 and no 403 */
    ENDPOINT_LARGE = 1 << 10, /* a body of up to LARGE_BODY_BYTES */
};

struct endpoint {
    enum http_method method;
    const char *pattern;
    enum auth_scope scope; /* the least that may call it */
    endpoint_fn fn;
    unsigned flags;
    const struct param *params; /* [params_len] what it may be asked */
    size_t params_len;
};

/* What route->ctx points to. */
struct bound_endpoint {
    struct api *api;
    const struct endpoint *endpoint;
    bool any_query; /* pages, files and probes: what their queries say is nobody's business */
};

struct api {
    struct api_options o;
    struct bound_endpoint *bound; /* [routes_len], owned */
    struct http_route *routes;    /* [routes_len], owned */
    size_t routes_len;
    struct bound_endpoint *admin_bound; /* [admin_len], owned */
    struct http_route *admin_routes;    /* [admin_len], owned */
    size_t admin_len;
    struct pool *disk;    /* owned: what is uploaded is written to files there */
    struct gorse *gorse;  /* owned: the settings of gorse.h */
    struct pool *reports; /* owned: what walks the record */
    pthread_mutex_t counters_lock;
    struct map_str counters; /* what lists led to, by labels: struct counter * (lists.c) */
    _Atomic bool draining;
    _Atomic unsigned batches;     /* being written; api_free waits for them */
    pthread_mutex_t running_lock; /* of running */
    struct map_u64 running;       /* requests with an Idempotency-Key under way (once.c) */
};

/** What takes a body as it arrives (ENDPOINT_STREAMS). On the loop; either may suspend or answer. */
struct body_taker {
    void (*piece)(struct call *call, struct str piece); /* borrowed until return */
    void (*end)(struct call *call);
};

/** Write the answer of a write into w, or nothing for one without a body, and set *status unless it is
 *  200. Called on the loop once the write is durable and applied, db NULL. Where the request has an
 *  Idempotency-Key it is called on the writer thread in the transaction of the job, db that of the
 *  transaction, and an error undoes the write. So it reads through call_read_from, and does nothing
 *  but that. */
typedef enum err_code (*render_fn)(struct call *call, struct db *db, struct json_writer *w,
                                   int *status, struct err *err);

/* One request under way. Lives in the request's arena. */
struct call {
    struct api *api;
    struct http_request *req;
    struct arena *arena;
    enum auth_scope scope;
    int64_t key_no;
    struct view *view;   /* owned reference until the call ends; NULL where the body streams */
    struct str language; /* one of the shop's */
    const struct param_value *values; /* [n] as in the endpoint's table */
    int named_kind;    /* enum user_kind of the shopper whom the request names first */
    struct str named;  /* and its id; empty: nobody */
    struct once *once; /* NULL: without Idempotency-Key */

    /* A write under way. */
    store_job_fn job;
    void *job_arg;
    render_fn render;
    void (*acted)(struct call *call); /* on the loop, once the write is durable; NULL: nothing */
    enum err_code code;
    struct err err;

    /* A body that streams. */
    const struct body_taker *body;
    void *taker; /* the endpoint's */
};

/* --- api.c: answering ------------------------------------------------------------------------ */

/** 200 (or status) with what w has written into the request's scratch buffer. */
enum err_code reply_json(struct call *call, int status, struct json_writer *w, struct err *err);

/** A writer over the request's scratch buffer; loop only. */
void begin_json(struct call *call, struct json_writer *w);

/** Answer with an error. */
void reply_err(struct http_request *req, enum err_code code, const struct err *err);

/** Answer with an error that has no err_code of its own. */
enum err_code reply_status(struct call *call, int status, const char *code, const char *message);

/** Run job(tx, job_arg) on the writer, and answer with what render writes. With an Idempotency-Key that
 *  came before neither is run. The request is suspended: return what this returns. job_arg must live in
 *  the call's arena. What depends on records and not on the request alone is for the job to check. */
enum err_code call_write(struct call *call, store_job_fn job, void *job_arg, render_fn render,
                         struct err *err);

/** Render nothing: 204. */
enum err_code render_nothing(struct call *call, struct db *db, struct json_writer *w, int *status,
                             struct err *err);

/** Run fn on a snapshot of the store. */
typedef enum err_code (*read_fn)(struct call *call, struct db *db, void *arg, struct err *err);
enum err_code call_read(struct call *call, read_fn fn, void *arg, struct err *err);

/** As call_read; on db where it is not NULL. */
enum err_code call_read_from(struct call *call, struct db *db, read_fn fn, void *arg,
                             struct err *err);

/** acted of a call that queued a job. */
void wake_jobs(struct call *call);

/* --- experiments.c --------------------------------------------------------------------------- */

/** What experiments say about a shopper's list in a placement. Borrows from the call's view. */
void find_experiments(struct call *call, enum placement placement, const struct shopper *shopper,
                      struct experiment_settings *out);

/** What everybody would get in a placement if the experiment were decided for a variant now, whatever state it is in.
 *  ERR_NOT_FOUND, ERR_INVALID  there is no such experiment, no such variant */
enum err_code preview_variant(struct call *call, enum placement placement, struct str experiment,
                              struct str variant, struct experiment_settings *out, struct err *err);

/* --- lists.c: lists that were served ------------------------------------------------------------ */

/** The id of a list that is being answered, in the call's arena: by it events tell what the list led to. */
struct str list_id(struct call *call, const struct list_facts *facts);

/** Of the calling thread, seeded by the system: for what nobody needs to guess or repeat. */
struct rng *thread_rng(void);

/** Count events that were stored and that name a list, for /metrics. */
void count_list_events(struct api *api, const struct event *events,
                       const enum event_outcome *outcomes, size_t n);

/* --- once.c: Idempotency-Key ----------------------------------------------------------------- */

/** Take the header where there is one. ERR_INVALID  it is no key */
enum err_code once_begin(struct call *call, struct err *err);

/** Before the write is queued. False: another request with the key is under way. */
bool once_enter(struct call *call);

/** After it was answered. */
void once_leave(struct call *call);

/** The job of a call with a key. */
enum err_code once_run(struct store_tx *tx, struct call *call, struct err *err);

/** Did it act? */
bool once_is_new(const struct call *call);

/** Answer on the loop what was kept or is kept now. */
enum err_code once_answer(struct call *call);

/* --- params.c: parameters -------------------------------------------------------------------- */

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

/** As find_shopper, where one must be named. */
enum err_code need_shopper(struct call *call, struct str user_id, struct str anonymous_id,
                           struct shopper *out, struct err *err);

/** The request is about this shopper: Idempotency-Keys of different shoppers do not meet. The first one
 *  named counts. */
void name_shopper(struct call *call, enum user_kind kind, struct str id);

/** May the caller act for this known shopper? Errors as find_shopper. */
enum err_code require_user(struct call *call, struct str user_id, struct err *err);

/** An anonymous id: 32 lower-case hexadecimal digits. */
enum err_code check_anonymous_id(struct str id, struct err *err);

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

extern const struct endpoint_group shop_endpoints, product_endpoints, product_bulk_endpoints,
    event_endpoints, user_endpoints, recommendation_endpoints, search_endpoints, cart_endpoints,
    order_endpoints, model_endpoints, rule_endpoints, job_endpoints, import_endpoints,
    key_endpoints, overview_endpoints, quarantine_endpoints, report_endpoints, experiment_endpoints,
    settings_endpoints, demo_endpoints, operation_endpoints, web_endpoints, gorse_user_endpoints,
    gorse_item_endpoints, gorse_feedback_endpoints, gorse_list_endpoints, gorse_health_endpoints;

#define ENDPOINT_GROUP(name, table)                                                                \
    const struct endpoint_group name = {(table), sizeof(table) / sizeof *(table)}

#endif
