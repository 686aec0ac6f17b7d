/* The whole of Online Retail, where AISLE_DATA has it, against an independent count. */
#include "ingest/shop.h"

static const char *data_file(void)
{
    static char path[512];
    const char *data = getenv("AISLE_DATA");
    snprintf(path, sizeof path, "%s/recommend/online-retail/online_retail.csv",
             data ? data : "../shared/data");
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    fclose(f);
    return path;
}

static uint64_t counted(const struct import_report *r, const char *name)
{
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"lines", r->lines},
               {"invoices", r->invoices},
               {"customers", r->customers},
               {"skus", r->skus},
               {"return_lines", r->return_lines},
               {"adjustment_lines", r->adjustment_lines},
               {"guest_lines", r->guest_lines},
               {"near_skus", r->near_skus},
               {"net_revenue_minor", (uint64_t)r->net_revenue_minor}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].value;
    ck_abort_msg("the oracle counts '%s'", name);
}

START_TEST(the_real_file_is_counted_as_an_independent_program_counts_it)
{
    const char *path = data_file();
    if (!path) {
        printf("# SKIP no AISLE_DATA\n");
        return;
    }
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    struct import_options o = {.kind = IMPORT_ORDERS, .mapping = "online-retail", .path = path};
    ck_ok(import_text(&s, NULL, o, &r, &err));
    ck_assert_uint_eq(r.lines, 541909);
    ck_assert_uint_eq(r.accepted, 541909);
    ck_assert_uint_eq(r.invoices, 25900);
    ck_assert_uint_eq(r.customers, 4372);
    ck_assert_uint_eq(r.skus, 4070);
    ck_assert_uint_eq(r.return_lines, 9288);
    ck_assert_uint_eq(r.adjustment_lines, 1336 + 3);
    ck_assert_int_eq(r.net_revenue_minor, 974774793);
    ck_assert_int_eq(count(&s, "SELECT SUM(total) FROM orders"), 974774793);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM order_lines"), 541909);
    char command[700], name[64];
    unsigned long long value;
    size_t compared = 0;
    snprintf(command, sizeof command, "python3 tests/ingest/online_retail_oracle.py '%s'", path);
    FILE *oracle = popen(command, "r");
    while (oracle && fscanf(oracle, "%63s %llu", name, &value) == 2) {
        ck_assert_msg(counted(&r, name) == value, "%s: %llu, the oracle says %llu", name,
                      (unsigned long long)counted(&r, name), value);
        compared++;
    }
    ck_assert(oracle && pclose(oracle) == 0);
    ck_assert_uint_eq(compared, 9);
    shop_release(&s);
}
END_TEST

SUITE("online_retail", the_real_file_is_counted_as_an_independent_program_counts_it)
