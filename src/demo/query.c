/* query.c - what a shopper types into the search field. */
#include "demo/visit_int.h"

static void put_lower(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++)
        buf_putc(out,
                 text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] - 'A' + 'a') : text.p[i]);
}

/* The fingers slip: two neighbouring letters change places, or the word stays unfinished. */
static void spoil(struct rng *r, size_t start, struct buf *out)
{
    size_t len = out->len - start;
    double luck = rng_unit(r);
    if (len < 5 || luck > .1)
        return;
    size_t at = start + 1 + (size_t)rng_below(r, len - 3);
    if (luck > .06) {
        buf_truncate(out, out->data[at + 1] == ' ' ? at + 1 : at + 2);
    } else if (out->data[at] != ' ' && out->data[at + 1] != ' ') {
        char kept = out->data[at];
        out->data[at] = out->data[at + 1];
        out->data[at + 1] = kept;
    }
}

/* Words that may stand before the noun, by how often they do. */
static struct str draw_qualifier(struct rng *r, const struct words *w)
{
    double luck = rng_unit(r);
    if (luck < .22)
        return w->feature;
    if (luck < .36)
        return w->colour;
    if (luck < .46)
        return w->brand;
    return (struct str){0};
}

void visit_put_query(struct visit *v, uint32_t item, struct buf *out)
{
    const struct catalogue *c = &v->world->catalogue;
    const struct item *it = &c->items[item];
    enum lang lang = (enum lang)v->shopper->lang;
    struct words w;
    item_words(c, it, lang, &w);
    size_t start = out->len;
    struct str before = draw_qualifier(&v->rng, &w);
    put_lower(before, out);
    if (before.n && lang == EN)
        buf_putc(out, ' ');
    bool other_word = rng_unit(&v->rng) < .18;
    put_lower(other_word ? str_of(c->types[it->type].row->also[lang]) : w.noun, out);
    if (w.size.n && rng_unit(&v->rng) < .07) {
        buf_putc(out, ' ');
        put_lower(w.size, out);
    }
    if (lang == EN)
        spoil(&v->rng, start, out);
}
