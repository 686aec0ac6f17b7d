/* split.h - reads a request whole and in pieces, and says whether that made a difference.
 *
 * The oracle of the incremental parsers: the same bytes, cut anywhere, moved between calls, give the
 * same facts, the same content and the same fault. */
#ifndef TESTS_HTTP_SPLIT_H
#define TESTS_HTTP_SPLIT_H

#include <stdlib.h>

#include "base/buf.h"
#include "base/rng.h"
#include "http/parse.h"

/* All that reading a request can tell. */
struct split_facts {
    enum http_progress head, body;
    struct http_fault head_fault, body_fault;
    struct http_head facts;
    size_t head_bytes, body_bytes;
    size_t n_headers;
    struct buf text; /* method, target and headers, joined */
    struct buf content;
};

static inline void split_release(struct split_facts *f)
{
    buf_release(&f->text);
    buf_release(&f->content);
}

static inline void split_put(struct buf *b, struct str s)
{
    buf_put_u64(b, s.n);
    buf_putc(b, ':');
    buf_put_str(b, s);
}

/* Bytes of the next piece, 1..left: all of it without an rng. */
static inline size_t split_piece(struct rng *rng, size_t left)
{
    if (!rng)
        return left;
    size_t n = 1 + (size_t)rng_below(rng, rng_below(rng, 4) ? 7 : 200);
    return n < left ? n : left;
}

/* Feed a head whose bytes are moved to fresh memory before each call. */
static inline void split_head(struct rng *rng, struct str in, struct split_facts *f)
{
    static struct http_header headers[HTTP_MAX_HEADERS];
    struct http_parser ps;
    http_parser_init(&ps, NULL);
    size_t have = 0;
    do {
        have += split_piece(rng, in.n - have);
        char *moved = malloc(have + 1);
        memcpy(moved, in.p, have);
        f->head = http_parser_feed(&ps, moved, have, &f->head_bytes);
        free(moved);
    } while (f->head == HTTP_MORE && have < in.n);
    f->head_fault = ps.fault;
    if (f->head != HTTP_DONE)
        return;
    http_parser_head(&ps, in.p, &f->facts, headers);
    f->n_headers = f->facts.n_headers;
    split_put(&f->text, f->facts.method_name);
    split_put(&f->text, f->facts.target);
    split_put(&f->text, f->facts.host);
    for (size_t i = 0; i < f->n_headers; i++) {
        split_put(&f->text, headers[i].name);
        split_put(&f->text, headers[i].value);
    }
}

static inline void split_body(struct rng *rng, struct str in, struct split_facts *f)
{
    enum { MAX_BODY = 1 << 16 };
    struct http_body body;
    http_body_init(&body, &f->facts, MAX_BODY);
    size_t at = 0, end = 0;
    f->body = body.fault.status ? HTTP_BAD : HTTP_MORE;
    bool begun = false;
    while (f->body == HTTP_MORE && (at < in.n || !begun)) {
        size_t used;
        begun = true;
        struct str content;
        if (at == end)
            end += split_piece(rng, in.n - end);
        f->body = http_body_feed(&body, in.p + at, end - at, &used, &content);
        buf_put_str(&f->content, content);
        at += used;
    }
    f->body_fault = body.fault;
    f->body_bytes = at;
}

static inline void split_read(struct rng *rng, struct str in, struct split_facts *f)
{
    *f = (struct split_facts){.head = HTTP_MORE};
    buf_init(&f->text, 1 << 20);
    buf_init(&f->content, 1 << 20);
    if (in.n == 0)
        return;
    split_head(rng, in, f);
    if (f->head == HTTP_DONE)
        split_body(rng, (struct str){in.p + f->head_bytes, in.n - f->head_bytes}, f);
}

static inline const char *split_compare(const struct split_facts *a, const struct split_facts *b)
{
    if (a->head != b->head || a->head_fault.status != b->head_fault.status ||
        a->head_fault.why != b->head_fault.why)
        return "the head's outcome differs";
    if (a->head != HTTP_DONE)
        return NULL;
    if (a->head_bytes != b->head_bytes || !str_eq(buf_str(&a->text), buf_str(&b->text)) ||
        a->facts.framing != b->facts.framing || a->facts.keep_alive != b->facts.keep_alive ||
        a->facts.content_length != b->facts.content_length || a->facts.minor != b->facts.minor)
        return "the head's facts differ";
    if (a->body != b->body || a->body_fault.why != b->body_fault.why ||
        a->body_bytes != b->body_bytes)
        return "the body's outcome differs";
    if (!str_eq(buf_str(&a->content), buf_str(&b->content)))
        return "the content differs";
    return NULL;
}

/* NULL, or how reading in pieces differs from reading at once. */
static inline const char *split_differs(uint64_t seed, struct str in)
{
    struct split_facts whole, pieces;
    struct rng rng;
    rng_init(&rng, seed);
    split_read(NULL, in, &whole);
    split_read(&rng, in, &pieces);
    const char *why = split_compare(&whole, &pieces);
    split_release(&whole);
    split_release(&pieces);
    return why;
}

#endif
