#include "engine/catalogue.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "index/postings.h"
#include "index/segment_build.h"
#include "index/terms.h"

struct shared_segment {
    _Atomic uint32_t refs;
    struct segment *segment; /* owned */
};

struct locator_chunk {
    _Atomic uint32_t refs;
    struct location at[CATALOGUE_CHUNK];
};

static const struct location nowhere = {CATALOGUE_SLOTS, 0};

/* --- references ------------------------------------------------------------------------------ */

static void unref_segment(struct shared_segment *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
        segment_close(s->segment);
        mem_free(s);
    }
}

static void unref_chunk(struct locator_chunk *c)
{
    if (c && atomic_fetch_sub(&c->refs, 1) == 1)
        mem_free(c);
}

struct catalogue *catalogue_new(void)
{
    struct catalogue *c = MEM_NEW(struct catalogue);
    c->refs = 1;
    return c;
}

struct catalogue *catalogue_ref(struct catalogue *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void catalogue_unref(struct catalogue *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    for (uint32_t i = 0; i < CATALOGUE_SLOTS; i++)
        unref_segment(c->shared[i]);
    for (uint32_t i = 0; i < c->chunks_len; i++)
        unref_chunk(c->chunks[i]);
    mem_free(c->chunks);
    mem_free(c);
}

/* --- building the next one ------------------------------------------------------------------- */

static struct catalogue *share(const struct catalogue *from, uint32_t products_end)
{
    struct catalogue *c = catalogue_new();
    uint32_t len = (products_end + CATALOGUE_CHUNK - 1) / CATALOGUE_CHUNK;
    c->products = from->products;
    memcpy(c->dead, from->dead, sizeof c->dead);
    memcpy(c->field_total, from->field_total, sizeof c->field_total);
    for (uint32_t i = 0; i < CATALOGUE_SLOTS; i++)
        if (from->shared[i]) {
            atomic_fetch_add(&from->shared[i]->refs, 1);
            c->shared[i] = from->shared[i];
            c->segments[i] = from->segments[i];
        }
    c->chunks_len = len > from->chunks_len ? len : from->chunks_len;
    c->chunks = mem_new(c->chunks_len, sizeof *c->chunks);
    for (uint32_t i = 0; i < from->chunks_len; i++)
        if (from->chunks[i]) {
            atomic_fetch_add(&from->chunks[i]->refs, 1);
            c->chunks[i] = from->chunks[i];
        }
    return c;
}

/* The entry of a product in a catalogue under construction; its chunk is copied if shared. */
static struct location *entry(struct catalogue *c, uint32_t product_no)
{
    struct locator_chunk **slot = &c->chunks[product_no / CATALOGUE_CHUNK];
    if (!*slot || atomic_load(&(*slot)->refs) > 1) {
        struct locator_chunk *own = MEM_NEW(struct locator_chunk);
        own->refs = 1;
        for (uint32_t i = 0; i < CATALOGUE_CHUNK; i++)
            own->at[i] = *slot ? (*slot)->at[i] : nowhere;
        unref_chunk(*slot);
        *slot = own;
    }
    return &(*slot)->at[product_no % CATALOGUE_CHUNK];
}

static void put_segment(struct catalogue *c, uint32_t slot, struct segment *segment)
{
    c->shared[slot] = MEM_NEW(struct shared_segment);
    c->shared[slot]->refs = 1;
    c->shared[slot]->segment = segment;
    c->segments[slot] = segment;
}

/* The first free slot from this one on, or CATALOGUE_SLOTS. */
static uint32_t free_slot(const struct catalogue *c, uint32_t slot)
{
    while (slot < CATALOGUE_SLOTS && c->segments[slot])
        slot++;
    return slot;
}

static uint32_t products_end(const struct segment *s)
{
    return s && s->docs ? s->product_no[s->docs - 1] + 1 : 0;
}

/* Summed lengths are of the rounded lengths that scoring sees, so that taking a doc away undoes
 * exactly what adding it did. */
static void count_doc(struct catalogue *c, const struct segment *s, uint32_t doc, bool lives)
{
    for (int f = 0; f < SEGMENT_FIELDS; f++) {
        uint64_t length = segment_length(s->field_length[doc][f]);
        c->field_total[f] += lives ? length : -length;
    }
}

/* The doc at this place, if there is one, lives no more. */
static void bury(struct catalogue *c, struct location at)
{
    if (!location_found(at))
        return;
    count_doc(c, c->segments[at.slot], at.doc, false);
    c->dead[at.slot]++;
    c->products--;
}

static void put_doc(struct catalogue *c, uint32_t slot, const struct segment *s, uint32_t doc)
{
    struct location *at = entry(c, s->product_no[doc]);
    bury(c, *at);
    *at = (struct location){slot, doc};
    count_doc(c, s, doc, true);
    c->products++;
}

static void remove_product(struct catalogue *c, uint32_t product_no)
{
    struct location at = catalogue_locate(c, product_no);
    if (!location_found(at))
        return;
    bury(c, at);
    *entry(c, product_no) = nowhere;
}

enum err_code catalogue_add(const struct catalogue *from, struct segment *segment,
                            const uint32_t *removed, size_t n, struct catalogue **out,
                            struct err *err)
{
    uint32_t slot = free_slot(from, 0);
    /* The last free one is for a merge, or a full catalogue would stay full. */
    if (segment && free_slot(from, slot + 1) >= CATALOGUE_SLOTS)
        return err_set(err, ERR_LIMIT, "the catalogue has %d segments", CATALOGUE_SLOTS);
    struct catalogue *c = share(from, products_end(segment));
    if (segment) {
        put_segment(c, slot, segment);
        for (uint32_t doc = 0; doc < segment->docs; doc++)
            put_doc(c, slot, segment, doc);
    }
    for (size_t i = 0; i < n; i++)
        remove_product(c, removed[i]);
    *out = c;
    return ERR_OK;
}

static uint32_t slots_of(const struct catalogue *c)
{
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        n += c->segments[slot] != NULL;
    return n;
}

enum err_code catalogue_overlay(const struct catalogue *from, const struct catalogue *top,
                                struct catalogue **out, struct err *err)
{
    /* As in catalogue_add the last free one is for a merge. */
    if (slots_of(from) + slots_of(top) >= CATALOGUE_SLOTS)
        return err_set(err, ERR_LIMIT, "the catalogue has %u segments and gets %u more",
                       slots_of(from), slots_of(top));
    struct catalogue *c = share(from, top->chunks_len * CATALOGUE_CHUNK);
    for (uint32_t from_slot = 0; from_slot < CATALOGUE_SLOTS; from_slot++) {
        const struct segment *s = top->segments[from_slot];
        if (!s)
            continue;
        uint32_t slot = free_slot(c, 0);
        atomic_fetch_add(&top->shared[from_slot]->refs, 1);
        c->shared[slot] = top->shared[from_slot];
        c->segments[slot] = s;
        for (uint32_t doc = 0; doc < s->docs; doc++)
            if (catalogue_alive(top, from_slot, doc))
                put_doc(c, slot, s, doc);
            else
                c->dead[slot]++;
    }
    *out = c;
    return ERR_OK;
}

enum err_code catalogue_replace(const struct catalogue *from, const uint32_t *slots, size_t n,
                                struct segment *merged, struct catalogue **out, struct err *err)
{
    uint32_t slot = free_slot(from, 0);
    bool replaced[CATALOGUE_SLOTS] = {false};
    if (slot == CATALOGUE_SLOTS)
        return err_set(err, ERR_LIMIT, "the catalogue has %d segments", CATALOGUE_SLOTS);
    struct catalogue *c = share(from, products_end(merged));
    for (size_t i = 0; i < n; i++) {
        replaced[slots[i]] = true;
        unref_segment(c->shared[slots[i]]);
        c->shared[slots[i]] = NULL;
        c->segments[slots[i]] = NULL;
        c->dead[slots[i]] = 0;
    }
    put_segment(c, slot, merged);
    for (uint32_t doc = 0; doc < merged->docs; doc++) {
        struct location *at = entry(c, merged->product_no[doc]);
        if (location_found(*at) && replaced[at->slot])
            *at = (struct location){slot, doc};
        else
            c->dead[slot]++;
    }
    *out = c;
    return ERR_OK;
}

/* --- merging --------------------------------------------------------------------------------- */

/* Neighbours in size become one when a run of them is at least as large as the next larger segment
 * divided by this: the classic trade of write against read amplification. */
enum { TIER_RATIO = 4, TIER_MIN_RUN = 2 };

size_t catalogue_merge_due(const struct catalogue *c, uint32_t max_docs,
                           const bool pinned[CATALOGUE_SLOTS], uint32_t slots[CATALOGUE_MERGE_MAX])
{
    uint32_t order[CATALOGUE_SLOTS], len = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = c->segments[slot];
        if (!s || pinned[slot] || s->docs > max_docs)
            continue;
        uint32_t at = len++;
        for (; at > 0 && c->segments[order[at - 1]]->docs > s->docs; at--)
            order[at] = order[at - 1];
        order[at] = slot;
    }
    /* Take the smallest, and the next as long as it is not far larger than all taken together. */
    uint64_t taken_docs = 0;
    size_t n = 0;
    while (n < len && n < CATALOGUE_MERGE_MAX &&
           (n == 0 || c->segments[order[n]]->docs < TIER_RATIO * (taken_docs + 1))) {
        taken_docs += c->segments[order[n]]->docs;
        slots[n] = order[n];
        n++;
    }
    return n >= TIER_MIN_RUN + 1 || (n == TIER_MIN_RUN && len > TIER_RATIO) ? n : 0;
}

