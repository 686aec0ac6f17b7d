#include "engine/view.h"

#include <stdatomic.h>

#include "base/digits.h"
#include "base/mem.h"
#include "engine/engine_int.h"

void served_model_unref(struct served_model *m)
{
    if (m && atomic_fetch_sub(&m->refs, 1) == 1) {
        recommend_model_close(&m->recommend);
        if (m->ranker)
            ranker_release(m->ranker);
        mem_free(m->ranker);
        mem_free(m);
    }
}

struct rule_rows *rule_rows_ref(struct rule_rows *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void rule_rows_unref(struct rule_rows *r)
{
    if (r && atomic_fetch_sub(&r->refs, 1) == 1) {
        arena_release(&r->texts);
        mem_free(r->items);
        mem_free(r->only_named);
        mem_free(r);
    }
}

void served_experiments_unref(struct served_experiments *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1)
        s->release(s);
}

void compiled_rules_unref(struct compiled_rules *r)
{
    if (r && atomic_fetch_sub(&r->refs, 1) == 1)
        r->release(r);
}

struct view *view_ref(struct view *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void view_unref(struct view *v)
{
    if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
        return;
    for (size_t i = 0; i < v->versions_len; i++)
        view_unref(v->versions[i]);
    served_experiments_unref(v->experiments);
    catalogue_unref(v->catalogue);
    served_model_unref(v->model);
    compiled_rules_unref(v->rules);
    newcomers_unref(v->newcomers);
    live_unref(v->live);
    mem_free(v);
}

const struct view *view_of_version(const struct view *v, struct str version)
{
    for (size_t i = 0; version.n && i < v->versions_len; i++)
        if (str_is(version, v->versions[i]->model->version))
            return v->versions[i];
    return v;
}

struct str view_language(const struct view *v, struct str name)
{
    for (size_t i = 0; i < v->shop->languages_len; i++)
        if (str_eq(v->shop->languages[i], name))
            return name;
    return v->shop->languages[0];
}

/* --- cards ----------------------------------------------------------------------------------- */

/* Twenty cards are most of an answer: each is written into one piece of room, without the writer. */
enum { CARD_LIVE_MAX = 256 };

static char *put(char *at, struct str text)
{
    memcpy(at, text.p, text.n);
    return at + text.n;
}

#define PUT(at, lit) put((at), STR_LIT(lit))

static char *put_money(char *at, int64_t minor)
{
    return minor == STORE_NO_AMOUNT ? PUT(at, "null") : digits_i64(at, minor);
}

static char *put_currency(char *at, currency_code currency)
{
    if (currency == 0)
        return PUT(at, "null");
    char name[4];
    at = PUT(at, "\"");
    at = put(at, (struct str){currency_name(currency, name), 3});
    return PUT(at, "\"");
}

static char *put_mean(char *at, float mean)
{
    char *end = digits_decimal(at, (double)mean, 2);
    return end ? end : PUT(at, "0"); /* in a damaged file only: it is 0 to 5 */
}

/* At most CARD_LIVE_MAX bytes. */
static char *put_live(char *at, const struct live_row *row, const struct segment *s, uint32_t doc)
{
    at = put_money(PUT(at, ",\"price\":"), row->price_minor);
    at = put_money(PUT(at, ",\"list_price\":"), row->list_price_minor);
    at = put_currency(PUT(at, ",\"currency\":"), row->currency);
    at = put_mean(PUT(at, ",\"rating\":{\"mean\":"), s->rating_mean[doc]);
    at = digits_u64(PUT(at, ",\"count\":"), s->rating_count[doc]);
    return row->status == PRODUCT_ACTIVE && row->stock != 0 ? PUT(at, "},\"in_stock\":true")
                                                            : PUT(at, "},\"in_stock\":false");
}

bool card_write(const struct view *v, uint32_t product_no, struct str language,
                struct json_writer *w)
{
    struct location at = catalogue_locate(v->catalogue, product_no);
    struct live_row row;
    if (!location_found(at))
        return false;
    const struct segment *s = v->catalogue->segments[at.slot];
    live_get(v->live, product_no, &row);
    struct str card = segment_card_json(s, at.doc, segment_language(s, language));
    char *room = jw_members_room(w, card.n + CARD_LIVE_MAX);
    if (room)
        jw_members_end(w, put_live(put(room, card), &row, s, at.doc));
    return true;
}

struct str card_title(const struct view *v, uint32_t product_no, struct str language)
{
    struct location at = catalogue_locate(v->catalogue, product_no);
    if (!location_found(at))
        return (struct str){NULL, 0};
    const struct segment *s = v->catalogue->segments[at.slot];
    return segment_title(s, at.doc, segment_language(s, language));
}

struct str card_id(const struct view *v, uint32_t product_no)
{
    struct location at = catalogue_locate(v->catalogue, product_no);
    if (!location_found(at))
        return (struct str){NULL, 0};
    return segment_id(v->catalogue->segments[at.slot], at.doc);
}
