/* recommendations.c - GET and POST /v1/recommendations, why they are what they are, and rows of pages. */
#include <math.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "rank/rules.h"
#include "recommend/explain.h"
#include "recommend/explore.h"
#include "recommend/rows.h"

enum {
    PLACEMENT,
    USER,
    ANONYMOUS,
    PRODUCT,
    PRODUCT_LIST,
    FILTER,
    LIMIT,
    EXCLUDE,
    HIDE_SEEN,
    LANGUAGE,
    CURRENCY,
    OF_ALL,
    EXPLAIN = OF_ALL, /* of explain alone */
    ALL,
    EXPERIMENT,
    VARIANT,
    WITH_EXPLAIN,
    ROWS = OF_ALL, /* of rows alone */
};

enum { EXPLAIN_MAX = 500, EXPLAIN_ALL_MAX = 2000, EXPLAIN_NEXT = 50 };

static const struct param params[] = {
    [PLACEMENT] = {.name = STR_LIT("placement")},
    [USER] = {.name = STR_LIT("user_id")},
    [ANONYMOUS] = {.name = STR_LIT("anonymous_id")},
    [PRODUCT] = {.name = STR_LIT("product_id")},
    [PRODUCT_LIST] = {.name = STR_LIT("product_ids"),
                      .kind = PARAM_LIST,
                      .hi = RECOMMEND_CONTEXT_MAX},
    [FILTER] = {.name = STR_LIT("filter")},
    [LIMIT] = {.name = STR_LIT("limit"),
               .kind = PARAM_NUMBER,
               .fallback = 20,
               .lo = 1,
               .hi = RECOMMEND_LIMIT_MAX},
    [EXCLUDE] = {.name = STR_LIT("exclude"), .kind = PARAM_LIST, .hi = RECOMMEND_EXCLUDE_MAX},
    [HIDE_SEEN] = {.name = STR_LIT("hide_seen"), .kind = PARAM_BOOL},
    [LANGUAGE] = {.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE},
    [CURRENCY] = {.name = STR_LIT("currency")},
    [EXPLAIN] = {.name = STR_LIT("explain"), .kind = PARAM_LIST, .hi = EXPLAIN_MAX},
    [ALL] = {.name = STR_LIT("all"), .kind = PARAM_BOOL},
    [EXPERIMENT] = {.name = STR_LIT("experiment")},
    [VARIANT] = {.name = STR_LIT("variant")},
};

/* At the same places, so that both are read alike. */
static const struct param rows_params[] = {
    [PLACEMENT] = {.name = STR_LIT("page")},
    [USER] = {.name = STR_LIT("user_id")},
    [ANONYMOUS] = {.name = STR_LIT("anonymous_id")},
    [PRODUCT] = {.name = STR_LIT("product_id")},
    [PRODUCT_LIST] = {.name = STR_LIT("product_ids"),
                      .kind = PARAM_LIST,
                      .hi = RECOMMEND_CONTEXT_MAX},
    [FILTER] = {.name = STR_LIT("filter")},
    [LIMIT] = {.name = STR_LIT("limit"),
               .kind = PARAM_NUMBER,
               .fallback = 14,
               .lo = 1,
               .hi = ROWS_LIMIT_MAX},
    [EXCLUDE] = {.name = STR_LIT("exclude"), .kind = PARAM_LIST, .hi = RECOMMEND_EXCLUDE_MAX},
    [HIDE_SEEN] = {.name = STR_LIT("hide_seen"), .kind = PARAM_BOOL},
    [LANGUAGE] = {.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE},
    [CURRENCY] = {.name = STR_LIT("currency")},
    [ROWS] =
        {.name = STR_LIT("rows"), .kind = PARAM_NUMBER, .fallback = 8, .lo = 1, .hi = ROWS_MAX},
};

