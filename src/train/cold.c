#include "train/cold.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "num/vec.h"
#include "recommend/factors.h"
#include "recommend/weights.h"
#include "train/recommend_content.h"

const char *cold_model_name(enum cold_model m)
{
    static const char *const names[COLD_MODELS] = {[COLD_TOWER] = "tower",
                                                   [COLD_CONTENT] = "content",
                                                   [COLD_TITLES] = "titles",
                                                   [COLD_POPULARITY] = "popularity"};
    CHECK((unsigned)m < COLD_MODELS);
    return names[m];
}

float cold_alike(void)
{
    const struct placement_weights *home = &recommend_weights_default.of[PLACEMENT_HOME];
    return home->profile_alike / home->factors;
}

/* --- dealing --------------------------------------------------------------------------------- */

enum part { PART_WARM, PART_COLD, PART_AWAY };

struct deal {
    uint8_t *part; /* [numbers] enum part by product_no, owned */
    uint32_t numbers;
    struct interactions past, truth;
    struct content_catalogue catalogue;
};

static enum part part_of_fold(uint32_t fold, uint32_t measured)
{
    return fold == measured ? PART_COLD : fold == 0 ? PART_AWAY : PART_WARM;
}

static enum err_code deal_products(const struct content_catalogue *c, const struct cold_options *o,
                                   int64_t now, struct deal *d, struct err *err)
{
    enum err_code code = ERR_OK;
    for (uint32_t i = 0; i < c->len && code == ERR_OK; i++) {
        struct content_product p = c->products[i];
        enum part part = part_of_fold((uint32_t)(p.group % COLD_FOLDS), o->fold);
        d->part[p.product_no] = (uint8_t)part;
        if (part == PART_AWAY)
            continue;
        if (part == PART_COLD)
            p.created_at = now;
        code = content_catalogue_add(&d->catalogue, &p, c->features + c->offsets[i],
                                     (size_t)(c->offsets[i + 1] - c->offsets[i]), err);
    }
    return code;
}

static enum err_code deal_acts(const struct interactions *acts, struct deal *d, struct err *err)
{
    const struct derive_options by = derive_defaults();
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < acts->len && code == ERR_OK; i++) {
        enum part part = (enum part)d->part[acts->product_no[i]];
        struct interactions *to = part == PART_COLD ? &d->truth : &d->past;
        if (part != PART_AWAY && acts->user_no[i])
            code = interactions_append(to, acts->user_no[i], acts->product_no[i], acts->time[i],
                                       acts->weight[i], (enum event_type)acts->type[i],
                                       acts->quantity[i], err);
    }
    if (code == ERR_OK)
        code = interactions_sort(&d->past, &by, err);
    return code == ERR_OK ? interactions_sort(&d->truth, &by, err) : code;
}

static enum err_code deal_out(const struct interactions *acts, const struct content_catalogue *c,
                              const struct cold_options *o, struct deal *d, struct err *err)
{
    uint32_t last = c->len ? c->products[c->len - 1].product_no : 0;
    d->numbers = acts->products_end > last ? acts->products_end : last + 1;
    d->part = mem_try_new(d->numbers, sizeof *d->part);
    if (!d->part)
        return err_set(err, ERR_MEMORY, "no memory for %u products", d->numbers);
    enum err_code code = deal_products(c, o, acts->last_time, d, err);
    if (code == ERR_OK)
        code = deal_acts(acts, d, err);
    if (code == ERR_OK && (d->past.len == 0 || d->truth.len == 0))
        code =
            err_set(err, ERR_INVALID, "nobody had a product of fold %u, or nothing else", o->fold);
    return code;
}

static void deal_release(struct deal *d)
{
    mem_free(d->part);
    interactions_release(&d->past);
    interactions_release(&d->truth);
    content_catalogue_release(&d->catalogue);
}

/* --- ranking --------------------------------------------------------------------------------- */

struct scorer {
    enum cold_model kind;
    const struct recommend_model *m;
    const struct deal *d;
    float alike;
    bool among;            /* cold products alone */
    struct matrix titles;  /* [rows][words] */
    struct matrix by_word; /* its transpose */
    float *popularity;     /* [rows] shoppers, owned */
};

