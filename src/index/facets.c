#include "index/facets.h"

#include "base/check.h"
#include "index/segment_int.h"
#include "text/fold.h"

static struct str text_at(const struct segment *s, uint32_t at, size_t n)
{
    return (struct str){s->value_text + at, n};
}

struct str segment_facet_name(const struct segment *s, uint32_t facet)
{
    DCHECK(facet < s->facets);
    return text_at(s, s->facet[facet].name, s->facet[facet].name_bytes);
}

uint32_t segment_find_facet(const struct segment *s, struct str name)
{
    uint32_t low = 0, high = s->facets;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = str_cmp(segment_facet_name(s, mid), name);
        if (order == 0)
            return mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return ORDINAL_NONE;
}

/* Fold one part; control characters become spaces, so that none is taken for the separator. */
static enum err_code put_part(struct str part, struct buf *key, struct err *err)
{
    size_t at = key->len;
    enum err_code code = text_fold(str_trim(part), key, err);
    for (; code == ERR_OK && at < key->len; at++)
        if ((unsigned char)key->data[at] < ' ')
            key->data[at] = ' ';
    return code;
}

enum err_code segment_value_key(enum segment_facet_kind kind, struct str value, struct buf *key,
                                struct err *err)
{
    static const struct str separator = {" > ", 3};
    if (kind == SEGMENT_FLAT)
        return text_fold(str_trim(value), key, err);
    for (;;) {
        size_t at = str_search(value, separator);
        if (at == SIZE_MAX)
            return put_part(value, key, err);
        enum err_code code = put_part((struct str){value.p, at}, key, err);
        if (code != ERR_OK)
            return code;
        buf_putc(key, '\1');
        value.p += at + separator.n;
        value.n -= at + separator.n;
    }
}

uint32_t segment_find_value(const struct segment *s, uint32_t facet, struct str key)
{
    DCHECK(facet < s->facets);
    uint32_t low = s->facet[facet].first, high = s->facet[facet].end;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = str_cmp(segment_value_key_of(s, mid), key);
        if (order == 0)
            return mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return ORDINAL_NONE;
}

struct str segment_value_text(const struct segment *s, uint32_t value)
{
    DCHECK(value < s->values);
    return text_at(s, s->value[value].text, s->value[value].text_bytes);
}

struct str segment_value_key_of(const struct segment *s, uint32_t value)
{
    DCHECK(value < s->values);
    return text_at(s, s->value[value].key, s->value[value].key_bytes);
}

struct str segment_value_label(const struct segment *s, uint32_t value, uint32_t language)
{
    DCHECK(value < s->values && language < s->languages);
    const struct segment_label *l = &s->label[(size_t)value * s->languages + language];
    return l->bytes ? text_at(s, l->text, l->bytes) : segment_value_text(s, value);
}

uint32_t segment_value_facet(const struct segment *s, uint32_t value)
{
    DCHECK(value < s->values);
    uint32_t low = 0, high = s->facets;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->facet[mid].end <= value)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t segment_doc_numbers(const struct segment *s, uint32_t doc, uint32_t column,
                             const double **numbers)
{
    DCHECK(doc < s->docs);
    uint32_t at = s->doc_number_end[doc], end = s->doc_number_end[doc + 1], n = 0;
    while (at < end && s->doc_number_column[at] < column)
        at++;
    *numbers = s->doc_number + at;
    while (at + n < end && s->doc_number_column[at + n] == column)
        n++;
    return n;
}
