/* Experiments: definitions good and bad, who takes part, layers, overrides, and the place that explores. */
#include "recommend/experiment_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "recommend/explore.h"
#include "support/suite.h"

static struct arena arena;

static struct experiment_entry entry_of(int64_t no, const char *json)
{
    struct err err;
    struct experiment_entry entry = {
        .record = {
            .no = no, .state = EXPERIMENT_RUNNING, .id = STR_LIT("e"), .salt = STR_LIT("s")}};
    if (!arena.max_bytes)
        arena_init(&arena, 0, 64 << 20);
    ck_ok(experiment_read(str_of(json), &arena, &entry.e, &err));
    return entry;
}

#define TWO                                                                                        \
    "\"variants\": [{\"name\": \"a\"}, {\"name\": \"b\", \"weight\": 3, "                          \
    "\"weights\": {\"home.arrivals\": 0.5, \"home.trending\": 0}}]"

START_TEST(a_definition_is_read_with_its_defaults)
{
    struct experiment_entry entry = entry_of(1, "{\"placements\": [\"home\", \"cart\"], " TWO "}");
    const struct experiment *e = &entry.e;
    ck_assert_uint_eq(e->placements, 1 << PLACEMENT_HOME | 1 << PLACEMENT_CART);
    ck_assert(str_is(e->layer, "main") && e->share == 1 && e->alpha == 0.05);
    ck_assert_int_eq(e->metric, METRIC_CONVERSION);
    ck_assert_uint_eq(e->variants_len, 2);
    ck_assert_uint_eq(e->variants[1].weight, 3);
    ck_assert(e->variants[1].weights.of[PLACEMENT_HOME].arrivals == 0.5F);
    ck_assert(e->variants[1].weights.of[PLACEMENT_HOME].trending == 0);
    ck_assert(e->variants[1].weights.of[PLACEMENT_HOME].factors < 0);
    ck_assert(e->variants[0].explore < 0);
    ck_assert_uint_eq(experiment_variant_of(e, STR_LIT("b")), 1);
    ck_assert_uint_eq(experiment_variant_of(e, STR_LIT("c")), 2);
}
END_TEST

START_TEST(a_definition_that_is_none_is_refused_with_the_field)
{
    static const struct {
        const char *json, *why;
    } bad[] = {
        {"[]", "object"},
        {"{" TWO "}", "placements"},
        {"{\"placements\": []," TWO "}", "placements"},
        {"{\"placements\": [\"attic\"]," TWO "}", "attic"},
        {"{\"placements\": [\"home\", \"home\"]," TWO "}", "twice"},
        {"{\"placements\": [\"home\"]}", "variants"},
        {"{\"placements\": [\"home\"], \"variants\": []}", "variants"},
        {"{\"placements\": [\"home\"], \"variants\": [{}]}", "name"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}",
         "twice"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"weight\": 0}]}", "1"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"model\": \"\"}]}",
         "model"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"rules\": [\"r\", "
         "\"\"]}]}",
         "rules[1]"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"rules\": [\"r\", "
         "\"r\"]}]}",
         "comes twice"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"rules\": \"r\"}]}",
         "array"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"explore\": 0.6}]}",
         "explore"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"weights\": {\"home.x\": "
         "1}}]}",
         "x"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"weights\": "
         "{\"cart.near\": 1}}]}",
         "cart"},
        {"{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\", \"weights\": "
         "{\"home.near\": -1}}]}",
         "near"},
        {"{\"placements\": [\"home\"], \"share\": 0, " TWO "}", "share"},
        {"{\"placements\": [\"home\"], \"share\": 1.5, " TWO "}", "share"},
        {"{\"placements\": [\"home\"], \"alpha\": 0.9, " TWO "}", "alpha"},
        {"{\"placements\": [\"home\"], \"metric\": \"joy\", " TWO "}", "joy"},
        {"{\"placements\": [\"home\"], \"horizon_days\": 0, " TWO "}", "1"},
        {"{\"placements\": [\"home\"], \"guardrails\": [{\"metric\": \"ctr\"}], " TWO "}",
         "max_loss"},
        {"{\"placements\": [\"home\"], \"colour\": 1, " TWO "}", "colour"},
    };
    (void)entry_of(1, "{\"placements\": [\"home\"], " TWO "}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct experiment e;
        struct err err;
        enum err_code code = experiment_read(str_of(bad[i].json), &arena, &e, &err);
        ck_assert_msg(code == ERR_INVALID, "%s", bad[i].json);
        ck_assert_msg(strstr(err.msg, bad[i].why), "%s: %s", bad[i].json, err.msg);
    }
}
END_TEST

