/* Filters from outside: parsed within the caps or refused with a place; a second reading of the same
 * text gives the same number of terms. */
#include <stdlib.h>

#include "rank/filter_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct filter *first = NULL, *second = NULL;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 0, 1 << 20);
    enum err_code code = filter_parse(text, &arena, &first, &err);
    if (code != ERR_OK && (code != err.code || err.msg[0] == '\0'))
        abort();
    if (code == ERR_OK && filter_terms(first) > FILTER_TERMS_MAX)
        abort();
    if (code == ERR_OK && (filter_parse(text, &arena, &second, &err) != ERR_OK ||
                           filter_terms(first) != filter_terms(second)))
        abort();
    arena_release(&arena);
    return 0;
}
