/* describe.c - an item in words: its record as the store takes it. */
#include "demo/catalogue_int.h"

#include <math.h>

#include "base/check.h"
#include "base/clock.h"
#include "demo/picture.h"

void item_words(const struct catalogue *c, const struct item *it, enum lang lang, struct words *w)
{
    const struct type_info *info = &c->types[it->type];
    const struct product_type *row = info->row;
    *w = (struct words){
        .brand = list_at(info->dept->brands[lang], it->brand),
        .feature = list_at(row->features[lang], it->feature),
        .noun = str_of(row->noun[lang]),
    };
    if (row->vary == VARY_COLOUR)
        w->colour = str_of(colour_at(it->colour)->name[lang]);
    if (row->size_key && !(row->flags & TYPE_SIZES))
        w->size = list_at(row->sizes[lang], it->size);
    /* Each brand, feature and size is used once without or with a first series name, then again with
     * the next one, so that no two titles are the same. */
    uint32_t round = it->ordinal / info->combos, combo = it->ordinal % info->combos;
    if (row->flags & TYPE_MODEL)
        round++;
    if (round == 0)
        return;
    uint32_t names = (uint32_t)list_len(series_names[EN]);
    w->series = list_at(series_names[lang], (int)((combo * 7 + round - 1) % names));
    w->edition = (round - 1) / names + 1;
}

static void put_title(const struct words *w, enum lang lang, struct buf *out)
{
    buf_put_str(out, w->brand);
    if (w->series.n) {
        buf_putc(out, ' ');
        buf_put_str(out, w->series);
        if (w->edition > 1)
            buf_printf(out, " %u", w->edition);
        if (lang == ZH)
            buf_puts(out, "系列");
    }
    buf_putc(out, ' ');
    buf_put_str(out, w->feature);
    if (lang == EN)
        buf_putc(out, ' ');
    buf_put_str(out, w->noun);
    if (w->size.n)
        buf_printf(out, " %.*s", STR_ARG(w->size));
    if (w->colour.n)
        buf_printf(out, lang == EN ? ", %.*s" : " %.*s", STR_ARG(w->colour));
}

/* A first year for each brand, so that the sentence about it is always the same. */
static int brand_year(const struct type_info *info, int brand)
{
    return 1921 + (info->dept_no * 17 + brand * 29) % 96;
}

static void put_description(const struct catalogue *c, const struct item *it, const struct words *w,
                            enum lang lang, struct buf *out)
{
    const struct type_info *info = &c->types[it->type];
    size_t start = out->len;
    buf_put_str(out, w->feature);
    if (lang == EN)
        buf_putc(out, ' ');
    buf_put_str(out, w->noun);
    if (w->size.n)
        buf_printf(out, lang == EN ? ", %.*s" : "，%.*s", STR_ARG(w->size));
    if (w->colour.n)
        buf_printf(out, lang == EN ? ", in %.*s" : "，%.*s", STR_ARG(w->colour));
    char *first = out->data + start;
    if (*first >= 'a' && *first <= 'z')
        *first = (char)(*first - 'a' + 'A');
    struct str closing = list_at(info->dept->closings[lang], it->twist % 3);
    int year = brand_year(info, it->brand);
    if (lang == EN)
        buf_printf(out, ". %s %.*s has stood for %s since %d. %.*s", info->row->use[EN],
                   STR_ARG(w->brand), info->dept->trade[EN], year, STR_ARG(closing));
    else
        buf_printf(out, "。%s%.*s自%d年起专注%s。%.*s", info->row->use[ZH], STR_ARG(w->brand), year,
                   info->dept->trade[ZH], STR_ARG(closing));
}

static void put_pair(struct buf *out, const char *key, struct str value)
{
    buf_printf(out, ",\"%s\":\"%.*s\"", key, STR_ARG(value));
}

/* The number in "1.5 L" or "size 4". */
static struct str number_in(struct str text)
{
    size_t from = 0;
    while (from < text.n && (text.p[from] < '0' || text.p[from] > '9'))
        from++;
    size_t end = from;
    while (end < text.n && ((text.p[end] >= '0' && text.p[end] <= '9') || text.p[end] == '.'))
        end++;
    return (struct str){text.p + from, end - from};
}

static void put_size(const struct product_type *row, const struct item *it, enum lang lang,
                     struct buf *out)
{
    if (!row->size_key)
        return;
    if (row->flags & TYPE_SIZES) {
        buf_printf(out, ",\"%s\":[", row->size_key);
        int n = list_len(row->sizes[lang]);
        for (int i = 0; i < n; i++)
            buf_printf(out, "%s\"%.*s\"", i ? "," : "", STR_ARG(list_at(row->sizes[lang], i)));
        buf_putc(out, ']');
    } else if (strchr(row->size_key, '_')) {
        if (lang == EN)
            buf_printf(out, ",\"%s\":%.*s", row->size_key,
                       STR_ARG(number_in(list_at(row->sizes[EN], it->size))));
    } else {
        put_pair(out, row->size_key, list_at(row->sizes[lang], it->size));
    }
}

/* Numbers are the same in every language and stand in the first one alone. */
static void put_attributes(const struct product_type *row, const struct item *it,
                           const struct words *w, enum lang lang, struct buf *out)
{
    size_t start = out->len;
    put_pair(out, row->feature_key, w->feature);
    if (w->colour.n)
        put_pair(out, "color", w->colour);
    put_size(row, it, lang, out);
    out->data[start] = '{'; /* over the first comma */
    buf_putc(out, '}');
}

static void put_category(const struct type_info *info, enum lang lang, struct buf *out)
{
    buf_printf(out, "%s > %s", info->dept->path[lang], info->row->category[lang]);
}

