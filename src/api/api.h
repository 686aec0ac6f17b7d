/* api.h - the HTTP interface of docs/http-api.md: the only place where http meets a domain.
 *
 * Model:   a table of endpoints, each with the scope that it asks for and one function. For every
 *          request the guard (api.c) finds out who asks, refuses what is not allowed, takes a view, and
 *          calls the function; what fails is answered in one shape. Reads run to completion on the
 *          loop. Writes suspend the request, run as a job of the store's writer, and are answered once
 *          they are durable and the engine has applied them. What comes through a Unix socket has the
 *          scope of an admin key.
 * Threads: as http/server.h: handlers run on their loop. */
#ifndef API_API_H
#define API_API_H

#include "auth/auth.h"
#include "base/config.h"
#include "engine/engine.h"
#include "eval/list_id.h"
#include "http/server.h"
#include "recommend/weights.h"

struct api;

struct api_options {
    struct store *store; /* borrowed until api_free, as the following */
    struct engine *engine;
    struct auth *auth;
    const struct config *config;
    struct recommend_weights weights; /* of the sources of recommendations */
    const char *name_en, *name_zh;    /* of the shop */
    const char *public_key;           /* given to the storefront; NULL: none */
    const char *read_only;            /* NULL: writable; else why not, one line */
    const char *gorse_feedback;       /* "read=view, ...": types of feedback of docs/gorse-api.md */
    bool gorse_users, gorse_items;    /* feedback makes users and items that are not there */
    const struct list_key *list_key; /* of the ids that lists get; NULL: theirs are the requests' */
    bool demo;                       /* /v1/demo and /media/demo exist */
    int64_t demo_key_no;             /* the server key that signs demo tokens */
    struct http_server *const *server; /* for /healthz; *server may be NULL until it is made */
    void (*wake_jobs)(void *ctx);      /* a job was queued; NULL: nobody runs jobs here */
    void (*cancel_job)(void *ctx, int64_t no); /* a running one is to end; NULL as before */
    void *jobs_ctx;
};

/** Options are copied. out  returns owned */
ERR_MUST_USE enum err_code api_new(const struct api_options *options, struct api **out,
                                   struct err *err);
void api_free(struct api *api);

/** The routes of the main port, for http_router_new; borrowed until api_free. */
const struct http_route *api_routes(const struct api *api, size_t *n);

/** The routes of a separate admin port: health, readiness, metrics. */
const struct http_route *api_admin_routes(const struct api *api, size_t *n);

/** From now on /readyz says no: the process is about to stop. */
void api_begin_drain(struct api *api);

/** The HTTP status of an error. */
int api_status(enum err_code code);

#endif
