#include "recommend/experiment_set.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "store/models.h"

enum { SET_BYTES = 64 << 20, LOOK_BYTES = 16 << 20 };

static const struct str family = STR_LIT("recommend");

/* --- reading --------------------------------------------------------------------------------- */

static bool serves(const struct experiment_record *r)
{
    return r->state == EXPERIMENT_RUNNING || r->state == EXPERIMENT_DECIDED;
}

enum err_code experiments_read_serving(struct db *db, struct arena *arena,
                                       struct experiment_entry **entries, size_t *len,
                                       struct err *err)
{
    struct db_rows rows = {0};
    struct experiment_record r;
    bool more;
    *len = 0;
    *entries = arena_try_alloc(arena, EXPERIMENTS_MAX * sizeof **entries);
    if (!*entries)
        return err_set(err, ERR_LIMIT, "the experiments do not fit");
    enum err_code code = experiments_list(db, &rows, err);
    while (code == ERR_OK && (code = experiments_next(&rows, &r, &more, err)) == ERR_OK && more) {
        if (!serves(&r) || *len == EXPERIMENTS_MAX) /* no more can be made */
            continue;
        struct experiment_entry *entry = &(*entries)[*len];
        experiment_record_keep(arena, &r);
        entry->record = r;
        *len += experiment_read(r.definition, arena, &entry->e, NULL) == ERR_OK;
    }
    db_rows_close(&rows);
    return code;
}

/* The variant that was decided for; NULL: it runs, or there is none of that name. */
static struct experiment_variant *decided_variant(const struct experiment_entry *entry)
{
    size_t i = experiment_variant_of(&entry->e, entry->record.decision);
    bool decided = entry->record.state == EXPERIMENT_DECIDED && i < entry->e.variants_len;
    return decided ? &entry->e.variants[i] : NULL;
}

static enum err_code supersede(struct db *db, struct experiment_set *s, struct err *err)
{
    struct model_version live;
    enum err_code code = model_live(db, family, &s->arena, &live, err);
    for (size_t i = 0; code == ERR_OK && i < s->len; i++) {
        struct experiment_variant *v = decided_variant(&s->entries[i]);
        if (v && live.published_at > s->entries[i].record.decided_at)
            v->model = (struct str){0};
    }
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* --- what they name -------------------------------------------------------------------------- */

/* The variants of an entry that serve: all of a running one. */
static void serving_variants(const struct experiment_entry *entry,
                             const struct experiment_variant **first, size_t *n)
{
    const struct experiment_variant *decided = decided_variant(entry);
    bool runs = entry->record.state == EXPERIMENT_RUNNING;
    *first = runs ? entry->e.variants : decided;
    *n = runs ? entry->e.variants_len : decided != NULL;
}

static size_t add_once(struct str *texts, size_t n, struct str text)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(texts[i], text))
            return n;
    texts[n] = text;
    return n + 1;
}

/* Those of running experiments first: where there are too many, these are kept. */
static size_t add_versions(const struct experiment_set *s, enum experiment_state state,
                           struct str *versions, size_t n)
{
    for (size_t i = 0; i < s->len; i++) {
        const struct experiment_variant *variants;
        size_t len;
        serving_variants(&s->entries[i], &variants, &len);
        for (size_t v = 0; s->entries[i].record.state == state && v < len; v++)
            if (variants[v].model.n)
                n = add_once(versions, n, variants[v].model);
    }
    return n;
}

static size_t add_rule(struct named_rule *rules, size_t n, struct str id, bool bound)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(rules[i].id, id)) {
            rules[i].bound |= bound;
            return n;
        }
    rules[n] = (struct named_rule){id, bound};
    return n + 1;
}

static size_t add_rules(const struct experiment_entry *entry, struct named_rule *rules, size_t n)
{
    const struct experiment_variant *variants;
    size_t len;
    serving_variants(entry, &variants, &len);
    for (size_t v = 0; v < len; v++)
        for (size_t i = 0; i < variants[v].rules.len; i++)
            n = add_rule(rules, n, variants[v].rules.ids[i],
                         entry->record.state == EXPERIMENT_RUNNING);
    return n;
}

