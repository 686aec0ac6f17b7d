#include "train/recommend_evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/past.h"

enum { BOOTSTRAP_ROUNDS = 1000 };

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

enum err_code recommend_split(const struct interactions *it, double share, int64_t *split,
                              struct err *err)
{
    int64_t *times = mem_try_new(it->len, sizeof *times);
    if (!times)
        return err_set(err, ERR_MEMORY, "no memory to split %zu acts", it->len);
    if (it->len) {
        memcpy(times, it->time, it->len * sizeof *times);
        qsort(times, it->len, sizeof *times, by_time);
    }
    size_t at = (size_t)(share * (double)it->len);
    *split = it->len == 0 ? 0 : times[at < it->len ? at : it->len - 1];
    mem_free(times);
    return ERR_OK;
}

size_t recommend_shoppers_across(const struct interactions *it, int64_t split)
{
    size_t n = 0;
    /* A shopper's acts stand in the order of time. */
    for (size_t i = 1; i < it->len; i++)
        n += it->user_no[i] != 0 && it->user_no[i] == it->user_no[i - 1] &&
             it->time[i - 1] < split && it->time[i] >= split;
    return n;
}

/* --- lists ----------------------------------------------------------------------------------- */

/* The model has the acts before known_until in its histories. */
static void read_acts(const struct interactions *it, int64_t known_until, struct past *past)
{
    for (size_t i = 0; i < it->len; i++)
        if (it->time[i] < past->at_us)
            past_act(past, it->time[i] < known_until ? 0 : it->user_no[i], it->product_no[i],
                     (enum event_type)it->type[i], it->time[i]);
}

static struct scorer_metrics metrics_of(const struct lists_result *r)
{
    return (struct scorer_metrics){.recall = r->recall,
                                   .ndcg = r->ndcg,
                                   .hit = r->hit,
                                   .mrr = r->mrr,
                                   .coverage = r->coverage,
                                   .gini = r->gini};
}

enum err_code recommend_lists(const struct interactions *it, const struct view *now,
                              const struct recommend_model *m, int64_t known_until, bool popular,
                              const struct evaluate_options *o, struct list_cases *cases,
                              struct lists_result *out, struct err *err)
{
    static const struct recommend_weights by_popularity = {{[PLACEMENT_HOME] = {.trending = 1}}};
    struct lists_options how = {.k = o->k,
                                .now_us = o->split,
                                .pool = o->pool,
                                .weights = popular ? &by_popularity : o->weights};
    struct past past;
    *out = (struct lists_result){0};
    enum err_code code = past_open(now, m, o->split, &past, err);
    if (code == ERR_OK && !popular)
        read_acts(it, known_until, &past); /* without heat what trends is what is popular */
    if (code == ERR_OK)
        past_shelve(&past);
    if (code == ERR_OK && !cases->items)
        code = list_cases_read(it, &past.view, PLACEMENT_HOME, o->split,
                               o->until ? o->until : INT64_MAX, o->users_max, o->seed, cases, err);
    if (code == ERR_OK)
        code = lists_measure(cases, &past.view, &how, out, err);
    past_close(&past);
    return code;
}

struct figures {
    struct lists_result lists, popularity, rival;
};

static enum err_code compare(const struct figures *f, const struct evaluate_options *o,
                             struct recommend_evaluation *out, struct err *err)
{
    struct rng rng;
    size_t n = f->lists.cases;
    out->users = n;
    if (n == 0)
        return ERR_OK;
    out->lists = metrics_of(&f->lists);
    out->popularity = metrics_of(&f->popularity);
    out->rival = metrics_of(&f->rival);
    rng_init(&rng, o->seed);
    enum err_code code =
        stats_bootstrap(f->lists.case_ndcg, NULL, n, BOOTSTRAP_ROUNDS, 0.95, &rng, &out->ndcg, err);
    if (code == ERR_OK)
        code = stats_bootstrap(f->lists.case_ndcg, f->popularity.case_ndcg, n, BOOTSTRAP_ROUNDS,
                               0.95, &rng, &out->gain, err);
    if (code == ERR_OK && o->rival)
        code = stats_bootstrap(f->lists.case_ndcg, f->rival.case_ndcg, n, BOOTSTRAP_ROUNDS, 0.95,
                               &rng, &out->over_rival, err);
    return code;
}

enum err_code recommend_evaluate(const struct interactions *it, const struct view *now,
                                 const struct recommend_model *m, const struct evaluate_options *o,
                                 struct recommend_evaluation *out, struct err *err)
{
    struct list_cases cases = {0};
    struct figures f = {0};
    *out = (struct recommend_evaluation){.k = o->k, .split = o->split};
    int64_t rival_until = o->rival_until ? o->rival_until : o->split;
    enum err_code code = recommend_lists(it, now, m, o->split, false, o, &cases, &f.lists, err);
    if (code == ERR_OK)
        code = recommend_lists(it, now, m, o->split, true, o, &cases, &f.popularity, err);
    if (code == ERR_OK && o->rival)
        code = recommend_lists(it, now, o->rival, rival_until, false, o, &cases, &f.rival, err);
    if (code == ERR_OK)
        code = compare(&f, o, out, err);
    if (code == ERR_OK)
        code = factor_evaluate(it, m, o->split, o->k, o->users_max, o->seed, &out->factors, err);
    lists_result_release(&f.lists);
    lists_result_release(&f.popularity);
    lists_result_release(&f.rival);
    list_cases_release(&cases);
    return code;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_scorer(struct json_writer *w, const char *name, const struct scorer_metrics *m)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_DECIMAL(w, "recall", m->recall, 5);
    JW_DECIMAL(w, "ndcg", m->ndcg, 5);
    JW_DECIMAL(w, "hit", m->hit, 5);
    JW_DECIMAL(w, "mrr", m->mrr, 5);
    JW_DECIMAL(w, "coverage", m->coverage, 5);
    JW_DECIMAL(w, "gini", m->gini, 5);
    jw_obj_end(w);
}

static void write_interval(struct json_writer *w, const char *name, const struct stats_interval *i)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_DECIMAL(w, "mean", i->mean, 5);
    JW_DECIMAL(w, "low", i->low, 5);
    JW_DECIMAL(w, "high", i->high, 5);
    jw_obj_end(w);
}

void recommend_evaluation_json(const struct recommend_evaluation *e, struct json_writer *w)
{
    const struct factor_evaluation *f = &e->factors;
    struct scorer_metrics factors = {f->recall, f->ndcg, f->hit, f->mrr, f->coverage, f->gini};
    JW_U64(w, "k", e->k);
    JW_U64(w, "users", e->users);
    JW_TIME(w, "split", e->split);
    write_scorer(w, "lists", &e->lists);
    write_scorer(w, "factors", &factors);
    write_scorer(w, "popularity", &e->popularity);
    write_interval(w, "ndcg", &e->ndcg);
    write_interval(w, "gain_over_popularity", &e->gain);
    JW_DECIMAL(w, "index_recall", f->index_recall, 4);
}
