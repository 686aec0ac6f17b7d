/* analyse.h - cut text into the terms that are indexed and searched.
 *
 * Model:   text is folded (fold.h) and cut into words:
 *            letters    one token per word: "Women's" -> women; a stem beside it where it differs:
 *                       running -> running, run (English Snowball, on ASCII words only). Hyphens,
 *                       ampersands and the dots of an abbreviation make a joined token beside the
 *                       pieces: T-shirt -> t, shirt, tshirt.
 *            numbers    one token: 1,299.50 -> 1299.50
 *            SKUs       letters with digits, or digits with hyphens: the whole without separators,
 *                       never stemmed, then its parts: WH-1000XM4 -> wh1000xm4, wh, 1000xm4, 1000,
 *                       xm, 4.
 *            CJK        (Han, kana, Hangul) overlapping pairs of characters: 运动鞋 -> 运动, 动鞋. For the
 *                       index also every single character, so that a query of one character finds
 *                       it; in a query a single character only where it stands alone. On request
 *                       also ICU's dictionary words of three characters and more.
 *            others     Thai, Lao, Khmer, Burmese: ICU's dictionary words.
 *          Index and query use the same code and differ only in the flag.
 * Order:   positions count the smallest pieces, and a wider token covers several: it stands for the
 *          same text as the narrower tokens that follow it, all of them together. Tokens ascend by
 *          position, then the wider before the narrower.
 * Memory:  the analyser owns everything that a result points to, until its next call.
 * Threads: one analyser per thread.
 * Caps:    text beyond TEXT_MAX_BYTES and tokens beyond TEXT_MAX_TOKENS are left out and `cut`
 *          is set; a word longer than TEXT_MAX_TERM_BYTES is left out but takes its position. */
#ifndef TEXT_ANALYSE_H
#define TEXT_ANALYSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    TEXT_MAX_BYTES = 64 << 10, /* of a text; a product's longest field is far below */
    TEXT_MAX_TOKENS = 64 << 10,
    TEXT_MAX_TERM_BYTES = 64
};

/* What a token is; a set of bits. */
enum text_kind {
    TEXT_WORD = 1 << 0,   /* letters as written (folded) */
    TEXT_STEM = 1 << 1,   /* the stem of the word at the same position, only where it differs */
    TEXT_CJK = 1 << 2,    /* a character, a pair, or (with TEXT_WORD) a dictionary word */
    TEXT_NUMBER = 1 << 3, /* digits, with at most inner points */
    TEXT_SKU = 1 << 4,    /* letters with digits, separators left out */
    TEXT_PART = 1 << 5,   /* a piece of the wider TEXT_SKU or TEXT_JOINED token before it */
    TEXT_JOINED = 1 << 6  /* words that were written with hyphens, without them */
};

struct text_token {
    struct str
        term; /* folded bytes, 1..TEXT_MAX_TERM_BYTES, borrowed until the analyser's next call */
    uint32_t start;    /* byte range in the text as given, at character boundaries */
    uint32_t end;      /* > start */
    uint32_t position; /* the first one that it covers, from 0 */
    uint16_t span;     /* how many positions it covers, >= 1 */
    uint16_t kind;     /* enum text_kind */
};

struct text_tokens {
    const struct text_token *items; /* [n] borrowed until the analyser's next call */
    size_t n;
    uint32_t positions; /* how many positions the text has */
    bool cut;           /* a cap left something out */
};

enum text_mode {
    TEXT_INDEX = 0,          /* everything that a query may ask for */
    TEXT_QUERY = 1 << 0,     /* only what must be found */
    TEXT_CJK_WORDS = 1 << 1, /* also ICU's dictionary words of 3 and more CJK characters */
    TEXT_NO_STEM = 1 << 2    /* no TEXT_STEM tokens */
};

struct text_analyser;

/** returns owned. Opens no ICU or Snowball object before one is needed. */
struct text_analyser *text_analyser_new(void);
void text_analyser_free(struct text_analyser *a);

/** Cut text into tokens. mode is a set of enum text_mode bits.
 *  out is filled on success only. Deterministic.
 *  ERR_MEMORY
 *  ERR_INTERNAL  ICU or Snowball failed */
ERR_MUST_USE enum err_code text_analyse(struct text_analyser *a, struct str text, unsigned mode,
                                        struct text_tokens *out, struct err *err);

#endif
