/* Products of one key (a Shopify handle) share their pictures. The rows of a key follow each other and
 * stay in one batch: each of their products gets all pictures, in order, whichever row brought which.
 *
 * Where rows of a key stand apart, the file is read once more before anything else, and what those keys
 * have is known from the start. That makes no difference in what is stored between an import in one
 * piece, in small batches, killed and continued, or repeated. */
#include "base/mem.h"
#include "ingest/import_int.h"

#include "base/check.h"

enum { FAMILY_ROWS_MAX = 8192 };

static uint64_t key_of(const struct import *im, const struct record *rec)
{
    struct str key = mapping_key(im->mapping, rec);
    return key.n ? import_hash(key) : 0;
}

/* Does a row with this key begin another family? Both passes ask here, so they agree. */
static bool begins_family(struct family *f, uint64_t key)
{
    if (f->rows && f->key == key && key && f->rows < FAMILY_ROWS_MAX) {
        f->rows++;
        return false;
    }
    f->key = key;
    f->rows = 1;
    return true;
}

/* --- looking ahead --------------------------------------------------------------------------- */

struct ahead {
    struct import *im;
    struct family now;
    struct map_u64 seen;
    bool gather; /* the second time */
};

static void look_at_row(struct ahead *a, struct row *row)
{
    struct import *im = a->im;
    struct str url;
    int64_t position;
    bool seen = false;
    uint64_t key = key_of(im, row->rec);
    if (!a->gather && begins_family(&a->now, key) && key) {
        (void)map_u64_at(&a->seen, key, &seen);
        if (!seen)
            (void)map_u64_at(&im->apart, key, NULL);
        return;
    }
    uint64_t *at = a->gather ? map_u64_find(&im->apart, key) : NULL;
    if (!at || !row_picture(row, &url, &position))
        return;
    if (*at == 0) {
        im->albums = mem_resize(im->albums, im->albums_len + 1, sizeof *im->albums);
        im->albums[im->albums_len] = (struct pictures){0};
        *at = ++im->albums_len;
    }
    pictures_add(&im->albums[*at - 1], &im->texts, url, position);
}

static enum err_code look_through(struct ahead *a, struct err *err)
{
    struct import *im = a->im;
    struct arena scratch;
    struct reader *r;
    const struct record *rec;
    enum err_code rc = import_open_reader(im, &r, NULL, err);
    if (rc != ERR_OK)
        return rc;
    arena_init(&scratch, 64 << 10, 64 << 20);
    while ((rc = reader_next(r, &rec, err)) == ERR_OK && rec) {
        struct row row;
        if (rec->fault != REASON_NONE)
            continue;
        arena_reset(&scratch);
        row_init(&row, im->mapping, rec, &scratch, im->now);
        look_at_row(a, &row);
    }
    arena_release(&scratch);
    reader_close(r);
    return rc;
}

enum err_code import_families_ahead(struct import *im, struct err *err)
{
    struct ahead a = {.im = im};
    if (!im->known || !mapping_has_pictures(im->mapping))
        return ERR_OK;
    enum err_code rc = look_through(&a, err);
    map_u64_release(&a.seen);
    a.gather = true;
    return rc == ERR_OK && im->apart.len ? look_through(&a, err) : rc;
}

/* --- reading --------------------------------------------------------------------------------- */

bool import_family_continues(const struct import *im, const struct row *row)
{
    const struct family *f = &im->family;
    return f->rows && f->rows < FAMILY_ROWS_MAX && f->key && f->key == key_of(im, row->rec);
}

void import_family_flush(struct import *im)
{
    struct batch *b = im->batch;
    const uint64_t *apart = map_u64_find(&im->apart, im->family.key);
    const struct pictures *all = apart && *apart ? &im->albums[*apart - 1] : &im->album;
    for (size_t i = im->family.first; im->family.rows && i < b->items_len; i++) {
        struct product *p = &b->products[i];
        p->images = pictures_join(all, p->images, STORE_JSON_MAX, &b->arena);
    }
    pictures_reset(&im->album);
    im->family = (struct family){0};
}

/* Without a second look at the file nobody knows what a key had before. */
static bool stands_apart(struct import *im)
{
    bool first = true;
    if (!im->known && im->family.key)
        (void)map_u64_at(&im->apart, im->family.key, &first);
    return !first;
}

bool import_family_row(struct import *im, struct row *row)
{
    struct str url;
    int64_t position;
    if (!import_family_continues(im, row))
        import_family_flush(im);
    if (begins_family(&im->family, key_of(im, row->rec))) {
        im->family.first = im->batch->items_len;
        im->family.late = stands_apart(im);
    }
    if (im->family.late)
        return row_fail(row, TO_IMAGES, REASON_REFUSED,
                        "the rows of '%.*s' stand apart: give a file, not a pipe",
                        STR_ARG(mapping_key(im->mapping, row->rec)));
    if (row_picture(row, &url, &position))
        pictures_add(&im->album, &im->batch->arena, url, position);
    return !mapping_matches(im->mapping, RULE_PICTURE, row->rec);
}
