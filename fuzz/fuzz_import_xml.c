/* fuzz_import_xml.c - any bytes as a product feed, through its mapping, in any packing. */
#include <stdint.h>

#include "base/check.h"
#include "ingest/mapping.h"
#include "ingest/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct source_limits limits = {.total_bytes = 1 << 20, .free_bytes = 1 << 16};
    struct reader_options o = {.format = FORMAT_XML, .row_max = 16 << 10};
    struct source *src;
    struct reader *r;
    struct mapping *m;
    const struct record *rec;
    struct arena a;
    struct err err;
    struct str text = {size ? (const char *)data : "", size};
    if (source_decode(&src, source_decompress(source_memory(text), &limits), NULL, &err) !=
            ERR_OK ||
        reader_open(&r, src, &o, &err) != ERR_OK)
        return 0;
    CHECK(mapping_load(&m, IMPORT_PRODUCTS, "google-merchant", &err) == ERR_OK);
    CHECK(mapping_bind(m, r, &err) == ERR_OK);
    arena_init(&a, 0, 16 << 20);
    while (reader_next(r, &rec, &err) == ERR_OK && rec) {
        struct row row;
        struct product p;
        arena_reset(&a);
        row_init(&row, m, rec, &a, INT64_MAX / 2);
        CHECK((row.fault.reason == REASON_NONE && row_product(&row, &p)) !=
              (row.fault.reason != REASON_NONE));
    }
    arena_release(&a);
    mapping_free(m);
    reader_close(r);
    return 0;
}
