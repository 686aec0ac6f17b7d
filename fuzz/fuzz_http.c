/* fuzz_http.c - request heads, bodies and targets from any bytes, cut anywhere. */
#include <stdio.h>

#include "http/split.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_target(struct str in)
{
    struct arena arena;
    struct http_target target;
    arena_init(&arena, 0, 1 << 20);
    for (int method = HTTP_GET; method <= HTTP_OPTIONS; method += HTTP_OPTIONS)
        if (http_target_parse(in, (enum http_method)method, &arena, &target).status == 0)
            for (size_t i = 0; i < target.n_segments; i++)
                if (!str_utf8_valid(target.segments[i], NULL) || str_is(target.segments[i], ".."))
                    abort();
    arena_release(&arena);
}

/* The first byte picks the cuts, the rest is the connection's input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str in = {(const char *)data + 1, size - 1};
    const char *why = split_differs(data[0], in);
    if (why) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    parse_target(in);
    return 0;
}
