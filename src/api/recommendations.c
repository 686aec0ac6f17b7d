/* recommendations.c - GET and POST /v1/recommendations, and why they are what they are. */
#include <math.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "rank/rules.h"
#include "recommend/explain.h"

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
    EXPLAIN, /* of explain alone */
    ALL,
    WITH_EXPLAIN
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

static enum err_code read_profile(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct recommend_request *r = arg;
    struct user user;
    enum err_code code = user_get_no(db, r->user_no, call->arena, &user, err);
    if (code == ERR_OK)
        r->attributes = user.attributes;
    return code == ERR_NOT_FOUND ? ERR_OK : code; /* erased in between */
}

/* What rules may ask of the shopper; the store is asked only where one does. */
static enum err_code read_audience(struct call *call, const struct shopper *shopper,
                                   struct recommend_request *r, struct err *err)
{
    r->known = shopper->id.n && shopper->kind == USER_KNOWN && shopper->personalise;
    if (!r->known || !r->user_no || !rules_ask_for_attributes(call->view))
        return ERR_OK;
    return call_read(call, read_profile, r, err);
}

static enum err_code build_request(struct call *call, struct recommend_request *r, struct err *err)
{
    struct shopper shopper;
    struct filter *filter;
    struct bound_filter *bound;
    currency_code currency;
    uint32_t *exclude;
    *r = (struct recommend_request){.limit = (uint32_t)call->values[LIMIT].number,
                                    .hide_seen = call->values[HIDE_SEEN].number,
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
    if (code != ERR_OK)
        return code;
    r->exclude = exclude;
    r->user_no = shopper.personalise ? shopper.user_no : 0;
    code = read_audience(call, &shopper, r, err);
    if (code != ERR_OK)
        return code;
    struct filter_asker asker = {currency, r->user_no, r->now_us};
    code = filter_bind_for(filter, call->view, &asker, call->arena, &bound, err);
    r->filter = bound;
    return code;
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
    recommend_members(call->view, x->request, &found, call->language, w);
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
    struct recommend_trace *t = ARENA_NEW(call->arena, struct recommend_trace, 1);
    struct explainer x;
    struct wanted wanted;
    struct json_writer w;
    enum err_code code = build_request(call, &r, err);
    if (code == ERR_OK)
        code = recommend_trace_run(call->view, &r, call->arena, t, err);
    if (code == ERR_OK)
        code = explain_init(&x, call->view, &r, t, call->arena, err);
    if (code == ERR_OK)
        code = read_wanted(call, t, &wanted, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    write_explanation(call, &x, &wanted, &w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, 0, params, EXPLAIN},
    {HTTP_POST, "/v1/recommendations", AUTH_PUBLIC, answer_recommendations, ENDPOINT_PARAMS_IN_BODY,
     params, EXPLAIN},
    {HTTP_POST, "/v1/recommendations/explain", AUTH_ADMIN, explain_recommendations,
     ENDPOINT_PARAMS_IN_BODY, params, WITH_EXPLAIN},
};
ENDPOINT_GROUP(recommendation_endpoints, endpoints);
