/* reason.c - why a product is shown, for programs and for people. */
#include "base/check.h"
#include "recommend/recommend.h"

/* What people read: before and behind the title of the product that is named. With nothing behind it
 * none is. */
struct wording {
    struct str before, behind;
};

static const struct reason {
    const char *name;
    struct wording en, zh;
} reasons[REASONS] = {
    [REASON_TASTE] = {"fits_your_taste", {STR_INIT("Fits your taste")}, {STR_INIT("符合您的喜好")}},
    [REASON_VIEWED] = {"because_you_viewed",
                       {STR_INIT("Because you looked at “"), STR_INIT("”")},
                       {STR_INIT("因为您看过“"), STR_INIT("”")}},
    [REASON_BOUGHT] = {"because_you_bought",
                       {STR_INIT("Because you bought “"), STR_INIT("”")},
                       {STR_INIT("因为您买过“"), STR_INIT("”")}},
    [REASON_IN_CART] = {"because_in_cart",
                        {STR_INIT("Goes with “"), STR_INIT("” in your cart")},
                        {STR_INIT("与购物车中的“"), STR_INIT("”搭配")}},
    [REASON_SIMILAR] = {"similar_to_this",
                        {STR_INIT("Similar to this")},
                        {STR_INIT("与此商品相似")}},
    [REASON_BOUGHT_WITH] = {"bought_with_this",
                            {STR_INIT("Often bought together")},
                            {STR_INIT("经常一起购买")}},
    [REASON_POPULAR] = {"popular_now", {STR_INIT("Popular right now")}, {STR_INIT("正在热卖")}},
    [REASON_NEW] = {"new_arrival", {STR_INIT("New arrival")}, {STR_INIT("新品上架")}},
};

const char *reason_name(enum reason_code r)
{
    CHECK((unsigned)r < REASONS);
    return reasons[r].name;
}

size_t reason_pieces(const struct view *view, enum reason_code reason, uint32_t reason_product,
                     struct str language, struct str out[REASON_PIECES])
{
    CHECK((unsigned)reason < REASONS);
    const struct reason *r = &reasons[reason];
    const struct wording *text = str_is(language, "zh") ? &r->zh : &r->en;
    out[0] = text->before;
    if (text->behind.n == 0)
        return 1;
    out[1] = card_title(view, reason_product, language);
    out[2] = text->behind;
    return 3;
}

void reason_text(const struct view *view, enum reason_code reason, uint32_t reason_product,
                 struct str language, struct buf *out)
{
    struct str pieces[REASON_PIECES];
    size_t n = reason_pieces(view, reason, reason_product, language, pieces);
    for (size_t i = 0; i < n; i++)
        buf_put_str(out, pieces[i]);
}
