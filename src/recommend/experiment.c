#include "recommend/experiment.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/check.h"

static const char *const metric_names[EXPERIMENT_METRICS] = {
    [METRIC_CTR] = "ctr", [METRIC_CONVERSION] = "conversion", [METRIC_REVENUE] = "revenue"};

const char *experiment_metric_name(enum experiment_metric m)
{
    CHECK((unsigned)m < EXPERIMENT_METRICS);
    return metric_names[m];
}

size_t experiment_variant_of(const struct experiment *e, struct str name)
{
    size_t i = 0;
    while (i < e->variants_len && !str_eq(e->variants[i].name, name))
        i++;
    return i;
}

uint32_t experiment_buckets(const struct experiment *e)
{
    uint32_t n = (uint32_t)(e->share * EXPERIMENT_BUCKETS + 0.5);
    return n > 0 ? n : 1;
}

/* --- beside others --------------------------------------------------------------------------- */

static bool same_layer(const struct experiment_entry *a, const struct experiment_entry *b)
{
    return str_eq(a->e.layer, b->e.layer);
}

static bool is_other_running(const struct experiment_entry *entry,
                             const struct experiment_entry *other)
{
    return other->record.state == EXPERIMENT_RUNNING && other->record.no != entry->record.no;
}

/* Does any variant override that weight of the placement? i PLACEMENT_WEIGHTS: does it explore? */
static bool overrides(const struct experiment *e, enum placement p, size_t i)
{
    for (size_t v = 0; v < e->variants_len; v++) {
        const struct experiment_variant *variant = &e->variants[v];
        if (i == PLACEMENT_WEIGHTS ? variant->explore >= 0
                                   : placement_weight_said(&variant->weights.of[p], i))
            return true;
    }
    return false;
}

static bool overrides_model(const struct experiment *e)
{
    for (size_t v = 0; v < e->variants_len; v++)
        if (e->variants[v].model.n)
            return true;
    return false;
}

bool experiment_names_rule(const struct experiment *e, struct str id)
{
    for (size_t v = 0; v < e->variants_len; v++)
        for (size_t i = 0; i < e->variants[v].rules.len; i++)
            if (str_eq(e->variants[v].rules.ids[i], id))
                return true;
    return false;
}

static bool share_a_rule(const struct experiment *a, const struct experiment *b)
{
    for (size_t v = 0; v < a->variants_len; v++)
        for (size_t i = 0; i < a->variants[v].rules.len; i++)
            if (experiment_names_rule(b, a->variants[v].rules.ids[i]))
                return true;
    return false;
}

static bool override_the_same(const struct experiment *a, const struct experiment *b,
                              enum placement p)
{
    for (size_t i = 0; i <= PLACEMENT_WEIGHTS; i++)
        if (overrides(a, p, i) && overrides(b, p, i))
            return true;
    return (overrides_model(a) && overrides_model(b)) || share_a_rule(a, b);
}

static enum err_code check_overrides(const struct experiment_entry *a,
                                     const struct experiment_entry *b, struct err *err)
{
    for (int p = 0; p < PLACEMENTS; p++) {
        bool both = a->e.placements >> p & 1 && b->e.placements >> p & 1;
        if (both && override_the_same(&a->e, &b->e, (enum placement)p))
            return err_set(err, ERR_CONFLICT,
                           "experiment '%.*s' of layer '%.*s' overrides the same in placement "
                           "%s: put both into one layer",
                           STR_ARG(b->record.id), STR_ARG(b->e.layer),
                           placement_name((enum placement)p));
    }
    return ERR_OK;
}

/* How many other layers run in a placement? */
static size_t layers_beside(const struct experiment_entry *entry,
                            const struct experiment_entry *others, size_t n, int placement)
{
    size_t layers = 0;
    for (size_t i = 0; i < n; i++) {
        const struct experiment_entry *o = &others[i];
        bool counts =
            is_other_running(entry, o) && o->e.placements >> placement & 1 && !same_layer(entry, o);
        for (size_t j = 0; j < i && counts; j++)
            counts = !(is_other_running(entry, &others[j]) && same_layer(o, &others[j]) &&
                       others[j].e.placements >> placement & 1);
        layers += counts;
    }
    return layers;
}

/* The first range of the layer that is wide enough. */
static enum err_code find_room(const struct experiment_entry *entry,
                               const struct experiment_entry *others, size_t n, uint32_t *first,
                               struct err *err)
{
    uint32_t wanted = experiment_buckets(&entry->e), at = 0;
    for (bool moved = true; moved;) { /* past every range that it would touch */
        moved = false;
        for (size_t i = 0; i < n; i++) {
            const struct experiment_entry *o = &others[i];
            if (!is_other_running(entry, o) || !same_layer(entry, o))
                continue;
            uint32_t begin = o->record.first_bucket, end = begin + experiment_buckets(&o->e);
            if (at < end && begin < at + wanted) {
                at = end;
                moved = true;
            }
        }
    }
    if (at + wanted > EXPERIMENT_BUCKETS)
        return err_set(err, ERR_CONFLICT, "layer '%.*s' has no room for a share of %g",
                       STR_ARG(entry->e.layer), entry->e.share);
    *first = at;
    return ERR_OK;
}

