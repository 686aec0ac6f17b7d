#include "ingest/line_products.h"

#include "store/products.h"
#include "store/store.h"

enum { CHUNK = 2000 };

void line_products_learn(struct skus *skus, const struct order *o, struct row_line *l)
{
    struct order_line *line = &l->line;
    if (line->product_id.n == 0)
        return;
    line->product_id = skus_add(
        skus, &(struct skus_line){.id = line->product_id,
                                  .title = l->title,
                                  .sale = line->kind == LINE_SALE && line->amount_minor > 0,
                                  .charge = l->charge,
                                  .time = o->placed_at,
                                  .price_micro = line->unit_price_micro,
                                  .currency = o->currency});
}

/* --- making ---------------------------------------------------------------------------------- */

struct make {
    const struct skus *skus;
    const struct mapping *mapping;
    size_t from, to;
    uint64_t made;
    line_products_made_fn *on_made;
    void *arg;
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

static enum err_code describe(const struct make *m, const struct skus_product *from,
                              struct product *p, struct err *err)
{
    struct str title = skus_title(m->skus, from, ignored, m->mapping);
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
    rc = describe(m, from, &p, err);
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
    m->made = 0;
    arena_init(&scratch, 0, 4 << 20);
    for (size_t i = m->from; rc == ERR_OK && i < m->to; i++) {
        arena_reset(&scratch);
        rc = make_one(m, tx, &scratch, &m->skus->products[i], err);
    }
    arena_release(&scratch);
    return rc == ERR_OK && m->on_made ? m->on_made(tx, m->arg, m->made, err) : rc;
}

enum err_code line_products_make(struct store *store, const struct skus *skus,
                                 const struct mapping *mapping, uint64_t *made,
                                 line_products_made_fn *on_made, void *arg, struct err *err)
{
    size_t n = skus->products_len;
    if (!mapping_makes_products(mapping))
        return ERR_OK;
    for (size_t from = 0; from < n; from += CHUNK) {
        struct make m = {.skus = skus,
                         .mapping = mapping,
                         .from = from,
                         .to = from + CHUNK < n ? from + CHUNK : n,
                         .on_made = on_made,
                         .arg = arg};
        enum err_code rc = store_write(store, make_job, &m, err);
        if (rc != ERR_OK)
            return rc;
        *made += m.made;
    }
    return ERR_OK;
}
