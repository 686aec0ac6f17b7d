#include "recommend/likes.h"

#include <stdlib.h>
#include <string.h>

#include "index/facets.h"

enum { KEY_JOINT = 1 }; /* between the parts of a folded path (index/facets.h) */

static const char path_joint[] = " > ";

/* The first parts of a folded path. */
static struct str cut_key(struct str key, uint32_t parts)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] == KEY_JOINT && --parts == 0)
            return (struct str){key.p, i};
    return key;
}

/* The value of the product's category, or of its ancestor at LIKES_DEPTH. */
static bool category_of(const struct view *view, uint32_t product_no, struct liked_category *out)
{
    struct location at = catalogue_locate(view->catalogue, product_no);
    const struct segment *s = location_found(at) ? view->catalogue->segments[at.slot] : NULL;
    uint32_t facet = s ? segment_find_facet(s, STR_LIT("category")) : ORDINAL_NONE;
    uint32_t value = facet == ORDINAL_NONE ? facet : segment_doc_value(s, at.doc, facet);
    if (value == ORDINAL_NONE)
        return false;
    struct str key = segment_value_key_of(s, value), cut = cut_key(key, LIKES_DEPTH);
    if (cut.n < key.n)
        value = segment_find_value(s, facet, cut);
    if (value == ORDINAL_NONE)
        return false;
    *out = (struct liked_category){
        .key = cut, .path = segment_value_text(s, value), .slot = at.slot, .value = value};
    return true;
}

static void add(const struct view *view, uint32_t product_no, float weight, struct likes *likes)
{
    struct liked_category c;
    if (!(weight > 0) || !category_of(view, product_no, &c))
        return;
    for (size_t i = 0; i < likes->len; i++)
        if (str_eq(likes->items[i].key, c.key)) {
            likes->items[i].weight += weight;
            return;
        }
    c.weight = weight;
    if (likes->len < LIKES_MAX)
        likes->items[likes->len++] = c;
}

static int heaviest_first(const void *a, const void *b)
{
    const struct liked_category *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return str_cmp(x->key, y->key);
}

void likes_of_profile(const struct view *view, const struct profile *profile, struct likes *out)
{
    out->len = 0;
    for (size_t i = 0; i < profile->len; i++)
        add(view, profile->items[i].product_no, profile->items[i].weight, out);
    qsort(out->items, out->len, sizeof *out->items, heaviest_first);
}

bool likes_share(const struct view *view, const struct likes *likes, uint32_t product_no,
                 float *share)
{
    struct liked_category c;
    float all = 0, here = 0;
    if (likes->len == 0 || !category_of(view, product_no, &c))
        return false;
    for (size_t i = 0; i < likes->len; i++) {
        all += likes->items[i].weight;
        here += str_eq(likes->items[i].key, c.key) ? likes->items[i].weight : 0;
    }
    *share = here / all;
    return true;
}

void likes_of_shelf(const struct view *view, const struct shelf *shelf, uint32_t want,
                    struct likes *out)
{
    out->len = 0;
    for (uint32_t i = 0; i < shelf->len && i < want; i++)
        add(view, shelf->product_no[i], shelf->score[i], out);
    qsort(out->items, out->len, sizeof *out->items, heaviest_first);
}

struct str liked_label(const struct view *view, const struct liked_category *c, struct str language)
{
    const struct segment *s = view->catalogue->segments[c->slot];
    struct str label = segment_value_label(s, c->value, segment_language(s, language));
    for (size_t i = label.n; i >= sizeof path_joint; i--)
        if (memcmp(label.p + i - (sizeof path_joint - 1), path_joint, sizeof path_joint - 1) == 0)
            return (struct str){label.p + i, label.n - i};
    return label;
}
