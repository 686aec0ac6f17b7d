/* The mapping language: YAML to struct mapping. Every mistake is told with file and line, and a
 * suggestion where a name is misspelt. */
#include "base/mem.h"
#include "ingest/mapping_int.h"
#include "ingest/timeformat.h"

#include "base/check.h"

static enum err_code read_list(struct mapping *m, const struct yaml_node *n, size_t max,
                               struct str **out, size_t *len, struct err *err)
{
    *out = NULL;
    *len = 0;
    if (n->kind == YAML_SCALAR) {
        *out = ARENA_NEW(&m->arena, struct str, 1);
        *len = 1;
        return yaml_str(m->yaml, n, *out, err);
    }
    if (n->kind != YAML_LIST)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "must be a text or a list of texts");
    if (n->len > max)
        return yaml_fail(m->yaml, n, err, ERR_LIMIT, "more than %zu entries", max);
    *out = ARENA_NEW(&m->arena, struct str, n->len ? n->len : 1);
    for (const struct yaml_node *c = n->child; c; c = c->next) {
        enum err_code rc = yaml_str(m->yaml, c, &(*out)[(*len)++], err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

/* --- a field --------------------------------------------------------------------------------- */

static enum err_code read_template(struct mapping *m, const struct yaml_node *n,
                                   struct map_field *f, struct err *err)
{
    struct str rest;
    enum err_code rc = yaml_str(m->yaml, n, &rest, err);
    while (rc == ERR_OK && rest.n) {
        if (f->parts_len == MAP_PARTS_MAX)
            return yaml_fail(m->yaml, n, err, ERR_LIMIT, "more than %d pieces", MAP_PARTS_MAX);
        struct map_part *part = &f->parts[f->parts_len++];
        size_t open = str_find(rest, '{', 0);
        if (open != 0) {
            part->text = (struct str){rest.p, open == SIZE_MAX ? rest.n : open};
        } else {
            size_t close = str_find(rest, '}', 0);
            if (close == SIZE_MAX)
                return yaml_fail(m->yaml, n, err, ERR_INVALID, "a '{' without '}'");
            part->is_column = true;
            part->column = (struct map_column){{rest.p + 1, close - 1}, -1};
            part->text = (struct str){rest.p, close + 1};
        }
        rest.p += part->text.n;
        rest.n -= part->text.n;
    }
    if (f->parts_len == 1 && !f->parts[0].is_column) { /* no template after all */
        f->constant = f->parts[0].text;
        f->parts_len = 0;
    }
    return rc;
}

static enum err_code read_pairs(struct mapping *m, const struct yaml_node *n, struct map_pair **out,
                                size_t *len, struct err *err)
{
    if (n->kind != YAML_MAP)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "must be a mapping of texts to texts");
    *out = ARENA_NEW(&m->arena, struct map_pair, n->len ? n->len : 1);
    *len = 0;
    for (const struct yaml_node *c = n->child; c; c = c->next) {
        struct map_pair *p = &(*out)[(*len)++];
        p->from = c->key;
        enum err_code rc = yaml_str(m->yaml, c, &p->to, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err_code read_char(struct mapping *m, const struct yaml_node *n, char *out,
                               struct err *err)
{
    struct str s;
    enum err_code rc = yaml_str(m->yaml, n, &s, err);
    if (rc == ERR_OK && str_is(s, "tab"))
        s = STR_LIT("\t");
    if (rc == ERR_OK && s.n != 1)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "must be one character");
    if (rc == ERR_OK)
        *out = s.p[0];
    return rc;
}

static enum err_code read_split(struct mapping *m, const struct yaml_node *n, struct map_field *f,
                                struct err *err)
{
    static const char *const keys[] = {"by", "take"};
    enum err_code rc = yaml_check_keys(m->yaml, n, keys, 2, err);
    const struct yaml_node *by = yaml_get(n, "by"), *take = yaml_get(n, "take");
    int64_t at = 0;
    if (rc == ERR_OK && !by)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "'by' is missing");
    if (rc == ERR_OK)
        rc = read_char(m, by, &f->split_by, err);
    struct str word = {NULL, 0};
    if (rc == ERR_OK && take)
        rc = yaml_str(m->yaml, take, &word, err);
    bool deepest = str_is(word, "deepest");
    if (rc == ERR_OK && take && !deepest)
        rc = yaml_i64(m->yaml, take, -1, 100, &at, err);
    f->split_take = deepest ? SPLIT_DEEPEST : (int)at;
    return rc;
}

static enum err_code read_formats(struct mapping *m, const struct yaml_node *n, struct map_field *f,
                                  struct err *err)
{
    struct str *formats;
    enum err_code rc = read_list(m, n, MAP_FORMATS_MAX, &formats, &f->formats_len, err);
    for (size_t i = 0; rc == ERR_OK && i < f->formats_len; i++) {
        f->formats[i] = formats[i];
        if (!time_format_ok(formats[i]))
            return yaml_fail(m->yaml, n, err, ERR_INVALID,
                             "'%.*s' is no time format (%%Y-%%m-%%d %%H:%%M:%%S and the like)",
                             STR_ARG(formats[i]));
    }
    return rc;
}

static enum err_code read_money(struct mapping *m, const struct yaml_node *n, struct map_field *f,
                                struct err *err)
{
    struct str s;
    enum err_code rc = yaml_str(m->yaml, n, &s, err);
    if (rc == ERR_OK && !str_is(s, "major") && !str_is(s, "minor"))
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "must be major (12.99) or minor (1299)");
    if (rc == ERR_OK)
        f->major = str_is(s, "major");
    return rc;
}

/* columns [max] */
static enum err_code read_columns(struct mapping *m, const struct yaml_node *n, size_t max,
                                  struct map_column *columns, size_t *len, struct err *err)
{
    struct str *names;
    enum err_code rc = read_list(m, n, max, &names, len, err);
    for (size_t i = 0; rc == ERR_OK && i < *len; i++)
        columns[i] = (struct map_column){names[i], -1};
    return rc;
}

static enum err_code read_join(struct mapping *m, const struct yaml_node *n, struct map_field *f,
                               struct err *err)
{
    static const char *const keys[] = {"by", "columns"};
    enum err_code rc = yaml_check_keys(m->yaml, n, keys, 2, err);
    const struct yaml_node *by = yaml_get(n, "by"), *columns = yaml_get(n, "columns");
    if (rc == ERR_OK && (!by || !columns))
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "needs by and columns");
    if (rc == ERR_OK)
        rc = yaml_str(m->yaml, by, &f->join_by, err);
    f->join = ARENA_NEW(&m->arena, struct map_column, MAP_FILL_MAX);
    return rc == ERR_OK ? read_columns(m, columns, MAP_FILL_MAX, f->join, &f->join_len, err) : rc;
}

