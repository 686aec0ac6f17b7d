/* gorse_items.c - /api/item and /api/items: products as items.
 *
 * Comment is the description, IsHidden the status, Timestamp created_at; Categories and Labels are the
 * attributes "categories" and "labels", kept as they were written. The first category is also the
 * product's, where it has none of its own. A new product's title is the first line of its comment, or
 * its id, and follows the comment as long as it is that. What Gorse has no word for stays. */
#include "api/gorse.h"
#include "base/clock.h"
#include "store/products.h"

enum { TITLE_MAX = 200 /* bytes */ };

enum item_member { M_ID, M_HIDDEN, M_CATEGORIES, M_TIMESTAMP, M_LABELS, M_COMMENT, MEMBERS };

static const char *const names[MEMBERS] = {
    [M_ID] = "ItemId",           [M_HIDDEN] = "IsHidden", [M_CATEGORIES] = "Categories",
    [M_TIMESTAMP] = "Timestamp", [M_LABELS] = "Labels",   [M_COMMENT] = "Comment",
};

struct item {
    struct gorse_record record; /* first; seen: bit per item_member */
    bool hidden;
    struct str categories; /* JSON array of strings; empty: null */
    int64_t timestamp;     /* 0: none */
    struct str labels;     /* any JSON; empty: null */
    struct str comment;
};

enum { ATTRIBUTE_CATEGORIES, ATTRIBUTE_LABELS, ATTRIBUTES };

/* --- reading ----------------------------------------------------------------------------------- */

/* Each short enough to be a category. */
static bool are_short(struct str categories, struct arena *arena)
{
    struct json_reader r;
    struct str category;
    bool fit = true;
    jr_init(&r, categories, arena);
    if (jr_arr(&r))
        while (jr_next(&r) && jr_str(&r, &category))
            fit = fit && category.n <= STORE_CATEGORY_MAX;
    return fit;
}

static void read_categories(struct json_reader *r, struct item *item)
{
    if (!jr_raw(r, &item->categories))
        return;
    if (!gorse_is_texts(item->categories, r->arena))
        jr_fail(r, ERR_INVALID, "Categories: expected an array of strings");
    else if (!are_short(item->categories, r->arena))
        jr_fail(r, ERR_LIMIT, "Categories: one has more than %d bytes", STORE_CATEGORY_MAX);
}

static void read_member(struct json_reader *r, enum item_member member, struct item *item)
{
    switch (member) {
    case M_ID:
        jr_str(r, &item->record.id);
        break;
    case M_HIDDEN:
        jr_bool(r, &item->hidden);
        break;
    case M_CATEGORIES:
        read_categories(r, item);
        break;
    case M_TIMESTAMP:
        gorse_time(r, names[M_TIMESTAMP], &item->timestamp);
        break;
    case M_LABELS:
        jr_raw(r, &item->labels);
        break;
    case M_COMMENT:
        jr_str(r, &item->comment);
        break;
    case MEMBERS:
        break;
    }
    item->record.seen |= 1u << member;
}

static void read_item(struct call *call, struct json_reader *r, void *element)
{
    struct jr_fields fields = {.names = names, .n = MEMBERS};
    struct item *item = element;
    int member;
    (void)call;
    if (!jr_obj(r))
        return;
    while ((member = gorse_member(r, &fields)) >= 0)
        read_member(r, (enum item_member)member, item);
}

/* --- into a product ---------------------------------------------------------------------------- */

/* What stands for a title where nobody gave one. */
static struct str title_of(const struct product *p)
{
    struct str line = p->description;
    size_t end = str_find(line, '\n', 0);
    if (end != SIZE_MAX)
        line.n = end;
    line = str_trim(line);
    if (line.n > TITLE_MAX)
        line.n = str_utf8_floor(line.p, line.n, TITLE_MAX);
    return line.n ? line : p->id;
}

static struct str first_category(struct str categories, struct arena *arena)
{
    struct json_reader r;
    struct str first = {NULL, 0};
    jr_init(&r, categories, arena);
    if (categories.n && jr_arr(&r) && jr_next(&r))
        jr_str(&r, &first);
    return first;
}

/* As Gorse would read it: what was written through it, else the product's own. */
static struct str categories_of(const struct product *p, struct str written, struct arena *arena)
{
    if (gorse_is_texts(written, arena))
        return written;
    if (!p->category.n)
        return (struct str){NULL, 0};
    struct str own = gorse_json_string(p->category, arena);
    return own.p ? arena_printf(arena, "[%.*s]", STR_ARG(own)) : own;
}

