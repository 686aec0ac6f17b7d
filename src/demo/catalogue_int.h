/* catalogue_int.h - the products as the choice model sees them, and their words.
 *
 * Model:   a group is one thing, its variants are the products. Everything about group g is drawn from
 *          the stream (seed, g), so more products continue the catalogue of fewer. What a shopper sees
 *          (words, price, picture) is made from the item again whenever it is needed; what he does not
 *          see (style, taste, appeal, trend) shows in behaviour alone.
 * Memory:  demo_catalogue_open allocates, demo_catalogue_release frees.
 * Threads: read-only after opening. */
#ifndef DEMO_CATALOGUE_INT_H
#define DEMO_CATALOGUE_INT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "demo/demo.h"
#include "demo/tables_int.h"

enum {
    TASTES = 8,           /* dimensions of the hidden space */
    TYPES_MAX = 200,      /* product types of all departments */
    WITH_MAX = 4,         /* complements of a type */
    HISTORY_DAYS = 365,   /* how long before now the events begin */
    CATALOGUE_DAYS = 730, /* how long before now the first products came */
};

/* The shop's only currency. */
#define CNY ((currency_code)('C' << 16 | 'N' << 8 | 'Y'))

/* Streams of the seed, far apart. */
#define STREAM_CATALOGUE (1ULL << 56)
#define STREAM_GROUP     (2ULL << 56)
#define STREAM_SHOPPER   (3ULL << 56)
#define STREAM_VISIT     (4ULL << 56)
#define STREAM_PLAN      (5ULL << 56)

struct item {
    uint32_t ordinal;     /* of its group within the type: words follow from it */
    uint16_t type;        /* flat index */
    uint8_t variant;      /* within the group */
    uint8_t brand;        /* in the department's list */
    uint8_t feature;      /* in the type's list */
    uint8_t colour;       /* of the colour table */
    uint8_t size;         /* in the type's list; 0 where it has none */
    uint8_t style;        /* hidden: the archetype it follows, 0..STYLES-1 */
    uint8_t twist;        /* chooses picture details */
    int8_t taste[TASTES]; /* hidden: place in style space, in 1/32 */
    float appeal;         /* hidden: log of popularity */
    float trend;          /* hidden: change of appeal per year */
    float price_z;        /* log price within its type's range, -1..1 */
    int32_t price_minor;
    int32_t list_minor; /* 0: not reduced */
    int32_t stock;
    int32_t created_s; /* seconds before now, > 0 */
};

/** A product type with its department and what the program adds. */
struct type_info {
    const struct product_type *row;
    const struct department *dept;
    uint8_t dept_no;
    uint16_t with[WITH_MAX]; /* flat indexes of what goes with it */
    int with_len;
    float taste[TASTES];   /* hidden: who likes such things at all */
    uint32_t combos;       /* brands x features x sizes: titles before series names repeat them */
    uint32_t step, offset; /* the walk through them: step is coprime to combos */
};

struct bucket {
    uint32_t first, len; /* slice of picks, keep, other */
    double weight;       /* sum of exp(appeal) */
};

struct catalogue {
    uint64_t seed;
    int64_t now_us;
    struct type_info types[TYPES_MAX];
    int types_len;
    uint16_t
        dept_first[DEPARTMENTS + 1]; /* types of department d: dept_first[d] .. dept_first[d + 1] */
    float archetype[STYLES][TASTES];
    struct item *items; /* [items_len], owned */
    uint32_t items_len;
    struct bucket buckets[TYPES_MAX][STYLES];
    uint32_t *picks; /* [items_len], owned: items by bucket */
    float *keep;     /* [items_len], owned: alias tables of the buckets */
    uint32_t *other;
};

/** ERR_MEMORY  no room for that many products. */
ERR_MUST_USE enum err_code demo_catalogue_open(struct catalogue *c, uint64_t seed,
                                               uint32_t products, int64_t now_us, struct err *err);
void demo_catalogue_release(struct catalogue *c);

/** The type with this noun [EN], or -1. */
int demo_catalogue_type(const struct catalogue *c, struct str noun);

/** An item of the bucket, by popularity. The bucket must not be empty. */
uint32_t demo_catalogue_draw(const struct catalogue *c, const struct bucket *b, struct rng *r);

/** The words of an item in one language; borrowed from the tables. Those that its title lacks are
 *  empty. */
struct words {
    struct str brand, series, feature, noun, size, colour;
    uint32_t edition; /* > 1: stands behind the series name */
};

void item_words(const struct catalogue *c, const struct item *it, enum lang lang, struct words *w);

/** Append "kettle-0012-red" (whole) or "kettle-0012" (the group's id). */
void item_put_id(const struct catalogue *c, const struct item *it, bool whole, struct buf *out);

/** Bytes that the texts of one product never exceed. */
enum { PRODUCT_TEXT_MAX = 8192 };

/** The record of item it. Its texts lie in text (an initialised buffer of that max, overwritten) until
 *  the next call with it. */
void describe_product(const struct catalogue *c, const struct item *it, struct buf *text,
                      struct product *out);

#endif
