/* product_json.c - a product as docs/http-api.md has it, in both directions. */
#include "api/api_int.h"
#include "base/map.h"
#include "store/products.h"

enum field {
    P_ID,
    P_GROUP,
    P_TITLE,
    P_DESCRIPTION,
    P_BRAND,
    P_CATEGORY,
    P_PRICE,
    P_LIST_PRICE,
    P_CURRENCY,
    P_STOCK,
    P_IMAGES,
    P_ATTRIBUTES,
    P_TAGS,
    P_RATING,
    P_SUPPLIER,
    P_STATUS,
    P_URL,
    P_LANGUAGE,
    P_TRANSLATIONS,
    P_CREATED,
    P_UPDATED,
    FIELDS
};

static const char *const names[FIELDS] = {
    "id",          "group_id", "title", "description", "brand",        "category",   "price",
    "list_price",  "currency", "stock", "images",      "attributes",   "tags",       "rating",
    "supplier_id", "status",   "url",   "language",    "translations", "created_at", "updated_at",
};

static const char *const statuses[] = {
    [PRODUCT_ACTIVE] = "active", [PRODUCT_INACTIVE] = "inactive", [PRODUCT_DELETED] = "deleted"};

/* --- reading --------------------------------------------------------------------------------- */

static bool read_amount(struct json_reader *r, int64_t *out)
{
    if (jr_null(r)) {
        *out = STORE_NO_AMOUNT;
        return true;
    }
    return jr_i64(r, 0, STORE_AMOUNT_MAX, out);
}

static bool read_text(struct json_reader *r, struct str *out)
{
    if (jr_null(r)) {
        *out = (struct str){NULL, 0};
        return true;
    }
    return jr_str(r, out);
}

static bool read_json(struct json_reader *r, enum jr_type type, struct str *out)
{
    if (jr_null(r)) {
        *out = (struct str){NULL, 0};
        return true;
    }
    if (jr_peek(r) != type)
        return jr_fail(r, ERR_INVALID,
                       type == JR_OBJECT ? "expected an object" : "expected an array");
    return jr_raw(r, out);
}

static bool read_texts(struct json_reader *r, struct str *out)
{
    struct json_reader elements;
    struct str ignored;
    if (!read_json(r, JR_ARRAY, out))
        return false;
    if (out->n == 0)
        return true;
    jr_init(&elements, *out, r->arena);
    if (jr_arr(&elements))
        while (jr_next(&elements))
            jr_str(&elements, &ignored);
    return jr_end(&elements, NULL) == ERR_OK ||
           jr_fail(r, ERR_INVALID, "expected an array of strings");
}

/* An object that a patch merges into the one that is there; without one it is taken as it is. */
static bool read_object(struct json_reader *r, struct str *out)
{
    struct str patch = {NULL, 0};
    struct err why;
    if (!read_json(r, JR_OBJECT, &patch))
        return false;
    if (out->n == 0 || patch.n == 0) {
        *out = patch;
        return true;
    }
    enum err_code code = json_merge(*out, patch, r->arena, out, &why);
    return code == ERR_OK || jr_fail(r, code, "%s", why.msg);
}

static bool read_currency(struct json_reader *r, currency_code *out)
{
    struct str text;
    char quoted[32];
    *out = 0;
    if (jr_null(r))
        return true;
    return jr_str(r, &text) && (currency_of(text, out) ||
                                jr_fail(r, ERR_INVALID, "currency: '%s' is no currency of ISO 4217",
                                        err_quote(quoted, sizeof quoted, text.p, text.n)));
}

static bool read_rating(struct json_reader *r, struct product *p)
{
    static const char *const parts[] = {"mean", "count"};
    struct jr_fields fields = {.names = parts, .n = 2, .strict = true};
    int64_t count = p->rating_count;
    int field;
    if (jr_null(r)) {
        p->rating_mean = 0;
        p->rating_count = 0;
        return true;
    }
    if (!jr_obj(r))
        return false;
    while ((field = jr_field(r, &fields)) >= 0)
        if (!(field == 0 ? jr_double(r, &p->rating_mean) : jr_i64(r, 0, UINT32_MAX, &count)))
            return false;
    p->rating_count = (uint32_t)count;
    return !r->failed;
}

