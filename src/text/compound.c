/* Words, numbers and SKUs: what letters and digits make when hyphens, points and apostrophes stand
 * between them. An atom is all letters or one number; atoms that touch make a piece; pieces with
 * joiners between them make a compound. */
#include "base/check.h"
#include "text/analyse_int.h"

enum { MAX_ATOMS = 16 };

struct atom {
    size_t first; /* characters [first, end) */
    size_t end;
    size_t piece; /* which piece it belongs to, from 0 */
    bool number;
};

struct compound {
    struct atom atoms[MAX_ATOMS]; /* [n] */
    size_t n;
    bool digits; /* at least one atom is a number */
    size_t end;  /* the first character after it */
};

static enum fold_class class_at(const struct fold_chars *t, size_t i)
{
    return i < t->n ? t->items[i].class : FOLD_OTHER;
}

static bool is_char(const struct fold_chars *t, size_t i, char c)
{
    return i < t->n && t->items[i].cp == (uint32_t)c;
}

static bool is_alnum(enum fold_class c)
{
    return c == FOLD_LETTER || c == FOLD_DIGIT;
}

/* At an apostrophe between letters: does only a possessive s follow? */
static bool is_possessive(const struct fold_chars *t, size_t apostrophe)
{
    enum fold_class after = class_at(t, apostrophe + 2);
    return is_char(t, apostrophe + 1, 's') && !is_alnum(after) && after != FOLD_MARK &&
           !is_char(t, apostrophe + 2, '\'');
}

/* Letters from i on, apostrophes within them (o'neill) included; a possessive 's is left out but
 * passed over. Sets *end to the end of the letters and returns where to go on. */
static size_t scan_letters(const struct fold_chars *t, size_t i, size_t *end)
{
    for (;;) {
        while (class_at(t, i) == FOLD_LETTER || class_at(t, i) == FOLD_MARK)
            i++;
        *end = i;
        if (!is_char(t, i, '\'') || class_at(t, i + 1) != FOLD_LETTER)
            return i;
        if (is_possessive(t, i))
            return i + 2;
        i++;
    }
}

/* Is the comma at i between thousands: three digits after it, and no fourth? */
static bool separates_thousands(const struct fold_chars *t, size_t first, size_t i)
{
    size_t before = 0;
    while (before < i - first && class_at(t, i - 1 - before) == FOLD_DIGIT)
        before++;
    size_t after = 0;
    while (after < 4 && class_at(t, i + 1 + after) == FOLD_DIGIT)
        after++;
    return before <= 3 && after == 3;
}

/* Digits from i on with the points and thousands separators within them. Returns their end. */
static size_t scan_number(const struct fold_chars *t, size_t i)
{
    size_t first = i;
    for (;;) {
        while (class_at(t, i) == FOLD_DIGIT)
            i++;
        bool goes_on =
            class_at(t, i + 1) == FOLD_DIGIT &&
            (is_char(t, i, '.') || (is_char(t, i, ',') && separates_thousands(t, first, i)));
        if (!goes_on)
            return i;
        i++;
    }
}

/* Is the atom a letter between points, as in u.s.a.? */
static bool is_initial(const struct fold_chars *t, const struct atom *atom)
{
    return !atom->number && atom->end - atom->first == 1 &&
           class_at(t, atom->end + 1) == FOLD_LETTER && !is_alnum(class_at(t, atom->end + 2));
}

/* Does the character at i tie what follows to the atom before it? */
static bool ties(const struct fold_chars *t, size_t i, const struct atom *before)
{
    enum fold_class after = class_at(t, i + 1);
    if (!is_alnum(after))
        return false;
    bool digit = before->number || after == FOLD_DIGIT;
    switch (t->items[i].cp) {
    case '-':
        return true;
    case '&':
        return !digit;
    case '_':
        return digit;
    case '.':
        return digit || is_initial(t, before);
    default:
        return false;
    }
}

static void scan_compound(const struct fold_chars *t, size_t i, struct compound *c)
{
    *c = (struct compound){0};
    size_t piece = 0;
    for (;;) {
        struct atom *atom = &c->atoms[c->n++];
        *atom = (struct atom){.first = i, .piece = piece};
        atom->number = class_at(t, i) == FOLD_DIGIT;
        if (atom->number)
            i = atom->end = scan_number(t, i);
        else
            i = scan_letters(t, i, &atom->end);
        c->digits |= atom->number;
        c->end = i;
        if (c->n == MAX_ATOMS || i >= t->n)
            return;
        if (is_alnum(class_at(t, i)))
            continue;
        if (!ties(t, i, atom))
            return;
        piece++;
        i++;
    }
}

static void add_atom(struct text_analyser *a, const struct atom *atom, struct token_place place)
{
    place.kind |= atom->number ? TEXT_NUMBER : TEXT_WORD;
    if (atom->number)
        analyser_add(a, atom->first, atom->end, place);
    else
        analyser_add_word(a, atom->first, atom->end, place);
}

/* The atoms [from, to) of one piece, after the piece itself where it is neither one atom nor the
 * whole compound. */
static void add_piece(struct text_analyser *a, const struct compound *c, size_t from, size_t to)
{
    uint32_t base = a->position;
    if (to - from > 1 && to - from < c->n)
        analyser_add(a, c->atoms[from].first, c->atoms[to - 1].end,
                     (struct token_place){base + (uint32_t)from, (uint16_t)(to - from),
                                          TEXT_SKU | TEXT_PART});
    for (size_t i = from; i < to; i++)
        add_atom(a, &c->atoms[i], (struct token_place){base + (uint32_t)i, 1, TEXT_PART});
}

static void add_whole(struct text_analyser *a, const struct compound *c)
{
    struct token_place place = {a->position, (uint16_t)c->n, TEXT_SKU};
    size_t first = c->atoms[0].first, end = c->atoms[c->n - 1].end;
    if (c->digits) {
        analyser_add(a, first, end, place);
    } else {
        place.kind = TEXT_WORD | TEXT_JOINED;
        analyser_add_word(a, first, end, place);
    }
}

size_t analyser_add_compound(struct text_analyser *a, size_t i)
{
    struct compound c;
    scan_compound(&a->text, i, &c);
    DCHECK(c.end > i);
    if (c.n == 1) {
        add_atom(a, &c.atoms[0], (struct token_place){a->position, 1, 0});
    } else {
        add_whole(a, &c);
        for (size_t from = 0, to; from < c.n; from = to) {
            to = from + 1;
            while (to < c.n && c.atoms[to].piece == c.atoms[from].piece)
                to++;
            add_piece(a, &c, from, to);
        }
    }
    a->position += (uint32_t)c.n;
    return c.end;
}
