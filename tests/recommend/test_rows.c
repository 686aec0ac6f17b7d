/* Pages against pages that are put together by hand, over random shops. */
#include "recommend/rows.h"

#include <math.h>
#include <string.h>

#include "engine/model.h"
#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/again.h"
#include "support/suite.h"

enum { PRODUCTS = 120, USERS = 6, ROUNDS = 60, TODAY = 20000, DIM = 4 };
#define DAY_US ((int64_t)86400 * 1000000)
#define NOW    (TODAY * DAY_US + 1000000)

static const char *const categories[] = {"Home > Kitchen > Pots", "Home > Kitchen > Pans",
                                         "Home > Garden",         "Toys",
                                         "Toys > Cars",           "Food > Tea > Green"};
static const char *const above[] = {"Home > Kitchen", "Home > Kitchen", "Home > Garden",
                                    "Toys",           "Toys > Cars",    "Food > Tea"};
enum { CATEGORIES = sizeof categories / sizeof *categories };

struct shop {
    struct view_fixture f;
    struct rng rng;
    uint32_t category[PRODUCTS + 1];
    uint32_t group[PRODUCTS + 1];
    uint32_t past; /* acts of shoppers that the model does not know */
};

static void put_products(struct shop *s, uint32_t per_group)
{
    static char ids[PRODUCTS + 1][16], groups[PRODUCTS + 1][16], titles[PRODUCTS + 1][32];
    static struct product products[PRODUCTS + 1];
    static const struct product *list[PRODUCTS];
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        s->category[no] = (uint32_t)rng_below(&s->rng, CATEGORIES);
        s->group[no] = (uint32_t)rng_below(&s->rng, PRODUCTS / per_group + 1);
        snprintf(ids[no], sizeof ids[no], "P%u", no);
        snprintf(groups[no], sizeof groups[no], "G%u", s->group[no]);
        snprintf(titles[no], sizeof titles[no], "thing %u", no % 17);
        products[no] = fixture_product(no, ids[no], titles[no]);
        products[no].category = str_of(categories[s->category[no]]);
        products[no].group_id = str_of(groups[no]);
        products[no].brand = no % 3 ? STR_LIT("Acme") : STR_LIT("Lux");
        products[no].price_minor = 100 + (int64_t)rng_below(&s->rng, 5000);
        products[no].currency = s->f.shop.currency;
        products[no].stock = (int64_t)rng_below(&s->rng, 8);
        fixture_live(&s->f, &products[no]);
        list[no - 1] = &products[no];
    }
    fixture_index(&s->f, list, PRODUCTS / 2);
    fixture_index(&s->f, list + PRODUCTS / 2, PRODUCTS - PRODUCTS / 2);
}

static void put_model(struct shop *s, uint64_t seed)
{
    struct recommend_model m = fake_model(seed, PRODUCTS / 2, DIM, 2, USERS, &s->f.arena);
    uint32_t *items = (uint32_t *)(uintptr_t)m.items, *users = (uint32_t *)(uintptr_t)m.user_no;
    uint16_t *days = (uint16_t *)(uintptr_t)m.history_days;
    for (uint32_t row = 0; row < m.rows; row++)
        items[row] = 2 * row + 1 + (uint32_t)rng_below(&s->rng, 2);
    for (uint32_t u = 0; u < USERS; u++) {
        users[u] = u + 1;
        for (uint64_t i = m.history_offsets[u]; i < m.history_offsets[u + 1]; i++)
            days[i] = (uint16_t)(TODAY - 1 - 5 * (i - m.history_offsets[u]));
    }
    fixture_model(&s->f, &m);
}

static void fill(struct shop *s, struct shelf *shelf)
{
    shelf->len = 0;
    for (uint32_t i = 0; i < PRODUCTS / 2; i++) {
        uint32_t no = 1 + (uint32_t)rng_below(&s->rng, PRODUCTS);
        bool there = false;
        for (uint32_t k = 0; k < shelf->len; k++)
            there |= shelf->product_no[k] == no;
        if (there)
            continue;
        shelf->score[shelf->len] = 1 / (float)(shelf->len + 1);
        shelf->product_no[shelf->len++] = no;
    }
}

