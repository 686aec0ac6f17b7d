/* rows_answer.c - rows by name, in words and as JSON. */
#include "base/check.h"
#include "recommend/answer.h"
#include "recommend/rows.h"

static const struct page {
    const char *name;
    enum placement_needs needs;
    enum placement placement;
} pages[ROWS_PAGES] = {
    [ROWS_HOME] = {"home", NEEDS_NOTHING, PLACEMENT_HOME},
    [ROWS_PRODUCT] = {"product", NEEDS_PRODUCT, PLACEMENT_SIMILAR},
    [ROWS_CART] = {"cart", NEEDS_PRODUCTS, PLACEMENT_CART},
    [ROWS_CHECKOUT] = {"checkout", NEEDS_PRODUCTS, PLACEMENT_CHECKOUT},
    [ROWS_ORDER] = {"order", NEEDS_PRODUCTS, PLACEMENT_ORDER_CONFIRMATION},
    [ROWS_CATEGORY] = {"category", NEEDS_FILTER, PLACEMENT_CATEGORY},
    [ROWS_SEARCH] = {"search", NEEDS_NOTHING, PLACEMENT_SEARCH},
};

bool rows_page_of(struct str name, enum rows_page *out)
{
    for (int i = 0; i < ROWS_PAGES; i++)
        if (str_is(name, pages[i].name)) {
            *out = (enum rows_page)i;
            return true;
        }
    return false;
}

const char *rows_page_name(enum rows_page p)
{
    CHECK((unsigned)p < ROWS_PAGES);
    return pages[p].name;
}

enum placement_needs rows_page_needs(enum rows_page p)
{
    CHECK((unsigned)p < ROWS_PAGES);
    return pages[p].needs;
}

enum placement rows_page_placement(enum rows_page p)
{
    CHECK((unsigned)p < ROWS_PAGES);
    return pages[p].placement;
}

/* Before and behind the name of the product or category. */
struct wording {
    struct str before, behind;
};

static const struct kind {
    const char *name;
    struct wording en, zh;
} kinds[ROW_KINDS] = {
    [ROW_NONE] = {.name = "none"},
    [ROW_FOR_YOU] = {"for_you", {.before = STR_LIT("For you")}, {.before = STR_LIT("为您推荐")}},
    [ROW_VIEWED] = {"because_you_viewed",
                    {STR_LIT("Because you looked at “"), STR_LIT("”")},
                    {STR_LIT("因为您看过“"), STR_LIT("”")}},
    [ROW_BOUGHT] = {"because_you_bought",
                    {STR_LIT("Because you bought “"), STR_LIT("”")},
                    {STR_LIT("因为您买过“"), STR_LIT("”")}},
    [ROW_BUY_AGAIN] = {"buy_again",
                       {.before = STR_LIT("Buy again")},
                       {.before = STR_LIT("再次购买")}},
    [ROW_POPULAR_IN] = {"popular_in",
                        {.before = STR_LIT("Popular in ")},
                        {.behind = STR_LIT("热卖")}},
    [ROW_NEW_FOR_YOU] = {"new_for_you",
                         {.before = STR_LIT("New for you in ")},
                         {.behind = STR_LIT("为您上新")}},
    [ROW_NEW] = {"new_arrivals",
                 {.before = STR_LIT("New arrivals")},
                 {.before = STR_LIT("新品上架")}},
    [ROW_POPULAR] = {"popular_now",
                     {.before = STR_LIT("Popular right now")},
                     {.before = STR_LIT("正在热卖")}},
    [ROW_TOGETHER] = {"bought_together",
                      {.before = STR_LIT("Often bought together")},
                      {.before = STR_LIT("经常一起购买")}},
    [ROW_VIEWED_AFTER] = {"viewed_after",
                          {.before = STR_LIT("Often looked at next")},
                          {.before = STR_LIT("看了又看")}},
    [ROW_SIMILAR] = {"similar",
                     {.before = STR_LIT("Similar products")},
                     {.before = STR_LIT("相似商品")}},
    [ROW_WITH_CART] = {"with_cart",
                       {.before = STR_LIT("Goes well with your cart")},
                       {.before = STR_LIT("与购物车搭配")}},
    [ROW_ADDITIONS] = {"small_additions",
                       {.before = STR_LIT("Small additions")},
                       {.before = STR_LIT("顺手带一件")}},
    [ROW_AFTER_ORDER] = {"after_order",
                         {.before = STR_LIT("What often comes next")},
                         {.before = STR_LIT("接下来常选")}},
    [ROW_BEST_HERE] = {"best_here",
                       {.before = STR_LIT("Best of the department")},
                       {.before = STR_LIT("本类精选")}},
    [ROW_LIKE_FOUND] = {"like_found",
                        {.before = STR_LIT("You may be looking for")},
                        {.before = STR_LIT("您可能在找")}},
};

const char *row_kind_name(enum row_kind k)
{
    CHECK((unsigned)k < ROW_KINDS);
    return kinds[k].name;
}

size_t row_title(const struct view *view, const struct recommend_row *row, struct str language,
                 struct str out[REASON_PIECES])
{
    CHECK((unsigned)row->kind < ROW_KINDS);
    const struct kind *k = &kinds[row->kind];
    const struct wording *text = str_is(language, "zh") ? &k->zh : &k->en;
    size_t n = 0;
    if (text->before.n)
        out[n++] = text->before;
    if (row->product_no)
        out[n++] = card_title(view, row->product_no, language);
    else if (row->category.key.n)
        out[n++] = liked_label(view, &row->category, language);
    if (text->behind.n)
        out[n++] = text->behind;
    return n;
}

static void write_row(const struct view *view, const struct recommend_row *row, struct str language,
                      struct json_writer *w)
{
    struct str title[REASON_PIECES];
    jw_obj(w);
    JW_Z(w, "code", row_kind_name(row->kind));
    JW_KEY(w, "title");
    jw_pieces(w, title, row_title(view, row, language, title));
    JW_Z(w, "placement", placement_name(row->placement));
    JW_BOOL(w, "personal", row->list.personal);
    if (row->product_no)
        JW_STR(w, "product_id", card_id(view, row->product_no));
    if (row->category.key.n)
        JW_STR(w, "category", row->category.path);
    answer_items(view, &row->list, language, w);
    jw_obj_end(w);
}

void rows_members(const struct view *view, const struct rows_request *r,
                  const struct rows_result *found, struct str language, struct json_writer *w)
{
    JW_Z(w, "page", rows_page_name(r->page));
    JW_BOOL(w, "personal", found->personal);
    answer_models(view, w);
    JW_ARR(w, "rows");
    for (size_t i = 0; i < found->len; i++)
        write_row(view, &found->rows[i], language, w);
    jw_arr_end(w);
}
