/* recommendations.c - GET and POST /v1/recommendations and /v1/recommendations/rows. */
#include "api/api_int.h"
#include "base/clock.h"
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
    ROWS /* of rows alone */
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
    uint32_t user_no;
    uint32_t *exclude;
    size_t exclude_len;
    const uint32_t *context;
    size_t context_len;
    currency_code currency;
    struct filter *filter;
};

static enum err_code read_common(struct call *call, struct common *out, struct err *err)
{
    struct shopper shopper;
    enum err_code code =
        find_shopper(call, call->values[USER].text, call->values[ANONYMOUS].text, &shopper, err);
    if (code == ERR_OK)
        code = read_context(call, &out->context, &out->context_len, err);
    if (code == ERR_OK)
        code = product_list(call, call->values[EXCLUDE].text, RECOMMEND_EXCLUDE_MAX, &out->exclude,
                            &out->exclude_len, err);
    if (code == ERR_OK)
        code = currency_param(call, call->values[CURRENCY].text, &out->currency, err);
    if (code == ERR_OK)
        code = filter_parse(call->values[FILTER].text, call->arena, &out->filter, err);
    if (code == ERR_OK)
        out->user_no = shopper.personalise ? shopper.user_no : 0;
    return code;
}

static enum err_code build_request(struct call *call, struct recommend_request *r, struct err *err)
{
    struct common common;
    struct bound_filter *bound;
    *r = (struct recommend_request){.limit = (uint32_t)call->values[LIMIT].number,
                                    .hide_seen = call->values[HIDE_SEEN].number,
                                    .weights = &call->api->o.weights,
                                    .now_us = clock_now_us()};
    enum err_code code = check_placement(call, r, err);
    if (code == ERR_OK)
        code = read_common(call, &common, err);
    if (code == ERR_OK)
        code = filter_bind(common.filter, call->view, common.currency, call->arena, &bound, err);
    if (code != ERR_OK)
        return code;
    r->user_no = common.user_no;
    r->context = common.context;
    r->context_len = common.context_len;
    r->exclude = common.exclude;
    r->exclude_len = common.exclude_len;
    r->filter = bound;
    return ERR_OK;
}

static enum err_code build_rows_request(struct call *call, struct rows_request *r, struct err *err)
{
    struct common common;
    *r = (struct rows_request){.limit = (uint32_t)call->values[LIMIT].number,
                               .rows = (uint32_t)call->values[ROWS].number,
                               .hide_seen = call->values[HIDE_SEEN].number,
                               .weights = &call->api->o.weights,
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
    return ERR_OK;
}

static enum err_code answer_recommendations(struct call *call, struct err *err)
{
    struct recommend_request r;
    struct recommend_result result;
    struct json_writer w;
    enum err_code code = build_request(call, &r, err);
    if (code == ERR_OK)
        code = recommend_run(call->view, &r, call->arena, &result, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    JW_STR(&w, "request_id", call->req->request_id);
    recommend_members(call->view, &r, &result, call->language, &w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static enum err_code answer_rows(struct call *call, struct err *err)
{
    struct rows_request r;
    struct json_writer w;
    enum err_code code = build_rows_request(call, &r, err);
    struct rows_result *result =
        code == ERR_OK ? arena_try_alloc(call->arena, sizeof *result) : NULL;
    if (code == ERR_OK && !result)
        return err_set(err, ERR_LIMIT, "the rows do not fit");
    if (code == ERR_OK)
        code = rows_run(call->view, &r, call->arena, result, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    JW_STR(&w, "request_id", call->req->request_id);
    rows_members(call->view, &r, result, call->language, &w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, 0, PARAMS(params)},
    {HTTP_POST, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, ENDPOINT_PARAMS_IN_BODY,
     PARAMS(params)},
    {HTTP_GET, "/v1/recommendations/rows", AUTH_PUBLIC, answer_rows, 0, PARAMS(rows_params)},
    {HTTP_POST, "/v1/recommendations/rows", AUTH_PUBLIC, answer_rows, ENDPOINT_PARAMS_IN_BODY,
     PARAMS(rows_params)},
};
ENDPOINT_GROUP(recommendation_endpoints, endpoints);
