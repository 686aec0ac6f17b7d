#include "base/banned.h"
#include "store/products.h"
#include "store/record_int.h"

#define LIVE_COLUMNS "l.no, l.price, l.list_price, l.currency, l.stock, l.status, l.cost"
#define TEXT_COLUMNS                                                                               \
    ", l.created_at, l.updated_at, p.id, p.group_id, p.title, p.description, p.brand, p.category," \
    " p.images, p.attributes, p.tags, p.rating_mean, p.rating_count, p.supplier_id, p.url,"        \
    " p.translations, p.language"
#define SELECT_PRODUCT                                                                             \
    "SELECT " LIVE_COLUMNS TEXT_COLUMNS " FROM products p JOIN product_live l ON l.no = p.no"

static void read_live_columns(const struct db_rows *rows, struct product *p)
{
    *p = (struct product){
        .no = db_col_u32(rows, 0),
        .price_minor = db_col_amount(rows, 1),
        .list_price_minor = db_col_amount(rows, 2),
        .currency = db_col_u32(rows, 3),
        .stock = db_col_i64(rows, 4),
        .status = (enum product_status)db_col_i64(rows, 5),
        .cost_minor = db_col_amount(rows, 6),
    };
}

static void read_product(const struct db_rows *rows, struct product *p)
{
    read_live_columns(rows, p);
    p->created_at = db_col_i64(rows, 7);
    p->updated_at = db_col_i64(rows, 8);
    p->id = db_col_text(rows, 9);
    p->group_id = db_col_text(rows, 10);
    p->title = db_col_text(rows, 11);
    p->description = db_col_text(rows, 12);
    p->brand = db_col_text(rows, 13);
    p->category = db_col_text(rows, 14);
    p->images = db_col_text(rows, 15);
    p->attributes = db_col_text(rows, 16);
    p->tags = db_col_text(rows, 17);
    p->rating_mean = db_col_double(rows, 18);
    p->rating_count = db_col_u32(rows, 19);
    p->supplier_id = db_col_text(rows, 20);
    p->url = db_col_text(rows, 21);
    p->translations = db_col_text(rows, 22);
    p->language = db_col_text(rows, 23);
}

static void keep_product(struct arena *arena, struct product *p)
{
    struct str *const texts[] = {&p->id,      &p->group_id,    &p->title,  &p->description,
                                 &p->brand,   &p->category,    &p->images, &p->attributes,
                                 &p->tags,    &p->supplier_id, &p->url,    &p->translations,
                                 &p->language};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep_text(arena, texts[i]);
}

static enum err_code get_one(struct db *db, const char *sql, struct db_arg key, struct arena *arena,
                             struct product *out, struct err *err)
{
    char quoted[80];
    struct db_rows rows;
    bool more;
    enum err_code code = db_query(db, sql, &key, 1, &rows, err);
    if (!code)
        code = products_next(&rows, out, &more, err);
    if (code)
        return code;
    if (!more && key.type == DB_TYPE_TEXT)
        return err_set(err, ERR_NOT_FOUND, "no product %s",
                       err_quote(quoted, sizeof quoted, key.s.p, key.s.n));
    if (!more)
        return err_set(err, ERR_NOT_FOUND, "no product number %lld", (long long)key.i);
    keep_product(arena, out);
    db_rows_close(&rows);
    return ERR_OK;
}

enum err_code product_get(struct db *db, struct str id, struct arena *arena, struct product *out,
                          struct err *err)
{
    return get_one(db, SELECT_PRODUCT " WHERE p.id = ?", db_text(id), arena, out, err);
}

enum err_code product_get_no(struct db *db, uint32_t no, struct arena *arena, struct product *out,
                             struct err *err)
{
    return get_one(db, SELECT_PRODUCT " WHERE p.no = ?", db_i64(no), arena, out, err);
}

enum err_code products_after(struct db *db, uint32_t after_no, int64_t limit, struct db_rows *rows,
                             struct err *err)
{
    return db_query(db, SELECT_PRODUCT " WHERE p.no > ? ORDER BY p.no LIMIT ?",
                    DB_ARGS(db_i64(after_no), db_i64(limit)), rows, err);
}

enum err_code products_next(struct db_rows *rows, struct product *p, bool *more, struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        read_product(rows, p);
    return code;
}

enum err_code products_live_range(struct db *db, uint32_t first, uint32_t last,
                                  struct db_rows *rows, struct err *err)
{
    return db_query(db,
                    "SELECT " LIVE_COLUMNS " FROM product_live l WHERE l.no >= ? AND l.no <= ?"
                    " ORDER BY l.no",
                    DB_ARGS(db_i64(first), db_i64(last)), rows, err);
}

enum err_code products_live_next(struct db_rows *rows, struct product *p, bool *more,
                                 struct err *err)
{
    enum err_code code = db_next(rows, more, err);
    if (!code && *more)
        read_live_columns(rows, p);
    return code;
}

enum err_code products_count(struct db *db, struct product_counts *out, struct err *err)
{
    struct db_rows rows;
    bool more = false;
    *out = (struct product_counts){0};
    int64_t *const by_status[] = {&out->active, &out->inactive, &out->deleted};
    enum err_code code =
        db_query(db, "SELECT status, COUNT(*), MAX(no) FROM product_live GROUP BY status",
                 DB_NO_ARGS, &rows, err);
    while (!code && !(code = db_next(&rows, &more, err)) && more) {
        uint64_t status = (uint64_t)db_col_i64(&rows, 0);
        uint32_t max_no = db_col_u32(&rows, 2);
        if (status < sizeof by_status / sizeof *by_status)
            *by_status[status] = db_col_i64(&rows, 1);
        if (max_no > out->max_no)
            out->max_no = max_no;
    }
    db_rows_close(&rows);
    return code;
}
