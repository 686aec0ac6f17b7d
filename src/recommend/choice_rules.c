/* choice_rules.c - pin and require. */
#include <math.h>
#include <string.h>

#include "recommend/choice.h"

/* Of a rule with so few products each is looked at; of others the candidates first, for they are fewer. */
enum { FEW_PRODUCTS = 512 };

/* --- the best that a rule selects -------------------------------------------------------------- */

struct match {
    struct location at;
    uint32_t product_no; /* 0: none */
    float total, heat;
};

static bool better(const struct match *a, const struct match *b)
{
    if (b->product_no == 0 || a->total != b->total)
        return b->product_no == 0 || a->total > b->total;
    if (a->total == 0 && a->heat != b->heat)
        return a->heat > b->heat;
    return a->product_no < b->product_no;
}

static struct match match_at(const struct choice *ch, struct location at)
{
    uint32_t no = ch->view->catalogue->segments[at.slot]->product_no[at.doc];
    struct match m = {.at = at, .product_no = no, .total = choice_total(ch, no)};
    if (m.total == 0)
        m.heat = live_heat(ch->view->live, no, ch->request->now_us);
    return m;
}

static void consider(const struct choice *ch, bool beats_caps, struct match m, struct match *best)
{
    if (!better(&m, best))
        return;
    enum obstacle o = choice_obstacle(ch, m.at, m.product_no);
    if (o == OBSTACLE_NONE || (o == OBSTACLE_CAP && beats_caps))
        *best = m;
}

/* By score, then heat, then the lower number. */
static struct match best_match(const struct choice *ch, size_t rule, bool beats_caps)
{
    const struct candidates *c = ch->candidates;
    struct rule_walk walk = {.use = ch->rules, .rule = rule};
    struct match best = {0};
    struct location at;
    bool few = rules_most(ch->rules, rule) <= FEW_PRODUCTS;
    for (uint32_t i = 1; i <= c->len && !few; i++) {
        at = catalogue_locate(ch->view->catalogue, c->product_no[i]);
        if (ch->totals[i] > 0 && location_found(at) && rules_select(ch->rules, rule, at))
            consider(ch, beats_caps, match_at(ch, at), &best);
    }
    while (best.total == 0 && rules_walk(&walk, &at))
        consider(ch, beats_caps, match_at(ch, at), &best);
    /* The walk ends at the first with a score: of few, the rest may be better. */
    while (few && rules_walk(&walk, &at))
        consider(ch, beats_caps, match_at(ch, at), &best);
    return best;
}

/* --- pin --------------------------------------------------------------------------------------- */

static bool position_taken(const struct choice *ch, uint32_t position)
{
    for (size_t i = 0; i < ch->len; i++)
        if (ch->positions[i] == position)
            return true;
    return false;
}

enum err_code choice_pin(struct choice *ch, struct err *err)
{
    size_t n;
    const uint16_t *rules = rules_in_force(ch->rules, &n);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        const struct rule *rule = rules_at(ch->view, rules[i]);
        uint32_t position = rule->position;
        if (rule->action != RULE_PIN)
            continue;
        while (position <= ch->request->limit && position_taken(ch, position))
            position++;
        if (position > ch->request->limit)
            continue;
        struct match best = best_match(ch, rules[i], true);
        if (best.product_no == 0)
            continue;
        code = choice_put(ch, best.at, best.product_no, best.total, err);
        ch->positions[ch->len - 1] = position;
        if (best.total == 0)
            ch->items[ch->len - 1].reason = REASON_PICKED;
        ch->pins[ch->pins_len++] = (struct pinned){best.product_no, position, rules[i]};
    }
    return code;
}

void choice_order(struct choice *ch)
{
    struct recommend_item out[RECOMMEND_LIMIT_MAX];
    float lowest = 1;
    size_t next = 0, pinned = 0;
    for (size_t i = 0; i < ch->len; i++) {
        pinned += ch->positions[i] > 0;
        if (ch->items[i].score > 0)
            lowest = fminf(lowest, ch->items[i].score);
    }
    if (pinned == 0)
        return;
    for (size_t k = 0; k < ch->len; k++) {
        size_t pin = SIZE_MAX;
        for (size_t i = 0; i < ch->len; i++) /* the pin with the lowest position that is left */
            if (ch->positions[i] && (pin == SIZE_MAX || ch->positions[i] < ch->positions[pin]))
                pin = i;
        while (next < ch->len && (ch->positions[next] || ch->items[next].product_no == 0))
            next++;
        bool pin_now = pin != SIZE_MAX && (ch->positions[pin] <= k + 1 || next == ch->len);
        size_t from = pin_now ? pin : next;
        out[k] = ch->items[from];
        if (!(out[k].score > 0))
            out[k].score = lowest / 2; /* nobody proposed it */
        ch->positions[from] = 0;
        ch->items[from].product_no = 0;
    }
    memcpy(ch->items, out, ch->len * sizeof *out);
}

