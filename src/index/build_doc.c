/* build_doc.c - take a product apart: checks, texts to index, values, numbers, texts per language. */
#include <string.h>

#include "base/json_reader.h"
#include "index/build_int.h"
#include "text/detect.h"

enum { URL_MAX = 4096 /* bytes */ };

/* --- languages ------------------------------------------------------------------------------- */

static uint32_t find_language(const struct languages *l, struct str name)
{
    for (uint32_t i = 1; i < l->n; i++)
        if (str_eq_nocase(str_of(l->name[i]), name))
            return i;
    return 0;
}

uint32_t languages_slot(const struct languages *l, struct str name)
{
    uint32_t slot = find_language(l, name);
    for (size_t i = 0; slot == 0 && i < name.n; i++)
        if (name.p[i] == '-' || name.p[i] == '_')
            return find_language(l, (struct str){name.p, i});
    return slot;
}

/* The slot that the product's own texts are written in. */
static uint32_t own_slot(const struct languages *l, const struct product *p)
{
    if (p->language.n)
        return languages_slot(l, p->language);
    return languages_slot(l, str_of(text_language_code(text_detect(p->title))));
}

/* --- checks ---------------------------------------------------------------------------------- */

static enum err_code check_text(struct str text, const char *name, size_t min, size_t max,
                                struct err *err)
{
    size_t bad;
    if (text.n < min)
        return err_set(err, ERR_INVALID, "%s is empty", name);
    if (text.n > max)
        return err_set(err, ERR_INVALID, "%s has %zu bytes, more than %zu", name, text.n, max);
    if (!str_utf8_valid(text, &bad))
        return err_set(err, ERR_INVALID, "%s is not UTF-8 at byte %zu", name, bad);
    return ERR_OK;
}

static enum err_code check_product(const struct product *p, struct err *err)
{
    const struct {
        struct str text;
        const char *name;
        size_t min, max;
    } rules[] = {
        {p->id, "id", 1, STORE_ID_MAX},
        {p->group_id, "group_id", 0, STORE_ID_MAX},
        {p->title, "title", 1, STORE_TITLE_MAX},
        {p->description, "description", 0, STORE_TEXT_MAX},
        {p->brand, "brand", 0, STORE_TITLE_MAX},
        {p->category, "category", 0, STORE_CATEGORY_MAX},
        {p->images, "images", 0, STORE_JSON_MAX},
        {p->attributes, "attributes", 0, STORE_JSON_MAX},
        {p->tags, "tags", 0, STORE_JSON_MAX},
        {p->supplier_id, "supplier_id", 0, STORE_ID_MAX},
        {p->url, "url", 0, URL_MAX},
        {p->translations, "translations", 0, STORE_JSON_MAX},
        {p->language, "language", 0, STORE_ID_MAX},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < sizeof rules / sizeof *rules; i++)
        code = check_text(rules[i].text, rules[i].name, rules[i].min, rules[i].max, err);
    if (code == ERR_OK && !(p->rating_mean >= 0 && p->rating_mean <= 5))
        return err_set(err, ERR_INVALID, "rating_mean is not between 0 and 5");
    return code;
}

/* --- collecting ------------------------------------------------------------------------------ */

static void add_text(struct doc *d, enum segment_field field, struct str text)
{
    if (text.n == 0)
        return;
    if (d->texts_len == DOC_MAX_TEXTS)
        d->left_out++;
    else
        d->texts[d->texts_len++] = (struct doc_text){field, text};
}

static void add_value(struct doc *d, struct str facet, struct str text, uint32_t index)
{
    text = str_trim(text);
    if (text.n == 0)
        return;
    if (facet.n > SEGMENT_VALUE_MAX || text.n > SEGMENT_VALUE_MAX ||
        d->values_len == SEGMENT_MAX_DOC_VALUES) {
        d->left_out++;
        return;
    }
    d->values[d->values_len++] = (struct doc_value){.facet = facet, .text = text, .index = index};
}

static void add_number(struct doc *d, struct str facet, struct str text)
{
    double number;
    if (facet.n > SEGMENT_VALUE_MAX || str_parse_double(text, &number, NULL) != ERR_OK)
        return;
    if (d->numbers_len == SEGMENT_MAX_DOC_VALUES)
        d->left_out++;
    else
        d->numbers[d->numbers_len++] = (struct doc_number){facet, number};
}

/* The value of which a translation is the label, or NULL. */
static struct doc_value *find_value(struct doc *d, struct str facet, uint32_t index)
{
    for (uint32_t i = 0; i < d->values_len; i++)
        if (d->values[i].index == index && str_eq(d->values[i].facet, facet))
            return &d->values[i];
    return NULL;
}

