/* An import that is killed at any moment goes on where its last commit ended, and what is stored in the
 * end is what an import in one piece stores. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "ingest/shop.h"

enum { ORDERS = 400, ROUNDS = 4, KILLS = 8 };

/* Orders with repeated lines, late lines, returns and lines that are refused. */
static void make_orders(struct buf *out, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    buf_puts(out, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n");
    for (unsigned i = 0; i < ORDERS; i++) {
        unsigned lines = 1 + (unsigned)rng_below(&rng, 9);
        unsigned late = rng_below(&rng, 10) == 0 ? (unsigned)rng_below(&rng, i + 1) : i;
        for (unsigned l = 0; l < lines; l++) {
            unsigned sku = (unsigned)rng_below(&rng, 30);
            bool back = rng_below(&rng, 12) == 0;
            buf_printf(out, "%s%u,S%u,THING %u,%s%u,2011-01-%02u %02u:00:00,%s,%u\n",
                       back ? "C" : "", 1000 + late, sku, sku, back ? "-" : "",
                       1 + (unsigned)rng_below(&rng, 3), 1 + i / 20, i % 20,
                       rng_below(&rng, 40) ? "2.55" : "much", late % 20);
        }
    }
}

static enum err_code run_import(const char *dir, const char *path, struct import_report *r,
                                struct err *err)
{
    struct store *store;
    struct import_options o = {.kind = IMPORT_ORDERS,
                               .path = path,
                               .mapping = "online-retail",
                               .batch_rows = 64,
                               .progress = PROGRESS_QUIET};
    enum err_code rc = store_open(&(struct store_options){.dir = dir}, &store, err);
    if (rc != ERR_OK)
        return rc;
    rc = import_file(store, &o, r, err);
    store_close(store);
    return rc;
}

/* The first column of a query, a line each. */
static void list(const char *dir, const char *sql, struct buf *out)
{
    struct store *store;
    struct db *db;
    struct db_rows rows;
    struct err err;
    bool more = true;
    ck_ok(store_open(&(struct store_options){.dir = dir}, &store, &err));
    ck_ok(store_read_begin(store, &db, &err));
    ck_ok(db_query(db, sql, DB_NO_ARGS, &rows, &err));
    while (more) {
        ck_ok(db_next(&rows, &more, &err));
        if (more) {
            buf_put_str(out, db_col_text(&rows, 0));
            buf_putc(out, '\n');
        }
    }
    store_read_end(store, db);
    store_close(store);
    ck_assert(!out->full);
}

/* Everything that an import stores, as one text. */
static void dump(const char *dir, struct buf *out)
{
    static const char *const queries[] = {
        "SELECT o.id || '/' || l.ordinal || '/' || l.kind || '/' || l.product_no || '/' || "
        "l.quantity "
        "|| '/' || l.amount || '/' || COALESCE(l.sale_order_no, 0) || '/' || "
        "COALESCE(l.sale_ordinal, 0) FROM order_lines l JOIN orders o ON o.no = l.order_no "
        "ORDER BY o.no, l.ordinal",
        "SELECT id || '/' || title FROM products ORDER BY no",
        "SELECT line || '/' || reason FROM quarantine ORDER BY line",
        "SELECT id || '/' || total FROM orders ORDER BY no",
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        list(dir, queries[i], out);
}

typedef enum err_code run_fn(const char *dir, const char *path, struct import_report *r,
                             struct err *err);

/* Run it in a child that is killed at its n-th call that writes. False: it did not come to that. */
static bool kill_at(run_fn *run, const char *dir, const char *path, long n)
{
    struct import_report r;
    struct err err;
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fault_fs_at(n, FAULT_KILL);
        _exit(run(dir, path, &r, &err) == ERR_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void import_in_a_child_and_kill_it(const char *dir, const char *path, uint64_t after_us)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct import_report r;
        struct err err;
        _exit(run_import(dir, path, &r, &err) == ERR_OK ? 0 : 1);
    }
    usleep((useconds_t)after_us);
    kill(pid, SIGKILL);
    int status;
    waitpid(pid, &status, 0);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static void make_dir(char dir[64])
{
    snprintf(dir, 64, "/tmp/aisle-kill-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

START_TEST(a_killed_import_goes_on_and_ends_as_if_it_had_never_been_killed)
{
    struct rng rng;
    unsigned resumed = 0;
    rng_init(&rng, 11);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char whole[64], killed[64];
        struct buf text, want, got;
        struct import_report r, k;
        struct err err;
        buf_init(&text, 4 << 20);
        buf_init(&want, 16 << 20);
        buf_init(&got, 16 << 20);
        make_dir(whole);
        make_dir(killed);
        make_orders(&text, round);
        const char *path = write_file(whole, "orders.csv", buf_str(&text), 0);
        int64_t begin = clock_mono_ns();
        ck_ok(run_import(whole, path, &r, &err));
        uint64_t took_us = (uint64_t)(clock_mono_ns() - begin) / 1000;
        for (unsigned i = 0; i < KILLS; i++)
            import_in_a_child_and_kill_it(killed, path, rng_below(&rng, took_us + 1));
        ck_ok(run_import(killed, path, &k, &err));
        resumed += k.resumed || k.again;
        dump(whole, &want);
        dump(killed, &got);
        ck_assert(!want.full && !got.full && want.len > 1000);
        ck_assert(str_eq(buf_str(&want), buf_str(&got)));
        ck_assert_uint_eq(k.lines, r.lines);
        ck_assert_uint_eq(k.accepted, r.accepted);
        ck_assert_uint_eq(k.quarantined, r.quarantined);
        ck_assert_uint_eq(k.invoices, r.invoices);
        ck_assert_uint_eq(k.returns_matched, r.returns_matched);
        ck_assert_int_eq(k.net_revenue_minor, r.net_revenue_minor);
        ck_ok(fs_remove_tree(whole, &err));
        ck_ok(fs_remove_tree(killed, &err));
        buf_release(&text);
        buf_release(&want);
        buf_release(&got);
    }
    ck_assert_uint_gt(resumed, 0);
}
END_TEST

/* --- full feeds ------------------------------------------------------------------------------- */

enum { OLD = 150, GONE = 25, NEW = 20 };

/* Products first..last with prices of that day. */
static const char *write_feed(const char *dir, int day, int first, int last)
{
    struct buf text;
    char name[16];
    buf_init(&text, 4 << 20);
    buf_puts(&text, "id,title,price,currency\n");
    for (int i = first; i < last; i++)
        buf_printf(&text, "p%d,Pot %d,%d,EUR\n", i, i, 100 * day + i % 3);
    snprintf(name, sizeof name, "day%d.csv", day);
    const char *path = write_file(dir, name, buf_str(&text), day);
    buf_release(&text);
    return path;
}

static enum err_code run_full(const char *dir, const char *path, struct import_report *r,
                              struct err *err)
{
    struct store *store;
    struct import_options o = {.kind = IMPORT_PRODUCTS,
                               .path = path,
                               .full = true,
                               .batch_rows = 32,
                               .progress = PROGRESS_QUIET};
    enum err_code rc = store_open(&(struct store_options){.dir = dir}, &store, err);
    if (rc != ERR_OK)
        return rc;
    rc = import_file(store, &o, r, err);
    store_close(store);
    return rc;
}

static int64_t number(const char *dir, const char *sql)
{
    struct store *store;
    struct db *db;
    struct err err;
    int64_t n;
    ck_ok(store_open(&(struct store_options){.dir = dir}, &store, &err));
    ck_ok(store_read_begin(store, &db, &err));
    ck_ok(db_query_i64(db, sql, DB_NO_ARGS, &n, NULL, &err));
    store_read_end(store, db);
    store_close(store);
    return n;
}

static const char still_on[] = "SELECT COUNT(*) FROM products p JOIN product_live l ON l.no = p.no"
                               " WHERE l.status = 0 AND CAST(SUBSTR(p.id, 2) AS INTEGER) < 25";
static const char all_of_it[] =
    "SELECT SUM(l.price * (p.no % 1009) + l.status * (p.no % 1013)) FROM products p"
    " JOIN product_live l ON l.no = p.no";

START_TEST(a_full_feed_killed_at_any_write_switches_off_all_or_nothing_and_ends_as_if_never_killed)
{
    char whole[64], killed[64];
    struct import_report r, k;
    struct err err;
    unsigned resumed = 0, before_end = 0, behind_end = 0;
    make_dir(whole);
    const char *before = write_feed(whole, 1, 0, OLD);
    const char *after = write_feed(whole, 2, GONE, OLD + NEW);
    ck_ok(run_full(whole, before, &r, &err));
    ck_ok(run_full(whole, after, &r, &err));
    ck_assert_uint_eq(r.deactivated, GONE);
    for (long n = 1, dead = true; dead; n += n < 20 ? 5 : 1) {
        make_dir(killed);
        ck_ok(run_full(killed, before, &k, &err));
        dead = kill_at(run_full, killed, after, n);
        int64_t left = number(killed, still_on);
        ck_assert_msg(left == GONE || left == 0, "%lld of %d at %ld", (long long)left, GONE, n);
        before_end += left == GONE;
        behind_end += left == 0;
        ck_ok(run_full(killed, after, &k, &err));
        resumed += k.resumed;
        if (left == GONE) { /* else it had ended already */
            ck_assert_uint_eq(k.deactivated, GONE);
            ck_assert_uint_eq(k.created, NEW);
            ck_assert_uint_eq(k.changed, r.changed);
        }
        ck_assert_uint_eq(k.lines, r.lines);
        ck_assert_int_eq(number(killed, still_on), 0);
        ck_assert_int_eq(number(killed, all_of_it), number(whole, all_of_it));
        ck_ok(fs_remove_tree(killed, &err));
    }
    ck_assert(resumed > 3 && before_end > 3 && behind_end > 3);
    ck_ok(fs_remove_tree(whole, &err));
}
END_TEST

/* --- pictures --------------------------------------------------------------------------------- */

enum { HANDLES = 250 };

/* Products with up to six pictures each, whose rows come in any order; every tenth's stand apart. */
static void make_shopify(struct buf *out, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    buf_puts(out,
             "Handle,Title,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position\n");
    for (int i = 0; i < HANDLES; i++) {
        int first = 1 + (int)rng_below(&rng, 6);
        buf_printf(out, "h%d,Thing %d,S,h%d-S,2.00,http://x/%d/%d.jpg,%d\n", i, i, i, i, first,
                   first);
        buf_printf(out, "h%d,,M,h%d-M,3.00,,\n", i, i);
        for (int at = 6; at > 0; at--)
            if (at != first && rng_below(&rng, 3))
                buf_printf(out, "h%d,,,,,http://x/%d/%d.jpg,%d\n", i, i, at, at);
        if (i >= 50 && i % 10 == 0)
            buf_printf(out, "h%d,,,,,http://x/%d/7.jpg,%d\n", i - 50, i - 50, i % 3 ? 0 : 9);
    }
}

static enum err_code run_shopify(const char *dir, const char *path, struct import_report *r,
                                 struct err *err)
{
    struct store *store;
    struct import_options o = {.kind = IMPORT_PRODUCTS,
                               .path = path,
                               .mapping = "shopify",
                               .currency = "EUR",
                               .batch_rows = 3,
                               .progress = PROGRESS_QUIET};
    enum err_code rc = store_open(&(struct store_options){.dir = dir}, &store, err);
    if (rc != ERR_OK)
        return rc;
    rc = import_file(store, &o, r, err);
    store_close(store);
    return rc;
}

START_TEST(pictures_are_all_there_and_in_order_after_any_kill)
{
    char whole[64], killed[64];
    struct rng rng;
    struct import_report r, k;
    struct err err;
    struct buf text;
    rng_init(&rng, 31);
    buf_init(&text, 4 << 20);
    make_dir(whole);
    make_dir(killed);
    make_shopify(&text, 1);
    const char *path = write_file(whole, "shopify.csv", buf_str(&text), 0);
    fault_fs_at(0, 0);
    ck_ok(run_shopify(whole, path, &r, &err));
    uint64_t calls = (uint64_t)fault_fs_calls();
    ck_assert_uint_eq(r.created, 2 * HANDLES);
    for (unsigned i = 0; i < KILLS; i++)
        (void)kill_at(run_shopify, killed, path, 1 + (long)rng_below(&rng, calls / KILLS));
    ck_ok(run_shopify(killed, path, &k, &err));
    ck_assert(k.resumed);
    ck_assert_uint_eq(k.created, r.created);
    ck_assert_uint_eq(k.merged, r.merged);
    static const char pictures[] = "SELECT id || images FROM products ORDER BY id";
    struct buf want, got;
    buf_init(&want, 4 << 20);
    buf_init(&got, 4 << 20);
    list(whole, pictures, &want);
    list(killed, pictures, &got);
    ck_assert_uint_gt(want.len, 10000);
    ck_assert(str_eq(buf_str(&want), buf_str(&got)));
    buf_release(&text);
    buf_release(&want);
    buf_release(&got);
    ck_ok(fs_remove_tree(whole, &err));
    ck_ok(fs_remove_tree(killed, &err));
}
END_TEST

SUITE("import_kill", a_killed_import_goes_on_and_ends_as_if_it_had_never_been_killed,
      a_full_feed_killed_at_any_write_switches_off_all_or_nothing_and_ends_as_if_never_killed,
      pictures_are_all_there_and_in_order_after_any_kill)
