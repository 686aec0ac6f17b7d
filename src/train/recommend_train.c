#include "train/recommend_train.h"

#include <stdio.h>
#include <time.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/engine.h"
#include "recommend/experiment_set.h"
#include "recommend/features.h"
#include "store/models.h"
#include "train/content.h"
#include "train/manifest.h"

enum { EVALUATE_K = 10, USERS_MAX_DEFAULT = 20000, SEARCH_USERS_MAX = 3000, LOCK_TRIES = 600 };

#define TEST_SHARE_DEFAULT 0.2

/* --- versions -------------------------------------------------------------------------------- */

static enum err_code family_dir(const struct store *store, char out[FS_PATH_MAX], struct err *err)
{
    return fs_join(out, store_dir(store), "models/recommend", err);
}

/* "20261123T180000-1": sorts by age, and counts where a second has several. */
static enum err_code new_version(const char *dir, char version[VERSION_SIZE], struct err *err)
{
    struct clock_civil c = clock_civil_of(clock_now_us());
    enum err_code code = ERR_OK;
    for (int n = 1; code == ERR_OK; n++) {
        char path[FS_PATH_MAX];
        struct fs_info info;
        snprintf(version, VERSION_SIZE, "%04d%02d%02dT%02d%02d%02d-%d", c.year, c.month, c.day,
                 c.hour, c.minute, c.second, n);
        code = fs_join(path, dir, version, err);
        if (code == ERR_OK)
            code = fs_stat(path, &info, err);
        if (code == ERR_OK && !info.exists)
            return ERR_OK;
    }
    return code;
}

/* --- training -------------------------------------------------------------------------------- */

struct run {
    struct store *store;
    const struct train_options *o; /* with the parameters that a search has found */
    struct pool *pool;
    struct interactions it;
    struct engine *engine;
    struct view *view; /* of the shop, to measure lists in */
    struct content_catalogue catalogue;
    struct live_model live;
    struct recommend_model before; /* by these parameters, of the acts before `split`; owned */
    int64_t split;                 /* 0: there is none */
    struct train_result *r;
    struct buf ranker; /* the file; empty: none */
    double from, to;   /* of the whole, that the step takes which runs now */
    const char *what;
    int64_t begin_ns;
};

static void tell(void *arg, double done)
{
    const struct run *run = arg;
    if (run->o->progress)
        run->o->progress(run->o->progress_arg, run->from + done * (run->to - run->from), run->what);
}

/* From here on it is this step, which goes up to a share of the whole. */
static void begin_step(struct run *run, double to, const char *what)
{
    run->from = run->to;
    run->to = to;
    run->what = what;
    tell(run, 0);
}

/* Only a fit on everything may begin with what serves: that knows the acts that a measured copy is to foretell. A
 * refit's measured copy is to foretell only what came after them. */
static enum err_code fit(struct run *run, int64_t until, const struct recommend_params *p,
                         struct recommend_model *out, struct err *err)
{
    bool refit = train_is_refit(run->r);
    bool warm =
        refit || (until == 0 && run->o->until == 0 && !run->o->cold_start && run->live.version[0]);
    struct fit_options o = {.catalogue = &run->catalogue,
                            .start = warm ? &run->live.model : NULL,
                            .warm = refit ? REFIT_ITERATIONS : 0,
                            .until = until,
                            .pool = run->pool,
                            .progress = tell,
                            .progress_arg = run};
    return recommend_fit(&run->it, p, &o, out, err);
}

static double since(int64_t *from_ns)
{
    int64_t now = clock_mono_ns();
    double s = (double)(now - *from_ns) / 1e9;
    *from_ns = now;
    return s;
}

static enum err_code find_split(const struct run *run, int64_t *split, struct err *err)
{
    double share = run->o->test_share > 0 ? run->o->test_share : TEST_SHARE_DEFAULT;
    return recommend_split(&run->it, 1 - share, split, err);
}

/* The ranker begins at the same split: what was fitted there is kept for it. */
static void keep(struct run *run, int64_t split, struct recommend_model *m)
{
    int64_t wanted;
    if (run->split || find_split(run, &wanted, NULL) != ERR_OK || split != wanted) {
        recommend_fit_release(m);
        return;
    }
    run->before = *m;
    run->split = split;
}