static void shop_init(struct shop *s, uint64_t seed)
{
    struct err err;
    ck_ok(vec_init(&err));
    rng_init(&s->rng, seed);
    fixture_init(&s->f);
    put_products(s, 1 + (uint32_t)rng_below(&s->rng, 4));
    if (rng_below(&s->rng, 8))
        put_model(s, seed);
    fill(s, &s->f.view->trending);
    fill(s, &s->f.view->arrivals);
    for (uint32_t user = 1; user <= USERS + 2; user++)
        for (uint64_t i = 0, n = rng_below(&s->rng, 40); i < n; i++) {
            static const enum event_type types[] = {EVENT_VIEW, EVENT_VIEW, EVENT_ADD_TO_CART,
                                                    EVENT_PURCHASE};
            struct user_action a = {
                1 + (uint32_t)rng_below(&s->rng, PRODUCTS),
                (uint32_t)((TODAY - 200 + (int64_t)(5 * i)) * 86400 + (int64_t)i),
                (uint32_t)types[rng_below(&s->rng, 4)]};
            users_add(s->f.users, user, &a);
        }
}

static struct rows_request request(struct shop *s, enum rows_page page, uint32_t user_no)
{
    return (struct rows_request){.page = page,
                                 .user_no = user_no,
                                 .currency = s->f.shop.currency,
                                 .limit = 5,
                                 .rows = ROWS_MAX,
                                 .now_us = NOW};
}

static struct rows_result run(struct shop *s, const struct rows_request *r)
{
    struct rows_result out;
    struct err err;
    ck_ok(rows_run(s->f.view, r, &s->f.arena, &out, &err));
    return out;
}

/* --- the oracle ------------------------------------------------------------------------------ */

static const enum row_kind home[] = {ROW_FOR_YOU,    ROW_VIEWED,     ROW_BUY_AGAIN,
                                     ROW_POPULAR_IN, ROW_BOUGHT,     ROW_NEW_FOR_YOU,
                                     ROW_VIEWED,     ROW_POPULAR_IN, ROW_POPULAR};

struct page {
    struct shop *s;
    const struct rows_request *r;
    const char *filter; /* of the request, NULL: none */
    struct profile profile;
    uint32_t shown[ROWS_MAX * ROWS_LIMIT_MAX + 64];
    size_t shown_len;
    struct {
        enum row_kind kind;
        uint32_t product_no;
        const char *category;
        uint32_t items[ROWS_LIMIT_MAX];
        size_t len;
    } rows[ROWS_MAX], now;
    size_t rows_len;
};

static void take(struct page *p, uint32_t no)
{
    if (p->now.len == p->r->limit)
        return;
    for (size_t i = p->r->exclude_len; i < p->shown_len; i++)
        if (p->s->group[p->shown[i]] == p->s->group[no])
            return;
    p->now.items[p->now.len++] = no;
    p->shown[p->shown_len++] = no;
}

static bool settle(struct page *p)
{
    size_t least = p->r->limit < ROWS_ITEMS_MIN ? p->r->limit : ROWS_ITEMS_MIN;
    if (p->now.len < least) {
        p->shown_len -= p->now.len;
        return false;
    }
    p->rows[p->rows_len++].kind = p->now.kind;
    memcpy(&p->rows[p->rows_len - 1], &p->now, sizeof p->now);
    return true;
}

static bool there(const struct page *p, uint32_t product_no, const char *category)
{
    for (size_t i = 0; i < p->rows_len; i++)
        if (p->rows[i].kind == p->now.kind && p->rows[i].product_no == product_no &&
            (!category || strcmp(p->rows[i].category, category) == 0))
            return true;
    return false;
}