static enum err_code read_field(struct mapping *m, const struct yaml_node *n, bool attribute,
                                unsigned depth, struct map_field *f, struct err *err);

static enum err_code read_other(struct mapping *m, const struct yaml_node *n, unsigned depth,
                                struct map_field *f, struct err *err)
{
    if (depth == MAP_OTHERS_MAX)
        return yaml_fail(m->yaml, n, err, ERR_LIMIT, "more than %d in a row", MAP_OTHERS_MAX);
    f->other = ARENA_NEW(&m->arena, struct map_field, 1);
    *f->other = (struct map_field){0};
    return read_field(m, n, false, depth + 1, f->other, err);
}

static enum err_code read_field_key(struct mapping *m, const struct yaml_node *n, unsigned depth,
                                    struct map_field *f, struct err *err)
{
    struct str k = n->key;
    if (str_is(k, "column"))
        return read_columns(m, n, MAP_COLUMNS_MAX, f->columns, &f->columns_len, err);
    if (str_is(k, "join"))
        return read_join(m, n, f, err);
    if (str_is(k, "or"))
        return read_other(m, n, depth, f, err);
    if (str_is(k, "template"))
        return read_template(m, n, f, err);
    if (str_is(k, "value"))
        return yaml_str(m->yaml, n, &f->constant, err);
    if (str_is(k, "default"))
        return yaml_str(m->yaml, n, &f->absent, err);
    if (str_is(k, "strip_prefix"))
        return yaml_str(m->yaml, n, &f->strip_prefix, err);
    if (str_is(k, "strip_suffix"))
        return yaml_str(m->yaml, n, &f->strip_suffix, err);
    if (str_is(k, "split"))
        return read_split(m, n, f, err);
    if (str_is(k, "replace"))
        return read_pairs(m, n, &f->replace, &f->replace_len, err);
    if (str_is(k, "lookup"))
        return read_pairs(m, n, &f->lookup, &f->lookup_len, err);
    if (str_is(k, "html"))
        return yaml_bool(m->yaml, n, &f->html, err);
    if (str_is(k, "lower"))
        return yaml_bool(m->yaml, n, &f->lower, err);
    if (str_is(k, "decimal_comma"))
        return yaml_bool(m->yaml, n, &f->decimal_comma, err);
    if (str_is(k, "money"))
        return read_money(m, n, f, err);
    if (str_is(k, "list")) {
        f->many = true;
        return read_char(m, n, &f->list_by, err);
    }
    if (str_is(k, "time"))
        return read_formats(m, n, f, err);
    return ERR_OK; /* "name" of an attribute */
}

