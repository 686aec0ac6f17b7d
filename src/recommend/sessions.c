#include "recommend/sessions.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tuning.h"

/* --- options --------------------------------------------------------------------------------- */

struct session_options session_defaults(void)
{
    return (struct session_options){.neighbours = 1000,
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

/* --- index ----------------------------------------------------------------------------------- */

struct order {
    int64_t end_us;
    uint32_t from;
};

/* The most recent first; of two that end together, the later in the input. */
static int compare_orders(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->end_us != y->end_us)
        return x->end_us > y->end_us ? -1 : 1;
    return (x->from < y->from) - (x->from > y->from);
}

static enum err_code no_memory(uint32_t sessions, struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory for an index of %u sessions", sessions);
}

/* Was an item not met in this session yet? seen [items] is the last session + 1 that had it. */
static bool is_new(uint32_t *seen, uint32_t item, uint32_t session)
{
    bool new = seen[item] != session + 1;
    seen[item] = session + 1;
    return new;
}

static enum err_code invert(struct session_index *x, struct err *err)
{
    uint32_t *seen = mem_try_new(x->items, sizeof *seen);
    uint64_t total = 0;
    x->of_offsets = mem_try_new((size_t)x->items + 2, sizeof *x->of_offsets);
    x->idf = mem_try_new(x->items, sizeof *x->idf);
    bool good = seen && x->of_offsets && x->idf;
    for (uint32_t s = 0; good && s < x->sessions; s++)
        for (uint64_t p = x->offsets[s]; p < x->offsets[s + 1]; p++)
            if (is_new(seen, x->item[p], s)) {
                x->of_offsets[x->item[p] + 2]++;
                total++;
            }
    x->of_item = good ? mem_try_new(total, sizeof *x->of_item) : NULL;
    if (x->of_item) {
        memset(seen, 0, x->items * sizeof *seen);
        for (uint32_t i = 0; i < x->items; i++) {
            double have = (double)x->of_offsets[i + 2];
            x->idf[i] = have > 0 ? (float)(log1p(x->sessions / have) / log1p(x->sessions)) : 0;
            x->of_offsets[i + 2] += x->of_offsets[i + 1];
        }
        for (uint32_t s = 0; s < x->sessions; s++)
            for (uint64_t p = x->offsets[s]; p < x->offsets[s + 1]; p++)
                if (is_new(seen, x->item[p], s))
                    x->of_item[x->of_offsets[x->item[p] + 1]++] = s;
    }
    mem_free(seen);
    return x->of_item ? ERR_OK : no_memory(x->sessions, err);
}

enum err_code session_index_build(uint32_t n, const uint64_t *offsets, const uint32_t *item,
                                  const int64_t *end_us, uint32_t items, struct session_index *out,
                                  struct err *err)
{
    struct session_index x = {.sessions = n, .items = items};
    struct order *order = mem_try_new(n, sizeof *order);
    x.offsets = mem_try_new((size_t)n + 1, sizeof *x.offsets);
    x.item = mem_try_new(offsets[n], sizeof *x.item);
    x.end_us = mem_try_new(n, sizeof *x.end_us);
    enum err_code code = order && x.offsets && x.item && x.end_us ? ERR_OK : no_memory(n, err);
    for (uint32_t s = 0; code == ERR_OK && s < n; s++)
        order[s] = (struct order){end_us[s], s};
    if (code == ERR_OK && n)
        qsort(order, n, sizeof *order, compare_orders);
    for (uint32_t s = 0; code == ERR_OK && s < n; s++) {
        uint64_t begin = offsets[order[s].from], end = offsets[order[s].from + 1];
        if (end - begin > SESSION_ITEMS_MAX)
            begin = end - SESSION_ITEMS_MAX;
        if (end > begin)
            memcpy(x.item + x.offsets[s], item + begin, (end - begin) * sizeof *item);
        x.offsets[s + 1] = x.offsets[s] + (end - begin);
        x.end_us[s] = order[s].end_us;
    }
    if (code == ERR_OK)
        code = invert(&x, err);
    mem_free(order);
    if (code == ERR_OK)
        *out = x;
    else
        session_index_release(&x);
    return code;
}

void session_index_release(struct session_index *x)
{
    mem_free(x->offsets);
    mem_free(x->item);
    mem_free(x->end_us);
    mem_free(x->of_offsets);
    mem_free(x->of_item);
    mem_free(x->idf);
    *x = (struct session_index){0};
}

/* --- queries --------------------------------------------------------------------------------- */

enum err_code session_scratch_init(struct session_scratch *s, const struct session_index *x,
                                   const struct session_options *o, struct err *err)
{
    *s = (struct session_scratch){0};
    s->near = mem_try_new(x->sessions, sizeof *s->near);
    s->found = mem_try_new(x->sessions, sizeof *s->found);
    s->score = mem_try_new(x->items, sizeof *s->score);
    s->scored = mem_try_new(x->items, sizeof *s->scored);
    s->best = mem_try_new(o->neighbours, sizeof *s->best);
    if (s->near && s->found && s->score && s->scored && s->best)
        return ERR_OK;
    session_scratch_release(s);
    return no_memory(x->sessions, err);
}

void session_scratch_release(struct session_scratch *s)
{
    mem_free(s->near);
    mem_free(s->found);
    mem_free(s->score);
    mem_free(s->scored);
    mem_free(s->best);
    *s = (struct session_scratch){0};
}

/* The last known items, distinct, the current one first. */
static uint32_t take_recent(const struct session_index *x, const struct session_options *o,
                            const uint32_t *items, size_t n, uint32_t recent[SESSION_RECENT_MAX])
{
    uint32_t len = 0;
    size_t looked = 0;
    for (; n > 0 && len < o->recent && looked < SESSION_RECENT_MAX; n--, looked++) {
        uint32_t i = 0;
        while (i < len && recent[i] != items[n - 1])
            i++;
        if (i == len && items[n - 1] < x->items)
            recent[len++] = items[n - 1];
    }
    return len;
}

/* The sessions near to this one: s->best. */
static size_t find_near(const struct session_index *x, const struct session_options *o,
                        struct session_scratch *s, const uint32_t *recent, uint32_t len,
                        int64_t now_us)
{
    struct topk best;
    uint32_t found = 0;
    float weight = 1;
    for (uint32_t a = 0; a < len; a++) {
        uint64_t begin = x->of_offsets[recent[a]], end = x->of_offsets[recent[a] + 1];
        float w = weight * powf(x->idf[recent[a]], o->match_power);
        if (end - begin > o->sample)
            end = begin + o->sample;
        for (uint64_t k = begin; k < end && w > 0; k++) {
            uint32_t session = x->of_item[k];
            if (s->near[session] == 0)
                s->found[found++] = session;
            s->near[session] += w;
        }
        weight *= o->decay;
    }
    topk_init(&best, s->best, o->neighbours);
    for (uint32_t i = 0; i < found; i++) {
        uint32_t session = s->found[i];
        float near = s->near[session];
        float size = (float)(x->offsets[session + 1] - x->offsets[session]);
        double days = (double)(now_us - x->end_us[session]) / (double)CLOCK_US_PER_DAY;
        s->near[session] = 0;
        if (o->length_power > 0)
            near *= powf(size, -o->length_power);
        if (o->half_life_days > 0)
            near *= exp2f(-(float)fmax(days, 0) / o->half_life_days);
        topk_push(&best, near, session);
    }
    return topk_finish(&best);
}

/* Where in a session the most recent of the items that it shares stands: its first place, so that an item
 * which comes again is one that comes after it. */
static uint64_t match_place(const struct session_index *x, uint32_t session, const uint32_t *recent,
                            uint32_t len)
{
    for (uint32_t a = 0; a < len; a++)
        for (uint64_t p = x->offsets[session]; p < x->offsets[session + 1]; p++)
            if (x->item[p] == recent[a])
                return p;
    return x->offsets[session];
}

static void score_item(struct session_scratch *s, uint32_t item, float value, uint32_t *scored)
{
    if (!(value > 0))
        return;
    if (s->score[item] == 0)
        s->scored[(*scored)++] = item;
    s->score[item] += value;
}

/* Is item in x->item[begin, end)? */
static bool stands_in(const struct session_index *x, uint64_t begin, uint64_t end, uint32_t item)
{
    for (uint64_t p = begin; p < end; p++)
        if (x->item[p] == item)
            return true;
    return false;
}

static uint32_t score_session(const struct session_index *x, const struct session_options *o,
                              struct session_scratch *s, uint32_t session, float near,
                              uint64_t place, uint32_t scored)
{
    uint64_t begin = x->offsets[session], end = x->offsets[session + 1];
    float w = near;
    for (uint64_t p = place + 1; p < end; p++) {
        if (!stands_in(x, place + 1, p, x->item[p]))
            score_item(s, x->item[p], w * powf(x->idf[x->item[p]], o->idf_power), &scored);
        w *= o->spread;
    }
    w = near * o->back;
    for (uint64_t p = place; p-- > begin;) {
        if (!stands_in(x, p + 1, end, x->item[p]))
            score_item(s, x->item[p], w * powf(x->idf[x->item[p]], o->idf_power), &scored);
        w *= o->spread;
    }
    return scored;
}

size_t session_foretell(const struct session_index *x, const struct session_options *o,
                        struct session_scratch *s, const uint32_t *items, size_t n, int64_t now_us,
                        struct topk_item *out, size_t k)
{
    uint32_t recent[SESSION_RECENT_MAX], scored = 0;
    uint32_t len = take_recent(x, o, items, n, recent);
    size_t near = find_near(x, o, s, recent, len, now_us);
    struct topk best;
    for (size_t i = 0; i < near; i++) {
        uint64_t place = match_place(x, s->best[i].id, recent, len);
        scored = score_session(x, o, s, s->best[i].id, s->best[i].score, place, scored);
    }
    for (uint32_t a = 0; a < len; a++)
        s->score[recent[a]] *= o->again;
    topk_init(&best, out, k);
    for (uint32_t i = 0; i < scored; i++) {
        if (s->score[s->scored[i]] > 0)
            topk_push(&best, s->score[s->scored[i]], s->scored[i]);
        s->score[s->scored[i]] = 0;
    }
    return topk_finish(&best);
}
