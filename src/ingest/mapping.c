#include "ingest/mapping.h"

#include <stdio.h>

#include "base/fs.h"
#include "base/mem.h"
#include "ingest/mapping_builtin.h"
#include "ingest/mapping_int.h"

#include "base/check.h"

enum {
    P = 1 << IMPORT_PRODUCTS,
    U = 1 << IMPORT_USERS,
    E = 1 << IMPORT_EVENTS,
    O = 1 << IMPORT_ORDERS,
    I = 1 << IMPORT_INTERACTIONS
};

/* native: another name that our own files may give the column. */
static const struct {
    const char *name;
    unsigned kinds, required;
    const char *native;
} targets[TARGETS] = {
    [TO_ID] = {"id", P | U | E | O, P | U | O, NULL},
    [TO_GROUP_ID] = {"group_id", P, 0, NULL},
    [TO_TITLE] = {"title", P | O, P, NULL},
    [TO_DESCRIPTION] = {"description", P, 0, NULL},
    [TO_BRAND] = {"brand", P, 0, NULL},
    [TO_CATEGORY] = {"category", P, 0, NULL},
    [TO_PRICE] = {"price", P, 0, NULL},
    [TO_LIST_PRICE] = {"list_price", P, 0, NULL},
    [TO_COST] = {"cost", P, 0, NULL},
    [TO_SALE_PRICE] = {"sale_price", P, 0, NULL},
    [TO_SALE_FROM] = {"sale_from", P, 0, NULL},
    [TO_SALE_UNTIL] = {"sale_until", P, 0, NULL},
    [TO_CURRENCY] = {"currency", P | E | O, 0, NULL},
    [TO_STOCK] = {"stock", P, 0, NULL},
    [TO_IMAGES] = {"images", P, 0, "image"},
    [TO_ATTRIBUTES] = {"attributes", P | U, 0, NULL},
    [TO_TAGS] = {"tags", P, 0, NULL},
    [TO_RATING_MEAN] = {"rating_mean", P, 0, "rating.mean"},
    [TO_RATING_COUNT] = {"rating_count", P, 0, "rating.count"},
    [TO_SUPPLIER_ID] = {"supplier_id", P, 0, NULL},
    [TO_STATUS] = {"status", P | O, 0, NULL},
    [TO_URL] = {"url", P, 0, NULL},
    [TO_LANGUAGE] = {"language", P, 0, NULL},
    [TO_TRANSLATIONS] = {"translations", P, 0, NULL},
    [TO_CREATED_AT] = {"created_at", P | U, 0, NULL},
    [TO_PERSONALISE] = {"personalise", U, 0, NULL},
    [TO_TYPE] = {"type", E | I, E, "event_type"},
    [TO_USER_ID] = {"user_id", E | O | I, I, "user"},
    [TO_ANONYMOUS_ID] = {"anonymous_id", E | O, 0, NULL},
    [TO_SESSION_ID] = {"session_id", E, 0, NULL},
    [TO_PRODUCT_ID] = {"product_id", E | O | I, I, "item_id"},
    [TO_QUERY] = {"query", E, 0, NULL},
    [TO_QUANTITY] = {"quantity", E | O | I, 0, NULL},
    [TO_VALUE] = {"value", E, 0, NULL},
    [TO_RATING] = {"rating", E | I, 0, NULL},
    [TO_TIME] = {"time", E | I, 0, "timestamp"},
    [TO_REQUEST_ID] = {"request_id", E, 0, NULL},
    [TO_POSITION] = {"position", E, 0, NULL},
    [TO_CONTEXT] = {"context", E, 0, NULL},
    [TO_LINES] = {"lines", O, 0, NULL},
    [TO_KIND] = {"kind", O, 0, NULL},
    [TO_UNIT_PRICE] = {"unit_price", O, 0, NULL},
    [TO_DISCOUNT] = {"discount", O, 0, NULL},
    [TO_ADDRESS] = {"address", O, 0, NULL},
    [TO_PAYMENT] = {"payment", O, 0, NULL},
    [TO_COUPONS] = {"coupons", O, 0, NULL},
    [TO_PLACED_AT] = {"placed_at", O, O, NULL},
    [TO_PAID_AT] = {"paid_at", O, 0, "times.paid_at"},
    [TO_SHIPPED_AT] = {"shipped_at", O, 0, "times.shipped_at"},
    [TO_DELIVERED_AT] = {"delivered_at", O, 0, "times.delivered_at"},
    [TO_CLOSED_AT] = {"closed_at", O, 0, "times.closed_at"},
};

