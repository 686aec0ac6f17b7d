/* gorse_lists.c - /api/recommend, /api/popular, /api/latest, neighbours, /api/session: what the
 * recommender says (recommend/recommend.h), as Gorse gives lists. */
#include <stdlib.h>

#include "api/gorse.h"
#include "base/clock.h"

enum { CATEGORIES_MAX = 32, DELAY_PARTS_MAX = 8, NEIGHBOURS_MAX = 1000 };

/* --- what is asked ----------------------------------------------------------------------------- */

/* A part of a list: n behind offset. No list is longer than RECOMMEND_LIMIT_MAX. */
struct part {
    int64_t offset, n;
};

static enum err_code read_part(const struct call *call, struct part *out, struct err *err)
{
    enum err_code code = gorse_number(call, "offset", 0, 0, RECOMMEND_LIMIT_MAX, &out->offset, err);
    return code == ERR_OK ? gorse_number(call, "n", GORSE_N, 0, RECOMMEND_LIMIT_MAX, &out->n, err)
                          : code;
}

static void quote(struct buf *out, struct str text)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_putc(out, '\\');
        buf_putc(out, text.p[i]);
    }
    buf_putc(out, '"');
}

/* Of the product's own category, or of those that came through this protocol. */
static void add_category(struct buf *filter, struct str category)
{
    buf_puts(filter, filter->len ? " AND (category = " : "(category = ");
    quote(filter, category);
    buf_puts(filter, " OR attributes.categories = ");
    quote(filter, category);
    buf_putc(filter, ')');
}

/* The category in the path, or those in the query, all of which are asked for. */
static enum err_code read_categories(struct call *call, struct buf *filter, struct err *err)
{
    const struct http_target *t = call->req->target;
    struct str category = gorse_param(call, "category");
    size_t n = 0;
    for (size_t i = 0; i < t->n_params; i++)
        if (str_is(t->params[i].name, "category") && t->params[i].value.n) {
            if (++n > CATEGORIES_MAX)
                return err_set(err, ERR_LIMIT, "category: more than %d", CATEGORIES_MAX);
            add_category(filter, t->params[i].value);
        }
    if (n == 0 && category.n)
        add_category(filter, category);
    return buf_ok(filter, "category", err);
}

static enum err_code bind_categories(struct call *call, const struct bound_filter **out,
                                     struct err *err)
{
    struct filter *parsed;
    struct bound_filter *bound = NULL;
    struct buf filter;
    buf_init(&filter, FILTER_BYTES_MAX);
    enum err_code code = read_categories(call, &filter, err);
    struct str text =
        code == ERR_OK ? arena_str(call->arena, buf_str(&filter)) : (struct str){NULL, 0};
    buf_release(&filter);
    if (code == ERR_OK)
        code = filter_parse(text, call->arena, &parsed, err);
    if (code == ERR_OK)
        code =
            filter_bind(parsed, call->view, call->view->shop->currency, call->arena, &bound, err);
    *out = bound;
    return code;
}

/* --- the list ---------------------------------------------------------------------------------- */

struct list {
    const struct recommend_item *items; /* [len] */
    size_t len;
};

/* Run what r says besides limit, filter and time. */
static enum err_code run(struct call *call, struct recommend_request *r, struct list *out,
                         struct err *err)
{
    struct recommend_result result;
    struct part part;
    *out = (struct list){0};
    enum err_code code = read_part(call, &part, err);
    if (code == ERR_OK)
        code = bind_categories(call, &r->filter, err);
    int64_t wanted = part.offset + part.n;
    if (code != ERR_OK || part.n == 0 || part.offset >= RECOMMEND_LIMIT_MAX)
        return code;
    r->limit = (uint32_t)(wanted < RECOMMEND_LIMIT_MAX ? wanted : RECOMMEND_LIMIT_MAX);
    r->now_us = clock_now_us();
    r->weights = &call->api->o.weights;
    code = recommend_run(call->view, r, call->arena, &result, err);
    if (code == ERR_OK && result.len > (size_t)part.offset)
        *out = (struct list){result.items + part.offset, result.len - (size_t)part.offset};
    return code;
}

