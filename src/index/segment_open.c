#include "index/segment.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/mem.h"
#include "index/blockpack.h"
#include "index/segment_int.h"

/* A section and where its address goes. count NULL: it must have `want` elements; otherwise *count
 * receives how many it has. */
struct wanted {
    const char *name;
    size_t elem_bytes;
    const void **data;
    size_t want;
    size_t *count;
};

static enum err_code find_sections(const struct container *c, const struct wanted *w, size_t n,
                                   struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        if (w[i].count)
            code = container_section(c, w[i].name, w[i].elem_bytes, w[i].data, w[i].count, err);
        else
            code = container_section_of(c, w[i].name, w[i].elem_bytes, w[i].data, w[i].want, err);
        if (code == ERR_NOT_FOUND)
            code = err_set(err, ERR_CORRUPT, "malformed segment: no section \"%s\"", w[i].name);
    }
    return code;
}

#define ADDRESS(array) (const void **)(void *)&(array)

static enum err_code malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "malformed segment: %s", what);
}

static enum err_code check_sizes(const struct segment_sizes *n, struct err *err)
{
    if (n->languages == 0 || n->languages > SEGMENT_MAX_LANGUAGES)
        return malformed(err, "languages");
    if (n->id_slots < 2 || n->id_slots > UINT32_MAX / 2 || (n->id_slots & (n->id_slots - 1)))
        return malformed(err, "id slots");
    if (n->terms >= ORDINAL_NONE || n->bounds >= ORDINAL_NONE || n->postings < BLOCKPACK_SLACK)
        return malformed(err, "terms");
    if (n->facets > SEGMENT_MAX_FACETS || n->values >= ORDINAL_NONE || n->value_text > UINT32_MAX ||
        n->doc_values > UINT32_MAX || n->numbers > UINT32_MAX)
        return malformed(err, "facets");
    return ERR_OK;
}

static enum err_code read_head(struct segment *s, struct err *err)
{
    const struct segment_head *head;
    const struct wanted w = {SECTION_HEAD, sizeof *head, ADDRESS(head), 1, NULL};
    enum err_code code = find_sections(s->container, &w, 1, err);
    if (code != ERR_OK)
        return code;
    if (head->docs > SEGMENT_MAX_DOCS)
        return malformed(err, "too many docs");
    s->docs = (uint32_t)head->docs;
    memcpy(s->field_total, head->field_total, sizeof s->field_total);
    memcpy(s->field_docs, head->field_docs, sizeof s->field_docs);
    return ERR_OK;
}

/* Sections with counts of their own. */
static enum err_code find_free(struct segment *s, struct segment_sizes *n, struct err *err)
{
    const struct wanted w[] = {
        {SECTION_LANGUAGES, sizeof *s->language, ADDRESS(s->language), 0, &n->languages},
        {SECTION_ID_TEXT, 1, ADDRESS(s->id_text), 0, &n->id_text},
        {SECTION_ID_SLOTS, sizeof *s->id_slots, ADDRESS(s->id_slots), 0, &n->id_slots},
        {SECTION_CARD_TEXT, 1, ADDRESS(s->card_text), 0, &n->card_text},
        {SECTION_TERM, sizeof *s->term, ADDRESS(s->term), 0, &n->terms},
        {SECTION_TERM_TEXT, 1, ADDRESS(s->term_text), 0, &n->term_text},
        {SECTION_POSTINGS, 1, ADDRESS(s->postings), 0, &n->postings},
        {SECTION_BOUND, sizeof *s->posting_bound, ADDRESS(s->posting_bound), 0, &n->bounds},
        {SECTION_FACET, sizeof *s->facet, ADDRESS(s->facet), 0, &n->facets},
        {SECTION_VALUE, sizeof *s->value, ADDRESS(s->value), 0, &n->values},
        {SECTION_VALUE_TEXT, 1, ADDRESS(s->value_text), 0, &n->value_text},
        {SECTION_DOC_VALUE, sizeof *s->doc_value, ADDRESS(s->doc_value), 0, &n->doc_values},
        {SECTION_NUMBER, sizeof *s->doc_number, ADDRESS(s->doc_number), 0, &n->numbers},
        {SECTION_SOURCE_BLOCK, sizeof *s->source_block, ADDRESS(s->source_block), 0,
         &s->source_blocks},
        {SECTION_SOURCE, 1, ADDRESS(s->source), 0, &s->source_bytes},
    };
    return find_sections(s->container, w, sizeof w / sizeof *w, err);
}

