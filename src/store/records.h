/* records.h - the nouns: what a product, an event, an order and a shopper are.
 *
 * Plain structs that borrow their text. The reader (a repository, an importer, an HTTP handler)
 * owns the bytes; they live as long as the arena or row that they came from. Text is valid UTF-8.
 * "Absent" is written in each field. Money is an integer in minor units of the record's currency;
 * amounts of different currencies are never compared, summed or sorted together. Times are UTC
 * microseconds. Ids from outside are opaque strings of 1..STORE_ID_MAX bytes; inside, shoppers and
 * products are numbers that the store gives and never uses again. */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    STORE_ID_MAX = 128,        /* bytes of any outside id */
    STORE_TITLE_MAX = 2000,    /* bytes */
    STORE_TEXT_MAX = 64 << 10, /* bytes of a description */
    STORE_JSON_MAX = 64 << 10, /* bytes of attributes, images, tags, translations, context each */
    STORE_CATEGORY_MAX = 512,  /* bytes of a whole category path */
    STORE_QUERY_MAX = 512,     /* bytes of a search text */
    STORE_ORDER_LINES_MAX = 2000,
};

/** Largest amount of money or quantity that a record may hold; sums of 2^20 of them cannot
 *  overflow. */
#define STORE_AMOUNT_MAX 1000000000000LL

/** The same for a unit price in millionths of the major unit. */
#define STORE_MICRO_MAX 10000000000000000LL

/** No amount given (price, list price, value). */
#define STORE_NO_AMOUNT INT64_MIN

/** Stock is not tracked: always available. */
#define STORE_STOCK_UNTRACKED (-1)

/** An ISO 4217 code packed as three ASCII letters, 'G' << 16 | 'B' << 8 | 'P'; 0 is "none". */
typedef uint32_t currency_code;

enum product_status {
    PRODUCT_ACTIVE = 0,   /* sold: found, recommended */
    PRODUCT_INACTIVE = 1, /* known, not sold now (left the feed, switched off) */
    PRODUCT_DELETED = 2,  /* gone; the number stays reserved for its history */
};

struct product {
    uint32_t no;              /* given by the store; 0 in a record not stored yet */
    struct str id;            /* required */
    struct str group_id;      /* variants of one thing share it; empty: alone */
    struct str title;         /* required, 1..STORE_TITLE_MAX */
    struct str description;   /* plain text; may be empty */
    struct str brand;         /* may be empty */
    struct str category;      /* a path, parts separated by " > "; may be empty */
    int64_t price_minor;      /* >= 0, or STORE_NO_AMOUNT */
    int64_t list_price_minor; /* >= 0 before reduction, or STORE_NO_AMOUNT */
    int64_t cost_minor;     /* what it costs the shop, > 0, or STORE_NO_AMOUNT; 0 in a record to be
                                 put: as stored. For nobody's eyes but the shop's */
    currency_code currency; /* of prices and cost; 0 only if there is none */
    int64_t stock;          /* pieces >= 0, or STORE_STOCK_UNTRACKED */
    struct str images;      /* JSON array of URLs, or empty */
    struct str attributes;  /* JSON object: name to string, number, boolean or array of them */
    struct str tags;        /* JSON array of strings, or empty */
    double rating_mean;     /* 0..5; 0 with rating_count 0 */
    uint32_t rating_count;
    struct str supplier_id; /* may be empty */
    enum product_status status;
    struct str url; /* the shop's own page; may be empty */
    /* JSON object: language to an object of title, description, brand, category, attributes */
    struct str translations; /* or empty */
    struct str language;     /* of the texts above, "en", "zh", ...; empty: to be detected */
    int64_t created_at;      /* 0: when stored */
    int64_t updated_at;      /* set by the store */
};

enum event_type {
    EVENT_IMPRESSION = 0,
    EVENT_VIEW,
    EVENT_CLICK,
    EVENT_SEARCH,
    EVENT_FAVOURITE,
    EVENT_ADD_TO_CART,
    EVENT_REMOVE_FROM_CART,
    EVENT_PURCHASE,
    EVENT_RATING,
    EVENT_TYPES
};

/** "impression", "view", ... as in the API. */
const char *event_type_name(enum event_type t);

/** False for an unknown name. */
bool event_type_of(struct str name, enum event_type *t);

struct event {
    int64_t seq;   /* given by the store, grows with arrival; 0 in a record not stored yet */
    int64_t time;  /* with id the identity; both absent (0, empty): the server gives both */
    struct str id; /* unique together with time */
    enum event_type type;
    struct str user_id; /* and/or anonymous_id: at least one */
    struct str anonymous_id;
    struct str session_id;  /* may be empty */
    struct str product_id;  /* required but for EVENT_SEARCH */
    struct str query;       /* required for EVENT_SEARCH */
    int64_t quantity;       /* 1..; 1 by default */
    int64_t value_minor;    /* of a purchase, or STORE_NO_AMOUNT */
    currency_code currency; /* of value_minor */
    double rating;          /* of EVENT_RATING, 0..5; else 0 */
    struct str request_id;  /* of the recommendation or search that led here; may be empty */
    int32_t position;       /* in that list, the first is 1; -1 unknown */
    struct str context;     /* JSON object, or empty */
    int64_t feedback;       /* number of its type of feedback (feedback.h); 0: it is none */
    uint32_t user_no; /* resolved by the store: the known shopper, else the anonymous one; 0 none */
    uint32_t product_no; /* resolved by the store; 0 none */
};

