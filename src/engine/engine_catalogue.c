/* engine_catalogue.c - products into segments: overlay, tiers, and the folded file on disk.
 *
 * DIR/catalogue/<position>.segment holds all products that lived at that position of the log. The
 * newest one that opens is where a start begins; older ones are removed once a newer one is durable. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "index/segment_build.h"
#include "store/products.h"

enum {
    BUILD_DOCS = 20000,     /* of one segment when all are built, unless that makes too many */
    BUILD_SEGMENTS = 24,    /* then */
    MERGE_MAX_DOCS = 20000, /* larger segments are merged by folding only, */
    CROWDED_SLOTS = 40,     /* unless there are so many */
    FILES_MAX = 1000,
    PRODUCT_ARENA = 64 << 10,
    PRODUCT_ARENA_MAX = 8 << 20,
};

static const char SUFFIX[] = ".segment";

/* --- overlay --------------------------------------------------------------------------------- */

uint32_t overlay_docs(const struct catalogue *c)
{
    uint32_t all = 0, largest = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        uint32_t docs = c->segments[slot] ? c->segments[slot]->docs : 0;
        all += docs;
        largest = docs > largest ? docs : largest;
    }
    return all - largest;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

uint32_t *sorted_numbers(const struct map_u64 *set)
{
    uint32_t *numbers = mem_new(set->len, sizeof *numbers);
    size_t pos = 0, n = 0;
    uint64_t key, value;
    while (map_u64_next(set, &pos, &key, &value))
        numbers[n++] = (uint32_t)key;
    qsort(numbers, n, sizeof *numbers, by_number);
    return numbers;
}

/* Add a product to a segment; one that cannot be indexed is left out and told, once. */
static enum err_code add_product(struct segment_builder *b, const struct product *p,
                                 struct err *err)
{
    struct err why;
    if (p->status == PRODUCT_DELETED)
        return ERR_OK;
    enum err_code code = segment_builder_add(b, p, &why);
    if (code == ERR_INVALID) {
        log_warn("product is not indexed", LOG_I64("product_no", p->no), LOG_ERR(&why));
        return ERR_OK;
    }
    if (code != ERR_OK && err)
        *err = why;
    return code;
}

enum err_code build_overlay(struct engine *e, struct db *db, const uint32_t *numbers, size_t n,
                            struct segment **out, struct err *err)
{
    struct segment_builder *b;
    struct arena arena;
    struct product p;
    enum err_code code = segment_builder_new(e->shop.languages, e->shop.languages_len, &b, err);
    if (code != ERR_OK)
        return code;
    arena_init(&arena, PRODUCT_ARENA, PRODUCT_ARENA_MAX);
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        arena_reset(&arena);
        code = product_get_no(db, numbers[i], &arena, &p, err);
        if (code == ERR_OK)
            code = add_product(b, &p, err);
        else if (code == ERR_NOT_FOUND)
            code = ERR_OK;
    }
    if (code == ERR_OK)
        code = segment_builder_finish_memory(b, out, err);
    arena_release(&arena);
    segment_builder_free(b);
    return code;
}

void show_catalogue(struct engine *e, struct catalogue *c, int64_t position)
{
    struct view *next = next_view(e);
    catalogue_unref(next->catalogue);
    next->catalogue = c;
    next->position = position;
    e->newcomers_stale = true;
    publish_view(e, next);
}

static enum err_code add_overlay(struct engine *e, struct segment *segment, const uint32_t *removed,
                                 size_t n, struct err *err)
{
    struct catalogue *c;
    if (segment && segment->docs == 0) {
        segment_close(segment);
        segment = NULL;
    }
    enum err_code code = catalogue_add(e->view->catalogue, segment, removed, n, &c, err);
    if (code != ERR_OK) {
        segment_close(segment);
        return code;
    }
    show_catalogue(e, c, shown_position(e));
    return ERR_OK;
}

enum err_code index_changed(struct engine *e, struct db *db, struct err *err)
{
    enum err_code code = ERR_OK;
    struct segment *segment = NULL;
    if (e->changed.len == 0 && e->removed.len == 0)
        return ERR_OK;
    uint32_t *changed = sorted_numbers(&e->changed), *removed = sorted_numbers(&e->removed);
    if (e->changed.len)
        code = build_overlay(e, db, changed, e->changed.len, &segment, err);
    if (code == ERR_OK) {
        pthread_mutex_lock(&e->build_lock);
        code = add_overlay(e, segment, removed, e->removed.len, err);
        pthread_mutex_unlock(&e->build_lock);
    }
    if (code == ERR_OK) {
        map_u64_release(&e->changed);
        map_u64_release(&e->removed);
    }
    mem_free(changed);
    mem_free(removed);
    return code;
}

/* --- tiers ----------------------------------------------------------------------------------- */

