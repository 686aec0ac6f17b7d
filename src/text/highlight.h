/* highlight.h - show where a text matched: ranges to mark, and the best piece of a long text.
 *
 * Model:   the text is analysed as for the index and its tokens are compared with the terms that
 *          matched. Ranges and snippet are byte offsets in the text as given, always at
 *          character boundaries; the caller escapes and marks. */
#ifndef TEXT_HIGHLIGHT_H
#define TEXT_HIGHLIGHT_H

#include "text/analyse.h"

enum { TEXT_MAX_MATCHES = 256 };

/* A term that matched, as the analyser gave it for the query. */
struct text_match {
    struct str term; /* folded, borrowed */
    bool prefix;     /* every term that begins with it matches too */
};

struct text_range {
    uint32_t start;
    uint32_t end; /* > start */
};

struct text_snippet {
    struct text_range window; /* the piece to show; the whole text if it fits */
    size_t n;                 /* ranges filled: in order, apart, within the window */
    bool cut_before;          /* the window does not begin at the text's beginning */
    bool cut_after;
};

/** Find the window of at most max_bytes (0: the whole text) that shows the most distinct matches
 *  (the earliest such one; the beginning of the text where nothing matched), and the ranges to mark
 *  in it.
 *  matches  [n]    at most TEXT_MAX_MATCHES are used
 *  ranges   [cap]  further ones are left out
 *  ERR_MEMORY, ERR_INTERNAL  as text_analyse */
ERR_MUST_USE enum err_code text_highlight(struct text_analyser *a, struct str text,
                                          const struct text_match *matches, size_t n,
                                          size_t max_bytes, struct text_range *ranges, size_t cap,
                                          struct text_snippet *out, struct err *err);

#endif
