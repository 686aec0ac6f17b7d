#include "store/products.h"

#include <xxhash.h>

#include "base/banned.h"
#include "store/products_int.h"
#include "store/record_int.h"
#include "store/tx_int.h"

/* --- checking --------------------------------------------------------------------------------- */

static enum err_code check_texts(const struct product *p, struct err *err)
{
    const struct {
        const char *what;
        struct str text;
        size_t max;
    } texts[] = {
        {"group_id", p->group_id, STORE_ID_MAX},           {"title", p->title, STORE_TITLE_MAX},
        {"description", p->description, STORE_TEXT_MAX},   {"brand", p->brand, STORE_TITLE_MAX},
        {"category", p->category, STORE_CATEGORY_MAX},     {"images", p->images, STORE_JSON_MAX},
        {"attributes", p->attributes, STORE_JSON_MAX},     {"tags", p->tags, STORE_JSON_MAX},
        {"supplier_id", p->supplier_id, STORE_ID_MAX},     {"url", p->url, STORE_TITLE_MAX},
        {"translations", p->translations, STORE_JSON_MAX}, {"language", p->language, STORE_ID_MAX},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum err_code code = store_text_check(texts[i].what, texts[i].text, texts[i].max, err);
        if (code)
            return code;
    }
    return p->title.n ? ERR_OK : err_set(err, ERR_INVALID, "title is missing");
}

static enum err_code check_price(const char *what, int64_t amount, currency_code currency,
                                 struct err *err)
{
    if (amount == STORE_NO_AMOUNT)
        return ERR_OK;
    if (!currency)
        return err_set(err, ERR_INVALID, "%s has no currency", what);
    return record_check_amount(what, amount, err);
}

static enum err_code check_live(const struct product *p, struct err *err)
{
    enum err_code code = check_price("price", p->price_minor, p->currency, err);
    if (!code)
        code = check_price("list_price", p->list_price_minor, p->currency, err);
    if (!code && p->cost_minor)
        code = check_price("cost", p->cost_minor, p->currency, err);
    if (!code && p->stock != STORE_STOCK_UNTRACKED)
        code = record_check_amount("stock", p->stock, err);
    if (!code && p->status != PRODUCT_ACTIVE && p->status != PRODUCT_INACTIVE)
        code = err_set(err, ERR_INVALID, "status %d is neither active nor inactive", p->status);
    return code;
}

enum err_code product_check(const struct product *p, struct err *err)
{
    enum err_code code = store_id_check("id", p->id, err);
    if (!code)
        code = check_texts(p, err);
    if (!code)
        code = check_live(p, err);
    if (!code && !(p->rating_mean >= 0 && p->rating_mean <= 5))
        code = err_set(err, ERR_INVALID, "rating %g is not between 0 and 5", p->rating_mean);
    if (!code && p->created_at)
        code = record_check_time("created_at", p->created_at, err);
    if (!code && p->url.n)
        code = store_url_check("url", p->url, err);
    return code ? code : store_urls_check("images", p->images, err);
}

/* --- numbers ---------------------------------------------------------------------------------- */

enum err_code product_no_of(struct db *db, struct str id, uint32_t *no, struct err *err)
{
    int64_t wide;
    enum err_code code = db_query_i64(db, "SELECT no FROM products WHERE id = ?",
                                      DB_ARGS(db_text(id)), &wide, NULL, err);
    *no = code ? 0 : (uint32_t)wide;
    return code;
}

