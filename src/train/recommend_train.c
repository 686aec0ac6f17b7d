#include "train/recommend_train.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json_reader.h"
#include "store/models.h"

enum { EVALUATE_K = 10, USERS_MAX_DEFAULT = 20000, MANIFEST_MAX = 64 << 10 };

#define TEST_SHARE_DEFAULT 0.2

static const char MODEL_FILE[] = "recommend.model";
static const char MANIFEST_FILE[] = "manifest.json";

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

/* --- the manifest ---------------------------------------------------------------------------- */

static void write_params(struct json_writer *w, const struct recommend_params *p)
{
    JW_OBJ(w, "parameters");
    JW_U64(w, "dim", p->dim);
    JW_DOUBLE(w, "alpha", (double)p->alpha);
    JW_DOUBLE(w, "regularisation", (double)p->regularisation);
    JW_U64(w, "iterations", p->iterations);
    JW_U64(w, "neighbours", p->neighbours);
    JW_DOUBLE(w, "shrink", (double)p->shrink);
    JW_DOUBLE(w, "half_life_days", (double)p->half_life_days);
    JW_U64(w, "seed", p->seed);
    jw_obj_end(w);
}

static void write_data(struct json_writer *w, const struct interactions *it,
                       const struct recommend_model *m)
{
    JW_OBJ(w, "data");
    JW_U64(w, "acts", it->len);
    JW_U64(w, "products", m->rows);
    JW_U64(w, "shoppers", m->users);
    JW_TIME(w, "from", it->first_time);
    JW_TIME(w, "to", it->last_time);
    JW_I64(w, "position", m->position);
    jw_obj_end(w);
}

static enum err_code write_manifest(const char *dir, const char *version,
                                    const struct train_options *o, const struct interactions *it,
                                    const struct recommend_model *m, const struct train_result *r,
                                    struct err *err)
{
    char model_path[FS_PATH_MAX], path[FS_PATH_MAX], hash[20];
    struct fs_map map;
    struct buf text;
    struct json_writer w;
    enum err_code code = fs_join(model_path, dir, MODEL_FILE, err);
    if (code == ERR_OK)
        code = fs_join(path, dir, MANIFEST_FILE, err);
    if (code == ERR_OK)
        code = fs_map_open(&map, model_path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)XXH3_64bits(map.data, map.bytes));
    buf_init(&text, MANIFEST_MAX);
    jw_init(&w, &text);
    jw_obj(&w);
    JW_Z(&w, "family", "recommend");
    JW_Z(&w, "version", version);
    JW_TIME(&w, "trained_at", m->trained_at);
    write_params(&w, &o->params);
    write_data(&w, it, m);
    JW_OBJ(&w, "metrics");
    recommend_evaluation_json(&r->evaluation, &w);
    jw_obj_end(&w);
    JW_BOOL(&w, "passed", r->passed);
    JW_Z(&w, "verdict", r->verdict);
    JW_OBJ(&w, "files");
    JW_OBJ(&w, "recommend.model");
    JW_U64(&w, "bytes", map.bytes);
    JW_Z(&w, "xxh3", hash);
    jw_obj_end(&w);
    jw_obj_end(&w);
    jw_obj_end(&w);
    fs_map_close(&map);
    code = jw_end(&w, "the manifest", err);
    if (code == ERR_OK)
        code = fs_write_file_atomic(path, text.data, text.len, err);
    buf_release(&text);
    return code;
}

/* What a manifest says that publishing needs. */
struct manifest {
    struct str text;
    bool passed;
    double ndcg_low, ndcg_high; /* 0 and 0: not measured */
    int64_t bytes;
    struct str xxh3;
};

static void read_interval(struct json_reader *r, struct manifest *m)
{
    struct str key;
    if (jr_obj(r))
        while (jr_key(r, &key)) {
            if (str_is(key, "low"))
                jr_double(r, &m->ndcg_low);
            else if (str_is(key, "high"))
                jr_double(r, &m->ndcg_high);
        }
}

static void read_file_entry(struct json_reader *r, struct manifest *m)
{
    struct str key, inner;
    if (jr_obj(r))
        while (jr_key(r, &key))
            if (str_is(key, MODEL_FILE) && jr_obj(r))
                while (jr_key(r, &inner)) {
                    if (str_is(inner, "bytes"))
                        jr_i64(r, 0, INT64_MAX, &m->bytes);
                    else if (str_is(inner, "xxh3"))
                        jr_str(r, &m->xxh3);
                }
}