static bool list(struct page *p, enum placement placement, const uint32_t *context, size_t n)
{
    char text[300] = "";
    struct recommend_result out;
    struct err err;
    snprintf(text, sizeof text, "%s%s%s", p->filter ? p->filter : "",
             p->filter && p->now.category ? " AND " : "", p->now.category ? "category = \"" : "");
    if (p->now.category)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"", p->now.category);
    struct recommend_request r = {.placement = placement,
                                  .user_no = p->r->user_no,
                                  .context = context,
                                  .context_len = n,
                                  .exclude = p->shown,
                                  .exclude_len = p->shown_len,
                                  .filter = *text ? fixture_filter(&p->s->f, text) : NULL,
                                  .limit = 2 * p->r->limit,
                                  .hide_seen = p->r->hide_seen,
                                  .may_be_short = p->now.category || placement == PLACEMENT_NEW,
                                  .now_us = NOW};
    ck_ok(recommend_run(p->s->f.view, &r, &p->s->f.arena, &out, &err));
    for (size_t i = 0; i < out.len; i++) {
        ck_assert(placement != PLACEMENT_NEW || out.items[i].reason == REASON_NEW);
        take(p, out.items[i].product_no);
    }
    return settle(p);
}

static void about_product(struct page *p, enum placement placement)
{
    const struct profile_item *best = NULL;
    for (size_t i = 0; i < p->profile.len; i++) {
        const struct profile_item *item = &p->profile.items[i];
        bool bought = item->types >> EVENT_PURCHASE & 1;
        if (bought == (p->now.kind == ROW_BOUGHT) && !there(p, item->product_no, NULL) &&
            (!best || item->time_s > best->time_s))
            best = item;
    }
    if (!best)
        return;
    p->now.product_no = best->product_no;
    list(p, placement, &p->now.product_no, 1);
}

static void about_category(struct page *p, enum placement placement)
{
    const struct shelf *shelf = &p->s->f.view->trending;
    float weight[CATEGORIES] = {0};
    bool tried[CATEGORIES] = {0};
    for (size_t i = 0; i < p->profile.len; i++)
        for (uint32_t c = 0; c < CATEGORIES; c++)
            if (strcmp(above[c], above[p->s->category[p->profile.items[i].product_no]]) == 0)
                weight[c] += p->profile.items[i].weight;
    for (uint32_t i = 0; p->profile.len == 0 && i < shelf->len; i++)
        for (uint32_t c = 0; c < CATEGORIES; c++)
            if (strcmp(above[c], above[p->s->category[shelf->product_no[i]]]) == 0)
                weight[c] += shelf->score[i];
    for (int tries = 0; tries < 3; tries++) {
        uint32_t best = CATEGORIES;
        for (uint32_t c = 0; c < CATEGORIES; c++)
            if (!tried[c] && weight[c] > 0 && !there(p, 0, above[c]) &&
                (best == CATEGORIES || weight[c] > weight[best]))
                best = c;
        if (best == CATEGORIES)
            return;
        for (uint32_t c = 0; c < CATEGORIES; c++)
            tried[c] |= strcmp(above[c], above[best]) == 0;
        p->now.category = above[best];
        p->now.len = 0;
        if (list(p, placement, NULL, 0))
            return;
    }
}

/* The rate of Bhagat et al., from the shopper's acts one by one. */
static double rate_of(struct page *p, uint32_t no)
{
    const struct recommend_model *m = view_model(p->s->f.view);
    bool days[TODAY + 1] = {0};
    struct user_action acts[USERS_ACTIONS_MAX];
    const uint32_t *past;
    const uint16_t *past_days;
    size_t n = users_recent(p->s->f.users, p->r->user_no, acts, USERS_ACTIONS_MAX);
    uint32_t row = m ? recommend_model_row(m, no) : UINT32_MAX;
    int bought = 0, first = 0, last = 0;
    if (row == UINT32_MAX || m->again_share[row] < AGAIN_SHARE_MIN)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (acts[i].type == EVENT_PURCHASE && acts[i].product_no == no)
            days[acts[i].time_s / 86400] = true;
    n = recommend_model_history(m, p->r->user_no, &past, &past_days);
    for (size_t i = 0; i < n; i++)
        if (HISTORY_TYPE(past[i]) == EVENT_PURCHASE && HISTORY_ROW(past[i]) == row)
            days[past_days[i]] = true;
    for (int day = 0; day <= TODAY; day++)
        if (days[day]) {
            first = bought++ ? first : day;
            last = day;
        }
    if (!bought || TODAY - last < AGAIN_REST * m->again_days[row])
        return 0;
    return (double)(m->again_share[row] * ((float)bought - 1 + 2 * m->again_share[row]) /
                    ((float)(TODAY - first) + 2 * m->again_days[row]));
}

