/* ruled_shop.h - a random shop with shoppers and shelves, and a slow and obvious answer to what a list under
 * rules is: loops over all products and all rules, nothing compiled, nothing sorted ahead. */
#ifndef TESTS_RECOMMEND_RULED_SHOP_H
#define TESTS_RECOMMEND_RULED_SHOP_H

#include <math.h>

#include "num/vec.h"
#include "index/facets.h"
#include "rank/view_fixture.h"
#include "recommend/trace.h"

enum { PRODUCTS = 180, SHOPPER = 7, RULES = 12, SEGMENTS_OF_SHOP = 3 };
#define NOW ((int64_t)1750000000 * 1000000) /* Sunday 2025-06-15 15:06:40 UTC */

/* A rule as the oracle reads it. */
struct plain_rule {
    enum rule_action action;
    const struct bound_filter *products;
    bool in_force;
    uint32_t position, count;
    float factor;
    enum rule_cap_by by;
};

struct ruled_shop {
    struct view_fixture f;
    struct arena arena;
    struct rng rng;
    struct fake *fakes; /* [PRODUCTS] */
    struct plain_rule rules[RULES];
    size_t rules_len;
};

static inline void shop_shelves(struct ruled_shop *s)
{
    struct view *v = s->f.view;
    for (uint32_t i = 0; i < PRODUCTS; i += 2) {
        uint32_t at = v->trending.len++;
        v->trending.product_no[at] = i + 1;
        v->trending.score[at] = 1 - (float)i / 256;
    }
    for (uint32_t i = 0; i < PRODUCTS; i += 3) {
        uint32_t at = v->arrivals.len++;
        v->arrivals.product_no[at] = PRODUCTS - i;
        v->arrivals.score[at] = 1 - (float)i / 256;
    }
}

static inline void shop_init(struct ruled_shop *s, uint64_t seed)
{
    const struct product *products[PRODUCTS];
    struct err err;
    *s = (struct ruled_shop){0};
    ck_ok(vec_init(&err));
    fixture_init(&s->f);
    arena_init(&s->arena, 0, 512 << 20);
    rng_init(&s->rng, seed);
    s->fakes = fake_catalogue(PRODUCTS, seed, &s->arena);
    for (size_t i = 0; i < PRODUCTS; i++) {
        s->fakes[i].product.no = (uint32_t)i + 1;
        fixture_trade(&s->fakes[i].product, &s->rng);
        fixture_live(&s->f, &s->fakes[i].product);
        if (rng_below(&s->rng, 2))
            live_heat_add(s->f.live, s->fakes[i].product.no, (float)(1 + rng_below(&s->rng, 5)),
                          NOW);
    }
    for (size_t part = 0; part < SEGMENTS_OF_SHOP; part++) {
        size_t n = 0;
        for (size_t i = part; i < PRODUCTS; i += SEGMENTS_OF_SHOP)
            products[n++] = &s->fakes[i].product;
        fixture_index(&s->f, products, n);
    }
    for (int i = 0; i < 12; i++) {
        struct user_action a = {1 + (uint32_t)rng_below(&s->rng, PRODUCTS),
                                (uint32_t)(NOW / 1000000) - (uint32_t)rng_below(&s->rng, 5000000),
                                rng_below(&s->rng, 2) ? EVENT_VIEW : EVENT_PURCHASE};
        users_add(s->f.users, SHOPPER, &a);
    }
    shop_shelves(s);
}

static inline void shop_release(struct ruled_shop *s)
{
    fixture_release(&s->f);
    arena_release(&s->arena);
}

/* --- random questions -------------------------------------------------------------------------- */

