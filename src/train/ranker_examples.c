#include "train/ranker_examples.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"

enum { ARENA_MAX = 64 << 20 };

static enum err_code grow(void **p, size_t n, size_t size, struct err *err)
{
    void *bigger = mem_try_resize(*p, n, size);
    if (!bigger)
        return err_set(err, ERR_MEMORY, "no memory for %zu examples", n);
    *p = bigger;
    return ERR_OK;
}

/* Room for so many queries and documents more. */
static enum err_code reserve(struct ranker_examples *e, size_t queries, size_t n, struct err *err)
{
    enum err_code code = ERR_OK;
    if (e->queries + queries + 1 > e->queries_cap) {
        e->queries_cap = 2 * e->queries_cap + queries + 1024;
        code = grow((void **)&e->offsets, e->queries_cap, sizeof *e->offsets, err);
        if (code == ERR_OK)
            e->offsets[0] = 0;
    }
    if (code != ERR_OK || e->len + n <= e->cap)
        return code;
    e->cap = 2 * (e->cap + n);
    code = grow((void **)&e->x, e->cap, FEATURES * sizeof *e->x, err);
    if (code == ERR_OK)
        code = grow((void **)&e->label, e->cap, sizeof *e->label, err);
    if (code == ERR_OK)
        code = grow((void **)&e->weight, e->cap, sizeof *e->weight, err);
    return code == ERR_OK ? grow((void **)&e->purchase, e->cap, sizeof *e->purchase, err) : code;
}

enum err_code ranker_examples_reserve(struct ranker_examples *e, size_t n, struct err *err)
{
    return reserve(e, 1, n, err);
}

void ranker_examples_put(struct ranker_examples *e, const struct recommend_examples *found,
                         size_t i, float label, bool purchase, float weight)
{
    for (size_t f = 0; f < FEATURES; f++)
        e->x[e->len * FEATURES + f] = found->x[f * found->n + i];
    e->label[e->len] = label;
    e->weight[e->len] = weight;
    e->purchase[e->len++] = purchase;
}

void ranker_examples_end(struct ranker_examples *e)
{
    e->offsets[++e->queries] = e->len;
}

enum err_code ranker_examples_join(struct ranker_examples *e, const struct ranker_examples *more,
                                   struct err *err)
{
    enum err_code code = reserve(e, more->queries, more->len, err);
    if (code != ERR_OK || more->len == 0)
        return code;
    memcpy(e->x + e->len * FEATURES, more->x, more->len * FEATURES * sizeof *e->x);
    memcpy(e->label + e->len, more->label, more->len * sizeof *e->label);
    memcpy(e->weight + e->len, more->weight, more->len * sizeof *e->weight);
    memcpy(e->purchase + e->len, more->purchase, more->len * sizeof *e->purchase);
    for (size_t q = 1; q <= more->queries; q++)
        e->offsets[e->queries + q] = e->len + more->offsets[q];
    e->queries += more->queries;
    e->len += more->len;
    return ERR_OK;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Did the shopper buy it in the time? */
static bool bought(const struct ranker_examples_options *o, size_t begin, size_t end,
                   uint32_t product_no)
{
    for (size_t i = begin; i < end; i++)
        if (o->it->product_no[i] == product_no && o->it->type[i] == EVENT_PURCHASE &&
            o->it->time[i] >= o->split && o->it->time[i] < o->until)
            return true;
    return false;
}

/* Which of n candidates are kept: all positives, and of the others as many as the options say, each with
 * the same chance (Knuth, TAOCP 2, 3.4.2, algorithm S). */
static void choose(const struct ranker_examples_options *o, const bool *positive, size_t n,
                   bool *kept)
{
    size_t left = 0, wanted = o->negatives;
    for (size_t i = 0; i < n; i++)
        left += !positive[i];
    for (size_t i = 0; i < n; i++) {
        kept[i] = positive[i] || o->negatives == 0;
        if (kept[i])
            continue;
        kept[i] = rng_below(o->rng, left--) < wanted;
        wanted -= kept[i];
    }
}

static enum err_code add_query(struct ranker_examples *e, const struct ranker_examples_options *o,
                               const struct list_case *c, const uint32_t *truth,
                               const struct recommend_examples *found, struct err *err)
{
    bool positive[RANKER_CANDIDATES_MAX], kept[RANKER_CANDIDATES_MAX], some = false;
    size_t begin = 0, end = 0;
    for (size_t i = 0; i < found->n; i++) {
        positive[i] = bsearch(&found->product_no[i], truth, c->truth_len, sizeof *truth, compare);
        some |= positive[i];
    }
    if (found->n == 0 || (o->negatives && !some))
        return ERR_OK;
    choose(o, positive, found->n, kept);
    enum err_code code = ranker_examples_reserve(e, found->n, err);
    if (code != ERR_OK)
        return code;
    if (c->user_no) {
        begin = interactions_user_begin(o->it, c->user_no);
        end = interactions_user_end(o->it, c->user_no);
    }
    for (size_t i = 0; i < found->n; i++)
        if (kept[i])
            ranker_examples_put(e, found, i, positive[i],
                                positive[i] && bought(o, begin, end, found->product_no[i]), 1);
    ranker_examples_end(e);
    return ERR_OK;
}

enum err_code ranker_examples_add(struct ranker_examples *e,
                                  const struct ranker_examples_options *o,
                                  const struct list_cases *c, size_t from, size_t to,
                                  struct err *err)
{
    struct arena arena;
    enum err_code code = ERR_OK;
    arena_init(&arena, 1 << 20, ARENA_MAX);
    for (size_t i = from; i < to && code == ERR_OK; i++) {
        const struct list_case *item = &c->items[i];
        const uint32_t *products = c->products + item->at;
        struct recommend_request r = {.placement = c->placement,
                                      .user_no = item->user_no,
                                      .context = products,
                                      .context_len = item->context_len,
                                      .limit = 1,
                                      .hide_seen = item->user_no != 0,
                                      .weights = o->weights,
                                      .now_us = o->split};
        struct recommend_examples found;
        arena_reset(&arena);
        code = signal_check(err);
        if (code == ERR_OK)
            code = recommend_examples(o->view, &r, o->candidates, &arena, &found, err);
        if (code == ERR_OK)
            code = add_query(e, o, item, products + item->context_len, &found, err);
    }
    arena_release(&arena);
    return code;
}

void ranker_examples_release(struct ranker_examples *e)
{
    mem_free(e->offsets);
    mem_free(e->x);
    mem_free(e->label);
    mem_free(e->weight);
    mem_free(e->purchase);
    *e = (struct ranker_examples){0};
}

struct ranked ranker_examples_ranked(const struct ranker_examples *e)
{
    static const size_t none = 0;
    return (struct ranked){e->queries, e->offsets ? e->offsets : &none, e->label, e->weight};
}