struct had {
    uint32_t user_no;
    uint32_t products[RECOMMEND_EXCLUDE_MAX]; /* [n] */
    size_t n;
};

static enum err_code read_had(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct had *had = arg;
    (void)call;
    return feedback_products(db, had->user_no, clock_now_us(), had->products, RECOMMEND_EXCLUDE_MAX,
                             &had->n, err);
}

/* Whom the list is for. What they gave feedback on does not come again, whatever it says of their taste,
 * nor what they have to do with otherwise. */
static enum err_code for_user(struct call *call, struct str user_id, struct recommend_request *r,
                              struct err *err)
{
    struct shopper shopper;
    struct had *had = ARENA_NEW(call->arena, struct had, 1);
    enum err_code code = find_shopper(call, user_id, (struct str){NULL, 0}, &shopper, err);
    if (code != ERR_OK || !shopper.personalise || shopper.user_no == 0)
        return code;
    had->user_no = shopper.user_no;
    code = call_read(call, read_had, had, err);
    r->user_no = shopper.user_no;
    r->hide_seen = true;
    r->exclude = had->products;
    r->exclude_len = had->n;
    return code;
}

static void write_score(struct json_writer *w, struct str id, double score)
{
    jw_obj(w);
    JW_STR(w, "Id", id);
    JW_DOUBLE(w, "Score", score);
    jw_obj_end(w);
}

static enum err_code reply_scores(struct call *call, const struct list *list, struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    jw_arr(&w);
    for (size_t i = 0; i < list->len; i++)
        write_score(&w, card_id(call->view, list->items[i].product_no),
                    (double)list->items[i].score);
    jw_arr_end(&w);
    return reply_json(call, 200, &w, err);
}

/* --- lists for everybody ----------------------------------------------------------------------- */

/* user-id: without what that user has to do with already. */
static enum err_code run_common(struct call *call, enum placement placement, struct list *out,
                                struct err *err)
{
    struct recommend_request r = {.placement = placement};
    struct str user_id;
    enum err_code code = ERR_OK;
    if (http_request_query(call->req, "user-id", &user_id) && user_id.n)
        code = for_user(call, user_id, &r, err);
    return code == ERR_OK ? run(call, &r, out, err) : code;
}

static enum err_code get_popular(struct call *call, struct err *err)
{
    struct list list;
    enum err_code code = run_common(call, PLACEMENT_TRENDING, &list, err);
    return code == ERR_OK ? reply_scores(call, &list, err) : code;
}

/* Seconds from 1970 at which the product came. */
static double arrival(const struct view *view, uint32_t product_no)
{
    struct location at = catalogue_locate(view->catalogue, product_no);
    if (!location_found(at))
        return 0;
    return (double)(view->catalogue->segments[at.slot]->created_at[at.doc] / CLOCK_US_PER_S);
}