static void again(struct page *p)
{
    double rates[PRODUCTS + 1] = {0};
    for (uint32_t no = 1; p->r->user_no && no <= PRODUCTS; no++) {
        bool barred = !live_sellable(p->s->f.live, no);
        for (size_t i = 0; i < p->shown_len; i++)
            barred |= p->shown[i] == no;
        if (p->filter)
            barred |= !filter_match_product(fixture_filter(&p->s->f, p->filter), p->s->f.view, no);
        rates[no] = barred ? 0 : rate_of(p, no);
    }
    for (uint32_t n = 0; n < PRODUCTS; n++) {
        uint32_t best = 0;
        for (uint32_t no = 1; no <= PRODUCTS; no++)
            if (rates[no] > rates[best])
                best = no;
        if (best == 0)
            break;
        rates[best] = 0;
        take(p, best);
    }
    settle(p);
}

static void build_home(struct page *p)
{
    struct err err;
    memcpy(p->shown, p->r->exclude, p->r->exclude_len * sizeof *p->shown);
    p->shown_len = p->r->exclude_len;
    ck_ok(profile_load(p->s->f.view, p->r->user_no, &p->s->f.arena, &p->profile, &err));
    bool known = p->profile.len > 0;
    for (size_t i = 0; i < sizeof home / sizeof *home && p->rows_len < p->r->rows; i++) {
        memset(&p->now, 0, sizeof p->now);
        p->now.kind = home[i] == ROW_FOR_YOU && !known       ? ROW_POPULAR
                      : home[i] == ROW_NEW_FOR_YOU && !known ? ROW_NEW
                                                             : home[i];
        switch ((int)p->now.kind) {
        case ROW_FOR_YOU:
            list(p, PLACEMENT_HOME, NULL, 0);
            break;
        case ROW_VIEWED:
            about_product(p, PLACEMENT_SIMILAR);
            break;
        case ROW_BOUGHT:
            about_product(p, PLACEMENT_ORDER_CONFIRMATION);
            break;
        case ROW_POPULAR_IN:
            about_category(p, PLACEMENT_TRENDING);
            break;
        case ROW_NEW_FOR_YOU:
            about_category(p, PLACEMENT_NEW);
            break;
        case ROW_NEW:
            list(p, PLACEMENT_NEW, NULL, 0);
            break;
        case ROW_POPULAR:
            if (!there(p, 0, NULL))
                list(p, PLACEMENT_TRENDING, NULL, 0);
            break;
        default:
            again(p);
        }
    }
}

static void check_home(struct shop *s, const struct rows_request *r, const char *filter,
                       const struct rows_result *got)
{
    struct page p = {.s = s, .r = r, .filter = filter};
    build_home(&p);
    ck_assert_uint_eq(got->len, p.rows_len);
    for (size_t i = 0; i < got->len; i++) {
        const struct recommend_row *row = &got->rows[i];
        ck_assert_int_eq(row->kind, p.rows[i].kind);
        ck_assert_uint_eq(row->product_no, p.rows[i].product_no);
        ck_assert(str_is(row->category.path, p.rows[i].category ? p.rows[i].category : ""));
        ck_assert_uint_eq(row->list.len, p.rows[i].len);
        for (size_t k = 0; k < row->list.len; k++)
            ck_assert_uint_eq(row->list.items[k].product_no, p.rows[i].items[k]);
    }
}

/* --- what holds of every page ---------------------------------------------------------------- */