/* --- require ----------------------------------------------------------------------------------- */

static bool selected(const struct choice *ch, size_t rule, size_t item)
{
    return rules_select(ch->rules, rule,
                        catalogue_locate(ch->view->catalogue, ch->items[item].product_no));
}

static size_t count_selected(const struct choice *ch, size_t rule)
{
    size_t n = 0;
    for (size_t i = 0; i < ch->len; i++)
        n += selected(ch, rule, i);
    return n;
}

/* Would an earlier requirement, or this one, be less fulfilled without it? upto: its place in force. */
static bool is_needed(const struct choice *ch, const uint16_t *rules, size_t upto, size_t item)
{
    for (size_t i = 0; i <= upto; i++) {
        const struct rule *rule = rules_at(ch->view, rules[i]);
        if (rule->action == RULE_REQUIRE && selected(ch, rules[i], item) &&
            (i == upto || count_selected(ch, rules[i]) <= rule->count))
            return true;
    }
    return false;
}

/* The last product that may give way; SIZE_MAX: none. */
static size_t find_victim(const struct choice *ch, const uint16_t *rules, size_t upto)
{
    for (size_t i = ch->len; i-- > 0;)
        if (ch->positions[i] == 0 && !is_needed(ch, rules, upto, i))
            return i;
    return SIZE_MAX;
}

/* The last item to place i. */
static void move_last(struct choice *ch, size_t i)
{
    size_t last = ch->len - 1;
    struct recommend_item item = ch->items[last];
    uint64_t group = ch->groups[last];
    memmove(ch->items + i + 1, ch->items + i, (last - i) * sizeof *ch->items);
    memmove(ch->groups + i + 1, ch->groups + i, (last - i) * sizeof *ch->groups);
    ch->items[i] = item;
    ch->groups[i] = group;
}

/* The last item to where its score belongs, behind the pinned ones. */
static void settle_last(struct choice *ch)
{
    size_t i = ch->len - 1;
    while (i > ch->pins_len && ch->items[i - 1].score < ch->items[ch->len - 1].score)
        i--;
    move_last(ch, i);
}

static float lowest_score(const struct choice *ch)
{
    float lowest = 1;
    for (size_t i = 0; i < ch->len; i++)
        if (ch->items[i].score > 0)
            lowest = fminf(lowest, ch->items[i].score);
    return lowest;
}

/* One more of what rules[at] requires. *done: no more can come in. */
static enum err_code require_one(struct choice *ch, const uint16_t *rules, size_t at, bool *done,
                                 struct err *err)
{
    size_t victim = SIZE_MAX;
    struct recommend_item out = {0};
    if (ch->len == ch->request->limit) {
        victim = find_victim(ch, rules, at);
        if (victim == SIZE_MAX) {
            *done = true;
            return ERR_OK;
        }
        out = ch->items[victim];
        choice_remove(ch, victim);
    }
    struct match best = best_match(ch, rules[at], false);
    *done = best.product_no == 0;
    if (*done && victim == SIZE_MAX)
        return ERR_OK;
    if (*done) { /* it stays after all, where it was */
        best.at = catalogue_locate(ch->view->catalogue, out.product_no);
        enum err_code code = choice_put(ch, best.at, out.product_no, out.score, err);
        move_last(ch, victim);
        return code;
    }
    if (victim != SIZE_MAX)
        ch->gave_way[ch->gave_way_len++] = (struct gave_way){out.product_no, rules[at]};
    float score = best.total > 0 ? best.total : lowest_score(ch) / 2;
    enum err_code code = choice_put(ch, best.at, best.product_no, score, err);
    if (best.total == 0)
        ch->items[ch->len - 1].reason = REASON_PICKED;
    settle_last(ch);
    return code;
}

enum err_code choice_require(struct choice *ch, struct arena *arena, struct err *err)
{
    size_t n, needs = 0;
    const uint16_t *rules = rules_in_force(ch->rules, &n);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n; i++)
        if (rules_at(ch->view, rules[i])->action == RULE_REQUIRE)
            needs += rules_at(ch->view, rules[i])->count;
    if (needs == 0)
        return ERR_OK;
    ch->gave_way = arena_try_alloc(arena, needs * sizeof *ch->gave_way);
    if (!ch->gave_way)
        return err_set(err, ERR_LIMIT, "what is required does not fit");
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        const struct rule *rule = rules_at(ch->view, rules[i]);
        bool done = rule->action != RULE_REQUIRE;
        for (size_t have = done ? 0 : count_selected(ch, rules[i]);
             code == ERR_OK && !done && have < rule->count; have++)
            code = require_one(ch, rules, i, &done, err);
    }
    return code;
}