/* A filter that some products match; "": all. */
static inline struct str random_selection(struct ruled_shop *s)
{
    const struct product *p = &s->fakes[rng_below(&s->rng, PRODUCTS)].product;
    struct str category = p->category;
    const char *text = NULL;
    switch (rng_below(&s->rng, 10)) {
    case 0:
        text = arena_printf(&s->arena, "id in [\"%.*s\", nothing]", STR_ARG(p->id)).p;
        break;
    case 1:
    case 2:
        text = arena_printf(&s->arena, "brand = \"%.*s\"", STR_ARG(p->brand)).p;
        break;
    case 3:
        text = arena_printf(&s->arena, "category = \"%.*s\"", STR_ARG(category)).p;
        break;
    case 4:
        text = arena_printf(&s->arena, "price < %u", (unsigned)rng_below(&s->rng, 5000)).p;
        break;
    case 5:
        text = "supplier_id exists and not tags = sale";
        break;
    case 6:
        text = "attributes.color = red or attributes.size >= 38";
        break;
    case 7:
        text = "viewed within 30d or stock > 1";
        break;
    case 8:
        text = arena_printf(&s->arena, "rating > %u", (unsigned)rng_below(&s->rng, 5)).p;
        break;
    default:
        text = "";
    }
    return str_of(text);
}

static inline const char *in_quotes(struct ruled_shop *s, struct str text)
{
    struct buf escaped;
    buf_init(&escaped, 10000);
    json_escape(&escaped, text);
    const char *out = arena_str(&s->arena, buf_str(&escaped)).p;
    buf_release(&escaped);
    return out;
}

/* Audience and schedule, and whether they hold for SHOPPER (known, gold, of level 3) or a guest at NOW. */
static inline const char *random_terms(struct ruled_shop *s, bool known, const char *place,
                                       bool *in_force)
{
    static const struct {
        const char *json;
        bool shopper, guest;
    } terms[] = {
        {"", true, true},
        {"", true, true},
        {",\"audience\":{\"shoppers\":\"known\"}", true, false},
        {",\"audience\":{\"shoppers\":\"anonymous\"}", false, true},
        {",\"audience\":{\"filter\":\"attributes.tier = GOLD and attributes.level > 2\"}", true,
         false},
        {",\"audience\":{\"filter\":\"not attributes.level between 1 and 5\"}", false, false},
        {",\"schedule\":{\"from\":\"2025-06-15T15:06:40Z\",\"until\":\"2025-06-16\"}", true, true},
        {",\"schedule\":{\"until\":\"2025-06-15T15:06:40Z\"}", false, false},
        {",\"schedule\":{\"days\":[\"sun\"],\"hours\":{\"from\":\"15:00\",\"until\":\"15:07\"}}",
         true, true},
        {",\"schedule\":{\"days\":[\"mon\",\"sat\"]}", false, false},
        {",\"schedule\":{\"hours\":{\"from\":\"22:00\",\"until\":\"15:06\"}}", false, false},
        {",\"schedule\":{\"hours\":{\"from\":\"22:00\",\"until\":\"15:07\"}}", true, true},
    };
    size_t i = rng_below(&s->rng, sizeof terms / sizeof *terms);
    bool here = rng_below(&s->rng, 4) > 0;
    *in_force = (known ? terms[i].shopper : terms[i].guest) && here;
    return arena_printf(&s->arena, ",\"placements\":[%s\"%s\"]%s", here ? "\"search\"," : "",
                        here ? place : "elsewhere", terms[i].json)
        .p;
}

static inline const char *random_rule(struct ruled_shop *s, bool known, const char *place,
                                      const struct recommend_request *r, struct plain_rule *out)
{
    static const char *const by[CAP_BYS] = {"brand", "supplier_id", "category"};
    struct str selection = random_selection(s);
    *out = (struct plain_rule){
        .action = (enum rule_action)rng_below(&s->rng, RULE_ACTIONS),
        .products = fixture_filter_for(&s->f, selection, r->user_no, r->now_us),
        .position = 1 + (uint32_t)rng_below(&s->rng, 6),
        .count = (uint32_t)rng_below(&s->rng, 5),
        .by = (enum rule_cap_by)rng_below(&s->rng, CAP_BYS),
    };
    const char *action = "";
    switch (out->action) {
    case RULE_PIN:
        action = arena_printf(&s->arena, ",\"position\":%u", out->position).p;
        break;
    case RULE_BOOST:
        out->factor = (float)(1 << rng_below(&s->rng, 6));
        action = arena_printf(&s->arena, ",\"factor\":%g", (double)out->factor).p;
        break;
    case RULE_BURY:
        out->factor = 1 / (float)(1 << rng_below(&s->rng, 6));
        action = arena_printf(&s->arena, ",\"factor\":%g", (double)out->factor).p;
        break;
    case RULE_REQUIRE:
        out->count++;
        action = arena_printf(&s->arena, ",\"count\":%u", out->count).p;
        break;
    case RULE_CAP:
        action = arena_printf(&s->arena, ",\"count\":%u,\"by\":\"%s\"", out->count, by[out->by]).p;
        break;
    case RULE_HIDE:
    case RULE_ACTIONS:
        break;
    }
    const char *terms = random_terms(s, known, place, &out->in_force);
    return arena_printf(&s->arena, "{\"products\":\"%s\",\"action\":{\"type\":\"%s\"%s}%s}",
                        in_quotes(s, selection), rule_action_name(out->action), action, terms)
        .p;
}

