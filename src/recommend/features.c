#include "recommend/features.h"

#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "index/facets.h"

/* --- names ----------------------------------------------------------------------------------- */

static const char *const names[FEATURES] = {
    [FEATURE_BLEND_SCORE] = "blend.score",
    [FEATURE_BLEND_RANK] = "blend.rank",
    [FEATURE_BLEND_VOICES] = "blend.voices",
    [FEATURE_ITEM_POPULARITY] = "item.popularity",
    [FEATURE_ITEM_HEAT] = "item.heat",
    [FEATURE_ITEM_AGE] = "item.age",
    [FEATURE_ITEM_RATING] = "item.rating",
    [FEATURE_ITEM_RATINGS] = "item.ratings",
    [FEATURE_ITEM_PRICE] = "item.price",
    [FEATURE_ITEM_DISCOUNT] = "item.discount",
    [FEATURE_SHOPPER_PRODUCTS] = "shopper.products",
    [FEATURE_SHOPPER_WEIGHT] = "shopper.weight",
    [FEATURE_SHOPPER_OWNED] = "shopper.owned",
    [FEATURE_SHOPPER_IDLE] = "shopper.idle",
    [FEATURE_PRICE_HABIT] = "price.habit",
    [FEATURE_PRICE_UNUSUAL] = "price.unusual",
    [FEATURE_CATEGORY_INTEREST] = "category.interest",
    [FEATURE_DEPARTMENT_INTEREST] = "department.interest",
    [FEATURE_BRAND_INTEREST] = "brand.interest",
    [FEATURE_CONTEXT_PRODUCTS] = "context.products",
    [FEATURE_CONTEXT_CATEGORY] = "context.category",
    [FEATURE_CONTEXT_BRAND] = "context.brand",
    [FEATURE_CONTEXT_PRICE] = "context.price",
    [FEATURE_PLACEMENT] = "placement",
};

char *feature_name(uint32_t f, char out[RANKER_NAME_MAX])
{
    if (f < SOURCE_WEIGHTS)
        snprintf(out, RANKER_NAME_MAX, "source.%s", placement_weight_name(f));
    else
        snprintf(out, RANKER_NAME_MAX, "%s", names[f]);
    return out;
}

enum err_code features_check(const struct ranker *r, struct err *err)
{
    char name[RANKER_NAME_MAX];
    for (uint32_t f = 0; f < FEATURES && f < r->trees.features; f++)
        if (strcmp(r->name[f], feature_name(f, name)) != 0)
            return err_set(err, ERR_UNSUPPORTED,
                           "the ranker's feature %u is \"%s\", this program's \"%s\"", f,
                           r->name[f], name);
    if (r->trees.features != FEATURES)
        return err_set(err, ERR_UNSUPPORTED, "the ranker has %u features, this program %d",
                       r->trees.features, FEATURES);
    if (r->definitions != FEATURES_DEFINITIONS)
        return err_set(err, ERR_UNSUPPORTED,
                       "the ranker's features are of definitions %u, this program's of %d",
                       r->definitions, FEATURES_DEFINITIONS);
    return ERR_OK;
}

/* --- products -------------------------------------------------------------------------------- */

/* What is looked at of a product, of the profile, the context or a candidate. */
struct traits {
    uint64_t category, department,
        brand;               /* hashes of their keys, the same in every segment; 0: none */
    float price;             /* ln of minor units of the shop's currency; NaN: none */
    const struct segment *s; /* NULL: it is nowhere */
    uint32_t doc;
};

struct filling {
    const struct view *view;
    const struct recommend_request *request;
    const struct profile *profile;
    const struct candidates *c;
    const struct recommend_model *model;                        /* NULL: none */
    uint32_t category[CATALOGUE_SLOTS], brand[CATALOGUE_SLOTS]; /* facets, or ORDINAL_NONE */
    float hottest;                                              /* the most heat of all */
    size_t n;
    float *x; /* [FEATURES][n] */
};

static uint64_t hash_of(struct str key)
{
    uint64_t hash = XXH3_64bits(key.p, key.n);
    return hash ? hash : 1;
}

