/* experiment_read.c - the definition of an experiment, read and checked. */
#include <stdio.h>

#include "base/json_reader.h"
#include "recommend/experiment.h"

enum { DESCRIPTION_MAX = 1000, WEIGHT_MAX = 1000, HORIZON_DAYS = 3 };

static const double usual_shoppers = 10000, usual_alpha = 0.05, explore_max = 0.5;

static bool read_metric(struct json_reader *r, enum experiment_metric *out)
{
    struct str name;
    char quoted[32];
    if (!jr_str(r, &name))
        return false;
    for (int i = 0; i < EXPERIMENT_METRICS; i++)
        if (str_is(name, experiment_metric_name((enum experiment_metric)i))) {
            *out = (enum experiment_metric)i;
            return true;
        }
    return jr_fail(r, ERR_INVALID, "metric: '%s': expected ctr, conversion or revenue",
                   err_quote(quoted, sizeof quoted, name.p, name.n));
}

static bool read_number(struct json_reader *r, const char *name, double above, double most,
                        double *out)
{
    return jr_double(r, out) &&
           ((*out > above && *out <= most) ||
            jr_fail(r, ERR_INVALID, "%s: expected above %g, at most %g", name, above, most));
}

static bool read_name(struct json_reader *r, const char *what, struct str *out)
{
    struct err why;
    return jr_str_max(r, EXPERIMENT_NAME_MAX, out) &&
           (store_id_check(what, *out, &why) == ERR_OK || jr_fail(r, ERR_INVALID, "%s", why.msg));
}

static bool read_placements(struct json_reader *r, uint32_t *out)
{
    struct str name;
    enum placement p;
    char quoted[32];
    if (!jr_arr(r))
        return false;
    while (jr_next(r) && jr_str(r, &name)) {
        if (!placement_of(name, &p))
            return jr_fail(r, ERR_INVALID, "placements: '%s' is not known",
                           err_quote(quoted, sizeof quoted, name.p, name.n));
        if (*out >> p & 1)
            return jr_fail(r, ERR_INVALID, "placements: %s comes twice", placement_name(p));
        *out |= (uint32_t)1 << p;
    }
    return !r->failed;
}

static bool read_currency(struct json_reader *r, currency_code *out)
{
    struct str name;
    return jr_str(r, &name) &&
           (currency_of(name, out) ||
            jr_fail(r, ERR_INVALID, "currency: expected one of ISO 4217, such as CNY"));
}

/* --- variants -------------------------------------------------------------------------------- */