/* Fit on what came before the split and measure what came after, beside a rival if there is one. */
static enum err_code measure(struct run *run, int64_t split, const struct recommend_model *rival,
                             int64_t rival_until, struct recommend_evaluation *out, struct err *err)
{
    const struct train_options *o = run->o;
    struct evaluate_options how = {.split = split,
                                   .k = EVALUATE_K,
                                   .users_max = o->users_max ? o->users_max : USERS_MAX_DEFAULT,
                                   .seed = o->params.seed,
                                   .pool = run->pool,
                                   .weights = o->weights,
                                   .rival = rival,
                                   .rival_until = rival_until};
    struct recommend_model m;
    enum err_code code = fit(run, split, &o->params, &m, err);
    if (code == ERR_INVALID && run->it.len) {
        *out = (struct recommend_evaluation){.k = EVALUATE_K, .split = split};
        return ERR_OK; /* all acts are at one moment: nothing came before */
    }
    if (code != ERR_OK)
        return code;
    code = recommend_evaluate(&run->it, run->view, &m, &how, out, err);
    keep(run, split, &m);
    return code;
}

/* The live model has seen acts after the split: measured there it would foretell what it knows. Its
 * parameters are measured in its place, and it itself on the acts that it has not seen. */
static enum err_code measure_recipe(struct run *run, int64_t split, struct err *err)
{
    struct train_result *r = run->r;
    const struct live_model *live = &run->live;
    struct recommend_evaluation after;
    struct recommend_model recipe;
    bool same = recommend_params_equal(&live->params, &run->o->params);
    enum err_code code = ERR_OK;
    if (!same) {
        begin_step(run, 0.25, "fitting the live parameters");
        code = fit(run, split, &live->params, &recipe, err);
    }
    if (code == ERR_INVALID && run->it.len)
        same = true; /* nothing came before the split: nobody is measured */
    else if (code != ERR_OK)
        return code;
    begin_step(run, 0.4, "measuring");
    code = measure(run, split, same ? NULL : &recipe, 0, &r->evaluation, err);
    if (!same)
        recommend_fit_release(&recipe);
    if (code != ERR_OK)
        return code;
    if (same)
        gate_same_parameters(&r->gates, &r->evaluation);
    else
        gate_rival(&r->gates, GATE_LIVE_PARAMETERS, &r->evaluation);
    if (recommend_shoppers_across(&run->it, live->last_time + 1) < GATE_USERS_MIN)
        return ERR_OK;
    begin_step(run, 0.5, "measuring what the live model has not seen");
    code = measure(run, live->last_time + 1, &live->model, 0, &after, err);
    if (code == ERR_OK)
        gate_rival(&r->gates, GATE_LIVE_MODEL, &after);
    return code;
}

/* Better parameters, found on what lies before the part that the gates measure. */
static enum err_code search(struct run *run, struct train_options *own, struct err *err)
{
    struct search_options how = {.start = run->live.version[0] ? run->live.params : own->params,
                                 .budget_s = own->search_s,
                                 .k = EVALUATE_K,
                                 .users_max = SEARCH_USERS_MAX,
                                 .weights = own->weights,
                                 .catalogue = &run->catalogue,
                                 .pool = run->pool,
                                 .progress = tell,
                                 .progress_arg = run};
    enum err_code code = find_split(run, &how.until, err);
    begin_step(run, 0.2, "searching for parameters");
    if (code == ERR_OK)
        code = recommend_search(&run->it, run->view, &how, &run->r->search, err);
    if (code == ERR_OK)
        own->params = run->r->search.best;
    return code;
}

/* Against what serves, on what shoppers did since. */
static enum err_code measure_refit(struct run *run, struct err *err)
{
    struct train_result *r = run->r;
    begin_step(run, 0.5, "measuring");
    enum err_code code =
        measure(run, run->live.last_time + 1, &run->live.model, 0, &r->evaluation, err);
    if (code == ERR_OK)
        gate_rival(&r->gates, GATE_LIVE_MODEL, &r->evaluation);
    return code;
}

