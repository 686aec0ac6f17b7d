#include "train/content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/signal.h"
#include "index/segment.h"
#include "num/topk.h"
#include "store/products.h"
#include "store/store.h"

enum { PAGE = 500 };

/* --- reading --------------------------------------------------------------------------------- */

static enum err_code no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory for the features of products");
}

static bool make_room(struct content_catalogue *c, size_t n)
{
    if (c->len == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 1024;
        struct content_product *products = mem_try_resize(c->products, cap, sizeof *products);
        if (products)
            c->products = products;
        uint64_t *offsets = mem_try_resize(c->offsets, (size_t)cap + 1, sizeof *offsets);
        if (offsets)
            c->offsets = offsets;
        if (!products || !offsets)
            return false;
        c->cap = cap;
        c->offsets[0] = 0;
    }
    uint64_t used = c->offsets[c->len];
    if (n <= c->features_cap - used)
        return true;
    uint64_t cap = (c->features_cap + n) * 2;
    struct content_feature *features = mem_try_resize(c->features, cap, sizeof *features);
    if (!features)
        return false;
    c->features = features;
    c->features_cap = cap;
    return true;
}

enum err_code content_catalogue_add(struct content_catalogue *c,
                                    const struct content_product *product,
                                    const struct content_feature *features, size_t n,
                                    struct err *err)
{
    if (!make_room(c, n))
        return no_memory(err);
    c->products[c->len] = *product;
    if (n)
        memcpy(c->features + c->offsets[c->len], features, n * sizeof *features);
    c->offsets[c->len + 1] = c->offsets[c->len] + n;
    c->len++;
    return ERR_OK;
}

/* One page in one transaction. *last: the highest number read; *more: whether there may be others. */
static enum err_code read_page(struct store *store, struct content_reader *reader,
                               struct content_catalogue *c, uint32_t *last, bool *more,
                               struct err *err)
{
    struct db_rows rows = {0};
    struct product p;
    struct db *db;
    int read = 0;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = products_after(db, *last, PAGE, &rows, err);
    while (code == ERR_OK && (code = products_next(&rows, &p, more, err)) == ERR_OK && *more) {
        read++;
        *last = p.no;
        if (p.status != PRODUCT_ACTIVE)
            continue;
        code = content_read(reader, &p, err);
        if (code == ERR_OK)
            code = content_catalogue_add(
                c,
                &(struct content_product){
                    p.no, segment_group_hash(p.group_id.n ? p.group_id : p.id), p.created_at},
                reader->features, reader->len, err);
    }
    db_rows_close(&rows);
    store_read_end(store, db);
    *more = read == PAGE;
    return code;
}

enum err_code content_catalogue_read(struct store *store, struct content_catalogue *out,
                                     struct err *err)
{
    struct content_catalogue c = {0};
    struct content_reader reader;
    uint32_t last = 0;
    bool more = true;
    enum err_code code = ERR_OK;
    content_reader_init(&reader);
    while (more && code == ERR_OK) {
        code = read_page(store, &reader, &c, &last, &more, err);
        if (code == ERR_OK)
            code = signal_check(err);
    }
    content_reader_release(&reader);
    if (code != ERR_OK) {
        content_catalogue_release(&c);
        return code;
    }
    *out = c;
    return ERR_OK;
}

void content_catalogue_release(struct content_catalogue *c)
{
    mem_free(c->products);
    mem_free(c->offsets);
    mem_free(c->features);
    *c = (struct content_catalogue){0};
}

/* --- vocabulary ------------------------------------------------------------------------------ */

static bool counts(unsigned kinds, uint64_t key)
{
    return kinds >> content_kind_of(key) & 1;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* keys [n] ascending, some of them several times, become those that come twice or more; df how often. */
static uint32_t keep_shared(uint64_t *keys, size_t n, uint32_t *df)
{
    uint32_t kept = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && keys[end] == keys[i];)
            end++;
        if (end - i < 2 || kept == UINT32_MAX)
            continue;
        keys[kept] = keys[i];
        df[kept++] = (uint32_t)(end - i);
    }
    return kept;
}

