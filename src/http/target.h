/* target.h - the request target: its path as decoded segments, its query as decoded pairs.
 *
 * Forms:   "/path?query", "http://host/path?query" and, with OPTIONS, "*". The path is cut at '/'
 *          before percent-decoding, so an encoded slash stays within its segment.
 * Refused: bytes outside RFC 3986, a broken or %00 escape, "." and ".." segments (also encoded),
 *          text that is not UTF-8 once decoded, more than HTTP_MAX_SEGMENTS or HTTP_MAX_PARAMS.
 * Memory:  what needs decoding goes to the arena, the rest borrows the target. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include <stdbool.h>

#include "base/arena.h"
#include "http/parse.h"

enum { HTTP_MAX_SEGMENTS = 32, HTTP_MAX_PARAMS = 128 };

struct http_param {
    struct str name, value;
};

struct http_target {
    bool asterisk;        /* "*" */
    struct str authority; /* of the absolute form; else empty */
    struct str path;      /* as sent, with its first '/' */
    struct str query;     /* as sent, without '?' */
    size_t n_segments;
    struct str segments[HTTP_MAX_SEGMENTS]; /* decoded: "/a/b%2Fc" is "a", "b/c" */
    size_t n_params;
    struct http_param *params; /* [n_params] decoded ('+' is a space), in order; in the arena */
};

/** out->fault-free on status 0; otherwise 400 (or 414) and why. */
struct http_fault http_target_parse(struct str raw, enum http_method method, struct arena *arena,
                                    struct http_target *out);

#endif
