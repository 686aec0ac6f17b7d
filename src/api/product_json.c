#include "api/product_json.h"

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
    P_COST,
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
    "id",         "group_id",     "title",      "description", "brand",  "category",
    "price",      "list_price",   "cost",       "currency",    "stock",  "images",
    "attributes", "tags",         "rating",     "supplier_id", "status", "url",
    "language",   "translations", "created_at", "updated_at",
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

enum rating_part { RATING_MEAN, RATING_COUNT, RATING_PARTS };

/* *rated has a bit for each part that is named; null is both of them, 0. */
static bool read_rating(struct json_reader *r, struct product *p, unsigned *rated)
{
    static const char *const parts[RATING_PARTS] = {"mean", "count"};
    struct jr_fields fields = {.names = parts, .n = RATING_PARTS, .strict = true};
    int64_t count = 0;
    int field;
    if (jr_null(r)) {
        *rated = 1u << RATING_MEAN | 1u << RATING_COUNT;
        return true;
    }
    if (!jr_obj(r))
        return false;
    while ((field = jr_field(r, &fields)) >= 0)
        if (!(field == RATING_MEAN ? jr_double(r, &p->rating_mean)
                                   : jr_i64(r, 0, UINT32_MAX, &count)))
            return false;
    p->rating_count = (uint32_t)count;
    *rated = (unsigned)fields.seen;
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

static bool read_field(struct json_reader *r, enum field field, struct product_merge *out)
{
    struct product *p = &out->given;
    struct str id;
    switch (field) {
    case P_ID:
        if (!jr_str(r, &id))
            return false;
        if (p->id.n && !str_eq(id, p->id))
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
    case P_COST:
        if (jr_null(r)) {
            p->cost_minor = STORE_NO_AMOUNT;
            return true;
        }
        return jr_i64(r, 1, STORE_AMOUNT_MAX, &p->cost_minor);
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
        return read_json(r, JR_OBJECT, &p->attributes);
    case P_TAGS:
        return read_texts(r, &p->tags);
    case P_RATING:
        return read_rating(r, p, &out->rated);
    case P_SUPPLIER:
        return read_text(r, &p->supplier_id);
    case P_STATUS:
        return read_status(r, &p->status);
    case P_URL:
        return read_text(r, &p->url);
    case P_LANGUAGE:
        return read_text(r, &p->language);
    case P_TRANSLATIONS:
        return read_json(r, JR_OBJECT, &p->translations);
    case P_CREATED:
        return read_past_time(r, "created_at", &p->created_at, NULL);
    case P_UPDATED:
        return jr_skip(r);
    case FIELDS:
        break;
    }
    return false;
}

/* id is that of the path, or empty. */
static enum err_code read_members(struct json_reader *r, struct str id, struct product_merge *out,
                                  struct err *err)
{
    struct jr_fields fields = {.names = names, .n = FIELDS, .strict = true};
    int field;
    *out = (struct product_merge){.given = {.id = id,
                                            .price_minor = STORE_NO_AMOUNT,
                                            .list_price_minor = STORE_NO_AMOUNT,
                                            .stock = STORE_STOCK_UNTRACKED}};
    if (jr_obj(r))
        while ((field = jr_field(r, &fields)) >= 0)
            if (!read_field(r, (enum field)field, out))
                break;
    out->named = fields.seen;
    if (r->failed && err)
        *err = r->err;
    return r->failed ? r->err.code : ERR_OK;
}

enum err_code product_from_json(struct json_reader *r, struct str id, struct product *out,
                                struct err *err)
{
    struct product_merge whole;
    enum err_code code = read_members(r, id, &whole, err);
    *out = whole.given;
    return code == ERR_OK ? product_check(out, err) : code;
}

/* --- patches --------------------------------------------------------------------------------- */

/* A whole product that has what the patch names and else what is right in any: what is wrong with it is
 * wrong with the patch. */
static enum err_code check_patch(const struct product_merge *m, struct err *err)
{
    struct product p = m->given;
    if (!(m->named >> P_TITLE & 1))
        p.title = STR_LIT("-");
    if (!(m->named >> P_CURRENCY & 1))
        currency_of(STR_LIT("EUR"), &p.currency);
    return product_check(&p, err);
}

enum err_code product_merge_from_json(struct json_reader *r, struct str id,
                                      struct product_merge *out, struct err *err)
{
    enum err_code code = read_members(r, id, out, err);
    if (code == ERR_OK)
        code = jr_end(r, err);
    return code == ERR_OK ? check_patch(out, err) : code;
}

static enum err_code merge_object(struct str patch, struct arena *arena, struct str *target,
                                  struct err *err)
{
    if (patch.n)
        return json_merge(target->n ? *target : STR_LIT("{}"), patch, arena, target, err);
    *target = patch; /* null */
    return ERR_OK;
}

/* What is not merged is replaced. */
static void replace(struct product *p, const struct product *given, enum field field)
{
#define MEMBER(name)                                                                               \
    {                                                                                              \
        offsetof(struct product, name), sizeof p->name                                             \
    }
    static const struct {
        size_t at, bytes;
    } members[FIELDS] = {
        [P_GROUP] = MEMBER(group_id),
        [P_TITLE] = MEMBER(title),
        [P_DESCRIPTION] = MEMBER(description),
        [P_BRAND] = MEMBER(brand),
        [P_CATEGORY] = MEMBER(category),
        [P_PRICE] = MEMBER(price_minor),
        [P_LIST_PRICE] = MEMBER(list_price_minor),
        [P_COST] = MEMBER(cost_minor),
        [P_CURRENCY] = MEMBER(currency),
        [P_STOCK] = MEMBER(stock),
        [P_IMAGES] = MEMBER(images),
        [P_TAGS] = MEMBER(tags),
        [P_SUPPLIER] = MEMBER(supplier_id),
        [P_STATUS] = MEMBER(status),
        [P_URL] = MEMBER(url),
        [P_LANGUAGE] = MEMBER(language),
        [P_CREATED] = MEMBER(created_at),
    };
#undef MEMBER
    memcpy((char *)p + members[field].at, (const char *)given + members[field].at,
           members[field].bytes);
}

enum err_code product_merge_apply(const struct product_merge *m, struct arena *arena,
                                  struct product *p, struct err *err)
{
    const struct product *given = &m->given;
    enum err_code code = ERR_OK;
    /* A cost of another currency says nothing: it is forgotten unless a new one is given. */
    if (m->named >> P_CURRENCY & 1 && given->currency != p->currency)
        p->cost_minor = STORE_NO_AMOUNT;
    for (int field = 0; field < FIELDS && code == ERR_OK; field++) {
        if (!(m->named >> field & 1))
            continue;
        if (field == P_ATTRIBUTES)
            code = merge_object(given->attributes, arena, &p->attributes, err);
        else if (field == P_TRANSLATIONS)
            code = merge_object(given->translations, arena, &p->translations, err);
        else
            replace(p, given, (enum field)field);
    }
    if (m->rated >> RATING_MEAN & 1)
        p->rating_mean = given->rating_mean;
    if (m->rated >> RATING_COUNT & 1)
        p->rating_count = given->rating_count;
    return code;
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

void product_members(const struct product *p, bool with_cost, struct json_writer *w)
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
    if (with_cost)
        JW_KEY(w, "cost"), write_amount(w, p->cost_minor);
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