const char *target_name(enum target t)
{
    return targets[t].name;
}

bool target_belongs(enum target t, enum import_kind k)
{
    return (targets[t].kinds >> k & 1) != 0;
}

bool target_required(enum target t, enum import_kind k)
{
    return (targets[t].required >> k & 1) != 0;
}

/* --- making and freeing ---------------------------------------------------------------------- */

static struct mapping *new_mapping(enum import_kind kind, const char *name)
{
    struct mapping *m = MEM_NEW(struct mapping);
    const char *slash = strrchr(name, '/');
    struct str base = str_of(slash ? slash + 1 : name);
    size_t dot = str_find(base, '.', 0);
    m->kind = kind;
    m->name = mem_dup(base.p, dot == SIZE_MAX ? base.n : dot);
    arena_init(&m->arena, 8 << 10, 8 << 20);
    buf_init(&m->fill.last_key, MAP_TEXT_MAX);
    for (size_t i = 0; i < MAP_FILL_MAX; i++)
        buf_init(&m->fill.last[i], READER_ROW_MAX);
    arena_init(&m->inherit.texts, 64 << 10, MAP_PARENTS_BYTES);
    return m;
}

void mapping_free(struct mapping *m)
{
    if (!m)
        return;
    map_fill_release(m);
    arena_release(&m->arena);
    yaml_close(m->yaml);
    mem_free(m->name);
    mem_free(m);
}

/* Our own names: every field is its own column. Unknown products are made for interactions, which
 * come without a catalogue. */
static struct mapping *native(enum import_kind kind)
{
    struct mapping *m = new_mapping(kind, "native");
    m->create_products = kind == IMPORT_INTERACTIONS;
    for (unsigned t = 0; t < TARGETS; t++) {
        struct map_field *f = &m->fields[t];
        if (!target_belongs(t, kind))
            continue;
        f->set = f->plain = true;
        f->list_by = ',';
        f->columns[f->columns_len++] = (struct map_column){str_of(targets[t].name), -1};
        if (targets[t].native)
            f->columns[f->columns_len++] = (struct map_column){str_of(targets[t].native), -1};
        f->plain = f->columns_len == 1;
    }
    return m;
}

static enum err_code parse_into(struct mapping **out, struct mapping *m, enum err_code rc,
                                struct err *err)
{
    if (rc == ERR_OK)
        rc = mapping_read(m, err);
    if (rc != ERR_OK) {
        mapping_free(m);
        return rc;
    }
    *out = m;
    return ERR_OK;
}

enum err_code mapping_parse(struct mapping **out, enum import_kind kind, struct str text,
                            const char *name, struct err *err)
{
    struct mapping *m = new_mapping(kind, name);
    return parse_into(out, m, yaml_parse(&m->yaml, text, name, err), err);
}

static enum err_code no_such_mapping(const char *name, struct err *err)
{
    char quoted[48], list[160] = "";
    size_t n = 0;
    const char *nearest = NULL;
    unsigned best = 4;
    for (const struct mapping_builtin *b = mapping_builtins; b->name; b++) {
        unsigned d = str_distance(str_of(name), str_of(b->name), best);
        if (d < best) {
            best = d;
            nearest = b->name;
        }
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", b->name);
        if (n >= sizeof list)
            break;
    }
    err_quote(quoted, sizeof quoted, name, strlen(name));
    if (nearest)
        return err_set(err, ERR_NOT_FOUND, "no mapping '%s'; did you mean %s?", quoted, nearest);
    return err_set(err, ERR_NOT_FOUND,
                   "no mapping '%s'; built in are %s (or a path ending in .yaml)", quoted, list);
}

enum err_code mapping_load(struct mapping **out, enum import_kind kind, const char *name,
                           struct err *err)
{
    if (!name) {
        *out = native(kind);
        return ERR_OK;
    }
    if (str_ends(str_of(name), STR_LIT(".yaml")) || str_ends(str_of(name), STR_LIT(".yml"))) {
        struct mapping *m = new_mapping(kind, name);
        return parse_into(out, m, yaml_load(&m->yaml, name, err), err);
    }
    for (const struct mapping_builtin *b = mapping_builtins; b->name; b++)
        if (strcmp(b->name, name) == 0) {
            char file[128];
            snprintf(file, sizeof file, "%s.yaml", name);
            return mapping_parse(out, kind, (struct str){b->begin, (size_t)(b->end - b->begin)},
                                 file, err);
        }
    return no_such_mapping(name, err);
}

