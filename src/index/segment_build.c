#include "index/segment_build.h"

#include <string.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/mem.h"
#include "index/build_int.h"
#include "index/segment_int.h"
#include "text/analyse.h"
#include "text/fold.h"

/** Decoded JSON strings of one product; each JSON text has a cap, so this is never reached. */
#define SCRATCH_MAX ((size_t)8 << 20)

struct segment_builder {
    struct languages languages;
    struct text_analyser *analyser; /* owned */
    struct arena scratch;           /* of the present product */
    struct doc *doc;                /* owned, likewise */
    struct buf folded;              /* likewise */
    bool spoilt;                    /* a failure left it half-changed, or it was finished */
    uint64_t left_out;

    struct buf product_no, group, created_at, rating_mean, rating_count; /* [docs] */
    struct intern ids;                                                   /* number = doc */
    struct buf id_end, id_text, id_slots;                                /* made by finish */
    struct cards_build cards;
    struct terms_build terms;
    struct facets_build facets;
    struct sources_build sources;
};

#define ALL_BUFFERS(b)                                                                             \
    {                                                                                              \
        &(b)->folded, &(b)->product_no, &(b)->group, &(b)->created_at, &(b)->rating_mean,          \
            &(b)->rating_count, &(b)->id_end, &(b)->id_text, &(b)->id_slots                        \
    }

static enum err_code take_languages(struct languages *l, const struct str *names, size_t n,
                                    struct err *err)
{
    *l = (struct languages){.n = 1};
    if (n >= SEGMENT_MAX_LANGUAGES)
        return err_set(err, ERR_INVALID, "%zu languages are more than %d", n,
                       SEGMENT_MAX_LANGUAGES - 1);
    for (size_t i = 0; i < n; i++) {
        if (names[i].n == 0 || names[i].n > SEGMENT_LANGUAGE_MAX ||
            memchr(names[i].p, '\0', names[i].n) || languages_slot(l, names[i]))
            return err_set(err, ERR_INVALID, "language %zu has no proper name of its own", i);
        memcpy(l->name[l->n++], names[i].p, names[i].n);
    }
    return ERR_OK;
}

enum err_code segment_builder_new(const struct str *languages, size_t n,
                                  struct segment_builder **out, struct err *err)
{
    struct languages l;
    enum err_code code = take_languages(&l, languages, n, err);
    if (code != ERR_OK)
        return code;
    struct segment_builder *b = MEM_NEW(struct segment_builder);
    b->languages = l;
    b->analyser = text_analyser_new();
    arena_init(&b->scratch, 0, SCRATCH_MAX);
    b->doc = MEM_NEW(struct doc);
    struct buf *all[] = ALL_BUFFERS(b);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_init(all[i], COLUMN_MAX);
    cards_init(&b->cards);
    terms_init(&b->terms);
    facets_init(&b->facets, l.n);
    if (!sources_init(&b->sources)) {
        segment_builder_free(b);
        return err_set(err, ERR_MEMORY, "no memory for a segment");
    }
    *out = b;
    return ERR_OK;
}

void segment_builder_free(struct segment_builder *b)
{
    if (!b)
        return;
    text_analyser_free(b->analyser);
    arena_release(&b->scratch);
    mem_free(b->doc);
    struct buf *all[] = ALL_BUFFERS(b);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_release(all[i]);
    intern_release(&b->ids);
    cards_release(&b->cards);
    terms_release(&b->terms);
    facets_release(&b->facets);
    sources_release(&b->sources);
    mem_free(b);
}

uint32_t segment_builder_docs(const struct segment_builder *b)
{
    return b->ids.len;
}

uint64_t segment_builder_left_out(const struct segment_builder *b)
{
    return b->left_out;
}

/* --- adding ---------------------------------------------------------------------------------- */

static enum err_code out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory for a segment");
}

