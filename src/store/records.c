#include "store/records.h"

#include <stddef.h>

#include "base/banned.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "store/record_int.h"

static const char *const event_types[EVENT_TYPES] = {
    [EVENT_IMPRESSION] = "impression",
    [EVENT_VIEW] = "view",
    [EVENT_CLICK] = "click",
    [EVENT_SEARCH] = "search",
    [EVENT_FAVOURITE] = "favourite",
    [EVENT_ADD_TO_CART] = "add_to_cart",
    [EVENT_REMOVE_FROM_CART] = "remove_from_cart",
    [EVENT_PURCHASE] = "purchase",
    [EVENT_RATING] = "rating",
};

static const char *const order_statuses[ORDER_STATUSES] = {
    [ORDER_PENDING] = "pending",     [ORDER_PAID] = "paid",           [ORDER_SHIPPED] = "shipped",
    [ORDER_DELIVERED] = "delivered", [ORDER_CANCELLED] = "cancelled", [ORDER_RETURNED] = "returned",
    [ORDER_EXCHANGED] = "exchanged",
};

static bool find_name(struct str name, const char *const *names, unsigned n, unsigned *out)
{
    for (unsigned i = 0; i < n; i++) {
        if (str_is(name, names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *event_type_name(enum event_type t)
{
    return (unsigned)t < EVENT_TYPES ? event_types[t] : "unknown";
}

bool event_type_of(struct str name, enum event_type *t)
{
    unsigned i;
    if (!find_name(name, event_types, EVENT_TYPES, &i))
        return false;
    *t = (enum event_type)i;
    return true;
}

const char *order_status_name(enum order_status s)
{
    return (unsigned)s < ORDER_STATUSES ? order_statuses[s] : "unknown";
}

bool order_status_of(struct str name, enum order_status *s)
{
    unsigned i;
    if (!find_name(name, order_statuses, ORDER_STATUSES, &i))
        return false;
    *s = (enum order_status)i;
    return true;
}

enum err_code store_text_check(const char *what, struct str text, size_t max, struct err *err)
{
    char quoted[64];
    size_t bad;
    if (text.n > max)
        return err_set(err, ERR_LIMIT, "%s has %zu bytes, the limit is %zu", what, text.n, max);
    if (!str_utf8_valid(text, &bad))
        return err_set(err, ERR_INVALID, "%s is not valid UTF-8 at byte %zu: %s", what, bad,
                       err_quote(quoted, sizeof quoted, text.p, text.n));
    if (text.n && memchr(text.p, 0, text.n))
        return err_set(err, ERR_INVALID, "%s holds a NUL byte", what);
    return ERR_OK;
}

enum err_code store_id_check(const char *what, struct str id, struct err *err)
{
    if (!id.n)
        return err_set(err, ERR_INVALID, "%s is missing", what);
    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (c < 0x20 || c == 0x7f)
            return err_set(err, ERR_INVALID, "%s holds a control character at byte %zu", what, i);
    }
    return store_text_check(what, id, STORE_ID_MAX, err);
}

/* What follows the scheme and "//" if it is one of the web; NULL if not. */
static const char *behind_scheme(struct str url)
{
    static const struct str schemes[] = {STR_LIT("http://"), STR_LIT("https://")};
    for (size_t i = 0; i < 2; i++)
        if (url.n > schemes[i].n && str_eq_nocase((struct str){url.p, schemes[i].n}, schemes[i]))
            return url.p + schemes[i].n;
    return NULL;
}

enum err_code store_url_check(const char *what, struct str url, struct err *err)
{
    char quoted[64];
    const char *host = behind_scheme(url);
    /* Browsers take "/\\host" and "//host" for another site. */
    bool good =
        host ? *host != '/'
             : url.n && url.p[0] == '/' && (url.n == 1 || (url.p[1] != '/' && url.p[1] != '\\'));
    for (size_t i = 0; i < url.n && good; i++)
        good = (unsigned char)url.p[i] >= 0x20 && url.p[i] != 0x7f;
    if (good)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "%s: '%s' is neither http(s)://... nor /...", what,
                   err_quote(quoted, sizeof quoted, url.p, url.n));
}

enum err_code store_urls_check(const char *what, struct str array, struct err *err)
{
    struct arena arena;
    struct json_reader r;
    struct str url;
    enum err_code code = ERR_OK;
    if (!array.n)
        return ERR_OK;
    arena_init(&arena, 0, 2 * STORE_JSON_MAX);
    jr_init(&r, array, &arena);
    if (jr_arr(&r))
        while (!code && jr_next(&r))
            if (jr_str(&r, &url))
                code = store_url_check(what, url, err);
    if (!code && jr_end(&r, NULL))
        code = err_set(err, ERR_INVALID, "%s: not an array of strings", what);
    arena_release(&arena);
    return code;
}

enum time_fault store_time_fault(int64_t us, int64_t now_us)
{
    if (us < STORE_TIME_MIN_US)
        return TIME_ANCIENT;
    return us > now_us + STORE_TIME_AHEAD_US ? TIME_FUTURE : TIME_FINE;
}

enum err_code store_time_check(const char *what, int64_t us, int64_t now_us, struct err *err)
{
    switch (store_time_fault(us, now_us)) {
    case TIME_ANCIENT:
        return err_set(err, ERR_INVALID, "%s: before 1990", what);
    case TIME_FUTURE:
        return err_set(err, ERR_INVALID, "%s: more than a day ahead", what);
    case TIME_FINE:
        break;
    }
    return ERR_OK;
}

enum err_code record_number(const char *what, int64_t wide, uint32_t *no, struct err *err)
{
    if (wide <= 0 || wide > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "there is no %s left", what);
    *no = (uint32_t)wide;
    return ERR_OK;
}

enum err_code record_check_amount(const char *what, int64_t amount, struct err *err)
{
    if (amount < 0 || amount > STORE_AMOUNT_MAX)
        return err_set(err, ERR_INVALID, "%s %lld is not between 0 and %lld", what,
                       (long long)amount, STORE_AMOUNT_MAX);
    return ERR_OK;
}

enum err_code record_check_time(const char *what, int64_t us, struct err *err)
{
    const int64_t year_1900 = -2208988800LL * CLOCK_US_PER_S;
    const int64_t year_10000 = 253402300800LL * CLOCK_US_PER_S;
    if (us < year_1900 || us >= year_10000)
        return err_set(err, ERR_INVALID, "%s %lld us is not a year between 1900 and 9999", what,
                       (long long)us);
    return ERR_OK;
}
