/* verify_facets.c - the validator's part for facets, values, labels and numbers. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "index/facets.h"
#include "index/segment_int.h"

static bool is_text(const struct segment *s, uint64_t at, uint64_t n)
{
    return in_range(at, n, s->sizes.value_text) &&
           str_utf8_valid((struct str){s->value_text + at, n}, NULL);
}

/* --- dictionaries ---------------------------------------------------------------------------- */

/* Facets ascend by name and share out the values and the columns of numbers in that order. */
static enum err_code verify_names(const struct segment *s, uint32_t *columns, struct err *err)
{
    uint32_t values = 0;
    *columns = 0;
    for (uint32_t i = 0; i < s->facets; i++) {
        const struct segment_facet *f = &s->facet[i];
        if (!is_text(s, f->name, f->name_bytes) || f->first != values || f->end < f->first ||
            f->end > s->values || (f->kind != SEGMENT_FLAT && f->kind != SEGMENT_PATH) ||
            (f->number != ORDINAL_NONE && f->number != *columns))
            return MALFORMED(err, "facet", i);
        if (i && str_cmp(segment_facet_name(s, i - 1), segment_facet_name(s, i)) >= 0)
            return MALFORMED(err, "facets do not ascend", i);
        *columns += f->number != ORDINAL_NONE;
        values = f->end;
    }
    return values == s->values ? ERR_OK : MALFORMED(err, "values without a facet", values);
}

/* How deep a value of this key stands. */
static uint32_t depth_of(enum segment_facet_kind kind, struct str key)
{
    uint32_t depth = 1;
    for (size_t i = 0; kind == SEGMENT_PATH && i < key.n; i++)
        depth += key.p[i] == '\1';
    return depth;
}

/* Is a value with this key below one with that key? */
static bool is_below(struct str key, struct str above)
{
    return str_starts(key, above) && key.n > above.n && key.p[above.n] == '\1';
}

/* Values ascend by key; one that is deeper than 1 has its parent among those that are still open,
 * and each ends where the first one not below it begins. */
static enum err_code verify_values(const struct segment *s, uint32_t facet, struct err *err)
{
    const struct segment_facet *f = &s->facet[facet];
    for (uint32_t i = f->first; i < f->end; i++) {
        const struct segment_value *v = &s->value[i];
        if (!is_text(s, v->key, v->key_bytes) || !is_text(s, v->text, v->text_bytes))
            return MALFORMED(err, "value is not a text", i);
        struct str key = segment_value_key_of(s, i);
        if (i > f->first && str_cmp(segment_value_key_of(s, i - 1), key) >= 0)
            return MALFORMED(err, "values do not ascend", i);
        if (v->depth != depth_of(f->kind, key) || v->end <= i || v->end > f->end)
            return MALFORMED(err, "value", i);
        if (i == f->first ? v->depth != 1 : v->depth > v[-1].depth + 1)
            return MALFORMED(err, "value without its ancestor", i);
    }
    for (uint32_t i = f->first; i < f->end; i++) {
        struct str key = segment_value_key_of(s, i);
        uint32_t end = i + 1;
        while (end < f->end && f->kind == SEGMENT_PATH &&
               is_below(segment_value_key_of(s, end), key))
            end = s->value[end].end;
        if (s->value[i].end != end)
            return MALFORMED(err, "value's end", i);
    }
    return ERR_OK;
}

static enum err_code verify_labels(const struct segment *s, struct err *err)
{
    size_t labels = (size_t)s->values * s->languages;
    for (size_t i = 0; i < labels; i++)
        if (!is_text(s, s->label[i].text, s->label[i].bytes))
            return MALFORMED(err, "label", i);
    return ERR_OK;
}

/* --- docs ------------------------------------------------------------------------------------ */

/* end[docs + 1] cuts n elements into one run per doc. */
static bool check_ends(const uint32_t *end, uint32_t docs, size_t n)
{
    if (end[0] != 0 || end[docs] != n)
        return false;
    for (uint32_t i = 0; i < docs; i++)
        if (end[i + 1] < end[i])
            return false;
    return true;
}

static enum err_code verify_doc_values(const struct segment *s, struct err *err)
{
    if (!check_ends(s->doc_value_end, s->docs, s->sizes.doc_values))
        return MALFORMED(err, "ends of values", 0);
    uint32_t *docs = mem_try_new(s->values, sizeof *docs);
    if (!docs)
        return err_set(err, ERR_MEMORY, "no memory to verify %u values", s->values);
    bool right = true;
    for (uint32_t doc = 0; right && doc < s->docs; doc++) {
        uint32_t n;
        const uint32_t *v = segment_doc_values(s, doc, &n);
        for (uint32_t i = 0; right && i < n; i++) {
            right = v[i] < s->values && (i == 0 || v[i] > v[i - 1]);
            if (right)
                docs[v[i]]++;
        }
    }
    for (uint32_t i = 0; right && i < s->values; i++)
        right = docs[i] == s->value[i].docs;
    mem_free(docs);
    return right ? ERR_OK : MALFORMED(err, "values of docs", 0);
}

static enum err_code verify_numbers(const struct segment *s, uint32_t columns, struct err *err)
{
    if (!check_ends(s->doc_number_end, s->docs, s->sizes.numbers))
        return MALFORMED(err, "ends of numbers", 0);
    for (uint32_t doc = 0; doc < s->docs; doc++)
        for (uint32_t i = s->doc_number_end[doc]; i < s->doc_number_end[doc + 1]; i++) {
            bool first = i == s->doc_number_end[doc];
            uint32_t column = s->doc_number_column[i];
            if (column >= columns || !isfinite(s->doc_number[i]) ||
                (!first && column < s->doc_number_column[i - 1]) ||
                (!first && column == s->doc_number_column[i - 1] &&
                 s->doc_number[i] < s->doc_number[i - 1]))
                return MALFORMED(err, "number", i);
        }
    return ERR_OK;
}

enum err_code verify_facets(const struct segment *s, struct err *err)
{
    uint32_t columns;
    enum err_code code = verify_names(s, &columns, err);
    for (uint32_t i = 0; code == ERR_OK && i < s->facets; i++)
        code = verify_values(s, i, err);
    if (code == ERR_OK)
        code = verify_labels(s, err);
    if (code == ERR_OK)
        code = verify_doc_values(s, err);
    return code == ERR_OK ? verify_numbers(s, columns, err) : code;
}
