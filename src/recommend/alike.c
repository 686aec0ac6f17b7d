/* alike.c - products that read like another one, through the inverted index.
 *
 * The rarest terms of the product's title, brand and category that other products have too are looked
 * up in every segment; a doc's score is the sum of their idf (cf. Lucene's MoreLikeThis), without frequencies
 * and lengths. Terms are taken as long as there is room for all of their products. */
#include <math.h>

#include "index/facets.h"
#include "index/postings.h"
#include "index/terms.h"
#include "recommend/sources.h"
#include "text/analyse.h"

enum {
    TERMS_MAX = 48, /* looked at */
    TERMS_USED = 6, /* the most telling */
};

struct alike_term {
    char text[TEXT_MAX_TERM_BYTES];
    size_t n;
    uint64_t df;
};

static struct str text_of(const struct alike_term *t)
{
    return (struct str){t->text, t->n};
}

static bool taken(const struct alike_term *terms, size_t n, struct str text)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(text_of(&terms[i]), text))
            return true;
    return false;
}

/* Add the distinct terms of a text to terms [n], rarest first. A term of one doc is only this
 * product's own. */
static size_t add_terms(const struct catalogue *c, const struct text_tokens *tokens,
                        struct alike_term *terms, size_t n)
{
    for (size_t i = 0; i < tokens->n && n < TERMS_MAX; i++) {
        struct str text = tokens->items[i].term;
        if (taken(terms, n, text))
            continue;
        struct alike_term t = {.n = text.n, .df = catalogue_term_docs(c, text)};
        if (t.df < 2)
            continue;
        memcpy(t.text, text.p, text.n);
        size_t at = n++;
        for (; at > 0 && terms[at - 1].df > t.df; at--)
            terms[at] = terms[at - 1];
        terms[at] = t;
    }
    return n;
}

/* One segment's docs of a term, in order of product number as all docs of a segment are. */
struct walk {
    struct posting_cursor cursor;
    uint32_t slot;
    uint32_t product_no; /* that the cursor stands on; UINT32_MAX at the end */
};

static void next_alive(const struct catalogue *c, struct walk *w)
{
    uint32_t doc;
    do
        doc = posting_next(&w->cursor);
    while (doc != POSTING_END && !catalogue_alive(c, w->slot, doc));
    w->product_no = doc == POSTING_END ? UINT32_MAX : c->segments[w->slot]->product_no[doc];
}

static size_t segments_of(const struct catalogue *c)
{
    size_t n = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        n += c->segments[slot] != NULL;
    return n;
}

/* The living products of a term but self, at most cap. Merged over the segments by product number, so that
 * what no room is left for does not depend on how the products are spread over them. */
static size_t products_of(const struct catalogue *c, const struct alike_term *t, uint32_t self,
                          struct walk *walks, uint32_t *out, size_t cap)
{
    size_t n = 0, found = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = c->segments[slot];
        uint32_t term = s ? segment_find_term(s, text_of(t)) : ORDINAL_NONE;
        if (term == ORDINAL_NONE)
            continue;
        walks[n].slot = slot;
        posting_open(&walks[n].cursor, s, term);
        next_alive(c, &walks[n++]);
    }
    while (n && found < cap) {
        struct walk *first = walks;
        for (size_t i = 1; i < n; i++)
            if (walks[i].product_no < first->product_no)
                first = &walks[i];
        if (first->product_no == UINT32_MAX)
            break;
        if (first->product_no != self)
            out[found++] = first->product_no;
        next_alive(c, first);
    }
    return found;
}

/* The doc's value of a facet that has one at most; empty if it has none. */
static struct str value_of(const struct segment *s, uint32_t doc, struct str facet)
{
    uint32_t at = segment_find_facet(s, facet);
    uint32_t value = at == ORDINAL_NONE ? at : segment_doc_value(s, doc, at);
    return value == ORDINAL_NONE ? (struct str){NULL, 0} : segment_value_text(s, value);
}

static enum err_code telling_terms(const struct catalogue *c, struct location at,
                                   struct alike_term *terms, size_t *n, struct err *err)
{
    const struct segment *s = c->segments[at.slot];
    const struct str texts[] = {segment_title(s, at.doc, 0), value_of(s, at.doc, STR_LIT("brand")),
                                value_of(s, at.doc, STR_LIT("category"))};
    struct text_analyser *analyser = text_analyser_new();
    enum err_code code = ERR_OK;
    *n = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && code == ERR_OK; i++) {
        struct text_tokens tokens;
        code = text_analyse(analyser, texts[i], TEXT_QUERY, &tokens, err);
        if (code == ERR_OK)
            *n = add_terms(c, &tokens, terms, *n);
    }
    text_analyser_free(analyser);
    return code;
}

enum err_code source_alike(const struct view *view, uint32_t product_no, uint32_t most,
                           enum reason_code reason, struct arena *arena, struct candidates *out,
                           struct err *err)
{
    const struct catalogue *c = view->catalogue;
    struct location at = catalogue_locate(c, product_no);
    size_t n;
    if (!location_found(at))
        return ERR_OK;
    struct alike_term *terms = arena_try_alloc(arena, TERMS_MAX * sizeof *terms);
    struct walk *walks = arena_try_alloc(arena, segments_of(c) * sizeof *walks);
    uint32_t *products = arena_try_alloc(arena, most * sizeof *products);
    if (!terms || !walks || !products)
        return err_set(err, ERR_LIMIT, "the terms of a product do not fit");
    enum err_code code = telling_terms(c, at, terms, &n, err);
    size_t used = 0;
    for (size_t i = 0; i < n && i < TERMS_USED && code == ERR_OK; i++) {
        /* A part of its products would be favoured over the rest; but part of the first is more than none. */
        if (used > 0 && terms[i].df > most - used)
            break;
        struct candidate_list list = {.numbers = products + used,
                                      .weight = log1pf((float)c->products / (float)terms[i].df),
                                      .reason = reason,
                                      .because = product_no};
        list.n = products_of(c, &terms[i], product_no, walks, products + used, most - used);
        used += list.n;
        code = candidates_add(out, &list, err);
    }
    return code;
}
