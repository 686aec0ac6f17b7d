#include "engine/content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/json_reader.h"
#include "num/vec.h"
#include "text/fold.h"

enum { ARENA_MAX = 1 << 20, FOLDED_MAX = 4 << 10 };

/* Chosen on the validation tenths (docs/content.md). */
static const float weights[CONTENT_KINDS] = {
    [CONTENT_WORD] = 1,        [CONTENT_PAIR] = 0.5f,   [CONTENT_BRAND] = 1,
    [CONTENT_CATEGORY] = 0.5f, [CONTENT_ATTRIBUTE] = 1, [CONTENT_TAG] = 1,
    [CONTENT_SUPPLIER] = 1,    [CONTENT_PRICE] = 0.5f,
};

void content_reader_init(struct content_reader *r)
{
    *r = (struct content_reader){.analyser = text_analyser_new()};
    arena_init(&r->arena, 0, ARENA_MAX);
    buf_init(&r->folded, FOLDED_MAX);
}

void content_reader_release(struct content_reader *r)
{
    text_analyser_free(r->analyser);
    arena_release(&r->arena);
    buf_release(&r->folded);
    *r = (struct content_reader){0};
}

static uint64_t key_of(enum content_kind kind, struct str a, struct str b)
{
    uint64_t hash = XXH3_64bits_withSeed(a.p, a.n, (uint64_t)kind);
    if (b.p)
        hash = XXH3_64bits_withSeed(b.p, b.n, hash);
    return (uint64_t)kind << CONTENT_KIND_SHIFT | hash >> (64 - CONTENT_KIND_SHIFT);
}

static const struct str nothing = {NULL, 0};

static void add(struct content_reader *r, uint64_t key, float share)
{
    if (share > 0 && r->len < CONTENT_FEATURES_MAX)
        r->features[r->len++] =
            (struct content_feature){key, share * weights[content_kind_of(key)]};
}

/* Text that is the same for everybody who writes it: folded, hashed with the name of what it is. */
static enum err_code add_text(struct content_reader *r, enum content_kind kind, struct str name,
                              struct str text, struct err *err)
{
    if (text.n == 0)
        return ERR_OK;
    buf_reset(&r->folded);
    enum err_code code = text_fold(text, &r->folded, err);
    if (code == ERR_LIMIT)
        return ERR_OK; /* longer than anything that two products share */
    if (code == ERR_OK)
        add(r, key_of(kind, buf_str(&r->folded), name), 1);
    return code;
}

/* x as the two powers of two around it, so that what is near is alike. */
static void add_size(struct content_reader *r, enum content_kind kind, struct str name, double x)
{
    double at = copysign(log2(1 + fabs(x)), x), below = floor(at) + 0.0; /* no -0 */
    for (int i = 0; i < 2; i++) {
        double step = below + i;
        add(r, key_of(kind, (struct str){(const char *)&step, sizeof step}, name),
            (float)(1 - fabs(at - step)));
    }
}

/* --- titles ---------------------------------------------------------------------------------- */

/* The words of a text: of a position's tokens the last narrow one, which is its stem where it has one. */
static enum err_code add_words(struct content_reader *r, struct str title, struct err *err)
{
    struct text_tokens tokens;
    struct str before = nothing;
    bool pairs = false; /* CJK comes as pairs of characters already */
    enum err_code code = text_analyse(r->analyser, title, TEXT_QUERY, &tokens, err);
    for (size_t i = 0; i < tokens.n && code == ERR_OK; i++) {
        const struct text_token *t = &tokens.items[i];
        bool last = i + 1 == tokens.n || tokens.items[i + 1].position != t->position;
        if (!last || (t->span > 1 && !(t->kind & TEXT_CJK)))
            continue;
        add(r, key_of(CONTENT_WORD, t->term, nothing), 1);
        if (pairs && !(t->kind & TEXT_CJK))
            add(r, key_of(CONTENT_PAIR, before, t->term), 1);
        before = t->term;
        pairs = !(t->kind & TEXT_CJK);
    }
    return code;
}

/* Titles in other languages, an object of {language: {"title": ...}}. */
static enum err_code add_translations(struct content_reader *r, const struct product *p,
                                      struct err *err)
{
    struct json_reader json;
    struct str language, name, title;
    enum err_code code = ERR_OK;
    if (p->translations.n == 0)
        return ERR_OK;
    jr_init(&json, p->translations, &r->arena);
    if (jr_obj(&json))
        while (code == ERR_OK && jr_key(&json, &language))
            if (jr_peek(&json) == JR_OBJECT && jr_obj(&json))
                while (jr_key(&json, &name))
                    if (code == ERR_OK && str_is(name, "title") && jr_str(&json, &title))
                        code = add_words(r, title, err);
    return code;
}

/* --- attributes ------------------------------------------------------------------------------ */

