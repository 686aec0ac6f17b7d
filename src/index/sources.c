/* sources.c - the product's texts, compressed in blocks, for merging and for reading one again.
 *
 * A record is its length and then, as variable-length numbers and counted strings, the fields below
 * in this order. A block is closed once it has SOURCE_BLOCK_BYTES. */
#include <string.h>
#include <zstd.h>

#include "base/check.h"
#include "index/build_int.h"
#include "index/segment_int.h"
#include "index/varint.h"

enum { LEVEL = 1 }; /* of zstd: building is bound by it, and higher levels gain little here */

/* Every text of a record, in order. */
static const size_t text_fields[] = {
    offsetof(struct product, id),       offsetof(struct product, group_id),
    offsetof(struct product, title),    offsetof(struct product, description),
    offsetof(struct product, brand),    offsetof(struct product, category),
    offsetof(struct product, images),   offsetof(struct product, attributes),
    offsetof(struct product, tags),     offsetof(struct product, supplier_id),
    offsetof(struct product, url),      offsetof(struct product, translations),
    offsetof(struct product, language),
};
enum { TEXT_FIELDS = sizeof text_fields / sizeof *text_fields };

static struct str *text_of(struct product *p, size_t i)
{
    return (struct str *)(void *)((char *)p + text_fields[i]);
}

static const struct str *const_text_of(const struct product *p, size_t i)
{
    return (const struct str *)(const void *)((const char *)p + text_fields[i]);
}

/* --- writing --------------------------------------------------------------------------------- */

bool sources_init(struct sources_build *s)
{
    *s = (struct sources_build){.zstd = ZSTD_createCCtx()};
    buf_init(&s->raw, COLUMN_MAX);
    buf_init(&s->block, COLUMN_MAX);
    buf_init(&s->data, COLUMN_MAX);
    return s->zstd != NULL;
}

void sources_release(struct sources_build *s)
{
    ZSTD_freeCCtx(s->zstd);
    buf_release(&s->raw);
    buf_release(&s->block);
    buf_release(&s->data);
}

static void put_number(struct buf *out, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    buf_put(out, bytes, varint_put(v, bytes));
}

static bool flush_block(struct sources_build *s)
{
    if (s->raw.len == 0)
        return true;
    size_t bound = ZSTD_compressBound(s->raw.len);
    char *at = buf_reserve(&s->data, bound);
    if (!at)
        return false;
    COLUMN_ADD(&s->block, struct segment_source_block, .offset = s->data.len,
               .first_doc = s->first_doc, .raw_bytes = (uint32_t)s->raw.len);
    size_t n = ZSTD_compressCCtx(s->zstd, at, bound, s->raw.data, s->raw.len, LEVEL);
    if (ZSTD_isError(n))
        return false;
    s->data.len += n;
    s->first_doc = s->docs;
    buf_reset(&s->raw);
    return !s->block.full;
}

bool sources_add(struct sources_build *s, const struct product *p)
{
    uint8_t lengths[TEXT_FIELDS][VARINT_MAX];
    size_t lengths_len[TEXT_FIELDS];
    size_t bytes = 3 * sizeof(uint64_t) + sizeof(uint32_t);
    for (size_t i = 0; i < TEXT_FIELDS; i++) {
        lengths_len[i] = varint_put(const_text_of(p, i)->n, lengths[i]);
        bytes += lengths_len[i] + const_text_of(p, i)->n;
    }
    put_number(&s->raw, bytes);
    buf_put(&s->raw, &p->created_at, sizeof p->created_at);
    buf_put(&s->raw, &p->updated_at, sizeof p->updated_at);
    buf_put(&s->raw, &p->rating_mean, sizeof p->rating_mean);
    buf_put(&s->raw, &p->rating_count, sizeof p->rating_count);
    for (size_t i = 0; i < TEXT_FIELDS; i++) {
        buf_put(&s->raw, lengths[i], lengths_len[i]);
        buf_put_str(&s->raw, *const_text_of(p, i));
    }
    s->docs++;
    if (s->raw.full)
        return false;
    return s->raw.len < SOURCE_BLOCK_BYTES || flush_block(s);
}