/* A text or a list names columns; a mapping says more. */
static enum err_code read_field(struct mapping *m, const struct yaml_node *n, bool attribute,
                                unsigned depth, struct map_field *f, struct err *err)
{
    static const char *const keys[] = {
        "column",        "template", "value",  "default", "strip_prefix", "strip_suffix",
        "split",         "replace",  "lookup", "html",    "lower",        "time",
        "decimal_comma", "money",    "list",   "join",    "or",           "name"};
    enum { KEYS = sizeof keys / sizeof *keys };
    f->set = true;
    f->major = true;
    f->line = n->line;
    f->list_by = ',';
    if (n->kind != YAML_MAP) {
        f->plain = n->kind == YAML_SCALAR;
        return read_columns(m, n, MAP_COLUMNS_MAX, f->columns, &f->columns_len, err);
    }
    enum err_code rc = yaml_check_keys(m->yaml, n, keys, attribute ? KEYS : KEYS - 1, err);
    for (const struct yaml_node *c = n->child; rc == ERR_OK && c; c = c->next)
        rc = read_field_key(m, c, depth, f, err);
    int sources =
        (f->columns_len > 0) + (f->parts_len > 0) + (f->constant.p != NULL) + (f->join_len > 0);
    if (rc == ERR_OK && sources != 1)
        return yaml_fail(m->yaml, n, err, ERR_INVALID,
                         "needs exactly one of column, join, template, value");
    return rc;
}

/* --- fields ---------------------------------------------------------------------------------- */

static enum err_code unknown_field(struct mapping *m, const struct yaml_node *n, struct err *err)
{
    const char *nearest = NULL;
    unsigned best = 4;
    for (unsigned t = 0; t < TARGETS; t++) {
        unsigned d = str_distance(n->key, str_of(target_name(t)), best);
        if (target_belongs(t, m->kind) && d < best) {
            best = d;
            nearest = target_name(t);
        }
    }
    return yaml_fail(m->yaml, n, err, ERR_INVALID, "%s have no such field%s%s%s",
                     import_kind_name(m->kind), nearest ? "; did you mean " : "",
                     nearest ? nearest : "", nearest ? "?" : "");
}

static enum err_code read_attribute(struct mapping *m, const struct yaml_node *n, struct str name,
                                    struct err *err)
{
    if (m->attributes_len == MAP_ATTRIBUTES_MAX)
        return yaml_fail(m->yaml, n, err, ERR_LIMIT, "more than %d attributes", MAP_ATTRIBUTES_MAX);
    if (!m->attributes)
        m->attributes = ARENA_NEW(&m->arena, struct map_attribute, MAP_ATTRIBUTES_MAX);
    struct map_attribute *a = &m->attributes[m->attributes_len++];
    const struct yaml_node *given = yaml_get(n, "name");
    a->name.set = true;
    a->name.constant = name;
    enum err_code rc = read_field(m, n, given != NULL, 0, &a->value, err);
    if (rc == ERR_OK && given) {
        a->name.constant = (struct str){NULL, 0};
        rc = read_template(m, given, &a->name, err);
    }
    return rc;
}

