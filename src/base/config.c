#include "base/config.h"

#include <stdio.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "base/yaml.h"

struct value {
    char *text;     /* owned, as it was written */
    int64_t number; /* number, index, boolean, microseconds or bytes */
    enum config_origin origin;
    char *where; /* owned, for people */
};

struct config {
    const struct config_setting *table; /* [n], borrowed */
    size_t n;
    struct value *values; /* [n], owned */
    char **paths;         /* [n], owned: "section.name" */
    char **variables;     /* [n], owned: "AISLE_SECTION_NAME" */
};

/* --- values ---------------------------------------------------------------------------------- */

struct unit {
    const char *name;
    int64_t scale;
};

/* A whole number and one of the units. */
static bool parse_scaled(struct str s, const struct unit *units, size_t n, int64_t *out)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    struct str unit = {s.p + digits, s.n - digits};
    int64_t v;
    if (str_parse_i64((struct str){s.p, digits}, 0, INT64_MAX, &v, NULL) != ERR_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_is(unit, units[i].name))
            return !__builtin_mul_overflow(v, units[i].scale, out);
    *out = 0;
    return v == 0 && unit.n == 0;
}

enum err_code config_parse_duration(struct str s, int64_t *us, struct err *err)
{
    static const struct unit units[] = {{"us", 1},       {"ms", 1000},      {"s", 1000000},
                                        {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
    char quoted[40];
    if (s.n > 0 && parse_scaled(s, units, sizeof units / sizeof *units, us))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "'%s' is not a duration such as 250ms, 10s, 5m, 2h or 1d",
                   err_quote(quoted, sizeof quoted, s.p, s.n));
}

enum err_code config_parse_bytes(struct str s, int64_t *bytes, struct err *err)
{
    static const struct unit units[] = {
        {"", 1},          {"B", 1},         {"k", 1 << 10},   {"K", 1 << 10},    {"KiB", 1 << 10},
        {"m", 1 << 20},   {"M", 1 << 20},   {"MiB", 1 << 20}, {"g", 1 << 30},    {"G", 1 << 30},
        {"GiB", 1 << 30}, {"t", 1LL << 40}, {"T", 1LL << 40}, {"TiB", 1LL << 40}};
    char quoted[40];
    if (s.n > 0 && parse_scaled(s, units, sizeof units / sizeof *units, bytes))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "'%s' is not a size such as 512, 64K, 10M or 2G",
                   err_quote(quoted, sizeof quoted, s.p, s.n));
}

static enum err_code parse_choice(const struct config_setting *s, struct str text, int64_t *out,
                                  struct err *err)
{
    char quoted[40], all[160] = "";
    size_t n = 0;
    for (; s->choices[n]; n++) {
        if (str_is(text, s->choices[n])) {
            *out = (int64_t)n;
            return ERR_OK;
        }
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s%s", n ? ", " : "", s->choices[n]);
    }
    return err_set(err, ERR_INVALID, "'%s' is none of %s",
                   err_quote(quoted, sizeof quoted, text.p, text.n), all);
}

static enum err_code check_range(const struct config_setting *s, struct str text, int64_t v,
                                 struct err *err)
{
    bool any = s->lo == 0 && s->hi == 0;
    char quoted[40];
    if (any ? v >= 0 : v >= s->lo && v <= s->hi)
        return ERR_OK;
    err_quote(quoted, sizeof quoted, text.p, text.n);
    if (any)
        return err_set(err, ERR_INVALID, "%s is below 0", quoted);
    const char *unit = s->type == CONFIG_DURATION ? " us" : s->type == CONFIG_BYTES ? " bytes" : "";
    return err_set(err, ERR_INVALID, "%s is not between %lld and %lld%s", quoted, (long long)s->lo,
                   (long long)s->hi, unit);
}

static enum err_code parse_value(const struct config_setting *s, struct str text, int64_t *out,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    bool b = false;
    *out = 0;
    switch (s->type) {
    case CONFIG_STRING:
        return ERR_OK;
    case CONFIG_ENUM:
        return parse_choice(s, text, out, err);
    case CONFIG_BOOL:
        if (!str_parse_bool(text, &b))
            return err_set(err, ERR_INVALID, "must be true or false");
        *out = b;
        return ERR_OK;
    case CONFIG_INT:
        code = str_parse_i64(text, INT64_MIN, INT64_MAX, out, err);
        break;
    case CONFIG_DURATION:
        code = config_parse_duration(text, out, err);
        break;
    case CONFIG_BYTES:
        code = config_parse_bytes(text, out, err);
        break;
    }
    return code == ERR_OK ? check_range(s, text, *out, err) : code;
}

/* --- setting --------------------------------------------------------------------------------- */