static inline void random_rules(struct ruled_shop *s, const struct recommend_request *r, size_t n)
{
    const char *definitions[RULES];
    s->rules_len = n;
    for (size_t i = 0; i < n; i++)
        definitions[i] = random_rule(s, r->known, placement_name(r->placement), r, &s->rules[i]);
    fixture_rules(&s->f, definitions, n);
}

static inline struct recommend_request random_request(struct ruled_shop *s)
{
    struct recommend_request r = {.placement = (enum placement)rng_below(&s->rng, PLACEMENTS),
                                  .limit = 1 + (uint32_t)rng_below(&s->rng, 14),
                                  .now_us = NOW,
                                  .hide_seen = rng_below(&s->rng, 3) == 0};
    if (rng_below(&s->rng, 20) == 0)
        r.limit = 100;
    r.known = rng_below(&s->rng, 2);
    r.user_no = r.known ? SHOPPER : 0;
    r.attributes =
        r.known ? STR_LIT("{\"tier\":[[\"x\"],\"gold\"],\"level\":3}") : (struct str){NULL, 0};
    uint32_t *some = ARENA_NEW(&s->arena, uint32_t, 4);
    for (size_t i = 0; i < 4; i++)
        some[i] = 1 + (uint32_t)rng_below(&s->rng, PRODUCTS);
    r.context = some;
    r.context_len = 1 + rng_below(&s->rng, 2);
    r.exclude = some + 2;
    r.exclude_len = rng_below(&s->rng, 3);
    if (rng_below(&s->rng, 2))
        r.filter = fixture_filter_for(&s->f, random_selection(s), r.user_no, NOW);
    return r;
}

/* --- the oracle -------------------------------------------------------------------------------- */

struct plain_list {
    uint32_t no[RECOMMEND_LIMIT_MAX];       /* [len] in the order in which it is chosen */
    uint32_t position[RECOMMEND_LIMIT_MAX]; /* 0: not pinned */
    double score[RECOMMEND_LIMIT_MAX];
    size_t len;
};

struct oracle {
    const struct ruled_shop *s;
    const struct recommend_request *r;
    const struct candidates *c;
    double total[PRODUCTS + 1]; /* with factors */
    bool allowed[PRODUCTS + 1]; /* as far as the list has no say */
    struct plain_list list;
};

static inline const struct product *product_of(const struct oracle *o, uint32_t no)
{
    return &o->s->fakes[no - 1].product;
}

static inline bool rule_selects(const struct oracle *o, const struct plain_rule *rule, uint32_t no)
{
    return rule->in_force && filter_match_product(rule->products, o->s->f.view, no);
}

static inline struct str group_name(const struct product *p)
{
    return p->group_id.n ? p->group_id : p->id;
}

/* At the till, more than a third of what the context costs, in its first currency; or without a price in that. */
static inline bool plain_too_dear(const struct oracle *o, uint32_t no)
{
    const struct product *p = product_of(o, no);
    int64_t sum = 0;
    currency_code currency = 0;
    if (o->r->placement != PLACEMENT_CHECKOUT)
        return false;
    for (size_t i = 0; i < o->r->context_len; i++) {
        const struct product *c = product_of(o, o->r->context[i]);
        if (c->price_minor == STORE_NO_AMOUNT || (sum > 0 && c->currency != currency))
            continue;
        currency = c->currency;
        sum += c->price_minor;
    }
    return p->price_minor == STORE_NO_AMOUNT || p->currency != currency || p->price_minor > sum / 3;
}

