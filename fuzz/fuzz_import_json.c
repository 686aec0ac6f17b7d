/* fuzz_import_json.c - any bytes as JSON Lines and as a JSON array become products or refusals. */
#include <stdint.h>

#include "base/check.h"
#include "ingest/mapping.h"
#include "ingest/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(struct str text, enum reader_format format)
{
    struct reader_options o = {.format = format, .row_max = 64 << 10};
    struct reader *r;
    struct mapping *m;
    const struct record *rec;
    struct arena a;
    struct err err;
    if (reader_open(&r, source_memory(text), &o, &err) != ERR_OK)
        return;
    CHECK(mapping_load(&m, IMPORT_PRODUCTS, NULL, &err) == ERR_OK);
    CHECK(mapping_bind(m, r, &err) == ERR_OK);
    arena_init(&a, 0, 16 << 20);
    while (reader_next(r, &rec, &err) == ERR_OK && rec) {
        struct row row;
        struct product p;
        arena_reset(&a);
        row_init(&row, m, rec, &a, INT64_MAX / 2);
        if (row.fault.reason == REASON_NONE && row_product(&row, &p))
            CHECK(p.id.n >= 1 && p.id.n <= STORE_ID_MAX && p.title.n >= 1);
        else
            CHECK(row.fault.reason != REASON_NONE);
    }
    arena_release(&a);
    mapping_free(m);
    reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {size ? (const char *)data : "", size};
    read_as(text, FORMAT_JSONL);
    read_as(text, FORMAT_JSON);
    return 0;
}