static void check_page(struct shop *s, const struct rows_request *r, const char *filter,
                       const struct rows_result *got)
{
    bool groups[PRODUCTS + 1] = {0};
    const struct bound_filter *bound = filter ? fixture_filter(&s->f, filter) : NULL;
    ck_assert_uint_le(got->len, r->rows);
    for (size_t i = 0; i < got->len; i++) {
        const struct recommend_result *list = &got->rows[i].list;
        ck_assert_uint_ge(list->len, r->limit < ROWS_ITEMS_MIN ? r->limit : ROWS_ITEMS_MIN);
        ck_assert_uint_le(list->len, r->limit);
        for (size_t k = 0; k < list->len; k++) {
            uint32_t no = list->items[k].product_no;
            ck_assert(!groups[s->group[no]]);
            groups[s->group[no]] = true;
            ck_assert(live_sellable(s->f.live, no));
            ck_assert(filter_match_product(bound, s->f.view, no));
            ck_assert(list->items[k].score > 0);
            for (size_t e = 0; e < r->exclude_len; e++)
                ck_assert_uint_ne(no, r->exclude[e]);
            for (size_t c = 0; c < r->context_len; c++)
                ck_assert_uint_ne(no, r->context[c]);
        }
    }
}

START_TEST(no_page_repeats_a_product_and_home_is_as_put_together_by_hand)
{
    size_t kinds[ROW_KINDS] = {0};
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct shop s;
        shop_init(&s, seed);
        uint32_t exclude[4], context[3];
        for (size_t i = 0; i < 4; i++)
            exclude[i] = 1 + (uint32_t)rng_below(&s.rng, PRODUCTS);
        for (size_t i = 0; i < 3; i++)
            context[i] = 1 + (uint32_t)rng_below(&s.rng, PRODUCTS);
        for (int page = 0; page < ROWS_PAGES; page++) {
            static const char *const filters[] = {NULL, "brand = acme", "price < 2000"};
            const char *text = filters[rng_below(&s.rng, 3)];
            struct filter *filter = NULL;
            struct err err;
            struct rows_request r =
                request(&s, (enum rows_page)page, (uint32_t)rng_below(&s.rng, USERS + 4));
            if (text)
                ck_ok(filter_parse(str_of(text), &s.f.arena, &filter, &err));
            r.filter = filter;
            r.exclude = exclude;
            r.exclude_len = rng_below(&s.rng, 5);
            r.limit = 1 + (uint32_t)rng_below(&s.rng, 9);
            r.rows = 1 + (uint32_t)rng_below(&s.rng, ROWS_MAX);
            r.hide_seen = rng_below(&s.rng, 4) == 0;
            if (page != ROWS_HOME) {
                r.context = context;
                r.context_len = page == ROWS_PRODUCT ? 1 : rng_below(&s.rng, 4);
            }
            struct rows_result got = run(&s, &r), twice = run(&s, &r);
            check_page(&s, &r, text, &got);
            if (page == ROWS_HOME)
                check_home(&s, &r, text, &got);
            ck_assert_uint_eq(got.len, twice.len);
            for (size_t i = 0; i < got.len; i++) {
                kinds[got.rows[i].kind]++;
                ck_assert_uint_eq(got.rows[i].list.len, twice.rows[i].list.len);
                for (size_t k = 0; k < got.rows[i].list.len; k++)
                    ck_assert_mem_eq(&got.rows[i].list.items[k], &twice.rows[i].list.items[k],
                                     sizeof got.rows[i].list.items[k]);
            }
        }
        fixture_release(&s.f);
    }
    for (int kind = ROW_NONE + 1; kind < ROW_KINDS; kind++)
        ck_assert_msg(kinds[kind] > 0, "no %s", row_kind_name((enum row_kind)kind));
}
END_TEST

START_TEST(nobody_s_page_is_that_of_every_stranger_and_says_nothing_of_a_past)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct shop s;
        shop_init(&s, seed);
        for (int page = 0; page < ROWS_PAGES; page++) {
            struct rows_request nobody = request(&s, (enum rows_page)page, 0);
            struct rows_request stranger = request(&s, (enum rows_page)page, 4321);
            struct rows_result a = run(&s, &nobody), b = run(&s, &stranger);
            ck_assert(!a.personal && !b.personal);
            ck_assert_uint_eq(a.len, b.len);
            for (size_t i = 0; i < a.len; i++) {
                ck_assert(a.rows[i].kind != ROW_FOR_YOU && a.rows[i].kind != ROW_VIEWED &&
                          a.rows[i].kind != ROW_BOUGHT && a.rows[i].kind != ROW_BUY_AGAIN &&
                          a.rows[i].kind != ROW_NEW_FOR_YOU);
                ck_assert(!a.rows[i].list.personal);
                for (size_t k = 0; k < a.rows[i].list.len; k++)
                    ck_assert_uint_eq(a.rows[i].list.items[k].product_no,
                                      b.rows[i].list.items[k].product_no);
            }
        }
        fixture_release(&s.f);
    }
}
END_TEST

