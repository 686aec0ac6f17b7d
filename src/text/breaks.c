#include "text/breaks_int.h"

#include <unicode/ubrk.h>
#include <unicode/utf16.h>

#include "base/mem.h"

void breaks_release(struct breaks *b)
{
    if (b->words)
        ubrk_close(b->words);
    mem_free(b->units);
    *b = (struct breaks){0};
}

static enum err_code reserve(struct breaks *b, size_t units, struct err *err)
{
    if (units <= b->cap)
        return ERR_OK;
    mem_free(b->units);
    b->cap = 0;
    b->units = mem_try_new(2 * units, sizeof *b->units);
    if (!b->units)
        return err_set(err, ERR_MEMORY, "no memory for a run of %zu units", units);
    b->cap = 2 * units;
    return ERR_OK;
}

enum err_code breaks_start(struct breaks *b, const struct fold_char *run, size_t n, struct err *err)
{
    enum err_code code = reserve(b, 2 * n, err);
    if (code)
        return code;
    UErrorCode status = U_ZERO_ERROR;
    if (!b->words)
        b->words = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
    b->units_n = 0;
    for (size_t i = 0; i < n; i++)
        U16_APPEND_UNSAFE(b->units, b->units_n, run[i].cp);
    if (U_SUCCESS(status))
        ubrk_setText(b->words, b->units, b->units_n, &status);
    if (U_FAILURE(status))
        return err_set(err, ERR_INTERNAL, "word breaks: %s", u_errorName(status));
    b->run = run;
    b->run_n = n;
    b->at = 0;
    b->unit_at = 0;
    return ERR_OK;
}

size_t breaks_next(struct breaks *b)
{
    int32_t to = ubrk_next(b->words);
    if (to == UBRK_DONE)
        to = b->units_n;
    while (b->unit_at < to && b->at < b->run_n)
        b->unit_at += U16_LENGTH(b->run[b->at++].cp);
    return b->at;
}
