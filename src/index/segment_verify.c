/* segment_verify.c - is everything in a segment what the builder could have written? After this,
 * readers may rely on every offset and order. Nothing is trusted before it was checked, so hostile
 * files end here. */
#include "base/check.h"
#include "index/segment_int.h"

/** Of one source block. */
#define BLOCK_ARENA_MAX ((size_t)2 << 20)

static enum err_code verify_columns(const struct segment *s, struct err *err)
{
    for (uint32_t i = 0; i < s->docs; i++) {
        if (i && s->product_no[i] <= s->product_no[i - 1])
            return MALFORMED(err, "product numbers do not ascend", i);
        if (!(s->rating_mean[i] >= 0 && s->rating_mean[i] <= 5))
            return MALFORMED(err, "rating", i);
    }
    return ERR_OK;
}

/* Ids are texts within their section, one behind the other. */
static enum err_code verify_ids(const struct segment *s, struct err *err)
{
    if (s->id_end[0] != 0 || s->id_end[s->docs] != s->sizes.id_text)
        return MALFORMED(err, "ids", 0);
    for (uint32_t i = 0; i < s->docs; i++) {
        uint64_t at = s->id_end[i], end = s->id_end[i + 1];
        if (end <= at || end > s->sizes.id_text || end - at > STORE_ID_MAX ||
            !str_utf8_valid(segment_id(s, i), NULL))
            return MALFORMED(err, "id", i);
    }
    return ERR_OK;
}

/* Every doc is found by its id, and nothing else is in the slots: so one stays free, where probing
 * ends. */
static enum err_code verify_id_slots(const struct segment *s, struct err *err)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i <= s->id_mask; i++) {
        if (s->id_slots[i] == ORDINAL_NONE)
            continue;
        if (s->id_slots[i] >= s->docs)
            return MALFORMED(err, "id slot", i);
        taken++;
    }
    if (taken != s->docs || taken > s->id_mask)
        return MALFORMED(err, "id slots", taken);
    for (uint32_t i = 0; i < s->docs; i++)
        if (segment_find_id(s, segment_id(s, i)) != i)
            return MALFORMED(err, "id is not found", i);
    return ERR_OK;
}

static enum err_code verify_cards(const struct segment *s, struct err *err)
{
    size_t cards = (size_t)s->docs * s->languages;
    for (size_t i = 0; i < cards; i++) {
        const struct segment_card *c = &s->card[i];
        uint64_t bytes = (uint64_t)c->card_bytes + c->title_bytes;
        if (!in_range(c->offset, bytes, s->sizes.card_text))
            return MALFORMED(err, "card is out of bounds", i);
        if (i % s->languages && c->offset == c[-1].offset && c->card_bytes == c[-1].card_bytes &&
            c->title_bytes == c[-1].title_bytes)
            continue; /* the same text as for the language before */
        struct str card = {s->card_text + c->offset, c->card_bytes};
        struct str title = {card.p + card.n, c->title_bytes};
        if (!str_utf8_valid(card, NULL) || !str_utf8_valid(title, NULL))
            return MALFORMED(err, "card is not UTF-8", i);
    }
    return ERR_OK;
}

/* The records of a block are those of the docs from *doc on. */
static enum err_code verify_records(const struct segment *s, struct str raw, uint32_t *doc,
                                    struct err *err)
{
    while (raw.n) {
        struct product p;
        if (!segment_source_next(&raw, &p) || *doc == s->docs || !str_eq(p.id, segment_id(s, *doc)))
            return MALFORMED(err, "source", *doc);
        ++*doc;
    }
    return ERR_OK;
}

static enum err_code verify_sources(const struct segment *s, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 << 10, BLOCK_ARENA_MAX);
    uint32_t doc = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < s->source_blocks; i++) {
        const struct segment_source_block *b = &s->source_block[i];
        struct str raw;
        arena_reset(&arena);
        if (b->first_doc != doc || b->raw_bytes == 0 || (i == 0 && b->offset != 0))
            code = MALFORMED(err, "source block", i);
        else
            code = segment_source_unpack(s, i, &arena, &raw, err);
        if (code == ERR_OK)
            code = verify_records(s, raw, &doc, err);
    }
    arena_release(&arena);
    if (code == ERR_OK && doc != s->docs)
        return MALFORMED(err, "sources end early", doc);
    return code;
}

enum err_code segment_verify(const struct segment *s, struct err *err)
{
    enum err_code (*const parts[])(const struct segment *, struct err *) = {
        verify_columns, verify_ids,    verify_id_slots, verify_cards,
        verify_terms,   verify_facets, verify_sources,
    };
    enum err_code code = container_verify(s->container, err);
    for (size_t i = 0; code == ERR_OK && i < sizeof parts / sizeof *parts; i++)
        code = parts[i](s, err);
    return code;
}