static enum err_code replace(struct engine *e, const uint32_t *slots, size_t n,
                             struct segment *merged, struct err *err)
{
    struct catalogue *c;
    enum err_code code = catalogue_replace(e->view->catalogue, slots, n, merged, &c, err);
    if (code != ERR_OK) {
        segment_close(merged);
        return code;
    }
    show_catalogue(e, c, e->view->position);
    return ERR_OK;
}

static uint32_t slots_used(const struct catalogue *c)
{
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        n += c->segments[slot] != NULL;
    return n;
}

enum err_code merge_tiers(struct engine *e, struct err *err)
{
    uint32_t slots[CATALOGUE_MERGE_MAX];
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&e->build_lock);
    while (code == ERR_OK) {
        struct segment *merged;
        const struct catalogue *c = e->view->catalogue;
        uint32_t max_docs = slots_used(c) < CROWDED_SLOTS ? MERGE_MAX_DOCS : UINT32_MAX;
        size_t n = catalogue_merge_due(c, max_docs, e->pinned, slots);
        if (n == 0)
            break;
        code = catalogue_merge(c, slots, n, e->shop.languages, e->shop.languages_len, &merged, err);
        if (code == ERR_OK)
            code = replace(e, slots, n, merged, err);
    }
    pthread_mutex_unlock(&e->build_lock);
    return code;
}

/* --- from the store -------------------------------------------------------------------------- */

enum err_code build_catalogue(struct engine *e, struct db *db, struct err *err)
{
    struct product_counts counts;
    uint32_t after = 0;
    enum err_code code = products_count(db, &counts, err);
    if (code != ERR_OK)
        return code;
    uint32_t batch = counts.max_no / BUILD_SEGMENTS + 1;
    batch = batch < BUILD_DOCS ? BUILD_DOCS : batch;
    for (bool more = true; more && code == ERR_OK;) {
        struct segment_builder *b;
        struct db_rows rows = {0};
        struct product p;
        struct segment *segment = NULL;
        code = segment_builder_new(e->shop.languages, e->shop.languages_len, &b, err);
        if (code != ERR_OK)
            return code;
        code = products_after(db, after, batch, &rows, err);
        uint32_t seen = 0;
        while (code == ERR_OK && (code = products_next(&rows, &p, &more, err)) == ERR_OK && more) {
            after = p.no;
            seen++;
            code = add_product(b, &p, err);
        }
        db_rows_close(&rows);
        more = seen == batch;
        if (code == ERR_OK)
            code = segment_builder_finish_memory(b, &segment, err);
        segment_builder_free(b);
        if (code == ERR_OK)
            code = add_overlay(e, segment, NULL, 0, err);
    }
    return code;
}

/* --- files ----------------------------------------------------------------------------------- */

static enum err_code catalogue_dir(const struct engine *e, char path[FS_PATH_MAX], struct err *err)
{
    return fs_join(path, store_dir(e->store), "catalogue", err);
}

/* The position in "<position>.segment", or -1. */
static int64_t position_of(struct str name)
{
    int64_t position;
    struct str suffix = STR_LIT(".segment");
    if (!str_ends(name, suffix))
        return -1;
    name.n -= suffix.n;
    return str_parse_i64(name, 0, INT64_MAX, &position, NULL) == ERR_OK ? position : -1;
}

static enum err_code use_file(const char *dir, int64_t position, unsigned flags,
                              struct segment **out, struct err *err)
{
    char name[64], path[FS_PATH_MAX];
    snprintf(name, sizeof name, "%019" PRId64 "%s", position, SUFFIX);
    enum err_code code = fs_join(path, dir, name, err);
    return code == ERR_OK ? segment_open_file(path, flags, out, err) : code;
}

/* Is the file made for the languages of this shop? */
static bool speaks(const struct engine *e, const struct segment *s)
{
    if (s->languages != e->shop.languages_len + 1)
        return false;
    for (size_t i = 0; i < e->shop.languages_len; i++)
        if (segment_language(s, e->shop.languages[i]) == 0)
            return false;
    return true;
}

enum err_code open_catalogue(struct engine *e, int64_t oldest, int64_t newest, int64_t *position,
                             struct err *err)
{
    char dir[FS_PATH_MAX];
    struct arena arena;
    struct str *names;
    size_t n;
    struct fs_info info;
    *position = 0;
    enum err_code code = catalogue_dir(e, dir, err);
    if (code == ERR_OK)
        code = fs_stat(dir, &info, err);
    if (code != ERR_OK || !info.exists)
        return code;
    arena_init(&arena, 0, 1 << 20);
    code = fs_list_dir(dir, FILES_MAX, &arena, &names, &n, err);
    /* Names are padded, so the last one is the newest. */
    for (size_t i = n; code == ERR_OK && i-- > 0 && *position == 0;) {
        struct err why;
        struct segment *segment;
        int64_t at = position_of(names[i]);
        if (at <= 0 || at + 1 < oldest || at > newest)
            continue;
        if (use_file(dir, at, 0, &segment, &why) != ERR_OK) {
            log_warn("catalogue file is not used", LOG_I64("position", at), LOG_ERR_TEXT(&why));
            continue;
        }
        if (!speaks(e, segment)) {
            segment_close(segment);
            continue;
        }
        code = add_overlay(e, segment, NULL, 0, err);
        *position = at;
    }
    arena_release(&arena);
    return code;
}

