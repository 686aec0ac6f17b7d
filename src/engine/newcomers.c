#include "engine/newcomers.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/content.h"

enum { ARENA_MAX = 4 << 20 };

/* --- who is new ------------------------------------------------------------------------------ */

struct newcomer {
    int64_t created_at;
    uint32_t product_no;
};

/* The newest; more are taken in and cut again, so that sorting costs little for each. */
struct found {
    struct newcomer items[2 * NEWCOMERS_MAX];
    size_t len;
    int64_t since; /* older ones have no chance */
};

/* The newest first, of those of one moment the higher number. */
static int newest_first(const void *a, const void *b)
{
    const struct newcomer *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at > y->created_at ? -1 : 1;
    return x->product_no > y->product_no ? -1 : x->product_no < y->product_no;
}

static void cut(struct found *f)
{
    qsort(f->items, f->len, sizeof *f->items, newest_first);
    if (f->len >= NEWCOMERS_MAX) {
        f->len = NEWCOMERS_MAX;
        f->since = f->items[NEWCOMERS_MAX - 1].created_at;
    }
}

/* Numbers ascend in a segment and in the model: one walk over both. */
static void find_in(const struct catalogue *c, uint32_t slot, const struct recommend_model *m,
                    struct found *f)
{
    const struct segment *s = c->segments[slot];
    uint32_t row = 0;
    for (uint32_t doc = 0; doc < s->docs; doc++) {
        uint32_t no = s->product_no[doc];
        while (row < m->rows && m->items[row] < no)
            row++;
        bool known = row < m->rows && m->items[row] == no;
        if (known || s->created_at[doc] < f->since || !catalogue_alive(c, slot, doc))
            continue;
        if (f->len == 2 * NEWCOMERS_MAX)
            cut(f);
        f->items[f->len++] = (struct newcomer){s->created_at[doc], no};
    }
}

static void find(const struct catalogue *c, const struct recommend_model *m, struct found *f)
{
    f->since = INT64_MIN;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        if (c->segments[slot])
            find_in(c, slot, m, f);
    cut(f);
}

/* --- where they stand ------------------------------------------------------------------------ */

/* What newcomers are made with. */
struct builder {
    const struct catalogue *catalogue;
    const struct content_tower *tower;
    const struct live *live;
    struct content_reader reader;
    struct arena arena;
};

static enum err_code embed(struct builder *b, uint32_t product_no, float *x, struct err *err)
{
    struct location at = catalogue_locate(b->catalogue, product_no);
    struct live_row row;
    struct product p;
    struct content_vector v;
    arena_reset(&b->arena);
    enum err_code code =
        segment_source(b->catalogue->segments[at.slot], at.doc, &b->arena, &p, err);
    if (code != ERR_OK)
        return code;
    live_get(b->live, product_no, &row);
    p.price_minor = row.status == PRODUCT_DELETED ? STORE_NO_AMOUNT : row.price_minor;
    p.currency = row.currency;
    code = content_read(&b->reader, &p, err);
    if (code != ERR_OK)
        return code;
    content_vector_of(b->tower, b->reader.features, b->reader.len, &v);
    content_embed(b->tower, &v, x);
    return ERR_OK;
}

static enum err_code embed_all(struct builder *b, struct newcomers *n, struct err *err)
{
    enum err_code code = ERR_OK;
    content_reader_init(&b->reader);
    arena_init(&b->arena, 0, ARENA_MAX);
    for (uint32_t i = 0; i < n->len && code == ERR_OK; i++)
        code = embed(b, n->product_no[i], n->vectors + (size_t)i * n->dim, err);
    arena_release(&b->arena);
    content_reader_release(&b->reader);
    return code;
}

enum err_code newcomers_build(const struct catalogue *catalogue,
                              const struct recommend_model *model, const struct live *live,
                              struct newcomers **out, struct err *err)
{
    *out = NULL;
    if (!model || model->content.features == 0)
        return ERR_OK;
    struct builder b = {.catalogue = catalogue, .tower = &model->content, .live = live};
    struct found *found = MEM_NEW(struct found);
    struct newcomers *n = MEM_NEW(struct newcomers);
    find(catalogue, model, found);
    n->refs = 1;
    n->len = (uint32_t)found->len;
    n->dim = model->dim;
    n->product_no = mem_try_new(n->len, sizeof *n->product_no);
    n->vectors = mem_try_aligned((size_t)n->len * n->dim, sizeof *n->vectors, CONTAINER_ALIGN);
    enum err_code code = n->product_no && n->vectors
                             ? ERR_OK
                             : err_set(err, ERR_MEMORY, "no memory for %u new products", n->len);
    for (uint32_t i = 0; i < n->len && code == ERR_OK; i++)
        n->product_no[i] = found->items[i].product_no;
    mem_free(found);
    if (code == ERR_OK)
        code = embed_all(&b, n, err);
    if (code != ERR_OK) {
        newcomers_unref(n);
        return code;
    }
    *out = n;
    return ERR_OK;
}

struct newcomers *newcomers_ref(struct newcomers *n)
{
    if (n)
        atomic_fetch_add(&n->refs, 1);
    return n;
}

void newcomers_unref(struct newcomers *n)
{
    if (!n || atomic_fetch_sub(&n->refs, 1) != 1)
        return;
    mem_free(n->product_no);
    mem_free(n->vectors);
    mem_free(n);
}
