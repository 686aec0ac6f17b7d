#include "engine/view.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "engine/engine_int.h"

void served_model_unref(struct served_model *m)
{
    if (m && atomic_fetch_sub(&m->refs, 1) == 1) {
        recommend_model_close(&m->recommend);
        mem_free(m);
    }
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
    catalogue_unref(v->catalogue);
    served_model_unref(v->model);
    mem_free(v);
}

struct str view_language(const struct view *v, struct str name)
{
    for (size_t i = 0; i < v->shop->languages_len; i++)
        if (str_eq(v->shop->languages[i], name))
            return name;
    return v->shop->languages[0];
}

/* --- cards ----------------------------------------------------------------------------------- */

static void write_money(struct json_writer *w, int64_t minor)
{
    if (minor == STORE_NO_AMOUNT)
        jw_null(w);
    else
        jw_i64(w, minor);
}

static void write_live(const struct live_row *row, const struct segment *s, uint32_t doc,
                       struct json_writer *w)
{
    char currency[4];
    JW_KEY(w, "price");
    write_money(w, row->price_minor);
    JW_KEY(w, "list_price");
    write_money(w, row->list_price_minor);
    JW_KEY(w, "currency");
    if (row->currency)
        jw_z(w, currency_name(row->currency, currency));
    else
        jw_null(w);
    JW_OBJ(w, "rating");
    JW_DECIMAL(w, "mean", (double)s->rating_mean[doc], 2);
    JW_U64(w, "count", s->rating_count[doc]);
    jw_obj_end(w);
    JW_BOOL(w, "in_stock", row->status == PRODUCT_ACTIVE && row->stock != 0);
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
    jw_members(w, segment_card_json(s, at.doc, segment_language(s, language)));
    write_live(&row, s, at.doc, w);
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
