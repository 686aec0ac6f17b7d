/* The content of a request: a length counted down, or chunks. */
#include "base/check.h"
#include "http/chars.h"
#include "http/parse.h"

enum { MAX_SIZE_DIGITS = 15 };

/* Where a chunked body stands; each framing byte moves it on. */
enum state {
    SIZE,          /* hexadecimal digits */
    EXTENSION,     /* ignored up to CR */
    SIZE_LF,       /* after the CR of the size line */
    DATA,          /* content of the chunk */
    DATA_CR,       /* CR after it */
    DATA_LF,       /* LF after that */
    TRAILER,       /* start of a trailer line, or the CR of the last line */
    TRAILER_NAME,  /* up to ':' */
    TRAILER_VALUE, /* up to CR */
    TRAILER_LF,
    LAST_LF, /* after the CR of the last line */
    OVER,
};

static void fail(struct http_body *b, int status, const char *why)
{
    b->fault = (struct http_fault){status, why};
}

void http_body_init(struct http_body *b, const struct http_head *head, uint64_t max_bytes)
{
    *b = (struct http_body){.framing = head->framing, .max_bytes = max_bytes, .state = SIZE};
    if (head->framing == HTTP_CHUNKED)
        return;
    b->left = head->framing == HTTP_LENGTH ? head->content_length : 0;
    b->state = b->left ? DATA : OVER;
    if (b->left > max_bytes)
        fail(b, 413, "the body is too large");
}

static enum state size_byte(struct http_body *b, char c)
{
    if (++b->line > HTTP_MAX_CHUNK_LINE) {
        fail(b, 400, "a chunk's size line is too long");
    } else if (char_is(c, CHAR_HEX)) {
        if (++b->digits > MAX_SIZE_DIGITS)
            fail(b, 400, "a chunk's size has too many digits");
        else
            b->left = b->left << 4 | char_hex(c);
        return SIZE;
    } else if (b->digits == 0 || (c != '\r' && c != ';')) {
        fail(b, 400, "a chunk's size is not a hexadecimal number");
    } else if (b->left > b->max_bytes || b->total > b->max_bytes - b->left) {
        fail(b, 413, "the body is too large");
    }
    return c == ';' ? EXTENSION : SIZE_LF;
}

static enum state extension_byte(struct http_body *b, char c)
{
    if (c == '\r')
        return SIZE_LF;
    if (++b->line > HTTP_MAX_CHUNK_LINE)
        fail(b, 400, "a chunk's size line is too long");
    else if (!char_is(c, CHAR_FIELD))
        fail(b, 400, "a chunk's extension has a control character");
    return EXTENSION;
}

static enum state trailer_byte(struct http_body *b, char c)
{
    enum state now = (enum state)b->state;
    if (++b->trailer > HTTP_MAX_TRAILER_BYTES)
        fail(b, 400, "the trailers are too large");
    if (c == '\r' && now != TRAILER_NAME)
        return now == TRAILER ? LAST_LF : TRAILER_LF;
    if (c == ':' && now == TRAILER_NAME)
        return TRAILER_VALUE;
    if (now == TRAILER_VALUE) {
        if (!char_is(c, CHAR_FIELD))
            fail(b, 400, "a trailer value has a control character");
        return TRAILER_VALUE;
    }
    if (!char_is(c, CHAR_TOKEN))
        fail(b, 400, "a trailer line is not 'name: value'");
    return TRAILER_NAME;
}

static enum state expect(struct http_body *b, char c, char want, enum state next)
{
    if (c != want)
        fail(b, 400, "a chunk does not end where it should");
    return next;
}

/* One byte of framing of a chunked body. */
static enum state framing_byte(struct http_body *b, char c)
{
    switch ((enum state)b->state) {
    case SIZE:
        return size_byte(b, c);
    case EXTENSION:
        return extension_byte(b, c);
    case SIZE_LF:
        b->line = b->digits = 0;
        return expect(b, c, '\n', b->left ? DATA : TRAILER);
    case DATA_CR:
        return expect(b, c, '\r', DATA_LF);
    case DATA_LF:
        return expect(b, c, '\n', SIZE);
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return trailer_byte(b, c);
    case TRAILER_LF:
        return expect(b, c, '\n', TRAILER);
    case LAST_LF:
        return expect(b, c, '\n', OVER);
    case DATA:
    case OVER:
        break;
    }
    UNREACHABLE();
}

/* As much content as is here and due. */
static struct str take_content(struct http_body *b, const char *p, size_t n)
{
    size_t take = n < b->left ? n : (size_t)b->left;
    b->left -= take;
    b->total += take;
    if (b->left == 0)
        b->state = b->framing == HTTP_CHUNKED ? DATA_CR : OVER;
    return (struct str){p, take};
}

enum http_progress http_body_feed(struct http_body *b, const char *p, size_t n, size_t *used,
                                  struct str *content)
{
    size_t i = 0;
    *content = (struct str){p, 0};
    while (i < n && b->fault.status == 0 && b->state != OVER && content->n == 0) {
        if (b->state == DATA) {
            *content = take_content(b, p + i, n - i);
            i += content->n;
        } else {
            b->state = (uint8_t)framing_byte(b, p[i++]);
        }
    }
    *used = i;
    if (b->fault.status)
        return HTTP_BAD;
    return b->state == OVER ? HTTP_DONE : HTTP_MORE;
}
