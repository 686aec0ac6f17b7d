#include "train/ranker_train.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/signal.h"
#include "engine/past.h"
#include "eval/lists.h"
#include "train/ranker_examples.h"
#include "train/ranker_fit.h"
#include "train/ranker_shown.h"
#include "train/recommend_evaluate.h"

enum { TREES_BYTES_MAX = RANKER_BYTES_MAX / 2, BOOTSTRAP_ROUNDS = 1000, BINS = 10, LISTS_MIN = 30 };

static const enum placement placements[RANKER_PLACEMENTS] = {
    PLACEMENT_HOME, PLACEMENT_SIMILAR, PLACEMENT_BOUGHT_TOGETHER, PLACEMENT_CART};

static const char *const set_names[RANKER_SETS] = {
    [SET_ACTS] = "acts", [SET_SHOWN] = "impressions", [SET_BOTH] = "both"};

_Static_assert(RANKER_FEW_TREES == 30, "the report's \"tune_30_trees\"");

struct ranker_options ranker_defaults(void)
{
    return (struct ranker_options){
        .trees = {.depth = 5,
                  .eta = 0.1f,
                  .leaf_hessian = 1,
                  .lambda = 1,
                  .rows = 0.8f,
                  .columns = 0.7f,
                  .seed = 1,
                  .threads = 1},
        .rounds = 200,
        .patience = 20,
        .candidates = 150,
        .negatives = 60,
        .lists = 4000,
        .k = 20,
        .seed = 1,
    };
}

struct ranker_options ranker_options_of(const struct recommend_params *p)
{
    struct ranker_options o = ranker_defaults();
    o.rounds = p->ranker_trees;
    o.trees.depth = p->ranker_depth;
    o.candidates = p->ranker_candidates;
    o.trim = p->ranker_trim;
    o.seed = p->seed;
    return o;
}

/* One moment of the past, and the lists that were asked for after it. */
struct moment {
    struct past past;
    struct list_cases cases[RANKER_PLACEMENTS];
    size_t
        halves[RANKER_PLACEMENTS]; /* of the cases, so many are the tune half: they stand first */
};

struct run {
    const struct ranker_data *d;
    const struct ranker_options *o;
    struct ranker_report *report;
    struct rng rng;
    struct recommend_model fit_model, valid_model; /* owned */
    struct moment fit, valid;
    struct ranker_examples learn, shown, tune, judge_home;
    struct ranker ranker; /* owned */
    struct buf trees;     /* XGBoost's JSON of the best set so far */
};

/* --- moments --------------------------------------------------------------------------------- */

static enum err_code open_moment(struct run *run, const struct recommend_model *m, int64_t at,
                                 int64_t until, struct moment *out, struct err *err)
{
    const struct interactions *it = run->d->it;
    enum err_code code = past_open(run->d->view, m, at, &out->past, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < it->len; i++)
        if (it->time[i] < at)
            past_act(&out->past, 0, it->product_no[i], (enum event_type)it->type[i], it->time[i]);
    past_shelve(&out->past);
    for (size_t p = 0; p < RANKER_PLACEMENTS && code == ERR_OK; p++)
        code = list_cases_read(it, &out->past.view, placements[p], at, until, run->o->lists,
                               run->o->seed + p, &out->cases[p], err);
    return code;
}

static void close_moment(struct moment *m)
{
    for (size_t p = 0; p < RANKER_PLACEMENTS; p++)
        list_cases_release(&m->cases[p]);
    past_close(&m->past);
}

/* Cases of one half of the shoppers first; where a case has none, every second one. */
static void halve(struct moment *m)
{
    for (size_t p = 0; p < RANKER_PLACEMENTS; p++) {
        struct list_cases *c = &m->cases[p];
        size_t first = 0;
        for (size_t i = 0; i < c->len; i++) {
            uint32_t key =
                c->items[i].user_no ? c->items[i].user_no * 0x9e3779b1u >> 16 : (uint32_t)i;
            if (key & 1)
                continue;
            struct list_case swap = c->items[first];
            c->items[first++] = c->items[i];
            c->items[i] = swap;
        }
        m->halves[p] = first;
    }
}