static enum err_code evaluate(struct run *run, struct err *err)
{
    struct train_result *r = run->r;
    const struct live_model *live = &run->live;
    int64_t split;
    bool serves = live->version[0] != '\0';
    enum err_code code = find_split(run, &split, err);
    if (code == ERR_OK && train_is_refit(r)) {
        code = measure_refit(run, err);
    } else if (code == ERR_OK && serves && live->last_time >= split) {
        code = measure_recipe(run, split, err);
    } else if (code == ERR_OK) {
        begin_step(run, 0.5, "measuring");
        code = measure(run, split, serves ? &live->model : NULL, live->last_time + 1,
                       &r->evaluation, err);
        if (code == ERR_OK && serves)
            gate_rival(&r->gates, GATE_LIVE_MODEL, &r->evaluation);
    }
    if (code != ERR_OK)
        return code;
    gate_popularity(&r->gates, &r->evaluation);
    gates_judge(&r->gates, live, &r->evaluation, run->o->until);
    return ERR_OK;
}

/* Fewer acts than this teach no order. */
enum { RANKER_ACTS_MIN = 2000 };

/* A shop where nothing came before the moments has none. */
static enum err_code learn_ranker(struct run *run, struct err *err)
{
    const struct train_options *o = run->o;
    struct ranker_options how = ranker_options_of(&o->params);
    struct shown_lists shown = {0};
    struct ranker_data d = {.view = run->view,
                            .catalogue = &run->catalogue,
                            .it = &run->it,
                            .params = &o->params,
                            .weights = o->weights,
                            .shown = &shown,
                            .until = INT64_MAX,
                            .pool = run->pool};
    double share = o->test_share > 0 ? o->test_share : TEST_SHARE_DEFAULT;
    if (o->no_ranker || run->it.len < RANKER_ACTS_MIN || train_is_refit(run->r))
        return ERR_OK;
    begin_step(run, 0.7, "learning the order of lists");
    enum err_code code = ranker_moments(&d, 1, share, err);
    if (code != ERR_OK || run->it.first_time >= d.fit_at)
        return code;
    d.valid_model = run->split == d.valid_at ? &run->before : NULL;
    code = ranker_shown_read(run->store, &d, &shown, err);
    if (code == ERR_OK)
        code = ranker_train(&d, &how, &run->ranker, &run->r->ranker, err);
    shown_lists_release(&shown);
    return code;
}

/* A training of the server's and one by hand may write at the same time: one after the other. */
static enum err_code lock_family(const char *dir, struct fs_lock *lock, struct err *err)
{
    static const struct timespec pause = {0, 100000000};
    char path[FS_PATH_MAX];
    enum err_code code = fs_join(path, dir, ".lock", err);
    if (code != ERR_OK)
        return code;
    for (int i = 0; (code = fs_lock_file(lock, path, err)) == ERR_CONFLICT && i < LOCK_TRIES; i++)
        nanosleep(&pause, NULL);
    return code;
}

static enum err_code write_locked(struct run *run, const char *dir, const struct recommend_model *m,
                                  struct err *err)
{
    char aside[FS_PATH_MAX], final[FS_PATH_MAX], path[FS_PATH_MAX];
    enum err_code code = new_version(dir, run->r->version, err);
    if (code == ERR_OK)
        code = fs_join(aside, dir, ".training", err);
    if (code == ERR_OK)
        code = fs_remove_tree(aside, err); /* of a training that was killed */
    if (code == ERR_OK)
        code = fs_mkdirs(aside, err);
    if (code == ERR_OK)
        code = fs_join(path, aside, MODEL_FILE, err);
    if (code == ERR_OK)
        code = recommend_model_write(m, path, err);
    if (code == ERR_OK && run->ranker.len)
        code = fs_join(path, aside, RANKER_FILE, err);
    if (code == ERR_OK && run->ranker.len)
        code = fs_write_file_atomic(path, run->ranker.data, run->ranker.len, err);
    if (code == ERR_OK)
        code = manifest_write(aside, run->o, &run->it, m, run->r, err);
    if (code == ERR_OK)
        code = fs_join(final, dir, run->r->version, err);
    return code == ERR_OK ? fs_rename(aside, final, err) : code;
}

