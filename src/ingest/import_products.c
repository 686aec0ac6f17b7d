/* Products that are known from order lines alone: each SKU gets its best title, last price and first
 * day, and is switched on if it was ever sold for money. A product that the shop has described itself
 * is left as it is. */
#include "ingest/import_int.h"
#include "store/products.h"

enum { CHUNK = 2000 };

struct make {
    struct import *im;
    size_t from, to;
    uint64_t made;
};

static bool ignored(const void *arg, struct str title)
{
    return mapping_ignores_title(arg, title);
}

/* Nothing but a number and an id: what a line with an unknown product leaves behind. */
static bool is_stub(const struct product *p)
{
    return p->status == PRODUCT_INACTIVE && str_eq(p->title, p->id) &&
           p->price_minor == STORE_NO_AMOUNT;
}

static enum err_code describe(struct import *im, const struct skus_product *from, struct product *p,
                              struct err *err)
{
    struct str title = skus_title(&im->catalogue, from, ignored, im->mapping);
    *p = (struct product){
        .id = from->id,
        .title = title.n ? title : from->id,
        .price_minor = STORE_NO_AMOUNT,
        .list_price_minor = STORE_NO_AMOUNT,
        .stock = STORE_STOCK_UNTRACKED,
        .status =
            from->charge || from->sales == 0 || title.n == 0 ? PRODUCT_INACTIVE : PRODUCT_ACTIVE,
        .attributes = from->charge ? STR_LIT("{\"charge\":true}") : (struct str){NULL, 0},
        .created_at = from->first_time,
    };
    if (from->sales == 0 || from->charge)
        return ERR_OK;
    p->currency = from->currency;
    return money_line_minor(1, from->last_price_micro, from->currency, &p->price_minor, err);
}

static enum err_code make_one(struct make *m, struct store_tx *tx, struct arena *scratch,
                              const struct skus_product *from, struct err *err)
{
    struct product stored, p;
    enum product_put_result result;
    enum err_code rc = product_get(tx->db, from->id, scratch, &stored, err);
    if (rc != ERR_OK && rc != ERR_NOT_FOUND)
        return rc;
    if (rc == ERR_OK && !is_stub(&stored))
        return ERR_OK;
    rc = describe(m->im, from, &p, err);
    if (rc == ERR_OK)
        rc = product_put(tx, &p, NULL, &result, err);
    if (rc == ERR_OK)
        m->made += result != PRODUCT_UNCHANGED;
    return rc;
}

static enum err_code make_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct make *m = arg;
    struct arena scratch;
    enum err_code rc = ERR_OK;
    arena_init(&scratch, 0, 4 << 20);
    for (size_t i = m->from; rc == ERR_OK && i < m->to; i++) {
        arena_reset(&scratch);
        rc = make_one(m, tx, &scratch, &m->im->catalogue.products[i], err);
    }
    arena_release(&scratch);
    return rc;
}

enum err_code import_make_products(struct import *im, struct err *err)
{
    size_t n = im->catalogue.products_len;
    im->report->near_skus = catalogue_near_ids(&im->catalogue, im->report->near_examples,
                                               sizeof im->report->near_examples);
    if (im->o->dry_run || !mapping_makes_products(im->mapping))
        return ERR_OK;
    for (size_t from = 0; from < n; from += CHUNK) {
        struct make m = {im, from, from + CHUNK < n ? from + CHUNK : n, 0};
        enum err_code rc = store_write(im->store, make_job, &m, err);
        if (rc != ERR_OK)
            return rc;
        im->report->products_made += m.made;
    }
    return ERR_OK;
}
