#include "recommend/sessions.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/tuning.h"
#include "num/topk.h"

#define SECONDS_PER_DAY 86400.0f

/* --- options --------------------------------------------------------------------------------- */

struct session_options session_defaults(void)
{
    return (struct session_options){.neighbours = 1000,
                                    .budget = 100000,
                                    .sample = 1000,
                                    .recent = 20,
                                    .decay = .3F,
                                    .match_power = 2,
                                    .half_life_days = 8,
                                    .idf_power = 1,
                                    .spread = .8F,
                                    .back = .6F,
                                    .again = 2};
}

static const struct tuning tunings[] = {
#define AT(field) offsetof(struct session_options, field)
    {"neighbours", AT(neighbours), TUNING_U32, 1, 1e6},
    {"budget", AT(budget), TUNING_U32, 1, 1e9},
    {"sample", AT(sample), TUNING_U32, 1, 1e6},
    {"recent", AT(recent), TUNING_U32, 1, SESSION_RECENT_MAX},
    {"decay", AT(decay), TUNING_FLOAT, 0, 1},
    {"match_power", AT(match_power), TUNING_FLOAT, 0, 4},
    {"length_power", AT(length_power), TUNING_FLOAT, 0, 4},
    {"half_life_days", AT(half_life_days), TUNING_FLOAT, 0, 1e6},
    {"idf_power", AT(idf_power), TUNING_FLOAT, 0, 4},
    {"spread", AT(spread), TUNING_FLOAT, 0, 1},
    {"back", AT(back), TUNING_FLOAT, 0, 1},
    {"again", AT(again), TUNING_FLOAT, 0, 100},
#undef AT
};

enum err_code session_option_set(struct session_options *o, struct str text, struct err *err)
{
    return tuning_set(tunings, sizeof tunings / sizeof *tunings, o, text, err);
}

/* --- tables ---------------------------------------------------------------------------------- */

/* Numbers and what is known of each, in open addressing: no more room than a query needs, however many sessions
 * and items there are. */
struct slot {
    uint32_t key; /* number + 1; 0: empty */
    uint32_t
        mark; /* of a session: bit a where it was found by recent item a; of an item: who gave it something last,
                      1 + the neighbour, and then its place in the list, from 1 */
    float value;
};

struct table {
    struct slot *slots; /* [1 << bits], in the arena */
    uint32_t bits;
    uint32_t len, cap; /* cap: further ones are left out */
};

/* Room for so many numbers. */
static enum err_code table_init(struct table *t, uint64_t cap, struct arena *arena, struct err *err)
{
    *t = (struct table){.bits = 4, .cap = (uint32_t)(cap < UINT32_MAX / 4 ? cap : UINT32_MAX / 4)};
    while (1ull << t->bits < 2ull * t->cap)
        t->bits++;
    size_t bytes = sizeof *t->slots << t->bits;
    t->slots = arena_try_alloc(arena, bytes);
    if (!t->slots)
        return err_set(err, ERR_LIMIT, "what is near to a session does not fit");
    memset(t->slots, 0, bytes);
    return ERR_OK;
}

/* The slot of a number: its own, or an empty one. */
static struct slot *table_find(const struct table *t, uint32_t number)
{
    uint32_t mask = (1u << t->bits) - 1, at = number * 0x9e3779b1u >> (32 - t->bits);
    while (t->slots[at].key && t->slots[at].key != number + 1)
        at = (at + 1) & mask;
    return &t->slots[at];
}

/* The same, taken where it is new; NULL where there is no room. */
static struct slot *table_take(struct table *t, uint32_t number)
{
    struct slot *s = table_find(t, number);
    if (s->key)
        return s;
    if (t->len == t->cap)
        return NULL;
    t->len++;
    s->key = number + 1;
    return s;
}

/* --- queries --------------------------------------------------------------------------------- */

struct query {
    const struct session_index *x;
    const struct session_options *o;
    int64_t now_s;
    float fading; /* half-lives a second; 0: age does not matter */
    uint32_t len;
    uint32_t recent[SESSION_RECENT_MAX]; /* [len] distinct, the current one first */
    float weight[SESSION_RECENT_MAX];    /* [len] of a session that has it */
    struct table found;                  /* sessions that share something */
    struct topk_item *near;              /* [near_len] sessions, nearest first */
    size_t near_len;
    uint32_t items; /* of the nearest sessions together */
    struct table scored;
    struct gift *gifts; /* [gifts_len] where parts are asked for */
    size_t gifts_len;
};

/* What a neighbour gave an item. */
struct gift {
    uint32_t neighbour, slot; /* of scored */
    float value;
};