enum err_code engine_oldest_file(struct store *store, int64_t *position, struct err *err)
{
    char dir[FS_PATH_MAX];
    struct arena arena;
    struct str *names;
    size_t n = 0;
    struct fs_info info;
    *position = 0;
    enum err_code code = fs_join(dir, store_dir(store), "catalogue", err);
    if (code == ERR_OK)
        code = fs_stat(dir, &info, err);
    if (code != ERR_OK || !info.exists)
        return code;
    arena_init(&arena, 0, 1 << 20);
    code = fs_list_dir(dir, FILES_MAX, &arena, &names, &n, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        int64_t at = position_of(names[i]);
        if (at > 0 && (*position == 0 || at < *position))
            *position = at;
    }
    arena_release(&arena);
    return code;
}

/* All but the file of this position: older ones, and those of a log that was replaced. */
static void remove_other_files(const char *dir, int64_t position)
{
    struct arena arena;
    struct str *names;
    size_t n;
    arena_init(&arena, 0, 1 << 20);
    if (fs_list_dir(dir, FILES_MAX, &arena, &names, &n, NULL) == ERR_OK)
        for (size_t i = 0; i < n; i++) {
            char path[FS_PATH_MAX];
            int64_t at = position_of(names[i]);
            struct err why;
            if (at >= 0 && at != position && fs_join(path, dir, names[i].p, NULL) == ERR_OK &&
                fs_remove_file(path, &why) != ERR_OK)
                log_warn("old catalogue file stays", LOG_I64("position", at), LOG_ERR_TEXT(&why));
        }
    arena_release(&arena);
}

static enum err_code write_folded(struct engine *e, const struct view *from, int64_t position,
                                  const char *dir, struct err *err)
{
    char name[64], path[FS_PATH_MAX];
    snprintf(name, sizeof name, "%019" PRId64 "%s", position, SUFFIX);
    enum err_code code = fs_mkdirs(dir, err);
    if (code == ERR_OK)
        code = fs_join(path, dir, name, err);
    if (code == ERR_OK)
        code =
            catalogue_write(from->catalogue, e->shop.languages, e->shop.languages_len, path, err);
    return code;
}

/* Pin the segments of the present view. Returns it; the caller gives it back. *position is how far
 * it goes: what was applied before it was taken is in it, though entries that concern no product
 * made no new view. */
static struct view *pin(struct engine *e, uint32_t slots[CATALOGUE_SLOTS], size_t *n,
                        int64_t *position)
{
    *n = 0;
    pthread_mutex_lock(&e->build_lock);
    *position = atomic_load(&e->shown);
    struct view *from = engine_view(e);
    if (from->position > *position)
        *position = from->position;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        if (from->catalogue->segments[slot]) {
            slots[(*n)++] = slot;
            e->pinned[slot] = true;
        }
    pthread_mutex_unlock(&e->build_lock);
    return from;
}

/* Put folded (NULL: the fold failed) in the place of the segments that it was made from. */
static enum err_code unpin(struct engine *e, const uint32_t *slots, size_t n,
                           struct segment *folded, struct err *err)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&e->build_lock);
    if (folded)
        code = replace(e, slots, n, folded, err);
    memset(e->pinned, 0, sizeof e->pinned);
    pthread_mutex_unlock(&e->build_lock);
    return code;
}

static enum err_code fold(struct engine *e, const char *dir, struct err *err)
{
    uint32_t slots[CATALOGUE_SLOTS];
    size_t n;
    struct segment *folded = NULL;
    int64_t position;
    struct view *from = pin(e, slots, &n, &position);
    enum err_code code = ERR_OK, swapped;
    if (position > 0)
        code = write_folded(e, from, position, dir, err);
    if (code == ERR_OK && position > 0)
        code = use_file(dir, position, SEGMENT_TRUSTED, &folded, err);
    swapped = unpin(e, slots, n, folded, code == ERR_OK ? err : NULL);
    view_unref(from);
    if (code == ERR_OK)
        code = swapped;
    if (code == ERR_OK && position > 0)
        remove_other_files(dir, position);
    return code;
}

enum err_code engine_fold(struct engine *e, struct err *err)
{
    char dir[FS_PATH_MAX];
    enum err_code code = catalogue_dir(e, dir, err);
    if (code != ERR_OK)
        return code;
    pthread_mutex_lock(&e->fold_lock);
    code = fold(e, dir, err);
    pthread_mutex_unlock(&e->fold_lock);
    return code;
}