static bool read_status(struct json_reader *r, enum product_status *out)
{
    struct str text;
    if (!jr_str(r, &text))
        return false;
    for (int i = PRODUCT_ACTIVE; i <= PRODUCT_INACTIVE; i++)
        if (str_is(text, statuses[i])) {
            *out = (enum product_status)i;
            return true;
        }
    return jr_fail(r, ERR_INVALID, "status: expected active or inactive");
}

static bool read_field(struct json_reader *r, enum field field, struct str path_id,
                       struct product *p)
{
    struct str id;
    switch (field) {
    case P_ID:
        if (!jr_str(r, &id))
            return false;
        if (path_id.n && !str_eq(id, path_id))
            return jr_fail(r, ERR_INVALID, "id: not the one in the path");
        p->id = id;
        return true;
    case P_GROUP:
        return read_text(r, &p->group_id);
    case P_TITLE:
        return read_text(r, &p->title);
    case P_DESCRIPTION:
        return read_text(r, &p->description);
    case P_BRAND:
        return read_text(r, &p->brand);
    case P_CATEGORY:
        return read_text(r, &p->category);
    case P_PRICE:
        return read_amount(r, &p->price_minor);
    case P_LIST_PRICE:
        return read_amount(r, &p->list_price_minor);
    case P_CURRENCY:
        return read_currency(r, &p->currency);
    case P_STOCK:
        if (jr_null(r)) {
            p->stock = STORE_STOCK_UNTRACKED;
            return true;
        }
        return jr_i64(r, 0, STORE_AMOUNT_MAX, &p->stock);
    case P_IMAGES:
        return read_texts(r, &p->images);
    case P_ATTRIBUTES:
        return read_object(r, &p->attributes);
    case P_TAGS:
        return read_texts(r, &p->tags);
    case P_RATING:
        return read_rating(r, p);
    case P_SUPPLIER:
        return read_text(r, &p->supplier_id);
    case P_STATUS:
        return read_status(r, &p->status);
    case P_URL:
        return read_text(r, &p->url);
    case P_LANGUAGE:
        return read_text(r, &p->language);
    case P_TRANSLATIONS:
        return read_object(r, &p->translations);
    case P_CREATED:
        return read_past_time(r, "created_at", &p->created_at, NULL);
    case P_UPDATED:
        return jr_skip(r);
    case FIELDS:
        break;
    }
    return false;
}

static enum err_code read_fields(struct json_reader *r, struct str id, struct product *p,
                                 struct err *err)
{
    struct jr_fields fields = {.names = names, .n = FIELDS, .strict = true};
    int field;
    if (jr_obj(r))
        while ((field = jr_field(r, &fields)) >= 0)
            if (!read_field(r, (enum field)field, id, p))
                break;
    if (!r->failed)
        return product_check(p, err);
    if (err)
        *err = r->err;
    return r->err.code;
}

enum err_code product_from_json(struct json_reader *r, struct str id, struct product *out,
                                struct err *err)
{
    *out = (struct product){.id = id,
                            .price_minor = STORE_NO_AMOUNT,
                            .list_price_minor = STORE_NO_AMOUNT,
                            .stock = STORE_STOCK_UNTRACKED};
    return read_fields(r, id, out, err);
}

