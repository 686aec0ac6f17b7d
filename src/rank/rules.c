/* rules.c - the rules that are in force for one request. */
#include "rank/rules.h"

#include "base/check.h"
#include "index/facets.h"
#include "rank/rules_int.h"

/* So many products of a cap's selection have this value in the list. */
struct cap_count {
    uint16_t rule;
    uint32_t count;
    struct str key;
};

struct rules_use {
    const struct shop_rules *r;
    const struct view *view;
    struct filter_moment moment;
    struct acts acts;
    uint64_t *active; /* [rules] bits */
    uint16_t *list;   /* [len] the same, in order */
    size_t len;
    bool weighs; /* there is a boost or bury */
    bool judges; /* there is a hide or cap */
    struct cap_count *counts;
    size_t counts_len, counts_cap;
    struct arena *arena;
};

static bool is_active(const struct rules_use *u, size_t i)
{
    return u->active[i / 64] >> (i % 64) & 1;
}

/* --- which ------------------------------------------------------------------------------------- */

static bool holds_here(const struct rule *rule, struct str place)
{
    for (size_t i = 0; i < rule->places_len; i++)
        if (str_eq(rule->places[i], place))
            return true;
    return rule->places_len == 0;
}

static bool holds_for(const struct rule *rule, const struct rules_asker *asker, struct arena *arena)
{
    if (rule->audience == AUDIENCE_ANONYMOUS)
        return !asker->known;
    if (rule->audience == AUDIENCE_KNOWN && !asker->known)
        return false;
    return !rule->shoppers ||
           (asker->known && rules_attributes_match(rule->shoppers, asker->attributes, arena));
}

static bool is_named(const struct rule *rule, const struct rules_asker *asker)
{
    for (size_t i = 0; i < asker->named_len; i++)
        for (size_t k = 0; k < asker->named[i].len; k++)
            if (str_eq(asker->named[i].ids[k], rule->id))
                return true;
    return false;
}

const char *rules_idle(const struct view *view, size_t i, const struct rules_asker *asker,
                       struct arena *arena)
{
    const struct rule *rule = rules_at(view, i);
    if (!holds_here(rule, asker->place))
        return "placement";
    if (rule->only_named && !is_named(rule, asker))
        return "experiment";
    if (!rule_in_season(rule, asker->now_us, view->shop->utc_offset_min))
        return "schedule";
    return holds_for(rule, asker, arena) ? NULL : "audience";
}

static void activate(struct rules_use *u, const struct rules_asker *asker, struct arena *arena)
{
    const struct rule_book *book = u->r->book;
    for (size_t i = 0; i < book->len; i++) {
        const struct rule *rule = &book->rules[i];
        if (rules_idle(u->view, i, asker, arena))
            continue;
        u->active[i / 64] |= (uint64_t)1 << (i % 64);
        u->list[u->len++] = (uint16_t)i;
        u->weighs |= rule->action == RULE_BOOST || rule->action == RULE_BURY;
        u->judges |= rule->action == RULE_HIDE || rule->action == RULE_CAP;
    }
}

static bool any_speaks_of_acts(const struct rules_use *u)
{
    for (size_t i = 0; i < u->len; i++)
        if (filter_speaks_of_acts(u->r->book->rules[u->list[i]].products))
            return true;
    return false;
}

enum err_code rules_begin(const struct view *view, const struct rules_asker *asker,
                          struct arena *arena, struct rules_use **out, struct err *err)
{
    size_t len = rules_len(view);
    *out = NULL;
    if (len == 0)
        return ERR_OK;
    struct rules_use *u = arena_try_alloc(arena, sizeof *u);
    size_t words = (len + 63) / 64;
    uint64_t *active = arena_try_alloc(arena, words * sizeof *active);
    uint16_t *list = arena_try_alloc(arena, len * sizeof *list);
    if (!u || !active || !list)
        return err_set(err, ERR_LIMIT, "the rules do not fit");
    memset(active, 0, words * sizeof *active);
    *u = (struct rules_use){.r = rules_of(view),
                            .view = view,
                            .moment = {view->live, view->shop->currency, asker->now_us, NULL},
                            .active = active,
                            .list = list,
                            .arena = arena};
    activate(u, asker, arena);
    if (u->len == 0)
        return ERR_OK;
    u->moment.acts = &u->acts;
    *out = u;
    return any_speaks_of_acts(u) ? acts_load(view, asker->user_no, arena, &u->acts, err) : ERR_OK;
}