static enum err_code read_context(struct call *call, const uint32_t **out, size_t *out_len,
                                  struct err *err)
{
    uint32_t *context;
    struct str id = call->values[PRODUCT].text, ids = call->values[PRODUCT_LIST].text;
    if (id.n && !ids.n) {
        /* One id is not a list: it may hold a comma. */
        uint32_t no = catalogue_find_id(call->view->catalogue, id);
        if (no == 0)
            return err_set(err, ERR_NOT_FOUND, "product_id: there is no such product");
        context = ARENA_NEW(call->arena, uint32_t, 1);
        context[0] = no;
        *out = context;
        *out_len = 1;
        return ERR_OK;
    }
    enum err_code code = product_list(call, ids, RECOMMEND_CONTEXT_MAX, &context, out_len, err);
    *out = context;
    return code == ERR_OK ? code : err_prefix(err, code, "product_ids");
}

static enum err_code check_needs(struct call *call, enum placement_needs needs, const char *what,
                                 const char *name, struct err *err)
{
    if (needs == NEEDS_PRODUCT && call->values[PRODUCT].text.n == 0)
        return err_set(err, ERR_INVALID, "product_id: needed by %s %s", what, name);
    if (needs == NEEDS_FILTER && call->values[FILTER].text.n == 0)
        return err_set(err, ERR_INVALID, "filter: needed by %s %s", what, name);
    return ERR_OK;
}

static enum err_code check_placement(struct call *call, struct recommend_request *r,
                                     struct err *err)
{
    char quoted[32];
    struct str placement = call->values[PLACEMENT].text;
    if (placement.n && !placement_of(placement, &r->placement))
        return err_set(err, ERR_INVALID, "placement: '%s' is not known",
                       err_quote(quoted, sizeof quoted, placement.p, placement.n));
    return check_needs(call, placement_needs(r->placement), "placement",
                       placement_name(r->placement), err);
}

static enum err_code check_page(struct call *call, struct rows_request *r, struct err *err)
{
    char quoted[32];
    struct str page = call->values[PLACEMENT].text;
    if (page.n && !rows_page_of(page, &r->page))
        return err_set(err, ERR_INVALID, "page: '%s' is not known",
                       err_quote(quoted, sizeof quoted, page.p, page.n));
    return check_needs(call, rows_page_needs(r->page), "page", rows_page_name(r->page), err);
}

/* Whose, without what, in which currency, and of which products: the same for lists and rows. */
struct common {
    struct shopper shopper;
    uint32_t user_no;
    bool known;            /* for rules: not a guest, and not opted out */
    struct str attributes; /* of the shopper, where rules ask for them */
    uint32_t *exclude;
    size_t exclude_len;
    const uint32_t *context;
    size_t context_len;
    currency_code currency;
    struct filter *filter;
};

static enum err_code read_attributes(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct common *c = arg;
    struct user user;
    enum err_code code = user_get_no(db, c->user_no, call->arena, &user, err);
    if (code == ERR_OK)
        c->attributes = user.attributes;
    return code == ERR_NOT_FOUND ? ERR_OK : code; /* erased in between */
}

/* What rules may ask of the shopper; the store is asked only where one does. */
static enum err_code read_audience(struct call *call, struct common *c, struct err *err)
{
    const struct shopper *s = &c->shopper;
    c->user_no = s->personalise ? s->user_no : 0;
    c->known = s->id.n && s->kind == USER_KNOWN && s->personalise;
    if (!c->known || !c->user_no || !rules_ask_for_attributes(call->view))
        return ERR_OK;
    return call_read(call, read_attributes, c, err);
}

static enum err_code read_common(struct call *call, struct common *out, struct err *err)
{
    *out = (struct common){0};
    enum err_code code = find_shopper(call, call->values[USER].text, call->values[ANONYMOUS].text,
                                      &out->shopper, err);
    if (code == ERR_OK)
        code = read_context(call, &out->context, &out->context_len, err);
    if (code == ERR_OK)
        code = product_list(call, call->values[EXCLUDE].text, RECOMMEND_EXCLUDE_MAX, &out->exclude,
                            &out->exclude_len, err);
    if (code == ERR_OK)
        code = currency_param(call, call->values[CURRENCY].text, &out->currency, err);
    if (code == ERR_OK)
        code = filter_parse(call->values[FILTER].text, call->arena, &out->filter, err);
    return code == ERR_OK ? read_audience(call, out, err) : code;
}