static enum err_code set(struct config *c, size_t i, struct str text, enum config_origin origin,
                         const char *where, struct err *err)
{
    const struct config_setting *s = &c->table[i];
    struct value *v = &c->values[i];
    int64_t number;
    enum err_code code = parse_value(s, text, &number, err);
    if (code != ERR_OK) {
        if (s->secret)
            err_set(err, code, "the value is not valid");
        return err_prefix(err, code, "%s: %s", where, c->paths[i]);
    }
    if (origin < v->origin)
        return ERR_OK; /* a stronger one came before */
    mem_free(v->text);
    mem_free(v->where);
    *v = (struct value){.text = mem_dup(text.p, text.n),
                        .number = number,
                        .origin = origin,
                        .where = mem_dup(where, strlen(where))};
    return ERR_OK;
}

static char *variable_of(const struct config_setting *s)
{
    char name[128];
    int n = snprintf(name, sizeof name, "AISLE_%s_%s", s->section, s->name);
    CHECK(n > 0 && n < (int)sizeof name);
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return mem_dup(name, (size_t)n);
}

static char *path_of(const struct config_setting *s)
{
    char path[128];
    int n = snprintf(path, sizeof path, "%s.%s", s->section, s->name);
    CHECK(n > 0 && n < (int)sizeof path);
    return mem_dup(path, (size_t)n);
}

struct config *config_new(const struct config_setting *table, size_t n)
{
    struct config *c = MEM_NEW(struct config);
    *c = (struct config){.table = table,
                         .n = n,
                         .values = mem_new(n, sizeof *c->values),
                         .paths = mem_new(n, sizeof *c->paths),
                         .variables = mem_new(n, sizeof *c->variables)};
    for (size_t i = 0; i < n; i++) {
        c->paths[i] = path_of(&table[i]);
        c->variables[i] = variable_of(&table[i]);
        enum err_code code = set(c, i, str_of(table[i].fallback), CONFIG_DEFAULT, "default", NULL);
        CHECK(code == ERR_OK && "default value of a setting");
    }
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++) {
        mem_free(c->values[i].text);
        mem_free(c->values[i].where);
        mem_free(c->paths[i]);
        mem_free(c->variables[i]);
    }
    mem_free(c->values);
    mem_free(c->paths);
    mem_free(c->variables);
    mem_free(c);
}

/* The index of name among names[n], or n. */
static size_t index_of(struct str name, char *const *names, size_t n)
{
    size_t i = 0;
    while (i < n && !str_is(name, names[i]))
        i++;
    return i;
}

static enum err_code fail_unknown(struct str name, const char *const *names, size_t n,
                                  const char *where, struct err *err)
{
    char quoted[64], meant[STR_MEANT_SIZE];
    return err_set(err, ERR_INVALID, "%sunknown setting '%s'%s", where,
                   err_quote(quoted, sizeof quoted, name.p, name.n),
                   str_meant(name, names, n, meant));
}

enum err_code config_set(struct config *c, const char *path, const char *value, const char *flag,
                         struct err *err)
{
    size_t i = index_of(str_of(path), c->paths, c->n);
    char where[80];
    if (i < c->n)
        return set(c, i, str_of(value), CONFIG_FLAG, flag, err);
    snprintf(where, sizeof where, "%s: ", flag);
    return fail_unknown(str_of(path), (const char *const *)c->paths, c->n, where, err);
}

/* --- the environment ------------------------------------------------------------------------- */

static bool is_other(struct str name, const char *const *others)
{
    for (; others && *others; others++)
        if (str_is(name, *others))
            return true;
    return false;
}