/* --- fitting --------------------------------------------------------------------------------- */

static enum err_code add_examples(struct run *run, const struct moment *m, size_t p, int64_t until,
                                  size_t negatives, size_t from, size_t to,
                                  struct ranker_examples *out, struct err *err)
{
    struct ranker_examples_options o = {.view = &m->past.view,
                                        .it = run->d->it,
                                        .weights = run->d->weights,
                                        .split = m->past.at_us,
                                        .until = until,
                                        .candidates = run->o->candidates,
                                        .negatives = negatives,
                                        .rng = &run->rng};
    return ranker_examples_add(out, &o, &m->cases[p], from, to, err);
}

static enum err_code make_examples(struct run *run, struct err *err)
{
    const struct ranker_data *d = run->d;
    enum err_code code = ERR_OK;
    for (size_t p = 0; p < RANKER_PLACEMENTS && code == ERR_OK; p++)
        code = add_examples(run, &run->fit, p, d->valid_at, run->o->negatives, 0,
                            run->fit.cases[p].len, &run->learn, err);
    for (size_t p = 0; p < RANKER_PLACEMENTS && code == ERR_OK; p++)
        code = add_examples(run, &run->valid, p, d->until, 0, 0, run->valid.halves[p], &run->tune,
                            err);
    if (code == ERR_OK)
        code = add_examples(run, &run->valid, 0, d->until, 0, run->valid.halves[0],
                            run->valid.cases[0].len, &run->judge_home, err);
    return code;
}

/* Lists that were logged. The past of the fit moves on with them: nothing is asked of it afterwards. */
static enum err_code make_shown(struct run *run, struct err *err)
{
    const struct ranker_data *d = run->d;
    struct ranker_report *r = run->report;
    struct shown_looks *looks = NULL;
    if (!d->shown || d->shown->len == 0)
        return ERR_OK;
    looks = mem_try_new(1, sizeof *looks);
    if (!looks)
        return err_set(err, ERR_MEMORY, "no memory for places of lists");
    struct ranker_shown_options o = {.past = &run->fit.past,
                                     .it = d->it,
                                     .shown = d->shown,
                                     .looks = run->o->unweighted ? NULL : looks,
                                     .weights = d->weights,
                                     .until = d->valid_at,
                                     .candidates = run->o->candidates,
                                     .lists = run->o->lists,
                                     .rng = &run->rng};
    enum err_code code = shown_looks_estimate(d->shown, looks, err);
    if (code == ERR_OK)
        code = ranker_shown_add(&run->shown, &o, err);
    r->shown = d->shown->len;
    r->shown_pages = d->shown->pages;
    r->shown_lost = d->shown->without_context;
    memcpy(r->looks_known, looks->known, sizeof looks->known);
    memcpy(r->looks, looks->look, sizeof looks->look);
    mem_free(looks);
    return code;
}

/* Candidates stand in the order of the sources' weights: scores that are equal leave it. */
static enum err_code measure_blend(struct run *run, struct err *err)
{
    struct ranked tune = ranker_examples_ranked(&run->tune);
    float *zeros = mem_try_new(run->tune.len, sizeof *zeros);
    if (!zeros)
        return err_set(err, ERR_MEMORY, "no memory for %zu examples", run->tune.len);
    enum err_code code = ranked_ndcg(&tune, run->o->k, zeros, NULL, &run->report->tune_blend, err);
    mem_free(zeros);
    return code;
}

