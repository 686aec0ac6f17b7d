#include "eval/shown_lists.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

enum { FIRST_ROOM = 1024, NO_PLACE = -1 };

/* A page is looked at so long after it was opened. */
#define CONTEXT_US (1800 * CLOCK_US_PER_S)

/* A product of a list while events are read. */
struct entry {
    uint64_t hash;     /* of its list */
    int64_t opened_at; /* UTC us, the first time; 0: not yet */
    uint32_t list;
    uint32_t product_no;
    int32_t place; /* as told; NO_PLACE: not yet */
    uint8_t label;
};

struct beginning {
    uint64_t hash;
    int64_t time;
    uint32_t user_no, context;
    enum placement placement;
};

struct last_view {
    int64_t time;
    uint32_t product_no;
};

struct reading {
    const struct shown_options *o;
    size_t products_max;
    uint64_t mask;            /* lists with a hash that has none of these bits are kept */
    struct map_u64 list_of;   /* hash of a list to its index */
    struct map_u64 entry_of;  /* hash of a list and a product to its index */
    struct map_u64 viewed_of; /* shopper to index of viewed */
    struct beginning *lists;  /* [lists_len], owned */
    size_t lists_len, lists_cap;
    struct entry *entries; /* [entries_len], owned */
    size_t entries_len, entries_cap;
    struct last_view *viewed; /* [viewed_len], owned */
    size_t viewed_len, viewed_cap;
    struct walk_purchases purchases;
    struct map_u64 bought_of; /* shopper and product to the first of their purchases */
};

static enum err_code grow(void **p, size_t len, size_t *cap, size_t size, struct err *err)
{
    if (len < *cap)
        return ERR_OK;
    size_t wanted = *cap ? 2 * *cap : FIRST_ROOM;
    void *grown = mem_try_resize(*p, wanted, size);
    if (!grown)
        return err_set(err, ERR_MEMORY, "no memory for %zu products of lists", wanted);
    *p = grown;
    *cap = wanted;
    return ERR_OK;
}

static uint64_t pair_of(uint32_t user_no, uint32_t product_no)
{
    return (uint64_t)user_no << 32 | product_no;
}

static uint64_t entry_key(uint64_t list, uint32_t product_no)
{
    struct {
        uint64_t list, product_no;
    } key = {list, product_no};
    return XXH3_64bits(&key, sizeof key);
}

/* --- events ---------------------------------------------------------------------------------- */

static enum err_code note_view(struct reading *g, const struct event *e, struct err *err)
{
    bool added;
    uint64_t *at = map_u64_at(&g->viewed_of, e->user_no, &added);
    if (added) {
        *at = g->viewed_len;
        enum err_code code =
            grow((void **)&g->viewed, g->viewed_len, &g->viewed_cap, sizeof *g->viewed, err);
        if (code != ERR_OK)
            return code;
        g->viewed_len++;
    }
    g->viewed[*at] = (struct last_view){e->time, e->product_no};
    return ERR_OK;
}

static uint32_t context_at(const struct reading *g, const struct event *e, enum placement p)
{
    const uint64_t *at =
        placement_needs(p) == NEEDS_PRODUCT ? map_u64_find(&g->viewed_of, e->user_no) : NULL;
    return at && e->time - g->viewed[*at].time <= CONTEXT_US ? g->viewed[*at].product_no : 0;
}

/* The list of an event, which may be its first. */
static enum err_code list_at(struct reading *g, const struct event *e, uint64_t hash,
                             enum placement placement, uint32_t *out, struct err *err)
{
    bool added;
    uint64_t *at = map_u64_at(&g->list_of, hash, &added);
    if (added) {
        enum err_code code =
            grow((void **)&g->lists, g->lists_len, &g->lists_cap, sizeof *g->lists, err);
        if (code != ERR_OK)
            return code;
        *at = g->lists_len;
        g->lists[g->lists_len++] =
            (struct beginning){hash, e->time, e->user_no, context_at(g, e, placement), placement};
    }
    *out = (uint32_t)*at;
    return ERR_OK;
}