const char *mapping_name(const struct mapping *m)
{
    return m->name;
}

const char *mapping_charset(const struct mapping *m)
{
    return m->charset.n ? m->charset.p : NULL;
}

enum reader_format mapping_format(const struct mapping *m)
{
    return m->format;
}

char mapping_delimiter(const struct mapping *m)
{
    return m->delimiter;
}

void mapping_set_currency(struct mapping *m, currency_code currency)
{
    m->currency = currency;
}

currency_code mapping_currency(const struct mapping *m)
{
    return m->currency;
}

bool mapping_is_native(const struct mapping *m)
{
    return m->yaml == NULL;
}

bool mapping_has_pictures(const struct mapping *m)
{
    return m->pictures.url.set;
}

const struct map_column *map_first_column(const struct map_column *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i].at >= 0)
            return &columns[i];
    return NULL;
}

struct str mapping_key(const struct mapping *m, const struct record *rec)
{
    const struct map_column *key = map_first_column(m->fill.keys, m->fill.keys_len);
    return key ? str_trim(rec->fields[key->at].text) : (struct str){NULL, 0};
}

bool mapping_makes_products(const struct mapping *m)
{
    return m->make_products;
}

bool mapping_creates_products(const struct mapping *m)
{
    return m->create_products || m->make_products;
}

/* --- binding --------------------------------------------------------------------------------- */

static bool bind_column(struct reader *r, struct map_column *c)
{
    c->at = reader_want(r, c->name);
    return c->at >= 0;
}

/* True if anything can come of the field. */
static bool bind_one(struct reader *r, struct map_field *f)
{
    bool any = f->constant.p || f->absent.p;
    for (size_t i = 0; i < f->join_len; i++)
        any |= bind_column(r, &f->join[i]);
    for (size_t i = 0; i < f->columns_len; i++)
        any |= bind_column(r, &f->columns[i]);
    for (size_t i = 0; i < f->parts_len; i++)
        if (f->parts[i].is_column)
            any |= bind_column(r, &f->parts[i].column);
    f->set = any;
    return any;
}

static bool bind_field(struct reader *r, struct map_field *f)
{
    bool any = false;
    for (struct map_field *one = f; one; one = one->other)
        any |= bind_one(r, one);
    f->set = any;
    return any;
}

static enum err_code missing_column(const struct mapping *m, const struct reader *r, enum target t,
                                    struct err *err)
{
    const struct map_field *f = &m->fields[t];
    size_t n, used = 0;
    const struct str *header = reader_header(r, &n);
    char list[120] = "";
    for (size_t i = 0; i < n && used + 2 < sizeof list; i++) {
        char one[32];
        err_quote(one, sizeof one, header[i].p, header[i].n);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", one);
    }
    struct str want = f->columns_len ? f->columns[0].name
                      : f->join_len  ? f->join[0].name
                                     : str_of(targets[t].name);
    if (m->yaml)
        return err_set(err, ERR_INVALID, "%s:%u: %s comes from column '%.*s', but the file has: %s",
                       yaml_name(m->yaml), f->line, targets[t].name, STR_ARG(want), list);
    return err_set(err, ERR_INVALID, "the column '%.*s' is missing; the file has: %s",
                   STR_ARG(want), list);
}

static void bind_columns(struct reader *r, struct map_column *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)bind_column(r, &columns[i]);
}

static void bind_rules(struct mapping *m, struct reader *r)
{
    for (unsigned s = 0; s < RULE_SETS; s++)
        for (size_t i = 0; i < m->rules_len[s]; i++)
            bind_columns(r, m->rules[s][i].columns, m->rules[s][i].columns_len);
}

static void bind_fill(struct mapping *m, struct reader *r)
{
    struct map_inherit *h = &m->inherit;
    bind_columns(r, m->fill.keys, m->fill.keys_len);
    bind_columns(r, m->fill.columns, m->fill.columns_len);
    bind_columns(r, h->columns, h->columns_len);
    if (h->columns_len)
        bind_columns(r, &h->from, 1);
    for (size_t i = 0; i < h->names_len; i++)
        (void)bind_field(r, &h->names[i]);
    if (m->pictures.url.columns_len) {
        (void)bind_field(r, &m->pictures.url);
        (void)bind_field(r, &m->pictures.position);
    }
    map_fill_begin(m);
}