static enum err_code fit_set(struct run *run, enum ranker_set set,
                             const struct ranker_examples *from, struct err *err)
{
    struct ranker_report *r = run->report;
    struct ranker_fit fit;
    struct buf trees;
    bool wanted = run->o->sets == 0 || run->o->sets >> set & 1;
    if (!wanted || from->len == 0)
        return ERR_OK;
    buf_init(&trees, TREES_BYTES_MAX);
    enum err_code code = ranker_fit(from, &run->tune, run->o, run->d->pool, &trees, &fit, err);
    if (code == ERR_OK) {
        bool better = r->trees == 0 || fit.best_ndcg > r->sets[r->set].ndcg;
        r->sets[set] =
            (struct ranker_set_report){from->queries, from->len, fit.best, fit.best_ndcg};
        if (better) {
            struct buf swap = run->trees;
            run->trees = trees;
            trees = swap;
            r->set = set;
            r->trees = fit.kept;
            r->tune_ranked = fit.kept_ndcg;
            r->tune_few = fit.few_ndcg;
        }
    }
    buf_release(&trees);
    return code;
}

/* What happened becomes both in the end. */
static enum err_code fit_trees(struct run *run, struct err *err)
{
    bool shown = run->shown.queries >= RANKER_SHOWN_MIN;
    enum err_code code = measure_blend(run, err);
    if (code == ERR_OK)
        code = fit_set(run, SET_ACTS, &run->learn, err);
    if (code == ERR_OK && shown)
        code = fit_set(run, SET_SHOWN, &run->shown, err);
    if (code == ERR_OK && shown)
        code = ranker_examples_join(&run->learn, &run->shown, err);
    if (code == ERR_OK && shown)
        code = fit_set(run, SET_BOTH, &run->learn, err);
    return code == ERR_OK && run->report->trees
               ? trees_read(buf_str(&run->trees), &run->ranker.trees, err)
               : code;
}

/* --- chances --------------------------------------------------------------------------------- */

/* Margins of examples [len] by the trees that serve; owned. */
static enum err_code score(const struct ranker *ranker, const struct ranker_examples *e,
                           float **out, struct err *err)
{
    enum { BATCH = 1024 };
    float *columns = mem_try_new((size_t)FEATURES * BATCH, sizeof *columns);
    *out = mem_try_new(e->len, sizeof **out);
    if (!columns || !*out) {
        mem_free(columns);
        return err_set(err, ERR_MEMORY, "no memory for %zu examples", e->len);
    }
    for (size_t at = 0; at < e->len; at += BATCH) {
        size_t n = e->len - at < BATCH ? e->len - at : BATCH;
        for (size_t i = 0; i < n; i++)
            for (size_t f = 0; f < FEATURES; f++)
                columns[f * BATCH + i] = e->x[(at + i) * FEATURES + f];
        trees_score(&ranker->trees, columns, BATCH, n, *out + at);
    }
    mem_free(columns);
    return ERR_OK;
}

static double mean_of(const float *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i];
    return n ? sum / (double)n : 0;
}

/* Replace margins by chances and tell how far these are off. */
static enum err_code error_of(const struct isotonic *f, const float *margins, const float *outcomes,
                              size_t n, double *out, struct err *err)
{
    float *chances = mem_try_new(n, sizeof *chances);
    if (!chances)
        return err_set(err, ERR_MEMORY, "no memory for %zu examples", n);
    for (size_t i = 0; i < n; i++)
        chances[i] = isotonic_at(f, margins[i]);
    enum err_code code = calibration_error(chances, outcomes, n, BINS, out, err);
    mem_free(chances);
    return code;
}