/* Parts of a path's key are joined by byte 1. */
static struct str first_part(struct str key)
{
    size_t end = str_find(key, '\1', 0);
    return (struct str){key.p, end < key.n ? end : key.n};
}

static float log_price(const struct filling *g, const struct live_row *row)
{
    return row->price_minor != STORE_NO_AMOUNT && row->price_minor > 0 &&
                   row->currency == g->view->shop->currency
               ? logf((float)row->price_minor)
               : NAN;
}

static uint32_t value_of(const struct segment *s, uint32_t doc, uint32_t facet)
{
    return facet == ORDINAL_NONE ? ORDINAL_NONE : segment_doc_value(s, doc, facet);
}

static struct traits traits_of(const struct filling *g, uint32_t product_no, struct live_row *row)
{
    struct traits t = {0};
    struct location at = catalogue_locate(g->view->catalogue, product_no);
    live_get(g->view->live, product_no, row);
    t.price = log_price(g, row);
    if (!location_found(at))
        return t;
    t.s = g->view->catalogue->segments[at.slot];
    t.doc = at.doc;
    uint32_t category = value_of(t.s, t.doc, g->category[at.slot]);
    uint32_t brand = value_of(t.s, t.doc, g->brand[at.slot]);
    if (category != ORDINAL_NONE) {
        struct str key = segment_value_key_of(t.s, category);
        t.category = hash_of(key);
        t.department = hash_of(first_part(key));
    }
    if (brand != ORDINAL_NONE)
        t.brand = hash_of(segment_value_key_of(t.s, brand));
    return t;
}

static void find_facets(struct filling *g)
{
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = g->view->catalogue->segments[slot];
        g->category[slot] = s ? segment_find_facet(s, STR_LIT("category")) : ORDINAL_NONE;
        g->brand[slot] = s ? segment_find_facet(s, STR_LIT("brand")) : ORDINAL_NONE;
    }
}

/* --- what a set of products has in common ---------------------------------------------------- */

struct tally {
    uint64_t hash; /* 0: empty */
    float weight;
};

enum { TALLY_SLOTS = 4 * FEATURES_INTERESTS };

/* Of the profile's heaviest products, or of the context. */
struct taste {
    struct tally category[TALLY_SLOTS], department[TALLY_SLOTS], brand[TALLY_SLOTS];
    double weight;          /* of all of them */
    double price, price_sq; /* weighted sums of ln(price) and its square */
    double priced;          /* weight of those with a price */
    float mean, deviation;  /* of ln(price); NaN, and the least: none has one */
};

static size_t tally_place(const struct tally *all, uint64_t hash)
{
    uint64_t at = hash % TALLY_SLOTS;
    while (all[at].hash && all[at].hash != hash)
        at = (at + 1) % TALLY_SLOTS;
    return at;
}

static void tally_add(struct tally *all, uint64_t hash, float weight)
{
    if (!hash)
        return;
    struct tally *t = &all[tally_place(all, hash)];
    t->hash = hash;
    t->weight += weight;
}

static void taste_add(struct taste *t, const struct traits *of, float weight)
{
    t->weight += (double)weight;
    tally_add(t->category, of->category, weight);
    tally_add(t->department, of->department, weight);
    tally_add(t->brand, of->brand, weight);
    if (!isnan(of->price)) {
        t->priced += (double)weight;
        t->price += (double)weight * (double)of->price;
        t->price_sq += (double)weight * (double)of->price * (double)of->price;
    }
}

/* NaN where nothing is known of the set or of the product. */
static float share_of(const struct taste *t, const struct tally *all, uint64_t hash)
{
    return hash && t->weight > 0 ? all[tally_place(all, hash)].weight / (float)t->weight : NAN;
}

/* When all are in. */
static void taste_finish(struct taste *t)
{
    double mean = t->priced > 0 ? t->price / t->priced : (double)NAN;
    double variance = t->priced > 0 ? t->price_sq / t->priced - mean * mean : 0;
    t->mean = (float)mean;
    t->deviation = (float)fmax(sqrt(fmax(variance, 0)), PRICE_DEVIATION_MIN);
}

