/* fuzz_import_mapping.c - any bytes as a mapping are refused with a reason, or map a small file. */
#include <stdint.h>

#include "base/check.h"
#include "ingest/mapping.h"
#include "ingest/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char csv[] =
        "id,title,price,a,b\n1,Tea <b>pot</b>,12.99 EUR,x|y,\n1,,\"1.299,00\",-3,\n";
    struct str text = {size ? (const char *)data : "", size};
    struct mapping *m;
    struct reader *r;
    const struct record *rec;
    struct arena a;
    struct err err = {0};
    if (mapping_parse(&m, IMPORT_PRODUCTS, text, "fuzz.yaml", &err) != ERR_OK) {
        CHECK(err.msg[0] != '\0');
        return 0;
    }
    CHECK(reader_open(&r, source_memory(str_of(csv)), &(struct reader_options){0}, &err) == ERR_OK);
    arena_init(&a, 0, 16 << 20);
    if (mapping_bind(m, r, &err) == ERR_OK)
        while (reader_next(r, &rec, &err) == ERR_OK && rec) {
            struct row row;
            struct product p;
            arena_reset(&a);
            row_init(&row, m, rec, &a, INT64_MAX / 2);
            struct str url;
            int64_t position;
            (void)mapping_matches(m, RULE_SKIP, rec);
            (void)row_picture(&row, &url, &position);
            (void)(row.fault.reason == REASON_NONE && row_product(&row, &p));
        }
    arena_release(&a);
    reader_close(r);
    mapping_free(m);
    return 0;
}
