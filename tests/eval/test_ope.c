/* Off-policy estimates: by hand, against the jackknife, in simulations whose truth is known, and files good and bad. */
#include "eval/ope.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "eval/files.h"

static void add(struct ope_log *log, double weight, double reward)
{
    struct err err;
    struct ope_decision d = {.weight = weight, .reward = reward, .context = log->contexts++};
    ck_ok(ope_log_add(log, &d, &err));
}

static struct ope_result estimate(const struct ope_log *log, double clip)
{
    struct err err;
    struct ope_options o = {.clip = clip};
    struct ope_result r = {0};
    ck_ok(ope_estimate(log, &o, &r, &err));
    return r;
}

/* --- by hand --------------------------------------------------------------------------------- */

START_TEST(estimates_are_those_of_the_definitions)
{
    static const double w[] = {2, 0, 0.5, 4, 1, 0, 2, 0.5, 0, 1},
                        y[] = {1, 1, 0, 2, 0, 3, 1, 1, 0, 2};
    struct ope_log log = {.modelled = true};
    for (int i = 0; i < 10; i++) {
        add(&log, w[i], y[i]);
        log.decisions[i].model_logged = 1;
        log.decisions[i].model_target = 1.5;
    }
    /* sum of w 11, of w r 14.5, of w (r - 1) 3.5, of w^2 26.5 */
    struct ope_result r = estimate(&log, 0);
    ck_assert_double_eq_tol(r.logged.value, 1.1, 1e-12);
    ck_assert_double_eq_tol(r.ips.value, 1.45, 1e-12);
    ck_assert_double_eq_tol(r.snips.value, 14.5 / 11, 1e-12);
    ck_assert_double_eq_tol(r.dr.value, 1.5 + 0.35, 1e-12);
    ck_assert_double_eq_tol(r.weight.value, 1.1, 1e-12);
    ck_assert_double_eq_tol(r.effective, 121 / 26.5, 1e-12);
    ck_assert_double_eq(r.weight_max, 4);
    ck_assert_uint_eq(r.matched, 7);
    ck_assert(r.plausible && !r.reliable);
    /* Clipped at 2 the sums are 9, 10.5 and 1.5; what is diagnosed is as it was. */
    r = estimate(&log, 2);
    ck_assert_double_eq_tol(r.ips.value, 1.05, 1e-12);
    ck_assert_double_eq_tol(r.snips.value, 10.5 / 9, 1e-12);
    ck_assert_double_eq_tol(r.dr.value, 1.65, 1e-12);
    ck_assert_double_eq_tol(r.weight.value, 1.1, 1e-12);
    ck_assert_uint_eq(r.clipped, 1);
    ope_log_release(&log);
}
END_TEST

/* The policy that was logged, asked about itself. */
START_TEST(a_policy_estimated_from_its_own_log_brought_what_it_brought)
{
    struct ope_log log = {0};
    struct rng rng;
    rng_init(&rng, 2);
    for (int i = 0; i < 500; i++)
        add(&log, 1, rng_normal(&rng));
    struct ope_result r = estimate(&log, 0);
    const struct ope_estimate *same[] = {&r.ips, &r.snips};
    for (int i = 0; i < 2; i++) {
        ck_assert_double_eq_tol(same[i]->value, r.logged.value, 1e-12);
        ck_assert_double_eq_tol(same[i]->low, r.logged.low, 1e-12);
        ck_assert_double_eq_tol(same[i]->high, r.logged.high, 1e-12);
    }
    ck_assert_double_eq(r.weight.low, 1);
    ck_assert(r.reliable);
    ck_assert_double_eq_tol(r.effective, 500, 1e-9);
    /* and the interval is Student's, of the mean of 500 normal values */
    ck_assert_double_eq_tol(r.ips.high - r.ips.low, 2 * 1.965 / sqrt(500), 0.02);
    ope_log_release(&log);
}
END_TEST