static enum err_code entry_at(struct reading *g, uint32_t list, uint64_t hash, uint32_t product_no,
                              struct entry **out, struct err *err)
{
    bool added;
    uint64_t *at = map_u64_at(&g->entry_of, entry_key(hash, product_no), &added);
    if (added) {
        enum err_code code =
            grow((void **)&g->entries, g->entries_len, &g->entries_cap, sizeof *g->entries, err);
        if (code != ERR_OK)
            return code;
        *at = g->entries_len;
        g->entries[g->entries_len++] =
            (struct entry){.hash = hash, .list = list, .product_no = product_no, .place = NO_PLACE};
    }
    *out = &g->entries[*at];
    return ERR_OK;
}

/* Keep half of the lists: maps are made anew, numbers of lists stay. */
static void thin(struct reading *g)
{
    size_t kept = 0;
    g->mask = g->mask << 1 | 1;
    map_u64_release(&g->entry_of);
    g->entry_of = (struct map_u64){0};
    for (size_t i = 0; i < g->entries_len; i++) {
        if (g->entries[i].hash & g->mask)
            continue;
        *map_u64_at(&g->entry_of, entry_key(g->entries[i].hash, g->entries[i].product_no), NULL) =
            kept;
        g->entries[kept++] = g->entries[i];
    }
    g->entries_len = kept;
}

static void take_act(struct entry *n, const struct event *e)
{
    uint8_t label = e->type == EVENT_IMPRESSION ? SHOWN_SEEN : SHOWN_OPENED;
    if (e->type == EVENT_ADD_TO_CART)
        label = SHOWN_CART;
    if (e->type == EVENT_PURCHASE)
        label = SHOWN_BOUGHT;
    n->label = label > n->label ? label : n->label;
    if (label >= SHOWN_OPENED && n->opened_at == 0)
        n->opened_at = e->time;
    if (n->place == NO_PLACE && e->position >= 0)
        n->place = e->position;
}

static bool is_told(enum event_type type)
{
    return type == EVENT_IMPRESSION || type == EVENT_CLICK || type == EVENT_VIEW ||
           type == EVENT_FAVOURITE || type == EVENT_ADD_TO_CART || type == EVENT_PURCHASE;
}

static enum err_code take_list_event(struct reading *g, const struct event *e, struct err *err)
{
    uint8_t bytes[LIST_ID_BYTES];
    struct list_facts facts;
    enum placement placement;
    struct entry *entry;
    uint32_t list;
    uint64_t hash = XXH3_64bits(e->request_id.p, e->request_id.n);
    if ((hash & g->mask) || !list_id_read(g->o->key, e->request_id, bytes, &facts) ||
        !placement_of(facts.placement, &placement) || !(g->o->placements >> placement & 1))
        return ERR_OK;
    enum err_code code = list_at(g, e, hash, placement, &list, err);
    if (code != ERR_OK || g->lists[list].user_no != e->user_no)
        return code; /* another shopper's hands are no evidence */
    code = entry_at(g, list, hash, e->product_no, &entry, err);
    if (code != ERR_OK)
        return code;
    take_act(entry, e);
    while (g->entries_len > g->products_max && g->mask != UINT64_MAX)
        thin(g);
    return ERR_OK;
}

static enum err_code take_event(void *arg, const struct event *e, bool *enough, struct err *err)
{
    struct reading *g = arg;
    enum err_code code = ERR_OK;
    *enough = false;
    if (e->product_no == 0 || e->user_no == 0 || !is_told(e->type))
        return ERR_OK;
    if (e->request_id.n)
        code = take_list_event(g, e, err);
    if (code == ERR_OK && (e->type == EVENT_VIEW || e->type == EVENT_CLICK))
        code = note_view(g, e, err);
    return code;
}

/* --- purchases ------------------------------------------------------------------------------- */

static void index_purchases(struct reading *g)
{
    for (size_t i = 0; i < g->purchases.len; i++) {
        bool added;
        const struct walk_purchase *p = &g->purchases.items[i];
        uint64_t *first = map_u64_at(&g->bought_of, pair_of(p->user_no, p->product_no), &added);
        if (added)
            *first = i;
    }
}