static struct str shopper_name(int i, char out[32])
{
    return (struct str){out, (size_t)snprintf(out, 32, "shopper-%d", i)};
}

enum { SHOPPERS = 40000 };

START_TEST(shoppers_are_divided_by_share_and_weight_and_stay_where_they_are)
{
    struct experiment_entry entry =
        entry_of(7, "{\"placements\": [\"home\"], \"share\": 0.4, " TWO "}");
    int counts[3] = {0};
    char name[32];
    for (int i = 0; i < SHOPPERS; i++) {
        size_t v = experiment_assign(&entry, USER_KNOWN, shopper_name(i, name));
        ck_assert_uint_le(v, 2);
        counts[v]++;
        if (i % 100 == 0)
            ck_assert_uint_eq(experiment_assign(&entry, USER_KNOWN, shopper_name(i, name)), v);
    }
    /* five standard deviations of a binomial count */
    ck_assert(abs(counts[2] - 24000) < 5 * 98);
    ck_assert(abs(counts[0] - 4000) < 5 * 60);
    ck_assert(abs(counts[1] - 12000) < 5 * 92);
    ck_assert_uint_eq(experiment_assign(&entry, USER_KNOWN, (struct str){0}), 2);
}
END_TEST

/* Of those whom one experiment puts into a variant, another layer's divides as it does everybody. */
START_TEST(layers_are_independent_and_one_layer_is_exclusive)
{
    struct experiment_entry one =
        entry_of(1, "{\"placements\": [\"home\"], \"layer\": \"x\", \"share\": 0.5, " TWO "}");
    struct experiment_entry same =
        entry_of(2, "{\"placements\": [\"home\"], \"layer\": \"x\", \"share\": 0.5, " TWO "}");
    struct experiment_entry other = entry_of(
        3, "{\"placements\": [\"home\"], \"layer\": \"y\", \"variants\": [{\"name\": \"p\"},"
           " {\"name\": \"q\"}]}");
    struct err err;
    int both = 0, in_one = 0, in_p = 0;
    char name[32];
    ck_ok(experiment_place(&same, &one, 1, &same.record.first_bucket, &err));
    ck_assert_uint_eq(same.record.first_bucket, 5000);
    for (int i = 0; i < SHOPPERS; i++) {
        struct str id = shopper_name(i, name);
        bool a = experiment_assign(&one, USER_KNOWN, id) < 2;
        both += a && experiment_assign(&same, USER_KNOWN, id) < 2;
        in_one += a;
        in_p += a && experiment_assign(&other, USER_KNOWN, id) == 0;
    }
    ck_assert_int_eq(both, 0);
    ck_assert(abs(2 * in_p - in_one) < 5 * 142);
}
END_TEST

START_TEST(what_cannot_run_beside_others_is_refused)
{
    struct experiment_entry others[5], e;
    struct err err;
    uint32_t first;
    others[0] =
        entry_of(1, "{\"placements\": [\"home\"], \"layer\": \"x\", \"share\": 0.7, " TWO "}");
    e = entry_of(9, "{\"placements\": [\"home\"], \"layer\": \"x\", \"share\": 0.4, " TWO "}");
    ck_err(experiment_place(&e, others, 1, &first, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "no room"));
    others[0].record.state = EXPERIMENT_STOPPED;
    ck_ok(experiment_place(&e, others, 1, &first, &err));
    others[0].record.state = EXPERIMENT_RUNNING;
    /* Another layer may not touch what this one does, unless it is elsewhere. */
    e = entry_of(9, "{\"placements\": [\"home\"], \"layer\": \"y\", " TWO "}");
    ck_err(experiment_place(&e, others, 1, &first, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "overrides the same"));
    others[0].e.placements = 1 << PLACEMENT_CART;
    ck_ok(experiment_place(&e, others, 1, &first, &err));
    char json[4][128]; /* texts are borrowed from them */
    for (int i = 0; i < 4; i++) {
        snprintf(
            json[i], sizeof json[i],
            "{\"placements\": [\"home\"], \"layer\": \"l%d\", \"variants\": [{\"name\": \"a\"}]}",
            i);
        others[i] = entry_of(i + 1, json[i]);
    }
    e = entry_of(
        9, "{\"placements\": [\"home\"], \"layer\": \"l9\", \"variants\": [{\"name\": \"a\"}]}");
    ck_err(experiment_place(&e, others, 4, &first, &err), ERR_CONFLICT);
    ck_ok(experiment_place(&e, others, 3, &first, &err));
}
END_TEST