static enum err_code write_version(struct run *run, const struct recommend_model *m,
                                   struct err *err)
{
    char dir[FS_PATH_MAX];
    struct fs_lock lock = {0};
    enum err_code code = family_dir(run->store, dir, err);
    if (code == ERR_OK)
        code = fs_mkdirs(dir, err);
    if (code == ERR_OK)
        code = lock_family(dir, &lock, err);
    if (code == ERR_OK)
        code = write_locked(run, dir, m, err);
    fs_unlock(&lock);
    return code;
}

static enum err_code fit_and_write(struct run *run, struct err *err)
{
    struct recommend_model m;
    int64_t at_ns = clock_mono_ns();
    begin_step(run, 0.95, "fitting on everything");
    enum err_code code = fit(run, 0, &run->o->params, &m, err);
    if (code != ERR_OK)
        return code;
    run->r->fit_s = since(&at_ns);
    run->r->products = m.rows;
    run->r->shoppers = m.users;
    run->r->dim = m.dim;
    run->r->cells = m.vectors.cells;
    m.meta = STR_LIT("{}");
    begin_step(run, 1, "writing");
    run->r->seconds = (double)(at_ns - run->begin_ns) / 1e9;
    code = write_version(run, &m, err);
    run->r->write_s = since(&at_ns);
    run->r->seconds += run->r->write_s;
    recommend_fit_release(&m);
    return code;
}

static enum err_code open_shop(struct run *run, struct err *err)
{
    struct engine_options o = {.shop = run->o->shop, .frozen = true};
    enum err_code code = engine_open(run->store, &o, &run->engine, err);
    if (code == ERR_OK)
        run->view = engine_view(run->engine);
    return code;
}

/* What can be taken over from the version that serves, and whether there is anything to do. */
static enum err_code begin_refit(struct run *run, struct train_options *own, struct err *err)
{
    struct refit_report *r = &run->r->refit;
    enum err_code code =
        refit_carry(run->store, &run->live, own->weights, own->until, &run->ranker, r, err);
    if (code != ERR_OK || r->why[0])
        return code;
    own->params = run->live.params;
    refit_due(&run->it, &run->live, r);
    return ERR_OK;
}

/* Everything from the parameters to the files. */
static enum err_code learn(struct run *run, struct train_options *own, struct err *err)
{
    struct train_result *r = run->r;
    int64_t at_ns = clock_mono_ns();
    enum err_code code = ERR_OK;
    if (own->search_s > 0 && !train_is_refit(r))
        code = search(run, own, err);
    r->search_s = since(&at_ns);
    if (code == ERR_OK)
        code = evaluate(run, err);
    r->evaluate_s = since(&at_ns);
    if (code == ERR_OK)
        code = learn_ranker(run, err);
    r->ranker_s = since(&at_ns);
    return code == ERR_OK ? fit_and_write(run, err) : code;
}

enum err_code recommend_train(struct store *store, const struct train_options *o,
                              struct train_result *out, struct err *err)
{
    struct derive_options derive = derive_defaults();
    struct train_options own = *o;
    struct run run = {.store = store, .o = &own, .r = out};
    int64_t at_ns = run.begin_ns = clock_mono_ns();
    *out = (struct train_result){0};
    buf_init(&run.ranker, RANKER_BYTES_MAX);
    /* The calling thread works too, so one thread less makes as many lanes. */
    enum err_code code =
        o->threads == 1 ? ERR_OK
                        : pool_new(&run.pool, "train", o->threads ? o->threads - 1 : 0, 64, err);
    derive.guests = true; /* a guest's order is a basket */
    derive.until = o->until;
    derive.progress = tell;
    derive.progress_arg = &run;
    begin_step(&run, 0.1, "reading");
    if (code == ERR_OK)
        code = derive_interactions(store, &derive, &run.it, &out->acts, err);
    out->derive_s = since(&at_ns);
    if (code == ERR_OK && run.it.len == 0)
        code = err_set(err, ERR_INVALID, "there are no events or orders to learn from");
    if (code == ERR_OK)
        code = open_shop(&run, err);
    if (code == ERR_OK)
        code = content_catalogue_read(store, &run.catalogue, err);
    if (code == ERR_OK)
        code = live_model_open(store, &run.live, err);
    out->open_s = since(&at_ns);
    if (code == ERR_OK && o->refit)
        code = begin_refit(&run, &own, err);
    if (code == ERR_OK && out->refit.skipped)
        out->seconds = (double)(clock_mono_ns() - run.begin_ns) / 1e9;
    else if (code == ERR_OK)
        code = learn(&run, &own, err);
    buf_release(&run.ranker);
    recommend_fit_release(&run.before);
    live_model_close(&run.live);
    view_unref(run.view);
    engine_close(run.engine);
    interactions_release(&run.it);
    content_catalogue_release(&run.catalogue);
    pool_free(run.pool);
    return code;
}

