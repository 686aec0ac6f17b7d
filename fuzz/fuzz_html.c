/* fuzz_html.c - any bytes as a description in HTML become text that is no longer, valid where the input
 * was and without blank lines around it. */
#include <stdint.h>

#include "base/check.h"
#include "ingest/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str html = {size ? (const char *)data : "", size};
    struct arena a;
    arena_init(&a, 0, 1 << 20);
    struct str text = html_to_text(html, &a);
    if (text.p) {
        CHECK(text.n <= size);
        CHECK(!str_utf8_valid(html, NULL) || str_utf8_valid(text, NULL));
        CHECK(text.n == 0 || (text.p[0] != '\n' && text.p[text.n - 1] != '\n'));
    }
    arena_release(&a);
    return 0;
}
