#include "train/recommend_fit.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "engine/ranker.h"
#include "num/dense.h"
#include "recommend/profile.h"
#include "train/again.h"
#include "train/als.h"
#include "train/matrix.h"
#include "train/neighbours.h"
#include "train/next.h"
#include "train/propagation.h"
#include "train/recommend_content.h"
#include "train/sessions.h"

enum {
    HISTORY_KEPT = 256 /* acts of a shopper, the newest */,
    BASKET_MAX = 100,
    SHOPPER_MAX = 500,
    CONTENT_ITERATIONS = 100,
};

#define CONTENT_RESIDUAL 1e-3f

struct recommend_params recommend_defaults(void)
{
    return (struct recommend_params){.dim = 64,
                                     .alpha = 2,
                                     .regularisation = 20,
                                     .exponent = 1,
                                     .iterations = 10,
                                     .neighbours = 50,
                                     .shrink = 5,
                                     .bm25 = 1.2f,
                                     .half_life_days = 30,
                                     .content = 10,
                                     .step_days = 1,
                                     .sessions = 200000,
                                     .seed = 1,
                                     .ranker_trees = 200,
                                     .ranker_depth = 5,
                                     .ranker_candidates = 150};
}

static const struct tuning tunings[] = {
#define AT(field) offsetof(struct recommend_params, field)
    {"dim", AT(dim), TUNING_U32, 0, RECOMMEND_DIM_MAX},
    {"propagation", AT(propagation), TUNING_BOOL, 0, 1},
    {"alpha", AT(alpha), TUNING_FLOAT, 1e-6, 1e6},
    {"regularisation", AT(regularisation), TUNING_FLOAT, 1e-6, 1e6},
    {"exponent", AT(exponent), TUNING_FLOAT, 0, RECOMMEND_EXPONENT_MAX},
    {"iterations", AT(iterations), TUNING_U32, 1, 1000},
    {"neighbours", AT(neighbours), TUNING_U32, 1, RECOMMEND_NEIGHBOURS_MAX},
    {"shrink", AT(shrink), TUNING_FLOAT, 0, 1e6},
    {"bm25", AT(bm25), TUNING_FLOAT, 0, 1e6},
    {"half_life_days", AT(half_life_days), TUNING_FLOAT, 0.01, 1e5},
    {"content", AT(content), TUNING_FLOAT, 0, 1e6},
    {"step_days", AT(step_days), TUNING_FLOAT, 0, 1e6},
    {"sessions", AT(sessions), TUNING_U32, 0, SESSIONS_KEPT_MAX},
    {"seed", AT(seed), TUNING_U64, 0, 1e15},
    {"ranker_trees", AT(ranker_trees), TUNING_U32, 1, RANKER_TREES_MOST},
    {"ranker_depth", AT(ranker_depth), TUNING_U32, 1, RANKER_DEPTH_MOST},
    {"ranker_candidates", AT(ranker_candidates), TUNING_U32, 50, RANKER_CANDIDATES_MAX},
    {"ranker_trim", AT(ranker_trim), TUNING_FLOAT, 0, 0.5},
#undef AT
};

enum {
    TUNINGS = sizeof tunings / sizeof *tunings,
    RANKER_TUNINGS = 4, /* the last ones */
};

enum err_code recommend_param_put(struct recommend_params *p, struct str name, double value,
                                  struct err *err)
{
    return tuning_put(tunings, TUNINGS, p, name, value, err);
}

enum err_code recommend_param_set(struct recommend_params *p, struct str text, struct err *err)
{
    return tuning_set(tunings, TUNINGS, p, text, err);
}

void recommend_params_json(const struct recommend_params *p, struct json_writer *w)
{
    tuning_json(tunings, TUNINGS, p, w);
}

double recommend_param_get(const struct recommend_params *p, struct str name)
{
    const struct tuning *t = tuning_find(tunings, TUNINGS, name);
    CHECK(t);
    return tuning_get(t, p);
}

bool recommend_params_equal(const struct recommend_params *a, const struct recommend_params *b)
{
    return tuning_equal(tunings, TUNINGS - RANKER_TUNINGS, a, b);
}

/* The model borrows where it is mapped and owns where it is fitted. */
static void free_owned(const void *p)
{
    mem_free((void *)(uintptr_t)p);
}

/* --- numbering ------------------------------------------------------------------------------- */

struct work {
    const struct interactions *it;
    int64_t until;
    const struct recommend_params *p;
    const struct fit_options *o;
    uint32_t numbers;  /* above every product_no */
    uint32_t *row_of;  /* [numbers] row + 1; 0: none */
    uint32_t *user_of; /* [users_end] index + 1; 0: none */
    struct recommend_model *m;
    struct matrix by_user, by_item, baskets;
    struct recommend_content content;
};

