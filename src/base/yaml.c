#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"

enum { ARENA_MAX = 64 << 20 };

struct yaml {
    char *name; /* owned */
    struct arena arena;
    struct yaml_node *root;
};

/* One parse. */
struct parse {
    yaml_parser_t parser;
    struct yaml *y;
    size_t nodes;
    struct err *err;
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static enum err_code fail_line(struct parse *p, unsigned line, enum err_code code, const char *why)
{
    return err_set(p->err, code, "%s:%u: %s", p->y->name, line, why);
}

static enum err_code next_event(struct parse *p, yaml_event_t *e)
{
    if (yaml_parser_parse(&p->parser, e))
        return ERR_OK;
    if (p->parser.error == YAML_MEMORY_ERROR)
        return err_set(p->err, ERR_MEMORY, "no memory to read '%s'", p->y->name);
    const char *why = p->parser.problem ? p->parser.problem : "not YAML";
    return fail_line(p, line_of(p->parser.problem_mark), ERR_INVALID, why);
}

/* --- building the tree ----------------------------------------------------------------------- */

static enum err_code copy_text(struct parse *p, const yaml_event_t *e, struct str *out)
{
    struct str s = {(const char *)e->data.scalar.value, e->data.scalar.length};
    if (s.n > 0 && memchr(s.p, '\0', s.n))
        return fail_line(p, line_of(e->start_mark), ERR_INVALID, "a text with a NUL character");
    *out = arena_str(&p->y->arena, s);
    return out->p ? ERR_OK : err_set(p->err, ERR_MEMORY, "no memory to read '%s'", p->y->name);
}

/* Anchors and tags are refused: nothing here needs them. */
static enum err_code refuse_extras(struct parse *p, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    }
    if (anchor || e->type == YAML_ALIAS_EVENT)
        return fail_line(p, line_of(e->start_mark), ERR_INVALID,
                         "anchors and aliases are not accepted");
    if (tag)
        return fail_line(p, line_of(e->start_mark), ERR_INVALID, "tags are not accepted");
    return ERR_OK;
}

static enum err_code new_node(struct parse *p, const yaml_event_t *e, struct yaml_node **out)
{
    if (++p->nodes > YAML_NODES_MAX)
        return fail_line(p, line_of(e->start_mark), ERR_LIMIT, "too many values");
    struct yaml_node *n = arena_try_alloc(&p->y->arena, sizeof *n);
    if (!n)
        return err_set(p->err, ERR_MEMORY, "no memory to read '%s'", p->y->name);
    *n = (struct yaml_node){.line = line_of(e->start_mark)};
    *out = n;
    return ERR_OK;
}

static enum err_code build(struct parse *p, yaml_event_t *e, unsigned depth,
                           struct yaml_node **out);

/* A key: a scalar that did not come before in this mapping. */
static enum err_code take_key(struct parse *p, const yaml_event_t *e, struct map_str *seen,
                              struct str *key)
{
    bool added;
    char quoted[64];
    unsigned line = line_of(e->start_mark);
    enum err_code code = refuse_extras(p, e);
    if (code != ERR_OK)
        return code;
    if (e->type != YAML_SCALAR_EVENT)
        return fail_line(p, line, ERR_INVALID, "a key must be a simple text");
    code = copy_text(p, e, key);
    if (code != ERR_OK)
        return code;
    map_str_at(seen, *key, &added);
    if (!added)
        return err_set(p->err, ERR_INVALID, "%s:%u: the key '%s' comes twice", p->y->name, line,
                       err_quote(quoted, sizeof quoted, key->p, key->n));
    return ERR_OK;
}

/* The key behind *e, with *e becoming the event of its value. */
static enum err_code key_then_value(struct parse *p, yaml_event_t *e, struct map_str *seen,
                                    struct str *key)
{
    enum err_code code = take_key(p, e, seen, key);
    yaml_event_delete(e);
    memset(e, 0, sizeof *e);
    return code == ERR_OK ? next_event(p, e) : code;
}

/* Children up to the closing event. */
static enum err_code build_children(struct parse *p, struct yaml_node *parent, struct map_str *seen,
                                    unsigned depth)
{
    const struct yaml_node **tail = &parent->child;
    for (;;) {
        yaml_event_t e;
        struct yaml_node *child = NULL;
        struct str key = {0};
        enum err_code code = next_event(p, &e);
        if (code != ERR_OK)
            return code;
        bool end = e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT;
        if (!end && parent->kind == YAML_MAP)
            code = key_then_value(p, &e, seen, &key);
        if (!end && code == ERR_OK)
            code = build(p, &e, depth, &child);
        yaml_event_delete(&e);
        if (end || code != ERR_OK)
            return code;
        child->key = key;
        *tail = child;
        tail = &child->next;
        parent->len++;
    }
}

/* The node that begins with e, which stays the caller's. */
static enum err_code build(struct parse *p, yaml_event_t *e, unsigned depth, struct yaml_node **out)
{
    struct map_str seen = {0};
    struct yaml_node *n = NULL;
    enum err_code code = refuse_extras(p, e);
    if (code == ERR_OK)
        code = new_node(p, e, &n);
    if (code != ERR_OK)
        return code;
    *out = n;
    if (e->type == YAML_SCALAR_EVENT) {
        n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return copy_text(p, e, &n->text);
    }
    if (depth == YAML_DEPTH_MAX)
        return fail_line(p, n->line, ERR_LIMIT, "nested too deeply");
    n->kind = e->type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST;
    code = build_children(p, n, &seen, depth + 1);
    map_str_release(&seen);
    return code;
}

/* One event of the frame around the document: any but a value is fine, *type tells. */
static enum err_code frame_event(struct parse *p, yaml_event_type_t *type)
{
    yaml_event_t e;
    enum err_code code = next_event(p, &e);
    if (code == ERR_OK) {
        *type = e.type;
        yaml_event_delete(&e);
    }
    return code;
}

