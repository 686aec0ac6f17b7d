/* An import whose disk fails at any call: what it said was stored is there, and the same command goes
 * on to what an import on a sound disk gives. */
#include <errno.h>

#include "base/fault.h"
#include "ingest/shop.h"

enum { ORDERS = 24, BATCH = 10 };

static void make_lines(struct buf *out)
{
    buf_puts(out, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n");
    for (int i = 0; i < ORDERS; i++) {
        buf_printf(out, "%d,S%d,THING,2,2011-01-01 00:00:00,2.55,%d\n", i, i % 5, i % 3);
        buf_printf(out, "%d,S%d,THING,1,2011-01-01 00:00:00,%s,%d\n", i, i % 7,
                   i % 6 ? "1.05" : "much", i % 3);
        if (i % 4 == 3)
            buf_printf(out, "C%d,S%d,THING,-1,2011-02-01 00:00:00,2.55,%d\n", i, i % 5, i % 3);
    }
}

static const char everything[] =
    "SELECT (SELECT COALESCE(SUM((no * 31 + total) * 7), 0) FROM orders)"
    " + (SELECT COALESCE(SUM(order_no * 101 + ordinal * 103 + amount + COALESCE(sale_order_no, 0)"
    " * 107), 0) FROM order_lines) + (SELECT COALESCE(SUM(line * 109 + state), 0) FROM quarantine)"
    " + (SELECT COALESCE(SUM(no * 113), 0) FROM products)";

static void fail_everywhere(int errnum, enum err_code want)
{
    struct import_options o = {
        .kind = IMPORT_ORDERS, .mapping = "online-retail", .batch_rows = BATCH};
    struct import_report whole, r;
    struct shop s;
    struct err err;
    struct buf text;
    long failed = 0;
    bool fails = true;
    buf_init(&text, 1 << 20);
    make_lines(&text);
    shop_init(&s);
    ck_ok(import_text(&s, text.data, o, &whole, &err));
    int64_t sum = count(&s, everything);
    shop_release(&s);
    for (long at = 1; fails; at += at < 12 ? 1 : 7) {
        shop_init(&s);
        o.path = write_file(s.dir, "orders.csv", buf_str(&text), 1);
        fault_fs_at(at, errnum);
        enum err_code code = import_text(&s, NULL, o, &r, &err);
        fault_fs_at(0, 0);
        fails = code != ERR_OK;
        if (fails) {
            failed++;
            ck_assert_msg(code == want, "call %ld: %s", at, err.msg);
            ck_assert_ptr_nonnull(strstr(err.msg, "orders.csv"));
        }
        ck_assert_int_ge(count(&s, "SELECT COUNT(*) FROM order_lines"), (int64_t)r.accepted);
        ck_assert_int_ge(count(&s, "SELECT COUNT(*) FROM quarantine"), (int64_t)r.quarantined);
        store_close(s.store);
        shop_open(&s);
        ck_ok(import_text(&s, NULL, o, &r, &err));
        ck_assert_uint_eq(r.accepted, whole.accepted);
        ck_assert_uint_eq(r.quarantined, whole.quarantined);
        ck_assert_uint_eq(r.returns_matched, whole.returns_matched);
        ck_assert_int_eq(r.net_revenue_minor, whole.net_revenue_minor);
        ck_assert_int_eq(count(&s, everything), sum);
        shop_release(&s);
    }
    ck_assert_int_gt(failed, 20);
    buf_release(&text);
}

START_TEST(a_full_disk_at_any_call_loses_nothing_and_the_import_goes_on)
{
    fail_everywhere(ENOSPC, ERR_NO_SPACE);
}
END_TEST

START_TEST(a_failing_disk_at_any_call_loses_nothing_and_the_import_goes_on)
{
    fail_everywhere(EIO, ERR_IO);
}
END_TEST

SUITE("import_faults", a_full_disk_at_any_call_loses_nothing_and_the_import_goes_on,
      a_failing_disk_at_any_call_loses_nothing_and_the_import_goes_on)
