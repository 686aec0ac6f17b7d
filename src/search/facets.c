/* facets.c - how often each value occurs in the whole result.
 *
 * One pass over the matching documents of a segment counts every ordinal; the counts of the facets that
 * were asked for are then united over segments by their folded keys. Prices are counted in buckets of
 * the 1-2-5 series, which become at most SEARCH_RANGES_MAX ranges of about equal weight. */
#include <stdlib.h>

#include "base/map.h"
#include "index/facets.h"
#include "search/search_int.h"

enum { BUCKETS = 40, UNITED_MAX = 20000 };

/* A value, united over segments. */
struct united {
    struct facet_value shown;
    struct str key;
};

struct one_facet {
    struct str name;
    bool path, price, stock;
    struct united *values; /* [len] */
    size_t len, cap;
    struct map_str by_key; /* key to index */
};

struct facet_counter {
    const struct view *view;
    const struct search_request *request;
    struct arena *arena;
    struct one_facet facets[SEARCH_FACETS_MAX];
    size_t len;
    /* of the segment under way */
    uint32_t slot;
    uint32_t *counts; /* [values] */
    /* live */
    bool wants_live;
    uint64_t in_stock, sold_out;
    uint64_t priced;
    int64_t min, max;
    uint64_t buckets[BUCKETS];
};

/* Bounds 0, 1, 2, 5, 10, 20, 50, ...: bucket i is [bound(i), bound(i + 1)). */
static int64_t bound(int i)
{
    static const int64_t step[] = {1, 2, 5};
    int64_t v = i > 0 ? step[(i - 1) % 3] : 0;
    for (int k = (i - 1) / 3; k > 0; k--)
        v *= 10;
    return v;
}

static int bucket_of(int64_t minor)
{
    int i = 0;
    while (i < BUCKETS - 1 && bound(i + 1) <= minor)
        i++;
    return i;
}

enum err_code facet_counter_begin(const struct view *view, const struct search_request *r,
                                  struct arena *arena, struct facet_counter **out, struct err *err)
{
    *out = NULL;
    if (r->facets_len == 0)
        return ERR_OK;
    if (r->facets_len > SEARCH_FACETS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d facets", SEARCH_FACETS_MAX);
    struct facet_counter *f = arena_try_alloc(arena, sizeof *f);
    if (!f)
        return err_set(err, ERR_LIMIT, "the facets do not fit");
    *f = (struct facet_counter){.view = view, .request = r, .arena = arena, .min = INT64_MAX};
    for (size_t i = 0; i < r->facets_len; i++) {
        struct one_facet *one = &f->facets[f->len++];
        *one = (struct one_facet){.name = r->facets[i]};
        one->price = str_is(one->name, "price");
        one->stock = str_is(one->name, "in_stock");
        one->path = str_is(one->name, "category");
        f->wants_live |= one->price || one->stock;
    }
    *out = f;
    return ERR_OK;
}

enum err_code facet_counter_begin_segment(struct facet_counter *f, uint32_t slot, struct err *err)
{
    const struct segment *s = f->view->catalogue->segments[slot];
    f->slot = slot;
    f->counts = arena_try_alloc(f->arena, ((size_t)s->values + 1) * sizeof *f->counts);
    if (!f->counts)
        return err_set(err, ERR_LIMIT, "the facets do not fit");
    memset(f->counts, 0, s->values * sizeof *f->counts);
    return ERR_OK;
}

static void count_live(struct facet_counter *f, uint32_t product_no)
{
    struct live_row row;
    live_get(f->view->live, product_no, &row);
    if (row.status == PRODUCT_ACTIVE && row.stock != 0)
        f->in_stock++;
    else
        f->sold_out++;
    if (row.price_minor == STORE_NO_AMOUNT || row.currency != f->request->currency)
        return;
    f->priced++;
    f->min = row.price_minor < f->min ? row.price_minor : f->min;
    f->max = row.price_minor > f->max ? row.price_minor : f->max;
    f->buckets[bucket_of(row.price_minor)]++;
}

void facet_counter_count(struct facet_counter *f, uint32_t doc)
{
    const struct segment *s = f->view->catalogue->segments[f->slot];
    uint32_t n;
    const uint32_t *values = segment_doc_values(s, doc, &n);
    for (uint32_t i = 0; i < n; i++)
        f->counts[values[i]]++;
    if (f->wants_live)
        count_live(f, s->product_no[doc]);
}

static enum err_code grow(struct facet_counter *f, struct one_facet *one, struct err *err)
{
    size_t cap = one->cap ? 2 * one->cap : 64;
    struct united *values = arena_try_alloc(f->arena, cap * sizeof *values);
    if (!values || cap > UNITED_MAX)
        return err_set(err, ERR_LIMIT, "facet '%.*s' has too many values", STR_ARG(one->name));
    if (one->len)
        memcpy(values, one->values, one->len * sizeof *values);
    one->values = values;
    one->cap = cap;
    return ERR_OK;
}

static enum err_code unite(struct facet_counter *f, struct one_facet *one, const struct segment *s,
                           uint32_t value, uint64_t count, uint32_t language, struct err *err)
{
    struct str key = segment_value_key_of(s, value);
    bool added;
    uint64_t *index = map_str_at(&one->by_key, key, &added);
    if (added) {
        enum err_code code = one->len == one->cap ? grow(f, one, err) : ERR_OK;
        if (code != ERR_OK)
            return code;
        *index = one->len;
        one->values[one->len++] =
            (struct united){.shown = {.value = segment_value_text(s, value),
                                      .label = segment_value_label(s, value, language)},
                            .key = key};
    }
    one->values[*index].shown.count += count;
    return ERR_OK;
}

static enum err_code end_facet(struct facet_counter *f, struct one_facet *one, struct err *err)
{
    const struct segment *s = f->view->catalogue->segments[f->slot];
    uint32_t at = segment_find_facet(s, one->name);
    if (at == ORDINAL_NONE)
        return ERR_OK;
    const struct segment_facet *facet = &s->facet[at];
    uint32_t language = segment_language(s, f->request->language);
    enum err_code code = ERR_OK;
    if (one->path) /* a path counts for its ancestors: their range ends behind it */
        for (uint32_t v = facet->end; v-- > facet->first;)
            for (uint32_t below = v + 1; below < s->value[v].end; below = s->value[below].end)
                f->counts[v] += f->counts[below];
    for (uint32_t v = facet->first; v < facet->end && code == ERR_OK; v++)
        if (f->counts[v])
            code = unite(f, one, s, v, f->counts[v], language, err);
    return code;
}

enum err_code facet_counter_end_segment(struct facet_counter *f, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < f->len && code == ERR_OK; i++)
        if (!f->facets[i].price && !f->facets[i].stock)
            code = end_facet(f, &f->facets[i], err);
    return code;
}