/* "attributes:" as a list of {name, column}; else it is a field like any other. */
static enum err_code read_attributes(struct mapping *m, const struct yaml_node *n, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (const struct yaml_node *c = n->child; rc == ERR_OK && c; c = c->next) {
        if (c->kind != YAML_MAP || !yaml_get(c, "name"))
            return yaml_fail(m->yaml, c, err, ERR_INVALID, "needs a name and a column");
        rc = read_attribute(m, c, (struct str){NULL, 0}, err);
    }
    return rc;
}

static enum err_code read_fields(struct mapping *m, const struct yaml_node *fields, struct err *err)
{
    static const struct str attribute = {"attributes.", 11};
    enum err_code rc = ERR_OK;
    if (!fields || fields->kind != YAML_MAP)
        return err_set(err, ERR_INVALID, "%s: 'fields' is missing", yaml_name(m->yaml));
    for (const struct yaml_node *n = fields->child; rc == ERR_OK && n; n = n->next) {
        unsigned t = 0;
        while (t < TARGETS && !(target_belongs(t, m->kind) && str_is(n->key, target_name(t))))
            t++;
        if (target_belongs(TO_ATTRIBUTES, m->kind) && str_starts(n->key, attribute))
            rc = read_attribute(m, n, (struct str){n->key.p + attribute.n, n->key.n - attribute.n},
                                err);
        else if (t == TO_ATTRIBUTES && n->kind == YAML_LIST)
            rc = read_attributes(m, n, err);
        else if (t == TARGETS)
            rc = unknown_field(m, n, err);
        else
            rc = read_field(m, n, false, 0, &m->fields[t], err);
    }
    return rc;
}

/* --- rules ----------------------------------------------------------------------------------- */

static enum err_code read_rule(struct mapping *m, const struct yaml_node *n, struct map_rule *rule,
                               struct err *err)
{
    static const char *const keys[] = {"column", "prefix", "suffix",    "contains",
                                       "is",     "empty",  "not_empty", "negative"};
    const struct yaml_node *c;
    enum err_code rc = n->kind == YAML_MAP
                           ? yaml_check_keys(m->yaml, n, keys, sizeof keys / sizeof *keys, err)
                           : yaml_fail(m->yaml, n, err, ERR_INVALID, "must be a condition");
    if (rc == ERR_OK && !yaml_get(n, "column"))
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "'column' is missing");
    if (rc == ERR_OK)
        rc = read_columns(m, yaml_get(n, "column"), MAP_COLUMNS_MAX, rule->columns,
                          &rule->columns_len, err);
    if (rc == ERR_OK && (c = yaml_get(n, "prefix")))
        rc = yaml_str(m->yaml, c, &rule->prefix, err);
    if (rc == ERR_OK && (c = yaml_get(n, "suffix")))
        rc = yaml_str(m->yaml, c, &rule->suffix, err);
    if (rc == ERR_OK && (c = yaml_get(n, "contains")))
        rc = yaml_str(m->yaml, c, &rule->contains, err);
    if (rc == ERR_OK && (c = yaml_get(n, "is")))
        rc = read_list(m, c, 256, &rule->patterns, &rule->patterns_len, err);
    if (rc == ERR_OK && (c = yaml_get(n, "empty")))
        rc = yaml_bool(m->yaml, c, &rule->empty, err);
    if (rc == ERR_OK && (c = yaml_get(n, "not_empty")))
        rc = yaml_bool(m->yaml, c, &rule->filled, err);
    if (rc == ERR_OK && (c = yaml_get(n, "negative")))
        rc = yaml_bool(m->yaml, c, &rule->negative, err);
    if (rc == ERR_OK && n->len < 2)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "a column without a condition");
    return rc;
}

