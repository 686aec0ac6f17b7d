#include <math.h>

#include "base/check.h"
#include "index/facets.h"
#include "rank/filter_int.h"

enum truth { NO, YES, UNKNOWN };

/* What one term is in one segment. */
struct bound_term {
    const uint32_t *ordinals; /* FACET: pairs [from, end), pairs_len of them */
    size_t pairs_len;
    uint32_t column;        /* ATTRIBUTE_NUMBER: of numbers, ORDINAL_NONE if the segment has none */
    const uint64_t *groups; /* GROUP: hashes, one per value */
};

struct bound_filter {
    const struct filter *root;
    const struct view *view;
    currency_code currency;
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
    uint32_t *pairs = arena_try_alloc(arena, f->values_len * 2 * sizeof *pairs);
    if (!pairs)
        return err_set(err, ERR_LIMIT, "the filter is too large");
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
    t->ordinals = pairs;
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

static enum err_code bind_tree(const struct filter *f, const struct segment *s, struct arena *arena,
                               struct bound_term *terms, struct err *err)
{
    if (f->kind == FILTER_TERM)
        return bind_term(f, s, arena, &terms[f->index], err);
    enum err_code code = bind_tree(f->left, s, arena, terms, err);
    if (code == ERR_OK && f->right)
        code = bind_tree(f->right, s, arena, terms, err);
    return code;
}

enum err_code filter_bind(const struct filter *filter, const struct view *view,
                          currency_code currency, struct arena *arena, struct bound_filter **out,
                          struct err *err)
{
    *out = NULL;
    if (!filter)
        return ERR_OK;
    uint32_t terms = filter_terms(filter);
    struct bound_filter *b = arena_try_alloc(arena, sizeof *b);
    struct bound_term *bound =
        arena_try_alloc(arena, (size_t)CATALOGUE_SLOTS * terms * sizeof *bound);
    if (!b || !bound)
        return err_set(err, ERR_LIMIT, "the filter is too large");
    *b = (struct bound_filter){filter, view, currency, terms, bound};
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = view->catalogue->segments[slot];
        enum err_code code =
            s ? bind_tree(filter, s, arena, bound + (size_t)slot * terms, err) : ERR_OK;
        if (code != ERR_OK)
            return code;
    }
    *out = b;
    return ERR_OK;
}

/* --- testing --------------------------------------------------------------------------------- */

struct subject {
    const struct bound_filter *b;
    const struct segment *s;
    const struct bound_term *terms; /* of the segment */
    uint32_t doc;
    bool live_known; /* live was read */
    struct live_row live;
};

static const struct live_row *live_of(struct subject *d)
{
    if (!d->live_known)
        live_get(d->b->view->live, d->s->product_no[d->doc], &d->live);
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
    if (minor == STORE_NO_AMOUNT || live_of(d)->currency != d->b->currency)
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

static enum truth test_term(const struct filter *f, struct subject *d)
{
    const struct bound_term *t = &d->terms[f->index];
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
        return live_of(d)->stock == STORE_STOCK_UNTRACKED ? UNKNOWN
                                                          : compare(f, (double)live_of(d)->stock);
    case FIELD_IN_STOCK:
        return compare(f, live_sellable(d->b->view->live, d->s->product_no[d->doc]));
    case FIELD_RATING:
        return d->s->rating_count[d->doc] ? compare(f, (double)d->s->rating_mean[d->doc]) : UNKNOWN;
    case FIELD_CREATED_AT:
        return compare(f, (double)d->s->created_at[d->doc]);
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

bool filter_match(const struct bound_filter *b, uint32_t slot, uint32_t doc)
{
    if (!b)
        return true;
    struct subject d = {.b = b,
                        .s = b->view->catalogue->segments[slot],
                        .terms = b->bound + (size_t)slot * b->terms,
                        .doc = doc};
    return test(b->root, &d) == YES;
}

bool filter_match_product(const struct bound_filter *b, const struct view *view,
                          uint32_t product_no)
{
    struct location at = catalogue_locate(view->catalogue, product_no);
    return location_found(at) && filter_match(b, at.slot, at.doc);
}
