/* attribution_rows.c - rows of lists: found, summed, grouped. */
#include <stdlib.h>

#include "base/mem.h"
#include "eval/attribution_int.h"

enum { FIRST_ROOM = 16, TEXTS_MAX = ATTRIBUTION_KINDS_MAX * 64 };

void attribution_release(struct attribution *a)
{
    mem_free(a->rows);
    arena_release(&a->texts);
    *a = (struct attribution){0};
}

/* --- finding --------------------------------------------------------------------------------- */

enum { KIND_BYTES = LIST_ID_BYTES };

/* What tells kinds apart, as bytes. */
static struct str kind_of(const struct list_facts *f, char out[KIND_BYTES])
{
    char *at = out;
    const struct str texts[] = {f->placement, f->model};
    for (size_t i = 0; i < 2; i++) {
        *at++ = (char)texts[i].n;
        if (texts[i].n)
            memcpy(at, texts[i].p, texts[i].n);
        at += texts[i].n;
    }
    for (size_t i = 0; i < f->variants_len; i++) {
        memcpy(at, &f->variants[i].experiment, sizeof f->variants[i].experiment);
        at += sizeof f->variants[i].experiment;
        *at++ = (char)f->variants[i].variant;
    }
    return (struct str){out, (size_t)(at - out)};
}

