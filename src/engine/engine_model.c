/* engine_model.c - the published model of the family "recommend", into the next view. */
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/models.h"

/* Shopper state older than the model by this much is dropped when it is swapped in: what the model
 * saw is in its histories. The margin keeps acts that arrived late. */
#define TRIM_MARGIN_US (2 * CLOCK_US_PER_DAY)

static enum err_code read_ranker(const struct engine *e, struct served_model *m, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    snprintf(path, sizeof path, "%s/models/recommend/%s/" RANKER_FILE, store_dir(e->store),
             m->version);
    enum err_code code = fs_stat(path, &info, err);
    if (code != ERR_OK || !info.exists)
        return code;
    m->ranker = MEM_NEW(struct ranker);
    code = ranker_open(path, m->ranker, err);
    if (code != ERR_OK) {
        mem_free(m->ranker);
        m->ranker = NULL;
    }
    return code;
}

/* A version may have none, and is served without one that cannot be read: the other order is there all the same. */
static void open_ranker(const struct engine *e, struct served_model *m)
{
    struct err err;
    if (read_ranker(e, m, &err) == ERR_OK)
        return;
    snprintf(m->ranker_error, sizeof m->ranker_error, "%s", err.msg);
    log_warn("the version serves without its ranker", LOG_Z("version", m->version),
             LOG_ERR_TEXT(&err));
}

static enum err_code open_version(struct engine *e, struct str version, struct served_model **out,
                                  struct err *err)
{
    char path[FS_PATH_MAX];
    struct served_model *m = MEM_NEW(struct served_model);
    m->refs = 1;
    snprintf(m->version, sizeof m->version, "%.*s", STR_ARG(version));
    snprintf(path, sizeof path, "%s/models/recommend/%s/recommend.model", store_dir(e->store),
             m->version);
    enum err_code code = recommend_model_open(path, false, &m->recommend, err);
    if (code != ERR_OK) {
        mem_free(m);
        return code;
    }
    open_ranker(e, m);
    *out = m;
    return ERR_OK;
}

static enum err_code published_version(struct db *db, struct arena *arena, struct str *version,
                                       struct err *err)
{
    struct model_version live;
    enum err_code code = model_live(db, STR_LIT("recommend"), arena, &live, err);
    *version = code == ERR_OK ? live.version : (struct str){NULL, 0};
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The version to serve (empty: none) and where the log ends. */
static enum err_code read_register(struct engine *e, struct arena *arena, struct str *version,
                                   int64_t *newest, struct err *err)
{
    struct db *db;
    int64_t oldest;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = published_version(db, arena, version, err);
    if (code == ERR_OK)
        code = changes_range(db, &oldest, newest, err);
    store_read_end(e->store, db);
    return code;
}

static void trim_acts(struct engine *e, int64_t trained_at)
{
    int64_t now = clock_now_us();
    trained_at = trained_at < now ? trained_at : now;
    if (trained_at > TRIM_MARGIN_US)
        users_trim(e->users, trained_at - TRIM_MARGIN_US);
}

/* Put it into the next view. A model of another shop, or of a later state of this one than its
 * store has, may claim to know acts that are yet to come: it knows none beyond newest. */
static void serve(struct engine *e, struct served_model *model, int64_t newest)
{
    int64_t trained_at = model ? model->recommend.trained_at : 0;
    int64_t position = model ? model->recommend.position : 0;
    pthread_mutex_lock(&e->build_lock);
    struct view *next = next_view(e);
    /* What the model before did not know stays, so that rolling back to it loses nothing. */
    if (next->model && next->model->recommend.trained_at < trained_at)
        trained_at = next->model->recommend.trained_at;
    served_model_unref(next->model);
    next->model = model;
    newcomers_unref(next->newcomers); /* they stand among the other model's factors */
    next->newcomers = NULL;
    e->newcomers_stale = true;
    publish_view(e, next);
    pthread_mutex_unlock(&e->build_lock);
    e->model_position = position < newest ? position : newest;
    e->shelves_stale = true;
    trim_acts(e, trained_at);
}

void forget_known_acts(struct engine *e)
{
    if (e->view->model)
        trim_acts(e, e->view->model->recommend.trained_at);
}

enum err_code load_model(struct engine *e, struct err *err)
{
    struct arena arena;
    struct str version;
    struct served_model *model = NULL;
    int64_t newest;
    arena_init(&arena, 0, 16 << 20);
    enum err_code code = read_register(e, &arena, &version, &newest, err);
    if (code != ERR_OK)
        goto out;
    struct view *now = engine_view(e);
    bool same = str_is(version, now->model ? now->model->version : "");
    view_unref(now);
    if (same)
        goto out;
    if (version.n) {
        code = open_version(e, version, &model, err); /* reads the whole file: no transaction */
        if (code != ERR_OK)
            goto out;
    }
    serve(e, model, newest);
out:
    arena_release(&arena);
    return code;
}
