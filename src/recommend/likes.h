/* likes.h - which categories a shopper likes, or are hot: what rows like "popular in ..." are about.
 *
 * Model:   every product gives its weight to its category, cut to LIKES_DEPTH parts of the path; the heaviest
 *          first, of equal ones the earlier key, so that threads and segments change nothing. Only the first
 *          LIKES_MAX different ones that are met count.
 * Memory:  the caller's; what is in them is borrowed while the view is held. */
#ifndef RECOMMEND_LIKES_H
#define RECOMMEND_LIKES_H

#include "recommend/profile.h"

enum { LIKES_MAX = 32, LIKES_DEPTH = 2 };

struct liked_category {
    struct str key;       /* folded: what identifies it in every segment */
    struct str path;      /* "Home > Kitchen": what filters compare */
    uint32_t slot, value; /* where its labels are */
    float weight;         /* > 0 */
};

struct likes {
    struct liked_category items[LIKES_MAX];
    size_t len;
};

/** Of a shopper's past. */
void likes_of_profile(const struct view *view, const struct profile *profile, struct likes *out);

/** *share, 0..1: how much of the likes' weight lies in the category of a product. False: it has none, or there are no
 *  likes. */
bool likes_share(const struct view *view, const struct likes *likes, uint32_t product_no,
                 float *share);

/** Of the first `want` of a shelf. */
void likes_of_shelf(const struct view *view, const struct shelf *shelf, uint32_t want,
                    struct likes *out);

/** What people read: the last part of the path, in one of the shop's languages. */
struct str liked_label(const struct view *view, const struct liked_category *c,
                       struct str language);

#endif