enum order_status {
    ORDER_PENDING = 0,
    ORDER_PAID,
    ORDER_SHIPPED,
    ORDER_DELIVERED,
    ORDER_CANCELLED,
    ORDER_RETURNED,
    ORDER_EXCHANGED,
    ORDER_STATUSES
};

const char *order_status_name(enum order_status s);
bool order_status_of(struct str name, enum order_status *s);

enum order_line_kind {
    LINE_SALE = 0,   /* quantity > 0 */
    LINE_RETURN = 1, /* quantity > 0 pieces that came back; amounts are what was given back, > 0 */
    LINE_ADJUSTMENT = 2, /* money or stock only: fees, bad debt, stock counts; amount is signed */
};

struct order_line {
    uint32_t ordinal; /* within the order, from 0: (order, ordinal) is the line's identity */
    enum order_line_kind kind;
    struct str product_id;    /* empty for an adjustment that concerns no product */
    uint32_t product_no;      /* resolved by the store; 0 none */
    int64_t quantity;         /* pieces, see kind; an adjustment may be negative (stock count) */
    int64_t unit_price_micro; /* exact unit price in millionths of the major unit */
    int64_t discount_minor;   /* >= 0, off the whole line */
    int64_t amount_minor; /* what the line is worth, rounded once (half away from zero), see kind */
    int64_t sale_order_no; /* LINE_RETURN: the order whose line it gives back, 0 unknown */
    uint32_t sale_ordinal; /* and the line in it */
};

struct order {
    int64_t no;              /* given by the store */
    struct str id;           /* required */
    struct str user_id;      /* empty: a guest */
    struct str anonymous_id; /* of a guest; may be empty */
    uint32_t user_no;        /* resolved by the store; 0 for a guest without an id */
    currency_code currency;  /* required */
    enum order_status status;
    int64_t total_minor; /* sum over lines: sales - returns + adjustments */
    struct str address;  /* JSON object, or empty */
    struct str payment;  /* JSON object without card data, or empty */
    struct str coupons;  /* JSON array, or empty */
    int64_t placed_at;   /* required */
    int64_t paid_at, shipped_at, delivered_at, closed_at; /* 0: not yet */
    const struct order_line *lines;                       /* [lines_len] */
    uint32_t lines_len;
};

struct user {
    uint32_t no;           /* given by the store */
    struct str id;         /* required */
    struct str attributes; /* JSON object, or empty */
    bool personalise;      /* false: opted out of personalisation */
    int64_t created_at;    /* 0: when stored */
    int64_t updated_at;    /* set by the store */
};

/** An id from outside: 1..STORE_ID_MAX bytes of valid UTF-8 without control characters. what names
 *  the field in the message. */
ERR_MUST_USE enum err_code store_id_check(const char *what, struct str id, struct err *err);

/** A text of at most max bytes of valid UTF-8 without NUL; may be empty. */
ERR_MUST_USE enum err_code store_text_check(const char *what, struct str text, size_t max,
                                            struct err *err);

/** An address that a page may link to and show: absolute with http or https, or a path from the root of
 *  this site; nothing that a browser would run, and no control characters. ERR_INVALID. */
ERR_MUST_USE enum err_code store_url_check(const char *what, struct str url, struct err *err);

/** The same of each string in a JSON array; empty is fine. ERR_INVALID for another element, too. */
ERR_MUST_USE enum err_code store_urls_check(const char *what, struct str array, struct err *err);

/** No shop had customers before; a clock that was never set says 1970. */
#define STORE_TIME_MIN_US (631152000 * 1000000LL) /* 1990-01-01 */

/** Clocks differ, and so do time zones that somebody forgot. */
#define STORE_TIME_AHEAD_US (86400 * 1000000LL)

enum time_fault { TIME_FINE = 0, TIME_ANCIENT, TIME_FUTURE };

/** May something have happened then: from 1990 to a day ahead? What is fine is never 0, which means
 *  "absent" in records. */
enum time_fault store_time_fault(int64_t us, int64_t now_us);

/** The same as ERR_INVALID, what naming the field. */
ERR_MUST_USE enum err_code store_time_check(const char *what, int64_t us, int64_t now_us,
                                            struct err *err);

/** "GBP" to its packed code; false unless it is a currency of ISO 4217 in use. */
bool currency_of(struct str name, currency_code *code);

/** The three letters and a NUL into out[4]; "" for 0. Returns out. */
char *currency_name(currency_code code, char out[4]);

/** Digits behind the point: 2 for most, 0 for JPY and KRW, 3 for KWD. */
int currency_exponent(currency_code code);

/** Exact conversion of a decimal text ("2.55", "-11062.06", "1e3" is refused) to minor units,
 *  rounded half away from zero once; *exact (may be NULL) tells whether nothing was rounded off.
 *  ERR_INVALID  not a plain decimal number, or beyond STORE_AMOUNT_MAX. */
ERR_MUST_USE enum err_code money_parse_minor(struct str text, currency_code currency,
                                             int64_t *minor, bool *exact, struct err *err);

/** As above, in millionths of the major unit; what these cannot hold exactly is ERR_INVALID. */
ERR_MUST_USE enum err_code money_parse_micro(struct str text, int64_t *micro, struct err *err);

/** round_half_away(quantity * micro / 10^(6 - exponent)), in 128 bits.
 *  ERR_LIMIT  the amount is beyond STORE_AMOUNT_MAX. */
ERR_MUST_USE enum err_code money_line_minor(int64_t quantity, int64_t unit_price_micro,
                                            currency_code currency, int64_t *minor,
                                            struct err *err);

#endif
