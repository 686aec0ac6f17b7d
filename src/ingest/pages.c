#include "ingest/pages.h"

#include "base/signal.h"
#include "store/store.h"

enum err_code pages_walk(struct store *s, pages_fn *page, void *arg, struct err *err)
{
    int64_t after = 0;
    bool more = true;
    enum err_code rc = ERR_OK;
    while (rc == ERR_OK && more) {
        struct db *db;
        more = false;
        rc = signal_check(err);
        if (rc == ERR_OK)
            rc = store_read_begin(s, &db, err);
        if (rc != ERR_OK)
            break;
        rc = page(arg, db, &after, &more, err);
        store_read_end(s, db);
    }
    return rc;
}

enum err_code pages_lines(struct db *db, int64_t limit, int64_t *after, bool *more,
                          pages_line_fn *take, void *arg, struct err *err)
{
    struct db_rows rows = {0};
    struct order_line_row line;
    bool enough = false, another = true;
    int64_t n = 0;
    enum err_code rc = order_lines_after(db, *after / PAGES_ORDINALS,
                                         (uint32_t)(*after % PAGES_ORDINALS), limit, &rows, err);
    while (rc == ERR_OK) {
        rc = order_lines_next(&rows, &line, &another, err);
        if (rc != ERR_OK || !another)
            break;
        rc = take(arg, &line, &enough, err);
        if (enough)
            break;
        *after = pages_line(line.order_no, line.line.ordinal);
        n++;
    }
    db_rows_close(&rows);
    *more = !enough && n == limit;
    return rc;
}