static void take_recent(struct query *q, const struct session_question *question)
{
    const uint32_t *items = question->items;
    float decay = 1;
    size_t looked = 0;
    for (size_t n = question->n; n > 0 && q->len < q->o->recent && looked < SESSION_RECENT_MAX;
         n--, looked++) {
        uint32_t i = 0, item = items[n - 1];
        while (i < q->len && q->recent[i] != item)
            i++;
        if (i < q->len || item >= q->x->items)
            continue;
        q->recent[q->len] = item;
        q->weight[q->len++] = decay * powf(q->x->idf[item], q->o->match_power);
        decay *= q->o->decay;
    }
}

/* How many sessions of an item are looked at. */
static uint32_t sample_of(const struct query *q, uint32_t item)
{
    uint32_t n = q->x->of_offsets[item + 1] - q->x->of_offsets[item];
    return n < q->o->sample ? n : q->o->sample;
}

static float nearness(const struct query *q, uint32_t session, float shared)
{
    const struct session_index *x = q->x;
    if (q->o->length_power > 0)
        shared *= powf((float)(x->offsets[session + 1] - x->offsets[session]), -q->o->length_power);
    int64_t age_s = q->now_s - (int64_t)x->end_s[session];
    return q->fading > 0 && age_s > 0 ? shared * exp2f((float)age_s * -q->fading) : shared;
}

/* How many of the nearest sessions score: the first, and further ones as far as the budget goes. */
static size_t within_budget(struct query *q)
{
    size_t n = 0;
    for (; n < q->near_len; n++) {
        uint32_t session = q->near[n].id,
                 size = q->x->offsets[session + 1] - q->x->offsets[session];
        if (n > 0 && q->items + size > q->o->budget)
            break;
        q->items += size;
    }
    return n;
}

static enum err_code find_near(struct query *q, struct arena *arena, struct err *err)
{
    size_t n = 0;
    uint64_t most = 0;
    for (uint32_t a = 0; a < q->len; a++)
        most += sample_of(q, q->recent[a]);
    most = most < q->x->sessions ? most : q->x->sessions;
    enum err_code code = table_init(&q->found, most, arena, err);
    if (code != ERR_OK)
        return code;
    q->near = arena_try_alloc(arena, (most + 1) * sizeof *q->near);
    if (!q->near)
        return err_set(err, ERR_LIMIT, "what is near to a session does not fit");
    for (uint32_t a = 0; a < q->len; a++) {
        const uint32_t *sessions = q->x->of_session + q->x->of_offsets[q->recent[a]];
        uint32_t len = q->weight[a] > 0 ? sample_of(q, q->recent[a]) : 0;
        for (uint32_t k = 0; k < len; k++) {
            struct slot *s = table_take(&q->found, sessions[k]);
            s->value += q->weight[a];
            s->mark |= 1u << a;
        }
    }
    for (size_t i = 0; i < (size_t)1 << q->found.bits; i++) {
        const struct slot *s = &q->found.slots[i];
        if (s->key)
            q->near[n++] = (struct topk_item){nearness(q, s->key - 1, s->value), s->key - 1};
    }
    q->near_len = n < q->o->neighbours ? n : q->o->neighbours;
    topk_order(q->near, n, q->near_len);
    q->near_len = within_budget(q);
    return ERR_OK;
}

/* Where in a session the most recent of the items that it was found by stands: its first place, so that an
 * item which comes again is one that comes after it. */
static uint32_t match_place(const struct query *q, uint32_t session)
{
    uint32_t by = q->recent[__builtin_ctz(table_find(&q->found, session)->mark)];
    uint32_t p = q->x->offsets[session];
    while (q->x->item[p] != by)
        p++;
    return p;
}

/* An item takes of a neighbour once: at its nearest place after the match, else before. */
static void give(struct query *q, uint32_t neighbour, uint32_t item, float value)
{
    struct slot *s = value > 0 ? table_take(&q->scored, item) : NULL;
    if (!s || s->mark == neighbour + 1)
        return;
    s->mark = neighbour + 1;
    s->value += value;
    if (q->gifts)
        q->gifts[q->gifts_len++] = (struct gift){neighbour, (uint32_t)(s - q->scored.slots), value};
}

static void give_all(struct query *q, uint32_t neighbour)
{
    uint32_t session = q->near[neighbour].id, place = match_place(q, session);
    uint32_t begin = q->x->offsets[session], end = q->x->offsets[session + 1];
    float w = q->near[neighbour].score;
    for (uint32_t p = place + 1; p < end; p++, w *= q->o->spread)
        give(q, neighbour, q->x->item[p], w);
    w = q->near[neighbour].score * q->o->back;
    for (uint32_t p = place; p-- > begin; w *= q->o->spread)
        give(q, neighbour, q->x->item[p], w);
}

static enum err_code score_items(struct query *q, bool parts, struct arena *arena, struct err *err)
{
    enum err_code code = table_init(&q->scored, q->items, arena, err);
    if (code == ERR_OK && parts) {
        q->gifts = arena_try_alloc(arena, ((size_t)q->items + 1) * sizeof *q->gifts);
        if (!q->gifts)
            code = err_set(err, ERR_LIMIT, "what %zu sessions say does not fit", q->near_len);
    }
    for (size_t i = 0; code == ERR_OK && i < q->near_len; i++)
        give_all(q, (uint32_t)i);
    return code;
}