enum err_code product_id_of(struct db *db, uint32_t no, struct arena *arena, struct str *id,
                            struct err *err)
{
    struct db_rows rows;
    bool more;
    *id = (struct str){0};
    enum err_code code =
        db_query(db, "SELECT id FROM products WHERE no = ?", DB_ARGS(db_i64(no)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (!code && more)
        *id = arena_str(arena, db_col_text(&rows, 0));
    db_rows_close(&rows);
    return code;
}

enum err_code product_find(struct store_tx *tx, struct str id, uint32_t *no, struct err *err)
{
    struct id_cache *known = &tx_of(tx)->products;
    struct id_hash hash = id_cache_hash(0, id);
    *no = id_cache_find(known, hash);
    if (*no)
        return ERR_OK;
    enum err_code code = product_no_of(tx->db, id, no, err);
    if (!code && *no)
        id_cache_add(known, hash, *no);
    return code;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What product_live says about a stored product. */
struct live {
    enum product_status status;
    int64_t price_minor, list_price_minor;
    int64_t cost_minor; /* STORE_NO_AMOUNT: none is known */
    currency_code currency;
    int64_t stock;
    int64_t content_hash; /* of the texts and the rating */
    int64_t created_at;
};

/* Each hash seeds the next, so that texts cannot run into one another. */
static int64_t content_hash(const struct product *p)
{
    const struct str texts[] = {p->group_id,    p->title,  p->description,  p->brand,
                                p->category,    p->images, p->attributes,   p->tags,
                                p->supplier_id, p->url,    p->translations, p->language};
    XXH64_hash_t hash = XXH3_64bits(&p->rating_mean, sizeof p->rating_mean);
    hash = XXH3_64bits_withSeed(&p->rating_count, sizeof p->rating_count, hash);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = XXH3_64bits_withSeed(texts[i].p, texts[i].n, hash);
    return (int64_t)hash;
}

static struct live live_of(const struct product *p)
{
    return (struct live){
        .status = p->status,
        .price_minor = p->price_minor,
        .list_price_minor = p->list_price_minor,
        .cost_minor = p->cost_minor ? p->cost_minor : STORE_NO_AMOUNT,
        .currency = p->currency,
        .stock = p->stock,
        .content_hash = content_hash(p),
        .created_at = p->created_at,
    };
}

static bool same_live(const struct live *a, const struct live *b)
{
    return a->status == b->status && a->price_minor == b->price_minor &&
           a->list_price_minor == b->list_price_minor && a->cost_minor == b->cost_minor &&
           a->currency == b->currency && a->stock == b->stock;
}

static enum err_code read_live(struct db *db, uint32_t no, struct live *live, struct err *err)
{
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db,
                                  "SELECT status, price, list_price, currency, stock,"
                                  " content_hash, created_at, cost FROM product_live WHERE no = ?",
                                  DB_ARGS(db_i64(no)), &rows, err);
    if (!code)
        code = db_next(&rows, &more, err);
    if (code)
        return code;
    if (!more)
        return err_set(err, ERR_CORRUPT, "product %u has no live fields", no);
    *live = (struct live){
        .status = (enum product_status)db_col_i64(&rows, 0),
        .price_minor = db_col_amount(&rows, 1),
        .list_price_minor = db_col_amount(&rows, 2),
        .currency = db_col_u32(&rows, 3),
        .stock = db_col_i64(&rows, 4),
        .content_hash = db_col_i64(&rows, 5),
        .created_at = db_col_i64(&rows, 6),
        .cost_minor = db_col_amount(&rows, 7),
    };
    db_rows_close(&rows);
    return ERR_OK;
}

static enum err_code insert_live(struct store_tx *tx, uint32_t no, const struct live *live,
                                 struct err *err)
{
    return db_run(
        tx->db,
        "INSERT INTO product_live (no, status, price, list_price, currency, stock, content_hash,"
        " created_at, updated_at, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_ARGS(db_i64(no), db_i64(live->status), db_amount(live->price_minor),
                db_amount(live->list_price_minor), db_i64(live->currency), db_i64(live->stock),
                db_i64(live->content_hash), db_i64(live->created_at), db_i64(tx->now_us),
                db_amount(live->cost_minor)),
        NULL, err);
}

static enum err_code update_live(struct store_tx *tx, uint32_t no, const struct live *live,
                                 struct err *err)
{
    return db_run(
        tx->db,
        "UPDATE product_live SET status = ?, price = ?, list_price = ?, currency = ?, stock = ?,"
        " content_hash = ?, created_at = ?, updated_at = ?, cost = ? WHERE no = ?",
        DB_ARGS(db_i64(live->status), db_amount(live->price_minor),
                db_amount(live->list_price_minor), db_i64(live->currency), db_i64(live->stock),
                db_i64(live->content_hash), db_i64(live->created_at), db_i64(tx->now_us),
                db_amount(live->cost_minor), db_i64(no)),
        NULL, err);
}

static enum err_code insert_product(struct store_tx *tx, const struct product *p, uint32_t *no,
                                    struct err *err)
{
    int64_t wide;
    enum err_code code = db_insert(
        tx->db,
        "INSERT INTO products (id, group_id, title, description, brand, category, images,"
        " attributes, tags, rating_mean, rating_count, supplier_id, url, translations, language)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_ARGS(db_text(p->id), db_text_or_null(p->group_id), db_text_or_null(p->title),
                db_text_or_null(p->description), db_text_or_null(p->brand),
                db_text_or_null(p->category), db_text_or_null(p->images),
                db_text_or_null(p->attributes), db_text_or_null(p->tags),
                db_double_or_null(p->rating_mean), db_i64_or_null(p->rating_count),
                db_text_or_null(p->supplier_id), db_text_or_null(p->url),
                db_text_or_null(p->translations), db_text_or_null(p->language)),
        &wide, err);
    if (!code)
        code = record_number("product number", wide, no, err);
    if (!code)
        id_cache_add(&tx_of(tx)->products, id_cache_hash(0, p->id), *no);
    return code;
}

