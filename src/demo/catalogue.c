#include "demo/catalogue_int.h"

#include <math.h>

#include "base/check.h"
#include "base/mem.h"
#include "num/sample.h"

int demo_catalogue_type(const struct catalogue *c, struct str noun)
{
    for (int t = 0; t < c->types_len; t++)
        if (str_is(noun, c->types[t].row->noun[EN]))
            return t;
    return -1;
}

static void link_complements(struct catalogue *c, struct type_info *info)
{
    if (!info->row->with)
        return;
    int n = list_len(info->row->with);
    CHECK(n <= WITH_MAX);
    for (int i = 0; i < n; i++) {
        int t = demo_catalogue_type(c, list_at(info->row->with, i));
        CHECK(t >= 0); /* a slip in the tables */
        info->with[info->with_len++] = (uint16_t)t;
    }
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool size_in_group(const struct product_type *row)
{
    return row->vary == VARY_COLOUR && row->size_key && !(row->flags & TYPE_SIZES);
}

static void count_combos(const struct catalogue *c, struct type_info *info)
{
    const struct product_type *row = info->row;
    info->combos = (uint32_t)(list_len(info->dept->brands[EN]) * list_len(row->features[EN]));
    if (size_in_group(row))
        info->combos *= (uint32_t)list_len(row->sizes[EN]);
    info->step = info->combos / 2 + 1;
    while (gcd(info->step, info->combos) != 1)
        info->step++;
    info->offset = (uint32_t)(info - c->types) * 2654435761u % info->combos;
}

static void flatten_types(struct catalogue *c)
{
    for (int d = 0; d < DEPARTMENTS; d++) {
        const struct department *dept = department_at(d);
        c->dept_first[d] = (uint16_t)c->types_len;
        for (int i = 0; i < dept->types_len; i++) {
            CHECK(c->types_len < TYPES_MAX);
            struct type_info *info = &c->types[c->types_len++];
            info->row = &dept->types[i];
            info->dept = dept;
            info->dept_no = (uint8_t)d;
            count_combos(c, info);
        }
    }
    c->dept_first[DEPARTMENTS] = (uint16_t)c->types_len;
    for (int t = 0; t < c->types_len; t++)
        link_complements(c, &c->types[t]);
}

/* A random direction of length 1. */
static void draw_direction(struct rng *r, float out[TASTES])
{
    double v[TASTES], norm = 0;
    for (int i = 0; i < TASTES; i++) {
        v[i] = rng_normal(r);
        norm += v[i] * v[i];
    }
    norm = sqrt(norm);
    for (int i = 0; i < TASTES; i++)
        out[i] = (float)(v[i] / norm);
}

/* Archetypes, type directions, and the order in which the types take turns. */
static void draw_space(struct catalogue *c, uint16_t turns[TYPES_MAX])
{
    struct rng r;
    rng_init_stream(&r, c->seed, STREAM_CATALOGUE);
    for (int k = 0; k < STYLES; k++)
        draw_direction(&r, c->archetype[k]);
    for (int t = 0; t < c->types_len; t++)
        draw_direction(&r, c->types[t].taste);
    for (int t = 0; t < c->types_len; t++)
        turns[t] = (uint16_t)t;
    for (int t = c->types_len - 1; t > 0; t--) {
        int other = (int)rng_below(&r, (uint64_t)t + 1);
        uint16_t kept = turns[t];
        turns[t] = turns[other];
        turns[other] = kept;
    }
}

/* Prices end as shops like them to: 12.90, 59, 199, 1299. */
static int32_t pretty_price(double yuan)
{
    if (yuan < 20)
        return (int32_t)lround(floor(yuan) * 100) + 90;
    if (yuan < 50)
        return (int32_t)lround(yuan) * 100;
    if (yuan < 1000)
        return ((int32_t)lround(yuan / 10) * 10 - 1) * 100;
    return ((int32_t)lround(yuan / 100) * 100 - 1) * 100;
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* What the variants of a group have in common. */
struct group {
    struct item base;
    double price_z, appeal;
    bool reduced;
    double reduction;
    int variants;
    int first; /* place of the first variant in its list */
};

/* -1 for the cheapest brand of a department, 1 for the dearest. */
static double brand_tier(const struct type_info *info, int brand)
{
    int n = list_len(info->dept->brands[EN]);
    return 2.0 * ((brand * 5 + info->dept_no) % n) / (n - 1) - 1;
}

static double centred(int i, int n)
{
    return n > 1 ? 2.0 * i / (n - 1) - 1 : 0;
}

static void draw_group(const struct catalogue *c, uint32_t g, uint16_t type, uint32_t ordinal,
                       struct group *out)
{
    const struct type_info *info = &c->types[type];
    struct rng r;
    rng_init_stream(&r, c->seed, STREAM_GROUP + g);
    *out = (struct group){.base = {.type = type, .ordinal = ordinal}};
    struct item *it = &out->base;
    int brands = list_len(info->dept->brands[EN]), features = list_len(info->row->features[EN]);
    uint32_t combo = (uint32_t)(((uint64_t)ordinal * info->step + info->offset) % info->combos);
    it->brand = (uint8_t)(combo % (uint32_t)brands);
    it->feature = (uint8_t)(combo / (uint32_t)brands % (uint32_t)features);
    it->size = (uint8_t)(combo / (uint32_t)(brands * features));
    it->twist = (uint8_t)rng_below(&r, 256);
    /* A brand has a style of its own and mostly keeps to it. */
    int house_style = (it->brand * 7 + info->dept_no * 3) % STYLES;
    it->style = (uint8_t)(rng_unit(&r) < .6 ? house_style : (int)rng_below(&r, STYLES));
    for (int i = 0; i < TASTES; i++)
        it->taste[i] = (int8_t)clamp(
            32 * (.85 * (double)c->archetype[it->style][i] + .22 * rng_normal(&r)), -127, 127);
    out->appeal = 1.2 * rng_normal(&r);
    it->trend = rng_unit(&r) < .25 ? (float)(1.6 * rng_normal(&r)) : 0;
    out->price_z = .45 * brand_tier(info, it->brand) + .12 * centred(it->feature, features) +
                   .22 * rng_normal(&r);
    out->reduced = rng_unit(&r) < .2;
    out->reduction = .1 + .3 * rng_unit(&r);
    it->created_s = (int32_t)(86400 * (3 + (CATALOGUE_DAYS - 4) * rng_unit(&r)));
    const struct product_type *row = info->row;
    int choices = list_len(row->vary == VARY_COLOUR ? row->colours : row->sizes[EN]);
    int most = choices < 4 ? choices : 4;
    out->variants = 1 + (int)rng_below(&r, (uint64_t)most);
    out->first = row->vary == VARY_COLOUR ? (int)rng_below(&r, (uint64_t)choices) : 0;
    if (row->vary == VARY_SIZE) /* one thing keeps its colour */
        it->colour = (uint8_t)colour_find(
            list_at(row->colours, (it->feature + it->brand + (int)(ordinal / info->combos)) %
                                      list_len(row->colours)));
}

static struct item draw_variant(const struct catalogue *c, uint32_t g, const struct group *group,
                                int v)
{
    struct item it = group->base;
    const struct product_type *row = c->types[it.type].row;
    struct rng r;
    rng_init_stream(&r, c->seed, STREAM_GROUP + ((uint64_t)(v + 1) << 32) + g);
    it.variant = (uint8_t)v;
    double z = group->price_z;
    if (row->vary == VARY_COLOUR) {
        int n = list_len(row->colours);
        it.colour = (uint8_t)colour_find(list_at(row->colours, (group->first + v) % n));
    } else {
        it.size = (uint8_t)v;
    }
    if (row->size_key && !(row->flags & TYPE_SIZES))
        z += .4 * centred(it.size, list_len(row->sizes[EN]));
    it.price_z = (float)clamp(z, -1, 1);
    double middle = sqrt((double)row->low * row->high),
           half = log((double)row->high / row->low) / 2;
    it.price_minor = pretty_price(middle * exp(half * (double)it.price_z));
    if (group->reduced)
        it.list_minor = pretty_price(it.price_minor / 100.0 / (1 - group->reduction));
    if (it.list_minor <= it.price_minor)
        it.list_minor = 0;
    it.appeal = (float)(group->appeal + .35 * rng_normal(&r));
    it.stock = rng_unit(&r) < .05 ? 0 : (int32_t)(4 + 60 * rng_exponential(&r));
    return it;
}

static void draw_items(struct catalogue *c)
{
    uint16_t turns[TYPES_MAX];
    draw_space(c, turns);
    uint32_t made = 0;
    for (uint32_t g = 0; made < c->items_len; g++) {
        struct group group;
        draw_group(c, g, turns[g % (uint32_t)c->types_len], g / (uint32_t)c->types_len, &group);
        for (int v = 0; v < group.variants && made < c->items_len; v++)
            c->items[made++] = draw_variant(c, g, &group, v);
    }
}

static void build_buckets(struct catalogue *c, double *weights)
{
    for (uint32_t i = 0; i < c->items_len; i++)
        c->buckets[c->items[i].type][c->items[i].style].len++;
    uint32_t at = 0;
    for (int t = 0; t < c->types_len; t++) {
        for (int k = 0; k < STYLES; k++) {
            struct bucket *b = &c->buckets[t][k];
            b->first = at;
            at += b->len;
            b->len = 0;
        }
    }
    for (uint32_t i = 0; i < c->items_len; i++) {
        struct bucket *b = &c->buckets[c->items[i].type][c->items[i].style];
        double weight = exp((double)c->items[i].appeal);
        weights[b->first + b->len] = weight;
        c->picks[b->first + b->len++] = i;
        b->weight += weight;
    }
    for (int t = 0; t < c->types_len; t++) {
        for (int k = 0; k < STYLES; k++) {
            const struct bucket *b = &c->buckets[t][k];
            if (b->len)
                sample_alias_build(weights + b->first, b->len, c->keep + b->first,
                                   c->other + b->first);
        }
    }
}

enum err_code demo_catalogue_open(struct catalogue *c, uint64_t seed, uint32_t products,
                                  int64_t now_us, struct err *err)
{
    *c = (struct catalogue){.seed = seed, .now_us = now_us, .items_len = products};
    c->items = mem_try_new(products, sizeof *c->items);
    c->picks = mem_try_new(products, sizeof *c->picks);
    c->keep = mem_try_new(products, sizeof *c->keep);
    c->other = mem_try_new(products, sizeof *c->other);
    double *weights = mem_try_new(products, sizeof *weights);
    if (!c->items || !c->picks || !c->keep || !c->other || !weights) {
        mem_free(weights);
        demo_catalogue_release(c);
        return err_set(err, ERR_MEMORY, "no memory for %u products", products);
    }
    flatten_types(c);
    draw_items(c);
    build_buckets(c, weights);
    mem_free(weights);
    return ERR_OK;
}

void demo_catalogue_release(struct catalogue *c)
{
    mem_free(c->items);
    mem_free(c->picks);
    mem_free(c->keep);
    mem_free(c->other);
    *c = (struct catalogue){0};
}

uint32_t demo_catalogue_draw(const struct catalogue *c, const struct bucket *b, struct rng *r)
{
    const float *keep = c->keep + b->first;
    return c->picks[b->first + sample_alias_draw(keep, c->other + b->first, b->len, r)];
}