/* As a variant has it, where one is named; what its place for exploring would show by chance is not drawn. */
static enum err_code apply_variant(struct call *call, enum placement placement,
                                   struct experiment_settings *settings, struct err *err)
{
    struct str experiment = call->values[EXPERIMENT].text, variant = call->values[VARIANT].text;
    if (!experiment.n && !variant.n)
        return ERR_OK;
    if (!experiment.n || !variant.n)
        return err_set(err, ERR_INVALID, "experiment, variant: one is nothing without the other");
    return preview_variant(call, placement, experiment, variant, settings, err);
}

/* settings: what experiments say, with previews as a variant that is named has it; r borrows its weights and rules. *view: the
 * present one with the model that they say. */
static enum err_code build_request(struct call *call, bool previews, struct recommend_request *r,
                                   struct experiment_settings *settings, const struct view **view,
                                   struct err *err)
{
    struct common common;
    struct bound_filter *bound;
    *r = (struct recommend_request){.limit = (uint32_t)call->values[LIMIT].number,
                                    .hide_seen = call->values[HIDE_SEEN].number,
                                    .now_us = clock_now_us()};
    enum err_code code = check_placement(call, r, err);
    if (code == ERR_OK)
        code = read_common(call, &common, err);
    if (code != ERR_OK)
        return code;
    r->exclude = common.exclude;
    r->exclude_len = common.exclude_len;
    r->context = common.context;
    r->context_len = common.context_len;
    r->user_no = common.user_no;
    r->known = common.known;
    r->attributes = common.attributes;
    find_experiments(call, r->placement, &common.shopper, settings);
    if (previews)
        code = apply_variant(call, r->placement, settings, err);
    if (code != ERR_OK)
        return code;
    r->weights = &settings->weights;
    r->named_rules = settings->rules;
    r->named_rules_len = settings->rules_len;
    *view = view_of_version(call->view, settings->model);
    struct filter_asker asker = {common.currency, r->user_no, r->now_us};
    code = filter_bind_for(common.filter, *view, &asker, call->arena, &bound, err);
    r->filter = bound;
    return code;
}

/* What the id of a list or page is to say of what made it. */
static struct list_facts facts_of(const struct view *view, const char *placement,
                                  const struct experiment_settings *settings)
{
    struct list_facts facts = {.placement = str_of(placement), .variants_len = settings->parts_len};
    if (view->model)
        facts.model = str_of(view->model->version);
    for (size_t i = 0; i < settings->parts_len; i++)
        facts.variants[i] = (struct list_variant){(uint32_t)settings->parts[i].no,
                                                  (uint8_t)settings->parts[i].variant};
    return facts;
}

/* The list, its last place explored where the settings say so, and what its id is to say. */
static enum err_code run(struct call *call, const struct view *view, struct recommend_request *r,
                         const struct experiment_settings *settings,
                         struct recommend_result *result, struct list_facts *facts, struct err *err)
{
    struct explored explored;
    enum err_code code =
        explore_run(view, r, settings->explore, thread_rng(), call->arena, result, &explored, err);
    *facts = facts_of(view, placement_name(r->placement), settings);
    facts->explored_no = explored.product_no;
    facts->propensity = explored.propensity;
    facts->explored_rank = explored.rank;
    return code;
}

