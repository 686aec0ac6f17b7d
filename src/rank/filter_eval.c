#include <math.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "index/facets.h"
#include "rank/filter_int.h"

enum truth { NO, YES, UNKNOWN };

struct bound_filter {
    const struct filter *root;
    const struct view *view;
    struct filter_moment moment;
    uint32_t terms;
    struct bound_term *bound; /* [CATALOGUE_SLOTS][terms] */
};

/* --- binding --------------------------------------------------------------------------------- */

static enum err_code bind_facet(const struct filter *f, const struct segment *s,
                                struct arena *arena, struct bound_term *t, struct err *err)
{
    uint32_t facet = segment_find_facet(s, f->facet);
    if (facet == ORDINAL_NONE)
        return ERR_OK;
    bool any = f->op == FILTER_EXISTS;
    uint32_t *pairs = arena_try_alloc(arena, (any ? 1 : f->values_len) * 2 * sizeof *pairs);
    if (!pairs)
        return err_set(err, ERR_LIMIT, "the filter is too large");
    t->ordinals = pairs;
    if (any) {
        pairs[0] = s->facet[facet].first;
        pairs[1] = s->facet[facet].end;
        t->pairs_len = 1;
        return ERR_OK;
    }
    struct buf key;
    buf_init(&key, FILTER_BYTES_MAX * 4);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < f->values_len && code == ERR_OK; i++) {
        buf_reset(&key);
        code = segment_value_key((enum segment_facet_kind)s->facet[facet].kind, f->values[i], &key,
                                 err);
        uint32_t value =
            code == ERR_OK ? segment_find_value(s, facet, buf_str(&key)) : ORDINAL_NONE;
        if (value != ORDINAL_NONE) {
            pairs[2 * t->pairs_len] = value;
            pairs[2 * t->pairs_len + 1] = s->value[value].end;
            t->pairs_len++;
        }
    }
    buf_release(&key);
    return code;
}

static enum err_code bind_groups(const struct filter *f, struct arena *arena, struct bound_term *t,
                                 struct err *err)
{
    uint64_t *groups = arena_try_alloc(arena, f->values_len * sizeof *groups);
    if (!groups)
        return err_set(err, ERR_LIMIT, "the filter is too large");
    for (size_t i = 0; i < f->values_len; i++)
        groups[i] = segment_group_hash(f->values[i]);
    t->groups = groups;
    return ERR_OK;
}

static enum err_code bind_term(const struct filter *f, const struct segment *s, struct arena *arena,
                               struct bound_term *t, struct err *err)
{
    *t = (struct bound_term){.column = ORDINAL_NONE};
    if (f->field == FIELD_FACET)
        return bind_facet(f, s, arena, t, err);
    if (f->field == FIELD_GROUP)
        return bind_groups(f, arena, t, err);
    if (f->field == FIELD_ATTRIBUTE_NUMBER) {
        uint32_t facet = segment_find_facet(s, f->facet);
        if (facet != ORDINAL_NONE)
            t->column = s->facet[facet].number;
    }
    return ERR_OK;
}

enum err_code filter_bind_segment(const struct filter *f, const struct segment *s,
                                  struct arena *arena, struct bound_term *bound, struct err *err)
{
    if (f->kind == FILTER_TERM)
        return bind_term(f, s, arena, &bound[f->index], err);
    enum err_code code = filter_bind_segment(f->left, s, arena, bound, err);
    if (code == ERR_OK && f->right)
        code = filter_bind_segment(f->right, s, arena, bound, err);
    return code;
}

enum err_code filter_bind_for(const struct filter *filter, const struct view *view,
                              const struct filter_asker *asker, struct arena *arena,
                              struct bound_filter **out, struct err *err)
{
    *out = NULL;
    if (!filter)
        return ERR_OK;
    uint32_t terms = filter_terms(filter);
    struct bound_filter *b = arena_try_alloc(arena, sizeof *b);
    struct bound_term *bound =
        arena_try_alloc(arena, (size_t)CATALOGUE_SLOTS * terms * sizeof *bound);
    struct acts *acts = arena_try_alloc(arena, sizeof *acts);
    if (!b || !bound || !acts)
        return err_set(err, ERR_LIMIT, "the filter is too large");
    *acts = (struct acts){0};
    enum err_code code =
        filter_speaks_of_acts(filter) ? acts_load(view, asker->user_no, arena, acts, err) : ERR_OK;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS && code == ERR_OK; slot++) {
        const struct segment *s = view->catalogue->segments[slot];
        if (s)
            code = filter_bind_segment(filter, s, arena, bound + (size_t)slot * terms, err);
    }
    if (code != ERR_OK)
        return code;
    *b = (struct bound_filter){
        filter, view, {view->live, asker->currency, asker->now_us, acts}, terms, bound};
    *out = b;
    return ERR_OK;
}

