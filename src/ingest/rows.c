#include "ingest/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"

static bool product_status_of(struct row *row, enum product_status *out)
{
    struct str s;
    if (!row_text(row, TO_STATUS, 32, &s))
        return false;
    if (s.n == 0 || str_eq_nocase(s, STR_LIT("active")))
        *out = PRODUCT_ACTIVE;
    else if (str_eq_nocase(s, STR_LIT("inactive")))
        *out = PRODUCT_INACTIVE;
    else
        return row_fail(row, TO_STATUS, REASON_UNKNOWN_VALUE,
                        "the status is neither active nor inactive");
    if (mapping_matches(row->m, RULE_INACTIVE, row->rec))
        *out = PRODUCT_INACTIVE;
    return true;
}

/* The price of a sale counts while the sale lasts. */
static bool sale_price(struct row *row, struct product *p)
{
    int64_t sale, from, until;
    if (!row_money(row, TO_SALE_PRICE, &p->currency, &sale) ||
        !row_moment(row, TO_SALE_FROM, &from) || !row_moment(row, TO_SALE_UNTIL, &until))
        return false;
    if (sale == STORE_NO_AMOUNT || from > row->now || (until && until <= row->now))
        return true;
    if (p->list_price_minor == STORE_NO_AMOUNT)
        p->list_price_minor = p->price_minor;
    p->price_minor = sale;
    return true;
}

/* 0 in a shop's file means that nobody filled it in. */
static bool cost(struct row *row, struct product *p)
{
    if (!row_money(row, TO_COST, &p->currency, &p->cost_minor))
        return false;
    if (p->cost_minor == STORE_NO_AMOUNT)
        p->cost_minor = 0;
    return true;
}

static bool prices(struct row *row, struct product *p)
{
    if (!row_currency(row, &p->currency) ||
        !row_money(row, TO_PRICE, &p->currency, &p->price_minor) ||
        !row_money(row, TO_LIST_PRICE, &p->currency, &p->list_price_minor) || !cost(row, p) ||
        !sale_price(row, p))
        return false;
    /* A list price that is the price says nothing; shops' files also have less there, or 0.00. */
    bool less = p->list_price_minor < p->price_minor && !mapping_is_native(row->m);
    if (p->list_price_minor == p->price_minor || less)
        p->list_price_minor = STORE_NO_AMOUNT;
    if (p->price_minor == STORE_NO_AMOUNT && p->list_price_minor == STORE_NO_AMOUNT &&
        p->cost_minor == 0)
        p->currency = 0;
    return true;
}

/* A number in a taxonomy that we do not have says nothing to anybody. */
static bool category(struct row *row, struct product *p)
{
    size_t digits = 0;
    if (!row_text(row, TO_CATEGORY, STORE_CATEGORY_MAX, &p->category))
        return false;
    while (digits < p->category.n && p->category.p[digits] >= '0' && p->category.p[digits] <= '9')
        digits++;
    if (digits == p->category.n && !mapping_is_native(row->m))
        p->category = (struct str){NULL, 0};
    return true;
}

static bool rating(struct row *row, struct product *p)
{
    int64_t count;
    if (!row_double(row, TO_RATING_MEAN, 0, 5, &p->rating_mean) ||
        !row_i64(row, TO_RATING_COUNT, 0, UINT32_MAX, 0, &count))
        return false;
    p->rating_count = (uint32_t)count;
    if (count == 0)
        p->rating_mean = 0;
    return true;
}

static bool urls(struct row *row, struct product *p)
{
    struct err why;
    if (!row_text(row, TO_URL, STORE_TITLE_MAX, &p->url) || !row_list(row, TO_IMAGES, &p->images))
        return false;
    if (p->url.n && store_url_check("url", p->url, &why) != ERR_OK)
        return row_fail(row, TO_URL, REASON_BAD_URL, "neither http(s)://... nor /...");
    if (store_urls_check("images", p->images, &why) != ERR_OK)
        return row_fail(row, TO_IMAGES, REASON_BAD_URL, "neither http(s)://... nor /...");
    return true;
}

bool row_product(struct row *row, struct product *p)
{
    *p = (struct product){0};
    return row_id(row, TO_ID, &p->id) && row_id(row, TO_GROUP_ID, &p->group_id) &&
           row_text(row, TO_TITLE, STORE_TITLE_MAX, &p->title) &&
           row_text(row, TO_DESCRIPTION, STORE_TEXT_MAX, &p->description) &&
           row_text(row, TO_BRAND, STORE_TITLE_MAX, &p->brand) && category(row, p) &&
           prices(row, p) && row_stock(row, &p->stock) && urls(row, p) &&
           row_attributes(row, &p->attributes) && row_list(row, TO_TAGS, &p->tags) &&
           rating(row, p) && row_id(row, TO_SUPPLIER_ID, &p->supplier_id) &&
           product_status_of(row, &p->status) &&
           row_object(row, TO_TRANSLATIONS, &p->translations) &&
           row_text(row, TO_LANGUAGE, 16, &p->language) &&
           row_time(row, TO_CREATED_AT, &p->created_at);
}