static enum err_code update_content(struct store_tx *tx, uint32_t no, const struct product *p,
                                    struct err *err)
{
    return db_run(
        tx->db,
        "UPDATE products SET group_id = ?, title = ?, description = ?, brand = ?, category = ?,"
        " images = ?, attributes = ?, tags = ?, rating_mean = ?, rating_count = ?,"
        " supplier_id = ?, url = ?, translations = ?, language = ? WHERE no = ?",
        DB_ARGS(db_text_or_null(p->group_id), db_text_or_null(p->title),
                db_text_or_null(p->description), db_text_or_null(p->brand),
                db_text_or_null(p->category), db_text_or_null(p->images),
                db_text_or_null(p->attributes), db_text_or_null(p->tags),
                db_double_or_null(p->rating_mean), db_i64_or_null(p->rating_count),
                db_text_or_null(p->supplier_id), db_text_or_null(p->url),
                db_text_or_null(p->translations), db_text_or_null(p->language), db_i64(no)),
        NULL, err);
}

/* Replace a stored product; result tells by how much it differed. */
static enum err_code replace_product(struct store_tx *tx, uint32_t no, const struct product *p,
                                     enum product_put_result *result, struct err *err)
{
    struct live stored, wanted = live_of(p);
    enum err_code code = read_live(tx->db, no, &stored, err);
    if (code)
        return code;
    if (!wanted.created_at) /* a deleted product has none: it begins anew */
        wanted.created_at = stored.created_at ? stored.created_at : tx->now_us;
    if (!p->cost_minor && p->currency == stored.currency)
        wanted.cost_minor = stored.cost_minor;
    bool revived = stored.status == PRODUCT_DELETED;
    bool same_content = stored.content_hash == wanted.content_hash &&
                        stored.created_at == wanted.created_at && !revived;
    if (same_content && same_live(&stored, &wanted)) {
        *result = PRODUCT_UNCHANGED;
        return ERR_OK;
    }
    if (!same_content)
        code = update_content(tx, no, p, err);
    if (!code)
        code = update_live(tx, no, &wanted, err);
    *result = revived ? PRODUCT_CREATED : same_content ? PRODUCT_CHANGED_LIVE : PRODUCT_CHANGED;
    return code;
}

static enum err_code create_product(struct store_tx *tx, const struct product *p, uint32_t *no,
                                    struct err *err)
{
    struct live live = live_of(p);
    if (!live.created_at)
        live.created_at = tx->now_us;
    enum err_code code = insert_product(tx, p, no, err);
    return code ? code : insert_live(tx, *no, &live, err);
}

enum err_code product_put(struct store_tx *tx, const struct product *p, uint32_t *no,
                          enum product_put_result *result, struct err *err)
{
    uint32_t found;
    enum product_put_result outcome = PRODUCT_CREATED;
    enum err_code code = product_check(p, err);
    if (!code)
        code = product_find(tx, p->id, &found, err);
    if (code)
        return code;
    code =
        found ? replace_product(tx, found, p, &outcome, err) : create_product(tx, p, &found, err);
    if (!code && outcome != PRODUCT_UNCHANGED)
        code = tx_change(tx, CHANGE_PRODUCT,
                         outcome == PRODUCT_CHANGED_LIVE ? CHANGE_LIVE : CHANGE_PUT, found, err);
    if (code)
        return code;
    if (no)
        *no = found;
    if (result)
        *result = outcome;
    return ERR_OK;
}

enum err_code product_find_or_create(struct store_tx *tx, struct str id, uint32_t *no,
                                     struct err *err)
{
    enum err_code code = product_find(tx, id, no, err);
    if (code || *no)
        return code;
    struct product unknown = {
        .id = id,
        .title = id,
        .price_minor = STORE_NO_AMOUNT,
        .list_price_minor = STORE_NO_AMOUNT,
        .stock = STORE_STOCK_UNTRACKED,
        .status = PRODUCT_INACTIVE,
    };
    return product_put(tx, &unknown, no, NULL, err);
}

/* The number and live fields of a product that exists and was not deleted. */
static enum err_code find_existing(struct store_tx *tx, struct str id, uint32_t *no,
                                   struct live *live, struct err *err)
{
    char quoted[80];
    enum err_code code = product_find(tx, id, no, err);
    if (!code && *no)
        code = read_live(tx->db, *no, live, err);
    if (!code && (!*no || live->status == PRODUCT_DELETED))
        code = err_set(err, ERR_NOT_FOUND, "no product %s",
                       err_quote(quoted, sizeof quoted, id.p, id.n));
    return code;
}

