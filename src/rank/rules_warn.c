/* rules_warn.c - what a rule contradicts, told to who writes it. */
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "rank/rules_int.h"

struct finding {
    const struct view *view;
    const struct rule *rule;
    int64_t now_us;
    const struct bound_filter *products;
    size_t selected;  /* products of the rule */
    size_t seen;      /* products looked at */
    uint32_t *shared; /* [rules_len] of the rule's products that each other one selects too */
    struct rule_warning *out;
    size_t n;
};

__attribute__((format(printf, 4, 5))) static void
warn(struct finding *f, const char *code, const struct rule *other, const char *fmt, ...)
{
    va_list args;
    if (f->n == RULE_WARNINGS_MAX)
        return;
    struct rule_warning *w = &f->out[f->n++];
    *w = (struct rule_warning){.code = code, .other = other};
    va_start(args, fmt);
    vsnprintf(w->text, sizeof w->text, fmt, args);
    va_end(args);
    w->text[str_utf8_floor(w->text, strlen(w->text), sizeof w->text - 1)] = '\0';
}

/* --- do both ever hold for one list? ----------------------------------------------------------- */

static bool places_meet(const struct rule *a, const struct rule *b)
{
    if (a->places_len == 0 || b->places_len == 0)
        return true;
    for (size_t i = 0; i < a->places_len; i++)
        for (size_t k = 0; k < b->places_len; k++)
            if (str_eq(a->places[i], b->places[k]))
                return true;
    return false;
}

static bool times_meet(const struct rule *a, const struct rule *b)
{
    if ((a->until_us && a->until_us <= b->from_us) || (b->until_us && b->until_us <= a->from_us))
        return false;
    return a->days == 0 || b->days == 0 || (a->days & b->days);
}

static bool audiences_meet(const struct rule *a, const struct rule *b)
{
    bool a_known = a->audience == AUDIENCE_KNOWN || a->shoppers;
    bool b_known = b->audience == AUDIENCE_KNOWN || b->shoppers;
    return !(a->audience == AUDIENCE_ANONYMOUS && b_known) &&
           !(b->audience == AUDIENCE_ANONYMOUS && a_known);
}

static bool meet(const struct rule *a, const struct rule *b)
{
    return places_meet(a, b) && times_meet(a, b) && audiences_meet(a, b);
}

/* --- which products both select ---------------------------------------------------------------- */

static void count_doc(struct finding *f, struct location at)
{
    const struct shop_rules *r = rules_of(f->view);
    const struct ruled_segment *s = r->segments[at.slot];
    for (uint32_t k = s->first ? s->first[at.doc] : 0; s->first && k < s->first[at.doc + 1]; k++)
        f->shared[s->of_doc[k]]++;
    for (size_t k = 0; k < s->wide_len; k++)
        f->shared[s->wide[k]] +=
            s->of[s->wide[k]].all || bitset_test(&s->of[s->wide[k]].bits, at.doc);
}

static void count_products(struct finding *f)
{
    const struct catalogue *c = f->view->catalogue;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        uint32_t docs = c->segments[slot] ? c->segments[slot]->docs : 0;
        for (uint32_t doc = 0; doc < docs && f->seen < RULE_WARNING_DOCS_MAX; doc++) {
            if (!catalogue_alive(c, slot, doc))
                continue;
            f->seen++;
            if (!filter_match(f->products, slot, doc))
                continue;
            f->selected++;
            if (rules_len(f->view))
                count_doc(f, (struct location){slot, doc});
        }
    }
}

/* --- findings ---------------------------------------------------------------------------------- */

static void judge_alone(struct finding *f)
{
    const struct rule *rule = f->rule;
    bool all_seen = f->seen < RULE_WARNING_DOCS_MAX;
    if (rule->until_us && rule->until_us <= f->now_us)
        warn(f, "over", NULL, "its schedule has ended: it is never in force");
    if (f->selected == 0 && f->seen > 0)
        warn(f, "selects_nothing", NULL, "of %zu products it selects none%s", f->seen,
             all_seen ? "" : " (the rest was not looked at)");
    if (f->seen > 0 && f->selected == f->seen && rule->action == RULE_HIDE && all_seen)
        warn(f, "hides_everything", NULL, "it selects every product: nothing is left to show");
}