bool row_user(struct row *row, struct user *u)
{
    *u = (struct user){0};
    return row_id(row, TO_ID, &u->id) && row_attributes(row, &u->attributes) &&
           row_bool(row, TO_PERSONALISE, true, &u->personalise) &&
           row_time(row, TO_CREATED_AT, &u->created_at);
}

/* --- events ---------------------------------------------------------------------------------- */

static bool type_of(struct row *row, enum event_type absent, enum event_type *out)
{
    struct str s;
    *out = absent;
    if (!row_text(row, TO_TYPE, 64, &s))
        return false;
    if (s.n && !event_type_of(s, out))
        return row_fail(row, TO_TYPE, REASON_UNKNOWN_VALUE, "no such type of event");
    return true;
}

/* The identity of what came without one: its content, so that the same row is the same event. */
static bool derived_id(struct row *row, struct event *e, const char *prefix)
{
    struct str parts[] = {e->user_id, e->anonymous_id, e->session_id, e->product_id, e->query};
    int64_t numbers[] = {e->time, (int64_t)e->type, e->quantity, (int64_t)(e->rating * 1000)};
    char text[4 * STORE_ID_MAX + STORE_QUERY_MAX + sizeof numbers + sizeof parts];
    size_t n = sizeof numbers;
    memcpy(text, numbers, n);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        memcpy(text + n, &parts[i].n, sizeof parts[i].n);
        n += sizeof parts[i].n;
        if (parts[i].n)
            memcpy(text + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    XXH128_hash_t h = XXH3_128bits(text, n);
    e->id = arena_printf(row->arena, "%s%016" PRIx64 "%016" PRIx64, prefix, h.high64, h.low64);
    return e->id.p != NULL;
}

static bool event_rules(struct row *row, const struct event *e)
{
    if (e->user_id.n == 0 && e->anonymous_id.n == 0)
        return row_fail(row, TO_USER_ID, REASON_MISSING,
                        "neither user_id nor anonymous_id is given");
    if (e->type == EVENT_SEARCH && e->query.n == 0)
        return row_fail(row, TO_QUERY, REASON_MISSING, "a search without a query");
    if (e->type != EVENT_SEARCH && e->product_id.n == 0)
        return row_fail(row, TO_PRODUCT_ID, REASON_MISSING, "missing");
    if (e->time == 0)
        return row_fail(row, TO_TIME, REASON_MISSING, "missing");
    return true;
}

bool row_event(struct row *row, struct event *e)
{
    int64_t position;
    *e = (struct event){.value_minor = STORE_NO_AMOUNT};
    if (!row_time(row, TO_TIME, &e->time) || !row_id(row, TO_ID, &e->id) ||
        !type_of(row, EVENT_VIEW, &e->type) || !row_id(row, TO_USER_ID, &e->user_id) ||
        !row_id(row, TO_ANONYMOUS_ID, &e->anonymous_id) ||
        !row_id(row, TO_SESSION_ID, &e->session_id) ||
        !row_id(row, TO_PRODUCT_ID, &e->product_id) ||
        !row_text(row, TO_QUERY, STORE_QUERY_MAX, &e->query) ||
        !row_i64(row, TO_QUANTITY, 1, STORE_AMOUNT_MAX, 1, &e->quantity) ||
        !row_currency(row, &e->currency) ||
        !row_money(row, TO_VALUE, &e->currency, &e->value_minor) ||
        !row_double(row, TO_RATING, 0, 5, &e->rating) ||
        !row_id(row, TO_REQUEST_ID, &e->request_id) ||
        !row_i64(row, TO_POSITION, -1, INT32_MAX, -1, &position) ||
        !row_object(row, TO_CONTEXT, &e->context) || !event_rules(row, e))
        return false;
    e->position = (int32_t)position;
    if (e->value_minor == STORE_NO_AMOUNT)
        e->currency = 0;
    return e->id.n > 0 || derived_id(row, e, "r-");
}

/* Someone had to do with something, at a time or at none. It becomes an event; without a time of
 * its own it stands at the first second of 2000, where no decay or session takes it for news. */
bool row_interaction(struct row *row, struct event *e)
{
    static const int64_t timeless = 946684800LL * CLOCK_US_PER_S;
    *e = (struct event){.value_minor = STORE_NO_AMOUNT, .position = -1};
    if (!row_id(row, TO_USER_ID, &e->user_id) || !row_id(row, TO_PRODUCT_ID, &e->product_id) ||
        !row_double(row, TO_RATING, 0, 5, &e->rating) ||
        !type_of(row, e->rating > 0 ? EVENT_RATING : EVENT_VIEW, &e->type) ||
        !row_time(row, TO_TIME, &e->time) ||
        !row_i64(row, TO_QUANTITY, 1, STORE_AMOUNT_MAX, 1, &e->quantity))
        return false;
    if (e->time == 0)
        e->time = timeless;
    return derived_id(row, e, "i-");
}