/* What would break the whole segment; nothing has changed yet. */
static enum err_code check_place(const struct segment_builder *b, const struct product *p,
                                 struct err *err)
{
    uint32_t docs = b->ids.len;
    if (docs == SEGMENT_MAX_DOCS)
        return err_set(err, ERR_LIMIT, "more than %d products in one segment", SEGMENT_MAX_DOCS);
    if (docs && p->no <= COLUMN_AT(&b->product_no, uint32_t)[docs - 1])
        return err_set(err, ERR_INVALID, "product number %u does not ascend", p->no);
    if (intern_find(&b->ids, p->id) != ORDINAL_NONE)
        return err_set(err, ERR_INVALID, "the id is there already");
    return ERR_OK;
}

static enum err_code index_text(struct segment_builder *b, const struct doc_text *t,
                                struct err *err)
{
    struct text_tokens tokens;
    enum err_code code = text_analyse(b->analyser, t->text, TEXT_INDEX, &tokens, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < tokens.n; i++)
        if (!terms_count(&b->terms, t->field, tokens.items[i].term))
            return out_of_memory(err);
    terms_lengthen(&b->terms, t->field, tokens.positions);
    b->left_out += tokens.cut;
    return ERR_OK;
}

/* An id is also one term as a whole, however the analyser cuts it. */
static enum err_code index_id(struct segment_builder *b, struct str id, struct err *err)
{
    buf_reset(&b->folded);
    enum err_code code = text_fold(id, &b->folded, err);
    if (code != ERR_OK)
        return code;
    struct str term = buf_str(&b->folded);
    if (term.n == 0 || term.n > SEGMENT_TERM_MAX || terms_has(&b->terms, SEGMENT_ID, term))
        return ERR_OK;
    return terms_count(&b->terms, SEGMENT_ID, term) ? ERR_OK : out_of_memory(err);
}

static enum err_code index_doc(struct segment_builder *b, struct err *err)
{
    enum err_code code = ERR_OK;
    for (uint32_t i = 0; code == ERR_OK && i < b->doc->texts_len; i++)
        code = index_text(b, &b->doc->texts[i], err);
    if (code == ERR_OK)
        code = index_id(b, b->doc->product->id, err);
    if (code == ERR_OK)
        code = index_id(b, b->doc->product->group_id, err);
    if (code == ERR_OK && !terms_end_doc(&b->terms))
        code = out_of_memory(err);
    return code;
}

static bool add_columns(struct segment_builder *b, const struct product *p)
{
    uint32_t doc;
    COLUMN_ADD(&b->product_no, uint32_t, p->no);
    COLUMN_ADD(&b->group, uint64_t, segment_group_hash(p->group_id.n ? p->group_id : p->id));
    COLUMN_ADD(&b->created_at, int64_t, p->created_at);
    COLUMN_ADD(&b->rating_mean, float, (float)p->rating_mean);
    COLUMN_ADD(&b->rating_count, uint32_t, p->rating_count);
    bool full = b->product_no.full || b->group.full || b->created_at.full || b->rating_mean.full ||
                b->rating_count.full;
    return !full && intern_at(&b->ids, p->id, &doc, NULL);
}

static enum err_code add_doc(struct segment_builder *b, struct err *err)
{
    const struct product *p = b->doc->product;
    if (!add_columns(b, p) || !cards_add(&b->cards, b->doc, b->languages.n) ||
        !sources_add(&b->sources, p))
        return out_of_memory(err);
    b->left_out += b->doc->left_out;
    enum err_code code = facets_add(&b->facets, b->doc, &b->left_out, err);
    return code == ERR_OK ? index_doc(b, err) : code;
}

enum err_code segment_builder_add(struct segment_builder *b, const struct product *p,
                                  struct err *err)
{
    char id[64];
    CHECK(!b->spoilt);
    arena_reset(&b->scratch);
    enum err_code code = check_place(b, p, err);
    if (code == ERR_OK)
        code = doc_read(b->doc, p, &b->languages, &b->scratch, err);
    if (code == ERR_OK) {
        code = add_doc(b, err);
        b->spoilt = code != ERR_OK;
    }
    if (code == ERR_OK)
        return ERR_OK;
    return err_prefix(err, code, "product \"%s\"", err_quote(id, sizeof id, p->id.p, p->id.n));
}

