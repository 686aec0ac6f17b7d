#include "ingest/returns.h"

#include <xxhash.h>

#include "base/mem.h"

void returns_release(struct returns *r)
{
    map_u64_release(&r->newest);
    mem_free(r->sales);
    *r = (struct returns){0};
}

static uint64_t key_of(struct str user, struct str product)
{
    return XXH3_64bits_withSeed(product.p, product.n, XXH3_64bits(user.p, user.n));
}

void returns_sale(struct returns *r, struct str user, struct str product,
                  const struct returns_sale *sale)
{
    if (user.n == 0 || product.n == 0 || r->len == RETURNS_SALES_MAX)
        return;
    if (r->len == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 4096;
        r->sales = mem_resize(r->sales, r->cap, sizeof *r->sales);
    }
    uint64_t *newest = map_u64_at(&r->newest, key_of(user, product), NULL);
    r->sales[r->len] = *sale;
    r->sales[r->len].before = (uint32_t)*newest;
    *newest = ++r->len;
}

bool returns_match(struct returns *r, struct str user, struct str product, int64_t time,
                   int64_t quantity, int64_t price_micro, int64_t *order_no, uint32_t *ordinal)
{
    uint64_t *newest = user.n && product.n ? map_u64_find(&r->newest, key_of(user, product)) : NULL;
    struct returns_sale *found = NULL;
    uint64_t at = newest ? *newest : 0;
    for (unsigned looked = 0; at && looked < RETURNS_DEPTH; looked++) {
        struct returns_sale *s = &r->sales[at - 1];
        at = s->before;
        if (s->time > time || s->left < quantity)
            continue;
        if (s->price_micro == price_micro) {
            found = s;
            break;
        }
        if (!found)
            found = s;
    }
    if (!found)
        return false;
    found->left -= quantity;
    *order_no = found->order_no;
    *ordinal = found->ordinal;
    return true;
}
