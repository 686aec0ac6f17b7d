/* answer.c - what was found, as JSON. */
#include "search/search.h"

static void write_hit(const struct view *view, const struct search_hit *hit, struct str language,
                      struct json_writer *w)
{
    jw_obj(w);
    card_write(view, hit->product_no, language, w);
    JW_DECIMAL(w, "score", hit->score, 4);
    JW_OBJ(w, "highlights");
    JW_ARR(w, "title");
    for (size_t i = 0; i < hit->title_parts_len; i++)
        jw_str(w, hit->title_parts[i]);
    if (hit->title_parts_len == 0)
        jw_str(w, card_title(view, hit->product_no, language));
    jw_arr_end(w);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void write_price(const struct facet_result *f, currency_code currency, struct json_writer *w)
{
    char name[4];
    jw_obj(w);
    JW_Z(w, "currency", currency ? currency_name(currency, name) : NULL);
    if (f->priced) {
        JW_I64(w, "min", f->min_minor);
        JW_I64(w, "max", f->max_minor);
    }
    JW_ARR(w, "ranges");
    for (size_t i = 0; i < f->ranges_len; i++) {
        jw_obj(w);
        JW_I64(w, "from", f->ranges[i].from);
        JW_I64(w, "to", f->ranges[i].to);
        JW_U64(w, "count", f->ranges[i].count);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
}

static void write_values(const struct facet_result *f, struct json_writer *w)
{
    jw_arr(w);
    for (size_t i = 0; i < f->values_len; i++) {
        jw_obj(w);
        JW_STR(w, "value", f->values[i].value);
        JW_STR(w, "label", f->values[i].label);
        JW_U64(w, "count", f->values[i].count);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static void write_facet(const struct facet_result *f, currency_code currency, struct json_writer *w)
{
    jw_key(w, f->name);
    if (str_is(f->name, "price"))
        write_price(f, currency, w);
    else
        write_values(f, w);
}

void search_members(const struct view *view, const struct search_request *r,
                    const struct search_result *found, struct json_writer *w)
{
    JW_STR(w, "query", r->query);
    JW_U64(w, "total", found->total);
    JW_U64(w, "page", r->page);
    JW_U64(w, "pages", r->limit ? (found->total + r->limit - 1) / r->limit : 0);
    JW_BOOL(w, "relaxed", found->relaxed);
    JW_ARR(w, "items");
    for (size_t i = 0; i < found->hits_len; i++)
        write_hit(view, &found->hits[i], r->language, w);
    jw_arr_end(w);
    JW_OBJ(w, "facets");
    for (size_t i = 0; i < found->facets_len; i++)
        write_facet(&found->facets[i], r->currency, w);
    jw_obj_end(w);
}
