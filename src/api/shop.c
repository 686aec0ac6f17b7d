/* shop.c - what a storefront asks first, and the tree of categories. */
#include <stdlib.h>

#include "api/api_int.h"
#include "base/map.h"
#include "index/facets.h"

static enum err_code get_shop(struct call *call, struct err *err)
{
    const struct api_options *o = &call->api->o;
    const struct shop_profile *shop = call->view->shop;
    struct json_writer w;
    char currency[4];
    begin_json(call, &w);
    jw_obj(&w);
    JW_OBJ(&w, "name");
    JW_Z(&w, "en", o->name_en);
    JW_Z(&w, "zh", o->name_zh);
    jw_obj_end(&w);
    JW_KEY(&w, "currency");
    jw_z(&w, shop->currency ? currency_name(shop->currency, currency) : NULL);
    JW_ARR(&w, "languages");
    for (size_t i = 0; i < shop->languages_len; i++)
        jw_str(&w, shop->languages[i]);
    jw_arr_end(&w);
    JW_Z(&w, "public_key", o->public_key);
    JW_BOOL(&w, "demo", o->demo);
    JW_BOOL(&w, "read_only", o->read_only != NULL);
    JW_U64(&w, "products", call->view->catalogue->products);
    JW_Z(&w, "version", AISLE_VERSION);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

/* A category, united over segments by its folded key. */
struct category {
    struct str key; /* parts joined by byte 1: sorted, an ancestor stands before its descendants */
    struct str path, label;
    uint32_t depth;
    uint64_t products; /* living ones, those of descendants included */
};

struct category_list {
    struct category *items; /* [len] in the arena */
    size_t len, cap;
    struct map_str by_key; /* key to index */
};

enum { CATEGORIES_MAX = 5000 };

static struct category *category_at(struct category_list *list, const struct segment *s,
                                    uint32_t value, uint32_t language)
{
    struct str key = segment_value_key_of(s, value);
    bool added;
    uint64_t *index = map_str_at(&list->by_key, key, &added);
    if (!added)
        return &list->items[*index];
    if (list->len == list->cap)
        return NULL;
    *index = list->len;
    list->items[list->len] = (struct category){.key = key,
                                               .path = segment_value_text(s, value),
                                               .label = segment_value_label(s, value, language),
                                               .depth = s->value[value].depth};
    return &list->items[list->len++];
}

/* Count the living docs of each category of a segment: one pass over the docs, then each category
 * sums its range. */
static enum err_code count_segment(struct call *call, uint32_t slot, struct category_list *list,
                                   struct err *err)
{
    const struct catalogue *c = call->view->catalogue;
    const struct segment *s = c->segments[slot];
    uint32_t f = segment_find_facet(s, STR_LIT("category"));
    if (f == ORDINAL_NONE)
        return ERR_OK;
    const struct segment_facet *facet = &s->facet[f];
    uint32_t n = facet->end - facet->first;
    uint64_t *before = arena_try_alloc(call->arena, ((size_t)n + 1) * sizeof *before);
    if (!before)
        return err_set(err, ERR_LIMIT, "too many categories");
    memset(before, 0, ((size_t)n + 1) * sizeof *before);
    for (uint32_t doc = 0; doc < s->docs; doc++) {
        uint32_t value = segment_doc_value(s, doc, f);
        if (value != ORDINAL_NONE && live_sellable(call->view->live, s->product_no[doc]) &&
            catalogue_alive(c, slot, doc))
            before[value - facet->first + 1]++;
    }
    for (uint32_t i = 0; i < n; i++)
        before[i + 1] += before[i];
    uint32_t language = segment_language(s, call->language);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t value = facet->first + i;
        uint64_t docs = before[s->value[value].end - facet->first] - before[i];
        struct category *category = docs ? category_at(list, s, value, language) : NULL;
        if (category)
            category->products += docs;
    }
    return ERR_OK;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct category *)a)->key, ((const struct category *)b)->key);
}

static struct str last_part(struct str path)
{
    struct str separator = STR_LIT(" > ");
    for (;;) {
        size_t at = str_search(path, separator);
        if (at == SIZE_MAX)
            return path;
        path.p += at + separator.n;
        path.n -= at + separator.n;
    }
}

static enum err_code write_categories(struct call *call, const struct category_list *list,
                                      struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "items");
    for (size_t i = 0; i < list->len; i++) {
        const struct category *c = &list->items[i];
        jw_obj(&w);
        JW_STR(&w, "path", c->path);
        JW_STR(&w, "name", last_part(c->path));
        JW_STR(&w, "label", last_part(c->label));
        JW_U64(&w, "depth", c->depth);
        JW_U64(&w, "products", c->products);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static enum err_code get_categories(struct call *call, struct err *err)
{
    struct category_list list = {.cap = CATEGORIES_MAX};
    list.items = arena_try_alloc(call->arena, CATEGORIES_MAX * sizeof *list.items);
    if (!list.items)
        return err_set(err, ERR_LIMIT, "too many categories");
    enum err_code code = ERR_OK;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS && code == ERR_OK; slot++)
        if (call->view->catalogue->segments[slot])
            code = count_segment(call, slot, &list, err);
    map_str_release(&list.by_key);
    if (code != ERR_OK)
        return code;
    qsort(list.items, list.len, sizeof *list.items, by_key);
    return write_categories(call, &list, err);
}

static const struct param categories_params[] = {{.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE}};

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/shop", AUTH_NONE, get_shop, 0, NO_PARAMS},
    {HTTP_GET, "/v1/categories", AUTH_PUBLIC, get_categories, 0, PARAMS(categories_params)},
};
ENDPOINT_GROUP(shop_endpoints, endpoints);