static inline bool plain_allowed(const struct oracle *o, uint32_t no)
{
    const struct product *p = product_of(o, no);
    const struct recommend_request *r = o->r;
    if (p->status != PRODUCT_ACTIVE || p->stock == 0 || candidates_barred(o->c, no) ||
        !filter_match_product(r->filter, o->s->f.view, no) || plain_too_dear(o, no))
        return false;
    for (size_t i = 0; i < r->context_len; i++)
        if (str_eq(group_name(p), group_name(product_of(o, r->context[i]))))
            return false;
    for (size_t i = 0; i < o->s->rules_len; i++)
        if (o->s->rules[i].action == RULE_HIDE && rule_selects(o, &o->s->rules[i], no))
            return false;
    return true;
}

static inline struct str fold_of(const struct oracle *o, struct str text)
{
    (void)o;
    static char pool[1 << 16];
    static size_t used;
    struct buf b;
    struct err err;
    buf_init(&b, 4096);
    ck_ok(segment_value_key(SEGMENT_PATH, text, &b, &err));
    used = used + b.len > sizeof pool ? 0 : used;
    char *at = pool + used;
    if (b.len)
        memcpy(at, b.data, b.len);
    used += b.len;
    struct str folded = {at, b.len};
    buf_release(&b);
    return folded;
}

static inline struct str capped_value(const struct oracle *o, enum rule_cap_by by, uint32_t no)
{
    const struct product *p = product_of(o, no);
    return by == CAP_BRAND ? p->brand : by == CAP_SUPPLIER ? p->supplier_id : p->category;
}

static inline bool fits(const struct oracle *o, uint32_t no, bool caps)
{
    if (!o->allowed[no])
        return false;
    for (size_t i = 0; i < o->list.len; i++)
        if (str_eq(group_name(product_of(o, o->list.no[i])), group_name(product_of(o, no))))
            return false;
    for (size_t k = 0; caps && k < o->s->rules_len; k++) {
        const struct plain_rule *rule = &o->s->rules[k];
        size_t n = 0;
        if (rule->action != RULE_CAP || !rule_selects(o, rule, no) ||
            capped_value(o, rule->by, no).n == 0)
            continue;
        for (size_t i = 0; i < o->list.len; i++)
            n += rule_selects(o, rule, o->list.no[i]) &&
                 str_eq(fold_of(o, capped_value(o, rule->by, o->list.no[i])),
                        fold_of(o, capped_value(o, rule->by, no)));
        if (n >= rule->count)
            return false;
    }
    return true;
}

/* The best by total, then heat, then number, of those that rule (NULL: any) selects; 0: none. */
static inline uint32_t plain_best(const struct oracle *o, const struct plain_rule *rule, bool caps,
                                  bool proposed_only)
{
    uint32_t best = 0;
    float best_heat = 0;
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        float heat = o->total[no] > 0 ? 0 : live_heat(o->s->f.live, no, NOW);
        if ((rule && !rule_selects(o, rule, no)) || (proposed_only && !(o->total[no] > 0)) ||
            (best && (o->total[no] < o->total[best] ||
                      (o->total[no] <= o->total[best] && heat <= best_heat))) ||
            !fits(o, no, caps))
            continue;
        best = no;
        best_heat = heat;
    }
    return best;
}

static inline void plain_add(struct oracle *o, uint32_t no, uint32_t position, double score)
{
    o->list.no[o->list.len] = no;
    o->list.position[o->list.len] = position;
    o->list.score[o->list.len++] = score;
}

static inline void plain_remove(struct plain_list *l, size_t i)
{
    for (l->len--; i < l->len; i++) {
        l->no[i] = l->no[i + 1];
        l->position[i] = l->position[i + 1];
        l->score[i] = l->score[i + 1];
    }
}

static inline void plain_pins(struct oracle *o)
{
    for (size_t k = 0; k < o->s->rules_len; k++) {
        const struct plain_rule *rule = &o->s->rules[k];
        uint32_t position = rule->position;
        for (size_t i = 0; i < o->list.len; i++)
            for (size_t m = 0; m < o->list.len; m++)
                position += o->list.position[m] == position;
        if (rule->action != RULE_PIN || position > o->r->limit)
            continue;
        uint32_t best = plain_best(o, rule, false, false);
        if (best)
            plain_add(o, best, position, o->total[best]);
    }
}

