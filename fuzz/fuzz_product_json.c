/* fuzz_product_json.c - any bytes as a product of the API, and as a patch of one: refused with a
 * reason, or written out as a product that reads and writes as itself. */
#include <stdint.h>

#include "api/product_json.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

enum { WRITTEN_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_product(const struct product *p, struct buf *out)
{
    struct json_writer w;
    buf_init(out, WRITTEN_MAX);
    jw_init(&w, out);
    jw_obj(&w);
    product_members(p, true, &w);
    jw_obj_end(&w);
    CHECK(!out->full);
    /* what only answers have comes last: true or false */
    size_t last = STR_LIT(",\"in_stock\":true}").n;
    last += out->data[out->len - last] != ',';
    CHECK(str_starts((struct str){out->data + out->len - last, last}, STR_LIT(",\"in_stock\":")));
    buf_truncate(out, out->len - last);
    buf_putc(out, '}');
}

/* p as the store would have it: with its times. */
static void check_round(struct product *p, struct arena *a)
{
    struct buf first, second;
    struct json_reader r;
    struct product again;
    struct err err = {0};
    p->created_at = p->created_at ? p->created_at : 1700000000000000;
    p->updated_at = 1700000000000000;
    p->cost_minor = p->cost_minor ? p->cost_minor : STORE_NO_AMOUNT; /* not named */
    write_product(p, &first);
    jr_init(&r, buf_str(&first), a);
    enum err_code code = product_from_json(&r, (struct str){0}, &again, &err);
    CHECK(code == ERR_OK && jr_end(&r, &err) == ERR_OK);
    again.updated_at = p->updated_at;
    write_product(&again, &second);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str languages[] = {STR_LIT("zh"), STR_LIT("en"), STR_LIT("")};
    struct str text = {size ? (const char *)data : "", size};
    struct product p, old = {.id = STR_LIT("K-1"),
                             .title = STR_LIT("Kettle"),
                             .attributes = STR_LIT("{\"color\":\"red\",\"n\":{\"a\":1}}"),
                             .price_minor = 1200,
                             .currency = 0,
                             .list_price_minor = STORE_NO_AMOUNT,
                             .cost_minor = STORE_NO_AMOUNT,
                             .stock = 3};
    struct json_reader r;
    struct arena a;
    struct err err = {0};
    CHECK(currency_of(STR_LIT("EUR"), &old.currency));
    arena_init(&a, 0, 8 << 20);
    jr_init(&r, text, &a);
    enum err_code code = product_from_json(&r, (struct str){0}, &p, &err);
    CHECK(code == ERR_OK || err.msg[0] != '\0');
    if (code == ERR_OK && jr_end(&r, &err) == ERR_OK) {
        check_round(&p, &a);
        for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
            struct product translated = p;
            if (product_translate(&translated, languages[i], &a))
                CHECK(str_eq(translated.id, p.id) && translated.title.n > 0);
        }
    }
    jr_init(&r, text, &a);
    struct product_merge merge;
    if (product_merge_from_json(&r, old.id, &merge, &err) == ERR_OK && jr_end(&r, &err) == ERR_OK &&
        product_merge_apply(&merge, &a, &old, &err) == ERR_OK) {
        CHECK(str_is(old.id, "K-1"));
        check_round(&old, &a);
    }
    arena_release(&a);
    return 0;
}
