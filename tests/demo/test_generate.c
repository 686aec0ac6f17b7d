#include "support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "base/map.h"
#include "base/mem.h"
#include "demo/demo.h"
#include "demo/tables_int.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/products.h"

static const int64_t now = 1764547200LL * CLOCK_US_PER_S; /* 2025-12-01 */

/* --- the stream as one hash ---------------------------------------------------------------------- */

static void hash_str(XXH3_state_t *h, struct str s)
{
    XXH3_64bits_update(h, &s.n, sizeof s.n);
    if (s.n)
        XXH3_64bits_update(h, s.p, s.n);
}

static void hash_i64(XXH3_state_t *h, int64_t v)
{
    XXH3_64bits_update(h, &v, sizeof v);
}

static enum err_code hash_product(void *ctx, const struct product *p, struct err *err)
{
    (void)err;
    const struct str texts[] = {p->id,    p->group_id,    p->title,       p->description,
                                p->brand, p->category,    p->images,      p->attributes,
                                p->tags,  p->supplier_id, p->translations};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash_str(ctx, texts[i]);
    const int64_t numbers[] = {p->price_minor, p->list_price_minor, p->stock, p->created_at,
                               p->rating_count};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hash_i64(ctx, numbers[i]);
    return ERR_OK;
}

static enum err_code hash_user(void *ctx, const struct user *u, struct err *err)
{
    (void)err;
    hash_str(ctx, u->id);
    hash_str(ctx, u->attributes);
    hash_i64(ctx, u->created_at);
    return ERR_OK;
}

static enum err_code hash_event(void *ctx, const struct event *e, struct err *err)
{
    (void)err;
    const struct str texts[] = {e->id,         e->user_id, e->anonymous_id, e->session_id,
                                e->product_id, e->query,   e->request_id,   e->context};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash_str(ctx, texts[i]);
    const int64_t numbers[] = {e->time, (int64_t)e->type, e->quantity, e->value_minor, e->position};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hash_i64(ctx, numbers[i]);
    return ERR_OK;
}

static enum err_code hash_order(void *ctx, const struct order *o, struct err *err)
{
    (void)err;
    hash_str(ctx, o->id);
    hash_i64(ctx, o->total_minor);
    hash_i64(ctx, (int64_t)o->status);
    return ERR_OK;
}

static uint64_t stream_hash(const struct demo_options *o)
{
    struct err err = {0};
    XXH3_state_t *h = XXH3_createState();
    XXH3_64bits_reset(h);
    struct demo_sink sink = {h, hash_product, hash_user, hash_event, hash_order};
    ck_ok(demo_generate(o, &sink, NULL, &err));
    uint64_t digest = XXH3_64bits_digest(h);
    XXH3_freeState(h);
    return digest;
}

START_TEST(the_same_seed_gives_the_same_bytes_and_another_does_not)
{
    struct demo_options o = {
        .seed = 7, .products = 400, .users = 150, .events = 8000, .now_us = now};
    uint64_t first = stream_hash(&o);
    ck_assert(stream_hash(&o) == first);
    o.seed = 8;
    ck_assert(stream_hash(&o) != first);
}
END_TEST

/* --- everything that a shop is, kept for looking at ---------------------------------------------- */

struct seen_event {
    int64_t time;
    enum event_type type;
    uint32_t person, session;
    uint32_t product; /* index, UINT32_MAX none */
};

struct shop {
    struct arena arena;
    struct map_str products, titles, titles_zh, people, sessions, event_ids, departments;
    uint32_t *department; /* [products] */
    int64_t *created;     /* [products] */
    uint32_t *views;      /* [products] */
    struct seen_event *events;
    size_t events_len, events_cap;
    struct map_str bought; /* "order product" to quantity, from purchase events */
    uint64_t sale_lines;
    int64_t purchased, ordered; /* sums of money */
    uint64_t joins, out_of_stock, reduced, queries, queries_zh;
    struct demo_totals totals;
};

static uint32_t number_of(struct map_str *m, struct str key, bool *added)
{
    bool fresh;
    uint64_t *at = map_str_at(m, key, &fresh);
    if (fresh)
        *at = m->len - 1;
    if (added)
        *added = fresh;
    return (uint32_t)*at;
}