static enum err_code collect(struct experiment_set *s, struct err *err)
{
    size_t versions_most = 0, rules_most = 0;
    for (size_t i = 0; i < s->len; i++) {
        const struct experiment_variant *variants;
        size_t len;
        serving_variants(&s->entries[i], &variants, &len);
        versions_most += len;
        for (size_t v = 0; v < len; v++)
            rules_most += variants[v].rules.len;
    }
    struct str *versions = arena_try_alloc(&s->arena, (versions_most + 1) * sizeof *versions);
    struct named_rule *rules = arena_try_alloc(&s->arena, (rules_most + 1) * sizeof *rules);
    if (!versions || !rules)
        return err_set(err, ERR_LIMIT, "the experiments do not fit");
    s->base.versions = versions;
    s->base.versions_len = add_versions(s, EXPERIMENT_RUNNING, versions, 0);
    s->base.versions_len = add_versions(s, EXPERIMENT_DECIDED, versions, s->base.versions_len);
    s->base.rules = rules;
    for (size_t i = 0; i < s->len; i++)
        s->base.rules_len = add_rules(&s->entries[i], rules, s->base.rules_len);
    return ERR_OK;
}

static void release(struct served_experiments *base)
{
    struct experiment_set *s = (struct experiment_set *)base;
    arena_release(&s->arena);
    mem_free(s);
}

static enum err_code read_set(struct db *db, struct served_experiments **out, struct err *err)
{
    struct experiment_set *s = MEM_NEW(struct experiment_set);
    s->base = (struct served_experiments){.refs = 1, .release = release};
    arena_init(&s->arena, 0, SET_BYTES);
    enum err_code code = experiments_read_serving(db, &s->arena, &s->entries, &s->len, err);
    if (code == ERR_OK)
        code = supersede(db, s, err);
    if (code == ERR_OK)
        code = collect(s, err);
    if (code == ERR_OK)
        *out = &s->base;
    else
        release(&s->base);
    return code;
}

const struct experiments_reader experiments_reader = {read_set};

/* --- may it? --------------------------------------------------------------------------------- */

static enum err_code no_such(const struct experiment_variant *v, const char *field,
                             const char *what, struct str id, struct err *err)
{
    char quoted[64];
    return err_set(err, ERR_INVALID, "variants: '%.*s': %s: there is no %s '%s'", STR_ARG(v->name),
                   field, what, err_quote(quoted, sizeof quoted, id.p, id.n));
}

static enum err_code check_variant(struct db *db, const struct experiment_variant *v,
                                   struct arena *arena, struct err *err)
{
    struct model_version m;
    struct rule_row row;
    enum err_code code = v->model.n ? model_get(db, family, v->model, arena, &m, err) : ERR_OK;
    if (code == ERR_NOT_FOUND)
        return no_such(v, "model", "version", v->model, err);
    for (size_t i = 0; i < v->rules.len && code == ERR_OK; i++) {
        code = rule_get(db, v->rules.ids[i], arena, &row, err);
        if (code == ERR_NOT_FOUND)
            return no_such(v, "rules", "rule", v->rules.ids[i], err);
    }
    return code;
}

enum err_code experiment_check_named(struct db *db, const struct experiment *e, struct arena *arena,
                                     struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < e->variants_len && code == ERR_OK; i++)
        code = check_variant(db, &e->variants[i], arena, err);
    return code;
}

/* Versions of entry and of those of others that serve. */
static size_t count_versions(const struct experiment_entry *entry,
                             const struct experiment_entry *others, size_t n)
{
    struct str found[VIEW_VERSIONS_MAX + EXPERIMENT_VARIANTS_MAX + 1];
    size_t len = 0;
    for (size_t v = 0; v < entry->e.variants_len; v++)
        if (entry->e.variants[v].model.n)
            len = add_once(found, len, entry->e.variants[v].model);
    for (size_t i = 0; i < n && len <= VIEW_VERSIONS_MAX; i++) {
        const struct experiment_variant *variants;
        size_t variants_len;
        serving_variants(&others[i], &variants, &variants_len);
        for (size_t v = 0; v < variants_len && len <= VIEW_VERSIONS_MAX; v++)
            if (variants[v].model.n)
                len = add_once(found, len, variants[v].model);
    }
    return len;
}

