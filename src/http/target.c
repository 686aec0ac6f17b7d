#include "http/target.h"

#include "base/check.h"
#include "http/chars.h"

static const struct http_fault good = {0, NULL};

static struct http_fault bad(const char *why)
{
    return (struct http_fault){400, why};
}

/* raw without its escapes; borrows raw where there are none. plus: '+' is a space. */
static struct http_fault decode(struct str raw, bool plus, struct arena *arena, struct str *out)
{
    *out = raw;
    if (raw.n == 0)
        return good;
    if (!memchr(raw.p, '%', raw.n) && !(plus && memchr(raw.p, '+', raw.n)))
        return good;
    char *p = arena_try_alloc(arena, raw.n);
    if (!p)
        return (struct http_fault){414, "the target needs too much memory"};
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%') {
            if (raw.n - i < 3 || !char_is(raw.p[i + 1], CHAR_HEX) ||
                !char_is(raw.p[i + 2], CHAR_HEX))
                return bad("a '%' in the target is not followed by two hexadecimal digits");
            c = (char)(char_hex(raw.p[i + 1]) << 4 | char_hex(raw.p[i + 2]));
            if (c == '\0')
                return bad("the target has an escaped NUL");
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        p[n++] = c;
    }
    *out = (struct str){p, n};
    return str_utf8_valid(*out, NULL) ? good : bad("the target is not UTF-8");
}

static struct http_fault parse_path(struct http_target *t, struct arena *arena)
{
    struct str rest = {t->path.p + 1, t->path.n - 1};
    if (memchr(t->path.p, '\\', t->path.n))
        return bad("the path has a backslash");
    while (rest.p) {
        if (t->n_segments == HTTP_MAX_SEGMENTS)
            return (struct http_fault){414, "the path has too many segments"};
        struct str *segment = &t->segments[t->n_segments];
        struct http_fault fault = decode(str_split(&rest, '/'), false, arena, segment);
        if (fault.status)
            return fault;
        if (str_is(*segment, ".") || str_is(*segment, ".."))
            return bad("the path has dot segments");
        t->n_segments++;
    }
    return good;
}

static size_t count_params(struct str query)
{
    size_t n = 0;
    while (query.p)
        n += str_split(&query, '&').n > 0;
    return n;
}

static struct http_fault parse_query(struct http_target *t, struct arena *arena)
{
    size_t n = count_params(t->query);
    if (n == 0)
        return good;
    if (n > HTTP_MAX_PARAMS)
        return (struct http_fault){414, "the query has too many parameters"};
    t->params = arena_try_alloc(arena, n * sizeof *t->params);
    if (!t->params)
        return (struct http_fault){414, "the target needs too much memory"};
    struct str rest = t->query;
    while (rest.p) {
        struct str value = str_split(&rest, '&');
        if (value.n == 0)
            continue;
        struct str name = str_split(&value, '=');
        struct http_param *param = &t->params[t->n_params];
        *param = (struct http_param){{NULL, 0}, {NULL, 0}};
        struct http_fault fault = decode(name, true, arena, &param->name);
        if (fault.status == 0 && value.n)
            fault = decode(value, true, arena, &param->value);
        if (fault.status)
            return fault;
        t->n_params++;
    }
    return good;
}

/* "http://host/path?query": the authority is cut off, the rest is an origin form. */
static struct http_fault cut_authority(struct str *rest, struct str *authority)
{
    size_t scheme = str_starts(*rest, STR_LIT("http://"))    ? 7
                    : str_starts(*rest, STR_LIT("https://")) ? 8
                                                             : 0;
    if (scheme == 0)
        return bad("the target is neither a path nor an http address");
    size_t end = scheme;
    while (end < rest->n && rest->p[end] != '/' && rest->p[end] != '?')
        end++;
    *authority = (struct str){rest->p + scheme, end - scheme};
    if (authority->n == 0 || !chars_all(authority->p, authority->n, CHAR_HOST))
        return bad("the target's authority is not a host and port");
    *rest = (struct str){rest->p + end, rest->n - end};
    return good;
}

struct http_fault http_target_parse(struct str raw, enum http_method method, struct arena *arena,
                                    struct http_target *out)
{
    *out = (struct http_target){.n_segments = 0};
    if (!chars_all(raw.p, raw.n, CHAR_TARGET))
        return bad("the target has a byte that needs escaping");
    if (str_is(raw, "*")) {
        out->asterisk = true;
        return method == HTTP_OPTIONS ? good : bad("'*' is a target of OPTIONS alone");
    }
    if (raw.n == 0 || raw.p[0] != '/') {
        struct http_fault fault = cut_authority(&raw, &out->authority);
        if (fault.status)
            return fault;
    }
    size_t mark = str_find(raw, '?', 0);
    out->path = (struct str){raw.p, mark < raw.n ? mark : raw.n};
    if (mark < raw.n)
        out->query = (struct str){raw.p + mark + 1, raw.n - mark - 1};
    if (out->path.n == 0)
        out->path = STR_LIT("/");
    struct http_fault fault = parse_path(out, arena);
    return fault.status ? fault : parse_query(out, arena);
}