START_TEST(decisions_come_before_running_variants_and_nobody_else_is_touched)
{
    struct experiment_entry entries[3];
    struct experiment_settings got;
    entries[0] =
        entry_of(1, "{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\"}, {\"name\":"
                    " \"b\", \"weights\": {\"home.factors\": 0.25, \"home.trending\": 7}}]}");
    entries[1] =
        entry_of(2, "{\"placements\": [\"home\"], \"variants\": [{\"name\": \"a\"}, {\"name\":"
                    " \"b\", \"weights\": {\"home.factors\": 0.75}}]}");
    entries[2] =
        entry_of(3, "{\"placements\": [\"home\"], \"variants\": [{\"name\": \"c\", \"explore\":"
                    " 0.2, \"weights\": {\"home.trending\": 9}}]}");
    for (int i = 0; i < 2; i++) {
        entries[i].record.state = EXPERIMENT_DECIDED;
        entries[i].record.decision = STR_LIT("b");
        entries[i].record.decided_at = 100 - i; /* the second was decided for first */
    }
    experiments_apply(&recommend_weights_default, entries, 3, PLACEMENT_HOME, USER_KNOWN,
                      (struct str){0}, &got);
    ck_assert(got.weights.of[PLACEMENT_HOME].factors == 0.25F);
    ck_assert(got.weights.of[PLACEMENT_HOME].trending == 7 && got.parts_len == 0 &&
              got.explore == 0);
    experiments_apply(&recommend_weights_default, entries, 3, PLACEMENT_HOME, USER_KNOWN,
                      STR_LIT("u"), &got);
    ck_assert(got.weights.of[PLACEMENT_HOME].trending == 9 && got.explore == 0.2);
    ck_assert(got.parts_len == 1 && got.parts[0].no == 3 && got.parts[0].variant == 0);
    experiments_apply(&recommend_weights_default, entries, 3, PLACEMENT_CART, USER_KNOWN,
                      STR_LIT("u"), &got);
    ck_assert(recommend_weights_equal(&got.weights, &recommend_weights_default) && !got.parts_len);
}
END_TEST

#define NAMES(name, more) "{\"name\": \"" name "\", " more "}"
#define HOME(layer, variants)                                                                      \
    "{\"placements\": [\"home\"], \"layer\": \"" layer "\", \"variants\": [" variants "]}"

START_TEST(a_variant_brings_its_version_and_rules_to_its_own_shoppers)
{
    struct experiment_entry entries[2];
    struct experiment_settings got;
    bool seen[2] = {false, false};
    entries[0] = entry_of(1, HOME("x", NAMES("a", "\"rules\": [\"r1\"]") "," NAMES(
                                           "b", "\"model\": \"v2\", \"rules\": [\"r2\", \"r3\"]")));
    entries[1] = entry_of(2, HOME("y", NAMES("c", "\"model\": \"v1\", \"rules\": [\"r4\"]")));
    entries[1].record.state = EXPERIMENT_DECIDED;
    entries[1].record.decision = STR_LIT("c");
    experiments_apply(&recommend_weights_default, entries, 2, PLACEMENT_HOME, USER_KNOWN,
                      (struct str){0}, &got);
    ck_assert(str_is(got.model, "v1") && got.rules_len == 1 && str_is(got.rules[0].ids[0], "r4"));
    for (int u = 0; u < 40; u++) {
        char id[8];
        size_t n = (size_t)snprintf(id, sizeof id, "u%d", u);
        experiments_apply(&recommend_weights_default, entries, 2, PLACEMENT_HOME, USER_KNOWN,
                          (struct str){id, n}, &got);
        size_t variant = got.parts[0].variant;
        seen[variant] = true;
        ck_assert(str_is(got.model, variant ? "v2" : "v1"));
        ck_assert_uint_eq(got.rules_len, 2);
        ck_assert_uint_eq(got.rules[1].len, variant ? 2 : 1);
        ck_assert(str_is(got.rules[1].ids[0], variant ? "r2" : "r1"));
    }
    ck_assert(seen[0] && seen[1]);
    experiments_apply(&recommend_weights_default, entries, 2, PLACEMENT_CART, USER_KNOWN,
                      STR_LIT("u"), &got);
    ck_assert(got.model.n == 0 && got.rules_len == 0);
}
END_TEST

START_TEST(layers_share_no_version_and_no_rule_in_a_placement)
{
    struct experiment_entry a, b;
    struct err err;
    uint32_t first;
    a = entry_of(1, HOME("x", NAMES("a", "\"model\": \"v1\"")));
    b = entry_of(2, HOME("y", NAMES("a", "\"model\": \"v1\"")));
    ck_err(experiment_place(&b, &a, 1, &first, &err), ERR_CONFLICT);
    b = entry_of(2, HOME("y", NAMES("a", "\"rules\": [\"r\"]")));
    ck_ok(experiment_place(&b, &a, 1, &first, &err));
    a = entry_of(1, HOME("x", NAMES("a", "\"rules\": [\"q\", \"r\"]")));
    ck_err(experiment_place(&b, &a, 1, &first, &err), ERR_CONFLICT);
    a.e.placements = 1 << PLACEMENT_CART;
    ck_ok(experiment_place(&b, &a, 1, &first, &err));
}
END_TEST

