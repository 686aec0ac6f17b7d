/* router.h - which route answers a method and a path.
 *
 * Model:   a tree of path segments built once from a table. A pattern is "/v1/products/{id}"; a last
 *          segment "{*rest}" takes what remains (slashes included, at least one segment; "/" has the
 *          single segment ""). Literal text wins over a name, a name over a rest; with backtracking.
 * Memory:  borrows the table and its strings, owns its nodes.
 * Threads: immutable once built; shared by all loops.
 * Cost:    O(segments) comparisons of at most the node's children, which are sorted. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "base/err.h"
#include "http/target.h"

enum { HTTP_MAX_PATH_PARAMS = 8 };

struct http_request;

/** Answer the request: reply, begin a stream, or suspend. Runs on the request's loop. */
typedef void http_handler(struct http_request *req);

/** Take a piece of the body, borrowed until return. */
typedef void http_body_handler(struct http_request *req, struct str piece);

struct http_route {
    enum http_method method; /* HEAD and OPTIONS are answered from the others */
    const char *pattern;
    http_handler *handler; /* with the whole body, or after its last piece */

    /* Optional: */
    void *ctx;             /* the caller's, found again as req->route->ctx */
    http_handler *on_head; /* before any of the body is read (and before 100 Continue); may reply */
    http_body_handler *on_body; /* the body is streamed here instead of collected in req->body */
    uint64_t max_body_bytes;    /* 0: the server's; longer bodies get 413 */
    bool no_access_log;         /* probes and metrics */
};

struct http_router;

struct http_match {
    const struct http_route *route; /* NULL: none */
    size_t index;                   /* of route in the table */
    bool path_exists;               /* with no route: the path serves other methods: 405 */
    unsigned allow;                 /* bit per enum http_method, HEAD and OPTIONS included */
    size_t n_params;
    struct http_param params[HTTP_MAX_PATH_PARAMS]; /* names from the pattern */
};

/** routes [n] borrowed for the life of the router.
 *  ERR_INVALID   a malformed pattern or too many names in one
 *  ERR_CONFLICT  two routes of one method that match the same paths */
ERR_MUST_USE enum err_code http_router_new(const struct http_route *routes, size_t n,
                                           struct http_router **out, struct err *err);
void http_router_free(struct http_router *r);

/** arena receives the joined value of a "{*rest}". */
void http_router_match(const struct http_router *r, enum http_method method,
                       const struct http_target *target, struct arena *arena,
                       struct http_match *out);

/** The table the router was built from. */
const struct http_route *http_router_routes(const struct http_router *r, size_t *n);

#endif