static void taste_of_profile(const struct filling *g, struct taste *t)
{
    struct live_row row;
    for (size_t i = 0; i < g->profile->len && i < FEATURES_INTERESTS; i++) {
        struct traits of = traits_of(g, g->profile->items[i].product_no, &row);
        taste_add(t, &of, g->profile->items[i].weight);
    }
    taste_finish(t);
}

static void taste_of_context(const struct filling *g, struct taste *t)
{
    struct live_row row;
    for (size_t i = 0; i < g->request->context_len && i < FEATURES_INTERESTS; i++) {
        struct traits of = traits_of(g, g->request->context[i], &row);
        taste_add(t, &of, 1);
    }
    taste_finish(t);
}

/* --- filling --------------------------------------------------------------------------------- */

/* Whole ones: the order of a list is not to change from one second to the next. */
static float days_of(int64_t us)
{
    return us > 0 ? (float)(us / CLOCK_US_PER_DAY) : 0;
}

/* Of the hottest, to a 64th of itself: neither the hour nor in which order acts were added up changes it. */
static float heat_share(const struct filling *g, uint32_t product_no)
{
    float heat = live_heat(g->view->live, product_no, g->request->now_us);
    int exponent;
    float mantissa = g->hottest > 0 ? frexpf(heat / g->hottest, &exponent) : 0;
    return mantissa > 0 ? ldexpf(roundf(mantissa * 64) / 64, exponent) : 0;
}

static float heat_of_hottest(const struct view *view, int64_t now_us)
{
    const struct shelf *trending = &view->trending;
    return trending->len ? live_heat(view->live, trending->product_no[0], now_us) : 0;
}

/* --- columns --------------------------------------------------------------------------------- */

static float *column(const struct filling *g, uint32_t feature)
{
    return g->x + feature * g->n;
}

static void fill_same(const struct filling *g, uint32_t feature, float value)
{
    float *x = column(g, feature);
    for (size_t i = 0; i < g->n; i++)
        x[i] = value;
}

/* What is the same for all candidates of a request. */
static void fill_request(const struct filling *g)
{
    const struct profile *p = g->profile;
    double weight = 0, owned = 0;
    uint32_t newest_s = 0;
    for (size_t i = 0; i < p->len; i++) {
        weight += (double)p->items[i].weight;
        owned += profile_owns(&p->items[i]) ? (double)p->items[i].weight : 0;
        newest_s = p->items[i].time_s > newest_s ? p->items[i].time_s : newest_s;
    }
    fill_same(g, FEATURE_SHOPPER_PRODUCTS, (float)p->len);
    fill_same(g, FEATURE_SHOPPER_WEIGHT, (float)weight);
    fill_same(g, FEATURE_SHOPPER_OWNED, weight > 0 ? (float)(owned / weight) : NAN);
    fill_same(g, FEATURE_SHOPPER_IDLE,
              p->len ? days_of(g->request->now_us - (int64_t)newest_s * 1000000) : NAN);
    fill_same(g, FEATURE_CONTEXT_PRODUCTS, (float)g->request->context_len);
    fill_same(g, FEATURE_PLACEMENT, (float)g->request->placement);
}

static void fill_blend(const struct filling *g, const struct topk_item *candidates)
{
    float *score = column(g, FEATURE_BLEND_SCORE), *rank = column(g, FEATURE_BLEND_RANK);
    for (size_t i = 0; i < g->n; i++) {
        score[i] = candidates[i].score / candidates[0].score;
        rank[i] = (float)i;
    }
}

/* index [n] of the candidates in the table */
static void fill_sources(const struct filling *g, const uint32_t *index)
{
    float *voices = column(g, FEATURE_BLEND_VOICES);
    memset(g->x, 0, SOURCE_WEIGHTS * g->n * sizeof *g->x);
    fill_same(g, FEATURE_BLEND_VOICES, 0);
    for (uint32_t s = 0; s < g->c->sources_len; s++) {
        float *x = column(g, FEATURE_SOURCES + g->c->sources[s].kind);
        candidates_shares(g->c, s, index, g->n, x);
        for (size_t i = 0; i < g->n; i++)
            voices[i] += x[i] > 0 ? 1.0f : 0.0f;
    }
}