static bool counts(const struct work *w, size_t i)
{
    return w->it->time[i] < w->until && w->it->user_no[i] != 0;
}

static const struct content_catalogue *catalogue_of(const struct work *w)
{
    return w->p->content > 0 ? w->o->catalogue : NULL;
}

static enum err_code number_rows(struct work *w, struct err *err)
{
    const struct interactions *it = w->it;
    uint32_t rows = 0, users = 0;
    bool any = false;
    const struct content_catalogue *catalogue = catalogue_of(w);
    w->numbers = it->products_end;
    if (catalogue && catalogue->len &&
        catalogue->products[catalogue->len - 1].product_no >= w->numbers)
        w->numbers = catalogue->products[catalogue->len - 1].product_no + 1;
    w->row_of = mem_try_new(w->numbers, sizeof *w->row_of);
    w->user_of = mem_try_new(it->users_end, sizeof *w->user_of);
    if (!w->row_of || !w->user_of)
        return err_set(err, ERR_MEMORY, "no memory to number products and shoppers");
    for (size_t i = 0; i < it->len; i++) {
        if (it->time[i] < w->until) {
            w->row_of[it->product_no[i]] = 1;
            any = true;
        }
        if (counts(w, i))
            w->user_of[it->user_no[i]] = 1;
    }
    for (uint32_t i = 0; catalogue && any && i < catalogue->len; i++)
        w->row_of[catalogue->products[i].product_no] = 1;
    uint32_t *items = mem_try_new(w->numbers, sizeof *items);
    uint32_t *user_no = mem_try_new(it->users_end, sizeof *user_no);
    w->m->items = items;
    w->m->user_no = user_no;
    if (!items || !user_no)
        return err_set(err, ERR_MEMORY, "no memory to number products and shoppers");
    for (uint32_t no = 0; no < w->numbers; no++)
        if (w->row_of[no]) {
            items[rows++] = no;
            w->row_of[no] = rows;
        }
    for (uint32_t no = 0; no < it->users_end; no++)
        if (w->user_of[no]) {
            user_no[users++] = no;
            w->user_of[no] = users;
        }
    w->m->rows = rows;
    w->m->users = users;
    return rows ? ERR_OK : err_set(err, ERR_INVALID, "there are no acts to learn from");
}

/* --- matrices -------------------------------------------------------------------------------- */

static enum err_code build_matrices(struct work *w, struct err *err)
{
    const struct interactions *it = w->it;
    size_t n = 0, baskets = 0;
    struct matrix_cell *cells = mem_try_new(it->len, sizeof *cells);
    if (!cells)
        return err_set(err, ERR_MEMORY, "no memory for %zu acts", it->len);
    for (size_t i = 0; i < it->len; i++)
        if (counts(w, i))
            cells[n++] = (struct matrix_cell){w->user_of[it->user_no[i]] - 1,
                                              w->row_of[it->product_no[i]] - 1, it->weight[i]};
    enum err_code code = matrix_build(cells, n, w->m->users, w->m->rows, &w->by_user, err);
    for (size_t i = 0; i < it->len && code == ERR_OK; i++)
        if (it->time[i] < w->until && it->type[i] == EVENT_PURCHASE)
            cells[baskets++] =
                (struct matrix_cell){it->session[i], w->row_of[it->product_no[i]] - 1, 1};
    if (code == ERR_OK)
        code = matrix_build(cells, baskets, it->sessions, w->m->rows, &w->baskets, err);
    mem_free(cells);
    for (uint64_t i = 0, all = matrix_cells(&w->by_user); i < all && code == ERR_OK; i++)
        w->by_user.value[i] = profile_confidence(w->by_user.value[i]);
    return code == ERR_OK ? matrix_transpose(&w->by_user, &w->by_item, err) : code;
}

/* What reads alike. Without a catalogue lists are empty. */
static enum err_code fit_alike(struct work *w, struct err *err)
{
    const struct content_catalogue *catalogue = catalogue_of(w);
    struct recommend_model *m = w->m;
    struct neighbour_result r = {0};
    enum err_code code = ERR_OK;
    if (catalogue && catalogue->len)
        code = recommend_content_read(catalogue, w->row_of, m->rows, &w->content, err);
    if (code != ERR_OK)
        return code;
    if (w->content.catalogue)
        code = content_neighbours_fit(&w->content.features, w->p->neighbours, w->o->pool, &r, err);
    else if (!(r.offsets = mem_try_new((size_t)m->rows + 1, sizeof *r.offsets)))
        code = err_set(err, ERR_MEMORY, "no memory for lists of %u products", m->rows);
    m->alike = (struct neighbour_lists){r.offsets, r.rows, r.scores};
    return code;
}

