#include "eval/decisions.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/map.h"
#include "base/mem.h"
#include "store/products.h"

enum { FIRST_ROOM = 1024, LINES = 2000 };

struct decision {
    int64_t time;
    uint32_t user_no, product_no;
    uint32_t kind; /* of the list: index of kinds */
    float propensity;
    uint8_t rank;
    bool opened;
};

/* Placement and model, of which there are few. */
struct kind {
    char placement[LIST_PLACEMENT_MAX + 1], model[LIST_MODEL_MAX + 1];
};

struct gathering {
    const struct list_key *key;
    struct map_u64 of_list; /* hash of a list to decision + 1; 0: opened, and not seen yet */
    struct decision *items; /* [len], owned */
    size_t len, cap;
    struct map_str kind_of; /* "placement\1model" to index */
    struct kind *kinds;     /* [kind_of.len], owned */
};

/* --- gathering ------------------------------------------------------------------------------- */

static uint32_t kind_of(struct gathering *g, const struct list_facts *f)
{
    char name[LIST_PLACEMENT_MAX + LIST_MODEL_MAX + 2];
    bool added;
    int n = snprintf(name, sizeof name, "%.*s\1%.*s", STR_ARG(f->placement), STR_ARG(f->model));
    uint64_t *at = map_str_at(&g->kind_of, (struct str){name, (size_t)n}, &added);
    if (added) {
        *at = g->kind_of.len - 1;
        g->kinds = mem_resize(g->kinds, g->kind_of.len, sizeof *g->kinds);
        struct kind *kind = &g->kinds[*at];
        snprintf(kind->placement, sizeof kind->placement, "%.*s", STR_ARG(f->placement));
        snprintf(kind->model, sizeof kind->model, "%.*s", STR_ARG(f->model));
    }
    return (uint32_t)*at;
}

static enum err_code add_decision(struct gathering *g, const struct decision *d, struct err *err)
{
    if (g->len == DECISIONS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d decisions: ask for a shorter time",
                       DECISIONS_MAX);
    if (g->len == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : FIRST_ROOM;
        struct decision *grown = mem_try_resize(g->items, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu decisions", cap);
        g->items = grown;
        g->cap = cap;
    }
    g->items[g->len++] = *d;
    return ERR_OK;
}

static enum err_code take_event(void *arg, const struct event *e, bool *enough, struct err *err)
{
    struct gathering *g = arg;
    uint8_t bytes[LIST_ID_BYTES];
    struct list_facts facts;
    bool opened = e->type == EVENT_CLICK || e->type == EVENT_VIEW, added;
    *enough = false;
    if ((!opened && e->type != EVENT_IMPRESSION) || e->request_id.n == 0 ||
        !list_id_read(g->key, e->request_id, bytes, &facts) || facts.explored_no == 0 ||
        facts.explored_no != e->product_no)
        return ERR_OK;
    uint64_t *at = map_u64_at(&g->of_list, XXH3_64bits(e->request_id.p, e->request_id.n), &added);
    if (!added && *at > 0) {
        g->items[*at - 1].opened |= opened;
        return ERR_OK;
    }
    if (opened)
        return ERR_OK; /* it is in the map: so it was opened when it is seen */
    struct decision d = {.time = e->time,
                         .user_no = e->user_no,
                         .product_no = e->product_no,
                         .kind = kind_of(g, &facts),
                         .propensity = facts.propensity,
                         .rank = facts.explored_rank,
                         .opened = !added};
    *at = g->len + 1;
    return add_decision(g, &d, err);
}

/* --- writing --------------------------------------------------------------------------------- */

static enum err_code write_line(const struct gathering *g, const struct decision *d, struct db *db,
                                struct arena *arena, struct json_writer *w, struct err *err)
{
    const struct kind *kind = &g->kinds[d->kind];
    char context[16];
    struct str product = {0};
    enum err_code code = product_id_of(db, d->product_no, arena, &product, err);
    if (code != ERR_OK)
        return code;
    snprintf(context, sizeof context, "%u", d->user_no);
    jw_obj(w);
    JW_TIME(w, "time", d->time);
    JW_Z(w, "context", context);
    JW_Z(w, "placement", kind->placement);
    JW_Z(w, "model", kind->model[0] ? kind->model : NULL);
    JW_STR(w, "action", product);
    JW_I64(w, "rank", d->rank);
    JW_DECIMAL(w, "propensity", (double)d->propensity, 9);
    JW_I64(w, "reward", d->opened);
    JW_I64(w, "target_propensity", d->rank == 0);
    jw_obj_end(w);
    jw_newline(w);
    return ERR_OK;
}

static enum err_code write_page(const struct gathering *g, size_t from, size_t to,
                                struct store *store, struct json_writer *w, struct err *err)
{
    struct db *db;
    struct arena arena;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    arena_init(&arena, 0, LINES * (STORE_ID_MAX + 16));
    for (size_t i = from; i < to && code == ERR_OK; i++)
        code = write_line(g, &g->items[i], db, &arena, w, err);
    arena_release(&arena);
    store_read_end(store, db);
    return code;
}

enum err_code
decisions_write(const struct walk_reading *r, const struct list_key *key, struct json_writer *w,
                enum err_code (*flush)(void *arg, struct json_writer *w, struct err *err),
                void *arg, uint64_t *count, struct err *err)
{
    struct gathering g = {.key = key};
    enum err_code code = walk_events(r, take_event, &g, err);
    for (size_t at = 0; at < g.len && code == ERR_OK; at += LINES) {
        size_t end = at + LINES < g.len ? at + LINES : g.len;
        code = write_page(&g, at, end, r->store, w, err);
        if (code == ERR_OK)
            code = flush(arg, w, err);
    }
    *count = g.len;
    map_u64_release(&g.of_list);
    map_str_release(&g.kind_of);
    mem_free(g.items);
    mem_free(g.kinds);
    return code;
}
