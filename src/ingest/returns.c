#include "ingest/returns.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "ingest/pages.h"
#include "store/orders.h"

#include "base/check.h"

struct piece {
    int64_t order_no;
    int64_t time;          /* UTC us */
    int64_t price_micro;   /* of one */
    int64_t left;          /* a sale's pieces that have not come back; a return's own */
    int64_t sale_order_no; /* of a return: as it is stored */
    uint32_t sale_ordinal;
    uint32_t ordinal;
    uint32_t product_no;
    uint32_t before; /* index + 1 of the older sale of the product */
    bool back;       /* a return */
};

struct lines {
    struct piece *pieces; /* [len] owned */
    size_t len, cap;
    size_t backs;
    struct map_u64 sales; /* their keys */
};

static uint64_t key_of(int64_t order_no, uint32_t ordinal)
{
    return (uint64_t)pages_line(order_no, ordinal);
}

static void add_piece(struct lines *all, const struct order_line_row *row)
{
    const struct order_line *l = &row->line;
    bool back = l->kind == LINE_RETURN;
    if (all->len == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 256;
        all->pieces = mem_resize(all->pieces, all->cap, sizeof *all->pieces);
    }
    all->pieces[all->len++] = (struct piece){.order_no = row->order_no,
                                             .time = row->placed_at,
                                             .price_micro = l->unit_price_micro,
                                             .left = l->quantity,
                                             .sale_order_no = l->sale_order_no,
                                             .sale_ordinal = l->sale_ordinal,
                                             .ordinal = l->ordinal,
                                             .product_no = l->product_no,
                                             .back = back};
    all->backs += back;
}

static enum err_code read_lines(struct db *db, uint32_t user_no, struct lines *all, struct err *err)
{
    struct db_rows rows = {0};
    bool more = true;
    enum err_code rc = order_lines_of_user(db, user_no, &rows, err);
    while (rc == ERR_OK && more && all->len < RETURNS_LINES_MAX) {
        struct order_line_row row;
        rc = order_lines_next(&rows, &row, &more, err);
        if (rc == ERR_OK && more && row.line.kind != LINE_ADJUSTMENT && row.line.product_no)
            add_piece(all, &row);
    }
    db_rows_close(&rows);
    if (all->len == RETURNS_LINES_MAX)
        all->backs = 0;
    return rc;
}

#define SIGN_OF(a, b) (((a) > (b)) - ((a) < (b)))

/* By time; at one time what was sold before what came back, then as they were stored. */
static int by_time(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    int signs[] = {SIGN_OF(x->time, y->time), SIGN_OF(x->back, y->back),
                   SIGN_OF(x->order_no, y->order_no), SIGN_OF(x->ordinal, y->ordinal)};
    for (size_t i = 0; i < 4; i++)
        if (signs[i])
            return signs[i];
    return 0;
}

static struct piece *find_sale(const struct lines *all, uint64_t newest, const struct piece *back)
{
    struct piece *found = NULL;
    uint64_t at = newest;
    for (unsigned looked = 0; at && looked < RETURNS_DEPTH; looked++) {
        struct piece *sale = &all->pieces[at - 1];
        at = sale->before;
        if (sale->left < back->left)
            continue;
        if (sale->price_micro == back->price_micro)
            return sale;
        if (!found)
            found = sale;
    }
    return found;
}

/* Only what is news is written. A sale of which we know nothing was told by somebody who does. */
static enum err_code set_sale(struct store_tx *tx, const struct lines *all, const struct piece *p,
                              const struct piece *sale, struct err *err)
{
    int64_t order_no = sale ? sale->order_no : 0;
    uint32_t ordinal = sale ? sale->ordinal : 0;
    bool same = p->sale_order_no == order_no && (order_no == 0 || p->sale_ordinal == ordinal);
    if (same ||
        (p->sale_order_no && !map_u64_find(&all->sales, key_of(p->sale_order_no, p->sale_ordinal))))
        return ERR_OK;
    return order_line_set_sale(tx, p->order_no, p->ordinal, order_no, ordinal, err);
}

/* Through the pieces by time, the sales of each product in a chain from the newest. */
static enum err_code match_all(struct store_tx *tx, struct lines *all, struct err *err)
{
    struct map_u64 newest = {0}; /* product -> index + 1 */
    enum err_code rc = ERR_OK;
    qsort(all->pieces, all->len, sizeof *all->pieces, by_time);
    for (size_t i = 0; i < all->len; i++)
        if (!all->pieces[i].back)
            (void)map_u64_at(&all->sales, key_of(all->pieces[i].order_no, all->pieces[i].ordinal),
                             NULL);
    for (size_t i = 0; rc == ERR_OK && i < all->len; i++) {
        struct piece *p = &all->pieces[i];
        uint64_t *chain = map_u64_at(&newest, p->product_no, NULL);
        if (!p->back) {
            p->before = (uint32_t)*chain;
            *chain = i + 1;
            continue;
        }
        struct piece *sale = find_sale(all, *chain, p);
        if (sale)
            sale->left -= p->left;
        rc = set_sale(tx, all, p, sale, err);
    }
    map_u64_release(&newest);
    return rc;
}

enum err_code returns_match(struct store_tx *tx, uint32_t user_no, struct err *err)
{
    struct lines all = {0};
    enum err_code rc = read_lines(tx->db, user_no, &all, err);
    if (rc == ERR_OK && all.backs)
        rc = match_all(tx, &all, err);
    mem_free(all.pieces);
    map_u64_release(&all.sales);
    return rc;
}