static enum err_code get_latest(struct call *call, struct err *err)
{
    struct list list;
    struct json_writer w;
    enum err_code code = run_common(call, PLACEMENT_NEW, &list, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_arr(&w);
    for (size_t i = 0; i < list.len; i++)
        write_score(&w, card_id(call->view, list.items[i].product_no),
                    arrival(call->view, list.items[i].product_no));
    jw_arr_end(&w);
    return reply_json(call, 200, &w, err);
}

/* The lists that release 0.5 calls by names of its configuration: these two are there. */
static enum err_code get_named(struct call *call, struct err *err)
{
    struct str name = gorse_param(call, "name");
    char quoted[64];
    if (str_is(name, "popular"))
        return get_popular(call, err);
    if (str_is(name, "latest"))
        return get_latest(call, err);
    return err_set(err, ERR_NOT_FOUND, "there is no list '%s'; popular and latest are",
                   err_quote(quoted, sizeof quoted, name.p, name.n));
}

/* --- neighbours -------------------------------------------------------------------------------- */

static enum err_code get_item_neighbours(struct call *call, struct err *err)
{
    struct list list = {0};
    uint32_t no = catalogue_find_id(call->view->catalogue, gorse_param(call, "item-id"));
    struct recommend_request r = {.placement = PLACEMENT_SIMILAR, .context = &no, .context_len = 1};
    enum err_code code = no ? run(call, &r, &list, err) : ERR_OK;
    return code == ERR_OK ? reply_scores(call, &list, err) : code;
}

/* Neighbours to be written: guests and erased shoppers among them are passed over. */
struct names {
    const struct topk_item *items; /* [len] numbers of users */
    size_t len;
    struct part part;
    struct json_writer w;
};

static enum err_code write_users(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct names *names = arg;
    enum err_code code = ERR_OK;
    int64_t found = 0, end = names->part.offset + names->part.n;
    for (size_t i = 0; i < names->len && found < end && code == ERR_OK; i++) {
        enum user_kind kind;
        struct str id;
        code = user_id_of(db, names->items[i].id, call->arena, &kind, &id, err);
        if (code == ERR_OK && id.p && kind == USER_KNOWN && found++ >= names->part.offset)
            write_score(&names->w, id, (double)names->items[i].score);
    }
    return code;
}

static enum err_code get_user_neighbours(struct call *call, struct err *err)
{
    struct topk_item items[NEIGHBOURS_MAX];
    struct shopper shopper;
    struct names names = {.items = items};
    enum err_code code = read_part(call, &names.part, err);
    if (code == ERR_OK)
        code =
            find_shopper(call, gorse_param(call, "user-id"), (struct str){NULL, 0}, &shopper, err);
    if (code == ERR_OK && shopper.personalise)
        code = gorse_user_neighbours(call->view, shopper.user_no, items, NEIGHBOURS_MAX, &names.len,
                                     err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &names.w);
    jw_arr(&names.w);
    code = call_read(call, write_users, &names, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&names.w);
    return reply_json(call, 200, &names.w, err);
}

/* --- one user ---------------------------------------------------------------------------------- */

/* Since release 0.5 a client that says so gets scores, too. */
static bool wants_scores(const struct call *call)
{
    int64_t version;
    struct str text = http_request_header(call->req, "x-api-version");
    return str_parse_i64(text, 2, INT64_MAX, &version, NULL) == ERR_OK;
}

/* What was recommended, and the feedback to write about it. */
struct write_back {
    struct gorse_write write; /* first */
    struct list list;
    struct feedback *items; /* [list.len] */
};

static void write_one(bool scores, struct str id, float score, struct json_writer *w)
{
    if (scores)
        write_score(w, id, (double)score);
    else
        jw_str(w, id);
}

/* "1h30m", "90s", "1.5h" is refused: units of Go's durations, whole numbers. */
static enum err_code read_delay(const struct call *call, int64_t *us, struct err *err)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"h", 3600 * CLOCK_US_PER_S},
                 {"m", 60 * CLOCK_US_PER_S},
                 {"s", CLOCK_US_PER_S},
                 {"ms", 1000},
                 {"us", 1}};
    struct str text, rest;
    char quoted[48];
    *us = 0;
    if (!http_request_query(call->req, "write-back-delay", &text) || text.n == 0)
        return ERR_OK;
    rest = text;
    for (int part = 0; rest.n && part < DELAY_PARTS_MAX; part++) {
        size_t digits = 0, letters, unit = 0;
        int64_t count;
        while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9')
            digits++;
        for (letters = digits; letters < rest.n && rest.p[letters] >= 'a';)
            letters++;
        struct str name = {rest.p + digits, letters - digits};
        while (unit < sizeof units / sizeof *units && !str_is(name, units[unit].name))
            unit++;
        if (unit == sizeof units / sizeof *units ||
            str_parse_i64((struct str){rest.p, digits}, 0, STORE_TIME_AHEAD_US / units[unit].us,
                          &count, NULL) != ERR_OK)
            break;
        *us += count * units[unit].us;
        rest = (struct str){rest.p + letters, rest.n - letters};
    }
    if (rest.n == 0 && *us <= STORE_TIME_AHEAD_US)
        return ERR_OK;
    return err_set(err, ERR_INVALID,
                   "write-back-delay: '%s' is no duration of at most a day (1h30m)",
                   err_quote(quoted, sizeof quoted, text.p, text.n));
}