static enum err_code calibrate(struct run *run, struct err *err)
{
    const struct ranker_examples *tune = &run->tune, *judge = &run->judge_home;
    struct ranker_report *r = run->report;
    /* home's examples stand first in the tune half: those of cases with a shopper */
    size_t home = 0;
    while (home < tune->len && tune->x[home * FEATURES + FEATURE_PLACEMENT] == PLACEMENT_HOME)
        home++;
    float *margins = NULL, *judged = NULL;
    enum err_code code = score(&run->ranker, tune, &margins, err);
    if (code == ERR_OK)
        code = score(&run->ranker, judge, &judged, err);
    if (code == ERR_OK)
        code = isotonic_fit(margins, tune->label, home, &run->ranker.act, err);
    if (code == ERR_OK)
        code = isotonic_fit(margins, tune->purchase, home, &run->ranker.purchase, err);
    r->judged = judge->len;
    if (code == ERR_OK && judge->len) {
        r->act_share = mean_of(judge->label, judge->len);
        r->purchase_share = mean_of(judge->purchase, judge->len);
        code = error_of(&run->ranker.act, judged, judge->label, judge->len, &r->act_error, err);
        if (code == ERR_OK)
            code = error_of(&run->ranker.purchase, judged, judge->purchase, judge->len,
                            &r->purchase_error, err);
    }
    mem_free(margins);
    mem_free(judged);
    return code;
}

/* --- judging --------------------------------------------------------------------------------- */

static enum err_code compare(struct run *run, const struct lists_result *blend,
                             const struct lists_result *ranked, struct ranker_placement *out,
                             struct err *err)
{
    struct rng rng;
    rng_init(&rng, run->o->seed);
    *out = (struct ranker_placement){
        .lists = blend->cases, .blend = blend->ndcg, .ranked = ranked->ndcg};
    if (blend->cases < LISTS_MIN)
        return ERR_OK;
    enum err_code code = stats_bootstrap(ranked->case_ndcg, blend->case_ndcg, blend->cases,
                                         BOOTSTRAP_ROUNDS, 0.95, &rng, &out->gain, err);
    out->serves = code == ERR_OK && out->gain.mean > 0 && out->gain.high > 0;
    return code;
}

static void name_placement(struct ranker *r, enum placement p)
{
    struct str name = str_of(placement_name(p));
    memcpy(r->placement[r->placements++], name.p, name.n + 1);
}

/* The whole lists of the judge half, as they are and with the ranker. */
static enum err_code judge(struct run *run, size_t p, struct err *err)
{
    struct moment *m = &run->valid;
    struct lists_options o = {
        .k = run->o->k, .now_us = m->past.at_us, .pool = run->d->pool, .weights = run->d->weights};
    struct list_cases half = m->cases[p]; /* borrows */
    struct lists_result blend, ranked = {0};
    struct ranker only = run->ranker; /* borrows */
    half.items += m->halves[p];
    half.len -= m->halves[p];
    enum err_code code = lists_measure(&half, &m->past.view, &o, &blend, err);
    only.placements = 0;
    name_placement(&only, placements[p]);
    m->past.model.ranker = &only;
    if (code == ERR_OK)
        code = lists_measure(&half, &m->past.view, &o, &ranked, err);
    m->past.model.ranker = NULL;
    if (code == ERR_OK)
        code = compare(run, &blend, &ranked, &run->report->of[p], err);
    lists_result_release(&blend);
    lists_result_release(&ranked);
    return code;
}

static enum err_code judge_all(struct run *run, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t p = 0; p < RANKER_PLACEMENTS && code == ERR_OK; p++)
        code = judge(run, p, err);
    for (size_t p = 0; p < RANKER_PLACEMENTS && code == ERR_OK; p++)
        if (run->report->of[p].serves)
            name_placement(&run->ranker, placements[p]);
    return code;
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code go_back(struct run *run, struct err *err)
{
    const struct ranker_data *d = run->d;
    struct fit_options fit = {.catalogue = d->catalogue, .until = d->fit_at, .pool = d->pool};
    enum err_code code = recommend_fit(d->it, d->params, &fit, &run->fit_model, err);
    const struct recommend_model *valid = d->valid_model ? d->valid_model : &run->valid_model;
    fit.until = d->valid_at;
    if (code == ERR_OK && !d->valid_model)
        code = recommend_fit(d->it, d->params, &fit, &run->valid_model, err);
    if (code == ERR_OK)
        code = open_moment(run, &run->fit_model, d->fit_at, d->valid_at, &run->fit, err);
    if (code == ERR_OK)
        code = open_moment(run, valid, d->valid_at, d->until, &run->valid, err);
    if (code == ERR_OK)
        halve(&run->valid);
    return code;
}

