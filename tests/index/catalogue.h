/* catalogue.h - random catalogues for the tests of index/: products, and beside each what a reader
 * must find in it, noted while it was made and not read back from its JSON. */
#ifndef TESTS_INDEX_CATALOGUE_H
#define TESTS_INDEX_CATALOGUE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "base/rng.h"
#include "index/segment_build.h"

enum { FAKE_TEXTS = 32, FAKE_VALUES = 24 };

struct fake_text {
    enum segment_field field;
    struct str text;
};

struct fake_value {
    const char *facet;
    struct str text;
    struct str zh; /* label; empty: none */
    bool is_number;
    double number;
};

struct fake {
    struct product product;
    struct str title_zh, brand_zh, image; /* empty: none */
    struct fake_text texts[FAKE_TEXTS];
    size_t texts_len;
    struct fake_value values[FAKE_VALUES];
    size_t values_len;
};

static const struct str fake_languages[] = {{"en", 2}, {"zh", 2}};

static inline struct str fake_pick(struct rng *r, const char *const *words, size_t n)
{
    /* The smaller of two draws: some words are frequent, others rare. */
    uint64_t a = rng_below(r, n), b = rng_below(r, n);
    return str_of(words[a < b ? a : b]);
}

#define FAKE_PICK(r, words) fake_pick((r), (words), sizeof(words) / sizeof *(words))

static inline struct str fake_words(struct rng *r, struct arena *a, bool zh, size_t n)
{
    static const char *const en[] = {
        "Kettle", "red", "running", "shoes",   "T-shirt",     "cotton", "Women's", "steel",
        "1.5",    "pan", "WH-1000", "garden",  "caf\xc3\xa9", "lamps",  "\"odd\"", "oak",
        "desk",   "x",   "blue",    "Bottles", "ring",        "silver", "toy",     "usb-c"};
    static const char *const han[] = {"\xe6\xb0\xb4\xe5\xa3\xb6",
                                      "\xe7\xba\xa2\xe8\x89\xb2",
                                      "\xe8\xbf\x90\xe5\x8a\xa8\xe9\x9e\x8b",
                                      "\xe7\xbd\x91\xe7\x90\x83",
                                      "\xe5\xae\xb6\xe5\xb1\x85",
                                      "\xe9\x8a\x80\xe8\xa1\x8c",
                                      "\xe7\x81\xaf"};
    struct str text = {NULL, 0};
    while (n--) {
        struct str word = zh ? FAKE_PICK(r, han) : FAKE_PICK(r, en);
        text =
            arena_printf(a, "%.*s%s%.*s", STR_ARG(text), text.n && !zh ? " " : "", STR_ARG(word));
    }
    return text;
}

static inline void fake_text(struct fake *f, enum segment_field field, struct str text)
{
    if (text.n)
        f->texts[f->texts_len++] = (struct fake_text){field, text};
}

static inline struct fake_value *fake_value(struct fake *f, const char *facet, struct str text)
{
    struct fake_value *v = &f->values[f->values_len++];
    *v = (struct fake_value){.facet = facet, .text = text};
    return v;
}

static inline struct str fake_json(struct arena *a, struct buf *b)
{
    struct str s = arena_str(a, buf_str(b));
    buf_reset(b);
    return s;
}