static enum err_code write_back_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct write_back *b = arg;
    unsigned flags = gorse_feedback_flags(b->write.call->api->gorse) & FEEDBACK_CREATES_USERS;
    return feedback_put(tx, b->items, b->list.len, flags, err);
}

static enum err_code render_list(struct call *call, struct db *db, struct json_writer *w,
                                 int *status, struct err *err)
{
    const struct write_back *b = call->job_arg;
    bool scores = wants_scores(call);
    (void)db, (void)status, (void)err;
    jw_arr(w);
    for (size_t i = 0; i < b->list.len; i++)
        write_one(scores, b->items[i].event.product_id, b->list.items[i].score, w);
    jw_arr_end(w);
    return ERR_OK;
}

static enum err_code write_back(struct call *call, struct str user_id, struct str type,
                                const struct list *list, struct err *err)
{
    struct write_back *b = ARENA_NEW(call->arena, struct write_back, 1);
    int64_t delay;
    if (call->api->o.read_only)
        return err_set(err, ERR_UNAVAILABLE, "%s", call->api->o.read_only);
    enum err_code code = read_delay(call, &delay, err);
    if (code == ERR_OK)
        code = store_id_check("write-back-type", type, err);
    if (code != ERR_OK)
        return code;
    b->write.call = call;
    b->list = *list;
    b->items = ARENA_NEW(call->arena, struct feedback, RECOMMEND_LIMIT_MAX);
    for (size_t i = 0; i < list->len; i++)
        b->items[i] = (struct feedback){
            .type = type,
            .event = {.time = clock_now_us() + delay,
                      .type = gorse_event_type(call->api->gorse, type),
                      .user_id = user_id,
                      .product_id =
                          arena_str(call->arena, card_id(call->view, list->items[i].product_no)),
                      .quantity = 1,
                      .value_minor = STORE_NO_AMOUNT,
                      .position = -1},
        };
    view_ref(call->view); /* the write gives one back, the guard of a reading endpoint another */
    return call_write(call, write_back_job, b, render_list, err);
}

static enum err_code get_recommend(struct call *call, struct err *err)
{
    struct str user_id = gorse_param(call, "user-id"), type = {NULL, 0};
    struct recommend_request r = {.placement = PLACEMENT_HOME};
    struct list list;
    struct json_writer w;
    enum err_code code = for_user(call, user_id, &r, err);
    if (code == ERR_OK)
        code = run(call, &r, &list, err);
    if (code != ERR_OK)
        return code;
    if (http_request_query(call->req, "write-back-type", &type) && type.n)
        return write_back(call, user_id, type, &list, err);
    bool scores = wants_scores(call);
    begin_json(call, &w);
    jw_arr(&w);
    for (size_t i = 0; i < list.len; i++)
        write_one(scores, card_id(call->view, list.items[i].product_no), list.items[i].score, &w);
    jw_arr_end(&w);
    return reply_json(call, 200, &w, err);
}

/* --- a session --------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct event *x = &((const struct feedback *)a)->event;
    const struct event *y = &((const struct feedback *)b)->event;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Products that the feedback is about, the newest first: those it speaks for are the context, and none
 * of them comes again. */