enum err_code ranker_moments(struct ranker_data *d, double whole, double share, struct err *err)
{
    double before = whole * (1 - share);
    enum err_code code = recommend_split(d->it, before, &d->valid_at, err);
    return code == ERR_OK ? recommend_split(d->it, before * (1 - share), &d->fit_at, err) : code;
}

static bool must_stop(void *arg)
{
    (void)arg;
    return signal_stopping();
}

enum err_code ranker_shown_read(struct store *store, const struct ranker_data *d,
                                struct shown_lists *out, struct err *err)
{
    struct list_key key;
    bool found;
    struct shown_options o = {
        .reading = {.store = store, .from = d->fit_at, .until = d->valid_at, .stopping = must_stop},
        .key = &key,
        .placements = RANKER_SHOWN_PLACEMENTS};
    *out = (struct shown_lists){0};
    enum err_code code = list_key_load(store, &key, &found, err);
    return code == ERR_OK && found ? shown_lists_read(&o, out, err) : code;
}

static enum err_code name_features(struct ranker *r, struct err *err)
{
    r->name = mem_try_new(FEATURES, sizeof *r->name);
    if (!r->name)
        return err_set(err, ERR_MEMORY, "no memory for names of features");
    for (uint32_t f = 0; f < FEATURES; f++)
        feature_name(f, r->name[f]);
    return ERR_OK;
}

static double since(int64_t *from_ns)
{
    int64_t now = clock_mono_ns();
    double s = (double)(now - *from_ns) / 1e9;
    *from_ns = now;
    return s;
}

static enum err_code train(struct run *run, struct buf *out, struct err *err)
{
    struct ranker_report *r = run->report;
    int64_t at_ns = clock_mono_ns();
    run->ranker.definitions = FEATURES_DEFINITIONS;
    run->ranker.candidates = run->o->candidates;
    enum err_code code = name_features(&run->ranker, err);
    if (code == ERR_OK)
        code = go_back(run, err);
    r->fit_s = since(&at_ns);
    if (code == ERR_OK)
        code = make_examples(run, err);
    if (code == ERR_OK)
        code = make_shown(run, err);
    r->examples_s = since(&at_ns);
    if (code != ERR_OK || run->tune.len == 0)
        return code;
    code = fit_trees(run, err);
    r->trees_s = since(&at_ns);
    if (code != ERR_OK || r->trees == 0)
        return code;
    code = calibrate(run, err);
    if (code == ERR_OK)
        code = judge_all(run, err);
    r->judge_s = since(&at_ns);
    if (code == ERR_OK && run->ranker.placements)
        code = ranker_write(&run->ranker, FEATURES, buf_str(&run->trees), out, err);
    return code;
}

enum err_code ranker_train(const struct ranker_data *d, const struct ranker_options *o,
                           struct buf *out, struct ranker_report *report, struct err *err)
{
    struct run run = {.d = d, .o = o, .report = report};
    int64_t began = clock_mono_ns();
    *report = (struct ranker_report){.k = o->k};
    rng_init(&run.rng, o->seed);
    buf_init(&run.trees, TREES_BYTES_MAX);
    enum err_code code = train(&run, out, err);
    close_moment(&run.fit);
    close_moment(&run.valid);
    recommend_fit_release(&run.fit_model);
    recommend_fit_release(&run.valid_model);
    ranker_examples_release(&run.learn);
    ranker_examples_release(&run.shown);
    ranker_examples_release(&run.tune);
    ranker_examples_release(&run.judge_home);
    ranker_release(&run.ranker);
    buf_release(&run.trees);
    report->seconds = (double)(clock_mono_ns() - began) / 1e9;
    return code;
}

