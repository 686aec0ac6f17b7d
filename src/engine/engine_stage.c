/* engine_stage.c - a full feed is many transactions, and readers see it as one.
 *
 * Model:   what a feed changes comes as CHANGE_STAGE and is applied aside: texts to a catalogue of its own
 *          (top), prices, stock and status to a copy of the live columns. CHANGE_SHOW lays top over the
 *          catalogue and swaps both in, in one view; a request that has the view before goes on with all
 *          of the old.
 * Others:  what others change meanwhile is seen at once, as ever, and goes aside, too. The record has one
 *          row a product, so a change of stock alone brings the feed's price with it: what equals the
 *          feed's is not yet shown, what differs from it was changed by somebody else since. An entry
 *          of the log does not tell what the record was then: a product that others write in the very
 *          moment before the feed does may be seen as the feed has it.
 * Cost:    the live columns once more (64 bytes a product), and the feed's products indexed, while it lasts.
 * Crash:   replays begin before the feed's first entry. What a server that ended had stored of a feed is
 *          shown by the next one from its start. */
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/products.h"

static enum err_code open_stage(struct engine *e, struct err *err)
{
    struct stage *s = &e->stage;
    if (s->open)
        return ERR_OK;
    struct live *live = live_clone(e->live);
    if (!live)
        return err_set(err, ERR_MEMORY, "no memory for the live columns of a feed");
    *s = (struct stage){.open = true, .before = e->position, .live = live, .top = catalogue_new()};
    return ERR_OK;
}

void stage_release(struct engine *e)
{
    struct stage *s = &e->stage;
    live_unref(s->live);
    catalogue_unref(s->top);
    map_u64_release(&s->numbers);
    map_u64_release(&s->changed);
    map_u64_release(&s->removed);
    *s = (struct stage){0};
}

/* --- what comes ------------------------------------------------------------------------------ */

static void touch(struct stage *s, uint64_t no, bool deleted)
{
    map_u64_remove(deleted ? &s->changed : &s->removed, no);
    *map_u64_at(deleted ? &s->removed : &s->changed, no, NULL) = 1;
}

enum err_code stage_numbers(struct engine *e, int64_t first, int64_t last, struct err *err)
{
    enum err_code code = open_stage(e, err);
    for (int64_t no = first; code == ERR_OK && no <= last; no++) {
        *map_u64_at(&e->stage.numbers, (uint64_t)no, NULL) = 1;
        touch(&e->stage, (uint64_t)no, false);
    }
    return code;
}

void stage_touched(struct engine *e, int64_t first, int64_t last, bool deleted)
{
    for (int64_t no = first; e->stage.open && no <= last; no++)
        if (map_u64_find(&e->stage.numbers, (uint64_t)no))
            touch(&e->stage, (uint64_t)no, deleted);
}

/* What readers may see now of a row that the feed has changed and somebody else after it. */
static struct live_row shown_row(const struct engine *e, uint32_t product_no,
                                 const struct live_row *row)
{
    struct live_row shown = *row, now, feed;
    if (!map_u64_find(&e->stage.numbers, product_no))
        return shown;
    live_get(e->live, product_no, &now);
    live_get(e->stage.live, product_no, &feed);
    if (row->price_minor == feed.price_minor && row->list_price_minor == feed.list_price_minor &&
        row->cost_minor == feed.cost_minor && row->currency == feed.currency) {
        shown.price_minor = now.price_minor;
        shown.list_price_minor = now.list_price_minor;
        shown.cost_minor = now.cost_minor;
        shown.currency = now.currency;
    }
    if (row->status == feed.status)
        shown.status = now.status;
    return shown;
}

enum err_code stage_live(struct engine *e, uint32_t product_no, const struct live_row *row,
                         enum change_op op, struct err *err)
{
    if (!e->stage.open)
        return live_set(e->live, product_no, row, err);
    struct live_row shown = op == CHANGE_LIVE ? shown_row(e, product_no, row) : *row;
    enum err_code code = live_set(e->stage.live, product_no, row, err);
    return code == ERR_OK && op != CHANGE_STAGE ? live_set(e->live, product_no, &shown, err) : code;
}

/* --- indexing -------------------------------------------------------------------------------- */

static void replace_top(struct stage *s, struct catalogue *next)
{
    catalogue_unref(s->top);
    s->top = next;
}

static enum err_code merge_top(struct engine *e, struct err *err)
{
    static const bool nothing_pinned[CATALOGUE_SLOTS];
    uint32_t slots[CATALOGUE_MERGE_MAX];
    struct stage *s = &e->stage;
    size_t n;
    while ((n = catalogue_merge_due(s->top, UINT32_MAX, nothing_pinned, slots)) > 0) {
        struct segment *merged;
        struct catalogue *next;
        enum err_code code = catalogue_merge(s->top, slots, n, e->shop.languages,
                                             e->shop.languages_len, &merged, err);
        if (code != ERR_OK)
            return code;
        code = catalogue_replace(s->top, slots, n, merged, &next, err);
        if (code != ERR_OK) {
            segment_close(merged);
            return code;
        }
        replace_top(s, next);
    }
    return ERR_OK;
}

enum err_code stage_index(struct engine *e, struct db *db, struct err *err)
{
    struct stage *s = &e->stage;
    struct segment *segment = NULL;
    struct catalogue *next;
    enum err_code code = ERR_OK;
    if (s->changed.len == 0 && s->removed.len == 0)
        return ERR_OK;
    uint32_t *changed = sorted_numbers(&s->changed), *removed = sorted_numbers(&s->removed);
    if (s->changed.len)
        code = build_overlay(e, db, changed, s->changed.len, &segment, err);
    if (code == ERR_OK && segment && segment->docs == 0) {
        segment_close(segment);
        segment = NULL;
    }
    if (code == ERR_OK) {
        code = catalogue_add(s->top, segment, removed, s->removed.len, &next, err);
        if (code != ERR_OK)
            segment_close(segment);
    }
    if (code == ERR_OK) {
        replace_top(s, next);
        map_u64_release(&s->changed);
        map_u64_release(&s->removed);
        code = merge_top(e, err);
    }
    mem_free(changed);
    mem_free(removed);
    return code;
}

/* --- showing --------------------------------------------------------------------------------- */

static enum err_code swap(struct engine *e, struct err *err)
{
    struct catalogue *c;
    enum err_code code = catalogue_overlay(e->view->catalogue, e->stage.top, &c, err);
    if (code != ERR_OK)
        return code;
    live_unref(e->live);
    e->live = live_ref(e->stage.live);
    stage_release(e);
    show_catalogue(e, c, shown_position(e));
    return ERR_OK;
}

enum err_code stage_show(struct engine *e, struct db *db, struct err *err)
{
    if (!e->stage.open)
        return ERR_OK;
    /* What others changed first: the feed's documents, which are as new, come over them. */
    enum err_code code = index_changed(e, db, err);
    if (code == ERR_OK)
        code = stage_index(e, db, err);
    if (code != ERR_OK)
        return code;
    pthread_mutex_lock(&e->build_lock);
    code = swap(e, err);
    pthread_mutex_unlock(&e->build_lock);
    e->shelves_stale = true;
    e->shelves_at_ns = 0;
    return code;
}
