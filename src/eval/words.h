/* words.h - a line of words that blanks, tabs, commas or semicolons separate. */
#ifndef EVAL_WORDS_H
#define EVAL_WORDS_H

#include <stdbool.h>

#include "base/str.h"

static inline bool words_separated_by(char c)
{
    return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '\r';
}

/** Take the first word off the line; empty where there is none. */
static inline struct str words_next(struct str *line)
{
    size_t begin = 0, end;
    while (begin < line->n && words_separated_by(line->p[begin]))
        begin++;
    for (end = begin; end < line->n && !words_separated_by(line->p[end]); end++)
        continue;
    struct str word = {line->p + begin, end - begin};
    *line = (struct str){line->p + end, line->n - end};
    return word;
}

#endif