struct alive_arg {
    const struct catalogue *c;
    const uint32_t *slots;
};

static bool alive(void *arg, size_t segment, uint32_t doc)
{
    const struct alive_arg *a = arg;
    return catalogue_alive(a->c, a->slots[segment], doc);
}

static enum err_code gather(const struct catalogue *c, const uint32_t *slots, size_t n,
                            const struct str *languages, size_t languages_len,
                            struct segment_builder **out, struct err *err)
{
    const struct segment *segments[CATALOGUE_SLOTS];
    struct segment_builder *b;
    enum err_code code = segment_builder_new(languages, languages_len, &b, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < n; i++)
        segments[i] = c->segments[slots[i]];
    code = segment_builder_add_segments(b, segments, n, alive, &(struct alive_arg){c, slots}, err);
    if (code != ERR_OK) {
        segment_builder_free(b);
        return code;
    }
    *out = b;
    return ERR_OK;
}

enum err_code catalogue_merge(const struct catalogue *c, const uint32_t *slots, size_t n,
                              const struct str *languages, size_t languages_len,
                              struct segment **out, struct err *err)
{
    struct segment_builder *b;
    enum err_code code = gather(c, slots, n, languages, languages_len, &b, err);
    if (code != ERR_OK)
        return code;
    code = segment_builder_finish_memory(b, out, err);
    segment_builder_free(b);
    return code;
}