/* --- finishing ------------------------------------------------------------------------------- */

/* At most half of the slots are taken. */
static uint32_t slots_for(uint32_t docs)
{
    uint32_t slots = 2;
    while (slots < 2 * docs)
        slots *= 2;
    return slots;
}

static bool make_ids(struct segment_builder *b)
{
    uint32_t slots = slots_for(b->ids.len);
    uint64_t at = 0;
    buf_put(&b->id_end, &at, sizeof at);
    char *room = buf_reserve(&b->id_slots, slots * sizeof(uint32_t));
    if (!room)
        return false;
    memset(room, 0xff, slots * sizeof(uint32_t));
    b->id_slots.len = slots * sizeof(uint32_t);
    uint32_t *slot = COLUMN_AT(&b->id_slots, uint32_t);
    for (uint32_t doc = 0; doc < b->ids.len; doc++) {
        struct str id = b->ids.keys[doc];
        uint32_t i = segment_id_hash(id) & (slots - 1);
        while (slot[i] != ORDINAL_NONE)
            i = (i + 1) & (slots - 1);
        slot[i] = doc;
        at += id.n;
        buf_put(&b->id_end, &at, sizeof at);
        buf_put_str(&b->id_text, id);
    }
    return !b->id_end.full && !b->id_text.full;
}

static bool add_sections(struct segment_builder *b, struct container_writer *w,
                         struct segment_head *head)
{
    if (!make_ids(b))
        return false;
    head->docs = b->ids.len;
    memcpy(head->field_total, b->terms.field_total, sizeof head->field_total);
    memcpy(head->field_docs, b->terms.field_docs, sizeof head->field_docs);
    container_writer_add(w, SECTION_HEAD, sizeof *head, head, 1);
    container_writer_add(w, SECTION_LANGUAGES, sizeof *b->languages.name, b->languages.name,
                         b->languages.n);
    COLUMN_SECTION(w, SECTION_PRODUCT_NO, &b->product_no, uint32_t);
    COLUMN_SECTION(w, SECTION_GROUP, &b->group, uint64_t);
    COLUMN_SECTION(w, SECTION_CREATED_AT, &b->created_at, int64_t);
    COLUMN_SECTION(w, SECTION_RATING_MEAN, &b->rating_mean, float);
    COLUMN_SECTION(w, SECTION_RATING_COUNT, &b->rating_count, uint32_t);
    COLUMN_SECTION(w, SECTION_ID_END, &b->id_end, uint64_t);
    COLUMN_SECTION(w, SECTION_ID_TEXT, &b->id_text, char);
    COLUMN_SECTION(w, SECTION_ID_SLOTS, &b->id_slots, uint32_t);
    cards_finish(&b->cards, w);
    return terms_finish(&b->terms, w) && facets_finish(&b->facets, w) &&
           sources_finish(&b->sources, w);
}

/* Write to path, or to an image where path is NULL. */
static enum err_code finish(struct segment_builder *b, const char *path, void **image,
                            size_t *bytes, struct err *err)
{
    struct segment_head head;
    CHECK(!b->spoilt);
    b->spoilt = true;
    struct container_writer *w = container_writer_new(SEGMENT_KIND, SEGMENT_VERSION);
    enum err_code code;
    if (!add_sections(b, w, &head))
        code = out_of_memory(err);
    else if (path)
        code = container_write_file(w, path, err);
    else
        code = container_write_memory(w, image, bytes, err);
    container_writer_free(w);
    return code;
}

enum err_code segment_builder_finish_file(struct segment_builder *b, const char *path,
                                          struct err *err)
{
    return finish(b, path, NULL, NULL, err);
}

enum err_code segment_builder_finish_memory(struct segment_builder *b, struct segment **out,
                                            struct err *err)
{
    void *image;
    size_t bytes;
    enum err_code code = finish(b, NULL, &image, &bytes, err);
    if (code != ERR_OK)
        return code;
    code = segment_open_memory(image, bytes, SEGMENT_TRUSTED, out, err);
    if (code != ERR_OK)
        mem_free(image);
    return code;
}
