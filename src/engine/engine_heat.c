/* engine_heat.c - heat that is taken back: of feedback that was withdrawn, and of shoppers who were erased.
 *
 * Model:   an act's heat goes as it came, decayed the same (live_heat_take), so that what is left is what it would be had
 *          the act never been. Taken back is only what was counted: a start leaves out what was withdrawn or erased by
 *          then, and the follower does not see an event that was withdrawn or whose shopper was erased in the snapshot in
 *          which it reads it. A sight says up to which event everything had been read before a snapshot saw an entry first.
 * Erased:  events have no index by shopper, so that writing them stays cheap. One walk over those that the heat was
 *          counted of takes back the acts of all who were erased by then, BUDGET_MS at a time between what else the
 *          follower does. Compaction waits for it (engine_is_cool).
 * Orders:  an erased shopper's orders stay in the record as sales of nobody, and so does their heat. */
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/events.h"

enum { BUDGET_MS = 50, PIECE_EVENTS = 20000 };

/* --- what was counted ------------------------------------------------------------------------ */

static void forget_sights(struct engine *e)
{
    struct cooling *c = &e->cooling;
    size_t gone = 0;
    while (gone < c->sights_len && c->sights[gone].newest <= e->position)
        gone++;
    c->sights_len -= gone;
    if (gone)
        memmove(c->sights, c->sights + gone, c->sights_len * sizeof *c->sights);
}

enum err_code note_sight(struct engine *e, struct db *db, struct err *err)
{
    struct cooling *c = &e->cooling;
    int64_t oldest, newest;
    enum err_code code = changes_range(db, &oldest, &newest, err);
    forget_sights(e);
    bool more = c->sights_len == 0 || c->sights[c->sights_len - 1].newest < newest;
    if (code != ERR_OK || newest <= e->position || !more)
        return code;
    if (c->sights_len == c->sights_cap) {
        c->sights_cap = c->sights_cap ? 2 * c->sights_cap : 16;
        c->sights = mem_resize(c->sights, c->sights_cap, sizeof *c->sights);
    }
    c->sights[c->sights_len++] = (struct sight){newest, c->events};
    return ERR_OK;
}

int64_t counted_before(const struct engine *e, int64_t position)
{
    const struct cooling *c = &e->cooling;
    if (position <= e->log_ends)
        return 0;
    for (size_t i = 0; i < c->sights_len; i++)
        if (position <= c->sights[i].newest)
            return c->sights[i].events;
    return c->events;
}

/* --- erased shoppers ------------------------------------------------------------------------- */

void note_erased(struct engine *e, uint32_t user_no, int64_t position)
{
    int64_t counted = counted_before(e, position);
    if (counted <= e->heat_first)
        return;
    *map_u64_at(&e->cooling.next, user_no, NULL) = (uint64_t)counted;
    atomic_store(&e->cool, false);
}

static void begin_walk(struct engine *e)
{
    struct cooling *c = &e->cooling;
    size_t pos = 0;
    uint64_t user_no, counted;
    c->erased = c->next;
    c->next = (struct map_u64){0};
    c->at = e->heat_first;
    c->last = 0;
    while (map_u64_next(&c->erased, &pos, &user_no, &counted))
        if ((int64_t)counted > c->last)
            c->last = (int64_t)counted;
}

static enum err_code walk_piece(struct engine *e, struct db *db, int64_t last, struct err *err)
{
    struct cooling *c = &e->cooling;
    struct db_rows rows = {0};
    struct event_act act;
    bool more;
    enum err_code code = event_acts_erased(db, c->at, last, &rows, err);
    while (code == ERR_OK && (code = event_acts_next(&rows, &act, &more, err)) == ERR_OK && more) {
        const uint64_t *counted = map_u64_find(&c->erased, act.user_no);
        if (counted && act.seq <= (int64_t)*counted &&
            !is_ahead(e, act.feedback, act.seq, act.time))
            cool(e, act.product_no, act.type, act.time);
        c->at = act.seq; /* what is taken back is so once, whatever fails */
    }
    db_rows_close(&rows);
    if (code == ERR_OK)
        c->at = last;
    return code;
}

enum err_code cool_erased(struct engine *e, struct err *err)
{
    struct cooling *c = &e->cooling;
    int64_t until_ns = clock_mono_ns() + BUDGET_MS * 1000000LL;
    enum err_code code = ERR_OK;
    if (c->erased.len == 0 && c->next.len)
        begin_walk(e);
    while (c->erased.len && code == ERR_OK && clock_mono_ns() < until_ns) {
        struct db *db;
        int64_t last = c->last - c->at > PIECE_EVENTS ? c->at + PIECE_EVENTS : c->last;
        code = store_read_begin(e->store, &db, err);
        if (code != ERR_OK)
            break;
        code = walk_piece(e, db, last, err);
        store_read_end(e->store, db);
        if (c->at >= c->last) {
            map_u64_release(&c->erased);
            c->erased = (struct map_u64){0};
        }
    }
    atomic_store(&e->cool, c->erased.len == 0 && c->next.len == 0);
    return code;
}

void release_cooling(struct engine *e)
{
    mem_free(e->cooling.sights);
    map_u64_release(&e->cooling.erased);
    map_u64_release(&e->cooling.next);
}
