#include "api/list.h"

#include <inttypes.h>

struct reading {
    struct page page;
    page_fn fn;
    void *arg;
};

static enum err_code read_page(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct reading *r = arg;
    return r->fn(call, db, &r->page, r->arg, err);
}

enum err_code reply_page(struct call *call, size_t cursor, size_t limit, page_fn fn, void *arg,
                         struct err *err)
{
    struct json_writer w;
    struct reading r = {
        .page = {call->values[cursor].number, call->values[limit].number, &w, 0, 0},
        .fn = fn,
        .arg = arg,
    };
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "items");
    enum err_code code = call_read(call, read_page, &r, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&w);
    if (r.page.seen == r.page.limit)
        JW_STR(&w, "next_cursor", arena_printf(call->arena, "%" PRId64, r.page.last));
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}