/* --- publishing ------------------------------------------------------------------------------ */

struct registration {
    struct model_version version;
    bool publish, force;
};

static enum err_code register_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct registration *g = arg;
    enum err_code code = model_put(tx, &g->version, err);
    if (code == ERR_OK && g->publish)
        code = model_publish(tx, g->version.family, g->version.version, g->force, err);
    return code;
}

/* Is it the file that the manifest tells of? path receives its name. */
static enum err_code verify_sum(const char *dir, const char *name, const struct manifest_file *said,
                                char path[FS_PATH_MAX], struct err *err)
{
    char hash[20];
    struct fs_map map;
    enum err_code code = fs_join(path, dir, name, err);
    if (code == ERR_OK)
        code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)XXH3_64bits(map.data, map.bytes));
    bool same = (int64_t)map.bytes == said->bytes && str_is(said->xxh3, hash);
    fs_map_close(&map);
    return same ? ERR_OK : err_set(err, ERR_CORRUPT, "%s is not the file of its manifest", path);
}

/* The files must be what the manifest says, readable, and of this program's features, before anybody serves
 * them. */
static enum err_code verify_files(const char *dir, const struct manifest *m, struct err *err)
{
    char path[FS_PATH_MAX];
    struct recommend_model model;
    struct ranker ranker;
    enum err_code code = verify_sum(dir, MODEL_FILE, &m->model, path, err);
    if (code == ERR_OK)
        code = recommend_model_open(path, true, &model, err);
    if (code != ERR_OK)
        return code;
    recommend_model_close(&model);
    if (m->ranker.bytes == 0)
        return ERR_OK;
    code = verify_sum(dir, RANKER_FILE, &m->ranker, path, err);
    if (code == ERR_OK)
        code = ranker_open(path, &ranker, err);
    if (code != ERR_OK)
        return code;
    code = features_check(&ranker, err);
    ranker_release(&ranker);
    return code;
}

enum err_code recommend_publish(struct store *store, const char *version, bool force,
                                bool *published, struct err *err)
{
    char family[FS_PATH_MAX], dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct buf text;
    struct arena arena;
    struct manifest m;
    buf_init(&text, MANIFEST_MAX);
    arena_init(&arena, 0, MANIFEST_MAX);
    enum err_code code = family_dir(store, family, err);
    if (code == ERR_OK)
        code = fs_join(dir, family, version, err);
    if (code == ERR_OK)
        code = fs_join(path, dir, MANIFEST_FILE, err);
    if (code == ERR_OK)
        code = fs_read_file(path, MANIFEST_MAX, &text, err);
    if (code == ERR_OK)
        code = manifest_parse(buf_str(&text), &arena, &m, err);
    if (code == ERR_OK)
        code = verify_files(dir, &m, err);
    if (code == ERR_OK) {
        struct registration g = {.version = {.family = STR_LIT("recommend"),
                                             .version = str_of(version),
                                             .state = m.passed ? MODEL_PASSED : MODEL_REJECTED,
                                             .manifest = buf_str(&text)},
                                 .publish = m.passed || force,
                                 .force = force};
        code = store_write(store, register_job, &g, err);
        if (code == ERR_OK && published)
            *published = g.publish;
    }
    buf_release(&text);
    arena_release(&arena);
    return code;
}

/* --- clearing -------------------------------------------------------------------------------- */

struct old_version {
    char version[VERSION_SIZE];
    bool named; /* by an experiment, for which it stays */
};

