/* analyse_int.h - the analyser's inside: how its files add tokens. */
#ifndef TEXT_ANALYSE_INT_H
#define TEXT_ANALYSE_INT_H

#include "text/analyse.h"
#include "text/breaks_int.h"
#include "text/fold_int.h"
#include "text/stem_int.h"

struct text_analyser {
    struct fold_chars text;
    struct text_token *tokens; /* [tokens_cap] owned */
    size_t tokens_n;
    size_t tokens_cap;
    char *terms; /* [terms_cap] the terms of all tokens, one after the other, owned */
    size_t terms_n;
    size_t terms_cap;
    struct stemmer stemmer;
    struct breaks breaks;
    unsigned mode;        /* enum text_mode bits of this call */
    uint32_t position;    /* of the next word */
    bool full;            /* TEXT_MAX_TOKENS are reached */
    struct err *err;      /* of this call; may be NULL */
    enum err_code failed; /* the first failure of this call; the rest of the text is skipped */
};

/* Where a token stands and what it is; the characters are added one range at a time. */
struct token_place {
    uint32_t position;
    uint16_t span;
    uint16_t kind;
};

/** Add the token that text.items[first, end) spell, without what is not in words (apostrophes,
 *  thousands separators, joiners; the points within numbers stay). Nothing is added when that is
 *  empty or longer than TEXT_MAX_TERM_BYTES. Returns whether it was added. */
bool analyser_add(struct text_analyser *a, size_t first, size_t end, struct token_place place);

/** As analyser_add; then its stem, if there is one that differs. */
void analyser_add_word(struct text_analyser *a, size_t first, size_t end, struct token_place place);

/** Add the tokens of the words, numbers and SKUs that begin with the letter or digit at i.
 *  Returns the index of the first character after them, > i. */
size_t analyser_add_compound(struct text_analyser *a, size_t i);

#endif