const uint16_t *rules_in_force(const struct rules_use *u, size_t *n)
{
    *n = u ? u->len : 0;
    return u ? u->list : NULL;
}

/* --- what of a product ------------------------------------------------------------------------- */

/* docs are of the product's segment, and hold it */
static bool holds_now(const struct rules_use *u, size_t i, const struct rule_docs *docs,
                      struct location at)
{
    return !docs->bound ||
           filter_match_bound(u->r->book->rules[i].products, u->r->catalogue->segments[at.slot],
                              docs->bound, &u->moment, at.doc);
}

bool rules_select(const struct rules_use *u, size_t i, struct location at)
{
    const struct rule_docs *docs = &u->r->segments[at.slot]->of[i];
    bool there = docs->all        ? true
                 : docs->bits.len ? bitset_test(&docs->bits, at.doc)
                                  : ordinals_find(docs->list, docs->len, at.doc) != ORDINAL_NONE;
    return there && holds_now(u, i, docs, at);
}

/* The rules in force that select a product, in no order. */
struct touching {
    const struct rules_use *u;
    struct location at;
    const struct ruled_segment *s;
    uint32_t next, end; /* of the lists by doc */
    size_t wide;
};

static struct touching touch(const struct rules_use *u, struct location at)
{
    const struct ruled_segment *s = u->r->segments[at.slot];
    struct touching t = {.u = u, .at = at, .s = s};
    if (s->first) {
        t.next = s->first[at.doc];
        t.end = s->first[at.doc + 1];
    }
    return t;
}

static bool next_touching(struct touching *t, size_t *rule)
{
    while (t->next < t->end) {
        *rule = t->s->of_doc[t->next++];
        if (is_active(t->u, *rule) && holds_now(t->u, *rule, &t->s->of[*rule], t->at))
            return true;
    }
    while (t->wide < t->s->wide_len) {
        *rule = t->s->wide[t->wide++];
        if (is_active(t->u, *rule) && rules_select(t->u, *rule, t->at))
            return true;
    }
    return false;
}

/* --- scores ------------------------------------------------------------------------------------ */

static float factor_of(const struct rules_use *u, struct location at)
{
    const double most = RULE_FACTOR_MAX * RULE_FACTOR_MAX;
    struct touching t = touch(u, at);
    double factor = 1;
    size_t i;
    while (next_touching(&t, &i)) {
        const struct rule *rule = &u->r->book->rules[i];
        if (rule->action == RULE_BOOST || rule->action == RULE_BURY)
            factor *= (double)rule->factor;
    }
    return (float)(factor > most ? most : factor < 1 / most ? 1 / most : factor);
}

void rules_weigh(const struct rules_use *u, const uint32_t *product_no, float *scores, size_t n)
{
    if (!u || !u->weighs)
        return;
    for (size_t i = 0; i < n; i++) {
        struct location at = catalogue_locate(u->r->catalogue, product_no[i]);
        if (scores[i] > 0 && location_found(at))
            scores[i] *= factor_of(u, at);
    }
}

/* --- what may come in -------------------------------------------------------------------------- */

/* The value that a cap counts; empty: the product has none. */
static struct str cap_key(const struct rules_use *u, const struct rule *rule, struct location at)
{
    static const char *const facets[CAP_BYS] = {"brand", "supplier_id", "category"};
    const struct segment *s = u->r->catalogue->segments[at.slot];
    uint32_t facet = segment_find_facet(s, str_of(facets[rule->cap_by]));
    uint32_t value = facet == ORDINAL_NONE ? facet : segment_doc_value(s, at.doc, facet);
    return value == ORDINAL_NONE ? (struct str){NULL, 0} : segment_value_key_of(s, value);
}

static struct cap_count *find_count(const struct rules_use *u, size_t rule, struct str key)
{
    for (size_t i = 0; i < u->counts_len; i++)
        if (u->counts[i].rule == rule && str_eq(u->counts[i].key, key))
            return &u->counts[i];
    return NULL;
}