struct clearing {
    size_t keep, seen, len;
    struct old_version old[256];
};

static enum err_code find_old(struct db *db, struct clearing *c, struct err *err)
{
    struct db_rows rows = {0};
    struct model_version m;
    struct arena arena;
    char previous[VERSION_SIZE] = "";
    bool more;
    arena_init(&arena, 0, 1 << 20);
    enum err_code code = model_live(db, STR_LIT("recommend"), &arena, &m, err);
    if (code == ERR_OK)
        snprintf(previous, sizeof previous, "%.*s", STR_ARG(m.previous));
    else if (code == ERR_NOT_FOUND)
        code = ERR_OK;
    if (code == ERR_OK)
        code = models_list(db, STR_LIT("recommend"), &rows, err);
    while (code == ERR_OK && (code = models_next(&rows, &m, &more, err)) == ERR_OK && more)
        if (c->seen++ >= c->keep && !m.live && !str_is(m.version, previous) && c->len < 256)
            snprintf(c->old[c->len++].version, VERSION_SIZE, "%.*s", STR_ARG(m.version));
    db_rows_close(&rows);
    arena_release(&arena);
    return code;
}

static enum err_code forget_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct old_version *old = arg;
    enum err_code code = experiments_name_version(tx->db, str_of(old->version), &old->named, err);
    if (code != ERR_OK || old->named)
        return code;
    return model_delete(tx, STR_LIT("recommend"), str_of(old->version), err);
}

enum err_code recommend_gc(struct store *store, size_t keep, size_t *removed, struct err *err)
{
    char family[FS_PATH_MAX], dir[FS_PATH_MAX];
    struct clearing c = {.keep = keep};
    struct db *db;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = find_old(db, &c, err);
    store_read_end(store, db);
    if (code == ERR_OK)
        code = family_dir(store, family, err);
    size_t gone = 0;
    for (size_t i = 0; i < c.len && code == ERR_OK; i++) {
        code = store_write(store, forget_job, &c.old[i], err);
        if (code != ERR_OK || c.old[i].named)
            continue;
        code = fs_join(dir, family, c.old[i].version, err);
        if (code == ERR_OK)
            code = fs_remove_tree(dir, err);
        gone += code == ERR_OK;
    }
    if (removed)
        *removed = gone;
    return code;
}

void train_result_json(const struct train_result *r, struct json_writer *w)
{
    jw_obj(w);
    JW_Z(w, "version", r->version[0] ? r->version : NULL);
    if (r->refit.asked) {
        JW_KEY(w, "refit");
        refit_json(&r->refit, r->gates.live, r->seconds, w);
    }
    JW_BOOL(w, "passed", r->gates.passed);
    JW_Z(w, "verdict", r->gates.verdict);
    JW_KEY(w, "gates");
    gates_json(&r->gates, w);
    JW_U64(w, "acts", r->acts.kept);
    JW_KEY(w, "derived");
    derive_report_json(&r->acts, w);
    JW_U64(w, "products", r->products);
    JW_U64(w, "shoppers", r->shoppers);
    JW_U64(w, "dim", r->dim);
    JW_U64(w, "cells", r->cells);
    JW_OBJ(w, "metrics");
    recommend_evaluation_json(&r->evaluation, w);
    jw_obj_end(w);
    if (r->ranker.trees) {
        JW_KEY(w, "ranker");
        ranker_report_json(&r->ranker, w);
    }
    if (r->search.len) {
        JW_KEY(w, "search");
        search_json(&r->search, w);
    }
    JW_DECIMAL(w, "derive_s", r->derive_s, 3);
    JW_DECIMAL(w, "open_s", r->open_s, 3);
    JW_DECIMAL(w, "search_s", r->search_s, 3);
    JW_DECIMAL(w, "evaluate_s", r->evaluate_s, 3);
    JW_DECIMAL(w, "ranker_s", r->ranker_s, 3);
    JW_DECIMAL(w, "fit_s", r->fit_s, 3);
    JW_DECIMAL(w, "write_s", r->write_s, 3);
    JW_DECIMAL(w, "seconds", r->seconds, 3);
    jw_obj_end(w);
}
