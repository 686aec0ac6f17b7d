/* build_facets.c - dictionaries of facets, the values of each doc, and numbers.
 *
 * While products come, values have numbers in order of appearance; finish sorts them by facet name
 * and key and renumbers what docs hold. What a text was folded to is remembered, because the same
 * few brands, categories and attributes come again and again. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/build_int.h"
#include "index/facets.h"
#include "index/segment_int.h"

enum { TEXT_ARENA = 256 << 10 };

struct value_build {
    struct str text; /* in texts */
    uint32_t facet;
    uint32_t depth;
    uint32_t docs;
};

/* All buffers of f, for what is done to each. */
#define ALL_BUFFERS(f)                                                                             \
    {                                                                                              \
        &(f)->raw_value, &(f)->values, &(f)->labels, &(f)->doc_end, &(f)->doc_value,               \
            &(f)->number_end, &(f)->number_facet, &(f)->number, &(f)->scratch, &(f)->facet,        \
            &(f)->value, &(f)->label, &(f)->value_text                                             \
    }

void facets_init(struct facets_build *f, uint32_t languages)
{
    *f = (struct facets_build){.languages = languages};
    arena_init(&f->texts, TEXT_ARENA, SIZE_MAX / 2);
    struct buf *all[] = ALL_BUFFERS(f);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_init(all[i], COLUMN_MAX);
    COLUMN_ADD(&f->doc_end, uint32_t, 0);
    COLUMN_ADD(&f->number_end, uint32_t, 0);
}

void facets_release(struct facets_build *f)
{
    intern_release(&f->names);
    intern_release(&f->keys);
    intern_release(&f->raws);
    arena_release(&f->texts);
    struct buf *all[] = ALL_BUFFERS(f);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_release(all[i]);
}

static bool is_path(struct str facet)
{
    return str_is(facet, "category");
}

/* --- one doc --------------------------------------------------------------------------------- */

static enum err_code out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory for facets");
}

/* Copy a text that the file will have. */
static enum err_code keep_text(struct facets_build *f, struct str text, struct str *copy,
                               struct err *err)
{
    if (text.n > VALUE_TEXT_MAX - f->text_bytes)
        return err_set(err, ERR_LIMIT, "facet texts are above the cap of %zu bytes",
                       VALUE_TEXT_MAX);
    *copy = arena_str(&f->texts, text);
    if (!copy->p)
        return out_of_memory(err);
    f->text_bytes += text.n;
    return ERR_OK;
}

static struct str *label_of(struct facets_build *f, uint32_t value, uint32_t slot)
{
    return &COLUMN_AT(&f->labels, struct str)[(size_t)value * f->languages + slot];
}

/* The first label that comes stays. */
static enum err_code keep_label(struct facets_build *f, uint32_t value, uint32_t slot,
                                struct str label, struct err *err)
{
    struct str *kept = label_of(f, value, slot);
    return label.n && kept->n == 0 ? keep_text(f, label, kept, err) : ERR_OK;
}

/* scratch becomes the facet's number and then text: how keys of several facets share a table. */
static struct str prefixed(struct facets_build *f, uint32_t facet, struct str text)
{
    buf_reset(&f->scratch);
    buf_put(&f->scratch, &facet, sizeof facet);
    buf_put_str(&f->scratch, text);
    return buf_str(&f->scratch);
}

/* The value of a text, made where its key is new. */
static enum err_code make_value(struct facets_build *f, uint32_t facet, struct str text,
                                uint32_t depth, uint32_t *value, struct err *err)
{
    bool added;
    prefixed(f, facet, (struct str){NULL, 0});
    enum segment_facet_kind kind = is_path(f->names.keys[facet]) ? SEGMENT_PATH : SEGMENT_FLAT;
    enum err_code code = segment_value_key(kind, text, &f->scratch, err);
    if (code != ERR_OK)
        return code;
    if (f->scratch.full || !intern_at(&f->keys, buf_str(&f->scratch), value, &added))
        return out_of_memory(err);
    if (!added)
        return ERR_OK;
    struct value_build made = {.facet = facet, .depth = depth};
    code = keep_text(f, text, &made.text, err);
    f->text_bytes += f->scratch.len;
    buf_put(&f->values, &made, sizeof made);
    for (uint32_t i = 0; i < f->languages; i++)
        COLUMN_ADD(&f->labels, struct str, .p = NULL);
    return code == ERR_OK && (f->values.full || f->labels.full) ? out_of_memory(err) : code;
}

/* The first `parts` parts of a path, as they stand. */
static struct str head_of_path(struct str path, uint32_t parts)
{
    static const struct str separator = {" > ", 3};
    size_t at = 0;
    while (parts--) {
        size_t found = str_search((struct str){path.p + at, path.n - at}, separator);
        if (found == SIZE_MAX)
            return path;
        at += found + separator.n;
    }
    return (struct str){path.p, at - separator.n};
}

