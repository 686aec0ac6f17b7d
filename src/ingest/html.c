#include "ingest/html.h"

struct sink {
    char *p;
    size_t n;
    bool space;        /* white space is due before the next character */
    bool line;         /* a line feed is */
    bool no_more_tags; /* no '>' is left: looked for once, not at every '<' */
};

static void put(struct sink *s, const char *p, size_t n)
{
    if (s->n && s->line)
        s->p[s->n++] = '\n';
    else if (s->n && s->space && s->p[s->n - 1] != '\n')
        s->p[s->n++] = ' ';
    s->space = s->line = false;
    memcpy(s->p + s->n, p, n);
    s->n += n;
}

static bool tag_is(struct str name, const char *const *names)
{
    for (; *names; names++)
        if (str_eq_nocase(name, str_of(*names)))
            return true;
    return false;
}

/* Offset behind the element's end tag, or the end of the text. */
static size_t behind_end_tag(struct str html, size_t from, struct str name)
{
    for (size_t at = from; (at = str_find(html, '<', at)) != SIZE_MAX; at++) {
        struct str rest = {html.p + at, html.n - at};
        if (rest.n > name.n + 2 && rest.p[1] == '/' &&
            str_eq_nocase((struct str){rest.p + 2, name.n}, name)) {
            size_t close = str_find(html, '>', at);
            return close == SIZE_MAX ? html.n : close + 1;
        }
    }
    return html.n;
}

/* A tag at html.p[at] == '<'; returns the offset behind it. A lone '<' is a character. */
static size_t tag(struct str html, size_t at, struct sink *out)
{
    static const char *const hidden[] = {"script", "style", "template", "noscript", NULL};
    static const char *const blocks[] = {"p",  "br", "div", "ul", "ol", "tr", "table",   "h1",
                                         "h2", "h3", "h4",  "h5", "h6", "hr", "section", NULL};
    static const char *const item[] = {"li", NULL};
    struct str rest = {html.p + at, html.n - at};
    if (str_starts(rest, STR_LIT("<!--"))) {
        size_t end = str_search((struct str){rest.p + 4, rest.n - 4}, STR_LIT("-->"));
        return end == SIZE_MAX ? html.n : at + 4 + end + 3;
    }
    size_t i = 1;
    bool closing = rest.n > 1 && rest.p[1] == '/';
    i += closing;
    size_t begin = i;
    while (i < rest.n && ((rest.p[i] | 32) >= 'a' && (rest.p[i] | 32) <= 'z'))
        i++;
    while (i > begin && i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9')
        i++;
    struct str name = {rest.p + begin, i - begin};
    size_t close = out->no_more_tags ? SIZE_MAX : str_find(html, '>', at);
    out->no_more_tags = close == SIZE_MAX;
    if ((name.n == 0 && !(rest.n > 1 && (rest.p[1] == '!' || rest.p[1] == '?'))) ||
        close == SIZE_MAX) {
        put(out, "<", 1);
        return at + 1;
    }
    if (!closing && tag_is(name, hidden))
        return behind_end_tag(html, close + 1, name);
    if (tag_is(name, blocks)) {
        out->line = true;
    } else if (tag_is(name, item)) {
        out->line = true;
        if (!closing)
            put(out, "- ", 2);
    }
    return close + 1;
}

static const struct {
    const char *name;
    uint32_t cp;
} entities[] = {
    {"amp", '&'},       {"lt", '<'},       {"gt", '>'},       {"quot", '"'},     {"apos", '\''},
    {"nbsp", ' '},      {"copy", 0xa9},    {"reg", 0xae},     {"trade", 0x2122}, {"deg", 0xb0},
    {"euro", 0x20ac},   {"pound", 0xa3},   {"yen", 0xa5},     {"ndash", 0x2013}, {"mdash", 0x2014},
    {"hellip", 0x2026}, {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201c}, {"rdquo", 0x201d},
    {"bull", 0x2022},   {"middot", 0xb7},  {"times", 0xd7},   {"eacute", 0xe9},  {"egrave", 0xe8},
    {"uuml", 0xfc},     {"ouml", 0xf6},    {"auml", 0xe4},    {"szlig", 0xdf},   {"frac12", 0xbd}};

static uint32_t numeric(struct str s)
{
    bool hex = s.n > 1 && (s.p[1] | 32) == 'x';
    uint32_t v = 0;
    for (size_t i = hex ? 2 : 1; i < s.n; i++) {
        unsigned c = (unsigned char)s.p[i];
        unsigned d = c - '0' <= 9 ? c - '0' : hex && (c | 32) - 'a' <= 5 ? (c | 32) - 'a' + 10 : 99;
        if (d == 99 || v > 0x10ffff)
            return 0;
        v = v * (hex ? 16 : 10) + d;
    }
    return v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ? 0 : v;
}

/* An entity at html.p[at] == '&'; returns the offset behind it. Unknown ones stay as they are. */
static size_t entity(struct str html, size_t at, struct sink *out)
{
    enum { LONGEST = 10 };
    size_t near = html.n - at > LONGEST ? at + LONGEST : html.n;
    size_t end = str_find((struct str){html.p, near}, ';', at);
    uint32_t cp = 0;
    if (end != SIZE_MAX && end - at > 1) {
        struct str name = {html.p + at + 1, end - at - 1};
        if (name.p[0] == '#')
            cp = numeric(name);
        for (size_t i = 0; !cp && i < sizeof entities / sizeof *entities; i++)
            if (str_is(name, entities[i].name))
                cp = entities[i].cp;
    }
    if (!cp) {
        put(out, "&", 1);
        return at + 1;
    }
    if (cp <= ' ' || cp == 0xa0) {
        out->space = true;
    } else {
        char utf8[4];
        put(out, utf8, str_utf8_put(cp, utf8));
    }
    return end + 1;
}

struct str html_to_text(struct str html, struct arena *a)
{
    /* No tag or entity becomes longer than it is, but for "<li>" of four bytes, which takes three. */
    struct sink out = {.p = arena_try_alloc(a, html.n + 1)};
    if (!out.p)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < html.n;) {
        char c = html.p[i];
        if (c == '<') {
            i = tag(html, i, &out);
        } else if (c == '&') {
            i = entity(html, i, &out);
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            out.space = true;
            i++;
        } else {
            put(&out, html.p + i, 1);
            i++;
        }
    }
    out.p[out.n] = '\0';
    return (struct str){out.p, out.n};
}