static enum err_code build_root(struct parse *p)
{
    yaml_event_t e;
    enum err_code code = next_event(p, &e);
    if (code != ERR_OK)
        return code;
    code = build(p, &e, 0, &p->y->root);
    yaml_event_delete(&e);
    return code;
}

static enum err_code build_document(struct parse *p)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    enum err_code code = frame_event(p, &type); /* stream start */
    if (code == ERR_OK)
        code = frame_event(p, &type); /* document start, or the stream's end */
    if (code != ERR_OK || type == YAML_STREAM_END_EVENT)
        return code;
    code = build_root(p);
    if (code == ERR_OK)
        code = frame_event(p, &type); /* document end */
    if (code == ERR_OK)
        code = frame_event(p, &type);
    if (code == ERR_OK && type != YAML_STREAM_END_EVENT)
        code = fail_line(p, line_of(p->parser.mark), ERR_INVALID, "more than one document");
    return code;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum err_code parse_text(struct yaml *y, struct str text, struct err *err)
{
    struct parse p = {.y = y, .err = err};
    if (!yaml_parser_initialize(&p.parser))
        return err_set(err, ERR_MEMORY, "no memory to read '%s'", y->name);
    yaml_parser_set_input_string(&p.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    enum err_code code = build_document(&p);
    yaml_parser_delete(&p.parser);
    return code;
}

enum err_code yaml_parse(struct yaml **out, struct str text, const char *name, struct err *err)
{
    if (text.n > YAML_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "'%s' is larger than %d bytes", name, YAML_BYTES_MAX);
    struct yaml *y = MEM_NEW(struct yaml);
    arena_init(&y->arena, 0, ARENA_MAX);
    y->name = mem_dup(name, strlen(name));
    enum err_code code = parse_text(y, text, err);
    if (code == ERR_OK && (!y->root || yaml_is_null(y->root))) {
        y->root = ARENA_NEW(&y->arena, struct yaml_node, 1);
        *y->root = (struct yaml_node){.kind = YAML_MAP, .line = 1};
    }
    if (code != ERR_OK) {
        yaml_close(y);
        return code;
    }
    *out = y;
    return ERR_OK;
}

enum err_code yaml_load(struct yaml **out, const char *path, struct err *err)
{
    struct buf text = {.max = YAML_BYTES_MAX};
    enum err_code code = fs_read_file(path, YAML_BYTES_MAX, &text, err);
    if (code == ERR_OK)
        code = yaml_parse(out, buf_str(&text), path, err);
    buf_release(&text);
    return code;
}

void yaml_close(struct yaml *y)
{
    if (!y)
        return;
    mem_free(y->name);
    arena_release(&y->arena);
    mem_free(y);
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
    return y->root;
}

const char *yaml_name(const struct yaml *y)
{
    return y->name;
}

/* --- reading the tree ------------------------------------------------------------------------ */

const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
    if (!n || n->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *c = n->child; c; c = c->next)
        if (str_is(c->key, key))
            return c;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && !n->quoted &&
           (n->text.n == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

enum err_code yaml_fail(const struct yaml *y, const struct yaml_node *n, struct err *err,
                        enum err_code code, const char *fmt, ...)
{
    char why[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(err, code, "%s:%u: %.*s%s%s", y->name, n->line, STR_ARG(n->key),
                   n->key.n ? ": " : "", why);
}

enum err_code yaml_str(const struct yaml *y, const struct yaml_node *n, struct str *out,
                       struct err *err)
{
    if (n->kind != YAML_SCALAR)
        return yaml_fail(y, n, err, ERR_INVALID, "must be a single value");
    if (yaml_is_null(n))
        return yaml_fail(y, n, err, ERR_INVALID, "has no value");
    *out = n->text;
    return ERR_OK;
}

enum err_code yaml_i64(const struct yaml *y, const struct yaml_node *n, int64_t lo, int64_t hi,
                       int64_t *out, struct err *err)
{
    struct str text;
    struct err why;
    enum err_code code = yaml_str(y, n, &text, err);
    if (code != ERR_OK)
        return code;
    if (str_parse_i64(text, lo, hi, out, &why) != ERR_OK)
        return yaml_fail(y, n, err, ERR_INVALID, "%s", why.msg);
    return ERR_OK;
}

enum err_code yaml_bool(const struct yaml *y, const struct yaml_node *n, bool *out, struct err *err)
{
    struct str text;
    enum err_code code = yaml_str(y, n, &text, err);
    if (code != ERR_OK)
        return code;
    if (!str_parse_bool(text, out))
        return yaml_fail(y, n, err, ERR_INVALID, "must be true or false");
    return ERR_OK;
}

static enum err_code fail_key(const struct yaml *y, const struct yaml_node *n,
                              const char *const *names, size_t count, struct err *err)
{
    char quoted[64], meant[STR_MEANT_SIZE];
    return err_set(err, ERR_INVALID, "%s:%u: unknown key '%s'%s", y->name, n->line,
                   err_quote(quoted, sizeof quoted, n->key.p, n->key.n),
                   str_meant(n->key, names, count, meant));
}

enum err_code yaml_check_keys(const struct yaml *y, const struct yaml_node *n,
                              const char *const *names, size_t count, struct err *err)
{
    if (n->kind != YAML_MAP)
        return yaml_fail(y, n, err, ERR_INVALID, "must be a mapping");
    for (const struct yaml_node *c = n->child; c; c = c->next) {
        size_t i = 0;
        while (i < count && !str_is(c->key, names[i]))
            i++;
        if (i == count)
            return fail_key(y, c, names, count, err);
    }
    return ERR_OK;
}