enum err_code experiment_check_room(const struct experiment_entry *entry,
                                    const struct experiment_entry *others, size_t n,
                                    struct err *err)
{
    if (count_versions(entry, others, n) > VIEW_VERSIONS_MAX)
        return err_set(err, ERR_CONFLICT,
                       "variants: model: experiments name at most %d versions at a time",
                       VIEW_VERSIONS_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct experiment_variant *v = decided_variant(&others[i]);
        for (size_t k = 0; v && k < v->rules.len; k++)
            if (experiment_names_rule(&entry->e, v->rules.ids[k]))
                return err_set(err, ERR_CONFLICT,
                               "rules: '%.*s' is in force by the decision of experiment '%.*s': "
                               "delete that first",
                               STR_ARG(v->rules.ids[k]), STR_ARG(others[i].record.id));
    }
    return ERR_OK;
}

enum err_code experiment_check_decision(const struct experiment_entry *entry, size_t variant,
                                        const struct experiment_entry *others, size_t n,
                                        struct err *err)
{
    const struct rule_names *rules = &entry->e.variants[variant].rules;
    size_t decided = 0;
    for (size_t i = 0; i < n && rules->len; i++) {
        const struct experiment_variant *v = decided_variant(&others[i]);
        decided += v && v->rules.len;
        for (size_t k = 0; k < rules->len; k++)
            if (others[i].record.state == EXPERIMENT_RUNNING &&
                experiment_names_rule(&others[i].e, rules->ids[k]))
                return err_set(err, ERR_CONFLICT,
                               "rules: experiment '%.*s' compares '%.*s' just now",
                               STR_ARG(others[i].record.id), STR_ARG(rules->ids[k]));
    }
    if (decided >= EXPERIMENT_DECIDED_RULES_MAX)
        return err_set(err, ERR_CONFLICT,
                       "rules: %d decided experiments put some in force: switch rules on by "
                       "themselves and delete old experiments",
                       EXPERIMENT_DECIDED_RULES_MAX);
    return ERR_OK;
}

/* --- who names it? --------------------------------------------------------------------------- */

static bool names_version(const struct experiment_entry *entry, struct str version)
{
    const struct experiment_variant *decided = decided_variant(entry);
    for (size_t i = 0; i < entry->e.variants_len; i++) {
        const struct experiment_variant *v = &entry->e.variants[i];
        if ((!decided || v == decided) && str_eq(v->model, version))
            return true;
    }
    return false;
}

enum err_code experiments_name_version(struct db *db, struct str version, bool *named,
                                       struct err *err)
{
    struct db_rows rows = {0};
    struct arena arena;
    struct experiment_entry entry;
    bool more;
    *named = false;
    arena_init(&arena, 0, LOOK_BYTES);
    enum err_code code = experiments_list(db, &rows, err);
    while (code == ERR_OK &&
           (code = experiments_next(&rows, &entry.record, &more, err)) == ERR_OK && more) {
        arena_reset(&arena);
        if (experiment_read(entry.record.definition, &arena, &entry.e, NULL) == ERR_OK)
            *named |= names_version(&entry, version);
    }
    db_rows_close(&rows);
    arena_release(&arena);
    return code;
}

bool experiment_entry_names_rule(const struct experiment_entry *entry, struct str id)
{
    const struct experiment_variant *decided = decided_variant(entry);
    if (entry->record.state == EXPERIMENT_RUNNING)
        return experiment_names_rule(&entry->e, id);
    for (size_t i = 0; decided && i < decided->rules.len; i++)
        if (str_eq(decided->rules.ids[i], id))
            return true;
    return false;
}

enum err_code experiments_name_rule(struct db *db, struct str rule, struct arena *arena,
                                    struct str *id, struct err *err)
{
    struct experiment_entry *entries;
    size_t n;
    *id = (struct str){0};
    enum err_code code = experiments_read_serving(db, arena, &entries, &n, err);
    for (size_t i = 0; code == ERR_OK && i < n && id->n == 0; i++)
        if (entries[i].record.state == EXPERIMENT_RUNNING &&
            experiment_names_rule(&entries[i].e, rule))
            *id = entries[i].record.id;
    return code;
}