/* --- results --------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
    const struct united *x = a, *y = b;
    if (x->shown.count != y->shown.count)
        return x->shown.count > y->shown.count ? -1 : 1;
    return str_cmp(x->key, y->key);
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct united *)a)->key, ((const struct united *)b)->key);
}

static enum err_code finish_values(struct facet_counter *f, struct one_facet *one,
                                   struct facet_result *out, struct err *err)
{
    size_t n = one->len < SEARCH_VALUES_MAX ? one->len : SEARCH_VALUES_MAX;
    struct facet_value *values = arena_try_alloc(f->arena, (n + 1) * sizeof *values);
    if (!values)
        return err_set(err, ERR_LIMIT, "the facets do not fit");
    if (one->len)
        qsort(one->values, one->len, sizeof *one->values, by_count);
    if (one->path && n)
        qsort(one->values, n, sizeof *one->values, by_key);
    for (size_t i = 0; i < n; i++)
        values[i] = one->values[i].shown;
    out->values = values;
    out->values_len = n;
    return ERR_OK;
}

static void finish_price(const struct facet_counter *f, struct facet_result *out)
{
    uint64_t in_range = 0, share = f->priced / SEARCH_RANGES_MAX + 1;
    int from = 0;
    out->priced = f->priced > 0;
    if (!out->priced)
        return;
    out->min_minor = f->min;
    out->max_minor = f->max;
    int last = bucket_of(f->max);
    for (int i = bucket_of(f->min), first = 1; i <= last; i++) {
        if (first)
            from = i;
        first = 0;
        in_range += f->buckets[i];
        bool room = out->ranges_len < SEARCH_RANGES_MAX - 1;
        if (i == last || (room && in_range >= share)) {
            out->ranges[out->ranges_len++] =
                (struct price_range){bound(from), bound(i + 1), in_range};
            in_range = 0;
            first = 1;
        }
    }
}

static enum err_code finish_stock(struct facet_counter *f, struct facet_result *out,
                                  struct err *err)
{
    struct facet_value *values = arena_try_alloc(f->arena, 2 * sizeof *values);
    if (!values)
        return err_set(err, ERR_LIMIT, "the facets do not fit");
    if (f->in_stock)
        values[out->values_len++] =
            (struct facet_value){STR_LIT("true"), STR_LIT("true"), f->in_stock};
    if (f->sold_out)
        values[out->values_len++] =
            (struct facet_value){STR_LIT("false"), STR_LIT("false"), f->sold_out};
    out->values = values;
    return ERR_OK;
}

enum err_code facet_counter_finish(struct facet_counter *f, struct search_result *out,
                                   struct err *err)
{
    enum err_code code = ERR_OK;
    if (!f)
        return ERR_OK;
    out->facets = arena_try_alloc(f->arena, f->len * sizeof *out->facets);
    if (!out->facets)
        code = err_set(err, ERR_LIMIT, "the facets do not fit");
    for (size_t i = 0; i < f->len && code == ERR_OK; i++) {
        struct facet_result *result = &out->facets[i];
        *result = (struct facet_result){.name = f->facets[i].name};
        if (f->facets[i].price)
            finish_price(f, result);
        else if (f->facets[i].stock)
            code = finish_stock(f, result, err);
        else
            code = finish_values(f, &f->facets[i], result, err);
    }
    out->facets_len = f->len;
    return code;
}

void facet_counter_release(struct facet_counter *f)
{
    for (size_t i = 0; f && i < f->len; i++)
        map_str_release(&f->facets[i].by_key);
}