/* A cost of another currency says nothing. */
static void set_currency(struct live *live, currency_code currency)
{
    if (live->currency != currency)
        live->cost_minor = STORE_NO_AMOUNT;
    live->currency = currency;
}

static void apply_patch(struct live *live, const struct product_patch *patch)
{
    if (patch->fields & PRODUCT_PRICE)
        live->price_minor = patch->price_minor;
    if (patch->fields & PRODUCT_LIST_PRICE)
        live->list_price_minor = patch->list_price_minor;
    if (patch->fields & PRODUCT_STOCK)
        live->stock = patch->stock;
    if (patch->fields & PRODUCT_STATUS)
        live->status = patch->status;
    if (patch->fields & (PRODUCT_PRICE | PRODUCT_LIST_PRICE) && patch->currency)
        set_currency(live, patch->currency);
}

/* One price in a new currency would leave the other in the old one. */
static enum err_code check_patch(const struct live *stored, const struct live *wanted,
                                 const struct product_patch *patch, struct err *err)
{
    struct product p = {
        .price_minor = wanted->price_minor,
        .list_price_minor = wanted->list_price_minor,
        .currency = wanted->currency,
        .stock = wanted->stock,
        .status = wanted->status,
    };
    bool keeps_price = !(patch->fields & PRODUCT_PRICE) && wanted->price_minor != STORE_NO_AMOUNT;
    bool keeps_list_price =
        !(patch->fields & PRODUCT_LIST_PRICE) && wanted->list_price_minor != STORE_NO_AMOUNT;
    if (wanted->currency != stored->currency && (keeps_price || keeps_list_price))
        return err_set(err, ERR_INVALID, "price and list_price change their currency together");
    return check_live(&p, err);
}

enum err_code product_patch(struct store_tx *tx, struct str id, const struct product_patch *patch,
                            bool *changed, struct err *err)
{
    uint32_t no;
    struct live stored, wanted;
    enum err_code code = find_existing(tx, id, &no, &stored, err);
    if (code)
        return code;
    wanted = stored;
    apply_patch(&wanted, patch);
    code = check_patch(&stored, &wanted, patch, err);
    bool differs = !same_live(&stored, &wanted);
    if (!code && differs)
        code = update_live(tx, no, &wanted, err);
    if (!code && differs)
        code = tx_change(tx, CHANGE_PRODUCT, CHANGE_LIVE, no, err);
    if (!code && changed)
        *changed = differs;
    return code;
}

enum err_code product_stock_add(struct store_tx *tx, uint32_t no, int64_t delta, struct err *err)
{
    struct live live;
    enum err_code code = read_live(tx->db, no, &live, err);
    if (code == ERR_CORRUPT)
        return err_set(err, ERR_NOT_FOUND, "no product number %u", no);
    if (code || live.stock == STORE_STOCK_UNTRACKED || delta == 0)
        return code;
    int64_t stock;
    if (__builtin_add_overflow(live.stock, delta, &stock) || stock < 0)
        return err_set(err, ERR_CONFLICT, "%lld pieces in stock, %lld are asked for",
                       (long long)live.stock, -(long long)delta);
    live.stock = stock;
    code = record_check_amount("stock", stock, err);
    if (!code)
        code = update_live(tx, no, &live, err);
    return code ? code : tx_change(tx, CHANGE_PRODUCT, CHANGE_LIVE, no, err);
}

enum err_code product_delete(struct store_tx *tx, struct str id, uint32_t *no, struct err *err)
{
    uint32_t found;
    struct live live;
    const struct product nothing = {
        .id = id,
        .price_minor = STORE_NO_AMOUNT,
        .list_price_minor = STORE_NO_AMOUNT,
        .cost_minor = STORE_NO_AMOUNT,
        .status = PRODUCT_DELETED,
    };
    enum err_code code = find_existing(tx, id, &found, &live, err);
    if (!code)
        code = update_content(tx, found, &nothing, err);
    if (!code) {
        live = live_of(&nothing);
        code = update_live(tx, found, &live, err);
    }
    if (!code)
        code = tx_change(tx, CHANGE_PRODUCT, CHANGE_DELETE, found, err);
    if (!code && no)
        *no = found;
    return code;
}

/* --- staging ---------------------------------------------------------------------------------- */

void products_stage(struct store_tx *tx)
{
    tx_of(tx)->staging = true;
}

enum err_code products_show(struct store_tx *tx, struct err *err)
{
    return tx_change(tx, CHANGE_PRODUCT, CHANGE_SHOW, 0, err);
}
