#include "recommend/rows.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "recommend/again.h"

enum {
    PLAN_MAX = 12,
    SCRATCH_BLOCK = 512 << 10,
    SCRATCH_MAX = 8 << 20,
    LIKES_SHELF_WANT = 100, /* of what is hot, where nothing is known of the shopper */
};

static const enum row_kind plans[ROWS_PAGES][PLAN_MAX] = {
    [ROWS_HOME] = {ROW_FOR_YOU, ROW_VIEWED, ROW_BUY_AGAIN, ROW_POPULAR_IN, ROW_BOUGHT,
                   ROW_NEW_FOR_YOU, ROW_VIEWED, ROW_POPULAR_IN, ROW_POPULAR},
    [ROWS_PRODUCT] = {ROW_TOGETHER, ROW_VIEWED_AFTER, ROW_SIMILAR},
    [ROWS_CART] = {ROW_WITH_CART, ROW_BUY_AGAIN, ROW_FOR_YOU},
    [ROWS_CHECKOUT] = {ROW_ADDITIONS},
    [ROWS_ORDER] = {ROW_AFTER_ORDER, ROW_FOR_YOU},
    [ROWS_CATEGORY] = {ROW_BEST_HERE, ROW_NEW, ROW_POPULAR},
    [ROWS_SEARCH] = {ROW_LIKE_FOUND},
};

/* The list that a row is made of. ROW_BUY_AGAIN has none; it counts as what the shopper finds at home. */
static const enum placement placements[ROW_KINDS] = {
    [ROW_FOR_YOU] = PLACEMENT_HOME,
    [ROW_VIEWED] = PLACEMENT_SIMILAR,
    [ROW_BOUGHT] = PLACEMENT_ORDER_CONFIRMATION,
    [ROW_BUY_AGAIN] = PLACEMENT_HOME,
    [ROW_POPULAR_IN] = PLACEMENT_TRENDING,
    [ROW_NEW_FOR_YOU] = PLACEMENT_NEW,
    [ROW_NEW] = PLACEMENT_NEW,
    [ROW_POPULAR] = PLACEMENT_TRENDING,
    [ROW_TOGETHER] = PLACEMENT_BOUGHT_TOGETHER,
    [ROW_VIEWED_AFTER] = PLACEMENT_VIEWED_AFTER,
    [ROW_SIMILAR] = PLACEMENT_SIMILAR,
    [ROW_WITH_CART] = PLACEMENT_CART,
    [ROW_ADDITIONS] = PLACEMENT_CHECKOUT,
    [ROW_AFTER_ORDER] = PLACEMENT_ORDER_CONFIRMATION,
    [ROW_BEST_HERE] = PLACEMENT_CATEGORY,
    [ROW_LIKE_FOUND] = PLACEMENT_SEARCH,
};

struct builder {
    const struct view *view;
    const struct rows_request *request;
    struct arena *arena;  /* of what stays */
    struct arena scratch; /* of one row's work */
    struct profile profile;
    struct likes likes;
    uint32_t *
        shown; /* [shown_len] what is excluded from the next row: the caller's, then what is shown */
    size_t shown_len;
    uint64_t *groups; /* [groups_len] of what is shown */
    size_t groups_len;
    struct rows_result *out;
    struct err *err;
};

/* A row that is being made. */
struct draft {
    struct recommend_row row;
    struct recommend_item *items; /* [request->limit] in the arena */
    size_t len;
};

/* --- taking products ------------------------------------------------------------------------- */

static bool group_shown(const struct builder *b, uint64_t group)
{
    for (size_t i = 0; i < b->groups_len; i++)
        if (b->groups[i] == group)
            return true;
    return false;
}

/* Into the row, unless a variant of it stands on the page. */
static void take(struct builder *b, struct draft *d, const struct recommend_item *item)
{
    struct location at = catalogue_locate(b->view->catalogue, item->product_no);
    if (d->len == b->request->limit || !location_found(at))
        return;
    uint64_t group = b->view->catalogue->segments[at.slot]->group[at.doc];
    if (group_shown(b, group))
        return;
    b->groups[b->groups_len++] = group;
    b->shown[b->shown_len++] = item->product_no;
    d->items[d->len++] = *item;
}

/* The row stands if it is long enough; else its products are free again. */
static void settle(struct builder *b, struct draft *d, bool personal)
{
    uint32_t least = b->request->limit < ROWS_ITEMS_MIN ? b->request->limit : ROWS_ITEMS_MIN;
    if (d->len < least) {
        b->groups_len -= d->len;
        b->shown_len -= d->len;
        return;
    }
    d->row.list = (struct recommend_result){d->items, d->len, personal};
    b->out->rows[b->out->len++] = d->row;
    b->out->personal |= personal;
}