enum err_code product_patch_json(struct json_reader *r, struct product *p, struct err *err)
{
    struct str nothing = STR_LIT("{}"); /* to merge into */
    if (p->attributes.n == 0)
        p->attributes = nothing;
    if (p->translations.n == 0)
        p->translations = nothing;
    return read_fields(r, p->id, p, err);
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_amount(struct json_writer *w, int64_t minor)
{
    if (minor == STORE_NO_AMOUNT)
        jw_null(w);
    else
        jw_i64(w, minor);
}

static void write_text(struct json_writer *w, struct str text)
{
    if (text.n)
        jw_str(w, text);
    else
        jw_null(w);
}

static void write_raw(struct json_writer *w, struct str json, const char *fallback)
{
    jw_raw(w, json.n ? json : str_of(fallback));
}

void product_members(const struct product *p, struct json_writer *w)
{
    char currency[4];
    JW_STR(w, "id", p->id);
    JW_KEY(w, "group_id"), write_text(w, p->group_id);
    JW_STR(w, "title", p->title);
    JW_KEY(w, "description"), write_text(w, p->description);
    JW_KEY(w, "brand"), write_text(w, p->brand);
    JW_KEY(w, "category"), write_text(w, p->category);
    JW_KEY(w, "price"), write_amount(w, p->price_minor);
    JW_KEY(w, "list_price"), write_amount(w, p->list_price_minor);
    JW_KEY(w, "currency"), jw_z(w, p->currency ? currency_name(p->currency, currency) : NULL);
    JW_KEY(w, "stock");
    if (p->stock == STORE_STOCK_UNTRACKED)
        jw_null(w);
    else
        jw_i64(w, p->stock);
    JW_KEY(w, "images"), write_raw(w, p->images, "[]");
    JW_KEY(w, "attributes"), write_raw(w, p->attributes, "{}");
    JW_KEY(w, "tags"), write_raw(w, p->tags, "[]");
    JW_OBJ(w, "rating");
    JW_DECIMAL(w, "mean", p->rating_mean, 2);
    JW_U64(w, "count", p->rating_count);
    jw_obj_end(w);
    JW_KEY(w, "supplier_id"), write_text(w, p->supplier_id);
    JW_Z(w, "status", statuses[p->status]);
    JW_KEY(w, "url"), write_text(w, p->url);
    JW_KEY(w, "language"), write_text(w, p->language);
    JW_KEY(w, "translations"), write_raw(w, p->translations, "{}");
    JW_TIME(w, "created_at", p->created_at);
    JW_TIME(w, "updated_at", p->updated_at);
    JW_BOOL(w, "in_stock", p->status == PRODUCT_ACTIVE && p->stock != 0);
}

/* --- languages ------------------------------------------------------------------------------- */

/* A translation's attributes, and the product's own where it has none: numbers are the same in every
 * language and need not be said twice. */
static struct str merge_attributes(struct str own, struct str translated, struct arena *arena)
{
    const struct str sources[] = {translated, own};
    struct map_str seen = {0};
    struct json_writer w;
    struct buf out;
    buf_init(&out, 2 * STORE_JSON_MAX + 2);
    jw_init(&w, &out);
    jw_obj(&w);
    bool good = true;
    for (size_t i = 0; i < 2 && good; i++) {
        struct json_reader r;
        struct str key, value;
        jr_init(&r, sources[i].n ? sources[i] : STR_LIT("{}"), arena);
        if (jr_obj(&r))
            while (jr_key(&r, &key) && jr_raw(&r, &value)) {
                bool added;
                map_str_at(&seen, key, &added);
                if (added) {
                    jw_key(&w, key);
                    jw_raw(&w, value);
                }
            }
        good = jr_end(&r, NULL) == ERR_OK;
    }
    jw_obj_end(&w);
    struct str merged = good && !out.full ? arena_str(arena, buf_str(&out)) : translated;
    buf_release(&out);
    map_str_release(&seen);
    return merged;
}

bool product_translate(struct product *p, struct str language, struct arena *arena)
{
    static const char *const parts[] = {"title", "description", "brand", "category", "attributes"};
    struct json_reader r;
    struct str name, translated[5] = {{0}};
    bool found = false;
    if (p->translations.n == 0 || str_eq(p->language, language))
        return false;
    jr_init(&r, p->translations, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &name)) {
            struct jr_fields fields = {.names = parts, .n = 5};
            int field;
            if (!str_eq(name, language) || jr_peek(&r) != JR_OBJECT || !jr_obj(&r))
                continue;
            found = true;
            while ((field = jr_field(&r, &fields)) >= 0)
                if (field == 4)
                    jr_raw(&r, &translated[field]);
                else
                    jr_str(&r, &translated[field]);
        }
    if (jr_end(&r, NULL) != ERR_OK || !found)
        return false;
    p->title = translated[0].n ? translated[0] : p->title;
    p->description = translated[1].n ? translated[1] : p->description;
    p->brand = translated[2].n ? translated[2] : p->brand;
    if (translated[4].n)
        p->attributes = merge_attributes(p->attributes, translated[4], arena);
    p->language = language;
    return true;
}
