#include "recommend/explore.h"
#include "recommend/ruled_shop.h"

#include "support/suite.h"

enum { SHOPS = 6, LISTS = 250 };

/* --- random rules ------------------------------------------------------------------------------ */

static void ck_same(const struct ruled_shop *s, const struct recommend_trace *t,
                    const struct recommend_request *r, int round)
{
    uint32_t want[RECOMMEND_LIMIT_MAX];
    size_t n = oracle_list(s, r, &t->candidates, want);
    ck_assert_msg(t->choice.len == n, "list %d (%s): %zu products, not %zu", round,
                  placement_name(r->placement), t->choice.len, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(t->choice.items[i].product_no == want[i], "list %d (%s): %u at %zu, not %u",
                      round, placement_name(r->placement), t->choice.items[i].product_no, i,
                      want[i]);
}

START_TEST(lists_under_random_rules_are_those_of_loops_over_everything)
{
    static size_t touched[RULE_ACTIONS];
    for (uint64_t seed = 1; seed <= SHOPS; seed++) {
        struct ruled_shop s;
        struct recommend_trace t;
        struct err err;
        shop_init(&s, seed);
        for (int i = 0; i < LISTS; i++) {
            arena_reset(&s.f.arena);
            struct recommend_request r = random_request(&s);
            random_rules(&s, &r, rng_below(&s.rng, RULES + 1));
            ck_ok(recommend_trace_run(s.f.view, &r, &s.f.arena, &t, &err));
            ck_same(&s, &t, &r, i);
            for (size_t k = 0; k < s.rules_len; k++)
                touched[s.rules[k].action] += s.rules[k].in_force;
        }
        shop_release(&s);
    }
    for (size_t i = 0; i < RULE_ACTIONS; i++)
        ck_assert_uint_gt(touched[i], 500);
}
END_TEST

/* --- never fewer ------------------------------------------------------------------------------- */

START_TEST(a_list_is_short_only_where_nothing_more_may_be_shown)
{
    size_t was_short = 0, full = 0;
    for (uint64_t seed = 50; seed < 50 + SHOPS; seed++) {
        struct ruled_shop s;
        struct recommend_trace t;
        struct err err;
        shop_init(&s, seed);
        for (int i = 0; i < LISTS; i++) {
            arena_reset(&s.f.arena);
            struct recommend_request r = random_request(&s);
            if (placement_needs(r.placement) == NEEDS_PRODUCT)
                continue;
            r.limit = 10 + (uint32_t)rng_below(&s.rng, 91);
            random_rules(&s, &r, rng_below(&s.rng, 5));
            ck_ok(recommend_trace_run(s.f.view, &r, &s.f.arena, &t, &err));
            full += t.choice.len == r.limit;
            was_short += t.choice.len < r.limit;
            struct oracle o = {.s = &s, .r = &r, .c = &t.candidates};
            for (size_t k = 0; k < t.choice.len; k++)
                plain_add(&o, t.choice.items[k].product_no, 0, 0);
            for (uint32_t no = 1; no <= PRODUCTS && t.choice.len < r.limit; no++) {
                o.allowed[no] = plain_allowed(&o, no);
                ck_assert_msg(!fits(&o, no, true), "list %d: %u would have fitted", i, no);
            }
        }
        shop_release(&s);
    }
    ck_assert_uint_gt(was_short, 200);
    ck_assert_uint_gt(full, 200);
}
END_TEST

START_TEST(many_hot_variants_of_one_thing_do_not_keep_others_out)
{
    enum { VARIANTS = 2 * 4 * RECOMMEND_LIMIT_MAX, OTHERS = 5 };
    static char ids[VARIANTS + OTHERS][8];
    static struct product products[VARIANTS + OTHERS];
    const struct product *all[VARIANTS + OTHERS];
    struct view_fixture f;
    struct recommend_result out;
    struct err err;
    fixture_init(&f);
    for (uint32_t i = 0; i < VARIANTS + OTHERS; i++) {
        snprintf(ids[i], sizeof ids[i], "P%u", i);
        products[i] = fixture_product(i + 1, ids[i], "a lamp");
        products[i].group_id = i < VARIANTS ? STR_LIT("one") : (struct str){NULL, 0};
        fixture_live(&f, &products[i]);
        live_heat_add(f.live, i + 1, i < VARIANTS ? 5 : 1, NOW);
        all[i] = &products[i];
    }
    fixture_index(&f, all, VARIANTS + OTHERS);
    struct recommend_request r = {.limit = 10, .now_us = NOW};
    ck_ok(recommend_run(f.view, &r, &f.arena, &out, &err));
    ck_assert_uint_eq(out.len, 1 + OTHERS);
    fixture_release(&f);
}
END_TEST

/* --- examples ---------------------------------------------------------------------------------- */

/* Products 1.. by falling heat, brand A or B by turns, ids P1.. */
struct small {
    struct view_fixture f;
    char ids[40][8];
    size_t n;
};

static void small_init(struct small *s, size_t n)
{
    *s = (struct small){.n = n};
    fixture_init(&s->f);
    for (uint32_t no = 1; no <= n; no++) {
        snprintf(s->ids[no], sizeof s->ids[no], "P%u", no);
        struct product p = fixture_product(no, s->ids[no], "a lamp");
        p.brand = no % 2 ? STR_LIT("A") : STR_LIT("B");
        fixture_put(&s->f, &p);
        s->f.view->trending.product_no[no - 1] = no;
        s->f.view->trending.score[no - 1] = 1 - (float)no / 64;
    }
    s->f.view->trending.len = (uint32_t)n;
}

static struct recommend_result ask(struct small *s, const struct recommend_request *r)
{
    struct recommend_result out;
    struct err err;
    ck_ok(recommend_run(s->f.view, r, &s->f.arena, &out, &err));
    return out;
}

static void ck_list(struct small *s, struct recommend_request r, const char *want)
{
    struct recommend_result out = ask(s, &r);
    char got[400] = "";
    size_t len = 0;
    for (size_t i = 0; i < out.len; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%u", i ? " " : "",
                                out.items[i].product_no);
    ck_assert_str_eq(got, want);
}

#define TRENDING                                                                                   \
    ((struct recommend_request){.placement = PLACEMENT_TRENDING, .limit = 4, .now_us = NOW})

#define RULE(selection, action) "{\"products\":\"" selection "\",\"action\":{\"type\":" action "}}"
#define HIDE                    "\"hide\""

#define PUT_RULES(s, ...)                                                                          \
    fixture_rules(&(s)->f, (const char *const[]){__VA_ARGS__},                                     \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

START_TEST(each_action_does_what_it_says)
{
    struct small s;
    small_init(&s, 8);
    ck_list(&s, TRENDING, "1 2 3 4");
    PUT_RULES(&s, RULE("id = P7", "\"pin\",\"position\":2"));
    ck_list(&s, TRENDING, "1 7 2 3");
    PUT_RULES(&s, RULE("brand = b", "\"boost\",\"factor\":2"));
    ck_list(&s, TRENDING, "2 4 6 8");
    PUT_RULES(&s, RULE("id in (P1, P2)", "\"bury\",\"factor\":0.001"));
    ck_list(&s, TRENDING, "3 4 5 6");
    PUT_RULES(&s, RULE("brand = a", HIDE));
    ck_list(&s, TRENDING, "2 4 6 8");
    PUT_RULES(&s, RULE("id in (P7, P8)", "\"require\",\"count\":2"));
    ck_list(&s, TRENDING, "1 2 7 8");
    PUT_RULES(&s, RULE("", "\"cap\",\"count\":1,\"by\":\"brand\""));
    ck_list(&s, TRENDING, "1 2");
    PUT_RULES(&s, RULE("brand = a", "\"cap\",\"count\":1,\"by\":\"brand\""));
    ck_list(&s, TRENDING, "1 2 4 6");
    fixture_release(&s.f);
}
END_TEST

START_TEST(rules_that_contradict_each_other_have_one_outcome)
{
    struct small s;
    small_init(&s, 8);
    /* hide beats pin, boost and require, whichever comes first */
    PUT_RULES(&s, RULE("id = P7", "\"pin\",\"position\":1"),
              RULE("id = P7", "\"boost\",\"factor\":1000"),
              RULE("id = P7", "\"require\",\"count\":1"), RULE("id = P7", HIDE));
    ck_list(&s, TRENDING, "1 2 3 4");
    /* of two pins of a position the earlier has it */
    PUT_RULES(&s, RULE("id = P7", "\"pin\",\"position\":1"),
              RULE("id = P8", "\"pin\",\"position\":1"));
    ck_list(&s, TRENDING, "7 8 1 2");
    /* the same product pinned twice is shown once */
    PUT_RULES(&s, RULE("id = P7", "\"pin\",\"position\":3"),
              RULE("id = P7", "\"pin\",\"position\":1"));
    ck_list(&s, TRENDING, "1 2 7 3");
    /* boost and bury multiply */
    PUT_RULES(&s, RULE("id = P8", "\"boost\",\"factor\":8"),
              RULE("id = P8", "\"bury\",\"factor\":0.125"));
    ck_list(&s, TRENDING, "1 2 3 4");
    /* a pin beats a cap and counts in it; a cap beats require */
    PUT_RULES(&s, RULE("", "\"cap\",\"count\":0,\"by\":\"brand\""),
              RULE("id = P5", "\"pin\",\"position\":1"));
    ck_list(&s, TRENDING, "5");
    PUT_RULES(&s, RULE("", "\"cap\",\"count\":1,\"by\":\"brand\""),
              RULE("id = P5", "\"pin\",\"position\":1"),
              RULE("brand = a", "\"require\",\"count\":3"));
    ck_list(&s, TRENDING, "5 2");
    /* the earlier of two requirements that cannot both be met is */
    PUT_RULES(&s, RULE("id in (P6, P8)", "\"require\",\"count\":2"),
              RULE("id in (P5, P7)", "\"require\",\"count\":2"));
    struct recommend_request r = TRENDING;
    r.limit = 3;
    ck_list(&s, r, "5 6 8");
    /* pins further down than the list is long do nothing, and a short list closes up */
    PUT_RULES(&s, RULE("id = P7", "\"pin\",\"position\":50"));
    ck_list(&s, TRENDING, "1 2 3 4");
    PUT_RULES(&s, RULE("brand = b or id in (P1, P3)", HIDE),
              RULE("id = P7", "\"pin\",\"position\":4"));
    ck_list(&s, TRENDING, "5 7");
    fixture_release(&s.f);
}
END_TEST

START_TEST(rules_keep_to_the_caller_s_own_bounds)
{
    struct small s;
    struct recommend_request r = TRENDING;
    static const uint32_t exclude[] = {7};
    small_init(&s, 8);
    PUT_RULES(&s, RULE("id = P7", "\"pin\",\"position\":1"),
              RULE("id = P7", "\"require\",\"count\":1"));
    r.filter = fixture_filter(&s.f, "brand = b");
    ck_list(&s, r, "2 4 6 8");
    r = TRENDING;
    r.exclude = exclude;
    r.exclude_len = 1;
    ck_list(&s, r, "1 2 3 4");
    r = TRENDING; /* sold out */
    struct product p = fixture_product(7, "P7", "a lamp");
    p.stock = 0;
    fixture_live(&s.f, &p);
    ck_list(&s, r, "1 2 3 4");
    fixture_release(&s.f);
}
END_TEST

START_TEST(nothing_is_left_where_everything_is_hidden_or_filtered_out)
{
    struct small s;
    struct recommend_request r = TRENDING;
    small_init(&s, 8);
    PUT_RULES(&s, RULE("", HIDE), RULE("", "\"require\",\"count\":3"));
    for (int p = 0; p < PLACEMENTS; p++) {
        r.placement = (enum placement)p;
        ck_list(&s, r, "");
    }
    PUT_RULES(&s, RULE("id = P1", "\"pin\",\"position\":1"));
    r.filter = fixture_filter(&s.f, "attributes.nowhere = yes");
    for (int p = 0; p < PLACEMENTS; p++) {
        r.placement = (enum placement)p;
        ck_list(&s, r, "");
    }
    fixture_release(&s.f);
}
END_TEST

START_TEST(a_rule_on_what_no_product_has_selects_none_and_its_opposite_all)
{
    struct small s;
    small_init(&s, 8);
    PUT_RULES(&s, RULE("attributes.nowhere = yes or attributes.nowhere > 3", HIDE));
    ck_list(&s, TRENDING, "1 2 3 4");
    PUT_RULES(&s, RULE("attributes.nowhere != yes", HIDE));
    ck_list(&s, TRENDING, "");
    PUT_RULES(&s, RULE("not attributes.nowhere > 3", HIDE)); /* unknown is not true */
    ck_list(&s, TRENDING, "1 2 3 4");
    fixture_release(&s.f);
}
END_TEST

START_TEST(a_clock_that_goes_back_gives_what_it_gave_then)
{
    struct small s;
    struct recommend_request r = TRENDING;
    small_init(&s, 8);
    PUT_RULES(&s,
              "{\"action\":{\"type\":\"pin\",\"position\":1},\"products\":\"id = P7\",\"schedule\":"
              "{\"from\":\"2025-06-15T15:00:00Z\",\"until\":\"2025-06-15T16:00:00Z\"}}");
    static const int64_t hours[] = {0, 1, -1, 0, -24, 0};
    for (size_t i = 0; i < sizeof hours / sizeof *hours; i++) {
        r.now_us = NOW + hours[i] * 3600 * 1000000;
        ck_list(&s, r, hours[i] == 0 ? "7 1 2 3" : "1 2 3 4");
    }
    r.now_us = 0; /* a clock that was never set */
    ck_list(&s, r, "1 2 3 4");
    fixture_release(&s.f);
}
END_TEST

START_TEST(days_and_hours_are_those_of_the_shop)
{
    struct small s;
    small_init(&s, 8);
    PUT_RULES(&s,
              "{\"action\":{\"type\":\"pin\",\"position\":1},\"products\":\"id = P7\",\"schedule\":"
              "{\"days\":[\"mon\"],\"hours\":{\"from\":\"00:00\",\"until\":\"01:00\"}}}");
    ck_list(&s, TRENDING, "1 2 3 4"); /* Sunday 15:06 in UTC */
    s.f.shop.utc_offset_min = 9 * 60; /* Monday 00:06 */
    ck_list(&s, TRENDING, "7 1 2 3");
    s.f.shop.utc_offset_min = -9 * 60;
    ck_list(&s, TRENDING, "1 2 3 4");
    fixture_release(&s.f);
}
END_TEST

START_TEST(ten_thousand_rules_all_act)
{
    enum { MANY = RULES_MAX };
    static char texts[MANY][120];
    static const char *definitions[MANY];
    struct small s;
    small_init(&s, 30);
    for (int i = 0; i < MANY; i++) {
        /* products 1 to 20 are hidden, and so are many that are not there; the last rule pins */
        snprintf(texts[i], sizeof texts[i], RULE("id = P%d", HIDE), i < 20 ? i + 1 : i + 100);
        definitions[i] = texts[i];
    }
    definitions[MANY - 1] = RULE("id = P30", "\"pin\",\"position\":1");
    fixture_rules(&s.f, definitions, MANY);
    ck_assert_uint_eq(rules_len(s.f.view), MANY);
    ck_list(&s, TRENDING, "30 21 22 23");
    fixture_release(&s.f);
}
END_TEST

START_TEST(what_is_compiled_follows_the_catalogue_and_shares_what_stays)
{
    struct small s;
    small_init(&s, 8);
    PUT_RULES(&s, RULE("title_is_nothing = 1", HIDE), RULE("brand = a", HIDE));
    ck_assert_uint_eq(rules_len(s.f.view), 1); /* what cannot be read is not in force */
    ck_list(&s, TRENDING, "2 4 6 8");
    /* product 2 becomes an A, in one more segment, and 3 goes */
    struct product p = fixture_product(2, "P2", "a lamp");
    p.brand = STR_LIT("A");
    fixture_put(&s.f, &p);
    fixture_remove(&s.f, 4);
    fixture_compile_rules(&s.f);
    ck_list(&s, TRENDING, "6 8");
    fixture_merge(&s.f);
    fixture_compile_rules(&s.f);
    ck_list(&s, TRENDING, "6 8");
    fixture_release(&s.f);
}
END_TEST

START_TEST(the_place_that_explores_leaves_what_rules_say_alone)
{
    size_t pinned = 0, explored_lists = 0, required = 0;
    for (uint64_t seed = 70; seed < 70 + SHOPS; seed++) {
        struct ruled_shop s;
        struct rng rng;
        struct err err;
        shop_init(&s, seed);
        rng_init(&rng, seed);
        for (int i = 0; i < LISTS; i++) {
            struct recommend_trace t;
            struct recommend_result found;
            struct explored explored;
            bool bound = false, ruled = false;
            arena_reset(&s.f.arena);
            struct recommend_request r = random_request(&s);
            random_rules(&s, &r, rng_below(&s.rng, RULES + 1));
            ck_ok(recommend_trace_run(s.f.view, &r, &s.f.arena, &t, &err));
            ck_ok(explore_run(s.f.view, &r, 1, &rng, &s.f.arena, &found, &explored, &err));
            ck_assert_uint_eq(found.len, t.choice.len);
            for (size_t k = 0; k < s.rules_len; k++)
                ruled |= s.rules[k].in_force && s.rules[k].action == RULE_REQUIRE;
            for (size_t k = 0; k < found.len; k++) {
                bool pin = false;
                for (size_t p = 0; p < t.choice.pins_len; p++)
                    pin |= t.choice.pins[p].product_no == t.choice.items[k].product_no;
                pinned += pin && k + 1 == r.limit;
                bound |= pin && k + 1 == r.limit;
                if (pin || ruled || k + 1 < found.len)
                    ck_assert_uint_eq(found.items[k].product_no, t.choice.items[k].product_no);
            }
            ck_assert(!(bound || ruled) || explored.product_no == 0);
            required += ruled;
            explored_lists += explored.rank > 0;
        }
        shop_release(&s);
    }
    ck_assert_msg(pinned > 20 && required > 50 && explored_lists > 50, "%zu %zu %zu", pinned,
                  required, explored_lists);
}
END_TEST

SUITE("ruled", the_place_that_explores_leaves_what_rules_say_alone,
      lists_under_random_rules_are_those_of_loops_over_everything,
      a_list_is_short_only_where_nothing_more_may_be_shown,
      many_hot_variants_of_one_thing_do_not_keep_others_out, each_action_does_what_it_says,
      rules_that_contradict_each_other_have_one_outcome, rules_keep_to_the_caller_s_own_bounds,
      nothing_is_left_where_everything_is_hidden_or_filtered_out,
      a_rule_on_what_no_product_has_selects_none_and_its_opposite_all,
      a_clock_that_goes_back_gives_what_it_gave_then, days_and_hours_are_those_of_the_shop,
      ten_thousand_rules_all_act, what_is_compiled_follows_the_catalogue_and_shares_what_stays)
