#include "train/recommend_search.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/signal.h"

enum { VALUES_MAX = 8, ROUNDS_MAX = 4 };

#define VALIDATION_SHARE 0.2

/* The parameters that are worth a try, what matters most first, and their values, ascending. */
static const struct axis {
    const char *name;
    double values[VALUES_MAX];
    size_t n;
} axes[] = {{"regularisation", {2, 5, 10, 20, 50, 100, 200}, 7},
            {"alpha", {0.5, 1, 2, 5, 10, 40}, 6},
            {"propagation", {0, 1}, 2},
            {"dim", {16, 32, 64, 128, 256}, 5},
            {"neighbours", {20, 50, 100, 200}, 4},
            {"shrink", {0, 2, 5, 20, 100}, 5},
            {"step_days", {0, 0.1, 1, 7}, 4},
            {"exponent", {0, 0.5, 1, 1.5}, 4},
            {"iterations", {5, 10, 20}, 3}};

enum { AXES = sizeof axes / sizeof *axes };

struct search {
    const struct interactions *it;
    const struct view *now;
    const struct search_options *o;
    struct evaluate_options how;
    struct list_cases cases;
    struct search_result *r;
    double best;               /* NDCG */
    int64_t begin_ns, last_ns; /* of the search; how long the last trial took */
};

static bool time_is_over(const struct search *s)
{
    double passed = (double)(clock_mono_ns() - s->begin_ns) / 1e9;
    return s->r->len == SEARCH_TRIALS_MAX || passed + (double)s->last_ns / 1e9 > s->o->budget_s;
}

static void tell(const struct search *s)
{
    double done = (double)(clock_mono_ns() - s->begin_ns) / 1e9 / s->o->budget_s;
    if (s->o->progress)
        s->o->progress(s->o->progress_arg, done < 1 ? done : 1);
}

/* The figures of home pages of these parameters. What cannot be fitted is the worst there is. */
static enum err_code measure(struct search *s, const struct recommend_params *p,
                             const struct recommend_weights *weights, bool popular, double *ndcg,
                             double *recall, struct err *err)
{
    struct fit_options fit = {
        .catalogue = s->o->catalogue, .until = s->how.split, .pool = s->o->pool};
    struct recommend_model m;
    struct lists_result lists;
    enum err_code code = recommend_fit(s->it, p, &fit, &m, err);
    *ndcg = *recall = 0;
    if (code == ERR_INVALID)
        return ERR_OK;
    if (code != ERR_OK)
        return code;
    s->how.weights = weights;
    code =
        recommend_lists(s->it, s->now, &m, s->how.split, popular, &s->how, &s->cases, &lists, err);
    *ndcg = lists.ndcg;
    *recall = lists.recall;
    lists_result_release(&lists);
    recommend_fit_release(&m);
    return code;
}

/* Try parameters that differ from the best in one; *better tells whether they are kept. */
static enum err_code attempt(struct search *s, const struct recommend_params *p,
                             const char *parameter, double value, bool *better, struct err *err)
{
    struct search_trial *t = &s->r->trials[s->r->len];
    int64_t begin = clock_mono_ns();
    tell(s);
    *t = (struct search_trial){.parameter = parameter, .value = value};
    enum err_code code = signal_check(err);
    if (code == ERR_OK)
        code = measure(s, p, s->o->weights, false, &t->ndcg, &t->recall, err);
    if (code != ERR_OK)
        return code;
    s->last_ns = clock_mono_ns() - begin;
    t->seconds = (double)s->last_ns / 1e9;
    *better = t->kept = !parameter || t->ndcg > s->best * (1 + SEARCH_GAIN);
    if (*better) {
        s->best = t->ndcg;
        s->r->best = *p;
    }
    s->r->len++;
    return ERR_OK;
}

/* Where the best stands on an axis: the first value that is not less. */
static size_t place_of(const struct axis *a, double value)
{
    size_t i = 0;
    while (i + 1 < a->n && a->values[i] < value)
        i++;
    return i;
}

