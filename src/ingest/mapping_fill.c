/* Cells that a row has from another: from the first row of its key (a product's title, its variants
 * following), or from the row of its parent, which stands somewhere above. */
#include "base/mem.h"
#include "ingest/mapping_int.h"

#include "base/check.h"

static struct str cell(const struct record *rec, const struct map_column *c)
{
    return c->at < 0 ? (struct str){NULL, 0} : rec->fields[c->at].text;
}

void map_fill_begin(struct mapping *m)
{
    struct map_inherit *h = &m->inherit;
    buf_reset(&m->fill.last_key);
    map_str_release(&h->parents);
    h->parents = (struct map_str){0};
    h->cells_len = 0;
    arena_reset(&h->texts);
}

void map_fill_release(struct mapping *m)
{
    buf_release(&m->fill.last_key);
    for (size_t i = 0; i < MAP_FILL_MAX; i++)
        buf_release(&m->fill.last[i]);
    map_str_release(&m->inherit.parents);
    mem_free(m->inherit.cells);
    arena_release(&m->inherit.texts);
    mem_free(m->filled);
}

/* A copy of the record, the first time: the record is the reader's. */
static struct field *own_fields(struct mapping *m, const struct record *rec)
{
    if (rec->fields == m->filled)
        return m->filled;
    if (m->filled_len < rec->fields_len) {
        m->filled = mem_resize(m->filled, rec->fields_len, sizeof *m->filled);
        m->filled_len = rec->fields_len;
    }
    memcpy(m->filled, rec->fields, rec->fields_len * sizeof *m->filled);
    m->filled_record = *rec;
    m->filled_record.fields = m->filled;
    return m->filled;
}

static const struct record *fill_cell(struct mapping *m, const struct record *rec,
                                      const struct map_column *c, struct str text)
{
    if (c->at < 0 || text.n == 0 || str_trim(rec->fields[c->at].text).n)
        return rec;
    own_fields(m, rec)[c->at] = (struct field){text, FIELD_TEXT};
    return &m->filled_record;
}

/* --- down ------------------------------------------------------------------------------------ */

static const struct record *fill_down(struct mapping *m, const struct record *rec)
{
    struct map_fill *f = &m->fill;
    struct str key = mapping_key(m, rec);
    if (key.n == 0)
        return rec;
    if (str_eq(key, buf_str(&f->last_key))) {
        for (size_t i = 0; i < f->columns_len; i++)
            rec = fill_cell(m, rec, &f->columns[i], buf_str(&f->last[i]));
        return rec;
    }
    buf_reset(&f->last_key);
    buf_put_str(&f->last_key, key);
    for (size_t i = 0; i < f->columns_len; i++) {
        buf_reset(&f->last[i]);
        buf_put_str(&f->last[i], cell(rec, &f->columns[i]));
    }
    return rec;
}

/* --- from the parent ------------------------------------------------------------------------- */

static void keep_parent(struct row *row, const struct record *rec)
{
    struct map_inherit *h = &row->m->inherit;
    if (h->cells_len + h->columns_len > h->cells_cap) {
        h->cells_cap = h->cells_cap ? h->cells_cap * 2 : 64 * h->columns_len;
        h->cells = mem_resize(h->cells, h->cells_cap, sizeof *h->cells);
    }
    for (size_t i = 0; i < h->columns_len; i++) {
        struct str text = cell(rec, &h->columns[i]);
        char *to = text.n ? arena_try_alloc(&h->texts, text.n) : NULL;
        if (to)
            memcpy(to, text.p, text.n);
        h->cells[h->cells_len + i] = to ? (struct str){to, text.n} : (struct str){NULL, 0};
    }
    for (size_t i = 0; i < h->names_len; i++) {
        struct str name = map_value(row, &h->names[i], NULL);
        if (name.n)
            *map_str_at(&h->parents, name, NULL) = h->cells_len + 1;
    }
    h->cells_len += h->columns_len;
}

static const struct record *inherit(struct row *row, const struct record *rec)
{
    struct mapping *m = row->m;
    struct map_inherit *h = &m->inherit;
    struct str parent = str_trim(cell(rec, &h->from));
    if (parent.n == 0 && mapping_matches(m, RULE_PARENT, rec))
        keep_parent(row, rec);
    const uint64_t *at = parent.n ? map_str_find(&h->parents, parent) : NULL;
    for (size_t i = 0; at && i < h->columns_len; i++)
        rec = fill_cell(m, rec, &h->columns[i], h->cells[*at - 1 + i]);
    return rec;
}

const struct record *map_fill_record(struct row *row)
{
    const struct record *rec = row->rec;
    if (row->m->fill.columns_len)
        rec = fill_down(row->m, rec);
    return row->m->inherit.columns_len ? inherit(row, rec) : rec;
}
