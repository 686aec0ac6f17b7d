#include "recommend/novelty.h"

#include <math.h>

void novelty_init(struct novelty *n, const struct view *view, const struct profile *profile)
{
    const struct recommend_model *m = view_model(view);
    n->view = view;
    n->most = m ? log1pf(m->popularity_most) : 0;
    likes_of_profile(view, profile, &n->likes);
}

/* 0 for the most popular product. */
static float rarity_of(const struct novelty *n, uint32_t product_no)
{
    const struct recommend_model *m = view_model(n->view);
    uint32_t row = m ? recommend_model_row(m, product_no) : UINT32_MAX;
    float popularity = row == UINT32_MAX ? 0 : m->popularity[row];
    return n->most > 0 ? 1 - log1pf(popularity) / n->most : 1;
}

float novelty_of(const struct novelty *n, uint32_t product_no)
{
    float rarity = rarity_of(n, product_no), familiar;
    return likes_share(n->view, &n->likes, product_no, &familiar) ? (rarity + 1 - familiar) / 2
                                                                  : rarity;
}