static enum err_code parse_manifest(struct str text, struct arena *arena, struct manifest *m,
                                    struct err *err)
{
    struct json_reader r;
    struct str key, inner;
    *m = (struct manifest){.text = text};
    jr_init(&r, text, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key)) {
            if (str_is(key, "passed"))
                jr_bool(&r, &m->passed);
            else if (str_is(key, "files"))
                read_file_entry(&r, m);
            else if (str_is(key, "metrics") && jr_obj(&r))
                while (jr_key(&r, &inner))
                    if (str_is(inner, "ndcg"))
                        read_interval(&r, m);
        }
    enum err_code code = jr_end(&r, err);
    return code == ERR_OK ? code : err_set(err, ERR_CORRUPT, "manifest: %s", err ? err->msg : "");
}

/* --- gates ----------------------------------------------------------------------------------- */

static enum err_code live_interval(struct store *store, double *low, struct err *err)
{
    struct db *db;
    struct arena arena;
    struct model_version live;
    struct manifest m;
    *low = 0;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    arena_init(&arena, 0, 1 << 20);
    code = model_live(db, STR_LIT("recommend"), &arena, &live, err);
    if (code == ERR_OK && parse_manifest(live.manifest, &arena, &m, NULL) == ERR_OK)
        *low = m.ndcg_low;
    if (code == ERR_NOT_FOUND)
        code = ERR_OK;
    arena_release(&arena);
    store_read_end(store, db);
    return code;
}

static enum err_code judge(struct store *store, struct train_result *r, struct err *err)
{
    const struct recommend_evaluation *e = &r->evaluation;
    double live_low;
    enum err_code code = live_interval(store, &live_low, err);
    if (code != ERR_OK)
        return code;
    r->passed = true;
    if (e->users < GATE_USERS_MIN) {
        snprintf(r->verdict, sizeof r->verdict,
                 "only %zu shoppers to measure: nothing to be sure of", e->users);
    } else if (e->gain.high < 0) {
        r->passed = false;
        snprintf(r->verdict, sizeof r->verdict, "NDCG@%zu %.4f is below popularity's %.4f", e->k,
                 e->factors.ndcg, e->popularity.ndcg);
    } else if (e->ndcg.high < live_low) {
        r->passed = false;
        snprintf(r->verdict, sizeof r->verdict,
                 "NDCG@%zu at most %.4f is below the live model's at least %.4f", e->k,
                 e->ndcg.high, live_low);
    } else {
        snprintf(r->verdict, sizeof r->verdict, "NDCG@%zu %.4f, popularity %.4f, over %zu shoppers",
                 e->k, e->factors.ndcg, e->popularity.ndcg, e->users);
    }
    return ERR_OK;
}

/* --- training -------------------------------------------------------------------------------- */

struct run {
    struct store *store;
    const struct train_options *o;
    struct pool *pool;
    struct interactions it;
    struct train_result *r;
};

static void tell(const struct run *run, double done, const char *what)
{
    if (run->o->progress)
        run->o->progress(run->o->progress_arg, done, what);
}

static double since(int64_t *from_ns)
{
    int64_t now = clock_mono_ns();
    double s = (double)(now - *from_ns) / 1e9;
    *from_ns = now;
    return s;
}

static enum err_code evaluate(struct run *run, struct err *err)
{
    const struct train_options *o = run->o;
    struct recommend_model m;
    int64_t split;
    double share = o->test_share > 0 ? o->test_share : TEST_SHARE_DEFAULT;
    enum err_code code = recommend_split(&run->it, 1 - share, &split, err);
    if (code == ERR_OK)
        code = recommend_fit(&run->it, split, &o->params, run->pool, &m, err);
    if (code == ERR_INVALID && run->it.len) {
        run->r->evaluation = (struct recommend_evaluation){.k = EVALUATE_K, .split = split};
        return ERR_OK; /* all acts are at one moment: nothing came before */
    }
    if (code != ERR_OK)
        return code;
    code = recommend_evaluate(&run->it, split, &m, EVALUATE_K,
                              o->users_max ? o->users_max : USERS_MAX_DEFAULT, o->params.seed,
                              &run->r->evaluation, err);
    recommend_fit_release(&m);
    return code;
}

static enum err_code write_version(struct run *run, const struct recommend_model *m,
                                   struct err *err)
{
    char dir[FS_PATH_MAX], aside[FS_PATH_MAX], final[FS_PATH_MAX], path[FS_PATH_MAX];
    enum err_code code = family_dir(run->store, dir, err);
    if (code == ERR_OK)
        code = fs_mkdirs(dir, err);
    if (code == ERR_OK)
        code = new_version(dir, run->r->version, err);
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
    if (code == ERR_OK)
        code = write_manifest(aside, run->r->version, run->o, &run->it, m, run->r, err);
    if (code == ERR_OK)
        code = fs_join(final, dir, run->r->version, err);
    return code == ERR_OK ? fs_rename(aside, final, err) : code;
}