static enum err_code set_attributes(const struct item *item, struct arena *arena, struct product *p,
                                    struct err *err)
{
    struct gorse_attribute set[ATTRIBUTES] = {{.name = "categories"}, {.name = "labels"}};
    gorse_attributes_get(p->attributes, arena, set, ATTRIBUTES);
    if (item->record.seen >> M_CATEGORIES & 1) {
        struct str before = first_category(set[ATTRIBUTE_CATEGORIES].json, arena);
        if (!p->category.n || str_eq(p->category, before))
            p->category = first_category(item->categories, arena);
        set[ATTRIBUTE_CATEGORIES].json = item->categories;
    }
    if (item->record.seen >> M_LABELS & 1)
        set[ATTRIBUTE_LABELS].json = item->labels;
    return gorse_attributes_set(p->attributes, set, ATTRIBUTES, arena, &p->attributes, err);
}

/* What the item says of itself becomes the product's. */
static enum err_code fill(const struct item *item, struct arena *arena, struct product *p,
                          struct err *err)
{
    bool titled = p->title.n && !str_eq(p->title, title_of(p));
    if (item->record.seen >> M_COMMENT & 1)
        p->description = item->comment;
    if (!titled)
        p->title = title_of(p);
    if (item->record.seen >> M_HIDDEN & 1)
        p->status = item->hidden ? PRODUCT_INACTIVE : PRODUCT_ACTIVE;
    if (item->timestamp)
        p->created_at = item->timestamp;
    return set_attributes(item, arena, p, err);
}

/* --- writing ----------------------------------------------------------------------------------- */

static enum err_code find_product(struct store_tx *tx, struct str id, bool must,
                                  struct arena *arena, struct product *p, struct err *err)
{
    char quoted[64];
    enum err_code code = product_get(tx->db, id, arena, p, err);
    bool there = code == ERR_OK && p->status != PRODUCT_DELETED;
    if (there || (code != ERR_OK && code != ERR_NOT_FOUND))
        return code;
    if (must)
        return err_set(err, ERR_NOT_FOUND, "there is no item '%s'",
                       err_quote(quoted, sizeof quoted, id.p, id.n));
    *p = (struct product){.id = id,
                          .price_minor = STORE_NO_AMOUNT,
                          .list_price_minor = STORE_NO_AMOUNT,
                          .stock = STORE_STOCK_UNTRACKED};
    return ERR_OK;
}

static enum err_code put_item(struct store_tx *tx, const void *element, bool patch,
                              struct arena *arena, struct err *err)
{
    const struct item *item = element;
    struct product p;
    enum err_code code = find_product(tx, item->record.id, patch, arena, &p, err);
    if (code == ERR_OK)
        code = fill(item, arena, &p, err);
    return code == ERR_OK ? product_put(tx, &p, NULL, NULL, err) : code;
}

static const struct gorse_kind items = {"item", "item-id", sizeof(struct item), read_item,
                                        put_item};

static enum err_code post_item(struct call *call, struct err *err)
{
    return gorse_put(call, &items, false, false, err);
}

static enum err_code post_items(struct call *call, struct err *err)
{
    return gorse_put(call, &items, true, false, err);
}

static enum err_code patch_item(struct call *call, struct err *err)
{
    return gorse_put(call, &items, false, true, err);
}

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct gorse_write *write = arg;
    enum err_code code = product_delete(tx, gorse_param(write->call, "item-id"), NULL, err);
    write->rows = code == ERR_OK;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code delete_item(struct call *call, struct err *err)
{
    struct gorse_write *write = ARENA_NEW(call->arena, struct gorse_write, 1);
    write->call = call;
    return call_write(call, delete_job, write, gorse_render_rows, err);
}

/* --- one category ------------------------------------------------------------------------------ */

/* The list without the category, and with it at the end if it is to be there. */
static enum err_code edit_list(struct str list, struct str category, bool wanted,
                               struct arena *arena, struct str *out, struct err *err)
{
    struct buf text;
    struct json_writer w;
    struct json_reader r;
    struct str one;
    bool there = false;
    buf_init(&text, 2 * STORE_JSON_MAX);
    jw_init(&w, &text);
    jw_arr(&w);
    jr_init(&r, list.n ? list : STR_LIT("[]"), arena);
    if (jr_arr(&r))
        while (jr_next(&r) && jr_str(&r, &one)) {
            bool same = str_eq(one, category);
            there = there || same;
            if (!same || wanted)
                jw_str(&w, one);
        }
    if (wanted && !there)
        jw_str(&w, category);
    jw_arr_end(&w);
    enum err_code code = jw_end(&w, "the categories", err);
    *out = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return code == ERR_OK && !out->p ? err_set(err, ERR_LIMIT, "the categories do not fit") : code;
}

struct edit {
    struct gorse_write write; /* first */
    bool wanted;
};