/* Attributes of the product and their translation: a text, a list, a number, a flag. */
static inline void fake_attributes(struct fake *f, struct rng *r, struct arena *a, struct buf *out,
                                   struct str *translated)
{
    static const char *const colour[] = {"red", "Red", "blue", "green", "off-white"};
    static const char *const han[] = {"\xe7\xba\xa2", "\xe8\x93\x9d", "\xe7\xbb\xbf"};
    struct json_writer w;
    jw_init(&w, out);
    jw_obj(&w);
    struct str text = FAKE_PICK(r, colour), zh = {NULL, 0};
    if (rng_below(r, 4)) {
        zh = FAKE_PICK(r, han);
        JW_STR(&w, "color", text);
        fake_text(f, SEGMENT_ATTRIBUTES, text);
        fake_value(f, "attributes.color", text)->zh = zh;
    }
    if (rng_below(r, 2)) {
        JW_ARR(&w, "size");
        for (uint64_t i = 0, n = rng_below(r, 4); i < n; i++) {
            struct str size = arena_printf(a, "%d", (int)(36 + rng_below(r, 5)));
            jw_str(&w, size);
            fake_text(f, SEGMENT_ATTRIBUTES, size);
            struct fake_value *v = fake_value(f, "attributes.size", size);
            v->is_number = true;
            v->number = (double)(size.p[0] - '0') * 10 + (size.p[1] - '0');
        }
        jw_arr_end(&w);
    }
    if (rng_below(r, 2)) {
        double number = (double)rng_below(r, 40) / 4;
        JW_DOUBLE(&w, "litres", number);
        struct str shown = arena_printf(a, "%g", number);
        fake_text(f, SEGMENT_ATTRIBUTES, shown);
        struct fake_value *v = fake_value(f, "attributes.litres", shown);
        v->is_number = true;
        v->number = number;
    }
    if (rng_below(r, 3) == 0) {
        bool flag = rng_below(r, 2);
        JW_BOOL(&w, "waterproof", flag);
        if (flag)
            fake_text(f, SEGMENT_ATTRIBUTES, STR_LIT("waterproof"));
        fake_value(f, "attributes.waterproof", flag ? STR_LIT("true") : STR_LIT("false"));
    }
    JW_NULL(&w, "nothing");
    jw_obj_end(&w);
    f->product.attributes = fake_json(a, out);
    jw_obj(&w);
    if (zh.n)
        JW_STR(&w, "color", zh);
    jw_obj_end(&w);
    *translated = fake_json(a, out);
    if (!zh.n)
        *translated = (struct str){NULL, 0};
}

static inline void fake_lists(struct fake *f, struct rng *r, struct arena *a, struct buf *out)
{
    static const char *const tags[] = {"gift", "sale", "New", "new", "eco friendly"};
    struct json_writer w;
    jw_init(&w, out);
    jw_arr(&w);
    for (uint64_t i = 0, n = rng_below(r, 4); i < n; i++) {
        struct str tag = FAKE_PICK(r, tags);
        jw_str(&w, tag);
        fake_text(f, SEGMENT_ATTRIBUTES, tag);
        fake_value(f, "tags", tag);
    }
    jw_arr_end(&w);
    f->product.tags = fake_json(a, out);
    if (rng_below(r, 3) == 0)
        return;
    f->image = arena_printf(a, "/media/%u.svg", f->product.no);
    jw_arr(&w);
    jw_str(&w, f->image);
    jw_str(&w, STR_LIT("/media/second.svg"));
    jw_arr_end(&w);
    f->product.images = fake_json(a, out);
}