static void put_images(const struct catalogue *c, const struct item *it, struct buf *out)
{
    const struct type_info *info = &c->types[it->type];
    uint32_t look = (it->ordinal * 256 + it->twist + 1) * 2654435761u >> 16;
    struct picture picture = {
        .shape = str_of(info->row->shape),
        .colour = it->colour,
        .pattern = (it->brand + it->twist / 64) % PICTURE_PATTERNS,
        .look = (uint16_t)look,
    };
    buf_puts(out, "[\"/media/demo/");
    picture_put_name(&picture, out);
    buf_puts(out, ".svg\",\"/media/demo/");
    picture.detail = true;
    picture_put_name(&picture, out);
    buf_puts(out, ".svg\"]");
}

static void put_tags(const struct product_type *row, const struct item *it, struct buf *out)
{
    static const char *const season_tags[SEASONS] = {[SEASON_SPRING] = "spring",
                                                     [SEASON_SUMMER] = "summer",
                                                     [SEASON_AUTUMN] = "autumn",
                                                     [SEASON_WINTER] = "winter",
                                                     [SEASON_SCHOOL] = "back-to-school"};
    size_t start = out->len;
    if (row->flags & TYPE_GIFT)
        buf_puts(out, ",\"gift\"");
    if (season_tags[row->season])
        buf_printf(out, ",\"%s\"", season_tags[row->season]);
    if (it->list_minor)
        buf_puts(out, ",\"sale\"");
    if (it->created_s < 45 * 86400)
        buf_puts(out, ",\"new\"");
    if (out->len == start)
        return;
    out->data[start] = '[';
    buf_putc(out, ']');
}

static void put_id_part(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if (ch >= 'A' && ch <= 'Z')
            ch = (char)(ch - 'A' + 'a');
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '.')
            buf_putc(out, ch);
    }
}

void item_put_id(const struct catalogue *c, const struct item *it, bool whole, struct buf *out)
{
    const struct product_type *row = c->types[it->type].row;
    struct str rest = str_of(row->noun[EN]);
    while (rest.p) {
        put_id_part(str_split(&rest, ' '), out);
        buf_putc(out, '-');
    }
    buf_printf(out, "%04u", it->ordinal + 1);
    if (!whole)
        return;
    buf_putc(out, '-');
    put_id_part(row->vary == VARY_COLOUR ? str_of(colour_at(it->colour)->id)
                                         : list_at(row->sizes[EN], it->size),
                out);
}

/* Better things are rated better, popular and older ones more often. */
static void rate(const struct item *it, struct product *out)
{
    double years = it->created_s / (365.0 * 86400);
    out->rating_count = (uint32_t)lround(40 * years * exp((double)it->appeal));
    if (out->rating_count == 0)
        return;
    double mean = 4.2 + .22 * (double)it->appeal + (it->twist - 128) / 400.0;
    mean = round(10 * mean) / 10;
    out->rating_mean = mean > 5 ? 5 : mean < 2.5 ? 2.5 : mean;
}

/* What was put since *from, which moves on behind it. */
static struct str taken(const struct buf *text, size_t *from)
{
    struct str s = {text->data + *from, text->len - *from};
    *from = text->len;
    return s;
}

static void put_translation(const struct catalogue *c, const struct item *it, struct buf *text)
{
    const struct type_info *info = &c->types[it->type];
    struct words w;
    item_words(c, it, ZH, &w);
    buf_puts(text, "{\"zh\":{\"title\":\"");
    put_title(&w, ZH, text);
    buf_puts(text, "\",\"description\":\"");
    put_description(c, it, &w, ZH, text);
    buf_printf(text, "\",\"brand\":\"%.*s\",\"category\":\"", STR_ARG(w.brand));
    put_category(info, ZH, text);
    buf_puts(text, "\",\"attributes\":");
    put_attributes(info->row, it, &w, ZH, text);
    buf_puts(text, "}}");
}

void describe_product(const struct catalogue *c, const struct item *it, struct buf *text,
                      struct product *out)
{
    const struct type_info *info = &c->types[it->type];
    struct words w;
    item_words(c, it, EN, &w);
    buf_reset(text);
    CHECK(buf_reserve(text, PRODUCT_TEXT_MAX - 1)); /* from here on nothing moves */
    size_t from = 0;
    *out = (struct product){
        .brand = w.brand,
        .price_minor = it->price_minor,
        .list_price_minor = it->list_minor ? it->list_minor : STORE_NO_AMOUNT,
        .currency = CNY,
        .stock = it->stock,
        .status = PRODUCT_ACTIVE,
        .language = STR_LIT("en"),
        .created_at = c->now_us - it->created_s * CLOCK_US_PER_S,
    };
    rate(it, out);
    item_put_id(c, it, true, text);
    out->id = taken(text, &from);
    item_put_id(c, it, false, text);
    out->group_id = taken(text, &from);
    put_title(&w, EN, text);
    out->title = taken(text, &from);
    put_description(c, it, &w, EN, text);
    out->description = taken(text, &from);
    put_category(info, EN, text);
    out->category = taken(text, &from);
    put_images(c, it, text);
    out->images = taken(text, &from);
    put_attributes(info->row, it, &w, EN, text);
    out->attributes = taken(text, &from);
    put_tags(info->row, it, text);
    out->tags = taken(text, &from);
    buf_printf(text, "S-%d-%d", info->dept_no + 1, it->brand + 1);
    out->supplier_id = taken(text, &from);
    put_translation(c, it, text);
    out->translations = taken(text, &from);
    CHECK(!text->full); /* PRODUCT_TEXT_MAX is far above what the tables can say */
}
