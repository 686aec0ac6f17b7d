#include "http/router.h"

#include "base/check.h"
#include "base/mem.h"

/* Routes of one pattern, by method. */
struct ends {
    unsigned methods; /* bit per method that has a route */
    const struct http_route *routes[HTTP_METHODS];
};

/* One place in the tree: the routes that end here, and what may follow. */
struct node {
    struct str text;        /* of a literal child; borrows the pattern */
    struct ends whole;      /* paths that end here */
    struct ends rest;       /* "{*name}" that begin here */
    struct node **literals; /* [n_literals] owned, sorted by text */
    size_t n_literals;
    struct node *name; /* the child "{name}", owned */
};

struct http_router {
    const struct http_route *table; /* [n] borrowed */
    size_t n;
    struct node root;
};

/* What a segment of a pattern is. */
enum kind { LITERAL, NAME, REST, MALFORMED };

static enum kind kind_of(struct str segment, struct str *name)
{
    if (segment.n == 0 || segment.p[0] != '{')
        return memchr(segment.p, '}', segment.n) ? MALFORMED : LITERAL;
    if (segment.p[segment.n - 1] != '}')
        return MALFORMED;
    bool rest = segment.n > 1 && segment.p[1] == '*';
    *name = (struct str){segment.p + 1 + rest, segment.n - 2 - rest};
    if (segment.n < 3u + rest)
        return MALFORMED;
    return rest ? REST : NAME;
}

/* Index of the first literal child whose text is not below s. */
static size_t literal_floor(const struct node *node, struct str s)
{
    size_t lo = 0, hi = node->n_literals;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (str_cmp(node->literals[mid]->text, s) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct node *find_literal(const struct node *node, struct str s)
{
    size_t at = literal_floor(node, s);
    bool found = at < node->n_literals && str_eq(node->literals[at]->text, s);
    return found ? node->literals[at] : NULL;
}

static struct node *add_literal(struct node *node, struct str s)
{
    struct node *child = find_literal(node, s);
    if (child)
        return child;
    size_t at = literal_floor(node, s);
    node->literals = mem_resize(node->literals, node->n_literals + 1, sizeof *node->literals);
    memmove(node->literals + at + 1, node->literals + at,
            (node->n_literals - at) * sizeof *node->literals);
    child = MEM_NEW(struct node);
    child->text = s;
    node->literals[at] = child;
    node->n_literals++;
    return child;
}

static enum err_code add_route(struct node *node, const struct http_route *route, struct err *err)
{
    struct str rest = str_of(route->pattern), name;
    size_t names = 0;
    struct ends *ends = NULL;
    if (rest.n == 0 || rest.p[0] != '/' || route->method >= HTTP_METHODS || !route->handler)
        return err_set(err, ERR_INVALID, "route '%s' lacks its '/', method or handler",
                       route->pattern);
    rest = (struct str){rest.p + 1, rest.n - 1};
    while (rest.p) {
        struct str segment = str_split(&rest, '/');
        enum kind kind = kind_of(segment, &name);
        names += kind != LITERAL;
        if (kind == MALFORMED || names > HTTP_MAX_PATH_PARAMS || (kind == REST && rest.p))
            return err_set(err, ERR_INVALID, "route '%s' is malformed", route->pattern);
        if (kind == REST)
            ends = &node->rest;
        else if (kind == LITERAL)
            node = add_literal(node, segment);
        else
            node = node->name ? node->name : (node->name = MEM_NEW(struct node));
    }
    if (!ends)
        ends = &node->whole;
    const struct http_route **slot = &ends->routes[route->method];
    if (*slot)
        return err_set(err, ERR_CONFLICT, "%s '%s' and '%s' match the same paths",
                       http_method_name(route->method), (*slot)->pattern, route->pattern);
    *slot = route;
    ends->methods |= 1u << route->method;
    return ERR_OK;
}

enum err_code http_router_new(const struct http_route *routes, size_t n, struct http_router **out,
                              struct err *err)
{
    struct http_router *r = MEM_NEW(struct http_router);
    r->table = routes;
    r->n = n;
    for (size_t i = 0; i < n; i++) {
        enum err_code code = add_route(&r->root, &routes[i], err);
        if (code) {
            http_router_free(r);
            return code;
        }
    }
    *out = r;
    return ERR_OK;
}

static void release_node(struct node *node)
{
    for (size_t i = 0; i < node->n_literals; i++) {
        release_node(node->literals[i]);
        mem_free(node->literals[i]);
    }
    mem_free(node->literals);
    if (node->name)
        release_node(node->name);
    mem_free(node->name);
}

void http_router_free(struct http_router *r)
{
    if (!r)
        return;
    release_node(&r->root);
    mem_free(r);
}

/* The first ends of target that serve one of the wanted methods: literal, then name, then rest. */
static const struct ends *find(const struct node *node, const struct http_target *t, size_t at,
                               unsigned wanted)
{
    if (at == t->n_segments)
        return node->whole.methods & wanted ? &node->whole : NULL;
    const struct ends *found = NULL;
    const struct node *literal = find_literal(node, t->segments[at]);
    if (literal)
        found = find(literal, t, at + 1, wanted);
    if (!found && node->name && t->segments[at].n)
        found = find(node->name, t, at + 1, wanted);
    if (!found && node->rest.methods & wanted)
        found = &node->rest;
    return found;
}

/* What remains of the path from segment at, decoded, with its slashes. */
static struct str join_rest(const struct http_target *t, size_t at, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = at; i < t->n_segments; i++)
        n += t->segments[i].n + 1;
    char *p = arena_try_alloc(arena, n), *q = p;
    if (!p)
        return (struct str){NULL, 0};
    for (size_t i = at; i < t->n_segments; i++) {
        if (t->segments[i].n)
            memcpy(q, t->segments[i].p, t->segments[i].n);
        q += t->segments[i].n;
        *q++ = '/';
    }
    return (struct str){p, n - 1};
}

static void fill_params(const struct http_target *t, struct arena *arena, struct http_match *m)
{
    struct str rest = str_of(m->route->pattern + 1), name;
    for (size_t at = 0; rest.p; at++) {
        enum kind kind = kind_of(str_split(&rest, '/'), &name);
        if (kind == LITERAL)
            continue;
        struct str value = kind == REST ? join_rest(t, at, arena) : t->segments[at];
        m->params[m->n_params++] = (struct http_param){name, value};
    }
}

void http_router_match(const struct http_router *r, enum http_method method,
                       const struct http_target *target, struct arena *arena,
                       struct http_match *out)
{
    bool head = method == HTTP_HEAD;
    unsigned wanted = method < HTTP_METHODS ? 1u << method | (head ? 1u << HTTP_GET : 0) : 0;
    const struct ends *ends = find(&r->root, target, 0, wanted);
    out->route = NULL;
    out->n_params = 0;
    out->allow = 0;
    if (!ends)
        ends = find(&r->root, target, 0, ~0u);
    out->path_exists = ends != NULL;
    if (!ends)
        return;
    out->allow = ends->methods | 1u << HTTP_OPTIONS;
    if (ends->methods & 1u << HTTP_GET)
        out->allow |= 1u << HTTP_HEAD;
    if (method < HTTP_METHODS)
        out->route = ends->routes[method];
    if (!out->route && head)
        out->route = ends->routes[HTTP_GET];
    if (!out->route)
        return;
    out->index = (size_t)(out->route - r->table);
    fill_params(target, arena, out);
}

const struct http_route *http_router_routes(const struct http_router *r, size_t *n)
{
    *n = r->n;
    return r->table;
}
