/* recommendations.c - GET and POST /v1/recommendations. */
#include "api/api_int.h"
#include "base/clock.h"
#include "recommend/recommend.h"

/* The request's texts, from the query or from a JSON body. */
struct texts {
    struct str placement, user_id, anonymous_id, product_id, product_ids, filter, exclude, currency;
    int64_t limit;
    bool hide_seen;
};

enum { LIMIT_DEFAULT = 20 };

static enum err_code read_query(struct call *call, struct texts *t, struct err *err)
{
    t->placement = query_str(call, "placement");
    t->user_id = query_str(call, "user_id");
    t->anonymous_id = query_str(call, "anonymous_id");
    t->product_id = query_str(call, "product_id");
    t->product_ids = query_str(call, "product_ids");
    t->filter = query_str(call, "filter");
    t->exclude = query_str(call, "exclude");
    t->currency = query_str(call, "currency");
    enum err_code code =
        query_i64(call, "limit", LIMIT_DEFAULT, 1, RECOMMEND_LIMIT_MAX, &t->limit, err);
    return code == ERR_OK ? query_bool(call, "hide_seen", false, &t->hide_seen, err) : code;
}

/* An array of ids as one text with commas, so that both forms are read alike. */
static void read_ids(struct json_reader *r, struct call *call, struct str *out)
{
    struct buf list;
    struct str id;
    if (jr_peek(r) == JR_STRING) {
        jr_str(r, out);
        return;
    }
    buf_init(&list, (RECOMMEND_EXCLUDE_MAX + 1) * (STORE_ID_MAX + 1));
    if (jr_arr(r))
        while (jr_next(r) && jr_str_max(r, STORE_ID_MAX, &id)) {
            buf_put_str(&list, id);
            buf_putc(&list, ',');
        }
    if (list.full)
        jr_fail(r, ERR_LIMIT, "too many ids");
    *out = arena_str(call->arena, buf_str(&list));
    buf_release(&list);
}

static enum err_code read_body(struct call *call, struct texts *t, struct err *err)
{
    static const char *const names[] = {"placement",   "user_id", "anonymous_id", "product_id",
                                        "product_ids", "filter",  "exclude",      "currency",
                                        "limit",       "lang",    "hide_seen"};
    struct jr_fields fields = {.names = names, .n = 11, .strict = true};
    struct str *const targets[] = {&t->placement,   &t->user_id, &t->anonymous_id, &t->product_id,
                                   &t->product_ids, &t->filter,  &t->exclude,      &t->currency};
    struct json_reader r;
    struct str language;
    int field;
    t->limit = LIMIT_DEFAULT;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            if (field == 4 || field == 6)
                read_ids(&r, call, targets[field]);
            else if (field < 8)
                jr_str(&r, targets[field]);
            else if (field == 8)
                jr_i64(&r, 1, RECOMMEND_LIMIT_MAX, &t->limit);
            else if (field == 9 && jr_str(&r, &language))
                call->language = view_language(call->view, language);
            else if (field == 10)
                jr_bool(&r, &t->hide_seen);
        }
    return jr_end(&r, err);
}

static enum err_code read_context(struct call *call, const struct texts *t,
                                  struct recommend_request *r, struct err *err)
{
    uint32_t *context;
    struct str ids = t->product_ids.n ? t->product_ids : t->product_id;
    if (t->product_id.n && !t->product_ids.n) {
        /* One id is not a list: it may hold a comma. */
        uint32_t no = catalogue_find_id(call->view->catalogue, t->product_id);
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

static enum err_code check_placement(const struct texts *t, struct recommend_request *r,
                                     struct err *err)
{
    char quoted[32];
    if (t->placement.n && !placement_of(t->placement, &r->placement))
        return err_set(err, ERR_INVALID, "placement: '%s' is not known",
                       err_quote(quoted, sizeof quoted, t->placement.p, t->placement.n));
    bool one = r->placement == PLACEMENT_SIMILAR || r->placement == PLACEMENT_BOUGHT_TOGETHER;
    if (one && t->product_id.n == 0)
        return err_set(err, ERR_INVALID, "product_id: needed by placement %s",
                       placement_name(r->placement));
    return ERR_OK;
}

static enum err_code build_request(struct call *call, const struct texts *t,
                                   struct recommend_request *r, struct err *err)
{
    struct shopper shopper;
    struct filter *filter;
    struct bound_filter *bound;
    currency_code currency;
    uint32_t *exclude;
    *r = (struct recommend_request){
        .limit = (uint32_t)t->limit, .hide_seen = t->hide_seen, .now_us = clock_now_us()};
    enum err_code code = check_placement(t, r, err);
    if (code == ERR_OK)
        code = find_shopper(call, t->user_id, t->anonymous_id, &shopper, err);
    if (code == ERR_OK)
        code = read_context(call, t, r, err);
    if (code == ERR_OK)
        code =
            product_list(call, t->exclude, RECOMMEND_EXCLUDE_MAX, &exclude, &r->exclude_len, err);
    if (code == ERR_OK)
        code = currency_param(call, t->currency, &currency, err);
    if (code == ERR_OK)
        code = filter_parse(t->filter, call->arena, &filter, err);
    if (code == ERR_OK)
        code = filter_bind(filter, call->view, currency, call->arena, &bound, err);
    if (code != ERR_OK)
        return code;
    r->exclude = exclude;
    r->filter = bound;
    r->user_no = shopper.personalise ? shopper.user_no : 0;
    return ERR_OK;
}

static enum err_code answer(struct call *call, const struct texts *t, struct err *err)
{
    struct recommend_request r;
    struct recommend_result result;
    struct json_writer w;
    enum err_code code = build_request(call, t, &r, err);
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

static enum err_code get_recommendations(struct call *call, struct err *err)
{
    struct texts t = {0};
    enum err_code code = read_query(call, &t, err);
    return code == ERR_OK ? answer(call, &t, err) : code;
}

static enum err_code post_recommendations(struct call *call, struct err *err)
{
    struct texts t = {0};
    enum err_code code = read_body(call, &t, err);
    return code == ERR_OK ? answer(call, &t, err) : code;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/recommendations", AUTH_PUBLIC, get_recommendations, 0},
    {HTTP_POST, "/v1/recommendations", AUTH_PUBLIC, post_recommendations, 0},
};
ENDPOINT_GROUP(recommendation_endpoints, endpoints);