static enum err_code add_value(struct content_reader *r, struct json_reader *json, struct str name,
                               struct err *err)
{
    struct str text;
    double number;
    bool flag;
    switch (jr_peek(json)) {
    case JR_STRING:
        return jr_str(json, &text) ? add_text(r, CONTENT_ATTRIBUTE, name, text, err) : ERR_OK;
    case JR_NUMBER:
        if (jr_double(json, &number))
            add_size(r, CONTENT_ATTRIBUTE, name, number);
        return ERR_OK;
    case JR_BOOL:
        if (jr_bool(json, &flag))
            add(r, key_of(CONTENT_ATTRIBUTE, flag ? STR_LIT("\1") : STR_LIT("\0"), name), 1);
        return ERR_OK;
    case JR_NONE:
    case JR_NULL:
    case JR_ARRAY:
    case JR_OBJECT:
        return ERR_OK; /* skipped by whoever reads on */
    }
    return ERR_OK;
}

static enum err_code add_attributes(struct content_reader *r, const struct product *p,
                                    struct err *err)
{
    struct json_reader json;
    struct str name;
    enum err_code code = ERR_OK;
    if (p->attributes.n == 0)
        return ERR_OK;
    jr_init(&json, p->attributes, &r->arena);
    if (jr_obj(&json))
        while (code == ERR_OK && jr_key(&json, &name)) {
            if (jr_peek(&json) != JR_ARRAY)
                code = add_value(r, &json, name, err);
            else if (jr_arr(&json))
                while (jr_next(&json))
                    if (code == ERR_OK)
                        code = add_value(r, &json, name, err);
        }
    return code;
}

static enum err_code add_tags(struct content_reader *r, const struct product *p, struct err *err)
{
    struct json_reader json;
    struct str tag;
    enum err_code code = ERR_OK;
    if (p->tags.n == 0)
        return ERR_OK;
    jr_init(&json, p->tags, &r->arena);
    if (jr_arr(&json))
        while (code == ERR_OK && jr_next(&json) && jr_str(&json, &tag))
            code = add_text(r, CONTENT_TAG, nothing, tag, err);
    return code;
}

/* "Home > Kitchen" is in Home, too. */
static enum err_code add_category(struct content_reader *r, struct str path, struct err *err)
{
    static const struct str separator = {" > ", 3};
    enum err_code code = ERR_OK;
    for (size_t at = 0; at < path.n && code == ERR_OK;) {
        size_t part = str_search((struct str){path.p + at, path.n - at}, separator);
        size_t end = part == SIZE_MAX ? path.n : at + part;
        code = add_text(r, CONTENT_CATEGORY, nothing, (struct str){path.p, end}, err);
        at = end + separator.n;
    }
    return code;
}

/* --- all ------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const struct content_feature *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void sort_and_join(struct content_reader *r)
{
    size_t n = 0;
    qsort(r->features, r->len, sizeof *r->features, by_key);
    for (size_t i = 0; i < r->len; i++) {
        if (n && r->features[n - 1].key == r->features[i].key) /* twice says no more */
            r->features[n - 1].weight = fmaxf(r->features[n - 1].weight, r->features[i].weight);
        else
            r->features[n++] = r->features[i];
    }
    r->len = n;
}

enum err_code content_read(struct content_reader *r, const struct product *p, struct err *err)
{
    arena_reset(&r->arena);
    r->len = 0;
    enum err_code code = add_text(r, CONTENT_BRAND, nothing, p->brand, err);
    if (code == ERR_OK)
        code = add_text(r, CONTENT_SUPPLIER, nothing, p->supplier_id, err);
    if (code == ERR_OK)
        code = add_category(r, p->category, err);
    if (code == ERR_OK)
        code = add_words(r, p->title, err);
    if (code == ERR_OK && p->price_minor != STORE_NO_AMOUNT)
        add_size(r, CONTENT_PRICE, (struct str){(const char *)&p->currency, sizeof p->currency},
                 (double)p->price_minor);
    if (code == ERR_OK)
        code = add_translations(r, p, err);
    if (code == ERR_OK)
        code = add_attributes(r, p, err);
    if (code == ERR_OK)
        code = add_tags(r, p, err);
    sort_and_join(r);
    return code;
}

/* --- towers ---------------------------------------------------------------------------------- */

void content_vector_of(const struct content_tower *t, const struct content_feature *features,
                       size_t n, struct content_vector *out)
{
    float unknown = 1 + logf(((float)t->products + 1) / 2);
    double square = 0;
    uint32_t at = 0;
    out->len = 0;
    for (size_t i = 0; i < n && i < CONTENT_FEATURES_MAX; i++) {
        uint32_t end = t->features;
        while (at < end) { /* the first key that is not below */
            uint32_t mid = at + (end - at) / 2;
            if (t->keys[mid] < features[i].key)
                at = mid + 1;
            else
                end = mid;
        }
        bool known = at < t->features && t->keys[at] == features[i].key;
        float value = features[i].weight * (known ? t->idf[at] : unknown);
        square += (double)value * (double)value;
        if (known) {
            out->index[out->len] = at;
            out->value[out->len++] = value;
        }
    }
    float scale = square > 0 ? (float)(1 / sqrt(square)) : 0;
    vec->scale(scale, out->value, out->len);
}

void content_embed(const struct content_tower *t, const struct content_vector *v, float *x)
{
    memset(x, 0, t->dim * sizeof *x);
    for (size_t i = 0; i < v->len; i++)
        vec->axpy(v->value[i], t->weights + (size_t)v->index[i] * t->dim, x, t->dim);
}
