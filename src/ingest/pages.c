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