enum err_code filter_bind(const struct filter *filter, const struct view *view,
                          currency_code currency, struct arena *arena, struct bound_filter **out,
                          struct err *err)
{
    const struct filter_asker asker = {.currency = currency, .now_us = clock_now_us()};
    return filter_bind_for(filter, view, &asker, arena, out, err);
}

/* --- what a filter speaks of ------------------------------------------------------------------- */

static bool any_term(const struct filter *f, bool (*is)(const struct filter *term))
{
    if (!f)
        return false;
    return f->kind == FILTER_TERM ? is(f) : any_term(f->left, is) || any_term(f->right, is);
}

static bool is_act(const struct filter *term)
{
    return term->field == FIELD_ACT;
}

static bool is_purchase(const struct filter *term)
{
    return is_act(term) && term->acts >> EVENT_PURCHASE & 1;
}

static bool is_live(const struct filter *term)
{
    switch (term->field) {
    case FIELD_PRICE:
    case FIELD_LIST_PRICE:
    case FIELD_DISCOUNT:
    case FIELD_STOCK:
    case FIELD_IN_STOCK:
    case FIELD_ACT:
        return true;
    case FIELD_ID:
    case FIELD_GROUP:
    case FIELD_FACET:
    case FIELD_ATTRIBUTE_NUMBER:
    case FIELD_RATING:
    case FIELD_CREATED_AT:
        return term->op == FILTER_WITHIN;
    }
    UNREACHABLE();
}

bool filter_speaks_of_acts(const struct filter *f)
{
    return any_term(f, is_act);
}

bool filter_speaks_of_purchases(const struct filter *f)
{
    return any_term(f, is_purchase);
}

bool filter_is_live(const struct filter *f)
{
    return any_term(f, is_live);
}

/* --- testing --------------------------------------------------------------------------------- */

struct subject {
    const struct segment *s;
    const struct bound_term *terms; /* of the segment */
    const struct filter_moment *moment;
    uint32_t doc;
    bool live_known; /* live was read */
    struct live_row live;
};

static uint32_t number_of(const struct subject *d)
{
    return d->s->product_no[d->doc];
}

static const struct live_row *live_of(struct subject *d)
{
    if (!d->live_known)
        live_get(d->moment->live, number_of(d), &d->live);
    d->live_known = true;
    return &d->live;
}

static enum truth compare(const struct filter *f, double v)
{
    if (f->op == FILTER_RANGE) {
        const struct filter_range *r = &f->range;
        bool above = r->low_open ? v > r->low : v >= r->low;
        bool below = r->high_open ? v < r->high : v <= r->high;
        return above && below ? YES : NO;
    }
    for (size_t i = 0; i < f->numbers_len; i++)
        if (v == f->numbers[i])
            return YES;
    return NO;
}

static enum truth compare_amount(const struct filter *f, struct subject *d, int64_t minor)
{
    if (f->op == FILTER_EXISTS)
        return minor == STORE_NO_AMOUNT ? NO : YES;
    currency_code wanted = f->currency ? f->currency : d->moment->currency;
    if (minor == STORE_NO_AMOUNT || live_of(d)->currency != wanted)
        return UNKNOWN;
    return compare(f, (double)minor);
}

static enum truth compare_discount(const struct filter *f, struct subject *d)
{
    const struct live_row *row = live_of(d);
    if (row->price_minor == STORE_NO_AMOUNT)
        return UNKNOWN;
    if (row->list_price_minor == STORE_NO_AMOUNT || row->list_price_minor <= row->price_minor)
        return compare(f, 0);
    return compare(f, 100.0 * (double)(row->list_price_minor - row->price_minor) /
                          (double)row->list_price_minor);
}

static enum truth has_facet(const struct bound_term *t, const struct subject *d)
{
    uint32_t n;
    const uint32_t *values = segment_doc_values(d->s, d->doc, &n);
    for (size_t i = 0; i < t->pairs_len; i++)
        if (ordinals_any_in(values, n, t->ordinals[2 * i], t->ordinals[2 * i + 1]))
            return YES;
    return NO;
}

static enum truth has_number(const struct filter *f, const struct bound_term *t,
                             const struct subject *d)
{
    const double *numbers;
    if (t->column == ORDINAL_NONE)
        return UNKNOWN;
    uint32_t n = segment_doc_numbers(d->s, d->doc, t->column, &numbers);
    for (uint32_t i = 0; i < n; i++)
        if (compare(f, numbers[i]) == YES)
            return YES;
    return n ? NO : UNKNOWN;
}

static enum truth has_id(const struct filter *f, const struct subject *d)
{
    struct str id = segment_id(d->s, d->doc);
    for (size_t i = 0; i < f->values_len; i++)
        if (str_eq(id, f->values[i]))
            return YES;
    return NO;
}