static uint32_t parts_of_path(struct str path)
{
    uint32_t parts = 1;
    while (head_of_path(path, parts).n < path.n)
        parts++;
    return parts;
}

/* A value with its ancestors, and the labels of all. Labels whose path is of another depth say
 * nothing about the ancestors and are not kept. */
static enum err_code make_path(struct facets_build *f, uint32_t facet, const struct doc_value *v,
                               uint32_t *value, struct err *err)
{
    uint32_t parts = parts_of_path(v->text);
    enum err_code code = ERR_OK;
    for (uint32_t depth = 1; code == ERR_OK && depth <= parts; depth++) {
        code = make_value(f, facet, head_of_path(v->text, depth), depth, value, err);
        for (uint32_t slot = 1; code == ERR_OK && slot < f->languages; slot++)
            if (v->label[slot].n && parts_of_path(v->label[slot]) == parts)
                code = keep_label(f, *value, slot, head_of_path(v->label[slot], depth), err);
    }
    return code;
}

static enum err_code make_flat(struct facets_build *f, uint32_t facet, const struct doc_value *v,
                               uint32_t *value, struct err *err)
{
    enum err_code code = make_value(f, facet, v->text, 1, value, err);
    for (uint32_t slot = 1; code == ERR_OK && slot < f->languages; slot++)
        code = keep_label(f, *value, slot, v->label[slot], err);
    return code;
}

static bool wants_label(struct facets_build *f, uint32_t value, const struct doc_value *v)
{
    for (uint32_t slot = 1; slot < f->languages; slot++)
        if (v->label[slot].n && label_of(f, value, slot)->n == 0)
            return true;
    return false;
}

/* The value that a doc's text stands for: remembered, or made. */
static enum err_code find_value(struct facets_build *f, uint32_t facet, const struct doc_value *v,
                                uint32_t *value, struct err *err)
{
    uint32_t raw;
    bool added;
    if (!intern_at(&f->raws, prefixed(f, facet, v->text), &raw, &added))
        return out_of_memory(err);
    if (!added) {
        *value = COLUMN_AT(&f->raw_value, uint32_t)[raw];
        if (!wants_label(f, *value, v))
            return ERR_OK;
    }
    enum err_code code =
        is_path(v->facet) ? make_path(f, facet, v, value, err) : make_flat(f, facet, v, value, err);
    if (code == ERR_OK && added) {
        buf_put(&f->raw_value, value, sizeof *value);
        if (f->raw_value.full)
            return out_of_memory(err);
    }
    return code;
}

/* The facet's number; ORDINAL_NONE where there are too many. */
static enum err_code find_facet(struct facets_build *f, struct str name, uint32_t *facet,
                                struct err *err)
{
    *facet = intern_find(&f->names, name);
    if (*facet == ORDINAL_NONE && f->names.len < SEGMENT_MAX_FACETS &&
        !intern_at(&f->names, name, facet, NULL))
        return out_of_memory(err);
    return ERR_OK;
}

/* Give the present doc a value, once. first: where its values begin. */
static void put_value(struct facets_build *f, size_t first, uint32_t value)
{
    const uint32_t *values = COLUMN_AT(&f->doc_value, uint32_t);
    for (size_t i = first; i < COLUMN_LEN(&f->doc_value, uint32_t); i++)
        if (values[i] == value)
            return;
    buf_put(&f->doc_value, &value, sizeof value);
    COLUMN_AT(&f->values, struct value_build)[value].docs++;
}

static enum err_code add_values(struct facets_build *f, const struct doc *d, uint64_t *left_out,
                                struct err *err)
{
    size_t first = COLUMN_LEN(&f->doc_value, uint32_t);
    for (uint32_t i = 0; i < d->values_len; i++) {
        uint32_t facet, value;
        enum err_code code = find_facet(f, d->values[i].facet, &facet, err);
        if (code == ERR_OK && facet == ORDINAL_NONE) {
            ++*left_out;
            continue;
        }
        if (code == ERR_OK)
            code = find_value(f, facet, &d->values[i], &value, err);
        if (code != ERR_OK)
            return code;
        put_value(f, first, value);
    }
    return ERR_OK;
}

static enum err_code add_numbers(struct facets_build *f, const struct doc *d, struct err *err)
{
    for (uint32_t i = 0; i < d->numbers_len; i++) {
        uint32_t facet;
        enum err_code code = find_facet(f, d->numbers[i].facet, &facet, err);
        if (code != ERR_OK)
            return code;
        if (facet == ORDINAL_NONE)
            continue;
        buf_put(&f->number_facet, &facet, sizeof facet);
        buf_put(&f->number, &d->numbers[i].number, sizeof d->numbers[i].number);
    }
    return ERR_OK;
}

