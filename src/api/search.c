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

static enum err_code read_facets(struct call *call, struct str list, struct search_request *r,
                                 struct err *err)
{
    struct str *names = ARENA_NEW(call->arena, struct str, SEARCH_FACETS_MAX);
    while (list.p && list.n) {
        struct str name = str_trim(str_split(&list, ','));
        if (name.n == 0)
            continue;
        if (r->facets_len == SEARCH_FACETS_MAX)
            return err_set(err, ERR_LIMIT, "facets: more than %d", SEARCH_FACETS_MAX);
        names[r->facets_len++] = name;
    }
    r->facets = names;
    return ERR_OK;
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
    enum err_code code = read_facets(call, t->facets, r, err);
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

/* --- the reply ------------------------------------------------------------------------------- */

static void write_hit(struct call *call, const struct search_hit *hit, struct json_writer *w)
{
    jw_obj(w);
    card_write(call->view, hit->product_no, call->language, w);
    JW_DECIMAL(w, "score", hit->score, 4);
    JW_OBJ(w, "highlights");
    JW_ARR(w, "title");
    for (size_t i = 0; i < hit->title_parts_len; i++)
        jw_str(w, hit->title_parts[i]);
    if (hit->title_parts_len == 0)
        jw_str(w, card_title(call->view, hit->product_no, call->language));
    jw_arr_end(w);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void write_price(const struct facet_result *f, currency_code currency, struct json_writer *w)
{
    char name[4];
    jw_obj(w);
    JW_KEY(w, "currency");
    jw_z(w, currency ? currency_name(currency, name) : NULL);
    if (f->priced) {
        JW_I64(w, "min", f->min_minor);
        JW_I64(w, "max", f->max_minor);
    }
    JW_ARR(w, "ranges");
    for (size_t i = 0; i < f->ranges_len; i++) {
        jw_obj(w);
        JW_I64(w, "from", f->ranges[i].from);
        JW_I64(w, "to", f->ranges[i].to);
        JW_U64(w, "count", f->ranges[i].count);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
}

static void write_facet(const struct facet_result *f, currency_code currency, struct json_writer *w)
{
    jw_key(w, f->name);
    if (str_is(f->name, "price")) {
        write_price(f, currency, w);
        return;
    }
    jw_arr(w);
    for (size_t i = 0; i < f->values_len; i++) {
        jw_obj(w);
        JW_STR(w, "value", f->values[i].value);
        JW_STR(w, "label", f->values[i].label);
        JW_U64(w, "count", f->values[i].count);
        jw_obj_end(w);
    }
    jw_arr_end(w);
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
    JW_STR(&w, "query", t->q);
    JW_U64(&w, "total", result.total);
    JW_U64(&w, "page", r.page);
    JW_U64(&w, "pages", r.limit ? (result.total + r.limit - 1) / r.limit : 0);
    JW_BOOL(&w, "relaxed", result.relaxed);
    JW_ARR(&w, "items");
    for (size_t i = 0; i < result.hits_len; i++)
        write_hit(call, &result.hits[i], &w);
    jw_arr_end(&w);
    JW_OBJ(&w, "facets");
    for (size_t i = 0; i < result.facets_len; i++)
        write_facet(&result.facets[i], r.currency, &w);
    jw_obj_end(&w);
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