static void check_json(struct str text, struct arena *arena)
{
    struct err err = {0};
    struct json_reader r;
    if (!text.n)
        return;
    jr_init(&r, text, arena);
    jr_skip(&r);
    ck_ok(jr_end(&r, &err));
}

/* The title in {"zh": {"title": ...}}. */
static struct str zh_title(struct str translations, struct arena *arena)
{
    struct json_reader r;
    struct str key, title = {0};
    struct err err = {0};
    jr_init(&r, translations, arena);
    ck_assert(jr_obj(&r) && jr_key(&r, &key) && str_is(key, "zh") && jr_obj(&r));
    while (jr_key(&r, &key))
        if (str_is(key, "title"))
            jr_str(&r, &title);
    ck_assert(!jr_key(&r, &key));
    ck_ok(jr_end(&r, &err));
    return title;
}

static struct str department_of(struct str category)
{
    struct str best = {0};
    for (int d = 0; d < DEPARTMENTS; d++) {
        struct str path = str_of(department_at(d)->path[EN]);
        if (str_starts(category, path))
            best = path;
    }
    ck_assert_msg(best.n > 0, "no department: %.*s", STR_ARG(category));
    return best;
}

static enum err_code see_product(void *ctx, const struct product *p, struct err *err)
{
    struct shop *s = ctx;
    enum err_code code = product_check(p, err);
    if (code)
        return code;
    bool added;
    uint32_t index = number_of(&s->products, p->id, &added);
    ck_assert_msg(added, "twice: %.*s", STR_ARG(p->id));
    number_of(&s->titles, p->title, &added);
    ck_assert_msg(added, "twice: %.*s", STR_ARG(p->title));
    struct str zh = zh_title(p->translations, &s->arena);
    ck_assert(str_utf8_valid(zh, NULL));
    number_of(&s->titles_zh, zh, &added);
    ck_assert_msg(added, "twice: %.*s", STR_ARG(zh));
    check_json(p->attributes, &s->arena);
    check_json(p->images, &s->arena);
    check_json(p->tags, &s->arena);
    ck_assert(str_starts(p->id, p->group_id));
    ck_assert(p->created_at < now && p->created_at > now - 731 * CLOCK_US_PER_DAY);
    ck_assert(p->list_price_minor == STORE_NO_AMOUNT || p->list_price_minor > p->price_minor);
    s->out_of_stock += p->stock == 0;
    s->reduced += p->list_price_minor != STORE_NO_AMOUNT;
    s->department[index] = number_of(&s->departments, department_of(p->category), NULL);
    s->created[index] = p->created_at;
    arena_reset(&s->arena);
    return ERR_OK;
}

static enum err_code see_user(void *ctx, const struct user *u, struct err *err)
{
    struct shop *s = ctx;
    (void)err;
    bool added;
    number_of(&s->people, u->id, &added);
    ck_assert(added && u->created_at <= now);
    check_json(u->attributes, &s->arena);
    return ERR_OK;
}

static void keep_event(struct shop *s, struct seen_event e)
{
    if (s->events_len == s->events_cap) {
        s->events_cap = s->events_cap ? 2 * s->events_cap : 4096;
        s->events = mem_resize(s->events, s->events_cap, sizeof *s->events);
    }
    s->events[s->events_len++] = e;
}

static void see_purchase(struct shop *s, const struct event *e)
{
    struct json_reader r;
    struct str key, order = {0};
    jr_init(&r, e->context, NULL);
    ck_assert(jr_obj(&r) && jr_key(&r, &key) && jr_str(&r, &order));
    struct str line = arena_printf(&s->arena, "%.*s %.*s", STR_ARG(order), STR_ARG(e->product_id));
    *map_str_at(&s->bought, line, NULL) += (uint64_t)e->quantity;
    s->purchased += e->value_minor;
}