/* Only the `most` that most products have, of equals those with the lower keys. order [n]: room. */
static void keep_frequent(uint64_t *keys, uint32_t *df, uint32_t n, uint32_t most,
                          struct topk_item *order)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct topk_item){(float)df[i], i};
    topk_select(order, n, most);
    for (uint32_t i = most; i < n; i++)
        df[order[i].id] = 0;
    for (uint32_t i = 0; i < n; i++)
        if (df[i]) {
            keys[kept] = keys[i];
            df[kept++] = df[i];
        }
}

enum err_code content_vocabulary(const struct content_catalogue *c, unsigned kinds,
                                 uint32_t features_max, struct content_tower *out, struct err *err)
{
    uint64_t all = c->len ? c->offsets[c->len] : 0;
    size_t n = 0;
    uint64_t *keys = mem_try_new(all, sizeof *keys);
    uint32_t *df = mem_try_new(all, sizeof *df);
    struct topk_item *order = NULL;
    float *idf = NULL;
    if (!keys || !df)
        goto no_room;
    for (uint64_t i = 0; i < all; i++)
        if (counts(kinds, c->features[i].key))
            keys[n++] = c->features[i].key;
    if (n)
        qsort(keys, n, sizeof *keys, ascending);
    uint32_t features = keep_shared(keys, n, df);
    if (features > features_max) {
        order = mem_try_new(features, sizeof *order);
        if (!order)
            goto no_room;
        keep_frequent(keys, df, features, features_max, order);
        features = features_max;
    }
    idf = mem_try_new(features, sizeof *idf);
    if (!idf)
        goto no_room;
    for (uint32_t i = 0; i < features; i++)
        idf[i] = (float)(1 + log((c->len + 1.0) / (df[i] + 1.0)));
    mem_free(df);
    mem_free(order);
    *out =
        (struct content_tower){.features = features, .products = c->len, .keys = keys, .idf = idf};
    return ERR_OK;
no_room:
    mem_free(keys);
    mem_free(df);
    mem_free(order);
    return no_memory(err);
}

/* A tower borrows where it is mapped and owns where it is fitted. */
static void free_owned(const void *p)
{
    mem_free((void *)(uintptr_t)p);
}

void content_tower_release(struct content_tower *t)
{
    free_owned(t->keys);
    free_owned(t->idf);
    free_owned(t->weights);
    *t = (struct content_tower){0};
}

/* --- products as rows ------------------------------------------------------------------------ */

static void vector_at(const struct content_tower *t, const struct content_catalogue *c,
                      unsigned kinds, uint32_t product, struct content_vector *out)
{
    struct content_feature some[CONTENT_FEATURES_MAX];
    size_t n = 0;
    for (uint64_t i = c->offsets[product]; i < c->offsets[product + 1]; i++)
        if (counts(kinds, c->features[i].key) && n < CONTENT_FEATURES_MAX)
            some[n++] = c->features[i];
    content_vector_of(t, some, n, out);
}

enum err_code content_matrix(const struct content_tower *t, const struct content_catalogue *c,
                             unsigned kinds, const uint32_t *row_of, uint32_t rows,
                             struct matrix *out, struct err *err)
{
    uint64_t all = c->len ? c->offsets[c->len] : 0, n = 0;
    struct content_vector v;
    struct matrix m = {.rows = rows, .columns = t->features};
    uint32_t row = 0;
    m.offsets = mem_try_new((size_t)rows + 1, sizeof *m.offsets);
    m.column = mem_try_new(all, sizeof *m.column);
    m.value = mem_try_new(all, sizeof *m.value);
    if (!m.offsets || !m.column || !m.value) {
        matrix_release(&m);
        return no_memory(err);
    }
    for (uint32_t i = 0; i < c->len; i++) {
        if (row_of[i] == UINT32_MAX)
            continue;
        CHECK(row_of[i] >= row && row_of[i] < rows);
        while (row < row_of[i])
            m.offsets[++row] = n;
        vector_at(t, c, kinds, i, &v);
        if (v.len) {
            memcpy(m.column + n, v.index, v.len * sizeof *v.index);
            memcpy(m.value + n, v.value, v.len * sizeof *v.value);
        }
        n += v.len;
        m.offsets[++row] = n;
    }
    while (row < rows)
        m.offsets[++row] = n;
    *out = m;
    return ERR_OK;
}
