/* segment_merge.c - segments into one: their products are read back from the sources and added again,
 * by ascending number. Nothing can differ from a segment built afresh. */
#include "base/check.h"
#include "base/mem.h"
#include "index/segment_build.h"
#include "index/segment_int.h"

/** Of a block, and what a product needs. */
#define BLOCK_ARENA_MAX ((size_t)2 << 20)

/* Reads the sources of one segment from front to back. */
struct reader {
    const struct segment *s; /* borrowed */
    uint32_t doc;            /* whose record comes next in raw */
    size_t block;            /* the next to unpack */
    struct str raw;          /* rest of the block before it */
    struct arena arena;
    uint32_t at; /* the doc that the merge stands at */
};

/* The product of r->at, whose texts live until the next call. */
static enum err_code read_product(struct reader *r, struct product *p, struct err *err)
{
    for (;;) {
        if (r->raw.n == 0) {
            if (r->block == r->s->source_blocks)
                return err_set(err, ERR_CORRUPT, "product %u has no source", r->at);
            arena_reset(&r->arena);
            enum err_code code = segment_source_unpack(r->s, r->block++, &r->arena, &r->raw, err);
            if (code != ERR_OK)
                return code;
        }
        if (!segment_source_next(&r->raw, p))
            return err_set(err, ERR_CORRUPT, "source block %zu is malformed", r->block - 1);
        if (r->doc++ == r->at)
            break;
    }
    p->no = r->s->product_no[r->at];
    return ERR_OK;
}

/* The least number at which a reader stands; false when all are at their ends. */
static bool find_least(const struct reader *readers, size_t n, uint32_t *least)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (readers[i].at == readers[i].s->docs)
            continue;
        uint32_t no = readers[i].s->product_no[readers[i].at];
        if (!found || no < *least)
            *least = no;
        found = true;
    }
    return found;
}

/* Add the living doc of this number, if there is one, and move past it everywhere. */
static enum err_code add_number(struct segment_builder *b, struct reader *readers, size_t n,
                                uint32_t no, segment_alive_fn *alive, void *arg, struct err *err)
{
    struct reader *chosen = NULL;
    for (size_t i = n; i-- > 0 && !chosen;) {
        struct reader *r = &readers[i];
        if (r->at < r->s->docs && r->s->product_no[r->at] == no && (!alive || alive(arg, i, r->at)))
            chosen = r;
    }
    enum err_code code = ERR_OK;
    if (chosen) {
        struct product p;
        code = read_product(chosen, &p, err);
        if (code == ERR_OK)
            code = segment_builder_add(b, &p, err);
    }
    for (size_t i = 0; i < n; i++)
        if (readers[i].at < readers[i].s->docs && readers[i].s->product_no[readers[i].at] == no)
            readers[i].at++;
    return code;
}

enum err_code segment_builder_add_segments(struct segment_builder *b,
                                           const struct segment *const *segments, size_t n,
                                           segment_alive_fn *alive, void *arg, struct err *err)
{
    struct reader *readers = mem_new(n, sizeof *readers);
    for (size_t i = 0; i < n; i++) {
        readers[i].s = segments[i];
        arena_init(&readers[i].arena, 64 << 10, BLOCK_ARENA_MAX);
    }
    enum err_code code = ERR_OK;
    uint32_t no = 0;
    while (code == ERR_OK && find_least(readers, n, &no))
        code = add_number(b, readers, n, no, alive, arg, err);
    for (size_t i = 0; i < n; i++)
        arena_release(&readers[i].arena);
    mem_free(readers);
    return code;
}