/* The label of a value in the language of slot; slot 0 (no slot) keeps none. */
static void add_label(struct doc *d, uint32_t slot, struct str facet, uint32_t index,
                      struct str label)
{
    struct doc_value *v = slot ? find_value(d, facet, index) : NULL;
    label = str_trim(label);
    if (v && label.n <= SEGMENT_VALUE_MAX)
        v->label[slot] = label;
}

/* --- attributes ------------------------------------------------------------------------------ */

/* Whose attributes are read: the product's own (translated false), or those of a translation, whose
 * values are labels of the product's in the language of slot. */
struct attributes {
    struct doc *doc;
    struct str name;
    struct str facet; /* "attributes." and the name */
    bool translated;
    uint32_t slot;
    uint32_t index; /* in the array */
};

static void take_attribute(struct attributes *a, struct str text)
{
    add_text(a->doc, SEGMENT_ATTRIBUTES, text);
    if (a->translated) {
        add_label(a->doc, a->slot, a->facet, a->index, text);
    } else {
        add_value(a->doc, a->facet, text, a->index);
        add_number(a->doc, a->facet, str_trim(text));
    }
}

static void take_flag(struct attributes *a, bool flag)
{
    if (flag) /* "waterproof": true is found by its name */
        add_text(a->doc, SEGMENT_ATTRIBUTES, a->name);
    if (!a->translated)
        add_value(a->doc, a->facet, flag ? STR_LIT("true") : STR_LIT("false"), a->index);
}

/* The texts inside a value that has members or elements of its own: they are searched, and no filter
 * has a name for them. As deep as the reader goes. */
static void read_inner_texts(struct json_reader *r, struct doc *d)
{
    struct str text;
    enum jr_type type = jr_peek(r);
    if (type == JR_STRING && jr_str(r, &text)) {
        add_text(d, SEGMENT_ATTRIBUTES, text);
    } else if (type == JR_OBJECT && jr_obj(r)) {
        while (jr_key(r, &text))
            read_inner_texts(r, d);
    } else if (type == JR_ARRAY && jr_arr(r)) {
        while (jr_next(r))
            read_inner_texts(r, d);
    } else {
        jr_skip(r);
    }
}

/* One value that is not an array; null and objects say nothing that can be filtered. */
static void read_scalar(struct json_reader *r, struct attributes *a)
{
    struct str text;
    bool flag;
    enum jr_type type = jr_peek(r);
    if (type == JR_STRING && jr_str(r, &text))
        take_attribute(a, text);
    else if (type == JR_NUMBER && jr_number(r, &text))
        take_attribute(a, text);
    else if (type == JR_BOOL && jr_bool(r, &flag))
        take_flag(a, flag);
    else
        read_inner_texts(r, a->doc);
}

/* "attributes." and name; p is NULL past the arena's cap. */
static struct str facet_of(struct arena *arena, struct str name)
{
    static const char prefix[] = "attributes.";
    size_t n = sizeof prefix - 1;
    char *p = arena_try_alloc(arena, n + name.n);
    if (!p)
        return (struct str){NULL, 0};
    memcpy(p, prefix, n);
    memcpy(p + n, name.p, name.n);
    return (struct str){p, n + name.n};
}

/* An object of attributes, which comes next in r. */
static void read_attributes(struct json_reader *r, struct attributes a)
{
    if (!jr_obj(r))
        return;
    while (jr_key(r, &a.name)) {
        a.facet = facet_of(r->arena, a.name);
        a.index = 0;
        if (!a.facet.p) {
            jr_fail(r, ERR_LIMIT, "the attributes are too long");
        } else if (jr_peek(r) != JR_ARRAY) {
            read_scalar(r, &a);
        } else if (jr_arr(r)) {
            for (; jr_next(r); a.index++)
                read_scalar(r, &a);
        }
    }
}

/* --- JSON fields ----------------------------------------------------------------------------- */

static enum err_code read_own_attributes(struct doc *d, struct arena *arena, struct err *err)
{
    struct json_reader r;
    if (d->product->attributes.n == 0)
        return ERR_OK;
    jr_init(&r, d->product->attributes, arena);
    read_attributes(&r, (struct attributes){.doc = d});
    enum err_code code = jr_end(&r, err);
    return code == ERR_OK ? ERR_OK : err_prefix(err, code, "attributes");
}

