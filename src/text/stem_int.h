/* stem_int.h - English stems with a memory.
 *
 * Model:   Snowball's "english" (Porter 2) behind a direct-mapped cache: titles repeat few words,
 *          and the cache answers in a tenth of the time. The answer does not depend on what was
 *          asked before.
 * Threads: one per thread. */
#ifndef TEXT_STEM_INT_H
#define TEXT_STEM_INT_H

#include "base/err.h"
#include "base/str.h"

struct sb_stemmer;
struct stem_entry;

/* All-zero is a valid empty value. */
struct stemmer {
    struct sb_stemmer *english; /* owned, made at the first use */
    struct stem_entry *cache;   /* [STEM_CACHE] owned */
};

void stemmer_release(struct stemmer *s);

/** The stem of a word of lower-case ASCII letters. *stem is borrowed until the next call.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code stemmer_stem(struct stemmer *s, struct str word, struct str *stem,
                                        struct err *err);

#endif