static enum err_code add_row(struct attribution *a, const struct list_facts *kind, struct err *err)
{
    if (a->len == ATTRIBUTION_KINDS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d kinds of lists", ATTRIBUTION_KINDS_MAX);
    if (a->len == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : FIRST_ROOM;
        struct attribution_row *grown = mem_try_resize(a->rows, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu kinds of lists", cap);
        a->rows = grown;
        a->cap = cap;
    }
    if (a->texts.max_bytes == 0)
        arena_init(&a->texts, 0, TEXTS_MAX);
    struct attribution_row *row = &a->rows[a->len++];
    *row = (struct attribution_row){.placement = arena_str(&a->texts, kind->placement),
                                    .model = arena_str(&a->texts, kind->model),
                                    .variants_len = kind->variants_len};
    memcpy(row->variants, kind->variants, sizeof row->variants);
    return ERR_OK;
}

enum err_code attribution_row_at(struct attribution *a, struct map_str *index,
                                 const struct list_facts *kind, size_t *at, struct err *err)
{
    char bytes[KIND_BYTES];
    bool added;
    uint64_t *found = map_str_at(index, kind_of(kind, bytes), &added);
    *at = added ? a->len : *found;
    if (!added)
        return ERR_OK;
    *found = a->len;
    return add_row(a, kind, err);
}

/* --- summing --------------------------------------------------------------------------------- */

enum err_code attribution_earn(struct attribution_row *row, currency_code currency, int64_t minor,
                               struct err *err)
{
    size_t i = 0;
    while (i < row->revenue_len && row->revenue[i].currency < currency)
        i++;
    if (i == row->revenue_len || row->revenue[i].currency != currency) {
        if (row->revenue_len == ATTRIBUTION_CURRENCIES_MAX)
            return err_set(err, ERR_LIMIT, "more than %d currencies", ATTRIBUTION_CURRENCIES_MAX);
        memmove(&row->revenue[i + 1], &row->revenue[i],
                (row->revenue_len++ - i) * sizeof *row->revenue);
        row->revenue[i] = (struct attribution_money){.currency = currency};
    }
    if (__builtin_add_overflow(row->revenue[i].minor, minor, &row->revenue[i].minor))
        return err_set(err, ERR_LIMIT, "the revenue is out of range");
    return ERR_OK;
}

static enum err_code sum(struct attribution_row *into, const struct attribution_row *row,
                         struct err *err)
{
    enum err_code code = ERR_OK;
    into->requests += row->requests;
    into->impressions += row->impressions;
    into->clicks += row->clicks;
    into->carts += row->carts;
    into->purchases += row->purchases;
    for (size_t i = 0; i < row->revenue_len && code == ERR_OK; i++)
        code = attribution_earn(into, row->revenue[i].currency, row->revenue[i].minor, err);
    return code;
}

static int compare_variants(const struct attribution_row *x, const struct attribution_row *y)
{
    for (size_t i = 0; i < x->variants_len && i < y->variants_len; i++) {
        const struct list_variant *v = &x->variants[i], *w = &y->variants[i];
        if (v->experiment != w->experiment)
            return v->experiment < w->experiment ? -1 : 1;
        if (v->variant != w->variant)
            return v->variant < w->variant ? -1 : 1;
    }
    return (x->variants_len > y->variants_len) - (x->variants_len < y->variants_len);
}

static int compare_rows(const void *a, const void *b)
{
    const struct attribution_row *x = a, *y = b;
    int order = str_cmp(x->placement, y->placement);
    if (order == 0)
        order = str_cmp(x->model, y->model);
    return order ? order : compare_variants(x, y);
}

void attribution_sort(struct attribution *a)
{
    if (a->len > 1)
        qsort(a->rows, a->len, sizeof *a->rows, compare_rows);
}

/* --- grouping -------------------------------------------------------------------------------- */

static enum err_code add_to_group(struct attribution *out, struct map_str *index,
                                  const struct attribution_row *row, unsigned by, size_t variant,
                                  struct err *err)
{
    size_t at;
    struct list_facts kind = {0};
    if (by & BY_PLACEMENT)
        kind.placement = row->placement;
    if (by & BY_MODEL)
        kind.model = row->model;
    if (variant < row->variants_len)
        kind.variants[kind.variants_len++] = row->variants[variant];
    enum err_code code = attribution_row_at(out, index, &kind, &at, err);
    return code == ERR_OK ? sum(&out->rows[at], row, err) : code;
}

enum err_code attribution_group(const struct attribution *a, unsigned by, struct attribution *out,
                                struct err *err)
{
    struct map_str index = {0};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < a->len; i++) {
        const struct attribution_row *row = &a->rows[i];
        size_t variants = by & BY_VARIANT ? row->variants_len : 0;
        for (size_t v = 0; v < variants && code == ERR_OK; v++)
            code = add_to_group(out, &index, row, by, v, err);
        if (variants == 0 && code == ERR_OK)
            code = add_to_group(out, &index, row, by, LIST_VARIANTS_MAX, err);
    }
    map_str_release(&index);
    attribution_sort(out);
    out->others = a->others;
    return code;
}

enum err_code attribution_by_of(struct str names, unsigned *by, struct err *err)
{
    static const char *const known[] = {"placement", "model", "variant"};
    char quoted[32];
    *by = 0;
    while (names.p && names.n) {
        struct str name = str_trim(str_split(&names, ','));
        unsigned at = 0;
        while (at < 3 && !str_is(name, known[at]))
            at++;
        if (at == 3)
            return err_set(err, ERR_INVALID, "'%s': expected placement, model or variant",
                           err_quote(quoted, sizeof quoted, name.p, name.n));
        if (*by >> at & 1)
            return err_set(err, ERR_INVALID, "%s comes twice", known[at]);
        *by |= 1U << at;
    }
    return ERR_OK;
}

/* --- telling --------------------------------------------------------------------------------- */

static void write_revenue(const struct attribution_row *row, struct json_writer *w)
{
    char currency[4];
    JW_ARR(w, "revenue");
    for (size_t i = 0; i < row->revenue_len; i++) {
        jw_obj(w);
        JW_Z(w, "currency", currency_name(row->revenue[i].currency, currency));
        JW_I64(w, "amount", row->revenue[i].minor);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

/* null where there is nothing to divide by. */
static void write_share(struct json_writer *w, uint64_t part, uint64_t whole)
{
    if (whole)
        jw_decimal(w, (double)part / (double)whole, 6);
    else
        jw_null(w);
}

static void write_name(struct json_writer *w, struct str name)
{
    if (name.n)
        jw_str(w, name);
    else
        jw_null(w);
}

static void write_variant(const struct attribution_row *row, struct json_writer *w)
{
    JW_KEY(w, "experiment");
    if (row->variants_len == 0) {
        jw_null(w);
        JW_NULL(w, "variant");
        return;
    }
    jw_u64(w, row->variants[0].experiment);
    JW_U64(w, "variant", row->variants[0].variant);
}

static void write_row(const struct attribution_row *row, unsigned by, struct json_writer *w)
{
    jw_obj(w);
    if (by & BY_PLACEMENT)
        JW_KEY(w, "placement"), write_name(w, row->placement);
    if (by & BY_MODEL)
        JW_KEY(w, "model"), write_name(w, row->model);
    if (by & BY_VARIANT)
        write_variant(row, w);
    JW_U64(w, "requests", row->requests);
    JW_U64(w, "impressions", row->impressions);
    JW_U64(w, "clicks", row->clicks);
    JW_U64(w, "carts", row->carts);
    JW_U64(w, "purchases", row->purchases);
    write_revenue(row, w);
    JW_KEY(w, "ctr"), write_share(w, row->clicks, row->impressions);
    JW_KEY(w, "conversion"), write_share(w, row->purchases, row->clicks);
    jw_obj_end(w);
}

void attribution_write(const struct attribution *a, unsigned by, struct json_writer *w)
{
    JW_ARR(w, "items");
    for (size_t i = 0; i < a->len; i++)
        write_row(&a->rows[i], by, w);
    jw_arr_end(w);
    JW_OBJ(w, "unattributed");
    JW_U64(w, "purchases", a->others.purchases);
    write_revenue(&a->others, w);
    jw_obj_end(w);
}
