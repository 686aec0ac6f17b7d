/* fuzz_source.c - any bytes, packed or not, in any character set, come out as the same text however
 * they are asked for, within the caps, or with an error.
 *
 * The first byte picks the character set; the rest is the file. */
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "ingest/source.h"

enum { TOTAL_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const charsets[] = {NULL,       "GB18030", "ISO-8859-1", "UTF-16",
                                       "UTF-16BE", "Big5",    "UTF-8",      "Shift_JIS",
                                       "US-ASCII", "UTF-7",   "ISO-2022-JP"};

/* All of the text, step bytes at a time; how it ended. */
static enum err_code read_all(struct str file, const char *charset, size_t step, struct buf *out)
{
    static const struct source_limits limits = {.total_bytes = TOTAL_MAX, .free_bytes = 1 << 16};
    struct source *src;
    struct err err;
    size_t n = 1;
    enum err_code rc =
        source_decode(&src, source_decompress(source_memory(file), &limits), charset, &err);
    if (rc != ERR_OK)
        return rc;
    while (rc == ERR_OK && n > 0) {
        char *room = buf_reserve(out, step);
        CHECK(room);
        rc = source_read(src, room, step, &n, &err);
        if (rc == ERR_OK) {
            CHECK(n <= step);
            out->len += n;
        }
    }
    source_close(src);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *charset = charsets[data[0] % (sizeof charsets / sizeof *charsets)];
    struct str file = {(const char *)data + 1, size - 1};
    struct buf wide, narrow;
    buf_init(&wide, 8 * TOTAL_MAX);
    buf_init(&narrow, 8 * TOTAL_MAX);
    enum err_code code = read_all(file, charset, SOURCE_BLOCK, &wide);
    CHECK(read_all(file, charset, 61, &narrow) == code);
    CHECK(wide.len <= 3 * (size_t)TOTAL_MAX);
    CHECK(code != ERR_OK || str_eq(buf_str(&wide), buf_str(&narrow)));
    buf_release(&wide);
    buf_release(&narrow);
    return 0;
}
