/* fuzz_csv.c - any bytes read as CSV end, in records that lie within the text, and the same ones
 * however the bytes are cut. */
#include <stdint.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ingest/reader.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pieces {
    struct str rest;
    size_t step;
};

static enum err_code read_piece(void *self, char *out, size_t cap, size_t *n, struct err *err)
{
    struct pieces *p = self;
    (void)err;
    *n = p->rest.n < p->step ? p->rest.n : p->step;
    *n = *n < cap ? *n : cap;
    if (*n)
        memcpy(out, p->rest.p, *n);
    p->rest.p += *n;
    p->rest.n -= *n;
    return ERR_OK;
}

/* A number that tells readings apart. */
static uint64_t digest(struct str text, size_t step)
{
    struct pieces p = {text, step};
    struct reader_options o = {.format = FORMAT_CSV, .delimiter = ',', .row_max = 4096};
    struct reader *r;
    const struct record *rec;
    struct err err;
    uint64_t sum = 1, last_line = 0;
    if (reader_open(&r, source_new(read_piece, NULL, &p), &o, &err) != ERR_OK)
        return 0;
    while (reader_next(r, &rec, &err) == ERR_OK && rec) {
        CHECK(rec->line > last_line && rec->offset <= text.n);
        last_line = rec->line;
        sum = sum * 31 + (uint64_t)rec->fault * 7 + rec->line + rec->offset;
        for (size_t i = 0; rec->fault == REASON_NONE && i < rec->fields_len; i++) {
            CHECK(str_utf8_valid(rec->fields[i].text, NULL));
            for (size_t k = 0; k < rec->fields[i].text.n; k++)
                sum = sum * 131 + (uint8_t)rec->fields[i].text.p[k];
        }
    }
    reader_close(r);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {size ? (const char *)data : "", size};
    uint64_t whole = digest(text, SIZE_MAX);
    CHECK(digest(text, 1 + size % 7) == whole);
    return 0;
}
