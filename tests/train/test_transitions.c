/* Transitions against the definition in transitions.h, in double precision and with loops over everything. */
#include "train/transitions.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "support/suite.h"

enum { SEQUENCES = 60, ITEMS = 25, LONGEST = 12, ATTRIBUTES = 9, EVENTS_MAX = SEQUENCES * LONGEST };

struct sample {
    struct transition_input in;
    uint64_t offsets[SEQUENCES + 1];
    uint32_t item[EVENTS_MAX];
    int64_t time_us[EVENTS_MAX];
    uint64_t attribute_offsets[ITEMS + 1];
    uint32_t attribute[ITEMS * ATTRIBUTES];
};

static void draw(struct sample *s, uint64_t seed, bool attributes)
{
    struct rng r;
    rng_init(&r, seed);
    *s = (struct sample){.in = {.sequences = SEQUENCES, .items = ITEMS, .attributes = ATTRIBUTES}};
    for (size_t i = 0; i < SEQUENCES; i++) {
        uint64_t n = rng_below(&r, LONGEST + 1);
        for (uint64_t p = s->offsets[i]; p < s->offsets[i] + n; p++) {
            s->item[p] = (uint32_t)rng_below(&r, ITEMS);
            s->time_us[p] = (int64_t)p * CLOCK_US_PER_DAY / 3;
        }
        s->offsets[i + 1] = s->offsets[i] + n;
    }
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t n = s->attribute_offsets[i];
        for (uint32_t a = 0; a < ATTRIBUTES; a++)
            if (rng_below(&r, ATTRIBUTES) < a)
                s->attribute[n++] = a;
        s->attribute_offsets[i + 1] = n;
    }
    s->in.offsets = s->offsets;
    s->in.item = s->item;
    s->in.attribute_offsets = attributes ? s->attribute_offsets : NULL;
    s->in.attribute = attributes ? s->attribute : NULL;
}

/* --- the oracle ------------------------------------------------------------------------------ */

static double count_of(const struct sample *s, size_t item)
{
    double n = 0;
    for (uint64_t p = 0; p < s->offsets[SEQUENCES]; p++)
        n += s->item[p] == item;
    return n;
}

static double transition(const struct sample *s, const struct transition_options *o, size_t i,
                         size_t j)
{
    double sum = 0;
    for (size_t q = 0; q < SEQUENCES; q++)
        for (uint64_t a = s->offsets[q]; a < s->offsets[q + 1]; a++)
            for (uint64_t b = a + 1; b < s->offsets[q + 1] && b - a <= o->window; b++) {
                double w = pow((double)o->decay, (double)(b - a - 1));
                w /= pow((double)(s->offsets[q + 1] - s->offsets[q]), (double)o->length_power);
                if (s->in.time_us && o->half_life_days > 0)
                    w *= exp2(-(double)(b - a) / 3 / (double)o->half_life_days);
                sum += s->item[a] == i && s->item[b] == j ? w : 0;
                sum += s->item[a] == j && s->item[b] == i ? w * (double)o->back : 0;
            }
    return sum > 0
               ? sum / pow(count_of(s, i), (double)o->alpha) / pow(count_of(s, j), (double)o->beta)
               : 0;
}

static bool has(const struct sample *s, size_t item, uint32_t attribute)
{
    for (uint64_t k = s->attribute_offsets[item]; k < s->attribute_offsets[item + 1]; k++)
        if (s->attribute[k] == attribute)
            return true;
    return false;
}

static double alike(const struct sample *s, const struct transition_options *o, size_t i, size_t j)
{
    double both = 0, of_i = 0, of_j = 0;
    for (uint32_t a = 0; a < ATTRIBUTES; a++) {
        double have = 0;
        for (size_t k = 0; k < ITEMS; k++)
            have += has(s, k, a);
        double idf = have > 0 ? log(ITEMS / have) : 0;
        both += has(s, i, a) && has(s, j, a) && have <= o->attribute_items ? idf * idf : 0;
        of_i += has(s, i, a) ? idf * idf : 0;
        of_j += has(s, j, a) ? idf * idf : 0;
    }
    return both > 0 ? both / sqrt(of_i * of_j) : 0;
}