bool sources_finish(struct sources_build *s, struct container_writer *w)
{
    if (!flush_block(s))
        return false;
    COLUMN_SECTION(w, SECTION_SOURCE_BLOCK, &s->block, struct segment_source_block);
    COLUMN_SECTION(w, SECTION_SOURCE, &s->data, uint8_t);
    return true;
}

/* --- reading --------------------------------------------------------------------------------- */

enum err_code segment_source_unpack(const struct segment *s, size_t block, struct arena *arena,
                                    struct str *raw, struct err *err)
{
    const struct segment_source_block *b = &s->source_block[block];
    uint64_t end = block + 1 < s->source_blocks ? b[1].offset : s->source_bytes;
    if (b->offset > end || end > s->source_bytes || b->raw_bytes > SOURCE_BLOCK_MAX)
        return err_set(err, ERR_CORRUPT, "source block %zu is out of bounds", block);
    char *out = arena_try_alloc(arena, b->raw_bytes);
    if (!out)
        return err_set(err, ERR_LIMIT, "no room for %u bytes of product texts", b->raw_bytes);
    size_t n = ZSTD_decompress(out, b->raw_bytes, s->source + b->offset, end - b->offset);
    if (ZSTD_isError(n) || n != b->raw_bytes)
        return err_set(err, ERR_CORRUPT, "source block %zu does not decompress", block);
    *raw = (struct str){out, n};
    return ERR_OK;
}

static bool take_bytes(struct str *in, void *out, size_t n)
{
    if (in->n < n)
        return false;
    memcpy(out, in->p, n);
    *in = (struct str){in->p + n, in->n - n};
    return true;
}

static bool take_text(struct str *in, struct str *out)
{
    uint64_t n;
    if (!varint_take(in, &n) || n > in->n)
        return false;
    *out = (struct str){in->p, n};
    *in = (struct str){in->p + n, in->n - n};
    return true;
}

bool segment_source_next(struct str *raw, struct product *out)
{
    struct str record;
    *out = (struct product){.price_minor = STORE_NO_AMOUNT,
                            .list_price_minor = STORE_NO_AMOUNT,
                            .stock = STORE_STOCK_UNTRACKED,
                            .status = PRODUCT_ACTIVE};
    if (!take_text(raw, &record) ||
        !take_bytes(&record, &out->created_at, sizeof out->created_at) ||
        !take_bytes(&record, &out->updated_at, sizeof out->updated_at) ||
        !take_bytes(&record, &out->rating_mean, sizeof out->rating_mean) ||
        !take_bytes(&record, &out->rating_count, sizeof out->rating_count))
        return false;
    for (size_t i = 0; i < TEXT_FIELDS; i++)
        if (!take_text(&record, text_of(out, i)))
            return false;
    return record.n == 0;
}

/* The block that has doc: the last whose first doc is not above it. */
static size_t block_of(const struct segment *s, uint32_t doc)
{
    size_t low = 0, high = s->source_blocks;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->source_block[mid].first_doc <= doc)
            low = mid;
        else
            high = mid;
    }
    return low;
}

enum err_code segment_source(const struct segment *s, uint32_t doc, struct arena *arena,
                             struct product *out, struct err *err)
{
    DCHECK(doc < s->docs);
    size_t block = block_of(s, doc);
    struct str raw;
    enum err_code code = segment_source_unpack(s, block, arena, &raw, err);
    if (code != ERR_OK)
        return code;
    struct product p;
    struct str record;
    for (uint32_t i = s->source_block[block].first_doc; i < doc; i++)
        if (!take_text(&raw, &record))
            return err_set(err, ERR_CORRUPT, "source block %zu is malformed", block);
    if (!segment_source_next(&raw, &p))
        return err_set(err, ERR_CORRUPT, "source block %zu is malformed", block);
    p.no = s->product_no[doc];
    *out = p;
    return ERR_OK;
}
