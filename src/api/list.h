/* list.h - lists of the store that come page by page. */
#ifndef API_LIST_H
#define API_LIST_H

#include "api/api_int.h"

/* A page under way. */
struct page {
    int64_t cursor, limit; /* where it begins, how long it may be */
    struct json_writer *w;
    int64_t last; /* what the next page begins behind; of the entry read last */
    int64_t seen; /* entries read */
};

/** Write the entries behind page->cursor with page_took for each, page->limit of them at most. */
typedef enum err_code (*page_fn)(struct call *call, struct db *db, struct page *page, void *arg,
                                 struct err *err);

/** {"items": [...], "next_cursor": "..."} on a snapshot of the store. cursor and limit are places in the
 *  endpoint's table. */
enum err_code reply_page(struct call *call, size_t cursor, size_t limit, page_fn fn, void *arg,
                         struct err *err);

static inline void page_took(struct page *page, int64_t no)
{
    page->last = no;
    page->seen++;
}

#endif