/* Leaving one decision out after the other tells the error of SNIPS without any formula for it. */
START_TEST(the_interval_of_snips_is_as_wide_as_the_jackknife_says)
{
    enum { N = 2000 };
    struct ope_log log = {0};
    struct rng rng;
    rng_init(&rng, 3);
    double sum = 0, weights = 0, mean = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double w = rng_exponential(&rng), y = rng_normal(&rng) + w;
        add(&log, w, y);
        sum += w * y, weights += w;
    }
    double without[N];
    for (int i = 0; i < N; i++) {
        const struct ope_decision *d = &log.decisions[i];
        without[i] = (sum - d->weight * d->reward) / (weights - d->weight);
        mean += without[i] / N;
    }
    for (int i = 0; i < N; i++)
        squares += (without[i] - mean) * (without[i] - mean);
    struct ope_result r = estimate(&log, 0);
    double want = 2 * 1.961 * sqrt(squares * (N - 1) / N);
    ck_assert_double_eq_tol(r.snips.high - r.snips.low, want, 0.05 * want);
    ope_log_release(&log);
}
END_TEST

START_TEST(propensities_that_are_wrong_are_noticed)
{
    struct ope_log log = {0};
    struct rng rng;
    rng_init(&rng, 6);
    /* Two actions, taken evenly; the log says .8 and .2, and the target takes the first. */
    for (int i = 0; i < 2000; i++)
        add(&log, rng_below(&rng, 2) ? 1 / 0.8 : 0, 1);
    struct ope_result r = estimate(&log, 0);
    ck_assert(!r.plausible);
    ck_assert(r.weight.high < 0.7);
    ope_log_release(&log);
}
END_TEST

/* --- simulations ----------------------------------------------------------------------------- */

/* Contexts of four kinds and five actions; the log's policy and the target differ by kind. */
enum { KINDS = 4, ACTIONS = 5, SIMULATIONS = 1000 };

struct world {
    double logging[KINDS][ACTIONS], target[KINDS][ACTIONS], reward[KINDS][ACTIONS];
    double truth;
    double model_bias; /* of the reward model */
};

static void draw_policy(struct rng *rng, double heat, double *out)
{
    double sum = 0;
    for (int a = 0; a < ACTIONS; a++)
        sum += out[a] = exp(heat * rng_normal(rng));
    for (int a = 0; a < ACTIONS; a++) /* a twentieth is chosen evenly */
        out[a] = 0.95 * out[a] / sum + 0.05 / ACTIONS;
}

static void make_world(struct world *w, uint64_t seed, double heat, double model_bias)
{
    struct rng rng;
    rng_init(&rng, seed);
    w->truth = 0;
    w->model_bias = model_bias;
    for (int k = 0; k < KINDS; k++) {
        draw_policy(&rng, heat, w->logging[k]);
        draw_policy(&rng, heat, w->target[k]);
        for (int a = 0; a < ACTIONS; a++) {
            w->reward[k][a] = 0.05 + 0.3 * rng_unit(&rng);
            w->truth += w->target[k][a] * w->reward[k][a] / KINDS;
        }
    }
}

static double model(const struct world *w, int kind, int action)
{
    return w->reward[kind][action] + w->model_bias * (action % 2 ? 1 : -1);
}

static int draw_action(struct rng *rng, const double *policy)
{
    double u = rng_unit(rng);
    int a = 0;
    while (a < ACTIONS - 1 && u >= policy[a])
        u -= policy[a++];
    return a;
}

/* n decisions; a context makes `repeats` of them, and likes everything more or less than others do. */
static void simulate(const struct world *w, uint64_t run, int n, int repeats, struct ope_log *log)
{
    struct rng rng;
    struct err err;
    rng_init_stream(&rng, 21, run);
    log->modelled = true;
    for (int i = 0; i < n; i += repeats) {
        int kind = (int)rng_below(&rng, KINDS);
        double mood = repeats > 1 ? 2 * rng_unit(&rng) : 1;
        for (int j = 0; j < repeats; j++) {
            int a = draw_action(&rng, w->logging[kind]);
            struct ope_decision d = {.weight = w->target[kind][a] / w->logging[kind][a],
                                     .reward = rng_unit(&rng) < mood * w->reward[kind][a],
                                     .model_logged = model(w, kind, a),
                                     .context = log->contexts};
            for (int b = 0; b < ACTIONS; b++)
                d.model_target += w->target[kind][b] * model(w, kind, b);
            if (ope_log_add(log, &d, &err) != ERR_OK)
                ck_abort_msg("%s", err.msg);
        }
        log->contexts++;
    }
}

static bool holds(const struct ope_estimate *e, double truth)
{
    return e->low <= truth && truth <= e->high;
}

