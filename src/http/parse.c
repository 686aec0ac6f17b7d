#include "http/parse.h"

#include "base/check.h"
#include "http/chars.h"

/* Room in the request line beside the target: method, two spaces, version. */
enum { REQUEST_LINE_EXTRA = 64, MAX_LENGTH_DIGITS = 18, MAX_BLANK = 1 };

static const struct str method_names[HTTP_METHODS] = {
    [HTTP_GET] = STR_LIT("GET"),         [HTTP_HEAD] = STR_LIT("HEAD"),
    [HTTP_POST] = STR_LIT("POST"),       [HTTP_PUT] = STR_LIT("PUT"),
    [HTTP_PATCH] = STR_LIT("PATCH"),     [HTTP_DELETE] = STR_LIT("DELETE"),
    [HTTP_OPTIONS] = STR_LIT("OPTIONS"),
};

const char *http_method_name(enum http_method m)
{
    return m < HTTP_METHODS ? method_names[m].p : "OTHER";
}

static enum http_method method_of(struct str name)
{
    for (int m = 0; m < HTTP_METHODS; m++)
        if (str_eq(name, method_names[m]))
            return (enum http_method)m;
    return HTTP_OTHER;
}

void http_parser_init(struct http_parser *ps, const struct http_limits *limits)
{
    /* The spans are written before they are read: clearing 1.6 KB for each request is waste. */
    memset(ps, 0, offsetof(struct http_parser, names));
    if (limits)
        ps->limits = *limits;
    if (ps->limits.head_bytes == 0)
        ps->limits.head_bytes = HTTP_MAX_HEAD_BYTES;
    if (ps->limits.uri_bytes == 0)
        ps->limits.uri_bytes = HTTP_MAX_URI_BYTES;
}

static enum http_progress bad(struct http_parser *ps, int status, const char *why)
{
    ps->fault = (struct http_fault){status, why};
    return HTTP_BAD;
}