/* Walk from the best in one direction while it gets better. */
static enum err_code walk(struct search *s, const struct axis *a, int step, bool *better,
                          struct err *err)
{
    enum err_code code = ERR_OK;
    bool going = true;
    *better = false;
    while (going && code == ERR_OK && !time_is_over(s)) {
        struct recommend_params p = s->r->best;
        double now = recommend_param_get(&p, str_of(a->name));
        size_t at = place_of(a, now);
        if ((step < 0 && at == 0) || (step > 0 && at + 1 == a->n))
            break;
        double value = a->values[step > 0 ? at + 1 : at - 1];
        code = recommend_param_put(&p, str_of(a->name), value, err);
        if (code == ERR_OK)
            code = attempt(s, &p, a->name, value, &going, err);
        *better |= going;
    }
    return code;
}

static enum err_code walk_all(struct search *s, struct err *err)
{
    enum err_code code = ERR_OK;
    bool kept = true;
    for (int round = 0; round < ROUNDS_MAX && kept && code == ERR_OK; round++) {
        kept = false;
        for (size_t i = 0; i < AXES && code == ERR_OK; i++) {
            bool up, down = false;
            code = walk(s, &axes[i], 1, &up, err);
            if (code == ERR_OK && !up)
                code = walk(s, &axes[i], -1, &down, err);
            kept |= up || down;
        }
    }
    return code;
}

static enum err_code measure_beside(struct search *s, struct err *err)
{
    static const struct recommend_weights neighbours = {{[PLACEMENT_HOME] = {.profile_near = 1}}};
    struct recommend_params p = recommend_defaults();
    double recall;
    p.dim = 0;
    enum err_code code = measure(s, &p, NULL, true, &s->r->popularity, &recall, err);
    return code == ERR_OK ? measure(s, &p, &neighbours, false, &s->r->item_knn, &recall, err)
                          : code;
}

/* The moment with a share of the acts before `until` behind it. */
static enum err_code split_again(struct search *s, struct err *err)
{
    size_t before = 0;
    for (size_t i = 0; i < s->it->len; i++)
        before += s->it->time[i] < s->o->until;
    double share = s->it->len ? (double)before / (double)s->it->len : 0;
    return recommend_split(s->it, share * (1 - VALIDATION_SHARE), &s->how.split, err);
}

enum err_code recommend_search(const struct interactions *it, const struct view *now,
                               const struct search_options *o, struct search_result *out,
                               struct err *err)
{
    struct search s = {.it = it, .now = now, .o = o, .r = out, .begin_ns = clock_mono_ns()};
    bool kept;
    *out = (struct search_result){.best = o->start};
    s.how = (struct evaluate_options){.until = o->until,
                                      .k = o->k,
                                      .users_max = o->users_max,
                                      .seed = o->start.seed,
                                      .pool = o->pool};
    enum err_code code = split_again(&s, err);
    out->split = s.how.split;
    if (code == ERR_OK)
        code = attempt(&s, &o->start, NULL, 0, &kept, err);
    if (code == ERR_OK)
        code = measure_beside(&s, err);
    out->users = s.cases.len;
    if (code == ERR_OK && out->users)
        code = walk_all(&s, err);
    list_cases_release(&s.cases);
    return code;
}

void search_json(const struct search_result *r, struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "users", r->users);
    JW_TIME(w, "split", r->split);
    JW_DECIMAL(w, "popularity", r->popularity, 5);
    JW_DECIMAL(w, "item_knn", r->item_knn, 5);
    JW_OBJ(w, "best");
    recommend_params_json(&r->best, w);
    jw_obj_end(w);
    JW_ARR(w, "trials");
    for (size_t i = 0; i < r->len; i++) {
        const struct search_trial *t = &r->trials[i];
        jw_obj(w);
        JW_Z(w, "parameter", t->parameter);
        if (t->parameter)
            JW_DECIMAL(w, "value", t->value, 6);
        JW_DECIMAL(w, "ndcg", t->ndcg, 5);
        JW_DECIMAL(w, "recall", t->recall, 5);
        JW_DECIMAL(w, "seconds", t->seconds, 3);
        JW_BOOL(w, "kept", t->kept);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
}
