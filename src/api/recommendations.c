/* recommendations.c - GET and POST /v1/recommendations. */
#include "api/api_int.h"
#include "base/clock.h"
#include "recommend/explore.h"

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
    CURRENCY
};

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
};

static enum err_code read_context(struct call *call, struct recommend_request *r, struct err *err)
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
        r->context = context;
        r->context_len = 1;
        return ERR_OK;
    }
    enum err_code code =
        product_list(call, ids, RECOMMEND_CONTEXT_MAX, &context, &r->context_len, err);
    r->context = context;
    return code == ERR_OK ? code : err_prefix(err, code, "product_ids");
}

static enum err_code check_placement(struct call *call, struct recommend_request *r,
                                     struct err *err)
{
    char quoted[32];
    struct str placement = call->values[PLACEMENT].text;
    if (placement.n && !placement_of(placement, &r->placement))
        return err_set(err, ERR_INVALID, "placement: '%s' is not known",
                       err_quote(quoted, sizeof quoted, placement.p, placement.n));
    bool one = r->placement == PLACEMENT_SIMILAR || r->placement == PLACEMENT_BOUGHT_TOGETHER;
    if (one && call->values[PRODUCT].text.n == 0)
        return err_set(err, ERR_INVALID, "product_id: needed by placement %s",
                       placement_name(r->placement));
    return ERR_OK;
}

/* settings: what experiments say; r borrows its weights. */
static enum err_code build_request(struct call *call, struct recommend_request *r,
                                   struct experiment_settings *settings, struct err *err)
{
    struct shopper shopper;
    struct filter *filter;
    struct bound_filter *bound;
    currency_code currency;
    uint32_t *exclude;
    *r = (struct recommend_request){.limit = (uint32_t)call->values[LIMIT].number,
                                    .hide_seen = call->values[HIDE_SEEN].number,
                                    .weights = &call->api->o.weights,
                                    .now_us = clock_now_us()};
    enum err_code code = check_placement(call, r, err);
    if (code == ERR_OK)
        code = find_shopper(call, call->values[USER].text, call->values[ANONYMOUS].text, &shopper,
                            err);
    if (code == ERR_OK)
        code = read_context(call, r, err);
    if (code == ERR_OK)
        code = product_list(call, call->values[EXCLUDE].text, RECOMMEND_EXCLUDE_MAX, &exclude,
                            &r->exclude_len, err);
    if (code == ERR_OK)
        code = currency_param(call, call->values[CURRENCY].text, &currency, err);
    if (code == ERR_OK)
        code = filter_parse(call->values[FILTER].text, call->arena, &filter, err);
    if (code == ERR_OK)
        code = filter_bind(filter, call->view, currency, call->arena, &bound, err);
    if (code != ERR_OK)
        return code;
    r->exclude = exclude;
    r->filter = bound;
    r->user_no = shopper.personalise ? shopper.user_no : 0;
    find_experiments(call, r->placement, &shopper, settings);
    r->weights = &settings->weights;
    return ERR_OK;
}

/* The list, its last place explored where the settings say so, and what its id is to say. */
static enum err_code run(struct call *call, struct recommend_request *r,
                         const struct experiment_settings *settings,
                         struct recommend_result *result, struct list_facts *facts, struct err *err)
{
    struct explored explored = {0};
    uint32_t limit = r->limit, more = limit + EXPLORE_MORE;
    if (settings->explore > 0)
        r->limit = more < RECOMMEND_LIMIT_MAX ? more : RECOMMEND_LIMIT_MAX;
    enum err_code code = recommend_run(call->view, r, call->arena, result, err);
    if (code == ERR_OK && settings->explore > 0)
        code = explore_last(result, limit, settings->explore, thread_rng(), call->arena, &explored,
                            err);
    *facts = (struct list_facts){.placement = str_of(placement_name(r->placement)),
                                 .variants_len = settings->parts_len,
                                 .explored_no = explored.product_no,
                                 .propensity = explored.propensity,
                                 .explored_rank = explored.rank};
    if (call->view->model)
        facts->model = str_of(call->view->model->version);
    for (size_t i = 0; i < settings->parts_len; i++)
        facts->variants[i] = (struct list_variant){(uint32_t)settings->parts[i].no,
                                                   (uint8_t)settings->parts[i].variant};
    return code;
}

static enum err_code answer_recommendations(struct call *call, struct err *err)
{
    struct recommend_request r;
    struct experiment_settings settings;
    struct recommend_result result;
    struct list_facts facts;
    struct json_writer w;
    enum err_code code = build_request(call, &r, &settings, err);
    if (code == ERR_OK)
        code = run(call, &r, &settings, &result, &facts, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    JW_STR(&w, "request_id", list_id(call, &facts));
    recommend_members(call->view, &r, &result, call->language, &w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, 0, PARAMS(params)},
    {HTTP_POST, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, ENDPOINT_PARAMS_IN_BODY,
     PARAMS(params)},
};
ENDPOINT_GROUP(recommendation_endpoints, endpoints);
