#include "text/analyse.h"

#include "base/check.h"
#include "base/mem.h"
#include "text/analyse_int.h"

enum {
    MIN_STEM_BYTES = 3, /* shorter words have no stem of their own */
    MIN_DICTIONARY = 3, /* characters; shorter CJK words are pairs and characters already */

    /* At one character there may begin at most a whole, a piece and an atom, of which the whole
     * (joined words) or the atom has a stem; or a dictionary word, a pair and a single. Each
     * of them spells each character at most once. */
    TOKENS_EACH = 4
};

struct text_analyser *text_analyser_new(void)
{
    return MEM_NEW(struct text_analyser);
}

void text_analyser_free(struct text_analyser *a)
{
    if (!a)
        return;
    fold_chars_release(&a->text);
    mem_free(a->tokens);
    mem_free(a->terms);
    stemmer_release(&a->stemmer);
    breaks_release(&a->breaks);
    mem_free(a);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool push(struct text_analyser *a, struct str term, const struct text_token *like)
{
    if (a->tokens_n == TEXT_MAX_TOKENS) {
        a->full = true;
        return false;
    }
    CHECK(a->tokens_n < a->tokens_cap && term.n <= a->terms_cap - a->terms_n);
    struct text_token *token = &a->tokens[a->tokens_n++];
    *token = *like;
    token->term = (struct str){a->terms + a->terms_n, term.n};
    memcpy(a->terms + a->terms_n, term.p, term.n);
    a->terms_n += term.n;
    return true;
}

/* Of what is no letter, mark or digit only the point between digits is part of a term. */
static bool is_spelled(const struct fold_chars *t, size_t i)
{
    const struct fold_char *c = &t->items[i];
    if (c->class != FOLD_OTHER)
        return true;
    return c->cp == '.' && i > 0 && i + 1 < t->n && c[-1].class == FOLD_DIGIT &&
           c[1].class == FOLD_DIGIT;
}

bool analyser_add(struct text_analyser *a, size_t first, size_t end, struct token_place place)
{
    char term[TEXT_MAX_TERM_BYTES];
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        char utf8[4];
        if (!is_spelled(&a->text, i))
            continue;
        size_t bytes = str_utf8_put(a->text.items[i].cp, utf8);
        if (bytes > sizeof term - n)
            return false;
        memcpy(term + n, utf8, bytes);
        n += bytes;
    }
    struct text_token like = {.start = a->text.items[first].start,
                              .end = a->text.items[end - 1].end,
                              .position = place.position,
                              .span = place.span,
                              .kind = place.kind};
    return n > 0 && push(a, (struct str){term, n}, &like);
}

static bool is_ascii_word(struct str term)
{
    for (size_t i = 0; i < term.n; i++)
        if (term.p[i] < 'a' || term.p[i] > 'z')
            return false;
    return term.n >= MIN_STEM_BYTES;
}

void analyser_add_word(struct text_analyser *a, size_t first, size_t end, struct token_place place)
{
    if (!analyser_add(a, first, end, place) || a->mode & TEXT_NO_STEM)
        return;
    struct text_token like = a->tokens[a->tokens_n - 1];
    struct str stem;
    if (!is_ascii_word(like.term) || a->failed)
        return;
    a->failed = stemmer_stem(&a->stemmer, like.term, &stem, a->err);
    if (a->failed || stem.n == 0 || str_eq(stem, like.term))
        return;
    DCHECK(stem.n <= like.term.n);
    like.kind = (uint16_t)((like.kind & ~TEXT_WORD) | TEXT_STEM);
    push(a, stem, &like);
}

/* --- scripts without spaces ------------------------------------------------------------------ */

static size_t run_end(const struct fold_chars *t, size_t i, enum fold_class class)
{
    while (i < t->n && t->items[i].class == class)
        i++;
    return i;
}

static struct token_place cjk_place(const struct text_analyser *a, size_t characters, unsigned kind)
{
    return (struct token_place){a->position, (uint16_t)characters, (uint16_t)(TEXT_CJK | kind)};
}