static enum err_code see_event(void *ctx, const struct event *e, struct err *err)
{
    struct shop *s = ctx;
    enum err_code code = event_check(e, err);
    if (code)
        return code;
    bool added;
    number_of(&s->event_ids, e->id, &added);
    ck_assert(added);
    ck_assert_msg(e->time < now, "an event of the future");
    struct seen_event seen = {.time = e->time, .type = e->type, .product = UINT32_MAX};
    bool both = e->user_id.n && e->anonymous_id.n;
    s->joins += both;
    seen.person = number_of(&s->people, e->user_id.n ? e->user_id : e->anonymous_id, &added);
    ck_assert_msg(!added || !e->user_id.n, "unknown user %.*s", STR_ARG(e->user_id));
    seen.session = number_of(&s->sessions, e->session_id, NULL);
    if (e->type == EVENT_SEARCH) {
        s->queries++;
        s->queries_zh += (unsigned char)e->query.p[e->query.n - 1] >= 0x80;
    } else {
        uint64_t *index = map_str_find(&s->products, e->product_id);
        ck_assert_msg(index != NULL, "unknown product %.*s", STR_ARG(e->product_id));
        seen.product = (uint32_t)*index;
        ck_assert_msg(s->created[*index] <= e->time, "before it was sold");
        s->views[*index] += e->type == EVENT_VIEW;
    }
    ck_assert((e->request_id.n > 0) == (e->position >= 0));
    if (e->type == EVENT_PURCHASE)
        see_purchase(s, e);
    keep_event(s, seen);
    return ERR_OK;
}

static enum err_code see_order(void *ctx, const struct order *o, struct err *err)
{
    struct shop *s = ctx;
    enum err_code code = order_check(o, err);
    if (code)
        return code;
    int64_t total = 0;
    for (uint32_t i = 0; i < o->lines_len; i++) {
        const struct order_line *l = &o->lines[i];
        total += l->kind == LINE_SALE ? l->amount_minor : -l->amount_minor;
        if (l->kind != LINE_SALE)
            continue;
        s->sale_lines++;
        s->ordered += l->amount_minor;
        struct str line =
            arena_printf(&s->arena, "%.*s %.*s", STR_ARG(o->id), STR_ARG(l->product_id));
        uint64_t *quantity = map_str_find(&s->bought, line);
        ck_assert_msg(quantity && *quantity == (uint64_t)l->quantity, "%.*s", STR_ARG(line));
    }
    ck_assert_int_eq(total, o->total_minor);
    ck_assert(o->placed_at < now && o->delivered_at <= now && o->closed_at <= now);
    return ERR_OK;
}

static struct shop *shop_new(const struct demo_options *o)
{
    struct shop *s = MEM_NEW(struct shop);
    struct err err = {0};
    arena_init(&s->arena, 0, 1 << 28);
    s->department = mem_new(o->products, sizeof *s->department);
    s->created = mem_new(o->products, sizeof *s->created);
    s->views = mem_new(o->products, sizeof *s->views);
    struct demo_sink sink = {s, see_product, see_user, see_event, see_order};
    ck_ok(demo_generate(o, &sink, &s->totals, &err));
    return s;
}

static void shop_free(struct shop *s)
{
    struct map_str *maps[] = {&s->products, &s->titles,    &s->titles_zh,   &s->people,
                              &s->sessions, &s->event_ids, &s->departments, &s->bought};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        map_str_release(maps[i]);
    arena_release(&s->arena);
    mem_free(s->department);
    mem_free(s->created);
    mem_free(s->views);
    mem_free(s->events);
    mem_free(s);
}

static const struct demo_options usual = {
    .seed = 1, .products = 2000, .users = 1000, .events = 60000, .now_us = now};

START_TEST(every_record_is_valid_and_counted)
{
    struct shop *s = shop_new(&usual);
    ck_assert_uint_eq(s->totals.products, 2000);
    ck_assert_uint_eq(s->products.len, 2000);
    ck_assert_uint_eq(s->totals.users, 1000);
    ck_assert_uint_eq(s->totals.events, s->events_len);
    ck_assert_msg(fabs((double)s->events_len / 60000 - 1) < .08, "%zu events", s->events_len);
    ck_assert_uint_eq(s->departments.len, DEPARTMENTS);
    ck_assert_uint_eq(s->totals.sessions, s->sessions.len);
    ck_assert(s->out_of_stock > 40 && s->out_of_stock < 200);
    ck_assert(s->reduced > 200 && s->reduced < 600);
    ck_assert_msg(s->joins > 60, "%lu shoppers joined", s->joins);
    ck_assert(s->queries_zh * 2 > s->queries && s->queries_zh * 10 < s->queries * 8);
    shop_free(s);
}
END_TEST

