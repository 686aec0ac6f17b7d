/* shop.h - a shop in a temporary folder for the tests of the import, and imports of small texts. */
#ifndef TESTS_INGEST_SHOP_H
#define TESTS_INGEST_SHOP_H

#include "ingest/import.h"
#include "ingest/support.h"
#include "store/events.h"
#include "store/imports.h"
#include "store/quarantine.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/store.h"
#include "store/users.h"

struct shop {
    char dir[64];
    struct store *store;
    struct arena arena; /* for what a test reads */
};

static inline void shop_open(struct shop *s)
{
    struct err err;
    ck_ok(store_open(&(struct store_options){.dir = s->dir}, &s->store, &err));
}

static inline void shop_init(struct shop *s)
{
    *s = (struct shop){0};
    snprintf(s->dir, sizeof s->dir, "/tmp/aisle-ingest-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    arena_init(&s->arena, 0, 64 << 20);
    shop_open(s);
}

static inline void shop_release(struct shop *s)
{
    struct err err;
    store_close(s->store);
    arena_release(&s->arena);
    ck_ok(fs_remove_tree(s->dir, &err));
}

/** Import a text as a file in the shop's folder. */
static inline enum err_code import_text(struct shop *s, const char *text, struct import_options o,
                                        struct import_report *r, struct err *err)
{
    if (!o.path)
        o.path = write_file(s->dir, "input", str_of(text), 0);
    o.progress = PROGRESS_QUIET;
    enum err_code rc = import_file(s->store, &o, r, err);
    if (rc == ERR_OK)
        ck_assert_uint_eq(r->lines, r->accepted + r->merged + r->quarantined);
    return rc;
}

static inline int64_t count(struct shop *s, const char *sql)
{
    struct db *db;
    struct err err;
    int64_t n;
    ck_ok(store_read_begin(s->store, &db, &err));
    ck_ok(db_query_i64(db, sql, DB_NO_ARGS, &n, NULL, &err));
    store_read_end(s->store, db);
    return n;
}

static inline struct product product_of(struct shop *s, const char *id)
{
    struct db *db;
    struct err err;
    struct product p;
    ck_ok(store_read_begin(s->store, &db, &err));
    ck_ok(product_get(db, str_of(id), &s->arena, &p, &err));
    store_read_end(s->store, db);
    return p;
}

static inline struct order order_of(struct shop *s, const char *id)
{
    struct db *db;
    struct err err;
    struct order o;
    ck_ok(store_read_begin(s->store, &db, &err));
    ck_ok(order_get(db, str_of(id), &s->arena, &o, &err));
    store_read_end(s->store, db);
    return o;
}

/** The hand-written sample with every quirk of Online Retail. */
static const char sample[] =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "536365,85123A,WHITE  HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    "536365,85123A,WHITE  HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    "536365,22752,\"NEST, SET OF 7\",2,2010-12-01 08:26:00,7.65,17850.0,United Kingdom\n"
    "536366,85123a,white heart?,1,2010-12-01 08:28:00,0.001,,United Kingdom\n"
    "536366,POST,POSTAGE,3,2010-12-01 08:28:00,18.0,,United Kingdom\n"
    "C536379,85123A,WHITE HEART,-2,2010-12-01 09:41:00,2.55,17850.0,United Kingdom\n"
    "C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,17850.0,United Kingdom\n"
    "536414,22139,damaged,-56,2010-12-01 11:52:00,0.0,,United Kingdom\n"
    "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom\n"
    "536365,22139,RETROSPOT,1,2010-12-01 08:27:00,4.95,17850.0,United Kingdom\n"
    "536500,22139,damaged,1,2010-12-01 08:27:00,zero,17850.0,United Kingdom\n";

enum { SAMPLE_LINES = 11 };

#endif
