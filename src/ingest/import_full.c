/* `import products --full`: what the feed no longer has is switched off, in one transaction. Its ids
 * are read first, so that a feed that was cut in half is refused before anything is written. */
#include <inttypes.h>

#include "base/mem.h"
#include "ingest/import_int.h"
#include "store/products.h"

#include "base/check.h"

enum { PAGE = 2000, CHECK_ROWS = 1000 };

struct missing {
    struct str *ids; /* [len] in texts, owned */
    size_t len, cap;
    uint64_t active;
    struct arena texts;
};

static bool brings_no_product(const struct import *im, const struct row *row)
{
    return row->fault.reason == REASON_NONE &&
           (mapping_matches(im->mapping, RULE_SKIP, row->rec) ||
            mapping_matches(im->mapping, RULE_PICTURE, row->rec));
}

static enum err_code read_ids(struct import *im, uint64_t *unreadable, struct err *err)
{
    struct reader *r;
    enum err_code rc = import_open_reader(im, &r, NULL, err);
    struct arena scratch;
    *unreadable = 0;
    if (rc != ERR_OK)
        return rc;
    arena_init(&scratch, 64 << 10, 64 << 20);
    for (uint32_t n = 0;; n++) {
        const struct record *rec;
        struct row row;
        struct str id;
        if (n % CHECK_ROWS == 0)
            rc = import_check(im, err);
        if (rc == ERR_OK)
            rc = reader_next(r, &rec, err);
        if (rc != ERR_OK || !rec)
            break;
        arena_reset(&scratch);
        row_init(&row, im->mapping, rec, &scratch, im->now);
        if (brings_no_product(im, &row))
            continue;
        if (row.fault.reason == REASON_NONE && row_id(&row, TO_ID, &id))
            (void)map_u64_at(&im->feed, import_hash(id), NULL);
        else
            ++*unreadable;
    }
    arena_release(&scratch);
    reader_close(r);
    return rc;
}

/* Active products that the feed does not have. */
static enum err_code find_missing(struct import *im, struct db *db, struct missing *m,
                                  struct err *err)
{
    uint32_t after = 0;
    enum err_code rc = ERR_OK;
    for (bool any = true; rc == ERR_OK && any;) {
        struct db_rows rows = {0};
        any = false;
        rc = products_after(db, after, PAGE, &rows, err);
        while (rc == ERR_OK) {
            struct product p;
            bool more;
            rc = products_next(&rows, &p, &more, err);
            if (rc != ERR_OK || !more)
                break;
            any = true;
            after = p.no;
            if (p.status != PRODUCT_ACTIVE)
                continue;
            m->active++;
            if (map_u64_find(&im->feed, import_hash(p.id)))
                continue;
            if (m->len == m->cap) {
                m->cap = m->cap ? m->cap * 2 : 256;
                m->ids = mem_resize(m->ids, m->cap, sizeof *m->ids);
            }
            m->ids[m->len++] = arena_str(&m->texts, p.id);
        }
        db_rows_close(&rows);
    }
    return rc;
}

static void missing_init(struct missing *m)
{
    *m = (struct missing){0};
    arena_init(&m->texts, 64 << 10, SIZE_MAX);
}

static void missing_release(struct missing *m)
{
    arena_release(&m->texts);
    mem_free(m->ids);
}

static enum err_code refuse_many(const struct missing *m, uint64_t unreadable, struct err *err)
{
    if (m->len * 5 > m->active)
        return err_set(err, ERR_CONFLICT,
                       "%zu of %" PRIu64
                       " active products are not in this feed; more than a fifth would be "
                       "deactivated. If that is right, say --force",
                       m->len, m->active);
    if (m->len && unreadable)
        return err_set(err, ERR_CONFLICT,
                       "%" PRIu64
                       " rows of the feed cannot be read, and %zu products seem to be missing: one "
                       "may be the other. Mend the feed, or say --force",
                       unreadable, m->len);
    return ERR_OK;
}

enum err_code import_full_check(struct import *im, struct err *err)
{
    struct missing m;
    struct db *db = NULL;
    uint64_t unreadable;
    if (!im->known)
        return err_set(err, ERR_INVALID, "--full reads the feed twice: give a file, not a pipe");
    enum err_code rc = read_ids(im, &unreadable, err);
    if (rc != ERR_OK || !im->store)
        return rc;
    missing_init(&m);
    rc = store_read_begin(im->store, &db, err);
    if (rc == ERR_OK)
        rc = find_missing(im, db, &m, err);
    store_read_end(im->store, db);
    if (rc == ERR_OK && !im->o->force)
        rc = refuse_many(&m, unreadable, err);
    if (rc == ERR_OK && im->o->dry_run)
        im->report->deactivated = m.len;
    missing_release(&m);
    return rc;
}

enum err_code import_full_apply(struct import *im, struct store_tx *tx, uint64_t *deactivated,
                                struct err *err)
{
    static const struct product_patch off = {.fields = PRODUCT_STATUS, .status = PRODUCT_INACTIVE};
    struct missing m;
    missing_init(&m);
    enum err_code rc = find_missing(im, tx->db, &m, err);
    for (size_t i = 0; rc == ERR_OK && i < m.len; i++) {
        bool changed = false;
        rc = product_patch(tx, m.ids[i], &off, &changed, err);
        *deactivated += changed;
    }
    missing_release(&m);
    return rc;
}