START_TEST(orders_are_what_the_purchases_were)
{
    struct shop *s = shop_new(&usual); /* each line was compared on the way */
    ck_assert_uint_gt(s->totals.orders, 500);
    ck_assert_uint_eq(s->sale_lines, s->bought.len);
    ck_assert_int_eq(s->purchased, s->ordered);
    shop_free(s);
}
END_TEST

START_TEST(titles_stay_unique_when_the_words_run_out)
{
    struct shop *s = shop_new(&(struct demo_options){
        .seed = 3, .products = 120000, .users = 10, .events = 100, .now_us = now});
    ck_assert_uint_eq(s->titles.len, 120000);
    ck_assert_uint_eq(s->titles_zh.len, 120000);
    shop_free(s);
}
END_TEST

/* The first products alone; then the sink has had enough. */
struct beginning {
    XXH3_state_t *h;
    unsigned left;
};

static enum err_code hash_beginning(void *ctx, const struct product *p, struct err *err)
{
    struct beginning *first = ctx;
    if (first->left == 0)
        return ERR_CANCELLED;
    first->left--;
    return hash_product(first->h, p, err);
}

START_TEST(more_products_continue_the_catalogue_of_fewer)
{
    uint64_t digest[2];
    for (int i = 0; i < 2; i++) {
        struct beginning first = {XXH3_createState(), 300};
        XXH3_64bits_reset(first.h);
        struct demo_options o = {.seed = 5, .products = i ? 5000 : 301, .now_us = now};
        struct demo_sink sink = {&first, hash_beginning, NULL, NULL, NULL};
        struct err err = {0};
        ck_err(demo_generate(&o, &sink, NULL, &err), ERR_CANCELLED);
        digest[i] = XXH3_64bits_digest(first.h);
        XXH3_freeState(first.h);
    }
    ck_assert(digest[0] == digest[1]);
}
END_TEST

/* --- is the structure really there? Each against what chance would give --------------------------- */

/* Share of views of each department, the chance that two views agree. */
static double chance_same_department(const struct shop *s)
{
    double count[DEPARTMENTS] = {0}, sum = 0, same = 0;
    for (size_t i = 0; i < s->events_len; i++) {
        if (s->events[i].type == EVENT_VIEW) {
            count[s->department[s->events[i].product]]++;
            sum++;
        }
    }
    for (int d = 0; d < DEPARTMENTS; d++)
        same += count[d] / sum * count[d] / sum;
    return same;
}

START_TEST(a_visit_keeps_to_a_department)
{
    struct shop *s = shop_new(&usual);
    double pairs = 0, same = 0;
    uint32_t last_session = UINT32_MAX, last = 0;
    for (size_t i = 0; i < s->events_len; i++) {
        const struct seen_event *e = &s->events[i];
        if (e->type != EVENT_VIEW)
            continue;
        if (e->session == last_session) {
            pairs++;
            same += s->department[e->product] == last;
        }
        last_session = e->session;
        last = s->department[e->product];
    }
    double chance = chance_same_department(s);
    ck_assert_msg(same / pairs > 5 * chance, "%f against %f", same / pairs, chance);
    shop_free(s);
}
END_TEST