static void judge_hide(struct finding *f, const struct rule *hide, const struct rule *other,
                       size_t shared)
{
    static const char *const verbs[RULE_ACTIONS] = {
        [RULE_PIN] = "pins", [RULE_BOOST] = "boosts", [RULE_REQUIRE] = "requires"};
    bool mine = other == f->rule;
    if (!verbs[other->action])
        return;
    if (mine && shared == f->selected)
        warn(f, "hidden", hide, "rule '%.*s' hides all that it %s", STR_ARG(hide->id),
             verbs[other->action]);
    else
        warn(f, "hidden", mine ? hide : other,
             "%zu of the products that '%.*s' %s are hidden by '%.*s'", shared, STR_ARG(other->id),
             verbs[other->action], STR_ARG(hide->id));
}

static bool earlier(const struct rule *a, const struct rule *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->no < b->no;
}

static void judge_pins(struct finding *f, const struct rule *other)
{
    if (other->position != f->rule->position)
        return;
    /* A rule that is new comes last of its priority. */
    bool first = f->rule->no ? earlier(f->rule, other) : f->rule->priority < other->priority;
    warn(f, "position_taken", other, "rule '%.*s' pins to position %u too, and comes %s: %s",
         STR_ARG(other->id), other->position, first ? "later" : "first",
         first ? "it takes the next position" : "this one takes the next position");
}

static void judge_pair(struct finding *f, const struct rule *other, size_t shared)
{
    const struct rule *rule = f->rule;
    enum rule_action a = rule->action, b = other->action;
    if (a == RULE_PIN && b == RULE_PIN)
        judge_pins(f, other);
    if (shared == 0)
        return;
    if (a == RULE_HIDE && b != RULE_HIDE)
        judge_hide(f, rule, other, shared);
    else if (b == RULE_HIDE && a != RULE_HIDE)
        judge_hide(f, other, rule, shared);
    else if ((a == RULE_BOOST && b == RULE_BURY) || (a == RULE_BURY && b == RULE_BOOST))
        warn(f, "boost_and_bury", other,
             "rule '%.*s' %s %zu of its products: both factors apply, together %g",
             STR_ARG(other->id), b == RULE_BURY ? "buries" : "boosts", shared,
             (double)rule->factor * (double)other->factor);
    else if ((a == RULE_CAP && b == RULE_REQUIRE && rule->count < other->count) ||
             (a == RULE_REQUIRE && b == RULE_CAP && other->count < rule->count))
        warn(f, "capped", other,
             "rule '%.*s' may leave fewer than %u: at most %u of each value come into a list",
             STR_ARG(a == RULE_CAP ? rule->id : other->id),
             a == RULE_CAP ? other->count : rule->count,
             a == RULE_CAP ? rule->count : other->count);
}

enum err_code rules_warn(const struct view *view, const struct rule *rule, int64_t now_us,
                         struct arena *arena, struct rule_warning *out, size_t *n, struct err *err)
{
    const struct filter_asker asker = {.currency = view->shop->currency, .now_us = now_us};
    struct bound_filter *products;
    size_t rules = rules_len(view);
    struct finding f = {.view = view, .rule = rule, .now_us = now_us, .out = out};
    *n = 0;
    f.shared = arena_try_alloc(arena, (rules + 1) * sizeof *f.shared);
    if (!f.shared)
        return err_set(err, ERR_LIMIT, "the rules do not fit");
    memset(f.shared, 0, (rules + 1) * sizeof *f.shared);
    enum err_code code = filter_bind_for(rule->products, view, &asker, arena, &products, err);
    if (code != ERR_OK)
        return code;
    f.products = products;
    count_products(&f);
    judge_alone(&f);
    for (size_t i = 0; i < rules && rule->enabled; i++) {
        const struct rule *other = rules_at(view, i);
        if (!str_eq(other->id, rule->id) && meet(rule, other))
            judge_pair(&f, other, f.shared[i]);
    }
    *n = f.n;
    return ERR_OK;
}