static enum err_code read_rules(struct mapping *m, const struct yaml_node *n, enum rule_set set,
                                struct err *err)
{
    if (!n)
        return ERR_OK;
    if (n->kind != YAML_LIST || n->len > MAP_RULES_MAX)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "must be a list of at most %d conditions",
                         MAP_RULES_MAX);
    m->rules[set] = ARENA_NEW(&m->arena, struct map_rule, n->len ? n->len : 1);
    enum err_code rc = ERR_OK;
    for (const struct yaml_node *c = n->child; rc == ERR_OK && c; c = c->next)
        rc = read_rule(m, c, &m->rules[set][m->rules_len[set]++], err);
    return rc;
}

static enum err_code read_fill(struct mapping *m, const struct yaml_node *n, struct err *err)
{
    static const char *const keys[] = {"key", "columns"};
    if (!n)
        return ERR_OK;
    enum err_code rc = yaml_check_keys(m->yaml, n, keys, 2, err);
    const struct yaml_node *key = yaml_get(n, "key"), *columns = yaml_get(n, "columns");
    if (rc == ERR_OK && (!key || !columns))
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "needs key and columns");
    if (rc == ERR_OK)
        rc = read_columns(m, key, MAP_COLUMNS_MAX, m->fill.keys, &m->fill.keys_len, err);
    return rc == ERR_OK
               ? read_columns(m, columns, MAP_FILL_MAX, m->fill.columns, &m->fill.columns_len, err)
               : rc;
}

static enum err_code read_inherit(struct mapping *m, const struct yaml_node *n, struct err *err)
{
    static const char *const keys[] = {"from", "parents", "parent_when", "columns"};
    struct map_inherit *h = &m->inherit;
    if (!n)
        return ERR_OK;
    enum err_code rc = yaml_check_keys(m->yaml, n, keys, 4, err);
    const struct yaml_node *from = yaml_get(n, "from"), *names = yaml_get(n, "parents"),
                           *columns = yaml_get(n, "columns");
    if (rc == ERR_OK && (!from || !names || !columns || !yaml_get(n, "parent_when")))
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "needs from, parents, parent_when, columns");
    if (rc == ERR_OK && (names->kind != YAML_LIST || names->len > MAP_COLUMNS_MAX))
        return yaml_fail(m->yaml, names, err, ERR_INVALID, "must be a list of templates");
    if (rc == ERR_OK)
        rc = yaml_str(m->yaml, from, &h->from.name, err);
    for (const struct yaml_node *c = names ? names->child : NULL; rc == ERR_OK && c; c = c->next)
        rc = read_template(m, c, &h->names[h->names_len++], err);
    if (rc == ERR_OK)
        rc = read_rules(m, yaml_get(n, "parent_when"), RULE_PARENT, err);
    return rc == ERR_OK ? read_columns(m, columns, MAP_FILL_MAX, h->columns, &h->columns_len, err)
                        : rc;
}

