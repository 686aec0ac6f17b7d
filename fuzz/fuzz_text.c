/* fuzz_text.c - any bytes fold, analyse and highlight without harm, and keep what the headers
 * promise. */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "text/analyse.h"
#include "text/detect.h"
#include "text/fold.h"
#include "text/highlight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MATCHES = 16, MAX_RANGES = 32 };

static void folds_once(struct str text)
{
    struct buf once, twice;
    buf_init(&once, 1 << 24);
    buf_init(&twice, 1 << 24);
    CHECK(text_fold(text, &once, NULL) == ERR_OK);
    CHECK(text_fold(buf_str(&once), &twice, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&once), buf_str(&twice)));
    CHECK(str_utf8_valid(buf_str(&once), NULL));
    buf_release(&once);
    buf_release(&twice);
}

static void check_tokens(struct str text, const struct text_tokens *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct text_token *token = &t->items[i];
        CHECK(token->start < token->end && token->end <= text.n);
        CHECK(token->span >= 1 && token->position + token->span <= t->positions);
        CHECK(token->term.n >= 1 && token->term.n <= TEXT_MAX_TERM_BYTES);
        CHECK(str_utf8_valid(token->term, NULL));
        CHECK(i == 0 || token[-1].position <= token->position);
    }
}

/* Look for the text's own first terms: at least one must be found again in the whole text. */
static void highlights_itself(struct text_analyser *a, struct str text, size_t max_bytes)
{
    struct text_tokens t;
    struct text_snippet s;
    struct text_range ranges[MAX_RANGES];
    struct text_match matches[MAX_MATCHES];
    char terms[MAX_MATCHES][TEXT_MAX_TERM_BYTES];
    size_t n = 0;
    CHECK(text_analyse(a, text, TEXT_INDEX, &t, NULL) == ERR_OK);
    for (; n < t.n && n < MAX_MATCHES; n++) {
        memcpy(terms[n], t.items[n].term.p, t.items[n].term.n);
        matches[n] = (struct text_match){{terms[n], t.items[n].term.n}, n % 2};
    }
    CHECK(text_highlight(a, text, matches, n, 0, ranges, MAX_RANGES, &s, NULL) == ERR_OK);
    CHECK(n == 0 || s.n > 0);
    CHECK(text_highlight(a, text, matches, n, max_bytes, ranges, MAX_RANGES, &s, NULL) == ERR_OK);
    CHECK(s.window.start <= s.window.end && s.window.end <= text.n);
    for (size_t i = 0; i < s.n; i++)
        CHECK(ranges[i].start >= s.window.start && ranges[i].end <= s.window.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text_analyser *a;
    if (!a)
        a = text_analyser_new();
    if (size < 2)
        return 0;
    struct text_tokens t;
    struct str text = {(const char *)data + 2, size - 2};
    text_detect(text);
    folds_once(text);
    CHECK(text_analyse(a, text, data[0], &t, NULL) == ERR_OK);
    check_tokens(text, &t);
    highlights_itself(a, text, data[1]);
    return 0;
}