static enum err_code score_factors(const struct scorer *r, const struct holdout_past *p,
                                   struct arena *arena, float *scores, struct err *err)
{
    const struct recommend_model *m = r->m;
    float *x = arena_try_alloc(arena, m->dim * sizeof *x);
    if (!x)
        return err_set(err, ERR_LIMIT, "a shopper's factors do not fit");
    enum err_code code = factors_fold_in(m, p->rows, p->weights, p->len, arena, x, err);
    if (code == ERR_OK)
        vec->dot_rows(x, m->vectors.exact, m->dim, m->dim, NULL, m->rows, scores);
    return code;
}

static void score_lists(const struct scorer *r, const struct holdout_past *p, float *scores)
{
    const struct neighbour_lists *l = &r->m->alike;
    memset(scores, 0, r->m->rows * sizeof *scores);
    for (size_t i = 0; i < p->len; i++)
        for (uint32_t k = l->offsets[p->rows[i]]; k < l->offsets[p->rows[i] + 1]; k++)
            scores[l->rows[k]] += p->weights[i] * l->scores[k];
}

/* Of what the shopper does not have the best is 1 then. */
static void scale_to_one(const struct scorer *r, const struct holdout_past *p, float *scores)
{
    float most = 0;
    for (size_t i = 0; i < p->len; i++)
        scores[p->rows[i]] = 0;
    for (uint32_t row = 0; row < r->m->rows; row++)
        most = scores[row] > most ? scores[row] : most;
    if (most > 0)
        vec->scale(1 / most, scores, r->m->rows);
}

static enum err_code score_content(const struct scorer *r, const struct holdout_past *p,
                                   struct arena *arena, float *scores, struct err *err)
{
    float *lists = arena_try_alloc(arena, r->m->rows * sizeof *lists);
    if (!lists)
        return err_set(err, ERR_LIMIT, "the scores of %u products do not fit", r->m->rows);
    enum err_code code = score_factors(r, p, arena, scores, err);
    if (code != ERR_OK)
        return code;
    score_lists(r, p, lists);
    scale_to_one(r, p, scores);
    scale_to_one(r, p, lists);
    vec->axpy(r->alike, lists, scores, r->m->rows);
    return ERR_OK;
}

static enum err_code score_titles(const struct scorer *r, const struct holdout_past *p,
                                  struct arena *arena, float *scores, struct err *err)
{
    const struct matrix *t = &r->titles, *w = &r->by_word;
    float *words = arena_try_alloc(arena, (t->columns + 1) * sizeof *words);
    if (!words)
        return err_set(err, ERR_LIMIT, "the words of %u products do not fit", t->rows);
    memset(words, 0, t->columns * sizeof *words);
    memset(scores, 0, t->rows * sizeof *scores);
    for (size_t i = 0; i < p->len; i++)
        for (uint64_t k = t->offsets[p->rows[i]]; k < t->offsets[p->rows[i] + 1]; k++)
            words[t->column[k]] += p->weights[i] * t->value[k];
    for (uint32_t word = 0; word < t->columns; word++)
        for (uint64_t k = w->offsets[word]; words[word] > 0 && k < w->offsets[word + 1]; k++)
            scores[w->column[k]] += words[word] * w->value[k];
    return ERR_OK;
}

static void keep_best(const struct scorer *r, const float *scores, struct holdout_past *p)
{
    struct topk top;
    topk_init(&top, p->best, p->want);
    for (uint32_t row = 0; row < r->m->rows; row++)
        if (scores[row] > 0 && (!r->among || r->d->part[r->m->items[row]] == PART_COLD))
            topk_push(&top, scores[row], row);
    p->found = topk_finish(&top);
}

static enum err_code rank(const void *model, struct holdout_past *pasts, size_t n,
                          struct arena *arena, struct err *err)
{
    const struct scorer *r = model;
    enum err_code code = ERR_OK;
    float *scores = arena_try_alloc(arena, r->m->rows * sizeof *scores);
    if (!scores)
        return err_set(err, ERR_LIMIT, "the scores of %u products do not fit", r->m->rows);
    for (struct holdout_past *p = pasts; p < pasts + n && code == ERR_OK; p++) {
        switch (r->kind) {
        case COLD_TOWER:
            code = score_factors(r, p, arena, scores, err);
            break;
        case COLD_CONTENT:
            code = score_content(r, p, arena, scores, err);
            break;
        case COLD_TITLES:
            code = score_titles(r, p, arena, scores, err);
            break;
        case COLD_POPULARITY:
        case COLD_MODELS:
            memcpy(scores, r->popularity, r->m->rows * sizeof *scores);
            break;
        }
        if (code == ERR_OK)
            keep_best(r, scores, p);
    }
    return code;
}

