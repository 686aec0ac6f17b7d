#include "text/highlight.h"

#include "base/mem.h"

/* A token that matched. */
struct hit {
    struct text_range at;
    uint32_t match; /* index of the match */
};

struct hits {
    struct hit *items; /* [n] by start, owned */
    size_t n;
};

static bool matches_term(const struct text_match *m, struct str term)
{
    return m->prefix ? str_starts(term, m->term) : str_eq(term, m->term);
}

static enum err_code find_hits(const struct text_tokens *tokens, const struct text_match *matches,
                               size_t n, struct hits *hits, struct err *err)
{
    *hits = (struct hits){mem_try_new(tokens->n, sizeof *hits->items), 0};
    if (!hits->items)
        return err_set(err, ERR_MEMORY, "no memory for %zu hits", tokens->n);
    for (size_t t = 0; t < tokens->n; t++) {
        const struct text_token *token = &tokens->items[t];
        for (size_t m = 0; m < n; m++) {
            if (!matches_term(&matches[m], token->term))
                continue;
            hits->items[hits->n++] = (struct hit){{token->start, token->end}, (uint32_t)m};
            break;
        }
    }
    return ERR_OK;
}

/* The stretch of at most max_bytes from hit to hit that holds the most distinct matches; of
 * several the first. Two ends move forward over the hits; `seen` counts each match between them. */
static struct text_range richest_stretch(const struct hits *hits, size_t max_bytes)
{
    uint32_t seen[TEXT_MAX_MATCHES] = {0};
    size_t distinct = 0, most = 0, first = 0;
    struct text_range best = {0, 0};
    for (size_t last = 0; last < hits->n; last++) {
        const struct hit *h = &hits->items[last];
        distinct += seen[h->match]++ == 0;
        while (first < last && h->at.end > hits->items[first].at.start + max_bytes)
            distinct -= --seen[hits->items[first++].match] == 0;
        if (distinct > most) {
            most = distinct;
            best = (struct text_range){hits->items[first].at.start, h->at.end};
        }
    }
    return best;
}

/* Widen the stretch to a window that begins and ends with whole words, with a third of the room
 * that is left before it, or more where the text ends sooner. */
static struct text_range window_around(struct str text, const struct text_tokens *tokens,
                                       struct text_range stretch, size_t max_bytes)
{
    size_t length = stretch.end - stretch.start;
    size_t room = length < max_bytes ? max_bytes - length : 0;
    size_t wish = stretch.start > room / 3 ? stretch.start - room / 3 : 0;
    if (text.n - wish < max_bytes)
        wish = text.n - max_bytes;
    struct text_range w = {wish ? stretch.start : 0, 0};
    for (size_t t = 0; wish && t < tokens->n; t++) {
        if (tokens->items[t].start >= wish) {
            if (tokens->items[t].start < w.start)
                w.start = tokens->items[t].start;
            break;
        }
    }
    if (text.n - w.start <= max_bytes) {
        w.end = (uint32_t)text.n;
        return w;
    }
    for (size_t t = 0; t < tokens->n; t++) {
        uint32_t end = tokens->items[t].end;
        if (end > w.end && end > w.start && end - w.start <= max_bytes)
            w.end = end;
    }
    if (w.end <= w.start)
        w.end = (uint32_t)str_utf8_floor(text.p, text.n, w.start + max_bytes);
    return w;
}

/* The hits within the window, those that overlap or touch made one. */
static size_t fill_ranges(const struct hits *hits, struct text_range window,
                          struct text_range *ranges, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < hits->n; i++) {
        struct text_range at = hits->items[i].at;
        if (at.start < window.start || at.end > window.end)
            continue;
        if (n && at.start <= ranges[n - 1].end) {
            if (at.end > ranges[n - 1].end)
                ranges[n - 1].end = at.end;
        } else if (n < cap) {
            ranges[n++] = at;
        } else {
            break;
        }
    }
    return n;
}

enum err_code text_highlight(struct text_analyser *a, struct str text,
                             const struct text_match *matches, size_t n, size_t max_bytes,
                             struct text_range *ranges, size_t cap, struct text_snippet *out,
                             struct err *err)
{
    struct text_tokens tokens;
    struct hits hits;
    enum err_code code = text_analyse(a, text, TEXT_INDEX, &tokens, err);
    if (code)
        return code;
    code = find_hits(&tokens, matches, n < TEXT_MAX_MATCHES ? n : TEXT_MAX_MATCHES, &hits, err);
    if (code)
        return code;
    struct text_range window = {0, (uint32_t)text.n};
    if (max_bytes && text.n > max_bytes)
        window = window_around(text, &tokens, richest_stretch(&hits, max_bytes), max_bytes);
    *out = (struct text_snippet){.window = window,
                                 .n = fill_ranges(&hits, window, ranges, cap),
                                 .cut_before = window.start > 0,
                                 .cut_after = window.end < text.n};
    mem_free(hits.items);
    return ERR_OK;
}