/* --- parts ----------------------------------------------------------------------------------- */

static enum err_code fit_popularity(struct work *w, struct err *err)
{
    const struct interactions *it = w->it;
    float *popularity = mem_try_new(w->m->rows, sizeof *popularity);
    w->m->popularity = popularity;
    int64_t newest = INT64_MIN;
    if (!popularity)
        return err_set(err, ERR_MEMORY, "no memory for popularity");
    for (size_t i = 0; i < it->len; i++)
        if (it->time[i] < w->until && it->time[i] > newest)
            newest = it->time[i];
    for (size_t i = 0; i < it->len; i++)
        if (it->time[i] < w->until)
            popularity[w->row_of[it->product_no[i]] - 1] +=
                it->weight[i] *
                interactions_decay(newest - it->time[i], (double)w->p->half_life_days);
    recommend_model_find_most(w->m);
    return ERR_OK;
}

static void tell(const struct work *w, double done)
{
    if (w->o->progress)
        w->o->progress(w->o->progress_arg, done);
}

/* The factors take most of the time. */
static const double factors_from = 0.05, factors_to = 0.85;

static void tell_factors(void *arg, double done)
{
    tell(arg, factors_from + done * (factors_to - factors_from));
}

/* Where the fit begins: products that the model before knew stand where it had them. Its axes are not those of
 * als_fit, which does not mind. Returns whether there was such a model. */
static bool start_from(const struct work *w, float *items)
{
    const struct recommend_model *before = w->o->start, *m = w->m;
    size_t d = w->p->dim;
    if (!before || before->dim != d)
        return false;
    als_start(items, m->rows, d, w->p->seed);
    for (uint32_t row = 0; row < m->rows; row++) {
        uint32_t known = recommend_model_row(before, m->items[row]);
        if (known != UINT32_MAX)
            memcpy(items + row * d, before->vectors.exact + known * d, d * sizeof *items);
    }
    return true;
}

/* Products that nobody had, beside those that als_fit put somewhere. */
static enum err_code place_products(struct work *w, const float *users, float *items,
                                    struct err *err)
{
    const struct interactions *it = w->it;
    struct recommend_place o = {.fit = {.alpha = w->p->alpha,
                                        .mu = w->p->content,
                                        .dim = w->p->dim,
                                        .iterations = CONTENT_ITERATIONS,
                                        .residual = CONTENT_RESIDUAL},
                                .since = INT64_MAX,
                                .now = INT64_MIN,
                                .pool = w->o->pool};
    if (!w->content.catalogue)
        return ERR_OK;
    for (size_t i = 0; i < it->len; i++)
        if (it->time[i] < w->until) {
            o.since = it->time[i] < o.since ? it->time[i] : o.since;
            o.now = it->time[i] > o.now ? it->time[i] : o.now;
        }
    return recommend_content_place(&w->content, &w->by_item, users, &o, items, err);
}

/* Turn all that stands among the factors to the axes of the items' Gram matrix (turned [rows][dim]) and give its
 * diagonal. Scores stay what they are, and fold-in needs no matrix (recommend/factors.h). */
static enum err_code turn_to_axes(struct work *w, const float *items, float *turned,
                                  float *spectrum, struct err *err)
{
    uint32_t dim = w->p->dim;
    const struct content_tower *t = &w->content.tower;
    float *axes = mem_try_aligned((size_t)dim * dim, sizeof *axes, 64);
    float *weights = mem_try_aligned((size_t)t->features * dim, sizeof *weights, CONTAINER_ALIGN);
    enum err_code code = ERR_OK;
    if (!axes || !weights)
        code = err_set(err, ERR_MEMORY, "no memory for axes");
    if (code == ERR_OK) {
        dense_gram(1, items, w->m->rows, dim, 0, axes);
        code = dense_eigen(axes, dim, spectrum, err);
    }
    if (code == ERR_OK)
        dense_turn(items, w->m->rows, axes, dim, turned);
    for (uint32_t k = 0; k < dim && code == ERR_OK; k++)
        spectrum[k] = fmaxf(spectrum[k], 0);
    if (code == ERR_OK && t->weights) {
        dense_turn(t->weights, t->features, axes, dim, weights);
        w->m->content = *t;
        w->m->content.weights = weights;
        weights = NULL;
        free_owned(t->weights);
        w->content.tower = (struct content_tower){0};
    }
    mem_free(axes);
    mem_free(weights);
    return code;
}

