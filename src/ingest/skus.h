/* skus.h - what order lines tell about the products they name.
 *
 * Model:   every line adds its product's id, title, price and time. At the end each product has the
 *          title that most of its sales had (a title that only stands on lines without a price is
 *          often somebody's note), its last price and its first day.
 * Memory:  some 100 bytes a product and 40 a distinct (product, title); texts once.
 * Threads: one at a time. */
#ifndef INGEST_SKUS_H
#define INGEST_SKUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"
#include "store/records.h"

struct skus_title {
    struct str text;
    uint32_t next;  /* index + 1 of the product's next title */
    uint32_t sales; /* lines with a price */
    uint32_t lines;
};

struct skus_product {
    struct str id;
    uint32_t titles; /* index + 1 of its first title */
    uint32_t sales;  /* lines with a price */
    bool charge;     /* not a product: postage, fees */
    int64_t first_time, last_time;
    int64_t last_price_micro;
    currency_code currency;
};

struct skus {
    struct map_str ids;            /* id -> index + 1 */
    struct skus_product *products; /* [products_len] owned */
    size_t products_len, products_cap;
    struct skus_title *titles; /* [titles_len] owned */
    size_t titles_len, titles_cap;
    struct map_u64 title_of; /* hash of (product, title) -> index + 1 */
    struct arena texts;
};

/** What a line says. */
struct skus_line {
    struct str id, title; /* title may be empty */
    bool sale;            /* sold for a price */
    bool charge;
    int64_t time;
    int64_t price_micro;
    currency_code currency;
};

void skus_init(struct skus *c);
void skus_release(struct skus *c);

/** returns borrowed copy of the id, until release. */
struct str skus_add(struct skus *c, const struct skus_line *line);

/** The best title of a product; {NULL, 0} if it has none.
 *  ignored (may be NULL): titles that never count */
struct str skus_title(const struct skus *c, const struct skus_product *p,
                      bool (*ignored)(const void *arg, struct str title), const void *arg);

/** Pairs of ids that differ in case alone, and the first few into out as "85123A/85123a, ...". */
uint64_t catalogue_near_ids(const struct skus *c, char *out, size_t cap);

#endif
