/* choice.c - what a shopper came for, what he considers, and what it is worth to him.
 *
 * Source: the multinomial logit over a consideration set (McFadden 1974; Hauser and Wernerfelt 1990).
 *         docs/demo-shop.md explains each term. */
#include "demo/visit_int.h"

#include <math.h>

#include "base/check.h"

/* Weights of the utility. */
static const double w_taste = 1.7;
static const double w_appeal = .35;
static const double w_colour = .5;
static const double w_reduction = 1.5;
static const double w_new = .4;
static const double w_match = .9; /* goes with the anchor: the same archetype */

/* Chances of a visit's reason, where it applies. */
static const double p_again = .5;
static const double p_complement = .2;
static const double p_gift_in_season = .22;

enum { AGAIN_AFTER_S = 20 * 86400, COMPLEMENT_WITHIN_S = 30 * 86400 };

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < TASTES; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Index drawn by weight from weights[n] > 0. */
static int draw_weighted(struct rng *r, const double *weights, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += weights[i];
    double target = rng_unit(r) * sum;
    int i = 0;
    while (i < n - 1 && (target -= weights[i]) >= 0)
        i++;
    return i;
}

/* A type of a department: season, liking, and gifts alone where asked for. avoid may be -1. */
static int draw_type(struct visit *v, int dept, bool gift, int avoid)
{
    const struct catalogue *c = &v->world->catalogue;
    int first = c->dept_first[dept], n = c->dept_first[dept + 1] - first;
    double weights[TYPES_MAX];
    for (int i = 0; i < n; i++) {
        const struct type_info *t = &c->types[first + i];
        double liking = gift ? 0 : 1.6 * dot(v->shopper->taste, t->taste);
        weights[i] = exp(liking) * season_factor(t->row->season, v->month);
        if (first + i == avoid || (gift && !(t->row->flags & TYPE_GIFT)))
            weights[i] *= .05;
    }
    return first + draw_weighted(&v->rng, weights, n);
}

/* How much a department is in season, over its types. */
static double department_season(const struct catalogue *c, int dept, int month)
{
    double sum = 0;
    for (int t = c->dept_first[dept]; t < c->dept_first[dept + 1]; t++)
        sum += season_factor(c->types[t].row->season, month);
    return sum / (c->dept_first[dept + 1] - c->dept_first[dept]);
}

static int draw_department(struct visit *v, bool gift)
{
    const struct shopper *s = v->shopper;
    double weights[DEPARTMENTS], left = 255;
    for (int i = 0; i < FAVOURITES; i++)
        left -= s->share[i];
    for (int d = 0; d < DEPARTMENTS; d++)
        weights[d] = department_at(d)->share * (gift ? 255 : left);
    for (int i = 0; i < FAVOURITES && !gift; i++)
        weights[s->dept[i]] += s->share[i];
    for (int d = 0; d < DEPARTMENTS; d++)
        weights[d] *= department_season(&v->world->catalogue, d, v->month);
    return draw_weighted(&v->rng, weights, DEPARTMENTS);
}

static const struct type_info *type_of_item(const struct visit *v, uint32_t item)
{
    const struct catalogue *c = &v->world->catalogue;
    return &c->types[c->items[item].type];
}

/* A remembered purchase that gives a reason to come back, or NO_ITEM. */
static uint32_t used_up(const struct visit *v)
{
    const struct shopper *s = v->shopper;
    for (int i = 0; i < s->bought_len; i++) {
        bool consumable = type_of_item(v, s->bought[i].item)->row->flags & TYPE_CONSUMABLE;
        if (consumable && v->start_s - s->bought[i].at_s >= AGAIN_AFTER_S)
            return s->bought[i].item;
    }
    return NO_ITEM;
}

static uint32_t to_complete(const struct visit *v)
{
    const struct shopper *s = v->shopper;
    for (int i = 0; i < s->bought_len; i++)
        if (v->start_s - s->bought[i].at_s <= COMPLEMENT_WITHIN_S &&
            type_of_item(v, s->bought[i].item)->with_len > 0)
            return s->bought[i].item;
    return NO_ITEM;
}

enum reason visit_reason(struct visit *v, int *type, uint32_t *anchor)
{
    struct rng *r = &v->rng;
    *anchor = used_up(v);
    if (*anchor != NO_ITEM && rng_unit(r) < p_again) {
        *type = v->world->catalogue.items[*anchor].type;
        return REASON_AGAIN;
    }
    *anchor = to_complete(v);
    if (*anchor != NO_ITEM && rng_unit(r) < p_complement) {
        const struct type_info *t = type_of_item(v, *anchor);
        *type = t->with[rng_below(r, (uint64_t)t->with_len)];
        return REASON_COMPLEMENT;
    }
    *anchor = NO_ITEM;
    bool giving = v->month >= 10 || v->month == 0;
    if (giving && rng_unit(r) < p_gift_in_season) {
        *type = draw_type(v, draw_department(v, true), true, -1);
        return REASON_GIFT;
    }
    *type = draw_type(v, draw_department(v, false), false, -1);
    return REASON_INTEREST;
}