static enum err_code fit_als(struct work *w, struct err *err)
{
    const struct recommend_params *p = w->p;
    struct recommend_model *m = w->m;
    struct als_options o = {.dim = p->dim,
                            .alpha = p->alpha,
                            .regularisation = p->regularisation,
                            .exponent = p->exponent,
                            .iterations = p->iterations,
                            .seed = p->seed,
                            .progress = tell_factors,
                            .progress_arg = w};
    size_t d = p->dim;
    float *users = mem_try_aligned((size_t)m->users * d, sizeof *users, 64);
    float *items = mem_try_aligned((size_t)m->rows * d, sizeof *items, 64);
    float *turned = mem_try_aligned((size_t)m->rows * d, sizeof *turned, 64);
    float *spectrum = mem_try_aligned(d, sizeof *spectrum, 64);
    m->spectrum = spectrum;
    enum err_code code = ERR_OK;
    if (!users || !items || !turned || !spectrum)
        code = err_set(err, ERR_MEMORY, "no memory for factors");
    if (code == ERR_OK && start_from(w, items)) {
        uint32_t warm = w->o->warm ? w->o->warm : FIT_WARM_ITERATIONS;
        o.warm = true;
        o.iterations = o.iterations < warm ? o.iterations : warm;
    }
    if (code == ERR_OK)
        code = als_fit(&w->by_user, &w->by_item, &o, w->o->pool, users, items, err);
    if (code == ERR_OK)
        code = place_products(w, users, items, err);
    if (code == ERR_OK)
        code = turn_to_axes(w, items, turned, spectrum, err);
    mem_free(users);
    mem_free(items);
    if (code != ERR_OK) {
        mem_free(turned);
        return code;
    }
    m->dim = p->dim;
    m->alpha = p->alpha;
    m->regularisation = p->regularisation;
    m->exponent = p->exponent;
    m->mean_products = (float)((double)matrix_cells(&w->by_user) / m->users);
    return vectors_build(turned, m->rows, p->dim, p->seed, w->o->pool, &m->vectors, err);
}

static enum err_code fit_propagation(struct work *w, struct err *err)
{
    struct recommend_model *m = w->m;
    struct propagation_options o = propagation_defaults();
    struct propagation p;
    uint32_t smaller = m->users < m->rows ? m->users : m->rows;
    o.binary = false;
    o.keep = RECOMMEND_NEIGHBOURS_MAX;
    o.dim = w->p->dim < smaller ? w->p->dim : smaller;
    o.seed = w->p->seed;
    enum err_code code = propagation_fit(&w->by_user, &o, w->o->pool, &p, err);
    if (code != ERR_OK)
        return code;
    m->source = FACTORS_PROPAGATION;
    m->dim = p.dim;
    m->graph_scale = neighbours_scale(&p.lists, m->rows);
    m->graph = (struct neighbour_lists){p.lists.offsets, p.lists.rows, p.lists.scores};
    m->fold_in = p.fold_in;
    return vectors_build(p.factors, m->rows, p.dim, o.seed, w->o->pool, &m->vectors, err);
}

static enum err_code fit_factors(struct work *w, struct err *err)
{
    if (w->p->dim == 0 || w->m->users == 0)
        return ERR_OK;
    return w->p->propagation ? fit_propagation(w, err) : fit_als(w, err);
}

static enum err_code fit_neighbours(struct work *w, const struct matrix *by_group,
                                    uint32_t group_max, struct neighbour_lists *lists,
                                    struct err *err)
{
    struct neighbour_options o = {.keep = w->p->neighbours,
                                  .shrink = w->p->shrink,
                                  .group_max = group_max,
                                  .support = 2,
                                  .bm25 = w->p->bm25,
                                  .b = 0.75f};
    struct neighbour_result r;
    enum err_code code = neighbours_fit(by_group, &o, w->o->pool, &r, err);
    if (code == ERR_OK)
        *lists = (struct neighbour_lists){r.offsets, r.rows, r.scores};
    return code;
}

static enum err_code fit_next(struct work *w, struct err *err)
{
    struct next_options o = {
        .until = w->until, .keep = w->p->neighbours, .half_life_days = w->p->step_days};
    struct neighbour_result r;
    enum err_code code = next_fit(w->it, w->row_of, w->m->rows, &o, w->o->pool, &r, err);
    if (code == ERR_OK)
        w->m->next = (struct neighbour_lists){r.offsets, r.rows, r.scores};
    return code;
}