enum err_code facets_add(struct facets_build *f, const struct doc *d, uint64_t *left_out,
                         struct err *err)
{
    enum err_code code = add_values(f, d, left_out, err);
    if (code == ERR_OK)
        code = add_numbers(f, d, err);
    if (code != ERR_OK)
        return code;
    size_t values = COLUMN_LEN(&f->doc_value, uint32_t), numbers = COLUMN_LEN(&f->number, double);
    if (values > UINT32_MAX || numbers > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "more than %u values in one segment", UINT32_MAX);
    COLUMN_ADD(&f->doc_end, uint32_t, (uint32_t)values);
    COLUMN_ADD(&f->number_end, uint32_t, (uint32_t)numbers);
    bool full = f->doc_value.full || f->doc_end.full || f->number.full || f->number_facet.full ||
                f->number_end.full;
    return full ? out_of_memory(err) : ERR_OK;
}

/* --- finish ---------------------------------------------------------------------------------- */

/* How facets and values are renumbered. */
struct renumbering {
    uint32_t *facets; /* [facets] build numbers by name */
    uint32_t *rank;   /* [facets] of a build number, its place in facets */
    uint32_t *column; /* [facets] of a build number, its column of numbers or ORDINAL_NONE */
    uint32_t *values; /* [values] build numbers by facet and key */
    uint32_t *place;  /* [values] of a build number, its ordinal */
};

static void renumbering_release(struct renumbering *r)
{
    mem_free(r->facets);
    mem_free(r->rank);
    mem_free(r->column);
    mem_free(r->values);
    mem_free(r->place);
}

/* Which facets have numbers, in order of their names. */
static void number_columns(const struct facets_build *f, struct renumbering *r)
{
    const uint32_t *has = COLUMN_AT(&f->number_facet, uint32_t);
    memset(r->column, 0xff, f->names.len * sizeof *r->column);
    for (size_t i = 0; i < COLUMN_LEN(&f->number_facet, uint32_t); i++)
        r->column[has[i]] = 0;
    uint32_t columns = 0;
    for (uint32_t i = 0; i < f->names.len; i++)
        if (r->column[r->facets[i]] == 0)
            r->column[r->facets[i]] = columns++;
}

/* intern_sorted has values by their keys within each facet; spread them over the facets in order of
 * names. False when memory is out. */
static bool order_values(const struct facets_build *f, struct renumbering *r)
{
    const struct value_build *values = COLUMN_AT(&f->values, struct value_build);
    uint32_t *sorted = intern_sorted(&f->keys);
    uint32_t *next = mem_try_new(f->names.len, sizeof *next); /* by rank */
    if (sorted && next) {
        for (uint32_t i = 0; i < f->keys.len; i++) {
            uint32_t rank = r->rank[values[i].facet];
            if (rank + 1 < f->names.len)
                next[rank + 1]++;
        }
        for (uint32_t i = 1; i < f->names.len; i++)
            next[i] += next[i - 1];
        for (uint32_t i = 0; i < f->keys.len; i++) {
            uint32_t ordinal = next[r->rank[values[sorted[i]].facet]]++;
            r->values[ordinal] = sorted[i];
            r->place[sorted[i]] = ordinal;
        }
    }
    bool done = sorted && next;
    mem_free(sorted);
    mem_free(next);
    return done;
}

static bool renumber(const struct facets_build *f, struct renumbering *r)
{
    r->facets = intern_sorted(&f->names);
    r->rank = mem_try_new(f->names.len, sizeof *r->rank);
    r->column = mem_try_new(f->names.len, sizeof *r->column);
    r->values = mem_try_new(f->keys.len, sizeof *r->values);
    r->place = mem_try_new(f->keys.len, sizeof *r->place);
    if (!r->facets || !r->rank || !r->column || !r->values || !r->place)
        return false;
    for (uint32_t i = 0; i < f->names.len; i++)
        r->rank[r->facets[i]] = i;
    number_columns(f, r);
    return order_values(f, r);
}

/* Append to the texts of the file; returns where. */
static uint32_t put_text(struct facets_build *f, struct str text)
{
    uint32_t at = (uint32_t)f->value_text.len;
    buf_put_str(&f->value_text, text);
    return at;
}