static enum err_code session_products(struct call *call, struct recommend_request *r,
                                      struct err *err)
{
    struct feedback *items;
    size_t n;
    enum err_code code = gorse_read_feedback(call, &items, &n, err);
    if (code != ERR_OK)
        return code;
    uint32_t *context = ARENA_NEW(call->arena, uint32_t, RECOMMEND_CONTEXT_MAX);
    uint32_t *exclude = ARENA_NEW(call->arena, uint32_t, RECOMMEND_EXCLUDE_MAX);
    for (size_t i = 0; i < n; i++)
        items[i].event.seq = (int64_t)i; /* of one moment: as they came */
    if (n)
        qsort(items, n, sizeof *items, newest_first);
    for (size_t i = 0; i < n && r->exclude_len < RECOMMEND_EXCLUDE_MAX; i++) {
        uint32_t no = catalogue_find_id(call->view->catalogue, items[i].event.product_id);
        if (no == 0)
            continue;
        exclude[r->exclude_len++] = no;
        if (items[i].event.type != EVENT_IMPRESSION &&
            items[i].event.type != EVENT_REMOVE_FROM_CART && r->context_len < RECOMMEND_CONTEXT_MAX)
            context[r->context_len++] = no;
    }
    r->context = context;
    r->exclude = exclude;
    return ERR_OK;
}

static enum err_code post_session(struct call *call, struct err *err)
{
    struct recommend_request r = {.placement = PLACEMENT_SIMILAR};
    struct list list;
    enum err_code code = session_products(call, &r, err);
    if (code == ERR_OK)
        code = run(call, &r, &list, err);
    return code == ERR_OK ? reply_scores(call, &list, err) : code;
}

#define READS ENDPOINT_GORSE

/* A category may be missing behind its slash: so do the clients ask. */
static const struct endpoint endpoints[] = {
    {HTTP_GET, "/api/recommend/{user-id}", AUTH_SERVER, get_recommend, READS, NO_PARAMS},
    {HTTP_GET, "/api/recommend/{user-id}/", AUTH_SERVER, get_recommend, READS, NO_PARAMS},
    {HTTP_GET, "/api/recommend/{user-id}/{category}", AUTH_SERVER, get_recommend, READS, NO_PARAMS},
    {HTTP_GET, "/api/popular", AUTH_SERVER, get_popular, READS, NO_PARAMS},
    {HTTP_GET, "/api/popular/", AUTH_SERVER, get_popular, READS, NO_PARAMS},
    {HTTP_GET, "/api/popular/{category}", AUTH_SERVER, get_popular, READS, NO_PARAMS},
    {HTTP_GET, "/api/latest", AUTH_SERVER, get_latest, READS, NO_PARAMS},
    {HTTP_GET, "/api/latest/", AUTH_SERVER, get_latest, READS, NO_PARAMS},
    {HTTP_GET, "/api/latest/{category}", AUTH_SERVER, get_latest, READS, NO_PARAMS},
    {HTTP_GET, "/api/non-personalized/{name}", AUTH_SERVER, get_named, READS, NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}/neighbors", AUTH_SERVER, get_item_neighbours, READS, NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}/neighbors/", AUTH_SERVER, get_item_neighbours, READS,
     NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}/neighbors/{category}", AUTH_SERVER, get_item_neighbours, READS,
     NO_PARAMS},
    {HTTP_GET, "/api/item-to-item/{name}/{item-id}", AUTH_SERVER, get_item_neighbours, READS,
     NO_PARAMS},
    {HTTP_GET, "/api/user/{user-id}/neighbors", AUTH_SERVER, get_user_neighbours, READS, NO_PARAMS},
    {HTTP_GET, "/api/user/{user-id}/neighbors/", AUTH_SERVER, get_user_neighbours, READS,
     NO_PARAMS},
    {HTTP_GET, "/api/user-to-user/{name}/{user-id}", AUTH_SERVER, get_user_neighbours, READS,
     NO_PARAMS},
    {HTTP_POST, "/api/session/recommend", AUTH_SERVER, post_session, READS, NO_PARAMS},
    {HTTP_POST, "/api/session/recommend/", AUTH_SERVER, post_session, READS, NO_PARAMS},
    {HTTP_POST, "/api/session/recommend/{category}", AUTH_SERVER, post_session, READS, NO_PARAMS},
};
ENDPOINT_GROUP(gorse_list_endpoints, endpoints);