static enum err_code read_pictures(struct mapping *m, const struct yaml_node *n, struct err *err)
{
    static const char *const keys[] = {"url", "position", "only_when"};
    if (!n)
        return ERR_OK;
    enum err_code rc = yaml_check_keys(m->yaml, n, keys, 3, err);
    const struct yaml_node *url = yaml_get(n, "url"), *position = yaml_get(n, "position");
    if (rc == ERR_OK && (!url || !position || m->fill.keys_len == 0))
        return yaml_fail(m->yaml, n, err, ERR_INVALID,
                         "needs url and position, and a fill_down with the key");
    if (rc == ERR_OK)
        rc = read_field(m, url, false, 0, &m->pictures.url, err);
    if (rc == ERR_OK)
        rc = read_field(m, position, false, 0, &m->pictures.position, err);
    return rc == ERR_OK ? read_rules(m, yaml_get(n, "only_when"), RULE_PICTURE, err) : rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum err_code read_head(struct mapping *m, const struct yaml_node *root, struct err *err)
{
    const struct yaml_node *n;
    enum err_code rc = ERR_OK;
    struct str s;
    enum import_kind kind;
    if (!(n = yaml_get(root, "kind")))
        return err_set(err, ERR_INVALID, "%s: 'kind' is missing", yaml_name(m->yaml));
    rc = yaml_str(m->yaml, n, &s, err);
    if (rc == ERR_OK && !import_kind_of(s, &kind))
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "'%.*s' is no kind of import", STR_ARG(s));
    if (rc == ERR_OK && kind != m->kind)
        return yaml_fail(m->yaml, n, err, ERR_INVALID, "this mapping is for %s, not for %s",
                         import_kind_name(kind), import_kind_name(m->kind));
    if (rc == ERR_OK && (n = yaml_get(root, "format"))) {
        rc = yaml_str(m->yaml, n, &s, err);
        if (rc == ERR_OK && !reader_format_of(s, &m->format))
            return yaml_fail(m->yaml, n, err, ERR_INVALID,
                             "'%.*s' is not one of csv, tsv, jsonl, json, xml", STR_ARG(s));
    }
    if (rc == ERR_OK && (n = yaml_get(root, "charset")))
        rc = yaml_str(m->yaml, n, &m->charset, err);
    if (rc == ERR_OK && (n = yaml_get(root, "delimiter")))
        rc = read_char(m, n, &m->delimiter, err);
    if (rc == ERR_OK && (n = yaml_get(root, "currency"))) {
        rc = yaml_str(m->yaml, n, &s, err);
        if (rc == ERR_OK && !currency_of(s, &m->currency))
            return yaml_fail(m->yaml, n, err, ERR_INVALID, "'%.*s' is no currency", STR_ARG(s));
    }
    return rc;
}

static enum err_code read_rule_sets(struct mapping *m, const struct yaml_node *root,
                                    struct err *err)
{
    static const struct {
        const char *key;
        enum rule_set set;
    } sets[] = {{"skip_when", RULE_SKIP},
                {"return_when", RULE_RETURN},
                {"adjustment_when", RULE_ADJUSTMENT},
                {"charge_when", RULE_CHARGE},
                {"inactive_when", RULE_INACTIVE},
                {"untracked_when", RULE_UNTRACKED}};
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < sizeof sets / sizeof *sets; i++)
        rc = read_rules(m, yaml_get(root, sets[i].key), sets[i].set, err);
    return rc;
}

enum err_code mapping_read(struct mapping *m, struct err *err)
{
    static const char *const keys[] = {"kind",           "format",
                                       "charset",        "delimiter",
                                       "currency",       "fields",
                                       "skip_when",      "return_when",
                                       "charge_when",    "adjustment_when",
                                       "inactive_when",  "untracked_when",
                                       "fill_down",      "inherit",
                                       "pictures",       "ignore_titles",
                                       "description",    "products_from_lines",
                                       "create_products"};
    const struct yaml_node *root = yaml_root(m->yaml), *n;
    enum err_code rc = yaml_check_keys(m->yaml, root, keys, sizeof keys / sizeof *keys, err);
    if (rc == ERR_OK)
        rc = read_head(m, root, err);
    if (rc == ERR_OK)
        rc = read_fields(m, yaml_get(root, "fields"), err);
    if (rc == ERR_OK)
        rc = read_rule_sets(m, root, err);
    if (rc == ERR_OK)
        rc = read_fill(m, yaml_get(root, "fill_down"), err);
    if (rc == ERR_OK)
        rc = read_inherit(m, yaml_get(root, "inherit"), err);
    if (rc == ERR_OK)
        rc = read_pictures(m, yaml_get(root, "pictures"), err);
    if (rc == ERR_OK && (n = yaml_get(root, "ignore_titles")))
        rc = read_list(m, n, 256, &m->ignore_titles, &m->ignore_titles_len, err);
    if (rc == ERR_OK && (n = yaml_get(root, "products_from_lines")))
        rc = yaml_bool(m->yaml, n, &m->make_products, err);
    if (rc == ERR_OK && (n = yaml_get(root, "create_products")))
        rc = yaml_bool(m->yaml, n, &m->create_products, err);
    return rc;
}