START_TEST(an_empty_shop_has_no_rows_and_a_small_arena_is_reported)
{
    struct shop s = {0}, full;
    struct rows_result out;
    struct err err;
    ck_ok(vec_init(&err));
    fixture_init(&s.f);
    for (int page = 0; page < ROWS_PAGES; page++) {
        static const uint32_t context[] = {5, 4000000};
        struct rows_request r = request(&s, (enum rows_page)page, 3);
        r.context = context;
        r.context_len = 2;
        ck_assert_uint_eq(run(&s, &r).len, 0);
    }
    fixture_release(&s.f);
    shop_init(&full, 3);
    struct rows_request r = request(&full, ROWS_HOME, 2);
    for (size_t cap = 0; cap < 60000; cap += 1000) {
        struct arena small;
        arena_init(&small, 0, cap);
        enum err_code code = rows_run(full.f.view, &r, &small, &out, &err);
        ck_assert(code == ERR_OK || code == ERR_LIMIT);
        ck_assert(cap > 0 || code == ERR_LIMIT);
        arena_release(&small);
    }
    fixture_release(&full.f);
}
END_TEST

START_TEST(titles_name_what_a_row_is_about_in_the_language_of_the_page)
{
    struct shop s;
    struct str pieces[REASON_PIECES];
    struct buf text;
    shop_init(&s, 5);
    buf_init(&text, 1000);
    struct recommend_row row = {.kind = ROW_VIEWED, .product_no = 3};
    for (size_t i = 0, n = row_title(s.f.view, &row, STR_LIT("en"), pieces); i < n; i++)
        buf_put_str(&text, pieces[i]);
    ck_assert(str_is(buf_str(&text), "Because you looked at “thing 3”"));
    struct likes likes;
    likes_of_shelf(s.f.view, &s.f.view->trending, PRODUCTS, &likes);
    ck_assert_uint_eq(likes.len, 5);
    for (size_t i = 0; i < likes.len; i++) {
        const char *last = strrchr(above[0], '>');
        if (str_is(likes.items[i].path, above[0]))
            ck_assert(str_is(liked_label(s.f.view, &likes.items[i], STR_LIT("en")), last + 2));
        ck_assert(i == 0 || likes.items[i - 1].weight >= likes.items[i].weight);
    }
    row = (struct recommend_row){.kind = ROW_POPULAR_IN, .category = likes.items[0]};
    buf_reset(&text);
    for (size_t i = 0, n = row_title(s.f.view, &row, STR_LIT("zh"), pieces); i < n; i++)
        buf_put_str(&text, pieces[i]);
    ck_assert(strstr(buf_str(&text).p, "热卖") != NULL);
    for (int p = 0; p < ROWS_PAGES; p++) {
        enum rows_page page;
        ck_assert(rows_page_of(str_of(rows_page_name((enum rows_page)p)), &page));
        ck_assert_int_eq(page, p);
    }
    for (int k = 0; k < ROW_KINDS; k++)
        for (int l = 0; l < k; l++)
            ck_assert_str_ne(row_kind_name((enum row_kind)k), row_kind_name((enum row_kind)l));
    buf_release(&text);
    fixture_release(&s.f);
}
END_TEST

SUITE("rows", no_page_repeats_a_product_and_home_is_as_put_together_by_hand,
      nobody_s_page_is_that_of_every_stranger_and_says_nothing_of_a_past,
      an_empty_shop_has_no_rows_and_a_small_arena_is_reported,
      titles_name_what_a_row_is_about_in_the_language_of_the_page)
