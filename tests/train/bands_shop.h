/* bands_shop.h - the shoppers of bands.h as the record of a shop in a temporary folder. */
#ifndef TESTS_TRAIN_BANDS_SHOP_H
#define TESTS_TRAIN_BANDS_SHOP_H

#include "ingest/shop.h"
#include "num/trees.h"
#include "num/vec.h"
#include "train/bands.h"

static inline void put_event(void *arg, uint32_t user, uint32_t product, int64_t time,
                             enum event_type type)
{
    struct buf *text = arg;
    struct json_writer w;
    struct buf when;
    buf_init(&when, 64);
    jw_init(&w, &when);
    jw_time(&w, time);
    buf_put(text, when.data + 1, when.len - 2); /* without quotes */
    buf_printf(text, ",%s,u%u,p%u\n", type == EVENT_PURCHASE ? "purchase" : "view", user, product);
    buf_release(&when);
}

static inline void open_filled(struct shop *s)
{
    struct import_report r;
    struct err err;
    struct buf text;
    ck_ok(vec_init(&err));
    trees_init();
    shop_init(s);
    buf_init(&text, 16 << 20);
    buf_puts(&text, "id,title,category,price,currency\n");
    for (uint32_t no = 1; no <= PRODUCTS; no++)
        buf_printf(&text, "p%u,product %u,kind%u,%lld,EUR\n", no, no, no % KINDS,
                   (long long)price_of(no));
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    ck_assert_uint_eq(r.quarantined, 0);
    buf_reset(&text);
    buf_puts(&text, "time,type,user_id,product_id\n");
    visits(11, put_event, &text);
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_EVENTS}, &r, &err));
    ck_assert_uint_eq(r.quarantined, 0);
    buf_release(&text);
}

#endif