static void fill_oracle(const struct sample *s, const struct transition_options *o,
                        double s_ij[ITEMS][ITEMS])
{
    double mean = 0, some = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        double best = 0;
        for (size_t j = 0; j < ITEMS; j++) {
            s_ij[i][j] = i == j ? 0 : transition(s, o, i, j);
            best = fmax(best, s_ij[i][j]);
        }
        mean += best;
        some += best > 0;
    }
    for (size_t i = 0; s->in.attribute && i < ITEMS; i++)
        for (size_t j = 0; j < ITEMS; j++) {
            double a = i == j ? 0 : alike(s, o, i, j);
            s_ij[i][j] =
                s_ij[i][j] / (mean / some) * (1 + (double)o->boost * a) + (double)o->attributes * a;
        }
}

static void compare(const struct neighbour_result *got, double s_ij[ITEMS][ITEMS], uint32_t keep)
{
    for (size_t i = 0; i < ITEMS; i++) {
        uint32_t begin = got->offsets[i], len = got->offsets[i + 1] - begin;
        size_t some = 0, better = 0;
        for (uint32_t k = 0; k < len; k++) {
            double want = s_ij[i][got->rows[begin + k]];
            ck_assert_double_eq_tol((double)got->scores[begin + k], want, 2e-5 * (1 + want));
            ck_assert(k == 0 || got->scores[begin + k - 1] >= got->scores[begin + k]);
        }
        for (size_t j = 0; j < ITEMS; j++) {
            some += s_ij[i][j] > 0;
            better += len && s_ij[i][j] > (double)got->scores[begin + len - 1] + 1e-4;
        }
        ck_assert_uint_eq(len, some < keep ? some : keep);
        ck_assert_uint_le(better, len);
    }
}

/* --- tests ----------------------------------------------------------------------------------- */

static const struct transition_options cases[] = {
    {.keep = ITEMS, .window = 1, .decay = 1, .recency = 1, .recent = 1},
    {.keep = ITEMS, .window = 3, .decay = .5F, .back = .4F, .alpha = .5F, .beta = .3F},
    {.keep = 5, .window = 1000, .decay = .9F, .back = 1, .length_power = 1},
    {.keep = ITEMS, .window = 10, .decay = .8F, .half_life_days = 2, .alpha = .2F},
    {.keep = ITEMS,
     .window = 4,
     .decay = .7F,
     .back = .2F,
     .attributes = .6F,
     .boost = 2,
     .attribute_items = 1000},
    {.keep = ITEMS, .window = 4, .decay = .7F, .attributes = 1, .attribute_items = 12},
};

START_TEST(lists_are_what_the_definition_says)
{
    static double s_ij[ITEMS][ITEMS];
    static struct sample s;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct neighbour_result got;
        struct err err;
        draw(&s, 11 + c, cases[c].attributes > 0);
        s.in.time_us = cases[c].half_life_days > 0 ? s.time_us : NULL;
        fill_oracle(&s, &cases[c], s_ij);
        ck_ok(transitions_fit(&s.in, &cases[c], NULL, &got, &err));
        compare(&got, s_ij, cases[c].keep);
        neighbours_release(&got);
    }
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const unsigned threads[] = {1, 3};
    static struct sample s;
    struct neighbour_result alone, got;
    struct err err;
    draw(&s, 5, true);
    ck_ok(transitions_fit(&s.in, &cases[4], NULL, &alone, &err));
    for (size_t t = 0; t < 2; t++) {
        struct pool *pool;
        ck_ok(pool_new(&pool, "near", threads[t], 8, &err));
        ck_ok(transitions_fit(&s.in, &cases[4], pool, &got, &err));
        size_t n = got.offsets[ITEMS];
        ck_assert_mem_eq(got.offsets, alone.offsets, (ITEMS + 1) * sizeof *got.offsets);
        ck_assert_mem_eq(got.rows, alone.rows, n * sizeof *got.rows);
        ck_assert_mem_eq(got.scores, alone.scores, n * sizeof *got.scores);
        neighbours_release(&got);
        pool_free(pool);
    }
    neighbours_release(&alone);
}
END_TEST