static void fill_item(const struct filling *g, size_t i, uint32_t product_no,
                      const struct traits *t, const struct live_row *live)
{
    uint32_t row = g->model ? recommend_model_row(g->model, product_no) : UINT32_MAX;
    int64_t list = live->list_price_minor;
    column(g, FEATURE_ITEM_POPULARITY)[i] = row != UINT32_MAX ? g->model->popularity[row] : NAN;
    column(g, FEATURE_ITEM_HEAT)[i] = heat_share(g, product_no);
    column(g, FEATURE_ITEM_AGE)[i] =
        t->s ? days_of(g->request->now_us - t->s->created_at[t->doc]) : NAN;
    column(g, FEATURE_ITEM_RATINGS)[i] = t->s ? (float)t->s->rating_count[t->doc] : NAN;
    column(g, FEATURE_ITEM_RATING)[i] =
        t->s && t->s->rating_count[t->doc] ? t->s->rating_mean[t->doc] : NAN;
    column(g, FEATURE_ITEM_PRICE)[i] = isnan(t->price) ? NAN : (float)live->price_minor;
    column(g, FEATURE_ITEM_DISCOUNT)[i] = !isnan(t->price) && list != STORE_NO_AMOUNT && list > 0
                                              ? 1 - (float)live->price_minor / (float)list
                                              : NAN;
}

static void fill_likeness(const struct filling *g, size_t i, const struct traits *t,
                          const struct taste *shopper, const struct taste *context)
{
    float habit = t->price - shopper->mean;
    column(g, FEATURE_PRICE_HABIT)[i] = habit;
    column(g, FEATURE_PRICE_UNUSUAL)[i] = habit / shopper->deviation;
    column(g, FEATURE_CATEGORY_INTEREST)[i] = share_of(shopper, shopper->category, t->category);
    column(g, FEATURE_DEPARTMENT_INTEREST)[i] =
        share_of(shopper, shopper->department, t->department);
    column(g, FEATURE_BRAND_INTEREST)[i] = share_of(shopper, shopper->brand, t->brand);
    column(g, FEATURE_CONTEXT_CATEGORY)[i] = share_of(context, context->category, t->category);
    column(g, FEATURE_CONTEXT_BRAND)[i] = share_of(context, context->brand, t->brand);
    column(g, FEATURE_CONTEXT_PRICE)[i] = t->price - context->mean;
}

enum err_code features_fill(const struct view *view, const struct recommend_request *request,
                            const struct profile *profile, const struct candidates *c,
                            const struct topk_item *candidates, size_t n, struct arena *arena,
                            struct features *out, struct err *err)
{
    struct filling g = {.view = view,
                        .request = request,
                        .profile = profile,
                        .c = c,
                        .model = view_model(view),
                        .hottest = heat_of_hottest(view, request->now_us),
                        .n = n,
                        .x = arena_try_alloc(arena, FEATURES * n * sizeof *g.x)};
    struct live_row live;
    struct taste *tastes = arena_try_alloc(arena, 2 * sizeof *tastes);
    uint32_t *index = arena_try_alloc(arena, n * sizeof *index);
    if (!tastes || !index || !g.x)
        return err_set(err, ERR_LIMIT, "the features of %zu candidates do not fit", n);
    *out = (struct features){n, g.x};
    memset(tastes, 0, 2 * sizeof *tastes);
    find_facets(&g);
    taste_of_profile(&g, &tastes[0]);
    taste_of_context(&g, &tastes[1]);
    fill_request(&g);
    fill_blend(&g, candidates);
    for (size_t i = 0; i < n; i++) {
        struct traits t = traits_of(&g, candidates[i].id, &live);
        index[i] = candidates_find(c, candidates[i].id);
        fill_item(&g, i, candidates[i].id, &t, &live);
        fill_likeness(&g, i, &t, &tastes[0], &tastes[1]);
    }
    fill_sources(&g, index);
    return ERR_OK;
}
