#include <stdio.h>

#include "base/signal.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/export_records.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/users.h"

/* Rows of a reading transaction, which must stay well under a second. */
enum { PAGE = 2000, PAGE_BYTES_MAX = 1 << 30 };

/* An export under way. */
struct export
{
    struct json_writer w; /* over text: the page's lines */
    struct buf text;
    struct arena arena; /* ids and whole orders of the page */
    int64_t after;      /* number of the last record written */
    uint64_t read;      /* records of the page */
};

typedef enum err_code (*page_fn)(struct export *x, struct db *db, struct err *err);

/* --- the kinds ------------------------------------------------------------------------------- */

static enum err_code page_of_products(struct export *x, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    struct product p;
    bool more;
    enum err_code code = products_after(db, (uint32_t)x->after, PAGE, &rows, err);
    while (code == ERR_OK && (code = products_next(&rows, &p, &more, err)) == ERR_OK && more) {
        x->after = p.no;
        x->read++;
        if (p.status == PRODUCT_DELETED)
            continue;
        export_product(&p, &x->w);
        jw_newline(&x->w);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code page_of_users(struct export *x, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    struct user u;
    bool more;
    enum err_code code = users_after(db, (uint32_t)x->after, PAGE, &rows, err);
    while (code == ERR_OK && (code = users_next(&rows, &u, &more, err)) == ERR_OK && more) {
        x->after = u.no;
        x->read++;
        export_user(&u, &x->w);
        jw_newline(&x->w);
    }
    db_rows_close(&rows);
    return code;
}

/* The outside id of a number, as a known shopper's or a guest's. */
static enum err_code name_shopper(struct export *x, struct db *db, uint32_t no, struct str *known,
                                  struct str *guest, struct err *err)
{
    enum user_kind kind;
    struct str id;
    if (no == 0)
        return ERR_OK;
    enum err_code code = user_id_of(db, no, &x->arena, &kind, &id, err);
    if (code == ERR_OK && id.n)
        *(kind == USER_KNOWN ? known : guest) = id;
    return code;
}

/* With both ids of a joined guest, so that importing joins them again. */
static enum err_code name_event(struct export *x, struct db *db, struct event *e, uint32_t came_as,
                                struct err *err)
{
    enum err_code code = name_shopper(x, db, e->user_no, &e->user_id, &e->anonymous_id, err);
    if (code == ERR_OK && came_as != e->user_no)
        code = name_shopper(x, db, came_as, &e->user_id, &e->anonymous_id, err);
    if (code == ERR_OK && e->product_no)
        code = product_id_of(db, e->product_no, &x->arena, &e->product_id, err);
    return code;
}

static enum err_code page_of_events(struct export *x, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    struct event e;
    uint32_t came_as;
    bool more;
    enum err_code code = events_after(db, x->after, INT64_MAX, PAGE, &rows, err);
    while (code == ERR_OK && (code = events_next(&rows, &e, &came_as, &more, err)) == ERR_OK &&
           more) {
        x->after = e.seq;
        x->read++;
        code = name_event(x, db, &e, came_as, err);
        export_event(&e, &x->w);
        jw_newline(&x->w);
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code put_order(struct export *x, struct db *db, int64_t no, struct err *err)
{
    struct order o;
    enum err_code code = order_get_no(db, no, &x->arena, &o, err);
    if (code == ERR_OK && o.user_id.n == 0)
        code = name_shopper(x, db, o.user_no, &o.user_id, &o.anonymous_id, err);
    if (code != ERR_OK)
        return code;
    export_order(&o, &x->w);
    jw_newline(&x->w);
    return ERR_OK;
}

static enum err_code page_of_orders(struct export *x, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    struct order o;
    bool more;
    enum err_code code = orders_after(db, x->after, PAGE, &rows, err);
    while (code == ERR_OK && (code = orders_next(&rows, &o, &more, err)) == ERR_OK && more) {
        x->after = o.no;
        x->read++;
        code = put_order(x, db, o.no, err);
    }
    db_rows_close(&rows);
    return code;
}

static const struct {
    const char *name;
    page_fn page;
} kinds[] = {{"products", page_of_products},
             {"users", page_of_users},
             {"events", page_of_events},
             {"orders", page_of_orders}};

/* --- running --------------------------------------------------------------------------------- */

static enum err_code write_page(struct export *x, struct err *err)
{
    enum err_code code = buf_ok(&x->text, "a page of records", err);
    if (code == ERR_OK &&
        (fwrite(x->text.data, 1, x->text.len, stdout) != x->text.len || fflush(stdout) != 0))
        code = err_set(err, ERR_IO, "standard output cannot be written");
    return code;
}

static enum err_code next_page(struct export *x, struct store *store, page_fn page, struct err *err)
{
    struct db *db;
    buf_reset(&x->text);
    jw_init(&x->w, &x->text);
    arena_reset(&x->arena);
    x->read = 0;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = page(x, db, err);
    store_read_end(store, db);
    return code == ERR_OK && x->text.len ? write_page(x, err) : code;
}

static enum err_code export_all(const struct args *args, struct store *store, size_t kind,
                                struct err *err)
{
    struct export x = {0};
    struct progress progress;
    enum err_code code;
    buf_init(&x.text, PAGE_BYTES_MAX);
    arena_init(&x.arena, 1 << 20, PAGE_BYTES_MAX);
    progress_open(&progress, "export", kinds[kind].name, 0, progress_style_of(args));
    do {
        code = signal_check(err);
        if (code == ERR_OK)
            code = next_page(&x, store, kinds[kind].page, err);
        progress_add(&progress, x.read);
    } while (code == ERR_OK && x.read == PAGE);
    progress_close(&progress);
    arena_release(&x.arena);
    buf_release(&x.text);
    return code;
}

static enum cli_exit run(const struct args *args)
{
    struct store *store;
    struct err err;
    size_t kind = 0, n = sizeof kinds / sizeof *kinds;
    while (kind < n && strcmp(kinds[kind].name, args->words[0]) != 0)
        kind++;
    if (kind == n)
        return fail_usage(args, "'%s': expected products, users, events or orders", args->words[0]);
    signal_watch_stop();
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail(args, &err);
    enum err_code code = export_all(args, store, kind, &err);
    store_close(store);
    return code == ERR_OK ? EXIT_FINE : fail(args, &err);
}

const struct command cmd_export = {
    .name = "export",
    .summary = "Write products, users, events or orders as JSON Lines",
    .usage = "products|users|events|orders",
    .text =
        "Writes one JSON object a line to standard output, in the format that `aisle import`\n"
        "reads by itself, so that importing all four, in this order, makes the same shop. Works\n"
        "beside a running server. Deleted products and erased shoppers are left out; what a guest\n"
        "did before it was joined to a shopper counts as the shopper's own in the new shop.\n\n"
        "  aisle export products | zstd >products.jsonl.zst\n"
        "  aisle import products products.jsonl.zst --data /tmp/copy\n",
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
