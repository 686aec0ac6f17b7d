/* parse.h - the strict reading of HTTP/1.1 requests (RFC 9112): bytes in, facts out, no input or output.
 *
 * Model:   a parser is fed the same growing, contiguous bytes of one head again and again; it
 *          consumes whole lines and remembers offsets, so the bytes may move between calls and how
 *          they were cut never changes the result. A body decoder then cuts the content out of what
 *          follows the head.
 * Refused: everything that two programs could read differently: bare CR or LF, NUL and controls,
 *          white space before a colon, folded lines, no or two Hosts, two Content-Lengths, any
 *          Transfer-Encoding but a single "chunked", that beside Content-Length, signs, spaces or
 *          prefixes in numbers, trailers with content (they are checked, capped and dropped).
 * Memory:  nothing here allocates; results borrow the caller's bytes.
 * Source:  RFC 9110, RFC 9112; the head loop follows picohttpparser's "parse what is whole". */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHODS,              /* how many are served */
    HTTP_OTHER = HTTP_METHODS, /* a well-formed token that is none of these: 501 */
};

/** "GET"; "OTHER" for HTTP_OTHER. */
const char *http_method_name(enum http_method m);

enum {
    HTTP_MAX_HEADERS = 100,         /* fields in one head: 431 */
    HTTP_MAX_HEAD_BYTES = 16 << 10, /* default cap of a head: 431 */
    HTTP_MAX_URI_BYTES = 8 << 10,   /* default cap of a target: 414 */
    HTTP_MAX_CHUNK_LINE = 256,      /* size and extensions of one chunk: 400 */
    HTTP_MAX_TRAILER_BYTES = 2048,  /* all trailers of one body: 400 */
};

struct http_header {
    struct str name;  /* as sent; compare with str_eq_nocase */
    struct str value; /* without white space at its ends */
};

struct http_limits {
    size_t head_bytes; /* 0: HTTP_MAX_HEAD_BYTES; at most 64 KiB */
    size_t uri_bytes;  /* 0: HTTP_MAX_URI_BYTES */
};

/** What went wrong: the status to answer and one line that says why. */
struct http_fault {
    int status;      /* 400, 413, 414, 417, 431, 501, 505; 0: nothing */
    const char *why; /* static */
};

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD };

struct http_span {
    uint32_t at; /* offset from the start of the head */
    uint32_t n;
};

/** One head being read. All fields are private to parse.c. */
struct http_parser {
    struct http_limits limits;
    uint32_t at;      /* start of the first line not yet taken */
    uint32_t scanned; /* up to here there is no LF beyond at */
    uint16_t n_headers;
    uint8_t minor; /* HTTP/1.minor */
    uint8_t blank; /* empty lines skipped before the request line */
    bool have_request_line;
    bool have_host, have_length, have_encoding, have_close, have_keep_alive, expect_continue;
    enum http_method method;
    struct http_span method_name, target, host;
    uint64_t content_length;
    struct http_fault fault;
    struct http_span names[HTTP_MAX_HEADERS], values[HTTP_MAX_HEADERS];
};

enum http_framing {
    HTTP_NO_BODY, /* neither length nor chunks, or length 0 */
    HTTP_LENGTH,
    HTTP_CHUNKED,
};

/** A whole head; every str borrows the bytes given to http_parser_head. */
struct http_head {
    enum http_method method;
    struct str method_name;
    struct str target; /* as sent */
    struct str host;   /* empty only with HTTP/1.0 */
    int minor;         /* 0 or 1 */
    enum http_framing framing;
    uint64_t content_length; /* of HTTP_LENGTH */
    bool keep_alive;
    bool expect_continue;
    size_t n_headers;
};

/** limits may be NULL (defaults). */
void http_parser_init(struct http_parser *ps, const struct http_limits *limits);

/** Read on. p[n] starts at the first byte of the head and holds everything received so far.
 *  HTTP_DONE: *head_bytes is the length of the head, blank line included.
 *  HTTP_BAD:  ps->fault says what; the parser stays so. */
enum http_progress http_parser_feed(struct http_parser *ps, const char *p, size_t n,
                                    size_t *head_bytes);

/** After HTTP_DONE: the facts, over bytes p (which may be a copy of those that were parsed).
 *  headers  [HTTP_MAX_HEADERS] at least ps->n_headers long, filled */
void http_parser_head(const struct http_parser *ps, const char *p, struct http_head *head,
                      struct http_header *headers);

/** A body being read. All fields are private to body.c. */
struct http_body {
    enum http_framing framing;
    uint64_t left;      /* bytes to come of the length or of this chunk */
    uint64_t total;     /* content bytes given so far */
    uint64_t max_bytes; /* cap on total */
    uint32_t line;      /* bytes of the line being read */
    uint32_t trailer;   /* bytes of all trailers */
    uint8_t state;
    uint8_t digits; /* hexadecimal digits of this chunk's size */
    struct http_fault fault;
};

void http_body_init(struct http_body *b, const struct http_head *head, uint64_t max_bytes);

/** Take some of p[n]: *used bytes are done with, of which *content (possibly empty) is content.
 *  Call again with what remains while it makes progress.
 *  HTTP_MORE  more bytes are needed (*used == n) or remain
 *  HTTP_DONE  the body is complete; p + *used is the next request
 *  HTTP_BAD   b->fault: 400, or 413 past max_bytes */
enum http_progress http_body_feed(struct http_body *b, const char *p, size_t n, size_t *used,
                                  struct str *content);

#endif
