#include "index/terms.h"

#include <string.h>

#include "base/check.h"
#include "index/segment_int.h"

/* --- field lengths ---------------------------------------------------------------------------- *
 * Codes below 16 are the length; beyond, four bits behind the leading one and an exponent. */

uint32_t segment_length(uint8_t code)
{
    if (code < 16)
        return code;
    return (16u + code % 16) << (code / 16 - 1);
}

uint8_t segment_length_code(uint32_t length)
{
    if (length < 16)
        return (uint8_t)length;
    unsigned exponent = 31u - (unsigned)__builtin_clz(length);
    unsigned code = (exponent - 3) * 16 + (length >> (exponent - 4)) % 16;
    return code > UINT8_MAX ? UINT8_MAX : (uint8_t)code;
}

double segment_field_average(const struct segment *s, enum segment_field field)
{
    return s->docs ? (double)s->field_total[field] / s->docs : 0.0;
}

/* --- dictionary ------------------------------------------------------------------------------ */

static uint32_t term_blocks(const struct segment *s)
{
    return s->terms / TERM_BLOCK + (s->terms % TERM_BLOCK != 0);
}

/* The first term of a block, which is whole. */
static struct str first_of(const struct segment *s, uint32_t block)
{
    const uint8_t *at = s->term_text + s->term_block[block];
    return (struct str){(const char *)at + 1, at[0]};
}

static void walk_from_block(struct segment_term_walk *w, const struct segment *s, uint32_t block)
{
    w->s = s;
    w->next = block * TERM_BLOCK;
    w->at = block < term_blocks(s) ? s->term_block[block] : 0;
    w->bytes = 0;
}

void segment_term_walk(struct segment_term_walk *w, const struct segment *s, uint32_t first)
{
    DCHECK(first <= s->terms);
    walk_from_block(w, s, first / TERM_BLOCK);
    while (w->next < first)
        segment_term_next(w, NULL, NULL);
}

bool segment_term_next(struct segment_term_walk *w, uint32_t *term, struct str *text)
{
    if (w->next >= w->s->terms)
        return false;
    const uint8_t *at = w->s->term_text + w->at;
    size_t shared = w->next % TERM_BLOCK ? *at++ : 0;
    size_t rest = *at++;
    DCHECK(shared + rest <= SEGMENT_TERM_MAX);
    memcpy(w->text + shared, at, rest);
    w->bytes = shared + rest;
    w->at = (size_t)(at + rest - w->s->term_text);
    if (term)
        *term = w->next;
    w->next++;
    if (text)
        *text = (struct str){w->text, w->bytes};
    return true;
}

/* The first term that is not below text; *equal tells whether it is text. */
static uint32_t lower_bound(const struct segment *s, struct str text, bool *equal)
{
    uint32_t low = 0, high = term_blocks(s); /* first terms below low are not above text */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (str_cmp(first_of(s, mid), text) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    struct segment_term_walk w;
    struct str found;
    uint32_t term;
    *equal = false;
    if (low == 0)
        return 0;
    walk_from_block(&w, s, low - 1);
    while (w.next < low * TERM_BLOCK && segment_term_next(&w, &term, &found)) {
        int order = str_cmp(found, text);
        *equal = order == 0;
        if (order >= 0)
            return term;
    }
    return w.next;
}

uint32_t segment_find_term(const struct segment *s, struct str term)
{
    bool equal;
    uint32_t i = lower_bound(s, term, &equal);
    return equal ? i : ORDINAL_NONE;
}

/* The least text above all that begin with prefix: its last byte that can be raised is, and what
 * follows is cut. Empty: there is none. */
static struct str successor(struct str prefix, char *room)
{
    size_t n = prefix.n;
    while (n && (uint8_t)prefix.p[n - 1] == 0xff)
        n--;
    if (n == 0)
        return (struct str){NULL, 0};
    memcpy(room, prefix.p, n);
    room[n - 1] = (char)((uint8_t)room[n - 1] + 1);
    return (struct str){room, n};
}

void segment_find_prefix(const struct segment *s, struct str prefix, uint32_t *first, uint32_t *end)
{
    char room[SEGMENT_TERM_MAX];
    bool equal;
    *first = *end = 0;
    if (prefix.n > SEGMENT_TERM_MAX)
        return;
    struct str above = successor(prefix, room);
    *first = lower_bound(s, prefix, &equal);
    *end = above.n ? lower_bound(s, above, &equal) : s->terms;
}
