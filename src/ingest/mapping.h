/* mapping.h - which column becomes which field: YAML files, or our own names.
 *
 * Model:   a mapping names, for each field of a product, user, event or order, the columns it comes
 *          from and what is done to them (docs/data-formats.md has the language). It is loaded, bound
 *          to a reader once (columns become indexes), and then asked row by row through struct row.
 *          Without a mapping our own JSON field names are the columns.
 * Rows:    row_* reads one field, checks it and converts it. The first failure of a row sticks in
 *          row->fault with its reason and column.
 * Memory:  what row_* gives is borrowed from the record or lies in the row's arena.
 * Threads: one at a time. */
#ifndef INGEST_MAPPING_H
#define INGEST_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "ingest/import.h"
#include "ingest/reader.h"
#include "store/records.h"

/** The fields of all kinds; mapping.c tells which kind has which. */
enum target {
    TO_ID,
    TO_GROUP_ID,
    TO_TITLE,
    TO_DESCRIPTION,
    TO_BRAND,
    TO_CATEGORY,
    TO_PRICE,
    TO_LIST_PRICE,
    TO_COST,
    TO_SALE_PRICE,
    TO_SALE_FROM,
    TO_SALE_UNTIL,
    TO_CURRENCY,
    TO_STOCK,
    TO_IMAGES,
    TO_ATTRIBUTES,
    TO_TAGS,
    TO_RATING_MEAN,
    TO_RATING_COUNT,
    TO_SUPPLIER_ID,
    TO_STATUS,
    TO_URL,
    TO_LANGUAGE,
    TO_TRANSLATIONS,
    TO_CREATED_AT,
    TO_PERSONALISE,
    TO_TYPE,
    TO_USER_ID,
    TO_ANONYMOUS_ID,
    TO_SESSION_ID,
    TO_PRODUCT_ID,
    TO_QUERY,
    TO_QUANTITY,
    TO_VALUE,
    TO_RATING,
    TO_TIME,
    TO_REQUEST_ID,
    TO_POSITION,
    TO_CONTEXT,
    TO_LINES,
    TO_KIND,
    TO_UNIT_PRICE,
    TO_DISCOUNT,
    TO_ADDRESS,
    TO_PAYMENT,
    TO_COUPONS,
    TO_PLACED_AT,
    TO_PAID_AT,
    TO_SHIPPED_AT,
    TO_DELIVERED_AT,
    TO_CLOSED_AT,
    TARGETS
};

const char *target_name(enum target t);

/** Does a kind have this field, and must every record have it? */
bool target_belongs(enum target t, enum import_kind k);
bool target_required(enum target t, enum import_kind k);

struct mapping;

/** name: a built-in's, or a path ending in .yaml or .yml; NULL: our own names.
 *  ERR_INVALID    "file:line: ..." with a suggestion where a name is misspelt, or of another kind
 *  ERR_NOT_FOUND  no such mapping; the message lists the built-in ones */
ERR_MUST_USE enum err_code mapping_load(struct mapping **out, enum import_kind kind,
                                        const char *name, struct err *err);

/** As mapping_load, of a text; name stands in messages. */
ERR_MUST_USE enum err_code mapping_parse(struct mapping **out, enum import_kind kind,
                                         struct str text, const char *name, struct err *err);

/** NULL is fine. */
void mapping_free(struct mapping *m);

/** "native", or the file's name without folder and ending. */
const char *mapping_name(const struct mapping *m);

/** What the file says, NULL or 0 if nothing. */
const char *mapping_charset(const struct mapping *m);
enum reader_format mapping_format(const struct mapping *m);
char mapping_delimiter(const struct mapping *m);

/** The currency of amounts that name none: overrides what the file says. */
void mapping_set_currency(struct mapping *m, currency_code currency);
currency_code mapping_currency(const struct mapping *m);

/** Find the columns. Once per reader.
 *  ERR_INVALID  the header has no column for a required field; the message lists the header */
ERR_MUST_USE enum err_code mapping_bind(struct mapping *m, struct reader *r, struct err *err);

/** Does some column lead to this field (or a constant)? */
bool mapping_has(const struct mapping *m, enum target t);

/** The first column of the file that leads to this field, from 1; 0 if there is none. */
unsigned mapping_column(const struct mapping *m, enum target t);

/* --- rules ----------------------------------------------------------------------------------- */

