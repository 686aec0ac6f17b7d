/* What the client's headers say about the reply, and the routes that stand in for missing ones. */
#include "http/chars.h"
#include "http/http_int.h"

/* "q=0", "q=0.0": not wanted. */
static bool is_refused(struct str parameters)
{
    while (parameters.p) {
        struct str value = str_trim(str_split(&parameters, ';'));
        struct str name = str_trim(str_split(&value, '='));
        if (!str_eq_nocase(name, STR_LIT("q")))
            continue;
        value = str_trim(value);
        for (size_t i = 0; i < value.n; i++)
            if (value.p[i] >= '1' && value.p[i] <= '9')
                return false;
        return true;
    }
    return false;
}

bool http_request_accepts(const struct http_request *req, const char *coding)
{
    struct str list = http_request_header(req, "Accept-Encoding"), element;
    while (http_list_next(&list, &element)) {
        struct str name = str_trim(str_split(&element, ';'));
        if (str_eq_nocase(name, str_of(coding)))
            return !is_refused(element);
    }
    return false;
}

bool http_etag_matches(const struct http_request *req, struct str etag)
{
    struct str list = http_request_header(req, "If-None-Match"), tag;
    while (http_list_next(&list, &tag)) {
        if (str_is(tag, "*"))
            return true;
        if (str_starts(tag, STR_LIT("W/")))
            tag = (struct str){tag.p + 2, tag.n - 2};
        if (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"' &&
            str_eq((struct str){tag.p + 1, tag.n - 2}, etag))
            return true;
    }
    return false;
}

bool http_cors_origin(const struct http_exchange *ex, struct str *origin)
{
    const struct http_cors *cors = &ex->loop->server->config.cors;
    if (cors->n_origins == 0)
        return false;
    struct str sent = http_request_header(&ex->req, "Origin");
    for (size_t i = 0; sent.n && i < cors->n_origins; i++) {
        if (str_is(sent, cors->origins[i]) || strcmp(cors->origins[i], "*") == 0) {
            *origin = str_of(cors->origins[i]);
            return true;
        }
    }
    return false;
}

/* --- stand-ins --- */

static struct str allow_list(const struct http_exchange *ex, char out[64])
{
    unsigned allow = ex->match.path_exists ? ex->match.allow : ~0u;
    struct buf b = {.data = out, .cap = 64, .max = 63};
    for (int m = 0; m < HTTP_METHODS; m++) {
        if (!(allow & 1u << m))
            continue;
        if (b.len)
            buf_puts(&b, ", ");
        buf_puts(&b, http_method_name((enum http_method)m));
    }
    return buf_str(&b);
}

static void not_found(struct http_request *req)
{
    http_reply_error(req, 404, "not_found", "there is nothing at this path");
}

static void not_allowed(struct http_request *req)
{
    char allow[64];
    http_reply_not_allowed(req, allow_list(http_exchange_of(req), allow));
}

static void options(struct http_request *req)
{
    char allow[64];
    struct http_header header = {STR_LIT("Allow"), allow_list(http_exchange_of(req), allow)};
    http_reply(req, &(struct http_reply){.status = 204, .headers = &header, .n_headers = 1});
}

static void preflight(struct http_request *req)
{
    const struct http_exchange *ex = http_exchange_of(req);
    const struct http_cors *cors = &ex->loop->server->config.cors;
    char allow[64], age[16];
    snprintf(age, sizeof age, "%u", cors->max_age_s);
    const struct http_header headers[] = {
        {STR_LIT("Access-Control-Allow-Methods"), allow_list(ex, allow)},
        {STR_LIT("Access-Control-Allow-Headers"), str_of(cors->headers)},
        {STR_LIT("Access-Control-Max-Age"), str_of(age)},
    };
    http_reply(req, &(struct http_reply){.status = 204,
                                         .headers = headers,
                                         .n_headers = sizeof headers / sizeof *headers});
}

static void drop(struct http_request *req, struct str piece)
{
    (void)req, (void)piece;
}

/* Who asks before sending a body for nothing is told at once. */
static void answer_expectation(struct http_request *req)
{
    if (http_exchange_of(req)->head.expect_continue)
        req->route->handler(req);
}

#define FALLBACK(fn)                                                                               \
    {                                                                                              \
        .pattern = "none", .handler = fn, .on_head = answer_expectation, .on_body = drop           \
    }

const struct http_route *http_fallback_route(const struct http_exchange *ex)
{
    static const struct http_route not_found_route = FALLBACK(not_found);
    static const struct http_route not_allowed_route = FALLBACK(not_allowed);
    static const struct http_route options_route = FALLBACK(options);
    static const struct http_route preflight_route = FALLBACK(preflight);
    struct str origin;
    if (ex->req.method == HTTP_OPTIONS && (ex->match.path_exists || ex->target.asterisk)) {
        bool asks = http_request_header(&ex->req, "Access-Control-Request-Method").n > 0;
        return asks && http_cors_origin(ex, &origin) ? &preflight_route : &options_route;
    }
    return ex->match.path_exists ? &not_allowed_route : &not_found_route;
}
