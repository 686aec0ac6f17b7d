/* reply.h - answering a request at once.
 *
 * Every reply carries Date, X-Request-Id and X-Content-Type-Options: nosniff; Content-Length or chunks
 * are the server's business, as are Connection, Vary, gzip, HEAD, 304 and CORS. Header names and
 * values given here must be free of CR, LF and NUL (CHECKed). */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/buf.h"
#include "http/request.h"

#define HTTP_TYPE_JSON "application/json"
#define HTTP_TYPE_TEXT "text/plain; charset=utf-8"

struct http_reply {
    int status;               /* 200..599; 0: 200 */
    const char *content_type; /* NULL: none; compressible types are gzipped above 1 KiB */
    /* The body, at most one of: */
    struct str body;  /* borrowed until return (copied) unless release is set */
    struct buf *take; /* takes its data and leaves it empty */
    /* Optional: */
    void (*release)(void *arg); /* body is borrowed until this is called, on the loop */
    void *release_arg;
    const struct http_header *headers; /* [n_headers] */
    size_t n_headers;
    const char *content_encoding; /* body is compressed already ("gzip"): passed through */
    const char *cache_control;
    struct str etag;  /* opaque text without quotes: If-None-Match gives 304; sent as weak */
    bool hash_etag;   /* make an etag from the body */
    bool no_compress; /* secrets beside attacker-chosen text, or not worth it */
    bool close;       /* end the connection after this reply */
};

/** Send it; the request is over when this returns. */
void http_reply(struct http_request *req, const struct http_reply *reply);

/** 200 (or status) application/json, body borrowed until return. */
void http_reply_json(struct http_request *req, int status, struct str body);

/** {"error": {"code", "message", "request_id"}}. message is one line of UTF-8 (escaped here). */
void http_reply_error(struct http_request *req, int status, const char *code, const char *message);

/** 503 "busy" with Retry-After. */
void http_reply_busy(struct http_request *req, const char *message);

/** 204 without body, or any status that needs none. */
void http_reply_empty(struct http_request *req, int status);

/** Hand a whole reply over from another thread to a suspended request, ending its suspension.
 *  reply is copied shallowly: headers, strings and body must lie in the request's arena or be static;
 *  take is taken now. */
void http_reply_from_thread(struct http_request *req, const struct http_reply *reply);

/** Does the client accept this content coding (gzip)? */
bool http_request_accepts(const struct http_request *req, const char *coding);

/** "Not Found"; "Status" for numbers that have no name. */
const char *http_status_text(int status);

#endif