/* Within the time after it was opened? */
static bool is_bought(const struct reading *g, uint32_t user_no, const struct entry *n)
{
    const uint64_t *first =
        n->opened_at ? map_u64_find(&g->bought_of, pair_of(user_no, n->product_no)) : NULL;
    for (size_t i = first ? *first : g->purchases.len; i < g->purchases.len; i++) {
        const struct walk_purchase *p = &g->purchases.items[i];
        if (p->user_no != user_no || p->product_no != n->product_no)
            break;
        if (p->time >= n->opened_at && p->time - n->opened_at <= SHOWN_WINDOW_US)
            return true;
    }
    return false;
}

/* --- lists ----------------------------------------------------------------------------------- */

static int by_list_and_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->list != y->list)
        return x->list < y->list ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return (x->product_no > y->product_no) - (x->product_no < y->product_no);
}

/* The entries [from, to) are a list: its products, unless it is none that can be learned from. */
static void finish_list(struct reading *g, size_t from, size_t to, struct shown_lists *out)
{
    const struct beginning *b = &g->lists[g->entries[from].list];
    while (from < to && g->entries[from].place == NO_PLACE) { /* these stand first */
        out->without_place++;
        from++;
    }
    if (from == to)
        return;
    for (size_t i = from + 1; i < to; i++)
        if (g->entries[i].place == g->entries[i - 1].place) {
            out->pages++;
            return;
        }
    if (placement_needs(b->placement) == NEEDS_PRODUCT && b->context == 0) {
        out->without_context++;
        return;
    }
    int64_t first = g->entries[from].place == 0 ? 0 : 1; /* what it counts from */
    out->items[out->len++] = (struct shown_list){.time = b->time,
                                                 .at = out->products_len,
                                                 .len = (uint32_t)(to - from),
                                                 .user_no = b->user_no,
                                                 .context = b->context,
                                                 .placement = b->placement};
    for (size_t i = from; i < to; i++) {
        const struct entry *n = &g->entries[i];
        int64_t place = n->place - first + 1;
        out->products[out->products_len++] = (struct shown_product){
            n->product_no, (uint16_t)(place < SHOWN_PLACES ? place : SHOWN_PLACES),
            is_bought(g, b->user_no, n) ? SHOWN_BOUGHT : n->label};
    }
}

static enum err_code finish(struct reading *g, struct shown_lists *out, struct err *err)
{
    out->items = mem_try_new(g->lists_len + 1, sizeof *out->items);
    out->products = mem_try_new(g->entries_len + 1, sizeof *out->products);
    if (!out->items || !out->products)
        return err_set(err, ERR_MEMORY, "no memory for %zu products of lists", g->entries_len);
    if (g->entries_len > 1)
        qsort(g->entries, g->entries_len, sizeof *g->entries, by_list_and_place);
    for (size_t from = 0, to; from < g->entries_len; from = to) {
        to = from + 1;
        while (to < g->entries_len && g->entries[to].list == g->entries[from].list)
            to++;
        finish_list(g, from, to, out);
    }
    out->one_in = (uint32_t)(g->mask < UINT32_MAX ? g->mask + 1 : UINT32_MAX);
    return ERR_OK;
}

enum err_code shown_lists_read(const struct shown_options *o, struct shown_lists *out,
                               struct err *err)
{
    struct reading g = {.o = o,
                        .products_max = o->products_max ? o->products_max : SHOWN_PRODUCTS_MAX};
    *out = (struct shown_lists){0};
    enum err_code code = walk_events(&o->reading, take_event, &g, err);
    if (code == ERR_OK && g.entries_len)
        code = walk_purchases_read(&o->reading, &g.purchases, err);
    index_purchases(&g);
    if (code == ERR_OK)
        code = finish(&g, out, err);
    map_u64_release(&g.list_of);
    map_u64_release(&g.entry_of);
    map_u64_release(&g.viewed_of);
    map_u64_release(&g.bought_of);
    walk_purchases_release(&g.purchases);
    mem_free(g.lists);
    mem_free(g.entries);
    mem_free(g.viewed);
    return code;
}

void shown_lists_release(struct shown_lists *s)
{
    mem_free(s->items);
    mem_free(s->products);
    *s = (struct shown_lists){0};
}