static inline size_t plain_count(const struct oracle *o, const struct plain_rule *rule)
{
    size_t n = 0;
    for (size_t i = 0; i < o->list.len; i++)
        n += rule_selects(o, rule, o->list.no[i]);
    return n;
}

static inline bool plain_needed(const struct oracle *o, size_t upto, uint32_t no)
{
    for (size_t k = 0; k <= upto; k++) {
        const struct plain_rule *rule = &o->s->rules[k];
        if (rule->action == RULE_REQUIRE && rule_selects(o, rule, no) &&
            (k == upto || plain_count(o, rule) <= rule->count))
            return true;
    }
    return false;
}

static inline void plain_requires(struct oracle *o)
{
    for (size_t k = 0; k < o->s->rules_len; k++) {
        const struct plain_rule *rule = &o->s->rules[k];
        while (rule->action == RULE_REQUIRE && rule->in_force &&
               plain_count(o, rule) < rule->count) {
            struct plain_list before = o->list;
            size_t victim = o->list.len;
            if (o->list.len == o->r->limit) {
                while (victim > 0 &&
                       (o->list.position[victim - 1] || plain_needed(o, k, o->list.no[victim - 1])))
                    victim--;
                if (victim == 0)
                    break;
                plain_remove(&o->list, victim - 1);
            }
            uint32_t best = plain_best(o, rule, true, false);
            if (best == 0) {
                o->list = before;
                break;
            }
            plain_add(o, best, 0, o->total[best]);
            /* behind all that score as much */
            for (size_t i = o->list.len - 1;
                 i > 0 && !o->list.position[i - 1] && o->list.score[i - 1] < o->total[best]; i--) {
                uint32_t no = o->list.no[i];
                double score = o->list.score[i];
                o->list.no[i] = o->list.no[i - 1];
                o->list.score[i] = o->list.score[i - 1];
                o->list.no[i - 1] = no;
                o->list.score[i - 1] = score;
            }
        }
    }
}

/* The list in its final order. */
static inline void plain_order(struct plain_list *l, uint32_t *out)
{
    size_t next = 0;
    for (size_t at = 0; at < l->len; at++) {
        size_t pin = l->len;
        while (next < l->len && l->position[next])
            next++;
        for (size_t i = 0; i < l->len; i++)
            if (l->position[i] && l->position[i] != UINT32_MAX &&
                (l->position[i] <= at + 1 || next == l->len) &&
                (pin == l->len || l->position[i] < l->position[pin]))
                pin = i;
        out[at] = l->no[pin < l->len ? pin : next];
        if (pin < l->len)
            l->position[pin] = UINT32_MAX; /* done, and still no unpinned one */
        else
            next++;
    }
}

/* c: what the sources say. Returns how many products [RECOMMEND_LIMIT_MAX] has. */
static inline size_t oracle_list(const struct ruled_shop *s, const struct recommend_request *r,
                                 const struct candidates *c, uint32_t *out)
{
    struct oracle *o = MEM_NEW(struct oracle);
    float *raw = mem_new(c->len + 1, sizeof *raw);
    *o = (struct oracle){.s = s, .r = r, .c = c};
    candidates_totals(c, raw);
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        double factor = 1;
        for (size_t k = 0; k < s->rules_len; k++)
            if ((s->rules[k].action == RULE_BOOST || s->rules[k].action == RULE_BURY) &&
                rule_selects(o, &s->rules[k], no))
                factor *= (double)s->rules[k].factor;
        o->total[no] = (double)raw[candidates_find(c, no)] * fmax(1e-6, fmin(1e6, factor));
        o->allowed[no] = plain_allowed(o, no);
    }
    plain_pins(o);
    bool fills = placement_needs(r->placement) != NEEDS_PRODUCT;
    uint32_t best;
    while (o->list.len < r->limit && (best = plain_best(o, NULL, true, !fills)))
        plain_add(o, best, 0, o->total[best]);
    plain_requires(o);
    plain_order(&o->list, out);
    size_t len = o->list.len;
    mem_free(raw);
    mem_free(o);
    return len;
}

#endif
