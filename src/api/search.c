/* search.c - GET and POST /v1/search. */
#include "search/search.h"

#include "api/api_int.h"
#include "base/clock.h"

enum {
    Q,
    FILTER,
    FACETS,
    SORT,
    PAGE,
    LIMIT,
    PREFIX,
    OUT_OF_STOCK,
    USER,
    ANONYMOUS,
    LANGUAGE,
    CURRENCY
};

static const struct param params[] = {
    [Q] = {.name = STR_LIT("q")},
    [FILTER] = {.name = STR_LIT("filter")},
    [FACETS] = {.name = STR_LIT("facets")},
    [SORT] = {.name = STR_LIT("sort")},
    [PAGE] = {.name = STR_LIT("page"),
              .kind = PARAM_NUMBER,
              .fallback = 1,
              .lo = 1,
              .hi = SEARCH_WINDOW_MAX},
    [LIMIT] = {.name = STR_LIT("limit"),
               .kind = PARAM_NUMBER,
               .fallback = 24,
               .lo = 0,
               .hi = SEARCH_LIMIT_MAX},
    [PREFIX] = {.name = STR_LIT("prefix"), .kind = PARAM_BOOL, .fallback = true},
    [OUT_OF_STOCK] = {.name = STR_LIT("out_of_stock"), .kind = PARAM_BOOL},
    [USER] = {.name = STR_LIT("user_id")},
    [ANONYMOUS] = {.name = STR_LIT("anonymous_id")},
    [LANGUAGE] = {.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE},
    [CURRENCY] = {.name = STR_LIT("currency")},
};

static enum err_code build_request(struct call *call, struct search_request *r, struct err *err)
{
    struct shopper shopper;
    struct filter *filter;
    struct bound_filter *bound;
    struct str sort = call->values[SORT].text;
    *r = (struct search_request){.query = call->values[Q].text,
                                 .page = (uint32_t)call->values[PAGE].number,
                                 .limit = (uint32_t)call->values[LIMIT].number,
                                 .prefix = call->values[PREFIX].number,
                                 .out_of_stock = call->values[OUT_OF_STOCK].number,
                                 .language = call->language,
                                 .now_us = clock_now_us()};
    if (sort.n && !search_sort_of(sort, &r->sort))
        return err_set(err, ERR_INVALID, "sort: not known");
    enum err_code code = search_facets_of(call->values[FACETS].text, call->arena, r, err);
    if (code == ERR_OK)
        code = find_shopper(call, call->values[USER].text, call->values[ANONYMOUS].text, &shopper,
                            err);
    if (code == ERR_OK)
        code = currency_param(call, call->values[CURRENCY].text, &r->currency, err);
    if (code == ERR_OK)
        code = filter_parse(call->values[FILTER].text, call->arena, &filter, err);
    if (code != ERR_OK)
        return code;
    struct filter_asker asker = {r->currency, shopper.personalise ? shopper.user_no : 0, r->now_us};
    code = filter_bind_for(filter, call->view, &asker, call->arena, &bound, err);
    r->filter = bound;
    return code;
}

static enum err_code answer_search(struct call *call, struct err *err)
{
    struct search_request r;
    struct search_result result;
    struct json_writer w;
    int64_t begin_ns = clock_mono_ns();
    enum err_code code = build_request(call, &r, err);
    if (code == ERR_OK)
        code = search_run(call->req->loop_ctx, call->view, &r, call->arena, &result, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    JW_STR(&w, "request_id", call->req->request_id);
    search_members(call->view, &r, &result, &w);
    JW_I64(&w, "took_us", (clock_mono_ns() - begin_ns) / 1000);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/search", AUTH_PUBLIC, answer_search, 0, PARAMS(params)},
    {HTTP_POST, "/v1/search", AUTH_PUBLIC, answer_search, ENDPOINT_PARAMS_IN_BODY, PARAMS(params)},
};
ENDPOINT_GROUP(search_endpoints, endpoints);
