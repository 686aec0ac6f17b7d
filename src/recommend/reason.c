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
    [REASON_TASTE] = {"fits_your_taste",
                      {.before = STR_LIT("Fits your taste")},
                      {.before = STR_LIT("符合您的喜好")}},
    [REASON_VIEWED] = {"because_you_viewed",
                       {STR_LIT("Because you looked at “"), STR_LIT("”")},
                       {STR_LIT("因为您看过“"), STR_LIT("”")}},
    [REASON_BOUGHT] = {"because_you_bought",
                       {STR_LIT("Because you bought “"), STR_LIT("”")},
                       {STR_LIT("因为您买过“"), STR_LIT("”")}},
    [REASON_IN_CART] = {"because_in_cart",
                        {STR_LIT("Goes with “"), STR_LIT("” in your cart")},
                        {STR_LIT("与购物车中的“"), STR_LIT("”搭配")}},
    [REASON_SIMILAR] = {"similar_to_this",
                        {.before = STR_LIT("Similar to this")},
                        {.before = STR_LIT("与此商品相似")}},
    [REASON_BOUGHT_WITH] = {"bought_with_this",
                            {.before = STR_LIT("Often bought together")},
                            {.before = STR_LIT("经常一起购买")}},
    [REASON_POPULAR] = {"popular_now",
                        {.before = STR_LIT("Popular right now")},
                        {.before = STR_LIT("正在热卖")}},
    [REASON_NEW] = {"new_arrival",
                    {.before = STR_LIT("New arrival")},
                    {.before = STR_LIT("新品上架")}},
    [REASON_VIEWED_AFTER] = {"viewed_after_this",
                             {.before = STR_LIT("Often looked at next")},
                             {.before = STR_LIT("看了又看")}},
    [REASON_AFTER] = {"comes_after",
                      {STR_LIT("Often next after “"), STR_LIT("”")},
                      {STR_LIT("选过“"), STR_LIT("”的顾客接着常看")}},
    [REASON_LIKE] = {"similar_to",
                     {STR_LIT("Similar to “"), STR_LIT("”")},
                     {STR_LIT("与“"), STR_LIT("”相似")}},
    [REASON_BUY_AGAIN] = {"bought_before",
                          {.before = STR_LIT("You bought this before")},
                          {.before = STR_LIT("您曾经买过")}},
    [REASON_DUE] = {"due_again",
                    {.before = STR_LIT("About time for more")},
                    {.before = STR_LIT("差不多该补货了")}},
    [REASON_VISIT] = {"same_visit",
                      {STR_LIT("Often in one visit with “"), STR_LIT("”")},
                      {STR_LIT("同一次浏览中常与“"), STR_LIT("”一起出现")}},
    [REASON_PICKED] = {"picked_by_the_shop",
                       {.before = STR_LIT("Picked by the shop")},
                       {.before = STR_LIT("店家推荐")}},
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