/* Sections whose counts follow from the docs and from the others. */
static enum err_code find_bound(struct segment *s, const struct segment_sizes *n, struct err *err)
{
    size_t docs = s->docs;
    const struct wanted w[] = {
        {SECTION_PRODUCT_NO, sizeof *s->product_no, ADDRESS(s->product_no), docs, NULL},
        {SECTION_GROUP, sizeof *s->group, ADDRESS(s->group), docs, NULL},
        {SECTION_CREATED_AT, sizeof *s->created_at, ADDRESS(s->created_at), docs, NULL},
        {SECTION_RATING_MEAN, sizeof *s->rating_mean, ADDRESS(s->rating_mean), docs, NULL},
        {SECTION_RATING_COUNT, sizeof *s->rating_count, ADDRESS(s->rating_count), docs, NULL},
        {SECTION_ID_END, sizeof *s->id_end, ADDRESS(s->id_end), docs + 1, NULL},
        {SECTION_CARD, sizeof *s->card, ADDRESS(s->card), docs * n->languages, NULL},
        {SECTION_TERM_BLOCK, sizeof *s->term_block, ADDRESS(s->term_block),
         (n->terms + TERM_BLOCK - 1) / TERM_BLOCK, NULL},
        {SECTION_FIELD_LENGTH, sizeof *s->field_length, ADDRESS(s->field_length), docs, NULL},
        {SECTION_LABEL, sizeof *s->label, ADDRESS(s->label), n->values * n->languages, NULL},
        {SECTION_DOC_VALUE_END, sizeof *s->doc_value_end, ADDRESS(s->doc_value_end), docs + 1,
         NULL},
        {SECTION_NUMBER_END, sizeof *s->doc_number_end, ADDRESS(s->doc_number_end), docs + 1, NULL},
        {SECTION_NUMBER_COLUMN, sizeof *s->doc_number_column, ADDRESS(s->doc_number_column),
         n->numbers, NULL},
    };
    return find_sections(s->container, w, sizeof w / sizeof *w, err);
}

/* The segment in s->container: all arrays are there, of counts that agree. */
static enum err_code read_sections(struct segment *s, struct err *err)
{
    struct segment_sizes *n = &s->sizes;
    enum err_code code = container_expect(s->container, SEGMENT_KIND, SEGMENT_VERSION, err);
    if (code == ERR_OK)
        code = read_head(s, err);
    if (code == ERR_OK)
        code = find_free(s, n, err);
    if (code == ERR_OK)
        code = check_sizes(n, err);
    if (code == ERR_OK)
        code = find_bound(s, n, err);
    if (code != ERR_OK)
        return code;
    s->languages = (uint32_t)n->languages;
    s->id_mask = (uint32_t)n->id_slots - 1;
    s->terms = (uint32_t)n->terms;
    s->facets = (uint32_t)n->facets;
    s->values = (uint32_t)n->values;
    for (uint32_t i = 0; i < s->languages; i++)
        if (!memchr(s->language[i], '\0', sizeof s->language[i]))
            return malformed(err, "languages");
    return ERR_OK;
}

/* Read the segment that c holds; takes c whatever happens. */
static enum err_code open_container(struct container *c, unsigned flags, struct segment **out,
                                    struct err *err)
{
    struct segment *s = MEM_NEW(struct segment);
    s->container = c;
    enum err_code code = read_sections(s, err);
    if (code == ERR_OK && !(flags & SEGMENT_TRUSTED))
        code = segment_verify(s, err);
    if (code == ERR_OK)
        *out = s;
    else
        segment_close(s);
    return code;
}

enum err_code segment_open_file(const char *path, unsigned flags, struct segment **out,
                                struct err *err)
{
    struct container *c;
    enum err_code code = container_open_file(path, 0, &c, err);
    if (code != ERR_OK)
        return code;
    code = open_container(c, flags, out, err);
    return code == ERR_OK ? ERR_OK : err_prefix(err, code, "%s", path);
}

enum err_code segment_open_memory(void *image, size_t bytes, unsigned flags, struct segment **out,
                                  struct err *err)
{
    struct container *c;
    enum err_code code = container_open_memory(image, bytes, 0, &c, err);
    if (code == ERR_OK)
        code = open_container(c, flags, out, err);
    if (code == ERR_OK)
        (*out)->image = image;
    return code;
}

void segment_close(struct segment *s)
{
    if (!s)
        return;
    container_close(s->container);
    mem_free(s->image);
    mem_free(s);
}

/* --- documents ------------------------------------------------------------------------------- */

uint32_t segment_id_hash(struct str id)
{
    return (uint32_t)XXH3_64bits(id.n ? id.p : "", id.n);
}

uint64_t segment_group_hash(struct str group_or_id)
{
    return XXH3_64bits(group_or_id.n ? group_or_id.p : "", group_or_id.n);
}

uint32_t segment_find_id(const struct segment *s, struct str id)
{
    for (uint32_t i = segment_id_hash(id) & s->id_mask;; i = (i + 1) & s->id_mask) {
        uint32_t doc = s->id_slots[i];
        if (doc == ORDINAL_NONE || str_eq(segment_id(s, doc), id))
            return doc;
    }
}

uint32_t segment_language(const struct segment *s, struct str name)
{
    if (name.n == 0 || name.n > SEGMENT_LANGUAGE_MAX)
        return 0;
    for (uint32_t i = 1; i < s->languages; i++)
        if (memcmp(s->language[i], name.p, name.n) == 0 && s->language[i][name.n] == '\0')
            return i;
    return 0;
}