/* In how many of 1,000 logs is the truth in the interval of IPS, SNIPS, DR? Mean widths as well. */
static void count_holding(const struct world *w, int n, int repeats, int held[3], double width[3])
{
    for (int e = 0; e < 3; e++)
        held[e] = 0, width[e] = 0;
    for (uint64_t s = 0; s < SIMULATIONS; s++) {
        struct ope_log log = {0};
        simulate(w, s, n, repeats, &log);
        struct ope_result r = estimate(&log, 0);
        const struct ope_estimate *all[] = {&r.ips, &r.snips, &r.dr};
        for (int e = 0; e < 3; e++) {
            held[e] += holds(all[e], w->truth);
            width[e] += (all[e]->high - all[e]->low) / SIMULATIONS;
        }
        ope_log_release(&log);
    }
}

/* 950 of 1,000, less 2.33 standard deviations of that count (16): a right interval falls below once in a hundred
 * seeds. */
enum { HELD_MIN = 934 };

static void check_coverage(const char *what, uint64_t seed, double heat, double bias, int n,
                           int repeats)
{
    struct world w;
    int held[3];
    double width[3];
    make_world(&w, seed, heat, bias);
    count_holding(&w, n, repeats, held, width);
    printf("# %s: %d %d %d of %d, wide %.4f %.4f %.4f\n", what, held[0], held[1], held[2],
           SIMULATIONS, width[0], width[1], width[2]);
    for (int e = 0; e < 3; e++)
        ck_assert_int_ge(held[e], HELD_MIN);
}

START_TEST(the_truth_is_inside_the_intervals_as_often_as_they_say)
{
    check_coverage("gentle", 1, 0.5, 0.1, 500, 1);
    check_coverage("skewed", 2, 1.2, 0.1, 1000, 1);
    check_coverage("wrong model", 3, 0.8, 0.5, 1000, 1);
}
END_TEST

START_TEST(contexts_that_decide_often_count_once)
{
    check_coverage("contexts", 4, 0.5, 0.1, 2000, 8);
}
END_TEST

START_TEST(a_good_model_makes_the_interval_narrower)
{
    struct world w;
    int held[3];
    double width[3];
    make_world(&w, 2, 1.2, 0);
    count_holding(&w, 1000, 1, held, width);
    ck_assert(width[2] < 0.9 * width[0]);
}
END_TEST

/* --- options and logs that are none ------------------------------------------------------------ */

START_TEST(what_cannot_be_estimated_is_refused)
{
    struct ope_log log = {0};
    struct ope_options o = {0};
    struct ope_result r;
    struct err err;
    for (int i = 0; i < OPE_CONTEXTS_MIN - 1; i++)
        add(&log, 1, 1);
    ck_err(ope_estimate(&log, &o, &r, &err), ERR_INVALID);
    add(&log, 1, 1);
    ck_ok(ope_estimate(&log, &o, &r, &err));
    static const double levels[] = {0.4, 1, -1, NAN}, clips[] = {-1, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        o.level = levels[i];
        ck_err(ope_estimate(&log, &o, &r, &err), ERR_INVALID);
    }
    o.level = 0;
    for (int i = 0; i < 3; i++) {
        o.clip = clips[i];
        ck_err(ope_estimate(&log, &o, &r, &err), ERR_INVALID);
    }
    o.clip = 0;
    for (size_t i = 0; i < log.len; i++)
        log.decisions[i].weight = 0;
    ck_err(ope_estimate(&log, &o, &r, &err), ERR_INVALID);
    ope_log_release(&log);
}
END_TEST

/* --- files ----------------------------------------------------------------------------------- */