/** Conditions on a row that a mapping may set. */
enum rule_set {
    RULE_SKIP,       /* the row says nothing of its own (an image row of a product): merged */
    RULE_RETURN,     /* orders: the line is a return */
    RULE_ADJUSTMENT, /* orders: money or stock is put right */
    RULE_CHARGE,     /* orders: postage, fees, vouchers: not a product */
    RULE_INACTIVE,   /* products: known, not sold */
    RULE_PICTURE,    /* products: the row brings no product, only a picture of its key's */
    RULE_UNTRACKED,  /* products: whatever the stock says, it is sold */
    RULE_PARENT,     /* products: others inherit from it */
    RULE_SETS
};

bool mapping_matches(const struct mapping *m, enum rule_set set, const struct record *rec);

/** Products: do rows of one key share their pictures? */
bool mapping_has_pictures(const struct mapping *m);

/** The key that rows of one product share; {NULL, 0} if the row has none. */
struct str mapping_key(const struct mapping *m, const struct record *rec);

/** Our own names, no file? */
bool mapping_is_native(const struct mapping *m);

/** Orders: do lines make the products that the shop does not know, from the best of their titles? */
bool mapping_makes_products(const struct mapping *m);

/** Is this title only somebody's note ("damaged", "?")? By the mapping's ignore_titles. */
bool mapping_ignores_title(const struct mapping *m, struct str title);

/** Orders, events: unknown products are made (inactive, named by their id) instead of refused. */
bool mapping_creates_products(const struct mapping *m);

/* --- rows ------------------------------------------------------------------------------------ */

struct row_fault {
    enum import_reason reason; /* REASON_NONE: the row is fine so far */
    unsigned column;           /* 1-based column of the file, 0 the whole row */
    char message[200];
};

struct row {
    struct mapping *m;
    const struct record *rec;
    struct arena *arena;
    int64_t now; /* UTC us, for times in the future */
    bool filled; /* some cells come from another row */
    struct row_fault fault;
};

/** Begin a row. A record's own fault is taken over. Also fills empty cells from the row before or from
 *  the row of a parent, where the mapping says so (fill_down, inherit). */
void row_init(struct row *row, struct mapping *m, const struct record *rec, struct arena *arena,
              int64_t now);

/** Note the first failure; returns false. */
bool row_fail(struct row *row, enum target t, enum import_reason why, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** The value as the mapping makes it, {NULL, 0} if there is none. kind may be NULL. */
struct str row_value(struct row *row, enum target t, enum field_kind *kind);

/* Each reads one field into *out and returns false after a failure. An absent value gives what the
 * comment says, or REASON_MISSING where the kind requires the field. */
bool row_id(struct row *row, enum target t, struct str *out);               /* {NULL, 0} */
bool row_text(struct row *row, enum target t, size_t max, struct str *out); /* {NULL, 0} */
bool row_i64(struct row *row, enum target t, int64_t lo, int64_t hi, int64_t absent, int64_t *out);
bool row_double(struct row *row, enum target t, double lo, double hi, double *out); /* 0 */
bool row_bool(struct row *row, enum target t, bool absent, bool *out);
bool row_time(struct row *row, enum target t, int64_t *out); /* 0 */

/** Any time, also one to come; 0 if absent. */
bool row_moment(struct row *row, enum target t, int64_t *out);

/** Pieces; STORE_STOCK_UNTRACKED where nobody counts them or it does not matter. */
bool row_stock(struct row *row, int64_t *out);

/** The picture that the row brings, and its place among those of its key: INT64_MAX if it names none.
 *  False: it brings none. */
bool row_picture(struct row *row, struct str *url, int64_t *position);

/** Minor units; STORE_NO_AMOUNT if absent. *currency, if it is 0, receives what the amount names. */
bool row_money(struct row *row, enum target t, currency_code *currency, int64_t *minor);

/** Millionths of the major unit, exactly; 0 if absent. */
bool row_micro(struct row *row, enum target t, currency_code currency, int64_t *micro);

/** The row's own, else the mapping's, else 0. */
bool row_currency(struct row *row, currency_code *out);

/** JSON arrays of strings (images, tags) from lists, JSON objects (attributes, ...), checked. */
bool row_list(struct row *row, enum target t, struct str *out);
bool row_object(struct row *row, enum target t, struct str *out);

/** The attributes: the object itself, and what columns say about single ones. */
bool row_attributes(struct row *row, struct str *out);

/** The row as it stands in the file, for the quarantine; of a format that has no text of its own for a
 *  row (XML), a JSON object of its fields. */
struct str row_raw(const struct row *row, const struct reader *r);

/** A text from which the row can be read again without its file and the rows around it; empty where
 *  its raw text is one, or was cut. header is what row_header gave. */
struct str row_record(const struct row *row, const struct reader *r, struct str header);

/** The header of a file that has one, as a line of CSV with its line feed, in the arena; else
 *  {NULL, 0}. */
struct str row_header(const struct reader *r, struct arena *arena);

#endif