/* Our own CSV gives each attribute a column of its own: "attributes.colour". */
static void bind_native_attributes(struct mapping *m, struct reader *r)
{
    static const struct str prefix = {"attributes.", 11};
    size_t n;
    const struct str *header = reader_header(r, &n);
    if (m->yaml || !target_belongs(TO_ATTRIBUTES, m->kind))
        return;
    m->attributes = ARENA_NEW(&m->arena, struct map_attribute, MAP_ATTRIBUTES_MAX);
    m->attributes_len = 0;
    for (size_t i = 0; i < n && m->attributes_len < MAP_ATTRIBUTES_MAX; i++) {
        if (!str_starts(header[i], prefix))
            continue;
        struct map_attribute *a = &m->attributes[m->attributes_len++];
        a->name.set = true;
        a->name.constant =
            arena_str(&m->arena, (struct str){header[i].p + prefix.n, header[i].n - prefix.n});
        a->value = (struct map_field){.set = true, .plain = true, .columns_len = 1};
        a->value.columns[0] = (struct map_column){header[i], (int)i};
    }
}

enum err_code mapping_bind(struct mapping *m, struct reader *r, struct err *err)
{
    size_t n;
    bool has_header = reader_header(r, &n) != NULL;
    for (unsigned t = 0; t < TARGETS; t++) {
        bool bound = bind_field(r, &m->fields[t]);
        if (!bound && has_header && target_required(t, m->kind))
            return missing_column(m, r, t, err);
    }
    for (size_t i = 0; i < m->attributes_len; i++) {
        (void)bind_field(r, &m->attributes[i].name);
        (void)bind_field(r, &m->attributes[i].value);
    }
    bind_rules(m, r);
    bind_native_attributes(m, r);
    bind_fill(m, r);
    return ERR_OK;
}

bool mapping_has(const struct mapping *m, enum target t)
{
    return m->fields[t].set;
}

unsigned mapping_column(const struct mapping *m, enum target t)
{
    const struct map_field *f = &m->fields[t];
    for (size_t i = 0; i < f->columns_len; i++)
        if (f->columns[i].at >= 0)
            return (unsigned)f->columns[i].at + 1;
    return 0;
}

/* --- rules ----------------------------------------------------------------------------------- */

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Does one character of the pattern, at *p, stand for c? Moves behind it. */
static bool glob_one(struct str pattern, size_t *p, char c)
{
    size_t at = *p;
    bool literal = pattern.p[at] == '\\' && at + 1 < pattern.n;
    at += literal;
    if (!literal && pattern.p[at] == '?') {
        *p = at + 1;
        return true;
    }
    if (fold(pattern.p[at]) != fold(c))
        return false;
    *p = at + 1;
    return true;
}

/* On a mismatch only the last star is tried again, so the cost is at most text times pattern. */
bool map_glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && glob_one(pattern, &p, text.p[t])) {
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool any_glob(const struct str *patterns, size_t n, struct str text)
{
    for (size_t i = 0; i < n; i++)
        if (map_glob(patterns[i], text))
            return true;
    return false;
}

static bool rule_fits(const struct map_rule *rule, struct str v)
{
    return (!rule->prefix.p || str_starts(v, rule->prefix)) &&
           (!rule->suffix.p || str_ends(v, rule->suffix)) &&
           (!rule->contains.p || str_search(v, rule->contains) != SIZE_MAX) &&
           (!rule->patterns_len || any_glob(rule->patterns, rule->patterns_len, v)) &&
           (!rule->empty || v.n == 0) && (!rule->filled || v.n > 0) &&
           (!rule->negative || (v.n > 1 && v.p[0] == '-'));
}

/* Of every column that the file has, and of one at least. */
static bool rule_holds(const struct map_rule *rule, const struct record *rec)
{
    bool any = false;
    for (size_t i = 0; i < rule->columns_len; i++) {
        int at = rule->columns[i].at;
        if (at < 0)
            continue;
        if (!rule_fits(rule, str_trim(rec->fields[at].text)))
            return false;
        any = true;
    }
    return any;
}

bool mapping_matches(const struct mapping *m, enum rule_set set, const struct record *rec)
{
    for (size_t i = 0; i < m->rules_len[set]; i++)
        if (rule_holds(&m->rules[set][i], rec))
            return true;
    return false;
}

bool mapping_ignores_title(const struct mapping *m, struct str title)
{
    return any_glob(m->ignore_titles, m->ignore_titles_len, title);
}
