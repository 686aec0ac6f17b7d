/* engine_rules.c - the shop's business rules, into every view.
 *
 * They are few against everything else, so a change of one reads all anew. Compiling is the work of
 * options.rules, in the thread that publishes: a view is never without the rules that hold for it. */
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/rules.h"

/* Texts of all rules. */
#define TEXTS_MAX ((size_t)STORE_RULES_MAX * (STORE_RULE_DEFINITION_MAX + 3 * STORE_ID_MAX))

static const struct named_rule *find_named(const struct served_experiments *s, struct str id)
{
    for (size_t i = 0; s && i < s->rules_len; i++)
        if (str_eq(s->rules[i].id, id))
            return &s->rules[i];
    return NULL;
}

static void keep(struct rule_rows *to, const struct rule_row *row, bool only_named)
{
    if (to->len == to->cap) {
        to->cap = to->cap ? to->cap * 2 : 16;
        to->items = mem_resize(to->items, to->cap, sizeof *to->items);
        to->only_named = mem_resize(to->only_named, to->cap, sizeof *to->only_named);
    }
    struct rule_row *kept = &to->items[to->len];
    to->only_named[to->len++] = only_named;
    *kept = *row;
    kept->id = arena_str(&to->texts, row->id);
    kept->name = arena_str(&to->texts, row->name);
    kept->definition = arena_str(&to->texts, row->definition);
}

/* Those that are switched on, and those that experiments name. */
static enum err_code read_rows(struct db *db, const struct served_experiments *experiments,
                               struct rule_rows *to, struct err *err)
{
    struct db_rows rows = {0};
    struct rule_row row;
    bool more;
    enum err_code code = rules_after(db, NULL, STORE_RULES_MAX, &rows, err);
    while (code == ERR_OK && (code = rules_next(&rows, &row, &more, err)) == ERR_OK && more) {
        const struct named_rule *named = find_named(experiments, row.id);
        if (row.enabled || named)
            keep(to, &row, named && (named->bound || !row.enabled));
    }
    db_rows_close(&rows);
    return code;
}

enum err_code read_rules(struct engine *e, struct db *db,
                         const struct served_experiments *experiments, struct rule_rows **out,
                         struct err *err)
{
    *out = NULL;
    if (!e->rules_compiler)
        return ERR_OK;
    struct rule_rows *rows = MEM_NEW(struct rule_rows);
    rows->refs = 1;
    arena_init(&rows->texts, 0, TEXTS_MAX);
    enum err_code code = read_rows(db, experiments, rows, err);
    if (code == ERR_OK)
        *out = rows;
    else
        rule_rows_unref(rows);
    return code;
}

enum err_code load_rules(struct engine *e, struct db *db, struct err *err)
{
    struct rule_rows *rows;
    enum err_code code = read_rules(e, db, e->experiments, &rows, err);
    if (code == ERR_OK) {
        rule_rows_unref(e->rule_rows);
        e->rule_rows = rows;
    }
    return code;
}

enum err_code show_rules(struct engine *e, struct db *db, struct err *err)
{
    if (!e->rules_changed)
        return ERR_OK;
    pthread_mutex_lock(&e->build_lock);
    enum err_code code = load_rules(e, db, err);
    if (code == ERR_OK) {
        e->rules_changed = false;
        publish_view(e, next_view(e));
    }
    pthread_mutex_unlock(&e->build_lock);
    return code;
}

void compile_rules(struct engine *e, struct view *next)
{
    if (e->rules_compiler && e->rule_rows)
        next->rules =
            e->rules_compiler->compile(e->rule_rows, next, e->view ? e->view->rules : NULL);
}