static enum err_code read_images(struct doc *d, struct arena *arena, struct err *err)
{
    struct json_reader r;
    struct str url;
    if (d->product->images.n == 0)
        return ERR_OK;
    jr_init(&r, d->product->images, arena);
    if (jr_arr(&r))
        while (jr_next(&r))
            if (jr_str(&r, &url) && d->image.n == 0)
                d->image = url;
    enum err_code code = jr_end(&r, err);
    return code == ERR_OK ? ERR_OK : err_prefix(err, code, "images");
}

static enum err_code read_tags(struct doc *d, struct arena *arena, struct err *err)
{
    struct json_reader r;
    struct str tag;
    if (d->product->tags.n == 0)
        return ERR_OK;
    jr_init(&r, d->product->tags, arena);
    if (jr_arr(&r))
        for (uint32_t i = 0; jr_next(&r); i++)
            if (jr_str(&r, &tag)) {
                add_text(d, SEGMENT_ATTRIBUTES, tag);
                add_value(d, STR_LIT("tags"), tag, i);
            }
    enum err_code code = jr_end(&r, err);
    return code == ERR_OK ? ERR_OK : err_prefix(err, code, "tags");
}

/* The texts of one language, which come next in r. slot 0: they are only indexed. */
static void read_translation(struct json_reader *r, struct doc *d, uint32_t slot)
{
    struct str key, text;
    if (!jr_obj(r))
        return;
    while (jr_key(r, &key)) {
        if (jr_null(r))
            continue;
        if (str_is(key, "attributes")) {
            read_attributes(r, (struct attributes){.doc = d, .translated = true, .slot = slot});
        } else if (str_is(key, "title") && jr_str_max(r, STORE_TITLE_MAX, &text)) {
            add_text(d, SEGMENT_TITLE, text);
            if (slot)
                d->title[slot] = text;
        } else if (str_is(key, "brand") && jr_str_max(r, STORE_TITLE_MAX, &text)) {
            add_text(d, SEGMENT_BRAND, text);
            add_label(d, slot, STR_LIT("brand"), 0, text);
            if (slot)
                d->brand[slot] = text;
        } else if (str_is(key, "category") && jr_str_max(r, STORE_CATEGORY_MAX, &text)) {
            add_text(d, SEGMENT_CATEGORY, text);
            add_label(d, slot, STR_LIT("category"), 0, text);
        } else if (str_is(key, "description") && jr_str_max(r, STORE_TEXT_MAX, &text)) {
            add_text(d, SEGMENT_DESCRIPTION, text);
        }
    }
}

static enum err_code read_translations(struct doc *d, const struct languages *languages,
                                       struct arena *arena, struct err *err)
{
    struct json_reader r;
    struct str language;
    if (d->product->translations.n == 0)
        return ERR_OK;
    uint32_t own = own_slot(languages, d->product);
    jr_init(&r, d->product->translations, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &language)) {
            uint32_t slot = languages_slot(languages, language);
            read_translation(&r, d, slot == own ? 0 : slot);
        }
    enum err_code code = jr_end(&r, err);
    return code == ERR_OK ? ERR_OK : err_prefix(err, code, "translations");
}

static void read_plain(struct doc *d)
{
    const struct product *p = d->product;
    d->title[0] = p->title;
    d->brand[0] = p->brand;
    add_text(d, SEGMENT_TITLE, p->title);
    add_text(d, SEGMENT_BRAND, p->brand);
    add_text(d, SEGMENT_CATEGORY, p->category);
    add_text(d, SEGMENT_DESCRIPTION, p->description);
    add_text(d, SEGMENT_ID, p->id);
    add_text(d, SEGMENT_ID, p->group_id);
    add_value(d, STR_LIT("brand"), p->brand, 0);
    add_value(d, STR_LIT("category"), p->category, 0);
    add_value(d, STR_LIT("supplier_id"), p->supplier_id, 0);
}

enum err_code doc_read(struct doc *d, const struct product *p, const struct languages *languages,
                       struct arena *arena, struct err *err)
{
    enum err_code code = check_product(p, err);
    if (code != ERR_OK)
        return code;
    d->product = p;
    d->image = (struct str){NULL, 0};
    memset(d->title, 0, sizeof d->title);
    memset(d->brand, 0, sizeof d->brand);
    d->texts_len = d->values_len = d->numbers_len = d->left_out = 0;
    read_plain(d);
    code = read_images(d, arena, err);
    if (code == ERR_OK)
        code = read_tags(d, arena, err);
    if (code == ERR_OK)
        code = read_own_attributes(d, arena, err);
    if (code == ERR_OK)
        code = read_translations(d, languages, arena, err);
    return code;
}