/* What an item's score is of its sum of nearnesses, but for `again`. */
static float worth_of(const struct query *q, uint32_t item)
{
    float idf = q->x->idf[item], power = q->o->idf_power;
    return power == 0 ? 1 : power == 1 ? idf : powf(idf, power);
}

/* What the session under way has already. */
static void weigh_again(struct query *q)
{
    for (uint32_t a = 0; a < q->len; a++)
        table_find(&q->scored, q->recent[a])->value *= q->o->again; /* an empty slot's is 0 */
}

static enum err_code list_best(struct query *q, size_t k, struct arena *arena,
                               struct session_list *out, struct err *err)
{
    size_t n = 0, room = k < q->scored.len ? k : q->scored.len;
    struct topk_item *items = arena_try_alloc(arena, (q->scored.len + 1) * sizeof *items);
    out->item = arena_try_alloc(arena, (room + 1) * sizeof *out->item);
    out->score = arena_try_alloc(arena, (room + 1) * sizeof *out->score);
    if (!items || !out->item || !out->score)
        return err_set(err, ERR_LIMIT, "%zu items of sessions do not fit", room);
    weigh_again(q);
    for (size_t i = 0; i < (size_t)1 << q->scored.bits; i++) {
        const struct slot *s = &q->scored.slots[i];
        float score = s->key ? s->value * worth_of(q, s->key - 1) : 0;
        if (score > 0)
            items[n++] = (struct topk_item){score, s->key - 1};
    }
    out->len = n < k ? n : k;
    topk_order(items, n, out->len);
    for (size_t i = 0; i < out->len; i++) {
        out->item[i] = items[i].id;
        out->score[i] = items[i].score;
    }
    return ERR_OK;
}

/* Which of the recent items a neighbour's nearness comes from: shares [len] add up to 1. */
static void share_nearness(const struct query *q, uint32_t neighbour, float *shares)
{
    const struct slot *s = table_find(&q->found, q->near[neighbour].id);
    for (uint32_t a = 0; a < q->len; a++)
        shares[a] = s->mark >> a & 1 ? q->weight[a] / s->value : 0;
}

static enum err_code tell_parts(struct query *q, struct arena *arena, struct session_list *out,
                                struct err *err)
{
    float shares[SESSION_RECENT_MAX];
    size_t bytes = (q->len * out->len + 1) * sizeof *out->part;
    uint32_t neighbour = UINT32_MAX;
    out->part = arena_try_alloc(arena, bytes);
    if (!out->part)
        return err_set(err, ERR_LIMIT, "the parts of %zu items do not fit", out->len);
    memset(out->part, 0, bytes);
    for (size_t i = 0; i < (size_t)1 << q->scored.bits; i++)
        q->scored.slots[i].mark = 0;
    for (size_t i = 0; i < out->len; i++)
        table_find(&q->scored, out->item[i])->mark = (uint32_t)i + 1;
    for (size_t i = 0; i < q->gifts_len; i++) {
        const struct gift *g = &q->gifts[i];
        uint32_t place = q->scored.slots[g->slot].mark;
        if (place == 0)
            continue;
        if (g->neighbour != neighbour)
            share_nearness(q, neighbour = g->neighbour, shares);
        for (uint32_t a = 0; a < q->len; a++)
            out->part[(size_t)(place - 1) * q->len + a] += g->value * shares[a];
    }
    for (size_t i = 0; i < out->len; i++) {
        float sum = 0;
        for (uint32_t a = 0; a < q->len; a++)
            sum += out->part[i * q->len + a];
        for (uint32_t a = 0; a < q->len; a++)
            out->part[i * q->len + a] *= sum > 0 ? out->score[i] / sum : 0;
    }
    return ERR_OK;
}

enum err_code session_foretell(const struct session_index *x, const struct session_options *o,
                               const struct session_question *question, struct arena *arena,
                               struct session_list *out, struct err *err)
{
    struct query q = {.x = x, .o = o, .now_s = question->now_us / CLOCK_US_PER_S};
    if (o->half_life_days > 0)
        q.fading = 1 / (o->half_life_days * SECONDS_PER_DAY);
    *out = (struct session_list){0};
    take_recent(&q, question);
    out->recent_len = q.len;
    memcpy(out->recent, q.recent, q.len * sizeof *q.recent);
    enum err_code code = find_near(&q, arena, err);
    if (code == ERR_OK)
        code = score_items(&q, question->parts, arena, err);
    if (code == ERR_OK)
        code = list_best(&q, question->k, arena, out, err);
    if (code == ERR_OK && question->parts)
        code = tell_parts(&q, arena, out, err);
    return code;
}