static enum truth has_group(const struct filter *f, const struct bound_term *t,
                            const struct subject *d)
{
    for (size_t i = 0; i < f->values_len; i++)
        if (d->s->group[d->doc] == t->groups[i])
            return YES;
    return NO;
}

static enum truth test_created(const struct filter *f, const struct subject *d)
{
    int64_t at = d->s->created_at[d->doc];
    if (f->op == FILTER_WITHIN)
        return at >= d->moment->now_us - f->within_us ? YES : NO;
    return compare(f, (double)at);
}

static enum truth test_act(const struct filter *f, const struct subject *d)
{
    int64_t since = f->op == FILTER_WITHIN ? d->moment->now_us - f->within_us : INT64_MIN;
    return acts_any(d->moment->acts, number_of(d), f->acts, since) ? YES : NO;
}

static enum truth test_stock(const struct filter *f, struct subject *d)
{
    int64_t stock = live_of(d)->stock;
    if (f->op == FILTER_EXISTS)
        return stock == STORE_STOCK_UNTRACKED ? NO : YES;
    return stock == STORE_STOCK_UNTRACKED ? UNKNOWN : compare(f, (double)stock);
}

static enum truth test_rating(const struct filter *f, const struct subject *d)
{
    bool rated = d->s->rating_count[d->doc] > 0;
    if (f->op == FILTER_EXISTS)
        return rated ? YES : NO;
    return rated ? compare(f, (double)d->s->rating_mean[d->doc]) : UNKNOWN;
}

static enum truth test_term(const struct filter *f, struct subject *d)
{
    const struct bound_term *t = &d->terms[f->index];
    if (!d->moment->live && is_live(f))
        return UNKNOWN;
    switch (f->field) {
    case FIELD_ID:
        return has_id(f, d);
    case FIELD_GROUP:
        return has_group(f, t, d);
    case FIELD_FACET:
        return has_facet(t, d);
    case FIELD_ATTRIBUTE_NUMBER:
        return has_number(f, t, d);
    case FIELD_PRICE:
        return compare_amount(f, d, live_of(d)->price_minor);
    case FIELD_LIST_PRICE:
        return compare_amount(f, d, live_of(d)->list_price_minor);
    case FIELD_DISCOUNT:
        return compare_discount(f, d);
    case FIELD_STOCK:
        return test_stock(f, d);
    case FIELD_IN_STOCK:
        return compare(f, live_sellable(d->moment->live, number_of(d)));
    case FIELD_RATING:
        return test_rating(f, d);
    case FIELD_CREATED_AT:
        return test_created(f, d);
    case FIELD_ACT:
        return test_act(f, d);
    }
    UNREACHABLE();
}

static enum truth test(const struct filter *f, struct subject *d)
{
    enum truth left, right;
    switch (f->kind) {
    case FILTER_TERM:
        return test_term(f, d);
    case FILTER_NOT:
        left = test(f->left, d);
        return left == UNKNOWN ? UNKNOWN : left == YES ? NO : YES;
    case FILTER_AND:
        left = test(f->left, d);
        if (left == NO)
            return NO;
        right = test(f->right, d);
        return right == NO ? NO : left == YES && right == YES ? YES : UNKNOWN;
    case FILTER_OR:
        left = test(f->left, d);
        if (left == YES)
            return YES;
        right = test(f->right, d);
        return right == YES ? YES : left == NO && right == NO ? NO : UNKNOWN;
    }
    UNREACHABLE();
}

bool filter_match_bound(const struct filter *f, const struct segment *s,
                        const struct bound_term *bound, const struct filter_moment *m, uint32_t doc)
{
    struct subject d = {.s = s, .terms = bound, .moment = m, .doc = doc};
    return test(f, &d) == YES;
}

bool filter_match(const struct bound_filter *b, uint32_t slot, uint32_t doc)
{
    return !b || filter_match_bound(b->root, b->view->catalogue->segments[slot],
                                    b->bound + (size_t)slot * b->terms, &b->moment, doc);
}

bool filter_match_product(const struct bound_filter *b, const struct view *view,
                          uint32_t product_no)
{
    struct location at = catalogue_locate(view->catalogue, product_no);
    return location_found(at) && filter_match(b, at.slot, at.doc);
}

/* The term that decides that f is not want. f is not. */
static const struct filter *blame(const struct filter *f, struct subject *d, enum truth want)
{
    if (f->kind == FILTER_TERM)
        return f;
    if (f->kind == FILTER_NOT)
        return blame(f->left, d, want == YES ? NO : YES);
    /* An AND that is not true has a side that is not; an OR that is not true has two. */
    return blame(test(f->left, d) == want ? f->right : f->left, d, want);
}