static bool is_full(const struct rules_use *u, size_t i, struct location at)
{
    const struct rule *rule = &u->r->book->rules[i];
    struct str key = cap_key(u, rule, at);
    if (key.n == 0)
        return false;
    const struct cap_count *c = find_count(u, i, key);
    return (c ? c->count : 0) >= rule->count;
}

struct rules_verdict rules_judge(const struct rules_use *u, struct location at)
{
    struct rules_verdict v = {0}, capped = {0};
    size_t i;
    if (!u || !u->judges)
        return v;
    struct touching t = touch(u, at);
    while (next_touching(&t, &i)) {
        enum rule_action action = u->r->book->rules[i].action;
        if (action == RULE_HIDE && (!v.hidden || i < v.rule))
            v = (struct rules_verdict){.hidden = true, .rule = i};
        else if (action == RULE_CAP && (!capped.capped || i < capped.rule) && is_full(u, i, at))
            capped = (struct rules_verdict){.capped = true, .rule = i};
    }
    return v.hidden ? v : capped;
}

static enum err_code grow_counts(struct rules_use *u, struct err *err)
{
    size_t cap = u->counts_cap ? u->counts_cap * 2 : 64;
    struct cap_count *more = arena_try_alloc(u->arena, cap * sizeof *more);
    if (!more)
        return err_set(err, ERR_LIMIT, "the counts of rules do not fit");
    if (u->counts_len)
        memcpy(more, u->counts, u->counts_len * sizeof *more);
    u->counts = more;
    u->counts_cap = cap;
    return ERR_OK;
}

enum err_code rules_take(struct rules_use *u, struct location at, struct err *err)
{
    enum err_code code = ERR_OK;
    size_t i;
    if (!u || !u->judges)
        return ERR_OK;
    struct touching t = touch(u, at);
    while (code == ERR_OK && next_touching(&t, &i)) {
        const struct rule *rule = &u->r->book->rules[i];
        struct str key = rule->action == RULE_CAP ? cap_key(u, rule, at) : (struct str){NULL, 0};
        struct cap_count *c = key.n ? find_count(u, i, key) : NULL;
        if (key.n && !c && u->counts_len == u->counts_cap)
            code = grow_counts(u, err);
        if (key.n && !c && code == ERR_OK) {
            c = &u->counts[u->counts_len++];
            *c = (struct cap_count){.rule = (uint16_t)i, .key = key};
        }
        if (c)
            c->count++;
    }
    return code;
}

void rules_give_back(struct rules_use *u, struct location at)
{
    size_t i;
    if (!u || !u->judges)
        return;
    struct touching t = touch(u, at);
    while (next_touching(&t, &i)) {
        const struct rule *rule = &u->r->book->rules[i];
        struct cap_count *c =
            rule->action == RULE_CAP ? find_count(u, i, cap_key(u, rule, at)) : NULL;
        if (c && c->count)
            c->count--;
    }
}

/* --- the products of a rule -------------------------------------------------------------------- */

size_t rules_most(const struct rules_use *u, size_t rule)
{
    size_t most = 0;
    for (size_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        most += u->r->segments[slot] ? u->r->segments[slot]->of[rule].len : 0;
    return most;
}

/* The next doc of the walk's segment; SIZE_MAX: none. */
static size_t next_doc(struct rule_walk *w, const struct rule_docs *docs, size_t end)
{
    size_t doc = w->next;
    if (docs->bits.len) {
        doc = bitset_next(&docs->bits, doc);
        w->next = (uint32_t)(doc < end ? doc + 1 : end);
        return doc < end ? doc : SIZE_MAX;
    }
    if (w->next >= docs->len)
        return SIZE_MAX;
    return docs->all ? w->next++ : docs->list[w->next++];
}

bool rules_walk(struct rule_walk *w, struct location *at)
{
    const struct shop_rules *r = w->use->r;
    for (; w->slot < CATALOGUE_SLOTS; w->slot++, w->next = 0) {
        const struct ruled_segment *s = r->segments[w->slot];
        size_t doc;
        while (s && (doc = next_doc(w, &s->of[w->rule], r->catalogue->segments[w->slot]->docs)) !=
                        SIZE_MAX) {
            *at = (struct location){w->slot, (uint32_t)doc};
            if (catalogue_alive(r->catalogue, at->slot, at->doc) &&
                holds_now(w->use, w->rule, &s->of[w->rule], *at))
                return true;
        }
    }
    return false;
}