START_TEST(a_query_is_its_last_items_by_recency)
{
    uint32_t offsets[] = {0, 1, 3, 3}, rows[] = {2, 0, 2}, history[] = {0, 2, 0, 1};
    float values[] = {4, 1, 8}, scores[3] = {0};
    struct neighbour_result r = {offsets, rows, values};
    struct transition_options o = {.recency = .5F, .recent = 2};
    transitions_score(&r, &o, history, 4, scores);
    ck_assert_float_eq(scores[0], 1);
    ck_assert_float_eq(scores[1], 0);
    ck_assert_float_eq(scores[2],
                       8 + 2); /* of item 1, and half of item 0: older ones do not count */
}
END_TEST

START_TEST(nothing_gives_empty_lists)
{
    uint64_t none[4] = {0};
    uint32_t item[1] = {0}, attribute[1] = {0};
    struct transition_options o = transition_defaults();
    struct transition_input in = {.sequences = 3, .items = 3, .offsets = none, .item = item};
    struct neighbour_result got;
    struct err err;
    ck_ok(transitions_fit(&in, &o, NULL, &got, &err));
    ck_assert_uint_eq(got.offsets[3], 0);
    neighbours_release(&got);
    in.attribute_offsets = none;
    in.attribute = attribute;
    ck_ok(transitions_fit(&in, &o, NULL, &got, &err));
    ck_assert_uint_eq(got.offsets[3], 0);
    neighbours_release(&got);
}
END_TEST

START_TEST(a_shopper_with_a_hundred_thousand_acts_costs_what_the_window_allows)
{
    enum { LONG = 100000, FEW = 50 };
    uint64_t offsets[] = {0, LONG};
    uint32_t *item = mem_new(LONG, sizeof *item);
    struct transition_options o = transition_defaults();
    struct transition_input in = {.sequences = 1, .items = FEW, .offsets = offsets, .item = item};
    struct neighbour_result got;
    struct err err;
    for (uint32_t i = 0; i < LONG; i++)
        item[i] = i % FEW;
    o.keep = 1;
    ck_ok(transitions_fit(&in, &o, NULL, &got, &err));
    for (uint32_t i = 0; i < FEW; i++)
        ck_assert_uint_eq(got.rows[i], (i + 1) % FEW);
    neighbours_release(&got);
    mem_free(item);
}
END_TEST

START_TEST(memory_that_is_out_leaves_nothing_behind)
{
    static struct sample s;
    struct neighbour_result got;
    enum err_code code = ERR_MEMORY;
    struct err err;
    draw(&s, 3, true);
    for (long at = 1; code != ERR_OK; at++) {
        mem_fail_at(at);
        code = transitions_fit(&s.in, &cases[4], NULL, &got, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        ck_assert_int_lt(at, 1000);
    }
    mem_fail_at(0);
    neighbours_release(&got);
}
END_TEST

START_TEST(options_are_set_by_name_within_their_bounds)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"speed=1", "there is no parameter 'speed'"},
        {"window=0", "not between 1 and"},
        {"decay=1.5", "not between 0 and 1"},
        {"decay=nan", "decay: "},
        {"keep", "keep: "},
        {"keep=1e12", "not between"},
    };
    struct transition_options o = transition_defaults();
    struct err err;
    ck_ok(transition_option_set(&o, str_of("window=7"), &err));
    ck_ok(transition_option_set(&o, str_of("back=0.5"), &err));
    ck_assert_uint_eq(o.window, 7);
    ck_assert_float_eq(o.back, .5F);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_err(transition_option_set(&o, str_of(bad[i].text), &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, bad[i].says), "%s", err.msg);
    }
}
END_TEST

SUITE("transitions", lists_are_what_the_definition_says, threads_do_not_change_a_bit,
      a_query_is_its_last_items_by_recency, nothing_gives_empty_lists,
      a_shopper_with_a_hundred_thousand_acts_costs_what_the_window_allows,
      memory_that_is_out_leaves_nothing_behind, options_are_set_by_name_within_their_bounds)