int visit_neighbour_type(struct visit *v, int type)
{
    return draw_type(v, v->world->catalogue.types[type].dept_no, false, type);
}

static double years_ago(const struct visit *v)
{
    return (double)(86400LL * HISTORY_DAYS - v->start_s) / (365.0 * 86400);
}

/* Popularity at the time of the visit: what rises now was unknown a year ago. */
static double appeal_now(const struct visit *v, const struct item *it)
{
    return (double)it->appeal + (double)it->trend * (.5 - years_ago(v));
}

static double age_days(const struct visit *v, const struct item *it)
{
    return (double)(it->created_s - (86400LL * HISTORY_DAYS - v->start_s)) / 86400;
}

double visit_utility(const struct visit *v, uint32_t item, uint32_t anchor)
{
    const struct catalogue *c = &v->world->catalogue;
    const struct shopper *s = v->shopper;
    const struct item *it = &c->items[item];
    double taste = 0;
    for (int i = 0; i < TASTES; i++)
        taste += (double)s->taste[i] * it->taste[i] / 32;
    double off = (double)it->price_z - (double)s->budget;
    double u = w_taste * taste + w_appeal * appeal_now(v, it) - (double)s->thrift * off * off;
    const struct type_info *t = &c->types[it->type];
    if (s->loyalty > 0 &&
        shopper_prefers_brand(v->who, t->dept_no, it->brand, list_len(t->dept->brands[EN])))
        u += (double)s->loyalty;
    if (it->colour == s->colour && t->row->vary == VARY_COLOUR)
        u += w_colour;
    if (it->list_minor)
        u += w_reduction * (double)s->thrift * (1 - (double)it->price_minor / it->list_minor);
    u += w_new * exp(-age_days(v, it) / 30);
    if (anchor != NO_ITEM && c->items[anchor].style == it->style)
        u += w_match;
    return u;
}

/* Which archetype's shelf he looks at: those with more on them and those he likes. */
static const struct bucket *draw_shelf(struct visit *v, int type, uint32_t anchor, bool by_taste)
{
    const struct catalogue *c = &v->world->catalogue;
    double weights[STYLES], sum = 0;
    for (int k = 0; k < STYLES; k++) {
        double liking = by_taste ? 1.2 * dot(v->shopper->taste, c->archetype[k]) : 0;
        if (anchor != NO_ITEM && c->items[anchor].style == k)
            liking += w_match;
        weights[k] = c->buckets[type][k].weight * exp(liking);
        sum += weights[k];
    }
    return sum > 0 ? &c->buckets[type][draw_weighted(&v->rng, weights, STYLES)] : NULL;
}

static bool listed(const uint32_t *list, int n, uint32_t item)
{
    for (int i = 0; i < n; i++)
        if (list[i] == item)
            return true;
    return false;
}

/* The shop knows nothing of the shopper here: by popularity, with some luck. */
static void put_in_order(struct visit *v, uint32_t *list, int n)
{
    double score[LIST_MAX];
    for (int i = 0; i < n; i++) {
        uint32_t item = list[i];
        double s = appeal_now(v, &v->world->catalogue.items[item]) -
                   .6 * log(rng_exponential(&v->rng) + 1e-9);
        int j = i;
        for (; j > 0 && score[j - 1] < s; j--) {
            score[j] = score[j - 1];
            list[j] = list[j - 1];
        }
        score[j] = s;
        list[j] = item;
    }
}

int visit_consider(struct visit *v, int type, uint32_t anchor, bool narrow, int want,
                   uint32_t list[LIST_MAX])
{
    DCHECK(want <= LIST_MAX);
    const struct catalogue *c = &v->world->catalogue;
    int n = 0;
    for (int tries = 0; n < want && tries < 3 * want; tries++) {
        int from = narrow || rng_unit(&v->rng) < .7 ? type : visit_neighbour_type(v, type);
        const struct bucket *b = draw_shelf(v, from, anchor, rng_unit(&v->rng) < .7);
        if (!b)
            continue;
        uint32_t item = demo_catalogue_draw(c, b, &v->rng);
        if (age_days(v, &c->items[item]) > 0 && !listed(list, n, item))
            list[n++] = item;
    }
    put_in_order(v, list, n);
    return n;
}