/* Dictionary words, pairs and singles of a run, in the order of where they begin. */
static size_t add_cjk(struct text_analyser *a, size_t i)
{
    size_t end = run_end(&a->text, i, FOLD_CJK), word = i, word_end = i;
    bool words = a->mode & TEXT_CJK_WORDS && end - i >= MIN_DICTIONARY;
    bool singles = !(a->mode & TEXT_QUERY) || end - i == 1;
    size_t run = i;
    if (words)
        a->failed = breaks_start(&a->breaks, a->text.items + i, end - i, a->err);
    for (; i < end && !a->failed; i++) {
        if (words && i == word_end) {
            word = i;
            word_end = run + breaks_next(&a->breaks);
            if (word_end - word >= MIN_DICTIONARY)
                analyser_add(a, word, word_end, cjk_place(a, word_end - word, TEXT_WORD));
        }
        if (i + 1 < end)
            analyser_add(a, i, i + 2, cjk_place(a, 2, 0));
        if (singles)
            analyser_add(a, i, i + 1, cjk_place(a, 1, 0));
        a->position++;
    }
    return end;
}

static size_t add_complex(struct text_analyser *a, size_t i)
{
    size_t end = run_end(&a->text, i, FOLD_COMPLEX), run = i;
    a->failed = breaks_start(&a->breaks, a->text.items + i, end - i, a->err);
    while (i < end && !a->failed) {
        size_t next = run + breaks_next(&a->breaks);
        analyser_add(a, i, next, (struct token_place){a->position++, 1, TEXT_WORD});
        i = next;
    }
    return end;
}

/* --- a text ---------------------------------------------------------------------------------- */

static enum err_code reserve(struct text_analyser *a)
{
    size_t tokens = a->text.n * TOKENS_EACH, terms = a->text.bytes * TOKENS_EACH;
    if (tokens > TEXT_MAX_TOKENS)
        tokens = TEXT_MAX_TOKENS;
    if (tokens > a->tokens_cap) {
        mem_free(a->tokens);
        a->tokens_cap = 0;
        a->tokens = mem_try_new(tokens, sizeof *a->tokens);
        if (!a->tokens)
            return err_set(a->err, ERR_MEMORY, "no memory for %zu tokens", tokens);
        a->tokens_cap = tokens;
    }
    if (terms > a->terms_cap) {
        mem_free(a->terms);
        a->terms_cap = 0;
        a->terms = mem_try_new(terms, 1);
        if (!a->terms)
            return err_set(a->err, ERR_MEMORY, "no memory for %zu bytes of terms", terms);
        a->terms_cap = terms;
    }
    return ERR_OK;
}

static void add_all(struct text_analyser *a)
{
    size_t i = 0;
    while (i < a->text.n && !a->failed && !a->full) {
        switch (a->text.items[i].class) {
        case FOLD_LETTER:
        case FOLD_DIGIT:
            i = analyser_add_compound(a, i);
            break;
        case FOLD_CJK:
            i = add_cjk(a, i);
            break;
        case FOLD_COMPLEX:
            i = add_complex(a, i);
            break;
        case FOLD_OTHER:
        case FOLD_MARK:
            i++;
            break;
        }
    }
}

enum err_code text_analyse(struct text_analyser *a, struct str text, unsigned mode,
                           struct text_tokens *out, struct err *err)
{
    bool too_long = text.n > TEXT_MAX_BYTES;
    if (too_long)
        text.n = str_utf8_floor(text.p, text.n, TEXT_MAX_BYTES);
    a->mode = mode;
    a->err = err;
    a->tokens_n = a->terms_n = 0;
    a->position = 0;
    a->full = false;
    a->failed = fold_chars(text, TEXT_MAX_BYTES, &a->text, err);
    if (!a->failed)
        a->failed = reserve(a);
    if (!a->failed)
        add_all(a);
    if (a->failed)
        return a->failed;
    *out = (struct text_tokens){.items = a->tokens,
                                .n = a->tokens_n,
                                .positions = a->position,
                                .cut = too_long || a->text.cut || a->full};
    return ERR_OK;
}