static enum err_code fit_sessions(struct work *w, struct err *err)
{
    struct sessions_options o = {.until = w->until, .keep = w->p->sessions};
    return sessions_fit(w->it, w->row_of, w->m->rows, &o, &w->m->sessions, err);
}

static enum err_code fit_again(struct work *w, struct err *err)
{
    float *days = mem_try_new(w->m->rows, sizeof *days);
    float *share = mem_try_new(w->m->rows, sizeof *share);
    w->m->again_days = days;
    w->m->again_share = share;
    if (!days || !share)
        return err_set(err, ERR_MEMORY, "no memory for intervals");
    return again_fit(w->it, w->row_of, w->m->rows, w->until, days, share, err);
}

/* Acts stand sorted by (user, time), so a shopper's history is their slice, backwards. */
static enum err_code fit_histories(struct work *w, struct err *err)
{
    const struct interactions *it = w->it;
    struct recommend_model *m = w->m;
    uint64_t *offsets = mem_try_new((size_t)m->users + 1, sizeof *offsets);
    uint32_t *acts = mem_try_new(it->len, sizeof *acts);
    uint16_t *days = mem_try_new(it->len, sizeof *days);
    m->history_offsets = offsets;
    m->history_acts = acts;
    m->history_days = days;
    if (!offsets || !acts || !days)
        return err_set(err, ERR_MEMORY, "no memory for histories");
    uint64_t n = 0;
    for (uint32_t u = 0; u < m->users; u++) {
        size_t begin = interactions_user_begin(it, m->user_no[u]);
        uint64_t first = n;
        offsets[u] = n;
        for (size_t i = interactions_user_end(it, m->user_no[u]);
             i-- > begin && n - first < HISTORY_KEPT;) {
            int64_t day = it->time[i] / CLOCK_US_PER_DAY;
            if (!counts(w, i) || day < 0 || day > UINT16_MAX)
                continue;
            acts[n] =
                (uint32_t)it->type[i] << HISTORY_ROW_BITS | (w->row_of[it->product_no[i]] - 1);
            days[n++] = (uint16_t)day;
        }
    }
    offsets[m->users] = n;
    return ERR_OK;
}

enum err_code recommend_fit(const struct interactions *it, const struct recommend_params *p,
                            const struct fit_options *o, struct recommend_model *out,
                            struct err *err)
{
    struct recommend_model m = {.position = it->position, .trained_at = clock_now_us()};
    struct work w = {.it = it, .until = o->until ? o->until : INT64_MAX, .p = p, .o = o, .m = &m};
    enum err_code code = number_rows(&w, err);
    if (code == ERR_OK)
        code = build_matrices(&w, err);
    if (code == ERR_OK)
        code = fit_popularity(&w, err);
    if (code == ERR_OK)
        code = fit_alike(&w, err);
    tell(&w, factors_from);
    if (code == ERR_OK)
        code = fit_factors(&w, err);
    tell(&w, factors_to);
    if (code == ERR_OK)
        code = fit_neighbours(&w, &w.by_user, SHOPPER_MAX, &m.near, err);
    if (code == ERR_OK)
        code = fit_neighbours(&w, &w.baskets, BASKET_MAX, &m.with, err);
    if (code == ERR_OK)
        code = fit_next(&w, err);
    if (code == ERR_OK)
        code = fit_sessions(&w, err);
    if (code == ERR_OK)
        code = fit_again(&w, err);
    if (code == ERR_OK)
        code = fit_histories(&w, err);
    mem_free(w.row_of);
    mem_free(w.user_of);
    matrix_release(&w.by_user);
    matrix_release(&w.by_item);
    matrix_release(&w.baskets);
    recommend_content_release(&w.content);
    if (code != ERR_OK) {
        recommend_fit_release(&m);
        return code;
    }
    *out = m;
    return ERR_OK;
}

static void free_lists(const struct neighbour_lists *l)
{
    free_owned(l->offsets);
    free_owned(l->rows);
    free_owned(l->scores);
}

void recommend_fit_release(struct recommend_model *m)
{
    CHECK(!m->file);
    free_owned(m->items);
    free_owned(m->popularity);
    free_owned(m->again_days);
    free_owned(m->again_share);
    free_owned(m->spectrum);
    free_owned(m->fold_in);
    free_lists(&m->graph);
    vectors_release(&m->vectors);
    free_lists(&m->near);
    free_lists(&m->with);
    free_lists(&m->next);
    free_lists(&m->alike);
    content_tower_release(&m->content);
    session_index_release(&m->sessions);
    free_owned(m->user_no);
    free_owned(m->history_offsets);
    free_owned(m->history_acts);
    free_owned(m->history_days);
    *m = (struct recommend_model){0};
}