static enum err_code fit_and_write(struct run *run, struct err *err)
{
    struct recommend_model m;
    int64_t at_ns = clock_mono_ns();
    tell(run, 0.5, "fitting on everything");
    enum err_code code = recommend_fit(&run->it, INT64_MAX, &run->o->params, run->pool, &m, err);
    if (code != ERR_OK)
        return code;
    run->r->fit_s = since(&at_ns);
    run->r->products = m.rows;
    run->r->shoppers = m.users;
    run->r->dim = m.dim;
    run->r->cells = m.vectors.cells;
    m.meta = STR_LIT("{}");
    tell(run, 0.95, "writing");
    code = write_version(run, &m, err);
    run->r->write_s = since(&at_ns);
    recommend_fit_release(&m);
    return code;
}

enum err_code recommend_train(struct store *store, const struct train_options *o,
                              struct train_result *out, struct err *err)
{
    struct derive_options derive = derive_defaults();
    struct run run = {.store = store, .o = o, .r = out};
    int64_t at_ns = clock_mono_ns();
    *out = (struct train_result){0};
    /* The calling thread works too, so one thread less makes as many lanes. */
    enum err_code code =
        o->threads == 1 ? ERR_OK
                        : pool_new(&run.pool, "train", o->threads ? o->threads - 1 : 0, 64, err);
    derive.guests = true; /* a guest's order is a basket */
    derive.until = o->until;
    tell(&run, 0, "reading");
    if (code == ERR_OK)
        code = derive_interactions(store, &derive, &run.it, &out->acts, err);
    out->derive_s = since(&at_ns);
    tell(&run, 0.2, "measuring");
    if (code == ERR_OK && run.it.len == 0)
        code = err_set(err, ERR_INVALID, "there are no events or orders to learn from");
    if (code == ERR_OK)
        code = evaluate(&run, err);
    out->evaluate_s = since(&at_ns);
    if (code == ERR_OK)
        code = judge(store, out, err);
    if (code == ERR_OK)
        code = fit_and_write(&run, err);
    interactions_release(&run.it);
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

/* The file must be what the manifest says, and readable as a model, before anybody serves it. */
static enum err_code verify_file(const char *dir, const struct manifest *m, struct err *err)
{
    char path[FS_PATH_MAX], hash[20];
    struct fs_map map;
    struct recommend_model model;
    enum err_code code = fs_join(path, dir, MODEL_FILE, err);
    if (code == ERR_OK)
        code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)XXH3_64bits(map.data, map.bytes));
    bool same = (int64_t)map.bytes == m->bytes && str_is(m->xxh3, hash);
    fs_map_close(&map);
    if (!same)
        return err_set(err, ERR_CORRUPT, "%s is not the file of its manifest", path);
    code = recommend_model_open(path, true, &model, err);
    if (code == ERR_OK)
        recommend_model_close(&model);
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
        code = parse_manifest(buf_str(&text), &arena, &m, err);
    if (code == ERR_OK)
        code = verify_file(dir, &m, err);
    if (code == ERR_OK) {
        struct registration g = {.version = {.family = STR_LIT("recommend"),
                                             .version = str_of(version),
                                             .state = m.passed ? MODEL_PASSED : MODEL_REJECTED,
                                             .manifest = m.text},
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
    const struct old_version *old = arg;
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
    for (size_t i = 0; i < c.len && code == ERR_OK; i++) {
        code = store_write(store, forget_job, &c.old[i], err);
        if (code == ERR_OK)
            code = fs_join(dir, family, c.old[i].version, err);
        if (code == ERR_OK)
            code = fs_remove_tree(dir, err);
    }
    if (removed)
        *removed = c.len;
    return code;
}

void train_result_json(const struct train_result *r, struct json_writer *w)
{
    jw_obj(w);
    JW_Z(w, "version", r->version);
    JW_BOOL(w, "passed", r->passed);
    JW_Z(w, "verdict", r->verdict);
    JW_U64(w, "acts", r->acts.kept);
    JW_U64(w, "products", r->products);
    JW_U64(w, "shoppers", r->shoppers);
    JW_U64(w, "dim", r->dim);
    JW_U64(w, "cells", r->cells);
    JW_OBJ(w, "metrics");
    recommend_evaluation_json(&r->evaluation, w);
    jw_obj_end(w);
    JW_DECIMAL(w, "derive_s", r->derive_s, 3);
    JW_DECIMAL(w, "evaluate_s", r->evaluate_s, 3);
    JW_DECIMAL(w, "fit_s", r->fit_s, 3);
    JW_DECIMAL(w, "write_s", r->write_s, 3);
    jw_obj_end(w);
}