/* --- lists ----------------------------------------------------------------------------------- */

static enum err_code bind(struct builder *b, const struct draft *d, const struct bound_filter **out)
{
    const struct rows_request *r = b->request;
    const struct filter *filter = r->filter, *category = NULL;
    struct bound_filter *bound;
    enum err_code code = ERR_OK;
    if (d->row.category.key.n)
        code = filter_category(d->row.category.path, &b->scratch, &category, b->err);
    if (code == ERR_OK)
        code = filter_both(filter, category, &b->scratch, &filter, b->err);
    if (code == ERR_OK)
        code = filter_bind_for(filter, b->view,
                               &(struct filter_asker){r->currency, r->user_no, r->now_us},
                               &b->scratch, &bound, b->err);
    if (code == ERR_OK)
        *out = bound;
    return code;
}

/* context [n]: what the row is about. The list is longer than the row, since some of it may be variants of what stands
 * above. */
static enum err_code add_list(struct builder *b, struct draft *d, const uint32_t *context, size_t n)
{
    const struct rows_request *r = b->request;
    struct recommend_result found;
    const struct bound_filter *filter = NULL;
    enum err_code code = bind(b, d, &filter);
    if (code != ERR_OK)
        return code;
    struct recommend_request list = {
        .placement = d->row.placement,
        .user_no = r->user_no,
        .known = r->known,
        .attributes = r->attributes,
        .context = context,
        .context_len = n,
        .exclude = b->shown,
        .exclude_len = b->shown_len,
        .filter = filter,
        .limit = 2 * r->limit < RECOMMEND_LIMIT_MAX ? 2 * r->limit : RECOMMEND_LIMIT_MAX,
        .hide_seen = r->hide_seen,
        .may_be_short = d->row.category.key.n > 0 || d->row.placement == PLACEMENT_NEW,
        .weights = r->weights,
        .named_rules = r->named_rules,
        .named_rules_len = r->named_rules_len,
        .now_us = r->now_us};
    code = recommend_run(b->view, &list, &b->scratch, &found, b->err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < found.len; i++)
        take(b, d, &found.items[i]);
    settle(b, d, found.personal);
    return ERR_OK;
}

static bool excluded(const struct builder *b, uint32_t product_no)
{
    for (size_t i = 0; i < b->shown_len; i++)
        if (b->shown[i] == product_no)
            return true;
    for (size_t i = 0; i < b->request->context_len; i++)
        if (b->request->context[i] == product_no)
            return true;
    return false;
}

static enum err_code add_again(struct builder *b, struct draft *d)
{
    const struct rows_request *r = b->request;
    const struct bound_filter *filter = NULL;
    struct again again;
    enum err_code code = bind(b, d, &filter);
    if (code == ERR_OK)
        code = again_load(b->view, r->user_no, r->now_us, &b->scratch, &again, b->err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < again.len; i++) {
        const struct again_item *item = &again.items[i];
        if (live_sellable(b->view->live, item->product_no) && !excluded(b, item->product_no) &&
            filter_match_product(filter, b->view, item->product_no))
            take(b, d,
                 &(struct recommend_item){.product_no = item->product_no,
                                          .score = item->rate / again.items[0].rate,
                                          .reason = item->due ? REASON_DUE : REASON_BUY_AGAIN});
    }
    settle(b, d, true);
    return ERR_OK;
}

/* --- what rows are about --------------------------------------------------------------------- */

static bool named(const struct builder *b, const struct recommend_row *row)
{
    for (size_t i = 0; i < b->out->len; i++) {
        const struct recommend_row *other = &b->out->rows[i];
        if (other->kind == row->kind && other->product_no == row->product_no &&
            str_eq(other->category.key, row->category.key))
            return true;
    }
    return false;
}

/* The newest product of the past that was bought, or was not, and is no row's yet. 0: there is none. */
static uint32_t newest(const struct builder *b, enum row_kind kind)
{
    const struct profile_item *best = NULL;
    for (size_t i = 0; i < b->profile.len; i++) {
        const struct profile_item *item = &b->profile.items[i];
        struct recommend_row row = {.kind = kind, .product_no = item->product_no};
        if (profile_owns(item) != (kind == ROW_BOUGHT) || (best && item->time_s <= best->time_s) ||
            !location_found(catalogue_locate(b->view->catalogue, item->product_no)) ||
            named(b, &row))
            continue;
        best = item;
    }
    return best ? best->product_no : 0;
}

