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
};

static struct tally *tally_of(struct tally *all, uint64_t hash)
{
    uint64_t at = hash % TALLY_SLOTS;
    while (all[at].hash && all[at].hash != hash)
        at = (at + 1) % TALLY_SLOTS;
    return &all[at];
}

static void tally_add(struct tally *all, uint64_t hash, float weight)
{
    if (!hash)
        return;
    struct tally *t = tally_of(all, hash);
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
static float share_of(const struct taste *t, struct tally *all, uint64_t hash)
{
    return hash && t->weight > 0 ? tally_of(all, hash)->weight / (float)t->weight : NAN;
}

static double mean_price(const struct taste *t)
{
    return t->priced > 0 ? t->price / t->priced : (double)NAN;
}

static double price_deviation(const struct taste *t)
{
    double mean = mean_price(t);
    double variance = t->priced > 0 ? t->price_sq / t->priced - mean * mean : 0;
    return fmax(sqrt(fmax(variance, 0)), PRICE_DEVIATION_MIN);
}

static void taste_of_profile(const struct filling *g, struct taste *t)
{
    struct live_row row;
    for (size_t i = 0; i < g->profile->len && i < FEATURES_INTERESTS; i++) {
        struct traits of = traits_of(g, g->profile->items[i].product_no, &row);
        taste_add(t, &of, g->profile->items[i].weight);
    }
}

static void taste_of_context(const struct filling *g, struct taste *t)
{
    struct live_row row;
    for (size_t i = 0; i < g->request->context_len && i < FEATURES_INTERESTS; i++) {
        struct traits of = traits_of(g, g->request->context[i], &row);
        taste_add(t, &of, 1);
    }
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
    const struct shelf *trending = &g->view->trending;
    float heat = live_heat(g->view->live, product_no, g->request->now_us);
    float most =
        trending->len ? live_heat(g->view->live, trending->product_no[0], g->request->now_us) : 0;
    int exponent;
    float mantissa = most > 0 ? frexpf(heat / most, &exponent) : 0;
    return mantissa > 0 ? ldexpf(roundf(mantissa * 64) / 64, exponent) : 0;
}

/* What is the same for all candidates of a request. */
static void fill_request(const struct filling *g, float *common)
{
    const struct profile *p = g->profile;
    double weight = 0, owned = 0;
    uint32_t newest_s = 0;
    for (size_t i = 0; i < p->len; i++) {
        weight += (double)p->items[i].weight;
        owned += profile_owns(&p->items[i]) ? (double)p->items[i].weight : 0;
        newest_s = p->items[i].time_s > newest_s ? p->items[i].time_s : newest_s;
    }
    common[FEATURE_SHOPPER_PRODUCTS] = (float)p->len;
    common[FEATURE_SHOPPER_WEIGHT] = (float)weight;
    common[FEATURE_SHOPPER_OWNED] = weight > 0 ? (float)(owned / weight) : NAN;
    common[FEATURE_SHOPPER_IDLE] =
        p->len ? days_of(g->request->now_us - (int64_t)newest_s * 1000000) : NAN;
    common[FEATURE_CONTEXT_PRODUCTS] = (float)g->request->context_len;
    common[FEATURE_PLACEMENT] = (float)g->request->placement;
}

static void fill_sources(const struct filling *g, uint32_t product_no, float *x)
{
    uint32_t index = candidates_find(g->c, product_no), voices = 0;
    for (uint32_t f = 0; f < SOURCE_WEIGHTS; f++)
        x[FEATURE_SOURCES + f] = 0;
    for (uint32_t i = 0; i < g->c->sources_len; i++) {
        float share = candidates_share(g->c, i, index);
        x[FEATURE_SOURCES + g->c->sources[i].kind] = share;
        voices += share > 0;
    }
    x[FEATURE_BLEND_VOICES] = (float)voices;
}

static void fill_item(const struct filling *g, uint32_t product_no, const struct traits *t,
                      const struct live_row *live, float *x)
{
    uint32_t row = g->model ? recommend_model_row(g->model, product_no) : UINT32_MAX;
    int64_t list = live->list_price_minor;
    x[FEATURE_ITEM_POPULARITY] = row != UINT32_MAX ? g->model->popularity[row] : NAN;
    x[FEATURE_ITEM_HEAT] = heat_share(g, product_no);
    x[FEATURE_ITEM_AGE] = t->s ? days_of(g->request->now_us - t->s->created_at[t->doc]) : NAN;
    x[FEATURE_ITEM_RATINGS] = t->s ? (float)t->s->rating_count[t->doc] : NAN;
    x[FEATURE_ITEM_RATING] = t->s && t->s->rating_count[t->doc] ? t->s->rating_mean[t->doc] : NAN;
    x[FEATURE_ITEM_PRICE] = isnan(t->price) ? NAN : (float)live->price_minor;
    x[FEATURE_ITEM_DISCOUNT] = !isnan(t->price) && list != STORE_NO_AMOUNT && list > 0
                                   ? 1 - (float)live->price_minor / (float)list
                                   : NAN;
}

static void fill_likeness(const struct traits *t, struct taste *shopper, struct taste *context,
                          float *x)
{
    float habit = t->price - (float)mean_price(shopper);
    x[FEATURE_PRICE_HABIT] = habit;
    x[FEATURE_PRICE_UNUSUAL] = habit / (float)price_deviation(shopper);
    x[FEATURE_CATEGORY_INTEREST] = share_of(shopper, shopper->category, t->category);
    x[FEATURE_DEPARTMENT_INTEREST] = share_of(shopper, shopper->department, t->department);
    x[FEATURE_BRAND_INTEREST] = share_of(shopper, shopper->brand, t->brand);
    x[FEATURE_CONTEXT_CATEGORY] = share_of(context, context->category, t->category);
    x[FEATURE_CONTEXT_BRAND] = share_of(context, context->brand, t->brand);
    x[FEATURE_CONTEXT_PRICE] = t->price - (float)mean_price(context);
}

enum err_code features_fill(const struct view *view, const struct recommend_request *request,
                            const struct profile *profile, const struct candidates *c,
                            const struct topk_item *candidates, size_t n, struct arena *arena,
                            struct features *out, struct err *err)
{
    struct filling g = {view, request, profile, c, view_model(view), {0}, {0}};
    float row[FEATURES];
    struct live_row live;
    struct taste *tastes = arena_try_alloc(arena, 2 * sizeof *tastes);
    *out = (struct features){n, arena_try_alloc(arena, FEATURES * n * sizeof *out->x)};
    if (!tastes || !out->x)
        return err_set(err, ERR_LIMIT, "the features of %zu candidates do not fit", n);
    memset(tastes, 0, 2 * sizeof *tastes);
    find_facets(&g);
    taste_of_profile(&g, &tastes[0]);
    taste_of_context(&g, &tastes[1]);
    fill_request(&g, row);
    for (size_t i = 0; i < n; i++) {
        struct traits t = traits_of(&g, candidates[i].id, &live);
        row[FEATURE_BLEND_SCORE] = candidates[i].score / candidates[0].score;
        row[FEATURE_BLEND_RANK] = (float)i;
        fill_sources(&g, candidates[i].id, row);
        fill_item(&g, candidates[i].id, &t, &live, row);
        fill_likeness(&t, &tastes[0], &tastes[1], row);
        for (size_t f = 0; f < FEATURES; f++)
            out->x[f * n + i] = row[f];
    }
    return ERR_OK;
}