static void write_value(struct facets_build *f, uint32_t number)
{
    const struct value_build *v = &COLUMN_AT(&f->values, struct value_build)[number];
    struct str key = f->keys.keys[number];
    key.p += sizeof(uint32_t);
    key.n -= sizeof(uint32_t);
    COLUMN_ADD(&f->value, struct segment_value, .key = put_text(f, key),
               .key_bytes = (uint16_t)key.n, .text = put_text(f, v->text),
               .text_bytes = (uint16_t)v->text.n, .docs = v->docs, .depth = v->depth);
    for (uint32_t i = 0; i < f->languages; i++) {
        struct str label = *label_of(f, number, i);
        COLUMN_ADD(&f->label, struct segment_label, .text = put_text(f, label),
                   .bytes = (uint32_t)label.n);
    }
}

/* A value ends where the next one of its depth or less begins. */
static void write_ends(struct segment_value *values, uint32_t first, uint32_t end)
{
    for (uint32_t i = end; i-- > first;) {
        uint32_t next = i + 1;
        while (next < end && values[next].depth > values[i].depth)
            next = values[next].end;
        values[i].end = next;
    }
}

static void write_facets(struct facets_build *f, const struct renumbering *r)
{
    const struct value_build *values = COLUMN_AT(&f->values, struct value_build);
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->names.len; i++) {
        uint32_t first = at, facet = r->facets[i];
        struct str name = f->names.keys[facet];
        while (at < f->keys.len && values[r->values[at]].facet == facet)
            write_value(f, r->values[at++]);
        if (!f->value.full)
            write_ends(COLUMN_AT(&f->value, struct segment_value), first, at);
        COLUMN_ADD(&f->facet, struct segment_facet, .name = put_text(f, name),
                   .name_bytes = (uint32_t)name.n, .first = first, .end = at,
                   .kind = is_path(name) ? SEGMENT_PATH : SEGMENT_FLAT, .number = r->column[facet]);
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void place_values(struct facets_build *f, const struct renumbering *r)
{
    const uint32_t *end = COLUMN_AT(&f->doc_end, uint32_t);
    uint32_t *values = COLUMN_AT(&f->doc_value, uint32_t);
    for (size_t i = 0; i < COLUMN_LEN(&f->doc_value, uint32_t); i++)
        values[i] = r->place[values[i]];
    for (size_t doc = 0; doc + 1 < COLUMN_LEN(&f->doc_end, uint32_t); doc++)
        if (end[doc + 1] - end[doc] > 1)
            qsort(values + end[doc], end[doc + 1] - end[doc], sizeof *values, compare_u32);
}

/* Does number a of a doc stand before number b? */
static bool number_before(uint32_t column_a, double a, uint32_t column_b, double b)
{
    return column_a != column_b ? column_a < column_b : a < b;
}

static void place_numbers(struct facets_build *f, const struct renumbering *r)
{
    const uint32_t *end = COLUMN_AT(&f->number_end, uint32_t);
    uint32_t *column = COLUMN_AT(&f->number_facet, uint32_t);
    double *number = COLUMN_AT(&f->number, double);
    for (size_t i = 0; i < COLUMN_LEN(&f->number, double); i++)
        column[i] = r->column[column[i]];
    for (size_t doc = 0; doc + 1 < COLUMN_LEN(&f->number_end, uint32_t); doc++)
        for (uint32_t i = end[doc] + 1; i < end[doc + 1]; i++) {
            uint32_t c = column[i], at = i;
            double v = number[i];
            for (; at > end[doc] && number_before(c, v, column[at - 1], number[at - 1]); at--) {
                column[at] = column[at - 1];
                number[at] = number[at - 1];
            }
            column[at] = c;
            number[at] = v;
        }
}

bool facets_finish(struct facets_build *f, struct container_writer *w)
{
    struct renumbering r = {0};
    bool done = !f->doc_end.full && !f->number_end.full && renumber(f, &r);
    if (done) {
        write_facets(f, &r);
        place_values(f, &r);
        place_numbers(f, &r);
    }
    renumbering_release(&r);
    if (!done || f->facet.full || f->value.full || f->label.full || f->value_text.full)
        return false;
    COLUMN_SECTION(w, SECTION_FACET, &f->facet, struct segment_facet);
    COLUMN_SECTION(w, SECTION_VALUE, &f->value, struct segment_value);
    COLUMN_SECTION(w, SECTION_LABEL, &f->label, struct segment_label);
    COLUMN_SECTION(w, SECTION_VALUE_TEXT, &f->value_text, char);
    COLUMN_SECTION(w, SECTION_DOC_VALUE_END, &f->doc_end, uint32_t);
    COLUMN_SECTION(w, SECTION_DOC_VALUE, &f->doc_value, uint32_t);
    COLUMN_SECTION(w, SECTION_NUMBER_END, &f->number_end, uint32_t);
    COLUMN_SECTION(w, SECTION_NUMBER_COLUMN, &f->number_facet, uint32_t);
    COLUMN_SECTION(w, SECTION_NUMBER, &f->number, double);
    return true;
}
