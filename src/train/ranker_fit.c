#include "train/ranker_fit.h"

#include "base/mem.h"
#include "base/signal.h"
#include "num/trees.h"
#include "train/boost.h"

enum { GRAIN = 4096, TREE_BYTES_MAX = 4 << 20 };

/* Rows whose margins follow the trees. */
struct watch {
    float *x;     /* [FEATURES][n], owned */
    float *added; /* [n] by the newest tree, owned */
    float *sum;   /* [n] by all trees, owned */
    size_t n;
};

struct fitting {
    const struct ranker_options *o;
    struct pool *pool;
    struct boost *boost;
    struct ranked learn, tune;
    float *margins, *gradient, *hessian; /* [documents to learn from] */
    struct watch watch;                  /* the documents to tune with */
    struct buf json;                     /* of the newest tree */
    double *ndcg;                        /* [rounds] of the tune half, by so many trees and one */
    uint32_t best;                       /* so many trees have the greatest */
    uint32_t grown;
};

/* --- watching -------------------------------------------------------------------------------- */

static enum err_code watch_init(struct watch *w, const struct ranker_examples *e, struct err *err)
{
    w->n = e->len;
    w->x = mem_try_new(w->n * FEATURES, sizeof *w->x);
    w->added = mem_try_new(w->n, sizeof *w->added);
    w->sum = mem_try_new(w->n, sizeof *w->sum);
    if (!w->x || !w->added || !w->sum)
        return err_set(err, ERR_MEMORY, "no memory for %zu examples", w->n);
    for (size_t i = 0; i < w->n; i++)
        for (size_t f = 0; f < FEATURES; f++)
            w->x[f * w->n + i] = e->x[i * FEATURES + f];
    return ERR_OK;
}

static void watch_release(struct watch *w)
{
    mem_free(w->x);
    mem_free(w->added);
    mem_free(w->sum);
}

struct adding {
    struct watch *watch;
    const struct trees *tree;
};

static void add_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct adding *a = arg;
    struct watch *w = a->watch;
    (void)lane;
    trees_score(a->tree, w->x + begin, w->n, end - begin, w->added + begin);
    for (size_t i = begin; i < end; i++)
        w->sum[i] += w->added[i];
}

/* The newest tree of the booster. */
static enum err_code watch_newest(struct fitting *f, struct err *err)
{
    struct trees tree;
    struct adding adding = {&f->watch, &tree};
    buf_reset(&f->json);
    enum err_code code = boost_json(f->boost, f->grown, f->grown + 1, &f->json, err);
    if (code == ERR_OK)
        code = trees_read(buf_str(&f->json), &tree, err);
    if (code != ERR_OK)
        return code;
    pool_for(f->pool, f->watch.n, GRAIN, add_range, &adding);
    trees_release(&tree);
    return ERR_OK;
}

/* --- fitting --------------------------------------------------------------------------------- */

static enum err_code fitting_init(struct fitting *f, const struct ranker_examples *learn,
                                  const struct ranker_examples *tune, struct err *err)
{
    struct boost_rows rows = {learn->x, learn->len, FEATURES};
    buf_init(&f->json, TREE_BYTES_MAX);
    f->learn = ranker_examples_ranked(learn);
    f->tune = ranker_examples_ranked(tune);
    f->margins = mem_try_new(rows.n, sizeof *f->margins);
    f->gradient = mem_try_new(rows.n, sizeof *f->gradient);
    f->hessian = mem_try_new(rows.n, sizeof *f->hessian);
    f->ndcg = mem_try_new(f->o->rounds, sizeof *f->ndcg);
    if (!f->margins || !f->gradient || !f->hessian || !f->ndcg)
        return err_set(err, ERR_MEMORY, "no memory for %zu examples", rows.n);
    enum err_code code = watch_init(&f->watch, tune, err);
    return code == ERR_OK ? boost_new(&rows, NULL, &f->o->trees, &f->boost, err) : code;
}

static void fitting_release(struct fitting *f)
{
    boost_free(f->boost);
    watch_release(&f->watch);
    buf_release(&f->json);
    mem_free(f->margins);
    mem_free(f->gradient);
    mem_free(f->hessian);
    mem_free(f->ndcg);
}

/* One more tree, and how well the tune half is ordered then. */
static enum err_code add_tree(struct fitting *f, struct err *err)
{
    size_t k = f->o->k;
    enum err_code code = signal_check(err);
    if (code == ERR_OK)
        code = boost_fit_margins(f->boost, f->margins, err);
    if (code == ERR_OK)
        code = lambdamart_gradients(&f->learn, k, f->margins, f->gradient, f->hessian, err);
    if (code == ERR_OK)
        code = boost_round(f->boost, f->gradient, f->hessian, err);
    if (code == ERR_OK)
        code = watch_newest(f, err);
    return code == ERR_OK ? ranked_ndcg(&f->tune, k, f->watch.sum, NULL, &f->ndcg[f->grown], err)
                          : code;
}

/* Until the tune half has not gained for long enough. */
static enum err_code grow(struct fitting *f, struct err *err)
{
    enum err_code code = ERR_OK;
    while (f->grown < f->o->rounds && code == ERR_OK && f->grown < f->best + f->o->patience) {
        code = add_tree(f, err);
        if (code == ERR_OK && (f->grown == 0 || f->ndcg[f->grown] > f->ndcg[f->best - 1]))
            f->best = f->grown + 1;
        f->grown += code == ERR_OK;
    }
    return code;
}

/* The fewest trees that are nearly as good. */
static uint32_t trim(const struct fitting *f)
{
    double share = (double)f->o->trim;
    uint32_t trees = f->best < RANKER_FEW_TREES ? f->best : RANKER_FEW_TREES;
    if (!(share > 0))
        return f->best;
    while (f->ndcg[trees - 1] < f->ndcg[f->best - 1] * (1 - share))
        trees++;
    return trees;
}

enum err_code ranker_fit(const struct ranker_examples *learn, const struct ranker_examples *tune,
                         const struct ranker_options *o, struct pool *pool, struct buf *json,
                         struct ranker_fit *out, struct err *err)
{
    struct fitting f = {.o = o, .pool = pool};
    enum err_code code = fitting_init(&f, learn, tune, err);
    if (code == ERR_OK)
        code = grow(&f, err);
    if (code == ERR_OK) {
        uint32_t kept = trim(&f), few = f.grown < RANKER_FEW_TREES ? f.grown : RANKER_FEW_TREES;
        *out = (struct ranker_fit){.best = f.best,
                                   .kept = kept,
                                   .best_ndcg = f.ndcg[f.best - 1],
                                   .kept_ndcg = f.ndcg[kept - 1],
                                   .few_ndcg = f.ndcg[few - 1]};
        code = boost_json(f.boost, 0, kept, json, err);
    }
    fitting_release(&f);
    return code;
}
