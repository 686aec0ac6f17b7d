/* breaks_int.h - ICU's dictionary words in a run of folded characters.
 *
 * Threads: one per thread. */
#ifndef TEXT_BREAKS_INT_H
#define TEXT_BREAKS_INT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/fold_int.h"

/* All-zero is a valid empty value. */
struct breaks {
    struct UBreakIterator *words; /* owned, opened at the first use (milliseconds) */
    uint16_t *units;              /* [cap] the run as UTF-16, owned */
    size_t cap;
    int32_t units_n;
    const struct fold_char *run; /* [run_n] borrowed */
    size_t run_n;
    size_t at; /* character index of the boundary last given */
    int32_t unit_at;
};

void breaks_release(struct breaks *b);

/** Begin with a run, which is borrowed until the last breaks_next.
 *  ERR_MEMORY
 *  ERR_INTERNAL  ICU failed */
ERR_MUST_USE enum err_code breaks_start(struct breaks *b, const struct fold_char *run, size_t n,
                                        struct err *err);

/** The next boundary after the last one given (0 at first), as an index into the run; n at its
 *  end. */
size_t breaks_next(struct breaks *b);

#endif
