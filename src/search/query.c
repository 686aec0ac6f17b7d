/* query.c - from what was typed to terms. */
#include "base/check.h"
#include "search/search_int.h"

/* How much a way to find a word is worth against the word as written. */
#define WEIGHT_STEM   0.6f
#define WEIGHT_PART   0.5f
#define WEIGHT_JOINED 0.9f
#define WEIGHT_PREFIX 0.6f

static float weight_of(const struct text_token *t)
{
    if (t->kind & TEXT_STEM)
        return WEIGHT_STEM;
    if (t->kind & TEXT_PART)
        return WEIGHT_PART;
    if (t->kind & TEXT_JOINED)
        return WEIGHT_JOINED;
    return 1;
}

/* The words of a query are the analyser's positions. A wide token (a SKU, a joined word) covers the
 * words of the narrower ones it stands for, so it or all of them together will do; so does a stem for
 * its word. A pair of CJK characters covers both: each character must be found in a pair, so that
 * 搪瓷水壶 needs 搪瓷 and 水壶, while 瓷水, which spans two words, only adds to the score. */
static uint32_t words_of(const struct text_token *t)
{
    uint32_t words = 0;
    for (uint32_t i = t->position; i < (uint32_t)t->position + t->span; i++)
        if (i < SEARCH_WORDS_MAX)
            words |= 1u << i;
    return words;
}

static enum err_code add(struct query *q, struct arena *arena, const struct text_token *t,
                         float weight, bool prefix, struct err *err)
{
    uint32_t words = words_of(t);
    if (words == 0 || q->len == QUERY_TERMS_MAX)
        return ERR_OK;
    struct str text = arena_str(arena, t->term);
    if (!text.p)
        return err_set(err, ERR_LIMIT, "the query does not fit");
    q->terms[q->len++] = (struct query_term){text, words, weight, prefix, 0};
    if (!prefix)
        q->words |= words;
    q->matches[q->matches_len++] = (struct text_match){.term = text, .prefix = prefix};
    return ERR_OK;
}

/* Does the query end within a word, so that it may be unfinished? */
static bool unfinished(struct str query)
{
    if (query.n == 0)
        return false;
    unsigned char last = (unsigned char)query.p[query.n - 1];
    return last >= 0x80 || (last != ' ' && last != '\t' && last != ',' && last != '.');
}

enum err_code query_plan(struct text_analyser *analyser, const struct search_request *r,
                         struct arena *arena, struct query *out, struct err *err)
{
    struct text_tokens tokens;
    size_t bad;
    *out = (struct query){0};
    if (r->query.n > STORE_QUERY_MAX)
        return err_set(err, ERR_INVALID, "the query is longer than %d bytes", STORE_QUERY_MAX);
    if (!str_utf8_valid(r->query, &bad))
        return err_set(err, ERR_INVALID, "the query is not UTF-8 at byte %zu", bad);
    enum err_code code = text_analyse(analyser, r->query, TEXT_QUERY, &tokens, err);
    if (code != ERR_OK)
        return code;
    out->terms = arena_try_alloc(arena, QUERY_TERMS_MAX * sizeof *out->terms);
    out->matches = arena_try_alloc(arena, QUERY_TERMS_MAX * sizeof *out->matches);
    if (!out->terms || !out->matches)
        return err_set(err, ERR_LIMIT, "the query does not fit");
    for (size_t i = 0; i < tokens.n && code == ERR_OK; i++)
        code = add(out, arena, &tokens.items[i], weight_of(&tokens.items[i]), false, err);
    if (!r->prefix || !unfinished(r->query))
        return code;
    /* What ends where the query ends: the unfinished word, as written. */
    for (size_t i = 0; i < tokens.n && code == ERR_OK; i++)
        if (tokens.items[i].end == r->query.n && !(tokens.items[i].kind & (TEXT_STEM | TEXT_CJK)))
            code = add(out, arena, &tokens.items[i], WEIGHT_PREFIX * weight_of(&tokens.items[i]),
                       true, err);
    return code;
}