static enum err_code edit_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct edit *edit = arg;
    struct call *call = edit->write.call;
    struct item item = {.record = {gorse_param(call, "item-id"), 1u << M_CATEGORIES}};
    struct str category = gorse_param(call, "category");
    struct gorse_attribute written = {.name = "categories"};
    struct product p;
    enum err_code code = store_text_check("category", category, STORE_CATEGORY_MAX, err);
    if (code == ERR_OK)
        code = find_product(tx, item.record.id, true, call->arena, &p, err);
    if (code != ERR_OK)
        return code;
    gorse_attributes_get(p.attributes, call->arena, &written, 1);
    struct str list = categories_of(&p, written.json, call->arena);
    code = edit_list(list, category, edit->wanted, call->arena, &item.categories, err);
    if (code == ERR_OK)
        code = fill(&item, call->arena, &p, err);
    edit->write.rows = 1;
    return code == ERR_OK ? product_put(tx, &p, NULL, NULL, err) : code;
}

static enum err_code edit_category(struct call *call, bool wanted, struct err *err)
{
    struct edit *edit = ARENA_NEW(call->arena, struct edit, 1);
    edit->write.call = call;
    edit->wanted = wanted;
    return call_write(call, edit_job, edit, gorse_render_rows, err);
}

static enum err_code put_category(struct call *call, struct err *err)
{
    return edit_category(call, true, err);
}

static enum err_code delete_category(struct call *call, struct err *err)
{
    return edit_category(call, false, err);
}

/* --- answers ----------------------------------------------------------------------------------- */

static void write_raw(struct json_writer *w, struct str json)
{
    if (json.n)
        jw_raw(w, json);
    else
        jw_null(w);
}

static void write_item(const struct product *p, struct arena *arena, struct json_writer *w)
{
    struct gorse_attribute get[ATTRIBUTES] = {{.name = "categories"}, {.name = "labels"}};
    gorse_attributes_get(p->attributes, arena, get, ATTRIBUTES);
    jw_obj(w);
    JW_STR(w, "ItemId", p->id);
    JW_BOOL(w, "IsHidden", p->status != PRODUCT_ACTIVE);
    JW_KEY(w, "Categories");
    write_raw(w, categories_of(p, get[ATTRIBUTE_CATEGORIES].json, arena));
    JW_TIME(w, "Timestamp", p->created_at);
    JW_KEY(w, "Labels");
    write_raw(w, get[ATTRIBUTE_LABELS].json);
    JW_STR(w, "Comment", p->description);
    jw_obj_end(w);
}

static enum err_code read_product(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct product *p = arg;
    char quoted[64];
    struct str id = gorse_param(call, "item-id");
    enum err_code code = product_get(db, id, call->arena, p, err);
    if (code == ERR_NOT_FOUND || (code == ERR_OK && p->status == PRODUCT_DELETED))
        return err_set(err, ERR_NOT_FOUND, "there is no item '%s'",
                       err_quote(quoted, sizeof quoted, id.p, id.n));
    return code;
}

static enum err_code get_item(struct call *call, struct err *err)
{
    struct product p;
    struct json_writer w;
    enum err_code code = call_read(call, read_product, &p, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    write_item(&p, call->arena, &w);
    return reply_json(call, 200, &w, err);
}

static enum err_code list_items(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct gorse_page *page = arg;
    struct db_rows rows = {0};
    struct product p;
    bool more;
    (void)call;
    enum err_code code = products_after(db, (uint32_t)page->after, page->n + 1, &rows, err);
    while (code == ERR_OK && (code = products_next(&rows, &p, &more, err)) == ERR_OK && more &&
           gorse_page_takes(page, p.no))
        if (p.status != PRODUCT_DELETED)
            write_item(&p, &page->arena, &page->w);
    db_rows_close(&rows);
    return code;
}

static enum err_code get_items(struct call *call, struct err *err)
{
    return gorse_reply_page(call, "Items", list_items, err);
}

#define WRITES      (ENDPOINT_GORSE | ENDPOINT_WRITES)
#define WRITES_MANY (WRITES | ENDPOINT_LARGE)

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/api/item", AUTH_SERVER, post_item, WRITES, NO_PARAMS},
    {HTTP_POST, "/api/items", AUTH_SERVER, post_items, WRITES_MANY, NO_PARAMS},
    {HTTP_GET, "/api/items", AUTH_SERVER, get_items, ENDPOINT_GORSE, NO_PARAMS},
    {HTTP_GET, "/api/item/{item-id}", AUTH_SERVER, get_item, ENDPOINT_GORSE, NO_PARAMS},
    {HTTP_PATCH, "/api/item/{item-id}", AUTH_SERVER, patch_item, WRITES, NO_PARAMS},
    {HTTP_DELETE, "/api/item/{item-id}", AUTH_SERVER, delete_item, WRITES, NO_PARAMS},
    {HTTP_PUT, "/api/item/{item-id}/category/{category}", AUTH_SERVER, put_category,
     WRITES | ENDPOINT_TAKES_FILES, NO_PARAMS},
    {HTTP_DELETE, "/api/item/{item-id}/category/{category}", AUTH_SERVER, delete_category, WRITES,
     NO_PARAMS},
};
ENDPOINT_GROUP(gorse_item_endpoints, endpoints);