static enum err_code add_about_product(struct builder *b, struct draft *d)
{
    d->row.product_no = newest(b, d->row.kind);
    return d->row.product_no ? add_list(b, d, &d->row.product_no, 1) : ERR_OK;
}

/* The rows about categories try one after the other, until one has enough. */
static enum err_code add_about_category(struct builder *b, struct draft *d)
{
    enum { TRIES = 3 };
    size_t before = b->out->len, tried = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < b->likes.len && tried < TRIES; i++) {
        d->row.category = b->likes.items[i];
        if (named(b, &d->row))
            continue;
        tried++;
        d->len = 0;
        arena_reset(&b->scratch);
        code = add_list(b, d, NULL, 0);
        if (code != ERR_OK || b->out->len > before)
            return code;
    }
    return code;
}

static enum err_code add_row(struct builder *b, enum row_kind kind)
{
    const struct rows_request *r = b->request;
    bool known = b->profile.len > 0;
    if (kind == ROW_FOR_YOU && !known)
        kind = ROW_POPULAR;
    if (kind == ROW_NEW_FOR_YOU && (!known || b->likes.len == 0))
        kind = ROW_NEW;
    struct draft d = {.row = {.kind = kind, .placement = placements[kind]}};
    if (kind == ROW_POPULAR && named(b, &d.row))
        return ERR_OK;
    d.items = arena_try_alloc(b->arena, r->limit * sizeof *d.items);
    if (!d.items)
        return err_set(b->err, ERR_LIMIT, "the rows do not fit");
    arena_reset(&b->scratch);
    switch (kind) {
    case ROW_VIEWED:
    case ROW_BOUGHT:
        return add_about_product(b, &d);
    case ROW_POPULAR_IN:
    case ROW_NEW_FOR_YOU:
        return add_about_category(b, &d);
    case ROW_BUY_AGAIN:
        return add_again(b, &d);
    case ROW_TOGETHER:
    case ROW_VIEWED_AFTER:
    case ROW_SIMILAR:
    case ROW_WITH_CART:
    case ROW_ADDITIONS:
    case ROW_AFTER_ORDER:
        return r->context_len ? add_list(b, &d, r->context, r->context_len) : ERR_OK;
    case ROW_FOR_YOU:
    case ROW_NEW:
    case ROW_POPULAR:
    case ROW_BEST_HERE:
    case ROW_LIKE_FOUND:
        return add_list(b, &d, r->context, r->context_len);
    case ROW_NONE:
    case ROW_KINDS:
        break;
    }
    UNREACHABLE();
}

/* --- a page ---------------------------------------------------------------------------------- */

static enum err_code build(struct builder *b)
{
    const struct rows_request *r = b->request;
    size_t most = (size_t)r->rows * r->limit;
    b->shown = arena_try_alloc(b->arena, (r->exclude_len + most) * sizeof *b->shown + 1);
    b->groups = arena_try_alloc(b->arena, most * sizeof *b->groups);
    if (!b->shown || !b->groups)
        return err_set(b->err, ERR_LIMIT, "the rows do not fit");
    for (size_t i = 0; i < r->exclude_len; i++)
        b->shown[b->shown_len++] = r->exclude[i];
    enum err_code code = profile_load(b->view, r->user_no, b->arena, &b->profile, b->err);
    if (code != ERR_OK)
        return code;
    if (b->profile.len)
        likes_of_profile(b->view, &b->profile, &b->likes);
    else
        likes_of_shelf(b->view, &b->view->trending, LIKES_SHELF_WANT, &b->likes);
    for (size_t i = 0; plans[r->page][i] != ROW_NONE && b->out->len < r->rows && code == ERR_OK;
         i++)
        code = add_row(b, plans[r->page][i]);
    return code;
}

enum err_code rows_run(const struct view *view, const struct rows_request *r, struct arena *arena,
                       struct rows_result *out, struct err *err)
{
    struct builder b = {.view = view, .request = r, .arena = arena, .out = out, .err = err};
    CHECK(r->limit >= 1 && r->limit <= ROWS_LIMIT_MAX && r->rows >= 1 && r->rows <= ROWS_MAX);
    CHECK((unsigned)r->page < ROWS_PAGES);
    out->len = 0;
    out->personal = false;
    arena_init(&b.scratch, SCRATCH_BLOCK, SCRATCH_MAX);
    enum err_code code = build(&b);
    arena_release(&b.scratch);
    return code;
}
