#include "train/ranker_shown.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/signal.h"
#include "train/propensity.h"

enum { ARENA_MAX = 64 << 20, AT_SEVERAL_PLACES = 10 /* one in so many products must be */ };

/* --- looks ----------------------------------------------------------------------------------- */

/* The products seen in one placement, as impressions whose subject is the product. */
struct seen {
    struct impression *items; /* [len], owned */
    size_t len, opened, opened_first;
    struct map_u64 subjects; /* product number to subject */
};

static void take_seen(const struct shown_lists *shown, enum placement p, struct seen *out)
{
    for (size_t i = 0; i < shown->len; i++) {
        const struct shown_list *l = &shown->items[i];
        for (size_t k = l->at; l->placement == p && k < l->at + l->len; k++) {
            const struct shown_product *s = &shown->products[k];
            bool added, opened = s->label > SHOWN_SEEN;
            uint64_t *subject = map_u64_at(&out->subjects, s->product_no, &added);
            if (added)
                *subject = out->subjects.len - 1;
            out->items[out->len++] =
                (struct impression){(uint32_t)*subject, (uint16_t)(s->place - 1), opened};
            out->opened += opened;
            out->opened_first += opened && s->place == 1;
        }
    }
}

/* Did enough products stand at more than one place? */
static enum err_code can_be_told(const struct seen *s, bool *out, struct err *err)
{
    size_t several = 0;
    uint16_t *first = mem_try_new(s->subjects.len + 1, sizeof *first); /* place; 0: not seen yet */
    bool *moved = mem_try_new(s->subjects.len + 1, sizeof *moved);
    if (first && moved) {
        for (size_t i = 0; i < s->len; i++) {
            uint16_t place = (uint16_t)(s->items[i].position + 1),
                     *of = &first[s->items[i].subject];
            moved[s->items[i].subject] |= *of && *of != place;
            *of = place;
        }
        for (size_t i = 0; i < s->len; i++)
            several += moved[s->items[i].subject];
        *out = s->opened >= RANKER_CLICKS_MIN && s->opened_first > 0 &&
               several * AT_SEVERAL_PLACES >= s->len;
    }
    bool whole = first && moved;
    mem_free(first);
    mem_free(moved);
    return whole ? ERR_OK : err_set(err, ERR_MEMORY, "no memory for %zu subjects", s->subjects.len);
}

static enum err_code estimate(const struct shown_lists *shown, enum placement p,
                              struct shown_looks *out, struct err *err)
{
    struct seen s = {.items = mem_try_new(shown->products_len + 1, sizeof *s.items)};
    if (!s.items)
        return err_set(err, ERR_MEMORY, "no memory for %zu impressions", shown->products_len);
    take_seen(shown, p, &s);
    enum err_code code = can_be_told(&s, &out->known[p], err);
    if (code == ERR_OK && out->known[p])
        code = propensity_estimate(s.items, s.len, SHOWN_PLACES, s.subjects.len, out->look[p], err);
    mem_free(s.items);
    map_u64_release(&s.subjects);
    return code;
}

enum err_code shown_looks_estimate(const struct shown_lists *shown, struct shown_looks *out,
                                   struct err *err)
{
    unsigned there = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < shown->len; i++)
        there |= 1u << shown->items[i].placement;
    for (unsigned p = 0; p < PLACEMENTS && code == ERR_OK; p++) {
        out->known[p] = false;
        for (size_t i = 0; i < SHOWN_PLACES; i++)
            out->look[p][i] = 1;
        if (there >> p & 1)
            code = estimate(shown, (enum placement)p, out, err);
    }
    return code;
}

/* --- what happened before each list ---------------------------------------------------------- */

/* Acts in the order of time. */
struct replay {
    const struct interactions *it;
    struct past *past;
    size_t *order; /* [len] of acts from the past's moment on, owned */
    size_t len, at;
    int64_t shelved_at,
        shelf_us; /* what is hot and new was made then, and is made anew so long after */
};