/* --- measuring ------------------------------------------------------------------------------- */

static enum err_code prepare(struct scorer *r, struct err *err)
{
    const struct content_catalogue *c = &r->d->catalogue;
    const struct interactions *past = &r->d->past;
    struct content_tower words = {0};
    unsigned kinds = 1u << CONTENT_WORD;
    uint32_t *rows = mem_try_new(c->len, sizeof *rows);
    r->popularity = mem_try_new(r->m->rows, sizeof *r->popularity);
    enum err_code code = rows && r->popularity
                             ? content_vocabulary(c, kinds, RECOMMEND_FEATURES_MAX, &words, err)
                             : err_set(err, ERR_MEMORY, "no memory for %u products", c->len);
    for (uint32_t i = 0; i < c->len && code == ERR_OK; i++)
        rows[i] = recommend_model_row(r->m, c->products[i].product_no);
    if (code == ERR_OK)
        code = content_matrix(&words, c, kinds, rows, r->m->rows, &r->titles, err);
    if (code == ERR_OK)
        code = matrix_transpose(&r->titles, &r->by_word, err);
    for (size_t i = 0; i < past->len && code == ERR_OK; i++)
        r->popularity[recommend_model_row(r->m, past->product_no[i])]++;
    content_tower_release(&words);
    mem_free(rows);
    return code;
}

static enum err_code measure_all(struct scorer *r, const struct cold_options *o,
                                 struct cold_result *out, struct err *err)
{
    const struct deal *d = r->d;
    uint32_t users =
        d->past.users_end > d->truth.users_end ? d->past.users_end : d->truth.users_end;
    struct holdout_options how = {
        .k = o->k, .users = users - 1, .items = d->numbers - 1, .pool = o->pool};
    struct holdout_model held = {
        .items = r->m->items, .rows = r->m->rows, .rank = rank, .model = r};
    enum err_code code = ERR_OK;
    for (int kind = 0; kind < COLD_MODELS && code == ERR_OK; kind++) {
        r->kind = (enum cold_model)kind;
        r->among = false;
        code = holdout_measure(&held, &d->past, &d->truth, &how, &out->together[kind], err);
        r->among = true;
        if (code == ERR_OK)
            code = holdout_measure(&held, &d->past, &d->truth, &how, &out->among[kind], err);
    }
    return code;
}

static enum err_code fit_and_measure(const struct deal *d, const struct cold_options *o,
                                     struct cold_result *out, struct err *err)
{
    struct recommend_model m;
    struct fit_options fit = {.catalogue = &d->catalogue, .pool = o->pool};
    enum err_code code = recommend_fit(&d->past, &o->params, &fit, &m, err);
    if (code != ERR_OK)
        return code;
    struct scorer r = {.m = &m, .d = d, .alike = o->alike};
    if (m.dim == 0)
        code = err_set(err, ERR_INVALID, "too little data for a factor model");
    if (code == ERR_OK)
        code = prepare(&r, err);
    if (code == ERR_OK)
        code = measure_all(&r, o, out, err);
    matrix_release(&r.titles);
    matrix_release(&r.by_word);
    mem_free(r.popularity);
    recommend_fit_release(&m);
    return code;
}

enum err_code cold_measure(const struct interactions *acts,
                           const struct content_catalogue *catalogue, const struct cold_options *o,
                           struct cold_result *out, struct err *err)
{
    struct deal d = {0};
    CHECK(o->fold < COLD_FOLDS);
    *out = (struct cold_result){0};
    enum err_code code = deal_out(acts, catalogue, o, &d, err);
    out->products = d.catalogue.len;
    for (uint32_t i = 0; i < d.catalogue.len; i++)
        out->cold += d.part[d.catalogue.products[i].product_no] == PART_COLD;
    out->acts = d.past.len;
    out->cold_acts = d.truth.len;
    if (code == ERR_OK)
        code = fit_and_measure(&d, o, out, err);
    deal_release(&d);
    return code;
}