enum err_code experiment_place(const struct experiment_entry *entry,
                               const struct experiment_entry *others, size_t n,
                               uint32_t *first_bucket, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        if (is_other_running(entry, &others[i]) && !same_layer(entry, &others[i]))
            code = check_overrides(entry, &others[i], err);
    for (int p = 0; p < PLACEMENTS && code == ERR_OK; p++)
        if (entry->e.placements >> p & 1 &&
            layers_beside(entry, others, n, p) >= EXPERIMENT_LAYERS_MAX)
            code = err_set(err, ERR_CONFLICT, "%d layers run in placement %s already",
                           EXPERIMENT_LAYERS_MAX, placement_name((enum placement)p));
    return code == ERR_OK ? find_room(entry, others, n, first_bucket, err) : code;
}

/* --- who gets what --------------------------------------------------------------------------- */

/* Of "what|name|kind|id": parts cannot run into each other, as ids hold no control characters. */
static uint64_t hash_of(const char *what, struct str name, enum user_kind kind, struct str id)
{
    char text[2 * STORE_ID_MAX + 32];
    int n = snprintf(text, sizeof text, "%s\1%.*s\1%d\1%.*s", what, STR_ARG(name), (int)kind,
                     STR_ARG(id));
    return XXH3_64bits(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

size_t experiment_assign(const struct experiment_entry *entry, enum user_kind kind, struct str id)
{
    const struct experiment *e = &entry->e;
    uint64_t total = 0, drawn;
    uint32_t bucket = (uint32_t)(hash_of("layer", e->layer, kind, id) % EXPERIMENT_BUCKETS);
    uint32_t begin = entry->record.first_bucket;
    if (id.n == 0 || bucket < begin || bucket >= begin + experiment_buckets(e))
        return e->variants_len;
    for (size_t i = 0; i < e->variants_len; i++)
        total += e->variants[i].weight;
    drawn = hash_of("salt", entry->record.salt, kind, id) % total;
    size_t i = 0;
    for (; drawn >= e->variants[i].weight; i++)
        drawn -= e->variants[i].weight;
    return i;
}

static void override(const struct experiment_variant *v, enum placement placement,
                     struct experiment_settings *out)
{
    placement_weights_override(&out->weights.of[placement], &v->weights.of[placement]);
    if (v->explore >= 0)
        out->explore = v->explore;
    if (v->model.n)
        out->model = v->model;
    if (v->rules.len && out->rules_len < sizeof out->rules / sizeof *out->rules)
        out->rules[out->rules_len++] = v->rules;
}

/* The decision that was made first after the moment, of those that speak of the placement. */
static const struct experiment_entry *next_decision(const struct experiment_entry *entries,
                                                    size_t n, enum placement placement,
                                                    const struct experiment_entry *last)
{
    const struct experiment_entry *next = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct experiment_entry *e = &entries[i];
        int64_t at = e->record.decided_at;
        bool after = !last || at > last->record.decided_at ||
                     (at == last->record.decided_at && e->record.no > last->record.no);
        bool before = !next || at < next->record.decided_at;
        if (e->record.state == EXPERIMENT_DECIDED && e->e.placements >> placement & 1 && after &&
            before)
            next = e;
    }
    return next;
}

void experiments_apply(const struct recommend_weights *shop, const struct experiment_entry *entries,
                       size_t n, enum placement placement, enum user_kind kind, struct str id,
                       struct experiment_settings *out)
{
    *out = (struct experiment_settings){.weights = *shop};
    const struct experiment_entry *decided = NULL;
    while ((decided = next_decision(entries, n, placement, decided))) {
        size_t variant = experiment_variant_of(&decided->e, decided->record.decision);
        if (variant < decided->e.variants_len)
            override(&decided->e.variants[variant], placement, out);
    }
    for (size_t i = 0; i < n && out->parts_len < EXPERIMENT_LAYERS_MAX; i++) {
        const struct experiment_entry *e = &entries[i];
        if (e->record.state != EXPERIMENT_RUNNING || !(e->e.placements >> placement & 1))
            continue;
        size_t variant = experiment_assign(e, kind, id);
        if (variant == e->e.variants_len)
            continue;
        override(&e->e.variants[variant], placement, out);
        out->parts[out->parts_len++] = (struct experiment_part){e->record.no, variant};
    }
}
