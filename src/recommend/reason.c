/* reason.c - why a product is shown, for programs and for people. */
#include "base/check.h"
#include "recommend/recommend.h"

static const struct reason {
    const char *name;
    const char *en, *zh; /* with one %s for the title of the product that is named, or none */
} reasons[REASONS] = {
    [REASON_TASTE] = {"fits_your_taste", "Fits your taste", "符合您的喜好"},
    [REASON_VIEWED] = {"because_you_viewed", "Because you looked at “%s”", "因为您看过“%s”"},
    [REASON_BOUGHT] = {"because_you_bought", "Because you bought “%s”", "因为您买过“%s”"},
    [REASON_IN_CART] = {"because_in_cart", "Goes with “%s” in your cart", "与购物车中的“%s”搭配"},
    [REASON_SIMILAR] = {"similar_to_this", "Similar to this", "与此商品相似"},
    [REASON_BOUGHT_WITH] = {"bought_with_this", "Often bought together", "经常一起购买"},
    [REASON_POPULAR] = {"popular_now", "Popular right now", "正在热卖"},
    [REASON_NEW] = {"new_arrival", "New arrival", "新品上架"},
};

const char *reason_name(enum reason_code r)
{
    CHECK((unsigned)r < REASONS);
    return reasons[r].name;
}

void reason_text(const struct view *view, enum reason_code reason, uint32_t reason_product,
                 struct str language, struct buf *out)
{
    CHECK((unsigned)reason < REASONS);
    struct str text = str_of(str_is(language, "zh") ? reasons[reason].zh : reasons[reason].en);
    size_t hole = str_search(text, STR_LIT("%s"));
    if (hole == SIZE_MAX) {
        buf_put_str(out, text);
        return;
    }
    buf_put(out, text.p, hole);
    buf_put_str(out, card_title(view, reason_product, language));
    buf_put(out, text.p + hole + 2, text.n - hole - 2);
}