static void placement_json(const struct ranker_placement *p, struct json_writer *w)
{
    jw_obj(w);
    JW_BOOL(w, "serves", p->serves);
    JW_U64(w, "lists", p->lists);
    JW_DECIMAL(w, "blend", p->blend, 5);
    JW_DECIMAL(w, "ranked", p->ranked, 5);
    JW_OBJ(w, "gain");
    JW_DECIMAL(w, "mean", p->gain.mean, 5);
    JW_DECIMAL(w, "low", p->gain.low, 5);
    JW_DECIMAL(w, "high", p->gain.high, 5);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void sets_json(const struct ranker_report *r, struct json_writer *w)
{
    JW_Z(w, "set", set_names[r->set]);
    JW_OBJ(w, "sets");
    for (size_t s = 0; s < RANKER_SETS; s++) {
        if (r->sets[s].queries == 0)
            continue;
        jw_key(w, str_of(set_names[s]));
        jw_obj(w);
        JW_U64(w, "lists", r->sets[s].queries);
        JW_U64(w, "rows", r->sets[s].rows);
        JW_U64(w, "trees", r->sets[s].trees);
        JW_DECIMAL(w, "ndcg", r->sets[s].ndcg, 5);
        jw_obj_end(w);
    }
    jw_obj_end(w);
}

/* What was logged, and how its places are looked at. */
static void shown_json(const struct ranker_report *r, struct json_writer *w)
{
    enum { PLACES = 20 };
    JW_OBJ(w, "impressions");
    JW_U64(w, "lists", r->shown);
    JW_U64(w, "pages_of_rows", r->shown_pages);
    JW_U64(w, "without_context", r->shown_lost);
    JW_OBJ(w, "looks");
    for (unsigned p = 0; p < PLACEMENTS; p++) {
        if (!r->looks_known[p])
            continue;
        jw_key(w, str_of(placement_name((enum placement)p)));
        jw_arr(w);
        for (size_t i = 0; i < PLACES; i++)
            jw_decimal(w, (double)r->looks[p][i], 4);
        jw_arr_end(w);
    }
    jw_obj_end(w);
    jw_obj_end(w);
}

static void calibration_json(const struct ranker_report *r, struct json_writer *w)
{
    JW_OBJ(w, "calibration");
    JW_U64(w, "candidates", r->judged);
    JW_DECIMAL(w, "act_share", r->act_share, 6);
    JW_DECIMAL(w, "act_error", r->act_error, 6);
    JW_DECIMAL(w, "purchase_share", r->purchase_share, 6);
    JW_DECIMAL(w, "purchase_error", r->purchase_error, 6);
    jw_obj_end(w);
}

void ranker_report_json(const struct ranker_report *r, struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "k", r->k);
    JW_U64(w, "lists", r->sets[r->set].queries);
    JW_U64(w, "rows", r->sets[r->set].rows);
    JW_U64(w, "trees", r->trees);
    JW_DECIMAL(w, "tune_blend", r->tune_blend, 5);
    JW_DECIMAL(w, "tune_ranked", r->tune_ranked, 5);
    JW_DECIMAL(w, "tune_30_trees", r->tune_few, 5);
    sets_json(r, w);
    if (r->shown)
        shown_json(r, w);
    JW_OBJ(w, "placements");
    for (size_t p = 0; p < RANKER_PLACEMENTS; p++) {
        jw_key(w, str_of(placement_name(placements[p])));
        placement_json(&r->of[p], w);
    }
    jw_obj_end(w);
    calibration_json(r, w);
    JW_DECIMAL(w, "seconds", r->seconds, 1);
    JW_DECIMAL(w, "fit_s", r->fit_s, 2);
    JW_DECIMAL(w, "examples_s", r->examples_s, 2);
    JW_DECIMAL(w, "trees_s", r->trees_s, 2);
    JW_DECIMAL(w, "judge_s", r->judge_s, 2);
    jw_obj_end(w);
}
