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

enum err_code open_version(struct engine *e, struct str version, bool checksums,
                           struct served_model **out, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    struct served_model *m = MEM_NEW(struct served_model);
    m->refs = 1;
    snprintf(m->version, sizeof m->version, "%.*s", STR_ARG(version));
    snprintf(path, sizeof path, "%s/models/recommend/%s/recommend.model", store_dir(e->store),
             m->version);
    enum err_code code = recommend_model_open(path, checksums, &m->recommend, err);
    if (code != ERR_OK) {
        mem_free(m);
        return code;
    }
    code = fs_stat(path, &info, err);
    if (code != ERR_OK) {
        served_model_unref(m);
        return code;
    }
    m->bytes = info.bytes;
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

/* --- acts that models know ------------------------------------------------------------------- */

/* What the one of several models that knows least has seen. */
struct known {
    int64_t position, trained_at;
};

static const struct known everything = {INT64_MAX, INT64_MAX};

static void know_no_more(struct known *k, const struct served_model *m)
{
    if (m->recommend.position < k->position)
        k->position = m->recommend.position;
    if (m->recommend.trained_at < k->trained_at)
        k->trained_at = m->recommend.trained_at;
}

static struct known known_to_all(const struct view *v)
{
    struct known k = everything;
    if (v->model)
        know_no_more(&k, v->model);
    for (size_t i = 0; i < v->versions_len; i++)
        know_no_more(&k, v->versions[i]->model);
    return k;
}

enum err_code know_acts_since(struct engine *e, const struct served_model *m, struct err *err)
{
    int64_t position = m ? m->recommend.position : 0;
    if (!e->replayed || position >= e->acts_since)
        return ERR_OK;
    enum err_code code = reread_acts(e, position, e->acts_since, err);
    if (code == ERR_OK)
        e->acts_since = position;
    return code;
}

/* A model of another shop, or of a later state of this one than its store has, may claim to know
 * acts that are yet to come: it knows none beyond what the log had as it was loaded. */
void note_known_acts(struct engine *e, int64_t newest)
{
    int64_t position = e->view->model ? known_to_all(e->view).position : 0;
    e->model_position = position < newest ? position : newest;
}

static void trim_acts(struct engine *e, struct known k)
{
    int64_t now = clock_now_us();
    int64_t trained_at = k.trained_at < now ? k.trained_at : now;
    if (k.trained_at == INT64_MAX || trained_at <= TRIM_MARGIN_US)
        return;
    users_trim(e->users, trained_at - TRIM_MARGIN_US);
    if (e->acts_since < k.position)
        e->acts_since = k.position;
}

void forget_known_acts(struct engine *e)
{
    trim_acts(e, known_to_all(e->view));
}

/* --- the published version ------------------------------------------------------------------- */

static bool is_named(const struct engine *e, const char *version)
{
    for (size_t i = 0; e->experiments && i < e->experiments->versions_len; i++)
        if (str_is(e->experiments->versions[i], version))
            return true;
    return false;
}

/* A version that an experiment names goes on beside the one that takes its place. */
static void keep_named(struct engine *e, struct view *next)
{
    if (next->model && next->versions_len < VIEW_VERSIONS_MAX &&
        is_named(e, next->model->version) &&
        view_of_version(next, str_of(next->model->version)) == next)
        next->versions[next->versions_len++] = copy_view(next);
}

static void serve(struct engine *e, struct served_model *model, int64_t newest)
{
    pthread_mutex_lock(&e->build_lock);
    struct view *next = next_view(e);
    /* What the models before did not know stays, so that rolling back to them loses nothing. */
    struct known k = known_to_all(next);
    if (model)
        know_no_more(&k, model);
    keep_named(e, next);
    served_model_unref(next->model);
    next->model = model;
    renew_newcomers(e, next); /* they stood among the other model's factors */
    shelve(next, clock_now_us(), INT64_MAX);
    publish_view(e, next);
    note_known_acts(e, newest);
    pthread_mutex_unlock(&e->build_lock);
    e->shelves_stale = true;
    if (model)
        trim_acts(e, k);
}

/* A version that serves an experiment is there already. */
static enum err_code find_or_open(struct engine *e, struct str version, struct served_model **out,
                                  struct err *err)
{
    *out = kept_version(e, version);
    return *out ? ERR_OK : open_version(e, version, false, out, err);
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
        code = find_or_open(e, version, &model, err); /* reads the whole file: no transaction */
        if (code != ERR_OK)
            goto out;
    }
    code = know_acts_since(e, model, err);
    if (code == ERR_OK)
        serve(e, model, newest);
    else
        served_model_unref(model);
out:
    arena_release(&arena);
    return code;
}