START_TEST(later_purchases_come_from_departments_visited_before)
{
    struct shop *s = shop_new(&usual);
    uint32_t *visited =
        mem_new(s->people.len, sizeof *visited); /* bit per department, first half */
    double later = 0, known = 0, expected = 0;
    for (size_t i = 0; i < s->events_len; i++) {
        const struct seen_event *e = &s->events[i];
        if (e->type == EVENT_VIEW && i < s->events_len / 2)
            visited[e->person] |= 1u << s->department[e->product];
        if (e->type != EVENT_PURCHASE || i < s->events_len / 2 || !visited[e->person])
            continue;
        later++;
        known += visited[e->person] >> s->department[e->product] & 1;
        expected += (double)__builtin_popcount(visited[e->person]) / DEPARTMENTS;
    }
    mem_free(visited);
    ck_assert_msg(later > 200 && known > 1.4 * expected, "%f of %f, by chance %f", known, later,
                  expected);
    shop_free(s);
}
END_TEST

static int by_views(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x > y ? -1 : x < y;
}

START_TEST(few_products_have_most_of_the_views)
{
    struct shop *s = shop_new(&usual);
    qsort(s->views, 2000, sizeof *s->views, by_views);
    double all = 0, top = 0;
    for (int i = 0; i < 2000; i++) {
        all += s->views[i];
        top += i < 200 ? s->views[i] : 0;
    }
    ck_assert_msg(top > .3 * all, "the first tenth has %f", top / all);
    shop_free(s);
}
END_TEST

START_TEST(gardens_wake_up_in_spring)
{
    struct shop *s = shop_new(&usual);
    uint32_t garden = number_of(&s->departments, STR_LIT("Home > Garden"), NULL);
    double spring[2] = {0}, winter[2] = {0}; /* garden, all */
    for (size_t i = 0; i < s->events_len; i++) {
        if (s->events[i].type != EVENT_VIEW)
            continue;
        int month = clock_civil_of(s->events[i].time).month;
        double *season = month >= 3 && month <= 5    ? spring
                         : month >= 11 || month == 1 ? winter
                                                     : NULL;
        if (!season)
            continue;
        season[0] += s->department[s->events[i].product] == garden;
        season[1]++;
    }
    ck_assert(spring[0] / spring[1] > 2 * winter[0] / winter[1]);
    shop_free(s);
}
END_TEST

START_TEST(the_showcase_lives_in_every_shop)
{
    struct shop *s = shop_new(&usual);
    const struct demo_showcase *people = demo_showcase_users();
    for (int n = 0; n < DEMO_SHOWCASE_USERS; n++) {
        uint64_t *person = map_str_find(&s->people, str_of(people[n].id));
        ck_assert(person != NULL);
        size_t events = 0;
        for (size_t i = 0; i < s->events_len; i++)
            events += s->events[i].person == *person;
        ck_assert_msg(events > 50, "%s did little: %zu", people[n].id, events);
    }
    shop_free(s);
}
END_TEST

START_TEST(a_shop_beyond_the_caps_is_refused_and_a_tiny_one_is_not)
{
    struct err err = {0};
    struct demo_options o = {.products = DEMO_PRODUCTS_MAX + 1u};
    ck_err(demo_generate(&o, &(struct demo_sink){0}, NULL, &err), ERR_LIMIT);
    struct shop *s =
        shop_new(&(struct demo_options){.products = 1, .users = 1, .events = 1, .now_us = now});
    ck_assert_uint_eq(s->products.len, 1);
    shop_free(s);
}
END_TEST

START_TEST(a_sink_that_fails_ends_it)
{
    struct err err = {0};
    struct beginning at_once = {NULL, 0};
    struct demo_sink sink = {&at_once, hash_beginning, NULL, NULL, NULL};
    struct demo_options o = {.now_us = now};
    ck_err(demo_generate(&o, &sink, NULL, &err), ERR_CANCELLED);
}
END_TEST

SUITE("demo", the_same_seed_gives_the_same_bytes_and_another_does_not,
      every_record_is_valid_and_counted, orders_are_what_the_purchases_were,
      titles_stay_unique_when_the_words_run_out, more_products_continue_the_catalogue_of_fewer,
      a_visit_keeps_to_a_department, later_purchases_come_from_departments_visited_before,
      few_products_have_most_of_the_views, gardens_wake_up_in_spring,
      the_showcase_lives_in_every_shop, a_shop_beyond_the_caps_is_refused_and_a_tiny_one_is_not,
      a_sink_that_fails_ends_it)
