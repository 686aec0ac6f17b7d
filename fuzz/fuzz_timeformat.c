/* fuzz_timeformat.c - a line as format, the rest as text: what a format takes is a time of the
 * calendar, and that time, written out, is read as the same one. */
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "ingest/timeformat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {size ? (const char *)data : "", size}, format = str_split(&text, '\n');
    int64_t us = 0, again = 0;
    char iso[CLOCK_ISO_SIZE];
    bool fine = time_format_ok(format);
    if (!text.p || !time_parse(format, text, &us) || !fine)
        return 0;
    struct clock_civil c = clock_civil_of(us);
    if (c.year < 1 || c.year > 9999)
        return 0; /* seconds since 1970 reach further */
    clock_format_iso(us, iso);
    CHECK(time_parse(STR_LIT("%Y-%m-%dT%H:%M:%S%z"), str_of(iso), &again) && again == us);
    return 0;
}