enum err_code config_load_env(struct config *c, char *const *vars, const char *const *others,
                              struct err *err)
{
    for (; *vars; vars++) {
        struct str value = str_of(*vars), name = str_split(&value, '=');
        if (!str_starts(name, STR_LIT("AISLE_")) || value.n == 0 || is_other(name, others))
            continue;
        size_t i = index_of(name, c->variables, c->n);
        if (i == c->n)
            return fail_unknown(name, (const char *const *)c->variables, c->n, "", err);
        enum err_code code = set(c, i, value, CONFIG_ENV, c->variables[i], err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* --- the file -------------------------------------------------------------------------------- */

/* A list of texts, joined by commas. */
static enum err_code join(const struct yaml *y, const struct yaml_node *list, struct buf *out,
                          struct err *err)
{
    for (const struct yaml_node *n = list->child; n; n = n->next) {
        struct str text;
        enum err_code code = yaml_str(y, n, &text, err);
        if (code != ERR_OK)
            return code;
        if (n != list->child)
            buf_putc(out, ',');
        buf_put_str(out, text);
    }
    return ERR_OK;
}

static enum err_code set_from_node(struct config *c, size_t i, const struct yaml *y,
                                   const struct yaml_node *n, struct err *err)
{
    char where[256];
    struct buf joined = {.max = YAML_BYTES_MAX};
    struct str text = n->text;
    enum err_code code = ERR_OK;
    if (n->kind == YAML_LIST && c->table[i].type == CONFIG_STRING) {
        code = join(y, n, &joined, err);
        text = buf_str(&joined);
    } else {
        code = yaml_str(y, n, &text, err);
    }
    snprintf(where, sizeof where, "%s:%u", yaml_name(y), n->line);
    if (code == ERR_OK)
        code = set(c, i, text, CONFIG_FILE, where, err);
    buf_release(&joined);
    return code;
}

/* The full name stands in the table? Otherwise the message suggests one. */
static enum err_code find_path(const struct config *c, const struct yaml *y, struct str section,
                               const struct yaml_node *n, size_t *i, struct err *err)
{
    char path[256], where[200];
    int len = snprintf(path, sizeof path, "%.*s.%.*s", STR_ARG(section), STR_ARG(n->key));
    if (len > 0 && len < (int)sizeof path) {
        *i = index_of(str_of(path), c->paths, c->n);
        if (*i < c->n)
            return ERR_OK;
    }
    snprintf(where, sizeof where, "%s:%u: ", yaml_name(y), n->line);
    return fail_unknown(str_of(path), (const char *const *)c->paths, c->n, where, err);
}

static enum err_code load_section(struct config *c, const struct yaml *y,
                                  const struct yaml_node *section, struct err *err)
{
    if (yaml_is_null(section))
        return ERR_OK;
    if (section->kind != YAML_MAP)
        return yaml_fail(y, section, err, ERR_INVALID, "must be a section of settings");
    for (const struct yaml_node *n = section->child; n; n = n->next) {
        size_t i = 0;
        enum err_code code = find_path(c, y, section->key, n, &i, err);
        if (code == ERR_OK && !yaml_is_null(n))
            code = set_from_node(c, i, y, n, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code load_tree(struct config *c, const struct yaml *y, struct err *err)
{
    const struct yaml_node *root = yaml_root(y);
    if (root->kind != YAML_MAP)
        return yaml_fail(y, root, err, ERR_INVALID, "must be sections of settings");
    for (const struct yaml_node *s = root->child; s; s = s->next) {
        enum err_code code = load_section(c, y, s, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code config_load_file(struct config *c, const char *path, struct err *err)
{
    struct yaml *y = NULL;
    enum err_code code = yaml_load(&y, path, err);
    if (code == ERR_OK)
        code = load_tree(c, y, err);
    yaml_close(y);
    return code;
}

enum err_code config_load_text(struct config *c, struct str text, const char *name, struct err *err)
{
    struct yaml *y = NULL;
    enum err_code code = yaml_parse(&y, text, name, err);
    if (code == ERR_OK)
        code = load_tree(c, y, err);
    yaml_close(y);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

static const struct value *value_of(const struct config *c, const char *path, unsigned types)
{
    size_t i = index_of(str_of(path), c->paths, c->n);
    CHECK(i < c->n && "no such setting");
    CHECK(types >> c->table[i].type & 1 && "a setting of another type");
    return &c->values[i];
}

const char *config_str(const struct config *c, const char *path)
{
    return value_of(c, path, 1u << CONFIG_STRING | 1u << CONFIG_ENUM)->text;
}

int64_t config_int(const struct config *c, const char *path)
{
    return value_of(c, path, 1u << CONFIG_INT | 1u << CONFIG_ENUM)->number;
}

bool config_bool(const struct config *c, const char *path)
{
    return value_of(c, path, 1u << CONFIG_BOOL)->number != 0;
}

int64_t config_duration_us(const struct config *c, const char *path)
{
    return value_of(c, path, 1u << CONFIG_DURATION)->number;
}

uint64_t config_bytes(const struct config *c, const char *path)
{
    return (uint64_t)value_of(c, path, 1u << CONFIG_BYTES)->number;
}

bool config_at(const struct config *c, size_t i, struct config_view *out)
{
    if (i >= c->n)
        return false;
    const struct value *v = &c->values[i];
    bool hide = c->table[i].secret && v->text[0] != '\0';
    *out = (struct config_view){.setting = &c->table[i],
                                .value = hide ? "********" : v->text,
                                .origin = v->origin,
                                .where = v->where};
    return true;
}

void config_print(const struct config *c, struct buf *out)
{
    struct config_view v;
    const char *section = "";
    for (size_t i = 0; config_at(c, i, &v); i++) {
        if (strcmp(section, v.setting->section) != 0)
            buf_printf(out, "%s:\n", v.setting->section);
        section = v.setting->section;
        bool quote = v.setting->type == CONFIG_STRING;
        buf_printf(out, "  %s: %s", v.setting->name, quote ? "\"" : "");
        json_escape(out, str_of(v.value));
        buf_printf(out, "%s  # %s\n", quote ? "\"" : "", v.where);
    }
}