enum err_code catalogue_write(const struct catalogue *c, const struct str *languages,
                              size_t languages_len, const char *path, struct err *err)
{
    uint32_t slots[CATALOGUE_SLOTS];
    size_t n = 0;
    struct segment_builder *b;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        if (c->segments[slot])
            slots[n++] = slot;
    enum err_code code = gather(c, slots, n, languages, languages_len, &b, err);
    if (code != ERR_OK)
        return code;
    code = segment_builder_finish_file(b, path, err);
    segment_builder_free(b);
    return code;
}

/* --- look-up --------------------------------------------------------------------------------- */

struct location catalogue_locate(const struct catalogue *c, uint32_t product_no)
{
    uint32_t chunk = product_no / CATALOGUE_CHUNK;
    if (chunk >= c->chunks_len || !c->chunks[chunk])
        return nowhere;
    return c->chunks[chunk]->at[product_no % CATALOGUE_CHUNK];
}

bool catalogue_alive(const struct catalogue *c, uint32_t slot, uint32_t doc)
{
    struct location at = catalogue_locate(c, c->segments[slot]->product_no[doc]);
    return at.slot == slot && at.doc == doc;
}

uint32_t catalogue_slot_term_docs(const struct catalogue *c, uint32_t slot, uint32_t term)
{
    const struct segment *s = c->segments[slot];
    struct posting_cursor cursor;
    uint32_t n = 0;
    if (c->dead[slot] == 0)
        return s->term[term].df;
    posting_open(&cursor, s, term);
    for (uint32_t doc = posting_next(&cursor); doc != POSTING_END; doc = posting_next(&cursor))
        n += catalogue_alive(c, slot, doc);
    return n;
}

uint32_t catalogue_term_docs(const struct catalogue *c, struct str text)
{
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        uint32_t term =
            c->segments[slot] ? segment_find_term(c->segments[slot], text) : ORDINAL_NONE;
        if (term != ORDINAL_NONE)
            n += catalogue_slot_term_docs(c, slot, term);
    }
    return n;
}

uint32_t catalogue_find_id(const struct catalogue *c, struct str id)
{
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = c->segments[slot];
        uint32_t doc = s ? segment_find_id(s, id) : ORDINAL_NONE;
        if (doc != ORDINAL_NONE && catalogue_alive(c, slot, doc))
            return s->product_no[doc];
    }
    return 0;
}