static int by_time(const void *a, const void *b, void *arg)
{
    const struct interactions *it = arg;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (it->time[x] != it->time[y])
        return it->time[x] < it->time[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static enum err_code replay_init(struct replay *r, const struct ranker_shown_options *o,
                                 struct err *err)
{
    *r = (struct replay){.it = o->it,
                         .past = o->past,
                         .order = mem_try_new(o->it->len + 1, sizeof *r->order),
                         .shelved_at = o->past->at_us,
                         .shelf_us = (o->until - o->past->at_us) / RANKER_SHOWN_SHELVES + 1};
    if (!r->order)
        return err_set(err, ERR_MEMORY, "no memory for %zu acts", o->it->len);
    for (size_t i = 0; i < o->it->len; i++)
        if (o->it->time[i] >= o->past->at_us && o->it->time[i] < o->until)
            r->order[r->len++] = i;
    if (r->len > 1)
        qsort_r(r->order, r->len, sizeof *r->order, by_time, (void *)(uintptr_t)o->it);
    return ERR_OK;
}

/* All that happened before the moment is known, and nothing that happened at it or later. */
static void replay_until(struct replay *r, int64_t moment)
{
    const struct interactions *it = r->it;
    for (; r->at < r->len && it->time[r->order[r->at]] < moment; r->at++) {
        size_t i = r->order[r->at];
        past_act(r->past, it->user_no[i], it->product_no[i], (enum event_type)it->type[i],
                 it->time[i]);
    }
    r->past->at_us = moment;
    if (moment - r->shelved_at >= r->shelf_us) {
        past_shelve(r->past);
        r->shelved_at = moment;
    }
}

/* --- examples -------------------------------------------------------------------------------- */

/* The documents of a list: those of its products that are candidates. *teaches: something was preferred. */
static enum err_code add_list(struct ranker_examples *e, const struct ranker_shown_options *o,
                              const struct shown_list *l, const struct recommend_examples *found,
                              struct err *err)
{
    size_t begin = e->len;
    uint8_t least = SHOWN_BOUGHT, most = SHOWN_SEEN;
    enum err_code code = ranker_examples_reserve(e, l->len, err);
    for (size_t k = l->at; code == ERR_OK && k < l->at + l->len; k++) {
        const struct shown_product *s = &o->shown->products[k];
        size_t i = 0;
        while (i < found->n && found->product_no[i] != s->product_no)
            i++;
        if (i == found->n)
            continue;
        float look = o->looks ? o->looks->look[l->placement][s->place - 1] : 1;
        ranker_examples_put(e, found, i, s->label, s->label == SHOWN_BOUGHT,
                            propensity_weight(look, RANKER_WEIGHT_MAX));
        least = s->label < least ? s->label : least;
        most = s->label > most ? s->label : most;
    }
    if (code == ERR_OK && most > least)
        ranker_examples_end(e);
    else
        e->len = begin;
    return code;
}

static enum err_code ask(struct ranker_examples *e, const struct ranker_shown_options *o,
                         const struct shown_list *l, struct arena *arena, struct err *err)
{
    struct recommend_request r = {.placement = l->placement,
                                  .user_no = l->user_no,
                                  .context = l->context ? &l->context : NULL,
                                  .context_len = l->context != 0,
                                  .limit = 1,
                                  .weights = o->weights,
                                  .now_us = l->time};
    struct recommend_examples found;
    arena_reset(arena);
    enum err_code code = signal_check(err);
    if (code == ERR_OK)
        code = recommend_examples(&o->past->view, &r, o->candidates, arena, &found, err);
    return code == ERR_OK ? add_list(e, o, l, &found, err) : code;
}

/* Was one product preferred to another, by somebody who is a shopper? */
static bool can_teach(const struct ranker_shown_options *o, int64_t from,
                      const struct shown_list *l)
{
    const struct shown_product *s = &o->shown->products[l->at];
    bool differs = false;
    for (uint32_t i = 1; i < l->len; i++)
        differs |= s[i].label != s[0].label;
    return differs && l->time >= from && l->time < o->until &&
           interactions_user_begin(o->it, l->user_no) < interactions_user_end(o->it, l->user_no);
}

enum err_code ranker_shown_add(struct ranker_examples *e, const struct ranker_shown_options *o,
                               struct err *err)
{
    size_t left[PLACEMENTS] = {0}, wanted[PLACEMENTS];
    const int64_t from = o->past->at_us;
    struct replay replay;
    struct arena arena;
    enum err_code code = replay_init(&replay, o, err);
    arena_init(&arena, 1 << 20, ARENA_MAX);
    for (size_t i = 0; i < o->shown->len; i++)
        left[o->shown->items[i].placement] += can_teach(o, from, &o->shown->items[i]);
    for (size_t p = 0; p < PLACEMENTS; p++)
        wanted[p] = o->lists;
    for (size_t i = 0; i < o->shown->len && code == ERR_OK; i++) {
        const struct shown_list *l = &o->shown->items[i];
        /* each with the same chance (Knuth, TAOCP 2, 3.4.2, algorithm S) */
        if (!can_teach(o, from, l) ||
            rng_below(o->rng, left[l->placement]--) >= wanted[l->placement])
            continue;
        wanted[l->placement]--;
        replay_until(&replay, l->time);
        code = ask(e, o, l, &arena, err);
    }
    arena_release(&arena);
    mem_free(replay.order);
    return code;
}