START_TEST(decisions_are_read_by_header_and_by_name)
{
    struct files files;
    struct ope_log log = {0};
    struct err err;
    files_init(&files);
    write_text(&files, "log.csv",
               "session_id,action,reward,propensity,target_action\ns1,a,1,0.5,a\ns2,b,0,.25e0,a\n"
               "s1,c,-2,1,c\n,a,3,0.5,a\n");
    ck_err(ope_log_read(&log, files.path, NULL, &err), ERR_INVALID); /* .25e0 is no JSON number */
    ck_assert_ptr_nonnull(strstr(err.msg, "line 3: propensity"));
    ope_log_release(&log);
    write_text(&files, "log.csv",
               "session_id,action,reward,propensity,target_action\ns1,a,1,0.5,a\ns2,b,0,0.25,a\n"
               "s1,c,-2,1,c\n,a,3,0.5,a\n");
    ck_ok(ope_log_read(&log, files.path, NULL, &err));
    static const double weights[] = {2, 0, 1, 2}, rewards[] = {1, 0, -2, 3};
    static const uint32_t contexts[] = {0, 1, 0, 2};
    ck_assert_uint_eq(log.len, 4);
    ck_assert_uint_eq(log.contexts, 3);
    ck_assert(!log.modelled);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_eq(log.decisions[i].weight, weights[i]);
        ck_assert_double_eq(log.decisions[i].reward, rewards[i]);
        ck_assert_uint_eq(log.decisions[i].context, contexts[i]);
    }
    ope_log_release(&log);
    write_text(&files, "log.jsonl",
               "{\"who\": \"u\", \"action\": 7, \"propensity\": 0.2, \"reward\": 1,"
               " \"target_propensity\": 0.1, \"model_logged\": 0.5, \"model_target\": 0.25}\n");
    ck_ok(ope_log_read(&log, files.path, "context=who", &err));
    ck_assert_double_eq_tol(log.decisions[0].weight, 0.5, 1e-15);
    ck_assert(log.modelled);
    ck_assert_double_eq(log.decisions[0].model_target, 0.25);
    ope_log_release(&log);
    files_release(&files);
}
END_TEST

#define GOOD "{\"action\": \"a\", \"propensity\": 0.5, \"reward\": 1, \"target_propensity\": 0.5}\n"

START_TEST(a_bad_line_is_named)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"{\"propensity\": 1, \"reward\": 1, \"target_propensity\": 1}", "action: missing"},
        {"{\"action\": \"a\", \"reward\": 1, \"target_propensity\": 1}", "propensity: missing"},
        {"{\"action\": \"a\", \"propensity\": 0, \"reward\": 1, \"target_propensity\": 1}",
         "propensity: 0 is not within"},
        {"{\"action\": \"a\", \"propensity\": 1.5, \"reward\": 1, \"target_propensity\": 1}",
         "propensity: 1.5 is not within"},
        {"{\"action\": \"a\", \"propensity\": \"x\", \"reward\": 1, \"target_propensity\": 1}",
         "propensity"},
        {"{\"action\": \"a\", \"propensity\": 1, \"reward\": 1e300, \"target_propensity\": 1}",
         "reward"},
        {"{\"action\": \"a\", \"propensity\": 1, \"target_propensity\": 1}", "reward: missing"},
        {"{\"action\": \"a\", \"propensity\": 1, \"reward\": 1}", "missing"},
        {"{\"action\": \"a\", \"propensity\": 1, \"reward\": 1, \"target_propensity\": 1,"
         " \"target_action\": \"a\"}",
         "one of them"},
        {"{\"action\": \"a\", \"propensity\": 1, \"reward\": 1, \"target_propensity\": 1,"
         " \"model_logged\": 1, \"model_target\": 1}",
         "in all lines or in none"},
        {"{\"action\": \"a\", \"propensity\": ", ""},
    };
    struct files files;
    struct err err;
    char text[1024];
    files_init(&files);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ope_log log = {0};
        snprintf(text, sizeof text, GOOD GOOD "%s\n" GOOD, bad[i].line);
        write_text(&files, "log.jsonl", text);
        ck_err(ope_log_read(&log, files.path, NULL, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, "line 3: ") && strstr(err.msg, bad[i].why), "%s", err.msg);
        ope_log_release(&log);
    }
    struct ope_log log = {0};
    ck_err(ope_log_read(&log, write_text(&files, "log.csv", "action,reward,target_action\n"), NULL,
                        &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "there is no column propensity"));
    ck_err(
        ope_log_read(&log, write_text(&files, "log.csv", "action,reward,propensity\n"), NULL, &err),
        ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "no decisions"));
    ope_log_release(&log);
    files_release(&files);
}
END_TEST

SUITE("ope", estimates_are_those_of_the_definitions,
      a_policy_estimated_from_its_own_log_brought_what_it_brought,
      the_interval_of_snips_is_as_wide_as_the_jackknife_says,
      propensities_that_are_wrong_are_noticed,
      the_truth_is_inside_the_intervals_as_often_as_they_say, contexts_that_decide_often_count_once,
      a_good_model_makes_the_interval_narrower, what_cannot_be_estimated_is_refused,
      decisions_are_read_by_header_and_by_name, a_bad_line_is_named)
