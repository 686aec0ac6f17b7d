/* The returns of an import find their sales once all lines are stored: a sale may stand behind its
 * return in the file, in another file, or have waited in quarantine. */
#include <stdlib.h>

#include "base/mem.h"
#include "ingest/import_int.h"
#include "ingest/returns.h"
#include "store/orders.h"

enum { CHUNK = 64 }; /* orders, and so shoppers, in a transaction */

void import_note_returns(struct import *im, int64_t order_no)
{
    if (im->returns_len && im->returns[im->returns_len - 1] == order_no)
        return;
    if (im->returns_len == im->returns_cap) {
        im->returns_cap = im->returns_cap ? im->returns_cap * 2 : 1024;
        im->returns = mem_resize(im->returns, im->returns_cap, sizeof *im->returns);
    }
    im->returns[im->returns_len++] = order_no;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void sort_once_each(struct import *im)
{
    size_t n = 0;
    if (im->returns_len == 0)
        return;
    qsort(im->returns, im->returns_len, sizeof *im->returns, by_number);
    for (size_t i = 1; i < im->returns_len; i++)
        if (im->returns[i] != im->returns[n])
            im->returns[++n] = im->returns[i];
    im->returns_len = n + 1;
}

struct match {
    struct import *im;
    size_t from, to;     /* of im->returns */
    struct map_u64 done; /* shoppers */
    uint64_t matched;
};

static enum err_code count_matched(struct match *m, struct db *db, int64_t order_no,
                                   struct err *err)
{
    struct db_rows rows = {0};
    struct order_line_row row;
    bool more = true;
    enum err_code rc =
        order_lines_after(db, order_no - 1, UINT32_MAX, STORE_ORDER_LINES_MAX, &rows, err);
    while (rc == ERR_OK && (rc = order_lines_next(&rows, &row, &more, err)) == ERR_OK && more &&
           row.order_no == order_no)
        m->matched += row.line.kind == LINE_RETURN && row.line.sale_order_no;
    db_rows_close(&rows);
    return rc;
}

static enum err_code match_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct match *m = arg;
    enum err_code rc = ERR_OK;
    for (size_t i = m->from; rc == ERR_OK && i < m->to; i++) {
        uint32_t user_no;
        bool first = false;
        rc = order_user_no_of(tx->db, m->im->returns[i], &user_no, err);
        if (rc == ERR_OK && user_no)
            (void)map_u64_at(&m->done, user_no, &first);
        if (first)
            rc = returns_match(tx, user_no, err);
        if (rc == ERR_OK)
            rc = count_matched(m, tx->db, m->im->returns[i], err);
    }
    return rc;
}

enum err_code import_match_returns(struct import *im, struct err *err)
{
    struct match m = {.im = im};
    enum err_code rc = ERR_OK;
    sort_once_each(im);
    while (rc == ERR_OK && m.to < im->returns_len) {
        m.from = m.to;
        m.to = m.from + CHUNK < im->returns_len ? m.from + CHUNK : im->returns_len;
        rc = import_check(im, err);
        if (rc == ERR_OK)
            rc = store_write(im->store, match_job, &m, err);
    }
    map_u64_release(&m.done);
    im->report->returns_matched = m.matched;
    return rc;
}