/* {"home.factors": 0.5} */
static bool read_weights(struct json_reader *r, struct recommend_weights *out)
{
    char text[128];
    struct str name, value;
    struct err why;
    if (!jr_obj(r))
        return false;
    while (jr_key(r, &name)) {
        if (!jr_number(r, &value))
            return false;
        int n = snprintf(text, sizeof text, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
        if (n < 0 || (size_t)n >= sizeof text ||
            str_find(name, '=', 0) != SIZE_MAX) /* nothing that is named so */
            return jr_fail(r, ERR_INVALID, "weights: there is no such weight");
        if (recommend_weight_set(out, (struct str){text, (size_t)n}, &why) != ERR_OK)
            return jr_fail(r, ERR_INVALID, "weights: %s", why.msg);
    }
    return !r->failed;
}

/* One id; a mistake is told with its place in the list. */
static bool read_rule(struct json_reader *r, struct rule_names *rules, struct str *ids)
{
    struct err why;
    char what[16];
    struct str *id = &ids[rules->len];
    snprintf(what, sizeof what, "rules[%zu]", rules->len);
    if (rules->len == EXPERIMENT_RULES_MAX)
        return jr_fail(r, ERR_LIMIT, "rules: more than %d", EXPERIMENT_RULES_MAX);
    if (!jr_str_max(r, STORE_ID_MAX, id))
        return false;
    if (store_id_check(what, *id, &why) != ERR_OK)
        return jr_fail(r, ERR_INVALID, "%s", why.msg);
    for (size_t i = 0; i < rules->len; i++)
        if (str_eq(ids[i], *id))
            return jr_fail(r, ERR_INVALID, "rules: '%.*s' comes twice", STR_ARG(*id));
    rules->len++;
    return true;
}

static bool read_rules(struct json_reader *r, struct arena *arena, struct rule_names *rules)
{
    struct str *ids = ARENA_NEW(arena, struct str, EXPERIMENT_RULES_MAX + 1);
    *rules = (struct rule_names){.ids = ids};
    if (!jr_arr(r))
        return false;
    while (jr_next(r))
        read_rule(r, rules, ids);
    return !r->failed;
}

static bool read_variant(struct json_reader *r, struct arena *arena, struct experiment_variant *v)
{
    static const char *const names[] = {"name", "weight", "weights", "explore", "model", "rules"};
    struct jr_fields fields = {.names = names, .n = 6, .strict = true};
    int64_t weight = 1;
    int field;
    *v = (struct experiment_variant){.explore = -1};
    for (int p = 0; p < PLACEMENTS; p++)
        placement_weights_unset(&v->weights.of[p]);
    if (!jr_obj(r))
        return false;
    while ((field = jr_field(r, &fields)) >= 0) {
        if (field == 0)
            read_name(r, "name", &v->name);
        else if (field == 1)
            jr_i64(r, 1, WEIGHT_MAX, &weight);
        else if (field == 2)
            read_weights(r, &v->weights);
        else if (field == 4)
            read_name(r, "model", &v->model);
        else if (field == 5)
            read_rules(r, arena, &v->rules);
        else if (jr_double(r, &v->explore) && !(v->explore >= 0 && v->explore <= explore_max))
            jr_fail(r, ERR_INVALID, "explore: expected 0 to %g", explore_max);
    }
    v->weight = (uint32_t)weight;
    return !r->failed && (v->name.n || jr_fail(r, ERR_INVALID, "variants: name: missing"));
}

static bool read_variants(struct json_reader *r, struct arena *arena, struct experiment *e)
{
    e->variants = ARENA_NEW(arena, struct experiment_variant, EXPERIMENT_VARIANTS_MAX);
    if (!jr_arr(r))
        return false;
    while (jr_next(r)) {
        struct experiment_variant v;
        if (e->variants_len == EXPERIMENT_VARIANTS_MAX)
            return jr_fail(r, ERR_LIMIT, "variants: more than %d", EXPERIMENT_VARIANTS_MAX);
        if (!read_variant(r, arena, &v))
            return false;
        if (experiment_variant_of(e, v.name) < e->variants_len)
            return jr_fail(r, ERR_INVALID, "variants: '%.*s' comes twice", STR_ARG(v.name));
        e->variants[e->variants_len++] = v;
    }
    return !r->failed;
}

static bool read_guardrails(struct json_reader *r, struct experiment *e)
{
    static const char *const names[] = {"metric", "max_loss"};
    int field;
    if (!jr_arr(r))
        return false;
    while (jr_next(r)) {
        struct jr_fields fields = {.names = names, .n = 2, .strict = true};
        struct experiment_guardrail g = {0};
        if (e->guardrails_len == EXPERIMENT_GUARDRAILS_MAX)
            return jr_fail(r, ERR_LIMIT, "guardrails: more than %d", EXPERIMENT_GUARDRAILS_MAX);
        if (!jr_obj(r))
            return false;
        while ((field = jr_field(r, &fields)) >= 0)
            field == 0 ? read_metric(r, &g.metric) : read_number(r, "max_loss", 0, 1, &g.max_loss);
        if (!r->failed && fields.seen != 3)
            return jr_fail(r, ERR_INVALID, "guardrails: metric and max_loss are needed");
        e->guardrails[e->guardrails_len++] = g;
    }
    return !r->failed;
}

/* --- all of it ------------------------------------------------------------------------------- */

enum field {
    PLACES,
    LAYER,
    SHARE,
    METRIC,
    CURRENCY,
    HORIZON,
    EXPECTED,
    ALPHA,
    MAX_DAYS,
    DESCRIPTION,
    GUARDRAILS,
    VARIANTS,
    FIELDS
};

static const char *const field_names[FIELDS] = {
    "placements",        "layer", "share",    "metric",      "currency",   "horizon_days",
    "expected_shoppers", "alpha", "max_days", "description", "guardrails", "variants"};

static bool read_field(struct json_reader *r, enum field field, struct arena *arena,
                       struct experiment *e)
{
    struct str text;
    switch (field) {
    case PLACES:
        return read_placements(r, &e->placements);
    case LAYER:
        return read_name(r, "layer", &e->layer);
    case SHARE:
        return read_number(r, "share", 0, 1, &e->share);
    case METRIC:
        return read_metric(r, &e->metric);
    case CURRENCY:
        return read_currency(r, &e->currency);
    case HORIZON:
        return jr_i64(r, 1, 90, &e->horizon_days);
    case EXPECTED:
        return read_number(r, "expected_shoppers", 0, 1e9, &e->expected_shoppers);
    case ALPHA:
        return read_number(r, "alpha", 0, 0.5, &e->alpha);
    case MAX_DAYS:
        return jr_i64(r, 1, 400, &e->max_days);
    case DESCRIPTION:
        return jr_str_max(r, DESCRIPTION_MAX, &text);
    case GUARDRAILS:
        return read_guardrails(r, e);
    case VARIANTS:
        return read_variants(r, arena, e);
    case FIELDS:
        break;
    }
    return false;
}

/* Nothing is overridden where the experiment does not take place. */
static enum err_code check_variants(const struct experiment *e, struct err *err)
{
    for (size_t v = 0; v < e->variants_len; v++)
        for (int p = 0; p < PLACEMENTS; p++)
            for (size_t i = 0; i < PLACEMENT_WEIGHTS; i++)
                if (!(e->placements >> p & 1) &&
                    placement_weight_said(&e->variants[v].weights.of[p], i))
                    return err_set(err, ERR_INVALID,
                                   "variants: '%.*s' overrides placement %s, which is not in "
                                   "placements",
                                   STR_ARG(e->variants[v].name), placement_name((enum placement)p));
    return ERR_OK;
}

enum err_code experiment_read(struct str json, struct arena *arena, struct experiment *out,
                              struct err *err)
{
    struct jr_fields fields = {.names = field_names, .n = FIELDS, .strict = true};
    struct experiment e = {.layer = STR_LIT("main"),
                           .share = 1,
                           .metric = METRIC_CONVERSION,
                           .horizon_days = HORIZON_DAYS,
                           .expected_shoppers = usual_shoppers,
                           .alpha = usual_alpha};
    struct json_reader r;
    int field;
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0)
            read_field(&r, (enum field)field, arena, &e);
    enum err_code code = jr_end(&r, err);
    if (code != ERR_OK)
        return code;
    if (e.placements == 0)
        return err_set(err, ERR_INVALID, "placements: at least one is needed");
    if (e.variants_len == 0)
        return err_set(err, ERR_INVALID, "variants: at least one is needed");
    code = check_variants(&e, err);
    if (code == ERR_OK)
        *out = e;
    return code;
}