struct str filter_blame(const struct bound_filter *b, uint32_t slot, uint32_t doc)
{
    if (filter_match(b, slot, doc))
        return (struct str){NULL, 0};
    struct subject d = {.s = b->view->catalogue->segments[slot],
                        .terms = b->bound + (size_t)slot * b->terms,
                        .moment = &b->moment,
                        .doc = doc};
    return blame(b->root, &d, YES)->text;
}

bool filter_asks_for_purchases(const struct bound_filter *b)
{
    return b && filter_speaks_of_purchases(b->root);
}

/* --- whole segments ---------------------------------------------------------------------------- */

void filter_index_init(struct filter_index *index, const struct segment *s)
{
    uint32_t end = s->docs ? s->doc_value_end[s->docs] : 0;
    *index = (struct filter_index){.s = s,
                                   .first = mem_new((size_t)s->values + 2, sizeof *index->first),
                                   .docs = mem_new(end ? end : 1, sizeof *index->docs)};
    /* Two further: then first[v + 1] is where the next doc of v goes, and in the end where v + 1 begins. */
    for (uint32_t i = 0; i < end; i++)
        index->first[s->doc_value[i] + 2]++;
    for (uint32_t v = 2; v < s->values + 2; v++)
        index->first[v] += index->first[v - 1];
    for (uint32_t doc = 0; doc < s->docs; doc++) {
        uint32_t n;
        const uint32_t *values = segment_doc_values(s, doc, &n);
        for (uint32_t i = 0; i < n; i++)
            index->docs[index->first[values[i] + 1]++] = doc;
    }
}

void filter_index_release(struct filter_index *index)
{
    mem_free(index->first);
    mem_free(index->docs);
    *index = (struct filter_index){0};
}

/* Kleene's logic on whole segments: no and yes; what is in neither is unknown. */
struct halves {
    struct bitset yes, no;
};

static void halves_init(struct halves *h, size_t docs)
{
    *h = (struct halves){{mem_new(docs / 64 + 1, sizeof(uint64_t)), docs},
                         {mem_new(docs / 64 + 1, sizeof(uint64_t)), docs}};
}

static void halves_release(struct halves *h)
{
    bitset_release(&h->yes);
    bitset_release(&h->no);
}

static void select_facet(const struct filter_index *index, const struct bound_term *t,
                         struct bitset *yes)
{
    for (size_t i = 0; i < t->pairs_len; i++)
        for (uint32_t k = index->first[t->ordinals[2 * i]];
             k < index->first[t->ordinals[2 * i + 1]]; k++)
            bitset_set(yes, index->docs[k]);
}

static void select_term(const struct filter *f, const struct filter_index *index,
                        const struct bound_term *bound, struct halves *out)
{
    static const struct filter_moment any_moment;
    const struct segment *s = index->s;
    bool two_valued = f->field == FIELD_FACET || f->field == FIELD_ID;
    if (is_live(f))
        return;
    if (f->field == FIELD_FACET)
        select_facet(index, &bound[f->index], &out->yes);
    for (size_t i = 0; f->field == FIELD_ID && i < f->values_len; i++) {
        uint32_t doc = segment_find_id(s, f->values[i]);
        if (doc != ORDINAL_NONE)
            bitset_set(&out->yes, doc);
    }
    if (two_valued) {
        bitset_fill(&out->no, true);
        bitset_andnot(&out->no, &out->yes);
        return;
    }
    for (uint32_t doc = 0; doc < s->docs; doc++) {
        struct subject d = {.s = s, .terms = bound, .moment = &any_moment, .doc = doc};
        enum truth t = test_term(f, &d);
        if (t != UNKNOWN)
            bitset_set(t == YES ? &out->yes : &out->no, doc);
    }
}

/* out is empty */
static void select_halves(const struct filter *f, const struct filter_index *index,
                          const struct bound_term *bound, struct halves *out)
{
    struct halves right;
    if (f->kind == FILTER_TERM) {
        select_term(f, index, bound, out);
        return;
    }
    select_halves(f->left, index, bound, out);
    if (f->kind == FILTER_NOT) {
        *out = (struct halves){out->no, out->yes};
        return;
    }
    halves_init(&right, index->s->docs);
    select_halves(f->right, index, bound, &right);
    if (f->kind == FILTER_AND) {
        bitset_and(&out->yes, &right.yes);
        bitset_or(&out->no, &right.no);
    } else {
        bitset_or(&out->yes, &right.yes);
        bitset_and(&out->no, &right.no);
    }
    halves_release(&right);
}

void filter_select(const struct filter *f, const struct filter_index *index,
                   const struct bound_term *bound, struct bitset *out)
{
    struct halves h;
    halves_init(&h, index->s->docs);
    select_halves(f, index, bound, &h);
    bitset_fill(out, filter_is_live(f));
    if (filter_is_live(f))
        bitset_andnot(out, &h.no);
    else
        bitset_or(out, &h.yes);
    halves_release(&h);
}