START_TEST(there_is_room_for_few_versions_and_for_no_rule_that_was_decided_for)
{
    struct experiment_entry others[2], e;
    struct err err;
    others[0] =
        entry_of(1, HOME("x", NAMES("a", "\"model\": \"v1\"") "," NAMES(
                                  "b", "\"model\": \"v2\"") "," NAMES("c", "\"model\": \"v3\"")));
    others[1] = entry_of(2, HOME("y", NAMES("a", "\"model\": \"v8\"") "," NAMES(
                                          "b", "\"rules\": [\"r\"], \"model\": \"v3\"")));
    others[1].record.state = EXPERIMENT_DECIDED;
    others[1].record.decision = STR_LIT("b");
    e = entry_of(3, HOME("z", NAMES("a", "\"model\": \"v4\"")));
    ck_ok(experiment_check_room(&e, others, 2, &err)); /* v1 to v4 */
    e = entry_of(3, HOME("z", NAMES("a", "\"model\": \"v4\"") "," NAMES("b", "\"model\": \"v5\"")));
    ck_err(experiment_check_room(&e, others, 2, &err), ERR_CONFLICT);
    e = entry_of(3, HOME("z", NAMES("a", "\"rules\": [\"q\", \"r\"]")));
    ck_err(experiment_check_room(&e, others, 2, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "'r'"));
    others[0] = entry_of(1, HOME("x", NAMES("a", "\"rules\": [\"q\"]")));
    ck_err(experiment_check_decision(&e, 0, others, 2, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "'q'"));
    e = entry_of(3, HOME("z", NAMES("a", "\"rules\": [\"s\"]")));
    ck_ok(experiment_check_decision(&e, 0, others, 2, &err));
}
END_TEST

START_TEST(the_last_place_shows_each_product_as_often_as_its_propensity_says)
{
    enum { N = 200000, LEN = 8, LIMIT = 5 };
    struct recommend_item items[LEN];
    int shown[LEN + 1] = {0};
    double propensity[LEN + 1] = {0};
    struct arena a;
    struct rng rng;
    struct err err;
    arena_init(&a, 0, 1 << 20);
    rng_init(&rng, 8);
    for (uint32_t i = 0; i < LEN; i++)
        items[i] = (struct recommend_item){.product_no = i + 1, .score = (float)(LEN - i)};
    for (int i = 0; i < N; i++) {
        struct recommend_result found = {items, LEN, false};
        struct explored explored;
        arena_reset(&a);
        ck_assert(explore_last(&found, LIMIT, 0.3, &rng, &a, &explored, &err) == ERR_OK);
        uint32_t no = found.items[LIMIT - 1].product_no;
        if (found.len != LIMIT || no != explored.product_no || no < LIMIT ||
            found.items[0].product_no != 1)
            ck_abort_msg("%u of %zu", no, found.len);
        shown[no]++;
        propensity[no] = (double)explored.propensity;
    }
    double sum = 0;
    for (uint32_t no = LIMIT; no <= LEN; no++) {
        ck_assert_double_eq_tol(shown[no] / (double)N, propensity[no], 0.005);
        sum += propensity[no];
    }
    ck_assert_double_eq_tol(sum, 1, 1e-6);
    /* Nothing behind the list: it stays as it is. */
    struct recommend_result found = {items, LIMIT, false};
    struct explored explored;
    ck_ok(explore_last(&found, LIMIT, 1, &rng, &a, &explored, &err));
    ck_assert(found.items == items && explored.product_no == 0);
    arena_release(&a);
}
END_TEST

SUITE("experiment", a_definition_is_read_with_its_defaults,
      a_definition_that_is_none_is_refused_with_the_field,
      shoppers_are_divided_by_share_and_weight_and_stay_where_they_are,
      layers_are_independent_and_one_layer_is_exclusive, what_cannot_run_beside_others_is_refused,
      decisions_come_before_running_variants_and_nobody_else_is_touched,
      a_variant_brings_its_version_and_rules_to_its_own_shoppers,
      layers_share_no_version_and_no_rule_in_a_placement,
      there_is_room_for_few_versions_and_for_no_rule_that_was_decided_for,
      the_last_place_shows_each_product_as_often_as_its_propensity_says)
