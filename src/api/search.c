/* search.c - GET and POST /v1/search. */
#include "search/search.h"

#include "api/api_int.h"
#include "base/clock.h"

enum { LIMIT_DEFAULT = 24 };

struct texts {
    struct str q, filter, facets, sort, user_id, anonymous_id, currency;
    int64_t page, limit;
    bool prefix, out_of_stock;
};

static enum err_code read_query(struct call *call, struct texts *t, struct err *err)
{
    t->q = query_str(call, "q");
    t->filter = query_str(call, "filter");
    t->facets = query_str(call, "facets");
    t->sort = query_str(call, "sort");
    t->user_id = query_str(call, "user_id");
    t->anonymous_id = query_str(call, "anonymous_id");
    t->currency = query_str(call, "currency");
    enum err_code code = query_i64(call, "page", 1, 1, SEARCH_WINDOW_MAX, &t->page, err);
    if (code == ERR_OK)
        code = query_i64(call, "limit", LIMIT_DEFAULT, 0, SEARCH_LIMIT_MAX, &t->limit, err);
    if (code == ERR_OK)
        code = query_bool(call, "prefix", true, &t->prefix, err);
    if (code == ERR_OK)
        code = query_bool(call, "out_of_stock", false, &t->out_of_stock, err);
    return code;
}

static enum err_code read_body(struct call *call, struct texts *t, struct err *err)
{
    static const char *const names[] = {"q",       "filter",       "facets",       "sort",
                                        "user_id", "anonymous_id", "currency",     "page",
                                        "limit",   "prefix",       "out_of_stock", "lang"};
    struct jr_fields fields = {.names = names, .n = 12, .strict = true};
    struct str *const targets[] = {&t->q,       &t->filter,       &t->facets,  &t->sort,
                                   &t->user_id, &t->anonymous_id, &t->currency};
    struct json_reader r;
    struct str language;
    int field;
    t->page = 1;
    t->limit = LIMIT_DEFAULT;
    t->prefix = true;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field < 7)
                jr_str(&r, targets[field]);
            else if (field == 7)
                jr_i64(&r, 1, SEARCH_WINDOW_MAX, &t->page);
            else if (field == 8)
                jr_i64(&r, 0, SEARCH_LIMIT_MAX, &t->limit);
            else if (field < 11)
                jr_bool(&r, field == 9 ? &t->prefix : &t->out_of_stock);
            else if (jr_str(&r, &language))
                call->language = view_language(call->view, language);
        }
    return jr_end(&r, err);
}

static enum err_code build_request(struct call *call, const struct texts *t,
                                   struct search_request *r, struct err *err)
{
    struct shopper shopper;
    struct filter *filter;
    struct bound_filter *bound;
    *r = (struct search_request){.query = t->q,
                                 .page = (uint32_t)t->page,
                                 .limit = (uint32_t)t->limit,
                                 .prefix = t->prefix,
                                 .out_of_stock = t->out_of_stock,
                                 .language = call->language,
                                 .now_us = clock_now_us()};
    if (t->sort.n && !search_sort_of(t->sort, &r->sort))
        return err_set(err, ERR_INVALID, "sort: not known");
    enum err_code code = search_facets_of(t->facets, call->arena, r, err);
    if (code == ERR_OK)
        code = find_shopper(call, t->user_id, t->anonymous_id, &shopper, err);
    if (code == ERR_OK)
        code = currency_param(call, t->currency, &r->currency, err);
    if (code == ERR_OK)
        code = filter_parse(t->filter, call->arena, &filter, err);
    if (code == ERR_OK)
        code = filter_bind(filter, call->view, r->currency, call->arena, &bound, err);
    if (code == ERR_OK)
        r->filter = bound;
    return code;
}

static enum err_code answer(struct call *call, const struct texts *t, struct err *err)
{
    struct search_request r;
    struct search_result result;
    struct json_writer w;
    int64_t begin_ns = clock_mono_ns();
    enum err_code code = build_request(call, t, &r, err);
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

static enum err_code get_search(struct call *call, struct err *err)
{
    struct texts t = {0};
    enum err_code code = read_query(call, &t, err);
    return code == ERR_OK ? answer(call, &t, err) : code;
}

static enum err_code post_search(struct call *call, struct err *err)
{
    struct texts t = {0};
    enum err_code code = read_body(call, &t, err);
    return code == ERR_OK ? answer(call, &t, err) : code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/search", AUTH_PUBLIC, get_search, 0},
    {HTTP_POST, "/v1/search", AUTH_PUBLIC, post_search, 0},
};
ENDPOINT_GROUP(search_endpoints, endpoints);