static struct http_span span_of(const char *head, struct str s)
{
    return (struct http_span){s.n ? (uint32_t)(s.p - head) : 0, (uint32_t)s.n};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* method SP target SP HTTP/x.y, nothing else. */
static enum http_progress take_request_line(struct http_parser *ps, const char *head,
                                            struct str line)
{
    struct str rest = line;
    struct str method = str_split(&rest, ' ');
    struct str target = rest.p ? str_split(&rest, ' ') : rest;
    if (!rest.p)
        return bad(ps, 400, "the request line is not 'method target version'");
    if (method.n == 0 || !chars_all(method.p, method.n, CHAR_TOKEN))
        return bad(ps, 400, "the method is not a token");
    if (target.n > ps->limits.uri_bytes)
        return bad(ps, 414, "the target is too long");
    if (target.n == 0 || !chars_all(target.p, target.n, CHAR_TARGET))
        return bad(ps, 400, "the target has a byte that needs escaping");
    if (rest.n != 8 || memcmp(rest.p, "HTTP/", 5) != 0 || !is_digit(rest.p[5]) ||
        rest.p[6] != '.' || !is_digit(rest.p[7]))
        return bad(ps, 400, "the version is not 'HTTP/' digit '.' digit");
    if (rest.p[5] != '1' || rest.p[7] > '1')
        return bad(ps, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    ps->method = method_of(method);
    ps->method_name = span_of(head, method);
    ps->target = span_of(head, target);
    ps->minor = (uint8_t)(rest.p[7] - '0');
    ps->have_request_line = true;
    return HTTP_MORE;
}

static enum http_progress take_host(struct http_parser *ps, const char *head, struct str value)
{
    if (ps->have_host)
        return bad(ps, 400, "more than one Host");
    if (value.n == 0 || !chars_all(value.p, value.n, CHAR_HOST))
        return bad(ps, 400, "Host is not a host and port");
    ps->have_host = true;
    ps->host = span_of(head, value);
    return HTTP_MORE;
}

static enum http_progress take_content_length(struct http_parser *ps, struct str value)
{
    if (ps->have_length)
        return bad(ps, 400, "more than one Content-Length");
    ps->have_length = true;
    if (value.n == 0)
        return bad(ps, 400, "Content-Length is not a number");
    for (size_t i = 0; i < value.n; i++) {
        if (!is_digit(value.p[i]))
            return bad(ps, 400, "Content-Length is not a number");
        if (i < MAX_LENGTH_DIGITS)
            ps->content_length = ps->content_length * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (value.n > MAX_LENGTH_DIGITS)
        return bad(ps, 413, "Content-Length is beyond any body");
    return HTTP_MORE;
}

static enum http_progress take_transfer_encoding(struct http_parser *ps, struct str value)
{
    if (ps->have_encoding)
        return bad(ps, 400, "more than one Transfer-Encoding");
    ps->have_encoding = true;
    if (str_eq_nocase(value, STR_LIT("chunked")))
        return HTTP_MORE;
    struct str coding;
    while (http_list_next(&value, &coding))
        if (str_eq_nocase(coding, STR_LIT("chunked")))
            return bad(ps, 400, "Transfer-Encoding may only be a single chunked");
    return bad(ps, 501, "this Transfer-Encoding is not implemented");
}

static enum http_progress take_connection(struct http_parser *ps, struct str value)
{
    struct str option;
    while (http_list_next(&value, &option)) {
        if (str_eq_nocase(option, STR_LIT("close")))
            ps->have_close = true;
        else if (str_eq_nocase(option, STR_LIT("keep-alive")))
            ps->have_keep_alive = true;
    }
    return HTTP_MORE;
}

static enum http_progress take_expect(struct http_parser *ps, struct str value)
{
    if (!str_eq_nocase(value, STR_LIT("100-continue")))
        return bad(ps, 417, "only 100-continue can be expected");
    ps->expect_continue = ps->minor == 1;
    return HTTP_MORE;
}

/* The fields that decide about framing and the connection; told apart by length first. */
static enum http_progress take_special(struct http_parser *ps, const char *head, struct str name,
                                       struct str value)
{
    switch (name.n) {
    case 4:
        return str_eq_nocase(name, STR_LIT("host")) ? take_host(ps, head, value) : HTTP_MORE;
    case 6:
        return str_eq_nocase(name, STR_LIT("expect")) ? take_expect(ps, value) : HTTP_MORE;
    case 10:
        return str_eq_nocase(name, STR_LIT("connection")) ? take_connection(ps, value) : HTTP_MORE;
    case 14:
        return str_eq_nocase(name, STR_LIT("content-length")) ? take_content_length(ps, value)
                                                              : HTTP_MORE;
    case 17:
        return str_eq_nocase(name, STR_LIT("transfer-encoding")) ? take_transfer_encoding(ps, value)
                                                                 : HTTP_MORE;
    default:
        return HTTP_MORE;
    }
}

static struct str trim_ows(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static enum http_progress take_field(struct http_parser *ps, const char *head, struct str line)
{
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return bad(ps, 400, "a folded header line");
    size_t colon = 0;
    while (colon < line.n && char_is(line.p[colon], CHAR_TOKEN))
        colon++;
    if (colon == 0 || colon == line.n || line.p[colon] != ':')
        return bad(ps, 400, "a header line is not 'name: value'");
    struct str name = {line.p, colon};
    struct str value = {line.p + colon + 1, line.n - colon - 1};
    if (!chars_all(value.p, value.n, CHAR_FIELD))
        return bad(ps, 400, "a header value has a control character");
    if (ps->n_headers == HTTP_MAX_HEADERS)
        return bad(ps, 431, "too many headers");
    value = trim_ows(value);
    ps->names[ps->n_headers] = span_of(head, name);
    ps->values[ps->n_headers] = span_of(head, value);
    ps->n_headers++;
    return take_special(ps, head, name, value);
}

/* The blank line: do the fields together make one unambiguous request? */
static enum http_progress finish(struct http_parser *ps)
{
    if (!ps->have_host && ps->minor == 1)
        return bad(ps, 400, "no Host");
    if (ps->have_encoding && ps->have_length)
        return bad(ps, 400, "Transfer-Encoding beside Content-Length");
    if (ps->have_encoding && ps->minor == 0)
        return bad(ps, 400, "Transfer-Encoding with HTTP/1.0");
    return HTTP_DONE;
}

static enum http_progress take_line(struct http_parser *ps, const char *head, struct str line)
{
    if (line.n == 0 && !ps->have_request_line)
        return ps->blank++ < MAX_BLANK ? HTTP_MORE : bad(ps, 400, "empty lines before the request");
    if (line.n == 0)
        return finish(ps);
    return ps->have_request_line ? take_field(ps, head, line) : take_request_line(ps, head, line);
}

/* Is the line that starts at ps->at, of which n bytes are known, longer than any we take? */
static bool line_too_long(const struct http_parser *ps, size_t n)
{
    return !ps->have_request_line && n > ps->limits.uri_bytes + REQUEST_LINE_EXTRA;
}

enum http_progress http_parser_feed(struct http_parser *ps, const char *p, size_t n,
                                    size_t *head_bytes)
{
    enum http_progress progress = ps->fault.status ? HTTP_BAD : HTTP_MORE;
    size_t window = n < ps->limits.head_bytes ? n : ps->limits.head_bytes;
    while (progress == HTTP_MORE) {
        const char *lf = NULL;
        if (ps->scanned < window)
            lf = memchr(p + ps->scanned, '\n', window - ps->scanned);
        size_t end = lf ? (size_t)(lf - p) : window;
        if (line_too_long(ps, end - ps->at))
            return bad(ps, 414, "the request line is too long");
        if (!lf) {
            ps->scanned = (uint32_t)window;
            if (window == ps->limits.head_bytes)
                return bad(ps, 431, "the head is too large");
            return HTTP_MORE;
        }
        if (end == ps->at || p[end - 1] != '\r')
            return bad(ps, 400, "a line ends without CR");
        struct str line = {p + ps->at, end - 1 - ps->at};
        ps->at = ps->scanned = (uint32_t)end + 1;
        progress = take_line(ps, p, line);
    }
    if (progress == HTTP_DONE)
        *head_bytes = ps->at;
    return progress;
}

static struct str str_at(const char *p, struct http_span s)
{
    return (struct str){p + s.at, s.n};
}

void http_parser_head(const struct http_parser *ps, const char *p, struct http_head *head,
                      struct http_header *headers)
{
    DCHECK(ps->have_request_line && ps->fault.status == 0);
    *head = (struct http_head){
        .method = ps->method,
        .method_name = str_at(p, ps->method_name),
        .target = str_at(p, ps->target),
        .host = str_at(p, ps->host),
        .minor = ps->minor,
        .content_length = ps->content_length,
        .keep_alive = !ps->have_close && (ps->minor == 1 || ps->have_keep_alive),
        .expect_continue = ps->expect_continue,
        .n_headers = ps->n_headers,
    };
    if (ps->have_encoding)
        head->framing = HTTP_CHUNKED;
    else if (ps->content_length > 0)
        head->framing = HTTP_LENGTH;
    for (size_t i = 0; i < ps->n_headers; i++)
        headers[i] = (struct http_header){str_at(p, ps->names[i]), str_at(p, ps->values[i])};
}
