#include "train/boost.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xgboost/c_api.h>
#include <xgboost/version_config.h>

#include "base/check.h"
#include "base/mem.h"

struct boost {
    DMatrixHandle fit, watch; /* owned; watch may be NULL */
    BoosterHandle booster;    /* owned */
    size_t fit_n, watch_n;
    uint32_t rounds;
};

/* The library's message is a stack trace below its first line, which begins with time and place: what
 * stands behind the last ": " of that line tells most. */
static enum err_code told(struct err *err, enum err_code code, const char *what)
{
    const char *all = XGBGetLastError();
    char line[160];
    size_t n = 0;
    while (all[n] && all[n] != '\n' && n + 1 < sizeof line)
        n++;
    memcpy(line, all, n);
    line[n] = '\0';
    return err_set(err, code, "XGBoost, %s: %s", what, line);
}

static enum err_code set_up(struct boost *b, const struct boost_params *p, struct err *err)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"max_depth", p->depth},
        {"eta", (double)p->eta},
        {"min_child_weight", (double)p->leaf_hessian},
        {"lambda", (double)p->lambda},
        {"subsample", (double)p->rows},
        {"colsample_bytree", (double)p->columns},
        {"seed", (double)(p->seed & INT32_MAX)},
        {"nthread", p->threads},
        {"base_score", 0},
        {"verbosity", 0},
    };
    char text[40];
    /* the objective stands for the identity between margin and prediction: gradients are ours */
    if (XGBoosterSetParam(b->booster, "objective", "reg:squarederror") != 0 ||
        XGBoosterSetParam(b->booster, "tree_method", "hist") != 0)
        return told(err, ERR_INTERNAL, "its parameters");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(text, sizeof text, "%.9g", numbers[i].value);
        if (XGBoosterSetParam(b->booster, numbers[i].name, text) != 0)
            return told(err, ERR_INVALID, numbers[i].name);
    }
    return ERR_OK;
}

static enum err_code take_rows(const struct boost_rows *rows, unsigned threads, DMatrixHandle *out,
                               struct err *err)
{
    CHECK(rows->n >= 1 && rows->features >= 1);
    if (XGDMatrixCreateFromMat_omp(rows->x, rows->n, rows->features, NAN, out, (int)threads) != 0)
        return told(err, ERR_INVALID, "the rows");
    return ERR_OK;
}

enum err_code boost_new(const struct boost_rows *fit, const struct boost_rows *watch,
                        const struct boost_params *p, struct boost **out, struct err *err)
{
    struct boost *b = MEM_NEW(struct boost);
    b->fit_n = fit->n;
    enum err_code code = take_rows(fit, p->threads, &b->fit, err);
    if (code == ERR_OK && watch) {
        b->watch_n = watch->n;
        code = take_rows(watch, p->threads, &b->watch, err);
    }
    if (code == ERR_OK) {
        /* the margins of matrices that it knows from the start are kept up to date tree by tree */
        DMatrixHandle known[] = {b->fit, b->watch};
        if (XGBoosterCreate(known, watch ? 2 : 1, &b->booster) != 0)
            code = told(err, ERR_MEMORY, "a booster");
    }
    if (code == ERR_OK)
        code = set_up(b, p, err);
    if (code == ERR_OK)
        *out = b;
    else
        boost_free(b);
    return code;
}

void boost_free(struct boost *b)
{
    if (!b)
        return;
    if (b->booster)
        XGBoosterFree(b->booster);
    if (b->fit)
        XGDMatrixFree(b->fit);
    if (b->watch)
        XGDMatrixFree(b->watch);
    mem_free(b);
}

#if XGBOOST_VER_MAJOR > 2 || (XGBOOST_VER_MAJOR == 2 && XGBOOST_VER_MINOR >= 1)
/* n floats as the library's "array interface" (numpy's protocol of that name, version 3). */
static int one_round(struct boost *b, float *gradient, float *hessian)
{
    char arrays[2][160];
    const float *data[] = {gradient, hessian};
    for (size_t i = 0; i < 2; i++)
        snprintf(arrays[i], sizeof arrays[i],
                 "{\"data\":[%zu,true],\"shape\":[%zu,1],\"typestr\":\"<f4\",\"version\":3}",
                 (size_t)(uintptr_t)data[i], b->fit_n);
    return XGBoosterTrainOneIter(b->booster, b->fit, (int)b->rounds, arrays[0], arrays[1]);
}
#else
static int one_round(struct boost *b, float *gradient, float *hessian)
{
    return XGBoosterBoostOneIter(b->booster, b->fit, gradient, hessian, b->fit_n);
}
#endif

enum err_code boost_round(struct boost *b, float *gradient, float *hessian, struct err *err)
{
    if (one_round(b, gradient, hessian) != 0)
        return told(err, ERR_INTERNAL, "a tree");
    b->rounds++;
    return ERR_OK;
}

static enum err_code margins(struct boost *b, DMatrixHandle of, size_t n, float *out,
                             struct err *err)
{
    static const char how[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,"
                              "\"iteration_end\":0,\"strict_shape\":false}";
    const bst_ulong *shape;
    bst_ulong dims;
    const float *values;
    if (XGBoosterPredictFromDMatrix(b->booster, of, how, &shape, &dims, &values) != 0)
        return told(err, ERR_INTERNAL, "margins");
    CHECK(dims >= 1 && shape[0] == n);
    memcpy(out, values, n * sizeof *out);
    return ERR_OK;
}

enum err_code boost_fit_margins(struct boost *b, float *out, struct err *err)
{
    return margins(b, b->fit, b->fit_n, out, err);
}

enum err_code boost_watch_margins(struct boost *b, float *out, struct err *err)
{
    CHECK(b->watch);
    return margins(b, b->watch, b->watch_n, out, err);
}

enum err_code boost_json(struct boost *b, uint32_t from, uint32_t to, struct buf *out,
                         struct err *err)
{
    BoosterHandle some = NULL;
    const char *text;
    bst_ulong n;
    enum err_code code = ERR_OK;
    CHECK(from < to && to <= b->rounds);
    if (XGBoosterSlice(b->booster, (int)from, (int)to, 1, &some) != 0)
        return told(err, ERR_INTERNAL, "some of the trees");
    if (XGBoosterSaveModelToBuffer(some, "{\"format\":\"json\"}", &n, &text) != 0) {
        code = told(err, ERR_INTERNAL, "the trees as JSON");
    } else {
        buf_put(out, text, n);
        code = buf_ok(out, "the ranker's trees", err);
    }
    XGBoosterFree(some);
    return code;
}