/* settings: likewise, of the placement that the page stands for. */
static enum err_code build_rows_request(struct call *call, struct rows_request *r,
                                        struct experiment_settings *settings, struct err *err)
{
    struct common common;
    *r = (struct rows_request){.limit = (uint32_t)call->values[LIMIT].number,
                               .rows = (uint32_t)call->values[ROWS].number,
                               .hide_seen = call->values[HIDE_SEEN].number,
                               .now_us = clock_now_us()};
    enum err_code code = check_page(call, r, err);
    if (code == ERR_OK)
        code = read_common(call, &common, err);
    if (code != ERR_OK)
        return code;
    r->user_no = common.user_no;
    r->context = common.context;
    r->context_len = common.context_len;
    r->exclude = common.exclude;
    r->exclude_len = common.exclude_len;
    r->filter = common.filter;
    r->currency = common.currency;
    r->known = common.known;
    r->attributes = common.attributes;
    find_experiments(call, rows_page_placement(r->page), &common.shopper, settings);
    r->weights = &settings->weights;
    r->named_rules = settings->rules;
    r->named_rules_len = settings->rules_len;
    return ERR_OK;
}

static enum err_code answer_recommendations(struct call *call, struct err *err)
{
    struct recommend_request r;
    struct experiment_settings settings;
    struct recommend_result result;
    struct list_facts facts;
    struct json_writer w;
    const struct view *view;
    enum err_code code = build_request(call, false, &r, &settings, &view, err);
    if (code == ERR_OK)
        code = run(call, view, &r, &settings, &result, &facts, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    JW_STR(&w, "request_id", list_id(call, &facts));
    recommend_members(view, &r, &result, call->language, &w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

/* --- explain ----------------------------------------------------------------------------------- */

/* What is to be explained. */
struct wanted {
    uint32_t *numbers; /* [len] */
    size_t len, cap;
};

static void want(struct wanted *wanted, uint32_t no)
{
    for (size_t i = 0; i < wanted->len; i++)
        if (wanted->numbers[i] == no)
            return;
    if (wanted->len < wanted->cap)
        wanted->numbers[wanted->len++] = no;
}

/* What is shown, and the next that were proposed. */
static void want_usual(struct wanted *wanted, const struct recommend_trace *t)
{
    const struct choice *ch = &t->choice;
    float floor = INFINITY;
    uint32_t floor_no = 0;
    for (size_t i = 0; i < ch->len; i++)
        want(wanted, ch->items[i].product_no);
    for (size_t k = 0; k < ch->len + EXPLAIN_NEXT; k++) { /* the best below the one before */
        uint32_t best = 0;
        for (uint32_t i = 1; i <= t->candidates.len; i++) {
            float total = ch->totals[i];
            uint32_t no = t->candidates.product_no[i];
            bool below = total < floor || (total == floor && no > floor_no);
            if (total > 0 && below &&
                (best == 0 || total > ch->totals[best] ||
                 (total == ch->totals[best] && no < t->candidates.product_no[best])))
                best = i;
        }
        if (best == 0)
            return;
        floor = ch->totals[best];
        floor_no = t->candidates.product_no[best];
        want(wanted, floor_no);
    }
}

static enum err_code want_all(struct call *call, struct wanted *wanted, struct err *err)
{
    const struct catalogue *c = call->view->catalogue;
    if (c->products > EXPLAIN_ALL_MAX)
        return err_set(err, ERR_LIMIT, "all: the shop has more than %d products; name them",
                       EXPLAIN_ALL_MAX);
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        for (uint32_t doc = 0; c->segments[slot] && doc < c->segments[slot]->docs; doc++)
            if (catalogue_alive(c, slot, doc))
                wanted->numbers[wanted->len++] = c->segments[slot]->product_no[doc];
    return ERR_OK;
}

static enum err_code read_wanted(struct call *call, const struct recommend_trace *t,
                                 struct wanted *wanted, struct err *err)
{
    struct str ids = call->values[EXPLAIN].text;
    *wanted = (struct wanted){.cap = EXPLAIN_ALL_MAX};
    wanted->numbers = arena_try_alloc(call->arena, wanted->cap * sizeof *wanted->numbers);
    if (!wanted->numbers)
        return err_set(err, ERR_LIMIT, "what is to be explained does not fit");
    if (call->values[ALL].number)
        return want_all(call, wanted, err);
    if (ids.n == 0)
        want_usual(wanted, t);
    for (size_t n = 0; ids.p && ids.n; n++) {
        char quoted[48];
        struct str id = str_trim(str_split(&ids, ','));
        uint32_t no = id.n ? catalogue_find_id(call->view->catalogue, id) : 0;
        if (n == EXPLAIN_MAX)
            return err_set(err, ERR_LIMIT, "explain: more than %d products", EXPLAIN_MAX);
        if (id.n && no == 0)
            return err_set(err, ERR_NOT_FOUND, "explain: there is no product '%s'",
                           err_quote(quoted, sizeof quoted, id.p, id.n));
        if (no)
            want(wanted, no);
    }
    return ERR_OK;
}

static void write_explanation(struct call *call, const struct explainer *x,
                              const struct wanted *wanted, struct json_writer *w)
{
    const struct recommend_result found = {x->trace->choice.items, x->trace->choice.len,
                                           x->trace->profile.len > 0};
    jw_obj(w);
    JW_STR(w, "request_id", call->req->request_id);
    recommend_members(x->view, x->request, &found, call->language, w);
    JW_ARR(w, "rules");
    explain_write_rules(x, call->arena, w);
    jw_arr_end(w);
    JW_ARR(w, "products");
    for (size_t i = 0; i < wanted->len; i++) {
        struct explained e = explain_product(x, wanted->numbers[i]);
        explain_write(x, &e, call->language, w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
}

static enum err_code explain_recommendations(struct call *call, struct err *err)
{
    struct recommend_request r;
    struct experiment_settings settings;
    struct recommend_trace *t = ARENA_NEW(call->arena, struct recommend_trace, 1);
    struct explainer x;
    struct wanted wanted;
    struct json_writer w;
    const struct view *view;
    enum err_code code = build_request(call, true, &r, &settings, &view, err);
    if (code == ERR_OK)
        code = recommend_trace_run(view, &r, call->arena, t, err);
    if (code == ERR_OK)
        code = explain_init(&x, view, &r, t, call->arena, err);
    if (code == ERR_OK)
        code = read_wanted(call, t, &wanted, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    write_explanation(call, &x, &wanted, &w);
    return reply_json(call, 200, &w, err);
}

static enum err_code answer_rows(struct call *call, struct err *err)
{
    struct rows_request r;
    struct experiment_settings settings;
    struct json_writer w;
    enum err_code code = build_rows_request(call, &r, &settings, err);
    struct rows_result *result =
        code == ERR_OK ? arena_try_alloc(call->arena, sizeof *result) : NULL;
    if (code == ERR_OK && !result)
        return err_set(err, ERR_LIMIT, "the rows do not fit");
    if (code != ERR_OK)
        return code;
    const struct view *view = view_of_version(call->view, settings.model);
    code = rows_run(view, &r, call->arena, result, err);
    if (code != ERR_OK)
        return code;
    const struct list_facts facts = facts_of(view, rows_page_name(r.page), &settings);
    begin_json(call, &w);
    jw_obj(&w);
    JW_STR(&w, "request_id", list_id(call, &facts));
    rows_members(view, &r, result, call->language, &w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, 0, params, EXPLAIN},
    {HTTP_POST, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, ENDPOINT_PARAMS_IN_BODY,
     params, EXPLAIN},
    {HTTP_POST, "/v1/recommendations/explain", AUTH_ADMIN, explain_recommendations,
     ENDPOINT_PARAMS_IN_BODY, params, WITH_EXPLAIN},
    {HTTP_GET, "/v1/recommendations/rows", AUTH_PUBLIC, answer_rows, 0, PARAMS(rows_params)},
    {HTTP_POST, "/v1/recommendations/rows", AUTH_PUBLIC, answer_rows, ENDPOINT_PARAMS_IN_BODY,
     PARAMS(rows_params)},
};
ENDPOINT_GROUP(recommendation_endpoints, endpoints);