static inline void fake_make(struct fake *f, uint32_t no, struct rng *r, struct arena *a,
                             struct buf *out)
{
    static const char *const brands[] = {"Northpot", "NORTHPOT", "Hema", "O'Neil", "\xe5\x8d\x8e"};
    static const char *const paths[] = {
        "Home > Kitchen > Kettles", "Home > Kitchen", "Home", "Home! x", "Sport > Shoes",
        "sport > shoes > Trail"};
    static const char *const paths_zh[] = {"\xe5\xae\xb6 > \xe5\x8e\xa8 > \xe5\xa3\xb6",
                                           "\xe5\xae\xb6 > \xe5\x8e\xa8",
                                           "\xe5\xae\xb6",
                                           "\xe5\xae\xb6!",
                                           "\xe5\x8a\xa8 > \xe9\x9e\x8b",
                                           "\xe5\x8a\xa8 > \xe9\x9e\x8b > \xe5\xb1\xb1"};
    *f = (struct fake){0};
    struct product *p = &f->product;
    p->no = no;
    p->id = rng_below(r, 2)   ? arena_printf(a, "K-%u-RED", no)
            : rng_below(r, 2) ? arena_printf(a, "id %u_x", no)
                              : arena_printf(a, "SKU%u", no);
    p->group_id = rng_below(r, 2) ? arena_printf(a, "K-%u", no / 3) : (struct str){NULL, 0};
    p->title = fake_words(r, a, false, 1 + rng_below(r, 6));
    p->description = fake_words(r, a, false, rng_below(r, 30));
    p->brand = rng_below(r, 5) ? FAKE_PICK(r, brands) : (struct str){NULL, 0};
    p->supplier_id = rng_below(r, 2) ? STR_LIT("S-7") : (struct str){NULL, 0};
    p->url = rng_below(r, 2) ? arena_printf(a, "https://x/%u", no) : (struct str){NULL, 0};
    p->language = STR_LIT("en");
    p->price_minor = p->list_price_minor = STORE_NO_AMOUNT;
    p->stock = STORE_STOCK_UNTRACKED;
    p->rating_mean = (double)rng_below(r, 11) / 2;
    p->rating_count = (uint32_t)rng_below(r, 100);
    p->created_at = (int64_t)rng_below(r, 1u << 30);
    p->updated_at = p->created_at + 5;
    fake_text(f, SEGMENT_TITLE, p->title);
    fake_text(f, SEGMENT_DESCRIPTION, p->description);
    fake_text(f, SEGMENT_BRAND, p->brand);
    fake_text(f, SEGMENT_ID, p->id);
    fake_text(f, SEGMENT_ID, p->group_id);
    if (p->brand.n)
        fake_value(f, "brand", p->brand);
    if (p->supplier_id.n)
        fake_value(f, "supplier_id", p->supplier_id);
    struct str attributes_zh, category_zh = {NULL, 0};
    fake_attributes(f, r, a, out, &attributes_zh);
    fake_lists(f, r, a, out);
    if (rng_below(r, 6)) {
        size_t i = rng_below(r, sizeof paths / sizeof *paths);
        p->category = str_of(paths[i]);
        category_zh = str_of(paths_zh[i]);
        fake_text(f, SEGMENT_CATEGORY, p->category);
        fake_value(f, "category", p->category)->zh = category_zh;
    }
    if (rng_below(r, 3) == 0) {
        for (size_t i = 0; i < f->values_len; i++)
            f->values[i].zh = (struct str){NULL, 0};
        return;
    }
    f->title_zh = fake_words(r, a, true, 1 + rng_below(r, 4));
    fake_text(f, SEGMENT_TITLE, f->title_zh);
    fake_text(f, SEGMENT_CATEGORY, category_zh);
    struct json_writer w;
    jw_init(&w, out);
    jw_obj(&w);
    JW_OBJ(&w, "zh-CN");
    JW_STR(&w, "title", f->title_zh);
    if (p->brand.n && rng_below(r, 2)) {
        f->brand_zh = STR_LIT("\xe5\x8c\x97\xe5\xa3\xb6");
        JW_STR(&w, "brand", f->brand_zh);
        fake_text(f, SEGMENT_BRAND, f->brand_zh);
        f->values[0].zh = f->brand_zh;
    }
    if (category_zh.n)
        JW_STR(&w, "category", category_zh);
    if (attributes_zh.n) {
        JW_RAW(&w, "attributes", attributes_zh);
        for (size_t i = 0; i < f->values_len; i++)
            if (str_is(str_of(f->values[i].facet), "attributes.color"))
                fake_text(f, SEGMENT_ATTRIBUTES, f->values[i].zh);
    }
    jw_obj_end(&w);
    jw_obj_end(&w);
    p->translations = fake_json(a, out);
}

/** n products with numbers that ascend in small steps; [n] in a. */
static inline struct fake *fake_catalogue(size_t n, uint64_t seed, struct arena *a)
{
    struct fake *fakes = ARENA_NEW(a, struct fake, n);
    struct buf out;
    struct rng r;
    uint32_t no = 0;
    buf_init(&out, 1 << 20);
    rng_init(&r, seed);
    for (size_t i = 0; i < n; i++) {
        no += 1 + (uint32_t)rng_below(&r, 3);
        fake_make(&fakes[i], no, &r, a, &out);
    }
    buf_release(&out);
    return fakes;
}

/** returns owned. NULL and *code where something failed. */
static inline struct segment *fake_build(const struct fake *fakes, size_t n, enum err_code *code,
                                         struct err *err)
{
    struct segment_builder *b;
    struct segment *s = NULL;
    *code = segment_builder_new(fake_languages, 2, &b, err);
    if (*code != ERR_OK)
        return NULL;
    for (size_t i = 0; *code == ERR_OK && i < n; i++)
        *code = segment_builder_add(b, &fakes[i].product, err);
    if (*code == ERR_OK)
        *code = segment_builder_finish_memory(b, &s, err);
    segment_builder_free(b);
    return s;
}

#endif
