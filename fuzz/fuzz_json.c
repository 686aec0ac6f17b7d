/* fuzz_json.c - the JSON reader and writer against jansson, on any bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = oracle_differs((struct str){(const char *)data, size});
    if (why) {
        fprintf(stderr, "%s: %.*s\n", why, (int)size, (const char *)data);
        abort();
    }
    return 0;
}
