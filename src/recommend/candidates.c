#include "recommend/candidates.h"

enum err_code candidates_init(struct candidates *c, struct arena *arena, struct err *err)
{
    *c = (struct candidates){0};
    c->items = arena_try_alloc(arena, CANDIDATES_MAX * sizeof *c->items);
    c->slots = arena_try_alloc(arena, CANDIDATES_SLOTS * sizeof *c->slots);
    c->touched = arena_try_alloc(arena, CANDIDATES_MAX * sizeof *c->touched);
    if (!c->items || !c->slots || !c->touched)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    memset(c->slots, 0, CANDIDATES_SLOTS * sizeof *c->slots);
    return ERR_OK;
}

/* The slot that holds the product, or the empty one where it belongs. */
static uint16_t *slot_of(const struct candidates *c, uint32_t product_no)
{
    uint32_t at = product_no * 0x9e3779b1u >> 19;
    while (c->slots[at] && c->items[c->slots[at] - 1].product_no != product_no)
        at = (at + 1) % CANDIDATES_SLOTS;
    return &c->slots[at];
}
_Static_assert(CANDIDATES_SLOTS == 1 << (32 - 19), "the hash's upper bits number the slots");
_Static_assert(CANDIDATES_SLOTS > CANDIDATES_MAX, "some slot is always empty");

/* The entry of a product, made if there is room; NULL otherwise. */
static struct candidate *entry(struct candidates *c, uint32_t product_no)
{
    uint16_t *slot = slot_of(c, product_no);
    if (*slot == 0) {
        if (c->len == CANDIDATES_MAX)
            return NULL;
        c->items[c->len] = (struct candidate){.product_no = product_no};
        *slot = (uint16_t)++c->len;
    }
    return &c->items[*slot - 1];
}

bool candidates_barred(const struct candidates *c, uint32_t product_no)
{
    uint16_t slot = *slot_of(c, product_no);
    return slot && c->items[slot - 1].barred;
}

void candidates_bar(struct candidates *c, uint32_t product_no)
{
    struct candidate *item = entry(c, product_no);
    if (item)
        item->barred = true;
}

void candidates_add(struct candidates *c, uint32_t product_no, float part, enum reason_code reason,
                    uint32_t because)
{
    struct candidate *item = entry(c, product_no);
    if (!item || item->barred || !(part > 0))
        return;
    if (item->part == 0)
        c->touched[c->touched_len++] = (uint16_t)(item - c->items);
    item->part += part;
    if (part > item->part_best) {
        item->part_best = part;
        item->part_because = because;
        item->part_reason = reason;
    }
}

void candidates_close(struct candidates *c, float weight)
{
    float top = 0;
    for (uint32_t i = 0; i < c->touched_len; i++)
        if (c->items[c->touched[i]].part > top)
            top = c->items[c->touched[i]].part;
    for (uint32_t i = 0; i < c->touched_len; i++) {
        struct candidate *item = &c->items[c->touched[i]];
        float share = weight * item->part / top;
        item->total += share;
        if (share > item->reason_share) {
            item->reason_share = share;
            item->reason = item->part_reason;
            item->reason_product = item->part_because;
        }
        item->part = item->part_best = 0;
        item->part_because = 0;
    }
    c->touched_len = 0;
}
