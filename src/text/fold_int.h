/* fold_int.h - folding with the way back: each folded character knows its class and where it came
 * from. */
#ifndef TEXT_FOLD_INT_H
#define TEXT_FOLD_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* What a folded character is to the tokeniser. At most 16: fold.c's table gives it four bits. */
enum fold_class {
    FOLD_OTHER = 0, /* spaces, punctuation, symbols, controls, unassigned */
    FOLD_LETTER,    /* of scripts that write spaces or letters; also what is left of numerals */
    FOLD_MARK,      /* belongs to the character before it */
    FOLD_DIGIT,     /* 0-9 */
    FOLD_CJK,       /* Han, kana, Hangul, Bopomofo */
    FOLD_COMPLEX    /* Thai, Lao, Khmer, Burmese: words only by dictionary */
};

struct fold_char {
    uint32_t cp;    /* folded */
    uint32_t start; /* byte range in the text as given of the characters that it was made of */
    uint32_t end;
    enum fold_class class;
};

/* Folded characters. All-zero is a valid empty value. */
struct fold_chars {
    struct fold_char *items; /* [cap] owned */
    size_t n;
    size_t cap;
    size_t bytes; /* of all of them as UTF-8 */
    bool cut;     /* max was reached */
};

void fold_chars_release(struct fold_chars *c);

/** Fold in, at most max characters of it. Characters that are made of the same bytes share their
 *  range. c is replaced and keeps its capacity.
 *  ERR_MEMORY
 *  ERR_INTERNAL  ICU failed */
ERR_MUST_USE enum err_code fold_chars(struct str in, size_t max, struct fold_chars *c,
                                      struct err *err);

#endif
